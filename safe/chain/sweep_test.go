package chain

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/core/types"

	"belay/safe"
	"belay/safe/devnet"
)

// swallowed is a call whose target hides that it had too little gas.
func (s *stack) swallowed() safe.Call {
	return safe.Call{To: s.target, Data: pack(s.t, "Swallower", "tryCount", big.NewInt(20))}
}

func (s *stack) counted() int64 {
	s.t.Helper()
	word := must[[]byte](s.t)(s.Chain.Call(testContext(s.t), s.target, pack(s.t, "Swallower", "count")))
	return new(big.Int).SetBytes(word).Int64()
}

// sendWith executes with a gas limit and reports whether the transaction succeeded.
func (s *stack) sendWith(tx safe.Tx, gas uint64) bool {
	s.t.Helper()
	ctx := testContext(s.t)
	sent := must[*types.Transaction](s.t)(s.Chain.Submit(ctx, s.Relayer, &s.Guardian, nil, safe.EncodeExec(tx, s.sign(tx, s.Owners[0], s.Owners[1])), gas))
	receipt := must[*types.Receipt](s.t)(s.Chain.Wait(ctx, sent.Hash()))
	return receipt.Status == types.ReceiptStatusSuccessful
}

// sweep is run with the signatures that are sent later: those that stand in for them cost another amount of gas.
func (s *stack) sweep(c *Client, tx safe.Tx) safe.Simulation {
	s.t.Helper()
	got := must[safe.Simulation](s.t)(c.Simulate(testContext(s.t), safe.SimulationRequest{From: devnet.Address(devnet.RelayerKey), Safe: s.Guardian,
		Version: s.version, Tx: tx, Signatures: s.sign(tx, s.Owners[0], s.Owners[1]), Sweep: true}))
	if !got.OK {
		s.t.Fatalf("simulation is %+v", got)
	}
	return got
}

func TestASweepFindsTheGasThatBurnsAndTheChainAgrees(t *testing.T) {
	for _, version := range []safe.Version{safe.V1_1_1, safe.V1_3_0, safe.V1_4_1, safe.V1_5_0} {
		t.Run(version.String(), func(t *testing.T) {
			s := startStack(t, version, nil)
			c := dial(t, nil, s.nodes(1)...)
			second := []safe.Call{s.swallowed()}
			if version != safe.V1_1_1 { // it has no library that makes plain calls only
				second = append(second, s.pause("usdc"))
			}
			for _, tx := range []safe.Tx{s.tx(0, s.swallowed()), s.tx(1, second...)} {
				found := s.sweep(c, tx).Sweep
				if found == nil || found.BurnsAt == 0 || found.WholeFrom <= found.BurnsAt {
					t.Fatalf("the sweep found %+v", found)
				}
				if !s.sendWith(tx, found.BurnsAt) || s.counted() != 0 {
					t.Errorf("with %d gas the chain counted %d, which is no burn", found.BurnsAt, s.counted())
				}
			}
			again := s.tx(2, s.swallowed())
			if found := s.sweep(c, again).Sweep; !s.sendWith(again, found.WholeFrom) || s.counted() != 1 {
				t.Errorf("with %d gas the chain counted %d, want 1", found.WholeFrom, s.counted())
			}
		})
	}
}

func TestASweepFindsNothingWhereNothingCanBeBurnt(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *stack) {
		c := dial(t, nil, s.nodes(1)...)
		gated := s.tx(0, s.swallowed())
		gated.SafeTxGas = safe.GasGate(s.sweep(c, gated).Needs())
		for name, tx := range map[string]safe.Tx{"a pause": s.tx(0, s.pause("usdc")), "a batch": s.tx(0, s.pause("usdc"), s.pause("weth")), "a gated call": gated} {
			if found := s.sweep(c, tx).Sweep; found == nil || *found != (safe.Sweep{}) {
				t.Errorf("for %s the sweep found %+v", name, found)
			}
		}
	})
}

// TestOneProviderThatSawItBurnIsEnough: a warning needs no agreement, and a sweep that was cut short is no all-clear.
func TestOneProviderThatSawItBurnIsEnough(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	tx := s.tx(0, s.swallowed())
	throttled := func(n *node) {
		asked := 0
		n.says("eth_simulateV1", func(_ []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
			if asked++; asked > 1 {
				return refuse(-32005, "limit exceeded")
			}
			return honest()
		})
	}
	n := s.nodes(2)
	throttled(n[0])
	withoutSimulate(n[1])
	if found := s.sweep(dial(t, nil, n...), tx).Sweep; found != nil {
		t.Errorf("providers that could not sweep found %+v", found)
	}
	n[1].says("eth_simulateV1", nil)
	if found := s.sweep(dial(t, nil, n...), tx).Sweep; found == nil || found.BurnsAt == 0 {
		t.Errorf("the one provider that could sweep was not heard: %+v", found)
	}
}
