package coordinator

import (
	"context"
	"errors"
	"fmt"

	"belay/governance"
	"belay/safe"
)

// heldBack says why something that is ready is not sent now; nil where nothing stands against it. An emergency is never held back.
// Whoever wants it sent all the same takes it to a wallet: Belay only does not help. An emergency that no owner has signed holds back
// nothing, for whoever has stolen a chat account can open one.
func (c *Coordinator) heldBack(ctx context.Context, chain ChainConfig, p governance.Proposal) error {
	if neverHeld(p) {
		return nil
	}
	if err := c.opposed(p); err != nil {
		return err
	}
	return c.stillWithinBounds(ctx, chain, p)
}

// neverHeld reports whether nothing holds a proposal back: an emergency, or a void, which only makes something impossible.
func neverHeld(p governance.Proposal) bool {
	return p.Kind.Emergency() || p.Playbook == VoidPlaybook
}

// opposed is the part of heldBack that no chain has to be asked for: people and their emergencies.
func (c *Coordinator) opposed(p governance.Proposal) error {
	if neverHeld(p) {
		return nil
	}
	if why := p.HeldBack(c.people.byWallet); why != "" {
		return errors.New(governance.HeldProblem + why)
	}
	others, err := c.unended()
	if err != nil {
		return fmt.Errorf("read open proposals: %w", err)
	}
	for _, o := range others {
		if o.Kind.Emergency() && o.Backed() && p.Meets(o) {
			return fmt.Errorf("%sthe emergency %s is open on the same contract", governance.HeldProblem, o.ID)
		}
	}
	return nil
}

// stillWithinBounds judges the bounds and the rules between the values anew by what the chain says now: a change that was small when
// it was proposed can be a large one when its window opens.
func (c *Coordinator) stillWithinBounds(ctx context.Context, chain ChainConfig, p governance.Proposal) error {
	pb, ok := c.cfg.Playbooks[p.Playbook]
	if !ok {
		return fmt.Errorf("%sits playbook %s is not configured any more, so that nothing says what its bounds are", governance.HeldProblem, p.Playbook)
	}
	bound, err := pb.Bind(p.Params)
	if err != nil {
		return fmt.Errorf("%sits playbook would not allow it any more: %w", governance.HeldProblem, err)
	}
	if pb.Hash() != p.PlaybookHash && !bound.Makes(p.Intent) {
		return fmt.Errorf("%sits playbook %s was changed since, and would call something else: propose it again", governance.HeldProblem, p.Playbook)
	}
	var readings []safe.Result
	if named := bound.Reads(); len(named) > 0 {
		head, _, err := chain.Chain.Recent(ctx)
		if err != nil {
			return fmt.Errorf("read today's values: %w", err)
		}
		calls := make([]safe.Call, len(named))
		for i, r := range named {
			calls[i] = r.Call
		}
		if readings, err = chain.Chain.Read(ctx, head, calls); err != nil {
			return fmt.Errorf("read today's values: %w", err)
		}
	}
	if err := bound.Judge(readings); err != nil {
		return fmt.Errorf("%s%w", governance.HeldProblem, err)
	}
	return nil
}
