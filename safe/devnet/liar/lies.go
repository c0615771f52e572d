package liar

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// lie is one request to a proxy that lies.
type lie struct {
	*Proxy
	question
	ctx   context.Context //nolint:containedctx // lives as long as the exchange
	luck  uint64          // drawn with the fault, for what stays the same as long as it lasts
	since uint64          // the head when the fault began
}

// Selectors of the Safe that lies are about.
const (
	getOwners    = "a0e67e2b"
	getThreshold = "e75235b8"
	getNonce     = "affed0e0"
)

var lies = []Fault{
	{Name: "is on another chain", Lies: true, answer: to("eth_chainId", func(lie, func() reply) reply { return tells("0x5") })},
	{Name: "lags", Lies: true, answer: lags(func(l lie, head uint64) uint64 { return head - min(head, 1+l.luck%3) })},
	{Name: "stands still", Lies: true, answer: lags(func(l lie, _ uint64) uint64 { return l.since })},
	{Name: "is several machines that lag", Lies: true, answer: lags(func(l lie, head uint64) uint64 { return head - min(head, uint64(l.throw(3)-1)) })},
	{Name: "is on a fork", Lies: true, answer: forked},
	{Name: "runs ahead", Lies: true, answer: to("eth_getBlockByNumber", func(l lie, honest func() reply) reply {
		return honest().with("number", func(any) any { return hexutil.Uint64(1<<40 + uint64(l.throw(1000))) })
	})},
	{Name: "dates blocks wrongly", Lies: true, answer: to("eth_getBlockByNumber", func(l lie, honest func() reply) reply {
		return honest().with("timestamp", func(v any) any { return moved(v, int64(3600*l.throw(24))) })
	})},
	{Name: "counts transactions late", Lies: true, answer: to("eth_getTransactionCount", func(l lie, honest func() reply) reply { return honest().number(-1) })},
	{Name: "counts transactions early", Lies: true, answer: to("eth_getTransactionCount", func(l lie, honest func() reply) reply { return honest().number(int64(l.throw(9))) })},
	{Name: "says that relayers are poor", Lies: true, answer: to("eth_getBalance", func(lie, func() reply) reply { return tells("0x0") })},
	{Name: "names other owners", Lies: true, answer: reads(getOwners, func(l lie, data []byte) []byte {
		for at := 64; at+32 <= len(data); at += 32 { // behind the offset and the length
			copy(data[at+12:at+32], crypto.Keccak256(data[at:at+32], []byte{byte(l.throw(200))})[12:])
		}
		return data
	})},
	{Name: "leaves an owner out", Lies: true, answer: reads(getOwners, func(_ lie, data []byte) []byte {
		if len(data) >= 96 {
			data[63]--
			data = data[:len(data)-32]
		}
		return data
	})},
	{Name: "names a lower threshold", Lies: true, answer: reads(getThreshold, func(lie, []byte) []byte { return common.LeftPadBytes([]byte{1}, 32) })},
	{Name: "names a higher threshold", Lies: true, answer: reads(getThreshold, func(lie, []byte) []byte { return common.LeftPadBytes([]byte{3}, 32) })},
	{Name: "names another Safe nonce", Lies: true, answer: reads(getNonce, func(l lie, data []byte) []byte {
		data[31] += byte(l.throw(100))
		return data
	})},
	{Name: "answers noise to reads", Lies: true, answer: to("eth_call", func(l lie, honest func() reply) reply {
		return honest().bytes(func(data []byte) []byte { return crypto.Keccak256(data, []byte{byte(l.throw(200))}) })
	})},
	{Name: "answers zero to reads", Lies: true, answer: to("eth_call", func(_ lie, honest func() reply) reply {
		return honest().bytes(func(data []byte) []byte { return make([]byte, len(data)) })
	})},
	{Name: "says that reads revert", Lies: true, answer: to("eth_call", func(lie, func() reply) reply { return reverts() })},
	{Name: "answers noise to storage", Lies: true, answer: to("eth_getStorageAt", func(l lie, honest func() reply) reply {
		return honest().bytes(func(data []byte) []byte { return crypto.Keccak256(data, []byte{byte(l.throw(200))}) })
	})},
	{Name: "shows other code", Lies: true, answer: to("eth_getCode", func(_ lie, honest func() reply) reply {
		return honest().bytes(func(data []byte) []byte { return append(data, 0xfe) })
	})},
	{Name: "shows no code", Lies: true, answer: to("eth_getCode", func(lie, func() reply) reply { return tells("0x") })},
	{Name: "leaves logs out", Lies: true, answer: to("eth_getLogs", func(lie, func() reply) reply { return tells([]any{}) })},
	{Name: "invents logs", Lies: true, answer: to("eth_getLogs", func(l lie, honest func() reply) reply { return honest().appended(l.invention()) })},
	{Name: "denies receipts", Lies: true, answer: to("eth_getTransactionReceipt", func(lie, func() reply) reply { return reply{result: []byte("null")} })},
	{Name: "forges receipts", Lies: true, answer: to("eth_getTransactionReceipt", forge)},
	{Name: "calls failures of what succeeded", Lies: true, answer: to("eth_getTransactionReceipt", func(_ lie, honest func() reply) reply {
		return honest().with("status", func(any) any { return "0x0" }).with("logs", func(any) any { return []any{} })
	})},
	{Name: "takes transactions and forgets them", Lies: true, answer: to("eth_sendRawTransaction", func(l lie, _ func() reply) reply {
		var raw hexutil.Bytes
		_ = json.Unmarshal(l.params[0], &raw)
		return tells(crypto.Keccak256Hash(raw))
	})},
	{Name: "says nonce too low", Lies: true, answer: rejects("nonce too low: next nonce 7, tx nonce 0")},
	{Name: "says underpriced", Lies: true, answer: rejects("replacement transaction underpriced")},
	{Name: "says insufficient funds", Lies: true, answer: rejects("insufficient funds for gas * price + value")},
	{Name: "says that estimates revert", Lies: true, answer: to("eth_estimateGas", func(lie, func() reply) reply { return reverts() })},
	{Name: "estimates too little", Lies: true, answer: to("eth_estimateGas", func(lie, func() reply) reply { return tells("0x5208") })},
	{Name: "says that simulations revert", Lies: true, answer: func(l lie, honest func() reply) reply {
		if l.method == "eth_simulateV1" || l.method == "debug_traceCall" || l.method == "eth_call" && len(l.params) > 2 {
			return reverts()
		}
		return honest()
	}},
	{Name: "suggests absurd fees", Lies: true, answer: fees("0xffffffffffffffff")},
	{Name: "suggests no fees", Lies: true, answer: fees("0x0")},
	{Name: "proves another state", Lies: true, answer: to("eth_getProof", func(l lie, honest func() reply) reply {
		if len(l.params) != 3 {
			return honest()
		}
		var r reply // a good proof, of a block that was not asked for
		r.result, r.refused = l.node.Answer(l.ctx, l.method, []json.RawMessage{l.params[0], l.params[1], []byte(`"0x1"`)})
		return r
	})},
	{Name: "proves nothing", Lies: true, answer: to("eth_getProof", func(_ lie, honest func() reply) reply {
		return honest().with("accountProof", func(any) any { return []any{} })
	})},
}

