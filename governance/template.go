package governance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

var templatePattern = regexp.MustCompile(`^\{\{([a-z][a-z0-9_-]{0,31})\}\}$`)

// templateName gives the parameter that a text stands for.
func templateName(text string) (string, bool) {
	m := templatePattern.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// callTemplate is a call with parameters left open. Texts "{{name}}" in args and value stand for values.
type callTemplate struct {
	to       common.Address
	toParam  string // in place of to: an address parameter with choices
	function calldata.Function
	args     []any
	value    string // wei, or a template
	skipIf   string
}

// call compiles one call. It is false when too little of it is known to look at more.
func (c *compiler) call(path string, spec CallSpec) (callTemplate, bool) {
	call := callTemplate{args: spec.Args}
	c.target(path+".to", spec.To, &call)
	c.callValue(path+".value", spec.Value, &call)
	var err error
	if _, templated := templateName(spec.Function); templated {
		c.fail(path+".function", "write the function out", "a function cannot be a parameter")
		return call, false
	}
	if call.function, err = calldata.ParseFunction(spec.Function); err != nil {
		c.fail(path+".function", `Solidity text, such as "setReservePause(address asset, bool paused)"`, "%v", err)
		return call, false
	}
	inputs := call.function.Inputs
	if len(inputs) != len(spec.Args) {
		c.fail(path+".args", "", "%s takes %d arguments, there are %d", call.function.Signature(), len(inputs), len(spec.Args))
		return call, false
	}
	for i, arg := range spec.Args {
		c.argument(fmt.Sprintf("%s.args[%d]", path, i), inputs[i].Type, arg)
	}
	return call, true
}

// target compiles to: an address, or an address parameter with choices, so that every possible target was agreed on.
func (c *compiler) target(path, text string, call *callTemplate) {
	if name, templated := templateName(text); templated {
		p := c.p.Param(name)
		switch {
		case p == nil:
			c.unknownParam(path, name)
		case p.typ.T != abi.AddressTy || len(p.Choices) == 0:
			c.fail(path, "give the parameter choices", "a target can only be an address parameter with choices")
		default:
			call.toParam = name
		}
		return
	}
	a, err := calldata.ParseAddress(text)
	switch {
	case err != nil:
		c.fail(path, "", "%s", plainReason(err))
	case a == common.Address{}:
		c.fail(path, "", "the target is the zero address")
	}
	call.to = a
}

// callValue compiles value: wei, an amount with its unit, or a template.
func (c *compiler) callValue(path, text string, call *callTemplate) {
	call.value = "0"
	switch name, templated := templateName(text); {
	case text == "":
	case templated:
		if p := c.p.Param(name); p == nil {
			c.unknownParam(path, name)
		} else if p.typ.T != abi.UintTy {
			c.fail(path, "amount, or an unsigned integer in wei", "the parameter %s is no amount", name)
		}
		call.value = text
	default:
		wei, err := calldata.ParseUnits(text)
		if err != nil && strings.Trim(text, "0123456789") == "" {
			wei, err = calldata.ParseAmount(text, 0)
		}
		if err != nil {
			c.fail(path, `wei in digits, or such as "0.5 ether"`, "%s", plainReason(err))
			return
		}
		call.value = wei.String()
	}
}

func (c *compiler) unknownParam(path, name string) {
	var names []string
	for _, p := range c.p.Params {
		names = append(names, p.Name)
	}
	hint := didYouMeanHint(name, names)
	if c.p.read(name) != nil {
		hint = "a reading is no value for a call: make it a parameter"
	}
	c.fail(path, hint, "there is no parameter called %q", name)
}

// argument checks one argument against its type: templates by the type of their parameter, everything else by reading it.
func (c *compiler) argument(path string, t abi.Type, tree any) {
	switch v := tree.(type) {
	case string:
		c.leaf(path, t, v)
	case []any:
		c.elements(path, t, v)
	case map[string]any:
		c.members(path, t, v)
	default:
		c.fail(path, "", "%s has no value", t.String())
	}
}

func (c *compiler) leaf(path string, t abi.Type, text string) {
	if name, templated := templateName(text); templated {
		p := c.p.Param(name)
		switch {
		case p == nil:
			c.unknownParam(path, name)
		case p.typ.String() != t.String() && !(isInteger(p.typ) && isInteger(t)):
			c.fail(path, "", "the parameter %s is of type %s, here goes %s", name, p.Type, t.String())
		}
		return
	}
	if strings.Contains(text, "{{") || strings.Contains(text, "}}") {
		c.fail(path, `a template is a whole value: "{{name}}"`, "%q is not a template", clip(text))
		return
	}
	if _, err := calldata.ParseValue(t, text); err != nil {
		c.fail(path, "", "%s: %s", t.String(), plainReason(err))
	}
}

func (c *compiler) elements(path string, t abi.Type, items []any) {
	if t.T == abi.TupleTy && len(items) == len(t.TupleElems) {
		for i, item := range items {
			c.argument(fmt.Sprintf("%s[%d]", path, i), *t.TupleElems[i], item)
		}
		return
	}
	fits := t.T == abi.SliceTy || t.T == abi.ArrayTy && len(items) == t.Size
	if !fits {
		c.fail(path, "", "a list of %d is no %s", len(items), t.String())
		return
	}
	for i, item := range items {
		c.argument(fmt.Sprintf("%s[%d]", path, i), *t.Elem, item)
	}
}

func (c *compiler) members(path string, t abi.Type, fields map[string]any) {
	if t.T != abi.TupleTy {
		c.fail(path, "", "a mapping is no %s", t.String())
		return
	}
	for i, member := range t.TupleRawNames {
		if field, ok := fields[member]; ok {
			c.argument(path+"."+member, *t.TupleElems[i], field)
		} else {
			c.fail(path, "", "the member %s is missing", member)
		}
	}
	for member := range fields {
		if !slices.Contains(t.TupleRawNames, member) {
			c.fail(path+"."+member, didYouMeanHint(member, t.TupleRawNames), "there is no member %s", member)
		}
	}
}

// fill replaces templates by canonical values.
func fill(tree any, values map[string]string) any {
	switch v := tree.(type) {
	case string:
		if name, templated := templateName(v); templated {
			return values[name]
		}
	case []any:
		filled := make([]any, len(v))
		for i, item := range v {
			filled[i] = fill(item, values)
		}
		return filled
	case map[string]any:
		filled := make(map[string]any, len(v))
		for key, item := range v {
			filled[key] = fill(item, values)
		}
		return filled
	}
	return tree
}

// build makes the call from canonical values. It can still fail where a value does not fit a narrower argument type.
func (t callTemplate) build(values map[string]string) (safe.Call, error) {
	call := safe.Call{To: t.to}
	if t.toParam != "" {
		call.To = common.HexToAddress(values[t.toParam])
	}
	args := fill(t.args, values).([]any) //nolint:forcetypeassert // fill keeps the shape
	var err error
	if call.Data, err = t.function.Encode(args); err != nil {
		return safe.Call{}, err
	}
	wei, ok := fill(t.value, values).(string)
	value, err := uint256.FromDecimal(wei)
	if !ok || err != nil {
		return safe.Call{}, fmt.Errorf("value %q is no amount of wei", wei)
	}
	call.Value = *value
	return call, nil
}

// describe puts the call in words: "getPaused(asset: usdc 0x…)". Addresses are shown in full, behind their choice's name.
func (t callTemplate) describe(p *Playbook, values map[string]string) string {
	args := make([]string, len(t.args))
	for i, arg := range t.args {
		text := p.valueText(t.function.Inputs[i].Type, arg, values)
		if name := t.function.Inputs[i].Name; name != "" {
			text = name + ": " + text
		}
		args[i] = text
	}
	return t.function.Name + "(" + strings.Join(args, ", ") + ")"
}

// valueText is a filled value in canonical text, with the choice's name where it has one.
func (p *Playbook) valueText(t abi.Type, tree any, values map[string]string) string {
	text := canonical(t, fill(tree, values))
	if leaf, ok := tree.(string); ok {
		if name, templated := templateName(leaf); templated {
			if shown := p.Param(name).display(values[name]); shown != text && len(p.Param(name).Choices) > 0 {
				return shown + " " + text
			}
		}
	}
	return text
}

// canonical reads a value and writes it in canonical text; "" when it is no value of the type.
func canonical(t abi.Type, tree any) string {
	v, err := calldata.ParseValue(t, tree)
	if err != nil {
		return ""
	}
	return calldata.TextAs(t, v)
}

// bitText takes true and false for a single bit.
func bitText(text string) string {
	if yes, err := strconv.ParseBool(text); err == nil && (text == "true" || text == "false") {
		if yes {
			return "1"
		}
		return "0"
	}
	return text
}
