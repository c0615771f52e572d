package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"

	"belay/safe"
	"belay/safe/devnet"
)

var everyVersion = []safe.Version{safe.V0_1_0, safe.V1_0_0, safe.V1_1_1, safe.V1_2_0, safe.V1_3_0, safe.V1_4_1, safe.V1_5_0}

// journal collects what is logged, in text.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}

func (j *journal) into(cfg *Config) { cfg.Logger = slog.New(slog.NewTextHandler(j, nil)) }

// TestTheStateOfEveryReleaseIsProven holds the slots against the real code of each: a layout that were wrong would be disproved. The
// newest of the lists are also proven when they change, in the same reading.
func TestTheStateOfEveryReleaseIsProven(t *testing.T) {
	for _, version := range everyVersion {
		t.Run(version.String(), func(t *testing.T) {
			t.Parallel()
			s := startStack(t, version, nil)
			ctx := testContext(t)
			c := dial(t, nil, s.nodes(3)...)
			state := must[safe.State](t)(c.SafeState(ctx, s.Guardian))
			if !state.Proven || len(state.Owners) != 3 {
				t.Fatalf("state is %+v", state)
			}
			if again := must[safe.State](t)(c.StateAt(ctx, state.Block, s.Guardian)); !again.Proven {
				t.Error("the same reading again is not proven")
			}
			if !version.AtLeast(safe.V1_3_0) {
				return
			}
			var calls []safe.Call
			for i := range modulesPage + 3 { // more than a page
				calls = append(calls, s.toSafe("enableModule", module(i)))
			}
			calls = append(calls, s.toSafe("addOwnerWithThreshold", devnet.Address(17), big.NewInt(3)))
			s.execute(s.tx(0, calls...))
			state = must[safe.State](t)(c.SafeState(ctx, s.Guardian))
			if !state.Proven || len(state.Owners) != 4 || state.Threshold != 3 || state.Nonce != 1 || len(state.Modules) != modulesPage+3 {
				t.Errorf("state is %+v", state)
			}
		})
	}
}

// swaps makes a node answer calls with a selector in its own way.
func swaps(selector string, answer any) lie {
	return func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
		if bytes.Contains(params[0], []byte(`"data":"0x`+selector)) {
			return answer, nil
		}
		return honest()
	}
}

func wordOf(n byte) hexutil.Bytes { return common.LeftPadBytes([]byte{n}, 32) }

// ownersAnswer is what getOwners() returns.
func ownersAnswer(owners ...common.Address) hexutil.Bytes {
	data := append(wordOf(32), wordOf(byte(len(owners)))...)
	for _, o := range owners {
		data = append(data, common.LeftPadBytes(o[:], 32)...)
	}
	return data
}

// safeReads are those that decide about signatures.
func safeReads(s common.Address) []safe.Call {
	return []safe.Call{safe.OwnersCall(s), safe.ThresholdCall(s), safe.NonceCall(s), safe.VersionCall(s), safe.SingletonCall(s)}
}

