package governance

import (
	"fmt"
	"slices"
	"time"
)

// Duties gives what a change of a proposal obliges us to do. It compares before with after, so it finds the same duties
// whatever events led there, and each once, on its edge. Rooms are the platforms that carry a card.
func Duties(before, after Proposal, rooms []string, now time.Time) []Duty {
	if before.Version == after.Version {
		return nil
	}
	o := obligations{before: before, after: after, now: now.UTC().Round(0)}
	for _, room := range rooms {
		o.owe(DutyCard, room, o.now)
	}
	o.send()
	o.run()
	o.draft()
	o.prove()
	return o.duties
}

type obligations struct {
	before, after Proposal
	now           time.Time
	duties        []Duty
}

func (o *obligations) owe(kind DutyKind, target string, due time.Time) {
	o.duties = append(o.duties, Duty{
		ID:   fmt.Sprintf("%s/%06d/%s/%s", o.after.ID, o.after.Version, kind, target),
		Kind: kind, Proposal: o.after.ID, Version: o.after.Version, Target: target, Due: due,
	})
}

// send owes a submission when the active SafeTx became ready to be sent: at quorum, on release, or back from a reorganisation; when
// a spare got its own quorum, because its nonce may be the one whose turn it is; and when the Safe is found at the nonce of a signed
// spare, because what was sent before in doubt about that cannot go through.
func (o *obligations) send() {
	if !o.after.Sendable() {
		return
	}
	t := o.after.Active()
	if b := o.before.Active(); b != nil && b.Hashes == t.Hashes && o.before.Sendable() && o.before.Policy.Execute == o.after.Policy.Execute && !o.ripened() && !o.turned() {
		return
	}
	o.owe(DutySubmit, t.Hashes.SafeTx.Hex(), o.now.Add(o.after.Policy.Execute.After))
}

// ripened reports whether a spare has its quorum now and had none before.
func (o *obligations) ripened() bool {
	return slices.ContainsFunc(o.after.SafeTxs, func(t SafeTx) bool {
		was := o.before.SafeTx(t.Hashes.SafeTx)
		return t.Purpose == PurposeSpare && t.State == TxApproved && (was == nil || was.State != TxApproved)
	})
}

// turned reports whether it is known now, and was not before, that a signed spare stands where the Safe is.
func (o *obligations) turned() bool {
	t := o.after.SignedAt(o.after.SafeNonce)
	return o.after.SafeNonce != o.before.SafeNonce && t != nil && t.Purpose == PurposeSpare
}

// Sendable reports whether the active SafeTx has its quorum and may be sent as soon as its policy says. What its people took
// down, and strangers went on with, is not ours to send.
func (p *Proposal) Sendable() bool {
	t := p.Active()
	if t == nil || t.State != TxApproved || p.Policy.Execute.Manual || p.Effect() != nil || p.Earlier != nil {
		return false
	}
	if t.Purpose == PurposeExecute {
		return p.State == StateReady
	}
	return p.State == StateApproved
}

// run owes the execution of a timelock operation when its window opens and anyone may execute, and again when a
// reorganisation took an execution away.
func (o *obligations) run() {
	if o.after.Runnable() && !o.before.Runnable() {
		o.owe(DutyExecuteOp, o.after.Timelock.ID.Hex(), o.now)
	}
}

// Runnable reports whether the operation's window is open and a relayer may execute it.
func (p *Proposal) Runnable() bool {
	return p.State == StateReady && p.Timelock != nil && p.Timelock.AnyoneMay && p.Effect() == nil && p.Earlier == nil
}

// draft owes a new SafeTx: to an emergency that lost its nonce and has no spare left, and to a ready operation that only
// the Safe may execute.
func (o *obligations) draft() {
	if o.after.NeedsDraft() && !o.before.NeedsDraft() {
		o.owe(DutyRebuild, string(o.after.State), o.now)
	}
}

// NeedsDraft reports whether people can go on only with a new SafeTx.
func (p *Proposal) NeedsDraft() bool {
	t := p.Active()
	if t == nil || p.Effect() != nil || p.Earlier != nil {
		return false
	}
	switch p.State {
	case StateProposed, StateApproved:
		return p.Kind.Emergency() && (t.State == TxDead || p.misplaced())
	case StateReady:
		return p.Timelock != nil && !p.Timelock.AnyoneMay && (t.Purpose != PurposeExecute || t.State == TxDead)
	}
	return false
}

// misplaced reports whether an emergency stands behind nonces that nothing of it fills: it was drafted at what a single provider
// said, or a reorganisation took away what had used a nonce, and the Safe is agreed to be elsewhere. One that lost its nonce a moment
// ago fills it still: the Safe is about to be found behind it.
func (p *Proposal) misplaced() bool {
	t := p.Active()
	if p.Unagreed || !p.Kind.Emergency() || t == nil || t.Tx.Nonce <= p.SafeNonce || !t.Open() {
		return false
	}
	return !slices.ContainsFunc(p.SafeTxs, func(t SafeTx) bool { return t.Tx.Nonce == p.SafeNonce && p.ruled(&t) })
}

// prove owes a reading of the postconditions when the effect is mined, and again when it is final.
func (o *obligations) prove() {
	effect := o.after.Effect()
	if effect == nil || len(o.after.Expect) == 0 {
		return
	}
	if was := o.before.Effect(); was != nil && was.TxHash == effect.TxHash && was.Status == effect.Status && was.Block == effect.Block {
		return
	}
	o.owe(DutyProve, effect.TxHash.Hex()+"/"+string(effect.Status), o.now)
}
