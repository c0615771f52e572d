package configs

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Playbook is a playbook file as written. Values that matter are texts; the compiler reads them.
type Playbook struct {
	File                         string
	Name, Title, Kind, Safe, Via string
	Params                       []Param // in the order written
	Require                      []string
	Reads                        []Read
	Calls                        []Call
	Expect                       []Expect
	Policy                       Policy
	Undo                         string
	Public                       Public

	places places
}

// Param is one parameter.
type Param struct {
	Name, Type, Decimals, Min, Max, Sample, Default string
	MaxChange                                       *MaxChange // nil: no limit
	Choices                                         []Choice   // in the order written
	Required                                        bool
}

// MaxChange limits how far a value may move from a reading: by "10%" of it, or by an absolute "500".
type MaxChange struct{ Read, By string }

// Choice is one allowed value under a name.
type Choice struct{ Name, Value string }

// Read is one named reading of the chain.
type Read struct {
	Name string
	Call Call
	Pick string // output name or index
	Bits []int  // [lo, hi], inclusive
}

// Call is one call. Args are strings, []any and map[string]any with strings at the leaves.
type Call struct {
	To, Function, Value, SkipIf string
	Args                        []any
}

// Expect is one postcondition.
type Expect struct {
	Call   Call
	Pick   string
	Bits   []int
	Equals any
}

// Policy is who may propose, and when what happens.
type Policy struct {
	Propose                                []string
	Expires, Cooldown, Visibility, Execute string // Execute: at_quorum | manual | "after: 10m"
	Spares                                 string
	Approve                                []string // roles of members that agree with a wallet first
}

// Public is the community's text.
type Public struct{ What, UsersCan, NextUpdate string }

// Where gives "file:line" of a value by its path, such as "calls[0].args[1]", or of the nearest thing around it.
func (p *Playbook) Where(path string) string { return p.places.String(path) }

// String gives "file:line" of a path.
func (p places) String(path string) string {
	file, line := p.where(path)
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// readPlaybook reads one playbook file. It returns nil when the file is not even a mapping.
func readPlaybook(file string) (*Playbook, []Problem) {
	r := &reader{file: file}
	root := r.document()
	if !root.given() {
		return nil, r.problems
	}
	s := root.section()
	if !s.there() {
		return nil, r.problems
	}
	p := &Playbook{
		File:    file,
		Name:    s.need("name", "1 to 32 of a-z, 0-9, _ and -").text(),
		Title:   s.get("title").text(),
		Kind:    s.need("kind", "pause, unpause, parameter, migrate or custom").text(),
		Safe:    s.need("safe", "the name of a safe of the configuration").text(),
		Via:     s.get("via").text(),
		Params:  readParams(s.get("params")),
		Require: s.get("require").texts(),
		Reads:   readReads(s.get("reads")),
		Calls:   readCalls(s.need("calls", "a playbook without calls does nothing")),
		Expect:  readExpect(s.get("expect")),
		Policy:  readPolicy(s.get("policy")),
		Undo:    s.get("undo").text(),
		Public:  readPublic(s.get("public")),
		places:  places{file, r.lines},
	}
	s.close()
	return p, r.problems
}

func readParams(v value) []Param {
	var params []Param
	for _, e := range v.entries() {
		s := e.value.section()
		p := Param{
			Name:      e.key,
			Type:      s.need("type", "an ABI type, or amount").text(),
			Decimals:  s.get("decimals").exact(),
			Min:       s.get("min").exact(),
			Max:       s.get("max").exact(),
			MaxChange: readMaxChange(s.get("max_change")),
			Sample:    s.get("sample").exact(),
			Default:   s.get("default").exact(),
			Required:  s.get("required").boolean(),
		}
		for _, c := range s.get("choices").entries() {
			p.Choices = append(p.Choices, Choice{c.key, c.value.exact()})
		}
		s.close()
		params = append(params, p)
	}
	return params
}

func readMaxChange(v value) *MaxChange {
	if v.node == nil {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.problem("write {read: NAME, by: 10%} or {read: NAME, by: 500}", "%s must name the read that it is measured from", v.label())
		return nil
	}
	s := v.section()
	m := &MaxChange{Read: s.need("read", "the name of a read").text(), By: s.need("by", "10% or 500").exact()}
	s.close()
	return m
}

func readReads(v value) []Read {
	var reads []Read
	for _, e := range v.entries() {
		s := e.value.section()
		r := Read{
			Name: e.key,
			Call: readCall(s.need("call", "{to, function, args}")),
			Pick: s.get("pick").exact(),
			Bits: readBits(s.get("bits")),
		}
		s.close()
		reads = append(reads, r)
	}
	return reads
}

func readBits(v value) []int {
	items := v.items()
	if v.given() && len(items) != 2 {
		v.problem("write [lo, hi]", "%s must be two bit positions", v.label())
		return nil
	}
	var bits []int
	for _, item := range items {
		bits = append(bits, int(item.number(0, 255, 0))) //nolint:gosec // bounded above
	}
	return bits
}

func readCalls(v value) []Call {
	var calls []Call
	for _, item := range v.items() {
		calls = append(calls, readCall(item))
	}
	return calls
}

func readCall(v value) Call {
	s := v.section()
	c := Call{
		To:       s.need("to", "the contract's address").exact(),
		Function: s.need("function", `Solidity text, such as "pause(address asset)"`).text(),
		Value:    s.get("value").exact(),
		SkipIf:   s.get("skip_if").text(),
	}
	for _, item := range s.get("args").items() {
		c.Args = append(c.Args, item.tree())
	}
	s.close()
	return c
}

// tree gives a value as strings, lists and mappings, for an argument of any ABI type.
func (v value) tree() any {
	switch v.node.Kind {
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range v.items() {
			list = append(list, item.tree())
		}
		return list
	case yaml.MappingNode:
		fields := map[string]any{}
		for _, e := range v.entries() {
			fields[e.key] = e.value.tree()
		}
		return fields
	}
	return v.exact()
}

func readExpect(v value) []Expect {
	var list []Expect
	for _, item := range v.items() {
		s := item.section()
		e := Expect{
			Call: readCall(s.need("call", "{to, function, args}")),
			Pick: s.get("pick").exact(),
			Bits: readBits(s.get("bits")),
		}
		if equals := s.need("equals", "the value that the reading must have"); equals.node != nil {
			e.Equals = equals.tree()
		}
		s.close()
		list = append(list, e)
	}
	return list
}

func readPolicy(v value) Policy {
	s := v.section()
	p := Policy{
		Propose:    s.get("propose").texts(),
		Expires:    s.get("expires").text(),
		Cooldown:   s.get("cooldown").text(),
		Visibility: s.get("visibility").text(),
		Spares:     s.get("spares").exact(),
		Execute:    readExecute(s.get("execute")),
		Approve:    s.get("approve").texts(),
	}
	s.close()
	return p
}

// readExecute takes at_quorum, manual, {after: 10m} and "after: 10m".
func readExecute(v value) string {
	if !v.given() || v.node.Kind != yaml.MappingNode {
		return v.text()
	}
	s := v.section()
	after := s.need("after", "at_quorum, manual or {after: 10m}").text()
	s.close()
	return "after: " + after
}

func readPublic(v value) Public {
	s := v.section()
	p := Public{What: s.get("what").text(), UsersCan: s.get("users_can").text(), NextUpdate: s.get("next_update").text()}
	s.close()
	return p
}