// TestTwoLiarsOfThreeAreDisprovedByTheThird: enough providers to agree give one false value, and the proof of the only honest one
// keeps it from being claimed.
func TestTwoLiarsOfThreeAreDisprovedByTheThird(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	owners := s.ownerAddresses()
	thief := devnet.Address(18)
	for name, test := range map[string]struct {
		method string
		lie    lie
		want   string
	}{
		"a lower threshold":       {"eth_call", swaps("e75235b8", wordOf(1)), "the threshold of"},
		"an older nonce":          {"eth_call", swaps("affed0e0", wordOf(9)), "the nonce of"},
		"an owner more":           {"eth_call", swaps("a0e67e2b", ownersAnswer(append([]common.Address{thief}, owners...)...)), "the owners of"},
		"an owner less":           {"eth_call", swaps("a0e67e2b", ownersAnswer(owners[:2]...)), "the owners of"},
		"an owner in another's":   {"eth_call", swaps("a0e67e2b", ownersAnswer(owners[0], thief, owners[2])), "the owners of"},
		"a module":                {"eth_call", swaps("cc2f8452", append(append(wordOf(64), wordOf(1)...), ownersAnswer(thief)[32:]...)), "the modules of"},
		"a guard":                 {"eth_getStorageAt", slotLie(safe.SlotGuard, thief), "the guard of"},
		"a module guard":          {"eth_getStorageAt", slotLie(safe.SlotModuleGuard, thief), "the module guard of"},
		"another handler":         {"eth_getStorageAt", slotLie(safe.SlotFallbackHandler, thief), "the fallback handler of"},
		"another implementation":  {"eth_getStorageAt", slotLie(safe.SlotSingleton, thief), "the singleton of"},
		"that there is no Safe":   {"eth_getCode", always("0x"), "the code of"},
		"code of another account": {"eth_getCode", always("0x60006000"), "the code of"},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := s.nodes(3)
			var seen outcomes
			var log journal
			c := dial(t, func(cfg *Config) { seen.observe(cfg); log.into(cfg) }, nodes...)
			if _, known := c.layouts.known(s.Guardian); known {
				t.Fatal("a client knows nothing before it read")
			}
			nodes[0].says(test.method, test.lie)
			nodes[2].says(test.method, test.lie)
			for range 2 {
				_, err := c.SafeState(ctx, s.Guardian)
				wants(t, err, ErrDisproved, test.want, "by the block's state root", "alchemy", "infura")
				if strings.Contains(err.Error(), "own said") {
					t.Errorf("error %q blames the honest one", err)
				}
			}
			if !seen.has(Contradicted) || log.count("a proof contradicts") == 0 || log.count("level=ERROR") != 1 {
				t.Errorf("outcomes are %v, logged is %q", seen.all, log.text.String())
			}
			nodes[0].says(test.method, nil)
			if state := must[safe.State](t)(c.SafeState(ctx, s.Guardian)); !state.Proven || state.Threshold != 2 {
				t.Errorf("state is %+v", state)
			}
		})
	}
}

func slotLie(slot common.Hash, address common.Address) lie {
	return func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
		if bytes.Contains(params[1], []byte(slot.Hex()[2:])) {
			return common.BytesToHash(address[:]), nil
		}
		return honest()
	}
}

// TestWhatDecidesAboutSignaturesIsProvenInOneRound: the reading of the hot path, of a Safe that was looked at before.
func TestWhatDecidesAboutSignaturesIsProvenInOneRound(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	nodes := s.nodes(3)
	c := dial(t, nil, nodes...)
	must[safe.State](t)(c.SafeState(ctx, s.Guardian))
	for name, l := range map[string]lie{
		"the threshold": swaps("e75235b8", wordOf(1)),
		"the nonce":     swaps("affed0e0", wordOf(4)),
		"the owners":    swaps("a0e67e2b", ownersAnswer(devnet.Address(18), devnet.Address(19))),
		"the singleton": swaps("a619486e", hexutil.Bytes(common.LeftPadBytes(devnet.Address(18).Bytes(), 32))),
	} {
		s.Chain.Seal()
		head, _, err := c.Head(ctx)
		if err != nil {
			t.Fatal(err)
		}
		nodes[0].says("eth_call", l)
		nodes[1].says("eth_call", l)
		_, err = c.Read(ctx, head, safeReads(s.Guardian))
		wants(t, err, ErrDisproved, name+" of "+s.Guardian.Hex())
		nodes[0].says("eth_call", nil)
		nodes[1].says("eth_call", nil)
		proofs := nodes[2].count("eth_getProof")
		must[[]safe.Result](t)(c.Read(ctx, head, safeReads(s.Guardian)))
		if more := nodes[2].count("eth_getProof") - proofs; more != 0 {
			t.Errorf("after a lie about %s the same was proven %d times more", name, more)
		}
	}
	s.Chain.Seal()
	head, _, _ := c.Head(ctx)
	c.wg.Wait()
	before := nodes[2].count("eth_getProof")
	must[[]safe.Result](t)(c.Read(ctx, head, safeReads(s.Guardian)))
	c.wg.Wait()
	if asked := nodes[2].count("eth_getProof") - before; asked != 1 {
		t.Errorf("asked for %d proofs", asked)
	}
}

