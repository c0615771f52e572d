package chain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"belay/safe"
)

// headGrace is how long answers that differ in height wait for the rest. Without it a fast provider that lags would drag
// the head back to where it stands.
const headGrace = 500 * time.Millisecond

// header is what we keep of a block header.
type header struct {
	safe.Block
	parent common.Hash
	bloom  *types.Bloom // of its logs; nil: not known
}

// sighting is one provider's newest block, with its idea of fees where it was asked for that.
type sighting struct {
	header
	fees *safe.Fees
}

// What a look at the newest block asks for besides it. What the next block costs is the larger part of the work for a provider.
const (
	withFees    = true
	withoutFees = false
)

// Head returns the newest block that enough providers know, and the fees they suggest for the next one. The fees are the
// median of what all providers said last: a liar among three moves them little once all have answered. They decide nothing,
// and whoever pays them has a cap.
func (c *Client) Head(ctx context.Context) (safe.Block, safe.Fees, error) {
	head, err := c.newest(ctx, "read head", "latest", withFees)
	if err != nil {
		return safe.Block{}, safe.Fees{}, err
	}
	return head.Block, c.medianFees(), nil
}

// Newest is the block of [Client.Head], in less time: nobody is asked what the next one costs.
func (c *Client) Newest(ctx context.Context) (safe.Block, error) {
	head, err := c.newest(ctx, "read head", "latest", withoutFees)
	return head.Block, err
}

// recentFor is how long an agreed head counts as the newest for [Client.Recent]: a little more than a watch lets pass
// between two looks, and a fraction of a block of Ethereum.
const recentFor = 1500 * time.Millisecond

// recentHead is the head that was agreed on last.
type recentHead struct {
	mu     sync.Mutex // guards everything below
	header header
	asked  time.Time // when the providers were asked; zero before the first
}

// keep takes an agreed head, unless what is known was asked for later.
func (r *recentHead) keep(h header, asked time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if asked.After(r.asked) {
		r.header, r.asked = h, asked
	}
}

func (r *recentHead) within(now time.Time, life time.Duration) (safe.Block, bool) {
	h, ok := r.headerWithin(now, life)
	return h.Block, ok
}

func (r *recentHead) headerWithin(now time.Time, life time.Duration) (header, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.header, !r.asked.IsZero() && now.Sub(r.asked) < life
}

// Recent is Head, without asking again where the last agreed head is at most a second and a half old. The fees are those that were told last.
func (c *Client) Recent(ctx context.Context) (safe.Block, safe.Fees, error) {
	if head, ok := c.recent.within(time.Now(), recentFor); ok {
		return head, c.medianFees(), nil
	}
	return c.Head(ctx)
}

// Fees returns the fees that Head does.
func (c *Client) Fees(ctx context.Context) (safe.Fees, error) {
	_, fees, err := c.Head(ctx)
	return fees, err
}

// Finalized returns the newest block that enough providers call final. Only where that many serve no finalized tag does
// the block 64 below head stand in for it.
func (c *Client) Finalized(ctx context.Context) (safe.Block, error) {
	final, err := c.newest(ctx, "read finalized block", "finalized", withoutFees)
	var missing *NoAgreement
	if !errors.As(err, &missing) || missing.failed.count(lacksTag) < c.agreement {
		return final.Block, err
	}
	head, _, err := c.Head(ctx)
	if err != nil {
		return safe.Block{}, err
	}
	return c.BlockAt(ctx, head.Number-min(head.Number, finalityDepth))
}

// errNoTag marks a provider that serves no such block tag.
var errNoTag = &providerError{outcome: Refused, text: "knows no such block tag"}

func lacksTag(err error) bool  { return errors.Is(err, errNoTag) }
func isFailure(err error) bool { return !lacksTag(err) }

// BlockAt returns the block at a height, as enough providers name it.
func (c *Client) BlockAt(ctx context.Context, number uint64) (safe.Block, error) {
	h, err := c.headerAt(ctx, number)
	return h.Block, err
}

