package safe

import (
	_ "embed" // for the table
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
)

// Deployment is a published contract: where it lives and the Keccak-256 of its code. A chain may have any of them or none;
// what counts is the code hash read there.
type Deployment struct {
	Contract string // "Safe", "SafeL2", "MultiSendCallOnly", …; "GnosisSafe" before 1.4
	Version  Version
	Family   string // canonical, eip155 (chains with replay protection), zksync (EraVM code)
	Address  common.Address
	CodeHash common.Hash
}

// On reports whether the contract is published on a chain. Safes are deployed on chains that no list knows of, too: then it is
// the code hash that counts.
func (d Deployment) On(chainID uint64) bool {
	_, found := slices.BinarySearch(published.chains[release{d.Version, d.Family}], chainID)
	return found
}

// L2 reports whether the implementation logs every transaction that it executes, for chains without traces.
func (d Deployment) L2() bool { return strings.HasSuffix(d.Contract, "L2") }

// Singletons returns the published implementations behind which Safe proxies stand, oldest first.
func Singletons() []Deployment { return slices.Clone(published.singletons) }

// MultiSendCallOnly returns the published batch libraries in the order of preference: newest first.
// The full MultiSend is missing on purpose, because it lets a batch item delegatecall.
func MultiSendCallOnly() []Deployment { return slices.Clone(published.batches) }

// FallbackHandlers returns the published contracts that answer in a Safe's name, oldest first.
func FallbackHandlers() []Deployment { return slices.Clone(published.handlers) }

// Singleton returns the published implementation with that code, the one at the address if there is one.
func Singleton(address common.Address, codeHash common.Hash) (Deployment, bool) {
	found, proof := known(published.singletons, address, codeHash)
	return found, proof != VerifiedByProvider
}

// KnownSingleton tells which version an implementation is and how far that is proven: VerifiedByAddress when address and
// code are those of one published deployment, VerifiedByCode when only the code is. Code that was never published gives
// false, at a published address too; all that is left then is what VERSION() claims.
func KnownSingleton(address common.Address, codeHash common.Hash) (Version, Verification, bool) {
	found, proof := known(published.singletons, address, codeHash)
	return found.Version, proof, proof != VerifiedByProvider
}

// KnownMultiSendCallOnly reports whether code is that of a published MultiSendCallOnly, whatever its address.
func KnownMultiSendCallOnly(address common.Address, codeHash common.Hash) (Version, Verification, bool) {
	found, proof := known(published.batches, address, codeHash)
	return found.Version, proof, proof != VerifiedByProvider
}

// MeansItself reports whether a batch library at address takes the zero address for the Safe itself, as those of 1.5.0 do
// (MultiSend and MultiSendCallOnly). For older ones it is nobody.
func MeansItself(address common.Address) bool {
	return address == multiSend150 || slices.ContainsFunc(published.batches, func(d Deployment) bool { return d.Address == address && d.Version.AtLeast(V1_5_0) })
}

// multiSend150 is MultiSend 1.5.0, which is no library that Belay would use.
var multiSend150 = common.HexToAddress("0x218543288004CD07832472D464648173c77D7eB7")

// IsMultiSendCallOnly reports whether address is a published MultiSendCallOnly on some chain. It is all that can be said
// without a chain; with one, compare the code hash too.
func IsMultiSendCallOnly(address common.Address) bool {
	return slices.ContainsFunc(published.batches, func(d Deployment) bool { return d.Address == address })
}

func known(list []Deployment, address common.Address, codeHash common.Hash) (Deployment, Verification) {
	var found Deployment
	proof := VerifiedByProvider
	for _, d := range list {
		switch {
		case d.CodeHash != codeHash:
		case d.Address == address:
			return d, VerifiedByAddress
		default:
			found, proof = d, VerifiedByCode
		}
	}
	return found, proof
}

// deploymentsText is data of @safe-global/safe-deployments (MIT), written by deployments.mjs; its first line says which version.
//
//go:embed deployments.txt
var deploymentsText string

var published = readDeployments(deploymentsText)

// npmBuilds are old implementations as @gnosis.pm/safe-contracts ships them: compiled by the same people from the same source,
// with other metadata than what they deployed. They have no address of their own; dev chains and forks run them.
var npmBuilds = []Deployment{
	{Contract: "GnosisSafe", Version: V0_1_0, Family: "npm", CodeHash: common.HexToHash("0xdae7e232cedf06b9159f3e8f47302820529051913ad2f73609d6fd6725578ebd")},
	{Contract: "GnosisSafe", Version: V1_0_0, Family: "npm", CodeHash: common.HexToHash("0x689a35f32e766694735b54d1ecd92397c94681ef747dd1fa9df7a924ac59b7dd")},
	{Contract: "GnosisSafe", Version: V1_2_0, Family: "npm", CodeHash: common.HexToHash("0x7538cd37d1930cc7b0ad11c7b3b1cd6d9e3f20baee2b82b8227fa69124a8f549")},
}

// release is a set of contracts that were published together.
type release struct {
	version Version
	family  string
}

type deployments struct {
	singletons, handlers, batches []Deployment // batch libraries newest first
	chains                        map[release][]uint64
}

// readDeployments reads the table. It is part of the program, so that a line that cannot be read is a mistake in it.
func readDeployments(text string) deployments {
	all := deployments{chains: map[release][]uint64{}}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "#"):
		case words[0] == "contract" && len(words) == 6:
			all.add(Deployment{Contract: words[1], Version: mustVersion(words[2]), Family: words[3], Address: common.HexToAddress(words[4]), CodeHash: common.HexToHash(words[5])})
		case words[0] == "chains" && len(words) > 3:
			all.chains[release{mustVersion(words[1]), words[2]}] = mustIDs(words[3:])
		default:
			panic(fmt.Sprintf("safe: deployments.txt: %q", line))
		}
	}
	all.singletons = append(all.singletons, npmBuilds...)
	slices.SortStableFunc(all.batches, newestFirst)
	return all
}

func (all *deployments) add(d Deployment) {
	switch {
	case d.Contract == "MultiSendCallOnly":
		all.batches = append(all.batches, d)
	case strings.HasSuffix(d.Contract, "FallbackHandler"):
		all.handlers = append(all.handlers, d)
	default:
		all.singletons = append(all.singletons, d)
	}
}

func newestFirst(a, b Deployment) int {
	switch {
	case b.Version.Less(a.Version):
		return -1
	case a.Version.Less(b.Version):
		return 1
	}
	return 0
}

func mustVersion(text string) Version {
	v, err := ParseVersion(text)
	if err != nil {
		panic("safe: deployments.txt: " + err.Error())
	}
	return v
}

func mustIDs(words []string) []uint64 {
	ids := make([]uint64, len(words))
	for i, word := range words {
		id, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			panic("safe: deployments.txt: " + err.Error())
		}
		ids[i] = id
	}
	return ids
}
