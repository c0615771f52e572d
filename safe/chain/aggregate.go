package chain

import (
	"bytes"
	"context"
	_ "embed" // for the code
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

// Reads beyond one batch go out as a few eth_calls instead, each of them to code of our own that makes many calls. What one holds is bounded by what
// a node gives an eth_call: 50 million gas is geth's default, and a read of a timelock takes about ten thousand.
const (
	aggregateReads   = 500
	aggregateBytes   = 128 << 10 // of calldata
	aggregatesAtOnce = 4         // in one HTTP body
)

// aggregateHex is aggregate.yul, compiled. The code stands at the zero address for as long as the call lasts (a state override), and from there
// the calls look as they do without a sender: msg.sender and tx.origin are zero. It hides from contracts that call the zero address; only
// one that asks whether there is code could tell. Each call has the state of the block, whatever the others did.
//
//go:embed aggregate.hex
var aggregateHex string

var aggregateCode = hexutil.MustDecode("0x" + strings.TrimSpace(aggregateHex))

// aggregable reports whether a read gives the same from within the code: what pays, has a sender, or reads the zero address, does not.
func (q query) aggregable() bool {
	return q.plain && q.to != (common.Address{}) && len(q.data) < aggregateBytes/2
}

// readMany answers queries at one block from one provider in as few exchanges as it serves. What the code cannot answer for, and what a provider
// without state overrides is asked, goes out in plain batches: the results are the same.
func (p *provider) readMany(ctx context.Context, at safe.Block, queries []query) ([]safe.Result, error) {
	results := make([]safe.Result, len(queries))
	groups, single := grouped(queries)
	for len(groups) > 0 {
		now := groups[:min(len(groups), aggregatesAtOnce)]
		open, err := p.readGroups(ctx, at, queries, now, results)
		if err == nil {
			single = append(single, open...)
			groups = groups[len(now):]
			continue
		}
		if !errors.Is(err, errNoAggregates) {
			return nil, err
		}
		p.aggregates.rest(time.Now().Add(restUnserved))
		for _, g := range groups {
			single = append(single, g...)
		}
		groups = nil
	}
	plain := make([]query, len(single))
	for i, place := range single {
		plain[i] = queries[place]
	}
	rest, err := p.readEach(ctx, at, plain)
	if err != nil {
		return nil, err
	}
	for i, place := range single {
		results[place] = rest[i]
	}
	return results, nil
}

// grouped sorts queries, by their places, into what one call can hold each, and what has to be asked by itself.
func grouped(queries []query) (groups [][]int, single []int) {
	var group []int
	size := 0
	for i, q := range queries {
		if !q.aggregable() {
			single = append(single, i)
			continue
		}
		if len(group) == aggregateReads || size+len(q.data) > aggregateBytes {
			groups, group, size = append(groups, group), nil, 0
		}
		group, size = append(group, i), size+len(q.data)
	}
	if len(group) > 0 {
		groups = append(groups, group)
	}
	return groups, single
}

// errNoAggregates marks a provider that takes no state overrides, or whose answer to one is no use.
var errNoAggregates = errors.New("takes no state overrides")

// readGroups asks for some groups in one body and fills in their results. open are those that have to be asked for by themselves: they used
// so much gas that they might end otherwise with as much as a call of their own has.
func (p *provider) readGroups(ctx context.Context, at safe.Block, queries []query, groups [][]int, results []safe.Result) (open []int, err error) {
	requests := make([]request, len(groups))
	for i, g := range groups {
		requests[i] = aggregateRequest(at, queries, g)
	}
	answers, err := catchUp(ctx, p, func() ([]response, error) {
		answers, err := p.call(ctx, requests...)
		for _, a := range answers {
			if err == nil && a.err != nil {
				err = a.err
			}
		}
		return answers, err
	})
	if err != nil {
		return nil, aggregateFailure(err)
	}
	for i, g := range groups {
		var data hexutil.Bytes
		if answers[i].isNull() || answers[i].decode(&data) != nil {
			return nil, errNoAggregates
		}
		parts, err := decodeAggregate(data, len(g))
		if err != nil {
			return nil, err
		}
		for j, place := range g {
			if parts[j].doubtful {
				open = append(open, place)
			}
			results[place] = parts[j].Result
		}
	}
	return open, nil
}

// aggregateFailure tells a provider that does not serve this from one that does not answer, or does not know the block: that one would not
// answer plain calls either.
func aggregateFailure(err error) error {
	var failure *providerError
	var refused *rpcError
	switch {
	case errors.As(err, &refused) && isMissingBlock(refused) && refused.code != codeUnknownMethod, errors.As(err, &refused) && isThrottle(refused):
		return err
	case refused != nil:
		return errNoAggregates
	case errors.As(err, &failure) && (failure.outcome == BadStatus || failure.outcome == Refused || failure.outcome == TooLarge || failure.outcome == Malformed):
		return errNoAggregates
	}
	return err
}

func aggregateRequest(at safe.Block, queries []query, group []int) request {
	nobody := common.Address{}
	args := map[string]any{"from": nobody, "to": nobody, "data": hexutil.Bytes(encodeAggregate(queries, group))}
	override := map[common.Address]any{nobody: map[string]any{"code": hexutil.Bytes(aggregateCode)}}
	return request{"eth_call", []any{args, pin(at), override}}
}

func encodeAggregate(queries []query, group []int) []byte {
	data := make([]byte, 32, 32+len(group)*80)
	binary.BigEndian.PutUint64(data[24:], uint64(len(group)))
	for _, place := range group {
		q := queries[place]
		data = append(data, q.to[:]...)
		data = binary.BigEndian.AppendUint32(data, 0)
		data = binary.BigEndian.AppendUint64(data, uint64(len(q.data)))
		data = append(data, q.data...)
	}
	return data
}

// part is the answer to one of the calls.
type part struct {
	safe.Result
	doubtful bool // with more gas it might be another
}

// decodeAggregate reads the answers of n calls, to the last byte.
func decodeAggregate(data []byte, n int) ([]part, error) {
	parts := make([]part, 0, min(n, len(data)/32))
	for range n {
		if len(data) < 32 {
			return nil, errNoAggregates
		}
		how, size := data[15], binary.BigEndian.Uint64(data[24:32])
		padded := bytes.Equal(data[:15], make([]byte, 15)) && bytes.Equal(data[16:24], make([]byte, 8))
		if !padded || how > 2 || size > uint64(len(data)-32) {
			return nil, errNoAggregates
		}
		parts = append(parts, part{safe.Result{Data: data[32 : 32+size], Reverted: how == 0}, how == 2})
		data = data[32+size:]
	}
	if len(data) > 0 {
		return nil, errNoAggregates
	}
	return parts, nil
}
