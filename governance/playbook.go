package governance

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Limits of a playbook. Twenty-four parameters and a reason fill a Discord command; the others keep a proposal within one commit.
const (
	maxParams = 24
	maxCalls  = 64
	maxReads  = 32
	maxRules  = 32
)

// Direct is the way of a playbook whose calls the Safe makes itself.
const Direct = "direct"

// Playbook is a compiled playbook: a named, typed, bounded template of calls that a protocol has agreed on beforehand. It does
// not change after CompilePlaybook and may be shared by goroutines.
type Playbook struct {
	Name   string
	Title  string
	Kind   Kind
	Safe   string
	Via    string // Direct, or the name of a timelock
	Params []Param
	Policy Policy
	Public PublicText
	Undo   string // "" when none

	rules  []*Expression
	reads  []namedRead
	calls  []callTemplate
	expect []expectTemplate
	hash   common.Hash
}

// compiler collects everything that is wrong in one playbook.
type compiler struct {
	p    *Playbook
	errs []error
}

func (c *compiler) fail(path, hint, problem string, args ...any) {
	c.errs = append(c.errs, &SpecError{Playbook: c.p.Name, Path: path, Problem: fmt.Sprintf(problem, args...), Hint: hint})
}

// CompilePlaybook checks a playbook as written and makes it ready to use. The error joins a *SpecError for every problem.
// Whether a pause may call what it calls is CheckPause's question.
func CompilePlaybook(spec PlaybookSpec) (*Playbook, error) {
	p := &Playbook{Name: spec.Name, Title: spec.Title, Kind: Kind(spec.Kind), Safe: spec.Safe, Via: spec.Via, Undo: spec.Undo}
	c := &compiler{p: p}
	c.head()
	p.Params = c.params(spec.Params)
	p.reads = c.reads(spec.Reads)
	p.rules = c.rules(spec.Require)
	p.calls = c.calls(spec.Calls)
	p.expect = c.expectations(spec.Expect)
	p.Policy = c.policy(spec.Policy)
	p.Public = c.publicText(spec.Public)
	c.changesMeasured()
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	var err error
	if p.hash, err = spec.Hash(); err != nil {
		return nil, err
	}
	return p, nil
}

// head checks name, kind, Safe and way.
func (c *compiler) head() {
	p := c.p
	if !playbookNamePattern.MatchString(p.Name) {
		c.fail("name", "1 to 32 of a-z, 0-9, _ and -, a letter first", "%q is not a playbook name", clip(p.Name))
	}
	if p.Title == "" {
		p.Title = p.Name
	}
	if !slices.Contains(Kinds, p.Kind) {
		kinds := make([]string, len(Kinds))
		for i, k := range Kinds {
			kinds[i] = string(k)
		}
		c.fail("kind", strings.Join(kinds, ", "), "%q is not a kind%s", clip(string(p.Kind)), didYouMean(string(p.Kind), kinds))
	}
	if p.Safe == "" {
		c.fail("safe", "name one of the configuration's safes", "no Safe is named")
	}
	if p.Via == "" {
		p.Via = Direct
	}
	if p.Kind == KindPause && p.Via != Direct {
		c.fail("via", "remove it", "a pause goes through no timelock: it would wait while the protocol is drained")
	}
}

// reads compiles the named reads.
func (c *compiler) reads(specs []ReadSpec) []namedRead {
	if len(specs) > maxReads {
		c.fail("reads", "", "%d reads, at most %d", len(specs), maxReads)
		return nil
	}
	var reads []namedRead
	for _, spec := range specs {
		path := "reads." + spec.Name
		switch {
		case !playbookNamePattern.MatchString(spec.Name):
			c.fail(path, "1 to 32 of a-z, 0-9, _ and -, a letter first", "%q is not a name", clip(spec.Name))
		case c.p.Param(spec.Name) != nil:
			c.fail(path, "rules would not know which is meant", "a parameter is called %s already", spec.Name)
		case slices.ContainsFunc(reads, func(r namedRead) bool { return r.name == spec.Name }):
			c.fail(path, "keep one", "the read %s is there twice", spec.Name)
		}
		if r, ok := c.read(path, spec.Call, spec.Pick, spec.Bits); ok {
			reads = append(reads, namedRead{spec.Name, r})
		}
	}
	return reads
}

// rules compiles require. Every name in a rule has to be a number.
func (c *compiler) rules(texts []string) []*Expression {
	if len(texts) > maxRules {
		c.fail("require", "", "%d rules, at most %d", len(texts), maxRules)
		return nil
	}
	var known []string
	for _, p := range c.p.Params {
		known = append(known, p.Name)
	}
	for _, r := range c.p.reads {
		known = append(known, r.name)
	}
	var rules []*Expression
	for i, text := range texts {
		path := fmt.Sprintf("require[%d]", i)
		rule, err := ParseExpression(text, known)
		if err != nil {
			c.fail(path, `names, integers, + - * ( ) and one comparison, such as "ltv <= liq_threshold"`, "%v", err)
			continue
		}
		for _, n := range rule.Names() {
			if param, read := c.p.Param(n), c.p.read(n); param != nil && !param.numeric() || read != nil && !read.numeric() {
				c.fail(path, "rules compare integers and amounts", "%s is not a number", n)
			}
		}
		rules = append(rules, rule)
	}
	return rules
}

