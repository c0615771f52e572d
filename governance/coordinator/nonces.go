package coordinator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"belay/governance"
)

// Nonces draws what stands at the nonces of each Safe, for those who may see every proposal. The Safes are read now; one that cannot
// be read is shown as last seen.
func (c *Coordinator) Nonces(ctx context.Context) ([]governance.NonceMap, error) {
	known, err := Placed(c.cfg.Store)
	if err != nil {
		return nil, err
	}
	maps := make([]governance.NonceMap, 0, len(c.cfg.Safes))
	for _, s := range c.cfg.Safes {
		ref := governance.SafeRef{Name: s.Name, Chain: s.Chain, ChainID: c.cfg.Chains[s.Chain].ChainID, Address: s.Address}
		nonce, block := LastSeen(ref, known)
		if state, err := c.newestSafe(ctx, c.cfg.Chains[s.Chain], s.Address); err == nil {
			nonce, block = state.Nonce, state.Block.Number
		}
		maps = append(maps, governance.NewNonceMap(ref, nonce, block, known))
	}
	slices.SortFunc(maps, func(a, b governance.NonceMap) int { return strings.Compare(a.Safe, b.Safe) })
	return maps, nil
}

// Placed gives the proposals that a nonce map is drawn from: all that the chain can still change, and the newest besides.
func Placed(db interface {
	Proposals(before string, limit int) ([]governance.Proposal, error)
	Watched() ([]governance.Proposal, error)
},
) ([]governance.Proposal, error) {
	known, err := db.Watched()
	if err != nil {
		return nil, fmt.Errorf("read watched proposals: %w", err)
	}
	newest, err := db.Proposals("", pageSize)
	if err != nil {
		return nil, fmt.Errorf("read proposals: %w", err)
	}
	for _, p := range newest {
		if !slices.ContainsFunc(known, func(k governance.Proposal) bool { return k.ID == p.ID }) {
			known = append(known, p)
		}
	}
	return known, nil
}

// LastSeen is the nonce of a Safe as any of the proposals saw it last by agreement, and at which block; 0 where none did.
func LastSeen(ref governance.SafeRef, known []governance.Proposal) (nonce, block uint64) {
	for _, p := range known {
		if p.Safe.Same(ref) && !p.Unagreed && p.ReadAt.Number >= block {
			nonce, block = p.SafeNonce, p.ReadAt.Number
		}
	}
	return nonce, block
}
