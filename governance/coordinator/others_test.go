package coordinator

import (
	"math/big"
	"sync"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// What other relayers got wrong, by the issue that tells it. docs/testing.md lists them with those that are tested elsewhere.

// nonces are the relayer nonces that a key's transactions had, each once for each different transaction.
func (r *rig) nonces(key common.Address) (list []uint64) {
	for _, raw := range r.broadcasts() {
		tx := decoded(raw)
		if from, _ := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx); from == key {
			list = append(list, tx.Nonce())
		}
	}
	return list
}

// TestNoCounterDrifts: OpenZeppelin relayer #818 and #843, where a counter of its own ran 633 nonces ahead of the chain and every slot was
// taken. Ours is the chain's count, after any number of nonces that were used elsewhere, and after a restart.
func TestNoCounterDrifts(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		first := r.setLtv("4000")
		r.sign(first, first.SafeTxHash, alice, bob)
		r.ends(first.ID, governance.StateExecuted, "ltv 4000")
		r.chain.alter(func(w *world) { w.nonces[addressOf(routineKey)] += 633 })
		r.stop()
		r.start()
		second := r.setLtv("4100")
		r.sign(second, second.SafeTxHash, alice, bob)
		r.ends(second.ID, governance.StateExecuted, "ltv 4000", "ltv 4100")
		used := map[uint64]bool{}
		for _, n := range r.nonces(addressOf(routineKey)) {
			used[n] = true
		}
		if !used[0] || !used[634] || len(used) != 2 {
			t.Errorf("relayer nonces %v, want 0 and 634", used)
		}
	})
}

// TestRacingSignaturesDoNotShareANonce: OpenZeppelin relayer #836 and #845, where two that were prepared at once got one nonce. Two pauses
// of two Safes' nonces reach their quorum together, with one key between them.
func TestRacingSignaturesDoNotShareANonce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.configure(func(c *ChainConfig) { c.Emergency = nil })
		r.start()
		first, second := r.pause("usdc"), r.pause("weth")
		r.signAll(first, alice)
		r.signAll(second, alice)
		var both sync.WaitGroup
		for _, v := range []governance.View{first, second} {
			both.Go(func() { r.signAll(v, bob) })
		}
		both.Wait()
		for _, v := range []governance.View{first, second} {
			r.blocks(v.ID+" is executed", r.is(v.ID, governance.StateExecuted))
		}
		by := map[uint64]map[string]bool{}
		for _, raw := range r.broadcasts() {
			tx := decoded(raw)
			if by[tx.Nonce()] == nil {
				by[tx.Nonce()] = map[string]bool{}
			}
			by[tx.Nonce()][string(tx.Data())] = true
		}
		for nonce, calls := range by {
			if len(calls) != 1 {
				t.Errorf("%d different calls were signed with relayer nonce %d", len(calls), nonce)
			}
		}
	})
}

// TestAnOutageIsOverWithTheNextBlock: optimism #11913, where a batcher never came back after its provider did.
func TestAnOutageIsOverWithTheNextBlock(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		r.chain.set(func(s *scripted) {
			s.down, s.deaf = true, false
			for _, method := range []string{"Broadcast", "AnyAccount", "AnySafeState", "Logs"} {
				s.fails[method] = errDown
			}
		})
		r.pass(30 * time.Minute)
		r.chain.set(func(s *scripted) { s.down = false; clear(s.fails) })
		r.pass(12 * time.Second)
		r.chain.mine()
		r.pass(2 * time.Second)
		if deeds := r.chain.deeds(); len(deeds) != 1 {
			t.Errorf("the block after the outage did %q", deeds)
		}
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

// TestAnErrorThatWasASuccessIsNotSentTwice: Safe wallet #3422 and #1676, where an error of the relay made people send again. Whatever the
// answer was, it is the same relayer nonce and the same call.
func TestAnErrorThatWasASuccessIsNotSentTwice(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.mute = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		calls := map[string]bool{}
		for _, raw := range r.broadcasts() {
			calls[string(decoded(raw).Data())] = true
		}
		if nonces := r.nonces(addressOf(emergencyKey)); len(calls) != 1 || len(r.submissions(v.ID)) != 1 || nonces[0] != nonces[len(nonces)-1] {
			t.Errorf("%d calls, %d submissions, relayer nonces %v", len(calls), len(r.submissions(v.ID)), nonces)
		}
	})
}

// TestAtTheCapItGoesOnAndSaysSo: keep-common's MiningWaiter stopped at its cap without a word, and the transaction was forgotten.
func TestAtTheCapItGoesOnAndSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.configure(func(c *ChainConfig) { c.Fees.Emergency = *uint256.NewInt(4_000_000_000) }) // below the first bid of 3 × 1 + 2 gwei
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		before := len(r.chain.sent)
		r.blocksPass(5)
		if again := len(r.chain.sent) - before; again < 5 || len(r.broadcasts()) != 1 {
			t.Errorf("sent %d times in 5 blocks, %d different", again, len(r.broadcasts()))
		}
		if fee := decoded(r.broadcasts()[0]).GasFeeCap(); fee.Cmp(big.NewInt(4_000_000_000)) != 0 {
			t.Errorf("it bids %s", fee)
		}
		if !noted(r.show(v.ID), "the fee cap leaves no room for a replacement") {
			t.Errorf("the card says %q", r.show(v.ID).Notes)
		}
		r.chain.set(func(s *scripted) { s.deaf = false })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}
