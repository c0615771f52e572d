package web

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"

	"belay/governance/coordinator"
)

const (
	remembered  = 256 // notices of each kind kept for those who reconnect
	streamQueue = 32  // notices that a reader may lag behind before it is told to load everything again
	resync      = "resync"
)

// hub hands notices to live viewers and remembers the last ones for those who come back. Public and hidden notices are
// counted apart, so that no number that the public sees moves when something hidden happens.
//
// Its goroutine ends with close or with the watch; mu guards everything below it.
type hub struct {
	boot string // tells event ids of this run from those of another
	quit func() // ends the goroutine; may be called again
	done chan struct{}

	mu      sync.Mutex
	streams map[*stream]bool
	closed  bool
	public  history
	hidden  history
	of      map[string]uint64 // hidden notices of one proposal
}

// history is the tail of a counted sequence.
type history struct {
	count uint64
	tail  []entry
}

func (h *history) add(e entry) entry {
	h.count++
	e.place = h.count
	h.tail = append(h.tail, e)
	if len(h.tail) > remembered {
		h.tail = h.tail[1:]
	}
	return e
}

// reaches reports whether everything after place is still remembered.
func (h *history) reaches(place uint64) bool {
	return place <= h.count && h.count-place <= uint64(len(h.tail))
}

// entry is a notice with its places: among all of its kind, and among the hidden ones of its proposal.
type entry struct {
	coordinator.Notice
	place, own uint64
}

// stream is one live viewer. Its fields but queue are guarded by the hub's mu.
type stream struct {
	all   bool                       // the operator's: sees everything
	opens func(proposal string) bool // whether the viewer's key opens a hidden proposal
	queue chan event
	at    position
}

// position is how far a viewer has come: in the public sequence, and in the hidden one as far as it may see it.
type position struct{ public, hidden uint64 }

// event is one message for one viewer.
type event struct {
	kind string
	id   position
	entry
}

func newHub(notices <-chan coordinator.Notice, stop func()) *hub {
	quit := make(chan struct{})
	h := &hub{boot: strings.ToLower(rand.Text()[:8]), quit: sync.OnceFunc(func() { close(quit) }), done: make(chan struct{}),
		streams: map[*stream]bool{}, of: map[string]uint64{}}
	go func() {
		defer close(h.done)
		defer h.hangUp()
		defer stop()
		for {
			select {
			case <-quit:
				return
			case n, open := <-notices:
				if !open {
					return
				}
				h.tell(n)
			}
		}
	}()
	return h
}

func (h *hub) close() {
	h.quit()
	<-h.done
}

// hangUp ends every stream; none joins any more.
func (h *hub) hangUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.streams {
		close(s.queue)
		delete(h.streams, s)
	}
}

// tell passes a notice to every viewer that may know of it. It never waits for one.
func (h *hub) tell(n coordinator.Notice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n.Kind == resync {
		for s := range h.streams {
			s.lose()
		}
		return
	}
	e := entry{Notice: n}
	if n.Public {
		e = h.public.add(e)
	} else {
		h.of[n.Proposal]++
		e.own = h.of[n.Proposal]
		e = h.hidden.add(e)
	}
	for s := range h.streams {
		s.take(e)
	}
}

// join adds a viewer. With the id of the last event that it saw it first gets what it missed.
func (h *hub) join(s *stream, lastID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	s.queue = make(chan event, streamQueue)
	s.at = h.now(s)
	if lastID != "" {
		h.replay(s, lastID)
	}
	h.streams[s] = true
	return true
}

func (h *hub) leave(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, s)
}

// now is the position of a viewer who has seen everything.
func (h *hub) now(s *stream) position {
	p := position{public: h.public.count}
	if s.all {
		p.hidden = h.hidden.count
		return p
	}
	for _, e := range h.hidden.tail {
		if s.sees(e) {
			p.hidden = max(p.hidden, s.hiddenPlace(e))
		}
	}
	return p
}

// replay queues what came after lastID, or a resync where that can not be told.
func (h *hub) replay(s *stream, lastID string) {
	var p position
	var boot string
	if n, err := fmt.Sscanf(strings.ReplaceAll(lastID, ".", " "), "%s %d %d", &boot, &p.public, &p.hidden); err != nil || n != 3 ||
		boot != h.boot || !h.public.reaches(p.public) {
		s.lose()
		return
	}
	s.at = p
	for _, e := range h.hidden.tail {
		if !s.sees(e) || s.hiddenPlace(e) <= p.hidden {
			continue
		}
		if s.hiddenPlace(e) > s.at.hidden+1 { // older ones are forgotten
			s.lose()
			return
		}
		s.take(e)
	}
	for _, e := range h.public.tail {
		if e.place > p.public {
			s.take(e)
		}
	}
}

// id writes a position as the id of an event. The public's never holds a hidden number.
func (h *hub) id(p position) string { return fmt.Sprintf("%s.%d.%d", h.boot, p.public, p.hidden) }

func (s *stream) sees(e entry) bool {
	return e.Public || s.all || (s.opens != nil && s.opens(e.Proposal))
}

// hiddenPlace counts hidden notices as the viewer knows them: all of them, or those of its proposal.
func (s *stream) hiddenPlace(e entry) uint64 {
	if s.all {
		return e.place
	}
	return e.own
}

// take queues an entry if the viewer may see it. The hub's mu is held.
func (s *stream) take(e entry) {
	if !s.sees(e) {
		return
	}
	if e.Public {
		s.at.public = e.place
	} else {
		s.at.hidden = s.hiddenPlace(e)
	}
	s.put(event{kind: e.Kind, id: s.at, entry: e})
}

// put queues an event. A full queue is emptied: who lags that far behind loads everything again.
func (s *stream) put(ev event) {
	select {
	case s.queue <- ev:
	default:
		s.lose()
	}
}

// lose replaces everything queued by one resync.
func (s *stream) lose() {
	for {
		select {
		case <-s.queue:
			continue
		default:
		}
		break
	}
	s.queue <- event{kind: resync, id: s.at} // room was made, and only the hub writes
}