// to lies about one method.
func to(method string, answer func(lie, func() reply) reply) func(lie, func() reply) reply {
	return func(l lie, honest func() reply) reply {
		if l.method != method {
			return honest()
		}
		return answer(l, honest)
	}
}

// reads lies about what one view function returns. Where calls were put together into one, its answer becomes noise.
func reads(selector string, change func(l lie, data []byte) []byte) func(lie, func() reply) reply {
	return to("eth_call", func(l lie, honest func() reply) reply {
		var call struct {
			Data  hexutil.Bytes `json:"data"`
			Input hexutil.Bytes `json:"input"`
		}
		if len(l.params) == 0 || json.Unmarshal(l.params[0], &call) != nil {
			return honest()
		}
		data := hexutil.Encode(append(call.Data, call.Input...))
		switch {
		case strings.HasPrefix(data, "0x"+selector):
			return honest().bytes(func(data []byte) []byte { return change(l, data) })
		case strings.Contains(data, selector):
			return honest().bytes(func(data []byte) []byte { return crypto.Keccak256(data, []byte{byte(l.throw(200))}) })
		}
		return honest()
	})
}

func rejects(text string) func(lie, func() reply) reply {
	return to("eth_sendRawTransaction", func(lie, func() reply) reply { return refuse(-32000, text) })
}

