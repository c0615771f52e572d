package calldata

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// ErrBadValue says that a text is no value of the type asked for; the wrapping text says why.
var ErrBadValue = errors.New("bad value")

func badValue(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBadValue, fmt.Sprintf(format, args...))
}

// ParseValue reads a value of type t and returns it with go-ethereum's Go type for t.
//
// Leaves are strings: integers decimal or 0x-hex and nothing else, true or false, an address of 40 hex digits that is
// EIP-55 correct where it has both cases, bytes as 0x-hex of exactly the right length, any UTF-8 text. Arrays are []any,
// tuples []any in order or map[string]any by member name; both may also be one string in the form that TextAs writes.
func ParseValue(t abi.Type, v any) (any, error) {
	rv, err := parseValue(t, v)
	if err != nil {
		return nil, err
	}
	return rv.Interface(), nil
}

func parseValue(t abi.Type, v any) (reflect.Value, error) {
	switch t.T {
	case abi.SliceTy, abi.ArrayTy:
		return parseList(t, v)
	case abi.TupleTy:
		return parseTuple(t, v)
	}
	text, ok := v.(string)
	if !ok {
		return reflect.Value{}, badValue("%s has to be given as text, not as %s", t, kindOf(v))
	}
	leaf, err := parseLeaf(t, text)
	if err != nil {
		return reflect.Value{}, err
	}
	return reflect.ValueOf(leaf), nil
}

func parseList(t abi.Type, v any) (reflect.Value, error) {
	items, err := itemsOf(t, v)
	if err != nil {
		return reflect.Value{}, err
	}
	if t.T == abi.ArrayTy && len(items) != t.Size {
		return reflect.Value{}, badValue("%s wants %d elements, got %d", t, t.Size, len(items))
	}
	list := reflect.New(t.GetType()).Elem()
	if t.T == abi.SliceTy {
		list = reflect.MakeSlice(t.GetType(), len(items), len(items))
	}
	for i, item := range items {
		element, err := parseValue(*t.Elem, item)
		if err != nil {
			return reflect.Value{}, fmt.Errorf("[%d]: %w", i, err)
		}
		list.Index(i).Set(element)
	}
	return list, nil
}

func parseTuple(t abi.Type, v any) (reflect.Value, error) {
	items, err := membersOf(t, v)
	if err != nil {
		return reflect.Value{}, err
	}
	if len(items) != len(t.TupleElems) {
		return reflect.Value{}, badValue("%s wants %d members, got %d", t, len(t.TupleElems), len(items))
	}
	tuple := reflect.New(t.TupleType).Elem()
	for i, item := range items {
		member, err := parseValue(*t.TupleElems[i], item)
		if err != nil {
			return reflect.Value{}, fmt.Errorf("%s: %w", t.TupleRawNames[i], err)
		}
		tuple.Field(i).Set(member)
	}
	return tuple, nil
}

func itemsOf(t abi.Type, v any) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case string:
		return splitText(t, v)
	}
	return nil, badValue("%s has to be a list, not %s", t, kindOf(v))
}

func membersOf(t abi.Type, v any) ([]any, error) {
	byName, ok := v.(map[string]any)
	if !ok {
		return itemsOf(t, v)
	}
	items := make([]any, len(t.TupleElems))
	for i, name := range t.TupleRawNames {
		item, ok := byName[name]
		if !ok {
			return nil, badValue("%s lacks the member %s", t, name)
		}
		items[i] = item
	}
	if len(byName) != len(items) {
		return nil, badValue("%s has %d members, got %d", t, len(items), len(byName))
	}
	return items, nil
}

