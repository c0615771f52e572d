package coordinator

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// drivingLook is what one look at the chain gave, for every submission.
type drivingLook struct {
	head  safe.Block
	fees  safe.Fees
	again bool // accepted bytes are to go out again
}

// stepsAtOnce bounds how many verdicts one look follows: mined, then final; unmined, then sent again.
const stepsAtOnce = 4

// drive takes one open submission as far as the facts go: sends its bytes again, raises its fees, and notices when it is mined,
// final, moved or moot.
func (c *Coordinator) drive(ctx context.Context, chain ChainConfig, look drivingLook, s governance.Submission) error {
	letGo, ok := c.hands.take(s.ID)
	if !ok {
		return nil // it is being sent for the first time
	}
	defer letGo()
	s, err := c.submission(s.Proposal, s.ID)
	if err != nil || !s.Open() {
		return err
	}
	for range stepsAtOnce {
		facts, err := c.relayFacts(ctx, chain, look, s)
		if err != nil {
			if look.again || s.State == governance.SubmissionSigned {
				c.resend(ctx, chain, s) // unknown facts never stop bytes that are signed already from going out
			}
			return fmt.Errorf("%s: %w", s.ID, err)
		}
		s, facts.Bundle = c.bundled(s)
		if why := c.standsBack(s); why != nil {
			facts.Yields = why.Error()
		}
		next, again, err := c.act(ctx, chain, look, s, facts, relay.Next(s, facts, time.Now()))
		if err != nil || !again {
			return err
		}
		s = next
	}
	return nil
}

// bundled judges the signatures that a submission carries by the owners and the threshold that the watch keeps true. Where the
// quorum was lost and won anew, the submission that it gives carries the new one.
func (c *Coordinator) bundled(s governance.Submission) (governance.Submission, relay.Bundle) {
	p, err := c.cfg.Store.Proposal(s.Proposal)
	if err != nil {
		return s, relay.BundleHolds
	}
	t := p.SafeTx(s.Subject)
	if t == nil || carriesQuorum(p, t, s.Data) {
		return s, relay.BundleHolds
	}
	if t.State == governance.TxAsking {
		return s, relay.BundleShort
	}
	data, err := packed(c.cfg.Store, p, t)
	if err != nil || t.State != governance.TxApproved {
		return s, relay.BundleHolds
	}
	s.Data = data
	return s, relay.BundleAnew
}

// carriesQuorum reports whether the Safe would take the signatures in an execution, as far as bytes tell.
func carriesQuorum(p governance.Proposal, t *governance.SafeTx, data []byte) bool {
	_, signatures, err := safe.DecodeExec(data)
	if err != nil {
		return false
	}
	for _, v := range safe.Inspect(t.Hashes.SafeTx, signatures, p.Threshold, p.Owners) {
		if v.Code != "" {
			return false
		}
	}
	return true
}

// sendBlind sends a submission's bytes while no fact can be had.
func (c *Coordinator) sendBlind(ctx context.Context, chain ChainConfig, s governance.Submission) error {
	letGo, ok := c.hands.take(s.ID)
	if !ok {
		return nil
	}
	defer letGo()
	s, err := c.submission(s.Proposal, s.ID)
	if err != nil || !s.Open() || s.State == governance.SubmissionMined || len(s.Attempts) == 0 || c.subject(s).Spent() || c.standsBack(s) != nil {
		return err
	}
	return c.broadcast(ctx, chain, s, s.Attempts[len(s.Attempts)-1])
}

func (c *Coordinator) resend(ctx context.Context, chain ChainConfig, s governance.Submission) {
	if n := len(s.Attempts); n > 0 && s.State != governance.SubmissionMined && c.standsBack(s) == nil {
		if err := c.spread(ctx, chain, s, s.Attempts[n-1].Raw); err != nil {
			c.cfg.Logger.Warn("send again", "proposal_id", s.Proposal, "error", err)
		}
	}
}

