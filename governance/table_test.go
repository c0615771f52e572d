package governance_test

import (
	"slices"
	"strings"
	"testing"

	"belay/governance"
)

// What a chain reports is taken in every state that a proposal can stand in.
const chainFacts = "owners upgraded submitted mined unmined final nonce_used nonce_freed window postcondition executed ineffective "

// takes says, by hand and independently of the table, which events each state takes.
var takes = map[governance.State]string{
	"":                       "proposed",
	governance.StateProposed: chainFacts + "setup joined quorum quorum_lost scheduled canceled superseded failed rebuilt expired confirmed endorsed objected lifted responded extended withdrawn disclosed",
	governance.StateApproved: chainFacts + "setup joined quorum quorum_lost scheduled canceled expired superseded failed rebuilt confirmed objected lifted responded released withdrawn disclosed",
	// Nobody can sign, withdraw or extend what the timelock holds, but owners may veto it there.
	governance.StateQueued: chainFacts + "setup joined quorum quorum_lost canceled expired objected lifted responded disclosed",
	governance.StateReady:  chainFacts + "setup joined quorum quorum_lost canceled expired failed rebuilt confirmed objected lifted responded released disclosed",
	// What took effect cannot be scheduled any more; what ended without effect can, by whoever holds the signatures.
	governance.StateExecuted:    chainFacts + "undone disclosed",
	governance.StateIneffective: chainFacts + "disclosed",
	governance.StateCanceled:    chainFacts + "disclosed scheduled",
	governance.StateExpired:     chainFacts + "disclosed scheduled",
	governance.StateSuperseded:  chainFacts + "disclosed scheduled",
	governance.StateFailed:      chainFacts + "disclosed scheduled",
}

func TestEveryPairOfStateAndEventIsLegalOrNot(t *testing.T) {
	for _, state := range append([]governance.State{""}, governance.States...) {
		want := strings.Fields(takes[state])
		for _, event := range governance.EventTypes {
			if expected := slices.Contains(want, string(event)); governance.Legal(state, event) != expected {
				t.Errorf("%q in state %q: legal is %v, want %v", event, state, !expected, expected)
			}
		}
		for _, name := range want {
			if !slices.Contains(governance.EventTypes, governance.EventType(name)) {
				t.Errorf("state %q expects the event %q, which does not exist", state, name)
			}
		}
	}
}

func TestTheTableNamesOnlyStatesAndEventsThatExist(t *testing.T) {
	for from, row := range governance.Table() {
		if from != "" && !slices.Contains(governance.States, from) {
			t.Errorf("the table has a row for %q", from)
		}
		for event, to := range row {
			if !slices.Contains(governance.EventTypes, event) {
				t.Errorf("%q takes the event %q, which does not exist", from, event)
			}
			for _, s := range to {
				if !slices.Contains(governance.States, s) {
					t.Errorf("%q leads from %q to %q", event, from, s)
				}
			}
		}
	}
}

func TestAnEndTakesNothingThatPeopleAskFor(t *testing.T) {
	for _, s := range governance.States {
		for _, asked := range []governance.EventType{"confirmed", "endorsed", "objected", "lifted", "responded", "extended", "withdrawn", "released", "rebuilt", "quorum"} {
			if s.Ended() && governance.Legal(s, asked) {
				t.Errorf("%s has ended and takes %q", s, asked)
			}
		}
	}
}
