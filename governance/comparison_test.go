package governance

import (
	"math/big"
	"strings"
	"testing"
)

// TestComparisonsAreDecidedAtTheirEdge compares below, at and above the edge with each operator.
func TestComparisonsAreDecidedAtTheirEdge(t *testing.T) {
	for op, want := range map[string][3]bool{
		"<":  {true, false, false},
		"<=": {true, true, false},
		">":  {false, false, true},
		">=": {false, true, true},
		"==": {false, true, false},
		"!=": {true, false, true},
	} {
		e, err := ParseExpression("x "+op+" 5", []string{"x"})
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range []int64{4, 5, 6} {
			if got, err := e.Holds(map[string]*big.Int{"x": big.NewInt(x)}); got != want[i] || err != nil {
				t.Errorf("%d %s 5 is %t, %v", x, op, got, err)
			}
		}
	}
}

func TestTheLongestExpressionIsTaken(t *testing.T) {
	longest := "x < 1" + strings.Repeat(" ", maxExpressionText-5)
	if _, err := ParseExpression(longest, []string{"x"}); err != nil {
		t.Errorf("%d characters: %v", len(longest), err)
	}
	if _, err := ParseExpression(longest+" ", []string{"x"}); err == nil {
		t.Errorf("%d characters were taken", len(longest)+1)
	}
	deepest := strings.Repeat("(", maxExpressionDepth) + "x" + strings.Repeat(")", maxExpressionDepth) + " < 1"
	if _, err := ParseExpression(deepest, []string{"x"}); err != nil {
		t.Errorf("nested %d deep: %v", maxExpressionDepth, err)
	}
	if _, err := ParseExpression("("+strings.Replace(deepest, " <", ") <", 1), []string{"x"}); err == nil {
		t.Errorf("nested %d deep was taken", maxExpressionDepth+1)
	}
	digits := strings.Repeat("9", maxExpressionDigit)
	if _, err := ParseExpression("x < "+digits, []string{"x"}); err != nil {
		t.Errorf("%d digits: %v", maxExpressionDigit, err)
	}
	if _, err := ParseExpression("x < 9"+digits, []string{"x"}); err == nil {
		t.Errorf("%d digits were taken", maxExpressionDigit+1)
	}
}

// TestNamesReachFromAToZ looks at the ends of the alphabets. A capital belongs to the word that is refused, so that its name is told whole.
func TestNamesReachFromAToZ(t *testing.T) {
	if _, err := ParseExpression("az_09 < za", []string{"az_09", "za"}); err != nil {
		t.Error(err)
	}
	for _, word := range []string{"xA", "xM", "xZ", "x.y"} {
		_, err := ParseExpression(word+" < 1", []string{"x"})
		if err == nil || !strings.Contains(err.Error(), `"`+word+`"`) {
			t.Errorf("%s: %v", word, err)
		}
	}
	for _, text := range []string{"x@ < 1", "x[ < 1", "x` < 1", "x{ < 1", "x/ < 1", "x: < 1"} {
		_, err := ParseExpression(text, []string{"x"})
		if err == nil || !strings.Contains(err.Error(), "expected one of") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
