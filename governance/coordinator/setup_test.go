package coordinator

import (
	"slices"
	"strings"
	"testing"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

func warned(v governance.View, words string) bool {
	return slices.ContainsFunc(v.Dangers, func(d governance.DangerView) bool {
		return d.Code == governance.DangerSafeChanged && strings.Contains(d.Text, words)
	})
}

// TestAChangeOfTheSafesSetupIsToldOnTheCards of what is open on it, with what it was before, and goes again with the change.
func TestAChangeOfTheSafesSetupIsToldOnTheCards(t *testing.T) {
	stranger := common.HexToAddress("0xbad")
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v, done := r.pause("usdc"), r.setLtv("4000")
		r.sign(done, r.show(done.ID).SafeTxHash, alice)
		set := func(guard common.Address, modules ...common.Address) {
			r.chain.alter(func(w *world) {
				safe := w.safes[guardianSafe]
				safe.guard, safe.modules = guard, modules
				w.safes[guardianSafe] = safe
			})
		}
		set(stranger, stranger)
		for _, id := range []string{v.ID, done.ID} {
			r.until("the guard is told", func() bool { return warned(r.show(id), "its guard is "+stranger.Hex()+" now, it was none") })
			if !warned(r.show(id), stranger.Hex()+" became a module") {
				t.Errorf("%s does not tell of the module: %+v", id, r.show(id).Dangers)
			}
		}
		set(common.Address{}, stranger)
		r.until("the guard is gone", func() bool { return !warned(r.show(v.ID), "guard") && warned(r.show(v.ID), "module") })
		set(common.Address{})
		r.until("nothing is told any more", func() bool { return !warned(r.show(v.ID), "") })
		events := r.show(v.ID).Events
		if last := events[len(events)-1]; !strings.Contains(last.Ours, "again as they were") {
			t.Errorf("the story ends with %q", last.Ours)
		}
	})
}
