package coordinator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// What people of the simulation say with wallets, and what thieves make of it: they say it too late, again, about something else, or
// with a wallet of their own in the name of somebody whose chat account they stole.

// uttered is a statement that a wallet signed, as it can be sent.
type uttered struct {
	Said
	by     string
	intent common.Hash // hash of what it is about
	site   string
}

// sayings are the actions, as often as they are chosen.
var sayings = []governance.Action{governance.ActionObject, governance.ActionObject, governance.ActionObject, governance.ActionLift, governance.ActionLift,
	governance.ActionWithdraw, governance.ActionApprove, governance.ActionApprove, governance.ActionApprove, governance.ActionManifest}

// utters has a wallet sign a statement about a proposal.
func (s *simulation) utters(p governance.Proposal) uttered {
	return s.utterance(p, pick(s, "alice", "bob", "carol", "dora", "dave", "mallory"), pick(s, sayings...), pick(s, "", "false alarm"), func(u *uttered) {
		switch s.dice.IntN(12) {
		case 0:
			u.At = u.At.Add(pick(s, -16*time.Minute, -24*time.Hour, 3*time.Minute))
		case 1:
			u.site = "https://belay.example.net"
		}
	})
}

// utterance is what a wallet signs now, unless it is bent.
func (s *simulation) utterance(p governance.Proposal, by string, action governance.Action, text string, bend ...func(*uttered)) uttered {
	u := uttered{by: by, site: s.cfg.PublicURL, intent: p.IntentHash(), Said: Said{Proposal: p.ID, Action: action, Text: text, At: time.Now().UTC().Truncate(time.Second)}}
	for _, b := range bend {
		b(&u)
	}
	of := governance.Statement{Action: u.Action, Topic: p.ID, Subject: u.intent, Text: u.Text, Site: u.site, At: u.At}
	u.Signature = signature(wallets[by], of.Hash())
	s.ledger.uttered = append(s.ledger.uttered, u)
	return u
}

// takable reports whether a statement may be taken as it is sent: by somebody who has a say, just now, to this Belay.
func (s *simulation) takable(u uttered, sent Said) bool {
	age := time.Since(u.At)
	known := slices.Contains(s.stored(u.Proposal).Owners, addressOf(wallets[u.by])) || s.c.people.byWallet[addressOf(wallets[u.by])] != ""
	untouched := u.Proposal == sent.Proposal && u.Action == sent.Action && u.Text == sent.Text && u.At.Equal(sent.At)
	return known && untouched && u.Action != governance.ActionManifest && u.site == s.cfg.PublicURL && age <= 15*time.Minute && age >= -2*time.Minute
}

// states has somebody send a statement: a new one, one that was heard before, or one that was changed on its way.
func (s *simulation) states() string {
	p, ok := s.anyProposal()
	if !ok {
		return "about nothing"
	}
	var u uttered
	how := "says"
	if n := len(s.ledger.uttered); n > 0 && s.dice.IntN(5) == 0 {
		u, how = s.ledger.uttered[s.dice.IntN(n)], "is heard again"
	} else {
		u = s.utters(p)
	}
	sent := u.Said
	switch s.dice.IntN(12) {
	case 0:
		other, _ := s.anyProposal()
		sent.Proposal = other.ID
	case 1:
		sent.Action = pick(s, sayings...)
	case 2:
		sent.Text = "now"
	case 3:
		sent.At = time.Now().UTC().Truncate(time.Second)
	}
	takable := s.takable(u, sent)
	_, err := s.c.State(s.ctx, sent)
	if err == nil && !takable {
		s.fail("what %s signed as %+v was taken as %+v", u.by, u.Said, sent)
	}
	if err == nil && !s.life.dead {
		s.ledger.stated = append(s.ledger.stated, u)
	}
	s.markStated(u, sent, how, err)
	s.answered(err)
	return fmt.Sprintf("%s %s %s about %s at %s: %s", u.by, how, sent.Action, sent.Proposal, sent.At.Format(time.TimeOnly), outcome(err))
}

