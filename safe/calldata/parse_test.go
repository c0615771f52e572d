package calldata_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"belay/safe/calldata"
)

func TestParseFunction(t *testing.T) {
	for _, tt := range []struct {
		name, text, signature, selector string
	}{
		{"plain", "transfer(address to, uint256 amount)", "transfer(address,uint256)", "a9059cbb"},
		{"without names", "transfer(address,uint256)", "transfer(address,uint256)", "a9059cbb"},
		{"without arguments", "pause()", "pause()", "8456cb59"},
		{"as in a contract", "function approve(address spender, uint256 amount) external virtual returns (bool);", "approve(address,uint256)", "095ea7b3"},
		{"uint is uint256", "transfer(address to, uint amount)", "transfer(address,uint256)", "a9059cbb"},
		{"payable address", "f(address payable to)", "f(address)", "fc68521a"},
		{"data locations", "multiSend(bytes memory transactions)", "multiSend(bytes)", "8d80ff0a"},
		{"arrays of arrays", "f(uint256[2][] xs)", "f(uint256[2][])", ""},
		{"inline tuples", "f((uint256 a,address b)[] xs, bytes32[2])", "f((uint256,address)[],bytes32[2])", ""},
		{"tuples as other tools write them", "aggregate3(tuple(address target, bool allowFailure, bytes callData)[] calls)", "aggregate3((address,bool,bytes)[])", "82ad56cb"},
		{"tuple members without names, or with names that clash as Go fields", "f((uint256,uint8) x, (uint a_b, uint aB, uint $) y)", "f((uint256,uint8),(uint256,uint256,uint256))", ""},
		{"white space anywhere", " f ( uint8\n a ,\tbool b ) view returns ( int ) ", "f(uint8,bool)", ""},
		{"a function named like a modifier", "pure(bool x)", "pure(bool)", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := calldata.ParseFunction(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if f.Signature() != tt.signature {
				t.Errorf("signature is %s, want %s", f.Signature(), tt.signature)
			}
			if got := fmt.Sprintf("%x", f.Selector()); tt.selector != "" && got != tt.selector {
				t.Errorf("selector is %s, want %s", got, tt.selector)
			}
			if again, err := calldata.ParseFunction(f.String()); err != nil || again.String() != f.String() {
				t.Errorf("%q parses again to %q, %v", f, again, err)
			}
		})
	}
}

func TestParseFunctionSaysWhereAndWhatWasExpected(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		column     int
		expected   string // contained
	}{
		{"nothing", "", 1, "a function name"},
		{"no parentheses", "pause", 6, `"("`},
		{"an open end", "pause(", 7, "a type"},
		{"an unknown type", "f(addres to)", 3, "a type"},
		{"a contract type", "f(IERC20 token)", 3, "a type"},
		{"an odd width", "f(uint7 x)", 3, "a type"},
		{"33 bytes", "f(bytes33 x)", 3, "a type"},
		{"a width of zero", "f(uint0 x)", 3, "a type"},
		{"a width with a leading zero", "f(uint08 x)", 3, "a type"},
		{"a second name", "f(uint256 a b)", 13, `"," or ")"`},
		{"a comma too many", "f(uint256 a,)", 13, "a type"},
		{"an array of nothing", "f(uint256[0] a)", 11, "an array length"},
		{"a huge array", "f(uint256[4097] a)", 11, "an array length"},
		{"an array without an end", "f(uint256[2 a)", 13, `"]"`},
		{"five dimensions", "f(uint256[][][][][] a)", 18, "4 array dimensions"},
		{"an empty tuple", "f(() a)", 6, "at least one member"},
		{"tuple without members", "f(tuple a)", 9, `"(" after tuple`},
		{"a location where there is none", "f(uint256 memory a)", 11, "a parameter name"},
		{"an event's word", "f(address indexed a)", 11, "a parameter name"},
		{"the same name twice", "f(uint256 a, bool a)", 19, "a name of its own"},
		{"something behind the end", "f() view {}", 10, "a modifier, returns (…) or the end"},
		{"an internal function", "f() internal", 5, "a modifier, returns (…) or the end"},
		{"returns nothing", "f() returns ()", 15, "something in returns"},
		{"a foreign letter", "pauseé()", 6, `"("`},
		{"a function type", "f(function x)", 3, "a type"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := calldata.ParseFunction(tt.text)
			var syntax *calldata.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, %v; want a SyntaxError", f, err)
			}
			if syntax.Column != tt.column || !strings.Contains(syntax.Expected, tt.expected) {
				t.Errorf("got %v; want column %d, expected %s", syntax, tt.column, tt.expected)
			}
		})
	}
}

