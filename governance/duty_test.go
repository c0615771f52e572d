package governance_test

import (
	"slices"
	"testing"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// workOf lists the duties of one change besides the cards.
func workOf(before, after governance.Proposal) (ids []string) {
	for _, d := range governance.Duties(before, after, nil, start) {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestEachDutyIsOwedOnItsEdgeAndOnce(t *testing.T) {
	pause := proposed(t, governance.KindPause, 0, false)
	direct := pause.p.SafeTxs[0].Hashes.SafeTx.Hex()
	ran := common.Hash{42}.Hex()
	noSpare := proposed(t, governance.KindPause, 0, false)
	ready := queued(t)
	onlySafe := queued(t)
	onlySafe.p.Timelock.AnyoneMay = false
	for _, c := range []struct {
		name string
		s    *tale
		in   func(*tale) governance.Input
		want []string
	}{
		{"the first yes owes nothing", pause, func(s *tale) governance.Input { return s.yes(0, 0) }, nil},
		{"quorum owes the sending", pause, func(s *tale) governance.Input { return s.yes(0, 1) }, []string{"P-1/000004/submit/" + direct}},
		{"one yes more owes nothing", pause, func(s *tale) governance.Input { return s.yes(0, 2) }, nil},
		{"an objection owes nothing", pause, func(*tale) governance.Input {
			return governance.Speak{Opinion: governance.Opinion{Member: "bob", What: "object"}}
		}, nil},
		{"a new owner owes nothing while the quorum stands", pause, func(*tale) governance.Input {
			return seen(7, 101, 2, append(slices.Clone(owners), common.Address{4})...)
		}, nil},
		{"a mined effect owes its proof", pause, func(s *tale) governance.Input { return s.ran(0, true, 101) }, []string{"P-1/000008/prove/" + ran + "/mined"}},
		{"the proof owes nothing", pause, func(s *tale) governance.Input { return s.reads("true") }, nil},
		{"a final effect owes its proof again", pause, func(s *tale) governance.Input { return s.deep() }, []string{"P-1/000010/prove/" + ran + "/final"}},
		{"the end owes nothing", pause, func(s *tale) governance.Input { return s.reads("true") }, nil},
		{"a lost nonce owes a draft", noSpare, func(s *tale) governance.Input { return governance.NonceTaken{SafeTxHash: s.p.SafeTxs[0].Hashes.SafeTx} }, []string{"P-1/000002/rebuild/proposed"}},
		{"an unread operation owes nothing", ready, func(*tale) governance.Input { return window(governance.OperationUnknown) }, nil},
		{"an open window owes the execution", ready, func(*tale) governance.Input { return window(governance.OperationReady) }, []string{"P-1/000008/execute/" + common.Hash{77}.Hex()}},
		{"where only the Safe may execute it owes a draft", onlySafe, func(*tale) governance.Input { return window(governance.OperationReady) }, []string{"P-1/000007/rebuild/ready"}},
	} {
		before := c.s.p
		c.s.does(c.in(c.s))
		if got := workOf(before, c.s.p); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestEveryChangeOwesOneCardAPlatform(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	before := s.p
	s.does(s.yes(0, 0))
	got := governance.Duties(before, s.p, []string{"slack", "discord"}, start)
	if len(got) != 2 || got[0].ID != "P-1/000002/card/slack" || got[1].ID != "P-1/000002/card/discord" || got[0].Target != "slack" || !got[0].Due.Equal(start) {
		t.Errorf("%+v", got)
	}
	if nothing := governance.Duties(s.p, s.p, []string{"slack"}, start); nothing != nil {
		t.Errorf("no change owes %+v", nothing)
	}
}

// TestASignedSpareIsSentWhereTheSafeIsFound: what was sent before, in doubt about the nonce, has worked off its duty.
func TestASignedSpareIsSentWhereTheSafeIsFound(t *testing.T) {
	spare := governance.SafeTx{Purpose: governance.PurposeSpare, State: governance.TxApproved, Hashes: safe.Hashes{SafeTx: common.Hash{8}}}
	spare.Tx.Nonce = 8
	active := governance.SafeTx{Purpose: governance.PurposeDirect, State: governance.TxApproved, Hashes: safe.Hashes{SafeTx: common.Hash{9}}}
	active.Tx.Nonce = 9
	before := governance.Proposal{ID: "P-1", Version: 4, State: governance.StateApproved, Kind: governance.KindPause, SafeTxs: []governance.SafeTx{active, spare}, SafeNonce: 7}
	for nonce, want := range map[uint64]int{7: 0, 8: 1, 9: 0} {
		after := before
		after.Version, after.SafeNonce = 5, nonce
		if got := len(governance.Duties(before, after, nil, start)); got != want {
			t.Errorf("with the Safe at %d %d duties are owed, want %d", nonce, got, want)
		}
	}
}
