package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// fakeChain is a scripted chain in memory: as strict as geth about parameters, and usable within testing/synctest.
type fakeChain struct {
	mu      sync.Mutex
	blocks  []header
	logs    []safe.Log
	calls   map[string]safe.Result // by calldata; what is not here reverts
	tags    map[string]uint64      // finalized, if served
	mined   map[common.Hash]map[string]any
	sent    []hexutil.Bytes
	fee     uint64
	gas     uint64
	nonce   uint64
	balance uint64
	code    hexutil.Bytes
}

func newFakeChain(height int) *fakeChain {
	f := &fakeChain{calls: map[string]safe.Result{}, tags: map[string]uint64{}, mined: map[common.Hash]map[string]any{}, fee: 7, gas: 21000}
	for range height + 1 {
		f.grow("main")
	}
	return f
}

// grow adds a block; another branch name makes another hash.
func (f *fakeChain) grow(branch string) header {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.blocks)
	h := header{Block: safe.Block{Number: uint64(n), Time: 1_750_000_000 + 12*uint64(n)}}
	if n > 0 {
		h.parent = f.blocks[n-1].Hash
	}
	h.Hash = crypto.Keccak256Hash(h.parent[:], []byte(branch), fmt.Append(nil, n))
	f.blocks = append(f.blocks, h)
	return h
}

// cut drops the blocks from number on, with their logs.
func (f *fakeChain) cut(number int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blocks = f.blocks[:number]
	f.logs = slices.DeleteFunc(f.logs, func(l safe.Log) bool { return l.Block.Number >= uint64(number) })
}

// fork is a copy that can go another way.
func (f *fakeChain) fork() *fakeChain {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := newFakeChain(0)
	c.blocks, c.logs, c.calls, c.tags = slices.Clone(f.blocks), slices.Clone(f.logs), f.calls, f.tags
	return c
}

func (f *fakeChain) head() header {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.blocks[len(f.blocks)-1]
}

// emit puts a log into the newest block.
func (f *fakeChain) emit(l safe.Log) safe.Log {
	in := f.head().Block
	f.mu.Lock()
	defer f.mu.Unlock()
	l.Block = in
	f.logs = append(f.logs, l)
	return l
}

func refuse(code int, text string) (any, *wireError) {
	return nil, &wireError{Code: code, Message: text}
}

func (f *fakeChain) answer(_ context.Context, method string, params []json.RawMessage) (any, *wireError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch method {
	case "eth_chainId":
		return hexutil.Uint64(31337), nil
	case "eth_getBlockByNumber":
		return f.block(params)
	case "eth_feeHistory":
		return map[string]any{"baseFeePerGas": []hexutil.Uint64{hexutil.Uint64(f.fee), hexutil.Uint64(f.fee + 1)}}, nil
	case "eth_maxPriorityFeePerGas":
		return hexutil.Uint64(f.fee / 2), nil
	case "eth_estimateGas":
		return hexutil.Uint64(f.gas), nil
	case "eth_sendRawTransaction":
		var raw hexutil.Bytes
		if err := json.Unmarshal(params[0], &raw); err != nil {
			return refuse(-32602, "invalid argument 0")
		}
		f.sent = append(f.sent, raw)
		return crypto.Keccak256Hash(raw), nil
	case "eth_getTransactionReceipt":
		var hash common.Hash
		if err := json.Unmarshal(params[0], &hash); err != nil {
			return refuse(-32602, "invalid argument 0")
		}
		if receipt, ok := f.mined[hash]; ok {
			return receipt, nil
		}
		return nil, nil
	case "eth_getLogs":
		return f.getLogs(params)
	case "eth_call", "eth_getTransactionCount", "eth_getBalance", "eth_getCode":
		return f.state(method, params)
	}
	return refuse(-32601, "the method "+method+" does not exist/is not available")
}

