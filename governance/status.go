package governance

import (
	"fmt"
	"strings"

	"belay/safe"
)

// status is the one plain line on top of everything.
func (l look) status() string {
	p := l.p
	switch p.State {
	case StateProposed:
		return l.asking()
	case StateApproved:
		return l.sending()
	case StateQueued:
		return l.waiting()
	case StateReady:
		return "The window is open. " + l.running()
	case StateExecuted:
		return l.done()
	case StateIneffective:
		return l.ineffective()
	case StateCanceled:
		return "Canceled: " + p.EndReason
	case StateExpired:
		return "Expired: " + p.EndReason
	case StateSuperseded:
		return "Superseded: " + p.EndReason
	case StateFailed:
		return "FAILED: " + p.EndReason
	}
	return "Not proposed yet"
}

// ineffective tells a part from nothing. What the chain says instead is quoted in the proof.
func (l look) ineffective() string {
	good := 0
	for _, c := range l.p.Postconditions {
		if c.OK {
			good++
		}
	}
	if good > 0 {
		return fmt.Sprintf("EXECUTED IN PART: it is final on chain, and %d of %d things are as they should be", good, len(l.p.Postconditions))
	}
	return "EXECUTED WITHOUT EFFECT: it is final on chain, and the chain does not say what it should"
}

func (l look) asking() string {
	t := l.p.Active()
	switch {
	case t != nil && t.State == TxDead && !l.p.ruled(t):
		return "The Safe was upgraded; a new transaction is being drafted"
	case t == nil || t.State == TxDead:
		return "Its nonce was used; a new transaction is being drafted"
	case len(l.p.Unapproved()) > 0:
		return "Needs approval by " + strings.Join(l.p.Unapproved(), " and ")
	case t.State != TxAsking:
		return l.sending()
	case l.p.Threshold == 0:
		return "Asks for signatures; how many are needed could not be read"
	case l.p.Missing(t) > 0:
		return fmt.Sprintf("Needs %d more", l.p.Missing(t))
	}
	return "Quorum reached"
}

// waiting says where the operation stands while its window is not open.
func (l look) waiting() string {
	switch o := l.p.Timelock; o.State {
	case OperationCanceled:
		return "Canceled in the timelock, not final yet"
	case OperationBlocked:
		return "Waiting in the timelock, blocked"
	case OperationUnknown:
		return "Waiting in the timelock; its state could not be read"
	default:
		return "Waiting in the timelock, opens " + chainTime(o.OpensAt)
	}
}

// running says how far the execution of an open window is.
func (l look) running() string {
	p := l.p
	switch {
	case l.carrier(func(t Transaction) bool { return t.Role == PurposeExecute }) != nil:
		return l.sending()
	case p.Earlier != nil:
		return "Belay does not execute what had ended"
	case p.Timelock.AnyoneMay && l.unsent() != "":
		return sentenceCase(l.unsent())
	case p.Timelock.AnyoneMay:
		return "Sending"
	case p.Active().Purpose != PurposeExecute:
		return "Only the Safe may execute; a transaction is being drafted"
	}
	return l.asking()
}

// sending says how far what is sent now has come.
func (l look) sending() string {
	active, wait := l.p.Active(), l.p.Policy.Execute
	sent := l.carrier(func(t Transaction) bool {
		return t.SafeTxHash == active.Hashes.SafeTx || (l.p.State == StateReady && t.Role == PurposeExecute)
	})
	early := active.Purpose != PurposeExecute && active.Tx.Nonce > l.p.SafeNonce
	switch {
	case early && (sent == nil || sent.Status == TxStatusSubmitted):
		return fmt.Sprintf("Quorum reached at nonce %d, which waits: the Safe is at nonce %d", active.Tx.Nonce, l.p.SafeNonce)
	case sent == nil && l.unsent() != "":
		return "Quorum reached, " + l.unsent()
	case sent == nil && wait.Manual:
		return "Quorum reached, waiting for the word to send"
	case sent == nil && wait.After > 0:
		return fmt.Sprintf("Quorum reached, sent %s after it", wait.After)
	case sent == nil:
		return "Quorum reached, sending"
	case sent.Status == TxStatusSubmitted:
		return "Sent, not mined yet"
	case sent.Status == TxStatusMined && l.f.Confirmations > 0:
		return fmt.Sprintf("Mined, %d of %d", l.depth(sent.Block.Number), l.f.Confirmations)
	case sent.Status == TxStatusMined:
		return fmt.Sprintf("Mined in block %d, not finalized yet", sent.Block.Number)
	case sent.Role == PurposeSchedule:
		return "Final, reading the timelock"
	}
	return "Final, checking the effect"
}

