package governance

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"

	"belay/safe"
)

// Bound is a playbook with accepted values in place of its parameters.
type Bound struct {
	Playbook *Playbook
	Params   map[string]string // normalised as people write them: choices by name, amounts with their point

	values map[string]string // canonical text, amounts in their smallest unit
	expect []Expectation
}

// Built is what a bound playbook comes to at one block.
type Built struct {
	Calls  []safe.Call
	Expect []Expectation
	Before []Reading // what the reads said, in their order; empty without readings
	Notes  []string  // what a person must know: calls left out, checks not made
}

// maxSubject is the longest value that stands in a headline, in bytes: an address and a bit.
const maxSubject = 48

// Subject says what the values are, in the playbook's order: the value alone where there is one parameter. What is too long for a
// headline is left to the calls.
func (b *Bound) Subject() string {
	var parts []string
	for _, param := range b.Playbook.Params {
		value, given := b.Params[param.Name]
		switch {
		case !given || len(value) > maxSubject:
		case len(b.Playbook.Params) == 1:
			parts = append(parts, value)
		default:
			parts = append(parts, param.Name+" "+value)
		}
	}
	return strings.Join(parts, ", ")
}

// Bind accepts what a person typed: keys and choices in any case, values in any quotes. What it refuses, it refuses with
// unknown_param, missing_param, bad_value or out_of_bounds, naming the parameter, the value and what is allowed.
func (p *Playbook) Bind(params map[string]string) (*Bound, error) {
	typed, refusal := p.normalise(params)
	if refusal != nil {
		return nil, refusal
	}
	b := &Bound{Playbook: p, Params: map[string]string{}, values: map[string]string{}}
	for i := range p.Params {
		param := &p.Params[i]
		text, given := typed[param.Name]
		if !given {
			text = param.Default
		}
		if text == "" {
			return nil, Refuse(CodeMissingParam, param.allowed(), "%s needs %s", p.Name, param.Name)
		}
		value, refusal := param.accept(text)
		if refusal != nil {
			return nil, refusal
		}
		b.values[param.Name], b.Params[param.Name] = value, param.display(value)
	}
	return b, b.prepare()
}

