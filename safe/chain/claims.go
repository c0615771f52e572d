package chain

import (
	"bytes"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// claim is what an answer says about the state of an account, in a form that a proof can decide: a word of its storage, or the
// hash of its code.
type claim struct {
	account common.Address
	ofCode  bool
	slot    common.Hash // where ofCode is false
	value   common.Hash
	under   common.Address // the singleton that makes the slot mean this; zero: it does without one
	what    string         // for people
}

// claimsOf says what answers amount to. Storage and code speak for themselves. What a Safe answers to a call does as long as it runs
// the code of a release: all of them lay out their storage in the same way. known gives the singleton of such a Safe.
func claimsOf(queries []query, results []safe.Result, known func(common.Address) (layout, bool)) []claim {
	var all []claim
	for i, q := range queries {
		r := results[i]
		switch {
		case q.method == "eth_getStorageAt":
			all = append(all, claim{account: q.to, slot: q.slot, value: common.BytesToHash(r.Data), what: slotName(q.slot)})
		case q.method == "eth_getCode":
			all = append(all, claim{account: q.to, ofCode: true, value: codeHash(r.Data), what: "the code"})
		case q.plain && !r.Reverted:
			if of, ok := known(q.to); ok {
				for _, c := range safeClaims(q, r, queries, results) {
					c.under = of.singleton
					all = append(all, c)
				}
			}
		}
	}
	return all
}

// codeHash is zero for no code.
func codeHash(code []byte) common.Hash {
	if len(code) == 0 {
		return common.Hash{}
	}
	return crypto.Keccak256Hash(code)
}

func slotName(slot common.Hash) string {
	names := map[common.Hash]string{
		safe.SlotSingleton: "the singleton", safe.SlotThreshold: "the threshold", safe.SlotNonce: "the nonce", safe.SlotGuard: "the guard",
		safe.SlotModuleGuard: "the module guard", safe.SlotFallbackHandler: "the fallback handler",
	}
	if name, ok := names[slot]; ok {
		return name
	}
	return "storage slot " + slot.Hex()
}

// safeClaims says what one answer of a released Safe amounts to. A page of modules that comes back full leaves open what follows.
func safeClaims(q query, r safe.Result, queries []query, results []safe.Result) []claim {
	word := func(slot common.Hash) []claim {
		if len(r.Data) != common.HashLength {
			return nil
		}
		return []claim{{account: q.to, slot: slot, value: common.BytesToHash(r.Data), what: slotName(slot)}}
	}
	is := func(c safe.Call) bool { return bytes.Equal(q.data, c.Data) }
	switch {
	case is(safe.ThresholdCall(q.to)):
		return word(safe.SlotThreshold)
	case is(safe.NonceCall(q.to)):
		return word(safe.SlotNonce)
	case is(safe.SingletonCall(q.to)):
		return word(safe.SlotSingleton)
	case is(safe.OwnersCall(q.to)):
		owners, err := safe.DecodeOwners(r)
		if err != nil {
			return nil
		}
		count := claim{account: q.to, slot: safe.SlotOwnerCount, value: common.BigToHash(big.NewInt(int64(len(owners)))), what: "the number of owners"}
		return append(listClaims(q.to, safe.ListStart, owners, true, safe.OwnerSlot, "the owners"), count)
	case isModulesPage(q):
		page, err := safe.DecodeModulesPage(r)
		if err != nil {
			return nil
		}
		start := common.BytesToAddress(q.data[4:36])
		return listClaims(q.to, start, page, len(page) < modulesPage, safe.ModuleSlot, "the modules")
	case bytes.Equal(q.data, getModules) && !pageAnswered(q.to, queries, results):
		modules, err := safe.DecodeOwners(r)
		if err != nil {
			return nil
		}
		return listClaims(q.to, safe.ListStart, modules, true, safe.ModuleSlot, "the modules")
	}
	return nil
}

func isModulesPage(q query) bool {
	if len(q.data) != 68 {
		return false
	}
	return bytes.Equal(q.data, safe.ModulesPageCall(q.to, common.BytesToAddress(q.data[4:36]), modulesPage).Data)
}

// pageAnswered reports whether the same Safe answered with a page of modules, which then counts instead of the old list.
func pageAnswered(of common.Address, queries []query, results []safe.Result) bool {
	for i, q := range queries {
		if q.plain && q.to == of && isModulesPage(q) && !results[i].Reverted {
			return true
		}
	}
	return false
}

// listClaims walks a linked list in a mapping: each entry names the next, and the last one the start. closed: nothing follows.
func listClaims(account, start common.Address, list []common.Address, closed bool, slot func(common.Address) common.Hash, what string) []claim {
	if closed {
		list = append(slices.Clone(list), safe.ListStart)
	}
	var all []claim
	for at := start; len(list) > 0; list = list[1:] {
		all = append(all, claim{account: account, slot: slot(at), value: common.BytesToHash(list[0][:]), what: what})
		at = list[0]
	}
	return all
}

// lookSoon takes back that somebody looked: nothing came of it.
func (l *layouts) lookSoon(address common.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.looked, address)
}

