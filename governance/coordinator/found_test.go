package coordinator

import (
	"slices"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// What the simulation found, each as small as it gets.

// TestASpareGoesFirstWhereTheSafeWasLast: while nobody agrees, the last agreed nonce tells which of the signed SafeTxs is next.
func TestASpareGoesFirstWhereTheSafeWasLast(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.pause("usdc") // nobody signs it
		v := r.pause("weth")
		if v.Nonce != 8 || v.SafeTxs[1].Nonce != 7 {
			t.Fatalf("it stands at %d, its spare at %d", v.Nonce, v.SafeTxs[1].Nonce)
		}
		r.chain.set(func(s *scripted) { s.down = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		r.chain.mine()
		if got := r.chain.deeds(); !slices.Equal(got, []string{"pause weth true"}) {
			t.Errorf("the market felt %q", got)
		}
		r.chain.set(func(s *scripted) { s.down = false })
		r.ends(v.ID, governance.StateExecuted, "pause weth true")
	})
}

// TestASpareIsNotSentWhereTheFirstIsMined: owners sign spares in the same sitting, so that their quorum comes when the first one is
// under way.
func TestASpareIsNotSentWhereTheFirstIsMined(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		r.chain.set(func(s *scripted) { s.fails["Receipt"] = errDown })
		r.chain.mine()
		r.sign(v, v.SafeTxs[1].SafeTxHash, alice, bob)
		r.pass(turnPatience / 2)
		r.chain.set(func(s *scripted) { delete(s.fails, "Receipt") })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		if n := len(r.broadcasts()); n != 1 {
			t.Errorf("%d transactions went out", n)
		}
	})
}

// TestASpareIsSentWhereNobodyTellsOfTheFirst: it is held back for a while only.
func TestASpareIsSentWhereNobodyTellsOfTheFirst(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		r.chain.set(func(s *scripted) { s.fails["Receipt"] = errDown })
		r.chain.byHand(guardianSafe, foreign(7))
		r.sign(v, v.SafeTxs[1].SafeTxHash, alice, bob)
		r.pass(2 * turnPatience)
		if n := len(r.broadcasts()); n != 2 {
			t.Errorf("%d transactions went out", n)
		}
	})
}

// TestAnEmergencyIsAskedWhereAReorganisationLeavesTheSafe: what used a nonce is gone, and nothing of the emergency stands there.
func TestAnEmergencyIsAskedWhereAReorganisationLeavesTheSafe(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.byHand(guardianSafe, foreign(7))
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.sent(1)
		r.chain.reorganise(1, true)
		r.until("it is asked at the nonce that came back", func() bool { return r.show(v.ID).Nonce == 7 })
		r.signAll(r.show(v.ID), alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

// TestOurOwnExecutionIsKnownWithoutLogs: its receipt tells.
func TestOurOwnExecutionIsKnownWithoutLogs(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.set(func(s *scripted) { s.hides = true })
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.sent(1)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		log, err := r.store.Events(v.ID)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(log, func(e governance.Recorded) bool { return e.Event.Type == governance.EventNonceUsed }) {
			t.Error("it was told that another transaction used the nonce")
		}
	})
}

// approve has an owner approve a hash on chain, in a block of its own.
func (r *rig) approve(owner common.Address, hash string) {
	r.chain.alter(func(w *world) {
		w.approved = map[approval]bool{{guardianSafe, owner, common.HexToHash(hash)}: true}
	})
}

