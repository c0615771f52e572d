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
		r.pass(setupEvery)
		for _, id := range []string{v.ID, done.ID} {
			if seen := r.show(id); !warned(seen, "its guard is "+stranger.Hex()+" now, it was none") || !warned(seen, stranger.Hex()+" became a module") {
				t.Errorf("%s tells %+v", id, seen.Dangers)
			}
		}
		set(common.Address{}, stranger)
		r.pass(setupEvery)
		if seen := r.show(v.ID); warned(seen, "guard") || !warned(seen, "module") {
			t.Errorf("the guard is gone, and the card tells %+v", seen.Dangers)
		}
		set(common.Address{})
		r.pass(setupEvery)
		if seen := r.show(v.ID); warned(seen, "") {
			t.Errorf("it is as it was, and the card tells %+v", seen.Dangers)
		}
		events := r.show(v.ID).Events
		if last := events[len(events)-1]; !strings.Contains(last.Ours, "again as they were") {
			t.Errorf("the story ends with %q", last.Ours)
		}
	})
}
