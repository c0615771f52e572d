package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
	"belay/safe/devnet"
)

// What went wrong with others who ask several providers, each with the project and the number that it is known by there. That a valid proof may be
// one of another block (ethrex #7071) has its test beside the other proofs.

// heighted answers each read with something that changes with every block, as a balance or a nonce does.
func heighted(f *fakeChain) *node {
	return newNode(f).says("eth_call", func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
		var at struct {
			Hash common.Hash `json:"blockHash"`
		}
		if err := json.Unmarshal(params[1], &at); err != nil {
			return refuse(-32602, "a read that names no block by its hash")
		}
		if _, err := honest(); err != nil {
			return nil, err // it does not know the block
		}
		return at.Hash, nil
	})
}

// TestEthers1115ValuesAreComparedAtOneBlockHash: a quorum over whatever each provider calls its latest block cannot be met while the chain
// moves. Here one is ahead, one is behind, and a value that changes with each block is agreed on all the same.
func TestEthers1115ValuesAreComparedAtOneBlockHash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind := readable(9)
		f := behind.fork()
		shared := f.grow("main")
		ahead := f.fork()
		ahead.grow("main")
		c := dial(t, nil, heighted(ahead), heighted(f), heighted(behind))
		head, _, err := c.Head(t.Context())
		if err != nil || head != shared.Block {
			t.Fatalf("head is %+v, %v, want %+v", head, err, shared.Block)
		}
		results := must[[]safe.Result](t)(c.Read(t.Context(), head, []safe.Call{paused}))
		if !bytes.Equal(results[0].Data, head.Hash[:]) {
			t.Errorf("read %x, want what is true at %s", results[0].Data, head.Hash)
		}
	})
}

// TestEthers4862RevertsAreComparedByTheirData: error texts differ from client to client, and may hold a request's id.
func TestEthers4862RevertsAreComparedByTheirData(t *testing.T) {
	reverting := func(code int, text, reason string) lie {
		return func([]rawJSON, func() (any, *wireError)) (any, *wireError) {
			data, _ := json.Marshal(hexutil.Bytes(reverts(reason)))
			return nil, &wireError{Code: code, Message: text, Data: data}
		}
	}
	f := readable(5)
	one := newNode(f).says("eth_call", reverting(3, "execution reverted: market: no (request 17)", "market: no"))
	two := newNode(f).says("eth_call", reverting(-32015, "VM execution error.", "market: no"))
	c := dial(t, nil, one, two)
	results := must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, []safe.Call{paused}))
	if !results[0].Reverted || safe.Explain(results[0].Data) != "market: no" {
		t.Errorf("results are %+v", results)
	}
	two.says("eth_call", reverting(3, "execution reverted: market: no (request 17)", "market: yes"))
	_, err := c.Read(t.Context(), f.grow("main").Block, []safe.Call{paused})
	wants(t, err, ErrNoAgreement)
}

// TestHelios174OmittedLogsHideNothingThatOneProviderAdmits: that logs are left out cannot be seen, so that the union counts, and nothing is
// concluded from there being none: the head that is handed over without logs is the one at which nonce and state are read.
func TestHelios174OmittedLogsHideNothingThatOneProviderAdmits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(5), &diary{}
		silent := func() *node { return newNode(f).says("eth_getLogs", always([]any{})) }
		watching(t, safe.Block{}, []*node{silent(), newNode(f), silent()}, d, func() { f.grow("main"); f.emit(event("executed")) })
		expect(t, "logs", d.texts(), "executed")

		d = &diary{}
		watching(t, safe.Block{}, []*node{silent(), silent(), silent()}, d, func() { f.grow("main"); f.emit(event("hidden")) })
		expect(t, "logs", d.texts())
		if last := d.heads[len(d.heads)-1]; last != f.head().Block {
			t.Errorf("the last head is %+v, want %+v: state is read there", last, f.head().Block)
		}
	})
}

// TestWeb3EthereumDefi1135ALaggingNodeGivesNoNonce: a strict comparison was fed by one node that lagged. What is compared strictly is read at the
// agreed head, and a node that does not know that block has no say.
func TestWeb3EthereumDefi1135ALaggingNodeGivesNoNonce(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	before := must[common.Hash](t)(s.headHash())
	s.execute(s.tx(0, s.toSafe("changeThreshold", big.NewInt(1))))
	after := must[common.Hash](t)(s.headHash())
	sent := must[uint64](t)(s.Chain.Client().NonceAt(ctx, devnet.Address(devnet.RelayerKey), nil))
	for place := range 3 {
		nodes := s.nodes(3)
		var claimed atomic.Int64
		lagging := func(block int) lie { // it stands at the block before, and answers for that whatever it is asked
			return func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
				if bytes.Contains(params[block], []byte(after.Hex())) {
					claimed.Add(1)
					params[block] = rawJSON(`{"blockHash":"` + before.Hex() + `"}`)
				}
				return honest()
			}
		}
		nodes[place].says("eth_call", lagging(1)).says("eth_getTransactionCount", lagging(1)).says("eth_getBlockByNumber", func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
			if string(params[0]) == `"latest"` {
				params[0] = rawJSON(fmt.Sprintf(`"0x%x"`, must[uint64](t)(s.Chain.Client().BlockNumber(ctx))-1))
			}
			return honest()
		})
		c := dial(t, nil, nodes...)
		for range 5 {
			state := must[safe.State](t)(c.SafeState(ctx, s.Guardian))
			if state.Nonce != 1 || state.Threshold != 1 || state.Block.Hash != after {
				t.Fatalf("state is %+v", state)
			}
			if a := must[[]safe.Account](t)(c.Accounts(ctx, state.Block, devnet.Address(devnet.RelayerKey)))[0]; a.Nonce != sent {
				t.Fatalf("the relayer's nonce is %d, want %d", a.Nonce, sent)
			}
		}
		c.wg.Wait()
		if claimed.Load() == 0 {
			t.Error("the lagging node was not asked")
		}
	}
}

