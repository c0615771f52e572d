package governance

import (
	"strings"
	"testing"
)

func TestAValueMayBeItsBound(t *testing.T) {
	spec := ltvSpec()
	spec.Require = nil
	p := mustCompile(t, spec)
	for _, c := range []struct{ name, value, refused string }{
		{"ltv", "8500", ""}, {"ltv", "8501", "above its maximum of 8500"}, {"ltv", "0", ""},
		{"threshold", "100", ""}, {"threshold", "99", "below its minimum of 100"},
		{"cap", "0.5", ""}, {"cap", "0.499999", "below its minimum of 0.5"}, {"cap", "1000000", ""}, {"cap", "1000000.000001", "above its maximum of 1000000"},
	} {
		values := map[string]string{"asset": "usdc", "ltv": "8000"}
		values[c.name] = c.value
		_, err := p.Bind(values)
		if c.refused == "" && err != nil {
			t.Errorf("%s = %s: %v", c.name, c.value, err)
		}
		if c.refused != "" {
			assertRefusal(t, err, CodeOutOfBounds, c.refused)
		}
	}
}

func TestARoutineChangeMayWriteThatItHasNoSpares(t *testing.T) {
	for spares, want := range map[string]string{"0": "", "1": "only an emergency is signed at spare nonces"} {
		spec := ltvSpec()
		spec.Policy.Spares = spares
		_, err := CompilePlaybook(spec)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("spares: %s: %v", spares, err)
		}
	}
}

func TestUpToFiveRolesApprove(t *testing.T) {
	for n, refused := range map[int]bool{1: false, 5: false, 6: true} {
		spec := ltvSpec()
		spec.Policy.Approve = strings.Split("a,b,c,d,e,f", ",")[:n]
		_, err := CompilePlaybook(spec)
		if tooMany := err != nil && strings.Contains(err.Error(), "approvals, at most 5"); tooMany != refused {
			t.Errorf("%d roles: %v", n, err)
		}
	}
}

// TestBitsAreCutOutOfAWord counts both ends, and takes nothing outside of 256 bits for a bit.
func TestBitsAreCutOutOfAWord(t *testing.T) {
	top := "0x8" + strings.Repeat("0", 63)
	for _, c := range []struct {
		text   string
		lo, hi int
		want   string // "": refused
	}{
		{"6", 0, 0, "0"}, {"6", 1, 1, "1"}, {"6", 1, 2, "3"}, {"6", 0, 255, "6"}, {"0x06", 1, 2, "3"}, {"0", 0, 0, "0"}, {top, 255, 255, "1"},
		{"6", 2, 1, ""}, {"6", -1, 1, ""}, {"6", 0, 256, ""}, {"-6", 0, 1, ""}, {"true", 0, 0, ""},
	} {
		got, err := bitsOf(c.text, []int{c.lo, c.hi})
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("bits %d to %d of %s are %q, %v; want %q", c.lo, c.hi, c.text, got, err, c.want)
		}
	}
}

// TestAnOutputThatIsNotThereIsUnknown: what an older program stored may ask for one.
func TestAnOutputThatIsNotThereIsUnknown(t *testing.T) {
	for pick, ok := range map[int]bool{-1: false, 0: true, 1: false, 2: false} {
		got := Expectation{Output: "f() returns (bool)", Pick: pick, Equals: "true"}.Judge(words(1))
		if got.OK != ok || (got.Value != "") != ok {
			t.Errorf("output %d is %+v", pick, got)
		}
	}
}