// Judge tells, without a reading, what is wrong with values that a person is still filling in: a refusal per parameter, and
// under "" what concerns several together, once each is good by itself. What was not given is no mistake yet.
func (p *Playbook) Judge(params map[string]string) map[string]*Refusal {
	wrong := map[string]*Refusal{}
	for i := range p.Params {
		param := &p.Params[i]
		text := unquote(params[param.Name])
		if text == "" {
			continue
		}
		if _, refusal := param.accept(text); refusal != nil {
			wrong[param.Name] = refusal
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	_, err := p.Bind(params)
	if refusal, ok := AsRefusal(err); ok && refusal.Code != CodeMissingParam {
		wrong[""] = refusal
	}
	return wrong
}

// normalise brings keys to their exact names and takes quotes off values. Keys are visited in order, so that the same input
// always gets the same answer.
func (p *Playbook) normalise(params map[string]string) (map[string]string, *Refusal) {
	keys := make([]string, 0, len(params))
	for key := range params {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	typed := map[string]string{}
	for _, key := range keys {
		i := slices.IndexFunc(p.Params, func(q Param) bool { return strings.EqualFold(q.Name, strings.TrimSpace(key)) })
		if i < 0 {
			return nil, Refuse(CodeUnknownParam, p.paramHint(key), "%s has no parameter %q", p.Name, clip(key))
		}
		name := p.Params[i].Name
		if _, twice := typed[name]; twice {
			return nil, Refuse(CodeBadValue, "give it once", "%s is given twice", name)
		}
		if value := unquote(params[key]); value != "" {
			typed[name] = value
		}
	}
	return typed, nil
}

func (p *Playbook) paramHint(key string) string {
	names := make([]string, len(p.Params))
	for i, q := range p.Params {
		names[i] = q.Name
	}
	if hint := didYouMeanHint(key, names); hint != "" {
		return hint
	}
	if len(names) == 0 {
		return "it takes none"
	}
	return "it takes " + strings.Join(names, ", ")
}

// quotePairs are the quotes that keyboards and chat clients put around a value.
var quotePairs = []string{`""`, `''`, "“”", "‘’", "„“", "«»", "``"}

// unquote takes surrounding spaces and one pair of quotes off.
func unquote(text string) string {
	text = strings.TrimSpace(text)
	runes := []rune(text)
	for _, pair := range quotePairs {
		marks := []rune(pair)
		if len(runes) >= 2 && runes[0] == marks[0] && runes[len(runes)-1] == marks[1] {
			return strings.TrimSpace(string(runes[1 : len(runes)-1]))
		}
	}
	return text
}

// prepare encodes every call and read once, so that nothing after Bind can fail on a value, checks the rules that need no
// reading, and fixes the postconditions.
func (b *Bound) prepare() error {
	for _, call := range b.Playbook.calls {
		if _, err := call.build(b.values); err != nil {
			return Refuse(CodeBadValue, "a value does not fit the call", "%s", plainReason(err))
		}
	}
	for _, r := range b.Playbook.reads {
		if _, err := r.call.build(b.values); err != nil {
			return Refuse(CodeBadValue, "a value does not fit a read", "%s", plainReason(err))
		}
	}
	for _, e := range b.Playbook.expect {
		expectation, err := b.expectation(e)
		if err != nil {
			return Refuse(CodeBadValue, "a value does not fit a postcondition", "%s", plainReason(err))
		}
		b.expect = append(b.expect, expectation)
	}
	for _, rule := range b.Playbook.rules {
		if !b.needsReading(rule) {
			if refusal := b.obeys(rule, nil); refusal != nil {
				return refusal
			}
		}
	}
	return nil
}

func (b *Bound) expectation(e expectTemplate) (Expectation, error) {
	call, err := e.read.call.build(b.values)
	if err != nil {
		return Expectation{}, err
	}
	t := e.read.output()
	equals := canonical(t, fill(e.equals, b.values))
	if equals == "" && t.String() != "string" {
		return Expectation{}, fmt.Errorf("the expected value is no %s", t.String())
	}
	return Expectation{
		Text:   e.read.describe(b.Playbook, b.values) + " = " + b.Playbook.valueText(t, e.equals, b.values),
		Call:   call,
		Output: e.read.call.function.String(),
		Pick:   e.read.pick,
		Bits:   e.read.bits,
		Equals: equals,
	}, nil
}

// Target identifies the intent: playbook and canonical values. The same intent is joined, not doubled, and cools down as one.
func (b *Bound) Target() string {
	parts := []string{b.Playbook.Name}
	for _, p := range b.Playbook.Params {
		parts = append(parts, p.Name+"="+strconv.Quote(b.values[p.Name]))
	}
	sort.Strings(parts[1:])
	return strings.Join(parts, " ")
}

// Expect gives the postconditions; they need no readings.
func (b *Bound) Expect() []Expectation { return slices.Clone(b.expect) }

// Reads gives the reads that Build wants answered, in order.
func (b *Bound) Reads() []NamedCall {
	reads := make([]NamedCall, len(b.Playbook.reads))
	for i, r := range b.Playbook.reads {
		call, _ := r.call.build(b.values) // prepare built it before
		reads[i] = NamedCall{r.name, call}
	}
	return reads
}

// Build makes the calls, given the answers to Reads. It refuses with change_too_large and invariant, also when everything is
// so already and no call is left. With nil readings an emergency is built blind: nothing is skipped and no rule on a reading is
// checked, and the notes say so; anything else that needs a reading is refused with no_agreement.
func (b *Bound) Build(readings []safe.Result) (Built, error) {
	if readings != nil && len(readings) != len(b.Playbook.reads) {
		return Built{}, fmt.Errorf("build %s: %d readings for %d reads", b.Playbook.Name, len(readings), len(b.Playbook.reads))
	}
	built := Built{Expect: b.Expect()}
	if readings == nil && len(b.Playbook.reads) > 0 {
		if refusal := b.blind(&built); refusal != nil {
			return Built{}, refusal
		}
		return built, b.addCalls(&built)
	}
	built.Before = b.evaluate(readings)
	if refusal := b.judge(built.Before); refusal != nil {
		return Built{}, refusal
	}
	return built, b.addCalls(&built)
}

// Judge holds the values to max_change and require again, by readings of another day. It refuses as Build does.
func (b *Bound) Judge(readings []safe.Result) error {
	if len(readings) != len(b.Playbook.reads) {
		return fmt.Errorf("judge %s: %d readings for %d reads", b.Playbook.Name, len(readings), len(b.Playbook.reads))
	}
	if refusal := b.judge(b.evaluate(readings)); refusal != nil {
		return refusal
	}
	return nil
}

// Makes reports whether calls are those of the playbook, in its order. Some may have been left out, because it was so already.
func (b *Bound) Makes(calls []safe.Call) bool {
	for _, template := range b.Playbook.calls {
		call, err := template.build(b.values)
		if err == nil && len(calls) > 0 && call.To == calls[0].To && call.Value.Eq(&calls[0].Value) && bytes.Equal(call.Data, calls[0].Data) {
			calls = calls[1:]
		}
	}
	return len(calls) == 0
}

// blind notes what cannot be checked without readings, or refuses.
func (b *Bound) blind(built *Built) *Refusal {
	p := b.Playbook
	for _, call := range p.calls {
		if call.skipIf != "" {
			built.Notes = append(built.Notes, fmt.Sprintf("It could not be read whether %s is true already, so the call is made either way.", call.skipIf))
		}
	}
	var unchecked []string
	for _, param := range p.Params {
		if param.change != nil {
			unchecked = append(unchecked, fmt.Sprintf("the change of %s from %s", param.Name, param.change.read))
		}
	}
	for _, rule := range p.rules {
		if b.needsReading(rule) {
			unchecked = append(unchecked, rule.String())
		}
	}
	if len(unchecked) == 0 {
		return nil
	}
	if !p.Kind.Emergency() {
		return Refuse(CodeNoAgreement, "try again when the providers answer", "%s cannot be judged without readings: %s", p.Name, strings.Join(unchecked, "; "))
	}
	built.Notes = append(built.Notes, "Not checked, because nothing could be read: "+strings.Join(unchecked, "; "))
	return nil
}

// evaluate decodes every reading.
func (b *Bound) evaluate(readings []safe.Result) []Reading {
	before := make([]Reading, len(readings))
	for i, r := range b.Playbook.reads {
		value, err := valueOf(r.call.function, r.pick, r.bits, readings[i])
		before[i] = Reading{Name: r.name, Text: r.describe(b.Playbook, b.values), Value: value, Known: err == nil}
	}
	return before
}

// judge checks max_change and require against what was read.
func (b *Bound) judge(before []Reading) *Refusal {
	for i := range b.Playbook.Params {
		if param := &b.Playbook.Params[i]; param.change != nil {
			if refusal := b.judgeChange(param, before); refusal != nil {
				return refusal
			}
		}
	}
	for _, rule := range b.Playbook.rules {
		if refusal := b.obeys(rule, before); refusal != nil {
			return refusal
		}
	}
	return nil
}

func (b *Bound) judgeChange(param *Param, before []Reading) *Refusal {
	limit := param.change
	old := numberRead(limit.read, before)
	if old == nil {
		return Refuse(CodeChangeTooLarge, "check the read in the playbook", "%s may change by %s of %s, which could not be read", param.Name, limit.text, limit.read)
	}
	value := integerOf(b.values[param.Name])
	if limit.allows(old, value) {
		return nil
	}
	return Refuse(CodeChangeTooLarge, fmt.Sprintf("at most %s from today's value; go there in steps", limit.text),
		"%s = %s is too far from %s = %s", param.Name, b.Params[param.Name], limit.read, param.display(old.String()))
}

// obeys checks one rule.
func (b *Bound) obeys(rule *Expression, before []Reading) *Refusal {
	values := map[string]*big.Int{}
	var told []string
	for _, n := range rule.Names() {
		if b.Playbook.Param(n) != nil {
			values[n] = integerOf(b.values[n])
		} else {
			values[n] = numberRead(n, before)
		}
		if values[n] != nil {
			told = append(told, n+" = "+values[n].String())
		}
	}
	switch holds, err := rule.Holds(values); {
	case err != nil:
		return Refuse(CodeInvariant, "check the read in the playbook", "%s cannot be judged: %v", rule, err)
	case !holds:
		return Refuse(CodeInvariant, "change the values so that it holds", "%s does not hold: %s", rule, strings.Join(told, ", "))
	}
	return nil
}

func (b *Bound) needsReading(rule *Expression) bool {
	return slices.ContainsFunc(rule.Names(), func(n string) bool { return b.Playbook.read(n) != nil })
}

// numberRead gives the number that a read said; nil when it is not known.
func numberRead(name string, before []Reading) *big.Int {
	for _, r := range before {
		if r.Name == name && r.Known {
			return integerOf(r.Value)
		}
	}
	return nil
}

// addCalls adds the calls that are still to be made.
func (b *Bound) addCalls(built *Built) error {
	var already []string
	for _, template := range b.Playbook.calls {
		if why, skip := skipped(template, built.Before); skip {
			already = append(already, why)
			built.Notes = append(built.Notes, fmt.Sprintf("left out, since %s: %s", why, template.describe(b.Playbook, b.values)))
			continue
		}
		call, err := template.build(b.values)
		if err != nil {
			return fmt.Errorf("build %s: %w", b.Playbook.Name, err)
		}
		built.Calls = append(built.Calls, call)
	}
	if len(built.Calls) == 0 {
		*built = Built{}
		slices.Sort(already)
		return Refuse(CodeInvariant, "Nothing has to be done", "It is already so: %s", strings.Join(slices.Compact(already), "; ")).Headed(alreadySo[b.Playbook.Kind])
	}
	return nil
}

// alreadySo is the title of the refusal of what is done already.
var alreadySo = map[Kind]string{KindPause: "Already paused", KindUnpause: "Already unpaused", KindParameter: "Already set", KindMigrate: "Already done",
	KindCancel: "Already canceled", KindCustom: "Already done"}

// skipped reports whether a call's skip_if was read as true. What could not be read skips nothing.
func skipped(call callTemplate, before []Reading) (why string, skip bool) {
	for _, r := range before {
		if r.Name == call.skipIf && r.Known && (r.Value == "true" || r.Value == "1") {
			return r.Text + " = " + r.Value, true
		}
	}
	return "", false
}

// AsRefusal finds the Refusal in an error.
func AsRefusal(err error) (*Refusal, bool) {
	var refusal *Refusal
	ok := errors.As(err, &refusal)
	return refusal, ok
}
