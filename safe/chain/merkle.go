package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// What a state trie of Ethereum can need: a path has 64 nibbles, and the largest node, a full branch, 532 bytes.
const (
	maxProofDepth = 65
	maxProofNode  = 1024 // bytes
	maxProofSlots = 1024 // of one account; geth refuses more
)

// accountFacts is what is proven of one account at one block.
type accountFacts struct {
	code  common.Hash                 // Keccak-256 of its code; zero where there is none
	slots map[common.Hash]common.Hash // words of its storage, of those that were asked for
}

// decodeStateRoot reads the state root out of the header that hashes to what was agreed on. Any other header is a lie about
// this block, or one of a chain whose headers are not Ethereum's.
func decodeStateRoot(raw json.RawMessage, block common.Hash) (common.Hash, error) {
	var header types.Header
	if err := json.Unmarshal(raw, &header); err != nil {
		return common.Hash{}, errors.New("a header that cannot be read")
	}
	if header.Hash() != block {
		return common.Hash{}, errors.New("a header that does not hash to the block that was asked for")
	}
	return header.Root, nil
}

// wireProof is an answer to eth_getProof. What it states beside the nodes is not even read: only what they prove counts.
type wireProof struct {
	Account []hexutil.Bytes `json:"accountProof"`
	Storage []struct {
		Proof []hexutil.Bytes `json:"proof"`
	} `json:"storageProof"`
}

// decodeProof checks a proof against a state root and returns what it proves. The error says what is wrong with it; then it
// proves nothing.
func decodeProof(raw json.RawMessage, root common.Hash, account common.Address, slots []common.Hash) (accountFacts, error) {
	var wire wireProof
	if err := json.Unmarshal(raw, &wire); err != nil {
		return accountFacts{}, errors.New("a proof that cannot be read")
	}
	if len(wire.Storage) > len(slots) {
		return accountFacts{}, errors.New("a proof of more than was asked for")
	}
	nodes := proofNodes{}
	if err := nodes.add(wire.Account); err != nil {
		return accountFacts{}, err
	}
	for _, s := range wire.Storage {
		if err := nodes.add(s.Proof); err != nil {
			return accountFacts{}, err
		}
	}
	return nodes.facts(root, account, slots)
}

// proofNodes are nodes of a trie by their hash. That a node is there says nothing; that a root leads to it does.
type proofNodes map[common.Hash][]byte

func (n proofNodes) add(nodes []hexutil.Bytes) error {
	if len(nodes) > maxProofDepth {
		return fmt.Errorf("a proof of %d nodes", len(nodes))
	}
	for _, node := range nodes {
		if len(node) > maxProofNode {
			return fmt.Errorf("a proof with a node of %d bytes", len(node))
		}
		n[crypto.Keccak256Hash(node)] = node
	}
	return nil
}

func (n proofNodes) facts(root common.Hash, address common.Address, slots []common.Hash) (accountFacts, error) {
	facts := accountFacts{slots: make(map[common.Hash]common.Hash, len(slots))}
	leaf, err := n.find(root, address[:])
	if err != nil {
		return accountFacts{}, fmt.Errorf("of the account %w", err)
	}
	account := types.StateAccount{Root: types.EmptyRootHash, CodeHash: types.EmptyCodeHash[:]} // one that is not there
	if leaf != nil {
		if err := rlp.DecodeBytes(leaf, &account); err != nil || len(account.CodeHash) != common.HashLength {
			return accountFacts{}, errors.New("a proof of something that is no account")
		}
	}
	if code := common.BytesToHash(account.CodeHash); code != types.EmptyCodeHash {
		facts.code = code
	}
	for _, slot := range slots {
		value, err := n.find(account.Root, slot[:])
		if err != nil {
			return accountFacts{}, fmt.Errorf("of its storage %w", err)
		}
		if facts.slots[slot], err = storedWord(value); err != nil {
			return accountFacts{}, err
		}
	}
	return facts, nil
}