func (s *stack) headHash() (common.Hash, error) {
	h, err := s.Chain.Client().HeaderByNumber(context.Background(), nil)
	if err != nil {
		return common.Hash{}, err
	}
	return h.Hash(), nil
}

// TestErpc327NoRetryGetsAroundTheAgreement: a retry wrapped what had failed to agree, and took the next answer for the agreed one. Here retries are
// below the vote, and every provider has one: one that answers after others failed stays alone, however often it is asked.
func TestErpc327NoRetryGetsAroundTheAgreement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := readable(5)
		many := manyReads(f, 300)
		unknown := refuses(-32000, "header for hash not found")
		alone := newNode(f)
		nodes := []*node{newNode(f).says("eth_call", unknown), alone, newNode(f).says("eth_call", unknown)}
		c := dial(t, nil, nodes...)
		for _, calls := range [][]safe.Call{{paused}, {paused}, many, many} { // by itself, and as many that go out in several ways
			tries := nodes[0].count("eth_call")
			_, err := c.Read(t.Context(), f.head().Block, calls)
			wants(t, err, ErrNoAgreement, "own gave answer A", "alchemy answered error -32000")
			c.wg.Wait()
			if n := nodes[0].count("eth_call") - tries; n < catchUpTries || n > catchUpTries*(len(calls)+2) {
				t.Errorf("the one who does not know the block was asked %d times", n)
			}
		}
		nodes[2].says("eth_call", nil)
		must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, many))
	})
}

// TestInfra646ATieHalts: as many providers on one side as on the other are no majority, for a value as for a head. There is an error, and
// whoever could break the tie decides it.
func TestInfra646ATieHalts(t *testing.T) {
	for _, n := range []int{2, 4} {
		synctest.Test(t, func(t *testing.T) {
			f := readable(70)
			other := f.fork() // no block in common
			for i := range other.blocks {
				other.blocks[i].Hash[0] ^= 0xff
			}
			nodes := make([]*node, n)
			for i := range nodes {
				nodes[i] = newNode(f)
				if i%2 == 0 {
					nodes[i].says("eth_call", always(hexutil.Bytes(make([]byte, 32))))
				}
			}
			c := dial(t, nil, nodes...)
			began := time.Now()
			_, err := c.Read(t.Context(), f.head().Block, []safe.Call{paused})
			wants(t, err, ErrNoAgreement, "gave answer A", "gave answer B")
			for i := range nodes {
				nodes[i].says("eth_call", nil)
				if i%2 == 0 {
					nodes[i].backend = other
				}
			}
			_, _, err = c.Head(t.Context())
			wants(t, err, ErrNoAgreement)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s to say so", took)
			}
			for i := range nodes {
				nodes[i].backend = f
			}
			if head, _, err := c.Head(t.Context()); err != nil || head != f.head().Block {
				t.Errorf("head is %+v, %v, after the tie", head, err)
			}
		})
	}
}

// TestOptimism5694AReorganisationOfOneBlockBansNobody: a good provider was banned for a block that others had not. Here all three are needed for an
// agreement, and right after the reorganisation all three have their say again.
func TestOptimism5694AReorganisationOfOneBlockBansNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := readable(20)
		other := f.fork()
		parent := f.head()
		f.grow("main")
		other.grow("uncle")
		nodes := []*node{newNode(f), newNode(other), newNode(f)}
		var seen outcomes
		c := dial(t, func(cfg *Config) { cfg.Agreement = 3; seen.observe(cfg) }, nodes...)
		head, _, err := c.Head(t.Context())
		if err != nil || head != parent.Block {
			t.Fatalf("head is %+v, %v, want the parent that all have", head, err)
		}
		other.cut(21) // it follows the others now
		other.mu.Lock()
		other.blocks = append(other.blocks, f.head())
		other.mu.Unlock()
		after := f.grow("main")
		other.mu.Lock()
		other.blocks = append(other.blocks, after)
		other.mu.Unlock()
		head, _, err = c.Head(t.Context())
		if err != nil || head != after.Block {
			t.Fatalf("head is %+v, %v, want %+v", head, err, after.Block)
		}
		must[[]safe.Result](t)(c.Read(t.Context(), head, []safe.Call{paused}))
		for _, h := range c.Health() {
			if !h.OK {
				t.Errorf("%s is not well: %s", h.Name, h.Err)
			}
		}
		if seen.has(Disagreed) || seen.has(Malformed) {
			t.Errorf("outcomes are %v", seen.all)
		}
	})
}
