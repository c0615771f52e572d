package coordinator

import (
	"context"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// slot is the longest block time that a chain is given credit for: that of Ethereum. A chain whose blocks were further apart
// makes them on demand.
const slot = 12 * time.Second

// tip is the newest agreed head of a chain, and what it tells about when the next is due.
type tip struct {
	head  safe.Block
	since time.Time     // when it was first seen, by our clock
	gap   time.Duration // chain time between it and the head before; 0: not known
}

// still reports whether a known chain has made no block for two block times.
func (t tip) still(now time.Time) bool {
	gap := t.gap
	if gap <= 0 || gap > slot {
		gap = slot
	}
	return t.head.Hash != (common.Hash{}) && now.Sub(t.since) >= 2*gap
}

// followedBy is the tip after a head was seen. Seeing the same again changes nothing.
func (t tip) followedBy(head safe.Block, now time.Time) tip {
	if t.head == head {
		return t
	}
	next := tip{head: head, since: now}
	if t.head.Number < head.Number && t.head.Time != 0 && t.head.Time < head.Time {
		next.gap = time.Duration(min(head.Time-t.head.Time, uint64(slot/time.Second))) * time.Second
	}
	return next
}

// openWindows judges queued operations by the time that a block would have now, on chains that make none: their windows open
// while their heads stand still.
func (c *Coordinator) openWindows(ctx context.Context, open []governance.Proposal, now time.Time) {
	for _, p := range open {
		if p.State != governance.StateQueued || ctx.Err() != nil {
			continue
		}
		if err := c.openWindow(ctx, p, now); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Debug("judge a window on a chain that stands still", "proposal_id", p.ID, "error", err)
		}
	}
}

func (c *Coordinator) openWindow(ctx context.Context, p governance.Proposal, now time.Time) error {
	chain, err := c.chainOf(p)
	if err != nil {
		return err
	}
	t := c.hints.tip(chain.Name)
	if !t.still(now) {
		return nil
	}
	at := t.head
	if at.Time, err = chain.Chain.PendingTime(ctx); err != nil || at.Time < p.Timelock.OpensAt {
		return err
	}
	return c.observeOperation(ctx, chain, at, p)
}
