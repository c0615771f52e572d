package coordinator

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"
)

// voids asks for the nonce of a proposal to be used up.
func (r *rig) voids(id string) (Proposed, error) {
	return r.c.Propose(r.t.Context(), Intent{Playbook: VoidPlaybook, Params: map[string]string{"proposal": id}, Member: "alice"})
}

// TestAnEndedProposalIsMadeHarmless: what was signed and withdrawn could be executed by anyone until its nonce is used up.
func TestAnEndedProposalIsMadeHarmless(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "manual-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		r.sign(v, v.SafeTxHash, alice, bob)
		r.withdrawn(v.ID)
		if !noted(r.show(v.ID), "LOADED") {
			t.Fatalf("it is not listed as loaded: %v", r.show(v.ID).Notes)
		}
		done, err := r.voids(v.ID)
		if err != nil {
			t.Fatal(err)
		}
		void := done.View
		if void.Nonce != v.Nonce || void.SafeTx.To != guardianSafe.Hex() || void.SafeTx.Data != "0x" || void.SafeTx.Value != "0" || void.SafeTxs[0].Purpose != governance.PurposeVoid {
			t.Errorf("the void is %+v", void.SafeTx)
		}
		if want := safe.Hash(safe.Domain{ChainID: testChainID, Safe: guardianSafe, Version: safe.V1_4_1}, safe.Void(guardianSafe, v.Nonce)).SafeTx.Hex(); void.SafeTxHash != want {
			t.Errorf("its hash is %s, want %s", void.SafeTxHash, want)
		}
		if loaded := r.show(v.ID).Loaded; loaded == nil || !loaded.Usable || loaded.Nonce != v.Nonce || loaded.SafeTxHash != void.SafeTxHash {
			t.Errorf("the void that was prepared is %+v", loaded)
		}
		if again, err := r.voids(v.ID); err != nil || !again.Joined || again.View.ID != void.ID {
			t.Errorf("asked again: %+v %v", again, err)
		}
		r.sign(void, void.SafeTxHash, alice, bob)
		r.ends(void.ID, governance.StateExecuted)
		r.blocks("it is harmless", func() bool { return !noted(r.show(v.ID), "LOADED") && r.show(v.ID).Loaded == nil })
		_, err = r.voids(v.ID)
		refused(t, err, governance.CodeNotOpen, "no signature over "+v.ID+" works any more")
	})
}

// TestADisclosedVoidDoesNotNameWhatItVoids: the proposal that it makes harmless may be private for good.
func TestADisclosedVoidDoesNotNameWhatItVoids(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "manual-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		r.sign(v, v.SafeTxHash, alice, bob)
		r.withdrawn(v.ID)
		done, err := r.voids(v.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := done.View.Headline(); got != "Use up a nonce, so that an earlier proposal can never be executed: "+v.ID+", nonce 7" {
			t.Errorf("members read %q", got)
		}
		r.sign(done.View, done.View.SafeTxHash, alice, bob)
		r.ends(done.View.ID, governance.StateExecuted)
		if _, err := r.c.Disclose(t.Context(), done.View.ID, "alice"); err != nil {
			t.Fatal(err)
		}
		shown, err := r.c.Show(t.Context(), done.View.ID, public)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := json.Marshal(shown); err != nil || strings.Contains(string(text), v.ID) {
			t.Errorf("the public reads %s, %v", text, err)
		}
	})
}

// TestOneSignatureIsVoidedToo: it waits for another for as long as the nonce is there.
func TestOneSignatureIsVoidedToo(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice)
		r.withdrawn(v.ID)
		if !noted(r.show(v.ID), "1 of 2 signatures") {
			t.Fatalf("it is not told: %v", r.show(v.ID).Notes)
		}
		done, err := r.voids(v.ID)
		if err != nil {
			t.Fatal(err)
		}
		r.sign(done.View, done.View.SafeTxHash, bob, carol)
		r.ends(done.View.ID, governance.StateExecuted)
		r.blocks("it is harmless", func() bool { return len(r.show(v.ID).Notes) == 0 })
	})
}

