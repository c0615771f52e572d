package calldata_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"belay/safe/calldata"
)

func fn(t testing.TB, text string) calldata.Function {
	t.Helper()
	f, err := calldata.ParseFunction(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The examples of Solidity's ABI specification, https://docs.soliditylang.org/en/latest/abi-spec.html#examples.
func TestEncodeGivesTheBytesOfTheSpecification(t *testing.T) {
	for _, tt := range []struct {
		function string
		args     []any
		want     string
	}{
		{"baz(uint32 x, bool y)", []any{"69", "true"}, `cdcd77c0
			0000000000000000000000000000000000000000000000000000000000000045
			0000000000000000000000000000000000000000000000000000000000000001`},
		{"bar(bytes3[2])", []any{[]any{"0x616263", "0x646566"}}, `fce353f6
			6162630000000000000000000000000000000000000000000000000000000000
			6465660000000000000000000000000000000000000000000000000000000000`},
		{"f(uint256,uint32[],bytes10,bytes)", []any{"0x123", "[0x456, 0x789]", "0x31323334353637383930", "0x48656c6c6f2c20776f726c6421"}, `8be65246
			0000000000000000000000000000000000000000000000000000000000000123
			0000000000000000000000000000000000000000000000000000000000000080
			3132333435363738393000000000000000000000000000000000000000000000
			00000000000000000000000000000000000000000000000000000000000000e0
			0000000000000000000000000000000000000000000000000000000000000002
			0000000000000000000000000000000000000000000000000000000000000456
			0000000000000000000000000000000000000000000000000000000000000789
			000000000000000000000000000000000000000000000000000000000000000d
			48656c6c6f2c20776f726c642100000000000000000000000000000000000000`},
		{"g(uint256[][],string[])", []any{"[[1, 2], [3]]", `["one", "two", "three"]`}, `2289b18c
			0000000000000000000000000000000000000000000000000000000000000040
			0000000000000000000000000000000000000000000000000000000000000140
			0000000000000000000000000000000000000000000000000000000000000002
			0000000000000000000000000000000000000000000000000000000000000040
			00000000000000000000000000000000000000000000000000000000000000a0
			0000000000000000000000000000000000000000000000000000000000000002
			0000000000000000000000000000000000000000000000000000000000000001
			0000000000000000000000000000000000000000000000000000000000000002
			0000000000000000000000000000000000000000000000000000000000000001
			0000000000000000000000000000000000000000000000000000000000000003
			0000000000000000000000000000000000000000000000000000000000000003
			0000000000000000000000000000000000000000000000000000000000000060
			00000000000000000000000000000000000000000000000000000000000000a0
			00000000000000000000000000000000000000000000000000000000000000e0
			0000000000000000000000000000000000000000000000000000000000000003
			6f6e650000000000000000000000000000000000000000000000000000000000
			0000000000000000000000000000000000000000000000000000000000000003
			74776f0000000000000000000000000000000000000000000000000000000000
			0000000000000000000000000000000000000000000000000000000000000005
			7468726565000000000000000000000000000000000000000000000000000000`},
	} {
		got, err := fn(t, tt.function).Encode(tt.args)
		want := strings.Join(strings.Fields(tt.want), "")
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: got\n%x, %v; want\n%s", tt.function, got, err, want)
			continue
		}
		args, err := fn(t, tt.function).DecodeInput(got)
		if err != nil || len(args) != len(tt.args) {
			t.Errorf("%s: decodes to %v, %v", tt.function, args, err)
		}
	}
}

func TestEncodeNamesTheArgumentThatIsWrong(t *testing.T) {
	f := fn(t, "setReservePause(address asset, bool)")
	for _, tt := range []struct {
		args []any
		says string
	}{
		{[]any{"usdc", "true"}, "argument asset"},
		{[]any{usdc, "maybe"}, "argument 2"},
		{[]any{usdc}, "1 arguments, want 2"},
	} {
		if _, err := f.Encode(tt.args); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v: got %v, want %q", tt.args, err, tt.says)
		}
	}
}

