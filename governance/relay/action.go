package relay

import (
	"slices"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Action is what to do next about a submission: one of Wait, Yield, Broadcast, Replace, Renonce, MarkMined, Unmined, MarkFinal,
// Moot and Hold. Where an action has a method After, it gives the submission to commit.
type Action interface{ isAction() }

// Wait says: there is nothing to do before the next block. Why is for the log.
type Wait struct{ Why string }

// Broadcast says: send the attempt's stored bytes to every provider, again. After is for when a provider took them, and changes
// something only the first time.
type Broadcast struct{ Attempt governance.Attempt }

// Replace says: sign the same call with the same relayer nonce at the bid, commit After, broadcast.
type Replace struct {
	Bid Bid
	Why string
}

// Renonce says: the nonce is gone and the subject still wanted. Choose a key anew (without this submission among its Open), bid,
// sign, commit After, broadcast. Simulate: our transaction was mined and reverted, so simulate first and, while that reverts, tell
// people instead of paying for another; the first send of an emergency is never held back like this.
type Renonce struct {
	Simulate bool
	Why      string
}

// MarkMined says: one of the attempts was mined. Reverted ones are mined too: their nonce is gone.
type MarkMined struct {
	Hash     common.Hash
	Block    safe.Block
	Reverted bool
}

// Unmined says: a reorganisation took the block of a mined attempt away. Call Next again at once: the bytes go out again.
type Unmined struct{ Why string }

// MarkFinal says: the mined attempt is deep enough. The submission ends.
type MarkFinal struct{}

// Moot says: the submission ends without having been needed.
type Moot struct{ Why string }

// Hold says: nothing that Belay may do helps; page someone and say why. The bytes of Attempt still go out on every block, because
// that costs nothing and may be all it takes.
type Hold struct {
	Attempt governance.Attempt
	Why     string
}

// Yield says: nothing of it is sent, again or anew, while an emergency wants the same Safe nonce, or something else stands against it that
// Why tells. What is in the pools already cannot be
// taken back; what is not mined by then is sent again when the emergency is settled.
type Yield struct{ Why string }

func (Wait) isAction()      {}
func (Yield) isAction()     {}
func (Broadcast) isAction() {}
func (Replace) isAction()   {}
func (Renonce) isAction()   {}
func (MarkMined) isAction() {}
func (Unmined) isAction()   {}
func (MarkFinal) isAction() {}
func (Moot) isAction()      {}
func (Hold) isAction()      {}

// After is the submission once a provider took the bytes.
func (b Broadcast) After(s governance.Submission) governance.Submission {
	if s.State == governance.SubmissionSigned {
		s.State = governance.SubmissionAccepted
	}
	s.Problem = ""
	return marked(s, b.Attempt.Hash, func(a *governance.Attempt) { a.Taken, a.TooLow = true, false })
}

// Underpriced is the submission once no provider took the bytes because of their fee: only a higher one helps.
func Underpriced(s governance.Submission, refused governance.Attempt) governance.Submission {
	return marked(s, refused.Hash, func(a *governance.Attempt) { a.TooLow = !a.Taken })
}

// marked changes one attempt, on a copy.
func marked(s governance.Submission, hash common.Hash, change func(*governance.Attempt)) governance.Submission {
	s.Attempts = slices.Clone(s.Attempts)
	for i := range s.Attempts {
		if s.Attempts[i].Hash == hash {
			change(&s.Attempts[i])
		}
	}
	return s
}

// After is the submission with the replacement, signed and not yet sent.
func (Replace) After(s governance.Submission, signed governance.Attempt) governance.Submission {
	s.Attempts = append(slices.Clip(s.Attempts), signed)
	s.Problem = ""
	return s
}

// After is the submission on its new nonce. The old attempts go: their nonce is used, so none of them can be mined.
func (r Renonce) After(s governance.Submission, key KeyChoice, signed governance.Attempt) governance.Submission {
	s.Relayer, s.Nonce = key.Address, key.Nonce
	s.Attempts = []governance.Attempt{signed}
	s.State, s.Mined = governance.SubmissionSigned, common.Hash{}
	s.Problem = r.Why
	return s
}

// After is the mined submission.
func (m MarkMined) After(s governance.Submission) governance.Submission {
	s.State, s.Mined, s.Problem = governance.SubmissionMined, m.Hash, ""
	if m.Reverted {
		s.Problem = "mined and reverted"
	}
	return s
}

// After is the submission back on its way.
func (u Unmined) After(s governance.Submission) governance.Submission {
	s.State, s.Mined, s.Problem = governance.SubmissionAccepted, common.Hash{}, u.Why
	return s
}

// After is the ended submission.
func (MarkFinal) After(s governance.Submission) governance.Submission {
	s.State = governance.SubmissionFinal
	return s
}

// After is the ended submission.
func (m Moot) After(s governance.Submission) governance.Submission {
	s.State, s.Problem = governance.SubmissionMoot, m.Why
	return s
}

// After is the submission with its problem.
func (y Yield) After(s governance.Submission) governance.Submission {
	s.Problem = y.Why
	return s
}

// After is the submission with its problem.
func (h Hold) After(s governance.Submission) governance.Submission {
	s.Problem = h.Why
	return s
}

// Order is what the relayer is asked to sign for the next attempt.
func Order(s governance.Submission, chainID uint64, bid Bid) safe.Order {
	return safe.Order{
		ChainID: chainID, To: s.To, Data: s.Data, Nonce: s.Nonce, Gas: s.Gas,
		FeeCap: bid.FeeCap, TipCap: bid.TipCap,
	}
}

// Attempt records a signed order.
func Attempt(raw []byte, hash common.Hash, bid Bid, head safe.Block, now time.Time) governance.Attempt {
	return governance.Attempt{
		Hash: hash, Raw: raw, FeeCap: bid.FeeCap.Dec(), TipCap: bid.TipCap.Dec(), Block: head.Number, At: now,
	}
}
