package discord

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"belay/bot"
)

const (
	maxBody = 1 << 20         // bytes; Discord's own requests stay far below
	maxAge  = 5 * time.Minute // of a signed request; Discord names none, so replays are bounded by us and by the inbox's keys
)

// Handler serves POST /discord/interactions for mode http. A request whose signature or age is wrong gets 401, as Discord
// itself probes for, and nothing in it is looked at.
func (p *Platform) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /discord/interactions", p.serve)
	return mux
}

func (p *Platform) serve(w http.ResponseWriter, r *http.Request) {
	since := time.Now()
	stamp := r.Header.Get("X-Signature-Timestamp")
	signature, err := hex.DecodeString(r.Header.Get("X-Signature-Ed25519"))
	if err != nil || len(signature) != ed25519.SignatureSize || !fresh(stamp, since) || len(p.key) != ed25519.PublicKeySize {
		p.reject(w, since)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLarge != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil || !ed25519.Verify(p.key, append([]byte(stamp), body...), signature) {
		p.reject(w, since)
		return
	}
	in, answer := p.take(r.Context(), body, since)
	defer p.acks.end(in.Token)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)     // the requester is gone if this fails
	_ = http.NewResponseController(w).Flush() // not every writer can; the worker's first try may be early then
}

func (p *Platform) reject(w http.ResponseWriter, since time.Time) {
	p.cfg.Observe.Observe(Name, bot.OutcomeForged, since)
	w.WriteHeader(http.StatusUnauthorized)
}

func fresh(stamp string, now time.Time) bool {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return false
	}
	age := now.Sub(time.Unix(seconds, 0))
	return -maxAge <= age && age <= maxAge
}
