package relay_test

import (
	"context"
	"errors"
	"testing"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// TestARealPoolTakesEveryReplacement climbs from the first bid to the cap in go-ethereum's own pool. The pool is shown to be
// strict first: a tenth more on one fee alone is refused.
func TestARealPoolTakesEveryReplacement(t *testing.T) {
	chain, err := devnet.Start(devnet.Config{Manual: true})
	if errors.Is(err, devnet.ErrNotInstalled) {
		t.Skipf("no real pool to test against: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chain.Close() })

	fees := safe.Fees{BaseFee: gwei(1), Tip: *uint256.NewInt(1_000_007)} // odd, so that rounding tells; geth mines nothing below 0.001 gwei
	var attempts []governance.Attempt
	for {
		bid, err := relay.Price(false, fees, attempts, caps)
		if errors.Is(err, relay.ErrAtCap) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := len(attempts); n > 0 {
			onlyOne := relay.Bid{FeeCap: bid.FeeCap}
			if err := onlyOne.TipCap.SetFromDecimal(attempts[n-1].TipCap); err != nil {
				t.Fatal(err)
			}
			if _, err := offer(t.Context(), chain, onlyOne); err == nil {
				t.Fatal("the pool took a replacement with the old tip")
			}
		}
		hash, err := offer(t.Context(), chain, bid)
		if err != nil {
			t.Fatalf("attempt %d at %s and %s: %v", len(attempts)+1, bid.FeeCap.Dec(), bid.TipCap.Dec(), err)
		}
		a := attempt(bid.FeeCap, bid.TipCap)
		a.Hash = hash
		attempts = append(attempts, a)
	}
	chain.Seal()
	if _, err := chain.Client().TransactionReceipt(t.Context(), attempts[len(attempts)-1].Hash); err != nil {
		t.Errorf("the last of %d attempts was not the one mined: %v", len(attempts), err)
	}
}

// offer signs a transaction with the relayer's first nonce at the bid, and hands it to the pool.
func offer(ctx context.Context, chain *devnet.Chain, bid relay.Bid) (common.Hash, error) {
	to := devnet.Address(1)
	tx := types.MustSignNewTx(devnet.Key(devnet.RelayerKey), types.LatestSignerForChainID(chain.ChainID()), &types.DynamicFeeTx{
		ChainID: chain.ChainID(), Gas: 21_000, To: &to, GasFeeCap: bid.FeeCap.ToBig(), GasTipCap: bid.TipCap.ToBig(),
	})
	return tx.Hash(), chain.Client().SendTransaction(ctx, tx)
}
