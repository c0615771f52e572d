package coordinator

import (
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// queued brings a slow change into the timelock.
func (r *rig) queued() governance.View {
	r.t.Helper()
	v := r.propose(Intent{Playbook: "slow-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
	r.sign(v, v.SafeTxHash, alice, bob)
	r.blocks("it is queued", r.is(v.ID, governance.StateQueued))
	return r.show(v.ID)
}

func (r *rig) opens(id string) uint64 { return r.stored(id).Timelock.OpensAt }

func TestATimelockIsWaitedOutByChainTime(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		if v.Timelock == nil || v.Timelock.State != governance.OperationWaiting || v.Timelock.OpensAt == nil {
			t.Fatalf("queued with %+v", v.Timelock)
		}
		r.chain.mineAt(r.opens(v.ID) - 1)
		r.pass(2 * time.Minute) // wall time opens nothing
		if s := r.stored(v.ID).State; s != governance.StateQueued {
			t.Fatalf("%s one second before the window", s)
		}
		r.chain.mineAt(r.opens(v.ID))
		r.until("the window is open", r.is(v.ID, governance.StateReady))
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		p := r.stored(v.ID)
		if e := p.Effect(); e == nil || e.Role != governance.PurposeExecute || !e.Ours {
			t.Errorf("the effect is %+v", e)
		}
	})
}

func TestAWindowOpensOnAChainThatStandsStill(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		r.chain.set(func(s *scripted) { s.pending = r.opens(v.ID) + 5 })
		r.until("the window is open", r.is(v.ID, governance.StateReady))
	})
}

// TestAPauseGoesByTheNewestNonceWhileOnlyOperationsWait: nothing else of the Safe is open, strangers use its nonces, and then the providers
// disagree while the freshest of them lags. The last agreed nonce counts.
func TestAPauseGoesByTheNewestNonceWhileOnlyOperationsWait(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		r.blocks("its schedule is final", func() bool { return r.stored(v.ID).SafeTxs[0].State == governance.TxFinal })
		r.chain.alter(func(w *world) {
			used := w.safes[guardianSafe]
			used.nonce = 13
			w.safes[guardianSafe] = used
		})
		r.pass(slot)
		r.chain.set(func(s *scripted) { s.down = true; s.lie = func(st *safe.State) { st.Nonce = 9 } })
		if first := r.stored(r.pause("usdc").ID).SafeTxs[0]; first.Tx.Nonce < 13 {
			t.Errorf("the pause is asked for at nonce %d, which is gone", first.Tx.Nonce)
		}
	})
}

func TestSomeoneElseMayRunTheOperation(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		op := r.stored(v.ID).Timelock
		r.stop()
		r.chain.mineAt(op.OpensAt)
		hand := r.chain.byHand(op.Execute.To, op.Execute.Data)
		r.start()
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		if e := r.effect(v.ID); e.TxHash != hand || e.Ours {
			t.Errorf("the effect is %+v", e)
		}
	})
}

func TestALogThatNamesAnotherTransactionIsNotBelieved(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		op := r.stored(v.ID).Timelock
		r.stop()
		r.chain.mineAt(op.OpensAt)
		hand := r.chain.byHand(op.Execute.To, op.Execute.Data)
		r.chain.set(func(s *scripted) { // one provider says that an innocent transaction did it
			innocent := &safe.Receipt{TxHash: common.HexToHash("0x99"), Block: s.head().Block, Succeeded: true}
			lie := opLog("CallExecuted(bytes32,uint256,address,uint256,bytes)", op.ID, true)
			lie.TxHash, lie.Block = innocent.TxHash, s.head().Block
			s.head().receipts = append([]*safe.Receipt{innocent, {TxHash: common.HexToHash("0x98"), Block: s.head().Block, Logs: []safe.Log{lie}}}, s.head().receipts...)
		})
		r.start()
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
		if e := r.effect(v.ID); e.TxHash != hand {
			t.Errorf("the effect is said to be by %s", e.TxHash)
		}
	})
}

