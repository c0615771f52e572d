package coordinator

import (
	"context"
	"fmt"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// turn finds the SafeTx whose nonce is the Safe's present one, or says what is waited for.
func (c *Coordinator) turn(ctx context.Context, chain ChainConfig, d governance.Duty, p governance.Proposal) (*governance.SafeTx, error) {
	if p.Kind.Emergency() {
		return c.emergencyTurn(ctx, chain, d, p)
	}
	t := p.Active()
	if p.SafeNonce < t.Tx.Nonce {
		return nil, waitsFor(p.SafeNonce, t)
	}
	state, err := c.freshSafe(ctx, chain, p)
	switch {
	case err != nil:
		return nil, err
	case state.Nonce < t.Tx.Nonce:
		return nil, waitsFor(state.Nonce, t)
	case state.Nonce > t.Tx.Nonce:
		return nil, fmt.Errorf("%w: nonce %d is gone; the watch tells what used it", errLater, t.Tx.Nonce)
	}
	return t, nil
}

// turnPatience is how long a proven emergency lets readings say that its nonce is not the next one.
const turnPatience = 20 * time.Second

// emergencyTurn never lets a reading hold back what a quorum has signed: one that could not be had counts for nothing, and one that
// says "not yet" or "gone" only for a while. Where there is none, the SafeTx goes first that is next by the last agreed one. The chain
// checks it all itself, and a wrong send costs gas.
func (c *Coordinator) emergencyTurn(ctx context.Context, chain ChainConfig, d governance.Duty, p governance.Proposal) (*governance.SafeTx, error) {
	t := p.Active()
	patient := c.hints.waited(d.ID, time.Now()) < turnPatience
	if t.Tx.Nonce == p.SafeNonce {
		return t, c.notDoneBefore(ctx, chain, p, t, patient)
	}
	state, err := c.newestSafe(ctx, chain, p.Safe.Address)
	if err != nil {
		if present := p.SignedAt(p.SafeNonce); present != nil && patient {
			return present, c.notDoneBefore(ctx, chain, p, present, false)
		}
		return t, nil
	}
	if present := p.SignedAt(state.Nonce); present != nil {
		return present, c.notDoneBefore(ctx, chain, p, present, patient)
	}
	if patient {
		return nil, waitsFor(state.Nonce, t)
	}
	return t, nil
}

// notDoneBefore holds a SafeTx back where what we sent at an earlier nonce did it already, and for a while where that cannot be read:
// owners sign spares in the same sitting, so that they often have their quorum just when the first is mined, and the Safe comes to the
// nonce of the first by a spare.
func (c *Coordinator) notDoneBefore(ctx context.Context, chain ChainConfig, p governance.Proposal, t *governance.SafeTx, patient bool) error {
	sent, err := c.cfg.Store.SubmissionsOf(p.ID)
	if err != nil {
		return err
	}
	for _, s := range sent {
		if s.Subject == t.Hashes.SafeTx || !s.Open() {
			continue
		}
		ran, err := c.ranByUs(ctx, chain, p, s.Subject)
		switch {
		case ran != (common.Hash{}):
			if err := c.takeExecution(ctx, chain, c.hints.head(chain.Name), sightedExec{p.ID, s.Subject, ran}); err != nil {
				return err
			}
			return fmt.Errorf("%w: %s is mined already", errLater, ran)
		case err != nil && patient:
			return fmt.Errorf("%w: %w", errLater, err)
		}
	}
	return nil
}

func waitsFor(nonce uint64, t *governance.SafeTx) error {
	return fmt.Errorf("%w: the Safe is at nonce %d, this uses %d", errLater, nonce, t.Tx.Nonce)
}

// unbackedYield is how long after its own quorum a routine transaction makes room for emergencies that no owner has signed.
const unbackedYield = time.Hour

// yields holds a routine transaction while an open emergency of the same Safe wants its nonce. Those that nobody signs are waited for
// only so long, all of them together: whoever has stolen a chat account can open one after the other, and must not be able to stop anything.
func (c *Coordinator) yields(p governance.Proposal, t *governance.SafeTx) error {
	if p.Kind.Emergency() {
		return nil
	}
	others, err := c.unended()
	if err != nil {
		return fmt.Errorf("read open proposals: %w", err)
	}
	for _, o := range others {
		if !o.Kind.Emergency() || !o.Safe.Same(p.Safe) || !o.Backed() && time.Since(quorumAt(t)) > unbackedYield {
			continue
		}
		for _, rival := range o.SafeTxs {
			if (rival.Open() || rival.State == governance.TxMined) && rival.Tx.Nonce == t.Tx.Nonce { // a reorganisation can take what is mined
				return fmt.Errorf("%sit makes room for the emergency %s, which wants the same nonce; where no owner signs that, for an hour after its own quorum", governance.HeldProblem, o.ID)
			}
		}
	}
	return nil
}

// quorumAt is when the last of the signatures came in.
func quorumAt(t *governance.SafeTx) (at time.Time) {
	for _, c := range t.Confirmations {
		if c.At.After(at) {
			at = c.At
		}
	}
	return at
}

// freshSafe reads the Safe at a head that was agreed on moments ago, or at a new one.
func (c *Coordinator) freshSafe(ctx context.Context, chain ChainConfig, p governance.Proposal) (safe.State, error) {
	if head, fresh := c.hints.freshHead(chain.Name, time.Now()); fresh {
		return c.safeAt(ctx, chain, head, p.Safe.Address)
	}
	return c.newestSafe(ctx, chain, p.Safe.Address)
}
