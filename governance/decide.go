package governance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Decide judges one command or fact against a proposal and gives the events to record, in order. It is pure: same
// proposal, input and now, same answer. No events and no error means that there is nothing new. An error is a *Refusal:
// then nothing happened.
func Decide(p Proposal, in Input, now time.Time) ([]Event, error) {
	d := decider{p: p, now: now.UTC().Round(0)} // without the monotonic clock, which no log can hold
	if err := d.decide(in); err != nil {
		return nil, err
	}
	if p.State.Ended() && !d.p.State.Ended() {
		if err := d.judgeQuorum(); err != nil { // owners may have changed while nobody asked
			return nil, err
		}
	}
	return d.events, nil
}

// decider collects events and sees the proposal as it is after each.
type decider struct {
	p      Proposal
	now    time.Time
	events []Event
}

func (d *decider) decide(in Input) error {
	switch in := in.(type) {
	case Propose:
		return d.propose(in.Draft)
	case Confirm:
		return d.confirm(in)
	case Speak:
		return d.speak(in.Opinion)
	case Stated:
		return d.stated(in.Opinion)
	case Withdraw:
		return d.withdraw(in.Member)
	case Extend:
		return d.extend(in.Member)
	case Disclose:
		return d.disclose(in.Member)
	case Release:
		return d.release(in.Member)
	case SetupSeen:
		return d.setupSeen(in)
	case SafeSeen:
		return d.safeSeen(in.State)
	case Executed:
		return d.executed(in)
	case Sent:
		return d.sent(in.Transaction)
	case Final:
		return d.final(in.Transaction)
	case Gone:
		return d.gone(in.Transaction)
	case NonceTaken:
		return d.nonceTaken(in)
	case Rebuilt:
		return d.rebuilt(in)
	case Join:
		return d.join(in)
	case Replaced:
		return d.replaced(in)
	case OperationSeen:
		return d.operationSeen(in)
	case OperationRun:
		return d.operationRun(in.Transaction)
	case Proved:
		return d.proved(in.Postconditions)
	case Reread:
		return d.reread(in.Postconditions)
	case Impossible:
		return d.impossible(in.Why)
	case Tick:
		return d.tick()
	}
	return fmt.Errorf("decide: unknown input %T", in)
}

// emit records an event if the table allows it where the proposal stands.
func (d *decider) emit(e Event) error {
	if !Legal(d.p.State, e.Type) {
		return d.notOpen(fmt.Sprintf("%q is not possible", e.Type))
	}
	e.At = d.now
	if e.By == "" {
		e.By = "belay"
	}
	d.events = append(d.events, e)
	d.p = Apply(d.p, e)
	return nil
}

func (d *decider) notOpen(what string) *Refusal {
	if d.p.State == "" {
		return Refuse(CodeNotFound, "list what is open with `/belay status`", "there is no such proposal")
	}
	return Refuse(CodeNotOpen, "see its present state with `/belay status "+d.p.ID+"`", "%s is %s: %s", d.p.ID, d.p.State, what)
}

func (d *decider) propose(draft Proposal) error {
	if d.p.State != "" {
		return d.notOpen("it exists already")
	}
	return d.emit(Event{Type: EventProposed, By: draft.Proposer, Draft: &draft})
}

// confirm takes a verified signature. The same owner's yes again is known and changes nothing, but that of a contract can be renewed.
func (d *decider) confirm(in Confirm) error {
	t := d.p.SafeTx(in.SafeTxHash)
	if t == nil {
		return Refuse(CodeWrongHash, "open the signing page again and sign what it shows", "%s has no transaction with the hash %s", d.p.ID, in.SafeTxHash)
	}
	switch {
	case !in.Confirmation.Replaces(t.ConfirmedBy(in.Confirmation.Owner)):
		return nil
	case !Legal(d.p.State, EventConfirmed):
		return d.notOpen("it takes no more signatures")
	case t.State == TxDead && !d.p.ruled(t):
		return Refuse(CodeStaleHash, "open the signing page again and sign the new one", "the Safe was upgraded to %s, which hashes by another rule", d.p.Safe.Version)
	case t.State == TxDead:
		return Refuse(CodeStaleHash, "open the signing page again and sign the new one", "another transaction used nonce %d of the Safe", t.Tx.Nonce)
	case !t.Open():
		return d.notOpen("this transaction is on chain already")
	case d.p.Effect() != nil:
		return d.notOpen("what it does is on chain already, and one more signature would only be a danger")
	case d.p.State == StateReady && t.Purpose != PurposeExecute:
		return d.notOpen("the timelock holds it already")
	}
	if !slices.Contains(d.p.Owners, in.Confirmation.Owner) {
		return Refuse(CodeNotOwner, "sign with a wallet that is an owner", "%s is not an owner of %s at block %d", in.Confirmation.Owner.Hex(), d.p.Safe.Name, d.p.ReadAt.Number)
	}
	if roles := d.p.Unapproved(); len(roles) > 0 && in.Confirmation.Via != ViaChain {
		return Refuse(CodeNotPermitted, "wait until they have; the card tells", "%s is not for owners yet: %s must approve it first", d.p.ID, strings.Join(roles, " and "))
	}
	c := in.Confirmation
	c.At = d.now
	by := c.Member
	if by == "" {
		by = c.Owner.Hex()
	}
	if err := d.emit(Event{Type: EventConfirmed, By: by, SafeTxHash: in.SafeTxHash, Confirmation: &c}); err != nil {
		return err
	}
	if err := d.stayOpen(); err != nil {
		return err
	}
	return d.judgeQuorum()
}

