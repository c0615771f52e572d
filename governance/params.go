package governance

import (
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// maxParamText bounds what a person may type for one parameter, in bytes.
const maxParamText = 4096

var (
	playbookNamePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
	choicePattern       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$`)
)

// Param is one typed and bounded parameter of a playbook.
type Param struct {
	Name     string
	Type     string // canonical ABI type, or "amount"
	Required bool   // there is no default
	Choices  []Choice
	Min, Max string // as written; "" when unbounded
	Sample   string
	Default  string

	typ      abi.Type
	amount   bool
	decimals int
	unit     string // "ether", "gwei" or ""
	min, max *big.Int
	change   *changeLimit
}

// Choice is one allowed value: its name and the value in canonical text.
type Choice struct{ Name, Value string }

// changeLimit says how far a value may be from a reading.
type changeLimit struct {
	read       string
	text       string   // as written
	absolute   *big.Int // nil: relative
	part, base *big.Int // part of base, such as 25 of 1000 for 2.5%
}

// numeric reports whether values are integers, so that bounds and rules make sense.
func (p *Param) numeric() bool { return p.amount || isInteger(p.typ) }

func isInteger(t abi.Type) bool { return t.T == abi.UintTy || t.T == abi.IntTy }

// parse reads a value in the parameter's own notation and gives it as canonical text: an amount in its smallest unit.
func (p *Param) parse(text string) (string, error) {
	if p.amount {
		if p.unit != "" {
			text = strings.TrimSuffix(text, " "+p.unit)
		}
		n, err := calldata.ParseAmount(text, p.decimals)
		if err != nil {
			return "", err
		}
		return n.String(), nil
	}
	if p.typ.T == abi.BoolTy {
		text = strings.ToLower(text)
	}
	v, err := calldata.ParseValue(p.typ, text)
	if err != nil {
		return "", err
	}
	return calldata.TextAs(p.typ, v), nil
}

// display writes a canonical value as people write it: the choice's name, the amount with its point.
func (p *Param) display(value string) string {
	for _, c := range p.Choices {
		if c.Value == value {
			return c.Name
		}
	}
	if p.amount {
		return calldata.FormatAmount(integerOf(value), p.decimals)
	}
	return value
}

// choice finds a choice by name in any case.
func (p *Param) choice(text string) (Choice, bool) {
	i := slices.IndexFunc(p.Choices, func(c Choice) bool { return strings.EqualFold(c.Name, text) })
	if i < 0 {
		return Choice{}, false
	}
	return p.Choices[i], true
}

// accept reads what a person typed and gives the canonical value, or the reason why not.
func (p *Param) accept(text string) (string, *Refusal) {
	if c, ok := p.choice(text); ok {
		return c.Value, nil
	}
	if len(text) > maxParamText {
		return "", Refuse(CodeBadValue, p.allowed(), "%s: a value of %d bytes is too long", p.Name, len(text))
	}
	value, err := p.parse(text)
	if err != nil {
		return "", Refuse(CodeBadValue, p.hint(text), "%s = %q cannot be read: %s", p.Name, clip(text), plainReason(err))
	}
	if refusal := p.within(value, text); refusal != nil {
		return "", refusal
	}
	return value, nil
}

// within judges choices and bounds.
func (p *Param) within(value, text string) *Refusal {
	if len(p.Choices) > 0 && !slices.ContainsFunc(p.Choices, func(c Choice) bool { return c.Value == value }) {
		return Refuse(CodeOutOfBounds, p.allowed(), "%s = %q is none of its choices", p.Name, clip(text))
	}
	if !p.numeric() {
		return nil
	}
	n := integerOf(value)
	switch {
	case p.min != nil && n.Cmp(p.min) < 0:
		return Refuse(CodeOutOfBounds, p.allowed(), "%s = %s is below its minimum of %s", p.Name, p.display(value), p.Min)
	case p.max != nil && n.Cmp(p.max) > 0:
		return Refuse(CodeOutOfBounds, p.allowed(), "%s = %s is above its maximum of %s", p.Name, p.display(value), p.Max)
	}
	return nil
}

// allowed says in words what the parameter takes.
func (p *Param) allowed() string {
	if len(p.Choices) > 0 {
		names := make([]string, len(p.Choices))
		for i, c := range p.Choices {
			names[i] = c.Name
		}
		return "one of " + strings.Join(names, ", ")
	}
	kind := TypeWords(p.Type)
	switch {
	case p.Min != "" && p.Max != "":
		return fmt.Sprintf("%s from %s to %s", kind, p.Min, p.Max)
	case p.Min != "":
		return fmt.Sprintf("%s, at least %s", kind, p.Min)
	case p.Max != "":
		return fmt.Sprintf("%s, at most %s", kind, p.Max)
	case p.Sample != "":
		return fmt.Sprintf("%s, such as %s", kind, p.Sample)
	}
	return kind
}

// TypeWords says what a type takes to someone who writes no Solidity. Types without an everyday word keep their name.
func TypeWords(t string) string {
	switch {
	case strings.ContainsAny(t, "[("):
		return t
	case strings.HasPrefix(t, "uint"), strings.HasPrefix(t, "int"):
		return "a whole number"
	case t == "amount":
		return "an amount"
	case t == "bool":
		return "true or false"
	case t == "address":
		return "an address, 0x…"
	case t == "string":
		return "text"
	case strings.HasPrefix(t, "bytes"):
		return "hexadecimal, 0x…"
	}
	return t
}

// ChoiceNames are the addresses that playbooks offer by name, so that calls can show the same names beside them. An address
// that goes by two names gets none.
func ChoiceNames(playbooks map[string]*Playbook) map[common.Address]string {
	names := map[common.Address]string{}
	for _, name := range slices.Sorted(maps.Keys(playbooks)) {
		for _, param := range playbooks[name].Params {
			for _, c := range param.Choices {
				address := common.HexToAddress(c.Value)
				switch known, named := names[address]; {
				case param.Type != "address" || strings.Contains(strings.ToLower(c.Name), "0x"): // a label must not look like an address
				case !named:
					names[address] = c.Name
				case !strings.EqualFold(known, c.Name):
					names[address] = ""
				}
			}
		}
	}
	maps.DeleteFunc(names, func(_ common.Address, name string) bool { return name == "" })
	return names
}

// hint is allowed with the nearest choice in front.
func (p *Param) hint(text string) string {
	names := make([]string, len(p.Choices))
	for i, c := range p.Choices {
		names[i] = c.Name
	}
	if near := didYouMeanHint(text, names); near != "" {
		return near + " " + sentenceCase(p.allowed())
	}
	return p.allowed()
}

// allows compares a new value with what was read. Both are exact.
func (l *changeLimit) allows(old, value *big.Int) bool {
	distance := new(big.Int).Abs(new(big.Int).Sub(value, old))
	if l.absolute != nil {
		return distance.Cmp(l.absolute) <= 0
	}
	limit := new(big.Int).Mul(new(big.Int).Abs(old), l.part)
	return distance.Mul(distance, l.base).Cmp(limit) <= 0
}

// params compiles every parameter.
func (c *compiler) params(specs []ParamSpec) []Param {
	if len(specs) > maxParams {
		c.fail("params", "", "%d parameters, at most %d fit a chat command", len(specs), maxParams)
		return nil
	}
	params := make([]Param, 0, len(specs))
	for _, spec := range specs {
		path := "params." + spec.Name
		switch {
		case !playbookNamePattern.MatchString(spec.Name):
			c.fail(path, "1 to 32 of a-z, 0-9, _ and -, a letter first", "%q is not a parameter name", clip(spec.Name))
		case spec.Name == "reason":
			c.fail(path, "choose another", "the name reason is reserved")
		case slices.ContainsFunc(params, func(p Param) bool { return p.Name == spec.Name }):
			c.fail(path, "keep one", "the parameter %s is there twice", spec.Name)
		}
		if p, ok := c.param(path, spec); ok {
			params = append(params, p)
		}
	}
	return params
}

// param compiles one parameter. It is false when not even the type is known.
func (c *compiler) param(path string, spec ParamSpec) (p Param, ok bool) {
	p = Param{Name: spec.Name, Sample: spec.Sample, Default: spec.Default, Min: spec.Min, Max: spec.Max, Required: spec.Default == ""}
	if !c.paramType(path, spec, &p) {
		return p, false
	}
	c.choices(path, spec.Choices, &p)
	p.min, p.max = c.bound(path+".min", spec.Min, &p), c.bound(path+".max", spec.Max, &p)
	if p.min != nil && p.max != nil && p.min.Cmp(p.max) > 0 {
		c.fail(path+".min", "", "the minimum %s is above the maximum %s", spec.Min, spec.Max)
	}
	if spec.Required && spec.Default != "" {
		c.fail(path+".default", "remove required or default", "a required parameter has no default")
	}
	for _, choice := range p.Choices {
		if refusal := p.within(choice.Value, choice.Name); refusal != nil {
			c.fail(path+".choices."+choice.Name, refusal.Hint, "%s", refusal.Detail)
		}
	}
	c.example(path+".sample", spec.Sample, &p)
	c.example(path+".default", spec.Default, &p)
	p.change = c.change(path+".max_change", spec.MaxChange, &p)
	return p, true
}

func (c *compiler) paramType(path string, spec ParamSpec, p *Param) bool {
	if spec.Type == "amount" {
		return c.amountType(path, spec.Decimals, p)
	}
	if spec.Decimals != "" {
		c.fail(path+".decimals", "type: amount takes decimals", "a parameter of type %s has no decimals", spec.Type)
	}
	t, err := calldata.ParseType(spec.Type)
	if err != nil {
		c.fail(path+".type", didYouMeanHint(spec.Type, []string{"amount", "address", "uint256", "bool", "bytes32", "string"}), "%v", err)
		return false
	}
	p.typ, p.Type = t, t.String()
	return true
}

func (c *compiler) amountType(path, decimals string, p *Param) bool {
	n, err := strconv.Atoi(decimals)
	if unit, ok := calldata.UnitDecimals(decimals); ok {
		n, err, p.unit = unit, nil, decimals
	}
	if err != nil || n < 0 || n > 77 || p.unit == "" && strconv.Itoa(n) != decimals {
		c.fail(path+".decimals", "a number such as 6, or ether, or gwei", "%q says not how many decimals the amount has", decimals)
		return false
	}
	p.amount, p.decimals, p.Type = true, n, "amount"
	p.typ, _ = abi.NewType("uint256", "", nil)
	return true
}

func (c *compiler) choices(path string, specs []ChoiceSpec, p *Param) {
	for _, spec := range specs {
		at := path + ".choices." + spec.Name
		if !choicePattern.MatchString(spec.Name) {
			c.fail(at, "letters, digits and . _ + - without spaces", "%q is not a choice's name", clip(spec.Name))
		}
		if other, twice := p.choice(spec.Name); twice {
			c.fail(at, "choices are taken in any case", "the choices %s and %s have one name", other.Name, spec.Name)
		}
		value, err := p.parse(spec.Value)
		if err != nil {
			c.fail(at, "", "%s", plainReason(err))
			continue
		}
		p.Choices = append(p.Choices, Choice{spec.Name, value})
	}
}

func (c *compiler) bound(path, text string, p *Param) *big.Int {
	if text == "" {
		return nil
	}
	if !p.numeric() {
		c.fail(path, "remove it", "only integers and amounts have bounds, not %s", p.Type)
		return nil
	}
	value, err := p.parse(text)
	if err != nil {
		c.fail(path, "", "%s", plainReason(err))
		return nil
	}
	return integerOf(value)
}

// example checks that a sample or a default would be accepted.
func (c *compiler) example(path, text string, p *Param) {
	if text == "" {
		return
	}
	if _, refusal := p.accept(text); refusal != nil {
		c.fail(path, refusal.Hint, "%s", refusal.Detail)
	}
}

var percentPattern = regexp.MustCompile(`^([0-9]{1,4})(?:\.([0-9]{1,6}))?\s*%$`)

// change compiles max_change. The read itself is checked once reads are known.
func (c *compiler) change(path string, spec *ChangeSpec, p *Param) *changeLimit {
	if spec == nil {
		return nil
	}
	if !p.numeric() {
		c.fail(path, "remove it", "only integers and amounts change by an amount, not %s", p.Type)
		return nil
	}
	limit := &changeLimit{read: spec.Read, text: spec.By}
	if m := percentPattern.FindStringSubmatch(spec.By); m != nil {
		limit.part = integerOf(m[1] + m[2])
		limit.base = new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(2+len(m[2]))), nil)
		return limit
	}
	value, err := p.parse(spec.By)
	if err != nil || strings.HasPrefix(value, "-") {
		c.fail(path+".by", "10% or 500", "%q is neither a percentage nor an amount", spec.By)
		return nil
	}
	limit.absolute = integerOf(value)
	return limit
}

// integerOf reads an integer in canonical text; 0 for anything else.
func integerOf(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return new(big.Int)
	}
	return n
}

// plainReason drops the sentinel's text in front of a parser's reason.
func plainReason(err error) string {
	return strings.TrimPrefix(err.Error(), calldata.ErrBadValue.Error()+": ")
}

// clip shortens a text that is quoted back to whoever typed it.
func clip(text string) string {
	const most = 60
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}
