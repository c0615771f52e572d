package calldata

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"belay/safe"
)

// power is a slot that holds power, in words, and the danger codes of the functions that are known to change it.
type power struct {
	what  string
	codes []string
}

// everywhere are slots that mean the same at every contract.
var everywhere = map[common.Hash]power{
	safe.SlotImplementation:    {"the code that it runs", []string{DangerImplementation}},
	safe.SlotOldImplementation: {"the code that it runs", []string{DangerImplementation}},
	safe.SlotBeacon:            {"the beacon that names the code it runs", []string{DangerImplementation}},
	safe.SlotAdmin:             {"who may replace its code", []string{DangerAuthority}},
	safe.SlotGuard:             {"guard", []string{DangerGuard}},
	safe.SlotModuleGuard:       {"module guard", []string{DangerGuard}},
	safe.SlotFallbackHandler:   {"fallback handler", []string{DangerHandler}},
}

// ofSafe are the slots of the Safe itself that hold a number or an address.
var ofSafe = map[common.Hash]power{
	safe.SlotSingleton:  {"the code that it runs", []string{DangerImplementation}},
	safe.SlotOwnerCount: {"number of owners", []string{DangerOwners}},
	safe.SlotThreshold:  {"threshold", []string{DangerThreshold, DangerOwners}},
	safe.SlotNonce:      {"nonce", nil},
}

// sentinel begins and ends the lists of owners and modules.
var sentinel = common.BytesToAddress([]byte{1})

// slots tells storage: who holds power in words, the rest by number for each contract.
func (t *teller) slots() {
	lists := t.lists()
	for _, s := range t.ran.Effects.Slots {
		p, known := everywhere[s.What.Slot]
		if s.What.Address == t.ran.Safe {
			if t.member(lists, s) {
				continue
			}
			if own, ok := ofSafe[s.What.Slot]; ok {
				p, known = own, true
			}
		}
		if known {
			t.holder(p, s)
			continue
		}
		t.unread(s.What.Address, s.By).slots[s.What.Slot] = true
	}
}

// unreadable is what nobody can read of one contract, by number, as some providers tell it.
type unreadable struct {
	at     common.Address
	by     []string
	slots  map[common.Hash]bool
	events int
}

// unread finds where to count.
func (t *teller) unread(at common.Address, by []string) *unreadable {
	for _, u := range t.unreads[at] {
		if slices.Equal(u.by, by) {
			return u
		}
	}
	u := &unreadable{at: at, by: by, slots: map[common.Hash]bool{}}
	t.unreads[at], t.order = append(t.unreads[at], u), append(t.order, u)
	return u
}

// counts tells what nobody can read. A slot of the Safe itself is nothing that a call should change.
func (t *teller) counts() {
	for _, u := range t.order {
		rank, parts := rankCounts, []string{}
		if n := len(u.slots); n > 0 {
			parts = append(parts, several(n, "slot of its storage changes", "slots of its storage change"))
		}
		if u.events > 0 {
			parts = append(parts, several(u.events, "event that Belay has no words for", "events that Belay has no words for"))
		}
		if u.at == t.ran.Safe && len(u.slots) > 0 {
			rank = rankGrave
		}
		t.effect(rank, u.by, t.name(u.at)+": "+strings.Join(parts, ", "))
	}
}

