package coordinator

import (
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

func TestAnyoneMayExecuteWhatWasSigned(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		hash := common.HexToHash(v.SafeTxHash)
		tx := r.stored(v.ID).SafeTxs[0].Tx
		hand := r.chain.byHand(guardianSafe, execution(tx, hash, alice, bob)) // signed elsewhere: we never saw a signature
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		if e := r.effect(v.ID); e.TxHash != hand || e.Ours {
			t.Errorf("the effect is told as %+v", e)
		}
		if len(r.broadcasts()) != 0 {
			t.Error("we sent something too")
		}
	})
}

func TestARivalOfOursOnTheChainEndsOurSubmission(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		ready, err := r.c.Execution(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		r.chain.byHand(ready.To, ready.Data)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		r.chain.alter(func(w *world) { w.nonces[addressOf(routineKey)]++ }) // its relayer nonce goes elsewhere
		r.chain.mine()
		r.pass(5 * time.Second)
		if s := r.submissions(v.ID)[0]; s.State != governance.SubmissionMoot {
			t.Errorf("our submission is %s: %s", s.State, s.Problem)
		}
	})
}

func TestAnExecutionOfWhatHadEndedIsTold(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(map[bool]string{false: "while running", true: "while nobody ran"}[restarted], func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.setLtv("4000")
				tx := r.stored(v.ID).SafeTxs[0].Tx
				r.pass(21 * time.Minute)
				if s := r.stored(v.ID).State; s != governance.StateExpired {
					t.Fatalf("it is %s", s)
				}
				if restarted {
					r.stop()
				}
				r.chain.byHand(guardianSafe, execution(tx, common.HexToHash(v.SafeTxHash), alice, bob))
				if restarted {
					r.start()
				}
				r.ends(v.ID, governance.StateExecuted, "ltv 4000")
				if why := r.stored(v.ID).EndReason; !strings.Contains(why, "after it had ended as expired") {
					t.Errorf("it ended because %q", why)
				}
			})
		})
	}
}

func TestARoutineChangeIsSupersededOnlyWhenThatIsFinal(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		rival := r.chain.byHand(guardianSafe, foreign(7))
		r.pass(5 * time.Second)
		if s := r.stored(v.ID).State; s != governance.StateProposed {
			t.Fatalf("%s at the first sight", s)
		}
		r.chain.mine()
		r.until("it is superseded", r.is(v.ID, governance.StateSuperseded))
		if why := r.stored(v.ID).EndReason; !strings.Contains(why, rival.Hex()) {
			t.Errorf("superseded by %q, want %s", why, rival)
		}
	})
}

func TestANonceThatAReorganisationGivesBackIsNotLost(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.chain.byHand(guardianSafe, foreign(7))
		r.pass(5 * time.Second)
		r.chain.reorganise(1, true)
		r.pass(5 * time.Second)
		r.sign(v, v.SafeTxHash, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAnEmergencyThatLosesItsNonceMovesToItsSpare(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.sign(v, v.SafeTxs[1].SafeTxHash, alice, bob)
		r.sign(v, v.SafeTxHash, alice)
		r.chain.byHand(guardianSafe, foreign(7))
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		if p := r.stored(v.ID); len(p.SafeTxs) != 2 || p.SafeTxs[0].State != governance.TxDead {
			t.Errorf("the SafeTxs are %+v", p.SafeTxs)
		}
	})
}

func TestAnEmergencyWithoutASpareIsAskedAgainAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "pause-both"})
		r.signAll(v, alice)
		rival := r.chain.byHand(guardianSafe, foreign(7))
		r.until("it is asked again", func() bool { return r.show(v.ID).Nonce == 8 })
		again := r.show(v.ID)
		if again.State != governance.StateProposed || len(again.Confirmations) != 0 || r.stored(v.ID).SafeTxs[0].UsedBy != rival {
			t.Errorf("%s with %d signatures, its nonce used by %s", again.State, len(again.Confirmations), r.stored(v.ID).SafeTxs[0].UsedBy)
		}
		_, err := r.confirm(bob, v.ID, common.HexToHash(v.SafeTxHash))
		refused(t, err, governance.CodeStaleHash, "nonce 7")
		r.signAll(again, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true", "pause weth true")
	})
}

