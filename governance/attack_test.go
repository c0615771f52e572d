package governance_test

import (
	"encoding/json"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// signed is a proposal whose first SafeTx has its quorum of two.
func signed(t *testing.T, kind governance.Kind, spares int, via bool) *tale {
	t.Helper()
	s := proposed(t, kind, spares, via)
	return s.does(s.yes(0, 0)).does(s.yes(0, 1)).is(governance.StateApproved)
}

// queued is an operation in the timelock, waiting for its window.
func queued(t *testing.T) *tale {
	t.Helper()
	s := signed(t, governance.KindParameter, 0, true)
	return s.does(s.ran(0, true, 101)).does(window(governance.OperationWaiting)).is(governance.StateQueued)
}

func (s *tale) gone(i int) *tale {
	s.t.Helper()
	return s.does(governance.Gone{Transaction: s.p.Transactions[i]})
}

func (s *tale) loses(tx int) *tale {
	s.t.Helper()
	return s.does(governance.NonceTaken{SafeTxHash: s.p.SafeTxs[tx].Hashes.SafeTx, By: common.Hash{66}})
}

func (s *tale) owes(kind governance.DutyKind, want int) *tale {
	s.t.Helper()
	if got := s.owed(kind); got != want {
		s.t.Errorf("owed %d of %s, want %d", got, kind, want)
	}
	return s
}

func TestAFailedRunThatIsFinalIsNeverExecuted(t *testing.T) {
	s := signed(t, governance.KindParameter, 0, false)
	s.p.Expect = nil // no proof stands between final and executed
	s.does(s.ran(0, false, 101)).is(governance.StateFailed).does(s.deep()).is(governance.StateFailed)
	if s.p.Effect() != nil {
		t.Errorf("a run without effect is taken for the effect: %+v", s.p.Effect())
	}
}

func TestAReorganisedFailureIsAskedAndSentAgain(t *testing.T) {
	s := signed(t, governance.KindParameter, 0, false)
	s.does(s.ran(0, false, 101)).is(governance.StateFailed)
	if !s.p.Watched() {
		t.Error("nobody watches whether the failure stays on the chain")
	}
	s.gone(0).is(governance.StateApproved).owes(governance.DutySubmit, 2)
	e := signed(t, governance.KindPause, 0, false)
	e.does(e.ran(0, false, 101)).is(governance.StateProposed).gone(0).is(governance.StateApproved)
}

func TestAMovedTransactionCountsAnew(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(s.ran(0, true, 101)).does(s.deep()).proves("true").is(governance.StateExecuted)
	s.does(s.ran(0, true, 103)).is(governance.StateApproved) // deeper than we thought possible, and in another block now
	s.does(s.deep()).proves("true").is(governance.StateExecuted)
}

func TestFinalOfWhatWasNeverSeenMinedProvesNothing(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.p.Expect = nil
	sent := governance.Transaction{TxHash: common.Hash{42}, Role: governance.PurposeDirect, SafeTxHash: s.p.SafeTxs[0].Hashes.SafeTx}
	s.does(governance.Sent{Transaction: sent}).does(governance.Final{Transaction: sent}).is(governance.StateApproved)
	s.does(s.ran(0, true, 101))
	old := s.p.Transactions[0]
	old.Block.Number = 100
	s.does(governance.Final{Transaction: old}).does(governance.Gone{Transaction: old}).is(governance.StateApproved)
	if s.p.Effect() == nil || s.p.Effect().Status != governance.TxStatusMined {
		t.Errorf("a stale fact moved the transaction: %+v", s.p.Effect())
	}
}

func TestOneEthereumTransactionMayCarrySeveralOfOurs(t *testing.T) {
	t.Run("a pause with its spare", func(t *testing.T) {
		s := proposed(t, governance.KindPause, 1, false)
		s.does(s.ran(0, true, 101)).does(s.ran(1, true, 101))
		if s.p.SafeTxs[0].State != governance.TxMined || s.p.SafeTxs[1].State != governance.TxMined {
			t.Errorf("the SafeTxs are %s and %s", s.p.SafeTxs[0].State, s.p.SafeTxs[1].State)
		}
	})
	t.Run("a schedule without delay with its execution", func(t *testing.T) {
		s := signed(t, governance.KindParameter, 0, true)
		s.does(s.ran(0, true, 101))
		s.does(governance.OperationRun{Transaction: governance.Transaction{TxHash: common.Hash{42}, Block: safe.Block{Number: 101}}})
		s.does(s.deep()).proves("true").is(governance.StateExecuted)
	})
}

func TestASpareExecutedTwiceAndTakenBackLeavesTheProof(t *testing.T) {
	s := proposed(t, governance.KindPause, 1, false)
	s.does(s.ran(0, true, 101)).does(s.deep()).proves("true").is(governance.StateExecuted)
	again := s.ran(1, true, 102)
	again.Transaction.TxHash = common.Hash{50}
	s.does(again).gone(1).is(governance.StateExecuted)
}

func TestProofsMustBeCompleteAndOfTheRightBlock(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(s.ran(0, true, 101)).does(s.deep())
	version := s.p.Version
	other, early := s.reads("true"), s.reads("true")
	other.Postconditions[0].Block = 99
	early.Postconditions[0].Text = "getPaused(weth) = true"
	s.does(governance.Proved{}).does(other).does(early).is(governance.StateApproved)
	if s.p.Version != version {
		t.Error("a proof of something else was recorded")
	}
	unripe := s.reads("true")
	unripe.Postconditions[0].Final = false // read before it was final, told after
	s.does(unripe).is(governance.StateApproved)
	s.proves("true").is(governance.StateExecuted)
}

func TestAFalsePostconditionDecidesBesideOneThatCouldNotBeRead(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.p.Expect = append(s.p.Expect, governance.Expectation{Text: "getPaused(weth) = true"})
	s.does(s.ran(0, true, 101)).does(s.deep())
	p := s.reads("")
	p.Postconditions = append(p.Postconditions, governance.Postcondition{Text: "getPaused(weth) = true", Value: "false", Block: 101, Final: true})
	s.does(p).is(governance.StateIneffective)
}

func TestFalseWhenMinedAndTrueWhenFinalIsExecutedAndTheOtherWayRoundIsNot(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(s.ran(0, true, 101)).proves("false").is(governance.StateApproved).does(s.deep()).proves("true").is(governance.StateExecuted)
	s = signed(t, governance.KindPause, 0, false)
	s.does(s.ran(0, true, 101)).proves("true").is(governance.StateApproved).does(s.deep()).proves("false").is(governance.StateIneffective)
	s.proves("").is(governance.StateIneffective) // a reading that fails takes no proof away
}

func TestANonceThatAReorganisationGivesBackWorksAgain(t *testing.T) {
	s := proposed(t, governance.KindPause, 1, false)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(seen(8, 101, 2, owners...)).loses(0).is(governance.StateProposed)
	if s.p.Active().Purpose != governance.PurposeSpare {
		t.Fatal("it did not move to its spare")
	}
	s.does(seen(7, 102, 2, owners...)).is(governance.StateApproved).owes(governance.DutySubmit, 2)
	if s.p.Active().Tx.Nonce != 7 {
		t.Errorf("it asks at nonce %d, and the Safe is at 7 again", s.p.Active().Tx.Nonce)
	}
}

func TestARebuildAtTheSameNonceRevivesInsteadOfDoubling(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false).loses(0).is(governance.StateProposed)
	same := s.p.SafeTxs[0]
	same.State, same.Confirmations = governance.TxAsking, nil
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{same}}).is(governance.StateApproved)
	if len(s.p.SafeTxs) != 1 {
		t.Errorf("there are %d SafeTxs with one hash", len(s.p.SafeTxs))
	}
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{{Hashes: safe.Hashes{SafeTx: common.Hash{1}}}}})
	if len(s.p.SafeTxs) != 1 {
		t.Error("a late rebuild was added although nothing is missing")
	}
}

