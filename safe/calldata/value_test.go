package calldata_test

import (
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"

	"belay/safe/calldata"
)

func typ(t testing.TB, text string) abi.Type {
	t.Helper()
	parsed, err := calldata.ParseType(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

const usdc = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"

var maxUint256 = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))

func TestParseValue(t *testing.T) {
	for _, tt := range []struct {
		typ  string
		in   any
		want any
	}{
		{"uint8", "255", uint8(255)},
		{"uint8", "0xff", uint8(255)},
		{"uint256", "0", new(big.Int)},
		{"uint256", maxUint256.String(), maxUint256},
		{"uint24", "16777215", big.NewInt(16777215)},
		{"int8", "-128", int8(-128)},
		{"int64", "-9223372036854775808", int64(-1 << 63)},
		{"int256", "-1", big.NewInt(-1)},
		{"bool", "true", true},
		{"address", usdc, common.HexToAddress(usdc)},
		{"address", strings.ToLower(usdc), common.HexToAddress(usdc)},
		{"bytes", "0x", []byte{}},
		{"bytes", "0x00fF", []byte{0, 255}},
		{"bytes4", "0xa9059cbb", [4]byte{0xa9, 0x05, 0x9c, 0xbb}},
		{"string", "0x", "0x"},
		{"string", "", ""},
		{"uint256[]", []any{"1", "0x2"}, []*big.Int{big.NewInt(1), big.NewInt(2)}},
		{"uint8[2]", []any{"1", "2"}, [2]uint8{1, 2}},
		{"uint8[]", "[1, 2]", []uint8{1, 2}},
		{"bool[][]", "[[true],[]]", [][]bool{{true}, {}}},
		{"string[]", `["a, b", "c]\""]`, []string{"a, b", `c]"`}},
	} {
		got, err := calldata.ParseValue(typ(t, tt.typ), tt.in)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s of %v: got %#v, %v; want %#v", tt.typ, tt.in, got, err, tt.want)
		}
	}
}

func TestTuplesAreGivenInOrderOrByName(t *testing.T) {
	tuple := typ(t, "(address to, (uint256 low, uint256 high) range)")
	want := "(" + usdc + ", (1, 2))"
	for _, in := range []any{
		[]any{usdc, []any{"1", "2"}},
		map[string]any{"to": usdc, "range": map[string]any{"low": "1", "high": "2"}},
		map[string]any{"to": usdc, "range": "(1,2)"},
		want,
	} {
		v, err := calldata.ParseValue(tuple, in)
		if err != nil {
			t.Errorf("%v: %v", in, err)
			continue
		}
		if got := calldata.TextAs(tuple, v); got != want {
			t.Errorf("%v: got %s, want %s", in, got, want)
		}
	}
	for name, in := range map[string]any{
		"a member too few":  []any{usdc},
		"a member too many": map[string]any{"to": usdc, "range": "(1,2)", "extra": "1"},
		"another member":    map[string]any{"to": usdc, "ranges": "(1,2)"},
		"nothing":           nil,
	} {
		if v, err := calldata.ParseValue(tuple, in); !errors.Is(err, calldata.ErrBadValue) {
			t.Errorf("%s: got %v, %v", name, v, err)
		}
	}
}

func TestParseValueRefusesWhatCanBeReadInTwoWays(t *testing.T) {
	for _, tt := range []struct {
		typ  string
		in   any
		says string
	}{
		{"uint256", "010", "starts with a zero"},
		{"uint256", "00", "starts with a zero"},
		{"int256", "-0", "starts with a zero"},
		{"uint256", "1e18", "not an integer"},
		{"uint256", "1.0", "not an integer"},
		{"uint256", "1_000", "not an integer"},
		{"uint256", "1,000", "not an integer"},
		{"uint256", "+1", "not an integer"},
		{"uint256", " 1", "not an integer"},
		{"uint256", "0X1", "not an integer"},
		{"uint256", "0x", "not an integer"},
		{"uint256", "", "not an integer"},
		{"uint256", "١", "not an integer"},
		{"uint256", "-1", "out of range for uint256"},
		{"uint256", new(big.Int).Add(maxUint256, big.NewInt(1)).String(), "out of range for uint256"},
		{"uint256", strings.Repeat("9", 1000), "1000 characters"},
		{"uint8", "256", "out of range for uint8"},
		{"uint24", "16777216", "out of range for uint24"},
		{"int8", "128", "out of range for int8"},
		{"int8", "-129", "out of range for int8"},
		{"uint256", float64(1), "given as text"},
		{"uint256", 1, "given as text"},
		{"bool", true, "given as text"},
		{"bool", "True", "neither true nor false"},
		{"bool", "1", "neither true nor false"},
		{"address", usdc[2:], "0x and 40 hex digits"},
		{"address", usdc[:41], "0x and 40 hex digits"},
		{"address", "0xa0B86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "wrong checksum"},
		{"address", "usdc", "0x and 40 hex digits"},
		{"bytes", "0x1", "hex of whole bytes"},
		{"bytes", "1234", "does not start with 0x"},
		{"bytes4", "0x123456", "wants 4 bytes, got 3"},
		{"bytes4", "0x1234567890", "wants 4 bytes, got 5"},
		{"string", "\xff", "not UTF-8"},
		{"uint256[]", "1", "in brackets"},
		{"uint256[]", "[1, [2]", "do not match"},
		{"uint256[]", "[1,]", "not an integer"},
		{"uint256[]", map[string]any{}, "has to be a list"},
		{"uint256[2]", []any{"1"}, "wants 2 elements"},
		{"string[]", "[a]", "has to be quoted"},
	} {
		v, err := calldata.ParseValue(typ(t, tt.typ), tt.in)
		if !errors.Is(err, calldata.ErrBadValue) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s of %.40v: got %v, %v; want %q", tt.typ, tt.in, v, err, tt.says)
		}
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		v    any
		want string
	}{
		{big.NewInt(-5), "-5"},
		{uint8(7), "7"},
		{true, "true"},
		{common.HexToAddress(usdc), usdc},
		{[]byte{1, 255}, "0x01ff"},
		{[4]byte{1}, "0x01000000"},
		{"as it is", "as it is"},
		{[]string{"a\n"}, `["a\n"]`},
		{[]*big.Int{big.NewInt(1)}, "[1]"},
		{nil, ""},
	} {
		if got := calldata.Text(tt.v); got != tt.want {
			t.Errorf("%#v: got %q, want %q", tt.v, got, tt.want)
		}
	}
	if got := calldata.TextAs(typ(t, "uint8[4]"), [4]uint8{1, 2, 3, 4}); got != "[1, 2, 3, 4]" {
		t.Errorf("uint8[4] is written as %s", got)
	}
}