// TestASignatureOutlastsAnApproval: whose approval a reorganisation took away can sign instead.
func TestASignatureOutlastsAnApproval(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.approve(addressOf(alice), v.SafeTxHash)
		r.until("the approval is seen", func() bool { return len(r.show(v.ID).Confirmations) == 1 })
		r.chain.reorganise(1, true)
		done, err := r.confirm(alice, v.ID, common.HexToHash(v.SafeTxHash))
		if err != nil || !done.New {
			t.Fatalf("her signature is new: %v, %v", done.New, err)
		}
		if again, err := r.confirm(alice, v.ID, common.HexToHash(v.SafeTxHash)); err != nil || again.New || len(again.View.Confirmations) != 1 {
			t.Errorf("the same again: %v, %v, %+v", again.New, err, again.View.Confirmations)
		}
		r.sign(v, v.SafeTxHash, bob)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestAPauseThatRevertedIsSentWithWhatHolds: an approval that was counted blindly is gone, and there are enough others.
func TestAPauseThatRevertedIsSentWithWhatHolds(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.approve(addressOf(bob), v.SafeTxHash)
		r.until("the approval is seen", func() bool { return len(r.show(v.ID).Confirmations) == 1 })
		r.chain.set(func(s *scripted) { s.down = true })
		r.chain.reorganise(1, true)
		r.sign(v, v.SafeTxHash, alice)
		r.sent(1)
		r.chain.mine()
		r.sign(v, v.SafeTxHash, carol)
		r.pass(time.Second)
		r.chain.set(func(s *scripted) { s.down = false })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

// TestAnExecutionThatNobodyCouldJudgeIsHeardAgain: the providers tell of it, but not what it did. Nothing else is watched then, and
// where the process ends before they do, the next one hears of it.
func TestAnExecutionThatNobodyCouldJudgeIsHeardAgain(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(map[bool]string{false: "while running", true: "after a restart"}[restarted], func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.setLtv("4000")
				tx := r.stored(v.ID).SafeTxs[0].Tx
				r.pass(21 * time.Minute)
				r.until("it is expired", r.is(v.ID, governance.StateExpired))
				r.chain.set(func(s *scripted) { s.fails["Receipt"] = errDown })
				r.chain.byHand(guardianSafe, execution(tx, common.HexToHash(v.SafeTxHash), alice, bob))
				r.chain.mine()
				r.pass(5 * time.Second)
				if restarted {
					r.stop()
				}
				r.chain.set(func(s *scripted) { delete(s.fails, "Receipt") })
				if restarted {
					r.start()
				}
				r.ends(v.ID, governance.StateExecuted, "ltv 4000")
			})
		})
	}
}

// TestWhatRevertedIsNotSignedAgainWhileItIsHeldBack: an objection that comes after the first try counts for the second.
func TestWhatRevertedIsNotSignedAgainWhileItIsHeldBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		r.chain.alter(func(w *world) { w.frozen = true })
		r.chain.mine() // it reverts
		if _, err := r.states(carol, v.ID, governance.ActionObject, "not now"); err != nil {
			t.Fatal(err)
		}
		r.until("it is held back", r.heldFor(v.ID, "carol objects"))
		r.chain.alter(func(w *world) { w.frozen = false })
		for range 3 {
			r.chain.mine()
			r.pass(12 * time.Second)
		}
		if n := len(r.broadcasts()); n != 1 {
			t.Errorf("%d transactions went out", n)
		}
		r.pass(2 * time.Second)
		if _, err := r.states(carol, v.ID, governance.ActionLift, ""); err != nil {
			t.Fatal(err)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestWhatAWalletSignedOnceOpensOneProposal, although it is sent again by whoever kept it when that one was taken down.
func TestWhatAWalletSignedOnceOpensOneProposal(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		for _, in := range []Intent{{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, {Playbook: VoidPlaybook, Params: map[string]string{"proposal": r.setLtv("4000").ID}}} {
			send := func() Proposed {
				data, err := r.c.IntentData(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				sig, at := r.wallet(alice, data)
				made, err := r.c.ProposeSigned(t.Context(), in, at, sig)
				if err != nil || made.Joined {
					t.Fatalf("%s: %+v %v", in.Playbook, made, err)
				}
				if _, err := r.c.Withdraw(t.Context(), made.View.ID, "alice"); err != nil {
					t.Fatal(err)
				}
				again, err := r.c.ProposeSigned(t.Context(), in, at, sig)
				if err != nil || !again.Joined || again.View.ID != made.View.ID || again.View.State != governance.StateCanceled {
					t.Errorf("%s sent again opens %s, %s: %v", in.Playbook, again.View.ID, again.View.State, err)
				}
				return made
			}
			first := send()
			r.pass(2 * time.Second)
			if second := send(); second.View.ID == first.View.ID {
				t.Errorf("%s signed anew opens nothing", in.Playbook)
			}
		}
	})
}

// TestTheFirstIsNotSentWhereItsSpareIsMined: the Safe moves to the nonce of the first by the spare that did it.
func TestTheFirstIsNotSentWhereItsSpareIsMined(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.pause("usdc") // nobody signs it, so that the next one stands behind it
		v := r.pause("weth")
		r.signAll(v, alice, bob)
		r.sent(1)
		r.chain.set(func(s *scripted) { s.fails["Receipt"] = errDown })
		r.chain.mine()
		r.pass(turnPatience / 2)
		r.chain.set(func(s *scripted) { delete(s.fails, "Receipt") })
		r.ends(v.ID, governance.StateExecuted, "pause weth true")
		if n := len(r.broadcasts()); n != 1 {
			t.Errorf("%d transactions went out", n)
		}
	})
}
