package coordinator

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// TestWhatAnotherAskedForTooIsNotTheThiefsToTakeDown: whoever stole the account that asked first must not end what another wants.
func TestWhatAnotherAskedForTooIsNotTheThiefsToTakeDown(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		got, err := r.c.Propose(t.Context(), Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "bob", Via: governance.ViaSlack})
		if err != nil || !got.Joined {
			t.Fatal(got.Joined, err)
		}
		if _, err = r.c.Withdraw(t.Context(), v.ID, "alice"); err != nil || r.stored(v.ID).State.Ended() {
			t.Error("a chat account alone ended a pause that another guardian asked for too")
		}
	})
}

// TestWhatAnotherAsksForTooIsShownWhole: a flood must not bury the pause that is meant.
func TestWhatAnotherAsksForTooIsShownWhole(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		usdc := Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "alice", Via: governance.ViaSlack}
		r.junk(3)
		if _, err := r.c.Propose(t.Context(), usdc); err != nil {
			t.Fatal(err)
		}
		usdc.Member = "bob"
		got, err := r.c.Propose(t.Context(), usdc)
		if err != nil || !got.Joined {
			t.Fatal(got.Joined, err)
		}
		if got.View.Collapsed {
			t.Error("bob's pause is shown small")
		}
	})
}

// junk has a thief of alice's chat account open emergencies.
func (r *rig) junk(n int) {
	for i := range n {
		if _, err := r.c.Propose(r.t.Context(), Intent{Playbook: "cancel-operation", Params: map[string]string{"id": fmt.Sprintf("0x%064x", i+1)}, Member: "alice", Force: true, Via: governance.ViaSlack}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestByForceTheWholeIsAskedForBesideThePart: a part is not what was wanted.
func TestByForceTheWholeIsAskedForBesideThePart(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.chain.alter(func(w *world) { w.stuck = usdc })
		r.start()
		r.propose(Intent{Playbook: "pause-both"})
		r.chain.alter(func(w *world) { w.stuck = common.Address{} }) // the revert is over
		for _, force := range []bool{false, true} {
			got, err := r.c.Propose(t.Context(), Intent{Playbook: "pause-both", Member: "bob", Force: force})
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]int{false: 1, true: 2}[force]; got.Joined == force || len(got.View.Calls) != want {
				t.Errorf("force %t: joined %t %s with %d calls", force, got.Joined, got.View.ID, len(got.View.Calls))
			}
		}
	})
}

// TestThePublicReadsNothingOfAnotherProposalInDangers: a danger can lie in a proposal that nobody may know of.
func TestThePublicReadsNothingOfAnotherProposalInDangers(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.setLtv("4000")
		secret := r.propose(Intent{Playbook: "secret", Params: map[string]string{"asset": "usdc", "ltv": "1"}})
		r.sign(secret, secret.SafeTxHash, alice, bob)
		for _, m := range []string{"alice", "bob"} {
			if _, err := r.c.Withdraw(t.Context(), secret.ID, m); err != nil {
				t.Fatal(err)
			}
		}
		open := r.setLtv("5000")
		pub, err := r.c.Show(t.Context(), open.ID, governance.Viewer{})
		if err != nil {
			t.Fatal(err)
		}
		if danger := func(v governance.View) bool {
			return slices.ContainsFunc(v.Dangers, func(d governance.DangerView) bool { return strings.Contains(d.Text, secret.ID) })
		}; danger(pub) || !danger(r.show(open.ID)) {
			t.Errorf("the public reads %+v, the room %+v", pub.Dangers, r.show(open.ID).Dangers)
		}
	})
}

