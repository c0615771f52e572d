package governance_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

var (
	start  = time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	owners = []common.Address{{1}, {2}, {3}}
	rooms  = []string{"slack"}
)

// tale is one proposal on its way, with everything that was recorded of it.
type tale struct {
	t      *testing.T
	p      governance.Proposal
	events []governance.Event
	duties []governance.Duty
	now    time.Time
}

// drafted is a proposal of a kind on nonce 7 of a 2-of-3 Safe, with a spare where spares is 1.
// What the drafted call is about.
var market, usdc = common.Address{8}, common.Address{7}

func drafted(kind governance.Kind, spares int, via bool) governance.Proposal {
	p := governance.Proposal{
		ID: "P-1", Kind: kind, Title: "Pause USDC", Proposer: "alice", Reason: "oracle is off", CreatedAt: start, ExpiresAt: start.Add(24 * time.Hour),
		Policy: governance.Policy{Propose: []string{"guardian"}, Expires: 24 * time.Hour, Visibility: governance.VisibleAfterExecution, Spares: spares},
		Safe:   governance.SafeRef{Name: "guardian", Chain: "devnet", ChainID: 1337, Address: common.Address{9}, Version: safe.V1_4_1, Verified: safe.VerifiedByAddress},
		Owners: owners, Threshold: 2, SafeNonce: 7, ReadAt: safe.Block{Number: 100}, OpenedAt: safe.Block{Number: 100}, OpenedNonce: 7,
		Expect: []governance.Expectation{{Text: "getPaused(usdc) = true", Equals: "true"}},
		Calls: []governance.CallView{{To: market.Hex(), Label: "market", Value: "0", Data: "0x01", Function: "setReservePause(address,bool)", Args: []governance.ArgView{},
			Text: governance.Untrusted("market " + market.Hex() + ".setReservePause(asset: usdc " + usdc.Hex() + ", paused: true)")}},
		Simulation: &safe.Simulation{OK: true, Block: 100, Provider: "alchemy"}, Changes: []governance.Change{{What: "getPaused(usdc)", Before: "false", After: "true"}},
		Effects: []string{"market says ReservePaused(asset: usdc, paused: true)", "market: 1 slot of its storage changes (only alchemy says so)"}, Traced: true,
		Dangers: []governance.DangerView{}, Transactions: []governance.Transaction{}, Postconditions: []governance.Postcondition{},
		Objections: []governance.Opinion{}, Responders: []governance.Opinion{}, Public: governance.PublicText{What: "USDC is paused"},
	}
	purpose := governance.PurposeDirect
	if via {
		purpose, p.Changes = governance.PurposeSchedule, []governance.Change{}
		p.Timelock = &governance.Operation{Name: "core", Kind: "openzeppelin", ID: common.Hash{77}, Delay: 60, State: governance.OperationUnset, AnyoneMay: true}
	}
	for i := range spares + 1 {
		tx := safe.Tx{To: common.Address{8}, Data: []byte{1}, Nonce: 7 + uint64(i)}
		p.SafeTxs = append(p.SafeTxs, governance.SafeTx{Purpose: purpose, State: governance.TxAsking, Tx: tx, Hashes: safe.Hash(p.Safe.Domain(), tx), Rule: p.Safe.Version, Confirmations: []governance.Confirmation{}})
		purpose = governance.PurposeSpare
	}
	return p
}

func proposed(t *testing.T, kind governance.Kind, spares int, via bool) *tale {
	t.Helper()
	s := &tale{t: t, now: start, p: governance.Proposal{ID: "P-1"}}
	s.does(governance.Propose{Draft: drafted(kind, spares, via)})
	return s
}

// does decides, applies and collects; a refusal fails the test.
func (s *tale) does(in governance.Input) *tale {
	s.t.Helper()
	if err := s.tries(in); err != nil {
		s.t.Fatalf("%T in %s: %v", in, s.p.State, err)
	}
	return s
}

func (s *tale) tries(in governance.Input) error {
	s.now = s.now.Add(time.Second)
	events, err := governance.Decide(s.p, in, s.now)
	if err != nil {
		return err
	}
	before := s.p
	for _, e := range events {
		s.p = governance.Apply(s.p, e)
	}
	s.events = append(s.events, events...)
	if len(events) > 0 {
		s.duties = append(s.duties, governance.Duties(before, s.p, rooms, s.now)...)
	}
	return nil
}

// refused asserts the reason, and that nothing happened.
func (s *tale) refused(in governance.Input, code governance.Code) {
	s.t.Helper()
	version := s.p.Version
	err := s.tries(in)
	var r *governance.Refusal
	if !errors.As(err, &r) || r.Code != code {
		s.t.Errorf("%T in %s: %v, want the refusal %s", in, s.p.State, err, code)
	}
	if s.p.Version != version {
		s.t.Errorf("%T was refused and yet changed the proposal", in)
	}
}

