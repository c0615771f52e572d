package coordinator

import (
	"crypto/ecdsa"
	"strings"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// heldFor reports whether the card says that a proposal is held back for a reason.
func (r *rig) heldFor(id, reason string) func() bool {
	return func() bool {
		for _, note := range r.show(id).Notes {
			if strings.HasPrefix(note, "HELD BACK: ") && strings.Contains(note, reason) {
				return true
			}
		}
		return false
	}
}

// quiet fails where something goes out, however many blocks come.
func (r *rig) quiet(why string) {
	r.t.Helper()
	for range 5 {
		r.chain.mine()
		r.pass(12 * time.Second)
	}
	if n := len(r.broadcasts()); n != 0 {
		r.t.Errorf("%d transactions went out although %s", n, why)
	}
}

// TestAChangeWaitsForASignedEmergency: nobody changes what is being stopped. One that no owner has signed stops nothing.
func TestAChangeWaitsForASignedEmergency(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.alter(func(w *world) {
			w.safes[otherSafe] = vault{owners: []common.Address{addressOf(alice), addressOf(bob), addressOf(carol)}, threshold: 2}
		})
		r.start()
		elsewhere := r.propose(Intent{Playbook: "pause-wrong", Params: map[string]string{"asset": "usdc"}, Force: true}) // another Safe, the same market
		if _, err := r.c.Confirm(t.Context(), Signed{Proposal: elsewhere.ID, Signature: signature(alice, hashOf(elsewhere)), Via: governance.ViaPage}); err != nil {
			t.Fatal(err)
		}
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.until("it is held back", r.heldFor(v.ID, "the emergency "+elsewhere.ID+" is open on the same contract"))
		r.quiet("an emergency is open")
		for _, key := range []*ecdsa.PrivateKey{bob, carol} { // a false alarm
			if _, err := r.states(key, elsewhere.ID, governance.ActionObject, ""); err != nil {
				t.Fatal(err)
			}
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAnEmergencyThatNobodySignedHoldsNothingBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.propose(Intent{Playbook: "pause-wrong", Params: map[string]string{"asset": "usdc"}, Force: true})
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestAWalletsObjectionHoldsAChangeBack, until the same wallet lifts it. A word in chat does not.
func TestAWalletsObjectionHoldsAChangeBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		if _, err := r.c.Object(t.Context(), v.ID, "dave", "too low"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.states(carol, v.ID, governance.ActionObject, "too low"); err != nil {
			t.Fatal(err)
		}
		if !r.heldFor(v.ID, "carol objects")() {
			t.Errorf("the card does not tell: %v", r.show(v.ID).Notes)
		}
		r.sign(v, v.SafeTxHash, alice, bob)
		r.quiet("an owner objects")
		r.pass(2 * time.Second)
		if _, err := r.states(carol, v.ID, governance.ActionLift, ""); err != nil {
			t.Fatal(err)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestSignedBytesThatNobodyTookAreKeptBack when an owner objects before a provider has them; what was taken goes on.
func TestSignedBytesThatNobodyTookAreKeptBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.chain.set(func(s *scripted) { s.fails["Broadcast"] = errDown })
		r.sign(v, v.SafeTxHash, alice, bob)
		r.until("the bytes are signed", func() bool {
			open, err := r.store.SubmissionsOf(v.ID)
			return err == nil && len(open) > 0 && len(open[0].Attempts) > 0
		})
		r.pass(5 * time.Second) // the first try to send them is over
		if _, err := r.states(carol, v.ID, governance.ActionObject, "too low"); err != nil {
			t.Fatal(err)
		}
		for _, blind := range []bool{false, true} { // also while the providers agree on nothing
			r.chain.set(func(s *scripted) { s.down = blind; delete(s.fails, "Broadcast") })
			r.quiet("an owner objects")
		}
		r.chain.set(func(s *scripted) { s.down = false })
		r.until("the card says so", r.heldFor(v.ID, "carol objects"))
		if _, err := r.states(carol, v.ID, governance.ActionLift, ""); err != nil {
			t.Fatal(err)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestBoundsAreJudgedAgainWhenTheWindowOpens: what was a small change when it was proposed may be a large one a day later.
func TestBoundsAreJudgedAgainWhenTheWindowOpens(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.alter(func(w *world) { w.ltv[usdc] = 4200 })
		v := r.propose(Intent{Playbook: "near-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		r.sign(v, v.SafeTxHash, alice, bob)
		r.blocks("it is queued", r.is(v.ID, governance.StateQueued))
		r.chain.alter(func(w *world) { w.ltv[usdc] = 9000 })
		r.chain.mineAt(r.opens(v.ID))
		r.until("it is held back", r.heldFor(v.ID, "ltv = 4000 is too far from now = 9000"))
		r.pass(time.Minute)
		if got := r.chain.deeds(); len(got) != 0 {
			t.Errorf("the market felt %q", got)
		}
		r.chain.alter(func(w *world) { w.ltv[usdc] = 4100 })
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestAPlaybookThatIsGoneHoldsItsProposalsBack: nothing says any more what its bounds are.
func TestAPlaybookThatIsGoneHoldsItsProposalsBack(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.stop()
		delete(r.cfg.Playbooks, "set-ltv")
		r.start()
		r.sign(v, v.SafeTxHash, alice, bob)
		r.until("it is held back", r.heldFor(v.ID, "its playbook set-ltv is not configured any more"))
	})
}