// TestNothingIsEndedForARebuildThatWouldBeRefused: also where the member has enough open.
func TestNothingIsEndedForARebuildThatWouldBeRefused(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		bobs := func(ltv string) governance.View {
			p, err := r.c.Propose(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": ltv}, Member: "bob", Reason: "x", Via: governance.ViaSlack})
			if err != nil {
				t.Fatal(err)
			}
			return p.View
		}
		first, target := bobs("4000"), bobs("5000")
		for _, ltv := range []string{"1", "2", "3"} {
			if _, err := r.c.Propose(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "weth", "ltv": ltv}, Member: "alice", Reason: "x", Via: governance.ViaSlack}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.c.Withdraw(t.Context(), first.ID, "bob"); err != nil {
			t.Fatal(err)
		}
		_, err := r.rebuilds(target.ID, "alice")
		refused(t, err, governance.CodeNotPermitted, "alice has 3 proposals open")
		if r.stored(target.ID).State.Ended() {
			t.Error("it was ended for something that was then refused")
		}
	})
}

// TestOneWalletEndsNoEmergencyWhereAllMustSign: one wallet can be stolen.
func TestOneWalletEndsNoEmergencyWhereAllMustSign(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.chain.alter(func(w *world) {
			v := w.safes[guardianSafe]
			v.threshold = 3
			w.safes[guardianSafe] = v
		})
		r.start()
		v := r.pause("usdc")
		r.sign(v, v.SafeTxHash, alice, bob)
		if _, err := r.states(carol, v.ID, governance.ActionObject, "no"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.confirm(carol, v.ID, hashOf(v)); err != nil {
			t.Errorf("the honest carol cannot sign any more: %v", err)
		}
	})
}

// TestAMadeUpNonceMakesNoMapLong: what a lying provider says must not be counted through.
func TestAMadeUpNonceMakesNoMapLong(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.set(func(s *scripted) { s.down = true; s.lie = func(st *safe.State) { st.Nonce = 1_000_000 } })
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.down = false })
		r.chain.mine()
		r.pass(30 * time.Second)
		maps, err := r.c.Nonces(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p := r.stored(v.ID); p.Unagreed || p.Active().Tx.Nonce != p.SafeNonce {
			t.Errorf("it is unagreed %t, and asks at %d of a Safe at %d", p.Unagreed, p.Active().Tx.Nonce, p.SafeNonce)
		}
		for _, m := range maps {
			if len(m.Nonces) > 100 {
				t.Errorf("%s: the map has %d places", m.Safe, len(m.Nonces))
			}
		}
	})
}

// TestASignedIntentOpensOnceOnly: sent again it gives what it opened.
func TestASignedIntentOpensOnceOnly(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		in := Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}
		data, err := r.c.IntentData(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		sig, at := r.wallet(alice, data)
		first, err := r.c.ProposeSigned(t.Context(), in, at, sig)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.c.Withdraw(t.Context(), first.View.ID, "alice"); err != nil {
			t.Fatal(err)
		}
		again, err := r.c.ProposeSigned(t.Context(), in, at, sig)
		if err != nil || again.View.ID != first.View.ID {
			t.Errorf("the same bytes gave %s after %s: %v", again.View.ID, first.View.ID, err)
		}
	})
}

// TestAWalletThatWasTakenAwayHoldsNothingBack: its objection counts no more.
func TestAWalletThatWasTakenAwayHoldsNothingBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cfg.Members[3].Wallets = append(r.cfg.Members[3].Wallets, addressOf(mallory)) // dave's wallet is stolen
		r.start()
		v := r.propose(Intent{Playbook: "manual-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		r.sign(v, v.SafeTxHash, alice, bob)
		if _, err := r.states(mallory, v.ID, governance.ActionObject, "no"); err != nil {
			t.Fatal(err)
		}
		r.stop()
		r.cfg.Members[3].Wallets = nil
		r.start()
		if _, err := r.c.Release(t.Context(), v.ID, "alice"); err != nil {
			t.Fatal(err)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestAFloodPushesNoPauseToANonceThatNeverComes: it stands where the Safe is, or right behind.
func TestAFloodPushesNoPauseToANonceThatNeverComes(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.junk(7)
		p, err := r.c.Propose(t.Context(), Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "bob", Via: governance.ViaSlack})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range r.all()[1:] { // newest first: a member's own stand side by side
			if want := uint64(13 - i); v.Nonce != want {
				t.Errorf("%s stands at %d, want %d", v.ID, v.Nonce, want)
			}
		}
		if at := p.View.Nonce; at > 8 {
			t.Errorf("the Safe is at 7, and the pause stands at %d", at)
		}
		r.signAll(p.View, alice, bob)
		r.ends(p.View.ID, governance.StateExecuted, "pause usdc true")
	})
}