// TestAnUpgradeToForeignCodeIsNoLie: what its slots mean is not known then, so that nothing of them is disproved.
func TestAnUpgradeToForeignCodeIsNoLie(t *testing.T) {
	claims := claimsOf([]query{callQuery(common.Address{}, safe.ThresholdCall(guardian))}, []safe.Result{{Data: wordOf(3)}},
		func(common.Address) (layout, bool) { return layout{singleton: common.Address{7}}, true })
	f := newFakeChain(1)
	c := dial(t, nil, newNode(f))
	at := f.head().Block
	facts := accountFacts{slots: map[common.Hash]common.Hash{safe.SlotSingleton: common.BytesToHash([]byte{8}), safe.SlotThreshold: {}}}
	c.memory.learn(at, common.Hash{1}, map[common.Address]accountFacts{guardian: facts})
	if open, all, err := c.compare(at, claims, nil); open || all || err != nil {
		t.Errorf("open %v, all proven %v, %v", open, all, err)
	}
	facts.slots[safe.SlotSingleton] = common.BytesToHash(common.Address{7}.Bytes())
	c.memory.learn(at, common.Hash{1}, map[common.Address]accountFacts{guardian: facts})
	_, _, err := c.compare(at, claims, nil)
	wants(t, err, ErrDisproved, "the threshold of", "the providers said")
}

// TestAProofThatProvesNothingHurtsNothing: whatever one provider sends as a proof, another's serves; without one the agreement counts.
func TestAProofThatProvesNothingHurtsNothing(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	for name, bad := range map[string]struct {
		method string
		lie    lie
		reason string
	}{
		"garbage":                 {"eth_getProof", always(map[string]any{"accountProof": []string{"0xc0", "0x01"}}), "a proof without all nodes, or one of another state"},
		"no object":               {"eth_getProof", always("0x"), "a proof that cannot be read"},
		"nothing":                 {"eth_getProof", always(nil), "a proof without all nodes"},
		"too many nodes":          {"eth_getProof", always(map[string]any{"accountProof": make([]hexutil.Bytes, 70)}), "a proof of 70 nodes"},
		"a huge node":             {"eth_getProof", always(map[string]any{"accountProof": []hexutil.Bytes{make([]byte, 5000)}}), "a node of 5000 bytes"},
		"one of another account":  {"eth_getProof", proofInstead(func(p []rawJSON) { p[0] = rawJSON(`"` + s.Market.Hex() + `"`) }), "without all nodes"},
		"one without a node":      {"eth_getProof", changedProof(func(w *wireProof) { w.Account = w.Account[:len(w.Account)-1] }), "without all nodes"},
		"one without storage":     {"eth_getProof", changedProof(func(w *wireProof) { w.Storage = nil }), "without all nodes"},
		"one with a changed node": {"eth_getProof", changedProof(func(w *wireProof) { w.Account[0][40] ^= 1 }), "without all nodes"},
		"another header":          {"eth_getBlockByHash", headerWith("stateRoot", common.Hash{1}), "a header that does not hash to the block"},
		"no header":               {"eth_getBlockByHash", always(nil), "a header that"},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := s.nodes(2)
			var log journal
			c := dial(t, log.into, nodes...)
			nodes[0].says(bad.method, bad.lie)
			if state := must[safe.State](t)(c.SafeState(ctx, s.Guardian)); !state.Proven {
				t.Error("the proof of the other does not serve")
			}
			c.wg.Wait()
			if log.count("gave "+bad.reason) != 1 && log.count(bad.reason) != 1 {
				t.Errorf("logged is %q, want %q", log.text.String(), bad.reason)
			}
			if h := c.Health()[0]; !h.OK {
				t.Errorf("health is %+v", h)
			}
			nodes[1].says(bad.method, bad.lie)
			s.Chain.Seal()
			if state := must[safe.State](t)(c.SafeState(ctx, s.Guardian)); state.Proven || state.Threshold != 2 {
				t.Errorf("state is %+v", state)
			}
			c.wg.Wait()
			asked := nodes[0].count("eth_getProof")
			s.Chain.Seal()
			must[safe.State](t)(c.SafeState(ctx, s.Guardian))
			if nodes[0].count("eth_getProof") != asked {
				t.Error("it is asked again without a rest")
			}
		})
	}
}

// proofInstead gives the true proof of something else.
func proofInstead(change func([]rawJSON)) func([]rawJSON, func() (any, *wireError)) (any, *wireError) {
	return func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
		change(params)
		return honest()
	}
}

