package calldata

import (
	"errors"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// inner is a call within a call.
type inner struct {
	safe.Call
	delegate bool
	self     bool // the zero address, where it means the Safe itself
}

var errInner = errors.New("inner calls are malformed")

// opener takes the calls out of a function's decoded arguments; whole is the call that they are in.
type opener func(args []Arg, whole safe.Call) ([]inner, error)

// openers are the functions whose arguments hold calls. For some the call is made later (schedule) or not at all (cancel):
// the outer function's name tells.
var openers = map[[4]byte]opener{
	sel("multiSend(bytes)"):   openMultiSend,
	sel("multicall(bytes[])"): openSelf,

	sel("schedule(address,uint256,bytes,bytes32,bytes32,uint256)"):                                    openOne(0, 1, 2, -1),
	sel("execute(address,uint256,bytes,bytes32,bytes32)"):                                             openOne(0, 1, 2, -1),
	sel("scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)"):                         openBatch,
	sel("executeBatch(address[],uint256[],bytes[],bytes32,bytes32)"):                                  openBatch,
	sel("queueTransaction(address,uint256,string,bytes,uint256)"):                                     openCompound,
	sel("executeTransaction(address,uint256,string,bytes,uint256)"):                                   openCompound,
	sel("cancelTransaction(address,uint256,string,bytes,uint256)"):                                    openCompound,
	sel("schedule(address,bytes,uint48)"):                                                             openOne(0, -1, 1, -1),
	sel("execute(address,bytes)"):                                                                     openOne(0, -1, 1, -1),
	sel("cancel(address,address,bytes)"):                                                              openOne(1, -1, 2, -1),
	sel("executeNextTx(address,uint256,bytes,uint8)"):                                                 openOne(0, 1, 2, 3),
	sel("execTransactionFromModule(address,uint256,bytes,uint8)"):                                     openOne(0, 1, 2, 3),
	sel("execTransactionFromModuleReturnData(address,uint256,bytes,uint8)"):                           openOne(0, 1, 2, 3),
	sel("execTransactionWithRole(address,uint256,bytes,uint8,bytes32,bool)"):                          openOne(0, 1, 2, 3),
	sel("upgradeToAndCall(address,bytes)"):                                                            openInitializer(0, 1),
	sel("upgradeAndCall(address,address,bytes)"):                                                      openInitializer(1, 2),
	sel("execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)"): openOne(0, 1, 2, 3),
}

func sel(signature string) [4]byte {
	return [4]byte(crypto.Keccak256([]byte(signature))[:4])
}

func openCalls(selector [4]byte, args []Arg, whole safe.Call) ([]inner, error) {
	open, ok := openers[selector]
	if !ok {
		return nil, nil
	}
	return open(args, whole)
}

// openOne reads a single call from the arguments at the given positions; -1 where the function has no such argument.
func openOne(to, value, data, operation int) opener {
	return func(args []Arg, _ safe.Call) ([]inner, error) {
		c := inner{}
		c.To, _ = args[to].Value.(common.Address)
		c.Data, _ = args[data].Value.([]byte)
		if value >= 0 {
			n, _ := args[value].Value.(*big.Int)
			c.Value.SetFromBig(n)
		}
		if operation >= 0 {
			op, _ := args[operation].Value.(uint8)
			if op > uint8(safe.OperationDelegateCall) {
				return nil, errInner
			}
			c.delegate = op == uint8(safe.OperationDelegateCall)
		}
		return []inner{c}, nil
	}
}

// openInitializer reads the call that a proxy makes to itself with the code of a new implementation, when there is one.
func openInitializer(implementation, data int) opener {
	return func(args []Arg, whole safe.Call) ([]inner, error) {
		if payload, _ := args[data].Value.([]byte); len(payload) == 0 {
			return nil, nil
		}
		calls, err := openOne(implementation, -1, data, -1)(args, whole)
		for i := range calls {
			calls[i].delegate = true
		}
		return calls, err
	}
}

func openMultiSend(_ []Arg, whole safe.Call) ([]inner, error) {
	items, err := safe.DecodeBatch(whole.Data)
	if err != nil {
		return nil, err
	}
	list := make([]inner, len(items))
	for i, item := range items {
		itself := item.To == common.Address{} && safe.MeansItself(whole.To)
		list[i] = inner{Call: item.Call, delegate: item.Operation == safe.OperationDelegateCall, self: itself}
	}
	return list, nil
}

// openSelf reads the calls that a contract makes to itself for its caller, as OpenZeppelin's Multicall does.
func openSelf(args []Arg, whole safe.Call) ([]inner, error) {
	payloads, _ := args[0].Value.([][]byte)
	list := make([]inner, len(payloads))
	for i, payload := range payloads {
		list[i].To, list[i].Data = whole.To, payload
	}
	return list, nil
}

func openBatch(args []Arg, _ safe.Call) ([]inner, error) {
	targets, _ := args[0].Value.([]common.Address)
	values, _ := args[1].Value.([]*big.Int)
	payloads, _ := args[2].Value.([][]byte)
	if len(targets) != len(values) || len(targets) != len(payloads) {
		return nil, errInner
	}
	list := make([]inner, len(targets))
	for i := range targets {
		list[i].To, list[i].Data = targets[i], payloads[i]
		list[i].Value.SetFromBig(values[i])
	}
	return list, nil
}

// openCompound rebuilds the calldata as the Compound timelock does: the data alone when the signature is empty, else the
// selector of the signature before it.
func openCompound(args []Arg, whole safe.Call) ([]inner, error) {
	calls, err := openOne(0, 1, 3, -1)(args, whole)
	if err != nil {
		return nil, err
	}
	if signature, _ := args[2].Value.(string); signature != "" {
		selector := sel(signature)
		calls[0].Data = append(selector[:], calls[0].Data...)
	}
	return calls, nil
}