// TestAnEmergencyMovesOnAlsoWhenNoLogTellsWhy: logs can be left out without a trace (helios #174), so that what did not happen is never
// concluded from them: the Safe's nonce tells.
func TestAnEmergencyMovesOnAlsoWhenNoLogTellsWhy(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "pause-both"})
		r.chain.set(func(s *scripted) { s.fails["Logs"] = errDown; s.hides = true })
		r.chain.byHand(guardianSafe, foreign(7))
		r.until("it is asked again", func() bool { return r.show(v.ID).Nonce == 8 })
	})
}

// TestHiddenLogsDoNotHideOurOwnExecution (helios #174): its receipt and its effect tell.
func TestHiddenLogsDoNotHideOurOwnExecution(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.chain.set(func(s *scripted) { s.hides = true })
		r.sign(v, v.SafeTxHash, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAnInventedLogMovesNothingAndHoldsUpNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		lie := safe.Log{Address: guardianSafe, Topics: []common.Hash{safe.TopicExecutionSuccess, common.HexToHash(v.SafeTxHash)}, Data: make([]byte, 32), TxHash: common.HexToHash("0x1e")}
		r.chain.set(func(s *scripted) {
			s.head().receipts = append(s.head().receipts, &safe.Receipt{TxHash: common.HexToHash("0xaa"), Block: s.head().Block, Succeeded: true, Logs: []safe.Log{lie}})
			s.fails["Receipt"] = errDown // the providers do not agree on it either
		})
		r.chain.mine()
		r.pass(10 * time.Second)
		if s := r.stored(v.ID).State; s != governance.StateProposed {
			t.Errorf("it is %s", s)
		}
		cursor, err := r.store.Cursor("test")
		if head := r.chain.head().Block; err != nil || cursor.Block != head {
			t.Errorf("watched up to %d of %d: %v", cursor.Block.Number, head.Number, err)
		}
	})
}

func TestAReorganisationTakesAMinedPauseBackAndItIsSentAgain(t *testing.T) {
	for name, lost := range map[string]bool{"the pool keeps it": false, "the pool forgets it": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.pause("usdc")
				r.signAll(v, alice, bob)
				r.sent(1)
				r.chain.mine()
				r.until("it is mined", func() bool { return r.effect(v.ID) != nil })
				r.chain.reorganise(1, lost)
				r.until("it is told", func() bool { return r.effect(v.ID) == nil })
				if p := r.stored(v.ID); p.State != governance.StateApproved || len(p.Postconditions) != 0 {
					t.Errorf("%s with %+v", p.State, p.Postconditions)
				}
				r.ends(v.ID, governance.StateExecuted, "pause usdc true")
			})
		})
	}
}

func TestAReorganisationBeyondTheDepthTakesAnExecutionBack(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		t.Run(map[bool]string{false: "while running", true: "across a restart"}[restarted], func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.pause("usdc")
				r.signAll(v, alice, bob)
				r.ends(v.ID, governance.StateExecuted, "pause usdc true")
				depth := len(r.chain.blocks) - int(r.effect(v.ID).Block.Number)
				if restarted {
					r.stop()
				}
				r.chain.reorganise(depth, true)
				if restarted {
					r.start()
				}
				r.until("it falls back", func() bool { return !r.stored(v.ID).State.Ended() })
				r.ends(v.ID, governance.StateExecuted, "pause usdc true")
			})
		})
	}
}

func TestADepthOfTheChainsOwnFinality(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.configure(func(c *ChainConfig) { c.Confirmations = 0 })
		r.chain.final = 0
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.sent(1)
		for range 10 {
			r.chain.mine()
			r.pass(12 * time.Second)
		}
		if p := r.stored(v.ID); p.State != governance.StateApproved || p.Effect() == nil {
			t.Fatalf("%s before finality", p.State)
		}
		r.chain.set(func(s *scripted) { s.finality = s.head().Number })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestAChangeWithoutEffectIsIneffective(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("7777")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.ends(v.ID, governance.StateIneffective, "ltv 7777")
		if status := r.show(v.ID).Status; !strings.HasPrefix(status, "EXECUTED WITHOUT EFFECT") {
			t.Errorf("the card says %q", status)
		}
	})
}

