package coordinator

import (
	"strings"
	"testing"

	"belay/governance"
)

// unpaused has the market unpaused in a block of its own, by whoever may.
func unpaused(r *rig) { r.chain.alter(func(w *world) { w.paused[usdc] = false }) }

func TestAPauseThatSomeoneUndoesIsNotLeftStanding(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		unpaused(r)
		r.blocks("the card says that it is undone", func() bool { return len(r.stored(v.ID).Undone) > 0 })
		if seen := r.show(v.ID); !strings.HasPrefix(seen.Status, "UNDONE") || seen.Postconditions[0].OK {
			t.Errorf("the card says %q with %+v", seen.Status, seen.Postconditions)
		}
		r.chain.alter(func(w *world) { w.paused[usdc] = true })
		r.blocks("it holds again", func() bool { return len(r.stored(v.ID).Undone) == 0 })
		if status := r.show(v.ID).Status; !strings.HasPrefix(status, "The asset is paused") {
			t.Errorf("the card says %q", status)
		}
	})
}

// TestAPauseUndoneBeforeItIsDeepIsToldAtOnce has the pause undone between the block that mined it and the one that makes it final: it was
// true at its own block, so that only the reading at depth can tell.
func TestAPauseUndoneBeforeItIsDeepIsToldAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.configure(func(c *ChainConfig) { c.Confirmations = 0 })
		r.chain.final = 0
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.blocks("mined", func() bool { return r.effect(v.ID) != nil })
		unpaused(r)
		r.chain.set(func(s *scripted) { s.finality = s.head().Number })
		r.blocks("executed, and undone since", func() bool { p := r.stored(v.ID); return p.State == governance.StateExecuted && len(p.Undone) > 0 })
	})
}

func TestWhatWeChangeOnPurposeLaterIsNotUndone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		first := r.setLtv("6000")
		r.sign(first, first.SafeTxHash, alice, bob)
		r.ends(first.ID, governance.StateExecuted, "ltv 6000")
		second := r.setLtv("6500")
		r.sign(second, second.SafeTxHash, alice, bob)
		r.ends(second.ID, governance.StateExecuted, "ltv 6000", "ltv 6500")
		for range 5 {
			r.chain.mine()
			r.pass(slot)
		}
		for _, id := range []string{first.ID, second.ID} {
			if p := r.stored(id); len(p.Undone) > 0 {
				t.Errorf("%s is called undone: %+v", id, p.Undone)
			}
		}
		r.chain.alter(func(w *world) { w.ltv[usdc] = firstLtv })
		r.blocks("what a stranger changes is", func() bool { return len(r.stored(second.ID).Undone) > 0 })
	})
}

// TestAnOlderReadingTakesNoEndOutOfSight has the loop that looks after the chain finish with what it read of a proposal just before another
// loop committed its proof.
func TestAnOlderReadingTakesNoEndOutOfSight(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("6000")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.blocks("mined", func() bool { return r.effect(v.ID) != nil })
		older := r.stored(v.ID)
		r.ends(v.ID, governance.StateExecuted, "ltv 6000")
		r.c.noteRestless(older)
		r.chain.alter(func(w *world) { w.ltv[usdc] = firstLtv })
		r.blocks("the card says that it is undone", func() bool { return len(r.stored(v.ID).Undone) > 0 })
	})
}
