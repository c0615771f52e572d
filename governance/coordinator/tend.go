package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

const (
	// tendEvery is how often a chain is looked at while something is on its way; else a new head wakes.
	tendEvery = time.Second
	// sendAgainEvery is how often bytes that were accepted go out again on a chain whose head stands still: a slot of Ethereum. A
	// new head sends them at once.
	sendAgainEvery = 12 * time.Second
)

// tending is the look after one chain. It belongs to the goroutine of tend and remembers only what it need not do twice.
type tending struct {
	*Coordinator
	chain  ChainConfig
	seen   safe.Block                  // head at which everything was observed; zero: something was not
	fees   safe.Fees                   // that were told last
	rooted map[common.Hash]common.Hash // transactions that are mined in the chain of seen, with the hash of their block
	before map[common.Hash]common.Hash // the same at the look before, where that still holds
	left   []string                    // proposals that nobody signed and that were not come to at seen, in the order of their turns
	ahead  map[string]safe.Result      // what was read ahead of its use, at seen
	sentAt time.Time                   // when accepted bytes last went out again

	sighted *sighted // what was seen just now, for the next look
}

// sighted is what looking out for a block came to: its last answer.
type sighted struct {
	head safe.Block
	err  error
}

// tend looks after one chain until ctx ends: what its Safes, operations and transactions say at a new head, its open
// submissions, and what the next quorum will need. Each look starts from store and chain.
//
// Anyone with a chat account can open emergencies, so that what owners signed comes first: it is observed, driven and prepared before
// anything that nobody signed is even read.
func (c *Coordinator) tend(ctx context.Context, name string) error {
	t := &tending{Coordinator: c, chain: c.cfg.Chains[name]}
	return poll(ctx, c.headsDue[name], tendEvery, func(woken bool) {
		t.lookOut(ctx)
		if err := t.look(ctx, woken); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Warn("look after the chain", "chain", name, "error", err)
		}
	})
}

// A block is looked out for after something was sent: the first time at once, then each time half as long again after the last, all in all for
// lookedOut and one answer.
const (
	soonest   = 2 * time.Millisecond
	lookedOut = tendEvery / 8
)

// lookOut waits for the block of what was sent just now, on chains that make one at once. On others the next look comes soon enough. What
// it saw last, the look after it goes by, with the prices that were told last: asking for those is the larger part of the work.
func (t *tending) lookOut(ctx context.Context) {
	t.sighted = nil
	if !t.hints.expectsBlock(t.chain.Name) || t.seen == (safe.Block{}) {
		return
	}
	began := time.Now()
	for wait := soonest; ; wait += wait / 2 {
		head, err := t.chain.Chain.Newest(ctx)
		t.sighted = &sighted{head, err}
		if err != nil || head != t.seen || time.Since(began)+wait > lookedOut {
			return
		}
		pause(ctx, wait)
	}
}

func (t *tending) look(ctx context.Context, woken bool) error {
	open, err := t.openHere()
	if err != nil {
		return err
	}
	if behind := t.seen == (safe.Block{}) || len(t.left) > 0; len(open) == 0 && !woken && !behind {
		return nil
	}
	watched, err := t.watched(t.chain.Name)
	if err != nil || len(open) == 0 && len(watched) == 0 && len(t.hints.doubtsOf(t.chain.Name)) == 0 {
		t.left = nil
		return err
	}
	sentNow := t.sighted != nil
	head, fees, err := t.newest(ctx, open)
	if err != nil {
		// Unknown facts never stop bytes that are signed already from going out.
		t.seen = safe.Block{}
		t.sendAll(ctx, open)
		return fmt.Errorf("read head: %w", err)
	}
	t.fees = fees
	t.hints.setHead(t.chain.Name, head)
	defer t.hints.setLooked(t.chain.Name, head)
	signed, unsigned := parted(watched)
	fresh := head != t.seen
	if fresh {
		t.hints.wakeAll()
		nudge(t.dutiesDue)
		t.begin(ctx, head)
		if sentNow {
			t.takeSent(ctx, head, open)
		}
		t.observeAll(ctx, head, signed, untilDone)
		t.left = turns(t.left, unsigned)
	}
	t.driveAll(ctx, head, fees, open, fresh)
	failed := t.prepareAll(ctx, head, fees, signed, untilDone)
	t.left = idsOf(t.observeAll(ctx, head, named(watched, t.left), tendEvery))
	return errors.Join(failed, t.prepareAll(ctx, head, fees, unsigned, tendEvery))
}

