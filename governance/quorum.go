package governance

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// Yes counts the distinct current owners that confirmed t.
func (p *Proposal) Yes(t *SafeTx) int {
	seen := map[common.Address]bool{}
	for _, c := range t.Confirmations {
		if slices.Contains(p.Owners, c.Owner) {
			seen[c.Owner] = true
		}
	}
	return len(seen)
}

// Missing is how many more owners must confirm t.
func (p *Proposal) Missing(t *SafeTx) int { return max(0, p.Threshold-p.Yes(t)) }

// quorum reports whether enough current owners confirmed t. A Safe always has a threshold of at least one; zero here
// means that it was never read, and unknown is never true.
func (p *Proposal) quorum(t *SafeTx) bool {
	return p.Threshold > 0 && p.Yes(t) >= p.Threshold
}

// SignedAt is the SafeTx with a quorum at a nonce of the Safe: the active one, or a spare.
func (p *Proposal) SignedAt(nonce uint64) *SafeTx {
	for i := range p.SafeTxs {
		if t := &p.SafeTxs[i]; t.State == TxApproved && t.Tx.Nonce == nonce {
			return t
		}
	}
	return nil
}

// Signed reports whether anybody's yes to any of it is known, also of who is no owner any more or over a nonce that is gone.
func (p *Proposal) Signed() bool {
	return slices.ContainsFunc(p.SafeTxs, func(t SafeTx) bool { return len(t.Confirmations) > 0 })
}

// live reports whether t can still be executed once it is signed: its nonce is not gone.
func (p *Proposal) live(t *SafeTx) bool { return t.Open() && t.Tx.Nonce >= p.SafeNonce }

// Usable reports whether signatures over the proposal still work on chain: a quorum over a nonce that is not gone.
func (p *Proposal) Usable() bool {
	return slices.ContainsFunc(p.SafeTxs, func(t SafeTx) bool {
		return p.live(&t) && p.quorum(&t)
	})
}

// Loaded is the first SafeTx over which a current owner's signature can still come to count: its nonce is not gone. It is nil where
// nothing is left that a void could make harmless.
func (p *Proposal) Loaded() *SafeTx {
	for i := range p.SafeTxs {
		if t := &p.SafeTxs[i]; p.live(t) && p.Yes(t) > 0 {
			return t
		}
	}
	return nil
}
