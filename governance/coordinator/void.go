package coordinator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"belay/governance"
	"belay/safe"
)

// VoidPlaybook uses up the nonce of an earlier proposal. Its parameter names that one.
const VoidPlaybook = "void"

// voidLife is how long a void is asked for.
const voidLife = 72 * time.Hour

// proposeVoid asks owners to use up the nonce at which an earlier proposal can still be executed: the Safe calls itself with nothing.
// It is how an ended proposal, whose signatures nobody can take back, is made harmless, and one way to close a gap.
func (c *Coordinator) proposeVoid(ctx context.Context, in Intent) (Proposed, error) {
	doomed, nonce, err := c.doomed(in)
	if err != nil {
		return Proposed{}, err
	}
	d, err := c.draftVoid(ctx, in, doomed, nonce)
	if err != nil {
		return Proposed{}, err
	}
	return c.openOwn(ctx, d, func(id string, others []governance.Proposal) governance.Proposal {
		p := d.p
		p.ID, p.Crowd = id, crowd(in, p.Kind, others)
		p.SafeTxs = []governance.SafeTx{atNonce(d.tx, p.Safe, governance.PurposeVoid, d.tx.Tx.Nonce)}
		c.describe(&p, others)
		p.Calls[0].Text = governance.Untrusted(fmt.Sprintf("%s calls itself with no data and no value: it uses up nonce %d and does nothing else", c.books[d.chain.Name].Name(d.guarded.Address), d.tx.Tx.Nonce))
		return p
	})
}

// doomed finds the proposal that can still be executed and the nonce that is to be used up, and refuses where that would be wrong: an
// open emergency is withdrawn first, and where no signature works and nothing waits behind it there is nothing to burn.
func (c *Coordinator) doomed(in Intent) (p governance.Proposal, nonce uint64, err error) {
	id, err := only(in, "proposal", "P-12")
	if err != nil {
		return p, 0, err
	}
	if p, err = c.load(id); err != nil {
		return p, 0, err
	}
	if err := c.permit(in, &governance.Playbook{Name: "a void of " + p.ID, Policy: p.Policy}); err != nil {
		return p, 0, err
	}
	others, err := c.unended()
	if err != nil {
		return p, 0, fmt.Errorf("read open proposals: %w", err)
	}
	burn := burnable(p, others)
	switch {
	case p.Playbook == VoidPlaybook:
		return p, 0, governance.Refuse(governance.CodeNotOpen, "withdraw it instead", "%s uses up a nonce itself", p.ID)
	case p.Kind.Emergency() && !p.State.Ended():
		return p, 0, governance.Refuse(governance.CodeNotOpen, "object with your wallets, or wait until it expires", "%s is an open emergency, and is never stopped by a rival for its nonce", p.ID)
	case burn == nil:
		return p, 0, governance.Refuse(governance.CodeNotOpen, "nothing is left to do", "no signature over %s works any more", p.ID)
	}
	return p, burn.Tx.Nonce, nil
}

// burnable is the SafeTx whose nonce a void of p uses up: the one that people are asked to sign, or that signatures over an ended
// proposal make usable, or on whose empty place others wait. It is nil where there is none.
func burnable(p governance.Proposal, others []governance.Proposal) *governance.SafeTx {
	if !p.State.Ended() {
		if t := p.Active(); t != nil && t.Open() {
			return t
		}
		return nil
	}
	if t := p.Loaded(); t != nil {
		return t
	}
	for i := range p.SafeTxs {
		if t := &p.SafeTxs[i]; t.Open() && t.Tx.Nonce >= p.SafeNonce && governance.IsGap(t.Tx.Nonce, p.Safe, others) {
			return t
		}
	}
	return nil
}

// draftVoid reads the Safe and tries the transaction.
func (c *Coordinator) draftVoid(ctx context.Context, in Intent, doomed governance.Proposal, nonce uint64) (*drafting, error) {
	guarded := c.cfg.Safes[doomed.Safe.Name]
	d := c.ownDraft(in, guarded, governance.Proposal{
		Kind: governance.KindCustom, Playbook: VoidPlaybook, Title: "Use up a nonce, so that an earlier proposal can never be executed",
		Subject: fmt.Sprintf("%s, nonce %d", doomed.ID, nonce), // the public is not shown a subject with an inner id
		Params:  map[string]string{"proposal": doomed.ID}, Target: VoidPlaybook + " " + doomed.Safe.Name + " " + strconv.FormatUint(nonce, 10),
		Policy: governance.Policy{Propose: doomed.Policy.Propose, Expires: voidLife, Visibility: governance.VisiblePrivate},
	})
	if err := d.readSafe(ctx); err != nil {
		return nil, err
	}
	if nonce < d.state.Nonce {
		return nil, governance.Refuse(governance.CodeNotOpen, "nothing is left to do", "nonce %d of %s is used already: the Safe is at %d", nonce, guarded.Name, d.state.Nonce)
	}
	d.tx = governance.SafeTx{Tx: safe.Void(guarded.Address, nonce)}
	d.p.Intent = []safe.Call{{To: guarded.Address}}
	return d, d.try(ctx)
}
