package governance

import (
	"slices"
	"time"
)

// Apply gives the proposal after an event. It is total: every event that the log can hold gives a proposal, and it never
// looks at a clock. It does not judge whether the event was allowed; Decide does.
func Apply(p Proposal, e Event) Proposal {
	p.Version++
	switch e.Type {
	case EventProposed:
		version := p.Version
		p = *e.Draft
		p.Version, p.State = version, StateProposed
	case EventConfirmed:
		p.update(e, func(t *SafeTx) { t.Confirmations = append(slices.Clone(t.Confirmations), *e.Confirmation) })
	case EventQuorum:
		p.update(e, func(t *SafeTx) { t.State = TxApproved })
	case EventQuorumLost:
		p.update(e, func(t *SafeTx) { t.State = TxAsking })
	case EventOwners:
		p.Owners, p.Threshold, p.SafeNonce, p.ReadAt = e.Owners, e.Threshold, e.Nonce, *e.Block
	case EventSubmitted:
		p.keepTransaction(*e.Transaction)
	case EventMined:
		p.keepTransaction(*e.Transaction)
		p.update(e, func(t *SafeTx) { t.State = TxMined })
	case EventFinal:
		p.keepTransaction(*e.Transaction)
		p.update(e, func(t *SafeTx) { t.State = TxFinal })
	case EventUnmined:
		p.keepTransaction(*e.Transaction)
		p.unmine(e)
	case EventFailed:
		if e.Transaction != nil {
			p.keepTransaction(*e.Transaction)
		}
		p.update(e, func(t *SafeTx) { t.State = TxFailed })
		p.end(e, StateFailed)
	case EventNonceUsed:
		p.update(e, func(t *SafeTx) {
			t.State = TxDead
			if e.Transaction != nil {
				t.UsedBy = e.Transaction.TxHash
			}
		})
	case EventRebuilt:
		p.SafeTxs = append(slices.Clone(p.SafeTxs), e.SafeTxs...)
	case EventScheduled:
		p.Timelock, p.State = e.Operation, StateQueued
	case EventWindow:
		p.Timelock = e.Operation
		p.followWindow()
	case EventPostcondition:
		p.Postconditions = e.Postconditions
	case EventExecuted:
		p.end(e, StateExecuted)
	case EventIneffective:
		p.end(e, StateIneffective)
	case EventObjected:
		p.Objections = append(slices.Clone(p.Objections), *e.Opinion)
	case EventResponded:
		p.Responders = append(slices.Clone(p.Responders), *e.Opinion)
	case EventExtended:
		p.ExpiresAt = *e.Until
	case EventWithdrawn, EventCanceled:
		p.end(e, StateCanceled)
	case EventExpired:
		p.end(e, StateExpired)
	case EventSuperseded:
		p.end(e, StateSuperseded)
	case EventDisclosed:
		p.Disclosed = true
	case EventReleased:
		p.Policy.Execute = Execute{}
	}
	p.settle()
	return p
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

// keepTransaction adds a transaction or replaces what was known of it, and keeps the time of the first sight.
func (p *Proposal) keepTransaction(t Transaction) {
	p.Transactions = slices.Clone(p.Transactions)
	for i, known := range p.Transactions {
		if known.TxHash == t.TxHash && known.Role == t.Role {
			t.Ours = t.Ours || known.Ours
			p.Transactions[i] = t
			return
		}
	}
	p.Transactions = append(p.Transactions, t)
}

// unmine takes back what rested on a transaction that a reorganisation removed. The signatures still work, so the proposal
// is alive again, also when it had ended by that execution.
func (p *Proposal) unmine(e Event) {
	p.update(e, func(t *SafeTx) {
		t.State = TxAsking
		if p.quorum(t) {
			t.State = TxApproved
		}
	})
	p.Postconditions = []Postcondition{}
	revived := p.State == StateExecuted || p.State == StateIneffective || p.State == StateFailed
	if !revived && p.State != StateQueued && p.State != StateReady {
		return
	}
	p.EndReason, p.EndedAt = "", time.Time{}
	if p.Timelock != nil && e.Transaction.Role == PurposeExecute {
		p.State = StateReady
		return
	}
	p.State = StateApproved
}

// followWindow moves a queued or ready proposal with its operation. An operation that is unset again was scheduled in a
// block that is gone.
func (p *Proposal) followWindow() {
	if p.State != StateQueued && p.State != StateReady {
		return
	}
	switch p.Timelock.State {
	case OperationReady:
		p.State = StateReady
	case OperationWaiting:
		p.State = StateQueued
	case OperationUnset:
		p.State = StateApproved
	}
}

// end closes the proposal.
func (p *Proposal) end(e Event, s State) {
	p.State, p.EndedAt, p.EndReason = s, e.At, e.Text
}

// settle keeps proposed and approved in step with the active SafeTx.
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
