package chain

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

// paused is a read with an answer that all honest nodes give.
var paused = safe.Call{To: common.HexToAddress("0xaa"), Data: []byte("paused()")}

func readable(height int) *fakeChain {
	f := newFakeChain(height)
	f.calls["paused()"] = safe.Result{Data: common.LeftPadBytes([]byte{1}, 32)}
	return f
}

func always(result any) lie {
	return func([]json.RawMessage, func() (any, *wireError)) (any, *wireError) { return result, nil }
}

func refuses(code int, text string) lie {
	return func([]json.RawMessage, func() (any, *wireError)) (any, *wireError) { return refuse(code, text) }
}

func TestOneFaultyProviderOfThreeChangesNothing(t *testing.T) {
	forked := readable(8)
	forked.grow("elsewhere")
	forked.grow("elsewhere")
	stale := readable(4)
	for name, spoil := range map[string]func(*node){
		"it lies about the value":          func(n *node) { n.says("eth_call", always(hexutil.Bytes(make([]byte, 32)))) },
		"it says that the call reverts":    func(n *node) { n.says("eth_call", refuses(3, "execution reverted")) },
		"it says that the call is refused": func(n *node) { n.says("eth_call", refuses(-32000, "internal error")) },
		"it gives no bytes":                func(n *node) { n.says("eth_call", always(map[string]any{"a": 1})) },
		"it is on another chain":           func(n *node) { n.says("eth_chainId", always("0x1")) },
		"it lags behind":                   func(n *node) { n.backend = stale },
		"it follows a fork":                func(n *node) { n.backend = forked },
		"it names a head far ahead": func(n *node) {
			n.says("eth_getBlockByNumber", always(wireBlock(header{Block: safe.Block{Number: 1 << 40, Hash: common.Hash{1}, Time: 1}})))
		},
		"it has no head":         func(n *node) { n.says("eth_getBlockByNumber", always(nil)) },
		"it is down":             func(n *node) { n.breaks(isDown) },
		"it hangs":               func(n *node) { n.breaks(hangs) },
		"it answers a web page":  func(n *node) { n.breaks(answers(200, "<html>")) },
		"it throttles":           func(n *node) { n.breaks(answers(429, "")) },
		"it names absurd fees":   func(n *node) { n.says("eth_maxPriorityFeePerGas", always("0xffffffffffffffffffff")) },
		"it names no fees":       func(n *node) { n.says("eth_feeHistory", refuses(-32601, "method not found")) },
		"its chain has no hash":  func(n *node) { n.says("eth_getBlockByNumber", always(map[string]any{"number": "0xa"})) },
		"it answers other calls": func(n *node) { n.breaks(answers(200, `[{"id":1,"result":"0x1"}]`)) },
	} {
		for place := range 3 {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := readable(10)
					nodes := []*node{newNode(f), newNode(f), newNode(f)}
					c := dial(t, nil, nodes...)
					must[safe.Fees](t)(c.Fees(t.Context()))
					synctest.Wait()
					spoil(nodes[place])
					began := time.Now()
					head, fees, err := c.Head(t.Context())
					if err != nil || head != f.head().Block {
						t.Fatalf("head is %v, %v, want %v", head, err, f.head().Block)
					}
					if fees.BaseFee.Uint64() > 9 || fees.Tip.Uint64() > defaultTip {
						t.Errorf("fees are %s and %s", fees.BaseFee.Dec(), fees.Tip.Dec())
					}
					results := must[[]safe.Result](t)(c.Read(t.Context(), head, []safe.Call{paused}))
					if len(results) != 1 || results[0].Reverted || results[0].Data[31] != 1 {
						t.Errorf("result is %+v", results)
					}
					if took := time.Since(began); took > headGrace {
						t.Errorf("took %s", took)
					}
				})
			})
		}
	}
}

