package chain

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
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

// TestASilentSwallowIsNoAllClear: a contract that hides the failure of what it calls and says nothing at all. Nothing that is watched
// differs but the gas, so that the sweep cannot say that it is safe.
func TestASilentSwallowIsNoAllClear(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	var stores []byte
	for slot := range byte(20) {
		stores = append(stores, 0x60, 1, 0x60, slot, 0x55) // PUSH1 1, PUSH1 slot, SSTORE
	}
	inner := s.deployCode(append(stores, 0x00))
	calls := append([]byte{0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x60, 0, 0x73}, inner[:]...) // CALL with all gas …
	outer := s.deployCode(append(calls, 0x5a, 0xf1, 0x50, 0x00))                            // … POP what it says, STOP
	tx := s.tx(0, safe.Call{To: outer, Data: []byte{1, 2, 3, 4}})
	found := s.sweep(dial(t, nil, s.nodes(1)...), tx).Sweep
	if found == nil || found.BurnsAt == 0 || !found.Doubtful {
		t.Fatalf("the sweep found %+v", found)
	}
	if !s.sendWith(tx, found.BurnsAt) {
		t.Fatal("it did not burn")
	}
	if slot := must[[]byte](t)(s.Chain.Client().StorageAt(testContext(t), inner, common.Hash{}, nil)); slot[31] != 0 {
		t.Error("it had its effect")
	}
}

// deployCode puts runtime code on the chain.
func (s *stack) deployCode(runtime []byte) common.Address {
	s.t.Helper()
	n := len(runtime)
	creation := append([]byte{0x61, byte(n >> 8), byte(n), 0x80, 0x60, 0x0c, 0x60, 0x00, 0x39, 0x60, 0x00, 0xf3}, runtime...) // CODECOPY, RETURN
	return must[common.Address](s.t)(s.Chain.Deploy(testContext(s.t), &devnet.Artifact{Bytecode: creation}))
}

// TestOneProviderDoesNotSetTheGas: of three that say what a transaction uses, the middle one is taken.
func TestOneProviderDoesNotSetTheGas(t *testing.T) {
	for _, c := range []struct {
		used []uint64
		want uint64
	}{{[]uint64{90_000}, 90_000}, {[]uint64{90_000, 91_000}, 91_000}, {[]uint64{90_000, 1 << 40, 90_100}, 90_100}, {[]uint64{1, 90_000, 90_100}, 90_000}} {
		var trials []namedTrial
		for i, gas := range c.used {
			trials = append(trials, namedTrial{string(rune('a' + i)), trial{ok: true, gas: gas}})
		}
		if got := judge(trials).GasUsed; got != c.want {
			t.Errorf("of %v it takes %d, want %d", c.used, got, c.want)
		}
	}
}
