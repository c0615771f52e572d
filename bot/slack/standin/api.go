package standin

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const maxText = 40_000 // characters of a message's text

// fields are a call's arguments, from a form or from JSON.
type fields map[string]string

// serveMethod answers the Web API.
func (w *Workspace) serveMethod(rw http.ResponseWriter, r *http.Request) {
	method := r.PathValue("method")
	f, broken := w.fault(method)
	if broken && !f.After {
		f.write(rw)
		return
	}
	args, token, code := readCall(r)
	if code == "" {
		code = w.judgeToken(method, token)
	}
	answer := map[string]any{"ok": false, "error": code}
	if code == "" {
		answer = w.call(method, args)
	}
	if broken {
		f.write(rw)
		return
	}
	writeJSON(rw, http.StatusOK, answer)
}

func (f Fault) write(rw http.ResponseWriter) {
	if f.RetryAfter > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	writeJSON(rw, status, map[string]any{"ok": false, "error": f.Error})
}

// readCall takes the token from the header or, in a form, from the body, as Slack does.
func readCall(r *http.Request) (args fields, token, code string) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, "", "request_timeout"
	}
	token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	args = fields{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		var object map[string]any
		if len(body) > 0 && json.Unmarshal(body, &object) != nil {
			return nil, token, "invalid_json"
		}
		for k, v := range object {
			args[k] = text(v)
		}
	case "application/x-www-form-urlencoded", "":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, token, "invalid_form_data"
		}
		for k := range form {
			args[k] = form.Get(k)
		}
		if token == "" {
			token = args["token"]
		}
	default:
		return nil, token, "invalid_post_type"
	}
	return args, token, ""
}

// text keeps strings and gives everything else as JSON.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

func (w *Workspace) judgeToken(method, token string) string {
	want := w.o.BotToken
	if method == "apps.connections.open" {
		want = w.o.AppToken
	}
	switch {
	case token == "":
		return "not_authed"
	case token == want:
		return ""
	case token == w.o.BotToken || token == w.o.AppToken:
		return "not_allowed_token_type"
	}
	return "invalid_auth"
}

// scopeOf is the bot scope that a method needs, "" for none (docs.slack.dev/reference/methods).
func (w *Workspace) scopeOf(method, channel string) string {
	switch {
	case method == "conversations.history" && slices.Contains(w.o.Private, channel):
		return "groups:history"
	case method == "conversations.history":
		return "channels:history"
	case method == "usergroups.users.list":
		return "usergroups:read"
	case strings.HasPrefix(method, "chat."):
		return "chat:write"
	}
	return ""
}

// call does a method. What fails gives its code.
func (w *Workspace) call(method string, args fields) map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	refuse := func(code string) map[string]any { return map[string]any{"ok": false, "error": code} }
	if need := w.scopeOf(method, args["channel"]); w.o.Scopes != nil && need != "" && !slices.Contains(w.o.Scopes, need) {
		answer := refuse("missing_scope")
		answer["needed"], answer["provided"] = need, strings.Join(w.o.Scopes, ",")
		return answer
	}
	switch method {
	case "auth.test":
		return map[string]any{"ok": true, "url": w.origin(), "team": "stand-in", "team_id": w.o.Team, "user": "belay", "user_id": "U0BELAY", "bot_id": "B0BELAY"}
	case "apps.connections.open":
		ticket := rand.Text()
		w.tickets[ticket] = true
		return map[string]any{"ok": true, "url": "ws://" + w.listen.Addr().String() + "/link?ticket=" + ticket}
	case "views.open":
		return w.openView(args, refuse)
	case "usergroups.users.list":
		users, ok := w.o.Groups[args["usergroup"]]
		if !ok {
			return refuse("no_such_subteam")
		}
		return map[string]any{"ok": true, "users": users}
	case "chat.postMessage", "chat.update", "conversations.history":
		if !slices.Contains(w.o.Channels, args["channel"]) {
			return refuse("channel_not_found")
		}
		if method == "conversations.history" {
			return w.history(args)
		}
		if code := w.judgeContent(args["text"], args["blocks"]); code != "" {
			return refuse(code)
		}
		if method == "chat.update" {
			return w.update(args, refuse)
		}
		return w.post(args, refuse)
	}
	return refuse("unknown_method")
}

