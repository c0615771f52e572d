package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"belay/governance"
	"belay/governance/timelock"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// observe brings one proposal up to the head: its transactions' depth, the Safe's owners and nonce, its operation's window. What
// is found mined on the way may be deep enough already, and the next head may be long in coming, so that depth comes twice.
func (t *tending) observe(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	var failed []error
	for _, step := range []func(context.Context, ChainConfig, safe.Block, governance.Proposal) error{
		t.observeDepths, t.observeSafe, t.observeApprovals, t.followOperation, t.observeDepths, t.observeProven,
	} {
		failed = append(failed, step(ctx, chain, head, p))
		after, err := t.cfg.Store.Proposal(p.ID)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		p = after
	}
	t.noteRestless(p)
	return errors.Join(failed...)
}

// observeDepths follows the transactions that are mined.
func (t *tending) observeDepths(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	var failed []error
	for _, sent := range p.Transactions {
		if sent.Status != governance.TxStatusSubmitted && !t.settled(chain, sent) {
			failed = append(failed, t.observeDepth(ctx, chain, head, p, sent))
		}
	}
	return errors.Join(failed...)
}

// observeDepth follows a mined transaction: deeper, final, moved, or gone. One that was found mined in a chain that has only grown
// since is where it was, so that its receipt is asked for again only when it turns final.
func (t *tending) observeDepth(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, sent governance.Transaction) error {
	if t.before[sent.TxHash] == sent.Block.Hash || t.rooted[sent.TxHash] == sent.Block.Hash {
		t.rooted[sent.TxHash] = sent.Block.Hash
		if sent.Status == governance.TxStatusFinal {
			return nil
		}
		if final, err := chain.Chain.Final(ctx, head, sent.Block); err != nil || !final {
			return err
		}
	}
	receipt, err := chain.Chain.Receipt(ctx, sent.TxHash)
	if err != nil {
		return fmt.Errorf("read receipt: %w", err)
	}
	again := sameDeed(p, sent, receipt)
	if again == nil {
		_, err := t.change(ctx, p.ID, governance.Gone{Transaction: sent})
		return err
	}
	if receipt.Block != sent.Block {
		sent.Block = receipt.Block
		if _, err = t.change(ctx, p.ID, again(sent)); err != nil {
			return err
		}
	}
	t.rooted[sent.TxHash] = receipt.Block.Hash
	if sent.Status == governance.TxStatusFinal {
		return nil
	}
	return t.finish(ctx, chain, head, p.ID, sent)
}

// finish takes that a mined transaction is deep enough, if it is.
func (c *Coordinator) finish(ctx context.Context, chain ChainConfig, head safe.Block, id string, sent governance.Transaction) error {
	final, err := chain.Chain.Final(ctx, head, sent.Block)
	if err != nil || !final {
		return err
	}
	_, err = c.change(ctx, id, governance.Final{Transaction: sent})
	return err
}

// sameDeed gives the fact that a receipt proves of a transaction that was recorded. It gives nil where the transaction is not mined
// any more, or was mined anew without doing anything of ours.
func sameDeed(p governance.Proposal, t governance.Transaction, r *safe.Receipt) func(governance.Transaction) governance.Input {
	if r == nil {
		return nil
	}
	if t.SafeTxHash != (common.Hash{}) {
		success, found := executionIn(r, p.Safe.Address, t.SafeTxHash)
		if silent := !p.Safe.Version.TellsSuccess(); silent && !found {
			success, found = true, t.Ours && r.Succeeded
		}
		if !found {
			return nil
		}
		return func(t governance.Transaction) governance.Input {
			return governance.Executed{SafeTxHash: t.SafeTxHash, Success: success, Transaction: t}
		}
	}
	adapter, err := timelockOf(p)
	if err != nil || !timelock.Has(adapter, r.Logs, timelock.EventExecuted, p.Timelock.ID) {
		return nil
	}
	return func(t governance.Transaction) governance.Input { return governance.OperationRun{Transaction: t} }
}

