package governance

import (
	"strings"
	"testing"

	"belay/safe"
)

func TestAValueInDigitsIsWei(t *testing.T) {
	for text, want := range map[string]string{
		"5": "5", "1000000000000000000": "1000000000000000000", "5 wei": "5", "2 gwei": "2000000000", "0.5 ether": "500000000000000000",
		"0.5": "", "5 eth": "", "-5": "", "five": "",
	} {
		spec := pauseSpec()
		spec.Calls[0].Value = text
		p, err := CompilePlaybook(spec)
		if want == "" {
			if err == nil || !strings.Contains(err.Error(), "calls[0].value") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		b, err := p.Bind(map[string]string{"asset": "usdc"})
		if err != nil {
			t.Fatal(err)
		}
		built, err := b.Build([]safe.Result{words(0)})
		if err != nil || built.Calls[0].Value.Dec() != want {
			t.Errorf("%q sends %+v, %v; want %s", text, built.Calls, err, want)
		}
	}
}

// TestAListHasAsManyElementsAsItsType: an array of two takes two, a slice any number.
func TestAListHasAsManyElementsAsItsType(t *testing.T) {
	for _, c := range []struct {
		function string
		list     []any
		refused  string
	}{
		{"f(uint256[2])", []any{"1", "2"}, ""},
		{"f(uint256[2])", []any{"1"}, "a list of 1 is no uint256[2]"},
		{"f(uint256[2])", []any{"1", "2", "3"}, "a list of 3 is no uint256[2]"},
		{"f(uint256[])", []any{}, ""},
		{"f(uint256[])", []any{"1", "2", "3"}, ""},
		{"f(uint256)", []any{"1"}, "a list of 1 is no uint256"},
	} {
		spec := pauseSpec()
		spec.Calls = append(spec.Calls, CallSpec{To: marketText, Function: c.function, Args: []any{c.list}})
		_, err := CompilePlaybook(spec)
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s of %v: %v", c.function, c.list, err)
		}
	}
}

// TestACallThatIsLeftOutIsTold: a choice stands there with its name, an amount as the contract would get it.
func TestACallThatIsLeftOutIsTold(t *testing.T) {
	spec := pauseSpec()
	amountParam(&spec, "6")
	spec.Calls = append(spec.Calls, CallSpec{To: marketText, Function: "cover(address asset, uint256 sum)", Args: []any{"{{asset}}", "{{sum}}"}})
	spec.Calls[0].SkipIf, spec.Calls[1].SkipIf = "", "paused"
	b, err := mustCompile(t, spec).Bind(map[string]string{"asset": "usdc"})
	if err != nil {
		t.Fatal(err)
	}
	built, err := b.Build([]safe.Result{words(1)})
	if err != nil || len(built.Calls) != 1 || len(built.Notes) != 1 {
		t.Fatalf("%+v, %v", built, err)
	}
	if want := "left out, since getPaused(asset: usdc " + usdcText + ") = true: cover(asset: usdc " + usdcText + ", sum: 1000000)"; built.Notes[0] != want {
		t.Errorf("told %q, want %q", built.Notes[0], want)
	}
}