func TestAfterAnOutageEverythingIsCaughtUp(t *testing.T) {
	for name, blocks := range map[string]int{"of a minute": 5, "of a day": 7200} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.setLtv("4000")
				waiting := r.setLtv("4100")
				r.stop()
				tx := r.stored(v.ID).SafeTxs[0].Tx
				r.chain.byHand(guardianSafe, execution(tx, common.HexToHash(v.SafeTxHash), alice, bob))
				for range blocks {
					r.chain.alter(func(*world) {})
				}
				r.start()
				r.until("it is caught up", func() bool { return r.stored(v.ID).State == governance.StateExecuted })
				r.until("the head is observed", func() bool { return r.stored(waiting.ID).SafeNonce == 8 })
			})
		})
	}
}

func TestAnRPCOutageStopsNothingForGood(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice)
		r.chain.set(func(s *scripted) { s.down = true })
		r.pass(time.Minute)
		r.sign(v, v.SafeTxHash, bob)
		r.pass(time.Minute)
		if len(r.broadcasts()) != 0 {
			t.Error("a routine change went out although nobody agrees on anything")
		}
		r.chain.set(func(s *scripted) { s.down = false })
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestOneProposalThatCannotBeObservedHoldsUpNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		wrong := r.propose(Intent{Playbook: "pause-wrong", Params: map[string]string{"asset": "usdc"}, Force: true})
		r.chain.alter(func(w *world) { delete(w.safes, otherSafe) }) // that Safe cannot be read any more
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		if s := r.stored(wrong.ID).State; s != governance.StateProposed {
			t.Errorf("the other is %s", s)
		}
	})
}

func TestAChainWithNothingToDoIsLeftAlone(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.pass(time.Minute)
		before := r.chain.called("Head")
		r.pass(10 * time.Minute)
		if n := r.chain.called("Head") - before; n != 0 {
			t.Errorf("asked for the head %d times with nothing to look after", n)
		}
		r.setLtv("4000")
		r.pass(time.Minute)
		before = r.chain.called("Read")
		r.pass(10 * time.Minute)
		if n := r.chain.called("Read") - before; n != 0 {
			t.Errorf("read %d times on a head that stands still", n)
		}
	})
}

func TestTheLeadIsTakenAwayFromTheOlderOne(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		old, ended := r.c, r.halt
		v := r.pause("usdc")
		var err error
		if r.c, err = New(r.cfg); err != nil {
			t.Fatal(err)
		}
		r.run(r.c)
		if err := ended(); err == nil || !strings.Contains(err.Error(), governance.ErrFenced.Error()) {
			t.Errorf("the older one ended with %v", err)
		}
		_, err = old.Object(t.Context(), v.ID, "alice", "no")
		refused(t, err, governance.CodeNotRecorded)
		if _, err := r.c.Object(t.Context(), v.ID, "alice", "no"); err != nil {
			t.Error(err)
		}
	})
}

// TestAPauseOutlivesAnUpgradeOfTheSafe: signed by the old rule it can never be executed; it is asked again by the new one.
func TestAPauseOutlivesAnUpgradeOfTheSafe(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.set(func(s *scripted) { s.head().world.version = safe.V1_1_1 })
		r.start()
		v, other := r.pause("usdc"), r.setLtv("4000")
		r.signAll(v, alice)
		r.chain.set(func(s *scripted) { s.head().world.version = safe.V1_4_1 })
		r.blocks("it is asked again", func() bool { p := r.stored(v.ID); return len(p.SafeTxs) > len(v.SafeTxs) })
		again := r.show(v.ID)
		if again.Safe.Version != "1.4.1" || again.SafeTx.SafeTxGas != "0" || again.SafeTxHash == v.SafeTxHash {
			t.Errorf("asked again as %+v on a Safe %s", again.SafeTx, again.Safe.Version)
		}
		if got := r.show(other.ID); got.State != governance.StateSuperseded {
			t.Errorf("the parameter change is %s", got.State)
		}
		_, err := r.confirm(bob, v.ID, common.HexToHash(v.SafeTxHash))
		refused(t, err, governance.CodeStaleHash, "upgraded")
		r.signAll(again, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}
