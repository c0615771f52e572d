package governance

import (
	"slices"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Apply gives the proposal after an event. It is total: every event that a log can hold gives a proposal, also one that is
// damaged or of a newer Belay, which changes nothing but the version. It never looks at a clock, and it does not judge whether
// the event was allowed; Decide does. It shares memory with p and e and changes neither.
func Apply(p Proposal, e Event) Proposal {
	p.Version++
	if !e.complete() {
		return p
	}
	switch e.Type {
	case EventProposed:
		version := p.Version
		p = *e.Draft
		p.Version, p.State = version, StateProposed
	case EventConfirmed:
		p.update(e, func(t *SafeTx) {
			others := slices.DeleteFunc(slices.Clone(t.Confirmations), func(c Confirmation) bool { return c.Owner == e.Confirmation.Owner })
			t.Confirmations = append(others, *e.Confirmation)
		})
	case EventQuorum:
		p.update(e, func(t *SafeTx) { t.State = TxApproved })
	case EventQuorumLost:
		p.update(e, func(t *SafeTx) { t.State = TxAsking })
	case EventOwners:
		p.Owners, p.Threshold, p.SafeNonce, p.ReadAt, p.Unagreed = e.Owners, e.Threshold, e.Nonce, *e.Block, false
	case EventSetup:
		p.SafeChanged = e.Text
	case EventUpgraded:
		p.applyUpgrade(*e.Safe)
	case EventSubmitted, EventMined, EventUnmined, EventFinal:
		p.applyTransaction(e)
	case EventFailed:
		if e.Transaction != nil {
			p.keepTransaction(*e.Transaction)
		}
		p.update(e, func(t *SafeTx) { t.State = TxFailed })
		p.end(e, StateFailed)
	case EventNonceUsed:
		p.loseNonce(e)
	case EventNonceFreed:
		p.update(e, func(t *SafeTx) { t.State, t.UsedBy = p.standing(t), SafeTx{}.UsedBy })
	case EventRebuilt:
		if p.misplaced() {
			p.SafeTxs = append(slices.Clone(e.SafeTxs), p.SafeTxs...)
			break
		}
		p.SafeTxs = append(slices.Clone(p.SafeTxs), e.SafeTxs...)
	case EventScheduled, EventWindow:
		p.applyOperation(e)
	case EventPostcondition:
		p.Postconditions, p.Undone = e.Postconditions, nil
	case EventUndone:
		p.Undone = e.Postconditions
	case EventObjected, EventLifted:
		p.Objections = heard(p.Objections, *e.Opinion)
	case EventEndorsed:
		p.Approvals = heard(p.Approvals, *e.Opinion)
	case EventResponded:
		p.Responders = heard(p.Responders, *e.Opinion)
	case EventJoined:
		p.Askers, p.Crowd = append(slices.Clone(p.Askers), e.By), 0
	case EventExtended:
		p.ExpiresAt = *e.Until
	case EventDisclosed:
		p.Disclosed = true
	case EventReleased:
		p.Policy.Execute = Execute{}
	default:
		p.applyEnd(e)
	}
	p.settle()
	return p
}

// heard puts a word in the place of what the same speaker said before: the log keeps the history, and what people say must not make a
// proposal too large to be signed.
func heard(said []Opinion, o Opinion) []Opinion {
	for _, before := range said {
		if before.sameVoice(o) {
			o.Said = before.Said + 1
		}
	}
	return append(slices.DeleteFunc(slices.Clone(said), o.sameVoice), o)
}

// sameVoice reports whether a word takes the place of another: of the same wallet, or of the same member in chat, where a wish to
// withdraw stands beside an objection.
func (o Opinion) sameVoice(other Opinion) bool {
	inChat := o.Wallet == (common.Address{})
	return o.Wallet == other.Wallet && (!inChat || o.Member == other.Member) && (o.What == string(ActionWithdraw)) == (other.What == string(ActionWithdraw))
}

// applyEnd takes the events that end a proposal.
func (p *Proposal) applyEnd(e Event) {
	switch e.Type {
	case EventExecuted:
		p.end(e, StateExecuted)
	case EventIneffective:
		p.end(e, StateIneffective)
	case EventWithdrawn, EventCanceled:
		p.end(e, StateCanceled)
	case EventExpired:
		p.end(e, StateExpired)
	case EventSuperseded:
		p.end(e, StateSuperseded)
	}
}

// end closes the proposal. One that had ended and takes effect all the same remembers how it had ended.
func (p *Proposal) end(e Event, s State) {
	effective := s == StateExecuted || s == StateIneffective
	switch {
	case !effective:
		p.Earlier = nil
	case p.State.Ended() && p.State != StateExecuted && p.State != StateIneffective:
		p.Earlier = &Ending{State: p.State, At: p.EndedAt, Reason: p.EndReason}
	}
	p.State, p.EndedAt, p.EndReason = s, e.At, e.Text
}

// reopen makes the proposal live in s, or puts it back to how it had ended before strangers went on with it.
func (p *Proposal) reopen(s State) {
	if was := p.Earlier; was != nil {
		p.State, p.EndedAt, p.EndReason, p.Earlier = was.State, was.At, was.Reason, nil
		return
	}
	p.State, p.EndedAt, p.EndReason = s, time.Time{}, ""
}

// update changes the SafeTx that the event names, on a copy.
func (p *Proposal) update(e Event, change func(*SafeTx)) {
	i := slices.IndexFunc(p.SafeTxs, func(t SafeTx) bool { return t.Hashes.SafeTx == e.SafeTxHash })
	if i < 0 {
		return
	}
	p.SafeTxs = slices.Clone(p.SafeTxs)
	change(&p.SafeTxs[i])
}

// applyUpgrade takes that the Safe runs other code. Where that hashes by another rule, nothing that was signed before can be
// executed any more.
func (p *Proposal) applyUpgrade(to SafeRef) {
	p.Safe.Version, p.Safe.Verified, p.Safe.Singleton = to.Version, to.Verified, to.Singleton
	p.SafeTxs = slices.Clone(p.SafeTxs)
	for i := range p.SafeTxs {
		if t := &p.SafeTxs[i]; t.Open() && !p.ruled(t) {
			t.State = TxDead
		}
	}
}

// ruled reports whether the Safe of today computes the hash that was signed.
func (p *Proposal) ruled(t *SafeTx) bool {
	return t.Rule == safe.Version{} || t.Rule.SameRule(p.Safe.Version)
}

// applyTransaction follows a transaction: sent, mined, final, or taken off the chain.
func (p *Proposal) applyTransaction(e Event) {
	known := p.transaction(*e.Transaction)
	failed := known != nil && known.Failed
	p.keepTransaction(*e.Transaction)
	switch e.Type {
	case EventMined:
		p.update(e, func(t *SafeTx) { t.State = TxMined })
		p.setOperation(e.Transaction.Role == PurposeExecute, OperationDone)
	case EventFinal:
		if !e.Transaction.Failed {
			p.update(e, func(t *SafeTx) { t.State = TxFinal })
		}
	case EventUnmined:
		p.unmine(e, failed)
	}
}

// keepTransaction adds a transaction or replaces what was known of it.
func (p *Proposal) keepTransaction(t Transaction) {
	p.Transactions = slices.Clone(p.Transactions)
	if known := p.transaction(t); known != nil {
		t.Ours = t.Ours || known.Ours
		*known = t
		return
	}
	p.Transactions = append(p.Transactions, t)
}

// setOperation notes what our own transactions say of the operation, on a copy; the next reading corrects it.
func (p *Proposal) setOperation(concerned bool, s OperationState) {
	if p.Timelock == nil || !concerned {
		return
	}
	o := *p.Timelock
	if o.State = s; s == OperationUnset {
		o.OpensAt, o.ClosesAt, o.Blocked = 0, 0, ""
	}
	p.Timelock = &o
}

// unmine takes back what rested on a transaction that a reorganisation removed. Signatures that were good once still work,
// so the proposal is alive again, also when it had ended by that execution.
func (p *Proposal) unmine(e Event, failed bool) {
	role := e.Transaction.Role
	p.update(e, func(t *SafeTx) { t.State = p.standing(t) })
	if p.makesEffect(role) && p.Effect() == nil {
		p.Postconditions, p.Undone = []Postcondition{}, nil
	}
	scheduled := p.Timelock != nil && p.Timelock.State != OperationUnset
	p.setOperation(role == PurposeExecute && scheduled && !failed, OperationReady)
	p.setOperation(role == PurposeSchedule && !failed, OperationUnset)

	effective := p.State == StateExecuted || p.State == StateIneffective
	waiting := p.State == StateQueued || p.State == StateReady
	switch {
	case effective && !p.settled() && role == PurposeExecute && scheduled:
		p.State, p.EndedAt, p.EndReason = StateReady, time.Time{}, "" // still in the timelock
	case effective && !p.settled(),
		p.State == StateFailed && failed,
		waiting && role == PurposeSchedule && !failed:
		p.reopen(StateApproved)
	case p.Timelock != nil && role == PurposeExecute:
		p.followOperation()
	}
}

// loseNonce marks a SafeTx whose nonce is gone, and keeps our own transaction that failed on it.
func (p *Proposal) loseNonce(e Event) {
	if e.Transaction != nil && e.Transaction.Status != "" {
		p.keepTransaction(*e.Transaction)
	}
	p.update(e, func(t *SafeTx) {
		t.State = TxDead
		if e.Transaction != nil {
			t.UsedBy = e.Transaction.TxHash
		}
	})
}

// applyOperation moves the proposal with its timelock operation. One that is unset again was scheduled in a block that is gone.
func (p *Proposal) applyOperation(e Event) {
	p.Timelock = e.Operation
	if e.Type == EventScheduled {
		if p.State.Ended() {
			p.Earlier = &Ending{State: p.State, At: p.EndedAt, Reason: p.EndReason}
		}
		p.State, p.EndedAt, p.EndReason = StateQueued, time.Time{}, ""
	}
	p.followOperation()
}

func (p *Proposal) followOperation() {
	if p.State != StateQueued && p.State != StateReady {
		return
	}
	switch p.Timelock.State {
	case OperationReady:
		p.State = StateReady
	case OperationWaiting, OperationBlocked, OperationCanceled, OperationExpired:
		p.State = StateQueued
	case OperationUnset:
		p.reopen(StateApproved)
	}
}

// settle keeps proposed and approved in step with the active SafeTx. One that the chain ran proves its quorum by itself.
func (p *Proposal) settle() {
	if p.State != StateProposed && p.State != StateApproved {
		return
	}
	switch t := p.Active(); {
	case t == nil:
	case t.State == TxAsking || t.State == TxDead:
		p.State = StateProposed
	case t.State == TxApproved:
		p.State = StateApproved
	}
}
