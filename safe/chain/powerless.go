package chain

import (
	"context"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// Named is a contract with the name that people know it by.
type Named struct {
	Name    string
	Address common.Address
}

// power is one question about a timelock whose answer would give the relayer power.
type power struct {
	call  func(timelock, relayer common.Address) safe.Call
	holds func(answer safe.Result, relayer common.Address) (bool, error)
	words string // after "the relayer"
}

// powers are asked of every timelock, whatever its kind: contracts answer the questions that they know. To execute what
// was scheduled is no power, so EXECUTOR_ROLE is not asked for.
var powers = []power{
	role("PROPOSER_ROLE", "can schedule operations (PROPOSER_ROLE)"),
	role("CANCELLER_ROLE", "can cancel operations (CANCELLER_ROLE)"),
	role("TIMELOCK_ADMIN_ROLE", "administers its roles (TIMELOCK_ADMIN_ROLE)"),
	{asks("hasRole(bytes32,address)", make([]byte, 32)), isTrue, "administers its roles (DEFAULT_ADMIN_ROLE)"},
	{asks("hasRole(uint64,address)", make([]byte, 32)), firstIsTrue, "administers its roles (ADMIN_ROLE)"},
	{asks("isModuleEnabled(address)"), isTrue, "can queue operations (enabled module)"},
	{names("admin()"), isRelayer, "is its admin"},
	{names("pendingAdmin()"), isRelayer, "can become its admin (pendingAdmin)"},
	{names("owner()"), isRelayer, "is its owner"},
}

func selector(signature string) []byte { return crypto.Keccak256([]byte(signature))[:4] }

func role(name, words string) power {
	return power{asks("hasRole(bytes32,address)", crypto.Keccak256([]byte(name))), isTrue, words}
}

// asks builds a call whose last argument is the relayer.
func asks(signature string, first ...[]byte) func(timelock, relayer common.Address) safe.Call {
	return func(timelock, relayer common.Address) safe.Call {
		args := append([][]byte{selector(signature)}, first...)
		return safe.Call{To: timelock, Data: slices.Concat(append(args, common.LeftPadBytes(relayer[:], 32))...)}
	}
}

// names builds a call without arguments that returns an address.
func names(signature string) func(timelock, relayer common.Address) safe.Call {
	return func(timelock, _ common.Address) safe.Call { return safe.Call{To: timelock, Data: selector(signature)} }
}

func isTrue(r safe.Result, _ common.Address) (bool, error) { return safe.DecodeBool(r) }

func firstIsTrue(r safe.Result, _ common.Address) (bool, error) {
	return safe.DecodeBool(safe.Result{Reverted: r.Reverted, Data: r.Data[:min(len(r.Data), 32)]})
}

func isRelayer(r safe.Result, relayer common.Address) (bool, error) {
	w, err := safe.DecodeHash(r)
	return w == common.BytesToHash(relayer[:]), err
}

// Powerless names every power that a relayer has over the given contracts, a sentence each; none means that it has no
// power that this can find. A relayer holds gas and nothing else, so the caller refuses to start with one that has any.
// All is read at one agreed block. A timelock that answers none of the questions cannot be judged, which is told as a
// sentence too.
func (c *Client) Powerless(ctx context.Context, relayer common.Address, safes, timelocks []Named) ([]string, error) {
	head, _, err := c.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for powers of the relayer: %w", err)
	}
	found, err := c.delegation(ctx, head, relayer)
	if err != nil {
		return nil, err
	}
	for _, s := range safes {
		more, err := c.powersOverSafe(ctx, head, relayer, s)
		if err != nil {
			return nil, fmt.Errorf("look for powers over %s: %w", s.Name, err)
		}
		found = append(found, more...)
	}
	for _, t := range timelocks {
		more, err := c.powersOverTimelock(ctx, head, relayer, t)
		if err != nil {
			return nil, fmt.Errorf("look for powers over %s: %w", t.Name, err)
		}
		found = append(found, more...)
	}
	return found, nil
}

// delegation finds code at the relayer's address. With it (EIP-7702) others may move its nonce and its gas money.
func (c *Client) delegation(ctx context.Context, at safe.Block, relayer common.Address) ([]string, error) {
	answers, err := c.read(ctx, "read relayer code", at, []query{codeQuery(relayer)})
	if err != nil {
		return nil, err
	}
	switch code := answers[0].Data; {
	case isDelegated(code):
		return []string{fmt.Sprintf("relayer %s has delegated its account to a contract (EIP-7702)", relayer.Hex())}, nil
	case len(code) > 0:
		return []string{fmt.Sprintf("relayer %s is a contract", relayer.Hex())}, nil
	}
	return nil, nil
}

func (c *Client) powersOverSafe(ctx context.Context, at safe.Block, relayer common.Address, s Named) ([]string, error) {
	state, err := c.StateAt(ctx, at, s.Address)
	if err != nil {
		return nil, err
	}
	var found []string
	tell := func(holds bool, words string) {
		if holds {
			found = append(found, fmt.Sprintf("relayer %s is %s Safe %s (%s)", relayer.Hex(), words, s.Name, s.Address.Hex()))
		}
	}
	tell(state.IsOwner(relayer), "an owner of")
	tell(slices.Contains(state.Modules, relayer), "a module of")
	tell(state.Guard == relayer, "the guard of")
	tell(state.FallbackHandler == relayer, "the fallback handler of")
	return found, nil
}

func (c *Client) powersOverTimelock(ctx context.Context, at safe.Block, relayer common.Address, t Named) ([]string, error) {
	calls := make([]safe.Call, len(powers))
	for i, p := range powers {
		calls[i] = p.call(t.Address, relayer)
	}
	answers, err := c.Read(ctx, at, calls)
	if err != nil {
		return nil, err
	}
	var found []string
	answered := false
	for i, p := range powers {
		holds, err := p.holds(answers[i], relayer)
		if err != nil {
			continue // it does not know the question
		}
		answered = true
		if holds {
			found = append(found, fmt.Sprintf("relayer %s %s at timelock %s (%s)", relayer.Hex(), p.words, t.Name, t.Address.Hex()))
		}
	}
	if !answered {
		found = append(found, fmt.Sprintf("timelock %s (%s) answers no question about its roles, so nothing is known of the relayer's power over it", t.Name, t.Address.Hex()))
	}
	return found, nil
}
