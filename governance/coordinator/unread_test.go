package coordinator

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"
)

// mute is a chain whose providers agree for a while that every read reverts.
type mute struct {
	*scripted
	reverts atomic.Bool
}

func (m *mute) Read(ctx context.Context, at safe.Block, calls []safe.Call) ([]safe.Result, error) {
	results, err := m.scripted.Read(ctx, at, calls)
	for i := range results {
		if m.reverts.Load() {
			results[i] = safe.Result{Reverted: true}
		}
	}
	return results, err
}

// TestWhatCouldNotBeReadWhenItTurnedFinalIsReadAgain: two providers that lie alike can keep a proof back, but not for ever.
func TestWhatCouldNotBeReadWhenItTurnedFinalIsReadAgain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		m := &mute{scripted: r.chain}
		r.configure(func(c *ChainConfig) { c.Chain = m })
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice)
		m.reverts.Store(true)
		r.signAll(v, bob)
		r.blocks("it is final", func() bool {
			effect := r.effect(v.ID)
			return effect != nil && effect.Status == governance.TxStatusFinal
		})
		r.pass(time.Minute)
		if got := r.show(v.ID); got.State != governance.StateApproved {
			t.Fatalf("unknown is never true and never false, and it is %s", got.State)
		}
		m.reverts.Store(false)
		r.until("it is proven", r.is(v.ID, governance.StateExecuted))
	})
}