func TestAVetoEndsAQueuedChange(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		veto := r.propose(Intent{Playbook: "cancel-operation", Params: map[string]string{"id": r.stored(v.ID).Timelock.ID.Hex()}})
		r.signAll(veto, alice, bob)
		r.blocks("it is canceled", r.is(v.ID, governance.StateCanceled))
		r.blocks("the veto is executed", r.is(veto.ID, governance.StateExecuted))
		r.chain.mineAt(r.opens(v.ID) + 100)
		r.pass(time.Minute)
		if got := r.chain.deeds(); len(got) != 0 {
			t.Errorf("the market felt %q", got)
		}
	})
}

func TestAReorganisationTakesAScheduleBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		scheduled := r.stored(v.ID).Transactions[0].Block.Number
		r.chain.reorganise(len(r.chain.blocks)-int(scheduled), true)
		r.until("it is sent again", func() bool { return r.stored(v.ID).State != governance.StateQueued })
		r.blocks("it is queued again", r.is(v.ID, governance.StateQueued))
		r.chain.mineAt(r.opens(v.ID))
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAReorganisationTakesTheExecutionOfAnOperationBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		r.chain.mineAt(r.opens(v.ID))
		r.until("it goes out", func() bool { return len(r.broadcasts()) == 2 })
		r.chain.mine()
		r.until("it is mined", func() bool { return r.effect(v.ID) != nil })
		r.chain.reorganise(1, true)
		r.until("it is taken back", func() bool { return r.effect(v.ID) == nil })
		r.chain.mineAt(r.opens(v.ID) + 60)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestWhereOnlyTheSafeMayExecuteItIsAskedAgain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.alter(func(w *world) {
			delete(w.roles, "EXECUTOR_ROLE"+(common.Address{}).Hex())
			w.roles["EXECUTOR_ROLE"+guardianSafe.Hex()] = true
		})
		r.start()
		v := r.queued()
		r.chain.mineAt(r.opens(v.ID))
		r.until("the Safe is asked to execute", func() bool {
			return r.stored(v.ID).State == governance.StateReady && r.show(v.ID).Nonce == 8
		})
		asked := r.show(v.ID)
		if asked.SafeTxs[1].Purpose != governance.PurposeExecute || asked.Status != "The window is open. Needs 2 more" {
			t.Fatalf("asked for %+v, %q", asked.SafeTxs[1], asked.Status)
		}
		r.sign(asked, asked.SafeTxHash, alice, carol)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestAWeekInTheTimelockNeedsNoLongSearches(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		for range 3000 { // more blocks than a provider gives logs of at once
			r.chain.alter(func(*world) {})
		}
		r.pass(5 * time.Second)
		before := r.chain.called("Logs")
		r.chain.mineAt(r.opens(v.ID))
		r.until("the window is open", r.is(v.ID, governance.StateReady))
		if n := r.chain.called("Logs") - before; n != 0 {
			t.Errorf("searched %d times although readings say it all", n)
		}
	})
}

func TestTimelocksAreListedForWhoMaySee(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.queued()
		r.pass(5 * time.Second)
		list, err := r.c.Timelocks(t.Context(), governance.Viewer{})
		if err != nil || len(list) != 1 || list[0].Name != "core" || list[0].MinDelay != minDelay || len(list[0].Operations) != 1 {
			t.Fatalf("the public sees %+v, %v", list, err)
		}
		if id := list[0].Operations[0].Proposal; id != v.PublicID {
			t.Errorf("the public sees the id %s", id)
		}
		before := r.chain.called("Read")
		if _, err := r.c.Timelocks(t.Context(), governance.Viewer{}); err != nil || r.chain.called("Read") != before {
			t.Errorf("every look reads the chain: %v", err)
		}
	})
}
