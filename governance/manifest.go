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
	Manifest  common.Hash    `json:"manifest"`
	Member    string         `json:"member"`
	Wallet    common.Address `json:"wallet"`
	Site      string         `json:"site,omitempty"`
	At        time.Time      `json:"at"` // whole seconds
	Signature []byte         `json:"signature,omitempty"`
	New       bool           `json:"new"` // judged: the last accepted set did not give the wallet to this member
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

// Vouched is how a configuration stands: its hash, who signed exactly that, and how many have to, by its own rule and by that of the
// last accepted set. The zero value is a set that nobody asked about.
type Vouched struct {
	Manifest common.Hash `json:"manifest"`
	Require  int         `json:"require"`
	Signed   []Vouch     `json:"signed"`             // one a member, by name
	Stale    bool        `json:"stale"`              // members signed another set, and too few this one
	Asked    int         `json:"asked"`              // how many members of the last accepted set have to sign with wallets that they had in it; 0 without one
	Known    int         `json:"known"`              // how many of those did
	FirstUse bool        `json:"first_use"`          // nothing was accepted before this set
	ForgotAt time.Time   `json:"forgot_at,omitzero"` // when the operator had the last accepted set forgotten, while none was accepted since
}

// Kept is what a proposal keeps of the configuration that it was drafted under: who vouched, without their signatures.
func (v Vouched) Kept() Vouched {
	v.Signed = slices.Clone(v.Signed)
	for i := range v.Signed {
		v.Signed[i].Site, v.Signed[i].Signature = "", nil
	}
	return v
}

// Judge counts who vouches for a manifest at a site: signatures by wallets that belong to members now, one a member, and among them
// those that the last accepted set knows. The doubts are about signatures that claim to be over this very manifest and do not count.
func (m Manifest) Judge(site string, require int, wallets map[common.Address]string, vouches []Vouch, last Accepted) (standing Vouched, doubts []error) {
	standing = Vouched{Manifest: m.Hash(), Require: require, Asked: last.Require}
	standing.FirstUse = !last.Remembers() || last.FirstUse && last.Manifest == standing.Manifest
	if !last.Remembers() {
		standing.ForgotAt = last.ForgotAt
	}
	earlier, known := false, map[string]bool{}
	for _, v := range vouches {
		err := v.counts(site, wallets)
		switch {
		case v.Manifest != standing.Manifest:
			earlier = earlier || err == nil
		case err != nil:
			doubts = append(doubts, err)
		default:
			v.New = !last.knows(standing.Manifest, v.Wallet, v.Member)
			standing.Signed = append(standing.Signed, v)
			if owner := last.owner(v.Wallet); owner != "" {
				known[owner] = true // counted by the person of then: whoever renames members makes no more of them
			}
		}
	}
	standing.Known = len(known)
	slices.SortStableFunc(standing.Signed, func(a, b Vouch) int {
		return cmp.Or(strings.Compare(a.Member, b.Member), a.novelty()-b.novelty(), a.At.Compare(b.At))
	})
	standing.Signed = slices.CompactFunc(standing.Signed, func(a, b Vouch) bool { return a.Member == b.Member })
	standing.Stale = earlier && standing.wanting()
	return standing, doubts
}

