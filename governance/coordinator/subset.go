package coordinator

import (
	"context"
	"fmt"
	"slices"

	"belay/governance"
	"belay/safe"
	"belay/safe/calldata"
)

// A pause of many targets must not fail because one of them cannot be paused: it already is, its guardian was changed, it does not
// exist any more. What reverts is left out, loudly, and the rest goes on.

// fault is a call that reverts, and why.
type fault struct {
	call safe.Call
	why  string
}

// reduces reports whether what reverts may be left out: of a pause with several calls, unless it is forced as it is.
func (d *drafting) reduces(t trial) bool {
	return d.p.Kind == governance.KindPause && !d.wish.in.Force && len(d.outer) > 1 && t.failed == nil && t.simulation.Reverts()
}

// reduced reports whether a proposal goes on without a part of what its playbook does.
func reduced(p governance.Proposal) bool {
	return slices.ContainsFunc(p.Dangers, func(d governance.DangerView) bool { return d.Code == calldata.DangerLeftOut })
}

// reduce leaves out what reverts, and says so. It is false, and changes nothing, where no call works, where nobody can say which do,
// and where nothing is to be left out.
func (d *drafting) reduce(ctx context.Context) bool {
	works, faults := d.largestSubset(ctx)
	if len(works) == 0 || len(faults) == 0 {
		return false
	}
	whole := d.outer
	if d.outer = works; d.assemble(ctx) != nil {
		d.outer = whole
		return false
	}
	d.p.Intent = works
	for _, f := range faults {
		d.p.Dangers = append(d.p.Dangers, governance.DangerView{Code: calldata.DangerLeftOut,
			Text: fmt.Sprintf("LEFT OUT, because it reverts (%s): %s. What it would do is not done.", safe.Printable(f.why, 160), d.book().Describe(f.call).Text)})
	}
	return true
}

// largestSubset tries each call alone. Where those that work alone do not work together, one after the other is added as long as
// the whole still works: calls of a pause seldom depend on each other, and then that is the largest subset, too. It gives nothing
// where a simulation cannot be had.
func (d *drafting) largestSubset(ctx context.Context) (works []safe.Call, faults []fault) {
	alone := make([]safe.Simulation, len(d.outer))
	trials := make([]func() error, len(d.outer))
	for i, call := range d.outer {
		trials[i] = func() (err error) { alone[i], err = d.attempt(ctx, []safe.Call{call}); return }
	}
	if together(trials...) != nil {
		return nil, nil
	}
	for i, call := range d.outer {
		if alone[i].Reverts() {
			faults = append(faults, fault{call, alone[i].Error})
			continue
		}
		works = append(works, call) // it works, or one provider alone says that it does not
	}
	if len(works) < 2 {
		return works, faults
	}
	whole, err := d.attempt(ctx, works)
	switch {
	case err != nil:
		return nil, nil
	case !whole.Reverts():
		return works, faults
	}
	return d.oneByOne(ctx, works, faults)
}

// oneByOne adds call after call, and leaves out what makes the whole revert.
func (d *drafting) oneByOne(ctx context.Context, works []safe.Call, faults []fault) ([]safe.Call, []fault) {
	var kept []safe.Call
	for _, call := range works {
		s, err := d.attempt(ctx, append(kept[:len(kept):len(kept)], call))
		switch {
		case err != nil:
			return nil, nil
		case !s.Reverts():
			kept = append(kept, call)
		default:
			faults = append(faults, fault{call, s.Error})
		}
	}
	return kept, faults
}

// attempt simulates some of the calls as if signed.
func (d *drafting) attempt(ctx context.Context, calls []safe.Call) (safe.Simulation, error) {
	tx, err := safe.Batch(calls, d.tx.Tx.To, d.state.Nonce) // the library that was proven for the whole batch
	if err != nil {
		return safe.Simulation{}, err
	}
	return d.chain.Chain.Simulate(ctx, safe.SimulationRequest{At: d.state.Block, From: d.relayer(), Safe: d.guarded.Address, Version: d.state.Version, Tx: tx, Owners: d.state.Owners})
}
