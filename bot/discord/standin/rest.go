package standin

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Discord's codes (discord.com/developers/docs/topics/opcodes-and-status-codes).
const (
	codeUnknownChannel     = 10003
	codeUnknownMessage     = 10008
	codeUnknownWebhook     = 10015
	codeUnknownInteraction = 10062
	codeAcknowledged       = 40060
	codeEmptyMessage       = 50006
	codeMissingPermissions = 50013
	codeInvalidForm        = 50035
	codeThreadExists       = 160004
)

// answer is what a call gives.
type answer struct {
	status int
	code   int
	body   any
}

func good(body any) answer           { return answer{status: http.StatusOK, body: body} }
func refuse(status, code int) answer { return answer{status: status, code: code} }

func (g *Guild) invalid(why string) answer {
	g.problems = append(g.problems, why)
	g.note()
	return refuse(http.StatusBadRequest, codeInvalidForm)
}

// routes lists the part of API v10 that exists here. Anything else is 404, as an unknown route is.
func (g *Guild) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern, name string, open bool, do func(*http.Request, []byte) answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /api/v10"+path, func(w http.ResponseWriter, r *http.Request) { g.answer(w, r, method+" "+name, open, do) })
	}
	handle("GET /gateway", "gateway", true, g.getGateway)
	handle("GET /gateway/bot", "gateway/bot", false, g.getGateway)
	handle("GET /applications/@me", "applications/@me", false, func(*http.Request, []byte) answer {
		return good(map[string]any{"id": g.o.ApplicationID, "name": "belay"})
	})
	handle("GET /users/@me", "users/@me", false, func(*http.Request, []byte) answer { return good(g.me()) })
	handle("GET /applications/{app}/guilds/{guild}/commands", "commands", false, g.getCommands)
	handle("PUT /applications/{app}/guilds/{guild}/commands", "commands", false, g.putCommands)
	handle("POST /channels/{channel}/messages", "channels/messages", false, g.createMessage)
	handle("PATCH /channels/{channel}/messages/{message}", "channels/messages", false, g.editMessage)
	handle("POST /channels/{channel}/messages/{message}/threads", "threads", false, g.openThread)
	handle("POST /interactions/{id}/{token}/callback", "callback", true, g.callback)
	handle("PATCH /webhooks/{app}/{token}/messages/@original", "@original", true, g.editOriginal)
	handle("GET /webhooks/{app}/{token}/messages/@original", "@original", true, g.getOriginal)
	handle("POST /webhooks/{app}/{token}", "followup", true, g.followUp)
	mux.HandleFunc("GET /socket", g.serveSocket)
	return mux
}

// answer authorises, fails where it was told to, and writes what a route gives.
func (g *Guild) answer(w http.ResponseWriter, r *http.Request, route string, open bool, do func(*http.Request, []byte) answer) {
	fault, broken := g.fault(route)
	if broken && !fault.After {
		fault.write(w)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		return
	}
	a := refuse(http.StatusUnauthorized, 0)
	switch {
	case !strings.HasPrefix(r.Header.Get("User-Agent"), "DiscordBot ("): // Cloudflare turns others away
		a = refuse(http.StatusForbidden, 40333)
	case len(body) > 0 && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		a = refuse(http.StatusBadRequest, codeInvalidForm)
	case open || r.Header.Get("Authorization") == "Bot "+g.o.Token:
		g.mu.Lock()
		a = do(r, body)
		g.mu.Unlock()
	}
	if broken {
		fault.write(w)
		return
	}
	a.write(w)
}

func (a answer) write(w http.ResponseWriter) {
	if a.status == http.StatusNoContent {
		w.WriteHeader(a.status)
		return
	}
	body := a.body
	if a.status >= 400 {
		body = map[string]any{"message": http.StatusText(a.status), "code": a.code}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(body) // the caller is gone if this fails
}

func (f Fault) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	if f.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.FormatFloat(f.RetryAfter, 'f', -1, 64))
		if f.Global {
			w.Header().Set("X-RateLimit-Global", "true")
		}
	}
	w.WriteHeader(f.Status)
	_ = json.NewEncoder(w).Encode(map[string]any{"message": "fault", "code": f.Code, "retry_after": f.RetryAfter, "global": f.Global})
}

func (g *Guild) me() map[string]any {
	return map[string]any{"id": g.o.ApplicationID, "username": "belay", "discriminator": "0", "global_name": nil, "avatar": nil, "bot": true}
}

func (g *Guild) getGateway(*http.Request, []byte) answer {
	return good(map[string]any{"url": "ws://" + g.listen.Addr().String() + "/socket", "shards": 1,
		"session_start_limit": map[string]any{"total": 1000, "remaining": 1000 - g.identifies, "reset_after": 86_400_000, "max_concurrency": 1}})
}

func (g *Guild) getCommands(r *http.Request, _ []byte) answer {
	if r.PathValue("app") != g.o.ApplicationID || r.PathValue("guild") != g.o.GuildID {
		return refuse(http.StatusForbidden, 50001)
	}
	return good(g.commands)
}