// storedWord reads a leaf of a storage trie; none is zero.
func storedWord(leaf []byte) (common.Hash, error) {
	if leaf == nil {
		return common.Hash{}, nil
	}
	word, rest, err := rlp.SplitString(leaf)
	if err != nil || len(rest) > 0 || len(word) > common.HashLength {
		return common.Hash{}, errors.New("a proof of something that is no word")
	}
	return common.BytesToHash(word), nil
}

// Errors of a path through the nodes. They end a sentence that begins with what was looked for.
var (
	errNodeMissing = errors.New("a proof without all nodes, or one of another state")
	errNodeBroken  = errors.New("a proof with a node that cannot be read")
)

// find follows a key from the root of a trie to its value; nil when the nodes prove that it is not there. Every step uses up
// a part of the path, so that it ends.
func (n proofNodes) find(root common.Hash, key []byte) ([]byte, error) {
	if root == types.EmptyRootHash {
		return nil, nil
	}
	node, there := n[root]
	if !there {
		return nil, errNodeMissing
	}
	for path := nibbles(crypto.Keccak256(key)); ; {
		items, err := splitNode(node)
		if err != nil {
			return nil, err
		}
		var next []byte
		if len(items) == 2 {
			step, leaf, err := shortPath(items[0])
			switch {
			case err != nil:
				return nil, err
			case leaf && bytes.Equal(step, path):
				return leafValue(items[1])
			case leaf || !bytes.HasPrefix(path, step):
				return nil, nil
			case len(step) == 0:
				return nil, errNodeBroken
			}
			next, path = items[1], path[len(step):]
		} else if len(path) == 0 { // all keys are equally long, so that none ends at a branch
			return nil, errNodeBroken
		} else {
			next, path = items[path[0]], path[1:]
		}
		if node, err = n.child(next); node == nil || err != nil {
			return nil, err
		}
	}
}

// child gives the node that an item of another names: by its hash, or, if it is short, as it is. nil: there is none.
func (n proofNodes) child(item []byte) ([]byte, error) {
	kind, content, _, err := rlp.Split(item)
	switch {
	case err != nil:
		return nil, errNodeBroken
	case kind == rlp.List && len(item) < common.HashLength:
		return item, nil
	case kind == rlp.String && len(content) == 0:
		return nil, nil
	case kind == rlp.String && len(content) == common.HashLength:
		if node, there := n[common.BytesToHash(content)]; there {
			return node, nil
		}
		return nil, errNodeMissing
	}
	return nil, errNodeBroken
}

// splitNode gives the items of a node with their prefixes: 17 of a branch, 2 of an extension or a leaf.
func splitNode(node []byte) ([][]byte, error) {
	list, rest, err := rlp.SplitList(node)
	if err != nil || len(rest) > 0 {
		return nil, errNodeBroken
	}
	items := make([][]byte, 0, 17)
	for len(list) > 0 {
		_, _, rest, err := rlp.Split(list)
		if err != nil || len(items) == 17 {
			return nil, errNodeBroken
		}
		items = append(items, list[:len(list)-len(rest)])
		list = rest
	}
	if len(items) != 2 && len(items) != 17 {
		return nil, errNodeBroken
	}
	return items, nil
}

func leafValue(item []byte) ([]byte, error) {
	value, _, err := rlp.SplitString(item)
	if err != nil || len(value) == 0 {
		return nil, errNodeBroken
	}
	return value, nil
}

// shortPath reads the path of an extension or a leaf: a nibble of flags (2: leaf, 1: odd), and one of padding where it is even.
func shortPath(item []byte) (path []byte, leaf bool, err error) {
	text, _, err := rlp.SplitString(item)
	if err != nil || len(text) == 0 || len(text) > common.HashLength+1 || text[0] > 0x3f || text[0]&0x10 == 0 && text[0]&0x0f != 0 {
		return nil, false, errNodeBroken
	}
	path = nibbles(text)
	leaf = path[0]&2 != 0
	if path[0]&1 != 0 {
		return path[1:], leaf, nil
	}
	return path[2:], leaf, nil
}

func nibbles(text []byte) []byte {
	path := make([]byte, 0, 2*len(text))
	for _, b := range text {
		path = append(path, b>>4, b&0x0f)
	}
	return path
}