// carrier finds the transaction that came furthest among those that fit: of several that were sent, one is mined.
func (l look) carrier(fits func(Transaction) bool) *Transaction {
	rank := map[TransactionStatus]int{TxStatusSubmitted: 1, TxStatusMined: 2, TxStatusFinal: 3}
	var best *Transaction
	for i := range l.p.Transactions {
		t := &l.p.Transactions[i]
		if fits(*t) && (best == nil || rank[t.Status] >= rank[best.Status]) {
			best = t
		}
	}
	return best
}

func (l look) depth(block uint64) uint64 {
	if l.f.Head.Number < block {
		return 1
	}
	return l.f.Head.Number - block + 1
}

func (l look) done() string {
	if len(l.p.Undone) > 0 {
		return fmt.Sprintf("UNDONE: it took effect, and at block %d it does not hold any more", l.p.Undone[0].Block)
	}
	for _, c := range l.p.Postconditions {
		if c.OK {
			what := l.p.Public.What
			if what == "" {
				what = "Executed and proven"
			}
			return fmt.Sprintf("%s, checked at block %d", what, c.Block)
		}
	}
	if e := l.p.Effect(); e != nil {
		return fmt.Sprintf("Executed in block %d", e.Block.Number)
	}
	return "Executed"
}

// noteRunes bounds a note that quotes what people typed or what a provider answered.
const noteRunes = 300

// aheadShown is how many of the nonces before its own a waiting proposal tells.
const aheadShown = 2

// notes are what a person must know now and would not find by looking. They are our own sentences: what a chain says, true or
// false, is quoted in the proof, where it is marked as such.
func (l look) notes() []string {
	p, notes := l.p, []string{}
	add := func(concerned bool, format string, args ...any) {
		if concerned {
			notes = append(notes, safe.Printable(fmt.Sprintf(format, args...), noteRunes))
		}
	}
	agreed := p.Blind != "" && !p.Unagreed && p.ReadAt.Number > p.OpenedAt.Number
	add(p.Blind != "" && l.open && !agreed, "NOT VERIFIED: %s", p.Blind)
	add(p.Blind != "" && !l.open && !agreed, "NOT VERIFIED: it was drafted without agreement of the providers.")
	since := fmt.Sprintf("The providers agree since, at block %d, on owners, threshold and nonce; what it does was not simulated again.", p.ReadAt.Number)
	add(agreed && !p.State.Ended() && l.open, "When it was drafted: %s. %s", p.Blind, since)
	add(agreed && !p.State.Ended() && !l.open, "It was drafted without agreement of the providers. %s", since)
	for _, remark := range p.Remarks {
		add(true, "%s", remark)
	}
	add(p.Safe.Verified == safe.VerifiedByProvider && p.Blind == "", "The Safe's code is not a published Safe release: only its own word says that it is version %s.", p.Safe.Version)
	add(l.f.Single, "Unverified: one provider only is configured, so nothing on this card was checked against a second one.")
	add(l.banner() != "", "%s", l.banner())
	add(l.open && !p.State.Ended() && l.reconfigured(), "The configuration was changed since this was drafted: what is said of it is about the one of then.")
	add(p.Forced != "" && l.open, "%s forced this although the simulation reverts.", p.Forced)
	t := p.Active()
	add(t != nil && !p.State.Ended() && t.State != TxMined && t.State != TxFinal && t.Tx.Nonce > p.SafeNonce,
		"It waits: the Safe is at nonce %d, this uses nonce %d.", p.SafeNonce, nonceOf(t))
	for _, place := range l.f.Ahead[:min(len(l.f.Ahead), aheadShown)] {
		add(l.open, "Nonce %d before it: %s", place.Nonce, place.Text)
	}
	objection := p.HeldBack(l.f.Members)
	add(l.open && objection != "" && !p.State.Ended() && !l.held(), "HELD BACK: %s. Belay does not send it until the objection is lifted.", objection)
	add(p.Earlier != nil, "It had ended as %s, and someone who holds the signatures went on with it.", earlier(p))
	add(p.State.Ended() && p.Usable(), "LOADED: anyone who holds its signatures can still execute it. Another transaction of the Safe at the same nonce ends that: propose a void.")
	if loaded := p.Loaded(); p.State.Ended() && p.Effect() == nil && loaded != nil && !p.Usable() {
		add(l.open, "%d of %d signatures over nonce %d still count: with the rest of them anyone can execute it. Propose a void to use up that nonce.", p.Yes(loaded), p.Threshold, loaded.Tx.Nonce)
	}
	for _, s := range l.troubled() {
		told := l.trouble(s.Problem)
		add(told != "", "%s", told)
	}
	return notes
}

func nonceOf(t *SafeTx) uint64 {
	if t == nil {
		return 0
	}
	return t.Tx.Nonce
}

func earlier(p Proposal) State {
	if p.Earlier == nil {
		return ""
	}
	return p.Earlier.State
}
