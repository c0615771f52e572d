package discord

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"belay/bot"
)

// unread fails the test if anybody reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestForgedAndStaleRequestsAreTurnedAway(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	r := newRig(t, ModeHTTP, func(c *Config) { c.PublicKey = hex.EncodeToString(key.Public().(ed25519.PublicKey)) })
	sign := func(at time.Time, body string) (stamp, signature string) {
		stamp = strconv.FormatInt(at.Unix(), 10)
		return stamp, hex.EncodeToString(ed25519.Sign(key, []byte(stamp+body)))
	}
	ping := `{"type":1,"id":"1","application_id":"` + appID + `"}`
	now, good := sign(time.Now(), ping)
	old, oldSigned := sign(time.Now().Add(-6*time.Minute), ping)
	ahead, aheadSigned := sign(time.Now().Add(6*time.Minute), ping)
	for name, c := range map[string]struct {
		stamp, signature string
		body             io.Reader
		status           int
	}{
		"Discord's own probe":            {now, good, strings.NewReader(ping), 200},
		"another body":                   {now, good, strings.NewReader(ping + " "), 401},
		"another time":                   {strconv.FormatInt(time.Now().Unix()-1, 10), good, strings.NewReader(ping), 401},
		"too old, though signed":         {old, oldSigned, unread{t}, 401},
		"from the future, though signed": {ahead, aheadSigned, unread{t}, 401},
		"no signature":                   {now, "", unread{t}, 401},
		"half a signature":               {now, good[:64], unread{t}, 401},
		"no hex":                         {now, strings.Repeat("z", 128), unread{t}, 401},
		"no time":                        {"", good, unread{t}, 401},
		"more than a megabyte":           {now, good, bytes.NewReader(make([]byte, maxBody+1)), 413},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodPost, "/discord/interactions", c.body)
			request.Header.Set("X-Signature-Timestamp", c.stamp)
			request.Header.Set("X-Signature-Ed25519", c.signature)
			w := httptest.NewRecorder()
			r.us.Handler().ServeHTTP(w, request)
			if w.Code != c.status || c.status == 401 && w.Body.Len() > 0 {
				t.Errorf("status %d, body %q", w.Code, w.Body)
			}
			if c.status == 200 && (strings.TrimSpace(w.Body.String()) != `{"type":1}` || w.Header().Get("Content-Type") != "application/json") {
				t.Errorf("answered %q as %q", w.Body, w.Header().Get("Content-Type"))
			}
		})
	}
	if r.desk.Waiting() != 0 || r.seen(bot.OutcomeForged) != 8 {
		t.Errorf("%d entries, outcomes %v", r.desk.Waiting(), r.outcomes)
	}
}

func TestAReplayIsAcknowledgedAndDoesNothing(t *testing.T) {
	r := newRig(t, ModeHTTP)
	body := []byte(`{"id":"1042000000000000555","application_id":"` + appID + `","guild_id":"` + guildID + `","type":2,"token":"t","member":{"user":{"id":"` + alice.User + `"},"roles":["77"]},"data":{"name":"pause","options":[{"name":"pause-all","type":1}]}}`)
	for range 2 {
		status, answer, err := r.discord.Post(t.Context(), body, time.Now())
		if err != nil || status != 200 || strings.TrimSpace(string(answer)) != `{"type":5,"data":{"flags":64}}` {
			t.Errorf("status %d, %s, %v", status, answer, err)
		}
	}
	if r.desk.Waiting() != 1 || r.seen(bot.OutcomeDuplicate) != 1 {
		t.Errorf("%d entries, outcomes %v", r.desk.Waiting(), r.outcomes)
	}
	entry, err := r.desk.Next(t.Context())
	must(t, err)
	in, err := r.us.Decode(t.Context(), entry)
	if err != nil || in.Actor.Account() != "discord/"+guildID+"/"+alice.User || len(in.Actor.Groups) != 1 || in.Actor.Groups[0] != "77" {
		t.Errorf("decoded %+v, %v", in.Actor, err)
	}
}

func FuzzTake(f *testing.F) {
	p, err := New(Config{ApplicationID: appID, GuildID: guildID, Token: "t", WarRoom: warRoom}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"id":"1","type":2,"data":{"name":"belay","options":[{"name":"object","type":1,"options":[{"name":"text","type":3,"value":1e400}]}]}}`))
	f.Add([]byte(`{"id":"1","type":3,"member":null,"data":{"custom_id":"belay:object:P-1","components":[{"type":99}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := readInteraction(body)
		if err != nil {
			return
		}
		p.ours(in)
		if c, known := p.command(in); known {
			c.Proposal()
			c.Text()
		}
	})
}
