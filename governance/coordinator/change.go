package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belay/governance"
)

// staleRetries bounds how often a decision is made anew because someone else's commit came first. Each retry means that
// another change succeeded, so it ends.
const staleRetries = 20

// change decides one input on a stored proposal and commits what follows: events, state and duties, in one record.
// It gives the proposal as it is then.
func (c *Coordinator) change(ctx context.Context, id string, in governance.Input, with ...func(*governance.Record)) (governance.Proposal, error) {
	return c.changeAll(ctx, id, []step{just(in)}, with...)
}

// step gives what comes next as a proposal stands after the steps before it; nil for nothing.
type step func(governance.Proposal) governance.Input

func just(in governance.Input) step { return func(governance.Proposal) governance.Input { return in } }

// changeAll is change for what is found out in one look: all of it goes into one record. Where a step cannot be decided, those before it
// are committed nevertheless.
func (c *Coordinator) changeAll(ctx context.Context, id string, steps []step, with ...func(*governance.Record)) (governance.Proposal, error) {
	for range staleRetries {
		p, err := c.cfg.Store.Proposal(id)
		if err != nil {
			return p, err
		}
		after, err := c.decideAndCommit(ctx, p, steps, with...)
		if !errors.Is(err, governance.ErrStale) {
			return after, err
		}
	}
	return governance.Proposal{}, fmt.Errorf("change %s: %w %d times", id, governance.ErrStale, staleRetries)
}

func (c *Coordinator) decideAndCommit(ctx context.Context, before governance.Proposal, steps []step, with ...func(*governance.Record)) (governance.Proposal, error) {
	now := time.Now()
	after, events, failed := decideAll(before, steps, now)
	if failed != nil && len(events) == 0 {
		return before, failed
	}
	record := governance.Record{}
	if len(events) > 0 {
		record.Proposal, record.Expect, record.Events, record.State = after.ID, before.Version, events, &after
		record.Add = governance.Duties(before, after, c.cfg.Rooms, now)
	}
	for _, add := range with {
		add(&record)
	}
	if len(events) == 0 && len(record.Signatures) == 0 && len(record.Submissions) == 0 {
		return after, nil
	}
	seq, err := c.commit(ctx, record)
	if err != nil {
		return before, err
	}
	if len(events) > 0 {
		c.tell(before, after, events, seq)
	}
	return after, failed
}

// decideAll decides steps one after the other, as far as they can be decided.
func decideAll(before governance.Proposal, steps []step, now time.Time) (after governance.Proposal, events []governance.Event, failed error) {
	after = before
	for _, next := range steps {
		in := next(after)
		if in == nil {
			continue
		}
		more, err := governance.Decide(after, in, now)
		if err != nil {
			return after, events, err
		}
		after, events = replay(after, more), append(events, more...)
	}
	return after, events, nil
}

// replay applies events in order. The result is what a replay of the stored log gives.
func replay(p governance.Proposal, events []governance.Event) governance.Proposal {
	for _, e := range events {
		p = governance.Apply(p, e)
	}
	return p
}

// commit writes a record and wakes the workers that it gave something to do.
func (c *Coordinator) commit(ctx context.Context, r governance.Record) (uint64, error) {
	started := time.Now()
	r.Fence = c.fence.Load()
	seq, err := c.cfg.Store.Commit(ctx, r)
	c.cfg.Observe("store_commit_seconds", time.Since(started).Seconds())
	if err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	if len(r.Add) > 0 {
		nudge(c.dutiesDue)
	}
	if r.Receive != nil {
		nudge(c.inboxDue)
	}
	return seq, nil
}

// tell lets live viewers and the operator's log know that a proposal changed.
func (c *Coordinator) tell(before, after governance.Proposal, events []governance.Event, seq uint64) {
	for _, e := range events {
		c.cfg.Logger.Info("event", "proposal_id", after.ID, "type", string(e.Type), "by", e.By, "state", string(after.State))
	}
	if len(before.Undone) == 0 && len(after.Undone) > 0 {
		c.cfg.Observe("undone_total", 1, "kind", string(after.Kind))
		c.cfg.Logger.Error("what was executed is undone", "proposal_id", after.ID, "reason", after.Undone[0].Text)
	}
	if before.State != after.State {
		c.cfg.Observe("state_changes_total", 1, "state", string(after.State), "kind", string(after.Kind))
	}
	c.noteRestless(after)
	kind := "proposal"
	if before.Timelock != nil && after.Timelock != nil && before.Timelock.State != after.Timelock.State {
		kind = "timelock"
	}
	c.live.send(Notice{Proposal: after.ID, PublicID: c.ids.publicID(after.ID), Public: after.Visible(governance.AudiencePublic), Kind: kind, Seq: seq, At: time.Now()})
}