// stayOpen lets an emergency that people are signing outlive its deadline.
func (d *decider) stayOpen() error {
	if !d.p.Kind.Emergency() || d.p.State != StateProposed || d.p.ExpiresAt.Sub(d.now) > d.p.Policy.Expires/2 {
		return nil
	}
	until := d.now.Add(d.p.Policy.Expires)
	return d.emit(Event{Type: EventExtended, Until: &until, Text: "signatures are coming in"})
}

// judgeQuorum emits the edges: quorum reached, or lost because owners or threshold changed. Each SafeTx has its own.
func (d *decider) judgeQuorum() error {
	for _, t := range d.p.SafeTxs {
		var edge EventType
		switch have := d.p.quorum(&t) && len(d.p.Unapproved()) == 0; {
		case have && t.State == TxAsking:
			edge = EventQuorum
		case !have && t.State == TxApproved:
			edge = EventQuorumLost
		}
		if edge == "" || !Legal(d.p.State, edge) {
			continue
		}
		text := fmt.Sprintf("%d of %d", d.p.Yes(&t), d.p.Threshold)
		if err := d.emit(Event{Type: edge, SafeTxHash: t.Hashes.SafeTx, Text: text}); err != nil {
			return err
		}
	}
	return nil
}

// speak records what a member said, once: the same objection again, or the answer that stands already, is nothing new.
func (d *decider) speak(o Opinion) error {
	if !Legal(d.p.State, EventObjected) {
		return d.notOpen("there is nothing to answer any more")
	}
	o.At = d.now
	switch o.What {
	case "object":
		if repeats(d.p.Objections, o) {
			return nil
		}
		if err := d.mayBeHeard(d.p.Objections, o); err != nil {
			return err
		}
		return d.emit(Event{Type: EventObjected, By: o.Member, Opinion: &o})
	case "onit", "cant":
		if repeats(d.p.Responders, o) {
			return nil
		}
		if err := d.mayBeHeard(d.p.Responders, o); err != nil {
			return err
		}
		return d.emit(Event{Type: EventResponded, By: o.Member, Opinion: &o})
	}
	return Refuse(CodeBadValue, "object, or say that you are on it or cannot", "%q is no answer to a proposal", o.What)
}

// repeats reports whether the same member's word that stands is the same.
func repeats(said []Opinion, o Opinion) bool {
	return slices.ContainsFunc(said, func(before Opinion) bool {
		return before.Member == o.Member && before.What == o.What && before.Text == o.Text
	})
}

// withdraw takes our proposal down. Chat alone never ends an emergency that an owner has signed; anything else with a
// signature takes two members. What the chain holds already cannot be taken down by words.
func (d *decider) withdraw(member string) error {
	if !Legal(d.p.State, EventWithdrawn) {
		return d.notOpen("it cannot be withdrawn")
	}
	if d.p.onChain() {
		return d.notOpen("it is on chain already")
	}
	signed, asked := d.p.Signed(), append([]string{d.p.Proposer}, d.p.Askers...)
	mine := slices.Contains(asked, member)
	wanted := slices.ContainsFunc(asked, func(who string) bool { return who != member && !d.p.wantsOut(who) })
	switch {
	case !signed && mine && !wanted:
		return d.emit(Event{Type: EventWithdrawn, By: member, Text: "withdrawn by its proposer"})
	case signed && d.p.Kind.Emergency():
		return d.notByWords()
	case d.p.Kind.Emergency() && !mine:
		return Refuse(CodeNotPermitted, "ask them; two wallets of members end it, too: on the page, or `belay withdraw "+d.p.ID+"`",
			"an emergency that nobody has signed is withdrawn by those who asked for it: %s", strings.Join(asked, ", "))
	case d.p.wantsOut(member):
		return nil
	case !d.p.Kind.Emergency() && slices.ContainsFunc(d.p.Objections, func(o Opinion) bool { return o.What == "withdraw" }):
		return d.emit(Event{Type: EventWithdrawn, By: member, Text: "withdrawn by two members"})
	}
	return d.emit(Event{Type: EventObjected, By: member, Opinion: &Opinion{Member: member, What: "withdraw", Text: "asks to withdraw; that is not enough alone", At: d.now}})
}

