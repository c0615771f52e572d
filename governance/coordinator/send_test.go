package coordinator

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

func decoded(raw string) *types.Transaction {
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary([]byte(raw)); err != nil {
		panic(err)
	}
	return tx
}

func (r *rig) submissions(id string) []governance.Submission {
	r.t.Helper()
	list, err := r.store.SubmissionsOf(id)
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}

func TestTheBytesAreStoredBeforeTheFirstOfThemLeaves(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.onSend = func(raw []byte) {
			open, err := r.store.Submissions()
			if err != nil {
				t.Error(err)
			}
			if !slices.ContainsFunc(open, func(s governance.Submission) bool {
				return slices.ContainsFunc(s.Attempts, func(a governance.Attempt) bool { return bytes.Equal(a.Raw, raw) })
			}) {
				t.Error("bytes left that are not stored")
			}
		}
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.sent(1)
		r.pass(30 * time.Second)
		for range 5 { // replacements too
			r.chain.set(func(s *scripted) { clear(s.pool) })
			r.chain.mine()
			r.pass(3 * time.Second)
		}
		if n := len(r.broadcasts()); n < 3 {
			t.Errorf("%d different transactions, want replacements", n)
		}
	})
}

func TestAQuorumMakesOneSubmissionHoweverManySign(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice, bob, carol)
		r.sent(1)
		r.pass(10 * time.Second)
		if n, s := len(r.broadcasts()), r.submissions(v.ID); n != 1 || len(s) != 1 {
			t.Errorf("%d transactions, submissions %+v", n, s)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		if s := r.submissions(v.ID)[0].State; s != governance.SubmissionFinal {
			t.Errorf("the submission is %s", s)
		}
	})
}

func TestEachLaneHasItsKeyAndItsPrice(t *testing.T) {
	for playbook, want := range map[string]common.Address{"set-ltv": addressOf(routineKey), "pause": addressOf(emergencyKey)} {
		t.Run(playbook, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.start()
				params := map[string]string{"asset": "usdc"}
				if playbook != "pause" {
					params["ltv"] = "4000"
				}
				v := r.propose(Intent{Playbook: playbook, Params: params})
				r.signAll(v, alice, bob)
				r.sent(1)
				tx := decoded(r.broadcasts()[0])
				from, _ := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx)
				if from != want {
					t.Errorf("sent by %s, want %s", from, want)
				}
				if least := uint64(3 * baseFee); playbook == "pause" && tx.GasFeeCap().Uint64() < least {
					t.Errorf("an emergency bids %d", tx.GasFeeCap())
				}
			})
		})
	}
}

func TestARelayerWithoutMoneyIsToldAndGoesOnWhenFunded(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.alter(func(w *world) { w.balances = map[common.Address]uint256.Int{} })
		r.pass(marketLife) // what the draft found out is not trusted any more
		r.signAll(v, alice, bob)
		r.until("the card says so", func() bool { return noted(r.show(v.ID), "The relayer cannot go on") })
		cards, _ := r.desk.count()
		r.pass(10 * time.Second)
		if again, _ := r.desk.count(); again > cards+1 {
			t.Errorf("the card was brought up to date %d times for one problem", again-cards)
		}
		if len(r.broadcasts()) != 0 {
			t.Error("something was sent")
		}
		r.chain.alter(func(w *world) { w.balances = genesis().balances })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		if noted(r.show(v.ID), "cannot go on") {
			t.Errorf("the card still says %q", r.show(v.ID).Notes)
		}
	})
}