// TestUnsignedPausesHoldARoutineForAnHourOnly: however many follow one another.
func TestUnsignedPausesHoldARoutineForAnHourOnly(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		junk := r.pause("usdc")
		r.sign(v, v.SafeTxHash, alice, bob)
		for range 12 { // eleven hours, or until it is sent
			if len(r.chain.deeds()) > 0 {
				break
			}
			r.pass(55 * time.Minute)
			if _, err := r.c.Withdraw(t.Context(), junk.ID, "alice"); err != nil {
				t.Fatal(err)
			}
			junk = r.pause("usdc")
			r.chain.mine()
		}
		if d := r.chain.deeds(); len(d) == 0 {
			t.Errorf("after 11 hours a proven quorum is not sent: %s %q", r.show(v.ID).Status, r.show(v.ID).Notes)
		}
	})
}

// TestAMadeUpNonceMakesNoCardHeavy: every card of the Safe is drawn with the map.
func TestAMadeUpNonceMakesNoCardHeavy(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.setLtv("4000")
		waits := r.setLtv("5000")
		r.chain.set(func(s *scripted) { s.down = true; s.lie = func(st *safe.State) { st.Nonce = 1_000_000 } })
		r.pause("usdc")
		r.chain.set(func(s *scripted) { s.down = false })
		r.chain.mine()
		r.pass(30 * time.Second)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r.show(waits.ID)
		runtime.ReadMemStats(&after)
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 10 {
			t.Errorf("one look at %s allocates %d MB", waits.ID, mb)
		}
	})
}

// TestTwoWalletsClearAFloodAway: chat ends no emergency of another, and one wallet neither.
func TestTwoWalletsClearAFloodAway(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc") // by the thief of alice's account
		for _, member := range []string{"bob", "carol"} {
			_, err := r.c.Withdraw(t.Context(), v.ID, member)
			refused(t, err, governance.CodeNotPermitted, "withdrawn by those who asked for it: alice")
		}
		if _, err := r.states(bob, v.ID, governance.ActionWithdraw, "stolen account"); err != nil || r.stored(v.ID).State.Ended() {
			t.Fatalf("one wallet: %v, and it is %s", err, r.stored(v.ID).State)
		}
		if after, err := r.states(carol, v.ID, governance.ActionWithdraw, "stolen account"); err != nil || after.State != governance.StateCanceled {
			t.Errorf("two wallets: %v, and it is %s", err, after.State)
		}
	})
}

// TestAContradictionHoldsBackNoPauseAndLeavesNothingOut: one provider that lies about a simulation decides nothing.
func TestAContradictionHoldsBackNoPauseAndLeavesNothingOut(t *testing.T) {
	for name, c := range map[string]struct {
		works, fails, calls int
		blind               bool
	}{
		"most say that it works":    {2, 1, 2, true},
		"as many as not":            {1, 1, 2, true},
		"most say that it does not": {1, 2, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.chain.set(func(s *scripted) { s.contradict = &[2]int{c.works, c.fails} })
				r.chain.alter(func(w *world) { w.stuck = usdc })
				r.start()
				v := r.propose(Intent{Playbook: "pause-both"})
				if len(v.Calls) != c.calls || noted(v, "NOT VERIFIED") != c.blind {
					t.Errorf("%d calls, notes %q", len(v.Calls), v.Notes)
				}
				_, err := r.c.Propose(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}, Member: "alice", Reason: "x"})
				if err != nil {
					t.Errorf("what nobody contradicts: %v", err)
				}
			})
		})
	}
}