func (g *Guild) putCommands(r *http.Request, body []byte) answer {
	if r.PathValue("app") != g.o.ApplicationID || r.PathValue("guild") != g.o.GuildID {
		return refuse(http.StatusForbidden, 50001)
	}
	if err := checkCommands(body, g.o.Check); err != nil {
		return g.invalid("commands: " + err.Error())
	}
	g.commands = registered(body, g.o.ApplicationID)
	g.overwrites++
	g.note()
	return good(g.commands)
}

// registered adds what Discord adds to commands.
func registered(body []byte, app string) json.RawMessage {
	var all []map[string]any
	if json.Unmarshal(body, &all) != nil {
		return json.RawMessage("[]") // cannot happen: it was checked
	}
	for i, c := range all {
		c["id"], c["application_id"], c["version"] = strconv.Itoa(1000+i), app, "1"
		c["default_member_permissions"], c["nsfw"] = nil, false
	}
	out, err := json.Marshal(all)
	if err != nil {
		return json.RawMessage("[]")
	}
	return out
}

func (g *Guild) createMessage(r *http.Request, body []byte) answer {
	channel := r.PathValue("channel")
	if !slices.Contains(g.o.Channels, channel) && g.threads[channel] == "" {
		return refuse(http.StatusNotFound, codeUnknownChannel)
	}
	var nonce struct {
		Nonce   json.RawMessage `json:"nonce"`
		Enforce bool            `json:"enforce_nonce"`
	}
	m, a := g.readMessage("MessageCreateRequest", body)
	if a.status != 0 {
		return a
	}
	if json.Unmarshal(body, &nonce) != nil || len(nonce.Nonce) > 27 {
		return g.invalid("nonce of more than 25 characters")
	}
	if need := messagePermission(g.threads[channel] != "", len(m.Embeds) > 0); !g.may(need) {
		return refuse(http.StatusForbidden, codeMissingPermissions)
	}
	key := channel + string(nonce.Nonce)
	if nonce.Enforce && g.nonces[key] != "" {
		return good(map[string]any{"id": g.nonces[key], "channel_id": channel})
	}
	m.ID, m.Channel = g.id(), channel
	if nonce.Enforce {
		g.nonces[key] = m.ID
	}
	g.messages = append(g.messages, &m)
	g.note()
	return good(g.view(m))
}

func (g *Guild) view(m Message) map[string]any {
	return map[string]any{"id": m.ID, "channel_id": m.Channel, "content": m.Content, "author": g.me(), "embeds": []any{}, "attachments": []any{}, "mentions": []any{},
		"mention_roles": []any{}, "mention_everyone": false, "pinned": false, "tts": false, "type": 0, "timestamp": "2026-11-20T13:00:00.000000+00:00", "edited_timestamp": nil, "components": []any{}, "flags": 0}
}

func (g *Guild) editMessage(r *http.Request, body []byte) answer {
	edited, a := g.readMessage("MessageEditRequestPartial", body)
	if a.status != 0 {
		return a
	}
	for _, m := range g.messages {
		if m.ID == r.PathValue("message") && m.Channel == r.PathValue("channel") && m.To == "" {
			g.replace(m, edited)
			return good(g.view(*m))
		}
	}
	return refuse(http.StatusNotFound, codeUnknownMessage)
}

func (g *Guild) replace(m *Message, by Message) {
	m.Content, m.Embeds, m.Components, m.Body = by.Content, by.Embeds, by.Components, by.Body
	m.Edits++
	g.note()
}

func (g *Guild) openThread(r *http.Request, body []byte) answer {
	message := r.PathValue("message")
	if !slices.ContainsFunc(g.messages, func(m *Message) bool { return m.ID == message && m.Channel == r.PathValue("channel") }) {
		return refuse(http.StatusNotFound, codeUnknownMessage)
	}
	if !g.may(mayView | mayOpenThreads) {
		return refuse(http.StatusForbidden, codeMissingPermissions)
	}
	if g.threads[message] != "" {
		return refuse(http.StatusBadRequest, codeThreadExists)
	}
	var t struct {
		Name    string `json:"name"`
		Archive int    `json:"auto_archive_duration"`
	}
	if err := g.o.Check("CreateTextThreadWithMessageRequest", body); err != nil {
		return g.invalid("thread: " + err.Error())
	}
	if json.Unmarshal(body, &t) != nil || t.Name == "" || length(t.Name) > 100 || !slices.Contains([]int{60, 1440, 4320, 10080}, t.Archive) {
		return g.invalid("thread: name or archive duration")
	}
	g.threads[message] = t.Name
	g.note()
	return good(map[string]any{"id": message, "name": t.Name, "type": 11})
}

// Permissions that a message or a thread takes (discord.com/developers/docs/topics/permissions).
const (
	mayView          = 1 << 10
	maySend          = 1 << 11
	mayEmbed         = 1 << 14
	mayOpenThreads   = 1 << 35
	maySendInThreads = 1 << 38
)

func messagePermission(thread, embeds bool) uint64 {
	need := uint64(mayView | maySend)
	if thread {
		need = mayView | maySendInThreads
	}
	if embeds { // Discord takes the message and drops its embed without a word; here that is loud
		need |= mayEmbed
	}
	return need
}

func (g *Guild) may(need uint64) bool {
	return g.o.Permissions == 0 || g.o.Permissions&need == need
}