func TestARelayerIsFundedWhileNoBlockComes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.chain.set(func(s *scripted) { s.head().world.balances = map[common.Address]uint256.Int{} })
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.until("the card says so", func() bool { return noted(r.show(v.ID), "The relayer cannot go on") })
		r.chain.set(func(s *scripted) { s.head().world.balances = genesis().balances })
		r.pass(10 * time.Second)
		if n := len(r.broadcasts()); n != 1 {
			t.Errorf("%d transactions were sent within ten seconds of the money", n)
		}
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestAProblemReachesTheCard(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.alter(func(w *world) { w.balances = map[common.Address]uint256.Int{} })
		r.pass(marketLife)
		told := make(chan struct{}, 100)
		r.desk.set(func(d *desk) {
			d.onCard = func(governance.Duty) {
				if s, _ := r.store.SubmissionsOf(v.ID); len(s) > 0 && s[0].State == governance.SubmissionHeld {
					told <- struct{}{}
				}
			}
		})
		r.signAll(v, alice, bob)
		r.until("a card is drawn that knows of it", func() bool { return len(told) > 0 })
	})
}

func TestNobodyTakesTheBytes(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.fails["Broadcast"] = errDown })
		r.signAll(v, alice, bob)
		r.pass(15 * time.Second)
		if notes := r.show(v.ID).Notes; noted(r.show(v.ID), "no provider takes") {
			t.Errorf("told after 15 s already: %q", notes)
		}
		r.pass(10 * time.Second)
		if !noted(r.show(v.ID), "no provider takes the transaction") {
			t.Errorf("25 s after quorum the card says %q", r.show(v.ID).Notes)
		}
		r.chain.set(func(s *scripted) { delete(s.fails, "Broadcast") })
		r.sent(1)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

// TestNobodyIsPaidMoreForWhatNobodyTakes: a bid that climbs while no provider takes the bytes is paid in full in the end.
func TestNobodyIsPaidMoreForWhatNobodyTakes(t *testing.T) {
	for name, row := range map[string]struct {
		fault error
		climb bool
	}{"they refuse to send": {errDown, false}, "they find the fee too low": {errUnderpriced, true}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.pause("usdc")
				r.chain.set(func(s *scripted) { s.fails["Broadcast"] = row.fault })
				r.signAll(v, alice, bob)
				for range 10 {
					r.chain.mine()
					r.pass(slot)
				}
				open, err := r.store.SubmissionsOf(v.ID)
				if err != nil || len(open) != 1 {
					t.Fatalf("%d submissions, %v", len(open), err)
				}
				if n := len(open[0].Attempts); n > 1 != row.climb {
					t.Errorf("signed %d times while nobody took it", n)
				}
				r.chain.set(func(s *scripted) { delete(s.fails, "Broadcast") })
				r.ends(v.ID, governance.StateExecuted, "pause usdc true")
			})
		})
	}
}

