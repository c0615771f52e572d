package devnet

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// SafeRelease is where the contracts of one Safe version live, on mainnet and on every dev chain.
type SafeRelease struct {
	Version           string
	Singleton         common.Address
	SingletonL2       common.Address // also emits SafeMultiSigTransaction
	Factory           common.Address
	FallbackHandler   common.Address
	MultiSend         common.Address
	MultiSendCallOnly common.Address

	artifacts string // folder of the npm package's artifacts
	singleton string // name of the singleton contract, before and after the brand changed
	factory   string
}

// Releases are the Safe versions on a dev chain, oldest first. The addresses are the deployments called canonical in
// the npm package @safe-global/safe-deployments; a test compares their code hashes.
func Releases() []SafeRelease {
	return []SafeRelease{{
		Version:           "1.3.0",
		Singleton:         common.HexToAddress("0xd9Db270c1B5E3Bd161E8c8503c55cEABeE709552"),
		SingletonL2:       common.HexToAddress("0x3E5c63644E683549055b9Be8653de26E0B4CD36E"),
		Factory:           common.HexToAddress("0xa6B71E26C5e0845f74c812102Ca7114b6a896AB2"),
		FallbackHandler:   common.HexToAddress("0xf48f2B2d2a534e402487b3ee7C18c33Aec0Fe5e4"),
		MultiSend:         common.HexToAddress("0xA238CBeb142c10Ef7Ad8442C6D1f9E89e07e7761"),
		MultiSendCallOnly: common.HexToAddress("0x40A2aCCbd92BCA938b02010E17A5b8929b49130D"),
		artifacts:         "@gnosis.pm/safe-contracts/build/artifacts/contracts",
		singleton:         "GnosisSafe",
		factory:           "GnosisSafeProxyFactory",
	}, {
		Version:           "1.4.1",
		Singleton:         common.HexToAddress("0x41675C099F32341bf84BFc5382aF534df5C7461a"),
		SingletonL2:       common.HexToAddress("0x29fcB43b46531BcA003ddC8FCB67FFE91900C762"),
		Factory:           common.HexToAddress("0x4e1DCf7AD4e460CfD30791CCC4F9c8a4f820ec67"),
		FallbackHandler:   common.HexToAddress("0xfd0732Dc9E303f09fCEf3a7388Ad10A83459Ec99"),
		MultiSend:         common.HexToAddress("0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526"),
		MultiSendCallOnly: common.HexToAddress("0x9641d764fc13c8B624c04430C7356C1C7C8102e2"),
		artifacts:         "@safe-global/safe-contracts/build/artifacts/contracts",
		singleton:         "Safe",
		factory:           "SafeProxyFactory",
	}, {
		Version:           "1.5.0",
		Singleton:         common.HexToAddress("0xFf51A5898e281Db6DfC7855790607438dF2ca44b"),
		SingletonL2:       common.HexToAddress("0xEdd160fEBBD92E350D4D398fb636302fccd67C7e"),
		Factory:           common.HexToAddress("0x14F2982D601c9458F93bd70B218933A6f8165e7b"),
		FallbackHandler:   common.HexToAddress("0x3EfCBb83A4A7AfcB4F68D501E2c2203a38be77f4"),
		MultiSend:         common.HexToAddress("0x218543288004CD07832472D464648173c77D7eB7"),
		MultiSendCallOnly: common.HexToAddress("0xA83c336B20401Af773B6219BA5027174338D1836"),
		artifacts:         "@safe-global/safe-smart-account/build/artifacts/contracts",
		singleton:         "Safe",
		factory:           "SafeProxyFactory",
	}}
}

// Release returns the Safe release of a version such as "1.4.1".
func Release(version string) (SafeRelease, error) {
	for _, r := range Releases() {
		if r.Version == version {
			return r, nil
		}
	}
	return SafeRelease{}, fmt.Errorf("devnet has no Safe %q, it has 1.3.0, 1.4.1 and 1.5.0", version)
}

// path is where the npm package keeps the artifact of one contract, in folder ("" is the top one).
func (r SafeRelease) path(folder, contract string) string {
	if folder != "" {
		folder += "/"
	}
	return fmt.Sprintf("%s/%s%s.sol/%s.json", r.artifacts, folder, contract, contract)
}

// placed is one contract of a release and its address.
type placed struct {
	address   common.Address
	path      string
	singleton bool
}

func (r SafeRelease) contracts() []placed {
	return []placed{
		{r.Singleton, r.path("", r.singleton), true},
		{r.SingletonL2, r.path("", r.singleton+"L2"), true},
		{r.Factory, r.path("proxies", r.factory), false},
		{r.FallbackHandler, r.path("handler", "CompatibilityFallbackHandler"), false},
		{r.MultiSend, r.path("libraries", "MultiSend"), false},
		{r.MultiSendCallOnly, r.path("libraries", "MultiSendCallOnly"), false},
	}
}

// canonicalAlloc reads the artifacts once a process: the genesis of every chain holds the same contracts.
var canonicalAlloc = sync.OnceValues(func() (types.GenesisAlloc, error) {
	alloc := types.GenesisAlloc{}
	for _, release := range Releases() {
		for _, contract := range release.contracts() {
			account, err := contract.account()
			if err != nil {
				return nil, fmt.Errorf("place Safe %s at %s: %w", release.Version, contract.address, err)
			}
			alloc[contract.address] = account
		}
	}
	return alloc, nil
})

// account is the contract as its constructor would have left it.
func (p placed) account() (types.Account, error) {
	artifact, err := LoadPackageArtifact(p.path)
	if err != nil {
		return types.Account{}, err
	}
	account := types.Account{
		Balance: ether(0),
		Nonce:   1, // of every contract since Spurious Dragon
		Code:    withOwnAddress(artifact.DeployedBytecode, p.address),
	}
	if p.singleton {
		account.Storage = map[common.Hash]common.Hash{thresholdSlot: common.BigToHash(common.Big1)}
	}
	return account, nil
}

// thresholdSlot is where a Safe keeps its threshold. A singleton's constructor sets it to 1 so that nobody can set it up.
var thresholdSlot = common.Hash{31: 4}

// withOwnAddress fills in the only immutable that these contracts have: MultiSend remembers its own address, pushed as
// a 32-byte word, to refuse being called directly.
func withOwnAddress(code []byte, self common.Address) []byte {
	const push32 = 0x7f
	blank := append([]byte{push32}, make([]byte, 32)...)
	filled := append([]byte{push32}, common.LeftPadBytes(self.Bytes(), 32)...)
	return bytes.ReplaceAll(code, blank, filled)
}
