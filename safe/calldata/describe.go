package calldata

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"belay/safe"
)

// Reading says how well a call's data is understood.
type Reading string

// The readings, from plain to worst.
const (
	ReadPlain     Reading = "plain"     // no data: a transfer of value, or nothing at all
	ReadFunction  Reading = "function"  // a known function, decoded completely
	ReadUnknown   Reading = "unknown"   // no known function has this selector
	ReadMalformed Reading = "malformed" // a known selector, but the bytes are not its encoding, or hold calls that are not
	ReadTooDeep   Reading = "too_deep"  // calls within calls beyond what is opened
)

// Described is a call in words. Text is one line; it shows every address in full, and says so where it shortens anything
// else. Args hold every value completely.
type Described struct {
	To       common.Address
	Label    string // of To; empty when it has none
	Value    uint256.Int
	Data     []byte
	Function string // canonical signature; empty unless Reading is function, malformed or too_deep
	Args     []Arg
	Text     string
	Reading  Reading
	Delegate bool        // this call is run by DELEGATECALL
	Inner    []Described // the calls that this one makes or announces

	self bool // the zero address, where it means the Safe itself
}

// maxOpened is how many levels of calls within calls are opened: a batch that schedules a batch on a timelock, on behalf of
// another Safe, takes four.
const maxOpened = 5

// maxArgText is the longest text of one argument in Described.Text, in bytes.
const maxArgText = 700

// Describe puts a call in words and opens the calls within it: batches, timelock operations, transactions of other Safes.
func (b *Book) Describe(call safe.Call) Described {
	return b.describe(inner{Call: call}, 0)
}

// DescribeTx describes what a transaction does. A batch that is delegatecalled to a published MultiSendCallOnly, or to one of
// multiSends, is told as its calls, one by one, and nothing else; any other delegatecall is told as what it is.
func (b *Book) DescribeTx(tx safe.Tx, multiSends ...common.Address) []Described {
	calls, _ := b.open(tx, multiSends)
	return calls
}

// open describes a transaction and reports whether it is a batch that was opened.
func (b *Book) open(tx safe.Tx, multiSends []common.Address) (calls []Described, opened bool) {
	call := safe.Call{To: tx.To, Value: tx.Value, Data: tx.Data}
	whole := b.describe(inner{Call: call, delegate: tx.Operation != safe.OperationCall}, 0)
	if isBatch(tx, multiSends) && whole.Reading == ReadFunction {
		return whole.Inner, true
	}
	return []Described{whole}, false
}

// isBatch reports whether tx delegatecalls multiSend of a library known to make plain calls only.
func isBatch(tx safe.Tx, multiSends []common.Address) bool {
	known := safe.IsMultiSendCallOnly(tx.To) || slices.Contains(multiSends, tx.To)
	return known && tx.Operation == safe.OperationDelegateCall && safe.IsMultiSend(tx.Data)
}

func (b *Book) describe(in inner, depth int) Described {
	d := Described{To: in.To, Label: b.Label(in.To), Value: in.Value, Data: in.Data, Delegate: in.delegate, Reading: ReadUnknown, self: in.self}
	switch {
	case len(in.Data) == 0:
		d.Reading = ReadPlain
	case len(in.Data) >= 4:
		b.read(&d, depth)
	}
	d.Text = b.sentence(d)
	return d
}

// read decodes the data and opens inner calls.
func (b *Book) read(d *Described, depth int) {
	f, ok := b.Function(d.To, [4]byte(d.Data))
	if !ok {
		return
	}
	d.Function, d.Reading = f.Signature(), ReadMalformed
	args, err := f.DecodeInput(d.Data)
	if err != nil {
		return
	}
	calls, err := openCalls(f.Selector(), args, safe.Call{To: d.To, Value: d.Value, Data: d.Data})
	if err != nil {
		return
	}
	d.Args, d.Reading = args, ReadFunction
	if len(calls) > 0 && depth == maxOpened {
		d.Reading = ReadTooDeep
		return
	}
	for _, c := range calls {
		d.Inner = append(d.Inner, b.describe(c, depth+1))
	}
}

// sentence writes Text.
func (b *Book) sentence(d Described) string {
	text := b.action(d)
	if d.Delegate {
		text = "DELEGATECALL, runs foreign code as the Safe: " + text
	}
	if !d.Value.IsZero() && d.Reading != ReadPlain {
		text += ", sending " + coins(&d.Value)
	}
	return text
}

