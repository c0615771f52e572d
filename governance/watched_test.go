package governance_test

import (
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// TestWhatATimelockMayStillHoldIsWatched goes through what an ended proposal can leave behind in a timelock.
func TestWhatATimelockMayStillHoldIsWatched(t *testing.T) {
	for _, c := range []struct {
		name    string
		state   governance.State
		op      governance.OperationState
		purpose governance.Purpose
		tx      governance.SafeTxState
		want    bool
	}{
		{"scheduled, final", governance.StateCanceled, governance.OperationWaiting, governance.PurposeSchedule, governance.TxFinal, true},
		{"scheduled, mined", governance.StateExpired, governance.OperationReady, governance.PurposeSchedule, governance.TxMined, true},
		{"never scheduled", governance.StateCanceled, governance.OperationUnset, governance.PurposeSchedule, governance.TxAsking, false},
		{"only something else was run", governance.StateCanceled, governance.OperationWaiting, governance.PurposeVoid, governance.TxFinal, false},
		{"vetoed in the timelock", governance.StateCanceled, governance.OperationCanceled, governance.PurposeSchedule, governance.TxFinal, false},
		{"its window closed", governance.StateExpired, governance.OperationExpired, governance.PurposeSchedule, governance.TxFinal, false},
		{"executed", governance.StateExecuted, governance.OperationDone, governance.PurposeSchedule, governance.TxFinal, false},
		{"executed without the effect", governance.StateIneffective, governance.OperationDone, governance.PurposeSchedule, governance.TxFinal, false},
	} {
		p := drafted(governance.KindParameter, 0, true)
		p.State, p.Timelock.State = c.state, c.op
		p.SafeTxs[0].Purpose, p.SafeTxs[0].State = c.purpose, c.tx
		if got := p.Watched(); got != c.want {
			t.Errorf("%s: watched is %t", c.name, got)
		}
	}
}

func TestTheEffectIsTheFinalTransactionElseTheFirst(t *testing.T) {
	const mined, final = governance.TxStatusMined, governance.TxStatusFinal
	for _, c := range []struct {
		name     string
		statuses []governance.TransactionStatus
		want     byte // which, from 1; 0: none
	}{
		{"none", nil, 0},
		{"only sent", []governance.TransactionStatus{governance.TxStatusSubmitted}, 0},
		{"two mined", []governance.TransactionStatus{mined, mined}, 1},
		{"mined, then final", []governance.TransactionStatus{mined, final}, 2},
		{"final, then mined", []governance.TransactionStatus{final, mined}, 1},
		{"two final", []governance.TransactionStatus{final, final}, 1},
	} {
		for _, role := range []governance.Purpose{governance.PurposeDirect, governance.PurposeSpare, governance.PurposeVoid} {
			var p governance.Proposal
			for i, status := range c.statuses {
				p.Transactions = append(p.Transactions, governance.Transaction{Role: role, Status: status, TxHash: common.Hash{byte(i) + 1}})
			}
			var got byte
			if e := p.Effect(); e != nil {
				got = e.TxHash[0]
			}
			if got != c.want {
				t.Errorf("%s, role %s: the effect is number %d, want %d", c.name, role, got, c.want)
			}
		}
	}
}

// TestWhatTookEffectAllTheSameRemembersHowItHadEnded applies both ways to take effect to what had ended.
func TestWhatTookEffectAllTheSameRemembersHowItHadEnded(t *testing.T) {
	for _, effect := range []governance.EventType{governance.EventExecuted, governance.EventIneffective} {
		p := drafted(governance.KindPause, 0, false)
		p.State, p.EndedAt, p.EndReason = governance.StateExpired, start, "nobody signed"
		p = governance.Apply(p, governance.Event{Type: effect, At: start.Add(time.Hour)})
		if p.Earlier == nil || *p.Earlier != (governance.Ending{State: governance.StateExpired, At: start, Reason: "nobody signed"}) {
			t.Errorf("%s: earlier is %+v", effect, p.Earlier)
		}
		p = governance.Apply(p, governance.Event{Type: governance.EventFailed})
		if p.Earlier != nil {
			t.Errorf("%s: what failed in the end still says that it had ended as %+v", effect, p.Earlier)
		}
	}
}

func TestAnotherHashRuleKillsOnlyWhatIsStillAskedFor(t *testing.T) {
	for state, want := range map[governance.SafeTxState]governance.SafeTxState{
		governance.TxAsking: governance.TxDead, governance.TxApproved: governance.TxDead, governance.TxMined: governance.TxMined,
		governance.TxFinal: governance.TxFinal, governance.TxFailed: governance.TxFailed, governance.TxDead: governance.TxDead,
	} {
		p := drafted(governance.KindPause, 0, false)
		p.State, p.SafeTxs[0].State, p.SafeTxs[0].Rule = governance.StateApproved, state, safe.V1_2_0
		p = governance.Apply(p, governance.Event{Type: governance.EventUpgraded, Safe: &governance.SafeRef{Version: safe.V1_4_1}})
		if got := p.SafeTxs[0].State; got != want {
			t.Errorf("%s became %s, want %s", state, got, want)
		}
	}
}

func TestAReorganisationTakesTheOperationBackAsFarAsItReaches(t *testing.T) {
	s := queued(t).does(window(governance.OperationReady))
	s.runs(110)
	if s.p.Timelock.State != governance.OperationDone || s.p.Timelock.OpensAt == 0 {
		t.Fatalf("executed: %+v", s.p.Timelock)
	}
	s.does(governance.Gone{Transaction: s.p.Transactions[len(s.p.Transactions)-1]}).is(governance.StateReady)
	if s.p.Timelock.State != governance.OperationReady || s.p.Timelock.OpensAt == 0 {
		t.Errorf("its execution is gone, its schedule is not: %+v", s.p.Timelock)
	}
	s = queued(t)
	s.does(governance.Gone{Transaction: s.p.Transactions[0]}).is(governance.StateApproved)
	if o := s.p.Timelock; o.State != governance.OperationUnset || o.OpensAt != 0 || o.ClosesAt != 0 {
		t.Errorf("its schedule is gone: %+v", o)
	}
}
