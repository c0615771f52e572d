package timelock_test

import (
	"math/big"
	"testing"

	"belay/governance"
	"belay/governance/timelock"
	"belay/safe"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"
)

// FuzzDerive feeds whatever a provider may answer: nothing panics, and only one well-formed word can make an operation ready.
func FuzzDerive(f *testing.F) {
	f.Add(word(1_900_000_000).Data, false, uint64(1_900_000_000), []byte{})
	f.Add([]byte{}, true, uint64(0), make([]byte, 96))
	f.Fuzz(func(t *testing.T, answer []byte, reverted bool, chainTime uint64, topics []byte) {
		log := safe.Log{Address: here, Topics: []common.Hash{cancelled}}
		for len(topics) >= 32 && len(log.Topics) < 4 {
			log.Topics, topics = append(log.Topics, common.BytesToHash(topics[:32])), topics[32:]
		}
		got := adapter(t).Derive(governance.Operation{ID: opID}, []safe.Result{{Data: answer, Reverted: reverted}}, []safe.Log{log}, chainTime)
		value := new(uint256.Int).SetBytes(answer)
		plain := len(answer) == 32 && !reverted
		ready := plain && value.GtUint64(1) && !value.GtUint64(chainTime)
		if (got.State == governance.OperationReady) != ready {
			t.Errorf("state is %q for %x at %d", got.State, answer, chainTime)
		}
		if !plain && got.State != governance.OperationUnknown {
			t.Errorf("state is %q for an answer that is none", got.State)
		}
	})
}

// FuzzEventOf feeds whatever log a provider may send.
func FuzzEventOf(f *testing.F) {
	f.Add(append(callExecuted.Bytes(), make([]byte, 64)...), []byte{1})
	f.Fuzz(func(t *testing.T, topics, data []byte) {
		log := safe.Log{Address: here, Data: data}
		for len(topics) >= 32 {
			log.Topics, topics = append(log.Topics, common.BytesToHash(topics[:32])), topics[32:]
		}
		event, ok := adapter(t).EventOf(log)
		if ok && event.Kind != timelock.EventMinDelay && (len(log.Topics) < 2 || event.ID != log.Topics[1]) {
			t.Errorf("event %+v of topics %v", event, log.Topics)
		}
	})
}

// TestCalldataIsThatOfGoEthereum compares every byte with another encoder.
func TestCalldataIsThatOfGoEthereum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls := rapid.SliceOfN(rapid.Custom(anyCall), 1, 5).Draw(t, "calls")
		salt := common.BytesToHash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "salt"))
		salt[0] |= 1 // zero is refused
		delay := rapid.Uint64().Draw(t, "delay")
		a, err := timelock.New(timelock.KindOpenZeppelin, here)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := a.Schedule(timelock.Ask{Calls: calls, Salt: salt, Delay: delay})
		if err != nil {
			t.Fatal(err)
		}
		execute := packed(t, calls, salt)
		schedule := packed(t, calls, salt, new(big.Int).SetUint64(delay))
		if string(plan.Execute.Data[4:]) != string(execute) {
			t.Errorf("execute is %x, want %x", plan.Execute.Data[4:], execute)
		}
		if string(plan.Schedule.Data[4:]) != string(schedule) {
			t.Errorf("schedule is %x, want %x", plan.Schedule.Data[4:], schedule)
		}
		if plan.ID != crypto.Keccak256Hash(execute) {
			t.Error("the id is not the hash of the arguments")
		}
		if plan.Execute.To != here || plan.Schedule.To != here || !plan.Execute.Value.IsZero() {
			t.Error("the calls go elsewhere or send ether")
		}
	})
}

func anyCall(t *rapid.T) safe.Call {
	value := new(uint256.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "value"))
	return safe.Call{
		To:    common.BytesToAddress(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "to")),
		Value: *value,
		Data:  rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "data"),
	}
}

// packed encodes target(s), value(s), data, predecessor, salt and what follows with go-ethereum.
func packed(t *rapid.T, calls []safe.Call, salt common.Hash, rest ...any) []byte {
	types, args := []string{"address", "uint256", "bytes"}, []any{calls[0].To, calls[0].Value.ToBig(), calls[0].Data}
	if len(calls) > 1 {
		targets, values, payloads := []common.Address{}, []*big.Int{}, [][]byte{}
		for _, c := range calls {
			targets, values, payloads = append(targets, c.To), append(values, c.Value.ToBig()), append(payloads, c.Data)
		}
		types, args = []string{"address[]", "uint256[]", "bytes[]"}, []any{targets, values, payloads}
	}
	types, args = append(types, "bytes32", "bytes32"), append(args, common.Hash{}, salt)
	for _, more := range rest {
		types, args = append(types, "uint256"), append(args, more)
	}
	arguments := make(abi.Arguments, len(types))
	for i, name := range types {
		typ, err := abi.NewType(name, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		arguments[i].Type = typ
	}
	data, err := arguments.Pack(args...)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