func (c *Client) headerAt(ctx context.Context, number uint64) (header, error) {
	return agreed(ctx, c, fmt.Sprintf("read block %d", number), func(ctx context.Context, p *provider) (header, error) {
		return p.headerAt(ctx, number)
	}, header.key)
}

func (h header) key() string {
	return digest(h.Hash[:], h.parent[:], fmt.Append(nil, h.Number, h.Time))
}

// newest asks everyone for a tagged block and settles on the highest one that enough of them have.
func (c *Client) newest(ctx context.Context, what, tag string, fees bool) (header, error) {
	asked := time.Now()
	h, err := c.newestOf(ctx, what, tag, fees)
	if err == nil && tag == "latest" {
		c.recent.keep(h, asked)
	}
	return h, err
}

func (c *Client) newestOf(ctx context.Context, what, tag string, fees bool) (header, error) {
	answers, release, err := askAll(ctx, c, c.providers, func(ctx context.Context, p *provider) (sighting, error) {
		return p.sight(ctx, tag, fees)
	})
	if err != nil {
		return header{}, fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	votes, err := c.collectHeads(ctx, answers)
	if err != nil {
		return header{}, fmt.Errorf("%s: %w", what, err)
	}
	var seen []answer[sighting]
	for _, k := range votes.order {
		seen = append(seen, votes.cast[k]...)
	}
	if len(seen) < c.agreement {
		return header{}, fmt.Errorf("%s: %w", what, votes.disagreement(c))
	}
	if winner, n := votes.leader(); n >= c.agreement && n == len(seen) {
		h := votes.cast[winner][0].value.header
		h.bloom = united(votes.cast[winner])
		return h, nil
	}
	head, err := c.settle(ctx, seen, votes.failed)
	if err != nil {
		return header{}, fmt.Errorf("%s: %w", what, err)
	}
	return head, nil
}

// collectHeads waits until enough providers name the same block and none a different one, or everyone answered, or the
// grace for the slower ones is over.
func (c *Client) collectHeads(ctx context.Context, answers <-chan answer[sighting]) (*tally[sighting], error) {
	votes := newTally(func(s sighting) string { return s.key() })
	var grace <-chan time.Time
	for waiting := len(c.providers); waiting > 0; waiting-- {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-grace:
			return votes, nil
		case a := <-answers:
			votes.add(a)
		}
		if votes.failed.count(isFailure) > len(c.providers)-c.agreement {
			return votes, nil // out of reach, however the rest answers
		}
		got := len(c.providers) - waiting + 1 - len(votes.failed)
		if _, n := votes.leader(); n >= c.agreement && n == got && 2*n > len(c.providers) {
			return votes, nil
		}
		if got >= c.agreement && grace == nil {
			grace = time.After(headGrace)
		}
	}
	return votes, nil
}

// settle finds the highest block that enough of the providers have, when their newest ones differ. The first candidate is
// the highest number that enough of them reach; where they disagree about its hash, they are on different forks or one
// lies, and the search goes down: to the other numbers they named, then in growing steps.
func (c *Client) settle(ctx context.Context, seen []answer[sighting], failed failures) (header, error) {
	var last error
	for _, number := range c.candidates(seen) {
		votes := newTally(header.key)
		maps.Copy(votes.failed, failed)
		var ask []*provider
		for _, a := range seen {
			switch {
			case a.value.Number == number:
				votes.add(answer[header]{from: a.from, value: a.value.header})
			case a.value.Number > number:
				ask = append(ask, a.from)
			}
		}
		if err := c.poll(ctx, ask, number, votes); err != nil {
			return header{}, err
		}
		if winner, n := votes.leader(); n >= c.agreement {
			votes.tellDissent(c, fmt.Sprintf("read block %d", number), winner)
			agreed := votes.cast[winner][0].value
			agreed.bloom = nil // it is the first one's word alone
			return agreed, nil
		}
		last = votes.disagreement(c)
	}
	return header{}, last
}

// candidates are the heights at which to look for an agreement, highest first.
func (c *Client) candidates(seen []answer[sighting]) []uint64 {
	var numbers []uint64
	for _, a := range seen {
		numbers = append(numbers, a.value.Number)
	}
	slices.Sort(numbers)
	slices.Reverse(numbers)
	numbers = slices.Compact(numbers[c.agreement-1:])
	lowest := numbers[len(numbers)-1]
	for step := uint64(1); step <= finalityDepth && step <= lowest; step *= 2 {
		numbers = append(numbers, lowest-step)
	}
	return numbers
}

