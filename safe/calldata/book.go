package calldata

import (
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

// Book is what turns calls into words: functions by selector and labels by address. It does not
// change once it is made, so it may be used by many goroutines. The nil Book knows the well-known functions and no labels.
type Book struct {
	functions map[[4]byte]Function
	contracts map[common.Address]map[[4]byte]Function // functions that are known at one address alone
	labels    map[common.Address]string
	errors    map[[4]byte]Function  // custom errors; nil: the well-known ones alone
	events    map[common.Hash]Event // besides the well-known ones
}

// maxLabel bounds a label in characters.
const maxLabel = 64

// NewBook makes a Book of the well-known functions and the given ones. A given function that repeats a known signature
// changes nothing, so it can not rename an argument; one that shares only the selector is refused, because calldata could
// then be read in two ways. Labels must be short, printable, and not look like an address.
func NewBook(functions []Function, labels map[common.Address]string) (*Book, error) {
	b := &Book{functions: maps.Clone(builtin), labels: make(map[common.Address]string, len(labels))}
	for _, f := range functions {
		known, taken := b.functions[f.Selector()]
		if taken && known.Signature() != f.Signature() {
			return nil, fmt.Errorf("functions %s and %s share the selector %#x", known.Signature(), f.Signature(), f.Selector())
		}
		if !taken {
			b.functions[f.Selector()] = f
		}
	}
	for address, label := range labels {
		if err := checkLabel(label); err != nil {
			return nil, fmt.Errorf("label of %s: %w", address.Hex(), err)
		}
		b.labels[address] = label
	}
	return b, nil
}

// WithContracts is the Book with functions that hold for one address each: anywhere else their selectors name nothing.
// What every Book knows stays as it is, and a selector that would then have two readings at the address is refused.
func (b *Book) WithContracts(contracts map[common.Address][]Function) (*Book, error) {
	more := *b
	more.contracts = maps.Clone(b.contracts)
	if more.contracts == nil {
		more.contracts = map[common.Address]map[[4]byte]Function{}
	}
	for address, functions := range contracts {
		of := maps.Clone(b.contracts[address])
		if of == nil {
			of = map[[4]byte]Function{}
		}
		for _, f := range functions {
			known, taken := b.functions[f.Selector()]
			if !taken {
				known, taken = of[f.Selector()]
			}
			switch {
			case taken && known.Signature() != f.Signature():
				return nil, fmt.Errorf("functions %s and %s of %s share the selector %#x", known.Signature(), f.Signature(), address.Hex(), f.Selector())
			case !taken:
				of[f.Selector()] = f
			}
		}
		more.contracts[address] = of
	}
	return &more, nil
}

// bound reports whether an address has functions of its own: then it is known what they do.
func (b *Book) bound(a common.Address) bool { return b != nil && b.contracts[a] != nil }

func checkLabel(label string) error {
	switch {
	case label == "":
		return fmt.Errorf("it is empty")
	case utf8.RuneCountInString(label) > maxLabel:
		return fmt.Errorf("%q has more than %d characters", clip(label, maxLabel), maxLabel)
	case safe.Printable(label, maxLabel) != label:
		return fmt.Errorf("%q holds characters that can not be seen", label)
	case strings.Contains(strings.ToLower(label), "0x"):
		return fmt.Errorf("%q looks like an address", label)
	}
	return nil
}

// Function returns the function that a selector names at an address.
func (b *Book) Function(to common.Address, sel [4]byte) (Function, bool) {
	if b == nil {
		return Builtin(sel)
	}
	if f, ok := b.functions[sel]; ok {
		return f, true
	}
	f, ok := b.contracts[to][sel]
	return f, ok
}

// Label returns the label of an address, or "".
func (b *Book) Label(a common.Address) string {
	if b == nil {
		return ""
	}
	return b.labels[a]
}

// Name returns label and full address, or the address alone. A label never stands without the address: it is what people
// chose to call it, not what it is.
func (b *Book) Name(a common.Address) string {
	if label := b.Label(a); label != "" {
		return label + " " + a.Hex()
	}
	return a.Hex()
}
