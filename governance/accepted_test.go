package governance_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

var acceptedAt = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

// accepted is an earlier set whose wallets were all known before it.
func accepted(require int, wallets map[common.Address]string) governance.Accepted {
	a := governance.Accepted{Manifest: common.Hash{77}, Require: require, At: acceptedAt}
	for wallet, member := range wallets {
		a.Wallets = append(a.Wallets, governance.AcceptedWallet{Wallet: wallet, Member: member})
	}
	return a
}

// whose gives wallets to members: the n-th key to the n-th name, "" to nobody.
func whose(names ...string) map[common.Address]string {
	all := map[common.Address]string{}
	for i, name := range names {
		if name != "" {
			all[walletFor(byte(i+1))] = name
		}
	}
	return all
}

// TestAChangedSetTakesWalletsOfTheLastOne: whoever writes the files can give wallets to every member and write any rule, and is no
// closer to an emergency.
func TestAChangedSetTakesWalletsOfTheLastOne(t *testing.T) {
	m := governance.NewManifest(smallSet(t))
	vouch := func(member string, n byte) governance.Vouch { return vouchOf(t, m.Hash(), member, n) }
	before := whose("alice", "bob", "carol")
	for name, c := range map[string]struct {
		asked, require int
		before, now    map[common.Address]string
		vouches        []governance.Vouch
		missing        int
		banner         string
		strangers      int
	}{
		"known wallets": {2, 2, before, before, []governance.Vouch{vouch("alice", 1), vouch("bob", 2)}, 0, "", 0},
		"second wallets of known names": {2, 2, before, whose("alice", "bob", "carol", "alice", "bob"), []governance.Vouch{vouch("alice", 4), vouch("bob", 5)}, 2,
			"is signed by 0 of the 2 members that it takes by the last accepted set, with wallets that they had there: no new emergency", 2},
		"one known and one new": {2, 2, before, whose("alice", "bob", "carol", "", "bob"), []governance.Vouch{vouch("alice", 1), vouch("bob", 5)}, 1, "signed by 1 of the 2 members that it takes by the last", 1},
		"a lost wallet replaced by those who have theirs": {2, 2, before, whose("alice", "", "carol", "", "bob"),
			[]governance.Vouch{vouch("alice", 1), vouch("bob", 5), vouch("carol", 3)}, 0, "", 0},
		"a known wallet under another name":           {1, 1, before, whose("alicia", "bob"), []governance.Vouch{vouch("alicia", 1)}, 0, "", 0},
		"two wallets of one member made two people":   {2, 2, whose("alice", "alice", "bob"), whose("alice", "bob"), []governance.Vouch{vouch("alice", 1), vouch("bob", 2)}, 1, "signed by 1 of the 2", 1},
		"a known name's new wallet beside the known":  {1, 1, before, whose("alice", "bob", "", "alice"), []governance.Vouch{vouch("alice", 4), vouch("alice", 1)}, 0, "", 0},
		"the rule taken out, nobody signed":           {2, 0, before, before, nil, 2, "is signed by 0 of the 2 members that it takes by the last accepted set", 0},
		"the rule taken out, as the old one asks":     {2, 0, before, before, []governance.Vouch{vouch("alice", 1), vouch("bob", 2)}, 0, "", 0},
		"the rule lowered, as the new one asks":       {2, 1, before, before, []governance.Vouch{vouch("alice", 1)}, 1, "signed by 1 of the 2 members that it takes by the last", 0},
		"the rule raised, as the old one asks":        {1, 2, before, before, []governance.Vouch{vouch("alice", 1)}, 1, "signed by 1 of the 2 members that it takes:", 0},
		"the rule raised, a new member among enough":  {1, 2, before, whose("alice", "", "", "dora"), []governance.Vouch{vouch("alice", 1), vouch("dora", 4)}, 0, "", 0},
		"a known wallet that is no member's any more": {1, 0, before, whose("", "bob"), []governance.Vouch{vouch("alice", 1)}, 1, "signed by 0 of the 1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			last := accepted(c.asked, c.before)
			v, _ := m.Judge(site, c.require, c.now, c.vouches, last)
			if v.Missing() != c.missing || v.Enough() != (c.missing == 0) {
				t.Errorf("%d are missing, want %d: %+v", v.Missing(), c.missing, v)
			}
			if len(c.vouches) == 2 && c.vouches[0].Member == c.vouches[1].Member && (len(v.Signed) != 1 || v.Signed[0].New) {
				t.Errorf("a member with a known wallet is shown with a new one: %+v", v.Signed)
			}
			if got := v.Banner(); c.banner == "" && got != "" || !strings.Contains(got, c.banner) || strings.Contains(got, "alice") {
				t.Errorf("the banner is %q, want %q", got, c.banner)
			}
			if got := v.Strangers(); len(got) != c.strangers || len(got) > 0 && !strings.Contains(got[0], "is new since the last accepted set") {
				t.Errorf("it says of new wallets %q, want %d", got, c.strangers)
			}
			if next, changed := v.Accept(last, c.now, acceptedAt); changed != (c.missing == 0) || !changed && next.Manifest != last.Manifest {
				t.Errorf("accepted: %v, as %+v", changed, next)
			}
		})
	}
}

