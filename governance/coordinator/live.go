package coordinator

import "sync"

// audience hands notices to live viewers. A viewer that does not keep up loses notices and is told to load anew: nothing
// that acts ever waits for one.
type audience struct {
	mu      sync.Mutex
	viewers map[chan Notice]bool // true: it missed something
}

// noticesHeld is how many notices wait for a slow viewer.
const noticesHeld = 64

func newAudience() *audience { return &audience{viewers: map[chan Notice]bool{}} }

func (a *audience) join() (notices <-chan Notice, leave func()) {
	ch := make(chan Notice, noticesHeld)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.viewers[ch] = false
	return ch, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.viewers, ch)
	}
}

func (a *audience) send(n Notice) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ch, missed := range a.viewers {
		note := n
		if missed {
			note = Notice{Kind: "resync", Public: true, At: n.At}
		}
		select {
		case ch <- note:
			a.viewers[ch] = false
		default:
			a.viewers[ch] = true
		}
	}
}

// Watch gives notices of changes until stop is called.
func (c *Coordinator) Watch() (notices <-chan Notice, stop func()) { return c.live.join() }
