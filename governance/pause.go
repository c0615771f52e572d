package governance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// PauseEntry is one call that pauses may make. The emergency lane has the fewest checks, so what may enter it is agreed on apart
// from the playbooks that use it.
type PauseEntry struct {
	to       common.Address
	function calldata.Function
	args     []pausePattern
}

// pausePattern allows any value, or one.
type pausePattern struct {
	any   bool
	value string // canonical text
}

// CompilePauseList reads the pause list. The error joins a *SpecError for every problem, with paths such as
// "pause_list[0].args[1]".
func CompilePauseList(specs []PauseSpec) ([]PauseEntry, error) {
	c := &compiler{p: &Playbook{}}
	entries := make([]PauseEntry, 0, len(specs))
	for i, spec := range specs {
		if e, ok := c.pauseEntry(fmt.Sprintf("pause_list[%d]", i), spec); ok {
			entries = append(entries, e)
		}
	}
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	return entries, nil
}

func (c *compiler) pauseEntry(path string, spec PauseSpec) (e PauseEntry, ok bool) {
	var err error
	if e.to, err = calldata.ParseAddress(spec.To); err != nil {
		c.fail(path+".to", "", "%s", plainReason(err))
	}
	if e.function, err = calldata.ParseFunction(spec.Function); err != nil {
		c.fail(path+".function", `such as "setReservePause(address,bool)"`, "%v", err)
		return e, false
	}
	if len(spec.Args) != len(e.function.Inputs) {
		c.fail(path+".args", `"*" allows any value`, "%s takes %d arguments, there are %d", e.function.Signature(), len(e.function.Inputs), len(spec.Args))
		return e, false
	}
	for i, arg := range spec.Args {
		if arg == "*" {
			e.args = append(e.args, pausePattern{any: true})
			continue
		}
		t := e.function.Inputs[i].Type
		c.argument(fmt.Sprintf("%s.args[%d]", path, i), t, arg)
		e.args = append(e.args, pausePattern{value: canonical(t, arg)})
	}
	return e, true
}

// CheckPause reports whether a playbook of kind pause has earned it: every call it can make is on the pause list, for every
// choice of its parameters, and sends no value. Other kinds need nothing. The error joins a *SpecError a call.
func CheckPause(p *Playbook, list []PauseEntry) error {
	if p.Kind != KindPause {
		return nil
	}
	c := &compiler{p: p}
	if len(p.expect) == 0 {
		c.fail("expect", "", "a pause without a postcondition could not be proven")
	}
	if p.Via != Direct {
		c.fail("via", "remove it", "a pause goes through no timelock")
	}
	for i, call := range p.calls {
		path := fmt.Sprintf("calls[%d]", i)
		if call.value != "0" {
			c.fail(path+".value", "remove it", "a pause sends no value")
		}
		for _, to := range p.targets(call) {
			c.earned(path, to, call, list)
		}
	}
	return errors.Join(c.errs...)
}

// vetoes are the functions that a playbook of kind cancel may call: they cancel what waits in a timelock and do nothing else.
var vetoes = []string{"cancel(bytes32)"} // OpenZeppelin's TimelockController

// CheckCancel reports whether a playbook of kind cancel has earned the emergency lane: it only cancels operations, in the configured
// timelocks. Other kinds need nothing. The error joins a *SpecError a call.
func CheckCancel(p *Playbook, timelocks []common.Address) error {
	if p.Kind != KindCancel {
		return nil
	}
	c := &compiler{p: p}
	if p.Via != Direct {
		c.fail("via", "remove it", "a veto goes through no timelock")
	}
	for i, call := range p.calls {
		path := fmt.Sprintf("calls[%d]", i)
		if call.value != "0" {
			c.fail(path+".value", "remove it", "a veto sends no value")
		}
		if !slices.Contains(vetoes, call.function.Signature()) {
			c.fail(path+".function", "call "+strings.Join(vetoes, " or ")+", or choose another kind", "%s cancels no operation of a timelock", call.function.Signature())
		}
		for _, to := range p.targets(call) {
			if !slices.Contains(timelocks, to) {
				c.fail(path+".to", "name it under timelocks", "%s is no timelock of the configuration", to.Hex())
			}
		}
	}
	return errors.Join(c.errs...)
}

// targets lists every address that a call can go to.
func (p *Playbook) targets(call callTemplate) []common.Address {
	if call.toParam == "" {
		return []common.Address{call.to}
	}
	var list []common.Address
	for _, choice := range p.Param(call.toParam).Choices {
		list = append(list, common.HexToAddress(choice.Value))
	}
	return list
}

// earned looks for an entry that allows the call, and tells how near the nearest came.
func (c *compiler) earned(path string, to common.Address, call callTemplate, list []PauseEntry) {
	hint := "add it to pause_list if every signer agrees that it only pauses, or choose another kind"
	at := path
	for i, e := range list {
		if e.function.Signature() != call.function.Signature() || e.to != to {
			continue
		}
		wrong := c.mismatch(e, call)
		if wrong < 0 {
			return
		}
		at = fmt.Sprintf("%s.args[%d]", path, wrong)
		hint = fmt.Sprintf("pause_list[%d] allows %s there and nothing else", i, e.args[wrong].value)
	}
	c.fail(at, hint, "the pause list does not allow %s on %s", call.function.Signature(), to.Hex())
}

// mismatch gives the first argument that the entry does not allow, or −1.
func (c *compiler) mismatch(e PauseEntry, call callTemplate) int {
	for i, pattern := range e.args {
		if !pattern.any && !c.always(call.function.Inputs[i].Type, call.args[i], pattern.value) {
			return i
		}
	}
	return -1
}

// always reports whether an argument has the value for every choice of its parameter.
func (c *compiler) always(t abi.Type, arg any, value string) bool {
	text, isText := arg.(string)
	name, templated := templateName(text)
	if !isText || !templated {
		return !holdsTemplate(arg) && canonical(t, arg) == value
	}
	param := c.p.Param(name)
	for _, choice := range param.Choices {
		if canonical(t, choice.Value) != value {
			return false
		}
	}
	return len(param.Choices) > 0
}

func holdsTemplate(tree any) bool {
	switch v := tree.(type) {
	case string:
		return strings.Contains(v, "{{")
	case []any:
		for _, item := range v {
			if holdsTemplate(item) {
				return true
			}
		}
	case map[string]any:
		for _, item := range v {
			if holdsTemplate(item) {
				return true
			}
		}
	}
	return false
}
