package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// driveEvery is how often open submissions are looked at: at least once a block on every chain that we know of.
const driveEvery = time.Second

// drive looks after the open submissions of one chain until ctx ends: sends their bytes again, raises their fees, and
// notices when they are mined, final, moved or moot. It remembers nothing: every look starts from store and chain.
func (c *Coordinator) drive(ctx context.Context, name string) error {
	chain := c.cfg.Chains[name]
	tick := time.NewTicker(driveEvery)
	defer tick.Stop()
	for {
		if err := c.driveAll(ctx, chain); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Warn("drive submissions", "chain", name, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (c *Coordinator) driveAll(ctx context.Context, chain ChainConfig) error {
	open, err := c.cfg.Store.Submissions()
	if err != nil {
		return fmt.Errorf("read submissions: %w", err)
	}
	var failed []error
	for _, s := range open {
		if s.Chain == chain.Name {
			failed = append(failed, c.driveOne(ctx, chain, s, open))
		}
	}
	return errors.Join(failed...)
}

// stepsAtOnce bounds how many verdicts one look follows: mined, then final; unmined, then sent again.
const stepsAtOnce = 4

func (c *Coordinator) driveOne(ctx context.Context, chain ChainConfig, s governance.Submission, all []governance.Submission) error {
	for range stepsAtOnce {
		facts, err := c.relayFacts(ctx, chain, s, all)
		if err != nil {
			// Unknown facts never stop bytes that are signed already from going out.
			c.resend(ctx, chain, s)
			return fmt.Errorf("%s: %w", s.ID, err)
		}
		next, again, err := c.act(ctx, chain, s, facts, relay.Next(s, facts, time.Now()))
		if err != nil || !again {
			return err
		}
		s = next
	}
	return nil
}

func (c *Coordinator) resend(ctx context.Context, chain ChainConfig, s governance.Submission) {
	if n := len(s.Attempts); n > 0 && s.State != governance.SubmissionMined {
		if err := chain.Chain.Broadcast(ctx, s.Attempts[n-1].Raw); err != nil {
			c.cfg.Logger.Warn("send again", "proposal_id", s.Proposal, "error", err)
		}
	}
}

// act carries out one verdict. It gives the submission as it is then, and whether to look again at once.
func (c *Coordinator) act(ctx context.Context, chain ChainConfig, s governance.Submission, f relay.Facts, verdict relay.Action) (governance.Submission, bool, error) {
	switch a := verdict.(type) {
	case relay.Wait:
		return s, false, nil
	case relay.Broadcast:
		return s, false, c.broadcast(ctx, chain, s, a.Attempt)
	case relay.Hold:
		c.resend(ctx, chain, s)
		return s, false, c.note(ctx, s, a.After(s))
	case relay.Replace:
		return s, false, c.replace(ctx, chain, s, f, a)
	case relay.Renonce:
		return s, false, c.renonce(ctx, chain, s, a)
	case relay.MarkMined:
		next := a.After(s)
		if err := c.note(ctx, s, next); err != nil {
			return s, false, err
		}
		return next, true, c.mined(ctx, chain, next)
	case relay.Unmined:
		next := a.After(s)
		return next, true, c.note(ctx, s, next)
	case relay.MarkFinal:
		return s, false, c.note(ctx, s, a.After(s))
	case relay.Moot:
		return s, false, c.note(ctx, s, a.After(s))
	}
	return s, false, fmt.Errorf("relay verdict %T is not known", verdict)
}

// note commits a submission whose state or problem changed.
func (c *Coordinator) note(ctx context.Context, before, after governance.Submission) error {
	if before.State == after.State && before.Problem == after.Problem && before.Mined == after.Mined {
		return nil
	}
	c.cfg.Logger.Info("submission", "proposal_id", after.Proposal, "state", string(after.State), "reason", after.Problem)
	_, err := c.commit(ctx, governance.Record{Submissions: []governance.Submission{after}})
	return err
}

// mined looks at once at what our mined transaction did, instead of waiting for the watch.
func (c *Coordinator) mined(ctx context.Context, chain ChainConfig, s governance.Submission) error {
	if hash := c.safeTxOf(s); hash != (common.Hash{}) {
		return c.takeExecution(ctx, chain, s.Proposal, hash, s.Mined)
	}
	return nil
}

func (c *Coordinator) replace(ctx context.Context, chain ChainConfig, s governance.Submission, f relay.Facts, a relay.Replace) error {
	attempt, err := signAttempt(chain, s, a.Bid, f.Head)
	if err != nil {
		return fmt.Errorf("sign a replacement: %w", err)
	}
	s = a.After(s, attempt)
	if _, err := c.commit(ctx, governance.Record{Submissions: []governance.Submission{s}}); err != nil {
		return err
	}
	c.cfg.Observe("replacements_total", 1, "role", string(s.Role))
	return c.broadcast(ctx, chain, s, attempt)
}

// renonce signs anew with a fresh nonce, because ours was used by something else. After a revert it is simulated first.
func (c *Coordinator) renonce(ctx context.Context, chain ChainConfig, s governance.Submission, a relay.Renonce) error {
	m, err := c.market(ctx, chain, s)
	if err != nil {
		return err
	}
	if a.Simulate {
		if _, err := chain.Chain.EstimateGas(ctx, m.keys[0].Address, s.To, s.Data); err != nil {
			after := s
			after.Problem = a.Why + "; it would revert again: " + err.Error()
			return c.note(ctx, s, after)
		}
	}
	signed, err := c.signAgain(ctx, chain, s, m, a)
	if err != nil {
		after := s
		after.Problem = err.Error()
		return c.note(ctx, s, after)
	}
	return c.broadcast(ctx, chain, signed, signed.Attempts[len(signed.Attempts)-1])
}

// signAgain chooses a key anew and stores the bytes that it signed; see signFirst.
func (c *Coordinator) signAgain(ctx context.Context, chain ChainConfig, s governance.Submission, m market, a relay.Renonce) (governance.Submission, error) {
	c.signing.Lock()
	defer c.signing.Unlock()
	if err := c.carried(chain, m.keys); err != nil {
		return s, err
	}
	for i := range m.keys {
		m.keys[i].Open = without(m.keys[i].Open, s.ID)
	}
	key, bid, err := c.choose(chain, s, m)
	if err != nil {
		return s, err
	}
	s.Relayer, s.Nonce, s.Gas = key.Address, key.Nonce, m.gas
	attempt, err := signAttempt(chain, s, bid, m.head)
	if err != nil {
		return s, fmt.Errorf("sign with a new nonce: %w", err)
	}
	s = a.After(s, key, attempt)
	_, err = c.commit(ctx, governance.Record{Submissions: []governance.Submission{s}})
	return s, err
}

func without(open []relay.Carried, id string) []relay.Carried {
	var kept []relay.Carried
	for _, o := range open {
		if o.Submission.ID != id {
			kept = append(kept, o)
		}
	}
	return kept
}

// relayFacts reads what one submission's next step rests on.
func (c *Coordinator) relayFacts(ctx context.Context, chain ChainConfig, s governance.Submission, all []governance.Submission) (relay.Facts, error) {
	head, fees, err := chain.Chain.Head(ctx)
	if err != nil {
		return relay.Facts{}, err
	}
	account, err := chain.Chain.Account(ctx, s.Relayer)
	if err != nil {
		return relay.Facts{}, err
	}
	f := relay.Facts{Head: head, Account: account, Receipts: map[common.Hash]*safe.Receipt{}, Subject: c.subject(s), Fees: fees,
		Caps: relay.Caps{MaxFee: chain.Fees.Routine, EmergencyMaxFee: chain.Fees.Emergency}, Confirmations: chain.Confirmations}
	for _, a := range s.Attempts {
		receipt, err := chain.Chain.Receipt(ctx, a.Hash)
		if err != nil {
			return f, err
		}
		f.Receipts[a.Hash] = receipt
		if receipt != nil {
			f.Finalized = max(f.Finalized, finalized(ctx, chain, head, receipt.Block.Number))
		}
	}
	f.Finalized = max(f.Finalized, finalized(ctx, chain, head, f.Subject.Block))
	for _, o := range all {
		if o.ID != s.ID && o.Chain == s.Chain && o.Relayer == s.Relayer {
			f.Others = append(f.Others, relay.Carried{Submission: o, Spent: c.subject(o).Spent()})
		}
	}
	return f, nil
}

// finalized gives the block's number where the chain judges by its finalized tag and this block is; else 0.
func finalized(ctx context.Context, chain ChainConfig, head safe.Block, block uint64) uint64 {
	if chain.Confirmations != 0 || block == 0 {
		return 0
	}
	if final, err := chain.Chain.Final(ctx, head, safe.Block{Number: block}); err != nil || !final {
		return 0
	}
	return block
}

// subject says what became of the thing that a submission is for, from the proposal that the watch keeps true.
func (c *Coordinator) subject(s governance.Submission) relay.Subject {
	p, err := c.cfg.Store.Proposal(s.Proposal)
	if err != nil {
		return relay.Subject{}
	}
	if t := p.SafeTx(s.Subject); t != nil {
		return safeTxSubject(p, *t)
	}
	if p.State == governance.StateCanceled {
		return relay.Subject{Dead: true, Why: "the operation was canceled"}
	}
	if e := p.Effect(); e != nil {
		return relay.Subject{Done: true, By: e.TxHash, Block: e.Block.Number}
	}
	return relay.Subject{}
}

func safeTxSubject(p governance.Proposal, t governance.SafeTx) relay.Subject {
	switch t.State {
	case governance.TxMined, governance.TxFinal:
		for _, sent := range p.Transactions {
			if sent.SafeTxHash == t.Hashes.SafeTx && sent.Status != governance.TxStatusSubmitted {
				return relay.Subject{Done: true, By: sent.TxHash, Block: sent.Block.Number}
			}
		}
		return relay.Subject{Done: true}
	case governance.TxDead:
		return relay.Subject{Dead: true, Why: "its Safe nonce was used by another transaction"}
	case governance.TxFailed:
		return relay.Subject{Dead: true, Why: "the Safe ran it without effect"}
	}
	return relay.Subject{}
}
