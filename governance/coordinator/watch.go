package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// follow takes one chain's logs from where the last commit left it, until ctx ends.
func (c *Coordinator) follow(ctx context.Context, name string) error {
	from, err := c.cfg.Store.Cursor(name)
	if err != nil && !errors.Is(err, governance.ErrNotFound) {
		return fmt.Errorf("read how far %s was watched: %w", name, err)
	}
	chain := c.cfg.Chains[name]
	c.hints.resumeHead(name, from.Block)
	err = chain.Chain.Follow(ctx, from.Block, func() []safe.Filter { return c.filters(name) }, func(ctx context.Context, head safe.Block, logs []safe.Log) error {
		return c.onLogs(ctx, chain, head, logs)
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("watch %s: %w", name, err)
}

// filters names every log of a chain that can say something about a proposal. Operations of timelocks are read, so that their logs
// are not needed here.
func (c *Coordinator) filters(chain string) []safe.Filter {
	var all []safe.Filter
	for _, s := range c.cfg.Safes {
		if s.Chain == chain {
			all = append(all, executionsOf(s.Address))
		}
	}
	return all
}

func executionsOf(address common.Address) safe.Filter {
	return safe.Filter{Address: address, Topics: [][]common.Hash{safe.ExecutionTopics()}}
}

// onLogs takes a range of logs that ends at a block. The block may be far behind the head after an outage, so nothing is read at
// it: tend is woken and looks at the head. Everything is idempotent, and the cursor moves last: while something that was told is
// not judged yet, a restart is to hear it again.
func (c *Coordinator) onLogs(ctx context.Context, chain ChainConfig, upTo safe.Block, logs []safe.Log) error {
	for _, l := range logs {
		if err := c.onLog(ctx, chain, upTo, l); err != nil {
			return err
		}
	}
	nudge(c.headsDue[chain.Name])
	if len(c.hints.doubtsOf(chain.Name)) > 0 {
		return nil
	}
	_, err := c.commit(ctx, governance.Record{Cursors: []governance.Cursor{{Chain: chain.Name, Block: upTo}}})
	return err
}

// onLog follows one hint. What the providers do not agree on is asked again later: one that invents logs holds up nothing.
func (c *Coordinator) onLog(ctx context.Context, chain ChainConfig, upTo safe.Block, l safe.Log) error {
	hash, _, ok := safe.ExecutionOf(l)
	if !ok {
		return nil
	}
	id, err := c.cfg.Store.BySafeTxHash(hash)
	if errors.Is(err, governance.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up %s: %w", hash, err)
	}
	e := sightedExec{id, hash, l.TxHash}
	if err := c.takeExecution(ctx, chain, upTo, e); err != nil {
		if ctx.Err() != nil {
			return err
		}
		c.cfg.Logger.Warn("judge an execution", "proposal_id", id, "tx_hash", l.TxHash.Hex(), "error", err)
		c.hints.doubt(chain.Name, e)
	}
	return nil
}

// takeExecution records what the agreed receipt says about our hash.
func (c *Coordinator) takeExecution(ctx context.Context, chain ChainConfig, head safe.Block, e sightedExec) error {
	receipt, err := chain.Chain.Receipt(ctx, e.txHash)
	if err != nil || receipt == nil {
		return err
	}
	return c.takeReceipt(ctx, chain, head, e, receipt, nil)
}

// takeReceipt records what an agreed receipt says about our hash, in one commit with what is known of it besides. The head may have been
// looked at already, and be the last for long, so that its depth is judged at once; where the chain has to be asked for that, people are told
// first that it is mined. The postconditions are those of the head, nil where they were not read; where the effect is not of that block they
// prove nothing.
func (c *Coordinator) takeReceipt(ctx context.Context, chain ChainConfig, head safe.Block, e sightedExec, receipt *safe.Receipt, conditions []safe.Result) error {
	p, err := c.cfg.Store.Proposal(e.proposal)
	if err != nil {
		return err
	}
	success, ok := c.judged(p, receipt, e.safeTxHash)
	if !ok {
		return nil
	}
	ran := governance.Transaction{TxHash: e.txHash, Block: receipt.Block, Ours: c.isOurs(p.ID, e.txHash)}
	steps := []step{just(governance.Executed{SafeTxHash: e.safeTxHash, Success: success, Transaction: ran})}
	known := head
	if receipt.Block.Number > head.Number {
		known = receipt.Block // enough providers say that it is part of the chain
	}
	if chain.Confirmations > 0 {
		final, err := chain.Chain.Final(ctx, known, receipt.Block)
		if err == nil && final {
			steps = append(steps, func(p governance.Proposal) governance.Input { return deepEnough(p, e, receipt.Block) })
		}
	}
	steps = append(steps, func(p governance.Proposal) governance.Input { return provenBy(p, conditions, head) })
	after, err := c.changeAll(ctx, p.ID, steps)
	if sent := minedBy(after, e); err == nil && sent != nil {
		return c.finish(ctx, chain, known, p.ID, *sent)
	}
	return err
}

// minedBy is the transaction of an execution while it is mined, and no more than that; nil where it is not.
func minedBy(p governance.Proposal, e sightedExec) *governance.Transaction {
	for i, t := range p.Transactions {
		if t.SafeTxHash == e.safeTxHash && t.TxHash == e.txHash && t.Status == governance.TxStatusMined {
			return &p.Transactions[i]
		}
	}
	return nil
}

// deepEnough says of an execution that was recorded at a block that it is final there.
func deepEnough(p governance.Proposal, e sightedExec, at safe.Block) governance.Input {
	if t := minedBy(p, e); t != nil && t.Block == at {
		return governance.Final{Transaction: *t}
	}
	return nil
}

// provenBy says what the postconditions of a proposal were at a block, if that is the block of its effect.
func provenBy(p governance.Proposal, results []safe.Result, at safe.Block) governance.Input {
	if effect := p.Effect(); effect == nil || effect.Block != at || len(results) != len(p.Expect) {
		return nil
	}
	return governance.Proved{Postconditions: found(p, results, at.Number)}
}

// judged finds what a receipt says about a SafeTx: the Safe's own word, or, where the Safe keeps silent about success, that a
// transaction of ours which carries just this went through and no failure is told.
func (c *Coordinator) judged(p governance.Proposal, r *safe.Receipt, safeTxHash common.Hash) (success, found bool) {
	if success, found = executionIn(r, p.Safe.Address, safeTxHash); found {
		return success, true
	}
	silent := !p.Safe.Version.TellsSuccess() && r.Succeeded
	return silent, silent && slices.Contains(c.attemptsOf(p.ID, safeTxHash), r.TxHash)
}

// attemptsOf are the transactions that we signed to run a SafeTx.
func (c *Coordinator) attemptsOf(id string, safeTxHash common.Hash) (hashes []common.Hash) {
	submissions, err := c.cfg.Store.SubmissionsOf(id)
	if err != nil {
		c.cfg.Logger.Error("read submissions", "proposal_id", id, "error", err)
	}
	for _, s := range submissions {
		if s.Subject != safeTxHash {
			continue
		}
		for _, a := range s.Attempts {
			hashes = append(hashes, a.Hash)
		}
	}
	return hashes
}

// executionIn finds the Safe's own word about a SafeTx in a receipt.
func executionIn(r *safe.Receipt, address common.Address, safeTxHash common.Hash) (success, found bool) {
	for _, l := range r.Logs {
		if hash, success, ok := safe.ExecutionOf(l); ok && hash == safeTxHash && l.Address == address {
			return success, true
		}
	}
	return false, false
}

func (c *Coordinator) isOurs(id string, tx common.Hash) bool {
	submissions, err := c.cfg.Store.SubmissionsOf(id)
	return err == nil && slices.ContainsFunc(submissions, func(s governance.Submission) bool {
		return slices.ContainsFunc(s.Attempts, func(a governance.Attempt) bool { return a.Hash == tx })
	})
}

// watched are the proposals of a chain that its next head can change; see governance.Proposal.Watched. Those that ended by what a
// deep reorganisation can still take back are among them.
func (c *Coordinator) watched(chain string) ([]governance.Proposal, error) {
	all, err := c.cfg.Store.Watched()
	if err != nil {
		return nil, fmt.Errorf("read open proposals: %w", err)
	}
	for _, id := range c.hints.restlessIDs() {
		p, err := c.cfg.Store.Proposal(id)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", id, err)
		}
		if !p.Watched() {
			all = append(all, p)
		}
	}
	return slices.DeleteFunc(all, func(p governance.Proposal) bool { return p.Safe.Chain != chain }), nil
}

// unended are the proposals that still ask for something.
func (c *Coordinator) unended() ([]governance.Proposal, error) {
	watched, err := c.cfg.Store.Watched()
	return slices.DeleteFunc(watched, func(p governance.Proposal) bool { return p.State.Ended() }), err
}

// restlessSearched is how many of the youngest proposals are looked through at a start for ends that can still change. A
// proposal lives for weeks, so that an older one has long settled.
const restlessSearched = 500

// findRestless looks for ends that can still change, once, before anything acts.
func (c *Coordinator) findRestless() error {
	before := ""
	for range restlessSearched / pageSize {
		page, err := c.cfg.Store.Proposals(before, pageSize)
		if err != nil {
			return fmt.Errorf("read recent proposals: %w", err)
		}
		for _, p := range page {
			c.noteRestless(p)
		}
		if len(page) < pageSize {
			return nil
		}
		before = page[len(page)-1].ID
	}
	return nil
}

// noteRestless keeps a proposal in sight that ended by what is final, but not too deep for a reorganisation.
func (c *Coordinator) noteRestless(p governance.Proposal) {
	chain, known := c.cfg.Chains[p.Safe.Chain]
	c.hints.setRestless(p.ID, p.Version, known && p.State.Ended() && slices.ContainsFunc(p.Transactions, func(t governance.Transaction) bool { return !c.settled(chain, t) }))
}

// reorgDepth is how deep a reorganisation of Ethereum can reach: two epochs. settledDepth is as many blocks more: the chain that takes the
// place of another is longer than it, by as much as was made until providers are heard again.
const (
	reorgDepth   = 64
	settledDepth = 2 * reorgDepth
)

// settled reports whether nothing that a chain still does can move the transaction. One that is final by the configured depth is
// watched until it is too deep for any reorganisation.
func (c *Coordinator) settled(chain ChainConfig, t governance.Transaction) bool {
	switch t.Status {
	case governance.TxStatusMined:
		return false
	case governance.TxStatusFinal:
		return chain.Confirmations == 0 || t.Block.Number+settledDepth <= c.hints.head(chain.Name).Number
	}
	return true // submitted: its submission is looked after, and logs tell of the rest
}
