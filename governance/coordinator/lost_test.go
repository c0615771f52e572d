package coordinator

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// forgetful is a chain whose providers agree for a while that nothing is mined and no log is known, although they read the newest state:
// machines behind one address that are not equally far.
type forgetful struct {
	*scripted
	lags atomic.Bool
}

func (f *forgetful) Receipt(ctx context.Context, tx common.Hash) (*safe.Receipt, error) {
	if f.lags.Load() {
		return nil, nil //nolint:nilnil // "not mined" is what they say
	}
	return f.scripted.Receipt(ctx, tx)
}

// TestAPauseWhoseReceiptCameTooLateIsFoundAfterAll: it is asked for again meanwhile, since an emergency waits for nobody, and must not
// stay asked for once the providers know.
func TestAPauseWhoseReceiptCameTooLateIsFoundAfterAll(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		f := &forgetful{scripted: r.chain}
		r.configure(func(c *ChainConfig) { c.Chain = f })
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice)
		r.sign(v, v.SafeTxHash, bob)
		r.sent(1)
		f.lags.Store(true)
		r.chain.set(func(s *scripted) { s.hides = true })
		r.chain.mine()
		r.pass(6 * time.Second)
		r.chain.mine()
		r.until("it is taken for lost", func() bool { p := r.stored(v.ID); return p.SafeTxs[0].State == governance.TxDead })
		r.pass(time.Minute)
		f.lags.Store(false)
		r.chain.set(func(s *scripted) { s.hides = false })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}
