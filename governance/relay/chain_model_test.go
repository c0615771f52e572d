package relay_test

import (
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// modelTx is a transaction of the model: it spends one nonce of one sender, and makes the effect of its subject if nobody has
// made it before (else it reverts, as a Safe does with GS026). An empty subject has no effect: someone used the key elsewhere.
type modelTx struct {
	sender  common.Address
	nonce   uint64
	subject string
	feeCap  uint256.Int
	tipCap  uint256.Int
}

func (tx modelTx) raw() []byte {
	return fmt.Appendf(nil, "%s %d %q %s %s", tx.sender, tx.nonce, tx.subject, tx.feeCap.Dec(), tx.tipCap.Dec())
}

func (tx modelTx) hash() common.Hash { return crypto.Keccak256Hash(tx.raw()) }

var (
	errTooLow      = errors.New("nonce too low")
	errUnderpriced = errors.New("replacement transaction underpriced")
)

// modelChain is a chain and the pool of its nodes. What is true of it follows from its blocks alone.
type modelChain struct {
	blocks [][]modelTx // block i has number i+1
	pool   []modelTx   // at most one a sender and nonce
	base   uint256.Int // base fee
}

// spot is where a transaction was mined.
type spot struct {
	block     uint64
	succeeded bool
}

func (c *modelChain) head() uint64 { return uint64(len(c.blocks)) }

func (c *modelChain) nonce(sender common.Address) (n uint64) {
	for _, block := range c.blocks {
		for _, tx := range block {
			if tx.sender == sender {
				n++
			}
		}
	}
	return n
}

// find says where a transaction was mined.
func (c *modelChain) find(hash common.Hash) (spot, bool) {
	done := map[string]bool{}
	for i, block := range c.blocks {
		for _, tx := range block {
			if tx.hash() == hash {
				return spot{block: uint64(i + 1), succeeded: tx.subject != "" && !done[tx.subject]}, true
			}
			done[tx.subject] = true
		}
	}
	return spot{}, false
}

// effect says which transaction made the effect of a subject, and in which block.
func (c *modelChain) effect(subject string) (by common.Hash, block uint64, done bool) {
	for i, txs := range c.blocks {
		for _, tx := range txs {
			if tx.subject == subject {
				return tx.hash(), uint64(i + 1), true
			}
		}
	}
	return common.Hash{}, 0, false
}

// accept is what a node does with a transaction: the rules of reth, the strictest of those known.
func (c *modelChain) accept(tx modelTx) error {
	if tx.nonce < c.nonce(tx.sender) {
		return errTooLow
	}
	for i, held := range c.pool {
		if held.sender != tx.sender || held.nonce != tx.nonce {
			continue
		}
		if held.hash() == tx.hash() {
			return nil
		}
		if !tenthMore(held.feeCap, tx.feeCap) || !tenthMore(held.tipCap, tx.tipCap) {
			return errUnderpriced
		}
		c.pool[i] = tx
		return nil
	}
	c.pool = append(c.pool, tx)
	return nil
}

func tenthMore(old, now uint256.Int) bool {
	least := new(big.Int).Mul(old.ToBig(), big.NewInt(110))
	return new(big.Int).Mul(now.ToBig(), big.NewInt(100)).Cmp(least) > 0
}

// mine makes a block of what take says, in nonce order; strangers' transactions come first.
func (c *modelChain) mine(strangers []modelTx, take func(modelTx) bool) {
	c.blocks = append(c.blocks, nil)
	here := len(c.blocks) - 1
	for _, tx := range strangers {
		tx.nonce = c.nonce(tx.sender)
		c.blocks[here] = append(c.blocks[here], tx)
	}
	waiting := slices.SortedFunc(slices.Values(c.pool), func(a, b modelTx) int { return int(a.nonce) - int(b.nonce) })
	for _, tx := range waiting {
		if tx.nonce == c.nonce(tx.sender) && !tx.feeCap.Lt(&c.base) && take(tx) {
			c.blocks[here] = append(c.blocks[here], tx)
		}
	}
	c.pool = slices.DeleteFunc(c.pool, func(tx modelTx) bool { return tx.nonce < c.nonce(tx.sender) })
}

// reorganise takes the last blocks away. Their transactions return to the pool, or are lost.
func (c *modelChain) reorganise(depth int, lost func(modelTx) bool) {
	gone := slices.Concat(c.blocks[len(c.blocks)-depth:]...)
	c.blocks = c.blocks[:len(c.blocks)-depth]
	for _, tx := range gone {
		if !lost(tx) {
			_ = c.accept(tx) // a pool that holds something better keeps that
		}
	}
}

// world is the model's outside: the chain, its provider's moods, and what was ever signed.
type world struct {
	modelChain
	signed map[common.Hash]modelTx
	keys   []common.Address
}

func (w *world) account(key common.Address) safe.Account {
	return safe.Account{Nonce: w.nonce(key), Balance: gwei(1e12)}
}

func (w *world) receipt(hash common.Hash) *safe.Receipt {
	at, ok := w.find(hash)
	if !ok {
		return nil
	}
	return &safe.Receipt{TxHash: hash, Block: safe.Block{Number: at.block}, Succeeded: at.succeeded}
}

// bids are all that was ever signed for a key and nonce.
func (w *world) bids(key common.Address, nonce uint64) []modelTx {
	return slices.DeleteFunc(slices.Collect(maps.Values(w.signed)), func(tx modelTx) bool {
		return tx.sender != key || tx.nonce != nonce
	})
}
