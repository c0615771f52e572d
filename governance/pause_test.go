package governance

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

func pauseList(t *testing.T, args ...any) []PauseEntry {
	t.Helper()
	list, err := CompilePauseList([]PauseSpec{
		{To: usdcText, Function: "setReservePause(address,bool)", Args: []any{"*", "*"}},
		{To: marketText, Function: "setReservePause(address,bool)", Args: args},
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAPauseIsEarned(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []any
		change func(*PlaybookSpec)
		path   string // "" when it is earned
		want   string
	}{
		{"any asset, paused", []any{"*", "true"}, func(*PlaybookSpec) {}, "", ""},
		{"anything", []any{"*", "*"}, func(*PlaybookSpec) {}, "", ""},
		{"a value that unpauses", []any{"*", "true"}, func(s *PlaybookSpec) { s.Calls[0].Args[1] = "false" }, "calls[0].args[1]", "pause_list[1] allows true there"},
		{"one asset of two", []any{usdcText, "true"}, func(*PlaybookSpec) {}, "calls[0].args[0]", "pause_list[1] allows " + usdcText},
		{"the only asset", []any{usdcText, "true"}, func(s *PlaybookSpec) { s.Params[0].Choices = s.Params[0].Choices[:1] }, "", ""},
		{"a parameter without choices where a value is fixed", []any{usdcText, "true"}, func(s *PlaybookSpec) { s.Params[0].Choices, s.Params[0].Sample = nil, "" }, "calls[0].args[0]", "allows"},
		{"a literal in other letters", []any{usdcText, "true"}, func(s *PlaybookSpec) { s.Calls[0].Args[0] = "0x8617e340b3d01fa5f11f306f4090fd50e238070d" }, "", ""},
		{"another function", []any{"*", "true"}, func(s *PlaybookSpec) { s.Calls[0].Function = "setReserveFreeze(address,bool)" }, "calls[0]", "does not allow setReserveFreeze(address,bool)"},
		{"another contract", []any{"*", "true"}, func(s *PlaybookSpec) { s.Calls[0].To = wethText }, "calls[0]", "on 0xde709f2102306220921060314715629080e2fb77"},
		{"a target from choices, one of them not listed", []any{"*", "true"}, func(s *PlaybookSpec) { s.Calls[0].To = "{{asset}}" }, "calls[0]", "on 0xde709f2102306220921060314715629080e2fb77"},
		{"value sent along", []any{"*", "true"}, func(s *PlaybookSpec) { s.Calls[0].Value = "1 wei" }, "calls[0].value", "sends no value"},
		{"what is no pause needs no list", []any{"*", "true"}, func(s *PlaybookSpec) { s.Kind, s.Calls[0].To = "custom", wethText }, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := pauseSpec()
			c.change(&spec)
			err := CheckPause(mustCompile(t, spec), pauseList(t, c.args...))
			if c.path == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			assertSpecError(t, err, c.path, c.want)
		})
	}
}

func TestAFixedTupleIsComparedAsAWhole(t *testing.T) {
	const batch = "pauseMany((address asset, bool paused)[] list)"
	list, err := CompilePauseList([]PauseSpec{{To: marketText, Function: batch, Args: []any{[]any{[]any{usdcText, "true"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		arg    any
		earned bool
	}{
		{"by member name", []any{map[string]any{"asset": usdcText, "paused": "true"}}, true},
		{"in brackets", "[(" + usdcText + ", true)]", true},
		{"another member", []any{[]any{usdcText, "false"}}, false},
		{"a parameter inside", []any{[]any{"{{asset}}", "true"}}, false},
		{"a parameter inside, by member name", []any{map[string]any{"asset": "{{asset}}", "paused": "true"}}, false},
	} {
		spec := pauseSpec()
		spec.Calls = []CallSpec{{To: marketText, Function: batch, Args: []any{c.arg}}}
		if err := CheckPause(mustCompile(t, spec), list); (err == nil) != c.earned {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAPauseListIsRefusedWithItsPath(t *testing.T) {
	for _, c := range []struct {
		spec PauseSpec
		path string
		want string
	}{
		{PauseSpec{To: "x", Function: "pause()"}, "pause_list[0].to", "is not an address"},
		{PauseSpec{To: marketText, Function: "pause"}, "pause_list[0].function", "column"},
		{PauseSpec{To: marketText, Function: "pause(bool)"}, "pause_list[0].args", "takes 1 arguments, there are 0"},
		{PauseSpec{To: marketText, Function: "pause(bool)", Args: []any{"yes"}}, "pause_list[0].args[0]", "neither true nor false"},
		{PauseSpec{To: marketText, Function: "pause(bool)", Args: []any{"{{x}}"}}, "pause_list[0].args[0]", "no parameter"},
	} {
		_, err := CompilePauseList([]PauseSpec{c.spec})
		assertSpecError(t, err, c.path, c.want)
	}
}

func TestAVetoIsEarned(t *testing.T) {
	cancel := func(change func(*PlaybookSpec)) PlaybookSpec {
		s := PlaybookSpec{Name: "veto-core", Kind: "cancel", Safe: "guardian", Params: []ParamSpec{{Name: "id", Type: "bytes32", Required: true, Sample: "0x" + strings.Repeat("11", 32)}},
			Calls: []CallSpec{{To: marketText, Function: "cancel(bytes32 id)", Args: []any{"{{id}}"}}}, Policy: PolicySpec{Propose: []string{"guardian"}}}
		change(&s)
		return s
	}
	for _, c := range []struct {
		name   string
		change func(*PlaybookSpec)
		path   string // "" when it is earned
		want   string
	}{
		{"the cancellation of an operation", func(*PlaybookSpec) {}, "", ""},
		{"another function", func(s *PlaybookSpec) { s.Calls[0].Function = "grantRole(bytes32 id)" }, "calls[0].function", "grantRole(bytes32) cancels no operation"},
		{"another contract", func(s *PlaybookSpec) { s.Calls[0].To = wethText }, "calls[0].to", "is no timelock of the configuration"},
		{"value sent along", func(s *PlaybookSpec) { s.Calls[0].Value = "1 wei" }, "calls[0].value", "sends no value"},
		{"through a timelock", func(s *PlaybookSpec) { s.Via = "core" }, "via", "goes through no timelock"},
		{"what is no veto needs nothing", func(s *PlaybookSpec) { s.Kind, s.Calls[0].To = "custom", wethText }, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckCancel(mustCompile(t, cancel(c.change)), []common.Address{common.HexToAddress(marketText)})
			if c.path == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			assertSpecError(t, err, c.path, c.want)
		})
	}
}

func TestAnEmergencyWaitsForNobodysApproval(t *testing.T) {
	spec := pauseSpec()
	spec.Policy.Approve = []string{"risk"}
	_, err := CompilePlaybook(spec)
	assertSpecError(t, err, "policy.approve", "waits for nobody but the owners")
}
