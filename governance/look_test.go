package governance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

func TestEmbargo(t *testing.T) {
	for _, c := range []struct {
		visibility governance.Visibility
		state      governance.State
		public     bool
	}{
		{governance.VisiblePublic, governance.StateProposed, true},
		{governance.VisibleAfterExecution, governance.StateProposed, false},
		{governance.VisibleAfterExecution, governance.StateApproved, false},
		{governance.VisibleAfterExecution, governance.StateQueued, true},
		{governance.VisibleAfterExecution, governance.StateExecuted, true},
		{governance.VisibleAfterExecution, governance.StateIneffective, true},
		{governance.VisibleAfterExecution, governance.StateExpired, false},
		{governance.VisiblePrivate, governance.StateExecuted, false},
	} {
		t.Run(fmt.Sprintf("%s in %s", c.visibility, c.state), func(t *testing.T) {
			p := drafted(governance.KindPause, 0, false)
			p.State, p.Policy.Visibility = c.state, c.visibility
			p.Timelock = &governance.Operation{}
			if _, shown := governance.NewView(p, governance.Facts{}, governance.Viewer{}); shown != c.public {
				t.Errorf("the public sees it: %v", shown)
			}
			if p.Visible(governance.AudiencePublic) != c.public || !p.Visible(governance.AudienceKey) {
				t.Error("visible to the wrong people")
			}
			p.Disclosed = true
			if !p.Visible(governance.AudiencePublic) {
				t.Error("disclosed, and not visible")
			}
		})
	}
}

func TestThePublicReadsNoNamesAndNoWordsOfTheWarRoom(t *testing.T) {
	s := proposed(t, governance.KindPause, 0, false)
	confirm := s.yes(0, 0)
	confirm.Confirmation.Member = "bob"
	s.does(confirm).does(governance.Speak{Opinion: governance.Opinion{Member: "carol", What: "object", Text: "wait for dave"}}).does(governance.Disclose{Member: "alice"})
	facts := governance.Facts{PublicID: "opaque", Members: map[common.Address]string{owners[0]: "bob"}}
	for i, e := range s.events {
		facts.Events = append(facts.Events, governance.Recorded{Seq: uint64(100 + i), Proposal: "P-1", Event: e})
	}
	v, ok := governance.NewView(s.p, facts, governance.Viewer{Audience: governance.AudiencePublic})
	if !ok {
		t.Fatal("disclosed, and not visible")
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"alice", "bob", "carol", "dave", "oracle is off", "P-1", `"seq":10`} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the public can read %q in %s", secret, text)
		}
	}
	room, _ := governance.NewView(s.p, facts, governance.Viewer{Audience: governance.AudienceWarRoom})
	if room.Reason.Raw() != "oracle is off" || room.Proposer != "alice" || room.ID != "P-1" {
		t.Errorf("the war room reads %q by %q as %q", room.Reason.Raw(), room.Proposer, room.ID)
	}
}

// TestThePublicIsNotToldWhichProposalIsVetoed, neither as its subject nor in its story.
func TestThePublicIsNotToldWhichProposalIsVetoed(t *testing.T) {
	s := proposed(t, governance.KindCancel, 0, false)
	s.p.Policy.Visibility, s.p.Subject = governance.VisiblePublic, "P-77"
	for audience, told := range map[governance.Audience]bool{governance.AudiencePublic: false, governance.AudienceKey: true} {
		text, err := json.Marshal(s.view(audience))
		if err != nil || strings.Contains(string(text), "P-77") != told {
			t.Errorf("audience %d, %v:\n%s", audience, err, text)
		}
	}
}