// markStated notes what was said with a wallet, and what was refused.
func (s *simulation) markStated(u uttered, sent Said, how string, err error) {
	switch age := time.Since(u.At); {
	case err == nil && sent.Action == governance.ActionWithdraw:
		s.mark("withdrawn with a wallet")
	case err == nil:
	case u.by == "mallory":
		s.mark("a wallet is refused: mallory")
	case u.Proposal != sent.Proposal || u.Action != sent.Action || u.Text != sent.Text || !u.At.Equal(sent.At):
		s.mark("a wallet is refused: changed on its way")
	case how == "is heard again":
		s.mark("a wallet is refused: heard again")
	case age > 15*time.Minute || age < -2*time.Minute:
		s.mark("a wallet is refused: stale")
	}
}

// wished is an intent that a wallet signed.
type wished struct {
	Intent
	at        time.Time
	by        string
	signature []byte
	opened    *string // the proposal that it opened
}

// wishes has somebody propose with a wallet: a new intent, one that was heard before, or one that was changed on its way.
func (s *simulation) wishes() string {
	if !free(&s.c.proposing) {
		return "waits"
	}
	var w wished
	if n := len(s.ledger.wished); n > 0 && s.dice.IntN(4) == 0 {
		w = s.ledger.wished[s.dice.IntN(n)]
	} else {
		w = s.newWish()
		s.ledger.wished = append(s.ledger.wished, w)
	}
	in, before := w.Intent, *w.opened
	touched := false
	switch s.dice.IntN(10) {
	case 0:
		in.Force, touched = !in.Force, true
	case 1:
		in.Reason, touched = "another", true
	case 2:
		in.Params, touched = maps.Clone(in.Params), true
		if in.Params == nil {
			in.Params = map[string]string{}
		}
		in.Params["asset"] += "x"
	case 3:
		in.Member = "alice" // whose account was stolen
	}
	age := time.Since(w.at)
	member := s.c.people.byWallet[addressOf(wallets[w.by])]
	takable := !touched && (member == "alice" || member == "bob") && (in.Member == "" || in.Member == member) && age <= 15*time.Minute && age >= -2*time.Minute
	s.moment()
	made, err := s.c.ProposeSigned(s.ctx, in, w.at, w.signature)
	switch {
	case err == nil && !takable:
		s.fail("%s signed %+v at %s, and it was taken as %+v", w.by, w.Intent, w.at, in)
	case err == nil && !made.Joined && made.View.Proposer != member:
		s.fail("%s proposed %s, which says that it was %s", member, made.View.ID, made.View.Proposer)
	case err == nil && !made.Joined && before != "":
		s.fail("what %s signed once opened %s and then %s", w.by, before, made.View.ID)
	}
	if err == nil && !made.Joined {
		*w.opened = made.View.ID
		s.mark("a wish opens")
	}
	if err == nil && made.Joined && made.View.ID == before {
		s.mark("a wish heard again gives what it opened")
	}
	if err == nil && !s.life.dead {
		s.ledger.proposals[made.View.ID] = in.Playbook
	}
	s.answered(err)
	return fmt.Sprintf("%s %v by the wallet of %s: %s %s", in.Playbook, in.Params, w.by, made.View.ID, outcome(err))
}

func (s *simulation) newWish() wished {
	w := wished{Intent: s.intent(), by: pick(s, "alice", "alice", "bob", "bob", "carol", "dave", "dora", "mallory"), at: time.Now().UTC().Truncate(time.Second), opened: new(string)}
	w.Member = ""
	if s.dice.IntN(8) == 0 {
		w.at = w.at.Add(pick(s, -16*time.Minute, 3*time.Minute))
	}
	of, err := s.c.intentStatement(w.Intent, w.at)
	if err != nil {
		s.t.Fatal(err)
	}
	w.signature = signature(wallets[w.by], of.Hash())
	return w
}

