package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

const (
	modulesPage = 50
	maxModules  = 1000 // a Safe with more has a list that was built to be endless
)

// getModules lists the modules where getModulesPaginated is missing: up to 1.1.0. From 1.1.1 on it is incomplete.
var getModules = []byte{0xb2, 0x49, 0x4d, 0xf3}

// SafeState reads a Safe at the newest agreed block. The error is [ErrNotSafe] when the providers agree that there is none.
func (c *Client) SafeState(ctx context.Context, address common.Address) (safe.State, error) {
	head, _, err := c.Head(ctx)
	if err != nil {
		return safe.State{}, fmt.Errorf("read safe state: %w", err)
	}
	return c.StateAt(ctx, head, address)
}

// StateAt reads a Safe at one block, every value at that block's hash. Verified is about the implementation that the Safe
// names in its storage, and about the hash that it computes for a probe. Proven is about every value of a verified Safe: where any provider
// serves proofs, what enough of them agreed on is also held against the block's state root, and fails with [ErrDisproved] when that says
// otherwise. With a single provider nothing is called proven: the block is its own word, too.
func (c *Client) StateAt(ctx context.Context, at safe.Block, address common.Address) (safe.State, error) {
	l := look{c: c, what: fmt.Sprintf("read safe state at block %d", at.Number), at: at, address: address, queries: stateQueries(address)}
	early := c.askBeside(ctx, at, l.queries)
	var err error
	if l.results, l.by, err = c.agree(ctx, l.what, at, l.queries); err != nil {
		return safe.State{}, err
	}
	state, err := decodeState(at, l.results)
	if err != nil {
		if _, lied := l.check(ctx, early, state); lied != nil {
			return safe.State{}, lied
		}
		return safe.State{}, fmt.Errorf("%s: %w: %w", l.what, ErrNotSafe, err)
	}
	if err := l.completeModules(ctx, &state); err != nil {
		return safe.State{}, err
	}
	if err := c.verify(ctx, l.what, address, l.results[stateCode].Data, &state); err != nil {
		return safe.State{}, err
	}
	state.Proven, err = l.check(ctx, early, state)
	if err != nil {
		return safe.State{}, err
	}
	c.layouts.see(address, state)
	state.Proven = state.Proven && state.Verified != safe.VerifiedByProvider && c.Corroborated()
	c.memory.keep(at, l.queries, l.results)
	return state, nil
}

// look is one reading of a Safe: what was asked, what was agreed on, and by whom.
type look struct {
	c       *Client
	what    string
	at      safe.Block
	address common.Address
	queries []query
	results []safe.Result
	by      []*provider // of what was not remembered
}

// check holds the whole look against what is proven. What the calls say counts for a Safe whose code is known.
func (l *look) check(ctx context.Context, early *lesson, s safe.State) (bool, error) {
	known := func(common.Address) (layout, bool) { return layoutOf(s), s.Verified != safe.VerifiedByProvider }
	proven, err := l.c.check(ctx, l.at, claimsOf(l.queries, l.results, known), l.by, early)
	if err != nil {
		return false, fmt.Errorf("%s: %w", l.what, err)
	}
	return proven, nil
}

// The places of the answers to stateQueries.
const (
	stateCode = iota
	stateSingleton
	stateGuard
	stateModuleGuard
	stateHandler
	stateOwners
	stateThreshold
	stateNonce
	stateVersion
	stateModules
	stateOldModules
)

func stateQueries(address common.Address) []query {
	call := func(c safe.Call) query { return callQuery(common.Address{}, c) }
	return []query{
		stateCode:        codeQuery(address),
		stateSingleton:   slotQuery(address, safe.SlotSingleton),
		stateGuard:       slotQuery(address, safe.SlotGuard),
		stateModuleGuard: slotQuery(address, safe.SlotModuleGuard),
		stateHandler:     slotQuery(address, safe.SlotFallbackHandler),
		stateOwners:      call(safe.OwnersCall(address)),
		stateThreshold:   call(safe.ThresholdCall(address)),
		stateNonce:       call(safe.NonceCall(address)),
		stateVersion:     call(safe.VersionCall(address)),
		stateModules:     call(safe.ModulesPageCall(address, safe.ModulesStart, modulesPage)),
		stateOldModules:  call(safe.Call{To: address, Data: getModules}),
	}
}

