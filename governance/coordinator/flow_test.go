package coordinator

import (
	"testing"

	"belay/governance"
)

func TestAPauseGoesFromProposalToProvenEffect(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		p := r.stored(v.ID)
		if len(p.Postconditions) != 1 || !p.Postconditions[0].OK || p.Effect() == nil || p.Effect().Status != governance.TxStatusFinal {
			t.Errorf("executed without proof: %+v %+v", p.Postconditions, p.Effect())
		}
		if n := len(r.broadcasts()); n != 1 {
			t.Errorf("%d different transactions went out, want 1", n)
		}
	})
}