// calls compiles what the playbook does.
func (c *compiler) calls(specs []CallSpec) []callTemplate {
	if len(specs) == 0 {
		c.fail("calls", "such as calls: [{to, function, args}]", "a playbook without calls does nothing")
	}
	if len(specs) > maxCalls {
		c.fail("calls", "", "%d calls, at most %d", len(specs), maxCalls)
		return nil
	}
	var calls []callTemplate
	for i, spec := range specs {
		path := fmt.Sprintf("calls[%d]", i)
		call, ok := c.call(path, spec)
		if spec.SkipIf != "" {
			call.skipIf = spec.SkipIf
			if r := c.p.read(spec.SkipIf); r == nil {
				c.fail(path+".skip_if", didYouMeanHint(spec.SkipIf, c.p.readNames()), "there is no read called %q", spec.SkipIf)
			} else if !r.yesNo() {
				c.fail(path+".skip_if", "a read of a bool, or of a single bit", "the read %s is neither true nor false", spec.SkipIf)
			}
		}
		if ok {
			calls = append(calls, call)
		}
	}
	return calls
}

// expectations compiles what has to be true afterwards.
func (c *compiler) expectations(specs []ExpectSpec) []expectTemplate {
	if len(specs) > maxReads {
		c.fail("expect", "", "%d postconditions, at most %d", len(specs), maxReads)
		return nil
	}
	if len(specs) == 0 && c.p.Kind == KindPause {
		c.fail("expect", "read what the pause changes, such as paused() = true", "a pause without a postcondition could not be proven")
	}
	var list []expectTemplate
	for i, spec := range specs {
		path := fmt.Sprintf("expect[%d]", i)
		r, ok := c.read(path, spec.Call, spec.Pick, spec.Bits)
		if !ok {
			continue
		}
		e := expectTemplate{read: r, equals: spec.Equals}
		if text, isText := spec.Equals.(string); isText && r.singleBit() {
			e.equals = bitText(text)
		}
		if spec.Equals == nil {
			c.fail(path+".equals", "the value that the reading must have", "nothing is expected")
			continue
		}
		c.argument(path+".equals", r.output(), e.equals)
		list = append(list, e)
	}
	return list
}

// changesMeasured checks that every max_change is measured from a number that is read.
func (c *compiler) changesMeasured() {
	for _, p := range c.p.Params {
		if p.change == nil {
			continue
		}
		path := "params." + p.Name + ".max_change.read"
		if r := c.p.read(p.change.read); r == nil {
			c.fail(path, didYouMeanHint(p.change.read, c.p.readNames()), "there is no read called %q", p.change.read)
		} else if !r.numeric() {
			c.fail(path, "", "the read %s is not a number", p.change.read)
		}
	}
}

// Param finds a parameter by its exact name; nil when there is none.
func (p *Playbook) Param(name string) *Param {
	for i := range p.Params {
		if p.Params[i].Name == name {
			return &p.Params[i]
		}
	}
	return nil
}

func (p *Playbook) read(name string) *readTemplate {
	for i := range p.reads {
		if p.reads[i].name == name {
			return &p.reads[i].readTemplate
		}
	}
	return nil
}

func (p *Playbook) readNames() []string {
	names := make([]string, len(p.reads))
	for i, r := range p.reads {
		names[i] = r.name
	}
	return names
}

// Hash identifies the playbook as written: two playbooks with one hash do and say the same.
func (p *Playbook) Hash() common.Hash { return p.hash }

// Functions lists every function that the playbook calls or reads, to decode with.
func (p *Playbook) Functions() []calldata.Function {
	var list []calldata.Function
	for _, call := range p.calls {
		list = append(list, call.function)
	}
	for _, r := range p.reads {
		list = append(list, r.call.function)
	}
	for _, e := range p.expect {
		list = append(list, e.read.call.function)
	}
	return list
}

// UndoParams gives the parameters that this playbook takes over from what it undoes: those of the same name, and, where it has
// none, what a read of the same name said before.
func (p *Playbook) UndoParams(done map[string]string, before []Reading) map[string]string {
	taken := map[string]string{}
	for i := range p.Params {
		own := &p.Params[i]
		if value, ok := done[own.Name]; ok {
			taken[own.Name] = value
			continue
		}
		for _, r := range before {
			if r.Name == own.Name && r.Known {
				taken[own.Name] = own.display(r.Value)
			}
		}
	}
	return taken
}

// Hash is keccak256 over the JSON of everything that was written, mappings in order of their keys. The prefix names the
// encoding, so that a later one cannot collide with it.
func (s PlaybookSpec) Hash() (common.Hash, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return common.Hash{}, fmt.Errorf("hash playbook %s: %w", s.Name, err)
	}
	return crypto.Keccak256Hash([]byte("belay playbook 1\n"), raw), nil
}

// didYouMean gives "; did you mean X?" for the nearest of names, or "".
func didYouMean(written string, names []string) string {
	if hint := didYouMeanHint(written, names); hint != "" {
		return "; " + hint
	}
	return ""
}

// didYouMeanHint gives "did you mean X?" for the nearest of names, or "".
func didYouMeanHint(written string, names []string) string {
	best, bestCost := "", 1+max(1, len(written)/3)
	for _, n := range names {
		if cost := editDistance(strings.ToLower(written), strings.ToLower(n)); cost < bestCost {
			best, bestCost = n, cost
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// editDistance counts insertions, deletions, substitutions and swaps of neighbours between two short texts.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	cost := make([][]int, len(a)+1)
	for i := range cost {
		cost[i] = make([]int, len(b)+1)
		cost[i][0] = i
	}
	for j := range cost[0] {
		cost[0][j] = j
	}
	for i := range len(a) {
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			least := min(cost[i][j]+change, cost[i][j+1]+1, cost[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				least = min(least, cost[i-1][j-1]+1)
			}
			cost[i+1][j+1] = least
		}
	}
	return cost[len(a)][len(b)]
}
