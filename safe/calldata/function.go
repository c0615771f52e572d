package calldata

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Function is a contract function: its name and the types of what it takes and returns. Make one with ParseFunction.
type Function struct {
	Name    string
	Inputs  abi.Arguments
	Outputs abi.Arguments

	signature string
	selector  [4]byte
}

// Errors of decoding.
var (
	// ErrSelector says that calldata is for another function.
	ErrSelector = errors.New("calldata of another function")
	// ErrNotCanonical says that bytes are not what encoding the same values would give: wrong padding, offsets that jump,
	// numbers out of range, bytes missing or left over.
	ErrNotCanonical = errors.New("not the canonical encoding")
)

// Arg is one decoded value with its name (may be empty) and canonical type. Value has go-ethereum's Go type for it.
type Arg struct {
	Name  string
	Type  string
	Value any

	typ abi.Type
}

// Text returns the value's canonical text.
func (a Arg) Text() string {
	if a.typ.String() == "" {
		return Text(a.Value)
	}
	return TextAs(a.typ, a.Value)
}

func (f Function) sealed() Function {
	types := make([]string, len(f.Inputs))
	for i, in := range f.Inputs {
		types[i] = in.Type.String()
	}
	f.signature = f.Name + "(" + strings.Join(types, ",") + ")"
	f.selector = [4]byte(crypto.Keccak256([]byte(f.signature))[:4])
	return f
}

// Signature returns the canonical signature, such as transfer(address,uint256).
func (f Function) Signature() string { return f.signature }

// Selector returns the first four bytes of calldata.
func (f Function) Selector() [4]byte { return f.selector }

// String returns the function in Solidity text with names, as ParseFunction reads it.
func (f Function) String() string {
	text := f.Name + "(" + parameters(f.Inputs) + ")"
	if len(f.Outputs) > 0 {
		text += " returns (" + parameters(f.Outputs) + ")"
	}
	return text
}

func parameters(args abi.Arguments) string {
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = strings.TrimSpace(typeText(a.Type) + " " + a.Name)
	}
	return strings.Join(list, ", ")
}

// typeText is the type with the names of tuple members.
func typeText(t abi.Type) string {
	switch t.T {
	case abi.SliceTy:
		return typeText(*t.Elem) + "[]"
	case abi.ArrayTy:
		return fmt.Sprintf("%s[%d]", typeText(*t.Elem), t.Size)
	case abi.TupleTy:
		members := make([]string, len(t.TupleElems))
		for i, e := range t.TupleElems {
			members[i] = typeText(*e) + " " + t.TupleRawNames[i]
		}
		return "(" + strings.Join(members, ", ") + ")"
	}
	return t.String()
}

// Encode returns calldata for arguments given as text: see ParseValue for their forms.
func (f Function) Encode(args []any) ([]byte, error) {
	if len(args) != len(f.Inputs) {
		return nil, fmt.Errorf("encode %s: %d arguments, want %d", f.signature, len(args), len(f.Inputs))
	}
	values := make([]any, len(args))
	for i, in := range f.Inputs {
		v, err := ParseValue(in.Type, args[i])
		if err != nil {
			return nil, fmt.Errorf("encode %s: argument %s: %w", f.signature, label(in.Name, i), err)
		}
		values[i] = v
	}
	return f.Pack(values...)
}

// Pack returns calldata for arguments that have their Go types already: those of ParseValue. Unsigned Go integers and
// uint256.Int are taken for any integer type that holds them.
func (f Function) Pack(values ...any) ([]byte, error) {
	if len(values) != len(f.Inputs) {
		return nil, fmt.Errorf("encode %s: %d arguments, want %d", f.signature, len(values), len(f.Inputs))
	}
	fitted := make([]any, len(values))
	for i, in := range f.Inputs {
		v, err := fit(in.Type, values[i])
		if err != nil {
			return nil, fmt.Errorf("encode %s: argument %s: %w", f.signature, label(in.Name, i), err)
		}
		fitted[i] = v
	}
	body, err := f.Inputs.Pack(fitted...)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", f.signature, err)
	}
	return append(f.selector[:], body...), nil
}

// fit converts the convenient Go integers and checks what go-ethereum's encoder takes for granted.
func fit(t abi.Type, v any) (any, error) {
	switch n := v.(type) {
	case uint64:
		v = new(big.Int).SetUint64(n)
	case uint256.Int:
		v = n.ToBig()
	case *uint256.Int:
		if n != nil {
			v = n.ToBig()
		}
	}
	if n, ok := v.(*big.Int); ok && n != nil && (t.T == abi.UintTy || t.T == abi.IntTy) {
		return sized(t, n)
	}
	rv := reflect.ValueOf(v)
	if !rv.IsValid() || !rv.Type().AssignableTo(t.GetType()) {
		return nil, fmt.Errorf("a %T is no %s", v, t)
	}
	return v, inRange(t, rv)
}

// inRange looks into arrays and tuples for big integers that would be cut.
func inRange(t abi.Type, v reflect.Value) error {
	switch t.T {
	case abi.UintTy, abi.IntTy:
		n, ok := v.Interface().(*big.Int)
		if !ok {
			return nil // a Go integer of exactly this size
		}
		if n == nil {
			return fmt.Errorf("no value for %s", t)
		}
		return checkBits(t, n)
	case abi.SliceTy, abi.ArrayTy:
		for i := range v.Len() {
			if err := inRange(*t.Elem, v.Index(i)); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
	case abi.TupleTy:
		for i, e := range t.TupleElems {
			if err := inRange(*e, v.Field(i)); err != nil {
				return fmt.Errorf("%s: %w", t.TupleRawNames[i], err)
			}
		}
	}
	return nil
}

// DecodeInput reads calldata of this function. It is strict: what it decodes encodes to the same bytes.
func (f Function) DecodeInput(data []byte) ([]Arg, error) {
	if !bytes.HasPrefix(data, f.selector[:]) {
		return nil, fmt.Errorf("decode %s: %w", f.signature, ErrSelector)
	}
	return f.decode(f.Inputs, data[4:], "decode")
}

// DecodeOutput reads what a call returned, as strictly.
func (f Function) DecodeOutput(data []byte) ([]Arg, error) {
	return f.decode(f.Outputs, data, "decode result of")
}

func (f Function) decode(args abi.Arguments, data []byte, action string) ([]Arg, error) {
	if err := checkCanonical(args, data); err != nil {
		return nil, fmt.Errorf("%s %s: %w", action, f.signature, err)
	}
	values, err := args.Unpack(data)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", action, f.signature, err)
	}
	list := make([]Arg, len(values))
	for i, v := range values {
		list[i] = Arg{Name: args[i].Name, Type: args[i].Type.String(), Value: v, typ: args[i].Type}
	}
	return list, nil
}

func label(name string, i int) string {
	if name == "" {
		return fmt.Sprintf("%d", i+1)
	}
	return name
}
