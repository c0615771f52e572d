package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"
)

// sampleTrie has n keys, with values short enough for some nodes to stand within others.
func sampleTrie(t testing.TB, n int) *trie.Trie {
	t.Helper()
	made := trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))
	for i := range n {
		if err := made.Update(crypto.Keccak256(sampleKey(i)), sampleValue(i)); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

func sampleKey(i int) []byte { return fmt.Append(nil, "key ", i) }

func sampleValue(i int) []byte { return bytes.Repeat([]byte{byte(i%250 + 1)}, 1+i%40) }

// proofOf proves a key, as a database that go-ethereum can check too.
func proofOf(t testing.TB, of *trie.Trie, key []byte) *memoryProof {
	t.Helper()
	proof := &memoryProof{proofNodes{}}
	if err := of.Prove(crypto.Keccak256(key), proof); err != nil {
		t.Fatal(err)
	}
	return proof
}

// memoryProof makes nodes a database for go-ethereum's own check.
type memoryProof struct{ proofNodes }

func (m *memoryProof) Has(key []byte) (bool, error) {
	return m.proofNodes[common.BytesToHash(key)] != nil, nil
}

func (m *memoryProof) Get(key []byte) ([]byte, error) {
	if node, ok := m.proofNodes[common.BytesToHash(key)]; ok {
		return node, nil
	}
	return nil, errors.New("not found")
}

func (m *memoryProof) Put(key, value []byte) error {
	m.proofNodes[common.BytesToHash(key)] = bytes.Clone(value)
	return nil
}

func (m *memoryProof) Delete(key []byte) error {
	delete(m.proofNodes, common.BytesToHash(key))
	return nil
}

// TestAPathIsFollowedAsGoEthereumDoes, to what is there and to what is not, in tries of every small size; with any node missing nothing is
// found, also not that there is nothing.
func TestAPathIsFollowedAsGoEthereumDoes(t *testing.T) {
	for _, size := range []int{1, 2, 3, 16, 17, 200, 3000} {
		sample := sampleTrie(t, size)
		root := sample.Hash()
		for i := 0; i < size+40; i += 1 + size/50 {
			proof := proofOf(t, sample, sampleKey(i))
			value, err := proof.find(root, sampleKey(i))
			want, wantErr := trie.VerifyProof(root, crypto.Keccak256(sampleKey(i)), proof)
			if err != nil || wantErr != nil || !bytes.Equal(value, want) || (i < size) != (value != nil) {
				t.Fatalf("key %d of %d is %x, %v; go-ethereum says %x, %v", i, size, value, err, want, wantErr)
			}
			for hash := range maps.Clone(proof.proofNodes) {
				node := proof.proofNodes[hash]
				delete(proof.proofNodes, hash)
				if value, err := proof.find(root, sampleKey(i)); !errors.Is(err, errNodeMissing) || value != nil {
					t.Fatalf("without a node key %d is %x, %v", i, value, err)
				}
				proof.proofNodes[hash] = node
			}
		}
	}
	if value, err := (proofNodes{}).find(types.EmptyRootHash, []byte("any")); value != nil || err != nil {
		t.Errorf("an empty trie holds %x, %v", value, err)
	}
}

func TestBrokenNodesEndThePath(t *testing.T) {
	list := func(items ...any) []byte { return must[[]byte](t)(rlp.EncodeToBytes(items)) }
	path := nibbles(crypto.Keccak256([]byte("key")))
	for name, node := range map[string][]byte{
		"no RLP":                     {0xf8},
		"a string":                   must[[]byte](t)(rlp.EncodeToBytes("leaf")),
		"three items":                list("a", "b", "c"),
		"eighteen items":             list(slices.Repeat([]any{"a"}, 18)...),
		"something behind the list":  append(list([]byte{0x20}, "v"), 1),
		"an empty path":              list("", "v"),
		"unknown flags":              list([]byte{0x40}, "v"),
		"padding that is not zero":   list([]byte{0x01}, "v"),
		"an extension without a way": list([]byte{0x00}, make([]byte, 32)),
		"a path that is too long":    list(make([]byte, 40), "v"),
		"a leaf without a value":     list(append([]byte{0x20}, crypto.Keccak256([]byte("key"))...), ""),
		"a child of 31 bytes":        list([]byte{0x10 | path[0]}, make([]byte, 31)),
		"a child that is a big list": list([]byte{0x10 | path[0]}, []any{make([]byte, 40), "v"}),
	} {
		nodes := proofNodes{}
		if err := nodes.add([]hexutil.Bytes{node}); err != nil {
			t.Fatal(err)
		}
		if value, err := nodes.find(crypto.Keccak256Hash(node), []byte("key")); !errors.Is(err, errNodeBroken) {
			t.Errorf("%s: %x, %v", name, value, err)
		}
	}
}

func TestAnAccountThatIsNotThereHasNoCodeAndNoStorage(t *testing.T) {
	sample := sampleTrie(t, 50)
	proof := proofOf(t, sample, guardian[:])
	slot := common.Hash{5}
	facts, err := proof.facts(sample.Hash(), guardian, []common.Hash{slot})
	if err != nil || facts.code != (common.Hash{}) || facts.slots[slot] != (common.Hash{}) || len(facts.slots) != 1 {
		t.Errorf("facts are %+v, %v", facts, err)
	}
	if _, err := proofOf(t, sample, sampleKey(3)).facts(sample.Hash(), common.Address{}, nil); err == nil {
		t.Error("the proof of one key served for another")
	}
}

// sampleProof is an answer to eth_getProof with its block's state root.
func sampleProof(t testing.TB) (raw []byte, root common.Hash, slots []common.Hash) {
	t.Helper()
	storage := trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))
	for i := range 20 {
		slot := common.BigToHash(big.NewInt(int64(i)))
		word, _ := rlp.EncodeToBytes(big.NewInt(int64(i) + 100))
		if err := storage.Update(crypto.Keccak256(slot[:]), word); err != nil {
			t.Fatal(err)
		}
	}
	state := sampleTrie(t, 100)
	leaf, _ := rlp.EncodeToBytes(&types.StateAccount{Root: storage.Hash(), CodeHash: crypto.Keccak256([]byte("code"))})
	if err := state.Update(crypto.Keccak256(guardian[:]), leaf); err != nil {
		t.Fatal(err)
	}
	listed := func(proof *memoryProof) (list []hexutil.Bytes) {
		for _, node := range proof.proofNodes {
			list = append(list, node)
		}
		return list
	}
	wire := map[string]any{"accountProof": listed(proofOf(t, state, guardian[:]))}
	var proofs []map[string]any
	for _, i := range []int64{4, 5, 999} {
		slot := common.BigToHash(big.NewInt(i))
		slots = append(slots, slot)
		proofs = append(proofs, map[string]any{"proof": listed(proofOf(t, storage, slot[:]))})
	}
	wire["storageProof"] = proofs
	raw, err := json.Marshal(wire)
	if err != nil {
		t.Fatal(err)
	}
	return raw, state.Hash(), slots
}

