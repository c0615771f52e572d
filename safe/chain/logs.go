package chain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

// logsGrace is how long the logs of enough providers wait for those of the rest.
const logsGrace = 500 * time.Millisecond

// wireLog is a log as providers send it.
type wireLog struct {
	Address common.Address `json:"address"`
	Topics  []common.Hash  `json:"topics"`
	Data    hexutil.Bytes  `json:"data"`
	Number  hexutil.Uint64 `json:"blockNumber"`
	Block   common.Hash    `json:"blockHash"`
	TxHash  common.Hash    `json:"transactionHash"`
	Index   hexutil.Uint   `json:"logIndex"`
	Removed bool           `json:"removed"`
}

func (l wireLog) log(in safe.Block) safe.Log {
	return safe.Log{Address: l.Address, Topics: l.Topics, Data: l.Data, Block: in, TxHash: l.TxHash, Index: uint(l.Index)}
}

// logKey identifies a log by all of its content, so that a false one can never stand in for the true one at its place.
func logKey(l safe.Log) string {
	parts := [][]byte{l.Block.Hash[:], fmt.Append(nil, l.Block.Number, l.Index), l.TxHash[:], l.Address[:], l.Data}
	for _, t := range l.Topics {
		parts = append(parts, t[:])
	}
	return digest(parts...)
}

// Logs returns the logs that match any of the filters in the blocks from and to, both included, in chain order and each
// once, with the time of its block.
//
// A log is a hint, never proof. The answer is the union of what at least as many providers as an agreement takes have
// said, so that one that leaves logs out hides nothing; each of them must know the block to. A log that some provider made
// up is in it too, unless it names a block that the others do not know at that height: read the receipt before believing
// it. Filters with different topics are asked for together, and sorted out here.
func (c *Client) Logs(ctx context.Context, filters []safe.Filter, from, to uint64) ([]safe.Log, error) {
	end, err := c.BlockAt(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("read logs: %w", err)
	}
	return c.logsUpTo(ctx, filters, from, end)
}

// logsUpTo is Logs with the last block named by its hash.
func (c *Client) logsUpTo(ctx context.Context, filters []safe.Filter, from uint64, end safe.Block) ([]safe.Log, error) {
	if len(filters) == 0 || from > end.Number {
		return nil, nil
	}
	what := fmt.Sprintf("read logs of blocks %d to %d", from, end.Number)
	union, err := c.collectLogs(ctx, what, filters, from, end)
	if err != nil || len(union) == 0 {
		return nil, err
	}
	logs, err := c.keepCanonical(ctx, what, union)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(logs, func(a, b safe.Log) int {
		return cmp.Or(cmp.Compare(a.Block.Number, b.Block.Number), cmp.Compare(a.Index, b.Index), cmp.Compare(logKey(a), logKey(b)))
	})
	return logs, nil
}

