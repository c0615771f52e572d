package coordinator

import (
	"context"
	"errors"
	"fmt"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// safeAt reads what decides about signatures, in one round: who may sign, how many must, which nonce comes next, and what code the Safe
// says that it runs. The state that it gives may hold nothing else. What a block says never changes, so a reading at the same block is used again.
func (c *Coordinator) safeAt(ctx context.Context, chain ChainConfig, at safe.Block, address common.Address) (safe.State, error) {
	key := place{chain.Name, address}
	if known, ok := c.hints.safeAt(key, at); ok {
		return known, nil
	}
	results, err := readAll(ctx, chain, at, safeCalls(address))
	if err != nil {
		return safe.State{}, fmt.Errorf("read safe at block %d: %w", at.Number, err)
	}
	state, err := decodeSafe(at, results)
	if err != nil {
		return safe.State{}, fmt.Errorf("read safe at block %d: %w", at.Number, err)
	}
	c.hints.keepSafe(key, state)
	return state, nil
}

// safeCalls are the readings of safeAt.
func safeCalls(address common.Address) []safe.Call {
	return []safe.Call{safe.OwnersCall(address), safe.ThresholdCall(address), safe.NonceCall(address), safe.VersionCall(address), safe.SingletonCall(address)}
}

func decodeSafe(at safe.Block, results []safe.Result) (s safe.State, err error) {
	s.Block = at
	if s.Owners, err = safe.DecodeOwners(results[0]); err != nil {
		return s, err
	}
	if s.Threshold, err = safe.DecodeThreshold(results[1]); err != nil {
		return s, err
	}
	if s.Nonce, err = safe.DecodeNonce(results[2]); err != nil {
		return s, err
	}
	if version, err := safe.DecodeVersion(results[3]); err == nil {
		s.Version = version
	}
	if singleton, err := safe.DecodeHash(results[4]); err == nil {
		s.Singleton = safe.AddressInSlot(singleton)
	}
	if s.Threshold < 1 || s.Threshold > len(s.Owners) {
		return s, fmt.Errorf("a threshold of %d with %d owners was never set up", s.Threshold, len(s.Owners))
	}
	return s, nil
}

// provenSafe is safeAt, and where the Safe says that it runs other code than ref, all of it, with the proof of what that is.
func (c *Coordinator) provenSafe(ctx context.Context, chain ChainConfig, at safe.Block, ref governance.SafeRef) (safe.State, error) {
	state, err := c.safeAt(ctx, chain, at, ref.Address)
	nameless := state.Version == safe.Version{}
	if err != nil || !ref.Differs(state) && !nameless || state.Verified != "" {
		return state, err
	}
	full, err := chain.Chain.StateAt(ctx, at, ref.Address)
	switch {
	case errors.Is(err, safe.ErrNotSafe): // it answers as a Safe does, and is none that was ever released
		full = state
		full.Version, full.Verified = safe.Version{}, safe.VerifiedByProvider
	case err != nil:
		return state, fmt.Errorf("read what the Safe was upgraded to: %w", err)
	}
	c.hints.keepSafe(place{chain.Name, ref.Address}, full)
	return full, nil
}

// newestSafe reads the same at the newest agreed block.
func (c *Coordinator) newestSafe(ctx context.Context, chain ChainConfig, address common.Address) (safe.State, error) {
	head, err := c.newestHead(ctx, chain)
	if err != nil {
		return safe.State{}, err
	}
	return c.safeAt(ctx, chain, head, address)
}

func (c *Coordinator) newestHead(ctx context.Context, chain ChainConfig) (safe.Block, error) {
	head, err := chain.Chain.Newest(ctx)
	if err != nil {
		return head, fmt.Errorf("read head: %w", err)
	}
	c.hints.setHead(chain.Name, head)
	return head, nil
}

// batchLibrary finds the library that runs several calls as one.
func (c *Coordinator) batchLibrary(ctx context.Context, chain ChainConfig, at safe.Block, version safe.Version) (common.Address, error) {
	key := library{chain.Name, version}
	if known, ok := c.hints.library(key); ok {
		return known, nil
	}
	found, err := chain.Chain.MultiSendCallOnly(ctx, at, version)
	if err == nil {
		c.hints.keepLibrary(key, found)
	}
	return found, err
}

// logsAtOnce is how many blocks are asked for at once: what most providers serve at least.
const logsAtOnce = 1000

// searchBack looks through logs from a block backwards, in ranges that providers serve, until found says that it is enough.
func searchBack(ctx context.Context, chain ChainConfig, filters []safe.Filter, from, to uint64, found func([]safe.Log) (enough bool)) error {
	for end := to; end >= from; {
		start := from
		if end-from >= logsAtOnce {
			start = end - logsAtOnce + 1
		}
		logs, err := chain.Chain.Logs(ctx, filters, start, end)
		if err != nil {
			return fmt.Errorf("search blocks %d to %d: %w", start, end, err)
		}
		if found(logs) || start == 0 {
			return nil
		}
		end = start - 1
	}
	return nil
}
