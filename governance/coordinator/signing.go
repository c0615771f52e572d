package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// signingTries bounds how often a choice of key is made anew because another submission came first meanwhile.
const signingTries = 8

// signerRests is how long a key that did not sign a replacement is not asked for another: the bytes that are signed go on being sent, and
// nobody else has to wait for it.
const signerRests = 12 * time.Second

// signWith chooses a key and a price, has the order signed, and keeps the bytes. A signature can take seconds where the key is kept
// elsewhere, so that nobody waits for it: what was chosen is chosen again before it is kept, and signed anew where something else came
// first. Two that chose the same nonce never keep both.
//
// For an emergency the next key is asked where one does not sign. Except is the submission that is to be sent again, if it is one.
func (c *Coordinator) signWith(chain ChainConfig, s governance.Submission, m market, except string, keep func(relay.KeyChoice, governance.Attempt) error) error {
	var silent []string
	for range signingTries {
		key, bid, err := c.chooseNow(chain, s, m, except)
		switch {
		case err != nil && len(silent) > 0:
			return fmt.Errorf("%s; %w", strings.Join(silent, "; "), err)
		case err != nil:
			return err
		}
		s.Relayer, s.Nonce = key.Address, key.Nonce
		if err := c.empowered(chain.Name, key.Address); err != nil && !s.Emergency {
			return err
		}
		if err := c.withinBudget(chain, s, bid); err != nil {
			return err
		}
		attempt, err := signAttempt(chain, s, bid, m.head)
		switch {
		case err != nil && !s.Emergency:
			return fmt.Errorf("sign: %w", err)
		case err != nil:
			c.cfg.Logger.Error("a key does not sign: the next one is tried", "chain", chain.Name, "proposal_id", s.Proposal, "relayer", key.Address.Hex(), "error", err)
			silent = append(silent, "sign: "+err.Error())
			m.keys = without(m.keys, key.Address)
			continue
		}
		if kept, err := c.keepIfStill(chain, s, m, except, key, bid, func() error { return keep(key, attempt) }); kept || err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: other transactions came first", errLater)
}

// chooseNow chooses by what the store says at this moment.
func (c *Coordinator) chooseNow(chain ChainConfig, s governance.Submission, m market, except string) (relay.KeyChoice, relay.Bid, error) {
	keys, err := c.carried(chain, m.keys, except)
	if err != nil {
		return relay.KeyChoice{}, relay.Bid{}, err
	}
	displaced, err := c.displacedBids(s)
	if err != nil {
		return relay.KeyChoice{}, relay.Bid{}, err
	}
	return choose(chain, s, m, keys, displaced)
}

// keepIfStill keeps a signature if the same would be chosen now. One at a time: what it judges by is what the last one kept.
func (c *Coordinator) keepIfStill(chain ChainConfig, s governance.Submission, m market, except string, key relay.KeyChoice, bid relay.Bid, keep func() error) (bool, error) {
	c.signing.Lock()
	defer c.signing.Unlock()
	again, price, err := c.chooseNow(chain, s, m, except)
	if err != nil || again.Address != key.Address || again.Nonce != key.Nonce || price != bid {
		return false, nil //nolint:nilerr // the next choice tells it
	}
	return true, keep()
}

func without(keys []relay.KeyState, address common.Address) []relay.KeyState {
	return slices.DeleteFunc(slices.Clone(keys), func(k relay.KeyState) bool { return k.Address == address })
}

var errResting = errors.New("its key did not sign the last replacement")

// signReplacement asks the submission's own key, unless that let us wait just now.
func (c *Coordinator) signReplacement(chain ChainConfig, s governance.Submission, bid relay.Bid, head safe.Block) (governance.Attempt, error) {
	if c.hints.keyRests(s.Relayer, time.Now()) {
		return governance.Attempt{}, errResting
	}
	attempt, err := signAttempt(chain, s, bid, head)
	if err != nil {
		c.hints.restKey(s.Relayer, time.Now().Add(signerRests))
	}
	return attempt, err
}

// unreplaced goes on sending what is signed where a replacement cannot be, and says why it is not replaced. Bytes whose signatures the
// Safe would refuse are not sent.
func (c *Coordinator) unreplaced(ctx context.Context, chain ChainConfig, look drivingLook, s governance.Submission, f relay.Facts, why error) error {
	if f.Bundle == relay.BundleHolds && (look.again || c.discretionEnds(chain, s)) {
		c.resend(ctx, chain, s)
	}
	if errors.Is(why, errResting) {
		return nil
	}
	return c.keptBack(ctx, s, fmt.Errorf("its fee cannot be raised: %w", why))
}

func (h *hints) restKey(key common.Address, until time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resting[key] = until
}

func (h *hints) keyRests(key common.Address, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Before(h.resting[key])
}
