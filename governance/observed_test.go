package governance_test

import (
	"testing"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

func TestAReadingAtTheSameBlockIsTakenAndAnOlderIsNot(t *testing.T) {
	for block, want := range map[uint64]int{99: 2, 100: 1, 101: 1} {
		s := proposed(t, governance.KindPause, 0, false)
		s.does(seen(7, block, 1, owners...))
		if s.p.Threshold != want {
			t.Errorf("read at block %d, known from block 100: threshold %d, want %d", block, s.p.Threshold, want)
		}
	}
}

func TestWithoutPostconditionsFinalIsExecutedAndOnce(t *testing.T) {
	p := drafted(governance.KindPause, 1, false)
	p.Expect = nil
	s := &tale{t: t, now: start, p: governance.Proposal{ID: "P-1"}}
	s.does(governance.Propose{Draft: p})
	s.does(s.ran(0, true, 101)).is(governance.StateProposed)
	s.does(s.deep()).is(governance.StateExecuted)
	spare := s.ran(1, true, 102)
	spare.Transaction.TxHash = common.Hash{44}
	s.does(spare).does(s.deep()).is(governance.StateExecuted)
	executed := 0
	for _, e := range s.events {
		if e.Type == governance.EventExecuted {
			executed++
		}
	}
	if executed != 1 {
		t.Errorf("it was executed %d times", executed)
	}
}

func TestADraftIsTakenBesideOneThatStaysDead(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(s.ran(0, false, 101))
	if !s.p.NeedsDraft() {
		t.Fatal("its nonce is burnt, and it needs no draft")
	}
	fresh := governance.SafeTx{Purpose: governance.PurposeDirect, State: governance.TxAsking, Tx: safe.Tx{Nonce: 8}, Hashes: safe.Hashes{SafeTx: common.Hash{8}}}
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{s.p.SafeTxs[0], fresh}})
	if len(s.p.SafeTxs) != 2 || s.p.SafeTxs[0].State != governance.TxDead || s.p.SafeTx(fresh.Hashes.SafeTx) == nil {
		t.Errorf("%+v", s.p.SafeTxs)
	}
}

func TestEveryChangeOfAWindowIsRecordedAndNothingElse(t *testing.T) {
	waiting := governance.OperationSeen{State: governance.OperationWaiting, OpensAt: 2000, ClosesAt: 3000, Why: "paused"}
	for name, c := range map[string]struct {
		change func(*governance.OperationSeen)
		want   uint64 // events
	}{
		"nothing":           {func(*governance.OperationSeen) {}, 0},
		"what blocks it":    {func(o *governance.OperationSeen) { o.Why = "" }, 1},
		"when it opens":     {func(o *governance.OperationSeen) { o.OpensAt++ }, 1},
		"when it closes":    {func(o *governance.OperationSeen) { o.ClosesAt++ }, 1},
		"that it is ready":  {func(o *governance.OperationSeen) { o.State = governance.OperationReady }, 1},
		"all of it at once": {func(o *governance.OperationSeen) { *o = window(governance.OperationReady) }, 1},
	} {
		s := queued(t).does(waiting)
		before, now := s.p.Version, waiting
		c.change(&now)
		if s.does(now); s.p.Version-before != c.want {
			t.Errorf("%s changed: %d events, want %d", name, s.p.Version-before, c.want)
		}
	}
}

// TestARunBelongsToTheSafeTxThatExecutedIt tells a run through the Safe, which the Safe reported already, from one that was batched with
// its schedule.
func TestARunBelongsToTheSafeTxThatExecutedIt(t *testing.T) {
	s := queued(t)
	s.p.Timelock.AnyoneMay = false
	s.does(window(governance.OperationReady))
	execute := governance.SafeTx{Purpose: governance.PurposeExecute, State: governance.TxAsking, Tx: safe.Tx{Nonce: 8}, Hashes: safe.Hashes{SafeTx: common.Hash{8}}}
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{execute}})
	run := s.ran(len(s.p.SafeTxs)-1, true, 120)
	run.Transaction.TxHash = common.Hash{43}
	s.does(run)
	known := len(s.p.Transactions)
	s.does(governance.OperationRun{Transaction: run.Transaction})
	if len(s.p.Transactions) != known {
		t.Errorf("the run through the Safe is told twice: %+v", s.p.Transactions)
	}

	s = queued(t)
	schedule := s.p.Transactions[0]
	s.does(governance.OperationRun{Transaction: governance.Transaction{TxHash: schedule.TxHash, Block: schedule.Block}})
	last := s.p.Transactions[len(s.p.Transactions)-1]
	if last.Role != governance.PurposeExecute || last.SafeTxHash != (common.Hash{}) {
		t.Errorf("a run that anyone batched with the schedule is of no SafeTx: %+v", last)
	}
}
