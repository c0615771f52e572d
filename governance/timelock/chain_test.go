package timelock_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"math/big"
	"testing"
	"time"

	"belay/governance"
	"belay/governance/timelock"
	"belay/safe"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

const minDelay = time.Hour

// world is a real TimelockController on a chain whose time stands still unless moved. An ordinary account stands in for
// the Safe: to the timelock, both are addresses.
type world struct {
	t        *testing.T
	chain    *devnet.Chain
	abi      abi.ABI
	timelock common.Address
	adapter  timelock.Adapter
	proposer *ecdsa.PrivateKey
	relayer  *ecdsa.PrivateKey
}

func newWorld(t *testing.T, executors ...common.Address) *world {
	t.Helper()
	chain, err := devnet.Start(devnet.Config{Manual: true})
	if errors.Is(err, devnet.ErrNotInstalled) {
		t.Skipf("no real contract to test against: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chain.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, chain: chain, proposer: devnet.Key(1), relayer: devnet.Key(devnet.RelayerKey)}
	artifact, err := devnet.TimelockArtifact()
	if err != nil {
		t.Fatal(err)
	}
	w.abi = artifact.ABI
	w.timelock, err = chain.DeployTimelock(t.Context(), minDelay, []common.Address{addressOf(w.proposer)}, executors, common.Address{})
	if err != nil {
		t.Fatal(err)
	}
	if w.adapter, err = timelock.New(timelock.KindOpenZeppelin, w.timelock); err != nil {
		t.Fatal(err)
	}
	return w
}

func addressOf(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }

// plan asks for an operation with the timelock's minimal delay.
func (w *world) plan(salt byte, calls ...safe.Call) (timelock.Plan, governance.Operation) {
	w.t.Helper()
	plan, err := w.adapter.Schedule(timelock.Ask{Calls: calls, Salt: common.Hash{salt}, Delay: uint64(minDelay / time.Second)})
	if err != nil {
		w.t.Fatal(err)
	}
	return plan, governance.Operation{ID: plan.ID, Execute: plan.Execute, Address: w.timelock}
}

// send lets key make the call, and gives the logs of its receipt.
func (w *world) send(key *ecdsa.PrivateKey, call safe.Call) []safe.Log {
	w.t.Helper()
	receipt, err := w.chain.Send(w.t.Context(), key, &call.To, call.Value.ToBig(), call.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return logsOf(receipt.Logs)
}

// refused asserts that the contract would revert the call now, with this custom error.
func (w *world) refused(key *ecdsa.PrivateKey, call safe.Call, customError string) {
	w.t.Helper()
	_, err := w.chain.Send(w.t.Context(), key, &call.To, call.Value.ToBig(), call.Data)
	var reverted *devnet.Reverted
	if !errors.As(err, &reverted) {
		w.t.Fatalf("sent, got %v, want the contract to revert with %s", err, customError)
	}
	if want := w.abi.Errors[customError].ID; len(reverted.Data) < 4 || [4]byte(reverted.Data) != [4]byte(want[:4]) {
		w.t.Fatalf("reverted with %x, want %s", reverted.Data, customError)
	}
}

// status reads and derives at the head, with the logs given.
func (w *world) status(op governance.Operation, logs ...safe.Log) timelock.Status {
	w.t.Helper()
	return w.adapter.Derive(op, w.read(w.adapter.Reads(op)), logs, w.now())
}

func (w *world) now() uint64 { return uint64(w.chain.Now().Unix()) }

// at moves the head to exactly this chain time.
func (w *world) at(second uint64) {
	w.t.Helper()
	w.chain.AdvanceTime(time.Duration(second-w.now()) * time.Second)
	if w.now() != second {
		w.t.Fatalf("chain time is %d, want %d", w.now(), second)
	}
}

func (w *world) read(calls []safe.Call) []safe.Result {
	w.t.Helper()
	results := make([]safe.Result, len(calls))
	for i, call := range calls {
		data, err := w.chain.Call(w.t.Context(), call.To, call.Data)
		var reverted *devnet.Reverted
		if err != nil && !errors.As(err, &reverted) {
			w.t.Fatal(err)
		}
		results[i] = safe.Result{Data: data, Reverted: err != nil}
	}
	return results
}

func logsOf(logs []*types.Log) []safe.Log {
	converted := make([]safe.Log, len(logs))
	for i, l := range logs {
		converted[i] = safe.Log{
			Address: l.Address, Topics: l.Topics, Data: l.Data, TxHash: l.TxHash, Index: l.Index,
			Block: safe.Block{Number: l.BlockNumber, Hash: l.BlockHash},
		}
	}
	return converted
}

// harmless is a call to an account without code, which always succeeds.
func harmless(data string) safe.Call {
	return safe.Call{To: devnet.Address(7), Data: hexutil.MustDecode(data)}
}

// updateDelay is a call that only the timelock itself may make.
func (w *world) updateDelay(seconds int64) safe.Call {
	w.t.Helper()
	data, err := w.abi.Pack("updateDelay", big.NewInt(seconds))
	if err != nil {
		w.t.Fatal(err)
	}
	return safe.Call{To: w.timelock, Data: data}
}

func TestIDsAreThoseOfTheContract(t *testing.T) {
	w := newWorld(t)
	paid := harmless("0x")
	paid.Value = *uint256.NewInt(12345)
	for name, calls := range map[string][]safe.Call{
		"one call":                      {harmless("0x12345678")},
		"one call without data":         {harmless("0x")},
		"one call that sends ether":     {paid},
		"two calls":                     {harmless("0x12345678"), w.updateDelay(60)},
		"the same call twice":           {harmless("0x01"), harmless("0x01")},
		"data that ends within a word":  {harmless("0x0102030405060708091011121314151617181920212223242526272829303132ff")},
		"data that ends with a word":    {harmless("0x0102030405060708091011121314151617181920212223242526272829303132")},
		"three calls of unequal length": {harmless("0x"), paid, harmless("0x0102030405060708091011121314151617181920212223242526272829303132ff")},
	} {
		t.Run(name, func(t *testing.T) {
			plan, _ := w.plan(9, calls...)
			if got := w.hashOperation(common.Hash{9}, calls); plan.ID != got {
				t.Errorf("id is %s, the contract says %s", plan.ID, got)
			}
		})
	}
}

func (w *world) hashOperation(salt common.Hash, calls []safe.Call) common.Hash {
	w.t.Helper()
	targets, values, payloads := make([]common.Address, len(calls)), make([]*big.Int, len(calls)), make([][]byte, len(calls))
	for i, c := range calls {
		targets[i], values[i], payloads[i] = c.To, c.Value.ToBig(), c.Data
	}
	name, args := "hashOperationBatch", []any{targets, values, payloads, common.Hash{}, salt}
	if len(calls) == 1 {
		name, args = "hashOperation", []any{targets[0], values[0], payloads[0], common.Hash{}, salt}
	}
	data, err := w.abi.Pack(name, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := w.chain.Call(w.t.Context(), w.timelock, data)
	if err != nil {
		w.t.Fatal(err)
	}
	return common.BytesToHash(id)
}

func TestAnOperationOpensOnTheSecond(t *testing.T) {
	for name, calls := range map[string]func(*world) []safe.Call{
		"single": func(w *world) []safe.Call { return []safe.Call{w.updateDelay(60)} },
		"batch":  func(w *world) []safe.Call { return []safe.Call{harmless("0x01"), w.updateDelay(60)} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, common.Address{})
			plan, op := w.plan(1, calls(w)...)
			w.want(op, governance.OperationUnset)

			logs := w.send(w.proposer, plan.Schedule)
			if !timelock.Has(w.adapter, logs, timelock.EventScheduled, plan.ID) {
				t.Error("the schedule was not recognised in the receipt")
			}
			opens := w.now() + uint64(minDelay/time.Second)
			if got := w.want(op, governance.OperationWaiting); got.OpensAt != opens || got.ClosesAt != 0 {
				t.Errorf("opens at %d, closes at %d; want %d and never", got.OpensAt, got.ClosesAt, opens)
			}
			w.at(opens - 1)
			w.want(op, governance.OperationWaiting)
			w.refusedCall(plan.Execute)
			w.at(opens)
			w.want(op, governance.OperationReady)

			logs = w.send(w.relayer, plan.Execute)
			if !timelock.Has(w.adapter, logs, timelock.EventExecuted, plan.ID) || !timelock.Has(w.adapter, logs, timelock.EventMinDelay, common.Hash{}) {
				t.Error("the execution was not recognised in the receipt")
			}
			w.want(op, governance.OperationDone)
			w.refused(w.proposer, plan.Schedule, "TimelockUnexpectedOperationState") // done is for ever
		})
	}
}

// refusedCall asserts that anyone's call at the head would revert. Unlike a transaction, it is judged at the head's own time.
func (w *world) refusedCall(call safe.Call) {
	w.t.Helper()
	_, err := w.chain.Call(w.t.Context(), call.To, call.Data)
	var reverted *devnet.Reverted
	if !errors.As(err, &reverted) {
		w.t.Fatalf("the contract lets it through at %d (%v), we say it is not ready", w.now(), err)
	}
}

func (w *world) want(op governance.Operation, state governance.OperationState, logs ...safe.Log) timelock.Status {
	w.t.Helper()
	status := w.status(op, logs...)
	if status.State != state {
		w.t.Fatalf("state is %q (%s), want %q", status.State, status.Why, state)
	}
	return status
}

func TestACancelledOperationCanBeScheduledAgain(t *testing.T) {
	w := newWorld(t, common.Address{})
	plan, op := w.plan(1, w.updateDelay(60))
	logs := w.send(w.proposer, plan.Schedule)
	cancel, err := w.adapter.Cancel(op)
	if err != nil {
		t.Fatal(err)
	}
	logs = append(logs, w.send(w.proposer, cancel)...)

	w.want(op, governance.OperationUnset) // storage alone cannot tell
	w.want(op, governance.OperationCanceled, logs...)
	w.refused(w.relayer, plan.Execute, "TimelockUnexpectedOperationState")

	logs = append(logs, w.send(w.proposer, plan.Schedule)...)
	w.want(op, governance.OperationWaiting, logs...)
	w.refused(w.proposer, plan.Schedule, "TimelockUnexpectedOperationState")
}

func TestADoneOperationIsPlannedAgainUnderAFreshSalt(t *testing.T) {
	w := newWorld(t, common.Address{})
	created := time.Unix(1_900_000_000, 0)
	calls := []safe.Call{harmless("0x01")}
	for i := range 2 {
		ask := timelock.Ask{
			Calls: calls, Delay: uint64(minDelay / time.Second),
			Salt: timelock.SaltFor(w.chain.ChainID().Uint64(), w.timelock, "P-1", created.Add(time.Duration(i))),
		}
		plan, err := w.adapter.Schedule(ask)
		if err != nil {
			t.Fatal(err)
		}
		w.send(w.proposer, plan.Schedule)
		w.chain.AdvanceTime(minDelay)
		w.send(w.relayer, plan.Execute)
		w.want(governance.Operation{ID: plan.ID}, governance.OperationDone)
	}
}

func TestRolesAreReadFromTheContract(t *testing.T) {
	relayer := devnet.Address(devnet.RelayerKey)
	proposer := devnet.Address(1)
	nobody := devnet.Address(9)
	hour := uint64(minDelay / time.Second)
	for _, row := range []struct {
		name      string
		executors []common.Address
		who       timelock.Parties
		want      timelock.Limits
	}{
		{
			name: "anyone may execute", executors: []common.Address{{}}, who: timelock.Parties{Safe: proposer, Relayer: relayer},
			want: timelock.Limits{MinDelay: hour, SafeMayPropose: true, SafeMayCancel: true, SafeMayExecute: true, AnyoneMayExecute: true, RelayerMayExecute: true},
		},
		{
			name: "only the relayer may execute", executors: []common.Address{relayer}, who: timelock.Parties{Safe: proposer, Relayer: relayer},
			want: timelock.Limits{MinDelay: hour, SafeMayPropose: true, SafeMayCancel: true, RelayerMayExecute: true},
		},
		{
			name: "only the Safe may execute", executors: []common.Address{proposer}, who: timelock.Parties{Safe: proposer, Relayer: relayer},
			want: timelock.Limits{MinDelay: hour, SafeMayPropose: true, SafeMayCancel: true, SafeMayExecute: true},
		},
		{
			name: "the Safe holds nothing", who: timelock.Parties{Safe: nobody, Relayer: relayer},
			want: timelock.Limits{MinDelay: hour},
		},
		{
			name: "a relayer that proposes has power", who: timelock.Parties{Safe: proposer, Relayer: proposer},
			want: timelock.Limits{MinDelay: hour, SafeMayPropose: true, SafeMayCancel: true, RelayerPowers: []string{"proposer", "canceller"}},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, row.executors...)
			got, err := w.adapter.DeriveParams(w.read(w.adapter.Params(row.who)))
			if err != nil {
				t.Fatal(err)
			}
			if !sameLimits(got, row.want) {
				t.Errorf("limits are %+v, want %+v", got, row.want)
			}
		})
	}
}