func several(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// holder tells a slot that holds power.
func (t *teller) holder(p power, s safe.Seen[safe.SlotChange]) {
	c := s.What
	number := c.Address == t.ran.Safe && (c.Slot == safe.SlotOwnerCount || c.Slot == safe.SlotThreshold || c.Slot == safe.SlotNonce)
	if number {
		before, after := new(big.Int).SetBytes(c.Before[:]).String(), new(big.Int).SetBytes(c.After[:]).String()
		expected := t.said(c.Address, p.codes, func(n named) bool { return c.Slot == safe.SlotOwnerCount || n.numbers[after] })
		t.change(expected, s.By, Change{t.name(c.Address) + ", " + p.what, before, after})
		return
	}
	to := safe.AddressInSlot(c.After)
	expected := t.said(c.Address, p.codes, func(n named) bool { return to == (common.Address{}) || n.addresses[to] })
	t.change(expected, s.By, Change{t.name(c.Address) + ", " + p.what, t.holds(c.Before), t.holds(c.After)})
}

func (t *teller) holds(word common.Hash) string {
	a := safe.AddressInSlot(word)
	if a == (common.Address{}) {
		return "none"
	}
	return t.book.Name(a)
}

// said reports whether a call of a known function changes that kind of power at a contract, and names what is asked.
func (t *teller) said(at common.Address, codes []string, names func(named) bool) bool {
	return slices.ContainsFunc(t.calls, func(n named) bool {
		return slices.Contains(codes, n.power) && (n.to == at || at != t.ran.Safe && n.addresses[at]) && names(n)
	})
}

// entry is a place in the Safe's list of owners or of modules.
type entry struct {
	who  common.Address
	list string
	code string
}

// lists finds the places of all who are or become an owner or a module, as far as they can be known: those that are, and whoever's
// address is written into the Safe.
func (t *teller) lists() map[common.Hash]entry {
	who := map[common.Address]bool{sentinel: true}
	for _, a := range slices.Concat(t.ran.Owners, t.ran.Modules) {
		who[a] = true
	}
	for _, s := range t.ran.Effects.Slots {
		if s.What.Address == t.ran.Safe {
			who[safe.AddressInSlot(s.What.Before)], who[safe.AddressInSlot(s.What.After)] = true, true
		}
	}
	for _, n := range t.calls {
		maps.Copy(who, n.addresses)
	}
	places := map[common.Hash]entry{}
	for a := range who {
		places[safe.OwnerSlot(a)] = entry{a, "owner", DangerOwners}
		places[safe.ModuleSlot(a)] = entry{a, "module", DangerModules}
	}
	return places
}

// member tells who joins or leaves the owners or the modules; false for another slot. One that only has another neighbour now is not told.
func (t *teller) member(lists map[common.Hash]entry, s safe.Seen[safe.SlotChange]) bool {
	e, ok := lists[s.What.Slot]
	if !ok {
		return false
	}
	was, is := s.What.Before != (common.Hash{}), s.What.After != (common.Hash{})
	if was == is || e.who == sentinel {
		return true
	}
	words := map[bool]string{true: "yes", false: "no"}
	expected := t.said(t.ran.Safe, []string{e.code}, func(n named) bool { return n.addresses[e.who] })
	t.change(expected, s.By, Change{t.name(t.ran.Safe) + ", " + t.book.Name(e.who) + " is " + map[string]string{"owner": "an owner", "module": "a module"}[e.list], words[was], words[is]})
	return true
}

// codes tells contracts that appear, and code that becomes another. Only the latter can surprise: nobody relies on what was not there.
func (t *teller) codes() {
	for _, s := range t.ran.Effects.Codes {
		before, after := codeWords(s.What.Before), codeWords(s.What.After)
		t.change(s.What.Before == (common.Hash{}), s.By, Change{"the code at " + t.name(s.What.Address), before, after})
	}
}

func codeWords(hash common.Hash) string {
	if hash == (common.Hash{}) {
		return "none"
	}
	return "keccak256 " + hash.Hex()
}

// balances tells ether before → after. What goes down without a transfer that was told, or a call that pays as much, is unexpected.
func (t *teller) balances() {
	for _, s := range t.ran.Effects.Balances {
		c := s.What
		expected := !t.ours(c.Address) || !c.After.Lt(&c.Before) || t.paid[c.Address]
		if !expected {
			lost := new(uint256.Int).Sub(&c.Before, &c.After)
			expected = slices.ContainsFunc(t.calls, func(n named) bool { return n.pays(lost) })
		}
		t.change(expected, s.By, Change{"ether of " + t.name(c.Address), ether(&c.Before), ether(&c.After)})
	}
}

func ether(wei *uint256.Int) string { return FormatAmount(wei.ToBig(), 18) }
