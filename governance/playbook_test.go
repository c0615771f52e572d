package governance

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// Addresses of a market that does not exist.
const (
	marketText = "0x52908400098527886E0F7030069857D2E4169EE7"
	usdcText   = "0x8617E340B3D01FA5F11F306F4090FD50E238070D"
	wethText   = "0xde709f2102306220921060314715629080e2fb77"
)

// pauseSpec pauses one asset, unless it is paused already.
func pauseSpec() PlaybookSpec {
	paused := CallSpec{To: marketText, Function: "getPaused(address asset) returns (bool)", Args: []any{"{{asset}}"}}
	return PlaybookSpec{
		Name: "pause-reserve", Title: "Pause a reserve", Kind: "pause", Safe: "guardian", Via: "direct",
		Params: []ParamSpec{{Name: "asset", Type: "address", Required: true, Sample: "usdc",
			Choices: []ChoiceSpec{{"usdc", usdcText}, {"weth", wethText}}}},
		Reads:  []ReadSpec{{Name: "paused", Call: paused}},
		Calls:  []CallSpec{{To: marketText, Function: "setReservePause(address asset, bool paused)", Args: []any{"{{asset}}", "true"}, SkipIf: "paused"}},
		Expect: []ExpectSpec{{Call: paused, Equals: "true"}},
		Policy: PolicySpec{Propose: []string{"guardian"}},
		Undo:   "unpause-reserve",
	}
}

// ltvSpec changes a bounded parameter, measured from what is read.
func ltvSpec() PlaybookSpec {
	config := CallSpec{To: marketText, Function: "config(address asset) returns (uint256 ltv, uint256 word, bool active)", Args: []any{"{{asset}}"}}
	return PlaybookSpec{
		Name: "set-ltv", Kind: "parameter", Safe: "guardian", Via: "core-timelock",
		Params: []ParamSpec{
			{Name: "asset", Type: "address", Required: true, Choices: []ChoiceSpec{{"usdc", usdcText}, {"weth", wethText}}},
			{Name: "ltv", Type: "uint256", Min: "0", Max: "8500", Sample: "8000", MaxChange: &ChangeSpec{"current", "10%"}},
			{Name: "threshold", Type: "uint16", Min: "100", Default: "8300"},
			{Name: "cap", Type: "amount", Decimals: "6", Min: "0.5", Max: "1000000", Default: "1000"},
		},
		Require: []string{"ltv <= threshold", "ltv * 2 >= current"},
		Reads: []ReadSpec{
			{Name: "current", Call: config, Pick: "ltv"},
			{Name: "frozen", Call: config, Pick: "1", Bits: []int{60, 60}},
		},
		Calls: []CallSpec{
			{To: marketText, Function: "setLtv(address,uint256)", Args: []any{"{{asset}}", "{{ltv}}"}},
			{To: marketText, Function: "setCap((address asset, uint128 cap) c, uint16 t)", Args: []any{map[string]any{"asset": "{{asset}}", "cap": "{{cap}}"}, "{{threshold}}"}, SkipIf: "frozen"},
		},
		Expect: []ExpectSpec{{Call: config, Pick: "ltv", Equals: "{{ltv}}"}},
		Policy: PolicySpec{Propose: []string{"risk"}},
	}
}