// collectLogs unites the answers of all providers, or of enough of them when the others take longer than the grace.
func (c *Client) collectLogs(ctx context.Context, what string, filters []safe.Filter, from uint64, end safe.Block) (map[string]safe.Log, error) {
	answers, release, err := askAll(ctx, c, c.providers, func(ctx context.Context, p *provider) ([]safe.Log, error) {
		return p.logs(ctx, filters, from, end)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	votes := newTally(func([]safe.Log) string { return "" })
	var grace <-chan time.Time
	for waiting := len(c.providers); waiting > 0; waiting-- {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %w", what, ctx.Err())
		case <-grace:
			waiting = 0
		case a := <-answers:
			votes.add(a)
		}
		if grace == nil && len(votes.cast[""]) >= c.agreement {
			grace = time.After(logsGrace)
		}
	}
	if len(votes.cast[""]) < c.agreement {
		return nil, fmt.Errorf("%s: %w", what, votes.disagreement(c))
	}
	union := map[string]safe.Log{}
	for _, a := range votes.cast[""] {
		for _, l := range a.value {
			union[logKey(l)] = l
		}
	}
	return union, nil
}

// keepCanonical drops logs of blocks that are not part of the agreed chain, and fills in the time of those that are.
func (c *Client) keepCanonical(ctx context.Context, what string, union map[string]safe.Log) ([]safe.Log, error) {
	var numbers []uint64
	for _, l := range union {
		numbers = append(numbers, l.Block.Number)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	blocks, err := agreed(ctx, c, what, func(ctx context.Context, p *provider) (map[uint64]safe.Block, error) {
		return p.blocksAt(ctx, numbers)
	}, func(blocks map[uint64]safe.Block) string {
		var parts [][]byte
		for _, n := range numbers {
			parts = append(parts, []byte(header{Block: blocks[n]}.key()))
		}
		return digest(parts...)
	})
	if err != nil {
		return nil, err
	}
	logs := make([]safe.Log, 0, len(union))
	for _, l := range union {
		if in := blocks[l.Block.Number]; in.Hash == l.Block.Hash {
			l.Block = in
			logs = append(logs, l)
		}
	}
	return logs, nil
}

// blocksAt reads several blocks by number.
func (p *provider) blocksAt(ctx context.Context, numbers []uint64) (map[uint64]safe.Block, error) {
	requests := make([]request, len(numbers))
	for i, n := range numbers {
		requests[i] = request{"eth_getBlockByNumber", []any{hexutil.Uint64(n), false}}
	}
	answers, err := p.call(ctx, requests...)
	if err != nil {
		return nil, err
	}
	blocks := make(map[uint64]safe.Block, len(numbers))
	for i, n := range numbers {
		h, err := decodeHeaderAt(answers[i], n)
		if err != nil {
			return nil, err
		}
		blocks[n] = h.Block
	}
	return blocks, nil
}

// logs asks one provider. It must know the last block, in the same breath: one that lags would answer, truthfully, that it
// has seen no logs.
func (p *provider) logs(ctx context.Context, filters []safe.Filter, from uint64, end safe.Block) ([]safe.Log, error) {
	addresses, topics := merge(filters)
	answers, err := p.call(ctx,
		request{"eth_getBlockByNumber", []any{hexutil.Uint64(end.Number), false}},
		request{"eth_getLogs", []any{map[string]any{
			"fromBlock": hexutil.Uint64(from), "toBlock": hexutil.Uint64(end.Number), "address": addresses, "topics": topics,
		}}})
	if err != nil {
		return nil, err
	}
	last, err := decodeHeaderAt(answers[0], end.Number)
	if err != nil {
		return nil, err
	}
	if last.Hash != end.Hash {
		return nil, &providerError{outcome: Refused, text: fmt.Sprintf("has another block %d", end.Number)}
	}
	var wire []wireLog
	if err := answers[1].decode(&wire); err != nil {
		return nil, err
	}
	var logs []safe.Log
	for _, w := range wire {
		l := w.log(safe.Block{Number: uint64(w.Number), Hash: w.Block})
		if !w.Removed && l.Block.Number >= from && l.Block.Number <= end.Number && matchesAny(filters, l) {
			logs = append(logs, l)
		}
	}
	return logs, nil
}

// merge makes one filter that lets through at least what any of the given ones does: all addresses, and the first topics
// where every filter names some. Later positions are left open.
func merge(filters []safe.Filter) ([]common.Address, [][]common.Hash) {
	var addresses []common.Address
	var first []common.Hash
	open := false
	for _, f := range filters {
		addresses = append(addresses, f.Address)
		if len(f.Topics) == 0 || len(f.Topics[0]) == 0 {
			open = true
			continue
		}
		first = append(first, f.Topics[0]...)
	}
	slices.SortFunc(addresses, common.Address.Cmp)
	addresses = slices.Compact(addresses)
	if open {
		return addresses, [][]common.Hash{}
	}
	slices.SortFunc(first, common.Hash.Cmp)
	return addresses, [][]common.Hash{slices.Compact(first)}
}

func matchesAny(filters []safe.Filter, l safe.Log) bool {
	return slices.ContainsFunc(filters, func(f safe.Filter) bool { return matches(f, l) })
}

func matches(f safe.Filter, l safe.Log) bool {
	if f.Address != l.Address || len(f.Topics) > len(l.Topics) {
		return false
	}
	for i, wanted := range f.Topics {
		if len(wanted) > 0 && !slices.Contains(wanted, l.Topics[i]) {
			return false
		}
	}
	return true
}
