package devnet_test

import (
	"context"
	"crypto/ecdsa"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"belay/safe/devnet"
)

func queryFrom(block uint64, at common.Address) ethereum.FilterQuery {
	return ethereum.FilterQuery{FromBlock: new(big.Int).SetUint64(block), Addresses: []common.Address{at}}
}

// The market of these tests has plain keys in its roles.
const (
	guardianKey = 6
	adminKey    = 7
	userKey     = 8
)

type sampleMarket struct {
	chain  *devnet.Chain
	at     common.Address
	assets []devnet.Asset
}

func newMarket(t *testing.T) sampleMarket {
	t.Helper()
	c := start(t, devnet.Config{Manual: true})
	assets := []devnet.Asset{{Symbol: "usdc", Decimals: 6, LTV: 7500, LiquidationThreshold: 7800, SupplyCap: wei(100)}}
	at := must[common.Address](t)(c.DeployMarket(testContext(t), devnet.Address(guardianKey), devnet.Address(adminKey), assets))
	return sampleMarket{chain: c, at: at, assets: assets}
}

func (m sampleMarket) do(ctx context.Context, t *testing.T, key *ecdsa.PrivateKey, function string, args ...any) error {
	t.Helper()
	_, err := m.chain.Send(ctx, key, &m.at, nil, pack(t, "Market", function, args...))
	return err
}

func TestTheMarketHoldsItsRules(t *testing.T) {
	m := newMarket(t)
	usdc, unknown := m.assets[0].Token, stranger("no reserve")
	bps := func(n int64) *big.Int { return wei(n) }
	for _, step := range []struct {
		name     string
		key      int
		function string
		args     []any
		refusal  string // name of the custom error; empty when it must work
	}{
		{"a stranger may not pause", userKey, "setReservePause", []any{usdc, true}, "NotGuardian"},
		{"the guardian pauses", guardianKey, "setReservePause", []any{usdc, true}, ""},
		{"pausing again is no failure", guardianKey, "setReservePause", []any{usdc, true}, ""},
		{"the guardian may not unpause", guardianKey, "setReservePause", []any{usdc, false}, "NotAdmin"},
		{"a stranger may not unpause", userKey, "setReservePause", []any{usdc, false}, "NotAdmin"},
		{"nothing is supplied while paused", userKey, "supply", []any{usdc, wei(1)}, "ReserveIsPaused"},
		{"nothing is borrowed while paused", userKey, "borrow", []any{usdc, wei(1)}, "ReserveIsPaused"},
		{"nothing is repaid while paused", userKey, "repay", []any{usdc, wei(1)}, "ReserveIsPaused"},
		{"nothing is withdrawn while paused", userKey, "withdraw", []any{usdc, wei(1)}, "ReserveIsPaused"},
		{"the admin unpauses", adminKey, "setReservePause", []any{usdc, false}, ""},
		{"the admin may pause too", adminKey, "setReservePause", []any{usdc, true}, ""},
		{"the guardian sets no parameter", guardianKey, "setReserveLtv", []any{usdc, bps(1)}, "NotAdmin"},
		{"the guardian sets no threshold", guardianKey, "setLiquidationThreshold", []any{usdc, bps(1)}, "NotAdmin"},
		{"the guardian sets no cap", guardianKey, "setSupplyCap", []any{usdc, bps(1)}, "NotAdmin"},
		{"ltv may equal the threshold", adminKey, "setReserveLtv", []any{usdc, bps(7800)}, ""},
		{"ltv may not exceed it", adminKey, "setReserveLtv", []any{usdc, bps(7801)}, "LtvAboveThreshold"},
		{"a threshold may not fall below ltv", adminKey, "setLiquidationThreshold", []any{usdc, bps(7799)}, "LtvAboveThreshold"},
		{"a threshold may be 100 %", adminKey, "setLiquidationThreshold", []any{usdc, bps(10_000)}, ""},
		{"a threshold may not exceed 100 %", adminKey, "setLiquidationThreshold", []any{usdc, bps(10_001)}, "ThresholdAboveFull"},
		{"a huge ltv does not wrap around", adminKey, "setReserveLtv", []any{usdc, bps(65_536)}, "LtvAboveThreshold"},
		{"the admin sets a cap", adminKey, "setSupplyCap", []any{usdc, bps(5)}, ""},
		{"an unknown reserve is refused", guardianKey, "setReservePause", []any{unknown, true}, "UnknownReserve"},
	} {
		t.Run(step.name, func(t *testing.T) {
			err := m.do(testContext(t), t, devnet.Key(step.key), step.function, step.args...)
			if step.refusal == "" && err != nil || step.refusal != "" && !isCustom(err, own(t, "Market").ABI, step.refusal) {
				t.Errorf("answered %v, want %q", err, step.refusal)
			}
		})
	}
}

