package governance

import (
	"fmt"
	"slices"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Decide judges one command or fact against a proposal and gives the events to record, in order. It is pure: same
// proposal, input and now, same answer. No events and no error means that there is nothing new. An error is a *Refusal:
// then nothing happened.
func Decide(p Proposal, in Input, now time.Time) ([]Event, error) {
	d := decider{p: p, now: now.UTC()}
	if err := d.decide(in); err != nil {
		return nil, err
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
	case Withdraw:
		return d.withdraw(in.Member)
	case Extend:
		return d.extend(in.Member)
	case Disclose:
		return d.disclose(in.Member)
	case Release:
		return d.release(in.Member)
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
	case OperationSeen:
		return d.operationSeen(in)
	case OperationRun:
		return d.operationRun(in.Transaction)
	case Proved:
		return d.proved(in.Postconditions)
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

// confirm takes a verified signature. The same owner's yes again is known and changes nothing.
func (d *decider) confirm(in Confirm) error {
	t := d.p.SafeTx(in.SafeTxHash)
	if t == nil {
		return Refuse(CodeWrongHash, "open the signing page again and sign what it shows", "%s has no transaction with the hash %s", d.p.ID, in.SafeTxHash)
	}
	if t.ConfirmedBy(in.Confirmation.Owner) != nil {
		return nil
	}
	if !Legal(d.p.State, EventConfirmed) {
		return d.notOpen("it takes no more signatures")
	}
	if t.State == TxDead {
		return Refuse(CodeStaleHash, "open the signing page again and sign the new one", "another transaction used nonce %d of the Safe", t.Tx.Nonce)
	}
	if t.State != TxAsking && t.State != TxApproved {
		return d.notOpen("this transaction is on chain already")
	}
	if !slices.Contains(d.p.Owners, in.Confirmation.Owner) {
		return Refuse(CodeNotOwner, "sign with a wallet that is an owner", "%s is not an owner of %s at block %d", in.Confirmation.Owner.Hex(), d.p.Safe.Name, d.p.ReadAt.Number)
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
		switch have := d.p.quorum(&t); {
		case have && t.State == TxAsking:
			edge = EventQuorum
		case !have && t.State == TxApproved:
			edge = EventQuorumLost
		default:
			continue
		}
		text := fmt.Sprintf("%d of %d", d.p.Yes(&t), d.p.Threshold)
		if err := d.emit(Event{Type: edge, SafeTxHash: t.Hashes.SafeTx, Text: text}); err != nil {
			return err
		}
	}
	return nil
}

func (d *decider) speak(o Opinion) error {
	if !Legal(d.p.State, EventObjected) {
		return d.notOpen("there is nothing to answer any more")
	}
	said := func(known Opinion) bool {
		return known.Member == o.Member && known.What == o.What && known.Text == o.Text
	}
	if slices.ContainsFunc(d.p.Objections, said) || slices.ContainsFunc(d.p.Responders, said) {
		return nil
	}
	o.At = d.now
	kind := EventResponded
	if o.What == "object" {
		kind = EventObjected
	}
	return d.emit(Event{Type: kind, By: o.Member, Opinion: &o})
}

// withdraw takes our proposal down. Chat alone never ends an emergency that an owner has signed; anything else with a
// signature takes its proposer and a second member, or two others.
func (d *decider) withdraw(member string) error {
	if !Legal(d.p.State, EventWithdrawn) {
		return d.notOpen("it cannot be withdrawn")
	}
	signed := slices.ContainsFunc(d.p.SafeTxs, func(t SafeTx) bool { return len(t.Confirmations) > 0 })
	switch {
	case !signed && member == d.p.Proposer:
		return d.emit(Event{Type: EventWithdrawn, By: member, Text: "withdrawn by its proposer"})
	case signed && d.p.Kind.Emergency():
		return Refuse(CodeNotPermitted, "object in chat; it ends when it expires or when its nonce is used", "owners have signed this emergency, and chat ends no emergency")
	case d.p.Kind.Emergency():
		return Refuse(CodeNotPermitted, "ask "+d.p.Proposer+", or object", "only its proposer may withdraw an emergency that nobody has signed")
	}
	second := slices.ContainsFunc(d.p.Objections, func(o Opinion) bool { return o.What == "withdraw" && o.Member != member })
	if second {
		return d.emit(Event{Type: EventWithdrawn, By: member, Text: "withdrawn by two members"})
	}
	return d.emit(Event{Type: EventObjected, By: member, Opinion: &Opinion{Member: member, What: "withdraw", Text: "asks to withdraw; a second member must too", At: d.now}})
}

func (d *decider) extend(member string) error {
	if !Legal(d.p.State, EventExtended) {
		return d.notOpen("it cannot be extended")
	}
	until := d.now.Add(d.p.Policy.Expires)
	return d.emit(Event{Type: EventExtended, By: member, Until: &until})
}

func (d *decider) disclose(member string) error {
	if d.p.Disclosed {
		return nil
	}
	return d.emit(Event{Type: EventDisclosed, By: member})
}

func (d *decider) release(member string) error {
	if d.p.Policy.Execute == (Execute{}) {
		return nil
	}
	if !Legal(d.p.State, EventReleased) {
		return d.notOpen("it is not waiting to be sent")
	}
	return d.emit(Event{Type: EventReleased, By: member})
}

// safeSeen takes a newer agreed reading of the Safe. Only what changed is recorded.
func (d *decider) safeSeen(s safe.State) error {
	same := slices.Equal(d.p.Owners, s.Owners) && d.p.Threshold == s.Threshold && d.p.SafeNonce == s.Nonce
	if same || d.p.State == "" || s.Block.Number < d.p.ReadAt.Number {
		return nil
	}
	people := !slices.Equal(d.p.Owners, s.Owners) || d.p.Threshold != s.Threshold
	text := ""
	if people {
		text = fmt.Sprintf("the Safe has %d owners and threshold %d now", len(s.Owners), s.Threshold)
	}
	err := d.emit(Event{Type: EventOwners, By: "chain", Text: text, Owners: s.Owners, Threshold: s.Threshold, Nonce: s.Nonce, Block: &s.Block})
	if err != nil || d.p.State.Ended() {
		return err
	}
	return d.judgeQuorum()
}

// executed takes the Safe's own word that it ran our hash, whoever sent it.
func (d *decider) executed(in Executed) error {
	t := d.p.SafeTx(in.SafeTxHash)
	if t == nil {
		return Refuse(CodeWrongHash, "", "%s has no transaction with the hash %s", d.p.ID, in.SafeTxHash)
	}
	in.Transaction.Role, in.Transaction.SafeTxHash = t.Purpose, in.SafeTxHash
	in.Transaction.Status, in.Transaction.At = TxStatusMined, d.now
	if known := d.p.transaction(in.Transaction.TxHash); known != nil && known.Status != TxStatusSubmitted && known.Block == in.Transaction.Block {
		return nil
	}
	if !in.Success && d.p.Kind.Emergency() {
		return d.nonceTaken(NonceTaken{SafeTxHash: in.SafeTxHash, By: in.Transaction.TxHash})
	}
	if !in.Success {
		if !Legal(d.p.State, EventFailed) {
			return nil
		}
		return d.emit(Event{Type: EventFailed, By: "chain", SafeTxHash: in.SafeTxHash, Transaction: &in.Transaction,
			Text: "the Safe ran it, the call inside failed, and the nonce is gone"})
	}
	return d.emit(Event{Type: EventMined, By: "chain", SafeTxHash: in.SafeTxHash, Transaction: &in.Transaction})
}

func (d *decider) sent(t Transaction) error {
	if d.p.transaction(t.TxHash) != nil || !Legal(d.p.State, EventSubmitted) {
		return nil
	}
	t.Status, t.At, t.Ours = TxStatusSubmitted, d.now, true
	return d.emit(Event{Type: EventSubmitted, SafeTxHash: t.SafeTxHash, Transaction: &t})
}

// final takes that a mined transaction is deep enough. What made the effect is executed once its postconditions are proven;
// without any it is executed at once.
func (d *decider) final(t Transaction) error {
	known := d.p.transaction(t.TxHash)
	if known == nil || known.Status == TxStatusFinal || !Legal(d.p.State, EventFinal) {
		return nil
	}
	done := *known
	done.Status, done.Block = TxStatusFinal, t.Block
	if err := d.emit(Event{Type: EventFinal, By: "chain", SafeTxHash: done.SafeTxHash, Transaction: &done}); err != nil {
		return err
	}
	if !d.p.makesEffect(done.Role) || len(d.p.Expect) > 0 {
		return nil
	}
	return d.emit(Event{Type: EventExecuted, By: "chain", Text: d.afterItEnded("final on chain; the playbook names no postcondition")})
}

// gone takes that a reorganisation removed a mined transaction.
func (d *decider) gone(t Transaction) error {
	known := d.p.transaction(t.TxHash)
	if known == nil || known.Status == TxStatusSubmitted {
		return nil
	}
	back := *known
	back.Status, back.Block = TxStatusSubmitted, safe.Block{}
	return d.emit(Event{Type: EventUnmined, By: "chain", SafeTxHash: back.SafeTxHash, Transaction: &back, Text: "a reorganisation took it off the chain"})
}

// nonceTaken takes that another transaction used our nonce. An emergency moves to its next SafeTx or is rebuilt; so is the
// execution of a ready operation. Anything else is superseded, and says so.
func (d *decider) nonceTaken(in NonceTaken) error {
	t := d.p.SafeTx(in.SafeTxHash)
	if t == nil || t.State == TxDead || t.State == TxMined || t.State == TxFinal || t.State == TxFailed {
		return nil
	}
	by := "another transaction"
	e := Event{Type: EventNonceUsed, By: "chain", SafeTxHash: in.SafeTxHash}
	if in.By != (common.Hash{}) {
		by = "transaction " + in.By.Hex()
		e.Transaction = &Transaction{TxHash: in.By}
	}
	e.Text = fmt.Sprintf("%s used nonce %d of the Safe", by, t.Tx.Nonce)
	spare := t.Purpose == PurposeSpare
	if err := d.emit(e); err != nil {
		return err
	}
	if d.p.State.Ended() || d.p.State == StateReady || d.p.Kind.Emergency() || spare {
		return nil
	}
	return d.emit(Event{Type: EventSuperseded, By: "chain", Text: e.Text})
}

func (d *decider) rebuilt(in Rebuilt) error {
	if a := d.p.Active(); a != nil && a.State != TxDead && d.p.State != StateReady {
		return nil // built meanwhile
	}
	return d.emit(Event{Type: EventRebuilt, SafeTxs: in.SafeTxs, Text: in.Why})
}

// operationSeen follows the timelock operation. Unknown is never ready: it changes nothing but what is shown.
func (d *decider) operationSeen(in OperationSeen) error {
	if d.p.Timelock == nil {
		return nil
	}
	o := *d.p.Timelock
	o.State, o.Blocked = in.State, in.Why
	if in.OpensAt != 0 {
		o.OpensAt, o.ClosesAt = in.OpensAt, in.ClosesAt
	}
	if was := d.p.Timelock; o.State == was.State && o.Blocked == was.Blocked && o.OpensAt == was.OpensAt && o.ClosesAt == was.ClosesAt {
		return nil
	}
	switch live := o.State == OperationWaiting || o.State == OperationReady || o.State == OperationBlocked; {
	case (d.p.State == StateProposed || d.p.State == StateApproved) && live:
		return d.schedule(o)
	case d.p.State == StateQueued || d.p.State == StateReady:
		return d.window(o)
	}
	return nil
}

func (d *decider) schedule(o Operation) error {
	ready := o
	o.State = OperationWaiting
	if err := d.emit(Event{Type: EventScheduled, By: "chain", Operation: &o}); err != nil || ready.State == OperationWaiting {
		return err
	}
	return d.emit(Event{Type: EventWindow, By: "chain", Operation: &ready})
}

func (d *decider) window(o Operation) error {
	if o.State == OperationCanceled {
		if err := d.emit(Event{Type: EventWindow, By: "chain", Operation: &o}); err != nil {
			return err
		}
		return d.emit(Event{Type: EventCanceled, By: "chain", Text: "the operation was canceled in the timelock"})
	}
	return d.emit(Event{Type: EventWindow, By: "chain", Operation: &o})
}

// operationRun takes that the timelock executed our operation, whoever asked it to.
func (d *decider) operationRun(t Transaction) error {
	if known := d.p.transaction(t.TxHash); known != nil && known.Status != TxStatusSubmitted && known.Block == t.Block {
		return nil
	}
	t.Role, t.Status, t.At = PurposeExecute, TxStatusMined, d.now
	return d.emit(Event{Type: EventMined, By: "chain", SafeTxHash: t.SafeTxHash, Transaction: &t})
}

// proved takes the postconditions as read. They decide only when the effect is final.
func (d *decider) proved(conditions []Postcondition) error {
	if !slices.EqualFunc(d.p.Postconditions, conditions, sameFinding) {
		if err := d.emit(Event{Type: EventPostcondition, By: "chain", Postconditions: conditions}); err != nil {
			return err
		}
	}
	effect := d.p.Effect()
	if effect == nil || effect.Status != TxStatusFinal {
		return nil
	}
	verdict := EventExecuted
	text := "final on chain, and what it should do is done"
	for _, c := range conditions {
		if c.Value == "" {
			return nil // could not be read: unknown is never true, and never false
		}
		if !c.OK {
			verdict, text = EventIneffective, fmt.Sprintf("%s: the chain says %s", c.Text, c.Value)
		}
	}
	if (verdict == EventExecuted && d.p.State == StateExecuted) || (verdict == EventIneffective && d.p.State == StateIneffective) {
		return nil
	}
	return d.emit(Event{Type: verdict, By: "chain", Text: d.afterItEnded(text)})
}

func sameFinding(a, b Postcondition) bool {
	return a.Text == b.Text && a.Value == b.Value && a.OK == b.OK && a.Block == b.Block
}

func (d *decider) afterItEnded(text string) string {
	if d.p.State.Ended() && d.p.State != StateExecuted && d.p.State != StateIneffective {
		return fmt.Sprintf("%s, after it had ended as %s", text, d.p.State)
	}
	return text
}

func (d *decider) impossible(why string) error {
	if !Legal(d.p.State, EventFailed) {
		return nil
	}
	return d.emit(Event{Type: EventFailed, By: "belay", Text: why})
}

// tick ends asking when the deadline has passed. It ends no power: the signatures work until the nonce is gone.
func (d *decider) tick() error {
	if d.p.State != StateProposed || d.now.Before(d.p.ExpiresAt) {
		return nil
	}
	return d.emit(Event{Type: EventExpired, Text: "nobody completed the signatures in time"})
}

// transaction finds a transaction by its hash.
func (p *Proposal) transaction(hash common.Hash) *Transaction {
	for i := range p.Transactions {
		if p.Transactions[i].TxHash == hash {
			return &p.Transactions[i]
		}
	}
	return nil
}

// makesEffect reports whether a transaction of this role is the one that does what the proposal is for.
func (p *Proposal) makesEffect(role Purpose) bool {
	if p.Timelock != nil {
		return role == PurposeExecute
	}
	return role == PurposeDirect || role == PurposeSpare
}

// Effect is the transaction that made the effect: mined or final; nil when none has.
func (p *Proposal) Effect() *Transaction {
	for i := range p.Transactions {
		if t := &p.Transactions[i]; p.makesEffect(t.Role) && t.Status != TxStatusSubmitted {
			return t
		}
	}
	return nil
}
