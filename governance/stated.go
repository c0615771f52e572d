package governance

import (
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// What members say with their wallets. In chat the same words are notes, because a chat account is easily stolen.

// stated takes what a member said with a wallet.
func (d *decider) stated(o Opinion) error {
	if o.What == string(ActionApprove) {
		return d.endorse(o)
	}
	if !Legal(d.p.State, EventLifted) {
		return d.notOpen("there is nothing to answer any more")
	}
	o.At = d.now
	if last := d.p.lastWord(o.Wallet); !o.Signed.After(last) {
		return Refuse(CodeStaleHash, "ask for it again and sign the new one", "this wallet has said something newer about %s", d.p.ID)
	}
	switch Action(o.What) {
	case ActionObject:
		if err := d.mayBeHeard(d.p.Objections, o); err != nil {
			return err
		}
		if err := d.emit(Event{Type: EventObjected, By: o.Member, Opinion: &o}); err != nil {
			return err
		}
		return d.endWhereBlocked(o)
	case ActionLift:
		if !slices.Contains(d.p.Against(), o.Wallet) {
			return Refuse(CodeNotOpen, "nothing is left to do", "no objection of %s stands against %s", o.Wallet.Hex(), d.p.ID)
		}
		if err := d.mayBeHeard(d.p.Objections, o); err != nil {
			return err
		}
		return d.emit(Event{Type: EventLifted, By: o.Member, Opinion: &o})
	case ActionWithdraw:
		return d.withdrawByWallet(o)
	}
	return Refuse(CodeBadValue, "object, lift, withdraw or approve", "%q is nothing that can be said about a proposal", o.What)
}

// endorse takes a role's word that owners may be asked. What the playbook does not wait for is not taken: a word that counts for
// nothing would only look as if it did.
func (d *decider) endorse(o Opinion) error {
	if !Legal(d.p.State, EventEndorsed) || len(d.p.Unapproved()) == 0 {
		return d.notOpen("it waits for no approval")
	}
	waits := func(role string) bool { return slices.Contains(d.p.Policy.Approve, role) }
	switch {
	case !slices.ContainsFunc(o.Roles, waits):
		return Refuse(CodeNotPermitted, "ask somebody who has the role", "%s has none of the roles that approve %s: %v", o.Member, d.p.ID, d.p.Policy.Approve)
	case o.Member == d.p.Proposer:
		return Refuse(CodeNotPermitted, "ask another member with the role", "%s proposed it, and another person has to approve it", o.Member)
	case slices.ContainsFunc(d.p.Approvals, func(said Opinion) bool { return said.Member == o.Member }):
		return nil
	}
	o.At = d.now
	if err := d.emit(Event{Type: EventEndorsed, By: o.Member, Opinion: &o}); err != nil {
		return err
	}
	return d.judgeQuorum()
}

// Unapproved are the roles whose approval is still missing. Each needs a person of its own.
func (p *Proposal) Unapproved() []string {
	return missingRoles(p.Policy.Approve, p.Approvals)
}

// missingRoles gives each role to another member as far as that goes, so that as few as possible are missing.
func missingRoles(roles []string, said []Opinion) []string {
	if len(roles) == 0 {
		return nil
	}
	role, rest := roles[0], roles[1:]
	best := append([]string{role}, missingRoles(rest, said)...)
	for i, o := range said {
		if !slices.Contains(o.Roles, role) {
			continue
		}
		others := slices.Concat(said[:i], said[i+1:])
		if missing := missingRoles(rest, others); len(missing) < len(best) {
			best = missing
		}
	}
	return best
}

// withdrawByWallet takes a routine proposal down by one wallet: that of its proposer, or of an owner. An emergency that owners have
// signed ends by no single word, for one wallet can be stolen, too.
func (d *decider) withdrawByWallet(o Opinion) error {
	mine, owner := o.Member != "" && o.Member == d.p.Proposer, slices.Contains(d.p.Owners, o.Wallet)
	switch {
	case !Legal(d.p.State, EventWithdrawn):
		return d.notOpen("it cannot be withdrawn")
	case d.p.onChain():
		return d.notOpen("it is on chain already")
	case d.p.Kind.Emergency() && d.p.Signed():
		return d.notByWords()
	case d.p.Kind.Emergency() && (!mine || len(d.p.Askers) > 0):
		return d.withdrawTogether(o)
	case !mine && !owner:
		return Refuse(CodeNotPermitted, "ask "+d.p.Proposer+", or object", "%s is neither %s's wallet nor an owner's", o.Wallet.Hex(), d.p.Proposer)
	}
	return d.emit(Event{Type: EventWithdrawn, By: o.speaker(), Text: "withdrawn with a wallet", Opinion: &o})
}

// withdrawTogether takes an emergency down that nobody has signed, by two wallets of different people: that is how a flood of a stolen
// chat account is cleared away, and one stolen wallet is not enough.
func (d *decider) withdrawTogether(o Opinion) error {
	if slices.ContainsFunc(d.p.Objections, func(said Opinion) bool {
		return said.What == string(ActionWithdraw) && said.Wallet != (common.Address{}) && said.Wallet != o.Wallet && said.speaker() != o.speaker()
	}) {
		return d.emit(Event{Type: EventWithdrawn, By: o.speaker(), Text: "withdrawn with two wallets", Opinion: &o})
	}
	if err := d.mayBeHeard(d.p.Objections, o); err != nil {
		return err
	}
	return d.emit(Event{Type: EventObjected, By: o.Member, Opinion: &o})
}

// notByWords says what ends an emergency that owners have signed.
func (d *decider) notByWords() *Refusal {
	return Refuse(CodeNotPermitted, "object with your wallet; it also ends when it expires or when its nonce is used",
		"owners have signed this emergency: it ends when %d of its %d owners object with their wallets", d.p.blockingMinority(), len(d.p.Owners))
}

// blockingMinority is how many owners are enough that the others cannot reach the threshold. Where all must sign that would be one, and
// one wallet can be stolen: an emergency takes two all the same.
func (p *Proposal) blockingMinority() int {
	n := len(p.Owners) - p.Threshold + 1
	if p.Kind.Emergency() && len(p.Owners) > 1 {
		return max(n, 2)
	}
	return n
}

// endWhereBlocked ends what too few owners are left to sign. A quorum that is proven already goes on in an emergency: the signatures
// are there, and withholding them is worse.
func (d *decider) endWhereBlocked(o Opinion) error {
	proven := d.p.State == StateApproved && d.p.Kind.Emergency()
	if proven || !Legal(d.p.State, EventWithdrawn) || d.p.onChain() || d.p.Threshold < 1 {
		return nil
	}
	against := 0
	for _, wallet := range d.p.Against() {
		if slices.Contains(d.p.Owners, wallet) {
			against++
		}
	}
	if against < d.p.blockingMinority() {
		return nil
	}
	return d.emit(Event{Type: EventWithdrawn, By: o.speaker(), Text: fmt.Sprintf("%d of %d owners object with their wallets, and too few are left to sign", against, len(d.p.Owners))})
}

// Against are the wallets whose objection stands: not lifted, and not overtaken by the owner's own signature.
func (p *Proposal) Against() (wallets []common.Address) {
	for _, o := range p.Objections {
		if p.stillObjects(o) {
			wallets = append(wallets, o.Wallet)
		}
	}
	return wallets
}

// stillObjects reports whether an opinion is an objection that stands. Of a wallet's objecting and lifting only the last is kept; that it
// also asks to withdraw takes nothing back.
func (p *Proposal) stillObjects(o Opinion) bool {
	return o.Wallet != (common.Address{}) && o.What == string(ActionObject) && !p.signedAfter(o.Wallet, o.At)
}

func (p *Proposal) signedAfter(owner common.Address, at time.Time) bool {
	return slices.ContainsFunc(p.SafeTxs, func(t SafeTx) bool {
		c := t.ConfirmedBy(owner)
		return c != nil && c.At.After(at)
	})
}

// HeldBack says why a proposal that is no emergency is not to be sent now although it could be; "" where nothing stands against it.
// Members are the members of today by wallet: the word of a wallet that is neither theirs nor an owner's counts no more. Whoever
// holds the signatures can still execute it: Belay only does not help.
func (p *Proposal) HeldBack(members map[common.Address]string) string {
	if p.Kind.Emergency() {
		return ""
	}
	for _, o := range slices.Backward(p.Objections) {
		counts := slices.Contains(p.Owners, o.Wallet) || members[o.Wallet] != ""
		if counts && p.stillObjects(o) {
			return fmt.Sprintf("%s objects with the wallet %s", o.speaker(), o.Wallet.Hex())
		}
	}
	return ""
}

// Backed reports whether an owner stands behind the proposal with a signature that can still be used.
func (p *Proposal) Backed() bool { return p.Loaded() != nil || p.onChain() }

// Meets reports whether two proposals call the same contract on the same chain.
func (p *Proposal) Meets(other Proposal) bool {
	if p.Safe.ChainID != other.Safe.ChainID {
		return false
	}
	for _, c := range p.Intent {
		for _, d := range other.Intent {
			if c.To == d.To {
				return true
			}
		}
	}
	return false
}

// lastWord is when a wallet last said something about the proposal.
func (p *Proposal) lastWord(wallet common.Address) (last time.Time) {
	for _, o := range p.Objections {
		if o.Wallet == wallet && o.Signed.After(last) {
			last = o.Signed
		}
	}
	return last
}

// speaker names who said it.
func (o Opinion) speaker() string {
	if o.Member != "" {
		return o.Member
	}
	return o.Wallet.Hex()
}
