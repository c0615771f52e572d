package chain

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"belay/safe"
)

// bloomOf is the bloom of a block with one log.
func bloomOf(address common.Address, topics ...common.Hash) any {
	return types.CreateBloom(&types.Receipt{Logs: []*types.Log{{Address: address, Topics: topics}}})
}

// tells has a provider's blocks carry a bloom, and transactions.
func tells(bloom, transactions any) lie {
	return func(_ []json.RawMessage, honest func() (any, *wireError)) (any, *wireError) {
		answer, refused := honest()
		block, is := answer.(map[string]any)
		if !is {
			return answer, refused
		}
		if bloom != nil {
			block["logsBloom"] = bloom
		}
		if transactions != nil {
			block["transactions"] = transactions
		}
		return block, refused
	}
}

func TestABlockThatHoldsNoLogIsNotAskedForLogs(t *testing.T) {
	none, one := []string{}, []common.Hash{{1}}
	stranger := tells(bloomOf(common.Address{9}, common.Hash{9}), one)
	for name, row := range map[string]struct {
		first, second lie
		asked         bool
	}{
		"others' logs alone":                  {stranger, stranger, false},
		"no logs and no transactions":         {tells(types.Bloom{}, none), tells(types.Bloom{}, none), false},
		"the log of a watched Safe":           {tells(bloomOf(guardian, success), one), tells(bloomOf(guardian, success), one), true},
		"another log of a watched Safe":       {tells(bloomOf(guardian, common.Hash{9}), one), stranger, false},
		"one of two has room for the log":     {stranger, tells(bloomOf(guardian, success), one), true},
		"a bloom of zero beside transactions": {stranger, tells(types.Bloom{}, one), true},
		"a bloom of zero and nothing else":    {stranger, tells(types.Bloom{}, nil), true},
		"no bloom":                            {stranger, nil, true},
		"a bloom that is too short":           {stranger, tells("0x00", one), true},
		"a bloom that is none":                {stranger, tells(map[string]any{}, one), true},
		"a bloom with room for everything":    {stranger, tells("0x"+strings.Repeat("ff", types.BloomByteLength), one), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, d := newFakeChain(5), &diary{}
				nodes := []*node{newNode(f).says("eth_getBlockByNumber", row.first), newNode(f).says("eth_getBlockByNumber", row.second)}
				watching(t, safe.Block{}, nodes, d, func() { f.grow("main"); f.emit(event("a")) })
				expect(t, "heads", d.numbers(), 5, 6)
				for i, n := range nodes {
					if asked := n.count("eth_getLogs") > 0; asked != row.asked {
						t.Errorf("provider %d was asked for logs: %t, want %t", i+1, asked, row.asked)
					}
				}
				if row.asked {
					expect(t, "logs", d.texts(), "a")
				}
			})
		})
	}
}

// TestABloomThatOneProviderAloneTellsHidesNothing: the first of two lies about the newest block, and the third does not have it yet.
func TestABloomThatOneProviderAloneTellsHidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(5), &diary{}
		behind := f.fork()
		liar := newNode(f).says("eth_getBlockByNumber", tells(bloomOf(common.Address{9}, common.Hash{9}), []common.Hash{{1}}))
		honest := newNode(f).says("eth_getBlockByNumber", func(_ []json.RawMessage, honest func() (any, *wireError)) (any, *wireError) {
			time.Sleep(time.Millisecond)
			return honest()
		})
		watching(t, safe.Block{}, []*node{liar, honest, newNode(behind)}, d, func() { f.grow("main"); f.emit(event("a")) })
		expect(t, "logs", d.texts(), "a")
	})
}

// TestOnlyTheBlockAfterTheLastOneIsJudgedByItsBloom: it says nothing of the blocks between.
func TestOnlyTheBlockAfterTheLastOneIsJudgedByItsBloom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(5), &diary{}
		n := newNode(f).says("eth_getBlockByNumber", tells(types.Bloom{}, []string{}))
		watching(t, safe.Block{}, []*node{n}, d, func() { f.grow("main"); f.emit(event("a")); f.grow("main") })
		expect(t, "logs", d.texts(), "a")
	})
}
