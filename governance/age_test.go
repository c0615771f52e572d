package governance_test

import (
	"strings"
	"testing"
	"time"

	"belay/governance"
)

// TestASignatureIsNotUsedForever: what is signed and was not sent for a month is asked for anew.
func TestASignatureIsNotUsedForever(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).is(governance.StateApproved)
	first := s.p.SafeTxs[0].Confirmations[0].At
	if end := s.p.Deadline(); !end.Equal(first.Add(governance.SignatureLife)) {
		t.Errorf("the deadline is %s", end)
	}
	if v, _ := governance.NewView(s.p, governance.Facts{}, governance.Viewer{Audience: governance.AudienceWarRoom}); v.ExpiresAt != first.Add(governance.SignatureLife).Format(time.RFC3339) {
		t.Errorf("the card says that it is used until %s", v.ExpiresAt)
	}
	s.now = first.Add(governance.SignatureLife - 2*time.Second)
	s.does(governance.Tick{}).is(governance.StateApproved)
	s.does(governance.Tick{}).is(governance.StateExpired)
	if !strings.Contains(s.p.EndReason, "30 days old") || !s.p.Usable() {
		t.Errorf("it ended with %q, and is usable: %t", s.p.EndReason, s.p.Usable())
	}
}

// TestAskingForLongerDoesNotKeepAnOldSignature: extending has no end, a signature has.
func TestAskingForLongerDoesNotKeepAnOldSignature(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(s.yes(0, 0))
	for range 40 {
		s.now = s.now.Add(20 * time.Hour)
		s.does(governance.Tick{})
		if s.p.State.Ended() {
			break
		}
		s.does(governance.Extend{Member: "alice"})
	}
	if s.is(governance.StateExpired); !strings.Contains(s.p.EndReason, "days old") {
		t.Errorf("it ended with %q", s.p.EndReason)
	}
}

// TestAnEmergencyWithAQuorumHasNoDeadline: what a quorum signed is sent, however long that takes.
func TestAnEmergencyWithAQuorumHasNoDeadline(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(s.yes(0, 0))
	if end := s.p.Deadline(); !end.Equal(s.p.ExpiresAt) {
		t.Errorf("while it asks, the deadline is %s", end)
	}
	s.does(s.yes(0, 1)).is(governance.StateApproved)
	s.now = s.now.Add(10 * governance.SignatureLife)
	s.does(governance.Tick{}).is(governance.StateApproved)
	if end := s.p.Deadline(); !end.IsZero() {
		t.Errorf("the deadline is %s", end)
	}
}

// TestWhatIsOnChainDoesNotAge: it waits for the chain, not for people.
func TestWhatIsOnChainDoesNotAge(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, true, 103))
	s.now = s.now.Add(2 * governance.SignatureLife)
	s.does(governance.Tick{}).is(governance.StateApproved)
}

func TestWhatWaitsBehindAGapIsReplacedOnce(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(governance.Replaced{Member: "alice", Nonce: 5}).is(governance.StateSuperseded)
	if s.p.EndReason != "it is asked for again at nonce 5, where nothing stood" {
		t.Errorf("it ended with %q", s.p.EndReason)
	}
	s.refused(governance.Replaced{Member: "alice", Nonce: 5}, governance.CodeNotOpen)
	signed := proposed(t, governance.KindParameter, 0, false)
	signed.does(signed.yes(0, 0))
	signed.refused(governance.Replaced{Member: "alice", Nonce: 5}, governance.CodeNotOpen)
	emergency := proposed(t, governance.KindPause, 0, false)
	emergency.refused(governance.Replaced{Member: "alice", Nonce: 5}, governance.CodeNotOpen)
}

func TestAPartIsNotNothing(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.p.Expect = append(s.p.Expect, governance.Expectation{Text: "getPaused(weth) = true", Equals: "true"})
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, true, 103)).does(governance.Final{Transaction: s.p.Transactions[0]})
	s.does(governance.Proved{Postconditions: []governance.Postcondition{
		{Text: "getPaused(usdc) = true", Value: "getPaused(usdc) = true", OK: true, Block: 103, Final: true},
		{Text: "getPaused(weth) = true", Value: "getPaused(weth) = false", Block: 103, Final: true}}})
	s.is(governance.StateIneffective)
	v, _ := governance.NewView(s.p, governance.Facts{}, governance.Viewer{Audience: governance.AudienceWarRoom})
	if v.Status != "EXECUTED IN PART: it is final on chain, and 1 of 2 things are as they should be" {
		t.Errorf("the status is %q", v.Status)
	}
}

// TestACrowdedEmergencyIsWholeOnceAnOwnerSigns: it is shown small only while it is one of too many that nobody signed.
func TestACrowdedEmergencyIsWholeOnceAnOwnerSigns(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	look := func(a governance.Audience) bool {
		v, _ := governance.NewView(s.p, governance.Facts{}, governance.Viewer{Audience: a})
		return v.Collapsed
	}
	if s.p.Crowd = governance.Crowded - 1; look(governance.AudienceWarRoom) {
		t.Error("the third is collapsed")
	}
	if s.p.Crowd = governance.Crowded; !look(governance.AudienceWarRoom) {
		t.Error("the fourth is not")
	}
	s.does(s.yes(0, 0))
	if look(governance.AudienceWarRoom) {
		t.Error("an owner signed it, and it is collapsed still")
	}
}

// TestANumberThatNobodyReadIsNotClaimed: a threshold of zero means that the Safe was not read.
func TestANumberThatNobodyReadIsNotClaimed(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.p.Threshold = 0
	v, _ := governance.NewView(s.p, governance.Facts{}, governance.Viewer{Audience: governance.AudienceWarRoom})
	if v.Status != "Asks for signatures; how many are needed could not be read" {
		t.Errorf("the status is %q", v.Status)
	}
}
