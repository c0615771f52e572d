package safe

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// Effects are what a simulated transaction did, whoever expected it: the union of what the providers tell that can look, so that
// none of them can hide a thing that another one saw.
type Effects struct {
	Logged bool `json:"logged"` // somebody told the events
	Traced bool `json:"traced"` // somebody told what changed in storage, balances and code

	Logs     []Seen[Log]           `json:"logs"` // native ether as transfers of EtherLogs, where a provider tells them
	Slots    []Seen[SlotChange]    `json:"slots"`
	Balances []Seen[BalanceChange] `json:"balances"`
	Codes    []Seen[CodeChange]    `json:"codes"`
}

// Seen is a fact of a simulation. By names who told it where those are too few to count; it is empty where enough providers did.
type Seen[T any] struct {
	What T        `json:"what"`
	By   []string `json:"by,omitempty"`
}

// SlotChange is one word of storage. Where neither the contract nor the slot is one that Belay knows, only the place is told: see Telling.
type SlotChange struct {
	Address common.Address `json:"address"`
	Slot    common.Hash    `json:"slot"`
	Before  common.Hash    `json:"before"`
	After   common.Hash    `json:"after"`
}

// BalanceChange is an account's ether in wei.
type BalanceChange struct {
	Address common.Address `json:"address"`
	Before  uint256.Int    `json:"before"`
	After   uint256.Int    `json:"after"`
}

// CodeChange is the Keccak-256 of an account's code; zero: none.
type CodeChange struct {
	Address common.Address `json:"address"`
	Before  common.Hash    `json:"before"`
	After   common.Hash    `json:"after"`
}

// EtherLogs is the address in whose name eth_simulateV1 tells of native ether as if it were a token. No contract can be there.
var EtherLogs = common.HexToAddress("0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")

// Where proxies keep what they run: EIP-1967, and what OpenZeppelin's proxies did before it. The same at every contract.
var (
	// SlotImplementation holds the code that a proxy runs.
	SlotImplementation = common.HexToHash("0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc")
	// SlotOldImplementation is where it was before EIP-1967.
	SlotOldImplementation = common.HexToHash("0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3")
	// SlotAdmin holds who may change it.
	SlotAdmin = common.HexToHash("0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103")
	// SlotBeacon holds the contract that names it.
	SlotBeacon = common.HexToHash("0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50")
)

// Telling reports whether the slot means the same at every contract that uses it, because a hash chose its place.
func Telling(slot common.Hash) bool {
	switch slot {
	case SlotImplementation, SlotOldImplementation, SlotAdmin, SlotBeacon, SlotGuard, SlotModuleGuard, SlotFallbackHandler:
		return true
	}
	return false
}