func TestPackTakesGoValuesAndNothingThatWouldBeCut(t *testing.T) {
	f := fn(t, "f(uint256 a, uint8 b, bytes32 c, address[] d)")
	list := []common.Address{common.HexToAddress(usdc)}
	want, err := f.Encode([]any{"7", "8", "0x" + strings.Repeat("00", 31) + "09", "[" + usdc + "]"})
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string][]any{
		"go-ethereum's types": {big.NewInt(7), uint8(8), [32]byte{31: 9}, list},
		"uint64 and Hash":     {uint64(7), uint64(8), common.BytesToHash([]byte{9}), list},
		"uint256.Int":         {*uint256.NewInt(7), uint256.NewInt(8), common.BytesToHash([]byte{9}), list},
	} {
		if got, err := f.Pack(values...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
	}
	tooBig := new(big.Int).Lsh(big.NewInt(1), 256)
	for name, tt := range map[string]struct {
		function string
		value    any
	}{
		"a negative number":           {"f(uint256)", big.NewInt(-1)},
		"2^256":                       {"f(uint256)", tooBig},
		"2^255 as signed":             {"f(int256)", new(big.Int).Rsh(tooBig, 1)},
		"300 in 8 bits":               {"f(uint8)", uint64(300)},
		"2^24 in 24 bits":             {"f(uint24)", big.NewInt(1 << 24)},
		"a negative number in a list": {"f(uint256[])", []*big.Int{big.NewInt(-1)}},
		"no number":                   {"f(uint256)", (*big.Int)(nil)},
		"no number in a list":         {"f(uint256[1])", [1]*big.Int{}},
		"nothing":                     {"f(uint256)", nil},
		"no uint256.Int":              {"f(uint256)", (*uint256.Int)(nil)},
		"text":                        {"f(uint256)", "1"},
		"a number for an address":     {"f(address)", big.NewInt(1)},
		"a list for bytes":            {"f(bytes)", []any{}},
	} {
		if got, err := fn(t, tt.function).Pack(tt.value); err == nil {
			t.Errorf("%s: got %x", name, got)
		}
	}
}

