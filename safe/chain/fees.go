package chain

import (
	"slices"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"belay/safe"
)

// What eth_feeHistory is asked for: five blocks are a minute of Ethereum, short enough to follow a rush and long enough that one odd block
// decides nothing. Half of a block's gas paid less than the 50th percentile; whoever pays the 95th stands at the front of the block.
const feeBlocks = "0x5"

var feePercentiles = []float64{50, 95}

const (
	// defaultTip is used where a provider suggests none: 1 gwei, which every client's pool accepts by default.
	defaultTip = 1_000_000_000
	// urgentPrices is how much more than the suggested gas price an emergency bids on a chain without a base fee, where nothing tells what
	// others bid.
	urgentPrices = 3
)

// priceRequest asks what to bid where no history is served: a tip, or on a chain of legacy transactions the whole price.
func (p *provider) priceRequest() request {
	if p.legacy {
		return request{"eth_gasPrice", []any{}}
	}
	return request{"eth_maxPriorityFeePerGas", []any{}}
}

// decodeFees takes the base fee of the next block from the fee history. Where that is not served, the most that a header's
// base fee can have grown by is assumed: an eighth (EIP-1559).
func (p *provider) decodeFees(block, history, price response, baseFee *uint256.Int) safe.Fees {
	var header struct {
		GasLimit hexutil.Uint64 `json:"gasLimit"`
	}
	_ = block.decode(&header) // was decoded before; without the field the limit is not known
	fees := safe.Fees{Tip: *uint256.NewInt(defaultTip), GasLimit: uint64(header.GasLimit), Unpriced: baseFee == nil}
	var suggested hexutil.U256
	if !price.isNull() && price.decode(&suggested) == nil {
		fees.Tip = uint256.Int(suggested)
	}
	if p.legacy {
		fees.Unpriced = false
		if _, overflow := fees.Urgent.MulOverflow(&fees.Tip, uint256.NewInt(urgentPrices)); overflow {
			fees.Urgent = fees.Tip
		}
		return fees
	}
	if baseFee != nil {
		fees.BaseFee.AddUint64(new(uint256.Int).Add(baseFee, new(uint256.Int).Div(baseFee, uint256.NewInt(8))), 1)
	}
	var past struct {
		BaseFee []hexutil.U256   `json:"baseFeePerGas"`
		Reward  [][]hexutil.U256 `json:"reward"`
	}
	if history.decode(&past) != nil || len(past.BaseFee) == 0 {
		return fees
	}
	fees.BaseFee = uint256.Int(past.BaseFee[len(past.BaseFee)-1])
	if half, most, ok := paidTips(past.Reward); ok {
		fees.Tip, fees.Urgent = half, most
	}
	return fees
}

// paidTips gives the medians of what was paid at each percentile. An empty block tells nothing: its percentiles are zero.
func paidTips(reward [][]hexutil.U256) (half, most uint256.Int, ok bool) {
	var halves, mosts []uint256.Int
	for _, block := range reward {
		if len(block) != len(feePercentiles) {
			continue
		}
		low, high := uint256.Int(block[0]), uint256.Int(block[1])
		if !high.IsZero() {
			halves, mosts = append(halves, low), append(mosts, high)
		}
	}
	return median(halves), median(mosts), len(mosts) > 0
}

// medianFees takes the upper of two middles: too high costs a little, too low costs a block. That there is no base fee is believed
// where more than half say so.
func (c *Client) medianFees() safe.Fees {
	var baseFees, tips, urgent []uint256.Int
	var limits []uint64
	unpriced := 0
	for _, p := range c.providers {
		p.mu.Lock()
		fees := p.fees
		p.mu.Unlock()
		if fees == nil {
			continue
		}
		baseFees, tips = append(baseFees, fees.BaseFee), append(tips, fees.Tip)
		if !fees.Urgent.IsZero() {
			urgent = append(urgent, fees.Urgent)
		}
		if fees.GasLimit > 0 {
			limits = append(limits, fees.GasLimit)
		}
		if fees.Unpriced {
			unpriced++
		}
	}
	slices.Sort(limits)
	merged := safe.Fees{BaseFee: median(baseFees), Tip: median(tips), Urgent: median(urgent), Unpriced: 2*unpriced > len(baseFees)}
	if len(limits) > 0 {
		merged.GasLimit = limits[len(limits)/2]
	}
	return merged
}

func median(values []uint256.Int) uint256.Int {
	if len(values) == 0 {
		return uint256.Int{}
	}
	slices.SortFunc(values, func(a, b uint256.Int) int { return a.Cmp(&b) })
	return values[len(values)/2]
}
