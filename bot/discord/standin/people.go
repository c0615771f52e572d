package standin

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ackWithin is how long Discord waits for an acknowledgement.
const ackWithin = 3 * time.Second

// ErrTimeout is what a person sees when no acknowledgement comes.
var ErrTimeout = errors.New("the application did not respond")

// interaction is one that was delivered. Its fields are guarded by the guild's mu, apart from acked.
type interaction struct {
	id, token, user, channel string
	kind                     int
	deadline                 time.Time
	answered                 bool
	deferred                 bool
	original                 *Message
	acked                    chan json.RawMessage // holds the acknowledgement
}

// Option is a filled-in option of a command; Options makes it a subcommand.
type Option struct {
	Name    string   `json:"name"`
	Type    int      `json:"type"`
	Value   any      `json:"value,omitempty"`
	Focused bool     `json:"focused,omitempty"`
	Options []Option `json:"options,omitempty"`
}

// Sub is a subcommand with text options, given as name, value, name, value.
func Sub(name string, pairs ...string) Option {
	o := Option{Name: name, Type: 1, Options: []Option{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		o.Options = append(o.Options, Option{Name: pairs[i], Type: 3, Value: pairs[i+1]})
	}
	return o
}

// Who acts, and with which roles.
type Who struct {
	User  string
	Roles []string
}

// Slash uses a command in a channel and gives the raw acknowledgement.
func (g *Guild) Slash(ctx context.Context, who Who, channel, name string, options ...Option) (json.RawMessage, error) {
	return g.Deliver(ctx, who, channel, 2, map[string]any{"id": "1000", "name": name, "type": 1, "options": options}, nil)
}

// Complete types into an option of a command and gives what is offered.
func (g *Guild) Complete(ctx context.Context, who Who, channel, name string, options ...Option) ([]string, error) {
	raw, err := g.Deliver(ctx, who, channel, 4, map[string]any{"id": "1000", "name": name, "type": 1, "options": options}, nil)
	if err != nil {
		return nil, err
	}
	var a struct {
		Type int `json:"type"`
		Data struct {
			Choices []struct {
				Value string `json:"value"`
			} `json:"choices"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &a); err != nil || a.Type != 8 {
		return nil, fmt.Errorf("completed with %s", raw)
	}
	var values []string
	for _, c := range a.Data.Choices {
		values = append(values, c.Value)
	}
	return values, nil
}

// Press presses a message's button.
func (g *Guild) Press(ctx context.Context, who Who, m Message, label string) (json.RawMessage, error) {
	b, err := m.Button(label)
	if err != nil {
		return nil, err
	}
	return g.PressAs(ctx, who, m, b.CustomID)
}

// PressAs presses a button with an id of one's own, as an attacker could.
func (g *Guild) PressAs(ctx context.Context, who Who, m Message, customID string) (json.RawMessage, error) {
	return g.Deliver(ctx, who, m.Channel, 3, map[string]any{"custom_id": customID, "component_type": 2}, func(payload map[string]any) {
		payload["message"] = map[string]any{"id": m.ID, "channel_id": m.Channel}
	})
}

// Deliver delivers an interaction of any kind and waits three seconds for its acknowledgement. Change may forge it.
func (g *Guild) Deliver(ctx context.Context, who Who, channel string, kind int, data any, change func(map[string]any)) (json.RawMessage, error) {
	g.mu.Lock()
	in := &interaction{id: g.id(), token: rand.Text() + rand.Text(), user: who.User, channel: channel, kind: kind, deadline: time.Now().Add(ackWithin), acked: make(chan json.RawMessage, 1)}
	g.interactions[in.token] = in
	g.mu.Unlock()
	payload := map[string]any{
		"id": in.id, "application_id": g.o.ApplicationID, "type": kind, "token": in.token, "version": 1, "guild_id": g.o.GuildID, "channel_id": channel,
		"context": 0, "authorizing_integration_owners": map[string]string{"0": g.o.GuildID}, "locale": "en-US", "app_permissions": "0", "entitlements": []any{}, "attachment_size_limit": 1,
		"channel": map[string]any{"id": channel, "type": 0}, "guild": map[string]any{"id": g.o.GuildID, "locale": "en-US", "features": []any{}},
		"member": map[string]any{"user": map[string]any{"id": who.User, "username": "ignored", "discriminator": "0", "global_name": nil, "avatar": nil}, "roles": append([]string{}, who.Roles...), "permissions": "0",
			"joined_at": "2026-01-01T00:00:00Z", "deaf": false, "mute": false, "flags": 0, "nick": nil, "avatar": nil, "pending": false},
		"data": data,
	}
	if change != nil {
		change(payload)
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode interaction: %w", err)
	}
	return g.send(ctx, in, body)
}

func (g *Guild) send(ctx context.Context, in *interaction, body []byte) (json.RawMessage, error) {
	ctx, cancel := context.WithDeadline(ctx, in.deadline)
	defer cancel()
	if g.o.Endpoint == "" {
		if err := g.dispatch("INTERACTION_CREATE", body); err != nil {
			return nil, err
		}
	} else {
		status, raw, err := g.Post(ctx, body, time.Now())
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("deliver: status %d, %w", status, err)
		}
		g.mu.Lock()
		a := g.acknowledge(in, raw)
		g.mu.Unlock()
		if a.status >= 400 {
			return nil, fmt.Errorf("the acknowledgement was refused with %d", a.code)
		}
	}
	select {
	case <-ctx.Done():
		return nil, ErrTimeout
	case raw := <-in.acked:
		return raw, nil
	}
}

// Post sends a signed request to the app.
func (g *Guild) Post(ctx context.Context, body []byte, signedAt time.Time) (status int, answer []byte, err error) {
	stamp := strconv.FormatInt(signedAt.Unix(), 10)
	signature := ed25519.Sign(g.key, append([]byte(stamp), body...))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, g.o.Endpoint+"/discord/interactions", bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Signature-Timestamp", stamp)
	request.Header.Set("X-Signature-Ed25519", hex.EncodeToString(signature))
	response, err := g.web.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("deliver: %w", err)
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if response.StatusCode == http.StatusOK && !strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		return response.StatusCode, answer, errors.New("the answer is not marked as JSON")
	}
	return response.StatusCode, answer, err
}

func (g *Guild) callback(r *http.Request, body []byte) answer {
	in := g.interactions[r.PathValue("token")]
	if in == nil || in.id != r.PathValue("id") || time.Now().After(in.deadline) {
		return refuse(http.StatusNotFound, codeUnknownInteraction)
	}
	if in.answered {
		return refuse(http.StatusBadRequest, codeAcknowledged)
	}
	a := g.acknowledge(in, body)
	if a.status == 0 && r.URL.Query().Get("with_response") == "true" {
		return good(map[string]any{"interaction": map[string]any{"id": in.id, "type": in.kind}, "resource": map[string]any{"type": 5}})
	}
	if a.status == 0 {
		return answer{status: http.StatusNoContent}
	}
	return a
}

// acknowledge takes an acknowledgement. The caller holds mu.
func (g *Guild) acknowledge(in *interaction, body []byte) answer {
	var a struct {
		Type int `json:"type"`
		Data struct {
			Flags   int               `json:"flags"`
			Choices []json.RawMessage `json:"choices"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return g.invalid("acknowledgement: " + err.Error())
	}
	var whole struct {
		Data json.RawMessage `json:"data"`
	}
	_ = json.Unmarshal(body, &whole) // it is JSON: it was read above
	switch {
	case a.Type == 8 && in.kind == 4:
		if len(a.Data.Choices) > 25 {
			return g.invalid("more than 25 choices")
		}
	case a.Type == 4 && in.kind != 4:
		m, refused := g.readMessage("IncomingWebhookUpdateRequestPartial", whole.Data)
		if refused.status != 0 {
			return refused
		}
		g.show(in, m, a.Data.Flags)
	case a.Type == 9 && (in.kind == 2 || in.kind == 3): // a form does not answer a form
		form, err := g.readForm(body, whole.Data)
		if err != nil {
			return g.invalid("form: " + err.Error())
		}
		form.User, form.channel = in.user, in.channel
		g.forms = append(g.forms, form)
		g.note()
	case a.Type == 5 && in.kind != 4:
		in.deferred = true
		g.show(in, Message{Content: "thinking…"}, a.Data.Flags)
	default:
		return g.invalid(fmt.Sprintf("acknowledgement of type %d for an interaction of type %d", a.Type, in.kind))
	}
	in.answered = true
	in.acked <- body
	return answer{}
}

// show puts the answer up. The caller holds mu.
func (g *Guild) show(in *interaction, m Message, flags int) {
	m.ID, m.Channel = g.id(), in.channel
	if flags&64 != 0 {
		m.To = in.user
	}
	in.original = &m
	g.messages = append(g.messages, &m)
	g.note()
}

// editOriginal edits the answer, which exists only once the interaction was acknowledged.
func (g *Guild) editOriginal(r *http.Request, body []byte) answer {
	in := g.interactions[r.PathValue("token")]
	if in == nil || r.PathValue("app") != g.o.ApplicationID || in.original == nil {
		return refuse(http.StatusNotFound, codeUnknownWebhook)
	}
	m, a := g.readMessage("IncomingWebhookUpdateRequestPartial", body)
	if a.status != 0 {
		return a
	}
	g.replace(in.original, m)
	return good(g.view(*in.original))
}

func (g *Guild) getOriginal(r *http.Request, _ []byte) answer {
	in := g.interactions[r.PathValue("token")]
	if in == nil || in.original == nil {
		return refuse(http.StatusNotFound, codeUnknownWebhook)
	}
	return good(g.view(*in.original))
}

func (g *Guild) followUp(r *http.Request, body []byte) answer {
	in := g.interactions[r.PathValue("token")]
	if in == nil || !in.answered {
		return refuse(http.StatusNotFound, codeUnknownWebhook)
	}
	m, a := g.readMessage("IncomingWebhookUpdateRequestPartial", body)
	if a.status != 0 {
		return a
	}
	m.ID, m.Channel, m.To = g.id(), in.channel, in.user
	g.messages = append(g.messages, &m)
	g.note()
	return good(g.view(m))
}