func mustCompile(t testing.TB, spec PlaybookSpec) *Playbook {
	t.Helper()
	p, err := CompilePlaybook(spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlaybooksAreRefusedWithTheirPath(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*PlaybookSpec)
		path   string
		want   string
	}{
		{"a name in capitals", func(s *PlaybookSpec) { s.Name = "Pause" }, "name", `"Pause" is not a playbook name`},
		{"a name of 33 characters", func(s *PlaybookSpec) { s.Name = strings.Repeat("a", 33) }, "name", "is not a playbook name"},
		{"an unknown kind", func(s *PlaybookSpec) { s.Kind = "puase" }, "kind", "did you mean pause?"},
		{"no Safe", func(s *PlaybookSpec) { s.Safe = "" }, "safe", "no Safe is named"},
		{"a pause through a timelock", func(s *PlaybookSpec) { s.Via = "core" }, "via", "a pause goes through no timelock"},
		{"no calls", func(s *PlaybookSpec) { s.Calls = nil }, "calls", "a playbook without calls does nothing"},
		{"a pause that cannot be proven", func(s *PlaybookSpec) { s.Expect = nil }, "expect", "could not be proven"},
		{"too many calls", func(s *PlaybookSpec) { s.Calls = make([]CallSpec, 65) }, "calls", "at most 64"},

		{"a parameter called reason", func(s *PlaybookSpec) { s.Params[0].Name = "reason" }, "params.reason", "is reserved"},
		{"a parameter with a bad name", func(s *PlaybookSpec) { s.Params[0].Name = "Asset" }, "params.Asset", "is not a parameter name"},
		{"a parameter twice", func(s *PlaybookSpec) { s.Params = append(s.Params, s.Params[0]) }, "params.asset", "is there twice"},
		{"a parameter of no type", func(s *PlaybookSpec) { s.Params[0].Type = "adress" }, "params.asset.type", "did you mean address?"},
		{"decimals on what is no amount", func(s *PlaybookSpec) { s.Params[0].Decimals = "6" }, "params.asset.decimals", "has no decimals"},
		{"an amount without decimals", extra(ParamSpec{Name: "n", Type: "amount"}), "params.n.decimals", "says not how many decimals"},
		{"an amount of 78 decimals", extra(ParamSpec{Name: "n", Type: "amount", Decimals: "78"}), "params.n.decimals", "says not how many decimals"},
		{"octal decimals", extra(ParamSpec{Name: "n", Type: "amount", Decimals: "06"}), "params.n.decimals", "says not how many decimals"},
		{"a choice that is no address", func(s *PlaybookSpec) { s.Params[0].Choices[0].Value = "usdc" }, "params.asset.choices.usdc", "is not an address"},
		{"a choice with a wrong checksum", func(s *PlaybookSpec) { s.Params[0].Choices[0].Value = strings.Replace(usdcText, "E", "e", 1) }, "params.asset.choices.usdc", "checksum"},
		{"a choice twice, in another case", func(s *PlaybookSpec) { s.Params[0].Choices[1].Name = "USDC" }, "params.asset.choices.USDC", "have one name"},
		{"a choice with a space", func(s *PlaybookSpec) { s.Params[0].Choices[0].Name = "us dc" }, "params.asset.choices.us dc", "is not a choice's name"},
		{"a sample that is no choice", func(s *PlaybookSpec) { s.Params[0].Sample = marketText }, "params.asset.sample", "is none of its choices"},
		{"a required parameter with a default", func(s *PlaybookSpec) { s.Params[0].Default = "usdc" }, "params.asset.default", "has no default"},
		{"bounds on an address", func(s *PlaybookSpec) { s.Params[0].Min = "1" }, "params.asset.min", "only integers and amounts have bounds"},
		{"bounds the wrong way round", extra(ParamSpec{Name: "n", Type: "uint8", Min: "9", Max: "8"}), "params.n.min", "the minimum 9 is above the maximum 8"},
		{"a bound beyond its type", extra(ParamSpec{Name: "n", Type: "uint8", Max: "256"}), "params.n.max", "out of range"},
		{"a bound with an exponent", extra(ParamSpec{Name: "n", Type: "uint8", Max: "1e2"}), "params.n.max", "is not an integer"},
		{"a choice out of bounds", extra(ParamSpec{Name: "n", Type: "uint8", Max: "8", Choices: []ChoiceSpec{{"nine", "9"}}}), "params.n.choices.nine", "above its maximum of 8"},
		{"a change of an address", func(s *PlaybookSpec) { s.Params[0].MaxChange = &ChangeSpec{"paused", "10%"} }, "params.asset.max_change", "only integers and amounts"},
		{"a change by a word", extra(ParamSpec{Name: "n", Type: "uint8", MaxChange: &ChangeSpec{"paused", "much"}}), "params.n.max_change.by", "neither a percentage nor an amount"},
		{"a change from what is not read", extra(ParamSpec{Name: "n", Type: "uint8", MaxChange: &ChangeSpec{"pausd", "10%"}}), "params.n.max_change.read", "did you mean paused?"},
		{"a change from what is no number", extra(ParamSpec{Name: "n", Type: "uint8", MaxChange: &ChangeSpec{"paused", "10%"}}), "params.n.max_change.read", "is not a number"},

		{"a read named like a parameter", func(s *PlaybookSpec) { s.Reads[0].Name = "asset" }, "reads.asset", "a parameter is called asset already"},
		{"a read of nothing", func(s *PlaybookSpec) { s.Reads[0].Call.Function = "getPaused(address)" }, "reads.paused.call.function", "returns nothing that could be read"},
		{"a read that sends value", func(s *PlaybookSpec) { s.Reads[0].Call.Value = "1" }, "reads.paused.call.value", "a read sends no value"},
		{"a read of two values without pick", func(s *PlaybookSpec) { s.Reads[0].Call.Function = "g(address) returns (bool a, bool b)" }, "reads.paused", "returns 2 values"},
		{"a pick of nothing", func(s *PlaybookSpec) { s.Reads[0].Pick = "pausd" }, "reads.paused.pick", `returns nothing called "pausd"`},
		{"bits of a bool", func(s *PlaybookSpec) { s.Reads[0].Bits = []int{0, 0} }, "reads.paused.bits", "bool has no bits"},
		{"bits beyond the word", func(s *PlaybookSpec) {
			s.Reads[0].Call.Function, s.Reads[0].Bits = "g(address) returns (uint8)", []int{4, 8}
		}, "reads.paused.bits", "from 0 to 7"},

		{"a rule with a wrong name", func(s *PlaybookSpec) { s.Require = []string{"asst == 1"} }, "require[0]", "did you mean asset?"},
		{"a rule on an address", func(s *PlaybookSpec) { s.Require = []string{"1 == 1", "asset == 1"} }, "require[1]", "asset is not a number"},

		{"a function that is none", func(s *PlaybookSpec) { s.Calls[0].Function = "pause(" }, "calls[0].function", "column"},
		{"a function from a parameter", func(s *PlaybookSpec) { s.Calls[0].Function = "{{asset}}" }, "calls[0].function", "a function cannot be a parameter"},
		{"an argument too few", func(s *PlaybookSpec) { s.Calls[0].Args = []any{"{{asset}}"} }, "calls[0].args", "takes 2 arguments, there are 1"},
		{"an unknown parameter", func(s *PlaybookSpec) { s.Calls[0].Args[0] = "{{aset}}" }, "calls[0].args[0]", "did you mean asset?"},
		{"a reading as a value", func(s *PlaybookSpec) { s.Calls[0].Args[1] = "{{paused}}" }, "calls[0].args[1]", "a reading is no value for a call"},
		{"a parameter of another type", func(s *PlaybookSpec) { s.Calls[0].Args[1] = "{{asset}}" }, "calls[0].args[1]", "is of type address, here goes bool"},
		{"a template in a text", func(s *PlaybookSpec) { s.Calls[0].Args[0] = "x{{asset}}" }, "calls[0].args[0]", "is not a template"},
		{"a template with spaces", func(s *PlaybookSpec) { s.Calls[0].Args[0] = "{{ asset }}" }, "calls[0].args[0]", "is not a template"},
		{"a bool in other words", func(s *PlaybookSpec) { s.Calls[0].Args[1] = "yes" }, "calls[0].args[1]", "neither true nor false"},
		{"a list for a bool", func(s *PlaybookSpec) { s.Calls[0].Args[1] = []any{"true"} }, "calls[0].args[1]", "a list of 1 is no bool"},
		{"a mapping for a bool", func(s *PlaybookSpec) { s.Calls[0].Args[1] = map[string]any{} }, "calls[0].args[1]", "a mapping is no bool"},
		{"a target that is no address", func(s *PlaybookSpec) { s.Calls[0].To = "market" }, "calls[0].to", "is not an address"},
		{"the zero address as a target", func(s *PlaybookSpec) { s.Calls[0].To = "0x" + strings.Repeat("0", 40) }, "calls[0].to", "zero address"},
		{"a target without choices", func(s *PlaybookSpec) { s.Params[0].Choices, s.Params[0].Sample, s.Calls[0].To = nil, "", "{{asset}}" }, "calls[0].to", "an address parameter with choices"},
		{"a value that is no amount", func(s *PlaybookSpec) { s.Calls[0].Value = "1e18" }, "calls[0].value", "has no unit"},
		{"a skip on what is not read", func(s *PlaybookSpec) { s.Calls[0].SkipIf = "pausd" }, "calls[0].skip_if", "did you mean paused?"},
		{"a skip on a number", func(s *PlaybookSpec) { s.Reads[0].Call.Function = "g(address) returns (uint8)" }, "calls[0].skip_if", "neither true nor false"},

		{"an expectation of nothing", func(s *PlaybookSpec) { s.Expect[0].Equals = nil }, "expect[0].equals", "nothing is expected"},
		{"an expectation of another type", func(s *PlaybookSpec) { s.Expect[0].Equals = "1" }, "expect[0].equals", "neither true nor false"},

		{"nobody who may propose", func(s *PlaybookSpec) { s.Policy.Propose = nil }, "policy.propose", "nobody may propose this"},
		{"an expiry that is none", func(s *PlaybookSpec) { s.Policy.Expires = "1 day" }, "policy.expires", `"1 day" is not a duration`},
		{"an expiry of nothing", func(s *PlaybookSpec) { s.Policy.Expires = "0s" }, "policy.expires", "is not between"},
		{"a cooldown below zero", func(s *PlaybookSpec) { s.Policy.Cooldown = "-1h" }, "policy.cooldown", "is not a duration"},
		{"a wrong visibility", func(s *PlaybookSpec) { s.Policy.Visibility = "secret" }, "policy.visibility", "is not a visibility"},
		{"too many spares", func(s *PlaybookSpec) { s.Policy.Spares = "6" }, "policy.spares", "is not a number of spares"},
		{"spares of what is no pause", func(s *PlaybookSpec) { s.Kind, s.Policy.Spares = "custom", "1" }, "policy.spares", "only an emergency"},
		{"a pause that waits", func(s *PlaybookSpec) { s.Policy.Execute = "after: 10m" }, "policy.execute", "an emergency is executed at quorum"},
		{"a pause by hand", func(s *PlaybookSpec) { s.Policy.Execute = "manual" }, "policy.execute", "an emergency is executed at quorum"},
		{"a wrong execute", func(s *PlaybookSpec) { s.Policy.Execute = "later" }, "policy.execute", "says not when"},
		{"a next update that is none", func(s *PlaybookSpec) { s.Public.NextUpdate = "soon" }, "public.next_update", "is not a duration"},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := pauseSpec()
			c.change(&spec)
			_, err := CompilePlaybook(spec)
			assertSpecError(t, err, c.path, c.want)
		})
	}
}