// TestAcceptedIsNotPropagated: optimism #5301 and #16310, where a provider said "already known" for days and no block ever had it.
func TestAcceptedIsNotPropagated(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		r.pass(5 * time.Second)
		var first, again int
		r.chain.set(func(s *scripted) { first = len(s.sent) })
		r.pass(30 * time.Second)
		r.chain.set(func(s *scripted) { s.deaf, again = false, len(s.sent) })
		if again == first || again > first+4 {
			t.Errorf("on a standing head the bytes went out %d times in 30 s, then %d", first, again)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAnEmergencyIsReplacedOnEveryBlock(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		for range 3 {
			r.chain.mine()
			r.pass(3 * time.Second)
		}
		sent := r.broadcasts()
		if len(sent) < 3 {
			t.Fatalf("%d different transactions after 3 blocks", len(sent))
		}
		for _, raw := range sent {
			if n := decoded(raw).Nonce(); n != 0 {
				t.Errorf("a replacement has relayer nonce %d", n)
			}
		}
		r.chain.set(func(s *scripted) { s.deaf = false })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

// TestWhatAnEarlierBelaySentIsReplacedToo: its submissions do not say which bytes a provider took.
func TestWhatAnEarlierBelaySentIsReplacedToo(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		r.pass(time.Second)
		r.stop()
		earlier := r.submissions(v.ID)[0]
		earlier.Attempts[0].Taken = false
		if _, err := r.store.Commit(t.Context(), governance.Record{Submissions: []governance.Submission{earlier}}); err != nil {
			t.Fatal(err)
		}
		r.start()
		for range 3 {
			r.chain.mine()
			r.pass(3 * time.Second)
		}
		if n := len(r.broadcasts()); n < 2 {
			t.Errorf("%d different transactions after 3 blocks", n)
		}
		r.chain.set(func(s *scripted) { s.deaf = false })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestARelayerNonceUsedElsewhereIsTakenAnew(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		r.chain.alter(func(w *world) { w.nonces[addressOf(emergencyKey)] = 5 })
		r.chain.set(func(s *scripted) { s.deaf = false })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		if n := decoded(string(r.submissions(v.ID)[0].Attempts[0].Raw)).Nonce(); n != 5 {
			t.Errorf("sent anew with nonce %d", n)
		}
	})
}

func TestAStalePreparationCostsATryAndNoPause(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice)
		r.pass(5 * time.Second)
		r.chain.set(func(s *scripted) { s.fails["Head"] = errDown }) // what was prepared is all that is known
		r.chain.alter(func(w *world) { w.nonces[addressOf(emergencyKey)] = 1 })
		r.sign(v, v.SafeTxHash, bob)
		r.sent(1)
		r.chain.set(func(s *scripted) { delete(s.fails, "Head") })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestARoutineChangeWaitsForItsTurn(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		first, second := r.setLtv("4000"), r.setLtv("4100")
		r.sign(second, second.SafeTxHash, alice, bob)
		r.pass(time.Minute)
		if n := len(r.broadcasts()); n != 0 {
			t.Fatalf("%d transactions went out before their turn", n)
		}
		if !noted(r.show(second.ID), "It waits: the Safe is at nonce 7, this uses nonce 8") {
			t.Errorf("notes %q", r.show(second.ID).Notes)
		}
		r.sign(first, first.SafeTxHash, alice, bob)
		r.ends(second.ID, governance.StateExecuted, "ltv 4000", "ltv 4100")
	})
}

func TestARoutineChangeYieldsToAnOpenEmergency(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		change := r.setLtv("4000")
		pause := r.pause("usdc")
		r.sign(change, change.SafeTxHash, alice, bob)
		r.pass(30 * time.Second)
		if n := len(r.broadcasts()); n != 0 {
			t.Fatalf("the change went out on the emergency's nonce")
		}
		r.signAll(pause, alice, bob)
		r.ends(pause.ID, governance.StateExecuted, "pause usdc true")
		r.blocks("the change is superseded", r.is(change.ID, governance.StateSuperseded))
		if why := r.stored(change.ID).EndReason; !strings.Contains(why, decoded(r.broadcasts()[0]).Hash().Hex()) {
			t.Errorf("superseded because %q", why)
		}
	})
}

func TestTwoEmergenciesDoNotWaitForEachOther(t *testing.T) {
	for name, first := range map[string]int{"the first is signed first": 0, "the second is signed first": 1} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				both := []governance.View{r.pause("usdc"), r.pause("weth")}
				deeds := []string{"pause usdc true", "pause weth true"}
				r.signAll(both[first], alice, bob)
				r.ends(both[first].ID, governance.StateExecuted, deeds[first])
				r.signAll(r.show(both[1-first].ID), alice, bob)
				r.ends(both[1-first].ID, governance.StateExecuted, deeds[first], deeds[1-first])
			})
		})
	}
}

func TestASpareThatWentFirstAndLostItsNonceIsFollowedByTheActiveOne(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.pause("usdc")
		v := r.pause("weth") // at nonce 8, with a spare at 7
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		r.chain.byHand(guardianSafe, foreign(7))
		r.chain.set(func(s *scripted) { s.deaf = false })
		r.ends(v.ID, governance.StateExecuted, "pause weth true")
	})
}

func TestAnUnsignedEmergencyHoldsBackNone(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.pause("usdc") // by a stolen chat account, say; nobody signs it
		v := r.pause("weth")
		if v.Nonce != 8 {
			t.Fatalf("nonce %d", v.Nonce)
		}
		r.signAll(v, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause weth true")
	})
}

