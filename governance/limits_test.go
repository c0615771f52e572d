package governance

import (
	"fmt"
	"strings"
	"testing"
)

func TestTheLastSecondThatCanBeWrittenIsWritten(t *testing.T) {
	if s := seconds(lastSecond); s == nil || *s != "9999-12-31T23:59:59Z" {
		t.Errorf("the last second is %v", s)
	}
	for _, never := range []uint64{0, lastSecond + 1, 1<<64 - 1} {
		if s := seconds(never); s != nil {
			t.Errorf("%d is written as %s", never, *s)
		}
	}
}

func TestWhatIsTypedIsTakenUpToItsLimit(t *testing.T) {
	b := mustCompile(t, ltvSpec())
	for length, tooLong := range map[int]bool{maxParamText: false, maxParamText + 1: true} {
		_, err := b.Bind(map[string]string{"asset": "usdc", "ltv": strings.Repeat("1", length)})
		if err == nil || strings.Contains(err.Error(), "too long") != tooLong {
			t.Errorf("%d bytes: %v", length, err)
		}
	}
}

func TestAPlaybookTakesAsManyParametersAsACommand(t *testing.T) {
	for n, tooMany := range map[int]bool{maxParams: false, maxParams + 1: true} {
		spec := pauseSpec()
		spec.Params = nil
		for i := range n {
			spec.Params = append(spec.Params, ParamSpec{Name: fmt.Sprintf("p%d", i), Type: "uint256", Default: "1"})
		}
		_, err := CompilePlaybook(spec)
		if err == nil || strings.Contains(err.Error(), "fit a chat command") != tooMany { // it misses asset in every case
			t.Errorf("%d parameters: %v", n, err)
		}
	}
}

func TestAMinimumMayBeTheMaximum(t *testing.T) {
	for edge, refused := range map[string]bool{"8499": false, "8500": false, "8501": true} {
		spec := ltvSpec()
		spec.Params[1].Min, spec.Params[1].Sample, spec.Params[1].MaxChange = edge, "8500", nil
		_, err := CompilePlaybook(spec)
		if above := err != nil && strings.Contains(err.Error(), "is above the maximum"); above != refused {
			t.Errorf("a minimum of %s under a maximum of 8500: %v", edge, err)
		}
	}
}

func TestOnlyWhatHasNoDefaultIsRequired(t *testing.T) {
	required := map[string]bool{"asset": true, "ltv": true, "threshold": false, "cap": false}
	for _, p := range mustCompile(t, ltvSpec()).Params {
		if want, known := required[p.Name]; !known || p.Required != want {
			t.Errorf("%s: required is %t", p.Name, p.Required)
		}
	}
}

// TestWithoutReadsNothingIsBlind builds a routine change that reads nothing, without readings.
func TestWithoutReadsNothingIsBlind(t *testing.T) {
	spec := ltvSpec()
	spec.Reads, spec.Require, spec.Params[1].MaxChange = nil, nil, nil
	for i := range spec.Calls {
		spec.Calls[i].SkipIf = ""
	}
	p, err := CompilePlaybook(spec)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Bind(map[string]string{"asset": "usdc", "ltv": "8000"})
	if err != nil {
		t.Fatal(err)
	}
	built, err := b.Build(nil)
	if err != nil || len(built.Calls) == 0 || len(built.Notes) != 0 {
		t.Errorf("built %+v, %v", built, err)
	}
}
