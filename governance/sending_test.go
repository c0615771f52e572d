package governance_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

func (s *tale) status() string {
	s.t.Helper()
	return s.view(governance.AudienceWarRoom).Status
}

// notes are those of the war room, or of the public.
func (s *tale) notes(a governance.Audience, submissions ...governance.Submission) []string {
	f := s.facts()
	f.Submissions = submissions
	v, ok := governance.NewView(s.p, f, governance.Viewer{Audience: a})
	if !ok {
		s.t.Fatalf("audience %d may not see it", a)
	}
	return v.Notes
}

func (s *tale) sent() *tale {
	s.t.Helper()
	t := s.p.Active()
	return s.does(governance.Sent{Transaction: governance.Transaction{TxHash: common.Hash{42}, Role: t.Purpose, SafeTxHash: t.Hashes.SafeTx}})
}

func TestTheStatusTellsWhyANewTransactionIsDrafted(t *testing.T) {
	upgraded := signed(t, governance.KindPause, 0, false)
	upgraded.does(runsCode(safe.V1_1_1, 101, safe.VerifiedByCode))
	if got := upgraded.status(); got != "The Safe was upgraded; a new transaction is being drafted" {
		t.Errorf("upgraded: %q", got)
	}
	used := signed(t, governance.KindPause, 0, false)
	used.loses(0)
	if got := used.status(); got != "Its nonce was used; a new transaction is being drafted" {
		t.Errorf("its nonce used: %q", got)
	}
}

// TestAProvenQuorumAtALaterNonceWaits: until its turn has come it is neither sent nor said to be.
func TestAProvenQuorumAtALaterNonceWaits(t *testing.T) {
	s := signed(t, governance.KindParameter, 0, false)
	s.p.SafeNonce = 5
	const waits, note = "Quorum reached at nonce 7, which waits: the Safe is at nonce 5", "It waits: the Safe is at nonce 5, this uses nonce 7."
	if got := s.status(); got != waits {
		t.Errorf("not sent: %q", got)
	}
	if !slices.Contains(s.notes(governance.AudienceWarRoom), note) {
		t.Errorf("notes %q", s.notes(governance.AudienceWarRoom))
	}
	if got := s.sent().status(); got != waits {
		t.Errorf("sent to a provider that holds it back: %q", got)
	}
	s.does(s.ran(0, true, 101))
	s.p.SafeNonce = 5 // the Safe is read a moment later than its event
	if got := s.status(); got != "Mined, 2 of 2" {
		t.Errorf("mined: %q", got)
	}
	for _, at := range []string{"mined", "final"} {
		if slices.Contains(s.notes(governance.AudienceWarRoom), note) {
			t.Errorf("%s, and it is said to wait", at)
		}
		s.does(s.deep())
	}
	ended := signed(t, governance.KindParameter, 0, false).does(governance.Withdraw{Member: "alice"}).does(governance.Withdraw{Member: "bob"})
	ended.p.SafeNonce = 5
	if slices.Contains(ended.notes(governance.AudienceWarRoom), note) {
		t.Error("it ended, and is said to wait")
	}
}

func TestTheStatusTellsWhatTheSendingWaitsFor(t *testing.T) {
	for name, c := range map[string]struct {
		execute governance.Execute
		want    string
	}{
		"at quorum":  {governance.Execute{}, "Quorum reached, sending"},
		"by hand":    {governance.Execute{Manual: true}, "Quorum reached, waiting for the word to send"},
		"in a while": {governance.Execute{After: 10 * time.Minute}, "Quorum reached, sent 10m0s after it"},
	} {
		s := signed(t, governance.KindParameter, 0, false)
		s.p.Policy.Execute = c.execute
		if got := s.status(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := s.sent().status(); got != "Sent, not mined yet" {
			t.Errorf("%s, sent: %q", name, got)
		}
	}
}

func TestWhereTheFinalizedTagDecidesNoDepthIsCounted(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(s.ran(0, true, 101))
	for confirmations, want := range map[int]string{0: "Mined in block 101, not finalized yet", 1: "Mined, 2 of 1", 5: "Mined, 2 of 5"} {
		f := s.facts()
		f.Confirmations = confirmations
		if v, _ := governance.NewView(s.p, f, governance.Viewer{Audience: governance.AudienceWarRoom}); v.Status != want {
			t.Errorf("%d confirmations: %q, want %q", confirmations, v.Status, want)
		}
	}
}

func TestAWindowThatOnlyTheSafeMayUseIsToldSo(t *testing.T) {
	s := queued(t)
	s.p.Timelock.AnyoneMay = false
	s.does(window(governance.OperationReady))
	if got := s.status(); got != "The window is open. Only the Safe may execute; a transaction is being drafted" {
		t.Errorf("no transaction yet: %q", got)
	}
	execute := governance.SafeTx{Purpose: governance.PurposeExecute, State: governance.TxAsking, Tx: safe.Tx{Nonce: 8}, Hashes: safe.Hashes{SafeTx: common.Hash{8}}}
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{execute}})
	if got := s.status(); got != "The window is open. Needs 2 more" {
		t.Errorf("drafted: %q", got)
	}
}

