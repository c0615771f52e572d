package timelock

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// The kinds of timelock that a configuration may name.
const (
	KindOpenZeppelin  = "openzeppelin"
	KindCompound      = "compound"
	KindZodiacDelay   = "zodiac-delay"
	KindAccessManager = "access-manager"
)

// Adapter knows one timelock: its kind and where it stands.
type Adapter interface {
	// Params says what to read, at one block, to learn what the timelock allows; DeriveParams takes the answers in the
	// same order. It fails when an answer is missing, reverted or malformed: then this is not such a timelock, or
	// the provider is broken, and nothing may be scheduled.
	Params(who Parties) []safe.Call
	DeriveParams(results []safe.Result) (Limits, error)

	// Schedule plans an operation. It fails only for an Ask that the contract would refuse in any state.
	Schedule(ask Ask) (Plan, error)
	// Cancel is the call that vetoes the operation, and that operation alone.
	Cancel(op governance.Operation) (safe.Call, error)

	// Gone is true on chain once the operation is canceled and can never run as it was scheduled.
	Gone(op governance.Operation) governance.Expectation

	// Reads says what to read about an operation, and Logs which events tell of this timelock's operations.
	Reads(op governance.Operation) []safe.Call
	Logs() []safe.Filter
	// EventOf reads one log. It is false for whatever is not an event of this timelock.
	EventOf(log safe.Log) (Event, bool)
	// Derive says where the operation stands at the block that results were read at; chainTime is that block's timestamp.
	// Logs explain what a reading leaves open; those of other operations are skipped, and none at all is allowed.
	Derive(op governance.Operation, results []safe.Result, logs []safe.Log, chainTime uint64) Status
}

// New returns the adapter for a kind of timelock at an address.
func New(kind string, address common.Address) (Adapter, error) {
	if address == (common.Address{}) {
		return nil, fmt.Errorf("timelock of kind %q has no address", kind)
	}
	switch kind {
	case KindOpenZeppelin:
		return openZeppelin{address: address}, nil
	case KindCompound, KindZodiacDelay, KindAccessManager:
		return nil, fmt.Errorf("timelock kind %q is not built yet; the kind that works is %s", kind, KindOpenZeppelin)
	default:
		return nil, fmt.Errorf("unknown timelock kind %q; the kind that works is %s", kind, KindOpenZeppelin)
	}
}

// Parties are the accounts whose rights on a timelock matter: the Safe that schedules and cancels, and one relayer key.
type Parties struct {
	Safe    common.Address
	Relayer common.Address
}

// Limits are what a timelock allows, to whom.
type Limits struct {
	MinDelay          uint64 // seconds
	SafeMayPropose    bool
	SafeMayExecute    bool // by a right of its own or because anyone may
	SafeMayCancel     bool
	AnyoneMayExecute  bool
	RelayerMayExecute bool // by a right of its own or because anyone may
	// RelayerPowers are rights that no relayer may have ("proposer", "canceller", "admin"): a relayer holds gas, no power.
	RelayerPowers []string
}

// Ask is an operation to plan.
type Ask struct {
	Calls []safe.Call // run in this order, all or none
	Salt  common.Hash // makes the id fresh; see SaltFor
	Delay uint64      // seconds between schedule and execution; at least the timelock's minimum
	// ChainTime is the head's timestamp in seconds. Kinds that bind a moment into the signed call count from it.
	ChainTime uint64
}

// Plan is a planned operation: the call that schedules it, the call that runs it when ready, and its id.
type Plan struct {
	Schedule safe.Call
	Execute  safe.Call
	ID       common.Hash
}

// Status says where an operation stands. Why explains a state that people will ask about; it is "" for the plain ones.
type Status struct {
	State    governance.OperationState
	OpensAt  uint64 // chain time in seconds from which it may be executed; 0: not known
	ClosesAt uint64 // chain time in seconds from which it may no longer; 0: never
	Why      string
}

// EventKind names what a timelock's log tells.
type EventKind string

// The event kinds.
const (
	EventScheduled EventKind = "scheduled"
	EventExecuted  EventKind = "executed"
	EventCanceled  EventKind = "canceled"
	EventMinDelay  EventKind = "min_delay" // of no operation: the minimal delay changed
)

// Event is one log of a timelock, read. A batch emits one for each of its calls.
type Event struct {
	Kind EventKind
	ID   common.Hash // zero for EventMinDelay
	Log  safe.Log
}

// Has reports whether the logs, of one receipt or of many blocks, hold an event of this kind for the operation. That is how an
// execution is recognised, whoever sent it.
func Has(a Adapter, logs []safe.Log, kind EventKind, id common.Hash) bool {
	return slices.ContainsFunc(logs, func(log safe.Log) bool {
		event, ok := a.EventOf(log)
		return ok && event.Kind == kind && event.ID == id
	})
}

// Last finds the latest event of the operation, in the order of the chain.
func Last(a Adapter, logs []safe.Log, id common.Hash) (last Event, found bool) {
	for _, log := range logs {
		event, ok := a.EventOf(log)
		if !ok || event.ID != id || event.Kind == EventMinDelay {
			continue
		}
		if !found || !before(event.Log, last.Log) {
			last, found = event, true
		}
	}
	return last, found
}

func before(a, b safe.Log) bool {
	if a.Block.Number != b.Block.Number {
		return a.Block.Number < b.Block.Number
	}
	return a.Index < b.Index
}

// saltDomain keeps our salts apart from every other hash that we make.
const saltDomain = "belay timelock salt v1"

// SaltFor makes the salt of a proposal's operation: the same after a restart, and another for every proposal, even where a
// store was lost and its numbers start again. Two operations with the same calls must differ in salt, because one that was
// done can never be scheduled again.
func SaltFor(chainID uint64, timelock common.Address, proposal string, created time.Time) common.Hash {
	var fixed [16]byte
	binary.BigEndian.PutUint64(fixed[:8], chainID)
	binary.BigEndian.PutUint64(fixed[8:], uint64(created.UnixNano()))
	return crypto.Keccak256Hash([]byte(saltDomain), fixed[:], timelock[:], []byte(proposal))
}