// extra adds a parameter.
func extra(p ParamSpec) func(*PlaybookSpec) {
	return func(s *PlaybookSpec) { s.Params = append(s.Params, p) }
}

func assertSpecError(t *testing.T, err error, path, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		t.Fatalf("not joined: %v", err)
	}
	for _, one := range joined.Unwrap() {
		var spec *SpecError
		if errors.As(one, &spec) && spec.Path == path && strings.Contains(spec.Error(), want) {
			return
		}
	}
	t.Errorf("want %s: %s, got\n%v", path, want, err)
}

func TestTuplesAreCheckedMemberByMember(t *testing.T) {
	for _, c := range []struct {
		tuple any
		path  string
		want  string
	}{
		{map[string]any{"asset": "{{asset}}", "cpa": "1"}, "calls[1].args[0].cpa", "there is no member cpa"},
		{map[string]any{"asset": "{{asset}}"}, "calls[1].args[0]", "the member cap is missing"},
		{map[string]any{"asset": "{{asset}}", "cap": "-1"}, "calls[1].args[0].cap", "out of range"},
		{[]any{"{{ltv}}", "1"}, "calls[1].args[0][0]", "is of type uint256, here goes address"},
		{[]any{"{{asset}}"}, "calls[1].args[0]", "a list of 1"},
	} {
		spec := ltvSpec()
		spec.Calls[1].Args[0] = c.tuple
		_, err := CompilePlaybook(spec)
		assertSpecError(t, err, c.path, c.want)
	}
}

