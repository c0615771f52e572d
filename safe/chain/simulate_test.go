package chain

import (
	"context"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
	"belay/safe/devnet"
)

func (s *stack) request(tx safe.Tx, signatures []byte) safe.SimulationRequest {
	return safe.SimulationRequest{
		From: devnet.Address(devnet.RelayerKey), Safe: s.Guardian, Version: s.version, Tx: tx,
		Owners: s.ownerAddresses(), Signatures: signatures,
		After: []safe.Call{s.isPaused("usdc"), s.isPaused("weth"), safe.ThresholdCall(s.Guardian), {To: s.target, Data: []byte{1, 2, 3, 4}}},
	}
}

// limits are providers that can do less, from the best to the worst. The one that ignores overrides does so silently.
var limits = map[string]func(*node){
	"a provider with everything":         func(*node) {},
	"a provider without eth_simulateV1":  withoutSimulate,
	"a provider that refuses overrides":  func(n *node) { withoutSimulate(n); n.says("eth_call", refuseThird) },
	"a provider that ignores overrides":  func(n *node) { withoutSimulate(n); n.ignoresThird() },
	"a provider that throttles the best": func(n *node) { n.says("eth_simulateV1", refuses(-32005, "not on your plan")) },
}

func withoutSimulate(n *node) {
	n.says("eth_simulateV1", refuses(-32601, "the method eth_simulateV1 does not exist/is not available"))
}

func refuseThird(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
	if len(params) > 2 {
		return refuse(-32602, "too many arguments, want at most 2")
	}
	return honest()
}

func (n *node) ignoresThird() {
	n.says("eth_call", func(params []rawJSON, _ func() (any, *wireError)) (any, *wireError) {
		return n.backend.answer(context.Background(), "eth_call", params[:2])
	})
}

func TestATransactionIsSimulatedWithAndWithoutSignatures(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *stack) {
		pause := s.tx(0, s.pause("usdc"))
		batch := s.tx(0, s.pause("usdc"), s.pause("weth"))
		for name, test := range map[string]struct {
			request safe.SimulationRequest
			after   [3]byte // usdc paused, weth paused, threshold
		}{
			"signed":                       {s.request(pause, s.sign(pause, s.Owners[0], s.Owners[1])), [3]byte{1, 0, 2}},
			"unsigned":                     {s.request(pause, nil), [3]byte{1, 0, 2}},
			"unsigned at a later nonce":    {s.request(s.tx(7, s.pause("weth")), nil), [3]byte{0, 1, 2}},
			"unsigned batch":               {s.request(batch, nil), [3]byte{1, 1, 2}},
			"unsigned change of the Safe":  {s.request(s.tx(0, s.toSafe("changeThreshold", big.NewInt(3))), nil), [3]byte{0, 0, 3}},
			"unsigned removal of an owner": {s.request(s.tx(0, s.toSafe("removeOwner", s.ownerAddresses()[0], s.ownerAddresses()[1], big.NewInt(1))), nil), [3]byte{0, 0, 1}},
		} {
			for limit, apply := range limits {
				t.Run(name+" by "+limit, func(t *testing.T) {
					n := s.nodes(1)[0]
					c := dial(t, nil, n)
					apply(n)
					got := must[safe.Simulation](t)(c.Simulate(testContext(t), test.request))
					if !got.OK || got.Error != "" || got.Block == 0 {
						t.Fatalf("simulation is %+v", got)
					}
					innerOnly := strings.Contains(limit, "overrides") && test.request.Signatures == nil
					if want := map[bool]string{false: "alchemy", true: "alchemy (inner calls only)"}[innerOnly]; got.Provider != want {
						t.Errorf("provider is %q, want %q", got.Provider, want)
					}
					if !innerOnly && (got.GasUsed < 60_000 || got.GasUsed > 250_000) {
						t.Errorf("gas is %d", got.GasUsed)
					}
					if limit != "a provider with everything" {
						if got.After != nil {
							t.Errorf("after is %+v, from a provider that cannot know", got.After)
						}
						return
					}
					if len(got.After) != 4 || !got.After[3].Reverted {
						t.Fatalf("after is %+v, want three values and a revert", got.After)
					}
					for i, want := range test.after {
						if value := got.After[i].Data; len(value) != 32 || value[31] != want {
							t.Errorf("value %d after is %x, want %d", i, value, want)
						}
					}
				})
			}
		}
		if now := must[[]byte](t)(s.Chain.Call(testContext(t), s.Market, s.isPaused("usdc").Data)); now[31] != 0 {
			t.Error("a simulation changed the chain")
		}
	})
}

