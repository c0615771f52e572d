package coordinator

import (
	"bytes"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Addresses of the fake contracts.
var (
	guardianSafe = common.HexToAddress("0x5afe000000000000000000000000000000000001")
	otherSafe    = common.HexToAddress("0x5afe000000000000000000000000000000000002")
	market1      = common.HexToAddress("0x3a00000000000000000000000000000000000003")
	timelock1    = common.HexToAddress("0x7100000000000000000000000000000000000004")
	nested       = common.HexToAddress("0xc000000000000000000000000000000000000012") // an owner that is a contract
	multiSend    = safe.MultiSendCallOnly()[0].Address
	usdc         = common.HexToAddress("0xa000000000000000000000000000000000000010")
	weth         = common.HexToAddress("0xa000000000000000000000000000000000000011")
)

const (
	minDelay = 3600  // seconds
	brokeLtv = 6666  // setting this reverts, as a bound in the contract would
	idleLtv  = 7777  // setting this does nothing, as a contract with a bug would
	firstLtv = 5_000 // basis points
)

// run executes a call from outside: an execTransaction, or the execution of an operation by anyone.
func run(w world, to common.Address, data []byte, now uint64) (world, []safe.Log, error) {
	if v, ok := w.safes[to]; ok {
		tx, signatures, err := safe.DecodeExec(data)
		if err != nil {
			return w, nil, fmt.Errorf("%w: %w", errReverts, err)
		}
		tx.Nonce = v.nonce
		return w.exec(to, v, tx, signatures, now)
	}
	if to == timelock1 {
		return w.timelock(common.Address{}, data, now)
	}
	return w, nil, fmt.Errorf("%w: nobody at %s", errReverts, to)
}

// exec is execTransaction of a Safe 1.4.1: signatures first, then the calls, and a failure inside reverts all of it.
func (w world) exec(address common.Address, v vault, tx safe.Tx, signatures []byte, now uint64) (world, []safe.Log, error) {
	hash := safe.Hash(safe.Domain{ChainID: testChainID, Safe: address, Version: safe.V1_4_1}, tx).SafeTx
	good := 0
	for _, verdict := range safe.Inspect(hash, signatures, v.threshold, v.owners) {
		if verdict.OK() || verdict.Code == "" && w.proves(address, hash, verdict) {
			good++
		}
	}
	if good < v.threshold {
		return w, nil, fmt.Errorf("%w: GS026", errReverts)
	}
	v.nonce++
	w.safes[address] = v
	after, logs, err := w.inner(address, tx, now)
	if err != nil {
		return w, nil, err
	}
	return after, append(logs, safe.Log{Address: address, Topics: []common.Hash{safe.TopicExecutionSuccess, hash}, Data: make([]byte, 32)}), nil
}

// approval is an approveHash that was mined.
type approval struct {
	safe, owner common.Address
	hash        common.Hash
}

// proves reports whether the chain bears out what bytes alone do not prove.
func (w world) proves(address common.Address, hash common.Hash, v safe.Verdict) bool {
	if v.Kind == safe.KindApprovedHash {
		return w.approved[approval{address, v.Signer, hash}]
	}
	return v.Signer == nested && w.vouches != ""
}

// inner runs what a SafeTx does.
func (w world) inner(from common.Address, tx safe.Tx, now uint64) (_ world, logs []safe.Log, err error) {
	calls := []safe.Call{{To: tx.To, Value: tx.Value, Data: tx.Data}}
	if tx.Operation == safe.OperationDelegateCall {
		if calls, err = safe.DecodeMultiSend(tx.Data); err != nil || tx.To != multiSend {
			return w, nil, fmt.Errorf("%w: delegatecall to %s: %w", errReverts, tx.To, err)
		}
	}
	for _, call := range calls {
		var more []safe.Log
		if w, more, err = w.call(from, call, now); err != nil {
			return w, nil, err
		}
		logs = append(logs, more...)
	}
	return w, logs, nil
}

func (w world) call(from common.Address, call safe.Call, now uint64) (world, []safe.Log, error) {
	switch call.To {
	case market1:
		return w.market(from, call.Data)
	case timelock1:
		return w.timelock(from, call.Data, now)
	case from:
		return w, nil, nil // a void
	}
	return w, nil, fmt.Errorf("%w: nobody at %s", errReverts, call.To)
}

// market obeys the guardian and the timelock.
func (w world) market(from common.Address, data []byte) (world, []safe.Log, error) {
	if from != guardianSafe && from != timelock1 || w.frozen {
		return w, nil, fmt.Errorf("%w: caller is not the guardian", errReverts)
	}
	switch {
	case is(setPause, data):
		in := inputs(setPause, data)
		asset, paused := in[0].(common.Address), in[1].(bool)
		if asset == w.stuck || w.oneAtATime && slices.Contains(slices.Collect(maps.Values(w.paused)), true) {
			return w, nil, fmt.Errorf("%w: ReserveInactive()", errReverts)
		}
		w.paused[asset] = paused
		w.deeds = append(w.deeds, fmt.Sprintf("pause %s %v", map[common.Address]string{usdc: "usdc", weth: "weth"}[asset], paused))
	case is(setLtv, data):
		in := inputs(setLtv, data)
		asset, ltv := in[0].(common.Address), in[1].(*big.Int).Uint64()
		if ltv == brokeLtv {
			return w, nil, fmt.Errorf("%w: LtvOutOfRange()", errReverts)
		}
		if ltv != idleLtv {
			w.ltv[asset] = ltv
		}
		w.deeds = append(w.deeds, fmt.Sprintf("ltv %d", ltv))
	default:
		return w, nil, fmt.Errorf("%w: unknown function", errReverts)
	}
	return w, nil, nil
}

// timelock is an OpenZeppelin TimelockController with single operations.
func (w world) timelock(from common.Address, data []byte, now uint64) (world, []safe.Log, error) {
	switch {
	case is(schedule, data) && w.may("PROPOSER_ROLE", from):
		in := inputs(schedule, data)
		id, delay := operationID(in), in[5].(*big.Int).Uint64()
		if w.ops[id] != 0 || delay < minDelay {
			return w, nil, fmt.Errorf("%w: TimelockUnexpectedOperationState", errReverts)
		}
		w.ops[id] = now + delay
		return w, []safe.Log{opLog("CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)", id, true)}, nil
	case is(execute, data) && (w.may("EXECUTOR_ROLE", common.Address{}) || w.may("EXECUTOR_ROLE", from)):
		in := inputs(execute, data)
		id := operationID(in)
		if at := w.ops[id]; at <= 1 || now < at {
			return w, nil, fmt.Errorf("%w: TimelockUnexpectedOperationState", errReverts)
		}
		w.ops[id] = 1
		after, _, err := w.call(timelock1, safe.Call{To: in[0].(common.Address), Data: in[2].([]byte)}, now)
		return after, []safe.Log{opLog("CallExecuted(bytes32,uint256,address,uint256,bytes)", id, true)}, err
	case is(cancelOp, data) && w.may("CANCELLER_ROLE", from):
		id := common.Hash(inputs(cancelOp, data)[0].([32]byte))
		if w.ops[id] <= 1 {
			return w, nil, fmt.Errorf("%w: TimelockUnexpectedOperationState", errReverts)
		}
		delete(w.ops, id)
		return w, []safe.Log{opLog("Cancelled(bytes32)", id, false)}, nil
	}
	return w, nil, fmt.Errorf("%w: AccessControlUnauthorizedAccount(%s)", errReverts, from)
}

func opLog(event string, id common.Hash, indexed bool) safe.Log {
	l := safe.Log{Address: timelock1, Topics: []common.Hash{crypto.Keccak256Hash([]byte(event)), id}}
	if indexed {
		l.Topics = append(l.Topics, common.Hash{})
	}
	return l
}

func operationID(in []any) common.Hash {
	packed, err := execute.Inputs.Pack(in[:5]...)
	if err != nil {
		panic(err)
	}
	return crypto.Keccak256Hash(packed)
}

func (w world) may(role string, account common.Address) bool { return w.roles[role+account.Hex()] }

// view answers a read.
func (w world) view(call safe.Call) safe.Result {
	v, isSafe := w.safes[call.To]
	switch {
	case isSafe && bytes.Equal(call.Data, safe.OwnersCall(call.To).Data):
		words := [][]byte{word(32), word(uint64(len(v.owners)))}
		for _, o := range v.owners {
			words = append(words, common.LeftPadBytes(o[:], 32))
		}
		return safe.Result{Data: slices.Concat(words...)}
	case isSafe && bytes.Equal(call.Data, safe.ThresholdCall(call.To).Data):
		return safe.Result{Data: word(uint64(v.threshold))}
	case isSafe && bytes.Equal(call.Data, safe.NonceCall(call.To).Data):
		return safe.Result{Data: word(v.nonce)}
	case isSafe && bytes.Equal(call.Data, safe.VersionCall(call.To).Data):
		text := []byte(w.version.String())
		return safe.Result{Data: slices.Concat(word(32), word(uint64(len(text))), common.RightPadBytes(text, 32))}
	case isSafe && is(approvedHashes, call.Data):
		in := inputs(approvedHashes, call.Data)
		return safe.Result{Data: truth(w.approved[approval{call.To, in[0].(common.Address), in[1].([32]byte)}])}
	case call.To == nested && is(isValidSignature, call.Data):
		if w.vouches == string(inputs(isValidSignature, call.Data)[1].([]byte)) {
			magic := isValidSignature.Selector()
			return safe.Result{Data: common.RightPadBytes(magic[:], 32)}
		}
		return safe.Result{Reverted: true}
	case call.To == usdc && bytes.Equal(call.Data, calldata.DecimalsCall(usdc).Data):
		return safe.Result{Data: word(6)}
	case call.To == market1 && is(getPaused, call.Data):
		return safe.Result{Data: truth(w.paused[inputs(getPaused, call.Data)[0].(common.Address)])}
	case call.To == market1 && is(getLtv, call.Data):
		return safe.Result{Data: word(w.ltv[inputs(getLtv, call.Data)[0].(common.Address)])}
	case call.To == timelock1 && is(getDelay, call.Data):
		return safe.Result{Data: word(minDelay)}
	case call.To == timelock1 && is(getStamp, call.Data):
		return safe.Result{Data: word(w.ops[inputs(getStamp, call.Data)[0].([32]byte)])}
	case call.To == timelock1 && is(hasRole, call.Data):
		in := inputs(hasRole, call.Data)
		for _, role := range []string{"PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"} {
			if crypto.Keccak256Hash([]byte(role)) == in[0].([32]byte) {
				return safe.Result{Data: truth(w.may(role, in[1].(common.Address)))}
			}
		}
		return safe.Result{Data: truth(false)}
	case call.To == timelock1:
		role := crypto.Keccak256Hash([]byte("CANCELLER_ROLE"))
		return safe.Result{Data: role[:]}
	}
	return safe.Result{Reverted: true}
}

func is(f calldata.Function, data []byte) bool {
	s := f.Selector()
	return len(data) >= 4 && bytes.Equal(s[:], data[:4])
}

func inputs(f calldata.Function, data []byte) []any {
	in, err := f.Inputs.Unpack(data[4:])
	if err != nil {
		panic(err)
	}
	return in
}

func word(n uint64) []byte { return common.LeftPadBytes(new(big.Int).SetUint64(n).Bytes(), 32) }

func truth(b bool) []byte {
	if b {
		return word(1)
	}
	return word(0)
}