func (s *tale) is(state governance.State) *tale {
	s.t.Helper()
	if s.p.State != state {
		s.t.Fatalf("the proposal is %s, want %s", s.p.State, state)
	}
	return s
}

func (s *tale) yes(tx, owner int) governance.Confirm {
	return governance.Confirm{SafeTxHash: s.p.SafeTxs[tx].Hashes.SafeTx, Confirmation: governance.Confirmation{Owner: owners[owner], Kind: safe.KindECDSA, Via: governance.ViaPage}}
}

func (s *tale) ran(tx int, success bool, block uint64) governance.Executed {
	return governance.Executed{SafeTxHash: s.p.SafeTxs[tx].Hashes.SafeTx, Success: success, Transaction: governance.Transaction{TxHash: common.Hash{42}, Block: safe.Block{Number: block, Hash: common.Hash{byte(block)}}}}
}

func (s *tale) deep() governance.Final {
	return governance.Final{Transaction: s.p.Transactions[len(s.p.Transactions)-1]}
}

// reads is the postcondition as the prover reads it now: at the block of the effect, final where the effect is.
func (s *tale) reads(value string) governance.Proved {
	c := governance.Postcondition{Text: "getPaused(usdc) = true", Value: value, OK: value == "true", Block: 101}
	if e := s.p.Effect(); e != nil {
		c.Block, c.Final = e.Block.Number, e.Status == governance.TxStatusFinal
	}
	return governance.Proved{Postconditions: []governance.Postcondition{c}}
}

// proves lets the prover read the postcondition.
func (s *tale) proves(value string) *tale {
	s.t.Helper()
	return s.does(s.reads(value))
}

// reread lets the postcondition be read again at a later block.
func (s *tale) reread(value string, block uint64) *tale {
	s.t.Helper()
	later := s.reads(value).Postconditions
	later[0].Block = block
	return s.does(governance.Reread{Postconditions: later})
}

// runs tells that the timelock ran the operation.
func (s *tale) runs(block uint64) *tale {
	s.t.Helper()
	return s.does(governance.OperationRun{Transaction: governance.Transaction{TxHash: common.Hash{43}, Block: safe.Block{Number: block}}})
}

// vetoed is a cancel in the timelock that no reorganisation takes back.
func vetoed() governance.OperationSeen {
	return governance.OperationSeen{State: governance.OperationCanceled, Final: true}
}

func window(state governance.OperationState) governance.OperationSeen {
	return governance.OperationSeen{State: state, OpensAt: 2000}
}

func (s *tale) owed(kind governance.DutyKind) (n int) {
	for _, d := range s.duties {
		if d.Kind == kind {
			n++
		}
	}
	return n
}

func seen(nonce uint64, block uint64, threshold int, people ...common.Address) governance.SafeSeen {
	return governance.SafeSeen{State: safe.State{Block: safe.Block{Number: block}, Owners: people, Threshold: threshold, Nonce: nonce}}
}

func TestAPauseIsExecutedOnlyWhenFinalAndProven(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false).is(governance.StateProposed)
	s.does(s.yes(0, 0)).is(governance.StateProposed)
	s.does(s.yes(0, 1)).is(governance.StateApproved)
	if s.owed(governance.DutySubmit) != 1 {
		t.Errorf("quorum owes %d submissions, want 1", s.owed(governance.DutySubmit))
	}
	s.does(s.yes(0, 2)) // one more than needed owes nothing more
	s.does(governance.Sent{Transaction: governance.Transaction{TxHash: common.Hash{42}, Role: governance.PurposeDirect, SafeTxHash: s.p.SafeTxs[0].Hashes.SafeTx}}).is(governance.StateApproved)
	s.does(s.ran(0, true, 101)).is(governance.StateApproved)
	s.proves("true").is(governance.StateApproved) // mined and true is not executed yet
	s.does(s.deep()).is(governance.StateApproved) // final and unproven at that depth neither
	s.proves("true").is(governance.StateExecuted)
	if s.owed(governance.DutySubmit) != 1 || s.owed(governance.DutyProve) != 2 {
		t.Errorf("owed %d submissions and %d proofs, want 1 and 2", s.owed(governance.DutySubmit), s.owed(governance.DutyProve))
	}
}

func TestWhatIsFalseIsIneffectiveAndWhatIsUnreadIsNeither(t *testing.T) {
	final := func() *tale {
		s := proposed(t, governance.KindPause, 0, false)
		s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, true, 101))
		return s.does(s.deep())
	}
	final().proves("").is(governance.StateApproved)
	final().proves("false").is(governance.StateIneffective).proves("true").is(governance.StateExecuted)
}