func TestARevertIsToldInWordsAndByWhom(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *stack) {
		const targets = "says: the oracle is off"
		bubbles := s.version == safe.V1_5_0
		broken := s.tx(0, s.revert("the oracle is off"))
		second := s.tx(0, s.pause("usdc"), s.revert("the oracle is off"))
		disguised := s.tx(0, s.revert("GS026"))
		pause := s.tx(0, s.pause("usdc"))
		used := s.tx(5, s.pause("usdc"))
		gated := broken
		gated.SafeTxGas.SetUint64(100_000)
		at := func(c safe.Call) string { return " to " + c.To.Hex() + " " }
		for name, test := range map[string]struct {
			request safe.SimulationRequest
			want    []string
			never   string
		}{
			"the target refuses":                    {s.request(broken, nil), []string{"the call" + at(s.revert("")) + targets}, "Safe or its guard"},
			"the target refuses a signed one":       {s.request(broken, s.sign(broken, s.Owners[0], s.Owners[1])), []string{"the call" + at(s.revert("")) + targets}, "Safe or its guard"},
			"a call of a batch":                     {s.request(second, nil), []string{"call 2 of 2" + at(s.revert("")) + targets}, ""},
			"the target says what a Safe would":     {s.request(disguised, nil), []string{"the call" + at(s.revert("")) + "says: GS026"}, ""},
			"a failure that would use up the nonce": {s.request(gated, nil), []string{"would use up the nonce", "the call" + at(s.revert("")) + targets}, ""},
			"one signature too few":                 {s.request(pause, s.sign(pause, s.Owners[0])), []string{"GS020: fewer signatures"}, "says"},
			"signatures over another nonce":         {s.request(used, s.sign(used, s.Owners[0], s.Owners[1])), []string{"GS026: a signature is not by an owner"}, "says"},
			"a version that the Safe is not": {func() safe.SimulationRequest {
				r := s.request(pause, nil)
				r.Version = safe.V1_1_1
				return r
			}(), []string{"GS025"}, "inner calls only"},
			"no signatures at all": {s.request(pause, []byte{}), []string{"GS020"}, "says"},
		} {
			t.Run(name, func(t *testing.T) {
				c := dial(t, nil, s.nodes(1)...)
				got := must[safe.Simulation](t)(c.Simulate(testContext(t), test.request))
				if got.OK || got.After != nil || got.GasUsed != 0 {
					t.Errorf("simulation is %+v", got)
				}
				for _, want := range test.want {
					if !strings.Contains(got.Error, want) {
						t.Errorf("error is %q, want %q", got.Error, want)
					}
				}
				if test.never != "" && strings.Contains(got.Error, test.never) {
					t.Errorf("error is %q, which says %q", got.Error, test.never)
				}
				if bubbles == strings.Contains(got.Error, "GS013") && name == "the target refuses" {
					t.Errorf("error is %q; GS013 is of versions before 1.5.0", got.Error)
				}
			})
		}
	})
}

func TestTheGuardIsHeardOutInASimulation(t *testing.T) {
	s := startStack(t, safe.V1_3_0, nil)
	s.execute(s.tx(0, s.toSafe("setGuard", s.Market))) // no guard at all, and 1.3.0 does not look
	c := dial(t, nil, s.nodes(1)...)
	state := must[safe.State](t)(c.SafeState(testContext(t), s.Guardian))
	if state.Guard != s.Market {
		t.Errorf("guard is %s, want %s", state.Guard, s.Market)
	}
	got := must[safe.Simulation](t)(c.Simulate(testContext(t), s.request(s.tx(1, s.pause("usdc")), nil)))
	if got.OK || got.Error != "the guard "+s.Market.Hex()+" refuses: reverted without a reason. Without it this would work" {
		t.Errorf("simulation is %+v", got)
	}
}

func TestWithoutASafeNothingIsSimulated(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	c := dial(t, nil, s.nodes(1)...)
	for name, address := range map[string]common.Address{"no contract": devnet.Address(3), "another contract": s.target} {
		r := s.request(s.tx(0, s.pause("usdc")), make([]byte, 65))
		r.Safe = address
		if got := must[safe.Simulation](t)(c.Simulate(testContext(t), r)); got.OK || got.Error == "" {
			t.Errorf("%s: simulation is %+v", name, got)
		}
	}
	r := s.request(s.tx(0, s.pause("usdc")), nil)
	r.Owners = nil
	if _, err := c.Simulate(testContext(t), r); err == nil || !strings.Contains(err.Error(), "the owners must be known") {
		t.Errorf("error is %v", err)
	}
}

func TestProvidersThatContradictEachOtherAreBothTold(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	nodes := s.nodes(2)
	c := dial(t, nil, nodes...)
	failing := map[string]any{"status": "0x0", "returnData": hexutil.Bytes(reverts("GS013")), "gasUsed": "0x1"}
	nodes[1].says("eth_simulateV1", always([]any{map[string]any{"calls": []any{failing, failing, failing, failing, failing}}}))
	got := must[safe.Simulation](t)(c.Simulate(testContext(t), s.request(s.tx(0, s.pause("usdc")), nil)))
	if got.OK || got.Provider != "alchemy, own" || !strings.Contains(got.Error, "alchemy says that it works; own says that it fails: GS013") {
		t.Errorf("simulation is %+v", got)
	}
}