func TestTwoProvidersThatDisagreeGiveNoAnswer(t *testing.T) {
	f := readable(5)
	liar := newNode(f)
	c := dial(t, nil, newNode(f), liar)
	liar.says("eth_call", always(hexutil.Bytes(make([]byte, 32))))
	_, err := c.Read(t.Context(), f.head().Block, []safe.Call{paused})
	wants(t, err, ErrNoAgreement, "2 of 2 must say the same", "alchemy gave answer", "own gave answer")

	liar.says("eth_call", refuses(-32000, "internal error at https://own.example.org/v2/"+secret))
	_, err = c.Read(t.Context(), f.head().Block, []safe.Call{paused})
	wants(t, err, ErrNoAgreement, "own answered error -32000: internal error at")
}

func TestARevertIsAnAnswerWithItsData(t *testing.T) {
	f := readable(5)
	f.calls["no()"] = safe.Result{Reverted: true, Data: reverts("market: no")}
	c := dial(t, nil, newNode(f), newNode(f))
	results := must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, []safe.Call{paused, {Data: []byte("no()")}}))
	if results[0].Reverted || !results[1].Reverted || safe.Explain(results[1].Data) != "market: no" {
		t.Errorf("results are %+v", results)
	}
}

func TestADissenterIsNoticedAlsoWhenItAnswersLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := readable(5)
		slow := newNode(f)
		var seen outcomes
		c := dial(t, seen.observe, newNode(f), newNode(f), slow)
		slow.says("eth_call", func([]json.RawMessage, func() (any, *wireError)) (any, *wireError) {
			time.Sleep(time.Second) // within the bubble: no wall time
			return hexutil.Bytes{9}, nil
		})
		began := time.Now()
		must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, []safe.Call{paused}))
		if took := time.Since(began); took != 0 {
			t.Errorf("the answer waited %s for the slow one", took)
		}
		c.wg.Wait()
		if !seen.has(Disagreed) {
			t.Errorf("nobody disagreed: %v", seen.all)
		}
	})
}

func TestAProviderOnAnotherChainIsNotUsedUntilItComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := readable(5)
		astray := newNode(f).says("eth_chainId", always("0x5"))
		c := dial(t, nil, newNode(f), astray)
		_, err := c.Read(t.Context(), f.head().Block, []safe.Call{paused})
		wants(t, err, ErrNoAgreement, "own is on chain 5, not 31337")
		if h := c.Health()[1]; h.ChainIDOK || h.OK {
			t.Errorf("health is %+v", h)
		}
		wants(t, c.Broadcast(t.Context(), []byte{2}), nil)
		if n := astray.count("eth_call") + astray.count("eth_sendRawTransaction"); n != 0 {
			t.Errorf("it was used %d times", n)
		}
		astray.says("eth_chainId", nil)
		time.Sleep(wrongChainFor) // within the bubble: no wall time
		must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, []safe.Call{paused}))

		astray.says("eth_chainId", always("0x5")) // the endpoint changes chains behind its name
		_, _, err = c.Head(t.Context())
		wants(t, err, ErrNoAgreement, "own is on chain 5")
	})
}

func TestAReadWaitsForAMachineThatIsABlockBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := readable(5)
		behind := newNode(f)
		c := dial(t, nil, newNode(f), behind)
		tries := 0
		behind.says("eth_call", func(_ []json.RawMessage, honest func() (any, *wireError)) (any, *wireError) {
			if tries++; tries < catchUpTries {
				return refuse(-32000, "header for hash not found")
			}
			return honest()
		})
		must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, []safe.Call{paused}))
		tries = -10
		f.grow("main") // what was read at a block is remembered
		_, err := c.Read(t.Context(), f.head().Block, []safe.Call{paused})
		wants(t, err, ErrNoAgreement, "own answered error -32000: header for hash not found")
	})
}

func TestManyCallsGoOutInBatchesOfAHundred(t *testing.T) {
	f := readable(5)
	n := newNode(f)
	c := dial(t, nil, n)
	calls := make([]safe.Call, 250)
	for i := range calls {
		calls[i] = paused
	}
	if got := must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, calls)); len(got) != 250 {
		t.Errorf("%d results", len(got))
	}
	if c.Corroborated() {
		t.Error("a single provider's word is nobody else's")
	}
}
