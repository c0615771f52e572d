package standin

import (
	"context"
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

// maxAck is the size at which Slack silently drops an answer on the socket.
const maxAck = 20_000

// socket is one Socket Mode connection.
type socket struct {
	conn *websocket.Conn
	mu   sync.Mutex // guards writes
	acks sync.Map   // envelope id → chan json.RawMessage
}

func (s *socket) write(v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.WriteJSON(v)
}

func (s *socket) close() { _ = s.conn.Close() }

// serveSocket takes a connection for a ticket that was not used yet.
func (w *Workspace) serveSocket(rw http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	w.mu.Lock()
	good := w.tickets[ticket]
	delete(w.tickets, ticket)
	w.dials++
	w.mu.Unlock()
	if !good {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(rw, r, nil)
	if err != nil {
		return
	}
	s := &socket{conn: conn}
	defer s.close()
	if fault, broken := w.fault("socket"); broken { // closed by the server right after the greeting
		_ = s.write(map[string]any{"type": "disconnect", "reason": fault.Error})
		return
	}
	defer w.leave(s)
	if w.greet(s) != nil {
		return
	}
	stop := make(chan struct{})
	var pings sync.WaitGroup
	pings.Go(func() { w.ping(s, stop) })
	defer pings.Wait()
	defer close(stop)
	w.read(s)
}

// greet joins a socket and says hello on it before anything else is written: who hears hello can be reached.
func (w *Workspace) greet(s *socket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.join(s)
	return s.conn.WriteJSON(map[string]any{"type": "hello", "num_connections": 1, "connection_info": map[string]any{"app_id": "A0BELAY"},
		"debug_info": map[string]any{"host": "standin", "approximate_connection_time": 3600}})
}

func (w *Workspace) join(s *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sockets = append(w.sockets, s)
	w.note()
}

func (w *Workspace) leave(s *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sockets = slices.DeleteFunc(w.sockets, func(o *socket) bool { return o == s })
	w.note()
}

func (w *Workspace) open() []*socket {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sockets)
}

// Connections counts the open sockets, Dials those that were ever opened.
func (w *Workspace) Connections() int { return len(w.open()) }

// Dials counts the sockets that were ever opened.
func (w *Workspace) Dials() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials
}

// Disconnect asks every socket to reconnect, as Slack does every few hours.
func (w *Workspace) Disconnect(reason string) {
	for _, s := range w.open() {
		_ = s.write(map[string]any{"type": "disconnect", "reason": reason})
	}
}

func (w *Workspace) ping(s *socket, stop <-chan struct{}) {
	tick := time.NewTicker(w.o.Ping)
	defer tick.Stop()
	for {
		if s.conn.WriteControl(websocket.PingMessage, []byte("Ping from standin"), time.Now().Add(time.Second)) != nil {
			return
		}
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

// read takes acknowledgements.
func (w *Workspace) read(s *socket) {
	for {
		_, raw, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(raw, &ack); err != nil || ack.EnvelopeID == "" {
			w.problem("socket: an answer without envelope_id")
			continue
		}
		if len(raw) >= maxAck {
			w.problem("socket: an answer of %d bytes was dropped", len(raw))
			continue
		}
		if waiting, ok := s.acks.LoadAndDelete(ack.EnvelopeID); ok {
			waiting.(chan json.RawMessage) <- ack.Payload
		}
	}
}

// overSocket sends an envelope to one of the sockets and waits for its acknowledgement.
func (w *Workspace) overSocket(ctx context.Context, kind string, payload json.RawMessage) ([]byte, error) {
	all := w.open()
	if len(all) == 0 {
		return nil, errors.New("dispatch_failed: no socket is open")
	}
	s := all[len(all)-1]
	id := rand.Text()
	answered := make(chan json.RawMessage, 1)
	s.acks.Store(id, answered)
	defer s.acks.Delete(id)
	if err := s.write(map[string]any{"type": kind, "envelope_id": id, "payload": payload, "accepts_response_payload": accepts(kind, payload)}); err != nil {
		return nil, fmt.Errorf("deliver: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case body := <-answered:
		if nothing := string(body); nothing == "null" || nothing == "{}" { // clients write either where there is nothing to say
			return nil, nil
		}
		return body, nil
	}
}

// accepts reports whether Slack looks at what an acknowledgement holds: not for a click.
func accepts(kind string, payload json.RawMessage) bool {
	var p struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(payload, &p) // ours
	return kind == "slash_commands" || p.Type == "view_submission"
}
