package timelock_test

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/governance/timelock"
	"belay/safe"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

var (
	here = common.HexToAddress("0x00000000000000000000000000000000000071e1")
	opID = common.HexToHash("0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")

	// Topics as published, so that a typing mistake in a signature is seen without a chain.
	callScheduled = common.HexToHash("0x4cf4410cc57040e44862ef0f45f3dd5a5e02db8eb8add648d4b0e236f1d07dca")
	callExecuted  = common.HexToHash("0xc2617efa69bab66782fa219543714338489c4e9e178271560a91b82c3f612b58")
	cancelled     = common.HexToHash("0xbaa1eb22f2a492ba1a5fea61b8df4d27c6c8b5f3971e63bb58fa14ff72eedb70")
)

func adapter(t testing.TB) timelock.Adapter {
	t.Helper()
	a, err := timelock.New(timelock.KindOpenZeppelin, here)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func word(n uint64) safe.Result {
	return safe.Result{Data: common.BigToHash(new(big.Int).SetUint64(n)).Bytes()}
}

func event(topic common.Hash, block uint64, index uint) safe.Log {
	log := safe.Log{Address: here, Topics: []common.Hash{topic, opID}, Block: safe.Block{Number: block}, Index: index}
	if topic != cancelled {
		log.Topics = append(log.Topics, common.Hash{})
	}
	return log
}

func TestDerive(t *testing.T) {
	const opens = 1_900_000_000
	other := event(cancelled, 30, 0)
	other.Topics[1] = common.Hash{1}
	elsewhere := event(cancelled, 30, 0)
	elsewhere.Address = common.Address{9}
	for _, row := range []struct {
		name    string
		results []safe.Result
		logs    []safe.Log
		time    uint64
		want    governance.OperationState
		opensAt uint64
		why     string
	}{
		{name: "a second before it opens, it waits", results: []safe.Result{word(opens)}, time: opens - 1, want: governance.OperationWaiting, opensAt: opens},
		{name: "at the second it opens, it is ready", results: []safe.Result{word(opens)}, time: opens, want: governance.OperationReady, opensAt: opens},
		{name: "it is ready for ever", results: []safe.Result{word(opens)}, time: math.MaxUint64, want: governance.OperationReady, opensAt: opens},
		{name: "one means done and is no time", results: []safe.Result{word(1)}, time: opens, want: governance.OperationDone, opensAt: 7},
		{name: "two is a time", results: []safe.Result{word(2)}, time: 1, want: governance.OperationWaiting, opensAt: 2},
		{name: "a chain without a time makes nothing ready", results: []safe.Result{word(opens)}, time: 0, want: governance.OperationWaiting, opensAt: opens},
		{name: "a time beyond 64 bits is never reached", results: []safe.Result{{Data: common.MaxHash.Bytes()}}, time: math.MaxUint64 - 1, want: governance.OperationWaiting, opensAt: math.MaxUint64},
		{name: "zero without a log is unset", results: []safe.Result{word(0)}, want: governance.OperationUnset},
		{name: "zero after a cancel is cancelled", results: []safe.Result{word(0)}, logs: []safe.Log{event(callScheduled, 10, 0), event(cancelled, 20, 0)}, want: governance.OperationCanceled, why: "block 20"},
		{name: "a cancel is enough where the schedule's log is missing", results: []safe.Result{word(0)}, logs: []safe.Log{event(cancelled, 20, 0)}, want: governance.OperationCanceled},
		{name: "logs in any order give the same", results: []safe.Result{word(0)}, logs: []safe.Log{event(cancelled, 20, 3), event(callScheduled, 20, 2)}, want: governance.OperationCanceled},
		{name: "cancelled and scheduled again, yet zero: the schedule went away", results: []safe.Result{word(0)}, logs: []safe.Log{event(cancelled, 20, 0), event(callScheduled, 20, 1)}, want: governance.OperationUnset, why: "reorganised"},
		{name: "a log says executed, the reading says zero: that block went away", results: []safe.Result{word(0)}, logs: []safe.Log{event(callExecuted, 20, 0)}, want: governance.OperationUnset, why: "reorganised"},
		{name: "another operation's cancel says nothing", results: []safe.Result{word(0)}, logs: []safe.Log{other}, want: governance.OperationUnset},
		{name: "another timelock's cancel says nothing", results: []safe.Result{word(0)}, logs: []safe.Log{elsewhere}, want: governance.OperationUnset},
		{name: "a reading outranks a cancel that was followed by a schedule", results: []safe.Result{word(opens)}, logs: []safe.Log{event(cancelled, 20, 0)}, time: opens, want: governance.OperationReady, opensAt: opens},
		{name: "no answer is unknown", results: nil, time: opens, want: governance.OperationUnknown, why: "0 answers"},
		{name: "two answers are unknown", results: []safe.Result{word(2), word(2)}, time: opens, want: governance.OperationUnknown},
		{name: "a revert is unknown", results: []safe.Result{{Reverted: true, Data: word(2).Data}}, time: opens, want: governance.OperationUnknown, why: "reverted"},
		{name: "an empty answer is unknown", results: []safe.Result{{}}, time: opens, want: governance.OperationUnknown, why: "not one word"},
		{name: "a short answer is unknown", results: []safe.Result{{Data: make([]byte, 31)}}, time: opens, want: governance.OperationUnknown},
		{name: "a long answer is unknown", results: []safe.Result{{Data: make([]byte, 64)}}, time: opens, want: governance.OperationUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			op := governance.Operation{ID: opID, OpensAt: 7}
			got := adapter(t).Derive(op, row.results, row.logs, row.time)
			if got.State != row.want || got.OpensAt != row.opensAt || got.ClosesAt != 0 {
				t.Errorf("got %+v, want %q opening at %d", got, row.want, row.opensAt)
			}
			if !strings.Contains(got.Why, row.why) {
				t.Errorf("it says %q, which does not mention %q", got.Why, row.why)
			}
		})
	}
}