func changedProof(change func(*wireProof)) lie {
	return func(_ []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
		result, err := honest()
		var w wireProof
		if raw, ok := result.(rawJSON); !ok || json.Unmarshal(raw, &w) != nil {
			return result, err
		}
		change(&w)
		return w, nil
	}
}

func headerWith(field string, value any) lie {
	return func(_ []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
		result, err := honest()
		var h map[string]any
		if raw, ok := result.(rawJSON); !ok || json.Unmarshal(raw, &h) != nil {
			return result, err
		}
		h[field] = value
		return h, nil
	}
}

// TestEthrex7071AProofOfAnotherBlocksRootProvesNothing: a client answered with a valid proof, against the state of another block. At
// that block something else was true, and the reading must neither be disproved by it nor be called proven.
func TestEthrex7071AProofOfAnotherBlocksRootProvesNothing(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	nodes := s.nodes(2)
	for _, n := range nodes {
		n.says("eth_getProof", proofInstead(func(p []rawJSON) { p[2] = rawJSON(`"0x8"`) }))
	}
	c := dial(t, nil, nodes...)
	s.execute(s.tx(0, s.toSafe("changeThreshold", big.NewInt(3))))
	state := must[safe.State](t)(c.SafeState(ctx, s.Guardian))
	if state.Block.Number <= 8 || state.Threshold != 3 || state.Nonce != 1 || state.Proven {
		t.Fatalf("state is %+v", state)
	}
	nodes[1].says("eth_getProof", nil)
	fresh := dial(t, nil, nodes...)
	if state := must[safe.State](t)(fresh.SafeState(ctx, s.Guardian)); !state.Proven || state.Threshold != 3 {
		t.Errorf("state is %+v", state)
	}
}

func TestWhoServesNoProofsIsLeftAloneForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(3)
		f.code = []byte{1}
		nodes := []*node{newNode(f), newNode(f)}
		var log journal
		c := dial(t, log.into, nodes...)
		read := func() int {
			h := f.grow("main")
			must[[]common.Hash](t)(c.CodeHashes(t.Context(), h.Block, guardian))
			synctest.Wait()
			return nodes[0].count("eth_getProof")
		}
		first := read()
		time.Sleep(restUnserved - time.Second) // within the bubble: no wall time
		second := read()
		time.Sleep(2 * time.Second)
		if third := read(); first != 1 || second != 1 || third != 2 {
			t.Errorf("asked %d, %d, %d times", first, second, third)
		}
		if provers := must[[]string](t)(c.Provers(t.Context(), f.head().Block)); len(provers) != 0 || log.count("level") != 0 {
			t.Errorf("%v prove, logged is %q", provers, log.text.String())
		}
	})
}

// TestASlowProofIsWaitedForOnce: what a provider's proof takes longer than the reading is lost once; from then on its proofs are looked at
// when they come, and one that shows a lie is still told.
func TestASlowProofIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvenChain(t, map[common.Address]types.StateAccount{guardian: {CodeHash: crypto.Keccak256([]byte{1})}})
		p.code = []byte{1}
		slow := newNode(p).says("eth_getProof", func(_ []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
			time.Sleep(2 * time.Second) // within the bubble: no wall time
			return honest()
		})
		var log journal
		other := newNode(p).says("eth_getProof", refuses(-32601, "method not found"))
		c := dial(t, log.into, slow, other)
		read := func() time.Duration {
			began := time.Now()
			must[[]common.Hash](t)(c.CodeHashes(t.Context(), p.grow(), guardian))
			took := time.Since(began)
			c.wg.Wait()
			return took
		}
		if first, second := read(), read(); first != proofGrace || second != 0 {
			t.Errorf("waited %s, then %s", first, second)
		}
		for _, n := range []*node{slow, other} {
			n.says("eth_getCode", always("0x02"))
		}
		if read(); log.count("level=ERROR") != 1 {
			t.Errorf("logged is %q", log.text.String())
		}
		if _, err := c.CodeHashes(t.Context(), p.last, guardian); err == nil {
			t.Error("what was disproved since is claimed again")
		} else {
			wants(t, err, ErrDisproved, "the code of")
		}
		slow.says("eth_getProof", nil)
		for _, n := range []*node{slow, other} {
			n.says("eth_getCode", nil)
		}
		read()
		if slow.says("eth_getProof", nil); c.providers[0].proofs.isLate() {
			t.Error("a prompt provider is not waited for")
		}
	})
}

