package governance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// TestThePublicReadsTheNamesOfThoseWhoAgreed, and of nobody else, in any part of the view.
func TestThePublicReadsTheNamesOfThoseWhoAgreed(t *testing.T) {
	s := proposed(t, governance.KindParameter, 0, false) // by alice
	s.p.Policy.Visibility, s.p.Wallet = governance.VisiblePublic, common.Address{0xa1}
	for i, name := range []string{"bobby", "carol"} {
		yes := s.yes(0, i)
		yes.Confirmation.Member = name
		s.does(yes)
	}
	f := governance.Facts{Members: map[common.Address]string{owners[0]: "bobby", owners[1]: "carol"}}
	for i, e := range s.events {
		f.Events = append(f.Events, governance.Recorded{Seq: uint64(i), Event: e})
	}
	for _, c := range []struct {
		agreed       []string
		want, unwant string
	}{
		{nil, "a member", "alice bobby carol"},
		{[]string{"bobby"}, "bobby", "alice carol"},
		{[]string{"alice", "carol"}, "alice carol", "bobby"},
	} {
		f.PublicNames = c.agreed
		v, ok := governance.NewView(s.p, f, governance.Viewer{})
		text, err := json.Marshal(v)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		for _, name := range strings.Fields(strings.ReplaceAll(c.want, "a member", "member")) {
			if !strings.Contains(string(text), name) {
				t.Errorf("%v agreed, and %q is not there:\n%s", c.agreed, name, text)
			}
		}
		for _, name := range strings.Fields(c.unwant) {
			if strings.Contains(string(text), name) {
				t.Errorf("%v agreed, and the public reads %q:\n%s", c.agreed, name, text)
			}
		}
	}
	f.PublicNames = nil
	if v, _ := governance.NewView(s.p, f, governance.Viewer{}); v.Wallet != "" {
		t.Errorf("the proposer did not agree, and the public reads the wallet %s", v.Wallet)
	}
}
