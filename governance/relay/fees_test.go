package relay_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

func gwei(n uint64) uint256.Int { return *new(uint256.Int).Mul(uint256.NewInt(n), uint256.NewInt(1e9)) }

func wei(n uint64) uint256.Int { return *uint256.NewInt(n) }

func attempt(feeCap, tipCap uint256.Int) governance.Attempt {
	return governance.Attempt{Hash: common.Hash{1}, FeeCap: feeCap.Dec(), TipCap: tipCap.Dec()}
}

var caps = relay.Caps{MaxFee: gwei(300), EmergencyMaxFee: gwei(2000)}

func TestPrice(t *testing.T) {
	quiet := safe.Fees{BaseFee: gwei(10), Tip: gwei(1)}
	var huge uint256.Int
	huge.SetAllOne()
	for _, row := range []struct {
		name      string
		emergency bool
		fees      safe.Fees
		attempts  []governance.Attempt
		feeCap    uint256.Int
		tipCap    uint256.Int
		capped    bool
		err       string
	}{
		{name: "a routine bid survives a doubled base fee", fees: quiet, feeCap: gwei(21), tipCap: gwei(1)},
		{name: "an emergency survives a trebled one and tips two gwei at least", emergency: true, fees: quiet, feeCap: gwei(32), tipCap: gwei(2)},
		{name: "an emergency pays the market's tip where that is more", emergency: true, fees: safe.Fees{BaseFee: gwei(10), Tip: gwei(5)}, feeCap: gwei(35), tipCap: gwei(5)},
		{name: "an emergency pays what the front of a block pays", emergency: true, fees: safe.Fees{BaseFee: gwei(10), Tip: gwei(1), Urgent: gwei(7)}, feeCap: gwei(37), tipCap: gwei(7)},
		{name: "a routine transaction does not", fees: safe.Fees{BaseFee: gwei(10), Tip: gwei(1), Urgent: gwei(7)}, feeCap: gwei(21), tipCap: gwei(1)},
		{name: "on a quiet chain an emergency tips two gwei all the same", emergency: true, fees: safe.Fees{BaseFee: gwei(10), Tip: wei(3), Urgent: wei(9)}, feeCap: gwei(32), tipCap: gwei(2)},
		{name: "without a base fee an emergency bids what is urgent", emergency: true, fees: safe.Fees{Tip: gwei(5), Urgent: gwei(15)}, feeCap: gwei(15), tipCap: gwei(15)},
		{name: "a chain without fees still gets a bid", fees: safe.Fees{}, feeCap: wei(0), tipCap: wei(0)},
		{name: "a first bid is lowered to the cap and says so", fees: safe.Fees{BaseFee: gwei(200), Tip: gwei(1)}, feeCap: gwei(300), tipCap: gwei(1), capped: true},
		{name: "an emergency has a cap of its own", emergency: true, fees: safe.Fees{BaseFee: gwei(200), Tip: gwei(1)}, feeCap: gwei(602), tipCap: gwei(2)},
		{name: "a tip never exceeds the fee cap", fees: safe.Fees{BaseFee: gwei(1), Tip: gwei(900)}, feeCap: gwei(300), tipCap: gwei(300), capped: true},
		{name: "a provider that reports nonsense costs no more than the cap", fees: safe.Fees{BaseFee: huge, Tip: huge}, feeCap: gwei(300), tipCap: gwei(300), capped: true},
		{name: "a replacement adds an eighth and a wei to both", fees: quiet, attempts: []governance.Attempt{attempt(gwei(40), gwei(8))}, feeCap: wei(45e9 + 1), tipCap: wei(9e9 + 1)},
		{name: "an eighth is rounded up", fees: safe.Fees{}, attempts: []governance.Attempt{attempt(wei(9), wei(1))}, feeCap: wei(12), tipCap: wei(3)},
		{name: "a replacement follows a market that rose more", fees: safe.Fees{BaseFee: gwei(100), Tip: gwei(1)}, attempts: []governance.Attempt{attempt(gwei(21), gwei(1))}, feeCap: gwei(201), tipCap: wei(1e9 + 125e6 + 1)},
		{name: "a replacement goes over the highest of several", fees: quiet, attempts: []governance.Attempt{attempt(gwei(80), gwei(1)), attempt(gwei(40), gwei(8))}, feeCap: wei(90e9 + 1), tipCap: wei(9e9 + 1)},
		{name: "a replacement may use what is left below the cap", fees: safe.Fees{BaseFee: gwei(400)}, attempts: []governance.Attempt{attempt(gwei(250), gwei(1))}, feeCap: gwei(300), tipCap: wei(1e9 + 125e6 + 1), capped: true},
		{name: "at the cap there is no replacement", fees: quiet, attempts: []governance.Attempt{attempt(gwei(299), gwei(1))}, err: "300 gwei per gas, a replacement needs 336.375000001 gwei"},
		{name: "a replacement that would end exactly at the cap is made", fees: quiet, attempts: []governance.Attempt{attempt(wei(266_666_666_665), gwei(1))}, feeCap: gwei(300), tipCap: wei(1e9 + 125e6 + 1)},
		{name: "a stored fee that is not a number is an error", fees: quiet, attempts: []governance.Attempt{{FeeCap: "0x10", TipCap: "1"}}, err: "stored fee cap"},
		{name: "a stored tip that is not a number is an error", fees: quiet, attempts: []governance.Attempt{{FeeCap: "10", TipCap: ""}}, err: "stored tip cap"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bid, err := relay.Price(row.emergency, row.fees, row.attempts, caps)
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Fatalf("error is %v, want %q", err, row.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if bid.FeeCap != row.feeCap || bid.TipCap != row.tipCap || bid.Capped != row.capped {
				t.Errorf("bid is %s and %s, capped %t; want %s and %s, %t",
					bid.FeeCap.Dec(), bid.TipCap.Dec(), bid.Capped, row.feeCap.Dec(), row.tipCap.Dec(), row.capped)
			}
		})
	}
}