// TestWhoHasNoTimeForAProofIsToldNothing: two liars of three agree at once, and the third proves otherwise after the caller's time. Neither
// that reading nor the next one is believed.
func TestWhoHasNoTimeForAProofIsToldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvenChain(t, map[common.Address]types.StateAccount{guardian: {CodeHash: crypto.Keccak256([]byte{1})}})
		p.code = []byte{1}
		liar := func() *node {
			return newNode(p).says("eth_getCode", always("0x02")).says("eth_getProof", refuses(-32601, "method not found"))
		}
		c := dial(t, nil, liar(), liar(), newNode(p).says("eth_getProof", sleepy(200*time.Millisecond)))
		at := p.grow()
		hurry, stop := context.WithTimeout(t.Context(), 125*time.Millisecond)
		defer stop()
		_, err := c.CodeHashes(hurry, at, guardian)
		wants(t, err, context.DeadlineExceeded)
		_, err = c.CodeHashes(t.Context(), at, guardian)
		wants(t, err, ErrDisproved, "the code of")
	})
}

// TestAProofTakesNoTimeBesideTheReading: it is asked for at the same moment, so that a round trip stays one.
func TestAProofTakesNoTimeBesideTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvenChain(t, map[common.Address]types.StateAccount{guardian: {CodeHash: crypto.Keccak256([]byte{1})}})
		p.code = []byte{1}
		const roundTrip = 80 * time.Millisecond
		away := func(_ []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
			time.Sleep(roundTrip) // within the bubble: no wall time
			return honest()
		}
		nodes := make([]*node, 3)
		for i := range nodes {
			nodes[i] = newNode(p).says("eth_getCode", away).says("eth_getProof", away)
		}
		c := dial(t, nil, nodes...)
		at := p.grow()
		began := time.Now()
		must[[]common.Hash](t)(c.CodeHashes(t.Context(), at, guardian))
		if took := time.Since(began); took != roundTrip {
			t.Errorf("it took %s, want one round trip of %s", took, roundTrip)
		}
		if code, known := c.memory.proven(at, claim{account: guardian, ofCode: true}); !known || code != crypto.Keccak256Hash([]byte{1}) {
			t.Error("it is not proven")
		}
	})
}

// provenChain is a scripted chain whose blocks have real headers over a real state trie.
type provenChain struct {
	*fakeChain
	t       *testing.T
	headers map[common.Hash]*types.Header
	root    common.Hash
	prove   func(key []byte) []hexutil.Bytes
	last    safe.Block
}

func newProvenChain(t *testing.T, accounts map[common.Address]types.StateAccount) *provenChain {
	t.Helper()
	state := trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))
	for address, account := range accounts {
		account.Root = types.EmptyRootHash
		leaf := must[[]byte](t)(rlp.EncodeToBytes(&account))
		if err := state.Update(crypto.Keccak256(address[:]), leaf); err != nil {
			t.Fatal(err)
		}
	}
	p := &provenChain{fakeChain: newFakeChain(0), t: t, headers: map[common.Hash]*types.Header{}, root: state.Hash()}
	p.prove = func(key []byte) (nodes []hexutil.Bytes) {
		proof := rawdb.NewMemoryDatabase()
		if err := state.Prove(crypto.Keccak256(key), proof); err != nil {
			t.Error(err)
		}
		for it := proof.NewIterator(nil, nil); it.Next(); {
			nodes = append(nodes, bytes.Clone(it.Value()))
		}
		return nodes
	}
	return p
}

// grow adds a block that hashes to its header.
func (p *provenChain) grow() safe.Block {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &types.Header{Number: big.NewInt(int64(len(p.blocks))), Root: p.root, Difficulty: new(big.Int), Time: 1_750_000_000, Extra: []byte{}}
	p.last = safe.Block{Number: h.Number.Uint64(), Hash: h.Hash(), Time: h.Time}
	p.headers[h.Hash()] = h
	p.blocks = append(p.blocks, header{Block: p.last})
	return p.last
}