// TestEveryStepKeepsTheChain: the first set is accepted as it is; from then on each is compared with the one before, also after a restart.
func TestEveryStepKeepsTheChain(t *testing.T) {
	first, second := governance.NewManifest(smallSet(t)), governance.NewManifest(smallSet(t)[1:])
	judge := func(m governance.Manifest, require int, wallets map[common.Address]string, last governance.Accepted, vouches ...governance.Vouch) governance.Vouched {
		v, doubts := m.Judge(site, require, wallets, vouches, last)
		if len(doubts) > 0 {
			t.Fatal(doubts)
		}
		return v
	}
	alice := whose("alice")
	none := governance.Accepted{}
	if next, changed := judge(first, 0, alice, none, vouchOf(t, first.Hash(), "alice", 1)).Accept(none, alice, acceptedAt); changed || next.Remembers() {
		t.Errorf("a set without a rule is remembered: %+v", next)
	}
	if _, changed := judge(first, 1, alice, none).Accept(none, alice, acceptedAt); changed {
		t.Error("an unsigned set is accepted")
	}
	v := judge(first, 1, alice, none, vouchOf(t, first.Hash(), "alice", 1))
	one, changed := v.Accept(none, alice, acceptedAt)
	if want := []governance.AcceptedWallet{{Wallet: walletFor(1), Member: "alice", New: true, Signed: true}}; !changed || !v.FirstUse || !one.FirstUse || one.Manifest != first.Hash() || one.Require != 1 || !one.At.Equal(acceptedAt) || !slices.Equal(one.Wallets, want) {
		t.Fatalf("the first use is %+v", one)
	}
	again := judge(first, 1, alice, one, vouchOf(t, first.Hash(), "alice", 1))
	if _, changed := again.Accept(one, alice, acceptedAt); changed || !again.Enough() || !again.FirstUse || !again.Signed[0].New {
		t.Errorf("after a restart it stands as %+v", again)
	}

	both := whose("alice", "bob")
	v = judge(second, 1, both, one, vouchOf(t, second.Hash(), "alice", 1), vouchOf(t, second.Hash(), "bob", 2))
	two, changed := v.Accept(one, both, acceptedAt)
	isNew := map[string]bool{}
	for _, w := range two.Wallets {
		isNew[w.Member] = w.New
	}
	if !changed || two.FirstUse || v.FirstUse || !maps.Equal(isNew, map[string]bool{"alice": false, "bob": true}) {
		t.Errorf("the second is %+v", two)
	}
	if v = judge(second, 1, both, two, vouchOf(t, second.Hash(), "bob", 2)); !v.Enough() || !v.Signed[0].New {
		t.Errorf("what came with the set is not shown as new after a restart: %+v", v)
	}
	if v = judge(first, 1, both, two, vouchOf(t, first.Hash(), "bob", 2)); !v.Enough() || v.Signed[0].New {
		t.Errorf("in the next set it is not known: %+v", v)
	}
	agreed, changed := judge(first, 0, both, two, vouchOf(t, first.Hash(), "bob", 2)).Accept(two, both, acceptedAt)
	if !changed || agreed.Remembers() {
		t.Errorf("members agreed to have no rule, and it remembers %+v", agreed)
	}
}

