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
	return anyone(ctx, c, "read safe state from anyone", func(ctx context.Context, p *provider) (safe.State, error) {
		return p.safeState(ctx, address)
	}, func(s safe.State) safe.Block { return s.Block })
}

// AnyAccount reads an account from each provider by itself, with that provider's head and fees, and returns the freshest
// answer. Like AnySafeState it is one provider's word: for sending what a quorum signed while the providers do not agree. A
// wrong one costs gas.
func (c *Client) AnyAccount(ctx context.Context, address common.Address) (safe.Account, safe.Block, safe.Fees, error) {
	w, err := anyone(ctx, c, "read account from anyone", func(ctx context.Context, p *provider) (accountSeen, error) {
		return p.accountSeen(ctx, address)
	}, func(w accountSeen) safe.Block { return w.head })
	return w.account, w.head, w.fees, err
}

// anyone asks every provider and returns the freshest answer, without comparing any.
func anyone[T any](ctx context.Context, c *Client, what string, ask func(context.Context, *provider) (T, error), at func(T) safe.Block) (T, error) {
	var none T
	answers, release, err := askAll(ctx, c, c.providers, ask)
	if err != nil {
		return none, fmt.Errorf("%s: %w", what, err)
	}
	defer release()
	votes := newTally(func(T) string { return "" })
	var grace <-chan time.Time
	for waiting := len(c.providers); waiting > 0; waiting-- {
		select {
		case <-ctx.Done():
			return none, fmt.Errorf("%s: %w", what, ctx.Err())
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
		return none, fmt.Errorf("%s: %w", what, votes.disagreement(c))
	}
	likely := slices.DeleteFunc(slices.Clone(given), func(a answer[T]) bool { return !c.plausible(at(a.value)) })
	if len(likely) == 0 {
		likely = given
	}
	freshest := slices.MaxFunc(likely, func(a, b answer[T]) int { return cmp.Compare(at(a.value).Number, at(b.value).Number) })
	return freshest.value, nil
}

// fastestBlocks is more blocks in a second than any chain makes for long.
const fastestBlocks = 20

// plausible reports whether the chain can have come to a block since the last agreed head: one that makes up a height must not be
// the freshest. Without an agreed head anything is.
func (c *Client) plausible(b safe.Block) bool {
	head, known := c.recent.within(time.Now(), 24*time.Hour)
	if !known {
		return true
	}
	elapsed := time.Now().Unix() - int64(min(head.Time, 1<<62))                        //nolint:gosec // bounded
	return b.Number <= head.Number+finalityDepth+fastestBlocks*uint64(max(elapsed, 0)) //nolint:gosec // not negative
}

// accountSeen is an account as one provider has it.
type accountSeen struct {
	account safe.Account
	head    safe.Block
	fees    safe.Fees
}

func (p *provider) accountSeen(ctx context.Context, address common.Address) (accountSeen, error) {
	seen, err := p.sight(ctx, "latest", withFees)
	if err != nil {
		return accountSeen{}, err
	}
	answers, err := p.readAt(ctx, seen.Block, accountQueries(address))
	if err != nil {
		return accountSeen{}, err
	}
	account, err := decodeAccount(answers)
	if err != nil {
		return accountSeen{}, &providerError{outcome: Malformed, text: err.Error()}
	}
	return accountSeen{account, seen.Block, *seen.fees}, nil
}

func (p *provider) safeState(ctx context.Context, address common.Address) (safe.State, error) {
	seen, err := p.sight(ctx, "latest", withoutFees)
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
