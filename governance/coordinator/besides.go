package coordinator

import (
	"context"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
)

// besides tells what the simulation did besides what the playbook expects, and marks what no call of it says. It never refuses: a pause
// that does more than it says may still be the lesser evil, and people decide that.
func (d *drafting) besides(ctx context.Context, found *safe.Effects) {
	if found == nil {
		return
	}
	told := d.book().Tell(calldata.Ran{Safe: d.guarded.Address, Tx: d.tx.Tx, Libraries: batches(d.tx.Tx), Owners: d.state.Owners, Modules: d.state.Modules,
		Decimals: d.decimals(ctx, *found), Effects: *found})
	for _, c := range told.Changes {
		d.p.Changes = append(d.p.Changes, governance.Change(c))
	}
	d.p.Effects, d.p.Traced = told.Effects, found.Traced
	for _, danger := range told.Unexpected {
		d.p.Dangers = append(d.p.Dangers, governance.DangerView(danger))
	}
}

// decimalsPatience bounds how long a card waits to have amounts in a token's own unit; raw units say the same.
const decimalsPatience = time.Second

// decimals asks the tokens that have a label, as the providers agree on it. A token that does not answer properly stays in raw units.
func (d *drafting) decimals(ctx context.Context, found safe.Effects) map[common.Address]uint8 {
	tokens := d.book().Tokens(found)
	if len(tokens) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, decimalsPatience)
	defer cancel()
	calls := make([]safe.Call, len(tokens))
	for i, token := range tokens {
		calls[i] = calldata.DecimalsCall(token)
	}
	answers, err := readAll(ctx, d.chain, d.state.Block, calls)
	if err != nil {
		return nil
	}
	known := map[common.Address]uint8{}
	for i, answer := range answers {
		if n, ok := calldata.DecodeDecimals(answer); ok {
			known[tokens[i]] = n
		}
	}
	return known
}