func TestUsersSupplyBorrowRepayAndWithdraw(t *testing.T) {
	ctx := testContext(t)
	m := newMarket(t)
	usdc, user := m.assets[0].Token, devnet.Key(userKey)
	for _, data := range [][]byte{
		pack(t, "Token", "mint", devnet.Address(userKey), wei(200_000_000)),
		pack(t, "Token", "approve", m.at, wei(1_000_000_000)),
	} {
		must[*types.Receipt](t)(m.chain.Send(ctx, user, &usdc, nil, data))
	}
	for _, step := range []struct {
		function string
		amount   int64
		refusal  string
	}{
		{"supply", 100_000_001, "SupplyCapExceeded"}, // the cap is 100 usdc
		{"supply", 100_000_000, ""},
		{"borrow", 75_000_001, "BorrowLimitExceeded"}, // ltv 75 %
		{"borrow", 75_000_000, ""},
		{"withdraw", 1_000_000, "BorrowLimitExceeded"},
		{"repay", 75_000_000, ""},
		{"withdraw", 100_000_000, ""},
	} {
		err := m.do(ctx, t, user, step.function, usdc, wei(step.amount))
		if step.refusal == "" && err != nil || step.refusal != "" && !isCustom(err, own(t, "Market").ABI, step.refusal) {
			t.Fatalf("%s %d: %v, want %q", step.function, step.amount, err, step.refusal)
		}
	}
	if got := read(t, m.chain, own(t, "Token").ABI, usdc, "balanceOf", devnet.Address(userKey))[0].(*big.Int); got.Int64() != 200_000_000 {
		t.Errorf("the user ends with %s, want all back", got)
	}
}

func TestThePriceFeedRemembersRounds(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	at := must[common.Address](t)(c.DeployPriceFeed(ctx, "ETH / USD", devnet.Address(userKey), wei(100)))
	feed := own(t, "PriceFeed").ABI
	if _, err := c.Send(ctx, devnet.Key(guardianKey), &at, nil, pack(t, "PriceFeed", "setPrice", wei(1))); !isCustom(err, feed, "NotOwner") {
		t.Errorf("a stranger set the price: %v", err)
	}
	must[*types.Receipt](t)(c.Send(ctx, devnet.Key(userKey), &at, nil, pack(t, "PriceFeed", "setPriceAt", wei(-5), wei(77))))
	round := read(t, c, feed, at, "latestRoundData")
	if round[0].(*big.Int).Int64() != 2 || round[1].(*big.Int).Int64() != -5 || round[3].(*big.Int).Int64() != 77 {
		t.Errorf("latest round is %v, want round 2, answer -5, updated at 77", round)
	}
}

func TestTheSwallowerHidesAnInnerFailure(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	at := must[common.Address](t)(c.Deploy(ctx, own(t, "Swallower")))
	data := pack(t, "Swallower", "tryCount", wei(20))
	for _, try := range []struct {
		gas   uint64
		count int64
	}{{300_000, 0}, {800_000, 1}} {
		tx := must[*types.Transaction](t)(c.Submit(ctx, devnet.Key(0), &at, nil, data, try.gas))
		must[*types.Receipt](t)(c.Wait(ctx, tx.Hash())) // status 1 both times
		if got := read(t, c, own(t, "Swallower").ABI, at, "count")[0].(*big.Int); got.Int64() != try.count {
			t.Errorf("with %d gas the count is %s, want %d", try.gas, got, try.count)
		}
	}
}
