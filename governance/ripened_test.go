package governance_test

import (
	"slices"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"
)

func TestASparesQuorumOwesASendingOnce(t *testing.T) {
	s := proposed(t, governance.KindPause, 1, false)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).does(s.yes(1, 0))
	direct := s.p.SafeTxs[0].Hashes.SafeTx.Hex()
	for _, c := range []struct {
		name string
		in   governance.Input
		want []string
	}{
		{"the spare's quorum", s.yes(1, 1), []string{"P-1/000007/submit/" + direct}},
		{"a yes more for the spare", s.yes(1, 2), nil},
		{"an objection", governance.Speak{Opinion: governance.Opinion{Member: "bob", What: "object"}}, nil},
	} {
		before := s.p
		s.does(c.in)
		if got := workOf(before, s.p); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestABlindEmergencyIsDraftedAgainOnlyWhereNothingFillsTheGap stands before the Safe's agreed nonce 7 with something at 9.
func TestABlindEmergencyIsDraftedAgainOnlyWhereNothingFillsTheGap(t *testing.T) {
	older, newer := safe.Version{Major: 1, Minor: 2}, safe.Version{Major: 1, Minor: 3}
	for _, c := range []struct {
		name string
		at7  governance.SafeTxState // "": nothing
		rule safe.Version
		want bool
	}{
		{"nothing at 7", "", newer, true},
		{"what hashes by a rule of the past at 7", governance.TxDead, older, true},
		{"what lost 7 a moment ago", governance.TxDead, newer, false},
		{"something at 7 asks", governance.TxAsking, newer, false},
		{"something at 7 is approved", governance.TxApproved, newer, false},
	} {
		p := drafted(governance.KindPause, 0, false)
		p.State, p.Blind, p.SafeTxs[0].Tx.Nonce, p.Safe.Version = governance.StateProposed, "no agreement", 9, newer
		if c.at7 != "" {
			p.SafeTxs = append(p.SafeTxs, governance.SafeTx{Purpose: governance.PurposeSpare, State: c.at7, Rule: c.rule, Tx: safe.Tx{Nonce: 7}})
		}
		if got := p.NeedsDraft(); got != c.want {
			t.Errorf("%s: needs a draft is %t", c.name, got)
		}
	}
}

func TestALowerThresholdIsTheQuorumOfEachThatHasIt(t *testing.T) {
	s := proposed(t, governance.KindPause, 1, false)
	s.does(s.yes(0, 0)).does(s.yes(1, 0)).is(governance.StateProposed)
	s.does(seen(7, 101, 1, owners...)).is(governance.StateApproved)
	for i, tx := range s.p.SafeTxs {
		if tx.State != governance.TxApproved {
			t.Errorf("SafeTx %d is %s", i, tx.State)
		}
	}
}

func TestAnEmergencyIsExtendedFromHalfOfItsTimeOn(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	half := s.p.ExpiresAt.Add(-s.p.Policy.Expires / 2)
	for at, want := range map[time.Time]bool{half.Add(-1): false, half: true, half.Add(1): true} {
		events, err := governance.Decide(s.p, s.yes(0, 0), at)
		if err != nil {
			t.Fatal(err)
		}
		extended := slices.ContainsFunc(events, func(e governance.Event) bool { return e.Type == governance.EventExtended })
		if extended != want {
			t.Errorf("%s after half of its time: extended is %t", at.Sub(half), extended)
		}
	}
}

func TestAnotherAnswerIsNewAndTheSameIsNot(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	for _, c := range []struct {
		what, text string
		members    []string
		told       int // how many responses are recorded by then
	}{
		{"onit", "on my way", []string{"bob"}, 1},
		{"onit", "on my way", []string{"bob"}, 1},
		{"onit", "in five minutes", []string{"bob"}, 2},
		{"cant", "in five minutes", []string{"bob"}, 3},
		{"cant", "in five minutes", []string{"carol"}, 4},
		{"cant", "in five minutes", []string{"bob", "carol"}, 4},
	} {
		for _, member := range c.members {
			s.does(governance.Speak{Opinion: governance.Opinion{Member: member, What: c.what, Text: c.text}})
		}
		if n := s.told(governance.EventResponded); n != c.told {
			t.Errorf("%s %q by %v: %d are recorded, want %d", c.what, c.text, c.members, n, c.told)
		}
	}
}