// TestForgettingIsToldUntilMembersVouchAnew: the operator's way out is on every card.
func TestForgettingIsToldUntilMembersVouchAnew(t *testing.T) {
	m := governance.NewManifest(smallSet(t))
	forgot := accepted(2, whose("alice", "bob")).Forget(acceptedAt.Add(time.Millisecond))
	if forgot.Remembers() || forgot.Forgotten != (common.Hash{77}) || !forgot.ForgotAt.Equal(acceptedAt) {
		t.Fatalf("forgotten it is %+v", forgot)
	}
	now := whose("", "", "", "alice", "bob")
	for name, c := range map[string]struct {
		require int
		vouches []governance.Vouch
		want    []string
	}{
		"nobody signed":              {2, nil, []string{"signed by 0 of the 2 members", "On 2026-11-21 the operator had it forgotten"}},
		"one signed":                 {2, []governance.Vouch{vouchOf(t, m.Hash(), "alice", 4)}, []string{"signed by 1 of the 2 members", "On 2026-11-21 the operator"}},
		"no signatures are asked":    {0, []governance.Vouch{vouchOf(t, m.Hash(), "alice", 4)}, []string{"On 2026-11-21 the operator"}},
		"as many as it takes signed": {2, []governance.Vouch{vouchOf(t, m.Hash(), "alice", 4), vouchOf(t, m.Hash(), "bob", 5)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := m.Judge(site, c.require, now, c.vouches, forgot)
			got := v.Banner()
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("the banner is %q, want %q", got, want)
				}
			}
			next, changed := v.Accept(forgot, now, acceptedAt)
			if c.want == nil && (got != "" || !changed || !next.FirstUse || next.Forgotten != forgot.Forgotten || !next.ForgotAt.Equal(forgot.ForgotAt)) {
				t.Errorf("signed anew, the banner is %q and it remembers %+v", got, next)
			}
			if c.want != nil && changed {
				t.Errorf("it is accepted: %+v", next)
			}
		})
	}
}

// TestANewWalletIsShownBesideTheName: a label, and only to those who read names.
func TestANewWalletIsShownBesideTheName(t *testing.T) {
	m := governance.NewManifest(smallSet(t))
	now := whose("alice", "bob", "", "bob")
	vouches := []governance.Vouch{vouchOf(t, m.Hash(), "alice", 1), vouchOf(t, m.Hash(), "bob", 4)}
	p := signed(t, governance.KindUnpause, 0, false).p
	p.Policy.Visibility = governance.VisiblePublic
	wallet := walletFor(4).Hex()
	label := wallet[:6] + "…" + wallet[38:]
	for name, c := range map[string]struct {
		last   governance.Accepted
		viewer governance.Audience
		want   string
	}{
		"members, before a first use": {governance.Accepted{Require: 3}, governance.AudienceWarRoom, "bob with " + label + " on 2020-01-02"},
		"members":                     {accepted(1, whose("alice", "bob")), governance.AudienceWarRoom, "signed by alice on 2020-01-02, bob with " + label + " on 2020-01-02"},
		"the public":                  {accepted(1, whose("alice", "bob")), governance.AudiencePublic, "signed by a member on 2020-01-02, a member on 2020-01-02"},
		"the public, on first use":    {governance.Accepted{}, governance.AudiencePublic, "a member on 2020-01-02; accepted on first use"},
		"members, on first use":       {governance.Accepted{}, governance.AudienceWarRoom, "bob with " + label + " on 2020-01-02; accepted on first use"},
		"members, while not enough":   {accepted(2, whose("alice", "bob")), governance.AudienceWarRoom, "signed by alice on 2020-01-02, bob with " + label + " on 2020-01-02"},
		"members, where all is known": {accepted(2, now), governance.AudienceWarRoom, "signed by alice on 2020-01-02, bob on 2020-01-02"},
	} {
		t.Run(name, func(t *testing.T) {
			standing, _ := m.Judge(site, 2, now, vouches, c.last)
			v, ok := governance.NewView(p, governance.Facts{Manifest: standing}, governance.Viewer{Audience: c.viewer})
			if !ok || v.Manifest == nil || !strings.HasSuffix(v.Manifest.Line(), c.want) {
				t.Fatalf("the line is %q, want %q", v.Manifest.Line(), c.want)
			}
			if short := strings.Contains(v.Manifest.Line(), wallet); short {
				t.Error("the whole wallet is in a line that is no place to compare")
			}
		})
	}
}
