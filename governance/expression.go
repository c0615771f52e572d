package governance

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Limits of an expression. They bound the size of every intermediate number and the depth of the parser.
const (
	maxExpressionText  = 512
	maxExpressionDepth = 32
	maxExpressionDigit = 78 // digits of 2^256
)

// Expression is one comparison between names and integers, such as "ltv <= liq_threshold - 100". Arithmetic is exact: nothing
// overflows, nothing is rounded. A name is taken with its hyphens, so a minus behind a name needs a space before it.
type Expression struct {
	text  string
	left  term
	op    string
	right term
	names []string
}

// ExpressionError says where a text stops being an expression.
type ExpressionError struct {
	Column  int // 1-based, in bytes
	Problem string
}

// Error gives column and problem.
func (e *ExpressionError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Problem) }

// term is one side of the comparison, or a part of it.
type term interface {
	value(of map[string]*big.Int) *big.Int
}

type (
	integerTerm  struct{ n *big.Int }
	nameTerm     string
	negativeTerm struct{ of term }
	binaryTerm   struct {
		op          byte
		left, right term
	}
)

func (t integerTerm) value(map[string]*big.Int) *big.Int     { return t.n }
func (t nameTerm) value(of map[string]*big.Int) *big.Int     { return of[string(t)] }
func (t negativeTerm) value(of map[string]*big.Int) *big.Int { return new(big.Int).Neg(t.of.value(of)) }

func (t binaryTerm) value(of map[string]*big.Int) *big.Int {
	left, right := t.left.value(of), t.right.value(of)
	switch t.op {
	case '+':
		return new(big.Int).Add(left, right)
	case '-':
		return new(big.Int).Sub(left, right)
	}
	return new(big.Int).Mul(left, right)
}

// ParseExpression reads a comparison. Names are those of the list; errors are *ExpressionError.
func ParseExpression(text string, known []string) (*Expression, error) {
	if len(text) > maxExpressionText {
		return nil, &ExpressionError{maxExpressionText, fmt.Sprintf("longer than %d characters", maxExpressionText)}
	}
	p := &expressionParser{text: text, known: known}
	e := &Expression{text: text}
	var err error
	if e.left, err = p.sum(0); err != nil {
		return nil, err
	}
	if e.op = p.comparison(); e.op == "" {
		return nil, p.fail("expected one of < <= > >= == !=, found %s", p.found())
	}
	if e.right, err = p.sum(0); err != nil {
		return nil, err
	}
	if p.peek() != 0 {
		return nil, p.fail("expected the end, found %s", p.found())
	}
	e.names = p.names
	return e, nil
}

// String gives the text that was parsed.
func (e *Expression) String() string { return e.text }

// Names lists the names that the expression needs, each once, in order.
func (e *Expression) Names() []string { return e.names }

// Holds compares both sides. A name without a value is an error: unknown is never true.
func (e *Expression) Holds(values map[string]*big.Int) (bool, error) {
	for _, n := range e.names {
		if values[n] == nil {
			return false, fmt.Errorf("%s is not known", n)
		}
	}
	order := e.left.value(values).Cmp(e.right.value(values))
	switch e.op {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	case ">=":
		return order >= 0, nil
	case "==":
		return order == 0, nil
	}
	return order != 0, nil
}

// expressionParser walks the text once, by recursive descent:
//
//	sum = product { ("+" | "-") product } ; product = factor { "*" factor } ; factor = "-" factor | "(" sum ")" | name | integer
type expressionParser struct {
	text  string
	pos   int
	known []string
	names []string
}

// peek gives the next character that is not a space, or 0 at the end.
func (p *expressionParser) peek() byte {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *expressionParser) fail(problem string, args ...any) error {
	return &ExpressionError{p.pos + 1, fmt.Sprintf(problem, args...)}
}

func (p *expressionParser) found() string {
	if c := p.peek(); c != 0 {
		return fmt.Sprintf("%q", p.text[p.pos:min(len(p.text), p.pos+10)])
	}
	return "the end"
}

// comparison takes a comparison operator, or nothing.
func (p *expressionParser) comparison() string {
	p.peek()
	for _, op := range []string{"<=", ">=", "==", "!=", "<", ">"} {
		if strings.HasPrefix(p.text[p.pos:], op) {
			p.pos += len(op)
			return op
		}
	}
	return ""
}

func (p *expressionParser) sum(depth int) (term, error) {
	return p.chain("+-", func() (term, error) {
		return p.chain("*", func() (term, error) { return p.factor(depth) })
	})
}

// chain reads operands joined by any of the operators, from left to right.
func (p *expressionParser) chain(operators string, operand func() (term, error)) (term, error) {
	left, err := operand()
	for err == nil {
		op := p.peek()
		if op == 0 || strings.IndexByte(operators, op) < 0 {
			return left, nil
		}
		p.pos++
		var right term
		if right, err = operand(); err == nil {
			left = binaryTerm{op, left, right}
		}
	}
	return nil, err
}

func (p *expressionParser) factor(depth int) (term, error) {
	if depth > maxExpressionDepth {
		return nil, p.fail("nested deeper than %d", maxExpressionDepth)
	}
	switch c := p.peek(); {
	case c == '-':
		p.pos++
		of, err := p.factor(depth + 1)
		return negativeTerm{of}, err
	case c == '(':
		p.pos++
		inside, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.peek() != ')' {
			return nil, p.fail(`expected ")", found %s`, p.found())
		}
		p.pos++
		return inside, nil
	case c >= '0' && c <= '9':
		return p.integer()
	case c >= 'a' && c <= 'z':
		return p.name()
	}
	return nil, p.fail("expected a name or an integer, found %s", p.found())
}

// word gives the run of name characters at the present position without taking it.
func (p *expressionParser) word() string {
	end := p.pos
	for end < len(p.text) && (isNameByte(p.text[end]) || p.text[end] >= 'A' && p.text[end] <= 'Z' || p.text[end] == '.') {
		end++
	}
	return p.text[p.pos:end]
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

func (p *expressionParser) integer() (term, error) {
	digits := p.word()
	if cut := strings.IndexByte(digits, '-'); cut > 0 {
		digits = digits[:cut] // 10-x: behind a number a minus is a minus
	}
	switch {
	case strings.Trim(digits, "0123456789") != "":
		return nil, p.fail("%q is not an integer in decimal digits", digits)
	case len(digits) > 1 && digits[0] == '0':
		return nil, p.fail("%q starts with a zero", digits)
	case len(digits) > maxExpressionDigit:
		return nil, p.fail("an integer of %d digits", len(digits))
	}
	p.pos += len(digits)
	n, _ := new(big.Int).SetString(digits, 10)
	return integerTerm{n}, nil
}

func (p *expressionParser) name() (term, error) {
	word := p.word()
	if !slices.Contains(p.known, word) {
		if strings.Contains(word, "-") {
			return nil, p.fail("there is no parameter or read called %q; a minus needs spaces around it", word)
		}
		return nil, p.fail("there is no parameter or read called %q%s", word, didYouMean(word, p.known))
	}
	p.pos += len(word)
	if !slices.Contains(p.names, word) {
		p.names = append(p.names, word)
	}
	return nameTerm(word), nil
}
