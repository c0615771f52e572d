package chain

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// AnySafeState reads a Safe from each provider by itself, at that provider's newest block, and returns the freshest answer.
// Nothing of it was compared: it is for an emergency that cannot wait for an agreement, and has to be marked where it is
// shown. Verified is never more than [safe.VerifiedByProvider]. Once one answered, the others have half a second.
func (c *Client) AnySafeState(ctx context.Context, address common.Address) (safe.State, error) {
	answers, release, err := askAll(ctx, c, c.providers, func(ctx context.Context, p *provider) (safe.State, error) {
		return p.safeState(ctx, address)
	})
	if err != nil {
		return safe.State{}, fmt.Errorf("read safe state from anyone: %w", err)
	}
	defer release()
	votes := newTally(func(safe.State) string { return "" })
	var grace <-chan time.Time
	for waiting := len(c.providers); waiting > 0; waiting-- {
		select {
		case <-ctx.Done():
			return safe.State{}, fmt.Errorf("read safe state from anyone: %w", ctx.Err())
		case <-grace:
			waiting = 0
		case a := <-answers:
			votes.add(a)
		}
		if grace == nil && len(votes.cast[""]) > 0 {
			grace = time.After(headGrace)
		}
	}
	given := votes.cast[""]
	if len(given) == 0 {
		return safe.State{}, fmt.Errorf("read safe state from anyone: %w", votes.disagreement(c))
	}
	freshest := slices.MaxFunc(given, func(a, b answer[safe.State]) int { return cmp.Compare(a.value.Block.Number, b.value.Block.Number) })
	return freshest.value, nil
}

func (p *provider) safeState(ctx context.Context, address common.Address) (safe.State, error) {
	seen, err := p.sight(ctx, "latest")
	if err != nil {
		return safe.State{}, err
	}
	answers, err := p.readAt(ctx, seen.Block, stateQueries(address))
	if err != nil {
		return safe.State{}, err
	}
	state, err := decodeState(seen.Block, answers)
	if err != nil {
		return state, &providerError{outcome: Malformed, text: "answers nothing that looks like a Safe"}
	}
	return state, nil
}

// MultiSendCallOnly finds a published batch library on this chain: at a published address, with the code of that release.
// The one of the Safe's own version comes first, then the newest.
func (c *Client) MultiSendCallOnly(ctx context.Context, at safe.Block, version safe.Version) (common.Address, error) {
	published := safe.MultiSendCallOnly()
	slices.SortStableFunc(published, func(a, b safe.Deployment) int { return prefer(b, version) - prefer(a, version) })
	queries := make([]query, len(published))
	for i, d := range published {
		queries[i] = codeQuery(d.Address)
	}
	answers, err := c.read(ctx, "look for MultiSendCallOnly", at, queries)
	if err != nil {
		return common.Address{}, err
	}
	for i, d := range published {
		if crypto.Keccak256Hash(answers[i].Data) == d.CodeHash {
			return d.Address, nil
		}
	}
	return common.Address{}, fmt.Errorf("no published MultiSendCallOnly is deployed on %s", c.cfg.Name)
}

func prefer(d safe.Deployment, version safe.Version) int {
	if d.Version == version {
		return 1
	}
	return 0
}