func TestEventOf(t *testing.T) {
	short := event(callExecuted, 1, 0)
	short.Topics = short.Topics[:2]
	rbac := event(common.HexToHash("0x4f4da6666f52e3b6dbc3638d093da6e8b9c8e2d4d4ff3d4e2a1c6b1d3c1d3c1d"), 1, 0)
	foreign := event(callExecuted, 1, 0)
	foreign.Address = common.Address{1}
	for _, row := range []struct {
		name string
		log  safe.Log
		want timelock.EventKind // "" none
	}{
		{"a schedule", event(callScheduled, 1, 0), timelock.EventScheduled},
		{"an execution", event(callExecuted, 1, 0), timelock.EventExecuted},
		{"a cancel", event(cancelled, 1, 0), timelock.EventCanceled},
		{"an execution with too few topics", short, ""},
		{"a log of a Chainlink RBACTimelock", rbac, ""},
		{"a log of another contract", foreign, ""},
		{"an anonymous log", safe.Log{Address: here}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, ok := adapter(t).EventOf(row.log)
			if ok != (row.want != "") || got.Kind != row.want {
				t.Errorf("got %q, %t; want %q", got.Kind, ok, row.want)
			}
			if ok && got.ID != opID {
				t.Errorf("id is %s", got.ID)
			}
		})
	}
}

// roles answers Params of a timelock in which nobody but those named by index holds anything.
func roles(holds ...int) []safe.Result {
	results := make([]safe.Result, 11)
	for i := range results {
		results[i] = word(0)
	}
	results[0] = word(3600)
	for _, i := range holds {
		results[i] = word(1)
	}
	return results
}

func TestDeriveParams(t *testing.T) {
	const (
		cancellerRole, safeProposer, relayerProposer, relayerAdmin4, relayerAdmin5 = 1, 2, 7, 9, 10
	)
	before46 := roles(safeProposer, relayerProposer)
	before46[cancellerRole] = safe.Result{Reverted: true}
	unclear := roles()
	unclear[safeProposer] = word(2)
	missing := roles()
	missing[relayerAdmin4] = safe.Result{}
	for _, row := range []struct {
		name    string
		results []safe.Result
		want    timelock.Limits
		err     string
	}{
		{name: "before 4.6 a proposer cancels", results: before46, want: timelock.Limits{MinDelay: 3600, SafeMayPropose: true, SafeMayCancel: true, RelayerPowers: []string{"proposer", "canceller"}}},
		{name: "from 4.6 on a proposer alone does not", results: roles(safeProposer), want: timelock.Limits{MinDelay: 3600, SafeMayPropose: true}},
		{name: "the admin of 4.x has power", results: roles(relayerAdmin4), want: timelock.Limits{MinDelay: 3600, RelayerPowers: []string{"admin"}}},
		{name: "the admin of 5.x has power", results: roles(relayerAdmin5), want: timelock.Limits{MinDelay: 3600, RelayerPowers: []string{"admin"}}},
		{name: "too few answers", results: roles()[:10], err: "10 answers to 11 reads"},
		{name: "no answers", results: nil, err: "0 answers"},
		{name: "a role that is neither held nor not held", results: unclear, err: "neither true nor false"},
		{name: "an empty answer", results: missing, err: "not one word"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := adapter(t).DeriveParams(row.results)
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Fatalf("error is %v, want %q", err, row.err)
				}
				return
			}
			if err != nil || !sameLimits(got, row.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, row.want)
			}
		})
	}
}