func (f *fakeChain) block(params []json.RawMessage) (any, *wireError) {
	var tag string
	if len(params) != 2 || json.Unmarshal(params[0], &tag) != nil || string(params[1]) != "false" {
		return refuse(-32602, "invalid params")
	}
	number := uint64(len(f.blocks) - 1)
	if tag != "latest" {
		if at, ok := f.tags[tag]; ok {
			number = at
		} else if n, err := hexutil.DecodeUint64(tag); err == nil {
			number = n
		} else {
			return refuse(-39001, "finalized block not found")
		}
	}
	if number >= uint64(len(f.blocks)) {
		return nil, nil
	}
	return wireBlock(f.blocks[number]), nil
}

func wireBlock(h header) map[string]any {
	return map[string]any{
		"number": hexutil.Uint64(h.Number), "hash": h.Hash, "parentHash": h.parent,
		"timestamp": hexutil.Uint64(h.Time), "baseFeePerGas": hexutil.Uint64(7),
	}
}

// state answers what needs an EIP-1898 block, and takes no other.
func (f *fakeChain) state(method string, params []json.RawMessage) (any, *wireError) {
	var at struct {
		Hash      common.Hash `json:"blockHash"`
		Canonical bool        `json:"requireCanonical"`
	}
	if len(params) != 2 || json.Unmarshal(params[1], &at) != nil || !at.Canonical {
		return refuse(-32602, "invalid params")
	}
	if !slices.ContainsFunc(f.blocks, func(h header) bool { return h.Hash == at.Hash }) {
		return refuse(-32000, "header for hash not found")
	}
	switch method {
	case "eth_getTransactionCount":
		return hexutil.Uint64(f.nonce), nil
	case "eth_getBalance":
		return hexutil.Uint64(f.balance), nil
	case "eth_getCode":
		return f.code, nil
	}
	var call struct {
		Data hexutil.Bytes `json:"data"`
	}
	if json.Unmarshal(params[0], &call) != nil {
		return refuse(-32602, "invalid params")
	}
	r, ok := f.calls[string(call.Data)]
	if !ok || r.Reverted {
		data, _ := json.Marshal(hexutil.Bytes(r.Data))
		return nil, &wireError{Code: 3, Message: "execution reverted", Data: data}
	}
	return hexutil.Bytes(r.Data), nil
}

func (f *fakeChain) getLogs(params []json.RawMessage) (any, *wireError) {
	var filter struct {
		From, To  hexutil.Uint64
		FromBlock hexutil.Uint64   `json:"fromBlock"`
		ToBlock   hexutil.Uint64   `json:"toBlock"`
		Address   []common.Address `json:"address"`
		Topics    [][]common.Hash  `json:"topics"`
	}
	if len(params) != 1 || json.Unmarshal(params[0], &filter) != nil {
		return refuse(-32602, "invalid params")
	}
	if filter.ToBlock-filter.FromBlock >= 2000 {
		return refuse(-32005, "query exceeds max block range 2000")
	}
	found := []map[string]any{}
	for _, l := range f.logs {
		in := l.Block.Number >= uint64(filter.FromBlock) && l.Block.Number <= uint64(filter.ToBlock)
		if in && slices.Contains(filter.Address, l.Address) && matches(safe.Filter{Address: l.Address, Topics: filter.Topics}, l) {
			found = append(found, wireLogOf(l))
		}
	}
	return found, nil
}

func wireLogOf(l safe.Log) map[string]any {
	return map[string]any{
		"address": l.Address, "topics": l.Topics, "data": hexutil.Bytes(l.Data), "blockNumber": hexutil.Uint64(l.Block.Number),
		"blockHash": l.Block.Hash, "transactionHash": l.TxHash, "logIndex": hexutil.Uint(l.Index), "removed": false,
	}
}

// reverts is the revert data of require(false, text).
func reverts(text string) []byte {
	data := append([]byte{0x08, 0xc3, 0x79, 0xa0}, common.LeftPadBytes([]byte{32}, 32)...)
	data = append(data, common.LeftPadBytes([]byte{byte(len(text))}, 32)...)
	return append(data, []byte(text+strings.Repeat("\x00", 31-(len(text)+31)%32))...)
}
