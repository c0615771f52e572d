package coordinator

import (
	"slices"
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"
)

// leftOut are the sentences about calls that were left out.
func leftOut(v governance.View) (texts []string) {
	for _, d := range v.Dangers {
		if d.Code == "left_out" {
			texts = append(texts, d.Text)
		}
	}
	return texts
}

// TestAPauseGoesOnWithoutTheTargetThatReverts: one asset that cannot be paused does not save the others from being paused.
func TestAPauseGoesOnWithoutTheTargetThatReverts(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.alter(func(w *world) { w.stuck = usdc })
		r.start()
		v := r.propose(Intent{Playbook: "pause-both"})
		told := leftOut(v)
		if len(told) != 1 || !strings.Contains(told[0], "asset: usdc") || !strings.Contains(told[0], "it reverts (") || len(v.Calls) != 1 || v.SafeTx.Operation != 0 {
			t.Fatalf("left out are %q, calls %+v", told, v.Calls)
		}
		if v.Simulation == nil || !v.Simulation.OK {
			t.Errorf("what is left was not simulated: %+v", v.Simulation)
		}
		r.sign(v, v.SafeTxHash, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause weth true")
	})
}

// TestWhereNothingWorksNothingIsLeftOut: the whole is refused with its cause, and can be forced as it is.
func TestWhereNothingWorksNothingIsLeftOut(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.chain.alter(func(w *world) { w.frozen = true })
		r.start()
		_, err := r.c.Propose(t.Context(), Intent{Playbook: "pause-both", Member: "alice"})
		refused(t, err, governance.CodeSimulationReverted, "reverts")
		v := r.propose(Intent{Playbook: "pause-both", Force: true})
		if len(v.Calls) != 2 || len(leftOut(v)) != 0 {
			t.Errorf("forced are %d calls, left out %q", len(v.Calls), leftOut(v))
		}
	})
}

// TestOnlyAPauseIsReduced: a change that was agreed on as a whole is done as a whole or not at all.
func TestOnlyAPauseIsReduced(t *testing.T) {
	d := drafting{outer: make([]safe.Call, 2)}
	reverts := trial{simulation: safe.Simulation{Error: "no"}}
	for _, kind := range governance.Kinds {
		d.p.Kind = kind
		if d.reduces(reverts) != (kind == governance.KindPause) {
			t.Errorf("a %s is reduced: %v", kind, d.reduces(reverts))
		}
	}
	d.p.Kind = governance.KindPause
	if d.reduces(trial{simulation: safe.Simulation{OK: true}}) {
		t.Error("what works is reduced")
	}
}

// TestCallsThatWorkAloneButNotTogether are added one by one.
func TestCallsThatWorkAloneButNotTogether(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.chain.alter(func(w *world) { w.oneAtATime = true })
		r.start()
		v := r.propose(Intent{Playbook: "pause-both"})
		if told := leftOut(v); len(told) != 1 || !strings.Contains(told[0], "asset: weth") {
			t.Fatalf("left out are %q", told)
		}
		if !slices.ContainsFunc(v.Calls, func(c governance.CallView) bool { return strings.Contains(c.Text.Raw(), "usdc") }) {
			t.Errorf("calls %+v", v.Calls)
		}
	})
}
