package timelock

import (
	"encoding/binary"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// The ABI encoding of the few shapes that timelocks take, written out so that ids are made from exactly these bytes. A
// test holds it against go-ethereum's encoder, another against the contract.

const wordSize = 32 // bytes of an EVM word

type word = [wordSize]byte

// arg is one argument: a word in the head, or bytes in the tail that the head points to.
type arg struct {
	head word
	tail []byte // nil: static
}

func hashArg(h common.Hash) arg { return arg{head: word(h)} }

func addressArg(a common.Address) arg { return arg{head: word(common.BytesToHash(a[:]))} }

func valueArg(v uint256.Int) arg { return arg{head: v.Bytes32()} }

func uintArg(n uint64) arg { return arg{head: uintWord(n)} }

func bytesArg(data []byte) arg {
	length := uintWord(uint64(len(data)))
	padded := (len(data) + wordSize - 1) / wordSize * wordSize
	tail := make([]byte, wordSize+padded)
	copy(tail, length[:])
	copy(tail[wordSize:], data)
	return arg{tail: tail}
}

// listArg is an array with one element a call.
func listArg(calls []safe.Call, element func(safe.Call) arg) arg {
	elements := make([]arg, len(calls))
	for i, call := range calls {
		elements[i] = element(call)
	}
	length := uintWord(uint64(len(calls)))
	return arg{tail: append(length[:], encode(elements...)...)}
}

func targetOf(c safe.Call) arg { return addressArg(c.To) }
func valueOf(c safe.Call) arg  { return valueArg(c.Value) }
func dataOf(c safe.Call) arg   { return bytesArg(c.Data) }

// encode is abi.encode(args…).
func encode(args ...arg) []byte {
	head := make([]byte, 0, len(args)*wordSize)
	var tails []byte
	for _, a := range args {
		if a.tail != nil {
			a.head = uintWord(uint64(len(args)*wordSize + len(tails)))
			tails = append(tails, a.tail...)
		}
		head = append(head, a.head[:]...)
	}
	return append(head, tails...)
}

func uintWord(n uint64) (w word) {
	binary.BigEndian.PutUint64(w[wordSize-8:], n)
	return w
}

// method is the four bytes that call a function, from its canonical signature.
type method [4]byte

func methodOf(signature string) method {
	return method(crypto.Keccak256([]byte(signature))[:4])
}

func (m method) calldata(args ...arg) []byte { return append(m[:], encode(args...)...) }
