package coordinator

import (
	"context"
	"fmt"
	"slices"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// stateKept is for how many blocks providers keep old state at least (geth's state.TriesInMemory).
const stateKept = 128

// prove reads the postconditions at the block of the effect and records what they say.
func (c *Coordinator) prove(ctx context.Context, d governance.Duty) error {
	p, err := c.cfg.Store.Proposal(d.Proposal)
	if err != nil {
		return err
	}
	effect := p.Effect()
	if effect == nil {
		return nil // a reorganisation took it away; its return owes a new duty
	}
	chain, err := c.chainOf(p)
	if err != nil {
		return err
	}
	results, at, err := c.readEffect(ctx, chain, *effect, expected(p))
	if err != nil {
		return fmt.Errorf("read postconditions at block %d: %w", effect.Block.Number, err)
	}
	proven, err := c.change(ctx, p.ID, governance.Proved{Postconditions: found(p, results, at.Number)})
	if err != nil {
		return err
	}
	if undecided(proven) {
		return fmt.Errorf("%s is final, and a postcondition could not be read: it is asked again", p.ID)
	}
	if !isProven(proven) || !c.settled(chain, *proven.Effect()) {
		return nil // while a reorganisation could take it back, each head reads it again
	}
	head := c.hints.head(chain.Name)
	if results, err = readAll(ctx, chain, head, expected(proven)); err != nil {
		return fmt.Errorf("read postconditions again at block %d: %w", head.Number, err)
	}
	return c.reread(ctx, proven, results, head)
}

// undecided reports whether the effect is final, and a read that failed leaves open whether it is one. What the providers said, they may
// say otherwise when they are well again.
func undecided(p governance.Proposal) bool {
	effect := p.Effect()
	return effect != nil && effect.Status == governance.TxStatusFinal && p.State != governance.StateExecuted && p.State != governance.StateIneffective &&
		slices.ContainsFunc(p.Postconditions, func(c governance.Postcondition) bool { return c.Value == "" })
}

// expected are the reads of the postconditions.
func expected(p governance.Proposal) []safe.Call {
	calls := make([]safe.Call, len(p.Expect))
	for i, e := range p.Expect {
		calls[i] = e.Call
	}
	return calls
}

// found judges what the reads gave.
func found(p governance.Proposal, results []safe.Result, block uint64) []governance.Postcondition {
	effect := p.Effect()
	conditions := make([]governance.Postcondition, len(p.Expect))
	for i, e := range p.Expect {
		conditions[i] = e.Judge(results[i])
		conditions[i].Block, conditions[i].Final = block, effect != nil && effect.Status == governance.TxStatusFinal
	}
	return conditions
}

// isProven reports whether the postconditions were true once.
func isProven(p governance.Proposal) bool {
	return p.State == governance.StateExecuted && len(p.Expect) > 0 && p.Effect() != nil
}

// reread takes what a later head says of what was proven: a pause that was undone in the block behind it must not stand as done. What a
// proposal of ours did is no surprise.
func (c *Coordinator) reread(ctx context.Context, p governance.Proposal, results []safe.Result, head safe.Block) error {
	now := found(p, results, head.Number)
	if meant, err := c.onPurpose(p, now); err != nil || meant {
		return err
	}
	_, err := c.change(ctx, p.ID, governance.Reread{Postconditions: now})
	return err
}

// onPurpose reports whether everything that reads otherwise now is what a proposal of ours did on purpose since.
func (c *Coordinator) onPurpose(p governance.Proposal, now []governance.Postcondition) (bool, error) {
	if len(p.Undone) > 0 || !slices.ContainsFunc(now, isFalse) {
		return false, nil
	}
	recent, err := c.cfg.Store.Proposals("", pageSize)
	if err != nil {
		return false, fmt.Errorf("look for what changed %s since: %w", p.ID, err)
	}
	since := slices.DeleteFunc(recent, func(o governance.Proposal) bool {
		return o.ID == p.ID || o.Safe.Chain != p.Safe.Chain || o.Effect() == nil || o.Effect().Block.Number < p.Effect().Block.Number
	})
	for i, condition := range now {
		if isFalse(condition) && !slices.ContainsFunc(since, func(o governance.Proposal) bool { return wants(o, p, p.Expect[i], condition.Value) }) {
			return false, nil
		}
	}
	return true, nil
}

func isFalse(c governance.Postcondition) bool { return !c.OK }

// wants reports whether a proposal is to make what p expects to be read as value: it is the undo of p, or expects just that.
func wants(o, p governance.Proposal, read governance.Expectation, value string) bool {
	return p.Undo != "" && o.Playbook == p.Undo || slices.ContainsFunc(o.Expect, func(e governance.Expectation) bool {
		return keyOfCall(e.Call) == keyOfCall(read.Call) && e.Pick == read.Pick && slices.Equal(e.Bits, read.Bits) && e.Equals == value
	})
}

// readEffect reads at the block of the effect. Where that is final and so old that no provider keeps its state, the head is read
// instead, and what is claimed names that block.
func (c *Coordinator) readEffect(ctx context.Context, chain ChainConfig, effect governance.Transaction, calls []safe.Call) ([]safe.Result, safe.Block, error) {
	results, err := readAll(ctx, chain, effect.Block, calls)
	head := c.hints.head(chain.Name)
	if err == nil || effect.Status != governance.TxStatusFinal || head.Number < effect.Block.Number+stateKept {
		return results, effect.Block, err
	}
	results, err = readAll(ctx, chain, head, calls)
	return results, head, err
}

// rebuild drafts the next SafeTx of a proposal that can go on only with one: an emergency that lost its nonce, or a ready
// operation that only the Safe may execute.
func (c *Coordinator) rebuild(ctx context.Context, d governance.Duty) error {
	p, err := c.cfg.Store.Proposal(d.Proposal)
	if err != nil || !p.NeedsDraft() {
		return err
	}
	chain, err := c.chainOf(p)
	if err != nil {
		return err
	}
	state, err := c.newestSafe(ctx, chain, p.Safe.Address)
	if err != nil {
		return err
	}
	c.proposing.Lock()
	defer c.proposing.Unlock()
	others, err := c.unended()
	if err != nil {
		return err
	}
	in, err := nextSafeTxs(p, state, others)
	if err != nil {
		return err
	}
	_, err = c.change(ctx, p.ID, in)
	return err
}

func nextSafeTxs(p governance.Proposal, state safe.State, others []governance.Proposal) (governance.Rebuilt, error) {
	if p.State == governance.StateReady {
		tx, err := safe.Batch([]safe.Call{p.Timelock.Execute}, common.Address{}, 0)
		if err != nil {
			return governance.Rebuilt{}, fmt.Errorf("build the SafeTx: %w", err)
		}
		t := atNonce(governance.SafeTx{Tx: tx}, p.Safe, governance.PurposeExecute, governance.FreeNonce(state.Nonce, p.Safe, others))
		return governance.Rebuilt{SafeTxs: []governance.SafeTx{t}, Why: "the window is open; only the Safe may execute, so it is asked again"}, nil
	}
	dead := p.Active()
	next := ladder(*dead, p, state.Nonce, others)
	nonce := next[0].Tx.Nonce
	why := fmt.Sprintf("nonce %d of the Safe is gone; asked again at nonce %d", dead.Tx.Nonce, nonce)
	switch {
	case dead.State != governance.TxDead:
		why = fmt.Sprintf("the providers agree that the Safe is at nonce %d, not where it was drafted; asked again at nonce %d", state.Nonce, nonce)
	case !dead.Rule.SameRule(p.Safe.Version):
		why = fmt.Sprintf("the Safe was upgraded to %s, which hashes by another rule; asked again at nonce %d", p.Safe.Version, nonce)
	case dead.UsedBy != (common.Hash{}):
		why = fmt.Sprintf("%s used nonce %d of the Safe; asked again at nonce %d", dead.UsedBy.Hex(), dead.Tx.Nonce, nonce)
	}
	return governance.Rebuilt{SafeTxs: next, Why: why}, nil
}
