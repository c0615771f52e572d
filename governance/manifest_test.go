package governance_test

import (
	"crypto/ecdsa"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// thing is one item of a set.
func thing(t *testing.T, section, name string, said any) governance.ManifestItem {
	t.Helper()
	item, err := governance.NewManifestItem(section, name, said)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func smallSet(t *testing.T) []governance.ManifestItem {
	return []governance.ManifestItem{thing(t, "playbook", "pause-reserve", 1), thing(t, "member", "alice", "guardian"), thing(t, "member", "bob", "signer"), thing(t, "safe", "guardian", "0x1")}
}

func TestAManifestIsTheSameInAnyOrder(t *testing.T) {
	items := smallSet(t)
	want := governance.NewManifest(items).Hash()
	for range 20 {
		rand.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		if got := governance.NewManifest(items).Hash(); got != want {
			t.Fatalf("the order %v hashes to %s, not to %s", items, got, want)
		}
	}
	if got := governance.NewManifest(append(items, items[0])).Hash(); got != want {
		t.Error("the same thing said twice is another set")
	}
	if text := governance.NewManifest(items).Text(); crypto.Keccak256Hash([]byte(text)) != want || strings.Count(text, "\n") != len(items)+1 {
		t.Errorf("the hash is not that of the document\n%s", text)
	}
}

// TestANameCannotPoseAsTwoItems: a line break or a quote in a name stays in it.
func TestANameCannotPoseAsTwoItems(t *testing.T) {
	two := governance.NewManifest([]governance.ManifestItem{thing(t, "abi", "a", 1), thing(t, "abi", "b", 2)})
	line := strings.SplitN(two.Text(), "\n", 3)[1]
	forged := governance.ManifestItem{Section: "abi", Name: strings.TrimSuffix(strings.TrimPrefix(line, `["abi","`), `"]`) + "\"]\n[\"abi\",\"b", Hash: two[1].Hash}
	if one := governance.NewManifest([]governance.ManifestItem{forged}); one.Hash() == two.Hash() || strings.Count(one.Text(), "\n") != 2 {
		t.Errorf("one item reads as two:\n%s", one.Text())
	}
}

func TestADifferenceIsNamed(t *testing.T) {
	base := smallSet(t)
	for name, c := range map[string]struct {
		now  []governance.ManifestItem
		want []string
	}{
		"nothing":        {base, []string{}},
		"a changed one":  {append(slices.Clone(base[1:]), thing(t, "playbook", "pause-reserve", 2)), []string{"playbook pause-reserve changed"}},
		"a new one":      {append(slices.Clone(base), thing(t, "member", "mallory", "guardian")), []string{"member mallory added"}},
		"one less":       {base[:3], []string{"safe guardian removed"}},
		"a second":       {append(slices.Clone(base), thing(t, "safe", "guardian", "0x2")), []string{"safe guardian changed"}},
		"another kind":   {append(slices.Clone(base[:3]), thing(t, "timelock", "guardian", "0x1")), []string{"safe guardian removed", "timelock guardian added"}},
		"several things": {[]governance.ManifestItem{base[0], base[3], thing(t, "member", "bob", "guardian")}, []string{"member alice removed", "member bob changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, now := governance.NewManifest(base), governance.NewManifest(c.now)
			if got := now.Since(before); !slices.Equal(got, c.want) {
				t.Errorf("it says %q, want %q", got, c.want)
			}
			if same := before.Hash() == now.Hash(); same != (len(c.want) == 0) {
				t.Errorf("the hash is the same: %v", same)
			}
		})
	}
}

func TestSectionsSumUp(t *testing.T) {
	base := governance.NewManifest(smallSet(t))
	sections := base.Sections()
	if len(sections) != 3 || sections[0].Name != "member" || sections[0].Items != 2 || sections[2].Name != "safe" {
		t.Fatalf("%+v", sections)
	}
	after := governance.NewManifest(append(smallSet(t), thing(t, "member", "mallory", 1))).Sections()
	if after[0].Hash == sections[0].Hash || after[1] != sections[1] || after[2] != sections[2] {
		t.Errorf("a new member changes %+v to %+v", sections, after)
	}
}

const site = "https://belay.example.org"

// keyFor is a wallet of a test.
func keyFor(n byte) *ecdsa.PrivateKey {
	key, _ := crypto.ToECDSA(common.LeftPadBytes([]byte{n}, 32))
	return key
}

func walletFor(n byte) common.Address { return crypto.PubkeyToAddress(keyFor(n).PublicKey) }

// vouchOf is what a member's wallet signs.
func vouchOf(t *testing.T, set common.Hash, member string, n byte) governance.Vouch {
	t.Helper()
	v := governance.Vouch{Manifest: set, Member: member, Wallet: walletFor(n), Site: site, At: time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)}
	hash := v.Statement().Hash()
	raw, err := crypto.Sign(hash[:], keyFor(n))
	if err != nil {
		t.Fatal(err)
	}
	raw[64] += 27
	v.Signature = raw
	return v
}

func TestWhoVouchesIsCounted(t *testing.T) {
	m := governance.NewManifest(smallSet(t))
	wallets := map[common.Address]string{walletFor(1): "alice", walletFor(2): "bob", walletFor(3): "bob"}
	alice, bob := vouchOf(t, m.Hash(), "alice", 1), vouchOf(t, m.Hash(), "bob", 2)
	changed := func(v governance.Vouch, change func(*governance.Vouch)) governance.Vouch {
		v.Signature = slices.Clone(v.Signature)
		change(&v)
		return v
	}
	earlier := vouchOf(t, common.Hash{9}, "alice", 1)
	for name, c := range map[string]struct {
		vouches []governance.Vouch
		signed  []string
		doubt   string
		stale   bool
	}{
		"nobody":                          {nil, nil, "", false},
		"two members":                     {[]governance.Vouch{bob, alice}, []string{"alice", "bob"}, "", false},
		"two wallets of one member":       {[]governance.Vouch{bob, vouchOf(t, m.Hash(), "bob", 3)}, []string{"bob"}, "", false},
		"the same line twice":             {[]governance.Vouch{alice, alice}, []string{"alice"}, "", false},
		"another set":                     {[]governance.Vouch{earlier}, nil, "", true},
		"another set said to be this one": {[]governance.Vouch{changed(earlier, func(v *governance.Vouch) { v.Manifest = m.Hash() })}, nil, "is not one of " + walletFor(1).Hex(), false},
		"a wallet of nobody":              {[]governance.Vouch{vouchOf(t, m.Hash(), "alice", 4)}, nil, "is no wallet of a member now", false},
		"a wallet of somebody else":       {[]governance.Vouch{vouchOf(t, m.Hash(), "alice", 2)}, nil, "signed as alice and is a wallet of bob", false},
		"another wallet than it says":     {[]governance.Vouch{changed(alice, func(v *governance.Vouch) { v.Wallet, v.Member = walletFor(2), "bob" })}, nil, "the signature of bob is not one of", false},
		"another day than was signed":     {[]governance.Vouch{changed(alice, func(v *governance.Vouch) { v.At = v.At.Add(time.Hour) })}, nil, "the signature of alice is not one of", false},
		"another site":                    {[]governance.Vouch{changed(alice, func(v *governance.Vouch) { v.Site = "https://evil.example" })}, nil, "alice signed for https://evil.example, and this is " + site, false},
		"a bit flipped":                   {[]governance.Vouch{changed(alice, func(v *governance.Vouch) { v.Signature[3] ^= 1 })}, nil, "is not one of", false},
		"no bytes":                        {[]governance.Vouch{changed(alice, func(v *governance.Vouch) { v.Signature = nil })}, nil, "is not one of", false},
		"one good and one bad":            {[]governance.Vouch{alice, changed(bob, func(v *governance.Vouch) { v.Signature[40] ^= 1 })}, []string{"alice"}, "the signature of bob", false},
	} {
		t.Run(name, func(t *testing.T) {
			for require := range 3 {
				standing, doubts := m.Judge(site, require, wallets, c.vouches, governance.Accepted{})
				var signed []string
				for _, v := range standing.Signed {
					signed = append(signed, v.Member)
				}
				if !slices.Equal(signed, c.signed) || standing.Enough() != (len(c.signed) >= require) || standing.Manifest != m.Hash() {
					t.Errorf("of %d signed %q, enough %v", require, signed, standing.Enough())
				}
				if standing.Stale != c.stale {
					t.Errorf("members signed another set: %v", standing.Stale)
				}
				if (len(doubts) > 0) != (c.doubt != "") || len(doubts) > 0 && !strings.Contains(doubts[0].Error(), c.doubt) {
					t.Errorf("doubts %v, want %q", doubts, c.doubt)
				}
			}
		})
	}
}

func TestTheBannerSaysHowTheConfigurationStands(t *testing.T) {
	m := governance.NewManifest(smallSet(t))
	wallets := map[common.Address]string{walletFor(1): "alice", walletFor(2): "bob"}
	for name, c := range map[string]struct {
		require int
		vouches []governance.Vouch
		want    string
	}{
		"unsigned":                  {0, nil, " is unsigned: nobody but the operator vouches"},
		"changed":                   {0, []governance.Vouch{vouchOf(t, common.Hash{1}, "alice", 1)}, " was changed after members signed it and is unsigned"},
		"signed without a rule":     {0, []governance.Vouch{vouchOf(t, m.Hash(), "alice", 1)}, ""},
		"too few":                   {2, []governance.Vouch{vouchOf(t, m.Hash(), "alice", 1)}, " is signed by 1 of the 2 members that it takes: no new emergency is served"},
		"enough":                    {1, []governance.Vouch{vouchOf(t, m.Hash(), "alice", 1)}, ""},
		"enough, with an older one": {1, []governance.Vouch{vouchOf(t, m.Hash(), "alice", 1), vouchOf(t, common.Hash{1}, "bob", 2)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			standing, _ := m.Judge(site, c.require, wallets, c.vouches, governance.Accepted{})
			got := standing.Banner()
			if c.want == "" && got != "" || !strings.Contains(got, c.want) || got != "" && !strings.Contains(got, m.Hash().Hex()[:10]) {
				t.Errorf("it says %q, want %q", got, c.want)
			}
			if strings.Contains(got, "alice") {
				t.Errorf("it names people to the public: %q", got)
			}
		})
	}
	if (governance.Vouched{}).Banner() != "" {
		t.Error("a set that nobody asked about has a banner")
	}
}

// TestAViewSaysWhoVouches: by name to those who may read names, with the day, in full and as a short line.
func TestAViewSaysWhoVouches(t *testing.T) {
	m := governance.NewManifest(smallSet(t))
	wallets := map[common.Address]string{walletFor(1): "alice"}
	standing, _ := m.Judge(site, 1, wallets, []governance.Vouch{vouchOf(t, m.Hash(), "alice", 1)}, accepted(1, wallets))
	p := signed(t, governance.KindUnpause, 0, false).p
	p.Policy.Visibility = governance.VisiblePublic
	for audience, who := range map[governance.Audience]string{governance.AudiencePublic: "a member", governance.AudienceWarRoom: "alice"} {
		v, ok := governance.NewView(p, governance.Facts{Manifest: standing}, governance.Viewer{Audience: audience})
		if !ok {
			t.Fatal("not shown")
		}
		if v.Manifest == nil || v.Manifest.Hash != m.Hash().Hex() || v.Manifest.Require != 1 || len(v.Manifest.SignedBy) != 1 || v.Manifest.SignedBy[0] != (governance.SignedByView{Member: who, At: "2020-01-02T03:04:05Z"}) {
			t.Errorf("audience %d is shown %+v", audience, v.Manifest)
		}
		if want := "Configuration " + m.Hash().Hex()[:10] + "… signed by " + who + " on 2020-01-02"; v.Manifest.Line() != want {
			t.Errorf("the line is %q, want %q", v.Manifest.Line(), want)
		}
	}
	wanting, _ := m.Judge(site, 1, nil, nil, governance.Accepted{})
	for audience, told := range map[governance.Audience]bool{governance.AudiencePublic: false, governance.AudienceKey: true, governance.AudienceWarRoom: true} {
		v, ok := governance.NewView(p, governance.Facts{Manifest: wanting}, governance.Viewer{Audience: audience})
		if noted := strings.Contains(strings.Join(v.Notes, "\n"), "no new emergency is served"); !ok || noted != told || (v.Manifest != nil) != told {
			t.Errorf("audience %d is told that no pause can be asked for: %q, %+v", audience, v.Notes, v.Manifest)
		}
	}
	unsigned, _ := m.Judge(site, 0, nil, nil, governance.Accepted{})
	v, _ := governance.NewView(p, governance.Facts{Manifest: unsigned}, governance.Viewer{})
	if v.Manifest.Line() != "" || !strings.Contains(strings.Join(v.Notes, "\n"), "is unsigned") {
		t.Errorf("unsigned: line %q, notes %q", v.Manifest.Line(), v.Notes)
	}
}
