package coordinator

import (
	"fmt"
	"slices"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
)

// placed gives the draft its number and its nonces among what is open, and puts it in words. It reads no chain, so that it is quick
// enough to be done under a lock.
func (d *drafting) placed(id string, others []governance.Proposal) governance.Proposal {
	p := d.p
	p.ID, p.Crowd = id, crowd(d.wish.in, p.Kind, others)
	purpose := governance.PurposeDirect
	if p.Timelock != nil {
		purpose = governance.PurposeSchedule
	}
	first := atNonce(d.tx, p.Safe, purpose, governance.FreeNonce(d.state.Nonce, p.Safe, others))
	p.SafeTxs = []governance.SafeTx{first}
	if p.Kind.Emergency() && p.Timelock == nil {
		p.SafeTxs = ladder(first, p, d.state.Nonce, others)
	}
	d.c.describe(&p, others)
	return p
}

// atNonce is the same transaction at another nonce, unsigned.
func atNonce(t governance.SafeTx, ref governance.SafeRef, purpose governance.Purpose, nonce uint64) governance.SafeTx {
	t.Purpose, t.State, t.Tx.Nonce, t.Rule = purpose, governance.TxAsking, nonce, ref.Version
	if ref.Version.KeepsNonceOnFailure() {
		t.Tx.SafeTxGas.Clear() // rebuilt for a Safe that was upgraded: it needs no gate any more
	}
	t.Hashes = safe.Hash(ref.Domain(), t.Tx)
	t.Confirmations = []governance.Confirmation{}
	t.UsedBy = common.Hash{}
	return t
}

// spareLimit bounds how many signatures one sitting asks of an owner besides the first.
const spareLimit = 5

// ladder puts an emergency on its nonces: the Safe's current one, or the next where another emergency stands, and spares behind it,
// one more for each rival that anyone may execute first. Where it does not stand at the current nonce it has spares at those
// before it too: an emergency that nobody signs, however it came about, must not hold back one that people do sign.
func ladder(t governance.SafeTx, p governance.Proposal, current uint64, others []governance.Proposal) []governance.SafeTx {
	first := emergencyNonce(current, p, others)
	steps := []governance.SafeTx{atNonce(t, p.Safe, p.SafeTxs[0].Purpose, first)}
	behind := uint64(p.Policy.Spares) //nolint:gosec // a handful, bounded by the policy
	if behind > 0 {
		behind += signedRivals(first, p, others)
	}
	var nonces []uint64
	for n := current; n < first; n++ {
		nonces = append(nonces, n)
	}
	for i := range behind {
		nonces = append(nonces, first+i+1)
	}
	for _, n := range nonces[:min(len(nonces), spareLimit)] {
		steps = append(steps, atNonce(t, p.Safe, governance.PurposeSpare, n))
	}
	return steps
}

// emergencyNonce is the Safe's current nonce, or the next one where another emergency stands: the two are signed side by side. Those
// that nobody signs make room after an hour, and of another member at most the first does not: a stolen chat account must not be able
// to push what people sign to a nonce that never comes.
func emergencyNonce(current uint64, p governance.Proposal, others []governance.Proposal) uint64 {
	taken := map[uint64]bool{}
	for _, o := range others {
		if t := o.Active(); o.ID != p.ID && o.Kind.Emergency() && o.Safe.Same(p.Safe) && t != nil && t.Open() && earnest(o, p) {
			taken[t.Tx.Nonce] = true
		}
	}
	for taken[current] {
		current++
	}
	return current
}

// earnest reports whether p is to stand beside an emergency: owners sign that, or several asked for it; or it is fresh, and the same
// member's as p, or its member's only one.
func earnest(o, p governance.Proposal) bool {
	fresh := time.Since(o.CreatedAt) < unbackedYield
	return o.Backed() || len(o.Askers) > 0 || fresh && (o.Crowd == 0 || o.Proposer == p.Proposer)
}