func TestASignatureIsRefusedWhereItWouldOnlyBeADanger(t *testing.T) {
	s := proposed(t, governance.KindPause, 1, false)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, true, 101))
	s.refused(s.yes(0, 2), governance.CodeNotOpen)
	s.refused(s.yes(1, 2), governance.CodeNotOpen) // the spare of a pause that is on chain
	queued(t).refused(queued(t).yes(0, 2), governance.CodeNotOpen)
}

func TestASecondSignatureIsKnownInEveryState(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(s.ran(0, true, 101)).does(s.yes(0, 0)).does(s.deep()).proves("true").does(s.yes(0, 0)).is(governance.StateExecuted)
}

func TestWhatIsOnChainIsNeitherWithdrawnNorExpired(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(s.ran(0, true, 101)).is(governance.StateProposed) // by others, with signatures that we never saw
	s.refused(governance.Withdraw{Member: "alice"}, governance.CodeNotOpen)
	s.now = start.Add(48 * time.Hour)
	s.does(governance.Tick{}).is(governance.StateProposed).gone(0).is(governance.StateProposed) // below quorum as far as we know
	s.owes(governance.DutySubmit, 0).does(governance.Tick{}).is(governance.StateExpired)
}

func TestWhatItsPeopleTookDownIsNotExecutedByBelay(t *testing.T) {
	s := signed(t, governance.KindParameter, 0, true)
	s.does(governance.Withdraw{Member: "alice"}).does(governance.Withdraw{Member: "bob"}).is(governance.StateCanceled)
	if !s.p.Watched() {
		t.Error("nobody watches a withdrawn proposal whose signatures work")
	}
	// A stranger who holds the signatures puts it into the timelock: people must see that, and Belay must not help.
	s.does(s.ran(0, true, 101)).does(window(governance.OperationWaiting)).is(governance.StateQueued)
	s.does(window(governance.OperationReady)).is(governance.StateReady).owes(governance.DutyExecuteOp, 0)
	s.runs(120).does(s.deep()).proves("true").is(governance.StateExecuted)
	s.gone(1).is(governance.StateReady).owes(governance.DutyExecuteOp, 0)
	s.gone(0).is(governance.StateCanceled).owes(governance.DutySubmit, 1)
	if s.p.Earlier != nil || s.p.EndReason != "withdrawn by two members" {
		t.Errorf("it ended for %q, earlier %+v", s.p.EndReason, s.p.Earlier)
	}
}