func TestAnEmergencyBehindItsTurnIsSentAfterAWhileAllTheSame(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.pause("usdc")
		v := r.pause("weth")
		r.sign(v, v.SafeTxHash, alice, bob) // and no spare: only nonce 8
		r.pass(10 * time.Second)
		if len(r.broadcasts()) != 0 {
			t.Error("sent although every provider says that it is not its turn")
		}
		r.pass(15 * time.Second)
		if n := len(r.broadcasts()); n != 1 {
			t.Errorf("%d transactions: a reading holds back what a quorum signed", n)
		}
		r.chain.byHand(guardianSafe, foreign(7))
		r.ends(v.ID, governance.StateExecuted, "pause weth true")
	})
}

func TestOnTheWordOnly(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "manual-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		r.sign(v, v.SafeTxHash, alice, bob)
		r.pass(time.Minute)
		if len(r.broadcasts()) != 0 {
			t.Fatal("sent before the word")
		}
		if _, err := r.c.Release(t.Context(), v.ID, "alice"); err != nil {
			t.Fatal(err)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAfterAWhile(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "later-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		r.sign(v, v.SafeTxHash, alice, bob)
		r.pass(9 * time.Minute)
		if len(r.broadcasts()) != 0 {
			t.Fatal("sent too early")
		}
		r.pass(2 * time.Minute)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestWhatItsPeopleTookDownIsNotSentAnyMore(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		for _, member := range []string{"alice", "bob"} {
			if _, err := r.c.Withdraw(t.Context(), v.ID, member); err != nil {
				t.Fatal(err)
			}
		}
		before := len(r.chain.sent)
		for range 5 {
			r.chain.mine()
			r.pass(12 * time.Second)
		}
		if n := len(r.chain.sent); n != before {
			t.Errorf("sent %d times after it was withdrawn", n-before)
		}
		if !noted(r.show(v.ID), "LOADED") {
			t.Errorf("nobody is told that the signatures still work: %q", r.show(v.ID).Notes)
		}
	})
}

func TestTheDaysBudgetHoldsTheRoutineLaneOnly(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.configure(func(c *ChainConfig) { c.Fees.DailyBudget = *uint256.NewInt(1000) })
		r.start()
		change := r.setLtv("4000")
		r.sign(change, change.SafeTxHash, alice, bob)
		r.until("the card says so", func() bool { return noted(r.show(change.ID), "budget") })
		pause := r.pause("weth")
		r.signAll(pause, alice, bob)
		r.ends(pause.ID, governance.StateExecuted, "pause weth true")
	})
}

// TestARevertThatIsMinedIsSimulatedBeforeAnotherIsPaidFor: safe-relay-service #226, where a failed transaction kept its nonce from all others.
func TestARevertThatIsMinedIsSimulatedBeforeAnotherIsPaidFor(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		r.chain.set(func(s *scripted) { // the target changed its mind: the call reverts from now on
			s.deaf = false
			s.head().world.frozen = true
		})
		for range 6 {
			r.pass(12 * time.Second)
			r.chain.mine()
		}
		mined := 0
		r.chain.set(func(s *scripted) {
			for _, b := range s.blocks {
				mined += len(b.txs)
			}
		})
		if mined != 1 {
			t.Errorf("%d transactions were paid for", mined)
		}
		if got := r.chain.deeds(); len(got) != 0 {
			t.Errorf("the market felt %q", got)
		}
	})
}

