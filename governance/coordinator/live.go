package coordinator

import "sync"

// audience hands notices to live viewers. A viewer that does not keep up loses the oldest ones and is told to load anew: nothing
// that acts ever waits for one.
type audience struct {
	mu      sync.Mutex
	viewers map[chan Notice]bool // guarded by mu
}

// noticesHeld is how many notices wait for a slow viewer.
const noticesHeld = 64

func newAudience() *audience { return &audience{viewers: map[chan Notice]bool{}} }

func (a *audience) join() (notices <-chan Notice, leave func()) {
	ch := make(chan Notice, noticesHeld)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.viewers[ch] = true
	return ch, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.viewers, ch)
	}
}

// resync tells a viewer that it missed something.
const resync = "resync"

func (a *audience) send(n Notice) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for ch := range a.viewers {
		select {
		case ch <- n:
			continue
		default:
		}
		// Two places are made: one of them for the word that something is missing.
		for range 2 {
			select {
			case <-ch:
			default:
			}
		}
		ch <- Notice{Kind: resync, Public: true, At: n.At}
		ch <- n
	}
}

// Watch gives notices of changes until stop is called.
func (c *Coordinator) Watch() (notices <-chan Notice, stop func()) { return c.live.join() }
