package coordinator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// flood has the thief of a chat account open emergencies that nobody signs.
func (r *rig) flood(n int) (opened []governance.View) {
	r.t.Helper()
	for i := range n {
		opened = append(opened, r.propose(Intent{Playbook: "cancel-operation", Params: map[string]string{"id": fmt.Sprintf("0x%064x", i+1)}, Force: true, Via: governance.ViaSlack}))
	}
	return opened
}

// approves has an owner call approveHash, which the chain keeps for ever after.
func (r *rig) approves(owner common.Address, hash string) {
	r.chain.alter(func(w *world) {
		if w.approved == nil {
			w.approved = map[approval]bool{}
		}
		w.approved[approval{guardianSafe, owner, common.HexToHash(hash)}] = true
	})
}

// underFlood is how long a pause takes from its quorum to executed, at a block each twelve seconds, and the most Reads that a block cost
// meanwhile.
func underFlood(t *testing.T, junk int, latency time.Duration) (took time.Duration, reads int) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.flood(junk)
		v := r.propose(Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "bob"})
		r.pass(time.Minute)
		r.chain.set(func(s *scripted) { s.latency = latency })
		began := time.Now()
		r.signAll(v, alice, bob)
		for range 50 {
			if r.stored(v.ID).State == governance.StateExecuted {
				break
			}
			before := r.chain.called("Read")
			r.chain.mine()
			r.pass(12 * time.Second)
			reads = max(reads, r.chain.called("Read")-before)
		}
		took = time.Since(began)
	})
	return took, reads
}

// TestAFloodOfEmergenciesDoesNotSlowThePause: whoever has stolen one chat account can open as many as they like.
func TestAFloodOfEmergenciesDoesNotSlowThePause(t *testing.T) {
	const block = 12 * time.Second
	for latency, junk := range map[time.Duration]int{100 * time.Millisecond: 120, time.Second: 30} {
		alone, _ := underFlood(t, 0, latency)
		took, reads := underFlood(t, junk, latency)
		t.Logf("providers that take %v, %d that nobody signed: executed after %v instead of %v, at most %d Reads a block", latency, junk, took, alone, reads)
		if took > alone+2*block {
			t.Errorf("with providers that take %v it took %v among %d that nobody signed, %v alone", latency, took, junk, alone)
		}
		if most := 4 + junk*18/readsAtOnce; reads > most { // an emergency of a flood asks three owners about six hashes
			t.Errorf("%d Reads a block for %d that nobody signed, at most %d are allowed", reads, junk, most)
		}
	}
}

// TestEachThatNobodySignedHasItsTurn: however slow the providers are, an owner's approveHash is found for each of a flood.
func TestEachThatNobodySignedHasItsTurn(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		opened := r.flood(40)
		r.chain.set(func(s *scripted) { s.latency = 2 * time.Second })
		for _, v := range opened {
			r.approves(addressOf(carol), v.SafeTxHash)
		}
		r.blocks("each is found", func() bool {
			return !slices.ContainsFunc(opened, func(v governance.View) bool { return !stoodBehind(r.stored(v.ID)) })
		})
	})
}

// TestABatchThatIsRefusedIsAskedOneByOne, so that a provider's limits hide no confirmation.
func TestABatchThatIsRefusedIsAskedOneByOne(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		opened := r.flood(5)
		r.chain.set(func(s *scripted) { s.most = 5 })
		for _, v := range opened {
			r.approves(addressOf(carol), v.SafeTxHash)
		}
		r.blocks("each is found", func() bool {
			return !slices.ContainsFunc(opened, func(v governance.View) bool { return !stoodBehind(r.stored(v.ID)) })
		})
	})
}

// TestWhatManyAreAskedForIsReadAtOnce, and is what each would have read for itself.
func TestWhatManyAreAskedForIsReadAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		opened := r.flood(10)
		r.pass(time.Minute)
		r.approves(addressOf(carol), opened[7].SafeTxHash)
		before := r.chain.called("Read")
		r.pass(12 * time.Second)
		if n := r.chain.called("Read") - before; n > 2 {
			t.Errorf("%d Reads for one block: the Safe is one, all approvals are another", n)
		}
		for i, v := range opened {
			if got := stoodBehind(r.stored(v.ID)); got != (i == 7) {
				t.Errorf("number %d is confirmed: %t", i, got)
			}
		}
	})
}
