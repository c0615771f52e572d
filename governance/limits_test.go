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

// TestPlaybooksReachTheirBoundsAndNotBeyond sets one value at a time to its bound, and one past it.
func TestPlaybooksReachTheirBoundsAndNotBeyond(t *testing.T) {
	sized := func(set func(*PlaybookSpec, int)) func(*PlaybookSpec, string) {
		return func(s *PlaybookSpec, text string) { set(s, int(integerOf(text).Int64())) }
	}
	for name, c := range map[string]struct {
		set        func(*PlaybookSpec, string)
		at, beyond string
		path       string
	}{
		"the shortest expiry":      {func(s *PlaybookSpec, v string) { s.Policy.Expires = v }, "1m", "59s999ms", "policy.expires"},
		"the longest expiry":       {func(s *PlaybookSpec, v string) { s.Policy.Expires = v }, "90d", "90d1ms", "policy.expires"},
		"the longest cooldown":     {func(s *PlaybookSpec, v string) { s.Policy.Cooldown = v }, "30d", "30d1ms", "policy.cooldown"},
		"no cooldown":              {func(s *PlaybookSpec, v string) { s.Policy.Cooldown = v }, "0s", "-1s", "policy.cooldown"},
		"the longest next update":  {func(s *PlaybookSpec, v string) { s.Public.NextUpdate = v }, "30d", "31d", "public.next_update"},
		"the shortest next update": {func(s *PlaybookSpec, v string) { s.Public.NextUpdate = v }, "1m", "59s", "public.next_update"},
		"the most spares":          {func(s *PlaybookSpec, v string) { s.Policy.Spares = v }, "5", "6", "policy.spares"},
		"no spares":                {func(s *PlaybookSpec, v string) { s.Policy.Spares = v }, "0", "-1", "policy.spares"},
		"no decimals":              {amountParam, "0", "-1", "params.sum.decimals"},
		"the most decimals":        {amountParam, "77", "78", "params.sum.decimals"},
		"as many reads": {sized(func(s *PlaybookSpec, n int) {
			for i := range n - len(s.Reads) {
				s.Reads = append(s.Reads, ReadSpec{Name: fmt.Sprintf("r%d", i), Call: s.Reads[0].Call})
			}
		}), "32", "33", "reads"},
		"as many rules": {sized(func(s *PlaybookSpec, n int) {
			amountParam(s, "0")
			for range n {
				s.Require = append(s.Require, "sum >= 0")
			}
		}), "32", "33", "require"},
		"as many expectations": {sized(func(s *PlaybookSpec, n int) {
			for range n - len(s.Expect) {
				s.Expect = append(s.Expect, s.Expect[0])
			}
		}), "32", "33", "expect"},
		"as many calls": {sized(func(s *PlaybookSpec, n int) {
			for range n - len(s.Calls) {
				s.Calls = append(s.Calls, s.Calls[0])
			}
		}), "64", "65", "calls"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := pauseSpec()
			c.set(&spec, c.at)
			if _, err := CompilePlaybook(spec); err != nil {
				t.Errorf("%s: %v", c.at, err)
			}
			spec = pauseSpec()
			c.set(&spec, c.beyond)
			if _, err := CompilePlaybook(spec); err == nil || !strings.Contains(err.Error(), c.path+":") {
				t.Errorf("%s: %v", c.beyond, err)
			}
		})
	}
}

// amountParam adds an amount of so many decimals.
func amountParam(s *PlaybookSpec, decimals string) {
	s.Params = append(s.Params, ParamSpec{Name: "sum", Type: "amount", Decimals: decimals, Default: "1"})
}

func TestAPartOfAPercentIsMeasuredExactly(t *testing.T) {
	spec := ltvSpec()
	spec.Params[1].MaxChange.By = "0.25%" // of 8000: 20
	p := mustCompile(t, spec)
	for ltv, ok := range map[string]bool{"8020": true, "8021": false, "7980": true, "7979": false} {
		b, err := p.Bind(map[string]string{"asset": "usdc", "ltv": ltv})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Build(config(8000, 0)); (err == nil) != ok {
			t.Errorf("8000 → %s: %v", ltv, err)
		}
	}
}

func TestAQuotedTextIsCutBehindSixtyCharacters(t *testing.T) {
	whole := strings.Repeat("ü", 60)
	for text, want := range map[string]string{whole: whole, whole + "x": whole + "…"} {
		if got := clip(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestAPlaybookWithoutATitleIsCalledByItsName(t *testing.T) {
	spec := pauseSpec()
	if p := mustCompile(t, spec); p.Title != "Pause a reserve" {
		t.Errorf("its title is %q", p.Title)
	}
	spec.Title = ""
	if p := mustCompile(t, spec); p.Title != "pause-reserve" {
		t.Errorf("without a title it is called %q", p.Title)
	}
}