// observeSafe takes the Safe's owners and nonce, and finds SafeTxs whose nonce it has passed.
func (c *Coordinator) observeSafe(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	if !p.Watched() || p.State.Ended() && p.Loaded() == nil && !slices.ContainsFunc(p.SafeTxs, dead) {
		return nil // nothing of it can be signed, sent or given its nonce back
	}
	state, err := c.provenSafe(ctx, chain, head, p.Safe)
	if err != nil {
		return err
	}
	if p, err = c.change(ctx, p.ID, governance.SafeSeen{State: state}); err != nil {
		return err
	}
	for _, t := range p.SafeTxs {
		switch {
		case lostUnseen(p, t, head):
			if err := c.lookAgain(ctx, chain, head, p, t); err != nil {
				return err
			}
		case !t.Open():
		case t.Tx.Nonce >= state.Nonce:
			c.hints.dropMiss(t.Hashes.SafeTx) // a reorganisation gave it back
		default:
			if err := c.nonceGone(ctx, chain, head, p, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// observeProven reads again what was proven, as long as a reorganisation could take it back. What was proven only now has time until the
// next head.
func (t *tending) observeProven(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	if !isProven(p) || !t.holds(expected(p)) {
		return nil
	}
	results, err := t.read(ctx, chain, head, expected(p))
	if err != nil {
		return err
	}
	return t.reread(ctx, p, results, head)
}

func dead(t governance.SafeTx) bool { return t.State == governance.TxDead }

// followOperation is observeOperation with what was read ahead.
func (t *tending) followOperation(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	return t.operationBy(ctx, chain, head, p, func(calls []safe.Call) ([]safe.Result, error) { return t.read(ctx, chain, head, calls) })
}

// observeOperation reads the timelock operation at the head and derives its window by chain time.
func (c *Coordinator) observeOperation(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	return c.operationBy(ctx, chain, head, p, func(calls []safe.Call) ([]safe.Result, error) { return chain.Chain.Read(ctx, head, calls) })
}

// operationBy derives the window from what read answers at the head. Logs are searched only where the reading leaves open what became
// of the operation.
func (c *Coordinator) operationBy(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, read func([]safe.Call) ([]safe.Result, error)) error {
	if p.Timelock == nil || p.Effect() != nil {
		return nil
	}
	adapter, err := timelockOf(p)
	if err != nil {
		return err
	}
	results, err := read(adapter.Reads(*p.Timelock))
	if err != nil {
		return fmt.Errorf("read operation: %w", err)
	}
	status := adapter.Derive(*p.Timelock, results, nil, head.Time)
	// Only logs tell a veto from what was never scheduled; before our Safe has run something there is nothing to tell.
	begun := p.Timelock.State != governance.OperationUnset || p.SafeNonce != p.OpenedNonce
	seen := governance.OperationSeen{State: status.State, OpensAt: status.OpensAt, ClosesAt: status.ClosesAt, Why: status.Why}
	switch {
	case status.State == governance.OperationDone:
		return c.takeOperationRun(ctx, chain, head, p, adapter)
	case status.State == governance.OperationUnset && begun:
		if seen, err = c.unscheduled(ctx, chain, head, p, adapter, results); err != nil {
			return err
		}
	}
	_, err = c.change(ctx, p.ID, seen)
	return err
}

// unscheduled tells an operation that was vetoed from one whose schedule a reorganisation took away. A veto ends the proposal only
// when no reorganisation can take the veto back.
func (c *Coordinator) unscheduled(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, adapter timelock.Adapter, results []safe.Result) (governance.OperationSeen, error) {
	logs, err := lastEvents(ctx, chain, head, p, adapter)
	if err != nil {
		return governance.OperationSeen{}, err
	}
	status := adapter.Derive(*p.Timelock, results, logs, head.Time)
	seen := governance.OperationSeen{State: status.State, OpensAt: status.OpensAt, ClosesAt: status.ClosesAt, Why: status.Why}
	if last, found := timelock.Last(adapter, logs, p.Timelock.ID); found && status.State == governance.OperationCanceled {
		seen.Final, err = chain.Chain.Final(ctx, head, last.Log.Block)
	}
	return seen, err
}

// lastEvents searches for the last range of logs that tells of the proposal's operation.
func lastEvents(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, adapter timelock.Adapter) (ours []safe.Log, err error) {
	err = searchBack(ctx, chain, adapter.Logs(), p.OpenedAt.Number, head.Number, func(logs []safe.Log) bool {
		for _, l := range logs {
			if e, ok := adapter.EventOf(l); ok && e.ID == p.Timelock.ID {
				ours = append(ours, l)
			}
		}
		return len(ours) > 0
	})
	return ours, err
}

// takeOperationRun finds the transaction that executed a done operation. The reading proves that it is done; a log only
// hints at the transaction, and its agreed receipt must say the same.
func (c *Coordinator) takeOperationRun(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, adapter timelock.Adapter) error {
	logs, err := lastEvents(ctx, chain, head, p, adapter)
	if err != nil {
		return err
	}
	for _, l := range logs {
		if e, ok := adapter.EventOf(l); !ok || e.Kind != timelock.EventExecuted {
			continue
		}
		receipt, err := chain.Chain.Receipt(ctx, l.TxHash)
		if err != nil {
			return fmt.Errorf("read receipt: %w", err)
		}
		if receipt == nil || !timelock.Has(adapter, receipt.Logs, timelock.EventExecuted, p.Timelock.ID) {
			continue
		}
		run := governance.Transaction{TxHash: l.TxHash, Block: receipt.Block, Ours: c.isOurs(p.ID, l.TxHash)}
		_, err = c.change(ctx, p.ID, governance.OperationRun{Transaction: run})
		return err
	}
	_, err = c.change(ctx, p.ID, governance.OperationSeen{State: governance.OperationDone}) // which transaction, the next head may tell
	return err
}

// timelockOf is the adapter of a proposal's timelock.
func timelockOf(p governance.Proposal) (timelock.Adapter, error) {
	if p.Timelock == nil {
		return nil, fmt.Errorf("%s goes through no timelock", p.ID)
	}
	return timelock.New(p.Timelock.Kind, p.Timelock.Address)
}