func TestWhatCannotBePlannedIsRefused(t *testing.T) {
	call := safe.Call{To: here}
	for name, ask := range map[string]timelock.Ask{
		"no calls": {Salt: common.Hash{1}},
		"no salt":  {Calls: []safe.Call{call}},
	} {
		if _, err := adapter(t).Schedule(ask); err == nil {
			t.Errorf("an operation with %s was planned", name)
		}
	}
	if _, err := adapter(t).Cancel(governance.Operation{}); err == nil {
		t.Error("an operation without an id was cancelled")
	}
}

func TestOneCallHasAnotherIDThanABatchOfIt(t *testing.T) {
	ask := timelock.Ask{Calls: []safe.Call{{To: here}}, Salt: common.Hash{1}, Delay: 60}
	single, err := adapter(t).Schedule(ask)
	if err != nil {
		t.Fatal(err)
	}
	if got := hexutil.Encode(single.Schedule.Data[:4]); got != "0x01d5062a" {
		t.Errorf("one call is scheduled by %s, want schedule(…)", got)
	}
	ask.Calls = append(ask.Calls, safe.Call{To: here})
	batch, err := adapter(t).Schedule(ask)
	if err != nil {
		t.Fatal(err)
	}
	if got := hexutil.Encode(batch.Schedule.Data[:4]); got != "0x8f2a0bb0" {
		t.Errorf("two calls are scheduled by %s, want scheduleBatch(…)", got)
	}
}

func TestNewRefusesWhatIsNotBuilt(t *testing.T) {
	for _, row := range []struct {
		kind    string
		address common.Address
		err     string
	}{
		{timelock.KindCompound, here, "not built yet"},
		{timelock.KindZodiacDelay, here, "not built yet"},
		{timelock.KindAccessManager, here, "not built yet"},
		{"openzepelin", here, `unknown timelock kind "openzepelin"`},
		{timelock.KindOpenZeppelin, common.Address{}, "no address"},
	} {
		if _, err := timelock.New(row.kind, row.address); err == nil || !strings.Contains(err.Error(), row.err) {
			t.Errorf("kind %q at %s: error is %v, want %q", row.kind, row.address, err, row.err)
		}
	}
}

func TestSaltsAreFreshAndRepeatable(t *testing.T) {
	at := time.Unix(1_900_000_000, 5)
	seen := map[common.Hash]string{}
	for name, salt := range map[string]common.Hash{
		"the salt":           timelock.SaltFor(1, here, "P-1", at),
		"another chain":      timelock.SaltFor(2, here, "P-1", at),
		"another timelock":   timelock.SaltFor(1, common.Address{1}, "P-1", at),
		"another proposal":   timelock.SaltFor(1, here, "P-11", at),
		"a nanosecond later": timelock.SaltFor(1, here, "P-1", at.Add(1)),
	} {
		if before, dup := seen[salt]; dup {
			t.Errorf("%s has the same salt as %s", name, before)
		}
		seen[salt] = name
	}
	if timelock.SaltFor(1, here, "P-1", at.UTC()) != timelock.SaltFor(1, here, "P-1", at.In(time.FixedZone("", 3600))) {
		t.Error("the salt depends on the time zone")
	}
}

func sameLimits(a, b timelock.Limits) bool { return reflect.DeepEqual(a, b) }

func ethereumQuery(f safe.Filter) ethereum.FilterQuery {
	return ethereum.FilterQuery{Addresses: []common.Address{f.Address}, Topics: f.Topics, FromBlock: new(big.Int)}
}