// novelty puts a known wallet before a new one.
func (v Vouch) novelty() int {
	if v.New {
		return 1
	}
	return 0
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

// Enough reports whether as many members vouch for the set as its own rule wants and as the last accepted set's does, the latter with
// wallets that they had in that one.
func (v Vouched) Enough() bool { return v.Missing() == 0 }

// Missing is how many members have yet to sign.
func (v Vouched) Missing() int { return max(0, v.Require-len(v.Signed), v.Asked-v.Known) }

// Count says how many signed of how many it takes: by the set's own rule, or by that of the last accepted set where only that one is not met.
func (v Vouched) Count() string {
	if len(v.Signed) >= v.Require && v.Known < v.Asked {
		return fmt.Sprintf("signed by %d of the %s that it takes by the last accepted set, with wallets that they had there", v.Known, Members(v.Asked))
	}
	return fmt.Sprintf("signed by %d of the %s that it takes", len(v.Signed), Members(v.Require))
}

// Members counts people: "1 member", "2 members".
func Members(n int) string {
	if n == 1 {
		return "1 member"
	}
	return fmt.Sprintf("%d members", n)
}

// Banner is what every card says while the set is not vouched for, or nothing is remembered that could show it to be planted; "" when
// all is well. It names nobody: the public reads it.
func (v Vouched) Banner() string {
	if v.Manifest == (common.Hash{}) {
		return ""
	}
	return strings.TrimSpace(v.lacks() + " " + v.forgot())
}

func (v Vouched) lacks() string {
	short := shortHash(v.Manifest)
	switch {
	case !v.wanting():
		return ""
	case !v.Enough():
		return fmt.Sprintf("The configuration %s%s is %s: no new emergency is served until they ran `belay config sign`.", short, v.since(), v.Count())
	}
	return fmt.Sprintf("The configuration %s%s is unsigned: nobody but the operator vouches for playbooks, names and members.", short, v.since())
}

// forgot tells of the operator's way out, until members vouch for a set anew.
func (v Vouched) forgot() string {
	if v.ForgotAt.IsZero() || v.Require > 0 && v.Enough() {
		return ""
	}
	return fmt.Sprintf("On %s the operator had it forgotten which wallets members had, and no set that asks for signatures was signed since.", v.ForgotAt.UTC().Format(time.DateOnly))
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
	FirstUse bool           `json:"first_use"` // no set was accepted before it: nothing shows that these wallets are the members'
	SignedBy []SignedByView `json:"signed_by"`
}

// SignedByView is one member who signed the configuration.
type SignedByView struct {
	Member string `json:"member"` // "a member" where names are not shown
	At     string `json:"at"`
	Wallet string `json:"wallet"` // only where the last accepted set did not know it as this member's; "" also where names are not shown
}

// banner is what the viewer is told of a configuration that too few vouch for.
func (l look) banner() string {
	if l.mum() {
		return ""
	}
	return l.standing().Banner()
}

// standing is the configuration that the proposal was drafted under: whoever puts signed files back over planted ones must not have what
// came of those shown as signed. More may have signed that very set since.
func (l look) standing() Vouched {
	if l.reconfigured() {
		return l.p.Standing
	}
	return l.f.Manifest
}

// reconfigured reports whether today's configuration is another one than that of the draft.
func (l look) reconfigured() bool {
	drafted := l.p.Standing.Manifest
	return drafted != common.Hash{} && drafted != l.f.Manifest.Manifest
}

// mum reports whether the viewer is told nothing of the configuration: that no pause can be asked for now is not for the public, where
// somebody may wait for just that.
func (l look) mum() bool { return !l.open && !l.standing().Enough() }

// manifest is null where no configuration stands behind the view.
func (l look) manifest() *ManifestView {
	standing := l.standing()
	if standing.Manifest == (common.Hash{}) || l.mum() {
		return nil
	}
	v := &ManifestView{Hash: standing.Manifest.Hex(), Require: standing.Require, FirstUse: standing.FirstUse && standing.Enough(), SignedBy: []SignedByView{}}
	for _, one := range standing.Signed {
		who := SignedByView{Member: l.by(one.Member), At: instant(one.At)}
		if one.New && who.Member == one.Member {
			who.Wallet = one.Wallet.Hex()
		}
		v.SignedBy = append(v.SignedBy, who)
	}
	return v
}

// who is the member and, where it was not known before, the wallet: a label, for people to see that it is another one.
func (s SignedByView) who() string {
	if s.Wallet == "" {
		return s.Member
	}
	return fmt.Sprintf("%s with %s…%s", s.Member, s.Wallet[:6], s.Wallet[len(s.Wallet)-4:])
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

// Vouchers says who signed: "signed by alice on 2026-11-21, bob with 0x1234…abcd on 2026-11-22", or "signed by nobody".
func (v *ManifestView) Vouchers() string {
	if len(v.SignedBy) == 0 {
		return "signed by nobody"
	}
	var who []string
	for _, s := range v.SignedBy[:min(len(v.SignedBy), vouchersNamed)] {
		day, _, _ := strings.Cut(s.At, "T")
		who = append(who, s.who()+" on "+day)
	}
	if more := len(v.SignedBy) - vouchersNamed; more > 0 {
		who = append(who, fmt.Sprintf("%d more", more))
	}
	words := "signed by " + strings.Join(who, ", ")
	if v.FirstUse && v.Require > 0 {
		words += "; accepted on first use"
	}
	return words
}
