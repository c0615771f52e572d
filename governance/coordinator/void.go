package coordinator

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"belay/governance"
	"belay/safe"
)

// VoidPlaybook is the one playbook that is Belay's own: it uses up the nonce of an earlier proposal. Its parameter names that one.
const VoidPlaybook = "void"

// voidLife is how long a void is asked for.
const voidLife = 72 * time.Hour

// proposeVoid asks owners to use up the nonce at which an earlier proposal can still be executed: the Safe calls itself with nothing.
// It is how an ended proposal, whose signatures nobody can take back, is made harmless.
func (c *Coordinator) proposeVoid(ctx context.Context, in Intent) (Proposed, error) {
	doomed, err := c.doomed(in)
	if err != nil {
		return Proposed{}, err
	}
	d, err := c.draftVoid(ctx, in, doomed)
	if err != nil {
		return Proposed{}, err
	}
	c.proposing.Lock()
	defer c.proposing.Unlock()
	others, err := c.unended()
	if err != nil {
		return Proposed{}, fmt.Errorf("read open proposals: %w", err)
	}
	for i := range others {
		if others[i].Target == d.p.Target && others[i].Effect() == nil {
			return c.join(&others[i], nil)
		}
	}
	p, err := c.openVoid(ctx, d, others)
	if err != nil {
		return Proposed{}, err
	}
	nudge(c.headsDue[p.Safe.Chain])
	view, err := c.look(p, warRoom)
	return Proposed{View: view}, err
}

// doomed finds the proposal whose nonce is to be used up, and refuses where that would be wrong: an open emergency is withdrawn
// first, and where no signature works there is nothing to burn.
func (c *Coordinator) doomed(in Intent) (governance.Proposal, error) {
	var none governance.Proposal
	id := strings.TrimSpace(in.Params["proposal"])
	for name := range in.Params {
		if name != "proposal" {
			return none, governance.Refuse(governance.CodeUnknownParam, "it takes proposal alone", "%s has no parameter %q", VoidPlaybook, name)
		}
	}
	if id == "" {
		return none, governance.Refuse(governance.CodeMissingParam, "name it: proposal=P-12", "which proposal's nonce is to be used up?")
	}
	p, err := c.load(id)
	if err != nil {
		return none, err
	}
	if err := c.permit(in, &governance.Playbook{Name: "a void of " + p.ID, Policy: p.Policy}); err != nil {
		return none, err
	}
	switch {
	case p.Playbook == VoidPlaybook:
		return none, governance.Refuse(governance.CodeNotOpen, "withdraw it instead", "%s uses up a nonce itself", p.ID)
	case p.Kind.Emergency() && !p.State.Ended():
		return none, governance.Refuse(governance.CodeNotOpen, "withdraw it first", "%s is an open emergency, and is never stopped by a rival for its nonce", p.ID)
	case burnable(p) == nil:
		return none, governance.Refuse(governance.CodeNotOpen, "nothing is left to do", "no signature over %s works any more", p.ID)
	}
	return p, nil
}

// burnable is the SafeTx whose nonce a void of p uses up: the one that people are asked to sign, or that signatures over an ended
// proposal make usable. It is nil where there is none.
func burnable(p governance.Proposal) *governance.SafeTx {
	if p.State.Ended() {
		return p.Loaded()
	}
	if t := p.Active(); t != nil && open(*t) {
		return t
	}
	return nil
}

// draftVoid reads the Safe and tries the transaction.
func (c *Coordinator) draftVoid(ctx context.Context, in Intent, doomed governance.Proposal) (*drafting, error) {
	now := time.Now().UTC()
	nonce := burnable(doomed).Tx.Nonce
	guarded := c.cfg.Safes[doomed.Safe.Name]
	d := &drafting{c: c, wish: wish{in: in, now: now}, chain: c.cfg.Chains[guarded.Chain], guarded: guarded}
	d.p = governance.Proposal{
		Kind: governance.KindCustom, Playbook: VoidPlaybook, Title: "Use up a nonce, so that " + doomed.ID + " can never be executed", Subject: "nonce " + strconv.FormatUint(nonce, 10),
		Params: map[string]string{"proposal": doomed.ID}, Target: VoidPlaybook + " " + doomed.Safe.Name + " " + strconv.FormatUint(nonce, 10),
		Reason: in.Reason, Proposer: in.Member, CreatedAt: now, ExpiresAt: now.Add(voidLife),
		Policy:  governance.Policy{Propose: doomed.Policy.Propose, Expires: voidLife, Visibility: governance.VisiblePrivate},
		Dangers: []governance.DangerView{}, Transactions: []governance.Transaction{}, Postconditions: []governance.Postcondition{},
		Objections: []governance.Opinion{}, Responders: []governance.Opinion{}, Changes: []governance.Change{},
	}
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

// openVoid commits it. The caller holds c.proposing.
func (c *Coordinator) openVoid(ctx context.Context, d *drafting, others []governance.Proposal) (governance.Proposal, error) {
	last, err := c.cfg.Store.LastNumber()
	if err != nil {
		return governance.Proposal{}, fmt.Errorf("number the proposal: %w", err)
	}
	p := d.p
	p.ID = "P-" + strconv.FormatUint(last+1, 10)
	p.SafeTxs = []governance.SafeTx{atNonce(d.tx, p.Safe, governance.PurposeVoid, d.tx.Tx.Nonce)}
	c.describe(&p, others)
	p.Calls[0].Text = governance.Untrusted(fmt.Sprintf("%s calls itself with no data and no value: it uses up nonce %d and does nothing else", c.books[p.Safe.Chain].Name(p.Safe.Address), d.tx.Tx.Nonce))
	made, err := c.decideAndCommit(ctx, governance.Proposal{ID: p.ID}, governance.Propose{Draft: p})
	return made, recorded(err)
}
