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

// follow watches one chain from where the last commit left it, until ctx ends.
func (c *Coordinator) follow(ctx context.Context, name string) error {
	from, err := c.cfg.Store.Cursor(name)
	if err != nil && !errors.Is(err, governance.ErrNotFound) {
		return fmt.Errorf("read how far %s was watched: %w", name, err)
	}
	chain := c.cfg.Chains[name]
	c.setHead(name, from.Block) // a chain that stands still hands over no head after a restart
	err = chain.Chain.Follow(ctx, from.Block, func() []safe.Filter { return c.filters(name) }, func(ctx context.Context, head safe.Block, logs []safe.Log) error {
		return c.onHead(ctx, chain, head, logs)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("watch %s: %w", name, err)
}

// filters names every log of a chain that can say something about a proposal.
func (c *Coordinator) filters(chain string) []safe.Filter {
	var all []safe.Filter
	for _, s := range c.cfg.Safes {
		if s.Chain == chain {
			all = append(all, safe.Filter{Address: s.Address, Topics: [][]common.Hash{safe.ExecutionTopics()}})
		}
	}
	for _, t := range c.cfg.Timelocks {
		if adapter, err := timelock.New(t.Kind, t.Address); err == nil && t.Chain == chain {
			all = append(all, adapter.Logs()...)
		}
	}
	return all
}

// onHead takes one agreed head with the logs up to it. Everything it does is idempotent, and the cursor moves last.
func (c *Coordinator) onHead(ctx context.Context, chain ChainConfig, head safe.Block, logs []safe.Log) error {
	c.setHead(chain.Name, head)
	if err := c.takeExecutions(ctx, chain, logs); err != nil {
		return err
	}
	watched, err := c.watched(chain.Name)
	if err != nil {
		return err
	}
	states := map[common.Address]*safe.State{}
	for _, p := range watched {
		if err := c.observe(ctx, chain, head, p, states); err != nil {
			return fmt.Errorf("observe %s: %w", p.ID, err)
		}
	}
	_, err = c.commit(ctx, governance.Record{Cursors: []governance.Cursor{{Chain: chain.Name, Block: head}}})
	return err
}

// watched are the proposals of a chain that its next head can change; see governance.Proposal.Watched.
func (c *Coordinator) watched(chain string) ([]governance.Proposal, error) {
	open, err := c.cfg.Store.Watched()
	if err != nil {
		return nil, fmt.Errorf("read open proposals: %w", err)
	}
	var here []governance.Proposal
	for _, p := range open {
		if p.Safe.Chain == chain {
			here = append(here, p)
		}
	}
	return here, nil
}

// unended are the proposals that still ask for something.
func (c *Coordinator) unended() ([]governance.Proposal, error) {
	watched, err := c.cfg.Store.Watched()
	return slices.DeleteFunc(watched, func(p governance.Proposal) bool { return p.State.Ended() }), err
}

// takeExecutions finds our hashes among the logs. A log is a hint by one provider; what counts is the agreed receipt.
func (c *Coordinator) takeExecutions(ctx context.Context, chain ChainConfig, logs []safe.Log) error {
	for _, l := range logs {
		hash, _, ok := safe.ExecutionOf(l)
		if !ok {
			continue
		}
		id, err := c.cfg.Store.BySafeTxHash(hash)
		if errors.Is(err, governance.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look up %s: %w", hash, err)
		}
		if err := c.takeExecution(ctx, chain, id, hash, l.TxHash); err != nil {
			return err
		}
	}
	return nil
}

// takeExecution records what the agreed receipt says about our hash.
func (c *Coordinator) takeExecution(ctx context.Context, chain ChainConfig, id string, safeTxHash, txHash common.Hash) error {
	receipt, err := chain.Chain.Receipt(ctx, txHash)
	if err != nil || receipt == nil {
		return err
	}
	p, err := c.cfg.Store.Proposal(id)
	if err != nil {
		return err
	}
	for _, l := range receipt.Logs {
		hash, success, ok := safe.ExecutionOf(l)
		if !ok || hash != safeTxHash || l.Address != p.Safe.Address {
			continue
		}
		_, err = c.change(ctx, id, governance.Executed{SafeTxHash: hash, Success: success,
			Transaction: governance.Transaction{TxHash: txHash, Block: receipt.Block, Ours: c.isOurs(id, txHash)}})
		return err
	}
	return nil
}

func (c *Coordinator) isOurs(id string, tx common.Hash) bool {
	submissions, err := c.cfg.Store.SubmissionsOf(id)
	if err != nil {
		return false
	}
	for _, s := range submissions {
		for _, a := range s.Attempts {
			if a.Hash == tx {
				return true
			}
		}
	}
	return false
}

// observe brings one proposal up to the head: the Safe's owners and nonce, its transactions' depth, its operation's window.
func (c *Coordinator) observe(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, states map[common.Address]*safe.State) error {
	if err := c.observeDepth(ctx, chain, head, p); err != nil {
		return err
	}
	if p.State.Ended() && !p.Watched() {
		return nil
	}
	state := states[p.Safe.Address]
	if state == nil {
		read, err := chain.Chain.SafeState(ctx, p.Safe.Address)
		if err != nil {
			return fmt.Errorf("read safe: %w", err)
		}
		state = &read
		states[p.Safe.Address] = state
	}
	p, err := c.change(ctx, p.ID, governance.SafeSeen{State: *state})
	if err != nil {
		return err
	}
	if err := c.observeNonces(ctx, chain, head, p); err != nil {
		return err
	}
	if err := c.observeOperation(ctx, chain, head, p); err != nil {
		return err
	}
	// What was found mined just now may be deep enough already, and the next head may be long in coming.
	after, err := c.cfg.Store.Proposal(p.ID)
	if err != nil || after.Version == p.Version {
		return err
	}
	return c.observeDepth(ctx, chain, head, after)
}

// observeDepth follows mined transactions: deeper, final, moved, or gone.
func (c *Coordinator) observeDepth(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	for _, t := range p.Transactions {
		if t.Status != governance.TxStatusMined {
			continue
		}
		receipt, err := chain.Chain.Receipt(ctx, t.TxHash)
		if err != nil {
			return fmt.Errorf("read receipt: %w", err)
		}
		if receipt == nil {
			if _, err := c.change(ctx, p.ID, governance.Gone{Transaction: t}); err != nil {
				return err
			}
			continue
		}
		if receipt.Block != t.Block {
			if err := c.moved(ctx, p, t, receipt); err != nil {
				return err
			}
			continue
		}
		final, err := chain.Chain.Final(ctx, head, receipt.Block)
		if err != nil || !final {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := c.change(ctx, p.ID, governance.Final{Transaction: t}); err != nil {
			return err
		}
	}
	return nil
}

// moved takes a transaction that is mined in another block than before. There it may have done something else, or nothing: what
// counts is what its receipt says now.
func (c *Coordinator) moved(ctx context.Context, p governance.Proposal, t governance.Transaction, receipt *safe.Receipt) error {
	was := t
	t.Block = receipt.Block
	var now governance.Input = governance.Gone{Transaction: was}
	if t.SafeTxHash == (common.Hash{}) && receipt.Succeeded {
		now = governance.OperationRun{Transaction: t}
	}
	for _, l := range receipt.Logs {
		if hash, success, ok := safe.ExecutionOf(l); ok && hash == t.SafeTxHash && l.Address == p.Safe.Address {
			now = governance.Executed{SafeTxHash: hash, Success: success, Transaction: t}
		}
	}
	_, err := c.change(ctx, p.ID, now)
	return err
}

// observeNonces finds SafeTxs whose nonce the Safe has passed. Missing logs prove nothing, so the Safe's own history is
// searched first: it may have been ours, sent by anyone.
func (c *Coordinator) observeNonces(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	for _, t := range p.SafeTxs {
		if !open(t) || t.Tx.Nonce >= p.SafeNonce {
			continue
		}
		if err := c.nonceGone(ctx, chain, head, p, t); err != nil {
			return err
		}
	}
	return nil
}

func (c *Coordinator) nonceGone(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, t governance.SafeTx) error {
	first := c.firstMissed(t.Hashes.SafeTx, head.Number)
	from := uint64(0)
	if start := p.OpenedAt.Number; start > searchBack {
		from = start - searchBack
	}
	logs, err := chain.Chain.Logs(ctx, []safe.Filter{{Address: p.Safe.Address, Topics: [][]common.Hash{safe.ExecutionTopics()}}}, from, head.Number)
	if err != nil {
		return fmt.Errorf("search who used nonce %d: %w", t.Tx.Nonce, err)
	}
	var foreign []safe.Log
	for _, l := range logs {
		hash, _, ok := safe.ExecutionOf(l)
		if ok && hash == t.Hashes.SafeTx {
			return c.takeExecution(ctx, chain, p.ID, hash, l.TxHash)
		}
		if ok && l.Block.Number >= p.OpenedAt.Number {
			foreign = append(foreign, l)
		}
	}
	taken := governance.NonceTaken{SafeTxHash: t.Hashes.SafeTx}
	// The k-th execution since the proposal read nonce n used n+k; with a full history that names the transaction.
	if k := t.Tx.Nonce - min(t.Tx.Nonce, p.OpenedNonce); k < uint64(len(foreign)) {
		taken.By = foreign[k].TxHash
		first = foreign[k].Block.Number
	}
	// An emergency moves on at once. Anything else ends by this, so it waits until no reorganisation can take it back.
	if !p.Kind.Emergency() {
		final, err := chain.Chain.Final(ctx, head, safe.Block{Number: first})
		if err != nil || !final {
			return err
		}
	}
	_, err = c.change(ctx, p.ID, taken)
	return err
}

// searchBack is how many blocks before a proposal's first reading its Safe's history is searched.
const searchBack = 4

// firstMissed remembers the first head at which a nonce was seen gone.
func (c *Coordinator) firstMissed(hash common.Hash, head uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at, ok := c.lost[hash]; ok {
		return at
	}
	c.lost[hash] = head
	return head
}

// observeOperation reads the timelock operation at the head and derives its window by chain time.
func (c *Coordinator) observeOperation(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal) error {
	if p.Timelock == nil || p.State == governance.StateExecuted || p.State == governance.StateIneffective {
		return nil
	}
	adapter, err := timelock.New(p.Timelock.Kind, p.Timelock.Address)
	if err != nil {
		return err
	}
	results, err := chain.Chain.Read(ctx, head, adapter.Reads(*p.Timelock))
	if err != nil {
		return fmt.Errorf("read operation: %w", err)
	}
	status := adapter.Derive(*p.Timelock, results, nil, head.Time)
	var logs []safe.Log
	// Only logs tell a veto from what was never scheduled; before our Safe has run something there is nothing to tell.
	begun := p.Timelock.State != governance.OperationUnset || p.SafeNonce != p.OpenedNonce
	if status.State == governance.OperationDone || (status.State == governance.OperationUnset && begun) {
		if logs, err = c.operationLogs(ctx, chain, head, p, adapter); err != nil {
			return err
		}
		status = adapter.Derive(*p.Timelock, results, logs, head.Time)
	}
	if status.State == governance.OperationDone {
		return c.takeOperationRun(ctx, chain, p, adapter, logs)
	}
	final, err := c.vetoIsFinal(ctx, chain, head, p, status, adapter, logs)
	if err != nil {
		return err
	}
	_, err = c.change(ctx, p.ID, governance.OperationSeen{State: status.State, OpensAt: status.OpensAt, ClosesAt: status.ClosesAt, Why: status.Why, Final: final})
	return err
}

// vetoIsFinal reports whether the cancel that the operation's last log tells of is as deep as the chain's configuration asks.
func (c *Coordinator) vetoIsFinal(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, status timelock.Status, adapter timelock.Adapter, logs []safe.Log) (bool, error) {
	last, found := timelock.Last(adapter, logs, p.Timelock.ID)
	if status.State != governance.OperationCanceled || !found {
		return false, nil
	}
	return chain.Chain.Final(ctx, head, last.Log.Block)
}

// operationLogs are the timelock's logs of our operation since the proposal was opened.
func (c *Coordinator) operationLogs(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, adapter timelock.Adapter) ([]safe.Log, error) {
	logs, err := chain.Chain.Logs(ctx, adapter.Logs(), p.OpenedAt.Number, head.Number)
	if err != nil {
		return nil, fmt.Errorf("read timelock logs: %w", err)
	}
	var ours []safe.Log
	for _, l := range logs {
		if e, ok := adapter.EventOf(l); ok && e.ID == p.Timelock.ID {
			ours = append(ours, l)
		}
	}
	return ours, nil
}

// takeOperationRun finds the transaction that executed a done operation. The reading already proves that it is done; the
// log only names the transaction, and its receipt is agreed.
func (c *Coordinator) takeOperationRun(ctx context.Context, chain ChainConfig, p governance.Proposal, adapter timelock.Adapter, logs []safe.Log) error {
	for _, l := range logs {
		e, ok := adapter.EventOf(l)
		if !ok || e.Kind != timelock.EventExecuted {
			continue
		}
		receipt, err := chain.Chain.Receipt(ctx, l.TxHash)
		if err != nil || receipt == nil {
			return err
		}
		run := governance.Transaction{TxHash: l.TxHash, Block: receipt.Block, Ours: c.isOurs(p.ID, l.TxHash)}
		_, err = c.change(ctx, p.ID, governance.OperationRun{Transaction: run})
		return err
	}
	_, err := c.change(ctx, p.ID, governance.OperationSeen{State: governance.OperationDone}) // which transaction, the next head may tell
	return err
}

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
	calls := make([]safe.Call, len(p.Expect))
	for i, e := range p.Expect {
		calls[i] = e.Call
	}
	results, err := chain.Chain.Read(ctx, effect.Block, calls)
	if err != nil {
		return fmt.Errorf("read postconditions at block %d: %w", effect.Block.Number, err)
	}
	conditions := make([]governance.Postcondition, len(p.Expect))
	for i, e := range p.Expect {
		conditions[i] = e.Judge(results[i])
		conditions[i].Block, conditions[i].Final = effect.Block.Number, effect.Status == governance.TxStatusFinal
	}
	_, err = c.change(ctx, p.ID, governance.Proved{Postconditions: conditions})
	return err
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
	state, err := chain.Chain.SafeState(ctx, p.Safe.Address)
	if err != nil {
		return fmt.Errorf("read safe: %w", err)
	}
	c.proposing.Lock()
	defer c.proposing.Unlock()
	others, err := c.unended()
	if err != nil {
		return err
	}
	in, err := c.nextSafeTx(ctx, chain, p, state, others)
	if err != nil {
		return err
	}
	_, err = c.change(ctx, p.ID, in)
	return err
}

func (c *Coordinator) nextSafeTx(ctx context.Context, chain ChainConfig, p governance.Proposal, state safe.State, others []governance.Proposal) (governance.Rebuilt, error) {
	if p.State == governance.StateReady {
		t, err := c.safeTx(ctx, chain, p.Safe, state.Block, governance.PurposeExecute, []safe.Call{p.Timelock.Execute}, nextFree(state.Nonce, p.Safe, others))
		return governance.Rebuilt{SafeTxs: []governance.SafeTx{t}, Why: "the window is open; only the Safe may execute, so it is asked again"}, err
	}
	dead := p.Active()
	nonce := emergencyNonce(state.Nonce, p, others)
	next := []governance.SafeTx{atNonce(*dead, p.Safe, p.SafeTxs[0].Purpose, nonce)}
	for i := range p.Policy.Spares {
		next = append(next, atNonce(*dead, p.Safe, governance.PurposeSpare, nonce+uint64(i)+1))
	}
	why := fmt.Sprintf("nonce %d of the Safe is gone; asked again at nonce %d", dead.Tx.Nonce, nonce)
	if dead.UsedBy != (common.Hash{}) {
		why = fmt.Sprintf("%s used nonce %d of the Safe; asked again at nonce %d", dead.UsedBy.Hex(), dead.Tx.Nonce, nonce)
	}
	return governance.Rebuilt{SafeTxs: next, Why: why}, nil
}