func (w *Workspace) post(args fields, refuse func(string) map[string]any) map[string]any {
	thread := args["thread_ts"]
	if thread != "" && !slices.ContainsFunc(w.messages, func(m *Message) bool { return m.TS == thread && m.Channel == args["channel"] }) {
		return refuse("thread_not_found")
	}
	ts := w.add(Message{Channel: args["channel"], Thread: thread, Text: args["text"], Blocks: json.RawMessage(args["blocks"]), Metadata: json.RawMessage(args["metadata"])})
	return map[string]any{"ok": true, "channel": args["channel"], "ts": ts, "message": map[string]any{"ts": ts, "text": args["text"]}}
}

func (w *Workspace) update(args fields, refuse func(string) map[string]any) map[string]any {
	for _, m := range w.messages {
		if m.TS == args["ts"] && m.Channel == args["channel"] && m.To == "" {
			m.Text, m.Blocks = args["text"], json.RawMessage(args["blocks"])
			m.Edits++
			w.note()
			return map[string]any{"ok": true, "channel": m.Channel, "ts": m.TS, "text": m.Text}
		}
	}
	return refuse("message_not_found")
}

func (w *Workspace) history(args fields) map[string]any {
	all := []map[string]any{}
	for _, m := range slices.Backward(w.messages) {
		if m.Channel != args["channel"] || m.To != "" || m.Thread != "" {
			continue
		}
		message := map[string]any{"type": "message", "ts": m.TS, "text": m.Text}
		if with := args["include_all_metadata"]; len(m.Metadata) > 0 && (with == "1" || with == "true") {
			message["metadata"] = m.Metadata
		}
		all = append(all, message)
	}
	return map[string]any{"ok": true, "messages": all, "has_more": false}
}

// judgeContent checks a message's text and blocks.
func (w *Workspace) judgeContent(text, blocks string) string {
	if text == "" && blocks == "" {
		return "no_text"
	}
	if len([]rune(text)) > maxText {
		return "msg_too_long"
	}
	if blocks == "" {
		return ""
	}
	problem := CheckBlocks([]byte(blocks))
	if problem == nil && w.o.Blocks != nil {
		problem = w.o.Blocks([]byte(blocks))
	}
	if problem != nil {
		w.problems = append(w.problems, "blocks: "+problem.Error())
		w.note()
		return "invalid_blocks"
	}
	return ""
}

// serveResponse takes an answer at a response address.
func (w *Workspace) serveResponse(rw http.ResponseWriter, r *http.Request) {
	if f, broken := w.fault("response_url"); broken {
		f.write(rw)
		return
	}
	var m struct {
		ResponseType    string          `json:"response_type"`
		ReplaceOriginal bool            `json:"replace_original"`
		DeleteOriginal  bool            `json:"delete_original"`
		Text            string          `json:"text"`
		Blocks          json.RawMessage `json:"blocks"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || json.Unmarshal(body, &m) != nil {
		writeJSON(rw, http.StatusBadRequest, map[string]any{"ok": false, "error": "invalid_payload"})
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	address := w.responses[r.PathValue("token")]
	if address == nil || address.uses >= 5 || time.Now().After(address.until) {
		writeJSON(rw, http.StatusNotFound, map[string]any{"ok": false, "error": "used_url"})
		return
	}
	if code := w.judgeContent(m.Text, string(m.Blocks)); code != "" {
		writeJSON(rw, http.StatusBadRequest, map[string]any{"ok": false, "error": code})
		return
	}
	address.uses++
	w.told(address, m.Text, m.Blocks, m.ReplaceOriginal, m.ResponseType)
	writeJSON(rw, http.StatusOK, map[string]any{"ok": true})
}

// told shows an answer. The caller holds mu.
func (w *Workspace) told(address *response, text string, blocks json.RawMessage, replace bool, kind string) {
	if replace {
		for _, m := range w.messages {
			if m.TS == address.original {
				m.Text, m.Blocks = text, blocks
				m.Edits++
				w.note()
				return
			}
		}
	}
	to := address.user
	if kind == "in_channel" {
		to = ""
	}
	w.add(Message{Channel: address.channel, To: to, Text: text, Blocks: blocks})
}

func writeJSON(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(body) // the caller is gone if this fails
}
