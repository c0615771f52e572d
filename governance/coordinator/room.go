package coordinator

import (
	"fmt"
	"slices"

	"belay/governance"
)

// standsBack says why a routine submission that is on its way is not sent any further now: its key has power, somebody opposes it before
// any provider has it, or an open emergency wants its Safe nonce. What the pools hold already can still be mined; nothing is added to
// that, so that the emergency's higher bid is the one that is taken. Once the emergency is settled, the submission is sent again, or is moot.
func (c *Coordinator) standsBack(s governance.Submission) error {
	if s.Emergency {
		return nil
	}
	if err := c.empowered(s.Chain, s.Relayer); err != nil {
		return err
	}
	p, err := c.cfg.Store.Proposal(s.Proposal)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.Proposal, err)
	}
	taken := slices.ContainsFunc(s.Attempts, func(a governance.Attempt) bool { return a.Taken })
	if err := c.opposed(p); err != nil && !taken {
		return err
	}
	t := p.SafeTx(s.Subject)
	if t == nil {
		return nil // the execution of an operation uses no Safe nonce
	}
	return c.yields(p, t)
}

// displacedBids are the routine transactions of ours that want the Safe nonce of an emergency, by whatever key they were sent. Builders
// put the higher tip first, so that the emergency's first bid has to be above all of theirs.
func (c *Coordinator) displacedBids(s governance.Submission) ([]governance.Attempt, error) {
	if !s.Emergency {
		return nil, nil
	}
	nonce, ok := c.safeNonceOf(s)
	open, err := c.cfg.Store.Submissions()
	if err != nil || !ok {
		return nil, err
	}
	var bids []governance.Attempt
	for _, o := range open {
		if o.Emergency || o.Chain != s.Chain || o.To != s.To {
			continue
		}
		if theirs, ok := c.safeNonceOf(o); ok && theirs == nonce {
			bids = append(bids, o.Attempts...)
		}
	}
	return bids, nil
}

// safeNonceOf is the Safe nonce that a submission uses; false for one that uses none.
func (c *Coordinator) safeNonceOf(s governance.Submission) (uint64, bool) {
	p, err := c.cfg.Store.Proposal(s.Proposal)
	if err != nil {
		return 0, false
	}
	t := p.SafeTx(s.Subject)
	if t == nil {
		return 0, false
	}
	return t.Tx.Nonce, true
}