// reloads begins a life with a configuration that lacks a playbook, or has all of them again.
func (s *simulation) reloads() string {
	p, _ := s.anyProposal()
	s.absent = pick(s, "", p.Playbook, p.Playbook)
	s.die()
	return strconv.Quote(s.absent)
}

// market changes what the market does by itself: an asset that cannot be paused, one pause at most, another loan-to-value.
func (s *simulation) market() string {
	asset, stuck, ltv, alone := pick(s, usdc, weth), pick(s, common.Address{}, usdc, weth), pick(s, uint64(2000), 4200, 5000, 5800), s.dice.IntN(3) == 0
	switch s.dice.IntN(3) {
	case 0:
		s.chain.alter(func(w *world) { w.stuck = stuck })
		return "stuck is " + stuck.Hex()
	case 1:
		s.chain.alter(func(w *world) { w.oneAtATime = alone })
		return fmt.Sprintf("one at a time: %v", alone)
	}
	s.chain.alter(func(w *world) { w.ltv[asset] = ltv })
	return fmt.Sprintf("ltv of %s is %d", asset.Hex(), ltv)
}

// judgeWord checks that an opinion was given as the log says. Chat lifts and approves nothing.
func (s *simulation) judgeWord(before governance.Proposal, e governance.Event) {
	o := e.Opinion
	if o.Wallet == (common.Address{}) {
		if e.Type != governance.EventObjected {
			s.fail("chat alone gave %s of %s: %+v", e.Type, before.ID, o)
		}
		return
	}
	if !s.signedWith(before, o.Wallet, governance.Action(o.What), o.Signed) {
		s.fail("no wallet of the world signed %+v about %s", o, before.ID)
	}
	for _, had := range slices.Concat(before.Objections, before.Approvals) {
		if had.Wallet == o.Wallet && had.What == o.What && had.Signed.Equal(o.Signed) {
			s.fail("the same statement was recorded twice: %+v", o)
		}
	}
	if e.Type == governance.EventLifted { // the member's own newer word, whatever was said in chat
		s.ledger.objections = slices.DeleteFunc(s.ledger.objections, func(w said) bool { return w.Proposal == before.ID && w.Member == o.Member })
	}
	if e.Type != governance.EventEndorsed {
		return
	}
	member := s.c.people.byName[s.c.people.byWallet[o.Wallet]]
	role := slices.ContainsFunc(member.Roles, func(r string) bool { return slices.Contains(before.Policy.Approve, r) })
	if !role || member.Name != o.Member || member.Name == before.Proposer {
		s.fail("%s, proposed by %s, was approved by %s with the roles %v", before.ID, before.Proposer, member.Name, member.Roles)
	}
}

// signedWith reports whether a wallet really said this about just what the proposal does.
func (s *simulation) signedWith(p governance.Proposal, wallet common.Address, what governance.Action, at time.Time) bool {
	intent := p.IntentHash()
	return slices.ContainsFunc(s.ledger.uttered, func(u uttered) bool {
		return addressOf(wallets[u.by]) == wallet && u.Proposal == p.ID && u.Action == what && u.intent == intent && u.At.Equal(at) && u.site == s.cfg.PublicURL
	})
}

// judgeEnd checks that whoever took a proposal down could.
func (s *simulation) judgeEnd(before governance.Proposal, e governance.Event) {
	signed := slices.ContainsFunc(before.SafeTxs, func(t governance.SafeTx) bool { return len(t.Confirmations) > 0 })
	blocked := s.objecting(before) > len(before.Owners)-before.Threshold
	if before.Kind.Emergency() && len(before.Owners) > 1 && s.objecting(before) < 2 {
		blocked = false // one wallet can be stolen
	}
	emergency := before.Kind.Emergency()
	switch {
	case before.Effect() != nil:
		s.fail("words ended %s, which is on chain", before.ID)
	case emergency && before.State == governance.StateApproved:
		s.fail("words ended the emergency %s, whose quorum is proven", before.ID)
	case emergency && signed && !blocked:
		s.fail("words ended the emergency %s, which owners had signed: %d of %d object, threshold %d", before.ID, s.objecting(before), len(before.Owners), before.Threshold)
	case blocked, !signed && e.By == before.Proposer && s.agreed(before), !signed && emergency && s.twoWallets(before, e):
	case emergency:
		s.fail("%s took down the emergency %s of %s", e.By, before.ID, before.Proposer)
	case !s.mayWithdraw(before, e):
		s.fail("%s took down %s of %s, which owners had signed", e.By, before.ID, before.Proposer)
	}
}