func TestAProofGivesCodeAndWords(t *testing.T) {
	raw, root, slots := sampleProof(t)
	facts, err := decodeProof(raw, root, guardian, slots)
	if err != nil || facts.code != crypto.Keccak256Hash([]byte("code")) || facts.slots[slots[0]] != common.BytesToHash([]byte{104}) ||
		facts.slots[slots[1]] != common.BytesToHash([]byte{105}) || facts.slots[slots[2]] != (common.Hash{}) {
		t.Errorf("facts are %+v, %v", facts, err)
	}
	if _, err := decodeProof(raw, root, guardian, slots[:2]); err == nil {
		t.Error("a proof of more than was asked for is taken")
	}
	if _, err := decodeProof(raw, common.Hash{1}, guardian, slots); err == nil {
		t.Error("a proof of another root is taken")
	}
}

// FuzzDecodeProof: whatever a provider sends as a proof or as a header, it does no harm, and proves what the true proof does or nothing.
func FuzzDecodeProof(f *testing.F) {
	raw, root, slots := sampleProof(f)
	f.Add(raw)
	header, _ := json.Marshal(&types.Header{Number: big.NewInt(5), Difficulty: new(big.Int), Root: root})
	for _, seed := range []string{string(header), `{}`, `null`, `{"accountProof":["0xc0"],"storageProof":[{"proof":[]}]}`, `[`, `{"accountProof":"0x"}`} {
		f.Add([]byte(seed))
	}
	truth, err := decodeProof(raw, root, guardian, slots)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		facts, err := decodeProof(text, root, guardian, slots)
		_, headerErr := decodeStateRoot(text, common.Hash{1})
		if err == nil && (facts.code != truth.code || !maps.Equal(facts.slots, truth.slots)) {
			t.Errorf("something else was proven: %+v", facts)
		}
		if headerErr == nil {
			t.Error("a header hashes to what no header does")
		}
	})
}

// TestAProofTakesMemoryInProportionToItsSize, whatever it is made of.
func TestAProofTakesMemoryInProportionToItsSize(t *testing.T) {
	const n = 200_000
	for name, text := range map[string]string{
		"empty objects": `{"storageProof":[` + strings.Repeat("{},", n) + `{}]}`,
		"empty nodes":   `{"accountProof":[` + strings.Repeat(`"0x",`, n) + `"0x"]}`,
		"one huge node": `{"accountProof":["0x` + strings.Repeat("c0", n) + `"]}`,
		"deep nesting":  `{"accountProof":` + strings.Repeat("[", n),
		"huge extra":    `{"number":"0x1","extraData":"0x` + strings.Repeat("c0", n) + `"}`,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := decodeProof([]byte(text), common.Hash{1}, guardian, nil); err == nil {
			t.Errorf("%s are a proof", name)
		}
		_, _ = decodeStateRoot([]byte(text), common.Hash{1})
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(1<<20+100*len(text)) {
			t.Errorf("%s: %d bytes took %d bytes of memory", name, len(text), grown)
		}
	}
}

// FuzzProofNodes: of any bytes as nodes, ours and go-ethereum's walk find the same where both find anything. (Ours reads no more of a node than
// the path needs; in a node that a true state root leads to, nothing else is broken either.)
func FuzzProofNodes(f *testing.F) {
	sample := sampleTrie(f, 60)
	for i := range 5 {
		for _, node := range proofOf(f, sample, sampleKey(i)).proofNodes {
			f.Add(node, sampleKey(i))
		}
	}
	f.Fuzz(func(t *testing.T, node, key []byte) {
		nodes := &memoryProof{proofNodes{}}
		if nodes.add([]hexutil.Bytes{node}) != nil {
			return
		}
		root := crypto.Keccak256Hash(node)
		value, err := nodes.find(root, key)
		if err != nil || root == types.EmptyRootHash {
			return
		}
		if want, err := trie.VerifyProof(root, crypto.Keccak256(key), nodes); err == nil && !bytes.Equal(value, want) {
			t.Errorf("found %x, go-ethereum %x", value, want)
		}
	})
}