func TestTheSameOwnersYesAgainIsKnown(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(s.yes(0, 0))
	version := s.p.Version
	s.does(s.yes(0, 0))
	if s.p.Version != version {
		t.Error("the same yes was recorded twice")
	}
}

func TestSignaturesThatAreRefused(t *testing.T) {
	s := proposed(t, governance.KindPause, 1, false)
	stranger := s.yes(0, 0)
	stranger.Confirmation.Owner = common.Address{99}
	s.refused(stranger, governance.CodeNotOwner)
	s.refused(governance.Confirm{SafeTxHash: common.Hash{5}}, governance.CodeWrongHash)
	s.does(governance.NonceTaken{SafeTxHash: s.p.SafeTxs[0].Hashes.SafeTx})
	s.refused(s.yes(0, 0), governance.CodeStaleHash)
	ended := proposed(t, governance.KindParameter, 0, false)
	ended.now = start.Add(25 * time.Hour)
	ended.does(governance.Tick{}).is(governance.StateExpired)
	ended.refused(ended.yes(0, 0), governance.CodeNotOpen)
}

func TestQuorumFollowsOwnersAndThresholdBothWays(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).is(governance.StateApproved)
	s.does(seen(7, 101, 3, owners...)).is(governance.StateProposed)
	s.does(seen(7, 102, 2, owners...)).is(governance.StateApproved)
	s.does(seen(7, 103, 2, owners[0], owners[2])).is(governance.StateProposed)
	s.does(seen(7, 104, 1, owners[0], owners[2])).is(governance.StateApproved)
	s.does(seen(7, 90, 3, owners...)).is(governance.StateApproved) // an older block says nothing
}

func TestAnEmergencyThatLosesItsNonceGoesOn(t *testing.T) {
	t.Run("on a spare with quorum it is approved at once", func(t *testing.T) {
		s := proposed(t, governance.KindPause, 1, false)
		s.does(s.yes(1, 0)).does(s.yes(1, 1)).is(governance.StateProposed) // a spare's quorum moves nothing yet
		s.does(governance.NonceTaken{SafeTxHash: s.p.SafeTxs[0].Hashes.SafeTx, By: common.Hash{66}}).is(governance.StateApproved)
		if s.owed(governance.DutySubmit) != 1 || s.owed(governance.DutyRebuild) != 0 {
			t.Errorf("owed %d submissions, %d rebuilds", s.owed(governance.DutySubmit), s.owed(governance.DutyRebuild))
		}
	})
	t.Run("without a spare it is rebuilt and asked again", func(t *testing.T) {
		s := proposed(t, governance.KindPause, 0, false)
		s.does(s.yes(0, 0)).does(s.yes(0, 1))
		s.does(governance.NonceTaken{SafeTxHash: s.p.SafeTxs[0].Hashes.SafeTx}).is(governance.StateProposed)
		if s.owed(governance.DutyRebuild) != 1 {
			t.Fatalf("owed %d rebuilds", s.owed(governance.DutyRebuild))
		}
		next := s.p.SafeTxs[0]
		next.State, next.Tx.Nonce, next.Confirmations = governance.TxAsking, 8, []governance.Confirmation{}
		next.Hashes = safe.Hash(s.p.Safe.Domain(), next.Tx)
		s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{next}, Why: "asked again at nonce 8"}).is(governance.StateProposed)
		s.does(s.yes(1, 0)).does(s.yes(1, 2)).is(governance.StateApproved)
	})
	t.Run("also when the Safe burnt it without effect", func(t *testing.T) {
		s := proposed(t, governance.KindPause, 0, false)
		s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, false, 101)).is(governance.StateProposed)
		if s.owed(governance.DutyRebuild) != 1 {
			t.Error("a burnt emergency is not rebuilt")
		}
	})
}

func TestARoutineProposalIsSupersededOrFailed(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(governance.NonceTaken{SafeTxHash: s.p.SafeTxs[0].Hashes.SafeTx, By: common.Hash{66}}).is(governance.StateSuperseded)
	if !strings.Contains(s.p.EndReason, common.Hash{66}.Hex()) {
		t.Errorf("it does not say what used the nonce: %q", s.p.EndReason)
	}
	f := proposed(t, governance.KindParameter, 0, false)
	f.does(f.yes(0, 0)).does(f.yes(0, 1)).does(f.ran(0, false, 101)).is(governance.StateFailed)
}