// TestNothingIsVoidedThatNobodySigned: there is nothing to burn.
func TestNothingIsVoidedThatNobodySigned(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.withdrawn(v.ID)
		_, err := r.voids(v.ID)
		refused(t, err, governance.CodeNotOpen, "no signature over "+v.ID+" works any more")
	})
}

// withdrawn has two members take a proposal down: one alone cannot where an owner has signed.
func (r *rig) withdrawn(id string) {
	r.t.Helper()
	for _, member := range []string{"alice", "bob"} {
		if r.stored(id).State.Ended() {
			return
		}
		if _, err := r.c.Withdraw(r.t.Context(), id, member); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestAVoidOfAnOpenProposalSupersedesIt: the other way out of a gap.
func TestAVoidOfAnOpenProposalSupersedesIt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		done, err := r.voids(v.ID)
		if err != nil {
			t.Fatal(err)
		}
		r.sign(done.View, done.View.SafeTxHash, alice, bob)
		r.ends(done.View.ID, governance.StateExecuted)
		r.blocks("the other gives way", r.is(v.ID, governance.StateSuperseded))
	})
}

func TestWhatIsNotVoided(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		pause := r.pause("usdc")
		_, err := r.voids(pause.ID)
		refused(t, err, governance.CodeNotOpen, "never stopped by a rival")
		ltv := r.setLtv("4000")
		done, err := r.voids(ltv.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.voids(done.View.ID)
		refused(t, err, governance.CodeNotOpen, "uses up a nonce itself")
		_, err = r.voids("P-99")
		refused(t, err, governance.CodeNotFound)
		_, err = r.voids("")
		refused(t, err, governance.CodeMissingParam, "void of what")
		_, err = r.c.Propose(t.Context(), Intent{Playbook: VoidPlaybook, Params: map[string]string{"proposal": ltv.ID, "nonce": "7"}, Member: "alice"})
		refused(t, err, governance.CodeUnknownParam)
		_, err = r.c.Propose(t.Context(), Intent{Playbook: VoidPlaybook, Params: map[string]string{"proposal": ltv.ID}, Member: "dave"})
		refused(t, err, governance.CodeNotPermitted)
		r.chain.set(func(s *scripted) { s.down = true })
		other := r.stored(ltv.ID)
		other.Params = nil
		_, err = r.c.Propose(t.Context(), Intent{Playbook: VoidPlaybook, Params: map[string]string{"proposal": ltv.ID}, Member: "alice"})
		refused(t, err, governance.CodeNoAgreement)
	})
}

// TestAVoidKeepsTheNonceThatItWasAllowedFor, although what waits behind the gap is taken down before the Safe is read.
func TestAVoidKeepsTheNonceThatItWasAllowedFor(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		gap, behind := r.setLtv("4000"), r.setLtv("5000")
		r.withdrawn(gap.ID)
		in := Intent{Playbook: VoidPlaybook, Params: map[string]string{"proposal": gap.ID}, Member: "alice"}
		doomed, nonce, err := r.c.doomed(in)
		if err != nil || nonce != gap.Nonce {
			t.Fatalf("nonce %d of %s: %v", nonce, doomed.ID, err)
		}
		r.withdrawn(behind.ID)
		if d, err := r.c.draftVoid(t.Context(), in, doomed, nonce); err != nil || d.tx.Tx.Nonce != gap.Nonce {
			t.Fatalf("drafted: %v", err)
		}
	})
}

// TestAnEmergencyIsNotHeldBackByAVoid: it takes the nonce, and the void gives way.
func TestAnEmergencyIsNotHeldBackByAVoid(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		ltv := r.setLtv("4000")
		done, err := r.voids(ltv.ID)
		if err != nil {
			t.Fatal(err)
		}
		pause := r.pause("usdc")
		if !slices.Contains(dangers(pause), "displaces") {
			t.Errorf("dangers %v", pause.Dangers)
		}
		r.sign(pause, pause.SafeTxHash, alice, bob)
		r.ends(pause.ID, governance.StateExecuted, "pause usdc true")
		r.pass(time.Minute)
		r.blocks("the void gives way", r.is(done.View.ID, governance.StateSuperseded))
	})
}