func TestAfterIsNotClaimedWhenProvidersDifferAboutIt(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	nodes := s.nodes(2)
	c := dial(t, nil, nodes...)
	works := map[string]any{"status": "0x1", "returnData": common.BytesToHash([]byte{1}), "gasUsed": "0xffff"}
	nodes[1].says("eth_simulateV1", always([]any{map[string]any{"calls": []any{works, works, works, works, works}}}))
	got := must[safe.Simulation](t)(c.Simulate(testContext(t), s.request(s.tx(0, s.pause("usdc")), nil)))
	if !got.OK || got.After != nil {
		t.Errorf("simulation is %+v", got)
	}
}

func TestASimulationNeedsOnlyOneProvider(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	nodes := s.nodes(2)
	c := dial(t, nil, nodes...)
	head, _, err := c.Head(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	nodes[0].breaks(isDown)
	r := s.request(s.tx(0, s.pause("usdc")), nil)
	r.At = head
	if got := must[safe.Simulation](t)(c.Simulate(testContext(t), r)); !got.OK || got.Provider != "own" || got.Block != head.Number {
		t.Errorf("simulation is %+v", got)
	}
	nodes[1].breaks(isDown)
	_, err = c.Simulate(testContext(t), r)
	wants(t, err, ErrNoAgreement, "alchemy could not be reached", "own could not be reached")
}

func TestAMalformedSimulationIsAFailureOfItsProvider(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	n := s.nodes(1)[0]
	c := dial(t, nil, n)
	for name, answer := range map[string]any{
		"no block":      []any{},
		"too few calls": []any{map[string]any{"calls": []any{}}},
		"no list":       "0x",
	} {
		n.says("eth_simulateV1", always(answer))
		_, err := c.Simulate(testContext(t), s.request(s.tx(0, s.pause("usdc")), nil))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wants(t, err, ErrNoAgreement, "alchemy answered")
	}
}

func TestTheFirstSimulationWaitsForAContradictionOnlySoLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(4)
		slow := newNode(f)
		works := map[string]any{"status": "0x1", "returnData": common.BytesToHash([]byte{1}), "gasUsed": "0xffff"}
		fast := newNode(f).says("eth_simulateV1", always([]any{map[string]any{"calls": []any{works}}}))
		c := dial(t, nil, fast, slow)
		slow.breaks(hangs)
		began := time.Now()
		got, err := c.Simulate(t.Context(), safe.SimulationRequest{At: f.head().Block, Version: safe.V1_4_1, Owners: []common.Address{{1}}})
		if took := time.Since(began); err != nil || !got.OK || got.Provider != "alchemy" || took != simulateGrace {
			t.Errorf("simulation is %+v, %v after %s", got, err, took)
		}
	})
}

// TestASimulationWaitsForNobodyWhoIsAway: a provider that hangs was found out by the watch before. Enough others must have said what they see, and
// once it answers again, its contradiction is waited for.
func TestASimulationWaitsForNobodyWhoIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(4)
		works := map[string]any{"status": "0x1", "returnData": common.BytesToHash([]byte{1}), "gasUsed": "0xffff"}
		well := func() *node {
			return newNode(f).says("eth_simulateV1", always([]any{map[string]any{"calls": []any{works}}}))
		}
		away := newNode(f).says("eth_simulateV1", func([]rawJSON, func() (any, *wireError)) (any, *wireError) {
			time.Sleep(time.Second) // within the bubble: no wall time
			return []any{map[string]any{"calls": []any{map[string]any{"status": "0x0", "gasUsed": "0xffff", "error": map[string]any{"code": 3, "message": "execution reverted"}}}}}, nil
		})
		c := dial(t, nil, well(), well(), away)
		simulate := func() (bool, time.Duration) {
			began := time.Now()
			s := must[safe.Simulation](t)(c.Simulate(t.Context(), safe.SimulationRequest{At: f.head().Block, Version: safe.V1_4_1, Owners: []common.Address{{1}}}))
			return s.OK, time.Since(began)
		}
		look := func() {
			if _, _, err := c.Head(t.Context()); err != nil {
				t.Error(err)
			}
			time.Sleep(defaultTimeout + time.Second) // within the bubble
		}
		away.breaks(hangs)
		look()
		if ok, took := simulate(); !ok || took != 0 {
			t.Errorf("it works: %t, after %s", ok, took)
		}
		away.breaks(nil)
		look() // what was asked before ends meanwhile
		look()
		if ok, took := simulate(); ok || took != time.Second {
			t.Errorf("with the third back: %t, after %s", ok, took)
		}
	})
}
