package governance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// The Safe executes strictly in nonce order. What stands at each of its nonces decides what waits for what, and what anyone who holds
// signatures can make happen.

// NonceMap is what is known of a Safe's nonces: the last that were used, and all that something stands at or waits behind.
type NonceMap struct {
	Safe    string       `json:"safe"` // its name
	Chain   string       `json:"chain"`
	Address string       `json:"address"`
	Nonce   uint64       `json:"nonce"`     // the Safe's next one, as last read
	Block   uint64       `json:"block"`     // of that reading; 0: nothing was read
	Free    uint64       `json:"next_free"` // where the next routine proposal would stand
	Nonces  []NoncePlace `json:"nonces"`    // in order
}

// NoncePlace is one nonce.
type NoncePlace struct {
	Nonce  uint64     `json:"nonce"`
	Last   uint64     `json:"last,omitempty"` // of a gap that is wider than one: where it ends
	State  NonceState `json:"state"`
	Stands []Standing `json:"stands"`
	UsedBy string     `json:"used_by,omitempty"` // the Ethereum transaction that used it, where known
	Text   string     `json:"text"`              // one sentence: what it means, and what can be done
}

// NonceState is what there is to say of a nonce.
type NonceState string

// The states of a nonce.
const (
	NonceUsed      NonceState = "used"      // by a proposal
	NonceForeign   NonceState = "foreign"   // used, and by no proposal
	NonceOpen      NonceState = "open"      // one open proposal stands there
	NonceContested NonceState = "contested" // several do: the first that is executed takes it
	NonceLoaded    NonceState = "loaded"    // only what has ended stands there, and signatures over it still count
	NonceGap       NonceState = "gap"       // nothing stands there, and something waits behind it
)

// Standing is a SafeTx at a nonce.
type Standing struct {
	Proposal   string      `json:"proposal"`
	Title      string      `json:"title"` // with its subject
	Purpose    Purpose     `json:"purpose"`
	State      SafeTxState `json:"state"`
	Ended      bool        `json:"ended"`
	Signatures int         `json:"signatures"` // of present owners
	Threshold  int         `json:"threshold"`
}

// shownBehind is how many used nonces a map shows.
const shownBehind = 5

// NewNonceMap draws the nonces of the Safe ref, which is at nonce since block, from the proposals known: all that are open or still
// watched, and as many others as are to be seen in it.
func NewNonceMap(ref SafeRef, nonce, block uint64, known []Proposal) NonceMap {
	m := NonceMap{Safe: ref.Name, Chain: ref.Chain, Address: ref.Address.Hex(), Nonce: nonce, Block: block, Nonces: []NoncePlace{}}
	known = slices.DeleteFunc(slices.Clone(known), func(p Proposal) bool { return !p.Safe.Same(ref) })
	m.Free = FreeNonce(nonce, ref, unended(known))
	first := nonce
	for _, p := range known {
		first = min(first, max(p.OpenedNonce, nonce-min(nonce, shownBehind)))
	}
	for n := first; n < nonce; n++ {
		m.Nonces = append(m.Nonces, usedPlace(n, known))
	}
	next := nonce
	for _, n := range standing(nonce, known) { // one by one: a provider can make up any number
		if n > next {
			m.Nonces = append(m.Nonces, gap(next, n-1, known))
		}
		m.Nonces = append(m.Nonces, openPlace(n, known))
		next = n + 1
	}
	return m
}

// standing are the nonces from one on at which something stands, in order.
func standing(from uint64, known []Proposal) (nonces []uint64) {
	for _, p := range known {
		for _, t := range p.SafeTxs {
			if t.Tx.Nonce >= from && p.stands(t) {
				nonces = append(nonces, t.Tx.Nonce)
			}
		}
	}
	slices.Sort(nonces)
	return slices.Compact(nonces)
}

func unended(known []Proposal) []Proposal {
	return slices.DeleteFunc(slices.Clone(known), func(p Proposal) bool { return p.State.Ended() })
}

// stands reports whether t can still take its nonce: it is asked for, or signatures over it outlived the proposal.
func (p *Proposal) stands(t SafeTx) bool { return t.Open() && (!p.State.Ended() || p.Yes(&t) > 0) }

func (p *Proposal) standingOf(t SafeTx) Standing {
	return Standing{Proposal: p.ID, Title: strings.TrimSuffix(p.Title+": "+p.Subject, ": "), Purpose: t.Purpose, State: t.State, Ended: p.State.Ended(),
		Signatures: p.Yes(&t), Threshold: p.Threshold}
}

// named tells a spare from the transaction that it stands in for: both are the same proposal's.
func (p *Proposal) named(t SafeTx) string {
	if t.Purpose == PurposeSpare {
		return "a spare of " + p.ID
	}
	return p.ID
}

