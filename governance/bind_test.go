package governance

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
)

func TestBindTakesWhatPeopleType(t *testing.T) {
	p := mustCompile(t, ltvSpec())
	want := map[string]string{"asset": "usdc", "ltv": "8000", "threshold": "8300", "cap": "1000"}
	for name, typed := range map[string]map[string]string{
		"as written":          {"asset": "usdc", "ltv": "8000"},
		"in other case":       {"Asset": "USDC", "LTV": "8000"},
		"in quotes":           {"asset": `"usdc"`, "ltv": "“8000”"},
		"in other quotes":     {"asset": "‘usdc’", "ltv": "`8000`"},
		"with spaces":         {" asset ": " usdc ", "ltv": "8000 "},
		"by the value":        {"asset": strings.ToLower(usdcText), "ltv": "8000"},
		"in hex":              {"asset": "usdc", "ltv": "0x1f40"},
		"with defaults given": {"asset": "usdc", "ltv": "8000", "threshold": "8300", "cap": "1000.000"},
		"with empty options":  {"asset": "usdc", "ltv": "8000", "threshold": "", "cap": `""`},
	} {
		b, err := p.Bind(typed)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if fmt.Sprint(b.Params) != fmt.Sprint(want) {
			t.Errorf("%s: %v", name, b.Params)
		}
		again, err := p.Bind(b.Params)
		if err != nil || again.Target() != b.Target() {
			t.Errorf("%s: bound again: %v", name, err)
		}
	}
}

func TestBindRefuses(t *testing.T) {
	p := mustCompile(t, ltvSpec())
	for _, c := range []struct {
		name  string
		typed map[string]string
		code  Code
		want  string
	}{
		{"an unknown parameter", map[string]string{"aset": "usdc", "ltv": "1"}, CodeUnknownParam, `set-ltv has no parameter "aset" (Did you mean asset?)`},
		{"a parameter far from any", map[string]string{"frobnicate": "1"}, CodeUnknownParam, "It takes asset, ltv, threshold, cap"},
		{"a missing parameter", map[string]string{"asset": "usdc"}, CodeMissingParam, "set-ltv needs ltv (A whole number from 0 to 8500)"},
		{"a missing choice", map[string]string{"ltv": "1"}, CodeMissingParam, "set-ltv needs asset (One of usdc, weth)"},
		{"a parameter twice", map[string]string{"asset": "usdc", "ASSET": "weth"}, CodeBadValue, "asset is given twice"},
		{"a choice with a typo", map[string]string{"asset": "usdd", "ltv": "1"}, CodeBadValue, "Did you mean usdc? One of usdc, weth"},
		{"an address that is no choice", map[string]string{"asset": marketText, "ltv": "1"}, CodeOutOfBounds, "is none of its choices (One of usdc, weth)"},
		{"a value above", map[string]string{"asset": "usdc", "ltv": "8501"}, CodeOutOfBounds, "ltv = 8501 is above its maximum of 8500 (A whole number from 0 to 8500)"},
		{"a value below", map[string]string{"asset": "usdc", "ltv": "1", "threshold": "99"}, CodeOutOfBounds, "threshold = 99 is below its minimum of 100 (A whole number, at least 100)"},
		{"an amount below", map[string]string{"asset": "usdc", "ltv": "1", "cap": "0.499999"}, CodeOutOfBounds, "cap = 0.499999 is below its minimum of 0.5"},
		{"a negative unsigned", map[string]string{"asset": "usdc", "ltv": "-1"}, CodeBadValue, `ltv = "-1" cannot be read`},
		{"octal", map[string]string{"asset": "usdc", "ltv": "010"}, CodeBadValue, "starts with a zero"},
		{"an exponent", map[string]string{"asset": "usdc", "ltv": "1e3"}, CodeBadValue, "is not an integer"},
		{"a float", map[string]string{"asset": "usdc", "ltv": "1.5"}, CodeBadValue, "is not an integer"},
		{"an amount too fine", map[string]string{"asset": "usdc", "ltv": "1", "cap": "1.0000001"}, CodeBadValue, "at most 6"},
		{"a value beyond its type", map[string]string{"asset": "usdc", "ltv": "1", "threshold": "65536"}, CodeBadValue, "out of range"},
		{"a novel", map[string]string{"asset": "usdc", "ltv": strings.Repeat("1", 5000)}, CodeBadValue, "too long"},
		{"a rule broken by parameters alone", map[string]string{"asset": "usdc", "ltv": "8400"}, CodeInvariant, "ltv <= threshold does not hold: ltv = 8400, threshold = 8300"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.Bind(c.typed)
			assertRefusal(t, err, c.code, c.want)
		})
	}
}