// takeSent tells that what was sent just now is mined, before anything else is looked at. What cannot be told so comes up again.
func (t *tending) takeSent(ctx context.Context, head safe.Block, open []governance.Submission) {
	var asks []func() error
	for _, s := range open {
		ran := sightedExec{proposal: s.Proposal, safeTxHash: t.safeTxOf(s)}
		if s.State != governance.SubmissionAccepted || ran.safeTxHash == (common.Hash{}) {
			continue
		}
		sent := s.Attempts[len(s.Attempts)-1]
		ran.txHash = sent.Hash
		asks = append(asks, func() error {
			mined, err := t.takeProven(ctx, head, ran)
			if err == nil && !mined && time.Since(sent.At) < 2*tendEvery { // it came too late for this block
				t.hints.expectBlock(t.chain.Name)
				nudge(t.headsDue[t.chain.Name])
			}
			return err
		})
	}
	if err := together(asks...); err != nil && ctx.Err() == nil {
		t.cfg.Logger.Debug("look for what was sent", "chain", t.chain.Name, "error", err)
	}
}

// takeProven tells of an execution, if it is mined, together with its proof, which is read while the receipt is asked for. Where that takes
// longer than a moment more, the proof is owed, as ever.
func (t *tending) takeProven(ctx context.Context, head safe.Block, ran sightedExec) (mined bool, err error) {
	var receipt *safe.Receipt
	var conditions []safe.Result
	err = beside(ctx,
		func() (err error) { receipt, err = t.chain.Chain.Receipt(ctx, ran.txHash); return },
		func(ctx context.Context) { conditions = t.readConditions(ctx, head, ran.proposal) },
	)
	if err != nil || receipt == nil {
		return false, err
	}
	return true, t.takeReceipt(ctx, t.chain, head, ran, receipt, conditions)
}

// readConditions reads the postconditions of a proposal at a head; nil where there are none, or they cannot be had.
func (t *tending) readConditions(ctx context.Context, head safe.Block, id string) []safe.Result {
	p, err := t.cfg.Store.Proposal(id)
	if err != nil || len(p.Expect) == 0 {
		return nil
	}
	results, err := readAll(ctx, t.chain, head, expected(p))
	if err != nil {
		return nil
	}
	return results
}

// newest is the head to look at: what was agreed on moments ago, or, while something is on its way, what is agreed on now.
func (t *tending) newest(ctx context.Context, open []governance.Submission) (safe.Block, safe.Fees, error) {
	if now := t.sighted; now != nil {
		t.sighted = nil
		return now.head, t.fees, now.err
	}
	if len(open) > 0 {
		return t.chain.Chain.Head(ctx)
	}
	return t.chain.Chain.Recent(ctx)
}

// openHere are the chain's open submissions.
func (t *tending) openHere() ([]governance.Submission, error) {
	all, err := t.cfg.Store.Submissions()
	if err != nil {
		return nil, fmt.Errorf("read submissions: %w", err)
	}
	var here []governance.Submission
	for _, s := range all {
		if s.Chain == t.chain.Name {
			here = append(here, s)
		}
	}
	return here, nil
}

// begin turns to a new head. What was told of and could not be judged before is asked first.
func (t *tending) begin(ctx context.Context, head safe.Block) {
	t.before, t.rooted = t.stillRooted(ctx), map[common.Hash]common.Hash{}
	t.seen, t.ahead = head, nil
	for _, e := range t.hints.doubtsOf(t.chain.Name) {
		if err := t.takeExecution(ctx, t.chain, head, e); err == nil {
			t.hints.undoubt(t.chain.Name, e)
		}
	}
}

