package governance

import (
	"strings"
	"testing"
)

func TestATypeIsNamedForSomeoneWhoWritesNoSolidity(t *testing.T) {
	for typ, want := range map[string]string{
		"uint256": "a whole number", "int8": "a whole number", "amount": "an amount", "bool": "true or false", "address": "an address, 0x…",
		"string": "text", "bytes": "hexadecimal, 0x…", "bytes32": "hexadecimal, 0x…", "uint256[]": "uint256[]", "(address,bool)": "(address,bool)", "else": "else",
	} {
		if got := TypeWords(typ); got != want {
			t.Errorf("%s is called %q, want %q", typ, got, want)
		}
	}
}

func TestAParameterSaysWhatItTakes(t *testing.T) {
	for _, c := range []struct {
		param Param
		want  string
	}{
		{Param{Type: "uint256", Min: "1", Max: "9"}, "a whole number from 1 to 9"},
		{Param{Type: "uint256", Min: "1"}, "a whole number, at least 1"},
		{Param{Type: "uint256", Max: "9", Sample: "5"}, "a whole number, at most 9"},
		{Param{Type: "string", Sample: "usdc"}, "text, such as usdc"},
		{Param{Type: "bool"}, "true or false"},
		{Param{Type: "address", Choices: []Choice{{Name: "usdc"}, {Name: "weth"}}}, "one of usdc, weth"},
	} {
		if got := c.param.allowed(); got != c.want {
			t.Errorf("%+v takes %q, want %q", c.param, got, c.want)
		}
	}
}

func TestANameIsSuggestedOnlyWhereItIsNear(t *testing.T) {
	long := strings.Repeat("a", 63)
	for _, c := range []struct {
		written string
		names   []string
		want    string
	}{
		{"usdt", []string{"weth", "usdc"}, "did you mean usdc?"},
		{"udsc", []string{"usdc"}, "did you mean usdc?"},             // neighbours swapped are one slip
		{"abdce", []string{"abcdf", "abdcf"}, "did you mean abdcf?"}, // a swap and a slip are two
		{"usx", []string{"eth", "dai"}, ""},
		{"abc", []string{"axy"}, ""}, // two of three letters are another name
		{"paused", []string{"pause", "pauses"}, "did you mean pause?"},
		{long + "b", []string{long + "c"}, "did you mean " + long + "c?"},
		{long + "ab", []string{long + "ac"}, ""}, // too long to have been typed
	} {
		if got := didYouMeanHint(c.written, c.names); got != c.want {
			t.Errorf("%q of %q: %q, want %q", c.written, c.names, got, c.want)
		}
	}
}

func TestAnExpectationIsAskedWithoutItsValue(t *testing.T) {
	for text, want := range map[string]string{
		"getPaused(asset: usdc) = true": "getPaused(asset: usdc)", "a = b = 3": "a = b", "owner()": "owner()", " = 3": "",
	} {
		if got := (Expectation{Text: text}).What(); got != want {
			t.Errorf("%q asks %q, want %q", text, got, want)
		}
	}
}