// poll asks the given providers for a block by number and adds their answers.
func (c *Client) poll(ctx context.Context, of []*provider, number uint64, votes *tally[header]) error {
	answers, release, err := askAll(ctx, c, of, func(ctx context.Context, p *provider) (header, error) {
		return p.headerAt(ctx, number)
	})
	if err != nil {
		return err
	}
	defer release()
	for waiting := len(of); waiting > 0; waiting-- {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case a := <-answers:
			votes.add(a)
		}
		if _, n := votes.leader(); n >= c.agreement {
			return nil
		}
	}
	return nil
}

// sight asks for a tagged block, and in the same breath for the chain id (an endpoint may change chains behind its name) and
// the fees, which a provider that told none yet is always asked for.
func (p *provider) sight(ctx context.Context, tag string, fees bool) (sighting, error) {
	requests := []request{{"eth_getBlockByNumber", []any{tag, false}}, {"eth_chainId", []any{}}}
	if fees = fees || !p.priced(); fees {
		requests = append(requests, request{"eth_feeHistory", []any{feeBlocks, "latest", feePercentiles}}, p.priceRequest())
	}
	answers, err := p.call(ctx, requests...)
	if err != nil {
		return sighting{}, err
	}
	if err := p.judgeChain(answers[1]); err != nil {
		return sighting{}, err
	}
	if tag == "finalized" && (answers[0].isNull() || answers[0].err != nil && isNoSuchTag(answers[0].err)) {
		return sighting{}, errNoTag
	}
	h, baseFee, err := decodeHeader(answers[0])
	if err != nil {
		return sighting{}, err
	}
	s := sighting{header: h}
	if fees {
		told := p.decodeFees(answers[0], answers[2], answers[3], baseFee)
		s.fees = &told
	}
	if tag == "latest" {
		p.rememberHead(s)
	}
	return s, nil
}

func (p *provider) headerAt(ctx context.Context, number uint64) (header, error) {
	answers, err := p.call(ctx, request{"eth_getBlockByNumber", []any{hexutil.Uint64(number), false}})
	if err != nil {
		return header{}, err
	}
	return decodeHeaderAt(answers[0], number)
}

func decodeHeaderAt(r response, number uint64) (header, error) {
	if r.isNull() {
		return header{}, &providerError{outcome: Refused, text: fmt.Sprintf("has no block %d", number), cause: errNoBlock}
	}
	h, _, err := decodeHeader(r)
	if err == nil && h.Number != number {
		return header{}, &providerError{outcome: Malformed, text: fmt.Sprintf("answered block %d when asked for %d", h.Number, number)}
	}
	return h, err
}

// errNoBlock marks a provider whose chain does not reach that high.
var errNoBlock = errors.New("no such block")

func decodeHeader(r response) (header, *uint256.Int, error) {
	var wire struct {
		Number     *hexutil.Uint64 `json:"number"`
		Hash       *common.Hash    `json:"hash"`
		ParentHash common.Hash     `json:"parentHash"`
		Timestamp  *hexutil.Uint64 `json:"timestamp"`
		BaseFee    *hexutil.U256   `json:"baseFeePerGas"`
		wireBloom
	}
	if r.isNull() {
		return header{}, nil, &providerError{outcome: Malformed, text: "answered no block"}
	}
	if err := r.decode(&wire); err != nil {
		return header{}, nil, err
	}
	if wire.Number == nil || wire.Hash == nil || wire.Timestamp == nil {
		return header{}, nil, &providerError{outcome: Malformed, text: "answered a block without number, hash or time"}
	}
	h := header{Block: safe.Block{Number: uint64(*wire.Number), Hash: *wire.Hash, Time: uint64(*wire.Timestamp)}, parent: wire.ParentHash, bloom: wire.usable()}
	return h, (*uint256.Int)(wire.BaseFee), nil
}