// agreed reports whether everybody else who asked for it wants it withdrawn, too.
func (s *simulation) agreed(before governance.Proposal) bool {
	return !slices.ContainsFunc(before.Askers, func(who string) bool {
		return !slices.ContainsFunc(before.Objections, func(o governance.Opinion) bool { return o.What == "withdraw" && o.Member == who })
	})
}

// twoWallets reports whether two people said with their wallets that it is to be withdrawn.
func (s *simulation) twoWallets(before governance.Proposal, e governance.Event) bool {
	return e.Opinion != nil && slices.ContainsFunc(before.Objections, func(o governance.Opinion) bool {
		return o.What == "withdraw" && o.Wallet != (common.Address{}) && o.Wallet != e.Opinion.Wallet && (o.Member == "" || o.Member != e.Opinion.Member)
	})
}

// mayWithdraw reports whether a routine proposal was taken down by the wallet of its proposer or of an owner, or by two members.
func (s *simulation) mayWithdraw(before governance.Proposal, e governance.Event) bool {
	byWallet := slices.ContainsFunc(s.ledger.uttered, func(u uttered) bool {
		wallet := addressOf(wallets[u.by])
		may := slices.Contains(before.Owners, wallet) || s.c.people.byWallet[wallet] == before.Proposer
		return may && u.Action == governance.ActionWithdraw && u.Proposal == before.ID && e.Opinion != nil && e.Opinion.Wallet == wallet
	})
	return byWallet || slices.ContainsFunc(before.Objections, func(o governance.Opinion) bool { return o.What == "withdraw" && o.Member != e.By })
}

// objecting counts the owners whose last word for or against it with their wallet is no, and who did not sign since. That it is to be
// withdrawn is no word for it.
func (s *simulation) objecting(p governance.Proposal) (n int) {
	for _, owner := range p.Owners {
		if s.against(p, owner) {
			n++
		}
	}
	return n
}

func (s *simulation) against(p governance.Proposal, wallet common.Address) bool {
	var said time.Time
	no := false
	for _, o := range p.Objections {
		if o.Wallet == wallet && o.What != "withdraw" {
			no, said = o.What == "object", o.At
		}
	}
	for _, t := range p.SafeTxs {
		for _, yes := range t.Confirmations {
			no = no && !(yes.Owner == wallet && yes.At.After(said))
		}
	}
	return no
}

// approved reports whether each role that is to approve has somebody else who did.
func approved(roles []string, said []governance.Opinion) bool {
	if len(roles) == 0 {
		return true
	}
	for i, o := range said {
		if slices.Contains(o.Roles, roles[0]) && approved(roles[1:], slices.Concat(said[:i], said[i+1:])) {
			return true
		}
	}
	return false
}

// unwanted says why a routine proposal must not be sent now; "" where nothing stands against it.
func (s *simulation) unwanted(p governance.Proposal) string {
	if p.Kind.Emergency() || p.Playbook == VoidPlaybook {
		return ""
	}
	for _, o := range p.Objections {
		counts := slices.Contains(p.Owners, o.Wallet) || s.c.people.byWallet[o.Wallet] != "" // a wallet that was taken away holds nothing back
		if counts && o.Wallet != (common.Address{}) && s.against(p, o.Wallet) {
			return o.Wallet.Hex() + " objects"
		}
	}
	if !approved(p.Policy.Approve, p.Approvals) {
		return "it is not approved"
	}
	if p.Playbook == s.absent {
		return "nobody knows its bounds"
	}
	watched, err := s.store.Watched()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range watched {
		if o.Kind.Emergency() && !o.State.Ended() && o.Backed() && o.Intent[0].To == p.Intent[0].To {
			return "the emergency " + o.ID + " is open"
		}
	}
	return s.outOfBounds(p)
}

