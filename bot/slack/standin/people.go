package standin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// ackWithin is how long Slack waits for an acknowledgement.
const ackWithin = 3 * time.Second

// ErrTimeout is what a person sees when no acknowledgement comes: "operation_timeout".
var ErrTimeout = errors.New("operation_timeout")

// Slash types a command and gives what it was acknowledged with, which the person sees at once.
func (w *Workspace) Slash(ctx context.Context, user, channel, command, text string) (ack string, err error) {
	if w.o.Scopes != nil && !slices.Contains(w.o.Scopes, "commands") {
		return "", errors.New("invalid_command: the app has none")
	}
	w.mu.Lock()
	form := url.Values{
		"token": {"legacy-do-not-use"}, "team_id": {w.o.Team}, "team_domain": {"standin"}, "channel_id": {channel}, "channel_name": {"war-room"},
		"user_id": {user}, "user_name": {"ignored"}, "command": {command}, "text": {text}, "api_app_id": {"A0BELAY"}, "is_enterprise_install": {"false"},
		"response_url": {w.newResponse(user, channel, "")}, "trigger_id": {w.newTrigger(user)},
	}
	w.mu.Unlock()
	return w.Deliver(ctx, user, channel, form)
}

// Deliver delivers a command as it is, also one that is forged or repeated.
func (w *Workspace) Deliver(ctx context.Context, user, channel string, form url.Values) (ack string, err error) {
	body, err := w.send(ctx, "/slack/commands", "slash_commands", form)
	if err != nil || len(bytes.TrimSpace(body)) == 0 {
		return "", err
	}
	var answer struct {
		ResponseType string          `json:"response_type"`
		Text         string          `json:"text"`
		Blocks       json.RawMessage `json:"blocks"`
	}
	if json.Unmarshal(body, &answer) != nil {
		answer.Text = string(body)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if code := w.judgeContent(answer.Text, string(answer.Blocks)); code != "" {
		return "", errors.New(code)
	}
	w.add(Message{Channel: channel, To: user, Text: answer.Text, Blocks: answer.Blocks})
	return answer.Text, nil
}

// Press presses a button of a message.
func (w *Workspace) Press(ctx context.Context, user string, m Message, label string) error {
	b, err := m.Button(label)
	if err != nil {
		return err
	}
	return w.PressAs(ctx, user, m, b.ActionID, b.Value)
}

// PressAs presses a button with an id and a value of one's own, as an attacker could.
func (w *Workspace) PressAs(ctx context.Context, user string, m Message, actionID, value string) error {
	w.mu.Lock()
	payload := map[string]any{
		"type": "block_actions", "api_app_id": "A0BELAY", "token": "legacy-do-not-use", "trigger_id": w.newTrigger(user),
		"team": map[string]any{"id": w.o.Team, "domain": "standin"}, "user": map[string]any{"id": user, "team_id": w.o.Team, "username": "ignored", "name": "ignored"},
		"channel":      map[string]any{"id": m.Channel, "name": "war-room"},
		"container":    map[string]any{"type": "message", "message_ts": m.TS, "channel_id": m.Channel, "is_ephemeral": m.To != ""},
		"response_url": w.newResponse(user, m.Channel, m.TS),
		"actions":      []map[string]any{{"type": "button", "action_id": actionID, "block_id": "b", "value": value, "action_ts": strconv.FormatInt(w.clock, 10)}},
	}
	w.mu.Unlock()
	raw, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encode click: %w", err)
	}
	_, err = w.send(ctx, "/slack/interactions", "interactive", url.Values{"payload": {string(raw)}})
	return err
}

// send delivers over the socket, or as a signed request where the app has an address, and waits three seconds.
func (w *Workspace) send(ctx context.Context, path, kind string, form url.Values) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, ackWithin)
	defer cancel()
	var body []byte
	var err error
	if w.o.Endpoint != "" {
		body, err = w.Post(ctx, path, []byte(form.Encode()), time.Now())
	} else {
		body, err = w.overSocket(ctx, kind, payloadOf(kind, form))
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, ErrTimeout
	}
	return body, err
}

// payloadOf is a form as the object that the socket carries.
func payloadOf(kind string, form url.Values) json.RawMessage {
	if kind == "interactive" {
		return json.RawMessage(form.Get("payload"))
	}
	flat := map[string]string{}
	for k := range form {
		flat[k] = form.Get(k)
	}
	raw, err := json.Marshal(flat)
	if err != nil {
		return nil // cannot happen: strings
	}
	return raw
}

// Post sends a signed request to the app and gives the body of a 200.
func (w *Workspace) Post(ctx context.Context, path string, body []byte, signedAt time.Time) ([]byte, error) {
	stamp := strconv.FormatInt(signedAt.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(w.o.SigningSecret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.Endpoint+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Slack-Request-Timestamp", stamp)
	request.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	response, err := w.web.Do(request)
	if err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read acknowledgement: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("dispatch_failed: HTTP %d", response.StatusCode)
	}
	return answer, nil
}
