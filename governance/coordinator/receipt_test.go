package coordinator

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// mined is a change whose transaction is in the newest block, which nobody has looked at yet.
func mined(r *rig, change func(*ChainConfig)) (v governance.View, told sightedExec, receipt *safe.Receipt) {
	r.t.Helper()
	r.configure(change)
	r.start()
	v = r.setLtv("4000")
	r.sign(v, v.SafeTxHash, alice, bob)
	r.sent(1)
	r.stop()
	r.chain.mine()
	told = sightedExec{v.ID, common.HexToHash(v.SafeTxHash), decoded(r.broadcasts()[0]).Hash()}
	receipt, err := r.chain.Receipt(r.t.Context(), told.txHash)
	if err != nil || receipt == nil {
		r.t.Fatalf("receipt is %v, %v", receipt, err)
	}
	return v, told, receipt
}

// oneDeep has the chain call final what is mined.
func oneDeep(r *rig) func(*ChainConfig) {
	r.chain.final = 1
	return func(c *ChainConfig) { c.Confirmations = 1 }
}

// conditionsAt are the postconditions of a proposal, read at a block.
func (r *rig) conditionsAt(id string, at safe.Block) []safe.Result {
	r.t.Helper()
	results, err := r.chain.Read(r.t.Context(), at, expected(r.stored(id)))
	if err != nil {
		r.t.Fatal(err)
	}
	return results
}

func TestWhatOneLookFindsIsOneRecord(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		var records atomic.Int64
		r.cfg.Observe = func(metric string, _ float64, _ ...string) {
			if metric == "store_commit_seconds" {
				records.Add(1)
			}
		}
		v, told, receipt := mined(r, oneDeep(r))
		conditions := r.conditionsAt(v.ID, receipt.Block)
		records.Store(0)
		if err := r.c.takeReceipt(t.Context(), r.cfg.Chains["test"], receipt.Block, told, receipt, conditions); err != nil {
			t.Fatal(err)
		}
		if p := r.stored(v.ID); p.State != governance.StateExecuted || p.Effect().Status != governance.TxStatusFinal || records.Load() != 1 {
			t.Errorf("it is %s after %d records", p.State, records.Load())
		}
	})
}

// TestPostconditionsOfAnotherBlockProveNothing: someone changes it back in the block behind. It took effect, and is undone.
func TestPostconditionsOfAnotherBlockProveNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		v, told, receipt := mined(r, oneDeep(r))
		r.chain.alter(func(w *world) { w.ltv[usdc] = firstLtv })
		head := r.chain.head().Block
		if err := r.c.takeReceipt(t.Context(), r.cfg.Chains["test"], head, told, receipt, r.conditionsAt(v.ID, head)); err != nil {
			t.Fatal(err)
		}
		if p := r.stored(v.ID); p.Effect() == nil || p.State.Ended() || len(p.Postconditions) > 0 {
			t.Errorf("it is %s with %+v", p.State, p.Postconditions)
		}
		r.start()
		r.blocks("it took effect, and is undone", func() bool { p := r.stored(v.ID); return p.State == governance.StateExecuted && len(p.Undone) > 0 })
	})
}

// TestMinedIsToldBeforeTheChainIsAskedHowDeep: where finality is what the chain says, asking for it takes a while.
func TestMinedIsToldBeforeTheChainIsAskedHowDeep(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		v, told, receipt := mined(r, func(c *ChainConfig) { c.Confirmations = 0 })
		r.chain.set(func(s *scripted) {
			s.slow = map[string]time.Duration{"Final": 4 * time.Second}
			s.fails["Final"] = errDown
		})
		done := make(chan error)
		go func() { done <- r.c.takeReceipt(t.Context(), r.cfg.Chains["test"], receipt.Block, told, receipt, nil) }()
		r.pass(time.Second)
		if r.effect(v.ID) == nil {
			t.Error("it is not told that it is mined")
		}
		if err := <-done; !errors.Is(err, errDown) {
			t.Errorf("error is %v", err)
		}
	})
}

// TestAStepThatCannotBeDecidedTakesNothingBack: what came before it in the same look is true all the same.
func TestAStepThatCannotBeDecidedTakesNothingBack(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		v, told, receipt := mined(r, oneDeep(r))
		executed := governance.Executed{SafeTxHash: told.safeTxHash, Success: true, Transaction: governance.Transaction{TxHash: told.txHash, Block: receipt.Block}}
		_, err := r.c.changeAll(t.Context(), v.ID, []step{just(executed), just(governance.Executed{SafeTxHash: common.Hash{1}})})
		if refusal := new(governance.Refusal); !errors.As(err, &refusal) || refusal.Code != governance.CodeWrongHash {
			t.Errorf("error is %v", err)
		}
		if r.effect(v.ID) == nil {
			t.Error("what could be decided is not recorded")
		}
		before := r.stored(v.ID).Version
		if _, err := r.c.changeAll(t.Context(), v.ID, []step{just(governance.Executed{SafeTxHash: common.Hash{1}})}); err == nil || r.stored(v.ID).Version != before {
			t.Errorf("version %d is %d now, %v", before, r.stored(v.ID).Version, err)
		}
	})
}

// TestAPrefetchHoldsNothingUp: what is only good to have has a moment, and no more.
func TestAPrefetchHoldsNothingUp(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.prepared()
		r.chain.set(func(s *scripted) {
			s.fails["Follow"] = errDown
			s.slow = map[string]time.Duration{"Accounts": 2 * time.Second}
		})
		r.chain.mine()
		began := time.Now()
		r.sign(v, v.SafeTxHash, bob)
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("the signature was taken after %s", took)
		}
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

// TestASpareDoesNotFollowWhatIsMinedWhileTheHeadIsUnknown: the Safe is agreed to be at the spare's nonce, and then the providers agree on no head any
// more. Where they still tell of the receipt, it was done; where they tell nothing, the spare goes.
func TestASpareDoesNotFollowWhatIsMinedWhileTheHeadIsUnknown(t *testing.T) {
	for name, row := range map[string]struct {
		fails []string
		goes  bool
	}{"the receipt is told": {[]string{"Head"}, false}, "nothing is told": {[]string{"Head", "Receipt"}, true}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.pause("usdc")
				r.sign(v, v.SafeTxHash, alice, bob)
				r.sent(1)
				r.stop()
				r.chain.mine()
				now, err := r.chain.StateAt(t.Context(), r.chain.head().Block, guardianSafe)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.c.change(t.Context(), v.ID, governance.SafeSeen{State: now}); err != nil {
					t.Fatal(err)
				}
				r.chain.set(func(s *scripted) {
					for _, method := range row.fails {
						s.fails[method] = errDown
					}
				})
				r.sign(v, v.SafeTxs[1].SafeTxHash, alice, bob)
				next, err := r.c.emergencyTurn(t.Context(), r.cfg.Chains["test"], governance.Duty{ID: "submit"}, r.stored(v.ID))
				if goes := err == nil && next.Purpose == governance.PurposeSpare; goes != row.goes || !goes && !errors.Is(err, errLater) {
					t.Errorf("the spare goes: %t, %v", goes, err)
				}
				if done := r.effect(v.ID) != nil; done == row.goes {
					t.Errorf("it is told that it is mined: %t", done)
				}
			})
		})
	}
}
