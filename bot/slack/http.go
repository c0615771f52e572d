package slack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"belay/bot"
)

const (
	maxBody      = 1 << 20         // bytes; Slack's own requests stay far below
	maxAge       = 5 * time.Minute // of a signed request, as Slack's guide says
	signatureTag = "v0"
)

// Handler serves /slack/commands, /slack/interactions and /slack/events for mode http. A request whose signature or age is
// wrong gets 401 and nothing in it is looked at.
func (p *Platform) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /slack/commands", p.verified(p.serveCommand))
	mux.Handle("POST /slack/interactions", p.verified(p.serveInteraction))
	mux.Handle("POST /slack/events", p.verified(p.serveEvent))
	return mux
}

// verified passes on only what Slack signed a moment ago.
func (p *Platform) verified(next func(http.ResponseWriter, *http.Request, []byte, time.Time)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		since := time.Now()
		signature, stamp := r.Header.Get("X-Slack-Signature"), r.Header.Get("X-Slack-Request-Timestamp")
		if !fresh(stamp, since) || len(signature) != len("v0=")+2*sha256.Size || p.cfg.SigningSecret == "" {
			p.reject(w, since)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLarge != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil || !hmac.Equal([]byte(signature), []byte(Sign(p.cfg.SigningSecret, stamp, body))) {
			p.reject(w, since)
			return
		}
		next(w, r, body, since)
	})
}

func (p *Platform) reject(w http.ResponseWriter, since time.Time) {
	p.cfg.Observe.Observe(Name, bot.OutcomeForged, since)
	w.WriteHeader(http.StatusUnauthorized)
}

// Sign computes Slack's request signature, version 0: an HMAC-SHA256 over version, timestamp and raw body.
func Sign(secret bot.Secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write([]byte(signatureTag + ":" + stamp + ":"))
	mac.Write(body)
	return signatureTag + "=" + hex.EncodeToString(mac.Sum(nil))
}

func fresh(stamp string, now time.Time) bool {
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return false
	}
	age := now.Sub(time.Unix(seconds, 0))
	return -maxAge <= age && age <= maxAge
}

func (p *Platform) serveCommand(w http.ResponseWriter, r *http.Request, body []byte, since time.Time) {
	p.acknowledge(w, r, p.take(r.Context(), kindCommand, body, since))
}

func (p *Platform) serveInteraction(w http.ResponseWriter, r *http.Request, body []byte, since time.Time) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("payload") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.acknowledge(w, r, p.take(r.Context(), kindInteraction, []byte(form.Get("payload")), since))
}

// serveEvent answers Slack's proof of address. No event is subscribed to; one that comes all the same is acknowledged, or
// Slack would send it again.
func (p *Platform) serveEvent(w http.ResponseWriter, r *http.Request, body []byte, since time.Time) {
	var event struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	p.cfg.Observe.Observe(Name, bot.OutcomeIgnored, since)
	if event.Type == "url_verification" {
		writeJSON(w, map[string]string{"challenge": event.Challenge})
	}
}

// acknowledge answers the request, whole, before anything else is done for it.
func (p *Platform) acknowledge(w http.ResponseWriter, r *http.Request, answer reply) {
	body := []byte{}
	if answer.body != nil {
		var err error
		if body, err = json.Marshal(answer.body); err != nil {
			p.cfg.Log.Error("encode acknowledgement", "platform", Name, "error", err)
		}
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body))) // or the answer would end only when this function does
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the requester is gone if this fails
	if answer.then != nil {
		_ = http.NewResponseController(w).Flush() // not every writer can; what follows is only later then
		answer.then(context.WithoutCancel(r.Context()))
	}
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the requester is gone if this fails
}