func assertRefusal(t *testing.T, err error, code Code, want string) {
	t.Helper()
	refusal, ok := AsRefusal(err)
	if !ok {
		t.Fatalf("want %s, got %v", code, err)
	}
	if refusal.Code != code || !strings.Contains(refusal.Error(), want) {
		t.Errorf("want %s: %s\ngot  %s: %s", code, want, refusal.Code, refusal)
	}
}

func TestAValueThatDoesNotFitANarrowerArgumentIsRefused(t *testing.T) {
	spec := pauseSpec()
	spec.Params = append(spec.Params, ParamSpec{Name: "n", Type: "uint256"})
	spec.Calls[0].Function, spec.Calls[0].Args = "setReservePause(address,uint8)", []any{"{{asset}}", "{{n}}"}
	_, err := mustCompile(t, spec).Bind(map[string]string{"asset": "usdc", "n": "256"})
	assertRefusal(t, err, CodeBadValue, "256 is out of range for uint8")
}

// word is one returned 32-byte word.
func word(n int64) []byte { return new(big.Int).SetInt64(n).FillBytes(make([]byte, 32)) }

func words(ns ...int64) safe.Result {
	var data []byte
	for _, n := range ns {
		data = append(data, word(n)...)
	}
	return safe.Result{Data: data}
}