// TestWhatWouldRevertIsSentToNobodysWallet: the relayer is not to blame, and a wallet would pay for nothing.
func TestWhatWouldRevertIsSentToNobodysWallet(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.chain.alter(func(w *world) { w.frozen = true })
		r.pass(marketLife) // what the draft found out is not trusted any more
		r.sign(v, v.SafeTxHash, alice, bob)
		const told = "It would revert now, whoever sends it: execution reverted: caller is not the guardian. Spend no gas on it"
		r.until("the card says so", func() bool { return noted(r.show(v.ID), told) })
		if got := r.show(v.ID); got.Status != "Quorum reached, NOT SENT: it would revert" || got.Stuck {
			t.Errorf("%q, stuck %t", got.Status, got.Stuck)
		}
		r.chain.alter(func(w *world) { w.frozen = false })
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAQuorumThatIsLostAndWonAnewIsSentWithItsNewSignatures(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		old := r.broadcasts()[0]
		r.chain.alter(func(w *world) {
			one := w.safes[guardianSafe]
			one.owners = slices.DeleteFunc(slices.Clone(one.owners), func(a common.Address) bool { return a == addressOf(alice) })
			w.safes[guardianSafe] = one
		})
		r.until("the quorum is gone", r.is(v.ID, governance.StateProposed))
		n := len(r.broadcasts())
		r.pass(time.Minute)
		if again := len(r.broadcasts()) - n; again > 1 { // one may have been on its way
			t.Errorf("bytes that the Safe refuses were sent %d times more", again)
		}
		r.chain.set(func(s *scripted) { s.deaf = false })
		r.signAll(v, carol)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		last := r.broadcasts()[len(r.broadcasts())-1]
		if old == last {
			t.Error("the old bytes went out again")
		}
		if s := r.submissions(v.ID); len(s) != 1 || s[0].State != governance.SubmissionFinal {
			t.Errorf("submissions %+v", s)
		}
	})
}

// TestASpareThatIsSignedLaterIsSentAtOnce: two pauses side by side. Nobody signs the first, and the second stands at the nonce behind
// it; once its spare at the Safe's own nonce is signed, it waits for nobody, whatever was sent too early.
func TestASpareThatIsSignedLaterIsSentAtOnce(t *testing.T) {
	for name, wait := range map[string]time.Duration{"at once": 0, "after the one behind was sent in vain": 2 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				r.pause("weth")
				v := r.pause("usdc") // at nonce 8, with a spare at 7
				r.sign(v, v.SafeTxHash, alice, bob)
				if got := r.show(v.ID).Status; got != "Quorum reached at nonce 8, which waits: the Safe is at nonce 7" {
					t.Errorf("status is %q", got)
				}
				for spent := time.Duration(0); spent < wait; spent += 12 * time.Second {
					r.chain.mine()
					r.pass(12 * time.Second)
				}
				for _, tx := range v.SafeTxs {
					if tx.Nonce == 7 {
						r.sign(v, tx.SafeTxHash, alice, bob)
					}
				}
				r.ends(v.ID, governance.StateExecuted, "pause usdc true")
			})
		})
	}
}

// TestWhatIsAlmostPreparedIsWaitedFor: where the last signatures come in one breath, nothing is asked for twice; and nobody waits for what
// hangs.
func TestWhatIsAlmostPreparedIsWaitedFor(t *testing.T) {
	for name, row := range map[string]struct {
		after     time.Duration
		estimates int
	}{"it is there soon": {almostPrepared - time.Millisecond, 0}, "it hangs": {time.Minute, 1}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.setLtv("4000")
				r.pass(2 * time.Second)
				id := submissionID(v.ID, governance.PurposeDirect, common.HexToHash(v.SafeTxHash))
				ready, _ := r.c.hints.market(id)
				r.c.hints.dropMarket(id)
				done := r.c.hints.preparing(id)
				go func() {
					time.Sleep(row.after)
					ready.at, ready.gas = time.Now(), 123_456
					r.c.hints.keepMarket(id, ready)
					done()
				}()
				before := r.chain.called("EstimateGas")
				m, err := r.c.market(t.Context(), r.cfg.Chains["test"], governance.Submission{ID: id, Proposal: v.ID, Chain: "test", To: guardianSafe})
				if prepared := err == nil && m.gas == 123_456; prepared != (row.estimates == 0) {
					t.Errorf("gas %d, %v", m.gas, err)
				}
				if n := r.chain.called("EstimateGas") - before; n != row.estimates {
					t.Errorf("gas was estimated %d times, want %d", n, row.estimates)
				}
				r.pass(time.Minute)
			})
		})
	}
}

