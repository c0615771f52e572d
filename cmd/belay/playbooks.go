package main

import (
	"errors"
	"fmt"

	"belay/configs"
	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// compilePlaybooks turns the configuration's playbook files into playbooks by name. Every error says file and line. A pause has to
// be earned: what it calls is on the pause list.
func compilePlaybooks(cfg *configs.Config) (map[string]*governance.Playbook, []error) {
	pauses, err := governance.CompilePauseList(pauseSpecs(cfg.PauseList))
	errs := located(err, cfg.Where)
	playbooks := map[string]*governance.Playbook{}
	for _, file := range cfg.Playbooks {
		p, err := governance.CompilePlaybook(playbookSpec(file))
		if err == nil {
			err = governance.CheckPause(p, pauses)
		}
		if err == nil {
			err = governance.CheckCancel(p, timelockAddresses(cfg))
		}
		if err != nil {
			errs = append(errs, located(err, file.Where)...)
			continue
		}
		playbooks[p.Name] = p
	}
	return playbooks, errs
}

func timelockAddresses(cfg *configs.Config) []common.Address {
	list := make([]common.Address, len(cfg.Timelocks))
	for i, t := range cfg.Timelocks {
		list[i] = t.Address
	}
	return list
}

// located gives each joined SpecError the place in the file that its path leads to.
func located(err error, where func(path string) string) []error {
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return []error{err}
	}
	var list []error
	for _, one := range joined.Unwrap() {
		var spec *governance.SpecError
		if errors.As(one, &spec) {
			one = fmt.Errorf("%s: %w", where(spec.Path), spec)
		}
		list = append(list, one)
	}
	return list
}

func pauseSpecs(entries []configs.PauseEntry) []governance.PauseSpec {
	specs := make([]governance.PauseSpec, len(entries))
	for i, e := range entries {
		specs[i] = governance.PauseSpec{To: e.To, Function: e.Function, Args: e.Args}
	}
	return specs
}

// playbookSpec copies a file's plain structs into the domain's.
func playbookSpec(f *configs.Playbook) governance.PlaybookSpec {
	spec := governance.PlaybookSpec{
		Name: f.Name, Title: f.Title, Kind: f.Kind, Safe: f.Safe, Via: f.Via,
		Require: f.Require, Undo: f.Undo,
		Policy: governance.PolicySpec(f.Policy),
		Public: governance.PublicSpec(f.Public),
	}
	for _, p := range f.Params {
		spec.Params = append(spec.Params, paramSpec(p))
	}
	for _, r := range f.Reads {
		spec.Reads = append(spec.Reads, governance.ReadSpec{Name: r.Name, Call: governance.CallSpec(r.Call), Pick: r.Pick, Bits: r.Bits})
	}
	for _, c := range f.Calls {
		spec.Calls = append(spec.Calls, governance.CallSpec(c))
	}
	for _, e := range f.Expect {
		spec.Expect = append(spec.Expect, governance.ExpectSpec{Call: governance.CallSpec(e.Call), Pick: e.Pick, Bits: e.Bits, Equals: e.Equals})
	}
	return spec
}

func paramSpec(p configs.Param) governance.ParamSpec {
	spec := governance.ParamSpec{
		Name: p.Name, Type: p.Type, Decimals: p.Decimals, Min: p.Min, Max: p.Max,
		Sample: p.Sample, Default: p.Default, Required: p.Required,
	}
	if p.MaxChange != nil {
		spec.MaxChange = &governance.ChangeSpec{Read: p.MaxChange.Read, By: p.MaxChange.By}
	}
	for _, c := range p.Choices {
		spec.Choices = append(spec.Choices, governance.ChoiceSpec(c))
	}
	return spec
}
