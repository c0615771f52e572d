package coordinator

import (
	"context"
	"errors"
	"slices"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// Power is something that a relayer's key could do to what is guarded. Gas money is all that it should have.
type Power struct {
	Relayer common.Address
	What    string // a sentence
}

// powersEvery is how often the relayers' powerlessness is proven again: a few readings, and so long a power can go unnoticed.
const powersEvery = 10 * time.Minute

// powersAgain is how soon that is tried again where nobody could be asked.
const powersAgain = time.Minute

// guardPowers tells the operator when a relayer was given a power after the start. From then on the routine lane sends nothing with that
// key until the power is gone. The emergency lane goes on: taking the power away is the protocol's work, and a pause must not wait for it.
func (c *Coordinator) guardPowers(ctx context.Context, name string) error {
	ask := c.cfg.Chains[name].Powers
	if ask == nil {
		return nil
	}
	proven := time.Time{}
	return poll(ctx, nil, powersAgain, func(bool) {
		if !proven.IsZero() && time.Since(proven) < powersEvery {
			return
		}
		found, err := ask(ctx)
		if err != nil {
			if ctx.Err() == nil {
				c.cfg.Logger.Warn("look for powers of the relayer", "chain", name, "error", err)
			}
			found = c.hints.stillPowers(name, found)
		} else {
			proven = time.Now()
		}
		c.hints.setPowers(name, found)
		c.cfg.Observe("relayer_powers", float64(len(found)), "chain", name)
		for _, p := range found {
			c.cfg.Logger.Error("a relayer has power: take it away", "chain", name, "relayer", p.Relayer.Hex(), "reason", p.What)
		}
	})
}

// RelayerPowers are the powers that the relayers of a chain were found to have, a sentence each.
func (c *Coordinator) RelayerPowers(chain string) (sentences []string) {
	c.hints.mu.Lock()
	defer c.hints.mu.Unlock()
	for _, p := range c.hints.powers[chain] {
		sentences = append(sentences, p.What)
	}
	return sentences
}

// empowered says why a key may not serve the routine lane; nil where no power of it is known.
func (c *Coordinator) empowered(chain string, key common.Address) error {
	c.hints.mu.Lock()
	defer c.hints.mu.Unlock()
	for _, p := range c.hints.powers[chain] {
		if p.Relayer == key {
			return errors.New(governance.HeldProblem + "its relayer has power over what is guarded, and nothing but an emergency is sent with it: " + p.What)
		}
	}
	return nil
}

// stillPowers adds what was known last, where not everything could be asked: a power is gone when the chain says so.
func (h *hints) stillPowers(chain string, found []Power) []Power {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.powers[chain] {
		if !slices.Contains(found, p) {
			found = append(found, p)
		}
	}
	return found
}

func (h *hints) setPowers(chain string, found []Power) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.powers[chain] = found
}