func fees(wei string) func(lie, func() reply) reply {
	return func(l lie, honest func() reply) reply {
		switch l.method {
		case "eth_feeHistory":
			return honest().with("baseFeePerGas", func(any) any { return []string{wei, wei} })
		case "eth_maxPriorityFeePerGas", "eth_gasPrice":
			return tells(wei)
		}
		return honest()
	}
}

// lags answers as a node whose chain ends earlier.
func lags(end func(l lie, head uint64) uint64) func(lie, func() reply) reply {
	return func(l lie, honest func() reply) reply {
		head := l.head().number
		last := min(end(l, head), head)
		switch l.method {
		case "eth_getBlockByNumber":
			var tag string
			_ = json.Unmarshal(l.params[0], &tag)
			if n, err := hexutil.DecodeUint64(tag); err == nil && n > last {
				return reply{result: []byte("null")}
			} else if err != nil && tag == "latest" {
				return l.blockAt(last)
			}
		case "eth_getTransactionReceipt":
			if r := honest(); mentions(r.result, "blockNumber", last) {
				return reply{result: []byte("null")}
			}
		case "eth_getLogs":
			return honest().without(func(log json.RawMessage) bool { return mentions(log, "blockNumber", last) })
		case "eth_call", "eth_getCode", "eth_getStorageAt", "eth_getBalance", "eth_getTransactionCount", "eth_getProof":
			at := l.params[len(l.params)-1]
			for n := last + 1; n <= head; n++ {
				if bytes.Contains(at, []byte(hashed(l.blockAt(n).block().hash))) {
					return refuse(-32000, "header for hash not found")
				}
			}
		}
		return honest()
	}
}

// mentions reports whether an object's number is higher than last.
func mentions(object json.RawMessage, field string, last uint64) bool {
	var fields map[string]json.RawMessage
	var n hexutil.Uint64
	return json.Unmarshal(object, &fields) == nil && json.Unmarshal(fields[field], &n) == nil && uint64(n) > last
}

// forked answers as a node that went another way some blocks ago: its last blocks have other hashes, and it knows none of the others'.
func forked(l lie, honest func() reply) reply {
	const since = 4
	from := l.head().number
	from -= min(from, since)
	switch l.method {
	case "eth_getBlockByNumber":
		r := honest()
		if r.block().number <= from {
			return r
		}
		return r.with("hash", elsewhere).with("parentHash", func(v any) any {
			if r.block().number == from+1 {
				return v
			}
			return elsewhere(v)
		})
	case "eth_getTransactionReceipt":
		return reply{result: []byte("null")}
	case "eth_getLogs":
		return tells([]any{})
	case "eth_call", "eth_getCode", "eth_getStorageAt", "eth_getBalance", "eth_getTransactionCount", "eth_getProof":
		if bytes.Contains(l.params[len(l.params)-1], []byte(hashed(l.head().hash))) {
			return refuse(-32000, "hash is not currently canonical")
		}
	}
	return honest()
}

func elsewhere(v any) any {
	text, _ := v.(string)
	return crypto.Keccak256Hash([]byte(text), []byte("fork"))
}

// forge makes a success of whatever is asked for: of what reverted, and of what was never mined.
func forge(l lie, honest func() reply) reply {
	log := l.invention()
	if r := honest(); r.refused == nil && string(r.result) != "null" {
		return r.with("status", func(any) any { return "0x1" }).with("logs", func(any) any { return []any{log} })
	}
	var hash common.Hash
	_ = json.Unmarshal(l.params[0], &hash)
	log["transactionHash"] = hash
	return tells(map[string]any{"transactionHash": hash, "blockHash": log["blockHash"], "blockNumber": log["blockNumber"], "status": "0x1",
		"gasUsed": "0x186a0", "logs": []any{log}})
}

