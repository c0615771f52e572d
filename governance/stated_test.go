package governance_test

import (
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// word is what a member says with a wallet; each is signed a second after the one before.
func (s *tale) word(action governance.Action, member string, wallet common.Address, roles ...string) governance.Stated {
	return governance.Stated{Opinion: governance.Opinion{Member: member, What: string(action), Wallet: wallet, Roles: roles, Signed: s.now.Add(time.Second)}}
}

func (s *tale) objects(owner int) governance.Stated {
	return s.word(governance.ActionObject, "", owners[owner])
}

// TestABlockingMinorityEndsAnEmergency: with 2 of 3, two owners who object leave too few to sign.
func TestABlockingMinorityEndsAnEmergency(t *testing.T) {
	s := proposed(t, governance.KindPause, 1, false)
	s.does(s.yes(0, 2)).does(s.objects(0)).is(governance.StateProposed)
	s.does(s.objects(0)).is(governance.StateProposed) // the same owner twice is one
	s.does(s.word(governance.ActionObject, "mallory", common.Address{66})).is(governance.StateProposed)
	s.does(s.objects(1)).is(governance.StateCanceled)
	if s.p.EndReason != "2 of 3 owners object with their wallets, and too few are left to sign" {
		t.Errorf("it ended because %q", s.p.EndReason)
	}
}

// TestChatNeverCountsTowardABlockingMinority: words without a wallet are notes, however many.
func TestChatNeverCountsTowardABlockingMinority(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	for _, member := range []string{"alice", "bob", "carol", "dave"} {
		s.does(governance.Speak{Opinion: governance.Opinion{Member: member, What: "object"}})
	}
	s.is(governance.StateProposed)
	if s.p.HeldBack(members) != "" || len(s.p.Against()) != 0 {
		t.Error("a note in chat holds it back")
	}
}

// TestAProvenEmergencyIsNotEndedByObjections: its signatures are there, and withholding them is worse.
func TestAProvenEmergencyIsNotEndedByObjections(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.objects(0)).does(s.objects(1)).does(s.objects(2)).is(governance.StateApproved)
	if s.p.HeldBack(members) != "" {
		t.Errorf("an emergency is held back: %s", s.p.HeldBack(members))
	}
}

func TestAnObjectionIsLiftedOrOvertaken(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(s.objects(0)).does(s.word(governance.ActionLift, "", owners[0])).does(s.objects(1)).is(governance.StateProposed)
	s.refused(s.word(governance.ActionLift, "", owners[0]), governance.CodeNotOpen)
	s.does(s.yes(0, 1)) // whoever signs is not against it any more
	s.does(s.objects(2)).is(governance.StateProposed)
	s.does(s.objects(0)).is(governance.StateCanceled)
}

// TestAnOldWordIsNotSaidAgain: an objection that was lifted cannot be replayed by whoever kept its signature.
func TestAnOldWordIsNotSaidAgain(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	old := s.objects(0)
	s.does(old).does(s.word(governance.ActionLift, "", owners[0]))
	s.refused(old, governance.CodeStaleHash)
	if s.p.HeldBack(members) != "" {
		t.Error("a lifted objection holds it back")
	}
}

func TestAWalletHoldsARoutineProposalBack(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(s.yes(0, 1)).does(s.yes(0, 2)).is(governance.StateApproved)
	s.does(s.word(governance.ActionObject, "dave", common.Address{66}))
	if want := "dave objects with the wallet " + (common.Address{66}).Hex(); s.p.HeldBack(members) != want {
		t.Errorf("held back: %q, want %q", s.p.HeldBack(members), want)
	}
	s.does(s.word(governance.ActionLift, "dave", common.Address{66}))
	if s.p.HeldBack(members) != "" {
		t.Errorf("still held back: %s", s.p.HeldBack(members))
	}
	s.does(s.objects(0)).is(governance.StateApproved)
	s.does(s.objects(1)).is(governance.StateCanceled) // also one of those who had signed
	if !s.p.Usable() {
		t.Error("the signatures are said to be gone, and the chain would still take them")
	}
}

