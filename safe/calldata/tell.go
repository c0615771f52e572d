package calldata

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

// Ran is a simulated transaction with all that it did.
type Ran struct {
	Safe      common.Address
	Tx        safe.Tx
	Libraries []common.Address // batch libraries that the caller has proven, see Dangers
	Owners    []common.Address // of the Safe before
	Modules   []common.Address // of the Safe before
	Decimals  map[common.Address]uint8
	Effects   safe.Effects
}

// Change is a value that becomes another.
type Change struct{ What, Before, After string }

// Told is what a transaction did, in words: what nobody said it would do comes first.
type Told struct {
	Changes    []Change // power over the Safe and over proxies, code, ether
	Effects    []string // what moves, what contracts say, how much else they store
	Unexpected []Danger // what of it no call says, although it takes something or changes who holds power
}

// A phone shows a few lines and the page all: a contract can emit thousands, and a provider can make up more.
const (
	maxChanges    = 24
	maxEffects    = 40
	maxUnexpected = 6
	maxEffectText = 600 // bytes
)

// How much a reader must see something, most first.
const (
	rankGrave   = iota // unexpected, about power, ether, or a token with a label
	rankForeign        // unexpected, about a token that nobody has named: anyone can write such a contract
	rankMoves
	rankSays
	rankCounts
)

// Tell puts in words what a simulated transaction did. Anything that moves ether or tokens out of the Safe or of an address with a label,
// lets somebody spend them, or changes who holds power over the Safe, over a proxy, or which code runs, is unexpected unless a call of the
// transaction names it: who gets how much, or the new holder in a function that is known to appoint one.
func (b *Book) Tell(ran Ran) Told {
	t := &teller{book: b, ran: ran, calls: b.namedBy(ran), paid: map[common.Address]bool{}, moved: map[movement]int{}, unreads: map[common.Address][]*unreadable{}}
	t.logs()
	t.slots()
	t.codes()
	t.balances()
	t.counts()
	return Told{Changes: t.allChanges(), Effects: t.allEffects(), Unexpected: t.allUnexpected()}
}

// teller collects the lines of one transaction.
type teller struct {
	book  *Book
	ran   Ran
	calls []named
	paid  map[common.Address]bool // who is told to pay ether
	moved map[movement]int        // how often

	unreads map[common.Address][]*unreadable // few for each address: one for each set of providers
	order   []*unreadable

	changes            []ranked[Change]
	effects, surprises []ranked[string]
}

// ranked is a line with its place. alone: fewer providers than are enough told it.
type ranked[T any] struct {
	line  T
	rank  int
	alone bool
}

func inOrder[T any](lines []ranked[T]) {
	slices.SortStableFunc(lines, func(a, b ranked[T]) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(alone(a.alone), alone(b.alone)))
	})
}

func alone(is bool) int {
	if is {
		return 1
	}
	return 0
}

// mark says who alone tells it.
func mark(by []string) string {
	switch len(by) {
	case 0:
		return ""
	case 1:
		return " (only " + by[0] + " says so)"
	}
	return " (only " + strings.Join(by, ", ") + " say so)"
}

// effect adds a line, and a danger where it is unexpected.
func (t *teller) effect(rank int, by []string, text string) {
	text = strings.ToValidUTF8(clip(text, maxEffectText), "") + mark(by)
	t.effects = append(t.effects, ranked[string]{text, rank, len(by) > 0})
	if rank <= rankForeign {
		t.surprises = append(t.surprises, ranked[string]{text, rank, len(by) > 0})
	}
}

// change adds a value that becomes another, and a danger where it is unexpected.
func (t *teller) change(expected bool, by []string, c Change) {
	rank := rankGrave
	if expected {
		rank = rankMoves
	}
	if !expected {
		t.surprises = append(t.surprises, ranked[string]{fmt.Sprintf("%s: %s → %s%s", c.What, c.Before, c.After, mark(by)), rank, len(by) > 0})
	}
	c.After += mark(by)
	t.changes = append(t.changes, ranked[Change]{c, rank, len(by) > 0})
}

func (t *teller) allChanges() (all []Change) {
	inOrder(t.changes)
	for _, c := range t.changes {
		all = append(all, c.line)
	}
	if more := len(all) - maxChanges; more > 0 {
		t.effects = append(t.effects, ranked[string]{fmt.Sprintf("%d more values change", more), rankCounts, false})
		all = all[:maxChanges]
	}
	return all
}

// allEffects gives each line once, with how often it was told.
func (t *teller) allEffects() (all []string) {
	inOrder(t.effects)
	times := map[string]int{}
	for _, e := range t.effects {
		if times[e.line]++; times[e.line] == 1 {
			all = append(all, e.line)
		}
	}
	left := 0
	for _, line := range all[min(len(all), maxEffects):] {
		left += times[line]
	}
	all = all[:min(len(all), maxEffects)]
	for i, line := range all {
		if n := times[line]; n > 1 {
			all[i] = fmt.Sprintf("%s, %d times", line, n)
		}
	}
	if left > 0 {
		all = append(all, fmt.Sprintf("and %d more", left))
	}
	return all
}

func (t *teller) allUnexpected() (all []Danger) {
	inOrder(t.surprises)
	known := map[string]bool{}
	for _, s := range t.surprises {
		if !known[s.line] {
			known[s.line] = true
			all = append(all, Danger{DangerUnexpected, "simulated, it does what none of its calls says: " + s.line})
		}
	}
	if more := len(all) - maxUnexpected; more > 0 {
		all = append(all[:maxUnexpected:maxUnexpected], Danger{DangerUnexpected, fmt.Sprintf("simulated, it does %d more things that none of its calls says", more)})
	}
	return all
}

// ours reports whether what an address holds is worth an alarm: the Safe, and what people gave a name.
func (t *teller) ours(a common.Address) bool { return a == t.ran.Safe || t.book.Label(a) != "" }

// name is the label with the address; the Safe itself is called that.
func (t *teller) name(a common.Address) string {
	if a == t.ran.Safe && t.book.Label(a) == "" {
		return "the Safe " + a.Hex()
	}
	return t.book.Name(a)
}
