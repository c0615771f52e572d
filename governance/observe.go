package governance

import (
	"fmt"
	"slices"
	"strings"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// What a chain reports is never refused where a proposal exists: an old, repeated or contradicting fact gives no event, so that
// a watcher cannot get stuck on it.

// safeSeen takes a newer agreed reading of the Safe. Only what changed is recorded. A Safe without owners or threshold does not
// exist, so such a reading is unknown, and unknown changes nothing.
func (d *decider) safeSeen(s safe.State) error {
	upgraded := s.Verified != "" && d.p.Safe.Differs(s) // a short reading proves nothing of the code
	same := slices.Equal(d.p.Owners, s.Owners) && d.p.Threshold == s.Threshold && d.p.SafeNonce == s.Nonce && !upgraded
	older := s.Block.Number < d.p.ReadAt.Number
	if d.p.Unagreed { // the first agreed reading corrects a provider's word, whatever height that one claimed
		same, older = false, false
	}
	if same || d.p.State == "" || older || s.Threshold < 1 || len(s.Owners) == 0 {
		return nil
	}
	people := !slices.Equal(d.p.Owners, s.Owners) || d.p.Threshold != s.Threshold
	text := ""
	if people {
		text = fmt.Sprintf("the Safe has %d owners and threshold %d now", len(s.Owners), s.Threshold)
	}
	if err := d.emit(Event{Type: EventOwners, By: "chain", Text: text, Owners: s.Owners, Threshold: s.Threshold, Nonce: s.Nonce, Block: &s.Block}); err != nil {
		return err
	}
	if upgraded {
		if err := d.upgraded(s); err != nil {
			return err
		}
	}
	for _, t := range d.p.SafeTxs {
		if t.State == TxDead && t.Tx.Nonce >= s.Nonce {
			if err := d.freed(t); err != nil {
				return err
			}
		}
	}
	if err := d.judgeQuorum(); err != nil || !upgraded {
		return err
	}
	return d.outdated()
}

// upgraded takes that the Safe's code was replaced in place, or that it is known now what it is.
func (d *decider) upgraded(s safe.State) error {
	ref := d.p.Safe
	text := fmt.Sprintf("the Safe's code is version %s now, it was %s; what wallets signed still holds, contracts are asked again", s.Version, ref.Version)
	switch {
	case !s.Version.Supported():
		text = "its VERSION() is none that was ever released"
	case !s.Version.SameRule(ref.Version):
		text = fmt.Sprintf("the Safe's code is version %s now, it was %s; it hashes by another rule, and what was signed before cannot be executed", s.Version, ref.Version)
	case s.Version == ref.Version && ref.Verified == safe.VerifiedByProvider:
		text = "the providers agree that the Safe's code is that of a published release"
	case s.Version == ref.Version:
		text = fmt.Sprintf("the Safe runs its code from %s now", s.Singleton.Hex())
	}
	if s.Verified == safe.VerifiedByProvider {
		text = fmt.Sprintf("THE SAFE'S CODE AT %s IS NOT THAT OF A PUBLISHED RELEASE; %s", s.Singleton.Hex(), text)
	}
	if s.Version.Supported() {
		ref.Version = s.Version
	}
	ref.Verified, ref.Singleton = s.Verified, s.Singleton
	return d.emit(Event{Type: EventUpgraded, By: "chain", Text: text, Safe: &ref, Block: &s.Block})
}

// outdated ends what was asked for by a rule that the Safe does not follow any more. An emergency is rebuilt instead, and so is
// the execution of a ready operation.
func (d *decider) outdated() error {
	t := d.p.Active()
	asking := d.p.State == StateProposed || d.p.State == StateApproved
	if !asking || d.p.Kind.Emergency() || t == nil || t.State != TxDead || d.p.ruled(t) {
		return nil
	}
	return d.emit(Event{Type: EventSuperseded, By: "chain", Text: fmt.Sprintf("the Safe was upgraded to %s, which hashes by another rule; propose it again", d.p.Safe.Version)})
}

// freed takes that a reorganisation gave a SafeTx its nonce back. One that failed in a transaction which still stands stays dead.
func (d *decider) freed(t SafeTx) error {
	if d.p.standing(&t) == TxDead {
		return nil
	}
	return d.emit(Event{Type: EventNonceFreed, By: "chain", SafeTxHash: t.Hashes.SafeTx,
		Text: fmt.Sprintf("a reorganisation gave nonce %d of the Safe back; what was signed for it works again", t.Tx.Nonce)})
}

// executed takes the Safe's own word that it ran our hash, whoever sent it.
func (d *decider) executed(in Executed) error {
	t := d.p.SafeTx(in.SafeTxHash)
	if t == nil {
		return Refuse(CodeWrongHash, "", "%s has no transaction with the hash %s", d.p.ID, in.SafeTxHash)
	}
	ran := in.Transaction
	ran.Role, ran.SafeTxHash, ran.Status, ran.At, ran.Failed = t.Purpose, in.SafeTxHash, TxStatusMined, d.now, !in.Success
	if known, err := d.moved(ran); known || err != nil {
		return err
	}
	if ran.Failed {
		return d.failed(ran)
	}
	return d.emit(Event{Type: EventMined, By: "chain", SafeTxHash: in.SafeTxHash, Transaction: &ran})
}

// moved reports whether exactly this is known already. What stood otherwise, and was final or had failed, is first taken back: it
// is mined anew, and counts anew.
func (d *decider) moved(ran Transaction) (known bool, err error) {
	was := d.p.transaction(ran)
	switch {
	case was == nil || was.Status == TxStatusSubmitted:
		return false, nil
	case was.Block == ran.Block && was.Failed == ran.Failed:
		return true, nil
	case was.Status == TxStatusFinal || was.Failed:
		return false, d.takeBack(*was)
	}
	return false, nil
}

// failed takes an ExecutionFailure: the nonce is gone and nothing happened. A routine proposal ends by it. An emergency is asked
// again, and so is the execution of an operation, which the timelock still holds.
func (d *decider) failed(ran Transaction) error {
	e := Event{Type: EventNonceUsed, By: "chain", SafeTxHash: ran.SafeTxHash, Transaction: &ran,
		Text: "the Safe ran it, the call inside failed, and the nonce is gone"}
	asking := d.p.State == StateProposed || d.p.State == StateApproved
	if asking && !d.p.Kind.Emergency() && ran.Role != PurposeExecute {
		e.Type = EventFailed
	}
	return d.emit(e)
}

// sent takes that a provider accepted a transaction of ours. It is a submission and moves nothing.
func (d *decider) sent(t Transaction) error {
	if d.p.transaction(t) != nil || !Legal(d.p.State, EventSubmitted) {
		return nil
	}
	t.Status, t.At, t.Ours, t.Failed, t.Block = TxStatusSubmitted, d.now, true, false, safe.Block{}
	return d.emit(Event{Type: EventSubmitted, SafeTxHash: t.SafeTxHash, Transaction: &t})
}

// final takes that a mined transaction is deep enough. What made the effect is executed once its postconditions are proven;
// without any it is executed at once. Of a transaction that was never seen mined, or in another block, it proves nothing.
func (d *decider) final(t Transaction) error {
	known := d.p.transaction(t)
	if known == nil || known.Status != TxStatusMined || known.Block != t.Block {
		return nil
	}
	done := *known
	done.Status = TxStatusFinal
	if err := d.emit(Event{Type: EventFinal, By: "chain", SafeTxHash: done.SafeTxHash, Transaction: &done}); err != nil {
		return err
	}
	if done.Failed || !d.p.makesEffect(done.Role) || len(d.p.Expect) > 0 || d.p.State == StateExecuted {
		return nil
	}
	return d.emit(Event{Type: EventExecuted, By: "chain", Text: d.afterItEnded("final on chain; the playbook names no postcondition")})
}

// gone takes that a reorganisation removed a mined transaction.
func (d *decider) gone(t Transaction) error {
	known := d.p.transaction(t)
	if known == nil || known.Status == TxStatusSubmitted || known.Block != t.Block {
		return nil
	}
	return d.takeBack(*known)
}

// takeBack makes a mined transaction one that is only sent: its bytes are still valid.
func (d *decider) takeBack(t Transaction) error {
	t.Status, t.Block, t.Failed = TxStatusSubmitted, safe.Block{}, false
	return d.emit(Event{Type: EventUnmined, By: "chain", SafeTxHash: t.SafeTxHash, Transaction: &t, Text: "a reorganisation took it off the chain"})
}

// nonceTaken takes that another transaction used our nonce. An emergency moves to its next SafeTx or is rebuilt; so is the
// execution of a ready operation. Anything else that was still asked for is superseded, and says so.
func (d *decider) nonceTaken(in NonceTaken) error {
	t := d.p.SafeTx(in.SafeTxHash)
	if t == nil || !t.Open() {
		return nil
	}
	by := "another transaction"
	e := Event{Type: EventNonceUsed, By: "chain", SafeTxHash: in.SafeTxHash}
	if in.By != (common.Hash{}) {
		by = "transaction " + in.By.Hex()
		e.Transaction = &Transaction{TxHash: in.By}
	}
	e.Text = fmt.Sprintf("%s used nonce %d of the Safe", by, t.Tx.Nonce)
	if err := d.emit(e); err != nil {
		return err
	}
	asking := d.p.State == StateProposed || d.p.State == StateApproved
	if !asking || d.p.Kind.Emergency() || d.p.Active().State != TxDead {
		return nil
	}
	return d.emit(Event{Type: EventSuperseded, By: "chain", Text: e.Text})
}

// rebuilt takes new SafeTxs where people can go on only with them. One that is known already (the nonce came back) is not
// doubled: the signatures over it work again.
func (d *decider) rebuilt(in Rebuilt) error {
	var fresh []SafeTx
	for _, t := range in.SafeTxs {
		if known := d.p.SafeTx(t.Hashes.SafeTx); known == nil {
			fresh = append(fresh, t)
		} else if known.State == TxDead && d.p.NeedsDraft() {
			if err := d.freed(*known); err != nil {
				return err
			}
		}
	}
	if len(fresh) == 0 || !d.p.NeedsDraft() {
		return nil
	}
	return d.emit(Event{Type: EventRebuilt, SafeTxs: fresh, Text: in.Why})
}

// operationSeen follows the timelock operation. Unknown is never ready: it changes nothing but what is shown.
func (d *decider) operationSeen(in OperationSeen) error {
	if d.p.Timelock == nil {
		return nil
	}
	o := *d.p.Timelock
	o.State, o.Blocked = in.State, in.Why
	if in.OpensAt != 0 {
		o.OpensAt, o.ClosesAt = in.OpensAt, in.ClosesAt
	}
	live := o.State == OperationWaiting || o.State == OperationReady || o.State == OperationBlocked
	vetoed := o.State == OperationCanceled && d.p.onChain()
	switch d.p.State {
	case "", StateExecuted, StateIneffective:
		return nil
	case StateQueued, StateReady:
		return d.window(o, in.Final)
	case StateProposed, StateApproved:
		if vetoed { // scheduled and vetoed while nobody watched
			return d.window(o, in.Final)
		}
	}
	switch {
	case live:
		return d.schedule(o)
	case vetoed && in.Final: // what had ended was scheduled by others, and vetoed
		return d.window(o, false)
	}
	return nil
}

func (d *decider) schedule(o Operation) error {
	ready := o
	o.State, o.Blocked = OperationWaiting, ""
	if err := d.emit(Event{Type: EventScheduled, By: "chain", Text: d.afterItEnded(""), Operation: &o}); err != nil || ready.State == OperationWaiting {
		return err
	}
	return d.emit(Event{Type: EventWindow, By: "chain", Operation: &ready})
}

// window follows the operation's state. A veto ends the proposal when it is final; until then it only stops our hands.
func (d *decider) window(o Operation, final bool) error {
	was := d.p.Timelock
	if o.State != was.State || o.Blocked != was.Blocked || o.OpensAt != was.OpensAt || o.ClosesAt != was.ClosesAt {
		if err := d.emit(Event{Type: EventWindow, By: "chain", Operation: &o}); err != nil {
			return err
		}
	}
	switch {
	case o.State == OperationCanceled && final:
		return d.emit(Event{Type: EventCanceled, By: "chain", Text: "the operation was canceled in the timelock"})
	case o.State == OperationExpired && final:
		return d.emit(Event{Type: EventExpired, By: "chain", Text: "its window closed before it was executed"})
	}
	return nil
}

// operationRun takes that the timelock executed our operation, whoever asked it to.
func (d *decider) operationRun(t Transaction) error {
	if d.p.Timelock == nil {
		return nil
	}
	t.Role, t.Status, t.At, t.Failed = PurposeExecute, TxStatusMined, d.now, false
	for _, known := range d.p.Transactions {
		if known.TxHash == t.TxHash && known.Role == t.Role {
			t.SafeTxHash = known.SafeTxHash // through the Safe, where only it may execute
		}
	}
	if known, err := d.moved(t); known || err != nil {
		return err
	}
	return d.emit(Event{Type: EventMined, By: "chain", SafeTxHash: t.SafeTxHash, Transaction: &t})
}

// proved takes the postconditions as read. They must be all of them, and none from before the effect. They decide only when they
// were read with the effect final.
func (d *decider) proved(conditions []Postcondition) error {
	effect := d.p.Effect()
	if effect == nil || !d.p.answered(conditions, effect.Block.Number) {
		return nil
	}
	state, text := verdict(conditions)
	if state == "" && (d.p.State == StateExecuted || d.p.State == StateIneffective) {
		return nil // a reading that fails takes no proof away
	}
	if !slices.Equal(d.p.Postconditions, conditions) {
		if err := d.emit(Event{Type: EventPostcondition, By: "chain", Postconditions: conditions}); err != nil {
			return err
		}
	}
	if effect.Status != TxStatusFinal {
		return nil
	}
	switch {
	case state == "" || state == d.p.State:
		return nil
	case state == StateIneffective:
		return d.emit(Event{Type: EventIneffective, By: "chain", Text: d.afterItEnded(text)})
	}
	return d.emit(Event{Type: EventExecuted, By: "chain", Text: d.afterItEnded(text)})
}

// reread takes the postconditions as they are after they were proven. Someone may undo a pause in the very next block, and people
// would go on believing the card. One that could not be read says nothing.
func (d *decider) reread(conditions []Postcondition) error {
	effect := d.p.Effect()
	if d.p.State != StateExecuted || effect == nil || !d.p.answered(conditions, effect.Block.Number) ||
		slices.ContainsFunc(conditions, func(c Postcondition) bool { return c.Value == "" }) {
		return nil
	}
	known := len(d.p.Undone) > 0
	switch holds := !slices.ContainsFunc(conditions, func(c Postcondition) bool { return !c.OK }); {
	case !holds && !slices.EqualFunc(d.p.Undone, conditions, sameFinding):
		return d.emit(Event{Type: EventUndone, By: "chain", Postconditions: conditions})
	case holds && known:
		return d.emit(Event{Type: EventPostcondition, By: "chain", Postconditions: conditions, Text: fmt.Sprintf("it holds again, read at block %d", conditions[0].Block)})
	}
	return nil
}

// sameFinding reports whether two readings say the same, at whatever blocks.
func sameFinding(a, b Postcondition) bool { return a.Text == b.Text && a.Value == b.Value }

// answered reports whether conditions answer every expectation, at this block or, where no provider keeps its state any more, at
// a later one.
func (p *Proposal) answered(conditions []Postcondition, block uint64) bool {
	return len(p.Expect) > 0 && slices.EqualFunc(p.Expect, conditions, func(e Expectation, c Postcondition) bool {
		return e.Text == c.Text && c.Block >= block
	})
}

// verdict judges postconditions that were read with the effect final; "" where they leave it open. One that is false decides,
// whatever the others say. One that could not be read is never true, and never false.
func verdict(conditions []Postcondition) (State, string) {
	open := false
	for _, c := range conditions {
		if c.Value != "" && !c.OK && c.Final {
			return StateIneffective, fmt.Sprintf("%s: the chain says %s", c.Text, c.Value)
		}
		open = open || !c.OK || !c.Final
	}
	if open {
		return "", ""
	}
	return StateExecuted, "final on chain, and what it should do is done"
}

// afterItEnded adds that the proposal had ended when this happened.
func (d *decider) afterItEnded(text string) string {
	was := d.p.State
	if d.p.Earlier != nil {
		was = d.p.Earlier.State
	}
	if !was.Ended() || was == StateExecuted || was == StateIneffective {
		return text
	}
	return strings.TrimPrefix(fmt.Sprintf("%s, after it had ended as %s", text, was), ", ")
}

func (d *decider) impossible(why string) error {
	if !Legal(d.p.State, EventFailed) {
		return nil
	}
	return d.emit(Event{Type: EventFailed, By: "belay", Text: why})
}