func bindPause(t *testing.T) *Bound {
	t.Helper()
	b, err := mustCompile(t, pauseSpec()).Bind(map[string]string{"asset": "usdc"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAPauseIsBuilt(t *testing.T) {
	b := bindPause(t)
	reads := b.Reads()
	if len(reads) != 1 || reads[0].Name != "paused" || reads[0].Call.To.Hex() != marketText {
		t.Fatalf("reads %+v", reads)
	}
	// The selector is what viem gives for getPaused(address).
	if got := hex.EncodeToString(reads[0].Call.Data); got != "b55d9904"+strings.Repeat("0", 24)+strings.ToLower(usdcText[2:]) {
		t.Errorf("read %s", got)
	}
	built, err := b.Build([]safe.Result{words(0)})
	if err != nil {
		t.Fatal(err)
	}
	if len(built.Calls) != 1 || len(built.Notes) != 0 {
		t.Fatalf("built %+v", built)
	}
	f := calldata.MustParseFunction("setReservePause(address asset, bool paused)")
	args, err := f.DecodeInput(built.Calls[0].Data)
	if err != nil || args[0].Text() != "0x8617E340B3D01FA5F11F306F4090FD50E238070D" || args[1].Text() != "true" {
		t.Errorf("arguments %v, %v", args, err)
	}
	if built.Calls[0].To.Hex() != marketText || !built.Calls[0].Value.IsZero() {
		t.Errorf("call %+v", built.Calls[0])
	}
	if got := built.Before[0]; !got.Known || got.Value != "false" || got.Text != "getPaused(asset: usdc "+usdcText+")" {
		t.Errorf("before %+v", got)
	}
	if got := built.Expect[0]; got.Text != "getPaused(asset: usdc "+usdcText+") = true" || got.Equals != "true" {
		t.Errorf("expect %+v", got)
	}
}

func TestWhatIsSoAlreadyIsTold(t *testing.T) {
	_, err := bindPause(t).Build([]safe.Result{words(1)})
	if refusal, ok := AsRefusal(err); !ok || refusal.Title() != "Already paused" {
		t.Errorf("refused with the title of %v", err)
	}
	assertRefusal(t, err, CodeInvariant, "It is already so: getPaused(asset: usdc "+usdcText+") = true")
}

func TestAnUnknownReadingSkipsNothing(t *testing.T) {
	for name, result := range map[string]safe.Result{"reverted": {Reverted: true}, "no contract": {}, "not a bool": words(2), "too long": words(1, 1)} {
		built, err := bindPause(t).Build([]safe.Result{result})
		if err != nil || len(built.Calls) != 1 || built.Before[0].Known {
			t.Errorf("%s: %+v, %v", name, built, err)
		}
	}
}

func TestAPauseIsBuiltBlind(t *testing.T) {
	built, err := bindPause(t).Build(nil)
	if err != nil || len(built.Calls) != 1 || len(built.Before) != 0 || len(built.Expect) != 1 {
		t.Fatalf("built %+v, %v", built, err)
	}
	if len(built.Notes) != 1 || !strings.Contains(built.Notes[0], "could not be read whether paused is true already, so the call is made either way") {
		t.Errorf("notes %q", built.Notes)
	}
}

func TestAnythingElseIsNotBuiltBlind(t *testing.T) {
	_, err := bindLTV(t, "8000").Build(nil)
	assertRefusal(t, err, CodeNoAgreement, "the change of ltv from current; ltv * 2 >= current")
}

func bindLTV(t *testing.T, ltv string) *Bound {
	t.Helper()
	b, err := mustCompile(t, ltvSpec()).Bind(map[string]string{"asset": "weth", "ltv": ltv})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// config answers both reads of set-ltv: today's value, and the word whose bit 60 says frozen.
func config(ltv, word int64) []safe.Result {
	return []safe.Result{words(ltv, word, 1), words(ltv, word, 1)}
}

func TestChangesAreMeasuredExactly(t *testing.T) {
	for _, c := range []struct {
		ltv     string
		current int64
		ok      bool
	}{
		{"8000", 8000, true},
		{"7200", 8000, true}, // exactly 10 % less
		{"7199", 8000, false},
		{"8250", 7500, true}, // exactly 10 % more
		{"8251", 7500, false},
		{"8300", 0, false}, // nothing is 10 % of nothing
		{"0", 0, true},
	} {
		_, err := bindLTV(t, c.ltv).Build(config(c.current, 0))
		switch {
		case c.ok && err != nil:
			t.Errorf("%d → %s: %v", c.current, c.ltv, err)
		case !c.ok:
			assertRefusal(t, err, CodeChangeTooLarge, fmt.Sprintf("ltv = %s is too far from current = %d", c.ltv, c.current))
		}
	}
}

func TestAnAbsoluteChangeIsWrittenLikeTheParameter(t *testing.T) {
	spec := ltvSpec()
	spec.Params[3].MaxChange = &ChangeSpec{"current", "0.5"} // of 6 decimals: 500000
	spec.Params[1].MaxChange = nil
	spec.Require = nil
	p := mustCompile(t, spec)
	for capText, ok := range map[string]bool{"1.5": true, "1.500001": false} {
		b, err := p.Bind(map[string]string{"asset": "usdc", "ltv": "1", "cap": capText})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Build(config(1_000_000, 0)); (err == nil) != ok {
			t.Errorf("1 → %s: %v", capText, err)
		}
	}
}

func TestWhatCannotBeReadIsNoBasisForAChange(t *testing.T) {
	_, err := bindLTV(t, "8000").Build([]safe.Result{{Reverted: true}, words(0, 0, 1)})
	assertRefusal(t, err, CodeChangeTooLarge, "current, which could not be read")
	spec := ltvSpec()
	spec.Params[1].MaxChange = nil
	b, err := mustCompile(t, spec).Bind(map[string]string{"asset": "weth", "ltv": "1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Build([]safe.Result{{Reverted: true}, words(0, 0, 1)})
	assertRefusal(t, err, CodeInvariant, "current is not known")
	_, err = b.Build(config(3, 0))
	assertRefusal(t, err, CodeInvariant, "ltv * 2 >= current does not hold: ltv = 1, current = 3")
}

func TestABitLeavesACallOut(t *testing.T) {
	built, err := bindLTV(t, "8000").Build(config(8000, 1<<60|1<<59))
	if err != nil {
		t.Fatal(err)
	}
	if len(built.Calls) != 1 || len(built.Notes) != 1 || !strings.Contains(built.Notes[0], "left out, since config(asset: weth 0xde709f2102306220921060314715629080e2fb77).word bit 60 = 1: setCap") {
		t.Errorf("built %d calls, notes %q", len(built.Calls), built.Notes)
	}
	built, err = bindLTV(t, "8000").Build(config(8000, 1<<61|1<<59))
	if err != nil || len(built.Calls) != 2 {
		t.Errorf("another bit: %d calls, %v", len(built.Calls), err)
	}
	if got := built.Before[1]; got.Value != "0" {
		t.Errorf("bit 60 is %+v", got)
	}
}

func TestReadingsHaveToMatchTheReads(t *testing.T) {
	if _, err := bindLTV(t, "8000").Build([]safe.Result{words(1)}); err == nil {
		t.Error("one reading for two reads is taken")
	}
}

func TestAmountsReachTheCallInTheirSmallestUnit(t *testing.T) {
	built, err := bindLTV(t, "8000").Build(config(8000, 0))
	if err != nil {
		t.Fatal(err)
	}
	f := calldata.MustParseFunction("setCap((address asset, uint128 cap) c, uint16 t)")
	args, err := f.DecodeInput(built.Calls[1].Data)
	if err != nil || args[0].Text() != "(0xde709f2102306220921060314715629080e2fb77, 1000000000)" || args[1].Text() != "8300" {
		t.Errorf("args %v, %v", args, err)
	}
}

func TestATargetAndAValueMayBeParameters(t *testing.T) {
	spec := pauseSpec()
	spec.Kind = "migrate"
	spec.Params = append(spec.Params, ParamSpec{Name: "much", Type: "amount", Decimals: "ether"})
	spec.Calls = []CallSpec{{To: "{{asset}}", Function: "deposit()", Value: "{{much}}"}, {To: "{{asset}}", Function: "deposit()", Value: "0.5 ether"}}
	b, err := mustCompile(t, spec).Bind(map[string]string{"asset": "WETH", "much": "1.5 ether"})
	if err != nil {
		t.Fatal(err)
	}
	built, err := b.Build([]safe.Result{words(0)})
	if err != nil {
		t.Fatal(err)
	}
	if got := built.Calls[0]; got.To.Hex() != "0xde709f2102306220921060314715629080e2fb77" || got.Value.Dec() != "1500000000000000000" {
		t.Errorf("call to %s of %s", got.To, got.Value.Dec())
	}
	if got := built.Calls[1].Value.Dec(); got != "500000000000000000" {
		t.Errorf("0.5 ether is %s", got)
	}
}

func TestTheTargetIsTheIntent(t *testing.T) {
	p := mustCompile(t, ltvSpec())
	target := func(asset, ltv string) string {
		b, err := p.Bind(map[string]string{"asset": asset, "ltv": ltv})
		if err != nil {
			t.Fatal(err)
		}
		return b.Target()
	}
	if target("usdc", "8000") != target(strings.ToLower(usdcText), "0x1F40") {
		t.Error("one intent has two targets")
	}
	if target("usdc", "8000") == target("weth", "8000") || target("usdc", "8000") == target("usdc", "8001") {
		t.Error("two intents have one target")
	}
}

func TestExpectationsAreJudged(t *testing.T) {
	paused := bindPause(t).Expect()[0]
	ltv := bindLTV(t, "8000").Expect()[0]
	spec := pauseSpec()
	spec.Expect[0].Call.Function = "bitmap(address asset) returns (bytes32)"
	spec.Expect[0].Bits = []int{60, 60}
	spec.Reads, spec.Calls[0].SkipIf = nil, ""
	b, err := mustCompile(t, spec).Bind(map[string]string{"asset": "usdc"})
	if err != nil {
		t.Fatal(err)
	}
	bit := b.Expect()[0]
	for _, c := range []struct {
		name   string
		expect Expectation
		result safe.Result
		want   Postcondition
	}{
		{"paused", paused, words(1), Postcondition{Value: "true", OK: true}},
		{"not paused", paused, words(0), Postcondition{Value: "false"}},
		{"reverted", paused, safe.Result{Reverted: true, Data: word(1)}, Postcondition{}},
		{"no answer", paused, safe.Result{}, Postcondition{}},
		{"no bool", paused, words(2), Postcondition{}},
		{"cut off", paused, safe.Result{Data: word(1)[:31]}, Postcondition{}},
		{"the right output of three", ltv, words(8000, 5, 1), Postcondition{Value: "8000", OK: true}},
		{"another value", ltv, words(7999, 8000, 1), Postcondition{Value: "7999"}},
		{"bit set", bit, words(1 << 60), Postcondition{Value: "1", OK: true}},
		{"bit not set", bit, words(1 << 59), Postcondition{Value: "0"}},
	} {
		got := c.expect.Judge(c.result)
		c.want.Text = c.expect.Text
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	if bit.Text != "bitmap(asset: usdc "+usdcText+") bit 60 = 1" {
		t.Errorf("text %q", bit.Text)
	}
	if got := (Expectation{Output: "?"}).Judge(words(1)); got.OK {
		t.Error("what cannot be decoded is OK")
	}
}

func TestExpectationsTakeTextsTuplesAndParameters(t *testing.T) {
	spec := pauseSpec()
	spec.Kind = "custom"
	spec.Params = append(spec.Params, ParamSpec{Name: "on", Type: "bool", Default: "true"})
	spec.Expect = []ExpectSpec{
		{Call: CallSpec{To: marketText, Function: "state() returns (string)"}, Equals: ""},
		{Call: CallSpec{To: marketText, Function: "pair() returns ((address asset, bool on) p)"}, Equals: map[string]any{"asset": "{{asset}}", "on": "{{on}}"}},
		{Call: CallSpec{To: marketText, Function: "flag(uint256) returns (uint256)", Args: []any{"1"}}, Bits: []int{0, 0}, Equals: "false"},
		{Call: CallSpec{To: marketText, Function: "flag(uint256) returns (uint256, uint256)", Args: []any{"1"}}, Pick: "1", Bits: []int{4, 7}, Equals: "15"},
	}
	b, err := mustCompile(t, spec).Bind(map[string]string{"asset": "usdc", "on": "TRUE"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range b.Expect() {
		got = append(got, e.Text)
	}
	want := []string{"state() = ", "pair() = (" + usdcText + ", true)", "flag(1) bit 0 = 0", "flag(1).1 bits 4 to 7 = 15"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if c := b.Expect()[3].Judge(words(0, 0xf7)); !c.OK || c.Value != "15" {
		t.Errorf("bits 4 to 7 of 0xf7: %+v", c)
	}
	if c := b.Expect()[1].Judge(safe.Result{Data: append(append(make([]byte, 12), b.Playbook.calls[0].to[:]...), word(1)...)}); c.OK || c.Value != "("+marketText+", true)" {
		t.Errorf("another asset: %+v", c)
	}
}

// FuzzJudge holds that no answer makes a judgement panic, and that only the expected value is OK.
func FuzzJudge(f *testing.F) {
	f.Add(word(1), false)
	f.Add([]byte{}, true)
	p := mustCompile(f, pauseSpec())
	f.Fuzz(func(t *testing.T, data []byte, reverted bool) {
		b, err := p.Bind(map[string]string{"asset": "usdc"})
		if err != nil {
			t.Fatal(err)
		}
		got := b.Expect()[0].Judge(safe.Result{Data: data, Reverted: reverted})
		if got.OK != (!reverted && string(data) == string(word(1))) {
			t.Errorf("%x reverted %v: %+v", data, reverted, got)
		}
	})
}

// FuzzBind holds that no value makes Bind panic, that what is accepted stays within its bounds, and that the normalised form is
// accepted again with the same meaning.
func FuzzBind(f *testing.F) {
	f.Add("usdc", "8000", "8300", "1.5")
	f.Add("“WETH”", "0x10", "", "0.500000")
	f.Add(usdcText, "-0", "1e3", "٣")
	p := mustCompile(f, ltvSpec())
	f.Fuzz(func(t *testing.T, asset, ltv, threshold, amount string) {
		b, err := p.Bind(map[string]string{"asset": asset, "ltv": ltv, "threshold": threshold, "cap": amount})
		if err != nil {
			if _, ok := AsRefusal(err); !ok {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if n := integerOf(b.values["ltv"]); n.Sign() < 0 || n.Cmp(big.NewInt(8500)) > 0 {
			t.Errorf("%q is out of bounds", ltv)
		}
		again, err := p.Bind(b.Params)
		if err != nil || again.Target() != b.Target() {
			t.Errorf("%v is not accepted again: %v", b.Params, err)
		}
		if _, err := b.Build(config(n64(b), 0)); err != nil {
			t.Errorf("%v cannot be built: %v", b.Params, err)
		}
	})
}

func n64(b *Bound) int64 { return integerOf(b.values["ltv"]).Int64() }

func TestJudgeNamesTheParameterThatIsWrong(t *testing.T) {
	p := mustCompile(t, ltvSpec())
	for name, c := range map[string]struct {
		params map[string]string
		want   map[string]Code
	}{
		"nothing yet is no mistake":         {nil, nil},
		"an empty value is no mistake":      {map[string]string{"asset": " ", "ltv": `""`}, nil},
		"good values":                       {map[string]string{"asset": "usdc", "ltv": "8000"}, nil},
		"each wrong one is named":           {map[string]string{"asset": "doge", "ltv": "8501", "threshold": "99"}, map[string]Code{"asset": CodeBadValue, "ltv": CodeOutOfBounds, "threshold": CodeOutOfBounds}},
		"a rule between them concerns both": {map[string]string{"asset": "usdc", "ltv": "8400", "threshold": "8300"}, map[string]Code{"": CodeInvariant}},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.Judge(c.params)
			if len(got) != len(c.want) {
				t.Errorf("judged %v", got)
			}
			for param, code := range c.want {
				if got[param] == nil || got[param].Code != code {
					t.Errorf("%q: %v, want %s", param, got[param], code)
				}
			}
		})
	}
}

func TestChoicesNameTheirAddressesWhereNobodyDisagrees(t *testing.T) {
	a, b := mustCompile(t, ltvSpec()), mustCompile(t, ltvSpec())
	usdc := common.HexToAddress(usdcText)
	if got := ChoiceNames(map[string]*Playbook{"a": a, "b": b}); got[usdc] != "usdc" || len(got) != 2 {
		t.Errorf("named %v", got)
	}
	b.Params[0].Choices[0].Name = "tether"
	if got := ChoiceNames(map[string]*Playbook{"a": a, "b": b}); got[usdc] != "" || len(got) != 1 {
		t.Errorf("an address of two names: %v", got)
	}
}

func TestASubjectSaysWhatItIsAbout(t *testing.T) {
	one := &Playbook{Params: []Param{{Name: "asset"}}}
	two := &Playbook{Params: []Param{{Name: "asset"}, {Name: "ltv"}, {Name: "note"}}}
	for _, c := range []struct {
		book   *Playbook
		params map[string]string
		want   string
	}{
		{one, map[string]string{"asset": "usdc"}, "usdc"},
		{two, map[string]string{"ltv": "70", "asset": "usdc"}, "asset usdc, ltv 70"},
		{two, map[string]string{"note": strings.Repeat("x", 49), "ltv": "1"}, "ltv 1"},
		{one, nil, ""},
	} {
		b := Bound{Playbook: c.book, Params: c.params}
		if got := b.Subject(); got != c.want {
			t.Errorf("%v is about %q, want %q", c.params, got, c.want)
		}
	}
}