func TestWhoWithdrawsWithAWallet(t *testing.T) {
	withdraw := governance.ActionWithdraw
	for name, c := range map[string]struct {
		kind   governance.Kind
		signed bool
		member string
		wallet common.Address
		ends   bool
	}{
		"its proposer":                           {governance.KindParameter, true, "alice", common.Address{50}, true},
		"an owner":                               {governance.KindParameter, true, "bob", owners[1], true},
		"a member without a part in it":          {governance.KindParameter, true, "dave", common.Address{66}, false},
		"an emergency, by its proposer":          {governance.KindPause, false, "alice", common.Address{50}, true},
		"a signed emergency, by its proposer":    {governance.KindPause, true, "alice", common.Address{50}, false},
		"a signed emergency, by an owner":        {governance.KindPause, true, "bob", owners[1], false},
		"an unsigned proposal, by its proposer":  {governance.KindParameter, false, "alice", common.Address{50}, true},
		"an unsigned proposal, by someone's key": {governance.KindParameter, false, "", common.Address{66}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := proposed(t, c.kind, 0, false)
			if c.signed {
				s.does(s.yes(0, 0))
			}
			if !c.ends {
				s.refused(s.word(withdraw, c.member, c.wallet), governance.CodeNotPermitted)
				s.is(governance.StateProposed)
				return
			}
			s.does(s.word(withdraw, c.member, c.wallet)).is(governance.StateCanceled)
		})
	}
}

// approving is a proposal that two roles approve first.
func approving(t *testing.T) *tale {
	t.Helper()
	s := &tale{t: t, now: start, p: governance.Proposal{ID: "P-1"}}
	draft := drafted(governance.KindParameter, 0, false)
	draft.Policy.Approve = []string{"risk", "security"}
	return s.does(governance.Propose{Draft: draft})
}

func TestOwnersAreAskedWhenTheRolesHaveApproved(t *testing.T) {
	s := approving(t)
	approve := governance.ActionApprove
	dave, erin := common.Address{60}, common.Address{61}
	s.refused(s.yes(0, 0), governance.CodeNotPermitted)
	s.refused(s.word(approve, "alice", common.Address{50}, "risk"), governance.CodeNotPermitted) // who proposed it
	s.refused(s.word(approve, "frank", common.Address{62}, "guardian"), governance.CodeNotPermitted)
	s.does(s.word(approve, "dave", dave, "risk", "security"))
	s.does(s.word(approve, "dave", dave, "risk", "security")) // said before
	if len(s.p.Approvals) != 1 || len(s.p.Unapproved()) != 1 {
		t.Fatalf("one person stands for both roles: %v, missing %v", s.p.Approvals, s.p.Unapproved())
	}
	s.refused(s.yes(0, 0), governance.CodeNotPermitted)
	s.does(s.word(approve, "erin", erin, "risk")) // so that dave stands for security
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).is(governance.StateApproved)
	s.refused(s.word(approve, "gina", common.Address{63}, "risk"), governance.CodeNotOpen)
}

// TestSignaturesFromTheChainWaitForTheRoles: an owner can approve a hash on chain before anybody was asked.
func TestSignaturesFromTheChainWaitForTheRoles(t *testing.T) {
	s := approving(t)
	for i := range 2 {
		yes := s.yes(0, i)
		yes.Confirmation.Kind, yes.Confirmation.Via = safe.KindApprovedHash, governance.ViaChain
		s.does(yes)
	}
	s.is(governance.StateProposed)
	s.does(s.word(governance.ActionApprove, "dave", common.Address{60}, "risk")).is(governance.StateProposed)
	s.does(s.word(governance.ActionApprove, "erin", common.Address{61}, "security")).is(governance.StateApproved)
}

func TestNobodySpeaksAboutWhatHasEnded(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(s.word(governance.ActionWithdraw, "alice", common.Address{50})).is(governance.StateCanceled)
	for _, action := range []governance.Action{governance.ActionObject, governance.ActionLift, governance.ActionWithdraw, governance.ActionApprove} {
		s.refused(s.word(action, "alice", common.Address{50}), governance.CodeNotOpen)
	}
	s = proposed(t, governance.KindParameter, 0, false)
	s.refused(s.word("sing", "alice", common.Address{50}), governance.CodeBadValue)
	s.refused(s.word(governance.ActionApprove, "alice", common.Address{50}, "risk"), governance.CodeNotOpen) // it waits for none
}

// members are those of today by wallet.
var members = map[common.Address]string{{66}: "dave", {67}: "erin"}

// TestAWalletThatIsNobodysHoldsNothingBack: it was a member's when it objected, and was taken away.
func TestAWalletThatIsNobodysHoldsNothingBack(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(governance.Stated{Opinion: governance.Opinion{Member: "dave", What: "object", Wallet: common.Address{66}, Signed: start.Add(time.Second)}})
	if s.p.HeldBack(members) == "" || s.p.HeldBack(nil) != "" {
		t.Errorf("as a member's wallet: %q, as nobody's: %q", s.p.HeldBack(members), s.p.HeldBack(nil))
	}
}