// act carries out one verdict. It gives the submission as it is then, and whether to look again at once.
func (c *Coordinator) act(ctx context.Context, chain ChainConfig, look drivingLook, s governance.Submission, f relay.Facts, verdict relay.Action) (governance.Submission, bool, error) {
	switch a := verdict.(type) {
	case relay.Wait:
		return s, false, c.untold(ctx, chain, s, f)
	case relay.Yield:
		return s, false, c.note(ctx, s, a.After(s))
	case relay.Broadcast:
		if !look.again && s.State != governance.SubmissionSigned && !c.discretionEnds(chain, s) {
			return s, false, nil
		}
		return s, false, c.broadcast(ctx, chain, s, a.Attempt)
	case relay.Hold:
		if look.again || c.discretionEnds(chain, s) {
			c.resend(ctx, chain, s)
		}
		return s, false, c.note(ctx, s, a.After(s))
	case relay.Replace:
		return s, false, c.replace(ctx, chain, look, s, f, a)
	case relay.Renonce:
		return s, false, c.renonce(ctx, chain, s, a)
	case relay.MarkMined:
		c.hints.dropDiscreet(s.ID)
		if a.Block.Number > look.head.Number {
			nudge(c.headsDue[chain.Name]) // there is a newer head already
		}
		next := a.After(s)
		if err := c.note(ctx, s, next); err != nil {
			return s, false, err
		}
		return next, true, c.mined(ctx, chain, look.head, next)
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

// untold looks again at what our mined transaction did, where the first look did not get through.
func (c *Coordinator) untold(ctx context.Context, chain ChainConfig, s governance.Submission, f relay.Facts) error {
	if s.State != governance.SubmissionMined || f.Subject.Spent() {
		return nil
	}
	return c.mined(ctx, chain, f.Head, s)
}

// mined looks at once at what our mined transaction did, instead of waiting for the watch.
func (c *Coordinator) mined(ctx context.Context, chain ChainConfig, head safe.Block, s governance.Submission) error {
	if hash := c.safeTxOf(s); hash != (common.Hash{}) {
		return c.takeExecution(ctx, chain, head, sightedExec{s.Proposal, hash, s.Mined})
	}
	return nil
}

func (c *Coordinator) replace(ctx context.Context, chain ChainConfig, look drivingLook, s governance.Submission, f relay.Facts, a relay.Replace) error {
	attempt, err := c.signReplacement(chain, s, a.Bid, f.Head)
	if err != nil {
		return c.unreplaced(ctx, chain, look, s, f, err)
	}
	after := a.After(s, attempt)
	if err := c.keepSigned(ctx, s, after); err != nil {
		return err
	}
	c.cfg.Observe("replacements_total", 1, "role", string(s.Role))
	return c.broadcast(ctx, chain, after, attempt)
}

// keepSigned stores new bytes before the first of them leaves.
func (c *Coordinator) keepSigned(ctx context.Context, before, after governance.Submission) error {
	record := governance.Record{}
	c.keep(before, after)(&record)
	_, err := c.commit(ctx, record)
	return err
}

// renonce signs anew with a fresh nonce, because ours was used by something else. After a revert it is simulated first. What is not
// wanted now is held back as before the first time.
func (c *Coordinator) renonce(ctx context.Context, chain ChainConfig, s governance.Submission, a relay.Renonce) error {
	c.hints.dropMarket(s.ID) // its relayer nonce is what is wrong
	if held := c.unwanted(ctx, chain, s); held != nil {
		return c.keptBack(ctx, s, held)
	}
	if a.Simulate && len(signersOf(chain)) > 0 {
		var err error
		if s, err = c.wouldRun(ctx, chain, s); err != nil {
			return c.keptBack(ctx, s, reverting(err))
		}
	}
	m, err := c.market(ctx, chain, s)
	if err != nil {
		return err
	}
	signed, err := c.signAgain(ctx, chain, s, m, a)
	if err != nil {
		return c.keptBack(ctx, s, err)
	}
	return c.broadcast(ctx, chain, signed, signed.Attempts[len(signed.Attempts)-1])
}

// keptBack remembers why a submission does not get on.
func (c *Coordinator) keptBack(ctx context.Context, s governance.Submission, why error) error {
	after := s
	after.Problem = why.Error()
	return c.note(ctx, s, after)
}

// unwanted says why a submission is not to be signed again now; nil where nothing stands against it.
func (c *Coordinator) unwanted(ctx context.Context, chain ChainConfig, s governance.Submission) error {
	p, err := c.cfg.Store.Proposal(s.Proposal)
	if err != nil {
		return err
	}
	return cmp.Or(c.standsBack(s), c.heldBack(ctx, chain, p))
}

// wouldRun tries a submission that reverted once: as it is, and with a bundle of what still holds, which it then carries.
func (c *Coordinator) wouldRun(ctx context.Context, chain ChainConfig, s governance.Submission) (governance.Submission, error) {
	from := signersOf(chain)[0].Address()
	_, err := chain.Chain.EstimateGas(ctx, from, s.To, s.Data)
	p, unread := c.cfg.Store.Proposal(s.Proposal)
	if err == nil || unread != nil || p.SafeTx(s.Subject) == nil {
		return s, err
	}
	data, short := c.bundle(ctx, chain, p, p.SafeTx(s.Subject))
	if short != nil {
		return s, short
	}
	if _, again := chain.Chain.EstimateGas(ctx, from, s.To, data); again != nil {
		return s, err
	}
	s.Data = data
	return s, nil
}

// signAgain chooses a key anew and stores the bytes that it signed; see signFirst.
func (c *Coordinator) signAgain(ctx context.Context, chain ChainConfig, s governance.Submission, m market, a relay.Renonce) (governance.Submission, error) {
	order, after := s, s
	order.Gas = m.gas
	err := c.signWith(chain, order, m, s.ID, func(key relay.KeyChoice, attempt governance.Attempt) error {
		after = a.After(order, key, attempt)
		return c.keepSigned(ctx, s, after)
	})
	return after, err
}

// relayFacts reads what one submission's next step rests on.
func (c *Coordinator) relayFacts(ctx context.Context, chain ChainConfig, look drivingLook, s governance.Submission) (relay.Facts, error) {
	f := relay.Facts{Head: look.head, Fees: look.fees, Subject: c.subject(s), Receipts: map[common.Hash]*safe.Receipt{},
		Caps: relay.Caps{MaxFee: chain.Fees.Routine, EmergencyMaxFee: chain.Fees.Emergency}, Confirmations: chain.Confirmations}
	receipts := make([]*safe.Receipt, len(s.Attempts))
	asks := []func() error{func() error {
		accounts, err := chain.Chain.Accounts(ctx, look.head, s.Relayer)
		if err == nil {
			f.Account = accounts[0]
		}
		return err
	}}
	for i, a := range s.Attempts {
		asks = append(asks, func() (err error) { receipts[i], err = chain.Chain.Receipt(ctx, a.Hash); return })
	}
	if err := together(asks...); err != nil {
		return f, err
	}
	for i, a := range s.Attempts {
		f.Receipts[a.Hash] = receipts[i]
		if receipts[i] != nil {
			f.Finalized = max(f.Finalized, finalized(ctx, chain, look.head, receipts[i].Block.Number))
		}
	}
	f.Finalized = max(f.Finalized, finalized(ctx, chain, look.head, f.Subject.Block))
	var err error
	f.Others, err = c.others(s)
	return f, err
}

// others are the other open submissions of the same key.
func (c *Coordinator) others(s governance.Submission) (others []relay.Carried, err error) {
	open, err := c.cfg.Store.Submissions()
	if err != nil {
		return nil, fmt.Errorf("read submissions: %w", err)
	}
	for _, o := range open {
		if o.ID != s.ID && o.Chain == s.Chain && o.Relayer == s.Relayer {
			others = append(others, relay.Carried{Submission: o, Spent: c.subject(o).Spent()})
		}
	}
	return others, nil
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
	if e := p.Effect(); e != nil {
		return relay.Subject{Done: true, By: e.TxHash, Block: e.Block.Number}
	}
	return endedSubject(p)
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
		return relay.Subject{Dead: true, Why: "its Safe nonce was used by another transaction, or the Safe was upgraded"}
	case governance.TxFailed:
		return relay.Subject{Dead: true, Why: "the Safe ran it without effect"}
	}
	if e := p.Effect(); e != nil && e.SafeTxHash != t.Hashes.SafeTx && (t.Purpose == governance.PurposeDirect || t.Purpose == governance.PurposeSpare) {
		return relay.Subject{Dead: true, Block: e.Block.Number, Why: "another transaction of the same proposal did it"}
	}
	return endedSubject(p)
}

// endedSubject says that nobody needs what a proposal that ended would still have sent: its people took it down, or it was done
// another way.
func endedSubject(p governance.Proposal) relay.Subject {
	if !p.State.Ended() {
		return relay.Subject{}
	}
	return relay.Subject{Dead: true, Why: "the proposal ended as " + string(p.State)}
}
