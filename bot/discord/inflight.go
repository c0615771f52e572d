package discord

import (
	"context"
	"sync"
)

// inFlight knows the interactions that are recorded but not acknowledged yet. A quick worker would be ahead of the
// acknowledgement, and Discord knows no answer before it. The zero value is ready. It locks itself.
type inFlight struct {
	mu      sync.Mutex
	byToken map[string]chan struct{} // closed when the acknowledgement was sent
}

func (f *inFlight) begin(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byToken == nil {
		f.byToken = map[string]chan struct{}{}
	}
	if f.byToken[token] == nil {
		f.byToken[token] = make(chan struct{})
	}
}

func (f *inFlight) end(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if sent := f.byToken[token]; sent != nil {
		close(sent)
		delete(f.byToken, token)
	}
}

// wait returns when nothing is in flight under the token, or when ctx ends.
func (f *inFlight) wait(ctx context.Context, token string) {
	f.mu.Lock()
	sent := f.byToken[token]
	f.mu.Unlock()
	if sent == nil {
		return
	}
	select {
	case <-sent:
	case <-ctx.Done():
	}
}
