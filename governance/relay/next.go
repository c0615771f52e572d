package relay

import (
	"errors"
	"fmt"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// How long a routine transaction waits before it is replaced: three blocks of Ethereum, on a faster chain the same time.
// An emergency is replaced on every block.
const (
	routineBlocks   = 3
	routinePatience = 36 * time.Second
)

// mootPatience is how long after its last attempt a spent submission is kept open while its nonce is unused. By then a
// transaction that pays too little has left every pool that is short of room; should it be mined all the same, it reverts.
const mootPatience = 3 * time.Hour

// Next says what to do about an open submission. It is called on every block, and again at once after MarkMined, Unmined and
// Renonce; the same facts give the same answer. now is wall time.
func Next(s governance.Submission, f Facts, now time.Time) Action {
	if !s.Open() {
		return Wait{Why: "it has no transaction on its way"}
	}
	if receipt := f.receiptOf(s); receipt != nil {
		return mined(s, f, receipt)
	}
	if !f.knowsEvery(s) {
		return unsure(s, f)
	}
	used := f.Account.Nonce > s.Nonce
	switch {
	case used:
		return usedUp(s, f)
	case s.State == governance.SubmissionMined:
		return Unmined{Why: fmt.Sprintf("transaction %s left the chain with its block", s.Mined)}
	default:
		return pending(s, f, now)
	}
}

// tooFewSigned is why nothing is sent that the Safe would refuse.
const tooFewSigned = "owners changed: too few of its signatures hold"

// mined judges a submission of which an attempt has a receipt.
func mined(s governance.Submission, f Facts, r *safe.Receipt) Action {
	if s.State != governance.SubmissionMined || s.Mined != r.TxHash {
		return MarkMined{Hash: r.TxHash, Block: r.Block, Reverted: !r.Succeeded}
	}
	if !r.Succeeded && !f.Subject.Spent() {
		if f.Bundle == BundleShort {
			return Wait{Why: tooFewSigned}
		}
		return Renonce{Simulate: true, Why: fmt.Sprintf("transaction %s was mined in block %d and reverted", r.TxHash, r.Block.Number)}
	}
	if !f.settled(r.Block.Number) {
		return Wait{Why: fmt.Sprintf("mined, %d confirmations", f.depth(r.Block.Number))}
	}
	if r.Succeeded {
		return MarkFinal{}
	}
	if !f.subjectSettled() {
		return Wait{Why: f.spent() + ", not deep enough yet"}
	}
	return Moot{Why: fmt.Sprintf("%s; transaction %s was mined without effect", f.spent(), r.TxHash)}
}

// usedUp judges a submission whose nonce is gone though no attempt of it was mined: another submission of the key took the
// nonce, or the key was used elsewhere.
func usedUp(s governance.Submission, f Facts) Action {
	switch {
	case !f.Subject.Spent() && f.Bundle == BundleShort:
		return Wait{Why: tooFewSigned}
	case !f.Subject.Spent():
		return Renonce{Why: fmt.Sprintf("relayer nonce %d went to another transaction", s.Nonce)}
	case !f.subjectSettled():
		return Wait{Why: f.spent() + ", not deep enough yet"}
	default:
		return Moot{Why: f.spent()}
	}
}

// unsure judges a submission of which not every receipt could be read: no conclusion, but sending goes on.
func unsure(s governance.Submission, f Facts) Action {
	if s.State == governance.SubmissionMined || f.Bundle == BundleShort || f.Yields != "" || f.Account.Nonce > s.Nonce || f.Subject.Spent() || f.displaced(s) {
		return Wait{Why: "not every receipt could be read"}
	}
	return Broadcast{Attempt: last(s)}
}

// pending judges a submission whose nonce is free.
func pending(s governance.Submission, f Facts, now time.Time) Action {
	switch {
	case f.Subject.Spent():
		return spent(s, f, now)
	case f.Bundle == BundleShort:
		return Wait{Why: tooFewSigned}
	case f.Yields != "":
		return Yield{Why: f.Yields}
	case len(s.Attempts) == 0:
		return Renonce{Why: "no signed transaction is stored"}
	case f.displaced(s):
		return Wait{Why: "its relayer nonce was given to another submission"}
	case f.Account.Nonce < s.Nonce:
		return behind(s, f)
	default:
		return send(s, f, now)
	}
}

// spent judges a submission that nobody needs any more, but that may still be mined.
func spent(s governance.Submission, f Facts, now time.Time) Action {
	if len(s.Attempts) > 0 && now.Sub(last(s).At) < mootPatience {
		if _, err := Price(false, f.Fees, s.Attempts, f.Caps); errors.Is(err, ErrAtCap) && !f.displaced(s) {
			return Broadcast{Attempt: last(s)} // no later submission could outbid it: only its own inclusion frees the nonce
		}
		return Wait{Why: f.spent() + "; its nonce goes to the next submission"}
	}
	if !f.subjectSettled() {
		return Wait{Why: f.spent() + ", not deep enough yet"}
	}
	return Moot{Why: f.spent()}
}

// behind judges a submission whose nonce is further than the chain's. Only a reorganisation does that: either it took an
// earlier submission of ours, which is being sent again and comes first, or it took something that nobody sends again.
func behind(s governance.Submission, f Facts) Action {
	if f.earlierComes(s) || f.Head.Number <= last(s).Block {
		return Broadcast{Attempt: last(s)}
	}
	return Renonce{Why: fmt.Sprintf("the chain went back to relayer nonce %d", f.Account.Nonce)}
}

// send judges a submission that the chain could take: the same bytes again, or more money.
func send(s governance.Submission, f Facts, now time.Time) Action {
	again := last(s)
	if problem := unfundable(s, f, again); problem != "" {
		return Hold{Attempt: again, Why: problem}
	}
	why, due := replaceable(s, f, now)
	if !due {
		return Broadcast{Attempt: again}
	}
	bid, err := Price(s.Emergency, f.Fees, f.contending(s), f.Caps.Afford(f.Account.Balance, s.Gas))
	switch {
	case errors.Is(err, ErrAtCap):
		return Hold{Attempt: again, Why: fmt.Sprintf("%v; the last transaction goes on being sent", err)}
	case err != nil:
		return Hold{Attempt: again, Why: err.Error()}
	default:
		return Replace{Bid: bid, Why: why}
	}
}

// unfundable says why no pool takes the bytes, or "".
func unfundable(s governance.Submission, f Facts, a governance.Attempt) string {
	if f.Account.HasCode {
		return fmt.Sprintf("relayer %s has code now: an EIP-7702 delegation lets others move its nonce", s.Relayer)
	}
	feeCap, _, err := feesOf(a)
	if err != nil {
		return err.Error()
	}
	if most := (Caps{MaxFee: feeCap}).Afford(f.Account.Balance, s.Gas); most.MaxFee.Lt(&feeCap) {
		return fmt.Sprintf("relayer %s holds %s: not enough for %d gas at %s", s.Relayer, ether(f.Account.Balance), s.Gas, gwei(feeCap))
	}
	return ""
}

// replaceable says why it is time for a replacement, if it is.
func replaceable(s governance.Submission, f Facts, now time.Time) (why string, due bool) {
	a := last(s)
	if f.Bundle == BundleAnew {
		return "its signatures were collected anew", true
	}
	if f.outbid(s) {
		return "a transaction that nobody needs any more bids higher for the same nonce", true
	}
	if !a.Taken && !a.TooLow {
		return "", false // nobody has it: to pay more for it helps nobody, and is paid in full in the end
	}
	blocks := f.Head.Number - min(f.Head.Number, a.Block)
	if s.Emergency {
		return fmt.Sprintf("emergency, not in block %d", f.Head.Number), blocks >= 1
	}
	waited := now.Sub(a.At)
	patient := waited >= 0 && waited < routinePatience // a clock that was set back does not count
	return fmt.Sprintf("not mined for %d blocks", blocks), blocks >= routineBlocks && !patient
}

// spent says in words what became of the subject.
func (f Facts) spent() string {
	switch {
	case f.Subject.Done && f.Subject.By != (common.Hash{}):
		return fmt.Sprintf("done by transaction %s", f.Subject.By)
	case f.Subject.Done:
		return "done by another transaction"
	case f.Subject.Why != "":
		return f.Subject.Why
	default:
		return "it cannot happen any more"
	}
}

func last(s governance.Submission) governance.Attempt {
	if len(s.Attempts) == 0 {
		return governance.Attempt{}
	}
	return s.Attempts[len(s.Attempts)-1]
}