func (p *provenChain) answer(ctx context.Context, method string, params []json.RawMessage) (any, *wireError) {
	switch method {
	case "eth_getBlockByHash":
		var hash common.Hash
		if json.Unmarshal(params[0], &hash) != nil {
			return nil, nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if h := p.headers[hash]; h != nil {
			return h, nil
		}
		return nil, nil
	case "eth_getProof":
		var address common.Address
		if json.Unmarshal(params[0], &address) != nil {
			return refuse(-32602, "invalid params")
		}
		return map[string]any{"accountProof": p.prove(address[:]), "storageProof": []any{}}, nil
	}
	return p.fakeChain.answer(ctx, method, params)
}

// TestMemoryIsOfAFewBlocksAndBounded, and of no other block than the one asked about.
func TestMemoryIsOfAFewBlocksAndBounded(t *testing.T) {
	var m memory
	block := func(i int) safe.Block {
		return safe.Block{Number: uint64(i), Hash: common.BigToHash(big.NewInt(int64(i + 1)))}
	}
	q := []query{callQuery(common.Address{}, paused)}
	for i := range blocksKept + 1 {
		m.keep(block(i), q, []safe.Result{{Data: []byte{byte(i)}}})
		m.learn(block(i), common.Hash{1}, map[common.Address]accountFacts{guardian: {slots: map[common.Hash]common.Hash{{}: {}}}})
	}
	for i := range blocksKept + 1 {
		results, missing := m.recall(block(i), q)
		if gone := i == 0; gone != (len(missing) == 1) || !gone && !bytes.Equal(results[0].Data, []byte{byte(i)}) {
			t.Errorf("block %d: %v, missing %v", i, results, missing)
		}
	}
	first := block(1)
	other := first
	other.Hash = common.Hash{0xff} // the same height
	if _, missing := m.recall(other, q); len(missing) != 1 {
		t.Error("what was read at one block is told of another")
	}
	big := make([]query, 3)
	for i := range big {
		big[i] = callQuery(common.Address{}, safe.Call{Data: []byte{byte(i)}})
	}
	m.keep(first, big, []safe.Result{{Data: make([]byte, bytesKept/2)}, {Data: make([]byte, bytesKept/2)}, {Data: []byte{1}}})
	if _, missing := m.recall(first, big); len(missing) != 2 || m.blocks[len(m.blocks)-1].size > bytesKept {
		t.Errorf("missing %v, %d bytes", missing, m.blocks[len(m.blocks)-1].size)
	}
	results, _ := m.recall(first, q)
	results[0].Data[0] = 77
	if again, _ := m.recall(first, q); again[0].Data[0] == 77 {
		t.Error("who was told can change what is remembered")
	}
	m.forget(first)
	if _, missing := m.recall(first, q); len(missing) != 1 {
		t.Error("it does not forget")
	}
	if _, known := m.proven(first, claim{account: guardian}); !known {
		t.Error("what was proven is forgotten with what was agreed on")
	}
}

// TestWhatWasAgreedAtABlockIsNotAskedAgain, and what failed is.
func TestWhatWasAgreedAtABlockIsNotAskedAgain(t *testing.T) {
	f := readable(5)
	nodes := []*node{newNode(f), newNode(f).says("eth_call", refuses(-32000, "internal error"))}
	c := dial(t, nil, nodes...)
	_, err := c.Read(t.Context(), f.head().Block, []safe.Call{paused})
	wants(t, err, ErrNoAgreement)
	c.wg.Wait()
	nodes[1].says("eth_call", nil)
	f.calls["more()"] = safe.Result{Reverted: true, Data: reverts("no")}
	more := safe.Call{To: paused.To, Data: []byte("more()")}
	for range 3 {
		must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, []safe.Call{paused}))
		if r := must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, []safe.Call{paused, more})); r[0].Reverted || !r[1].Reverted || safe.Explain(r[1].Data) != "no" {
			t.Errorf("results are %+v", r)
		}
	}
	c.wg.Wait()
	if n := nodes[1].count("eth_call"); n != 3 { // refused once, and each question once
		t.Errorf("asked %d times", n)
	}
	must[[]safe.Result](t)(c.Read(t.Context(), f.grow("main").Block, []safe.Call{paused}))
	c.wg.Wait()
	if n := nodes[1].count("eth_call"); n != 4 {
		t.Errorf("asked %d times: another block is another question", n)
	}
}

