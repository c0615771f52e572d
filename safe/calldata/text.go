package calldata

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// Text returns the canonical text of a decoded value: decimal integers, true or false, EIP-55 addresses, 0x-hex, arrays in
// [ ], tuples in ( ), text as it is and quoted inside brackets. Without the type an array of uint8 can not be told from
// bytes and is written as bytes; TextAs and Arg.Text know better.
func Text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return textOf(nil, reflect.ValueOf(v))
}

// TextAs is Text for a value of type t. ParseValue reads it back.
func TextAs(t abi.Type, v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return textOf(&t, reflect.ValueOf(v))
}

func textOf(t *abi.Type, v reflect.Value) string {
	if !v.IsValid() {
		return ""
	}
	switch x := v.Interface().(type) {
	case *big.Int:
		return x.String()
	case common.Address:
		return x.Hex()
	case string:
		return strconv.Quote(x)
	}
	switch v.Kind() {
	case reflect.Array, reflect.Slice:
		if isBytes(t, v) {
			return "0x" + hex.EncodeToString(bytesOf(v))
		}
		return "[" + joined(v.Len(), func(i int) string { return textOf(element(t), v.Index(i)) }) + "]"
	case reflect.Struct:
		return "(" + joined(v.NumField(), func(i int) string { return textOf(member(t, i), v.Field(i)) }) + ")"
	}
	return fmt.Sprint(v.Interface())
}

func joined(n int, text func(int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = text(i)
	}
	return strings.Join(parts, ", ")
}

func isBytes(t *abi.Type, v reflect.Value) bool {
	if t != nil {
		return t.T == abi.BytesTy || t.T == abi.FixedBytesTy
	}
	return v.Type().Elem().Kind() == reflect.Uint8
}

func bytesOf(v reflect.Value) []byte {
	b := make([]byte, v.Len())
	reflect.Copy(reflect.ValueOf(b), v)
	return b
}

func element(t *abi.Type) *abi.Type {
	if t == nil {
		return nil
	}
	return t.Elem
}

func member(t *abi.Type, i int) *abi.Type {
	if t == nil || i >= len(t.TupleElems) {
		return nil
	}
	return t.TupleElems[i]
}

// splitText takes the bracketed text of an array or a tuple apart, one level deep. Elements that are texts are unquoted.
func splitText(t abi.Type, text string) ([]any, error) {
	open, shut := byte('['), byte(']')
	if t.T == abi.TupleTy && strings.HasPrefix(text, "(") {
		open, shut = '(', ')'
	}
	if len(text) < 2 || text[0] != open || text[len(text)-1] != shut {
		return nil, badValue("%s has to be in brackets: %c… , …%c", t, open, shut)
	}
	inside := strings.TrimSpace(text[1 : len(text)-1])
	if inside == "" {
		return nil, nil
	}
	parts, ok := splitTop(inside)
	if !ok {
		return nil, badValue("brackets or quotes in %q do not match", clip(text, 40))
	}
	items := make([]any, len(parts))
	for i, part := range parts {
		item, err := unquoted(t, i, part)
		if err != nil {
			return nil, err
		}
		items[i] = item
	}
	return items, nil
}

// unquoted takes the quotes off a text element; every other type has none.
func unquoted(t abi.Type, i int, part string) (string, error) {
	elem := t.Elem
	if t.T == abi.TupleTy {
		elem = member(&t, i)
	}
	if elem == nil || elem.T != abi.StringTy {
		return part, nil
	}
	s, err := strconv.Unquote(part)
	if err != nil {
		return "", badValue("text inside brackets has to be quoted: %q", clip(part, 40))
	}
	return s, nil
}

// splitTop splits at the commas that are in no bracket and no quotes.
func splitTop(text string) ([]string, bool) {
	var parts []string
	start, depth, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '(':
			depth++
		case c == ']' || c == ')':
			if depth--; depth < 0 {
				return nil, false
			}
		case c == ',' && depth == 0:
			parts = append(parts, strings.TrimSpace(text[start:i]))
			start = i + 1
		}
	}
	return append(parts, strings.TrimSpace(text[start:])), !quoted && depth == 0
}