func decodeState(at safe.Block, answers []safe.Result) (safe.State, error) {
	s := safe.State{
		Block:           at,
		Verified:        safe.VerifiedByProvider,
		Singleton:       addressIn(answers[stateSingleton]),
		Guard:           addressIn(answers[stateGuard]),
		ModuleGuard:     addressIn(answers[stateModuleGuard]),
		FallbackHandler: addressIn(answers[stateHandler]),
	}
	if len(answers[stateCode].Data) == 0 {
		return s, errors.New("there is no contract")
	}
	var err error
	if s.Owners, err = safe.DecodeOwners(answers[stateOwners]); err != nil {
		return s, err
	}
	if s.Threshold, err = safe.DecodeThreshold(answers[stateThreshold]); err != nil {
		return s, err
	}
	if s.Nonce, err = safe.DecodeNonce(answers[stateNonce]); err != nil {
		return s, err
	}
	if s.Version, err = safe.DecodeVersion(answers[stateVersion]); err != nil {
		return s, err
	}
	if s.Threshold < 1 || s.Threshold > len(s.Owners) {
		return s, fmt.Errorf("a threshold of %d with %d owners was never set up", s.Threshold, len(s.Owners))
	}
	s.Modules, err = decodeModules(answers[stateModules], answers[stateOldModules])
	return s, err
}

// decodeModules prefers the first page; a Safe from before paging reverts there and lists all at once.
func decodeModules(page, old safe.Result) ([]common.Address, error) {
	if !page.Reverted && len(page.Data) > 0 {
		return safe.DecodeModulesPage(page)
	}
	return safe.DecodeOwners(old) // the same shape: one list of addresses
}

func addressIn(r safe.Result) common.Address { return safe.AddressInSlot(common.BytesToHash(r.Data)) }

// completeModules reads on while pages come back full.
func (l *look) completeModules(ctx context.Context, s *safe.State) error {
	for full := len(s.Modules) == modulesPage; full; {
		last := s.Modules[len(s.Modules)-1]
		next := []query{callQuery(common.Address{}, safe.ModulesPageCall(l.address, last, modulesPage))}
		answers, by, err := l.c.agree(ctx, l.what, s.Block, next)
		if err != nil {
			return err
		}
		more, err := safe.DecodeModulesPage(answers[0])
		if err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
		l.queries, l.results = append(l.queries, next...), append(l.results, answers...)
		if len(by) > 0 {
			l.by = by
		}
		s.Modules = append(s.Modules, more...)
		if len(s.Modules) > maxModules {
			return fmt.Errorf("%s: more than %d modules", l.what, maxModules)
		}
		full = len(more) == modulesPage
	}
	return nil
}

// provenCode remembers which Safes were proven, by what the proof rests on. No published implementation can change or
// remove its code, so that the proof holds as long as the Safe names the same one.
type provenCode struct {
	mu sync.Mutex // guards of
	of map[provenBy]safe.Verification
}

type provenBy struct {
	safe, singleton common.Address
	proxy           common.Hash // hash of the Safe's own code
	version         safe.Version
}

func (p *provenCode) known(by provenBy) (safe.Verification, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	proof, ok := p.of[by]
	return proof, ok
}

func (p *provenCode) keep(by provenBy, proof safe.Verification) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil || len(p.of) >= maxProven {
		p.of = map[provenBy]safe.Verification{}
	}
	p.of[by] = proof
}

// maxProven bounds what is remembered; an operator guards a handful of Safes.
const maxProven = 1000

// verify compares the implementation's code with the published builds, its version with VERSION(), and the Safe's own hash
// of a probe with ours. Anything that does not fit leaves the state unverified; it is not an error.
func (c *Client) verify(ctx context.Context, what string, address common.Address, code []byte, s *safe.State) error {
	by := provenBy{address, s.Singleton, crypto.Keccak256Hash(code), s.Version}
	if proof, ok := c.proven.known(by); ok {
		s.Verified = proof
		return nil
	}
	probe := safe.Tx{To: address, Data: []byte("belay probe"), Nonce: s.Nonce}
	answers, err := c.readProven(ctx, what, s.Block, []query{
		codeQuery(s.Singleton),
		callQuery(common.Address{}, safe.TransactionHashCall(address, probe)),
	})
	if err != nil {
		return err
	}
	version, proof, known := safe.KnownSingleton(s.Singleton, crypto.Keccak256Hash(answers[0].Data))
	domain := safe.Domain{ChainID: c.cfg.ChainID, Safe: address, Version: s.Version}
	hash, err := safe.DecodeHash(answers[1])
	if known && !isDelegated(code) && err == nil && version == s.Version && hash == safe.Hash(domain, probe).SafeTx {
		s.Verified = proof
		c.proven.keep(by, proof)
	}
	return nil
}

// isDelegated recognises an externally owned account that borrows a contract's code (EIP-7702).
func isDelegated(code []byte) bool { return bytes.HasPrefix(code, types.DelegationPrefix) }
