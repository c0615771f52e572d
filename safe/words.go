package safe

import (
	"errors"
	"fmt"
	"math"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// ErrBadAnswer says that returned or given bytes are not the ABI encoding they should be.
var ErrBadAnswer = errors.New("not the expected ABI encoding")

// ErrReverted says that a read reverted; the wrapping text holds the reason in words.
var ErrReverted = errors.New("call reverted")

// selector returns the first four bytes of the Keccak-256 of a canonical signature.
func selector(signature string) [4]byte {
	return [4]byte(crypto.Keccak256([]byte(signature))[:4])
}

func appendUint64(b []byte, n uint64) []byte {
	var word [wordSize]byte
	putUint64(word[:], n)
	return append(b, word[:]...)
}

func appendUint256(b []byte, n *uint256.Int) []byte {
	word := n.Bytes32()
	return append(b, word[:]...)
}

func appendAddress(b []byte, a common.Address) []byte {
	var word [wordSize]byte
	putAddress(word[:], a)
	return append(b, word[:]...)
}

// appendBytes writes a dynamic bytes value: length, content, zeros up to a whole word.
func appendBytes(b, data []byte) []byte {
	b = appendUint64(b, uint64(len(data)))
	b = append(b, data...)
	return append(b, make([]byte, padding(len(data)))...)
}

// bytesSize is the encoded length of a dynamic bytes value without its offset.
func bytesSize(data []byte) int {
	return wordSize + len(data) + padding(len(data))
}

func padding(n int) int {
	return (wordSize - n%wordSize) % wordSize
}

// words reads ABI encoding strictly from the front. The first mismatch is kept in err and everything after it reads as zero.
type words struct {
	data []byte // the whole encoding, to which offsets refer
	next int    // byte position of the next head word
	err  error
}

func (w *words) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrBadAnswer, fmt.Sprintf(format, args...))
	}
}

func (w *words) word() []byte {
	var zero [wordSize]byte
	if w.err != nil {
		return zero[:]
	}
	if len(w.data)-w.next < wordSize {
		w.fail("%d bytes are too short", len(w.data))
		return zero[:]
	}
	w.next += wordSize
	return w.data[w.next-wordSize : w.next]
}

func (w *words) uint256() (n uint256.Int) {
	n.SetBytes32(w.word())
	return n
}

func (w *words) uint64() uint64 {
	n := w.uint256()
	if !n.IsUint64() {
		w.fail("a number is larger than 64 bits")
		return 0
	}
	return n.Uint64()
}

// size reads a count or length that can not exceed what the data holds.
func (w *words) size() int {
	n := w.uint64()
	if n > uint64(len(w.data)) || n > math.MaxInt32 {
		w.fail("a length of %d exceeds the %d bytes given", n, len(w.data))
		return 0
	}
	return int(n)
}

func (w *words) bool() bool {
	n := w.uint256()
	if n.GtUint64(1) {
		w.fail("a bool is neither 0 nor 1")
	}
	return !n.IsZero()
}

func (w *words) address() common.Address {
	a, ok := addressOf(w.word())
	if !ok {
		w.fail("an address has more than 20 bytes")
	}
	return a
}

// at reads an offset word, demands that it points to want, and moves there.
func (w *words) at(want int) {
	if got := w.size(); w.err == nil && got != want {
		w.fail("an offset is %d where the canonical encoding has %d", got, want)
	}
}

// bytes reads a dynamic bytes value at the present position, padding included.
func (w *words) bytes() []byte {
	n := w.size()
	if w.err != nil {
		return nil
	}
	if len(w.data)-w.next < n+padding(n) {
		w.fail("%d bytes are missing", n+padding(n)-(len(w.data)-w.next))
		return nil
	}
	value := w.data[w.next : w.next+n]
	w.next += n + padding(n)
	if !allZero(w.data[w.next-padding(n) : w.next]) {
		w.fail("padding is not zero")
	}
	return value
}

func (w *words) addresses() []common.Address {
	n := w.size()
	if w.err == nil && n > (len(w.data)-w.next)/wordSize {
		w.fail("a list of %d does not fit", n)
	}
	if w.err != nil {
		return nil
	}
	list := make([]common.Address, n)
	for i := range list {
		list[i] = w.address()
	}
	return list
}

// end demands that everything was read.
func (w *words) end() error {
	if w.err == nil && w.next != len(w.data) {
		w.fail("%d bytes too many", len(w.data)-w.next)
	}
	return w.err
}