func TestAllProblemsOfAPlaybookAreToldAtOnce(t *testing.T) {
	_, err := CompilePlaybook(PlaybookSpec{Name: "X", Kind: "?", Calls: []CallSpec{{To: "y", Function: "z"}}})
	for _, want := range []string{"X: name:", "kind:", "safe:", "calls[0].to:", "calls[0].function:", "policy.propose:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not told: %v", want, err)
		}
	}
}

func TestTheHashBindsEverythingThatIsWritten(t *testing.T) {
	seen := map[common.Hash]string{}
	note := func(what string, spec PlaybookSpec) {
		hash, err := spec.Hash()
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[hash]; twice {
			t.Errorf("%s and %s have one hash", what, other)
		}
		seen[hash] = what
	}
	note("as it is", pauseSpec())
	for what, change := range map[string]func(*PlaybookSpec){
		"title":    func(s *PlaybookSpec) { s.Title += "." },
		"choice":   func(s *PlaybookSpec) { s.Params[0].Choices[0].Value = wethText },
		"argument": func(s *PlaybookSpec) { s.Calls[0].Args[1] = "false" },
		"target":   func(s *PlaybookSpec) { s.Calls[0].To = usdcText },
		"equals":   func(s *PlaybookSpec) { s.Expect[0].Equals = "false" },
		"role":     func(s *PlaybookSpec) { s.Policy.Propose = append(s.Policy.Propose, "anyone") },
		"public":   func(s *PlaybookSpec) { s.Public.What = "x" },
		"change":   func(s *PlaybookSpec) { s.Params[0].MaxChange = &ChangeSpec{"a", "b"} },
	} {
		spec := pauseSpec()
		change(&spec)
		note(what, spec)
	}
	if p := mustCompile(t, pauseSpec()); seen[p.Hash()] != "as it is" {
		t.Error("the playbook has another hash than its spec")
	}
}

func TestAnUndoTakesOverParametersAndReadings(t *testing.T) {
	spec := pauseSpec()
	spec.Name, spec.Kind = "restore", "custom"
	spec.Params = append(spec.Params, ParamSpec{Name: "cap", Type: "amount", Decimals: "6"}, ParamSpec{Name: "other", Type: "bool"}, ParamSpec{Name: "unread", Type: "bool"})
	undo := mustCompile(t, spec)
	before := []Reading{{Name: "cap", Value: "1500000", Known: true}, {Name: "unread", Value: "", Known: false}}
	got := undo.UndoParams(map[string]string{"asset": "usdc", "ltv": "5"}, before)
	if fmt.Sprint(got) != "map[asset:usdc cap:1.5]" {
		t.Errorf("taken over: %v", got)
	}
}

func TestFunctionsAreThoseThatAreCalledAndRead(t *testing.T) {
	var got []string
	for _, f := range mustCompile(t, pauseSpec()).Functions() {
		got = append(got, f.Signature())
	}
	if fmt.Sprint(got) != "[setReservePause(address,bool) getPaused(address) getPaused(address)]" {
		t.Errorf("functions %v", got)
	}
}
