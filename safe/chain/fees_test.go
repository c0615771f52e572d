package chain

import (
	"encoding/json"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"belay/safe"
	"belay/safe/devnet"
)

// history answers eth_feeHistory with the tips of a few blocks, each at the 50th and the 95th percentile, and holds the caller to the
// documented parameters.
func history(t *testing.T, rewards ...[2]string) lie {
	return func(params []json.RawMessage, _ func() (any, *wireError)) (any, *wireError) {
		if len(params) != 3 || string(params[0]) != `"0x5"` || string(params[1]) != `"latest"` || string(params[2]) != "[50,95]" {
			t.Errorf("asked with %s", params)
			return refuse(-32602, "invalid params")
		}
		return map[string]any{"baseFeePerGas": []string{"0x7", "0x8"}, "gasUsedRatio": []float64{0.5}, "reward": rewards}, nil
	}
}

// withoutBaseFee answers the newest block as a chain before London does.
func withoutBaseFee(f *fakeChain) lie {
	block := wireBlock(f.head())
	delete(block, "baseFeePerGas")
	block["gasLimit"] = "0x1c9c380"
	return always(block)
}

func TestTipsAreWhatTheLastBlocksPaid(t *testing.T) {
	tips := func(half, most uint64, rewards ...[2]string) func(t *testing.T) {
		return func(t *testing.T) {
			n := newNode(newFakeChain(3)).says("eth_feeHistory", history(t, rewards...))
			fees := must[safe.Fees](t)(dial(t, nil, n).Fees(t.Context()))
			if fees.BaseFee.Uint64() != 8 || fees.Tip.Uint64() != half || fees.Urgent.Uint64() != most || fees.Unpriced {
				t.Errorf("fees are %+v, want tips of %d and %d", fees, half, most)
			}
		}
	}
	t.Run("the median of five blocks", tips(5, 50, [2]string{"0x1", "0x32"}, [2]string{"0x5", "0x20"}, [2]string{"0x4", "0x33"}, [2]string{"0x6", "0xffffff"}, [2]string{"0x9", "0x30"}))
	t.Run("an empty block tells nothing", tips(5, 50, [2]string{"0x0", "0x0"}, [2]string{"0x5", "0x32"}, [2]string{"0x0", "0x0"}))
	t.Run("a routine tip may be nothing", tips(0, 50, [2]string{"0x0", "0x32"}))
	t.Run("without any the suggestion stands, and nothing is known of the front", tips(3, 0, [2]string{"0x0", "0x0"}))
	t.Run("nor with none at all", tips(3, 0))
}

func TestTipsAreTheMedianOfTheProviders(t *testing.T) {
	f := newFakeChain(3)
	c := dial(t, nil, newNode(f).says("eth_feeHistory", history(t, [2]string{"0x5", "0x32"})), newNode(f).says("eth_feeHistory", history(t, [2]string{"0xffffffffff", "0xffffffffffff"})),
		newNode(f).says("eth_feeHistory", history(t, [2]string{"0x6", "0x33"})))
	if _, _, err := c.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.wg.Wait()
	if fees := c.medianFees(); fees.Tip.Uint64() != 6 || fees.Urgent.Uint64() != 0x33 {
		t.Errorf("a liar moved the tips to %s and %s", fees.Tip.Dec(), fees.Urgent.Dec())
	}
}

func TestAChainWithoutABaseFeeIsTold(t *testing.T) {
	f := newFakeChain(3)
	priced, bare := func() *node { return newNode(f) }, func() *node { return newNode(f).says("eth_getBlockByNumber", withoutBaseFee(f)) }
	for name, test := range map[string]struct {
		nodes []*node
		want  bool
	}{
		"all say so":  {[]*node{bare(), bare(), bare()}, true},
		"most say so": {[]*node{bare(), bare(), priced()}, true},
		"one does":    {[]*node{bare(), priced(), priced()}, false},
		"half do":     {[]*node{bare(), priced()}, false},
		"the only":    {[]*node{bare()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, nil, test.nodes...)
			if _, _, err := c.Head(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.wg.Wait()
			if fees := c.medianFees(); fees.Unpriced != test.want {
				t.Errorf("unpriced is %t", fees.Unpriced)
			}
		})
	}
}

func TestALegacyChainIsAskedForItsPrice(t *testing.T) {
	f := newFakeChain(3)
	n := newNode(f).says("eth_getBlockByNumber", withoutBaseFee(f)).says("eth_gasPrice", always("0x64"))
	fees := must[safe.Fees](t)(dial(t, func(cfg *Config) { cfg.Legacy = true }, n).Fees(t.Context()))
	if fees.Unpriced || !fees.BaseFee.IsZero() || fees.Tip.Uint64() != 100 || fees.Urgent.Uint64() != 300 || fees.GasLimit != 30_000_000 {
		t.Errorf("fees are %+v", fees)
	}
}

// TestOnlyALegacyChainGetsLegacyTransactions: a relayer signs type 2 and nothing else (go-ethereum #28925 reserves an account for one kind of
// pool), unless its policy was told of a chain that takes no others.
func TestOnlyALegacyChainGetsLegacyTransactions(t *testing.T) {
	o := testOrder()
	for legacy, want := range map[bool]uint8{false: types.DynamicFeeTxType, true: types.LegacyTxType} {
		raw, hash, err := NewSigner(31337, devnet.Key(devnet.RelayerKey), Policy{Safes: []common.Address{guardian}, Legacy: legacy}).Sign(o)
		if err != nil {
			t.Fatal(err)
		}
		var tx types.Transaction
		if err := tx.UnmarshalBinary(raw); err != nil {
			t.Fatal(err)
		}
		from, err := types.Sender(types.LatestSignerForChainID(big.NewInt(31337)), &tx)
		if err != nil || from != devnet.Address(devnet.RelayerKey) || tx.Type() != want || tx.Hash() != hash || !tx.Protected() || tx.ChainId().Int64() != 31337 {
			t.Errorf("legacy %t: type %d by %s for chain %s, %v", legacy, tx.Type(), from, tx.ChainId(), err)
		}
		if legacy && tx.GasPrice().Int64() != 300 || tx.Value().Sign() != 0 || *tx.To() != guardian || tx.Nonce() != 4 || tx.Gas() != 200_000 || string(tx.Data()) != string(o.Data) {
			t.Errorf("legacy %t: signed %+v", legacy, &tx)
		}
	}
}