// outOfBounds judges what near-ltv bounds.
func (s *simulation) outOfBounds(p governance.Proposal) string {
	if p.Playbook != "near-ltv" {
		return ""
	}
	ltv, err := strconv.ParseInt(p.Params["ltv"], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	asset := map[string]common.Address{"usdc": usdc, "weth": weth}[p.Params["asset"]]
	far := func(b sealed) bool {
		now := int64(b.world.ltv[asset]) //nolint:gosec // thousands at most
		return max(now-ltv, ltv-now) > 500
	}
	// What the providers agreed on moments ago is good enough.
	if n := s.chain.recent.Number; far(*s.chain.head()) && (n >= uint64(len(s.chain.blocks)) || far(s.chain.blocks[n])) {
		return fmt.Sprintf("%d is too far from %d", ltv, s.chain.head().world.ltv[asset])
	}
	return ""
}

// judgeWanted checks, before a commit that makes something signed durable, that nothing stands against it. It is asked before
// anything can come between.
func (s *simulation) judgeWanted(r governance.Record) error {
	for _, sub := range r.Submissions {
		if sub.State != governance.SubmissionSigned || len(sub.Attempts) == 0 {
			continue
		}
		last := sub.Attempts[len(sub.Attempts)-1]
		known, _ := s.store.SubmissionsOf(sub.Proposal)
		again := slices.ContainsFunc(known, func(k governance.Submission) bool {
			return k.ID == sub.ID && k.Relayer == sub.Relayer && k.Nonce == sub.Nonce && len(k.Attempts) > 0
		})
		if p := s.stored(sub.Proposal); !again && s.unwanted(p) != "" {
			return fmt.Errorf("%s is signed as %s although %s", sub.ID, last.Hash, s.unwanted(p))
		}
	}
	return nil
}

// judgeCut checks that what a pause leaves out is told.
func (s *simulation) judgeCut(p governance.Proposal) {
	told := len(leftOut(governance.View{Dangers: p.Dangers}))
	if told > 0 {
		s.mark("a call is left out")
	}
	if p.Playbook == "pause-both" && (len(p.Intent)+told != 2 || len(p.Intent) == 0) {
		s.fail("%s has %d of 2 calls, and tells of %d that it left out", p.ID, len(p.Intent), told)
	}
}

// keptWords checks that what was acknowledged to a wallet is still there.
func (s *simulation) keptWords(p governance.Proposal) {
	for _, u := range s.ledger.stated {
		if u.Proposal != p.ID {
			continue
		}
		wallet := addressOf(wallets[u.by])
		member := s.c.people.byWallet[wallet]
		var kept bool
		if u.Action == governance.ActionApprove {
			kept = slices.ContainsFunc(p.Approvals, func(o governance.Opinion) bool { return o.Member == member })
		} else {
			kept = u.Action == governance.ActionWithdraw && p.State.Ended() || p.Earlier != nil || s.logged(p.ID, wallet, u)
		}
		if !kept {
			s.fail("what was acknowledged to %s is lost: %s about %s, which is %s", u.by, u.Action, p.ID, p.State)
		}
	}
}

// logged reports whether the log holds what a wallet said. The proposal itself keeps the newest word alone.
func (s *simulation) logged(id string, wallet common.Address, u uttered) bool {
	events, err := s.cfg.Store.Events(id)
	if err != nil {
		s.fail("read the log of %s: %v", id, err)
	}
	return slices.ContainsFunc(events, func(r governance.Recorded) bool {
		o := r.Event.Opinion
		return o != nil && o.Wallet == wallet && o.What == string(u.Action) && o.Signed.Equal(u.At)
	})
}
