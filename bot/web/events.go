package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"belay/governance"
)

const (
	pingEvery     = 15 * time.Second
	streamTimeout = 20 * time.Second // for one message to reach the reader
	reconnectMS   = 2000             // what a browser waits before it reconnects
	maxStreams    = 2000
)

// told is the data of an event: which proposal to load again. Content never travels here.
type told struct {
	ID       string `json:"id"`
	PublicID string `json:"public_id"`
	At       string `json:"at"`
}

// events streams notices until the reader leaves or the program stops.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	isOperator, err := s.operator(r)
	if err != nil {
		return err
	}
	reader := &stream{all: isOperator}
	if key := r.URL.Query().Get("key"); key != "" && !isOperator {
		reader.opens = func(proposal string) bool { return s.app.KeyOpens(proposal, key) }
	}
	if s.hub.full() || !s.hub.join(reader, r.Header.Get("Last-Event-ID")) {
		return governance.Refuse(codeTooMany, "Try again in a minute; load the page again to see changes.", "Too many live viewers.")
	}
	defer s.hub.leave(reader)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	out := sender{w: w, rc: http.NewResponseController(w)}
	// The server's read timeout would end the stream. Writers without deadlines (tests) answer ErrNotSupported, which is fine.
	_ = out.rc.SetReadDeadline(time.Time{})
	if !out.send(fmt.Sprintf("retry: %d\nevent: ping\ndata: {}\n\n", reconnectMS)) {
		return nil
	}
	s.pump(r, out, reader)
	return nil
}

func (s *Server) pump(r *http.Request, out sender, reader *stream) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		message := "event: ping\ndata: {}\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-ping.C:
		case ev, open := <-reader.queue:
			if !open {
				return
			}
			message = s.message(ev, reader)
		}
		if !out.send(message) {
			return
		}
	}
}

// message lays out one event. The public is told public ids only.
func (s *Server) message(ev event, reader *stream) string {
	data := []byte("{}")
	if ev.kind != resync {
		t := told{ID: ev.PublicID, PublicID: ev.PublicID, At: ev.At.UTC().Format(time.RFC3339)}
		if reader.all || (reader.opens != nil && reader.opens(ev.Proposal)) {
			t.ID = ev.Proposal
		}
		data, _ = json.Marshal(t) // strings only: cannot fail
	}
	return fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", s.hub.id(ev.id), ev.kind, data)
}

func (h *hub) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.streams) >= maxStreams
}

// sender writes one message at a time, each with its own deadline in place of the server's.
type sender struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (o sender) send(message string) bool {
	_ = o.rc.SetWriteDeadline(time.Now().Add(streamTimeout))
	if _, err := o.w.Write([]byte(message)); err != nil {
		return false
	}
	return o.rc.Flush() == nil
}