// BenchmarkReading is a decision read of a Safe with three providers, with proofs and without.
func BenchmarkReading(b *testing.B) {
	chain, err := devnet.Start(devnet.Config{Manual: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = chain.Close() }()
	s, err := devnet.NewStack(b.Context(), chain, devnet.StackConfig{})
	if err != nil {
		b.Fatal(err)
	}
	for name, proofs := range map[string]lie{"proven": nil, "agreed": refuses(-32601, "method not found")} {
		b.Run(name, func(b *testing.B) {
			net := network{}
			cfg := Config{Name: "testnet", ChainID: 31337, HTTPClient: &http.Client{Transport: net}, ProofWait: time.Minute}
			for _, host := range []string{"one", "two", "three"} {
				net[host] = newNode(devChain{chain}).says("eth_getProof", proofs)
				cfg.Providers = append(cfg.Providers, Provider{Name: host, URL: "http://" + host})
			}
			c, err := Dial(b.Context(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			for b.Loop() {
				c.memory = memory{} //nolint:govet // nobody else is at it
				state, err := c.SafeState(b.Context(), s.Guardian)
				if err != nil || state.Proven != (proofs == nil) {
					b.Fatal(state, err)
				}
				c.wg.Wait()
			}
		})
	}
}

func BenchmarkDecodeProof(b *testing.B) {
	raw, root, slots := sampleProof(b)
	for b.Loop() {
		if _, err := decodeProof(raw, root, guardian, slots); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAfterAStartTheFirstReadingIsProvenToo: nothing is known of a Safe yet, and the hot path asks for its owners alone. Liars who were there
// first get nothing through, however often they are asked, nor do they make Belay forget what it knew of the Safe.
func TestAfterAStartTheFirstReadingIsProvenToo(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	nodes := s.nodes(3)
	c := dial(t, nil, nodes...)
	for name, l := range map[string]struct {
		method string
		lie    lie
	}{
		"the threshold": {"eth_call", swaps("e75235b8", wordOf(1))},
		"the singleton": {"eth_getStorageAt", slotLie(safe.SlotSingleton, devnet.Address(18))},
		"the code":      {"eth_getCode", always("0x60006000")},
	} {
		nodes[0].says(l.method, l.lie)
		nodes[1].says(l.method, l.lie)
		for range 2 {
			s.Chain.Seal()
			head, _, err := c.Head(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Read(ctx, head, safeReads(s.Guardian))
			wants(t, err, ErrDisproved, name+" of")
		}
		nodes[0].says(l.method, nil)
		nodes[1].says(l.method, nil)
	}
	head, _, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	must[[]safe.Result](t)(c.Read(ctx, head, safeReads(s.Guardian)))
	for _, n := range nodes[:2] {
		n.says("eth_getStorageAt", slotLie(safe.SlotSingleton, devnet.Address(18)))
		n.says("eth_call", swaps("e75235b8", wordOf(1)))
	}
	s.Chain.Seal()
	_, err = c.SafeState(ctx, s.Guardian)
	wants(t, err, ErrDisproved)
	if head, _, err = c.Head(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(ctx, head, safeReads(s.Guardian))
	wants(t, err, ErrDisproved, "the threshold of")
}

// TestAProofIsAskedForByNumberWhereNoHashIsTaken; that of another block would prove nothing.
func TestAProofIsAskedForByNumberWhereNoHashIsTaken(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	nodes := s.nodes(2)
	for _, n := range nodes {
		n.says("eth_getProof", func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
			if bytes.Contains(params[2], []byte("blockHash")) {
				return refuse(-32602, "invalid argument 2: cannot unmarshal object into Go value of type string")
			}
			return honest()
		})
	}
	if state := must[safe.State](t)(dial(t, nil, nodes...).SafeState(testContext(t), s.Guardian)); !state.Proven {
		t.Error("it is not proven")
	}
}

func TestAnotherClientProvesToo(t *testing.T) {
	ctx := testContext(t)
	url := startAnvil(t)
	c := must[*Client](t)(Dial(ctx, Config{Name: "anvil", ChainID: 31337, Providers: []Provider{{Name: "one", URL: url}, {Name: "two", URL: url}}}))
	defer c.Close()
	head, _, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if provers := must[[]string](t)(c.Provers(ctx, head)); len(provers) != 2 {
		t.Errorf("%v prove", provers)
	}
}
