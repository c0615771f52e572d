package chain

import (
	"fmt"
	"time"
)

// ProviderHealth is what the last exchanges with a provider said of it.
type ProviderHealth struct {
	Name       string
	OK         bool          // the last exchange succeeded and the chain is the right one
	Err        string        // why not, in words without a URL; empty when OK
	HeadNumber uint64        // newest block it told of; 0 before the first
	HeadAge    time.Duration // wall time since that block's timestamp; 0 before the first
	ChainIDOK  bool
	// Doubt is why it is not to be trusted although it answers, in words: it said otherwise than those who agreed, or lags behind them.
	// "" where nothing is known against it.
	Doubt string
}

const (
	dissentFor = 10 * time.Minute // how long a contradiction is told
	lagBlocks  = 5                // behind the agreed head; fewer is how networks are
	lagKnown   = time.Minute      // how old the agreed head may be that a lag is measured by
)

// Health tells of each provider, in the order of the configuration. It asks nobody.
func (c *Client) Health() []ProviderHealth {
	now := time.Now()
	agreed, known := c.recent.within(now, lagKnown)
	all := make([]ProviderHealth, len(c.providers))
	for i, p := range c.providers {
		all[i] = p.health(now)
		if all[i].Doubt == "" && known && all[i].OK && all[i].HeadNumber+lagBlocks < agreed.Number {
			all[i].Doubt = fmt.Sprintf("stands at block %d, and those who agree at %d", all[i].HeadNumber, agreed.Number)
		}
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
	if !p.said.IsZero() && now.Sub(p.said) < dissentFor {
		h.Doubt = fmt.Sprintf("said otherwise than those who agreed, %s ago: %s", now.Sub(p.said).Round(time.Second), p.dissent)
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
