package governance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// ManifestItem is one thing that a configuration decides, such as a playbook or a member's wallet. Its hash is over all that is said
// of it.
type ManifestItem struct {
	Section string
	Name    string
	Hash    common.Hash
}

// NewManifestItem hashes the JSON of what is said of one thing. The prefix names the encoding, so that a later one cannot collide with it.
func NewManifestItem(section, name string, said any) (ManifestItem, error) {
	raw, err := json.Marshal(said)
	if err != nil {
		return ManifestItem{}, fmt.Errorf("hash %s %s: %w", section, name, err)
	}
	return ManifestItem{Section: section, Name: name, Hash: crypto.Keccak256Hash([]byte("belay manifest item 1\n"), raw)}, nil
}

// Manifest is everything that decides what people are asked to sign and who is asked: item by item, in order. How the files are laid
// out, what their comments say and in which order things are listed is no part of it.
type Manifest []ManifestItem

// NewManifest puts items in order. What is said twice is said once.
func NewManifest(items []ManifestItem) Manifest {
	m := Manifest(slices.Clone(items))
	slices.SortFunc(m, func(a, b ManifestItem) int {
		return cmp.Or(strings.Compare(a.Section, b.Section), strings.Compare(a.Name, b.Name), a.Hash.Cmp(b.Hash))
	})
	return slices.Compact(m)
}