// wantsOut reports whether a member asked to withdraw it.
func (p *Proposal) wantsOut(member string) bool {
	return slices.ContainsFunc(p.Objections, func(o Opinion) bool { return o.Member == member && o.What == "withdraw" })
}

// join records that another member asks for the same. What two asked for is not one person's to take down, and is never shown small.
func (d *decider) join(in Join) error {
	if in.Member == d.p.Proposer || slices.Contains(d.p.Askers, in.Member) || len(d.p.Askers) >= voicesLimit || !Legal(d.p.State, EventJoined) {
		return nil
	}
	o := Opinion{Member: in.Member, What: "join", Text: firstBytes(in.Reason, textLimit/8), At: d.now}
	return d.emit(Event{Type: EventJoined, By: in.Member, Opinion: &o})
}

// extendStep is the least that an extension is worth recording for.
const extendStep = 30 * time.Second

// extend asks for longer, counted from now. It ends nothing and holds nothing back.
func (d *decider) extend(member string) error {
	if !Legal(d.p.State, EventExtended) {
		return d.notOpen("it cannot be extended")
	}
	until := d.now.Add(d.p.Policy.Expires)
	if until.Sub(d.p.ExpiresAt) < extendStep {
		return nil // somebody just did
	}
	return d.emit(Event{Type: EventExtended, By: member, Until: &until})
}

// disclose makes an embargoed proposal public; there is no way back.
func (d *decider) disclose(member string) error {
	if d.p.Disclosed {
		return nil
	}
	return d.emit(Event{Type: EventDisclosed, By: member})
}

// release gives the word that execute: manual waits for. A delay is there for people to look; no word in chat shortens it.
func (d *decider) release(member string) error {
	switch wait := d.p.Policy.Execute; {
	case d.p.State != "" && wait == (Execute{}):
		return nil
	case !Legal(d.p.State, EventReleased):
		return d.notOpen("it is not waiting to be sent")
	case !wait.Manual:
		return Refuse(CodeNotPermitted, "wait", "it is sent by itself %s after quorum", wait.After)
	}
	return d.emit(Event{Type: EventReleased, By: member})
}

// replaced ends what waits behind a gap, because the same is asked for in the gap. What an owner has signed would work at both
// nonces, and is not replaced.
func (d *decider) replaced(in Replaced) error {
	switch {
	case d.p.Kind.Emergency() || !Legal(d.p.State, EventSuperseded) || d.p.onChain():
		return d.notOpen("it waits behind no gap")
	case d.p.Loaded() != nil:
		return Refuse(CodeNotOpen, "void what left the gap: see `/belay nonces`", "owners have signed %s at nonce %d, and asked again it could be executed twice", d.p.ID, nonceOf(d.p.Loaded()))
	}
	return d.emit(Event{Type: EventSuperseded, By: in.Member, Text: fmt.Sprintf("it is asked for again at nonce %d, where nothing stood", in.Nonce)})
}

// SignatureLife is how long Belay uses an owner's signature over what is no emergency. What people agreed to a month ago may not be
// what they want now, and they are asked anew. The chain knows no such limit.
const SignatureLife = 30 * 24 * time.Hour

// Deadline is when asking ends, or the use of what was signed; zero where nothing ends by itself. An emergency with a quorum is sent
// however old its signatures are.
func (p *Proposal) Deadline() time.Time {
	emergency := p.Kind.Emergency()
	switch {
	case p.onChain():
	case p.State == StateProposed && (emergency || p.aged().IsZero() || p.ExpiresAt.Before(p.aged())):
		return p.ExpiresAt
	case (p.State == StateProposed || p.State == StateApproved) && !emergency:
		return p.aged()
	}
	return time.Time{}
}

// aged is when the oldest signature that counts becomes too old; zero without one.
func (p *Proposal) aged() (at time.Time) {
	for _, t := range p.SafeTxs {
		for _, c := range t.Confirmations {
			old := c.At.Add(SignatureLife)
			if t.Open() && slices.Contains(p.Owners, c.Owner) && (at.IsZero() || old.Before(at)) {
				at = old
			}
		}
	}
	return at
}

// tick ends asking when the deadline has passed. It ends no power: the signatures work until the nonce is gone.
func (d *decider) tick() error {
	end := d.p.Deadline()
	switch {
	case end.IsZero() || d.now.Before(end):
		return nil
	case end.Equal(d.p.aged()):
		return d.emit(Event{Type: EventExpired, Text: fmt.Sprintf("its oldest signature is %d days old, too old to act on; ask anew", SignatureLife/(24*time.Hour))})
	}
	return d.emit(Event{Type: EventExpired, Text: "nobody completed the signatures in time"})
}
