package main

import (
	"crypto/ecdsa"
	"fmt"

	"belay/configs"
	"belay/governance/coordinator"
	"belay/safe/chain"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// keyring holds the opened relayer keys of each chain by its name: first that of the routine lane, then those of the emergency lane.
type keyring map[string][]relayerKey

// relayerKey is one opened key: in memory, or at a program that signs with it.
type relayerKey struct {
	address common.Address
	private *ecdsa.PrivateKey
	remote  *chain.Remote
}

// openKeys opens every relayer key of a configuration. A keystore takes a second, so that it is done once.
func openKeys(cfg *configs.Config) (keyring, error) {
	ring := keyring{}
	for _, c := range cfg.Chains {
		if c.Relayer == nil {
			continue
		}
		keys, err := openRelayer(*c.Relayer)
		if err != nil {
			return nil, fmt.Errorf("chain %s: %w", c.Name, err)
		}
		ring[c.Name] = keys
	}
	return ring, nil
}

// openRelayer opens the keys of one chain, and refuses an address that comes twice, in whatever forms.
func openRelayer(r configs.Relayer) ([]relayerKey, error) {
	var keys []relayerKey
	seen := map[common.Address]bool{}
	for i, written := range append([]configs.SigningKey{r.Routine}, r.Emergency...) {
		key, err := openKey(written)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", laneOf(i), err)
		}
		if seen[key.address] {
			return nil, fmt.Errorf("%s: %s is used already; every emergency key needs its own nonces", laneOf(i), key.address.Hex())
		}
		seen[key.address] = true
		keys = append(keys, key)
	}
	return keys, nil
}

// laneOf names a key by its place.
func laneOf(i int) string {
	if i == 0 {
		return "relayer"
	}
	return fmt.Sprintf("emergency relayer %d", i)
}

// openKey gives the key that was written in one of its forms. The error quotes neither key nor password.
func openKey(k configs.SigningKey) (relayerKey, error) {
	switch {
	case k.Remote != nil:
		return relayerKey{address: k.Remote.Address, remote: &chain.Remote{Kind: chain.RemoteKind(k.Remote.Kind), URL: k.Remote.URL.Reveal(),
			Address: k.Remote.Address, Token: k.Remote.Token.Reveal()}}, nil
	case k.Keystore != nil:
		private, err := chain.DecryptKey(k.Keystore.JSON, k.Keystore.Password.Reveal())
		if err != nil {
			return relayerKey{}, fmt.Errorf("%s: %w", k.Keystore.File, err)
		}
		return inMemory(private), nil
	}
	private, err := crypto.ToECDSA(common.FromHex(k.Hex.Reveal()))
	if err != nil {
		return relayerKey{}, fmt.Errorf("the key is no private key") //nolint:errorlint // the cause could hold digits of the key
	}
	return inMemory(private), nil
}

func inMemory(private *ecdsa.PrivateKey) relayerKey {
	return relayerKey{address: crypto.PubkeyToAddress(private.PublicKey), private: private}
}

// signer makes what signs with the key on one chain.
func (k relayerKey) signer(chainID uint64, policy chain.Policy) (coordinator.Signer, error) {
	if k.remote != nil {
		return chain.NewRemoteSigner(chainID, *k.remote, policy)
	}
	return chain.NewSigner(chainID, k.private, policy), nil
}

// String is the address: without it %v would print the key.
func (k relayerKey) String() string { return k.address.Hex() }

// GoString hides the key from %#v too.
func (k relayerKey) GoString() string { return k.String() }