func parseLeaf(t abi.Type, text string) (any, error) {
	switch t.T {
	case abi.UintTy, abi.IntTy:
		n, err := parseInteger(text)
		if err != nil {
			return nil, err
		}
		return sized(t, n)
	case abi.BoolTy:
		if text != "true" && text != "false" {
			return nil, badValue("%q is neither true nor false", clip(text, 40))
		}
		return text == "true", nil
	case abi.AddressTy:
		return ParseAddress(text)
	case abi.StringTy:
		if !utf8.ValidString(text) {
			return nil, badValue("the text is not UTF-8")
		}
		return text, nil
	case abi.BytesTy:
		return parseHex(text)
	case abi.FixedBytesTy:
		return parseFixedBytes(t, text)
	}
	return nil, badValue("%s is not supported", t)
}

// maxIntegerText is longer than any 256-bit number, with sign.
const maxIntegerText = 80

// parseInteger takes what can be read in one way only. A leading zero is octal to some, an exponent or a point a float.
func parseInteger(text string) (*big.Int, error) {
	digits, negative := strings.CutPrefix(text, "-")
	base := 10
	if hexDigits, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base = hexDigits, 16
	}
	switch {
	case len(text) > maxIntegerText:
		return nil, badValue("an integer of %d characters", len(text))
	case !onlyDigits(digits, base):
		return nil, badValue("%q is not an integer: write decimal digits, or 0x and hex digits", clip(text, 40))
	case base == 10 && digits[0] == '0' && text != "0":
		return nil, badValue("%q starts with a zero: write it without, or in hex with 0x", clip(text, 40))
	}
	n, _ := new(big.Int).SetString(digits, base)
	if n.Sign() == 0 {
		return new(big.Int), nil // one zero, so that equal values are deeply equal
	}
	if negative {
		n.Neg(n)
	}
	return n, nil
}

func onlyDigits(text string, base int) bool {
	for i := range len(text) {
		c := text[i]
		isDecimal := c >= '0' && c <= '9'
		isHex := c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if !isDecimal && (base != 16 || !isHex) {
			return false
		}
	}
	return text != ""
}

// sized gives an integer the Go type of its ABI type, if it fits.
func sized(t abi.Type, n *big.Int) (any, error) {
	if err := checkBits(t, n); err != nil {
		return nil, err
	}
	goType := t.GetType()
	switch goType.Kind() {
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return reflect.ValueOf(n.Uint64()).Convert(goType).Interface(), nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return reflect.ValueOf(n.Int64()).Convert(goType).Interface(), nil
	}
	return n, nil
}

// checkBits refuses a number outside the exact width of its type.
func checkBits(t abi.Type, n *big.Int) error {
	bits := t.Size
	if t.T == abi.IntTy {
		bits--
	}
	limit := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	low := new(big.Int)
	if t.T == abi.IntTy {
		low.Neg(limit)
	}
	if n.Cmp(low) < 0 || n.Cmp(limit) >= 0 {
		return badValue("%s is out of range for %s", clip(n.String(), 90), t)
	}
	return nil
}

// ParseAddress reads 0x and 40 hex digits. With both upper and lower case letters the EIP-55 checksum has to be right.
func ParseAddress(text string) (common.Address, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok || len(digits) != 2*common.AddressLength || !onlyDigits(digits, 16) {
		return common.Address{}, badValue("%q is not an address: write 0x and 40 hex digits", clip(text, 48))
	}
	a := common.HexToAddress(text)
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && text != a.Hex() {
		return common.Address{}, badValue("%s has a wrong checksum: mistyped, or write it in lower case", text)
	}
	return a, nil
}

func parseHex(text string) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok {
		return nil, badValue("%q does not start with 0x", clip(text, 40))
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, badValue("%q is not hex of whole bytes", clip(text, 40))
	}
	return b, nil
}

func parseFixedBytes(t abi.Type, text string) (any, error) {
	b, err := parseHex(text)
	if err != nil {
		return nil, err
	}
	if len(b) != t.Size {
		return nil, badValue("%s wants %d bytes, got %d", t, t.Size, len(b))
	}
	array := reflect.New(t.GetType()).Elem()
	reflect.Copy(array, reflect.ValueOf(b))
	return array.Interface(), nil
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	case string:
		return "text"
	}
	return fmt.Sprintf("a %T", v)
}
