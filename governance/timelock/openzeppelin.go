package timelock

import (
	"errors"
	"fmt"
	"math"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// openZeppelin is a TimelockController of OpenZeppelin Contracts 4.x or 5.x
// (https://docs.openzeppelin.com/contracts/5.x/api/governance#TimelockController).
//
// An operation has one of two forms, single or batch, and the same call has another id in each. Schedule takes the single
// form for one call and the batch form for several; the execute call that it returns remembers the form. Calls that send ether
// are paid from what the timelock holds: neither the Safe nor a relayer adds any.
type openZeppelin struct{ address common.Address }

// Functions, the same from 4.0 to 5.7.
var (
	ozGetMinDelay   = methodOf("getMinDelay()")
	ozHasRole       = methodOf("hasRole(bytes32,address)")
	ozCancellerRole = methodOf("CANCELLER_ROLE()")
	ozGetTimestamp  = methodOf("getTimestamp(bytes32)")
	ozSchedule      = methodOf("schedule(address,uint256,bytes,bytes32,bytes32,uint256)")
	ozScheduleBatch = methodOf("scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)")
	ozExecute       = methodOf("execute(address,uint256,bytes,bytes32,bytes32)")
	ozExecuteBatch  = methodOf("executeBatch(address[],uint256[],bytes[],bytes32,bytes32)")
	ozCancel        = methodOf("cancel(bytes32)")
)

// Events. CallScheduled and CallExecuted come once a call, with id and index as topics.
var (
	ozCallScheduled  = crypto.Keccak256Hash([]byte("CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)"))
	ozCallExecuted   = crypto.Keccak256Hash([]byte("CallExecuted(bytes32,uint256,address,uint256,bytes)"))
	ozCancelled      = crypto.Keccak256Hash([]byte("Cancelled(bytes32)"))
	ozMinDelayChange = crypto.Keccak256Hash([]byte("MinDelayChange(uint256,uint256)"))
)

// Roles. The admin of 4.x has a role of its own; that of 5.x is AccessControl's default, zero.
var (
	ozProposer     = crypto.Keccak256Hash([]byte("PROPOSER_ROLE"))
	ozExecutor     = crypto.Keccak256Hash([]byte("EXECUTOR_ROLE"))
	ozCanceller    = crypto.Keccak256Hash([]byte("CANCELLER_ROLE"))
	ozAdmin4       = crypto.Keccak256Hash([]byte("TIMELOCK_ADMIN_ROLE"))
	ozDefaultAdmin = common.Hash{}
)

// The places of the answers to Params.
const (
	ozReadMinDelay = iota
	ozReadCancellerRole
	ozReadSafeProposer
	ozReadSafeExecutor
	ozReadSafeCanceller
	ozReadAnyExecutor
	ozReadRelayerExecutor
	ozReadRelayerProposer
	ozReadRelayerCanceller
	ozReadRelayerAdmin4
	ozReadRelayerAdmin5
	ozReadCount
)

// Params asks for the minimal delay and for every role that matters. The executor role of address zero lets anyone execute.
func (t openZeppelin) Params(who Parties) []safe.Call {
	calls := make([]safe.Call, ozReadCount)
	calls[ozReadMinDelay] = t.call(ozGetMinDelay)
	calls[ozReadCancellerRole] = t.call(ozCancellerRole)
	calls[ozReadSafeProposer] = t.hasRole(ozProposer, who.Safe)
	calls[ozReadSafeExecutor] = t.hasRole(ozExecutor, who.Safe)
	calls[ozReadSafeCanceller] = t.hasRole(ozCanceller, who.Safe)
	calls[ozReadAnyExecutor] = t.hasRole(ozExecutor, common.Address{})
	calls[ozReadRelayerExecutor] = t.hasRole(ozExecutor, who.Relayer)
	calls[ozReadRelayerProposer] = t.hasRole(ozProposer, who.Relayer)
	calls[ozReadRelayerCanceller] = t.hasRole(ozCanceller, who.Relayer)
	calls[ozReadRelayerAdmin4] = t.hasRole(ozAdmin4, who.Relayer)
	calls[ozReadRelayerAdmin5] = t.hasRole(ozDefaultAdmin, who.Relayer)
	return calls
}

// DeriveParams reads the answers to Params.
func (t openZeppelin) DeriveParams(results []safe.Result) (Limits, error) {
	if len(results) != ozReadCount {
		return Limits{}, fmt.Errorf("read timelock %s: %d answers to %d reads", t.address, len(results), ozReadCount)
	}
	delay, err := uintOf(results[ozReadMinDelay])
	if err != nil {
		return Limits{}, fmt.Errorf("read minimal delay of timelock %s: %w", t.address, err)
	}
	var has [ozReadCount]bool
	for i := ozReadSafeProposer; i < ozReadCount; i++ {
		if has[i], err = boolOf(results[i]); err != nil {
			return Limits{}, fmt.Errorf("read roles of timelock %s: %w", t.address, err)
		}
	}
	if results[ozReadCancellerRole].Reverted { // before 4.6 there was no such role, and proposers cancelled
		has[ozReadSafeCanceller] = has[ozReadSafeProposer]
		has[ozReadRelayerCanceller] = has[ozReadRelayerProposer]
	}
	return ozLimits(saturated(delay), has), nil
}

func ozLimits(minDelay uint64, has [ozReadCount]bool) Limits {
	limits := Limits{
		MinDelay:          minDelay,
		SafeMayPropose:    has[ozReadSafeProposer],
		SafeMayExecute:    has[ozReadSafeExecutor] || has[ozReadAnyExecutor],
		SafeMayCancel:     has[ozReadSafeCanceller],
		AnyoneMayExecute:  has[ozReadAnyExecutor],
		RelayerMayExecute: has[ozReadRelayerExecutor] || has[ozReadAnyExecutor],
	}
	if has[ozReadRelayerProposer] {
		limits.RelayerPowers = append(limits.RelayerPowers, "proposer")
	}
	if has[ozReadRelayerCanceller] {
		limits.RelayerPowers = append(limits.RelayerPowers, "canceller")
	}
	if has[ozReadRelayerAdmin4] || has[ozReadRelayerAdmin5] {
		limits.RelayerPowers = append(limits.RelayerPowers, "admin")
	}
	return limits
}

var (
	errNoCalls = errors.New("a timelock operation needs at least one call")
	errNoSalt  = errors.New("a timelock operation needs a salt: without one the same calls could never be scheduled again")
	errNoID    = errors.New("the operation has no id")
)

// Schedule plans an operation without a predecessor.
func (t openZeppelin) Schedule(ask Ask) (Plan, error) {
	switch {
	case len(ask.Calls) == 0:
		return Plan{}, errNoCalls
	case ask.Salt == (common.Hash{}):
		return Plan{}, errNoSalt
	case len(ask.Calls) == 1:
		call := ask.Calls[0]
		return t.plan(ozSchedule, ozExecute, ask, targetOf(call), valueOf(call), dataOf(call)), nil
	default:
		return t.plan(ozScheduleBatch, ozExecuteBatch, ask,
			listArg(ask.Calls, targetOf), listArg(ask.Calls, valueOf), listArg(ask.Calls, dataOf)), nil
	}
}

// plan makes the three of one form, because they share their arguments: the id is the hash of what execute is called with.
func (t openZeppelin) plan(schedule, execute method, ask Ask, targets, values, payloads arg) Plan {
	args := []arg{targets, values, payloads, hashArg(common.Hash{}), hashArg(ask.Salt)}
	return Plan{
		ID:       crypto.Keccak256Hash(encode(args...)),
		Execute:  t.call(execute, args...),
		Schedule: t.call(schedule, append(args, uintArg(ask.Delay))...),
	}
}

// Cancel deletes the operation. The contract forgets it: the same id can be scheduled again.
func (t openZeppelin) Cancel(op governance.Operation) (safe.Call, error) {
	if op.ID == (common.Hash{}) {
		return safe.Call{}, fmt.Errorf("cancel on timelock %s: %w", t.address, errNoID)
	}
	return t.call(ozCancel, hashArg(op.ID)), nil
}

// Gone is a timestamp of zero: cancel deletes it.
func (t openZeppelin) Gone(op governance.Operation) governance.Expectation {
	return governance.Expectation{Text: "getTimestamp(id: " + op.ID.Hex() + ") = 0", Call: t.call(ozGetTimestamp, hashArg(op.ID)),
		Output: "getTimestamp(bytes32 id) returns (uint256)", Equals: "0"}
}

// Reads asks for the operation's timestamp: 0 unset, 1 done, else the moment from which it may be executed.
func (t openZeppelin) Reads(op governance.Operation) []safe.Call {
	return []safe.Call{t.call(ozGetTimestamp, hashArg(op.ID))}
}

// Logs selects the four events of every operation.
func (t openZeppelin) Logs() []safe.Filter {
	return []safe.Filter{{
		Address: t.address,
		Topics:  [][]common.Hash{{ozCallScheduled, ozCallExecuted, ozCancelled, ozMinDelayChange}},
	}}
}

// EventOf reads one log of this timelock.
func (t openZeppelin) EventOf(log safe.Log) (Event, bool) {
	if log.Address != t.address || len(log.Topics) == 0 {
		return Event{}, false
	}
	shape, known := ozEvents[log.Topics[0]]
	if !known || len(log.Topics) != shape.topics {
		return Event{}, false
	}
	event := Event{Kind: shape.kind, Log: log}
	if shape.topics > 1 {
		event.ID = log.Topics[1]
	}
	return event, true
}

// ozEvents gives each event its kind and the number of its topics. RBACTimelock has logs of the same names but other topics.
var ozEvents = map[common.Hash]struct {
	kind   EventKind
	topics int
}{
	ozCallScheduled:  {EventScheduled, 3},
	ozCallExecuted:   {EventExecuted, 3},
	ozCancelled:      {EventCanceled, 2},
	ozMinDelayChange: {EventMinDelay, 1},
}

// ozDone is the timestamp of an operation that was executed (_DONE_TIMESTAMP in the contract).
const ozDone = 1

// Derive reads the answer to Reads. Ready from the second OpensAt on, and for ever: this kind never closes.
func (t openZeppelin) Derive(op governance.Operation, results []safe.Result, logs []safe.Log, chainTime uint64) Status {
	if len(results) != 1 {
		return unknown("%d answers to one read", len(results))
	}
	timestamp, err := uintOf(results[0])
	if err != nil {
		return unknown("getTimestamp: %v", err)
	}
	opens := saturated(timestamp)
	switch {
	case opens == 0:
		return t.unset(op, logs)
	case opens == ozDone:
		return Status{State: governance.OperationDone, OpensAt: op.OpensAt} // the contract has overwritten the moment
	case chainTime < opens:
		return Status{State: governance.OperationWaiting, OpensAt: opens}
	default:
		return Status{State: governance.OperationReady, OpensAt: opens}
	}
}

// unset tells apart what the contract cannot: never scheduled, or scheduled and cancelled.
func (t openZeppelin) unset(op governance.Operation, logs []safe.Log) Status {
	last, found := Last(t, logs, op.ID)
	switch {
	case found && last.Kind == EventCanceled:
		return Status{
			State: governance.OperationCanceled,
			Why:   fmt.Sprintf("cancelled in block %d by transaction %s", last.Log.Block.Number, last.Log.TxHash),
		}
	case found:
		return Status{
			State: governance.OperationUnset,
			Why: fmt.Sprintf("a log of block %d says %s, but the timelock does not hold the operation: that block was reorganised away, or a later cancel was not seen",
				last.Log.Block.Number, last.Kind),
		}
	default:
		return Status{State: governance.OperationUnset}
	}
}

func unknown(format string, args ...any) Status {
	return Status{State: governance.OperationUnknown, Why: fmt.Sprintf(format, args...)}
}

func (t openZeppelin) call(m method, args ...arg) safe.Call {
	return safe.Call{To: t.address, Data: m.calldata(args...)}
}

func (t openZeppelin) hasRole(role common.Hash, account common.Address) safe.Call {
	return t.call(ozHasRole, hashArg(role), addressArg(account))
}

var (
	errReverted = errors.New("the call reverted")
	errNotAWord = errors.New("the answer is not one word: is there a TimelockController at this address?")
	errNotABool = errors.New("the answer is neither true nor false")
)

func uintOf(r safe.Result) (*uint256.Int, error) {
	if r.Reverted {
		return nil, errReverted
	}
	if len(r.Data) != wordSize {
		return nil, errNotAWord
	}
	return new(uint256.Int).SetBytes32(r.Data), nil
}

func boolOf(r safe.Result) (bool, error) {
	v, err := uintOf(r)
	if err != nil {
		return false, err
	}
	if v.GtUint64(1) {
		return false, errNotABool
	}
	return !v.IsZero(), nil
}

// saturated gives a time in seconds that does not fit 64 bits as the last one that does: for ever, in practice.
func saturated(v *uint256.Int) uint64 {
	if !v.IsUint64() {
		return math.MaxUint64
	}
	return v.Uint64()
}
