package chain

import "time"

// ProviderHealth is what the last exchanges with a provider said of it.
type ProviderHealth struct {
	Name       string
	OK         bool          // the last exchange succeeded and the chain is the right one
	Err        string        // why not, in words without a URL; empty when OK
	HeadNumber uint64        // newest block it told of; 0 before the first
	HeadAge    time.Duration // wall time since that block's timestamp; 0 before the first
	ChainIDOK  bool
}

// Health tells of each provider, in the order of the configuration. It asks nobody.
func (c *Client) Health() []ProviderHealth {
	all := make([]ProviderHealth, len(c.providers))
	for i, p := range c.providers {
		all[i] = p.health(time.Now())
	}
	return all
}

// Ready reports whether enough providers for an agreement answered last time, on the right chain.
func (c *Client) Ready() bool {
	n := 0
	for _, h := range c.Health() {
		if h.OK {
			n++
		}
	}
	return n >= c.agreement
}

func (p *provider) health(now time.Time) ProviderHealth {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := ProviderHealth{Name: p.name, HeadNumber: p.head, ChainIDOK: p.chain == chainRight}
	if p.headAt > 0 {
		h.HeadAge = max(0, now.Sub(time.Unix(int64(p.headAt), 0))) //nolint:gosec // a nonsense time gives a nonsense age, no more
	}
	switch {
	case p.chain == chainWrong:
		h.Err = p.wrong.Error()
	case p.failure != nil:
		h.Err = p.failure.Error()
	case !p.asked:
		h.Err = "has not answered yet"
	default:
		h.OK = h.ChainIDOK
		if !h.OK {
			h.Err = "has not told its chain id"
		}
	}
	return h
}
