package chain

import (
	"bytes"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

// What is remembered at most: a look at ten thousand operations fits in, and all of it is a few megabytes.
const (
	blocksKept   = 4
	answersKept  = 20_000  // of one block
	bytesKept    = 8 << 20 // of one block's answers and their questions
	accountsKept = 1000    // that something is proven of, of one block
	receiptsKept = 100     // of one block
)

// memory holds what was agreed and what was proven at the blocks that were last looked at, by their hash: neither ever changes. What failed is not in
// it, and nothing of one block is ever told of another.
type memory struct {
	mu     sync.Mutex     // guards everything below
	blocks []*blockMemory // the one that was asked for last comes last
}

type blockMemory struct {
	hash    common.Hash
	root    common.Hash // of the state, out of a header that hashes to the block's hash; zero: not known yet
	answers map[string]safe.Result
	size    int
	facts   map[common.Address]accountFacts
	mined   map[common.Hash]safe.Receipt // of transactions in it
}

// of returns the memory of a block, or makes one in place of the one that was longest not asked for. It is called with the lock held.
func (m *memory) of(at safe.Block, make bool) *blockMemory {
	i := slices.IndexFunc(m.blocks, func(b *blockMemory) bool { return b.hash == at.Hash })
	if i < 0 && !make {
		return nil
	}
	found := &blockMemory{hash: at.Hash, answers: map[string]safe.Result{}, facts: map[common.Address]accountFacts{}, mined: map[common.Hash]safe.Receipt{}}
	if i >= 0 {
		found = m.blocks[i]
		m.blocks = slices.Delete(m.blocks, i, i+1)
	} else if len(m.blocks) == blocksKept {
		m.blocks = slices.Delete(m.blocks, 0, 1)
	}
	m.blocks = append(m.blocks, found)
	return found
}

// recall fills in what was agreed on before and names the rest by their places.
func (m *memory) recall(at safe.Block, queries []query) (results []safe.Result, missing []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	results = make([]safe.Result, len(queries))
	known := m.of(at, false)
	for i, q := range queries {
		if known != nil {
			if r, ok := known.answers[q.key()]; ok {
				results[i] = safe.Result{Data: bytes.Clone(r.Data), Reverted: r.Reverted}
				continue
			}
		}
		missing = append(missing, i)
	}
	return results, missing
}

// holds reports whether all of it is remembered.
func (m *memory) holds(at safe.Block, queries []query) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.of(at, false)
	return b != nil && !slices.ContainsFunc(queries, func(q query) bool {
		_, there := b.answers[q.key()]
		return !there
	})
}

// keep remembers what was agreed on, as far as there is room.
func (m *memory) keep(at safe.Block, queries []query, results []safe.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.of(at, true)
	for i, q := range queries {
		key := q.key()
		if _, there := b.answers[key]; there {
			continue
		}
		size := len(key) + len(results[i].Data)
		if len(b.answers) >= answersKept || b.size+size > bytesKept {
			return
		}
		b.answers[key] = safe.Result{Data: bytes.Clone(results[i].Data), Reverted: results[i].Reverted}
		b.size += size
	}
}

// forget drops what was agreed on at a block. What was proven there stays.
func (m *memory) forget(at safe.Block) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.of(at, false); b != nil {
		b.answers, b.size, b.mined = map[string]safe.Result{}, 0, map[common.Hash]safe.Receipt{}
	}
}

// receipt is nil for a transaction that was not found mined in this block yet.
func (m *memory) receipt(in safe.Block, tx common.Hash) *safe.Receipt {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.of(in, false)
	if b == nil {
		return nil
	}
	r, there := b.mined[tx]
	if !there {
		return nil
	}
	r.Logs = slices.Clone(r.Logs)
	return &r
}

func (m *memory) keepReceipt(in safe.Block, r safe.Receipt) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.of(in, true); len(b.mined) < receiptsKept {
		r.Logs = slices.Clone(r.Logs)
		b.mined[r.TxHash] = r
	}
}

// stateRoot is zero when no provider has shown the header yet.
func (m *memory) stateRoot(at safe.Block) common.Hash {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.of(at, false); b != nil {
		return b.root
	}
	return common.Hash{}
}

// learn remembers what is proven at a block. Two proofs of one thing prove the same.
func (m *memory) learn(at safe.Block, root common.Hash, facts map[common.Address]accountFacts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.of(at, true)
	b.root = root
	for address, more := range facts {
		known, there := b.facts[address]
		if !there && len(b.facts) >= accountsKept {
			continue
		}
		if !there {
			known = accountFacts{code: more.code, slots: map[common.Hash]common.Hash{}}
			b.facts[address] = known
		}
		for slot, word := range more.slots {
			known.slots[slot] = word
		}
	}
}

// proven looks up what a claim is about; false when nothing is proven of it.
func (m *memory) proven(at safe.Block, c claim) (common.Hash, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.of(at, false)
	if b == nil {
		return common.Hash{}, false
	}
	facts, there := b.facts[c.account]
	if !there || c.ofCode {
		return facts.code, there
	}
	word, there := facts.slots[c.slot]
	return word, there
}

// unproven is what of it is not proven at a block yet.
func (m *memory) unproven(at safe.Block, of wanted) wanted {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.of(at, false)
	if b == nil {
		return of
	}
	rest := wanted{}
	for account, slots := range of {
		facts, there := b.facts[account]
		open := slices.DeleteFunc(slices.Clone(slots), func(slot common.Hash) bool {
			_, known := facts.slots[slot]
			return known
		})
		if !there || len(open) > 0 {
			rest[account] = open
		}
	}
	return rest
}