// Text is the document that is hashed: a heading, then each item as a JSON list on a line of its own. JSON keeps a name from posing as
// two lines.
func (m Manifest) Text() string {
	var b strings.Builder
	b.WriteString("belay manifest 1\n")
	for _, item := range m {
		line, _ := json.Marshal([]string{item.Section, item.Name, item.Hash.Hex()}) // texts always encode
		b.Write(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// Hash is keccak256 of Text: what members sign.
func (m Manifest) Hash() common.Hash { return crypto.Keccak256Hash([]byte(m.Text())) }

// ManifestSection is one kind of things with a hash of its own.
type ManifestSection struct {
	Name  string      `json:"name"`
	Items int         `json:"items"`
	Hash  common.Hash `json:"hash"`
}

// Sections sums up the manifest, in order of names.
func (m Manifest) Sections() []ManifestSection {
	sections := []ManifestSection{}
	for start := 0; start < len(m); {
		end := start
		for end < len(m) && m[end].Section == m[start].Section {
			end++
		}
		sections = append(sections, ManifestSection{m[start].Section, end - start, m[start:end].Hash()})
		start = end
	}
	return sections
}

// Since says what is different from an earlier manifest, a sentence an item: "playbook pause-reserve changed", "member mallory added".
func (m Manifest) Since(earlier Manifest) []string {
	type key struct{ section, name string }
	byName := func(m Manifest) map[key][]common.Hash {
		all := map[key][]common.Hash{}
		for _, item := range m {
			at := key{item.Section, item.Name}
			all[at] = append(all[at], item.Hash)
		}
		return all
	}
	before, now := byName(earlier), byName(m)
	names := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(now)))
	slices.SortFunc(names, func(a, b key) int {
		return cmp.Or(strings.Compare(a.section, b.section), strings.Compare(a.name, b.name))
	})
	different := []string{}
	for _, at := range slices.Compact(names) {
		what := "changed"
		switch {
		case slices.Equal(before[at], now[at]):
			continue
		case before[at] == nil:
			what = "added"
		case now[at] == nil:
			what = "removed"
		}
		different = append(different, at.section+" "+at.name+" "+what)
	}
	return different
}

// Vouch is a member's signature over a manifest.
type Vouch struct {
	Manifest  common.Hash
	Member    string
	Wallet    common.Address
	Site      string
	At        time.Time // whole seconds
	Signature []byte
}

// Statement is what the wallet signs.
func (v Vouch) Statement() Statement {
	return Statement{Action: ActionManifest, Topic: "manifest", Subject: v.Manifest, Site: v.Site, At: v.At}
}

// Check proves that the signature is the wallet's. How old it is does not matter: it holds until the set changes.
func (v Vouch) Check() error {
	if _, err := safe.ConfirmAs(v.Wallet, v.Statement().Hash(), v.Signature, []common.Address{v.Wallet}); err != nil {
		return fmt.Errorf("the signature of %s is not one of %s over manifest %s: %w", v.Member, v.Wallet.Hex(), v.Manifest.Hex(), err)
	}
	return nil
}

// Vouched is how a configuration stands: its hash, who signed exactly that, and how many have to. The zero value is a set that nobody
// asked about.
type Vouched struct {
	Manifest common.Hash
	Require  int
	Signed   []Vouch // one a member, by name
	Stale    bool    // members signed another set, and too few this one
}

// Judge counts who vouches for a manifest at a site: signatures by wallets that belong to members now, one a member. The doubts are
// about signatures that claim to be over this very manifest and do not count.
func (m Manifest) Judge(site string, require int, wallets map[common.Address]string, vouches []Vouch) (standing Vouched, doubts []error) {
	standing = Vouched{Manifest: m.Hash(), Require: require}
	earlier := false
	for _, v := range vouches {
		err := v.counts(site, wallets)
		switch {
		case v.Manifest != standing.Manifest:
			earlier = earlier || err == nil
		case err != nil:
			doubts = append(doubts, err)
		default:
			standing.Signed = append(standing.Signed, v)
		}
	}
	slices.SortStableFunc(standing.Signed, func(a, b Vouch) int { return cmp.Or(strings.Compare(a.Member, b.Member), a.At.Compare(b.At)) })
	standing.Signed = slices.CompactFunc(standing.Signed, func(a, b Vouch) bool { return a.Member == b.Member })
	standing.Stale = earlier && standing.wanting()
	return standing, doubts
}

// counts says why a signature does not count, whatever it is over.
func (v Vouch) counts(site string, wallets map[common.Address]string) error {
	switch owner := wallets[v.Wallet]; {
	case owner == "":
		return fmt.Errorf("%s, which signed as %s, is no wallet of a member now", v.Wallet.Hex(), v.Member)
	case owner != v.Member:
		return fmt.Errorf("%s signed as %s and is a wallet of %s", v.Wallet.Hex(), v.Member, owner)
	case v.Site != site:
		return fmt.Errorf("%s signed for %s, and this is %s", v.Member, v.Site, site)
	}
	return v.Check()
}

// wanting reports whether nobody, or fewer members than it takes, vouch.
func (v Vouched) wanting() bool { return len(v.Signed) == 0 || !v.Enough() }

// Enough reports whether as many members vouch for the set as its own rule wants.
func (v Vouched) Enough() bool { return len(v.Signed) >= v.Require }

// Banner is the sentence for every card while the set is not vouched for; "" when all is well. It names nobody: the public reads it.
func (v Vouched) Banner() string {
	short := shortHash(v.Manifest)
	switch {
	case v.Manifest == common.Hash{}, !v.wanting():
		return ""
	case v.Require > 0:
		return fmt.Sprintf("The configuration %s%s is signed by %d of the %d members that it takes: no new emergency is served until they ran `belay config sign`.",
			short, v.since(), len(v.Signed), v.Require)
	}
	return fmt.Sprintf("The configuration %s%s is unsigned: nobody but the operator vouches for playbooks, names and members.", short, v.since())
}

func (v Vouched) since() string {
	if v.Stale {
		return " was changed after members signed it and"
	}
	return ""
}

// shortHash is a label of a hash, never something to compare.
func shortHash(h common.Hash) string { return h.Hex()[:10] + "…" }

// ManifestView is the configuration that a proposal is shown under, and who vouches for it.
type ManifestView struct {
	Hash     string         `json:"hash"`
	Require  int            `json:"require"`
	SignedBy []SignedByView `json:"signed_by"`
}

// SignedByView is one member who signed the configuration.
type SignedByView struct {
	Member string `json:"member"` // "a member" where names are not shown
	At     string `json:"at"`
}

// banner is what the viewer is told of a configuration that too few vouch for.
func (l look) banner() string {
	if l.mum() {
		return ""
	}
	return l.f.Manifest.Banner()
}

// mum reports whether the viewer is told nothing of the configuration: that no pause can be asked for now is not for the public, where
// somebody may wait for just that.
func (l look) mum() bool { return !l.open && !l.f.Manifest.Enough() }

// manifest is null where no configuration stands behind the view.
func (l look) manifest() *ManifestView {
	standing := l.f.Manifest
	if standing.Manifest == (common.Hash{}) || l.mum() {
		return nil
	}
	v := &ManifestView{Hash: standing.Manifest.Hex(), Require: standing.Require, SignedBy: []SignedByView{}}
	for _, one := range standing.Signed {
		v.SignedBy = append(v.SignedBy, SignedByView{l.by(one.Member), instant(one.At)})
	}
	return v
}

// vouchersNamed is how many members the short line names.
const vouchersNamed = 6

// Line is the short line of a card: "Configuration 0x12345678… signed by alice on 2026-11-21"; "" when nobody signed, which is a note's matter.
func (v *ManifestView) Line() string {
	if v == nil || len(v.SignedBy) == 0 {
		return ""
	}
	return fmt.Sprintf("Configuration %s %s", shortHash(common.HexToHash(v.Hash)), v.Vouchers())
}

// Vouchers says who signed: "signed by alice on 2026-11-21, bob on 2026-11-22", or "signed by nobody".
func (v *ManifestView) Vouchers() string {
	if len(v.SignedBy) == 0 {
		return "signed by nobody"
	}
	var who []string
	for _, s := range v.SignedBy[:min(len(v.SignedBy), vouchersNamed)] {
		day, _, _ := strings.Cut(s.At, "T")
		who = append(who, s.Member+" on "+day)
	}
	if more := len(v.SignedBy) - vouchersNamed; more > 0 {
		who = append(who, fmt.Sprintf("%d more", more))
	}
	return "signed by " + strings.Join(who, ", ")
}
