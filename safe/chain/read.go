package chain

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"belay/safe"
)

// A provider is often several machines behind one name, and the one that answers may be a block behind the one that told
// of the head. It is given this long to catch up before its answer counts as missing.
const (
	catchUpTries = 3
	catchUpPause = 150 * time.Millisecond
)

// query is one question about the state at a block: a request that lacks its last parameter, the block.
type query struct {
	method   string
	params   []any
	quantity bool // the answer is a number, not bytes

	to    common.Address // whose state it is about
	slot  common.Hash    // of eth_getStorageAt
	data  []byte         // of eth_call
	plain bool           // an eth_call without sender and value
}

// key is the same for the same question.
func (q query) key() string {
	switch {
	case q.plain:
		return "call" + string(q.to[:]) + string(q.data)
	case q.method == "eth_getStorageAt":
		return "slot" + string(q.to[:]) + string(q.slot[:])
	default:
		text, _ := json.Marshal(q.params) // our own addresses and numbers
		return q.method + string(text)
	}
}

func callQuery(from common.Address, c safe.Call) query {
	args := map[string]any{"to": c.To, "data": hexutil.Bytes(c.Data)}
	if from != (common.Address{}) {
		args["from"] = from
	}
	if !c.Value.IsZero() {
		args["value"] = hexutil.EncodeBig(c.Value.ToBig())
	}
	return query{method: "eth_call", params: []any{args}, to: c.To, data: c.Data, plain: len(args) == 2}
}

func slotQuery(of common.Address, slot common.Hash) query {
	return query{method: "eth_getStorageAt", params: []any{of, slot}, to: of, slot: slot}
}

func codeQuery(of common.Address) query {
	return query{method: "eth_getCode", params: []any{of}, to: of}
}

func quantityQuery(method string, of common.Address) query {
	return query{method: method, params: []any{of}, quantity: true, to: of}
}

// pin is EIP-1898: the block by hash, and an error instead of an answer once it is no longer part of the chain.
func pin(at safe.Block) any {
	return map[string]any{"blockHash": at.Hash, "requireCanonical": true}
}

// Read runs calls at one block and returns their results in order, once enough providers gave equal ones. A revert is a
// result, with its data; an error means that nothing is known.
func (c *Client) Read(ctx context.Context, at safe.Block, calls []safe.Call) ([]safe.Result, error) {
	queries := make([]query, len(calls))
	for i, call := range calls {
		queries[i] = callQuery(common.Address{}, call)
	}
	return c.readProven(ctx, fmt.Sprintf("read %d values at block %d", len(calls), at.Number), at, queries)
}

// CodeHashes returns the Keccak-256 of the code of each address at a block, as enough providers have it, in one round. Where
// there is no code it is zero, which no published contract has.
func (c *Client) CodeHashes(ctx context.Context, at safe.Block, addresses ...common.Address) ([]common.Hash, error) {
	queries := make([]query, len(addresses))
	for i, a := range addresses {
		queries[i] = codeQuery(a)
	}
	answers, err := c.readProven(ctx, "read code", at, queries)
	if err != nil {
		return nil, err
	}
	hashes := make([]common.Hash, len(addresses))
	for i, a := range answers {
		if len(a.Data) > 0 {
			hashes[i] = crypto.Keccak256Hash(a.Data)
		}
	}
	return hashes, nil
}

// beaconImplementation is implementation(), which a beacon answers.
var beaconImplementation = []byte{0x5c, 0x60, 0xda, 0x1b}

// Implementations returns, for each proxy, the contract whose code it runs at a block (EIP-1967, beacons included, and the
// slot used before it); zero for what is no such proxy.
func (c *Client) Implementations(ctx context.Context, at safe.Block, proxies ...common.Address) ([]common.Address, error) {
	const slots = 3
	var queries []query
	for _, p := range proxies {
		queries = append(queries, slotQuery(p, safe.SlotImplementation), slotQuery(p, safe.SlotOldImplementation), slotQuery(p, safe.SlotBeacon))
	}
	answers, err := c.readProven(ctx, "read implementations", at, queries)
	if err != nil {
		return nil, err
	}
	found := make([]common.Address, len(proxies))
	for i := range proxies {
		direct, old, beacon := addressIn(answers[slots*i]), addressIn(answers[slots*i+1]), addressIn(answers[slots*i+2])
		found[i] = cmp.Or(direct, old)
		if found[i] != (common.Address{}) || beacon == (common.Address{}) {
			continue
		}
		named, err := c.Read(ctx, at, []safe.Call{{To: beacon, Data: beaconImplementation}})
		if err != nil {
			return nil, err
		}
		if word, err := safe.DecodeHash(named[0]); err == nil {
			found[i] = safe.AddressInSlot(word)
		}
	}
	return found, nil
}