func TestHostileTextsAreRefusedBeforeTheyCostAnything(t *testing.T) {
	for name, text := range map[string]string{
		"long text":               "f(" + strings.Repeat(" ", 10_000) + ")",
		"deep tuples":             "f(" + strings.Repeat("(", 50) + "bool" + strings.Repeat(")", 50) + ")",
		"many parameters":         "f(" + strings.Repeat("bool,", 300) + "bool)",
		"multiplied array sizes":  "f(uint8[1000][1000][1000] x)",
		"multiplied through both": "f((uint8[100] a, uint8[100] b)[100] x)",
		"summed over parameters":  "f(uint8[3000] a, uint8[3000] b)",
	} {
		if f, err := calldata.ParseFunction(text); err == nil {
			t.Errorf("%s: got %s", name, f.Signature())
		}
	}
}

func TestParseType(t *testing.T) {
	for text, want := range map[string]string{"uint": "uint256", "bytes32[2]": "bytes32[2]", "(address to,uint256 value)[]": "(address,uint256)[]"} {
		if got, err := calldata.ParseType(text); err != nil || got.String() != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "uint256 x", "uint256,bool", "amount"} {
		if got, err := calldata.ParseType(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestParseABI(t *testing.T) {
	const list = `[
		{"type":"constructor","inputs":[{"name":"x","type":"uint256"}]},
		{"type":"event","name":"Paused","inputs":[]},
		{"type":"function","name":"pause","inputs":[]},
		{"type":"function","name":"f","inputs":[{"name":"memory","type":"tuple[2]","components":[{"name":"a","type":"uint256"},{"name":"b","type":"address"}]}],
		 "outputs":[{"name":"","type":"bool"}]}]`
	for name, text := range map[string]string{"a list": list, "an artifact": `{"bytecode":"0x","abi":` + list + `}`} {
		functions, err := calldata.ParseABI([]byte(text))
		if err != nil || len(functions) != 2 {
			t.Fatalf("%s: got %v, %v", name, functions, err)
		}
		if got := functions[1].Signature(); got != "f((uint256,address)[2])" || len(functions[1].Outputs) != 1 {
			t.Errorf("%s: got %s", name, got)
		}
	}
	for name, text := range map[string]string{
		"no JSON":        "pause()",
		"a library type": `[{"type":"function","name":"f","inputs":[{"type":"Lib.Data storage"}]}]`,
		"an injection":   `[{"type":"function","name":"f(uint256) returns","inputs":[]}]`,
	} {
		if functions, err := calldata.ParseABI([]byte(text)); err == nil {
			t.Errorf("%s: got %v", name, functions)
		}
	}
}

func FuzzParseFunction(f *testing.F) {
	for _, seed := range []string{
		"transfer(address to, uint256 amount)", "f((uint256 a,(address)[2] b)[] xs, bytes32[2]) view returns (bool)",
		"f(", "f(((((((((", "f(uint256[99999999999] x)", "function f() external;", "f((uint a_b, uint aB) $)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		function, err := calldata.ParseFunction(text)
		if err != nil {
			return
		}
		again, err := calldata.ParseFunction(function.String())
		if err != nil || again.Signature() != function.Signature() || again.String() != function.String() {
			t.Fatalf("%q is %q, which parses to %q, %v", text, function, again, err)
		}
		if bare, err := calldata.ParseFunction(function.Signature()); err != nil || bare.Selector() != function.Selector() {
			t.Fatalf("%q has signature %q, which parses to %q, %v", text, function.Signature(), bare, err)
		}
	})
}

func TestAnABIEntryThatHidesAnotherIsRefused(t *testing.T) {
	for name, entry := range map[string]string{
		"two inputs in one type": `[{"type":"function","name":"f","inputs":[{"name":"b","type":"uint256 a, address"}]}]`,
		"a function in the name": `[{"type":"function","name":"function f","inputs":[]}]`,
		"outputs in an input":    `[{"type":"function","name":"f","inputs":[{"name":"a) returns (bool b","type":"uint256"}]}]`,
	} {
		if got, err := calldata.ParseABI([]byte(entry)); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

// FuzzParseABI holds that no ABI makes the reader panic, and that what it takes has a signature of its own.
func FuzzParseABI(f *testing.F) {
	f.Add([]byte(`[{"type":"function","name":"f","inputs":[{"name":"a","type":"tuple[2]","components":[{"name":"","type":"uint8"}]}],"outputs":[{"type":"bool"}]}]`))
	f.Add([]byte(`{"abi":[{"type":"error","name":"Paused","inputs":[]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		functions, _ := calldata.ParseABI(text)
		errs, _ := calldata.ParseErrors(text)
		for _, fn := range append(functions, errs...) {
			if again, err := calldata.ParseFunction(fn.Signature()); err != nil || again.Selector() != fn.Selector() {
				t.Fatalf("%q was read as %s, which parses to %v, %v", text, fn, again, err)
			}
		}
	})
}
