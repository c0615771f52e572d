package governance_test

import (
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// TestASafeTxThatMovedToAnotherBlockIsNoFinalOne: a reorganisation took it out of one block, and another holds it.
func TestASafeTxThatMovedToAnotherBlockIsNoFinalOne(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(s.ran(0, true, 101))
	moved := s.ran(0, true, 102)
	moved.Transaction.TxHash = common.Hash{44}
	s.does(moved).gone(0)
	if got := s.p.SafeTxs[0].State; got != governance.TxMined {
		t.Errorf("its SafeTx is %s", got)
	}
}

// TestAStaleSignatureIsToldWhy: another rule of hashing is not a used nonce.
func TestAStaleSignatureIsToldWhy(t *testing.T) {
	upgraded := signed(t, governance.KindPause, 0, false)
	upgraded.does(runsCode(safe.V1_1_1, 101, safe.VerifiedByCode))
	used := signed(t, governance.KindPause, 0, false)
	used.loses(0)
	for want, s := range map[string]*tale{"the Safe was upgraded to 1.1.1": upgraded, "another transaction used nonce 7": used} {
		if err := s.tries(s.yes(0, 2)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("told %v, want %q", err, want)
		}
	}
}

func TestARunThatIsToldAgainChangesNothing(t *testing.T) {
	for name, success := range map[string]bool{"one that worked": true, "one that failed": false} {
		s := signed(t, governance.KindPause, 0, false)
		s.does(s.ran(0, success, 101))
		for _, when := range []string{"mined", "final"} {
			version := s.p.Version
			if s.does(s.ran(0, success, 101)); s.p.Version != version {
				t.Errorf("%s, %s: told again it makes %d events", name, when, s.p.Version-version)
			}
			s.does(s.deep())
		}
	}
}

// TestWhetherTooLittleGasBurnsTheNonceIsShown: yes, no, or not found out, which is neither.
func TestWhetherTooLittleGasBurnsTheNonceIsShown(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		sweep *safe.Sweep
		want  *bool
	}{
		"a band was found":      {&safe.Sweep{BurnsAt: 90_000, WholeFrom: 120_000}, &yes},
		"none was found":        {&safe.Sweep{}, &no},
		"what was found doubts": {&safe.Sweep{BurnsAt: 90_000, Doubtful: true}, nil},
		"nobody looked":         {nil, nil},
	} {
		p := drafted(governance.KindPause, 0, false)
		p.Simulation.Sweep = c.sweep
		s := &tale{t: t, now: start, p: governance.Proposal{ID: "P-1"}}
		got := s.does(governance.Propose{Draft: p}).view(governance.AudienceWarRoom).Simulation.Burnable
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: burnable is shown as %v", name, got)
		}
	}
}

func TestAThresholdThatWasNeverReadIsNeverMet(t *testing.T) {
	p := drafted(governance.KindPause, 0, false)
	p.Threshold = 0
	s := &tale{t: t, now: start, p: governance.Proposal{ID: "P-1"}}
	s.does(governance.Propose{Draft: p}).is(governance.StateProposed)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.yes(0, 2)).is(governance.StateProposed).owes(governance.DutySubmit, 0)
	if s.p.Usable() {
		t.Error("signatures are said to be enough for a threshold that nobody knows")
	}
}

// TestARunThatIsTakenBackLeavesTheWindowOpen: whoever saw it run before they saw its window open knows that it had opened.
func TestARunThatIsTakenBackLeavesTheWindowOpen(t *testing.T) {
	s := queued(t).runs(102).is(governance.StateQueued)
	s.gone(len(s.p.Transactions) - 1).is(governance.StateReady)
	if s.p.Timelock.State != governance.OperationReady {
		t.Errorf("the operation is %s", s.p.Timelock.State)
	}
}