func TestWhatIsExecutedAfterItEndedIsExecuted(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false)
	s.does(s.yes(0, 0))
	s.now = start.Add(25 * time.Hour)
	s.does(governance.Tick{}).is(governance.StateExpired)
	s.does(s.ran(0, true, 200)).does(s.deep()).proves("true").is(governance.StateExecuted)
	if !strings.Contains(s.p.EndReason, "after it had ended as expired") {
		t.Errorf("it does not say that it had ended: %q", s.p.EndReason)
	}
}

func TestAReorganisationTakesBackWhatRestedOnTheBlock(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, true, 101)).does(s.deep()).proves("true").is(governance.StateExecuted)
	s.does(governance.Gone{Transaction: s.p.Transactions[0]}).is(governance.StateApproved)
	if len(s.p.Postconditions) != 0 || !s.p.EndedAt.IsZero() || s.p.EndReason != "" {
		t.Errorf("it still claims %v, ended %v %q", s.p.Postconditions, s.p.EndedAt, s.p.EndReason)
	}
	if s.owed(governance.DutySubmit) != 2 {
		t.Errorf("owed %d submissions, want another one", s.owed(governance.DutySubmit))
	}
	s.does(s.ran(0, true, 103)).does(s.deep()).proves("true").is(governance.StateExecuted)
}

func TestATimelockIsFollowedByItsReadings(t *testing.T) {
	queued := func() *tale {
		s := proposed(t, governance.KindParameter, 0, true)
		s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, true, 101))
		return s.does(window(governance.OperationWaiting)).is(governance.StateQueued)
	}
	s := queued().does(window(governance.OperationUnknown)).is(governance.StateQueued).does(window(governance.OperationReady)).is(governance.StateReady)
	if s.owed(governance.DutyExecuteOp) != 1 {
		t.Errorf("an open window owes %d executions", s.owed(governance.DutyExecuteOp))
	}
	s.runs(120).does(s.deep()).proves("true").is(governance.StateExecuted)
	queued().does(window(governance.OperationCanceled)).is(governance.StateQueued).does(vetoed()).is(governance.StateCanceled)
	queued().does(window(governance.OperationUnset)).is(governance.StateApproved)
}

func TestAReadyOperationThatOnlyTheSafeMayRunIsAskedAgain(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, true)
	s.p.Timelock.AnyoneMay = false
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.ran(0, true, 101)).does(window(governance.OperationWaiting)).does(window(governance.OperationReady)).is(governance.StateReady)
	if s.owed(governance.DutyExecuteOp) != 0 || s.owed(governance.DutyRebuild) != 1 {
		t.Fatalf("owed %d executions by anyone and %d drafts", s.owed(governance.DutyExecuteOp), s.owed(governance.DutyRebuild))
	}
	tx := safe.Tx{To: common.Address{77}, Nonce: 8}
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{{Purpose: governance.PurposeExecute, State: governance.TxAsking, Tx: tx, Hashes: safe.Hash(s.p.Safe.Domain(), tx), Confirmations: []governance.Confirmation{}}}})
	if a := s.p.Active(); a.Purpose != governance.PurposeExecute {
		t.Fatalf("the active SafeTx is the %s", a.Purpose)
	}
	s.does(s.yes(1, 0)).does(s.yes(1, 1)).is(governance.StateReady)
	if s.owed(governance.DutySubmit) != 2 {
		t.Errorf("owed %d submissions, want schedule and execute", s.owed(governance.DutySubmit))
	}
}

func TestChatEndsNoEmergencyThatAnOwnerSigned(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(governance.Speak{Opinion: governance.Opinion{Member: "mallory", What: "object", Text: "no"}}).is(governance.StateProposed)
	s.refused(governance.Withdraw{Member: "mallory"}, governance.CodeNotPermitted)
	s.does(s.yes(0, 0))
	s.refused(governance.Withdraw{Member: "alice"}, governance.CodeNotPermitted)
	typo := proposed(t, governance.KindPause, 0, false)
	typo.does(governance.Withdraw{Member: "alice"}).is(governance.StateCanceled)
	routine := proposed(t, governance.KindParameter, 0, false)
	routine.does(routine.yes(0, 0)).does(governance.Withdraw{Member: "alice"}).is(governance.StateProposed)
	routine.does(governance.Withdraw{Member: "alice"}).is(governance.StateProposed) // the same one twice is still one
	routine.does(governance.Withdraw{Member: "bob"}).is(governance.StateCanceled)
}

func TestAnEmergencyOutlivesItsDeadlineWhilePeopleSign(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.now = start.Add(23 * time.Hour)
	s.does(s.yes(0, 0))
	if want := s.now.Add(24 * time.Hour); !s.p.ExpiresAt.Equal(want) {
		t.Errorf("it expires at %v, want %v", s.p.ExpiresAt, want)
	}
}