// signedRivals counts the transactions with a quorum that are no emergency and stand where the emergency does, or behind it.
func signedRivals(from uint64, p governance.Proposal, others []governance.Proposal) (n uint64) {
	for _, o := range others {
		if o.Kind.Emergency() || !o.Safe.Same(p.Safe) {
			continue
		}
		for _, t := range o.SafeTxs {
			if t.State == governance.TxApproved && t.Tx.Nonce >= from {
				n++
			}
		}
	}
	return n
}

// describe puts the calls in words and names the dangers.
func (c *Coordinator) describe(p *governance.Proposal, others []governance.Proposal) {
	p.Calls = nil
	for _, call := range p.Intent {
		p.Calls = append(p.Calls, callView(c.books[p.Safe.Chain].Describe(call)))
	}
	first := p.SafeTxs[0].Tx
	dangers := c.twins(*p)
	for _, danger := range c.books[p.Safe.Chain].Dangers(p.Safe.Domain(), first, batches(first)...) {
		dangers = append(dangers, governance.DangerView{Code: danger.Code, Text: danger.Text})
	}
	p.Dangers = slices.Concat(dangers, p.Dangers, displaced(*p, others))
}

// batches are the batch libraries that were proven for a transaction: found by address and code hash, see assemble.
func batches(t safe.Tx) []common.Address {
	if t.Operation == safe.OperationDelegateCall {
		return []common.Address{t.To}
	}
	return nil
}

// twins names every earlier proposal of the same intent that has ended while signatures for it still work: whoever holds them can
// do it a second time. And it names what has ended and can be executed in the place of this one, at its nonce.
func (c *Coordinator) twins(p governance.Proposal) []governance.DangerView {
	dangers := []governance.DangerView{}
	watched, err := c.cfg.Store.Watched()
	if err != nil {
		c.cfg.Logger.Error("look for signatures that still work", "error", err)
		return dangers
	}
	for _, o := range watched {
		if o.ID == p.ID || !o.State.Ended() || !o.Usable() || !o.Safe.Same(p.Safe) {
			continue
		}
		if o.Target == p.Target {
			dangers = append(dangers, governance.DangerView{Code: governance.DangerSignedBefore,
				Text: fmt.Sprintf("%s asked for the same and has ended, but signatures for it still work at nonce %d: both can be executed.", o.ID, o.Active().Tx.Nonce)})
		}
		if t := o.SignedAt(p.SafeTxs[0].Tx.Nonce); t != nil && p.Playbook != VoidPlaybook {
			dangers = append(dangers, governance.DangerView{Code: governance.DangerLoadedRival,
				Text: fmt.Sprintf("%s has ended, but signatures for it still work at nonce %d, where this stands: anyone can execute that one first, and then this must be proposed again.", o.ID, t.Tx.Nonce)})
		}
	}
	return dangers
}

// displaced names every proposal that an emergency takes the nonce of.
func displaced(p governance.Proposal, others []governance.Proposal) (dangers []governance.DangerView) {
	if !p.Kind.Emergency() {
		return nil
	}
	nonce := p.SafeTxs[0].Tx.Nonce
	for _, o := range others {
		if t := o.Active(); !o.Kind.Emergency() && o.Safe.Same(p.Safe) && t != nil && t.Open() && t.Tx.Nonce == nonce {
			dangers = append(dangers, governance.DangerView{Code: governance.DangerDisplaces,
				Text: fmt.Sprintf("This takes nonce %d, on which %s stands: when this is mined, %s must be proposed again.", nonce, o.ID, o.ID)})
		}
	}
	return dangers
}

func callView(d calldata.Described) governance.CallView {
	v := governance.CallView{To: d.To.Hex(), Label: d.Label, Value: d.Value.Dec(), Data: "0x" + common.Bytes2Hex(d.Data), Function: d.Function,
		Args: []governance.ArgView{}, Text: governance.Untrusted(d.Text)}
	for _, a := range d.Args {
		v.Args = append(v.Args, governance.ArgView{Name: a.Name, Type: a.Type, Value: a.Text()})
	}
	for _, inner := range d.Inner {
		v.Inner = append(v.Inner, callView(inner))
	}
	return v
}
