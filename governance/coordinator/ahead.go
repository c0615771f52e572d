package coordinator

import (
	"context"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// readsAtOnce is how many values are read at once where many are wanted: one of the bodies in which a provider is asked that takes state
// overrides, twenty for one that does not.
const readsAtOnce = 2000

// readAhead reads in one batch what observing the first of the proposals will ask for, and as many after it as fit in: of itself, and of its
// Safe, which the chain's client then remembers. A batch that fails is no matter: then the first asks for itself.
func (t *tending) readAhead(ctx context.Context, head safe.Block, next []governance.Proposal) {
	var calls []safe.Call
	safes := map[common.Address]bool{}
	for _, p := range next {
		of := readsOf(p)
		if !safes[p.Safe.Address] {
			safes[p.Safe.Address] = true
			of = append(of, safeCalls(p.Safe.Address)...)
		}
		if len(calls) > 0 && len(calls)+len(of) > readsAtOnce {
			break
		}
		calls = append(calls, of...)
	}
	t.ahead = map[string]safe.Result{}
	answers, err := readAll(ctx, t.chain, head, calls)
	if err != nil {
		return
	}
	for i, call := range calls {
		t.ahead[keyOfCall(call)] = answers[i]
	}
}

// readsOf is what observing a proposal reads besides its Safe: the hashes that its owners may have approved, its operation, and
// what was proven of it.
func readsOf(p governance.Proposal) []safe.Call {
	var calls []safe.Call
	for _, asking := range approvable(p) {
		calls = append(calls, approvalCalls(p, asking, silent(p, asking))...)
	}
	if adapter, err := timelockOf(p); err == nil && p.Effect() == nil {
		calls = append(calls, adapter.Reads(*p.Timelock)...)
	}
	if isProven(p) {
		calls = append(calls, expected(p)...)
	}
	return calls
}

// read answers from what was read ahead at this head, or asks the chain.
func (t *tending) read(ctx context.Context, chain ChainConfig, head safe.Block, calls []safe.Call) ([]safe.Result, error) {
	if !t.holds(calls) {
		return readAll(ctx, chain, head, calls)
	}
	answers := make([]safe.Result, len(calls))
	for i, call := range calls {
		answers[i] = t.ahead[keyOfCall(call)]
	}
	return answers, nil
}

// holds reports whether all of it was read ahead.
func (t *tending) holds(calls []safe.Call) bool {
	for _, call := range calls {
		if _, ok := t.ahead[keyOfCall(call)]; !ok {
			return false
		}
	}
	return true
}

func keyOfCall(call safe.Call) string { return string(call.To[:]) + string(call.Data) }
