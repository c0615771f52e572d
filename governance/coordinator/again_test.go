package coordinator

import (
	"strings"
	"testing"
	"time"

	"belay/governance"
)

func (r *rig) rebuilds(id, member string) (Proposed, error) {
	return r.c.Propose(r.t.Context(), Intent{Playbook: RebuildPlaybook, Params: map[string]string{"proposal": id}, Member: member, Via: governance.ViaSlack})
}

// TestWhatWaitsBehindAGapStandsInItWhenRebuilt: the second way out of a gap.
func TestWhatWaitsBehindAGapStandsInItWhenRebuilt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		first, second := r.setLtv("4000"), r.setLtv("5000")
		_, err := r.rebuilds(second.ID, "alice")
		refused(t, err, governance.CodeNotOpen, "waits behind no gap")
		r.withdrawn(first.ID)
		maps, err := r.c.Nonces(t.Context())
		if err != nil || len(maps) == 0 || !strings.Contains(maps[0].Nonces[len(maps[0].Nonces)-2].Text, "Rebuild "+second.ID) {
			t.Fatalf("%+v %v", maps, err)
		}
		if notes := strings.Join(r.show(second.ID).Notes, "; "); !strings.Contains(notes, "before it: Nothing stands here") {
			t.Errorf("what waits does not say why: %s", notes)
		}
		again, err := r.rebuilds(second.ID, "alice")
		if err != nil {
			t.Fatal(err)
		}
		if again.View.Nonce != first.Nonce || again.View.Playbook != second.Playbook || again.View.Reason != second.Reason || again.Joined {
			t.Errorf("asked again as %+v", again.View)
		}
		if old := r.show(second.ID); old.State != governance.StateSuperseded {
			t.Errorf("%s is %s", old.ID, old.State)
		}
		r.sign(again.View, again.View.SafeTxHash, alice, bob)
		r.ends(again.View.ID, governance.StateExecuted, "ltv 5000")
		_, err = r.rebuilds(again.View.ID, "alice")
		refused(t, err, governance.CodeNotOpen, "took effect")
	})
}

// TestASignedOneIsNotRebuilt: asked again at another nonce it could be executed twice.
func TestASignedOneIsNotRebuilt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		first, second := r.setLtv("4000"), r.setLtv("5000")
		r.sign(second, second.SafeTxHash, alice)
		r.withdrawn(first.ID)
		_, err := r.rebuilds(second.ID, "alice")
		refused(t, err, governance.CodeNotOpen, "could be executed twice")
		if r.show(second.ID).State != governance.StateProposed {
			t.Error("it was taken down all the same")
		}
	})
}

// TestWhatAPauseDisplacedIsAskedForAgain: it is not rebuilt by itself, and the proposer's word is enough.
func TestWhatAPauseDisplacedIsAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		routine := r.setLtv("4000")
		pause := r.pause("usdc")
		if pause.Nonce != routine.Nonce {
			t.Fatalf("the pause stands at %d, the other at %d", pause.Nonce, routine.Nonce)
		}
		r.sign(pause, pause.SafeTxHash, alice, bob)
		r.ends(pause.ID, governance.StateExecuted, "pause usdc true")
		r.blocks("the other gives way", r.is(routine.ID, governance.StateSuperseded))
		again, err := r.rebuilds(routine.ID, "alice")
		if err != nil {
			t.Fatal(err)
		}
		if again.View.Nonce <= pause.Nonce || again.View.Reason != routine.Reason {
			t.Errorf("asked again as %+v", again.View)
		}
		if twice, err := r.rebuilds(routine.ID, "alice"); err != nil || !twice.Joined || twice.View.ID != again.View.ID {
			t.Errorf("said twice: %+v %v", twice, err)
		}
	})
}

func TestNothingIsTakenDownForWhatCannotBeAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		first, second := r.setLtv("4000"), r.setLtv("5000")
		r.withdrawn(first.ID)
		_, err := r.rebuilds(second.ID, "mallory")
		refused(t, err, governance.CodeNotPermitted, "mallory")
		r.chain.set(func(s *scripted) { s.down = true })
		if _, err := r.rebuilds(second.ID, "alice"); err == nil {
			t.Error("it was asked for again while nothing can be read")
		}
		if r.stored(second.ID).State != governance.StateProposed {
			t.Error("and the old one was taken down for that")
		}
		_, err = r.rebuilds("P-99", "alice")
		refused(t, err, governance.CodeNotFound, "P-99")
	})
}

func (r *rig) all() []governance.View {
	r.t.Helper()
	page, err := r.c.List(r.t.Context(), Query{Viewer: warRoom})
	if err != nil {
		r.t.Fatal(err)
	}
	return page.Views
}

// TestAFloodOfChatIsBounded: a stolen account opens three of everything, and a fourth pause that is shown small.
func TestAFloodOfChatIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		chat := func(playbook string, params map[string]string) (Proposed, error) {
			return r.c.Propose(t.Context(), Intent{Playbook: playbook, Params: params, Member: "alice", Reason: "why not", Via: governance.ViaDiscord})
		}
		var last governance.View
		for _, ltv := range []string{"4000", "4100", "4200"} {
			done, err := chat("set-ltv", map[string]string{"asset": "usdc", "ltv": ltv})
			if err != nil {
				t.Fatal(err)
			}
			last = done.View
		}
		_, err := chat("set-ltv", map[string]string{"asset": "usdc", "ltv": "4300"})
		refused(t, err, governance.CodeNotPermitted, "alice has 3 proposals open that no owner has signed")
		pause, err := chat("pause", map[string]string{"asset": "usdc"})
		if err != nil || pause.View.Collapsed {
			t.Fatalf("an emergency: %v, collapsed %t", err, pause.View.Collapsed)
		}
		_, err = chat("void", map[string]string{"proposal": last.ID})
		refused(t, err, governance.CodeNotPermitted, "alice has 3 proposals open")
		if _, err := r.voids(last.ID); err != nil { // with the operator's token
			t.Errorf("the operator is refused: %v", err)
		}
		if bob, err := r.c.Propose(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4400"}, Member: "bob", Reason: "mine", Via: governance.ViaDiscord}); err != nil {
			t.Errorf("another member is refused: %v", err)
		} else {
			r.sign(bob.View, bob.View.SafeTxHash, carol)
		}
		for _, v := range r.all() {
			if v.Proposer == "alice" && v.Kind == governance.KindParameter || v.Playbook == VoidPlaybook {
				r.sign(v, v.SafeTxHash, carol)
			}
		}
		if _, err = chat("set-ltv", map[string]string{"asset": "usdc", "ltv": "4300"}); err != nil {
			t.Errorf("an owner signed all of them, and yet: %v", err)
		}
		r.pass(time.Second)
	})
}
