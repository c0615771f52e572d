package chain

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

// sweepPatience bounds how long lower gas limits are tried: a pause is not kept waiting for a warning.
const sweepPatience = 2 * time.Second

// sweepShares are the gas limits that are tried, in hundredths of the gas that the transaction used. A contract that gives
// on 63/64 of its gas and swallows the failure burns just below what the transaction used: the rest of 1/64 that pays for
// the tail would not do so much lower. One that asks for the gas it has left can burn anywhere. Limits above are tried
// because the gas used is told after refunds.
var sweepShares = []uint64{20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 98, 101, 103, 106, 110, 117, 125}

// sweepSteps is into how many parts the gap between the highest limit that burns and the lowest that does not is cut.
const sweepSteps = 16

// sweep runs the transaction with lower gas limits and looks for one that uses the nonce up without the whole effect. ample
// is what it and the reads behind it did with more gas than it can use. Nil means that it could not be found out.
func (p *provider) sweep(ctx context.Context, r run, ample []simulatedCall) *safe.Sweep {
	ctx, cancel := context.WithTimeout(ctx, sweepPatience)
	defer cancel()
	used := uint64(ample[0].GasUsed)
	limits := []uint64{used - min(used, 1)}
	for _, share := range sweepShares {
		limits = append(limits, used*share/100)
	}
	slices.Sort(limits)
	found, err := p.sweepLimits(ctx, r, ample, limits)
	if err != nil {
		return nil
	}
	if found.BurnsAt == 0 {
		return &safe.Sweep{}
	}
	if step := (found.WholeFrom - found.BurnsAt) / sweepSteps; step > 0 {
		limits = limits[:0]
		for at := found.BurnsAt + step; at < found.WholeFrom; at += step {
			limits = append(limits, at)
		}
		if closer, err := p.sweepLimits(ctx, r, ample, limits); err == nil {
			found.BurnsAt, found.WholeFrom = max(found.BurnsAt, closer.BurnsAt), min(found.WholeFrom, closer.WholeFrom)
		}
	}
	return &found
}

// sweepLimits gives the highest of limits, which are sorted, that burns, and the lowest above it with the whole effect. What
// is needed for that may lie beyond all of them.
func (p *provider) sweepLimits(ctx context.Context, r run, ample []simulatedCall, limits []uint64) (found safe.Sweep, err error) {
	requests := make([]request, len(limits))
	for i, gas := range limits {
		requests[i] = r.simulateV1(gas)
	}
	answers, err := p.call(ctx, requests...)
	if err != nil {
		return found, err
	}
	found.WholeFrom, found.Doubtful = trialGas, true
	for i, answer := range answers {
		if answer.err != nil && isTooLittleToBegin(answer.err) {
			continue // such a transaction cannot be sent
		}
		calls, err := r.simulated(answer)
		if err != nil {
			return found, err
		}
		same := sameEffect(calls, ample)
		switch {
		case calls[0].Status != 1:
		case same && calls[0].GasUsed == ample[0].GasUsed:
			found.WholeFrom = min(found.WholeFrom, limits[i])
		default:
			found.BurnsAt, found.WholeFrom, found.Doubtful = limits[i], trialGas, found.Doubtful && same
		}
	}
	return found, nil
}

// sameEffect compares what can be seen: what the Safe answered, which events there were, and what is read behind. The data of events are left
// out: a contract may log the gas that it has.
func sameEffect(a, b []simulatedCall) bool {
	if !slices.EqualFunc(a[0].Logs, b[0].Logs, simulatedLog.same) {
		return false
	}
	return resultsKey(resultsOf(a)) == resultsKey(resultsOf(b))
}

func resultsOf(calls []simulatedCall) []safe.Result {
	results := make([]safe.Result, len(calls))
	for i, call := range calls {
		results[i] = call.result()
	}
	return results
}

// isTooLittleToBegin reports whether a gas limit does not pay for the transaction's own bytes: -38013 of the execution APIs,
// and geth's words.
func isTooLittleToBegin(refused *rpcError) bool {
	text := strings.ToLower(refused.message)
	return refused.code == -38013 || strings.Contains(text, "intrinsic gas") || strings.Contains(text, "floor data gas")
}

// simulatedLog is an event of eth_simulateV1's answer.
type simulatedLog struct {
	Address common.Address `json:"address"`
	Topics  []common.Hash  `json:"topics"`
	Data    hexutil.Bytes  `json:"data"`
}

func (l simulatedLog) same(other simulatedLog) bool {
	return l.Address == other.Address && slices.Equal(l.Topics, other.Topics)
}
