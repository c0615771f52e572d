package coordinator

import (
	"strings"
	"testing"

	"belay/governance"
)

func (r *rig) vetoes(operation, member string) (Proposed, error) {
	return r.c.Propose(r.t.Context(), Intent{Playbook: VetoPlaybook, Params: map[string]string{"operation": operation}, Member: member})
}

// TestAQueuedChangeIsVetoed: by its number, by its operation's id, and by that behind the timelock's name, it is one intent.
func TestAQueuedChangeIsVetoed(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		done, err := r.vetoes(v.ID, "bob")
		if err != nil {
			t.Fatal(err)
		}
		veto := done.View
		if veto.Kind != governance.KindCancel || veto.SafeTx.To != timelock1.Hex() || veto.Subject != v.ID || veto.SafeTx.Data != "0xc4d252f5"+v.Timelock.OperationID[2:] {
			t.Errorf("the veto is %+v about %q", veto.SafeTx, veto.Subject)
		}
		if len(veto.SafeTxs) != 2 {
			t.Errorf("it is signed at %d nonces, want a spare", len(veto.SafeTxs))
		}
		for _, name := range []string{v.ID, v.Timelock.OperationID, "core " + v.Timelock.OperationID} {
			if again, err := r.vetoes(name, "alice"); err != nil || !again.Joined || again.View.ID != veto.ID {
				t.Errorf("%s: %+v %v", name, again.View.ID, err)
			}
		}
		r.signAll(veto, alice, bob)
		r.blocks("it is canceled", r.is(v.ID, governance.StateCanceled))
		r.ends(veto.ID, governance.StateExecuted)
		if p := r.show(veto.ID); len(p.Postconditions) != 1 || !p.Postconditions[0].OK {
			t.Errorf("nothing proves the veto: %+v", p.Postconditions)
		}
		_, err = r.vetoes(v.ID, "alice")
		refused(t, err, governance.CodeNotOpen, "waits in no timelock")
	})
}

func TestWhatIsNotVetoed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		direct := r.setLtv("4000")
		id := v.Timelock.OperationID
		for operation, code := range map[string]governance.Code{
			direct.ID: governance.CodeNotOpen, "P-99": governance.CodeNotFound, "": governance.CodeMissingParam, id[:20]: governance.CodeBadValue,
			"other " + id: governance.CodeBadValue, "0x" + strings.Repeat("zz", 32): governance.CodeBadValue,
		} {
			if _, err := r.vetoes(operation, "alice"); err == nil {
				t.Errorf("%q is vetoed", operation)
			} else {
				refused(t, err, code)
			}
		}
		_, err := r.vetoes("0x"+strings.Repeat("ab", 32), "alice") // nothing of that id waits
		refused(t, err, governance.CodeSimulationReverted)
		_, err = r.vetoes(v.ID, "dave")
		refused(t, err, governance.CodeNotPermitted)
		r.stop()
		lock := r.cfg.Timelocks["core"]
		lock.Canceller = ""
		r.cfg.Timelocks["core"] = lock
		r.start()
		_, err = r.vetoes(v.ID, "alice")
		refused(t, err, governance.CodeNotPermitted, "no Safe is known that could veto")
	})
}