// invention is the log of an execution that never was, in the newest block.
func (l lie) invention() map[string]any {
	safe, hash := l.about()
	head := l.head()
	return map[string]any{
		"address": safe, "topics": []common.Hash{crypto.Keccak256Hash([]byte("ExecutionSuccess(bytes32,uint256)")), hash},
		"data": hexutil.Bytes(make([]byte, 32)), "blockNumber": hexutil.Uint64(head.number), "blockHash": head.hash, "logIndex": "0x0",
		"transactionHash": crypto.Keccak256Hash(hash[:], []byte("never")), "transactionIndex": "0x0", "removed": false,
	}
}

// place is a block's number and hash.
type place struct {
	number uint64
	hash   common.Hash
}

func hashed(h common.Hash) string { return strings.TrimPrefix(h.Hex(), "0x") }

func (l lie) head() place {
	var r reply
	r.result, r.refused = l.node.Answer(l.ctx, "eth_getBlockByNumber", []json.RawMessage{[]byte(`"latest"`), []byte("false")})
	return r.block()
}

func (l lie) blockAt(number uint64) (r reply) {
	text, _ := json.Marshal(hexutil.Uint64(number))
	r.result, r.refused = l.node.Answer(l.ctx, "eth_getBlockByNumber", []json.RawMessage{text, []byte("false")})
	return r
}

func (r reply) block() place {
	var wire struct {
		Number hexutil.Uint64 `json:"number"`
		Hash   common.Hash    `json:"hash"`
	}
	_ = json.Unmarshal(r.result, &wire)
	return place{uint64(wire.Number), wire.Hash}
}

func tells(v any) reply {
	text, _ := json.Marshal(v)
	return reply{result: text}
}

func refuse(code int, text string) reply { return reply{refused: &Refusal{Code: code, Message: text}} }

// reverts is the answer to a call that reverts with the text "no".
func reverts() reply {
	data := append([]byte{0x08, 0xc3, 0x79, 0xa0}, common.LeftPadBytes([]byte{32}, 32)...)
	data = append(append(data, common.LeftPadBytes([]byte{2}, 32)...), common.RightPadBytes([]byte("no"), 32)...)
	text, _ := json.Marshal(hexutil.Bytes(data))
	return reply{refused: &Refusal{Code: 3, Message: "execution reverted: no", Data: text}}
}

// with changes one field of an object.
func (r reply) with(field string, change func(any) any) reply {
	var object map[string]any
	if r.refused != nil || json.Unmarshal(r.result, &object) != nil || object == nil {
		return r
	}
	object[field] = change(object[field])
	return tells(object)
}

// bytes changes an answer that is bytes.
func (r reply) bytes(change func([]byte) []byte) reply {
	var data hexutil.Bytes
	if r.refused != nil || json.Unmarshal(r.result, &data) != nil || len(data) == 0 {
		return r
	}
	return tells(hexutil.Bytes(change(data)))
}

// number moves an answer that is a quantity, not below zero.
func (r reply) number(by int64) reply {
	var text string
	if r.refused != nil || json.Unmarshal(r.result, &text) != nil {
		return r
	}
	return tells(moved(text, by))
}

func moved(v any, by int64) any {
	text, _ := v.(string)
	n, err := hexutil.DecodeUint64(text)
	if err != nil {
		return v
	}
	return hexutil.Uint64(max(0, int64(n)+by)) //nolint:gosec // small numbers of a test
}

// appended adds to a list.
func (r reply) appended(v any) reply {
	var list []any
	if r.refused != nil || json.Unmarshal(r.result, &list) != nil {
		return r
	}
	return tells(append(list, v))
}

// without takes some out of a list.
func (r reply) without(some func(json.RawMessage) bool) reply {
	var list []json.RawMessage
	if r.refused != nil || json.Unmarshal(r.result, &list) != nil {
		return r
	}
	return tells(slices.DeleteFunc(list, some))
}
