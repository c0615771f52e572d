package governance

import (
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Accepted is the last configuration that as many members vouched for as it takes, and their wallets in it. The store remembers it:
// whoever writes the configuration's files could give every member a wallet more, but cannot reach what is here by those files. The
// zero value remembers nothing, and the first set is accepted as it is.
type Accepted struct {
	Manifest  common.Hash      `json:"manifest"`
	Require   int              `json:"require"`
	Wallets   []AcceptedWallet `json:"wallets"`
	At        time.Time        `json:"at,omitzero"`
	FirstUse  bool             `json:"first_use"`          // there was no set before it to compare with
	Forgotten common.Hash      `json:"forgotten"`          // the set that the operator had forgotten last
	ForgotAt  time.Time        `json:"forgot_at,omitzero"` // and when
}

// AcceptedWallet is a wallet that a configuration gave to a member.
type AcceptedWallet struct {
	Wallet common.Address `json:"wallet"`
	Member string         `json:"member"`
	New    bool           `json:"new"`    // the set before did not give it to this member
	Signed bool           `json:"signed"` // it vouched for the set
}

// Remembers reports whether there is a set to compare with.
func (a Accepted) Remembers() bool { return a.Manifest != common.Hash{} }

// owner is who had a wallet in the set; "" for nobody.
func (a Accepted) owner(wallet common.Address) string {
	for _, w := range a.Wallets {
		if w.Wallet == wallet {
			return w.Member
		}
	}
	return ""
}

// knows reports whether a member's wallet was known before a set. A wallet that came with that very set was not: its members are
// shown with it until the next one.
func (a Accepted) knows(set common.Hash, wallet common.Address, member string) bool {
	return slices.ContainsFunc(a.Wallets, func(w AcceptedWallet) bool {
		return w.Wallet == wallet && w.Member == member && (set != a.Manifest || !w.New)
	})
}

// Forget is what is remembered after the operator's way out: nothing but that it was taken, and when.
func (a Accepted) Forget(now time.Time) Accepted {
	return Accepted{Forgotten: a.Manifest, ForgotAt: now.UTC().Truncate(time.Second)}
}

// Accept says what is to be remembered now; false where that is what was remembered before. A set is accepted once as many vouch for
// it as its own rule and the last one ask for. Without a rule there is nothing to remember: where members agreed to have none any
// more, what was remembered goes.
func (v Vouched) Accept(last Accepted, wallets map[common.Address]string, now time.Time) (Accepted, bool) {
	switch {
	case !v.Enough(), v.Manifest == last.Manifest, v.Require == 0 && !last.Remembers():
		return last, false
	case v.Require == 0:
		return Accepted{}, true
	}
	next := Accepted{Manifest: v.Manifest, Require: v.Require, At: now.UTC().Truncate(time.Second), FirstUse: !last.Remembers(),
		Forgotten: last.Forgotten, ForgotAt: last.ForgotAt}
	for wallet, member := range wallets {
		signed := slices.ContainsFunc(v.Signed, func(s Vouch) bool { return s.Wallet == wallet })
		next.Wallets = append(next.Wallets, AcceptedWallet{wallet, member, !last.knows(v.Manifest, wallet, member), signed})
	}
	slices.SortFunc(next.Wallets, func(a, b AcceptedWallet) int { return a.Wallet.Cmp(b.Wallet) })
	return next, true
}

// Strangers says of each member who vouched with a wallet that the last accepted set does not know why that is not enough.
func (v Vouched) Strangers() (lines []string) {
	if v.Known >= v.Asked {
		return nil
	}
	for _, s := range v.Signed {
		if s.New {
			lines = append(lines, fmt.Sprintf("%s of %s is new since the last accepted set: wallets that %s had in that one have to sign, too, and %d did",
				s.Wallet.Hex(), s.Member, Members(v.Asked), v.Known))
		}
	}
	return lines
}
