package coordinator

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"belay/governance"
)

// RebuildPlaybook asks once more for what an earlier proposal asked for, checked anew. Its parameter names that one.
const RebuildPlaybook = "rebuild"

// proposeAgain asks for the same again: of what ended without effect, because it lost its nonce or nobody signed in time; and of what
// waits behind a gap in the Safe's nonces, which then stands in the gap. Everything is judged by today's playbook and today's values.
func (c *Coordinator) proposeAgain(ctx context.Context, in Intent) (Proposed, error) {
	id, err := only(in, "proposal", "P-12")
	if err != nil {
		return Proposed{}, err
	}
	old, err := c.load(id)
	if err != nil {
		return Proposed{}, err
	}
	again := in
	again.Playbook, again.Params, again.Reason = old.Playbook, old.Params, cmp.Or(in.Reason, old.Reason)
	switch {
	case old.Effect() != nil:
		return Proposed{}, governance.Refuse(governance.CodeNotOpen, "propose "+old.Playbook+" if it is wanted once more", "%s took effect", old.ID)
	case old.State.Ended():
		return c.Propose(ctx, again)
	}
	gap, err := c.gapBefore(old)
	if err != nil {
		return Proposed{}, err
	}
	if err := c.wouldOpen(ctx, again, old); err != nil { // nothing is ended for what cannot be asked for
		return Proposed{}, err
	}
	if _, err := c.change(ctx, old.ID, governance.Replaced{Member: in.Member, Nonce: gap}); err != nil {
		return Proposed{}, recorded(err)
	}
	made, err := c.Propose(ctx, again)
	if err != nil {
		return made, fmt.Errorf("%s is taken down, and asking again failed; `rebuild %s` tries it once more: %w", old.ID, old.ID, err)
	}
	return made, nil
}

// wouldOpen refuses what Propose would refuse once the old one is out of the way.
func (c *Coordinator) wouldOpen(ctx context.Context, again Intent, old governance.Proposal) error {
	others, err := c.unended()
	if err != nil {
		return fmt.Errorf("read open proposals: %w", err)
	}
	others = slices.DeleteFunc(others, func(o governance.Proposal) bool { return o.ID == old.ID })
	if err := uncrowded(again, old.Kind, others); err != nil {
		return err
	}
	_, err = c.Preview(ctx, again)
	return err
}

// gapBefore finds the gap that an open proposal waits behind.
func (c *Coordinator) gapBefore(p governance.Proposal) (uint64, error) {
	others, err := c.unended()
	if err != nil {
		return 0, fmt.Errorf("read open proposals: %w", err)
	}
	free, t := governance.FreeNonce(p.SafeNonce, p.Safe, others), p.Active()
	if p.Kind.Emergency() || t == nil || !t.Open() || free >= t.Tx.Nonce {
		return 0, governance.Refuse(governance.CodeNotOpen, "see what it waits for with `/belay nonces`", "%s is open, and waits behind no gap", p.ID)
	}
	return free, nil
}