func TestDecodeIsStrict(t *testing.T) {
	f := fn(t, "f(address a, bool b, uint8 c, int16 d, bytes4 e, bytes g, uint256[] h)")
	good, err := f.Encode([]any{usdc, "true", "1", "-1", "0x01020304", "0x0506", "[7]"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.DecodeInput(good); err != nil {
		t.Fatal(err)
	}
	word := func(n int) int { return 4 + 32*n }
	patched := func(at int, b byte) []byte {
		c := slices.Clone(good)
		c[at] = b
		return c
	}
	for name, bad := range map[string][]byte{
		"an address of 21 bytes":       patched(word(0)+11, 1),
		"a bool of 2":                  patched(word(1)+31, 2),
		"a uint8 of 256":               patched(word(2)+30, 1),
		"an int16 without its sign":    patched(word(3)+5, 0),
		"a bytes4 of 5 bytes":          patched(word(4)+4, 1),
		"an offset into the head":      patched(word(5)+31, 0),
		"an offset beyond the end":     patched(word(5)+30, 0xff),
		"an offset of 2^255":           patched(word(5), 0x80),
		"padding that is not zero":     patched(word(8)+31, 1),
		"a length beyond the end":      patched(word(7)+30, 0xff),
		"a list longer than the data":  patched(word(9)+31, 2),
		"a list shorter than the data": patched(word(9)+31, 0),
		"a list of 2^60 elements":      patched(word(9)+24, 0x10),
		"a byte missing":               good[:len(good)-1],
		"a byte too many":              append(slices.Clone(good), 0),
		"a word too many":              append(slices.Clone(good), make([]byte, 32)...),
		"only the selector":            good[:4],
	} {
		if args, err := f.DecodeInput(bad); !errors.Is(err, calldata.ErrNotCanonical) {
			t.Errorf("%s: got %v, %v", name, args, err)
		}
	}
	for name, bad := range map[string][]byte{"another function": patched(0, 0), "no calldata": nil, "half a selector": good[:2]} {
		if args, err := f.DecodeInput(bad); !errors.Is(err, calldata.ErrSelector) {
			t.Errorf("%s: got %v, %v", name, args, err)
		}
	}
}

// Arrays of arrays whose offsets all point to the same bytes would decode to far more than was sent.
func TestOverlappingArraysAreRefused(t *testing.T) {
	f := fn(t, "f(uint256[][][][])")
	selector := f.Selector()
	data := append(selector[:], common.LeftPadBytes([]byte{0x20}, 32)...)
	for range 3 {
		data = append(data, common.LeftPadBytes([]byte{100}, 32)...)
		for range 100 {
			data = append(data, common.LeftPadBytes([]byte{100 * 32 >> 8, 100 * 32 & 0xff}, 32)...)
		}
	}
	if args, err := f.DecodeInput(data); !errors.Is(err, calldata.ErrNotCanonical) {
		t.Errorf("got %d args, %v", len(args), err)
	}
}

func TestDecodeOutput(t *testing.T) {
	f := fn(t, "getPaused(address asset) returns (bool paused, uint256)")
	data := append(common.LeftPadBytes([]byte{1}, 32), common.LeftPadBytes([]byte{9}, 32)...)
	args, err := f.DecodeOutput(data)
	if err != nil {
		t.Fatal(err)
	}
	if args[0].Name != "paused" || args[0].Value != true || args[1].Text() != "9" || args[1].Type != "uint256" {
		t.Errorf("got %+v", args)
	}
	for name, bad := range map[string][]byte{"nothing, as from an account without code": nil, "a word": data[:32], "dirt": append([]byte{1}, data[1:]...)} {
		if args, err := f.DecodeOutput(bad); !errors.Is(err, calldata.ErrNotCanonical) {
			t.Errorf("%s: got %v, %v", name, args, err)
		}
	}
	if args, err := fn(t, "pause()").DecodeOutput(nil); err != nil || len(args) != 0 {
		t.Errorf("nothing from nothing: %v, %v", args, err)
	}
}

// drawType draws a type text and drawValue a value of it, in the form that ParseValue takes.
func drawType(t *rapid.T, depth int) string {
	leaves := []string{"uint256", "uint8", "uint24", "int64", "int256", "int40", "bool", "address", "bytes", "bytes1", "bytes32", "string"}
	switch rapid.IntRange(0, 3+depth).Draw(t, "shape") {
	case 1:
		if depth < 3 {
			return drawType(t, depth+1) + rapid.SampledFrom([]string{"[]", "[1]", "[3]"}).Draw(t, "dimension")
		}
	case 2:
		if depth < 3 {
			members := make([]string, rapid.IntRange(1, 3).Draw(t, "members"))
			for i := range members {
				members[i] = drawType(t, depth+1)
			}
			return "(" + strings.Join(members, ",") + ")"
		}
	}
	return rapid.SampledFrom(leaves).Draw(t, "leaf")
}

func TestWhatIsEncodedDecodesToTheSameText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		types := make([]string, rapid.IntRange(0, 4).Draw(t, "params"))
		for i := range types {
			types[i] = drawType(t, 0)
		}
		f, err := calldata.ParseFunction("f(" + strings.Join(types, ", ") + ")")
		if err != nil {
			t.Fatal(err)
		}
		values := make([]any, len(types))
		for i, in := range f.Inputs {
			values[i] = drawValue(t, in.Type)
		}
		data, err := f.Encode(values)
		if err != nil {
			t.Fatal(err)
		}
		args, err := f.DecodeInput(data)
		if err != nil {
			t.Fatalf("%s: %x: %v", f.Signature(), data, err)
		}
		texts, typed := make([]any, len(args)), make([]any, len(args))
		for i, a := range args {
			texts[i], typed[i] = a.Text(), a.Value
		}
		if again, err := f.Encode(texts); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%s: %v encodes to %x, %v; want %x", f.Signature(), texts, again, err, data)
		}
		if again, err := f.Pack(typed...); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%s: %v packs to %x, %v; want %x", f.Signature(), typed, again, err, data)
		}
		if len(data) > 4 {
			flipped := slices.Clone(data)
			flipped[rapid.IntRange(4, len(data)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			if other, err := f.DecodeInput(flipped); err == nil && reflect.DeepEqual(other, args) {
				t.Fatalf("%s: %x and %x are read alike", f.Signature(), data, flipped)
			}
		}
	})
}

func FuzzDecodeInput(f *testing.F) {
	seed := fn(f, "g(uint256[][],string[])")
	data, err := seed.Encode([]any{"[[1, 2], [3]]", `["one"]`})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("g(uint256[][],string[])", data[4:])
	f.Add("f((int8 a,(bytes,bool)[2] b)[] c)", bytes.Repeat([]byte{0}, 200))
	f.Add("f(address,bytes4,uint24)", bytes.Repeat([]byte{0xff}, 96))
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		function, err := calldata.ParseFunction(text)
		if err != nil {
			return
		}
		selector := function.Selector()
		data := append(selector[:], body...)
		args, err := function.DecodeInput(data)
		if err != nil {
			return
		}
		values := make([]any, len(args))
		for i, a := range args {
			values[i] = a.Value
			_ = a.Text()
		}
		if again, err := function.Pack(values...); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%s: %x encodes again to %x, %v", function.Signature(), data, again, err)
		}
	})
}
