package coordinator

import (
	"context"
	"fmt"
	"time"

	"belay/governance"
)

// setupEvery is how often it is read who besides the owners can act through a Safe, or stop them. Logs would tell sooner, and could be
// left out.
const setupEvery = time.Minute

// guardSetups tells when modules, guards or the fallback handler of a Safe change: on the cards of what is open on it, and to the operator
// where nothing is.
func (c *Coordinator) guardSetups(ctx context.Context, chain string) error {
	known := map[string]governance.Setup{} // by Safe, since the start
	return poll(ctx, nil, setupEvery, func(bool) {
		for name, guarded := range c.cfg.Safes {
			if guarded.Chain != chain || ctx.Err() != nil {
				continue
			}
			if err := c.guardSetup(ctx, c.cfg.Chains[chain], guarded, known); err != nil && ctx.Err() == nil {
				c.cfg.Logger.Warn("read the setup of a Safe", "safe", name, "chain", chain, "error", err)
			}
		}
	})
}

func (c *Coordinator) guardSetup(ctx context.Context, chain ChainConfig, guarded SafeConfig, known map[string]governance.Setup) error {
	head, _, err := chain.Chain.Recent(ctx)
	if err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	state, err := chain.Chain.StateAt(ctx, head, guarded.Address)
	if err != nil {
		return err
	}
	now := *governance.SetupOf(state)
	if before, seen := known[guarded.Name]; seen && before.ChangesTo(now) != "" {
		c.cfg.Observe("safe_changes_total", 1, "safe", guarded.Name)
		c.cfg.Logger.Error("the setup of a Safe was changed", "safe", guarded.Name, "block", head.Number, "reason", before.ChangesTo(now))
	}
	known[guarded.Name] = now
	open, err := c.unended()
	if err != nil {
		return err
	}
	for _, p := range open {
		if p.Safe.ChainID != chain.ChainID || p.Safe.Address != guarded.Address {
			continue
		}
		if _, err := c.change(ctx, p.ID, governance.SetupSeen{Setup: now, Block: head}); err != nil {
			return fmt.Errorf("%s: %w", p.ID, err)
		}
	}
	return nil
}