func TestAWithdrawnProposalThatAReorganisationTookBackStaysWithdrawn(t *testing.T) {
	s := signed(t, governance.KindParameter, 0, false)
	s.does(governance.Withdraw{Member: "alice"}).does(governance.Withdraw{Member: "bob"})
	s.does(s.ran(0, true, 101)).does(s.deep()).proves("true").is(governance.StateExecuted)
	s.gone(0).is(governance.StateCanceled).owes(governance.DutySubmit, 1)
}

func TestAVetoEndsTheProposalOnlyWhenItIsFinal(t *testing.T) {
	s := queued(t).does(window(governance.OperationReady))
	s.does(window(governance.OperationCanceled)).is(governance.StateQueued).does(window(governance.OperationReady)).is(governance.StateReady)
	s.owes(governance.DutyExecuteOp, 2)
	s.does(vetoed()).is(governance.StateCanceled)
	s.does(window(governance.OperationReady)).is(governance.StateReady) // beyond all depth: the chain outranks the store
}

func TestAVetoThatNobodyWatchedEndsWhatOurSafeScheduled(t *testing.T) {
	s := signed(t, governance.KindParameter, 0, true)
	s.does(vetoed()).is(governance.StateApproved) // our schedule is not on chain: it can still be
	s.does(s.ran(0, true, 101)).does(vetoed()).is(governance.StateCanceled)
}

func TestAWindowThatClosesEndsTheProposal(t *testing.T) {
	s := queued(t).does(window(governance.OperationReady))
	s.does(governance.OperationSeen{State: governance.OperationExpired, Final: true}).is(governance.StateExpired)
}

func TestAScheduleThatAReorganisationTookIsFoundAgain(t *testing.T) {
	s := queued(t)
	s.gone(0).is(governance.StateApproved).owes(governance.DutySubmit, 2)
	s.does(s.ran(0, true, 103)).does(window(governance.OperationWaiting)).is(governance.StateQueued) // with the same window as before
}

func TestAnOperationScheduledByOthersIsFollowed(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, true)
	s.does(window(governance.OperationReady)).is(governance.StateReady).owes(governance.DutyExecuteOp, 1)
	s.loses(0).is(governance.StateReady) // our own schedule is not needed any more
	s.does(seen(8, 102, 1, owners...)).is(governance.StateReady).owes(governance.DutySubmit, 0)
}

func TestAnExecutionThatIsTakenBackIsOwedAgain(t *testing.T) {
	s := queued(t).does(window(governance.OperationReady)).runs(120).owes(governance.DutyExecuteOp, 1)
	if s.p.Timelock.State != governance.OperationDone {
		t.Errorf("the operation was run and is shown as %s", s.p.Timelock.State)
	}
	s.gone(1).is(governance.StateReady).owes(governance.DutyExecuteOp, 2)
}

func TestAReadyOperationWhoseSafeTxIsBurntIsAskedAgain(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, true)
	s.p.Timelock.AnyoneMay = false
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, true, 101)).does(window(governance.OperationReady)).is(governance.StateReady).owes(governance.DutyRebuild, 1)
	tx := safe.Tx{To: common.Address{77}, Nonce: 8}
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{{Purpose: governance.PurposeExecute, State: governance.TxAsking, Tx: tx, Hashes: safe.Hash(s.p.Safe.Domain(), tx)}}})
	burnt := s.ran(1, false, 130)
	burnt.Transaction.TxHash = common.Hash{50}
	s.does(burnt).is(governance.StateReady).owes(governance.DutyRebuild, 2)
}