func TestAnAddressWithoutATimelockIsRefused(t *testing.T) {
	w := newWorld(t)
	elsewhere, err := timelock.New(timelock.KindOpenZeppelin, devnet.Address(3))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.DeriveParams(w.read(elsewhere.Params(timelock.Parties{}))); err == nil {
		t.Error("an account without code passed for a timelock")
	}
	op := governance.Operation{ID: common.Hash{1}}
	if got := elsewhere.Derive(op, w.read(elsewhere.Reads(op)), nil, w.now()); got.State != governance.OperationUnknown {
		t.Errorf("state is %q, want unknown", got.State)
	}
}

func TestTheFilterFindsEveryEvent(t *testing.T) {
	w := newWorld(t, common.Address{})
	plan, op := w.plan(1, harmless("0x01"), w.updateDelay(60))
	other, otherOp := w.plan(2, harmless("0x02"))
	w.send(w.proposer, plan.Schedule)
	w.send(w.proposer, other.Schedule)
	cancel, err := w.adapter.Cancel(otherOp)
	if err != nil {
		t.Fatal(err)
	}
	w.send(w.proposer, cancel)
	w.chain.AdvanceTime(minDelay)
	w.send(w.relayer, plan.Execute)

	kinds := map[timelock.EventKind]int{}
	for _, log := range w.logs(t.Context()) {
		event, ok := w.adapter.EventOf(log)
		if !ok {
			t.Errorf("the filter found a log that is not an event: %v", log.Topics)
		}
		kinds[event.Kind]++
	}
	want := map[timelock.EventKind]int{
		timelock.EventScheduled: 3, timelock.EventExecuted: 2, timelock.EventCanceled: 1,
		timelock.EventMinDelay: 2, // the constructor tells of the first delay
	}
	for kind, n := range want {
		if kinds[kind] != n {
			t.Errorf("%d events %q, want %d", kinds[kind], kind, n)
		}
	}
	if last, ok := timelock.Last(w.adapter, w.logs(t.Context()), op.ID); !ok || last.Kind != timelock.EventExecuted {
		t.Errorf("the last event of the executed operation is %q", last.Kind)
	}
}

func (w *world) logs(ctx context.Context) (found []safe.Log) {
	w.t.Helper()
	for _, f := range w.adapter.Logs() {
		logs, err := w.chain.Client().FilterLogs(ctx, ethereumQuery(f))
		if err != nil {
			w.t.Fatal(err)
		}
		for i := range logs {
			found = append(found, logsOf([]*types.Log{&logs[i]})...)
		}
	}
	return found
}