// target names whom a call goes to.
func (b *Book) target(d Described) string {
	if d.self {
		return "the Safe itself (" + d.To.Hex() + " to this batch library)"
	}
	return b.Name(d.To)
}

func (b *Book) action(d Described) string {
	to := b.target(d)
	switch d.Reading {
	case ReadPlain:
		if d.Value.IsZero() {
			return "call " + to + " with no data and no value"
		}
		return "send " + coins(&d.Value) + " to " + to
	case ReadUnknown:
		return fmt.Sprintf("%s: unknown function, %s", to, bytesText(d.Data))
	case ReadMalformed:
		return fmt.Sprintf("%s: bytes that do not encode a proper %s, %s", to, d.Function, bytesText(d.Data))
	}
	f, _ := b.Function(d.To, [4]byte(d.Data))
	args := make([]string, len(d.Args))
	for i, a := range d.Args {
		args[i] = b.argument(a)
	}
	text := fmt.Sprintf("%s.%s(%s)", to, f.Name, strings.Join(args, ", "))
	switch {
	case d.Reading == ReadTooDeep:
		text += ", with calls nested too deep to open"
	case len(d.Inner) == 1:
		text += ", with 1 call inside"
	case len(d.Inner) > 1:
		text += fmt.Sprintf(", with %d calls inside", len(d.Inner))
	}
	return text
}

func (b *Book) argument(a Arg) string {
	text := b.value(a.typ, a)
	if len(text) > maxArgText {
		text = fmt.Sprintf("%s… (shortened, %d characters in all, keccak256 %s)", strings.ToValidUTF8(text[:maxArgText], ""), len(text), crypto.Keccak256Hash([]byte(text)).Hex())
	}
	if a.Name == "" {
		return text
	}
	return a.Name + ": " + text
}

// value is an argument's text with labels beside addresses and long bytes told by their length and hash.
func (b *Book) value(t abi.Type, a Arg) string {
	switch v := a.Value.(type) {
	case common.Address:
		return b.Name(v)
	case []common.Address:
		return "[" + joined(len(v), func(i int) string { return b.Name(v[i]) }) + "]"
	case []byte:
		if t.T == abi.BytesTy {
			return bytesText(v)
		}
	case string:
		return fmt.Sprintf("%q", safe.Printable(v, len(v)))
	case *big.Int:
		if isMaxUint256(v) {
			return v.String() + " (the maximum)"
		}
	}
	text := a.Text()
	return safe.Printable(text, len(text))
}

func isMaxUint256(n *big.Int) bool {
	return n.Sign() > 0 && n.BitLen() == 256 && new(big.Int).Add(n, big.NewInt(1)).TrailingZeroBits() == 256
}

// bytesText shows up to a selector and one word in full.
func bytesText(data []byte) string {
	if len(data) <= 36 {
		return "0x" + hex.EncodeToString(data)
	}
	return fmt.Sprintf("0x%x… (%d bytes, keccak256 %s)", data[:4], len(data), crypto.Keccak256Hash(data).Hex())
}

func coins(wei *uint256.Int) string {
	return FormatAmount(wei.ToBig(), 18) + " ether (" + wei.Dec() + " wei)"
}

// MarshalJSON writes the public form: EIP-55 addresses, decimal strings, 0x-hex, lists that are never null.
func (d Described) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		To       string      `json:"to"`
		Label    *string     `json:"label"`
		Value    string      `json:"value"`
		Data     string      `json:"data"`
		Function *string     `json:"function"`
		Args     []Arg       `json:"args"`
		Text     string      `json:"text"`
		Reading  Reading     `json:"reading"`
		Delegate bool        `json:"delegate"`
		Inner    []Described `json:"inner"`
	}{
		d.To.Hex(), orNull(d.Label), d.Value.Dec(), "0x" + hex.EncodeToString(d.Data), orNull(d.Function),
		append([]Arg{}, d.Args...), d.Text, d.Reading, d.Delegate, append([]Described{}, d.Inner...),
	})
}

// MarshalJSON writes name, type and the value's text.
func (a Arg) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name  string `json:"name"`
		Type  string `json:"type"`
		Value string `json:"value"`
	}{a.Name, a.Type, a.Text()})
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
