package standin

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// session outlives its connection, so that it can be resumed. It is guarded by the guild's mu.
type session struct {
	id      string
	seq     int64
	history []dispatch
}

// dispatch is an event that was sent, kept for replays.
type dispatch struct {
	Op   int             `json:"op"`
	Type string          `json:"t"`
	Seq  int64           `json:"s"`
	Data json.RawMessage `json:"d"`
}

// socket is one connection.
type socket struct {
	conn *websocket.Conn
	mu   sync.Mutex // guards writes
	of   *session   // guarded by the guild's mu; nil before READY
}

func (s *socket) write(v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.WriteJSON(v)
}

// end closes with one of Discord's codes.
func (s *socket) end(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	_ = s.conn.Close()
}

func (g *Guild) open() []*socket {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.sockets)
}

// Ready counts the connections that were greeted.
func (g *Guild) Ready() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sockets {
		if s.of != nil {
			n++
		}
	}
	return n
}

// Sessions counts identifies and resumes.
func (g *Guild) Sessions() (identifies, resumes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.identifies, g.resumes
}

// Reconnect asks every connection to reconnect (operation 7).
func (g *Guild) Reconnect() {
	for _, s := range g.open() {
		_ = s.write(map[string]any{"op": 7, "d": nil})
	}
}

// Invalidate tells every connection that its session is unknown (operation 9).
func (g *Guild) Invalidate(resumable bool) {
	for _, s := range g.open() {
		_ = s.write(map[string]any{"op": 9, "d": resumable})
	}
}

// Kick closes every connection with a code.
func (g *Guild) Kick(code int) {
	for _, s := range g.open() {
		s.end(code)
	}
}

// Mute leaves heartbeats unanswered from now on, or answers them again.
func (g *Guild) Mute(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mute = on
}

// Silence lets the next n identifies go without READY.
func (g *Guild) Silence(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.silent = n
}

func (g *Guild) serveSocket(w http.ResponseWriter, r *http.Request) {
	if q := r.URL.Query(); q.Get("v") != "10" || q.Get("encoding") != "json" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s := &socket{conn: conn}
	g.mu.Lock()
	g.sockets = append(g.sockets, s)
	g.mu.Unlock()
	defer g.forget(s)
	if fault, broken := g.fault("HELLO"); broken { // an odd first packet
		_ = s.write(map[string]any{"op": fault.Code, "d": nil})
	}
	if s.write(map[string]any{"op": 10, "d": map[string]any{"heartbeat_interval": g.o.Heartbeat.Milliseconds()}}) != nil {
		return
	}
	for {
		_, raw, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if code := g.receive(s, raw); code != 0 {
			s.end(code)
			return
		}
	}
}

func (g *Guild) forget(s *socket) {
	_ = s.conn.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sockets = slices.DeleteFunc(g.sockets, func(o *socket) bool { return o == s })
	g.note()
}

// receive takes a packet and gives the code to close with, 0 for none.
func (g *Guild) receive(s *socket, raw []byte) (code int) {
	var m struct {
		Op   *int            `json:"op"`
		Data json.RawMessage `json:"d"`
	}
	if len(raw) > 4096 || json.Unmarshal(raw, &m) != nil || m.Op == nil {
		return 4002
	}
	switch *m.Op {
	case 1:
		g.mu.Lock()
		mute := g.mute
		g.mu.Unlock()
		if !mute {
			_ = s.write(map[string]any{"op": 11})
		}
		return 0
	case 2:
		return g.identify(s, m.Data)
	case 6:
		return g.resume(s, m.Data)
	case 3:
		return 0
	}
	return 4001
}

func (g *Guild) identify(s *socket, data []byte) (code int) {
	var d struct {
		Token      string         `json:"token"`
		Intents    *int           `json:"intents"`
		Properties map[string]any `json:"properties"`
	}
	if json.Unmarshal(data, &d) != nil || d.Intents == nil || len(d.Properties) == 0 {
		return 4002
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.identifies++
	switch {
	case d.Token != g.o.Token:
		return 4004
	case s.of != nil:
		return 4005
	case *d.Intents&^0x3ffffff != 0:
		return 4013
	case g.silent > 0:
		g.silent--
		g.note()
		return 0
	}
	s.of = &session{id: rand.Text()}
	g.sessions[s.of.id] = s.of
	ready, err := json.Marshal(map[string]any{"v": 10, "user": g.me(), "guilds": []any{map[string]any{"id": g.o.GuildID, "unavailable": true}}, "session_id": s.of.id,
		"resume_gateway_url": "ws://" + g.listen.Addr().String() + "/socket", "application": map[string]any{"id": g.o.ApplicationID, "flags": 0}})
	if err != nil {
		return 4000
	}
	return g.push(s, "READY", ready)
}

func (g *Guild) resume(s *socket, data []byte) (code int) {
	var d struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     int64  `json:"seq"`
	}
	if json.Unmarshal(data, &d) != nil {
		return 4002
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.resumes++
	old := g.sessions[d.Session]
	switch {
	case d.Token != g.o.Token:
		return 4004
	case old == nil:
		_ = s.write(map[string]any{"op": 9, "d": false})
		return 0
	case d.Seq > old.seq:
		return 4007
	}
	s.of = old
	for _, missed := range old.history {
		if missed.Seq > d.Seq {
			_ = s.write(missed)
		}
	}
	return g.push(s, "RESUMED", json.RawMessage("{}"))
}

// push sends an event. The caller holds mu.
func (g *Guild) push(s *socket, kind string, data json.RawMessage) int {
	s.of.seq++
	d := dispatch{Type: kind, Seq: s.of.seq, Data: data}
	s.of.history = append(s.of.history, d)
	_ = s.write(d)
	g.note()
	return 0
}

// dispatch sends an event to the newest greeted connection. While there is none, a session keeps it for its resume.
func (g *Guild) dispatch(kind string, data json.RawMessage) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range slices.Backward(g.sockets) {
		if s.of != nil {
			g.push(s, kind, data)
			return nil
		}
	}
	for _, s := range g.sessions {
		s.seq++
		s.history = append(s.history, dispatch{Type: kind, Seq: s.seq, Data: data})
		return nil
	}
	return fmt.Errorf("dispatch %s: %w", kind, errors.New("no connection is ready"))
}