// TestABlockThatIsMadeAtOnceIsSeenAtOnce: a chain that makes a block for what it is sent, and none after it.
func TestABlockThatIsMadeAtOnceIsSeenAtOnce(t *testing.T) {
	t.Run("by itself", func(t *testing.T) { seenAtOnce(t, func(*rig) {}) })
	t.Run("behind one that was being made already", func(t *testing.T) {
		seenAtOnce(t, func(r *rig) { r.chain.alter(func(*world) {}); r.pass(150 * time.Millisecond) })
	})
}

func seenAtOnce(t *testing.T, before func(*rig)) {
	bubble(t, func(t *testing.T, r *rig) {
		r.configure(oneDeep(r))
		r.start()
		v := r.setLtv("4000")
		r.chain.set(func(s *scripted) { s.fails["Follow"] = errDown }) // who follows the logs would see it a second later, too
		r.pass(2300 * time.Millisecond)
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		r.pass(50 * time.Millisecond)
		before(r)
		r.chain.mine()
		r.pass(250 * time.Millisecond)
		if s := r.show(v.ID).State; s != governance.StateExecuted {
			t.Errorf("it is %s a quarter of a second after its block", s)
		}
	})
}

// TestLookingOutForABlockHoldsUpNothing: slow providers are asked once.
func TestLookingOutForABlockHoldsUpNothing(t *testing.T) {
	for _, latency := range []time.Duration{0, 20 * time.Millisecond, 2 * time.Second} {
		bubble(t, func(t *testing.T, r *rig) {
			r.start()
			r.chain.set(func(s *scripted) { s.latency = latency })
			watch := &tending{Coordinator: r.c, chain: r.cfg.Chains["test"], seen: r.chain.head().Block}
			r.c.hints.expectBlock("test")
			began := time.Now()
			watch.lookOut(t.Context())
			if took := time.Since(began); took > latency+lookedOut {
				t.Errorf("with answers after %s it took %s", latency, took)
			}
			if watch.sighted == nil || watch.sighted.head != watch.seen {
				t.Errorf("the next look goes by %+v", watch.sighted)
			}
		})
	}
}

// TestARelayerNonceThatABlockTookSincePreparingIsNotUsedAgain: nothing is signed for nothing.
func TestARelayerNonceThatABlockTookSincePreparingIsNotUsedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.prepared()
		r.chain.alter(func(w *world) { w.nonces[addressOf(routineKey)] = 1 })
		r.sign(v, v.SafeTxHash, bob)
		r.sent(1)
		if nonce := decoded(r.broadcasts()[0]).Nonce(); nonce != 1 {
			t.Errorf("signed with relayer nonce %d", nonce)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestWhatWouldRevertByNowIsNotSentByWhatWasPreparedBefore: a routine change pays for no revert that the last look foresaw.
func TestWhatWouldRevertByNowIsNotSentByWhatWasPreparedBefore(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.prepared()
		r.chain.alter(func(w *world) { w.frozen = true })
		r.pass(2 * time.Second)
		r.sign(v, v.SafeTxHash, bob)
		r.pass(10 * time.Second)
		if n := len(r.broadcasts()); n != 0 {
			t.Errorf("%d transactions went out", n)
		}
	})
}

// TestAnExecutionThatIsToldOfLateIsFinalAtOnce: its block was looked at before, and there may be none after it for long.
func TestAnExecutionThatIsToldOfLateIsFinalAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.configure(oneDeep(r))
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.sent(1)
		r.stop()
		r.chain.mine()
		told := sightedExec{v.ID, common.HexToHash(v.SafeTxHash), decoded(r.broadcasts()[0]).Hash()}
		if err := r.c.takeExecution(t.Context(), r.cfg.Chains["test"], safe.Block{}, told); err != nil {
			t.Fatal(err)
		}
		if p := r.stored(v.ID); len(p.Transactions) != 1 || p.Transactions[0].Status != governance.TxStatusFinal {
			t.Errorf("its transactions are %+v", p.Transactions)
		}
	})
}
