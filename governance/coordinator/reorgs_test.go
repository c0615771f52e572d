package coordinator

import (
	"fmt"
	"testing"
	"time"

	"belay/governance"
)

// reorgedDepths are how many blocks go, that of the effect the lowest of them: 64 is two epochs of Ethereum, and no chain that is final there
// goes further.
var reorgedDepths = []uint64{1, 2, 7, 63, reorgDepth}

// TestACardFollowsAReorganisationOfEveryDepth: what is told is mined, then not mined, then mined elsewhere, each within a block.
func TestACardFollowsAReorganisationOfEveryDepth(t *testing.T) {
	for _, finalized := range []bool{false, true} {
		for _, depth := range reorgedDepths {
			for _, lost := range []bool{false, true} {
				name := fmt.Sprintf("%d blocks, %s, %s", depth, map[bool]string{false: "two confirmations", true: "finalized"}[finalized],
					map[bool]string{false: "the pool keeps it", true: "the pool forgets it"}[lost])
				t.Run(name, func(t *testing.T) {
					bubble(t, func(t *testing.T, r *rig) { reorganised(t, r, depth, finalized, lost) })
				})
			}
		}
	}
}

func reorganised(t *testing.T, r *rig, depth uint64, finalized, lost bool) {
	if finalized {
		c := r.cfg.Chains["test"]
		c.Confirmations = 0
		r.cfg.Chains["test"] = c
		r.chain.set(func(s *scripted) { s.final = 0 })
	}
	r.start()
	r.chain.mine()
	v := r.pause("usdc")
	r.signAll(v, alice, bob)
	r.sent(1)
	first := r.chain.mine()
	for r.chain.head().Number+1 < first.Number+depth {
		r.pass(time.Second)
		r.chain.mine()
	}
	before := governance.StateApproved // mined is told, not executed
	if !finalized && depth >= 2 {
		before = governance.StateExecuted
	}
	within(r, "it is mined", func(v governance.View) bool {
		return v.State == before && v.Execution != nil && v.Execution.Block == first.Number && len(v.Postconditions) > 0
	}, v.ID)

	r.chain.reorganise(int(depth), lost)
	within(r, "it is not mined any more", func(v governance.View) bool {
		return v.State == governance.StateApproved && v.Execution == nil && len(v.Postconditions) == 0
	}, v.ID)

	second := r.chain.mine()
	within(r, "it is mined elsewhere", func(v governance.View) bool {
		return v.State == governance.StateApproved && v.Execution != nil && v.Execution.Block == second.Number
	}, v.ID)
	if finalized {
		r.chain.set(func(s *scripted) { s.finality = second.Number })
	}
	r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	if v := r.show(v.ID); v.Execution.Block != second.Number || v.Postconditions[0].Block != second.Number {
		t.Errorf("it is told of block %d, proven at %d, and mined in %d", v.Execution.Block, v.Postconditions[0].Block, second.Number)
	}
}

// within waits until a card says something, for the time of one block.
func within(r *rig, what string, says func(governance.View) bool, id string) {
	r.t.Helper()
	for range int(slot / time.Second) {
		if says(r.show(id)) {
			return
		}
		r.pass(time.Second)
	}
	v := r.show(id)
	r.t.Fatalf("not within a block: %s; it is %s, %q, execution %+v, proven %+v", what, v.State, v.Status, v.Execution, v.Postconditions)
}
