package devnet

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// SafeRelease is where the contracts of one Safe version live, on mainnet and on every dev chain.
type SafeRelease struct {
	Version           string
	Singleton         common.Address
	SingletonL2       common.Address // also emits SafeMultiSigTransaction; zero before 1.3.0
	Factory           common.Address
	FallbackHandler   common.Address // zero before 1.3.0
	MultiSend         common.Address
	MultiSendCallOnly common.Address // zero before 1.3.0

	artifacts string // folder of the npm package's artifacts; "" before 1.3.0, see old.mjs
	singleton string // name of the singleton contract, before and after the brand changed
	factory   string
}

// Releases are the Safe versions on a dev chain, oldest first: all that npm has. From 1.3.0 on, and for 1.1.1, they are the
// deployments called canonical in the npm package @safe-global/safe-deployments; a test compares their code hashes. What npm has
// of 0.1.0, 1.0.0 and 1.2.0 behaves as what was deployed then, but has other metadata: package safe knows those builds, too.
func Releases() []SafeRelease {
	return []SafeRelease{{
		Version:   "0.1.0",
		Singleton: common.HexToAddress("0x8942595A2dC5181Df0465AF0D7be08c8f23C93af"),
		Factory:   common.HexToAddress("0x88Cd603A5Dc47857d02865Bbc7941B588C533263"),
		MultiSend: here("MultiSend 0.1.0"),
	}, {
		Version:   "1.0.0",
		Singleton: common.HexToAddress("0xb6029EA3B2c51D09a50B53CA8012FeEB05bDa35A"),
		Factory:   common.HexToAddress("0x12302fE9c02ff50939BaAaaf415fc226C078613C"),
		MultiSend: here("MultiSend 1.0.0"),
	}, {
		Version:   "1.1.1",
		Singleton: common.HexToAddress("0x34CfAC646f301356fAa8B21e94227e3583Fe3F5F"),
		Factory:   common.HexToAddress("0x76E2cFc1F5Fa8F6a5b3fC4c8F4788F0116861F9B"),
		MultiSend: common.HexToAddress("0x8D29bE29923b68abfDD21e541b9374737B49cdAD"),
	}, {
		Version:   "1.2.0",
		Singleton: common.HexToAddress("0x6851D6fDFAfD08c0295C392436245E5bc78B0185"),
		Factory:   here("GnosisSafeProxyFactory 1.2.0"),
		MultiSend: here("MultiSend 1.2.0"),
	}, {
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

// here is where a dev chain keeps a contract that was never published at one address of its own.
func here(name string) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte("belay devnet " + name)))
}

// Release returns the Safe release of a version such as "1.4.1".
func Release(version string) (SafeRelease, error) {
	for _, r := range Releases() {
		if r.Version == version {
			return r, nil
		}
	}
	return SafeRelease{}, fmt.Errorf("devnet has no Safe %q, it has 0.1.0, 1.0.0, 1.1.1, 1.2.0, 1.3.0, 1.4.1 and 1.5.0", version)
}

// load reads the artifact of one contract, in folder of the npm package's contracts ("" is the top one).
func (r SafeRelease) load(folder, contract string) (*Artifact, error) {
	if r.artifacts == "" {
		return loadOldArtifact(r.Version, contract)
	}
	if folder != "" {
		folder += "/"
	}
	return LoadPackageArtifact(fmt.Sprintf("%s/%s%s.sol/%s.json", r.artifacts, folder, contract, contract))
}

// names gives what the release calls its singleton and its factory.
func (r SafeRelease) names() (singleton, factory string) {
	if r.artifacts == "" {
		return "GnosisSafe", "ProxyFactory"
	}
	return r.singleton, r.factory
}

// placed is one contract of a release and its address.
type placed struct {
	address          common.Address
	folder, contract string
	singleton        bool
}

// contracts are those that the release has.
func (r SafeRelease) contracts() []placed {
	singleton, factory := r.names()
	all := []placed{
		{r.Singleton, "", singleton, true},
		{r.SingletonL2, "", singleton + "L2", true},
		{r.Factory, "proxies", factory, false},
		{r.FallbackHandler, "handler", "CompatibilityFallbackHandler", false},
		{r.MultiSend, "libraries", "MultiSend", false},
		{r.MultiSendCallOnly, "libraries", "MultiSendCallOnly", false},
	}
	return slices.DeleteFunc(all, func(p placed) bool { return p.address == common.Address{} })
}

// canonicalAlloc reads the artifacts once a process: the genesis of every chain holds the same contracts.
var canonicalAlloc = sync.OnceValues(func() (types.GenesisAlloc, error) {
	alloc := types.GenesisAlloc{}
	for _, release := range Releases() {
		for _, contract := range release.contracts() {
			account, err := release.account(contract)
			if err != nil {
				return nil, fmt.Errorf("place Safe %s at %s: %w", release.Version, contract.address, err)
			}
			alloc[contract.address] = account
		}
	}
	return alloc, nil
})

// account is the contract as its constructor would have left it.
func (r SafeRelease) account(p placed) (types.Account, error) {
	artifact, err := r.load(p.folder, p.contract)
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