// wanted are storage slots to prove, by account. An account without any is asked for its code.
type wanted map[common.Address][]common.Hash

func (w wanted) add(account common.Address, slots ...common.Hash) {
	for _, slot := range slots {
		if !slices.Contains(w[account], slot) {
			w[account] = append(w[account], slot)
		}
	}
	if len(slots) == 0 && w[account] == nil {
		w[account] = []common.Hash{}
	}
}

func (w wanted) addClaim(c claim) {
	if c.ofCode {
		w.add(c.account)
		return
	}
	w.add(c.account, c.slot)
	if c.under != (common.Address{}) {
		w.add(c.account, safe.SlotSingleton)
	}
}

// maxProvenAccounts bounds what is proven of one reading: each account is a request of its own.
const maxProvenAccounts = 8

func (w wanted) tooMuch() bool {
	return len(w) > maxProvenAccounts || slices.ContainsFunc(slices.Collect(maps.Values(w)), func(slots []common.Hash) bool { return len(slots) > maxProofSlots })
}

// layout is what is known of a Safe whose code is that of a release: which slots will be asked for at the next look.
type layout struct {
	singleton       common.Address
	owners, modules []common.Address
}

// layouts are the Safes that were proven to be of a release, as they were when last looked at.
type layouts struct {
	mu     sync.Mutex // guards everything below
	of     map[common.Address]layout
	looked map[common.Address]time.Time // when one was last looked at that is not in of
}

// lookAgain is how long an address that is no known Safe is left alone.
const lookAgain = 10 * time.Minute

// isNews reports whether nothing is known of an address and nobody looked lately. Who asks is taken to look.
func (l *layouts) isNews(address common.Address, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.of[address]; known || now.Sub(l.looked[address]) < lookAgain {
		return false
	}
	if l.looked == nil || len(l.looked) >= maxProven {
		l.looked = map[common.Address]time.Time{}
	}
	l.looked[address] = now
	return true
}

func (l *layouts) known(address common.Address) (layout, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.of[address]
	return found, ok
}

// see remembers a Safe with the code of a release. One that is upgraded to other code is not forgotten: a proof tells which code it runs,
// and the providers' word alone must not end that it is asked for.
func (l *layouts) see(address common.Address, s safe.State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.Verified == safe.VerifiedByProvider {
		return
	}
	if l.of == nil || len(l.of) >= maxProven {
		l.of = map[common.Address]layout{}
	}
	l.of[address] = layoutOf(s)
}

func layoutOf(s safe.State) layout {
	return layout{singleton: s.Singleton, owners: s.Owners, modules: s.Modules}
}

// expected are the slots that a reading will make claims about, as far as that can be known beforehand, so that they can be
// asked for beside it: where the lists of a Safe changed since the last look, the rest is asked for afterwards.
func (l *layouts) expected(queries []query) wanted {
	w := wanted{}
	for _, q := range queries {
		switch {
		case q.method == "eth_getStorageAt":
			w.add(q.to, q.slot)
		case q.method == "eth_getCode":
			w.add(q.to)
		case q.plain:
			if known, ok := l.known(q.to); ok {
				w.add(q.to, append(known.slotsOf(q), safe.SlotSingleton)...)
			}
		}
	}
	return w
}

func (l layout) slotsOf(q query) []common.Hash {
	is := func(c safe.Call) bool { return bytes.Equal(q.data, c.Data) }
	list := func(entries []common.Address, slot func(common.Address) common.Hash) (slots []common.Hash) {
		for _, entry := range append([]common.Address{safe.ListStart}, entries...) {
			slots = append(slots, slot(entry))
		}
		return slots
	}
	switch {
	case is(safe.ThresholdCall(q.to)):
		return []common.Hash{safe.SlotThreshold}
	case is(safe.NonceCall(q.to)):
		return []common.Hash{safe.SlotNonce}
	case is(safe.SingletonCall(q.to)):
		return []common.Hash{safe.SlotSingleton}
	case is(safe.OwnersCall(q.to)):
		return append(list(l.owners, safe.OwnerSlot), safe.SlotOwnerCount)
	case isModulesPage(q):
		return list(l.modules, safe.ModuleSlot)
	}
	return nil
}

func (c claim) String() string {
	return fmt.Sprintf("%s of %s", c.what, c.account.Hex())
}
