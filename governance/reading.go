package governance

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/accounts/abi"
)

// NamedCall is one read that a playbook wants.
type NamedCall struct {
	Name string
	Call safe.Call
}

// Reading is what a read said.
type Reading struct {
	Name  string
	Text  string // "getPaused(asset: usdc 0x…)"
	Value string // canonical text; "" when not Known
	Known bool
}

// readTemplate is a read with parameters left open: a call, which of its outputs, and which bits of that.
type readTemplate struct {
	call callTemplate
	pick int
	bits []int // nil: all
}

type namedRead struct {
	name string
	readTemplate
}

// expectTemplate is a postcondition with parameters left open.
type expectTemplate struct {
	read   readTemplate
	equals any
}

// wholeWord is the type of a run of bits.
var wholeWord, _ = abi.NewType("uint256", "", nil)

// read compiles one read. It is false when too little of it is known to look at more.
func (c *compiler) read(path string, spec CallSpec, pick string, bits []int) (readTemplate, bool) {
	if spec.SkipIf != "" {
		c.fail(path+".call.skip_if", "remove it", "a read is not skipped")
	}
	if spec.Value != "" {
		c.fail(path+".call.value", "remove it", "a read sends no value")
	}
	call, ok := c.call(path+".call", CallSpec{To: spec.To, Function: spec.Function, Args: spec.Args})
	if !ok {
		return readTemplate{}, false
	}
	r := readTemplate{call: call, bits: bits}
	if r.pick, ok = c.picked(path, call.function, pick); !ok {
		return r, false
	}
	return r, c.bits(path+".bits", &r)
}

// picked finds the output that is meant, by name or index.
func (c *compiler) picked(path string, f calldata.Function, pick string) (int, bool) {
	if len(f.Outputs) == 0 {
		c.fail(path+".call.function", "add returns (…)", "%s returns nothing that could be read", f.Signature())
		return 0, false
	}
	if pick == "" {
		if len(f.Outputs) > 1 {
			c.fail(path, "add pick: with the output's name or index", "%s returns %d values", f.Signature(), len(f.Outputs))
			return 0, false
		}
		return 0, true
	}
	var names []string
	for i, out := range f.Outputs {
		if out.Name == pick || strconv.Itoa(i) == pick {
			return i, true
		}
		names = append(names, out.Name)
	}
	c.fail(path+".pick", didYouMeanHint(pick, names), "%s returns nothing called %q", f.Signature(), pick)
	return 0, false
}

func (c *compiler) bits(path string, r *readTemplate) bool {
	if len(r.bits) == 0 {
		r.bits = nil
		return true
	}
	t := r.call.function.Outputs[r.pick].Type
	width := 0
	switch t.T {
	case abi.UintTy:
		width = t.Size
	case abi.FixedBytesTy:
		width = 8 * t.Size
	}
	switch {
	case width == 0:
		c.fail(path, "", "%s has no bits to pick: only unsigned integers and bytes have", t.String())
	case len(r.bits) != 2 || r.bits[0] < 0 || r.bits[1] < r.bits[0] || r.bits[1] >= width:
		c.fail(path, fmt.Sprintf("[lo, hi], both counted, from 0 to %d", width-1), "%v are not bits of %s", r.bits, t.String())
	default:
		return true
	}
	return false
}

// output is the type of what is read.
func (r *readTemplate) output() abi.Type {
	if r.bits != nil {
		return wholeWord
	}
	return r.call.function.Outputs[r.pick].Type
}

func (r *readTemplate) numeric() bool   { return isInteger(r.output()) }
func (r *readTemplate) singleBit() bool { return r.bits != nil && r.bits[0] == r.bits[1] }
func (r *readTemplate) yesNo() bool     { return r.output().T == abi.BoolTy || r.singleBit() }

// describe puts the read in words, with the output and the bits that are meant.
func (r *readTemplate) describe(p *Playbook, values map[string]string) string {
	text := r.call.describe(p, values)
	if outputs := r.call.function.Outputs; len(outputs) > 1 {
		name := outputs[r.pick].Name
		if name == "" {
			name = strconv.Itoa(r.pick)
		}
		text += "." + name
	}
	switch {
	case r.singleBit():
		text += fmt.Sprintf(" bit %d", r.bits[0])
	case r.bits != nil:
		text += fmt.Sprintf(" bits %d to %d", r.bits[0], r.bits[1])
	}
	return text
}

// errReverted says that a read reverted.
var errReverted = errors.New("the read reverts")

// valueOf decodes what a read gave: the output picked, and the bits picked of it, in canonical text.
func valueOf(f calldata.Function, pick int, bits []int, r safe.Result) (string, error) {
	switch {
	case r.Reverted:
		return "", errReverted
	case len(r.Data) == 0:
		return "", errors.New("the read gives nothing: there may be no contract")
	}
	outputs, err := f.DecodeOutput(r.Data)
	if err != nil {
		return "", err
	}
	if pick < 0 || pick >= len(outputs) {
		return "", fmt.Errorf("%s has no output %d", f.Signature(), pick)
	}
	text := outputs[pick].Text()
	if len(bits) == 0 {
		return text, nil
	}
	return bitsOf(text, bits)
}

// bitsOf cuts bits lo to hi, both counted, out of a number in decimal or bytes in hex.
func bitsOf(text string, bits []int) (string, error) {
	word, ok := new(big.Int).SetString(strings.TrimPrefix(text, "0x"), 10)
	if strings.HasPrefix(text, "0x") {
		word, ok = new(big.Int).SetString(text[2:], 16)
	}
	if !ok || word.Sign() < 0 || len(bits) != 2 || bits[0] < 0 || bits[1] < bits[0] || bits[1] > 255 {
		return "", fmt.Errorf("%q has no bits %v", clip(text), bits)
	}
	width := uint(bits[1] - bits[0] + 1)
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), width), big.NewInt(1))
	return word.Rsh(word, uint(bits[0])).And(word, mask).String(), nil
}

// Judge compares what was read with what is expected. What could not be read has no value and is not OK: unknown is never true.
func (e Expectation) Judge(r safe.Result) Postcondition {
	condition := Postcondition{Text: e.Text}
	f, err := calldata.ParseFunction(e.Output)
	if err != nil {
		return condition
	}
	value, err := valueOf(f, e.Pick, e.Bits, r)
	if err != nil {
		return condition
	}
	condition.Value, condition.OK = value, value == e.Equals
	return condition
}