func TestNoWordInChatShortensADelay(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.p.Policy.Execute = governance.Execute{After: 10 * time.Minute}
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).is(governance.StateApproved)
	quorum := s.now
	s.refused(governance.Release{Member: "mallory"}, governance.CodeNotPermitted)
	for _, d := range s.duties {
		if d.Kind == governance.DutySubmit && !d.Due.Equal(quorum.Add(10*time.Minute)) {
			t.Errorf("due %v, want ten minutes after quorum", d.Due)
		}
	}
	m := proposed(t, governance.KindParameter, 0, false)
	m.p.Policy.Execute = governance.Execute{Manual: true}
	m.refused(governance.Release{Member: "alice"}, governance.CodeNotOpen)
	m.does(m.yes(0, 0)).does(m.yes(0, 1)).owes(governance.DutySubmit, 0).does(governance.Release{Member: "alice"}).owes(governance.DutySubmit, 1)
	m.does(governance.Release{Member: "alice"}).owes(governance.DutySubmit, 1)
}

func TestPeopleMayChangeTheirMindButNotRepeatThemselves(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	say := func(what, text string) governance.Speak {
		return governance.Speak{Opinion: governance.Opinion{Member: "bob", What: what, Text: text}}
	}
	for _, in := range []governance.Speak{say("onit", ""), say("onit", ""), say("cant", ""), say("onit", ""), say("object", "why?"), say("object", "why?"), say("object", "wait")} {
		s.does(in)
	}
	if answers, objections := s.told(governance.EventResponded), s.told(governance.EventObjected); answers != 3 || objections != 2 {
		t.Errorf("%d answers and %d objections, want 3 and 2", answers, objections)
	}
	if len(s.p.Responders) != 1 || s.p.Responders[0].What != "onit" || len(s.p.Objections) != 1 || s.p.Objections[0].Text != "wait" {
		t.Errorf("what stands is %+v and %+v, want the last word of each", s.p.Responders, s.p.Objections)
	}
	s.refused(say("withdraw", ""), governance.CodeBadValue)
	s.does(governance.Withdraw{Member: "alice"}).refused(say("object", "late"), governance.CodeNotOpen)
}

func TestOneMemberCannotWithdrawAlone(t *testing.T) {
	s := signed(t, governance.KindParameter, 0, false)
	s.does(governance.Withdraw{Member: "alice"}).does(governance.Withdraw{Member: "alice"}).is(governance.StateApproved)
	if len(s.p.Objections) != 1 {
		t.Errorf("the same wish is recorded %d times", len(s.p.Objections))
	}
}

func TestAnEmptyReadingOfTheSafeIsUnknown(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(seen(7, 101, 0, owners...)).does(seen(7, 101, 2)).is(governance.StateApproved)
}

func TestAProposalThatDoesNotExistTakesNothingButItsDraft(t *testing.T) {
	s := &tale{t: t, now: start}
	for _, in := range []governance.Input{governance.Speak{}, governance.Withdraw{}, governance.Extend{}, governance.Disclose{}, governance.Release{}} {
		s.refused(in, governance.CodeNotFound)
	}
	s.refused(governance.Confirm{}, governance.CodeWrongHash)
	one := proposed(t, governance.KindPause, 0, false)
	one.refused(governance.Propose{Draft: drafted(governance.KindPause, 0, false)}, governance.CodeNotOpen)
}

// FuzzApply feeds Apply whatever a damaged log may hold: it gives a proposal, one version on, and never panics.
func FuzzApply(f *testing.F) {
	for _, e := range governance.EventTypes {
		f.Add([]byte(`{"type":"` + string(e) + `"}`))
	}
	f.Add([]byte(`{"type":"window","operation":{"state":"ready"}}`))
	f.Add([]byte(`{"type":"nothing we know"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e governance.Event
		if json.Unmarshal(raw, &e) != nil {
			return
		}
		for _, via := range []bool{false, true} {
			p := drafted(governance.KindParameter, 0, via)
			p.State = governance.StateProposed
			after := governance.Apply(p, e)
			if after.Version != p.Version+1 {
				t.Errorf("version %d after %d", after.Version, p.Version)
			}
			governance.Duties(p, after, rooms, start)
			if _, ok := governance.NewView(after, governance.Facts{Events: []governance.Recorded{{Event: e}}}, governance.Viewer{Audience: governance.AudienceWarRoom}); !ok {
				t.Error("the war room may not see it")
			}
		}
	})
}