func (c *Client) read(ctx context.Context, what string, at safe.Block, queries []query) ([]safe.Result, error) {
	results, _, err := c.agree(ctx, what, at, queries)
	if err == nil {
		c.memory.keep(at, queries, results)
	}
	return results, err
}

// readProven is read with what of it a proof can decide held against one. It fails with [ErrDisproved].
func (c *Client) readProven(ctx context.Context, what string, at safe.Block, queries []query) ([]safe.Result, error) {
	early := c.askBeside(ctx, at, queries)
	results, by, err := c.agree(ctx, what, at, queries)
	if err != nil {
		return nil, err
	}
	if err := c.discover(ctx, at, queries, by); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if _, err := c.check(ctx, at, claimsOf(queries, results, c.layouts.known), by, early); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	c.memory.keep(at, queries, results)
	return results, nil
}

// agree answers from memory what was agreed on before, and has the rest agreed on now: by are the providers that said so.
func (c *Client) agree(ctx context.Context, what string, at safe.Block, queries []query) (results []safe.Result, by []*provider, err error) {
	if len(queries) == 0 {
		return nil, nil, nil
	}
	if at.Hash == (common.Hash{}) {
		return nil, nil, fmt.Errorf("%s: the block has no hash", what)
	}
	results, missing := c.memory.recall(at, queries)
	if len(missing) == 0 {
		return results, nil, nil
	}
	open := make([]query, len(missing))
	for i, place := range missing {
		open[i] = queries[place]
	}
	fresh, by, err := agreedBy(ctx, c, what, func(ctx context.Context, p *provider) ([]safe.Result, error) {
		return p.readAt(ctx, at, open)
	}, resultsKey)
	if err != nil {
		return nil, nil, err
	}
	for i, place := range missing {
		results[place] = fresh[i]
	}
	return results, by, nil
}

func resultsKey(results []safe.Result) string {
	parts := make([][]byte, 0, 2*len(results))
	for _, r := range results {
		how := []byte("returned")
		if r.Reverted {
			how = []byte("reverted")
		}
		parts = append(parts, how, r.Data)
	}
	return digest(parts...)
}

// readAt answers queries at one block from one provider.
func (p *provider) readAt(ctx context.Context, at safe.Block, queries []query) ([]safe.Result, error) {
	if len(queries) > maxBatch && p.aggregates.able(time.Now()) {
		return p.readMany(ctx, at, queries)
	}
	return p.readEach(ctx, at, queries)
}

// readEach asks for each by itself, a hundred in one body.
func (p *provider) readEach(ctx context.Context, at safe.Block, queries []query) ([]safe.Result, error) {
	requests := make([]request, len(queries))
	for i, q := range queries {
		requests[i] = request{q.method, append(append([]any{}, q.params...), pin(at))}
	}
	return catchUp(ctx, p, func() ([]safe.Result, error) {
		answers, err := p.call(ctx, requests...)
		if err != nil {
			return nil, err
		}
		return decodeResults(queries, answers)
	})
}

// catchUp asks again, a few times, while the provider says that it does not know the block.
func catchUp[T any](ctx context.Context, p *provider, ask func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		value, err := ask()
		var refused *rpcError
		if err == nil || try == catchUpTries || !errors.As(err, &refused) || !isMissingBlock(refused) || refused.code == codeUnknownMethod {
			return value, err
		}
		if err := pause(ctx, catchUpPause); err != nil {
			return value, p.transportError(ctx, err)
		}
	}
}

func decodeResults(queries []query, answers []response) ([]safe.Result, error) {
	results := make([]safe.Result, len(answers))
	for i, a := range answers {
		if a.err != nil {
			if queries[i].method != "eth_call" || !isRevert(a.err) {
				return nil, a.err
			}
			results[i] = safe.Result{Reverted: true, Data: a.err.data}
			continue
		}
		data, err := decodeBytes(queries[i], a)
		if err != nil {
			return nil, err
		}
		results[i].Data = data
	}
	return results, nil
}

// decodeBytes reads an answer as bytes; a quantity becomes a 32-byte word, as storage is.
func decodeBytes(q query, a response) ([]byte, error) {
	malformed := &providerError{outcome: Malformed, text: "answered something that is no bytes"}
	if a.isNull() {
		return nil, malformed
	}
	if q.quantity {
		var number hexutil.U256
		if a.decode(&number) != nil {
			return nil, malformed
		}
		word := (*uint256.Int)(&number).Bytes32()
		return word[:], nil
	}
	var data hexutil.Bytes
	if a.decode(&data) != nil {
		return nil, malformed
	}
	return data, nil
}

// pause waits, or returns the context's error at once when it ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
