package coordinator

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// nonceGone records that a nonce went to another transaction. It may have been ours, sent by anyone, and missing logs prove
// nothing: the Safe's history is searched first. An emergency moves on at once; anything else ends by this, so it waits until no
// reorganisation can take it back.
func (c *Coordinator) nonceGone(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, t governance.SafeTx) error {
	m, known := c.hints.miss(t.Hashes.SafeTx)
	if !known {
		ours, by, err := c.whoUsed(ctx, chain, head, p, t)
		switch {
		case err != nil && !p.Kind.Emergency():
			return err
		case err != nil:
			c.cfg.Logger.Warn("search who used the nonce", "proposal_id", p.ID, "nonce", t.Tx.Nonce, "error", err)
		case ours != (common.Hash{}):
			return c.takeExecution(ctx, chain, head, sightedExec{p.ID, t.Hashes.SafeTx, ours})
		}
		m = miss{block: head.Number, by: by.TxHash}
		if by.TxHash != (common.Hash{}) {
			m.block = by.Block.Number
		}
		c.hints.keepMiss(t.Hashes.SafeTx, m)
	}
	if !p.Kind.Emergency() {
		final, err := chain.Chain.Final(ctx, head, safe.Block{Number: m.block})
		if err != nil || !final {
			return err
		}
	}
	_, err := c.change(ctx, p.ID, governance.NonceTaken{SafeTxHash: t.Hashes.SafeTx, By: m.by})
	if err == nil {
		c.hints.dropMiss(t.Hashes.SafeTx)
	}
	return err
}

// lostUnseen reports whether a nonce is gone and nobody was found who used it, not so long ago that looking is dear.
func lostUnseen(p governance.Proposal, t governance.SafeTx, head safe.Block) bool {
	return t.State == governance.TxDead && t.UsedBy == (common.Hash{}) && p.Effect() == nil && head.Number < p.OpenedAt.Number+lookedFor
}

// lookedFor is for how many blocks after its proposal an unseen user of a nonce is looked for: what one question for logs covers.
const lookedFor = 2000

// lookAgain searches once more for who used a nonce. Providers that lag can agree that a transaction of ours is not mined while they
// know already that its nonce is gone; an emergency did not wait for them.
func (c *Coordinator) lookAgain(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, t governance.SafeTx) error {
	ours, _, err := c.whoUsed(ctx, chain, head, p, t)
	if err != nil || ours == (common.Hash{}) {
		return err
	}
	return c.takeExecution(ctx, chain, head, sightedExec{p.ID, t.Hashes.SafeTx, ours})
}

// openedBefore is how many blocks before a proposal's first reading its Safe's history is searched: a reorganisation may have
// moved an execution to before it.
const openedBefore = 4

// whoUsed asks first what became of what we sent, and then looks through the Safe's executions since the proposal was opened: for our own
// hash, else for the one that used our nonce.
func (c *Coordinator) whoUsed(ctx context.Context, chain ChainConfig, head safe.Block, p governance.Proposal, t governance.SafeTx) (ours common.Hash, by safe.Log, err error) {
	ours, unread := c.ranByUs(ctx, chain, p, t.Hashes.SafeTx) // logs may be missing, and some Safes keep silent about success
	if ours != (common.Hash{}) {
		return ours, safe.Log{}, nil
	}
	from := p.OpenedAt.Number - min(p.OpenedAt.Number, openedBefore)
	var foreign []safe.Log
	err = searchBack(ctx, chain, []safe.Filter{executionsOf(p.Safe.Address)}, from, head.Number, func(logs []safe.Log) bool {
		for _, l := range logs {
			hash, _, ok := safe.ExecutionOf(l)
			if ok && hash == t.Hashes.SafeTx {
				ours = l.TxHash
			}
			if ok && l.Block.Number > p.OpenedAt.Number {
				foreign = append(foreign, l)
			}
		}
		return ours != common.Hash{}
	})
	slices.SortFunc(foreign, func(a, b safe.Log) int {
		return cmp.Or(cmp.Compare(a.Block.Number, b.Block.Number), cmp.Compare(a.Index, b.Index))
	})
	if ours != (common.Hash{}) {
		return ours, safe.Log{}, nil
	}
	if err = cmp.Or(err, unread); err != nil || !p.Safe.Version.TellsSuccess() {
		return ours, safe.Log{}, err
	}
	// The k-th execution after the proposal read nonce n used n+k; with a full history that names the transaction.
	if k := t.Tx.Nonce - min(t.Tx.Nonce, p.OpenedNonce); k < uint64(len(foreign)) {
		by = foreign[k]
	}
	return ours, by, err
}

// ranByUs finds a transaction of ours that ran a SafeTx, by its receipt.
func (c *Coordinator) ranByUs(ctx context.Context, chain ChainConfig, p governance.Proposal, safeTxHash common.Hash) (common.Hash, error) {
	sent := c.attemptsOf(p.ID, safeTxHash)
	receipts := make([]*safe.Receipt, len(sent))
	asks := make([]func() error, len(sent))
	for i, hash := range sent {
		asks[i] = func() (err error) { receipts[i], err = chain.Chain.Receipt(ctx, hash); return }
	}
	unread := together(asks...)
	for i, receipt := range receipts {
		if receipt == nil {
			continue
		}
		if _, found := c.judged(p, receipt, safeTxHash); found {
			return sent[i], nil
		}
	}
	if unread != nil {
		return common.Hash{}, fmt.Errorf("read receipt: %w", unread)
	}
	return common.Hash{}, nil
}
