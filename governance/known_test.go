package governance_test

import (
	"testing"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

func TestASafeDiffersByWhatWasReadAndNothingElse(t *testing.T) {
	known := governance.SafeRef{Version: safe.V1_4_1, Verified: safe.VerifiedByCode, Singleton: common.Address{1}}
	for name, c := range map[string]struct {
		read safe.State
		want bool
	}{
		"nothing was read":     {safe.State{}, false},
		"the same":             {safe.State{Version: safe.V1_4_1, Verified: safe.VerifiedByCode, Singleton: common.Address{1}}, false},
		"another version":      {safe.State{Version: safe.V1_3_0}, true},
		"another singleton":    {safe.State{Singleton: common.Address{2}}, true},
		"unpublished":          {safe.State{Verified: safe.VerifiedByProvider}, true},
		"published, otherwise": {safe.State{Verified: safe.VerifiedByAddress}, false},
	} {
		if got := known.Differs(c.read); got != c.want {
			t.Errorf("%s: differs is %t", name, got)
		}
	}
}

// TestWhatReplacesAConfirmation: a word that may not hold any more gives way, what holds by itself stays.
func TestWhatReplacesAConfirmation(t *testing.T) {
	of := func(kind safe.Kind, hash byte) *governance.Confirmation {
		return &governance.Confirmation{Kind: kind, SignatureHash: common.Hash{hash}}
	}
	for name, c := range map[string]struct {
		held, next *governance.Confirmation
		want       bool
	}{
		"the first":                            {nil, of(safe.KindECDSA, 1), true},
		"a signature again":                    {of(safe.KindECDSA, 1), of(safe.KindECDSA, 2), false},
		"an approval after a signature":        {of(safe.KindECDSA, 1), of(safe.KindApprovedHash, 0), false},
		"a signature after an approval":        {of(safe.KindApprovedHash, 0), of(safe.KindECDSA, 1), true},
		"a prefixed one after an approval":     {of(safe.KindApprovedHash, 0), of(safe.KindEthSign, 1), true},
		"an approval again":                    {of(safe.KindApprovedHash, 0), of(safe.KindApprovedHash, 0), false},
		"a contract's word after an approval":  {of(safe.KindApprovedHash, 0), of(safe.KindEIP1271, 1), false},
		"a contract's word after a signature":  {of(safe.KindECDSA, 1), of(safe.KindEIP1271, 1), false},
		"the same word of a contract":          {of(safe.KindEIP1271, 1), of(safe.KindEIP1271, 1), false},
		"a newer word of a contract":           {of(safe.KindEIP1271, 1), of(safe.KindEIP1271, 2), true},
		"an approval after a contract's word":  {of(safe.KindEIP1271, 0), of(safe.KindApprovedHash, 0), true},
		"a signature after a contract's word?": {of(safe.KindEIP1271, 1), of(safe.KindECDSA, 1), true},
	} {
		if got := c.next.Replaces(c.held); got != c.want {
			t.Errorf("%s: replaces is %t", name, got)
		}
	}
}

func TestASubmissionHoldsItsNonceUntilItIsOver(t *testing.T) {
	for state, want := range map[governance.SubmissionState]bool{
		governance.SubmissionSigned: true, governance.SubmissionAccepted: true, governance.SubmissionMined: true,
		governance.SubmissionFinal: false, governance.SubmissionMoot: false,
	} {
		if got := (governance.Submission{State: state}).Open(); got != want {
			t.Errorf("%s: open is %t", state, got)
		}
	}
}

func TestTwoProposalsMeetAtAContractOfOneChain(t *testing.T) {
	on := func(chain uint64, to ...byte) governance.Proposal {
		p := governance.Proposal{Safe: governance.SafeRef{ChainID: chain}}
		for _, b := range to {
			p.Intent = append(p.Intent, safe.Call{To: common.Address{b}})
		}
		return p
	}
	for name, c := range map[string]struct {
		a, b governance.Proposal
		want bool
	}{
		"one contract":       {on(1, 5, 6), on(1, 7, 6), true},
		"other contracts":    {on(1, 5, 6), on(1, 7, 8), false},
		"on another chain":   {on(1, 5), on(10, 5), false},
		"one calls nothing":  {on(1, 5), on(1), false},
		"the very same call": {on(1, 5), on(1, 5), true},
	} {
		if c.a.Meets(c.b) != c.want || c.b.Meets(c.a) != c.want {
			t.Errorf("%s: they meet is %t", name, c.a.Meets(c.b))
		}
	}
}

func TestAnOwnerStandsBehindWhatIsSignedOrOnChain(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	if s.p.Backed() {
		t.Error("nobody signed, and it is backed")
	}
	if s.does(s.yes(0, 0)); !s.p.Backed() {
		t.Error("an owner signed, and it is not backed")
	}
	strangers := proposed(t, governance.KindPause, 0, false)
	if strangers.does(strangers.ran(0, true, 101)); !strangers.p.Backed() {
		t.Error("the chain ran it, by signatures that we never saw, and it is not backed")
	}
}

func TestAllOwnersOfAOneOfThreeMustObjectToEndIt(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	s.does(seen(7, 101, 1, owners...))
	s.does(s.objects(0)).does(s.objects(1)).is(governance.StateProposed)
	s.does(s.objects(2)).is(governance.StateCanceled)
}

func TestOnlyOurActionsAreKnown(t *testing.T) {
	for action, want := range map[governance.Action]bool{governance.ActionObject: true, governance.ActionLift: true, "": false, "sell": false} {
		if action.Known() != want {
			t.Errorf("%q: known is %t", action, action.Known())
		}
	}
}

func TestTheStoryTellsWhyItWasExtended(t *testing.T) {
	until := start.Add(48 * 3600e9)
	for reason, want := range map[string]string{"": "extended it until 2026-11-22T02:00:00Z", "the auditors": "open until 2026-11-22T02:00:00Z, for the auditors"} {
		s := proposed(t, governance.KindParameter, 0, false)
		s.events = append(s.events, governance.Event{Type: governance.EventExtended, At: start, By: "bob", Until: &until, Text: reason})
		events := s.view(governance.AudienceWarRoom).Events
		if got := events[len(events)-1].Text.Raw(); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}
