package chain

import (
	"context"
	"maps"
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

// refusedBySafe begins the reason where the call itself would work.
const refusedBySafe = "refused by the Safe or its guard: "

// blame tells a guard that refuses from a call that fails, where the Safe has one: the same is run again without it.
func (p *provider) blame(ctx context.Context, r run, refused trial) trial {
	if refused.ok || refused.inner || r.unguarded || r.Version.Less(safe.V1_3_0) {
		return refused
	}
	slots, err := p.readAt(ctx, r.At, []query{slotQuery(r.Safe, safe.SlotGuard)})
	if err != nil {
		return refused
	}
	guard := safe.AddressInSlot(common.BytesToHash(slots[0].Data))
	if guard == (common.Address{}) {
		return refused
	}
	free, err := p.simulate(ctx, r.withoutGuard())
	switch {
	case err != nil || free.inner:
		return refused
	case free.ok:
		refused.reason = "the guard " + guard.Hex() + " refuses: " + strings.TrimPrefix(refused.reason, refusedBySafe) + ". Without it this would work"
	case free.honoured || r.Signatures == nil: // else it may have run with the guard all the same
		refused.reason = free.reason + ". It is not the guard " + guard.Hex() + ": without it this fails as well"
	}
	return refused
}

// withoutGuard is the same transaction as if the Safe had no guard.
func (r run) withoutGuard() run {
	r.unguarded, r.Sweep, r.Effects, r.After = true, false, false, nil
	r.overrides = maps.Clone(r.overrides)
	if r.overrides == nil {
		r.overrides = map[common.Hash]common.Hash{}
	}
	r.overrides[safe.SlotGuard] = common.Hash{}
	return r
}
