package chain

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// PendingTime is the timestamp that a block would have now, in seconds: the earliest that as many providers as it takes for
// an agreement say. It is for a chain that makes no blocks while nobody sends anything, whose head says nothing of the
// present. A provider that serves no pending block says nothing here.
func (c *Client) PendingTime(ctx context.Context) (uint64, error) {
	const what = "read time of the pending block"
	answers, release, err := askAll(ctx, c, c.providers, func(ctx context.Context, p *provider) (uint64, error) {
		return p.pendingTime(ctx)
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	votes := newTally(func(uint64) string { return "" })
	for waiting := len(c.providers); waiting > 0 && len(votes.cast[""]) < c.agreement; waiting-- {
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("%s: %w", what, ctx.Err())
		case a := <-answers:
			votes.add(a)
		}
	}
	given := votes.cast[""]
	if len(given) < c.agreement {
		return 0, fmt.Errorf("%s: %w", what, votes.disagreement(c))
	}
	earliest := given[0].value
	for _, a := range given {
		earliest = min(earliest, a.value)
	}
	return earliest, nil
}

func (p *provider) pendingTime(ctx context.Context) (uint64, error) {
	answers, err := p.call(ctx, request{"eth_getBlockByNumber", []any{"pending", false}})
	if err != nil {
		return 0, err
	}
	var block struct { // a pending block need not have a hash yet
		Timestamp *hexutil.Uint64 `json:"timestamp"`
	}
	if answers[0].isNull() {
		return 0, &providerError{outcome: Refused, text: "serves no pending block"}
	}
	if err := answers[0].decode(&block); err != nil {
		return 0, err
	}
	if block.Timestamp == nil {
		return 0, &providerError{outcome: Malformed, text: "answered a block without time"}
	}
	return uint64(*block.Timestamp), nil
}