func TestAnUnsetCapForbidsEveryBid(t *testing.T) {
	if _, err := relay.Price(true, safe.Fees{}, nil, relay.Caps{MaxFee: gwei(1)}); !errors.Is(err, relay.ErrAtCap) {
		t.Errorf("error is %v, want ErrAtCap", err)
	}
}

func TestTheCapIsLoweredToWhatTheBalancePays(t *testing.T) {
	got := caps.Afford(gwei(100*200_000), 200_000)
	if got.MaxFee != gwei(100) || got.EmergencyMaxFee != gwei(100) {
		t.Errorf("caps are %s and %s, want 100 gwei", got.MaxFee.Dec(), got.EmergencyMaxFee.Dec())
	}
	if rich := caps.Afford(gwei(1e12), 200_000); rich != caps {
		t.Errorf("a rich relayer has the caps %v, want its own", rich)
	}
}

// TestEveryReplacementPassesEveryPool: reth #13160 refuses exactly ten per cent, which geth takes. It holds Price against the strictest rule known, computed apart in big integers.
func TestEveryReplacementPassesEveryPool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		anyFee := func(name string) uint256.Int {
			return *new(uint256.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, name))
		}
		limits := relay.Caps{MaxFee: anyFee("cap"), EmergencyMaxFee: anyFee("emergency cap")}
		emergency := rapid.Bool().Draw(t, "emergency")
		limit := limits.MaxFee
		if emergency {
			limit = limits.EmergencyMaxFee
		}
		var attempts []governance.Attempt
		for range rapid.IntRange(0, 20).Draw(t, "replacements") {
			fees := safe.Fees{BaseFee: anyFee("base"), Tip: anyFee("tip")}
			bid, err := relay.Price(emergency, fees, attempts, limits)
			if err != nil {
				return
			}
			if bid.FeeCap.Gt(&limit) || bid.TipCap.Gt(&bid.FeeCap) {
				t.Fatalf("bid %s/%s over its bounds", bid.FeeCap.Dec(), bid.TipCap.Dec())
			}
			if n := len(attempts); n > 0 {
				raised(t, attempts[n-1], bid)
			}
			attempts = append(attempts, attempt(bid.FeeCap, bid.TipCap))
		}
	})
}

// raised asserts that both fees rose by more than 12.5 %.
func raised(t interface{ Fatalf(string, ...any) }, before governance.Attempt, bid relay.Bid) {
	for _, pair := range []struct {
		before string
		now    uint256.Int
	}{{before.FeeCap, bid.FeeCap}, {before.TipCap, bid.TipCap}} {
		old, _ := new(big.Int).SetString(pair.before, 10)
		least := old.Mul(old, big.NewInt(1125))
		if now := new(big.Int).Mul(pair.now.ToBig(), big.NewInt(1000)); now.Cmp(least) <= 0 {
			t.Fatalf("a fee went from %s to %s, less than an eighth more", pair.before, pair.now.Dec())
		}
	}
}

func TestGas(t *testing.T) {
	for _, row := range []struct {
		name          string
		estimate, cap uint64
		want          uint64
	}{
		{"a quarter and 20,000 on top", 200_000, 0, 270_000},
		{"never over Ethereum's cap", relay.MaxGas - 1, 0, relay.MaxGas},
		{"never over the chain's own cap", 29_000_000, 32_000_000, 32_000_000},
		{"a chain with a higher cap gets its margin", 20_000_000, 32_000_000, 25_020_000},
		{"an estimate over the cap is cut to it", 40_000_000, 0, relay.MaxGas},
		{"the largest estimate does not overflow", ^uint64(0), 0, relay.MaxGas},
		{"without an estimate it is ample", 0, 0, 3_000_000},
		{"but within the cap", 0, 1_000_000, 1_000_000},
	} {
		if got := relay.Gas(row.estimate, row.cap); got != row.want {
			t.Errorf("%s: %d, want %d", row.name, got, row.want)
		}
	}
	if relay.FitsGas(relay.MaxGas+1, 0) || !relay.FitsGas(relay.MaxGas, 0) {
		t.Error("the cap itself fits and nothing above it")
	}
}
