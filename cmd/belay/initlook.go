package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"belay/configs"
	"belay/safe"
	"belay/safe/calldata"
	"belay/safe/chain"

	"github.com/ethereum/go-ethereum/common"
)

// knownChain is what people call a chain.
type knownChain struct {
	id             uint64
	name, explorer string
}

var knownChains = []knownChain{
	{1, "ethereum", "https://etherscan.io"}, {10, "optimism", "https://optimistic.etherscan.io"}, {56, "bnb", "https://bscscan.com"},
	{100, "gnosis", "https://gnosisscan.io"}, {137, "polygon", "https://polygonscan.com"}, {8453, "base", "https://basescan.org"},
	{42161, "arbitrum", "https://arbiscan.io"}, {43114, "avalanche", "https://snowtrace.io"}, {59144, "linea", "https://lineascan.build"},
	{534352, "scroll", "https://scrollscan.com"}, {11155111, "sepolia", "https://sepolia.etherscan.io"},
}

func chainNameOf(id uint64) string {
	if i := slices.IndexFunc(knownChains, func(k knownChain) bool { return k.id == id }); i >= 0 {
		return knownChains[i].name
	}
	return fmt.Sprintf("chain-%d", id)
}

// explorerOf gives an explorer for links, or "".
func explorerOf(id uint64) string {
	if i := slices.IndexFunc(knownChains, func(k knownChain) bool { return k.id == id }); i >= 0 {
		return knownChains[i].explorer
	}
	return ""
}

// providerName names a provider by its place: its URL may hold a key.
func providerName(i int) string { return fmt.Sprintf("rpc%d", i+1) }

// takeProvider takes one more provider when it answers, on the chain of those before it.
func (s *setup) takeProvider(ctx context.Context, url string) error {
	if err := configs.CheckProviderURL(url); err != nil {
		return usage(err)
	}
	if slices.Contains(s.rpc, url) {
		return usagef("the same URL again: an answer counted twice is no agreement")
	}
	id, err := chain.AskChainID(ctx, chain.Provider{Name: providerName(len(s.rpc)), URL: url})
	switch {
	case err != nil:
		return err
	case s.wantChain != 0 && id != s.wantChain:
		return usagef("it is on chain %d, and --chain-id says %d", id, s.wantChain)
	case len(s.rpc) > 0 && id != s.chainID:
		return usagef("it is on chain %d, the one before on chain %d: one configuration of a chain, one chain", id, s.chainID)
	}
	s.chainID, s.rpc = id, append(s.rpc, url)
	return nil
}

// takeSafe takes an address when there is a Safe that can be relied upon.
func (s *setup) takeSafe(ctx context.Context, text string) error {
	address, err := calldata.ParseAddress(text)
	if err != nil {
		return usage(err)
	}
	cfg := chain.Config{Name: chainNameOf(s.chainID), ChainID: s.chainID}
	for i, url := range s.rpc {
		cfg.Providers = append(cfg.Providers, chain.Provider{Name: providerName(i), URL: url})
	}
	client, err := chain.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	state, err := readSafe(ctx, client, address)
	if err != nil {
		return err
	}
	if state.Verified == safe.VerifiedByProvider && !s.allowUnverified {
		return usagef("%s answers like a Safe %s, and its code at %s is not that of a published release: what it does is not known. "+
			"If you know the code, start again with --allow-unverified", address.Hex(), state.Version, state.Singleton.Hex())
	}
	s.address, s.state = address, state
	if s.interactive {
		s.say("  %s\n", safeLine(state))
	}
	return nil
}

// readSafe reads a Safe, and says in words what is at an address where there is none.
func readSafe(ctx context.Context, client *chain.Client, address common.Address) (safe.State, error) {
	head, _, err := client.Head(ctx)
	if err != nil {
		return safe.State{}, err
	}
	codes, err := client.CodeHashes(ctx, head, address)
	if err != nil {
		return safe.State{}, err
	}
	if codes[0] == (common.Hash{}) {
		return safe.State{}, usagef("there is no contract at %s on chain %d: is it the right chain, and is the Safe activated?", address.Hex(), client.ChainID())
	}
	state, err := client.StateAt(ctx, head, address)
	switch {
	case errors.Is(err, chain.ErrNotSafe):
		return state, usagef("the contract at %s is no Safe, or one that was never set up, as a singleton: nobody owns it", address.Hex())
	case err != nil:
		return state, err
	case len(state.Owners) == 0: // no member could be drafted
		return state, usagef("the Safe %s has no owners: nobody could sign", address.Hex())
	}
	return state, nil
}

// safeLine is a Safe in one line.
func safeLine(s safe.State) string {
	return fmt.Sprintf("Safe %s (%s), %d of %d owners sign, nonce %d", s.Version, s.Verified, s.Threshold, len(s.Owners), s.Nonce)
}
