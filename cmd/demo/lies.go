package main

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// lie answers one question falsely, where a false answer could do harm: what contracts say, whether a transaction worked,
// what happened, what an account has. A transaction it is asked to send it takes, thanks for, and throws away.
func (p *provider) lie(ctx context.Context, q question) (reply, error) {
	if q.Method == "eth_sendRawTransaction" && len(q.Params) == 1 {
		if hash, ok := hashOf(q.Params[0]); ok {
			p.count(1)
			return reply{Version: "2.0", ID: q.ID, Result: hash}, nil
		}
	}
	r, err := p.ask(ctx, q)
	if err != nil || len(r.Error) > 0 {
		return r, err
	}
	if false_ := falsified(q.Method, r.Result); false_ != nil {
		p.count(1)
		r.Result = false_
	}
	return r, nil
}

func hashOf(raw json.RawMessage) (json.RawMessage, bool) {
	var tx hexutil.Bytes
	if json.Unmarshal(raw, &tx) != nil {
		return nil, false
	}
	hash, err := json.Marshal(crypto.Keccak256Hash(tx))
	return hash, err == nil
}

// falsified gives a wrong result for a right one; nil leaves it as it is.
func falsified(method string, result json.RawMessage) json.RawMessage {
	switch method {
	case "eth_call":
		return lastBitFlipped(result) // paused becomes unpaused, nonce 4 becomes 5, an owner becomes another
	case "eth_getBalance":
		return json.RawMessage(`"0x0"`)
	case "eth_getLogs":
		return json.RawMessage(`[]`)
	case "eth_getTransactionReceipt":
		return withField(result, "status", `"0x0"`)
	}
	return nil
}

func lastBitFlipped(result json.RawMessage) json.RawMessage {
	var b hexutil.Bytes
	if json.Unmarshal(result, &b) != nil || len(b) == 0 {
		return nil
	}
	b = slices.Clone(b)
	b[len(b)-1] ^= 1
	out, err := json.Marshal(b)
	if err != nil {
		return nil
	}
	return out
}

func withField(object json.RawMessage, name, value string) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil || fields == nil {
		return nil
	}
	fields[name] = json.RawMessage(value)
	out, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return out
}

// stale answers as if nothing had happened since block at.
func (p *provider) stale(ctx context.Context, q question, at uint64) (reply, error) {
	for i, param := range q.Params {
		if slices.Contains([]string{`"latest"`, `"pending"`, `"safe"`, `"finalized"`}, string(param)) {
			q.Params[i] = json.RawMessage(`"` + hexutil.EncodeUint64(at) + `"`)
			p.count(1)
		}
	}
	if q.Method == "eth_blockNumber" {
		p.count(1)
		return reply{Version: "2.0", ID: q.ID, Result: json.RawMessage(`"` + hexutil.EncodeUint64(at) + `"`)}, nil
	}
	return p.ask(ctx, q)
}
