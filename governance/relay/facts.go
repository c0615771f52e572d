package relay

import (
	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Facts are what the chain says, as far as one submission is concerned, read at Head.
type Facts struct {
	Head    safe.Block
	Account safe.Account // of the submission's relayer; Nonce counts its mined transactions
	// Receipts has an entry for every attempt that was asked about: nil for one that is not mined. An attempt without an
	// entry is unknown, and nothing is concluded from it.
	Receipts map[common.Hash]*safe.Receipt
	Subject  Subject
	Bundle   Bundle
	Yields   string    // why it makes room for an emergency that wants the same Safe nonce; "": it need not
	Others   []Carried // the other open submissions of the same relayer
	Fees     safe.Fees
	Caps     Caps

	Confirmations uint64 // blocks, head − inclusion + 1, after which a block counts; 0: when it is finalized
	Finalized     uint64 // number of the finalized block
}

// Subject is what became of the thing that the submission is for. A subject that could not be read is neither done nor dead.
type Subject struct {
	Done  bool        // the SafeTx was executed, or the operation run, by whomever
	By    common.Hash // the transaction that did it; zero: not known
	Dead  bool        // it cannot happen any more: its Safe nonce went to another transaction, its operation was cancelled
	Block uint64      // in which it was done or died; 0: not known
	Why   string      // in words, for Dead
}

// Spent reports whether nobody needs the submission's transaction any more.
func (s Subject) Spent() bool { return s.Done || s.Dead }

// Bundle is what became of the signatures that a submission carries, as far as owners and threshold tell.
type Bundle uint8

// The states of a bundle. One that could not be judged holds.
const (
	BundleHolds Bundle = iota // the Safe takes them
	BundleShort               // owners or threshold changed, and there are too few now
	BundleAnew                // they changed, and there are enough others: the submission's data has them already
)

// settled reports whether a block is deep enough to count.
func (f Facts) settled(block uint64) bool {
	if f.Confirmations == 0 {
		return block <= f.Finalized
	}
	return block <= f.Head.Number && f.Head.Number-block+1 >= f.Confirmations
}

// subjectSettled holds an unknown block for settled: then the submission's own block, or its age, has to do.
func (f Facts) subjectSettled() bool { return f.Subject.Block == 0 || f.settled(f.Subject.Block) }

// depth is how many confirmations a block has.
func (f Facts) depth(block uint64) uint64 {
	if block > f.Head.Number {
		return 0
	}
	return f.Head.Number - block + 1
}

// receiptOf finds the attempt that was mined.
func (f Facts) receiptOf(s governance.Submission) *safe.Receipt {
	for _, a := range s.Attempts {
		if r := f.Receipts[a.Hash]; r != nil {
			return r
		}
	}
	return nil
}

// knowsEvery reports whether every attempt was asked about.
func (f Facts) knowsEvery(s governance.Submission) bool {
	for _, a := range s.Attempts {
		if _, asked := f.Receipts[a.Hash]; !asked {
			return false
		}
	}
	return true
}

// rivals are other submissions that want the nonce of s.
func (f Facts) rivals(s governance.Submission) []Carried {
	var same []Carried
	for _, o := range f.Others {
		if o.Submission.Relayer == s.Relayer && o.Submission.Nonce == s.Nonce && o.Submission.ID != s.ID {
			same = append(same, o)
		}
	}
	return same
}

// displaced reports whether s has to leave its nonce to another.
func (f Facts) displaced(s governance.Submission) bool {
	for _, rival := range f.rivals(s) {
		if !rival.Spent && outranks(rival.Submission, s) {
			return true
		}
	}
	return false
}

// contending are the attempts at the nonce of s, its own and those of others: a replacement has to outbid all.
func (f Facts) contending(s governance.Submission) []governance.Attempt {
	attempts := append([]governance.Attempt(nil), s.Attempts...)
	for _, rival := range f.rivals(s) {
		attempts = append(attempts, rival.Submission.Attempts...)
	}
	return attempts
}

// outbid reports whether a rival's transaction, which s need not leave its nonce to, stands in the way in the pools.
func (f Facts) outbid(s governance.Submission) bool {
	own, _, err := feesOf(last(s))
	for _, rival := range f.rivals(s) {
		theirs, _, theirErr := feesOf(last(rival.Submission))
		if len(rival.Submission.Attempts) > 0 && err == nil && theirErr == nil && !theirs.Lt(&own) {
			return true
		}
	}
	return false
}

// earlierComes reports whether another submission that is still wanted will use a nonce before that of s.
func (f Facts) earlierComes(s governance.Submission) bool {
	for _, o := range f.Others {
		if o.Submission.Relayer == s.Relayer && o.Submission.Nonce < s.Nonce &&
			o.Submission.Nonce >= f.Account.Nonce && !o.Spent {
			return true
		}
	}
	return false
}