// TestARelayerThatCannotGoOnIsTold: to members with the way out, to the public without our reasons, and not once it is over.
func TestARelayerThatCannotGoOnIsTold(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.p.Policy.Visibility = governance.VisiblePublic
	stuck, fine := governance.Submission{Problem: "its account is empty"}, governance.Submission{}
	with := func(notes []string, words string) bool {
		return slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, words) })
	}
	if !with(s.notes(governance.AudienceWarRoom, stuck), "The relayer cannot go on: its account is empty. Any wallet can send it") {
		t.Errorf("members are told %q", s.notes(governance.AudienceWarRoom, stuck))
	}
	if notes := s.notes(governance.AudiencePublic, stuck); !slices.Contains(notes, "The relayer cannot go on.") || strings.Contains(strings.Join(notes, " "), "empty") {
		t.Errorf("the public is told %q", notes)
	}
	for _, a := range []governance.Audience{governance.AudienceWarRoom, governance.AudiencePublic} {
		if with(s.notes(a, fine), "The relayer") {
			t.Errorf("audience %d: nothing is wrong, and it is told: %q", a, s.notes(a, fine))
		}
	}
	s.does(s.ran(0, true, 101)).does(s.deep()).proves("true").is(governance.StateExecuted)
	if with(s.notes(governance.AudienceWarRoom, stuck), "The relayer") {
		t.Error("it is executed, and the relayer's trouble is told")
	}
}

// TestTheStatusDoesNotSaySendingWhereNothingIsSent: the first line and the notes never contradict each other.
func TestTheStatusDoesNotSaySendingWhereNothingIsSent(t *testing.T) {
	problems := map[string]governance.Submission{
		"held":    {State: governance.SubmissionHeld, Problem: governance.HeldProblem + "alice objects"},
		"reverts": {State: governance.SubmissionHeld, Problem: governance.RevertProblem + "call reverted: paused already"},
		"broke":   {State: governance.SubmissionHeld, Problem: "its account is empty"},
		"refused": {State: governance.SubmissionSigned, Problem: "no provider takes the transaction"},
		"over":    {State: governance.SubmissionMoot, Problem: "nonce 7 of the Safe is used"},
		"fine":    {State: governance.SubmissionSigned},
	}
	for name, want := range map[string]struct {
		members, public, note string
		stuck                 bool
	}{
		"held":    {"held back", "not sent yet", "HELD BACK: alice objects.", false},
		"reverts": {"NOT SENT: it would revert", "NOT SENT: it would revert", "It would revert now, whoever sends it: call reverted: paused already. Spend no gas", false},
		"broke":   {"NOT SENT", "NOT SENT", "The relayer cannot go on: its account is empty. Any wallet can send it:", true},
		"refused": {"NOT SENT", "NOT SENT", "The relayer cannot go on: no provider takes the transaction. Any wallet can send it:", true},
		"over":    {"sending", "sending", "", false},
		"fine":    {"sending", "sending", "", false},
	} {
		open := queued(t).does(window(governance.OperationReady))
		for on, s := range map[string]*tale{"Quorum reached, ": signed(t, governance.KindPause, 0, false), "The window is open. ": open} {
			s.p.Policy.Visibility = governance.VisiblePublic
			f := s.facts()
			f.Submissions = []governance.Submission{problems[name]}
			members, _ := governance.NewView(s.p, f, governance.Viewer{Audience: governance.AudienceWarRoom})
			public, _ := governance.NewView(s.p, f, governance.Viewer{Audience: governance.AudiencePublic})
			if !strings.EqualFold(members.Status, on+want.members) || !strings.EqualFold(public.Status, on+want.public) {
				t.Errorf("%s: %q, to the public %q", name, members.Status, public.Status)
			}
			told := slices.ContainsFunc(members.Notes, func(n string) bool { return want.note != "" && strings.HasPrefix(n, want.note) })
			if told != (want.note != "") || members.Stuck != want.stuck {
				t.Errorf("%s: stuck %t, notes %q", name, members.Stuck, members.Notes)
			}
		}
	}
	s := signed(t, governance.KindPause, 0, false).sent()
	f := s.facts()
	f.Submissions = []governance.Submission{{State: governance.SubmissionAccepted, Problem: "the fee cap is reached"}}
	if v, _ := governance.NewView(s.p, f, governance.Viewer{Audience: governance.AudienceWarRoom}); v.Status != "Sent, not mined yet" {
		t.Errorf("what was sent is said to be %q", v.Status)
	}
}

func TestOnlyThosePrivateLinksCarryAKey(t *testing.T) {
	v := lives(t)["proposed"].view(governance.AudienceOperator)
	for name, c := range map[string]struct {
		public bool
		key    string
		want   string
	}{
		"private": {false, "k", "?key=k"}, "public": {true, "k", ""}, "without a key": {false, "", ""},
	} {
		w := v
		w.IsPublic = c.public
		keyed := w.Keyed(c.key)
		if keyed.Links.Self != v.Links.Self+c.want || keyed.Links.Sign != v.Links.Sign+c.want {
			t.Errorf("%s: %+v", name, keyed.Links)
		}
	}
}