// usedPlace tells who used a nonce.
func usedPlace(n uint64, known []Proposal) NoncePlace {
	place := NoncePlace{Nonce: n, State: NonceForeign, Stands: []Standing{}, Text: "Used by a transaction that no proposal asked for."}
	var lost []string
	for _, p := range known {
		for _, t := range p.SafeTxs {
			switch {
			case t.Tx.Nonce != n:
			case t.State == TxMined || t.State == TxFinal || t.State == TxFailed:
				place.State, place.Stands, place.Text = NonceUsed, []Standing{p.standingOf(t)}, fmt.Sprintf("Used by %s.", p.named(t))
				place.UsedBy = p.ranIn(t.Hashes.SafeTx)
				return place
			case t.State == TxDead && t.Purpose != PurposeSpare:
				lost = append(lost, p.ID)
				if t.UsedBy != (common.Hash{}) {
					place.UsedBy = t.UsedBy.Hex()
				}
			}
		}
	}
	if len(lost) > 0 {
		place.Text = fmt.Sprintf("Used by a transaction that no proposal asked for; %s stood there.", strings.Join(lost, " and "))
	}
	return place
}

// ranIn is the transaction that ran a SafeTx.
func (p *Proposal) ranIn(safeTxHash common.Hash) string {
	for _, ran := range p.Transactions {
		if ran.SafeTxHash == safeTxHash && ran.Status != TxStatusSubmitted {
			return ran.TxHash.Hex()
		}
	}
	return ""
}

// openPlace tells what stands at a nonce that is not used yet.
func openPlace(n uint64, known []Proposal) NoncePlace {
	place := NoncePlace{Nonce: n, Stands: []Standing{}}
	var asking, ended []string
	for _, p := range known {
		for _, t := range p.SafeTxs {
			if t.Tx.Nonce != n || !p.stands(t) {
				continue
			}
			place.Stands = append(place.Stands, p.standingOf(t))
			if p.State.Ended() {
				ended = append(ended, p.named(t))
			} else {
				asking = append(asking, p.named(t))
			}
		}
	}
	switch {
	case len(place.Stands) > 1:
		place.State = NonceContested
		place.Text = sentenceCase(strings.Join(slices.Concat(asking, ended), " and ")) + " stand here: the first that is executed takes the nonce from the others."
	case len(asking) == 1:
		place.State, place.Text = NonceOpen, fmt.Sprintf("%s stands here, with %d of %d signatures.", sentenceCase(asking[0]), place.Stands[0].Signatures, place.Stands[0].Threshold)
	case len(ended) == 1:
		place.State = NonceLoaded
		place.Text = fmt.Sprintf("%s has ended, but %d of %d signatures over it still count; void %s to make it harmless.", sentenceCase(ended[0]), place.Stands[0].Signatures, place.Stands[0].Threshold, place.Stands[0].Proposal)
	}
	return place
}

// gap is a run of nonces at which nothing stands although something waits behind them.
func gap(from, to uint64, known []Proposal) NoncePlace {
	place := NoncePlace{Nonce: from, State: NonceGap, Stands: []Standing{}, Text: "Nothing stands here, and what is behind it waits. " + waysOutOfGap(from, known)}
	if to > from {
		place.Last, place.Text = to, fmt.Sprintf("Nothing stands from here to nonce %d, and what is behind waits. ", to)+waysOutOfGap(from, known)
	}
	return place
}

// waysOutOfGap names the ways to close a gap: what stood there once is voided, or what waits behind it is asked for again.
func waysOutOfGap(n uint64, known []Proposal) string {
	var stood, waits string
	var waitsAt uint64
	for _, p := range known {
		for _, t := range p.SafeTxs {
			switch {
			case p.State.Ended() && t.Open() && t.Tx.Nonce == n:
				stood = p.ID
			case !p.State.Ended() && t.Open() && t.Tx.Nonce > n && !p.Kind.Emergency() && p.Loaded() == nil && (waits == "" || t.Tx.Nonce < waitsAt):
				waits, waitsAt = p.ID, t.Tx.Nonce
			}
		}
	}
	way := "What is proposed next takes it"
	if waits != "" {
		way = "Rebuild " + waits + ", which asks for it again at this nonce; what is proposed next takes it, too"
	}
	if stood != "" {
		way = "Void " + stood + ", which uses it up. " + way
	}
	return way + "."
}

// FreeNonce is the first nonce from current on at which nothing open stands: a gap is filled before anything queues behind what waits.
func FreeNonce(current uint64, ref SafeRef, open []Proposal) uint64 {
	taken := map[uint64]bool{}
	for _, o := range open {
		for _, t := range o.SafeTxs {
			if o.Safe.Same(ref) && t.Open() {
				taken[t.Tx.Nonce] = true
			}
		}
	}
	for taken[current] {
		current++
	}
	return current
}

// IsGap reports whether nothing that is open stands at a nonce although something waits behind it.
func IsGap(nonce uint64, ref SafeRef, open []Proposal) bool {
	behind := false
	for _, o := range open {
		if !o.Safe.Same(ref) {
			continue
		}
		for _, t := range o.SafeTxs {
			if t.Open() && t.Tx.Nonce == nonce {
				return false
			}
			behind = behind || t.Open() && t.Tx.Nonce > nonce
		}
	}
	return behind
}
