package governance

import "slices"

// Effect is the transaction that made the effect: a final one before one that is only mined; nil when none has. One that
// the Safe ran without effect is none.
func (p *Proposal) Effect() *Transaction {
	var effect *Transaction
	for i := range p.Transactions {
		t := &p.Transactions[i]
		if !p.makesEffect(t.Role) || t.Failed || t.Status == TxStatusSubmitted {
			continue
		}
		if effect == nil || (t.Status == TxStatusFinal && effect.Status != TxStatusFinal) {
			effect = t
		}
	}
	return effect
}

// makesEffect reports whether a transaction of this role is the one that does what the proposal is for.
func (p *Proposal) makesEffect(role Purpose) bool {
	if p.Timelock != nil {
		return role == PurposeExecute
	}
	return role == PurposeDirect || role == PurposeSpare || role == PurposeVoid
}

// proof is what the chain said of the postconditions last.
func (p *Proposal) proof() []Postcondition {
	if len(p.Undone) > 0 {
		return p.Undone
	}
	return p.Postconditions
}

// settled reports whether the effect is final: nothing short of a reorganisation beyond the configured depth takes it back.
func (p *Proposal) settled() bool {
	e := p.Effect()
	return e != nil && e.Status == TxStatusFinal
}

// onChain reports whether the chain holds a part of the proposal already, so that asking people is over.
func (p *Proposal) onChain() bool {
	return p.Effect() != nil || slices.ContainsFunc(p.SafeTxs, func(t SafeTx) bool { return t.State == TxMined || t.State == TxFinal })
}

// same reports whether two records are of one transaction in one role for one SafeTx. One Ethereum transaction may carry
// several of ours: anyone can batch a pause with its spare, or a schedule of no delay with its execution.
func (t Transaction) same(other Transaction) bool {
	return t.TxHash == other.TxHash && t.Role == other.Role && t.SafeTxHash == other.SafeTxHash
}

// transaction finds what is known of a transaction.
func (p *Proposal) transaction(t Transaction) *Transaction {
	i := slices.IndexFunc(p.Transactions, t.same)
	if i < 0 {
		return nil
	}
	return &p.Transactions[i]
}

// standing derives where a SafeTx stands from what the chain ran, from its confirmations, and from the Safe's hash rule.
func (p *Proposal) standing(t *SafeTx) SafeTxState {
	state := TxAsking
	if p.quorum(t) {
		state = TxApproved
	}
	if !p.ruled(t) {
		state = TxDead
	}
	for _, ran := range p.Transactions {
		switch {
		case ran.SafeTxHash != t.Hashes.SafeTx || ran.Status == TxStatusSubmitted:
		case ran.Failed:
			state = TxDead
		case ran.Status == TxStatusFinal:
			return TxFinal
		default:
			return TxMined
		}
	}
	return state
}

// Watched reports whether the chain can still change the proposal: it has not ended, or it has and something of it is not
// final yet, or signatures over it still work, or the timelock may yet hold it. A watcher that leaves out what ended would
// never see any of that.
func (p *Proposal) Watched() bool {
	return !p.State.Ended() || p.Loaded() != nil || p.held() ||
		slices.ContainsFunc(p.Transactions, func(t Transaction) bool { return t.Status == TxStatusMined })
}

// held reports whether our Safe scheduled the operation and nothing final says that the timelock has let go of it.
func (p *Proposal) held() bool {
	if p.Timelock == nil || p.State == StateExecuted || p.State == StateIneffective {
		return false
	}
	let := p.Timelock.State == OperationCanceled || p.Timelock.State == OperationExpired
	return !let && slices.ContainsFunc(p.SafeTxs, func(t SafeTx) bool {
		return t.Purpose == PurposeSchedule && (t.State == TxMined || t.State == TxFinal)
	})
}
