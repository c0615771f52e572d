package governance

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var expressionNames = []string{"ltv", "liq_threshold", "a-b", "x"}

func TestExpressionsAreExact(t *testing.T) {
	max256 := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	values := map[string]*big.Int{"ltv": big.NewInt(8000), "liq_threshold": big.NewInt(8300), "a-b": big.NewInt(-5), "x": max256}
	for text, want := range map[string]bool{
		"ltv <= liq_threshold":                true,
		"ltv<liq_threshold":                   true,
		"ltv > liq_threshold":                 false,
		"ltv >= 8000":                         true,
		"ltv == 8000":                         true,
		"ltv != 8000":                         false,
		"ltv + 300 == liq_threshold":          true,
		"ltv - 1 - 1 == 7998":                 true, // from left to right
		"2 + 3 * 4 == 14":                     true,
		"(2 + 3) * 4 == 20":                   true,
		"10-5 == 5":                           true, // behind a number a minus is a minus
		"-ltv < 0":                            true,
		"- -ltv == ltv":                       true,
		"a-b == -5":                           true, // a name keeps its hyphens
		"a-b - 1 == 0-6":                      true,
		"x * x > x":                           true, // beyond 256 bits nothing overflows
		"x * x * x - x * x * x + 1 == 1":      true,
		"liq_threshold * 10000 <= 10000 * x ": true,
	} {
		e, err := ParseExpression(text, expressionNames)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := e.Holds(values); got != want || err != nil {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
}

func TestExpressionsAreRefusedWithTheirColumn(t *testing.T) {
	for _, c := range []struct {
		text   string
		column int
		want   string
	}{
		{"", 1, "expected a name or an integer, found the end"},
		{"ltv", 4, "expected one of < <= > >= == !="},
		{"ltv = 5", 5, "expected one of < <= > >= == !="},
		{"ltv <= ", 8, "found the end"},
		{"ltv <= 5 <= 6", 10, "expected the end"},
		{"(ltv <= 5)", 6, `expected ")"`},
		{"(ltv + 1 <= 5", 10, `expected ")"`},
		{"lvt <= 5", 1, `called "lvt"; did you mean ltv?`},
		{"ltv-1 <= 5", 1, "a minus needs spaces around it"},
		{"LTV <= 5", 1, "expected a name or an integer"},
		{"ltv <= 010", 8, `"010" starts with a zero`},
		{"ltv <= 1e3", 8, `"1e3" is not an integer`},
		{"ltv <= 1.5", 8, `"1.5" is not an integer`},
		{"ltv <= 0x10", 8, `"0x10" is not an integer`},
		{"ltv <= 1_000", 8, `"1_000" is not an integer`},
		{"ltv / 2 <= 5", 5, "expected one of < <= >"},
		{"ltv <= 5; x", 9, "expected the end"},
		{"ltv <= " + strings.Repeat("9", 79), 8, "an integer of 79 digits"},
		{strings.Repeat("(", 40) + "1", 34, "nested deeper than 32"},
		{strings.Repeat("-", 40) + "1 == 1", 34, "nested deeper than 32"},
		{"ltv <= " + strings.Repeat(" ", 600), 512, "longer than 512 characters"},
	} {
		_, err := ParseExpression(c.text, expressionNames)
		var at *ExpressionError
		if !errors.As(err, &at) || at.Column != c.column || !strings.Contains(at.Problem, c.want) {
			t.Errorf("%q: got %v, want column %d: %s", c.text, err, c.column, c.want)
		}
	}
}

func TestARuleOnSomethingUnknownNeverHolds(t *testing.T) {
	e, err := ParseExpression("ltv <= x", expressionNames)
	if err != nil {
		t.Fatal(err)
	}
	if holds, err := e.Holds(map[string]*big.Int{"ltv": big.NewInt(0)}); holds || err == nil {
		t.Errorf("got %v, %v", holds, err)
	}
}

// TestArithmeticAgreesWithBigInt writes random sums and compares what is parsed with what was meant.
func TestArithmeticAgreesWithBigInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, want := drawSum(t, 3)
		e, err := ParseExpression(fmt.Sprintf("%s == x", text), []string{"x"})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if holds, err := e.Holds(map[string]*big.Int{"x": want}); !holds || err != nil {
			t.Fatalf("%s is not %s (%v)", text, want, err)
		}
	})
}

func drawSum(t *rapid.T, depth int) (string, *big.Int) {
	if depth == 0 || rapid.Bool().Draw(t, "leaf") {
		n := new(big.Int).SetUint64(rapid.Uint64().Draw(t, "n"))
		return n.String(), n
	}
	left, l := drawSum(t, depth-1)
	right, r := drawSum(t, depth-1)
	result := new(big.Int)
	op := rapid.SampledFrom([]string{"+", "-", "*"}).Draw(t, "op")
	switch op {
	case "+":
		result.Add(l, r)
	case "-":
		result.Sub(l, r)
	default:
		result.Mul(l, r)
	}
	return "(" + left + " " + op + " " + right + ")", result
}

// FuzzExpression holds that no text makes the parser panic, and that what it accepts can be judged.
func FuzzExpression(f *testing.F) {
	for _, text := range []string{"ltv <= liq_threshold", "a-b*(x+1) != -3", "((1)) == 1", "ltv-", "1 <", "<=", "x*x*x*x*x >= 0"} {
		f.Add(text)
	}
	values := map[string]*big.Int{}
	for i, n := range expressionNames {
		values[n] = new(big.Int).Lsh(big.NewInt(int64(i)-1), 255)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpression(text, expressionNames)
		if err != nil {
			var at *ExpressionError
			if !errors.As(err, &at) || at.Column < 1 || at.Column > len(text)+1 && at.Column != maxExpressionText {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if _, err := e.Holds(values); err != nil {
			t.Errorf("%q is accepted, but %v", text, err)
		}
	})
}