func TestParseAmount(t *testing.T) {
	for _, tt := range []struct {
		text     string
		decimals int
		want     string // "" for a refusal
	}{
		{"1000.5", 6, "1000500000"},
		{"0", 18, "0"},
		{"0.000001", 6, "1"},
		{"7", 0, "7"},
		{"0.0000001", 6, ""},
		{"1.0", 0, ""},
		{"1.", 6, ""},
		{".5", 6, ""},
		{"01", 6, ""},
		{"-1", 6, ""},
		{"1e3", 6, ""},
		{"1,000", 6, ""},
		{"", 6, ""},
		{"1", -1, ""},
		{"1", 78, ""},
		{strings.Repeat("9", 78), 0, ""},
		{strings.Repeat("9", 500), 0, ""},
	} {
		n, err := calldata.ParseAmount(tt.text, tt.decimals)
		if tt.want == "" {
			if !errors.Is(err, calldata.ErrBadValue) {
				t.Errorf("%.40q, %d: got %v, %v", tt.text, tt.decimals, n, err)
			}
			continue
		}
		if err != nil || n.String() != tt.want {
			t.Errorf("%q, %d: got %v, %v; want %s", tt.text, tt.decimals, n, err, tt.want)
			continue
		}
		if back := calldata.FormatAmount(n, tt.decimals); back != tt.text {
			t.Errorf("%q, %d comes back as %q", tt.text, tt.decimals, back)
		}
	}
}

func TestParseUnits(t *testing.T) {
	for text, want := range map[string]string{"0.05 ether": "50000000000000000", "300 gwei": "300000000000", "12 wei": "12"} {
		if n, err := calldata.ParseUnits(text); err != nil || n.String() != want {
			t.Errorf("%q: got %v, %v; want %s", text, n, err, want)
		}
	}
	for _, text := range []string{"", "1", "1 eth", "1ether", "1  ether", "0.5 wei", "1 ether ", " 1 ether"} {
		if n, err := calldata.ParseUnits(text); !errors.Is(err, calldata.ErrBadValue) {
			t.Errorf("%q: got %v, %v", text, n, err)
		}
	}
}

func TestFormatAmountOfNegativeAndRound(t *testing.T) {
	for _, tt := range []struct {
		n        int64
		decimals int
		want     string
	}{{-1500, 3, "-1.5"}, {1, 18, "0.000000000000000001"}, {100, 2, "1"}, {100, 0, "100"}} {
		if got := calldata.FormatAmount(big.NewInt(tt.n), tt.decimals); got != tt.want {
			t.Errorf("%d with %d decimals: got %s, want %s", tt.n, tt.decimals, got, tt.want)
		}
	}
}

func FuzzParseValue(f *testing.F) {
	f.Add("uint256", "0x10")
	f.Add("int8[]", "[1, -2]")
	f.Add("(string a,(bytes b,bool c)[2] d)", `("x", [(0x01, true), (0x, false)])`)
	f.Add("string[]", `["\"", "]"]`)
	f.Fuzz(func(t *testing.T, typeText, text string) {
		parsed, err := calldata.ParseType(typeText)
		if err != nil {
			return
		}
		v, err := calldata.ParseValue(parsed, text)
		if err != nil {
			if !errors.Is(err, calldata.ErrBadValue) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		canonical := calldata.TextAs(parsed, v)
		again, err := calldata.ParseValue(parsed, canonical)
		if err != nil || !reflect.DeepEqual(v, again) || calldata.TextAs(parsed, again) != canonical {
			t.Fatalf("%s: %q is %q, which is %#v, %v", parsed, text, canonical, again, err)
		}
	})
}