// observeAll brings proposals up to the head, at least one of them, and gives those that it did not come to within its patience. The first
// batch of readings is not counted: with the slowest providers something gets done. One proposal that cannot be observed holds up
// no other; the whole is done again at the next look.
func (t *tending) observeAll(ctx context.Context, head safe.Block, all []governance.Proposal, patience time.Duration) (left []governance.Proposal) {
	began, worked := time.Now(), time.Duration(0)
	for i, p := range all {
		ready := t.holds(readsOf(p))
		if i > 0 && (worked >= patience || !ready && time.Since(began) >= patience) {
			return all[i:]
		}
		if !ready {
			t.readAhead(ctx, head, all[i:])
		}
		from := time.Now()
		if err := t.observe(ctx, t.chain, head, p); err != nil && ctx.Err() == nil {
			t.seen = safe.Block{}
			t.cfg.Logger.Warn("observe", "proposal_id", p.ID, "chain", t.chain.Name, "error", err)
		}
		worked += time.Since(from)
	}
	return nil
}

// stillRooted gives what was found mined in the chain of the last look, unless that was reorganised since, or may have been.
func (t *tending) stillRooted(ctx context.Context) map[common.Hash]common.Hash {
	if len(t.rooted) == 0 || t.seen == (safe.Block{}) {
		return nil
	}
	if lost, err := t.chain.Chain.Lost(ctx, t.seen); err != nil || lost {
		return nil
	}
	return t.rooted
}

// driveAll takes each open submission one step on.
func (t *tending) driveAll(ctx context.Context, head safe.Block, fees safe.Fees, open []governance.Submission, fresh bool) {
	look := drivingLook{head: head, fees: fees, again: t.sendsAgain(fresh)}
	for _, s := range emergenciesFirst(open) {
		if err := t.drive(ctx, t.chain, look, s); err != nil && ctx.Err() == nil {
			t.cfg.Logger.Warn("look after submission", "proposal_id", s.Proposal, "chain", t.chain.Name, "error", err)
		}
	}
}

// emergenciesFirst lets no emergency wait for what a routine transaction's key or provider takes its time for.
func emergenciesFirst(open []governance.Submission) []governance.Submission {
	return append(slices.DeleteFunc(slices.Clone(open), func(s governance.Submission) bool { return !s.Emergency }),
		slices.DeleteFunc(slices.Clone(open), func(s governance.Submission) bool { return s.Emergency })...)
}

// sendsAgain reports whether it is time for accepted bytes to go out again.
func (t *tending) sendsAgain(fresh bool) bool {
	if !fresh && time.Since(t.sentAt) < sendAgainEvery {
		return false
	}
	t.sentAt = time.Now()
	return true
}

// sendAll sends what is signed while nothing can be read.
func (t *tending) sendAll(ctx context.Context, open []governance.Submission) {
	again := t.sendsAgain(false)
	for _, s := range open {
		if !again && s.State != governance.SubmissionSigned && !t.discretionEnds(t.chain, s) {
			continue
		}
		if err := t.sendBlind(ctx, t.chain, s); err != nil && ctx.Err() == nil {
			t.cfg.Logger.Warn("send again", "proposal_id", s.Proposal, "error", err)
		}
	}
}

// prepareAll gets ready what the last missing signature will need, as far as its patience goes. One proposal that cannot be prepared
// holds up no other.
func (t *tending) prepareAll(ctx context.Context, head safe.Block, fees safe.Fees, all []governance.Proposal, patience time.Duration) error {
	var failed []error
	began := time.Now()
	for _, p := range all {
		if p.State.Ended() {
			continue
		}
		if err := t.prepare(ctx, t.chain, head, fees, p); err != nil {
			failed = append(failed, fmt.Errorf("prepare %s: %w", p.ID, err))
		}
		if time.Since(began) >= patience {
			break
		}
	}
	return errors.Join(failed...)
}
