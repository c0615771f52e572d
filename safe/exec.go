package safe

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// ErrWrongSelector says that calldata calls another function than the one asked for.
var ErrWrongSelector = errors.New("calldata of another function")

// execTransaction(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,
// address gasToken,address refundReceiver,bytes signatures), the same in every version.
var execSelector = [4]byte{0x6a, 0x76, 0x12, 0x02}

const execHead = 10 * wordSize

// EncodeExec returns the calldata of execTransaction. The nonce is not part of it: the Safe uses its own.
func EncodeExec(t Tx, signatures []byte) []byte {
	b := make([]byte, 0, len(execSelector)+execHead+bytesSize(t.Data)+bytesSize(signatures))
	b = append(b, execSelector[:]...)
	b = appendTxHead(b, t, execHead)
	b = appendUint64(b, uint64(execHead+bytesSize(t.Data))) //nolint:gosec // a length
	b = appendBytes(b, t.Data)
	return appendBytes(b, signatures)
}

// appendTxHead writes the nine words that execTransaction and getTransactionHash have in common.
func appendTxHead(b []byte, t Tx, dataAt int) []byte {
	b = appendAddress(b, t.To)
	b = appendUint256(b, &t.Value)
	b = appendUint64(b, uint64(dataAt)) //nolint:gosec // an offset within the calldata
	b = appendUint64(b, uint64(t.Operation))
	b = appendUint256(b, &t.SafeTxGas)
	b = appendUint256(b, &t.BaseGas)
	b = appendUint256(b, &t.GasPrice)
	b = appendAddress(b, t.GasToken)
	return appendAddress(b, t.RefundReceiver)
}

// DecodeExec reads calldata of execTransaction. The Tx has nonce 0, because calldata does not tell it. It is strict: what it
// decodes, EncodeExec encodes to the same bytes.
func DecodeExec(calldata []byte) (Tx, []byte, error) {
	body, err := body(calldata, execSelector)
	if err != nil {
		return Tx{}, nil, fmt.Errorf("decode execTransaction: %w", err)
	}
	w := &words{data: body}
	var t Tx
	t.To, t.Value = w.address(), w.uint256()
	w.at(execHead)
	t.Operation = w.operation()
	t.SafeTxGas, t.BaseGas, t.GasPrice = w.uint256(), w.uint256(), w.uint256()
	t.GasToken, t.RefundReceiver = w.address(), w.address()
	signaturesAt := w.size()
	data := w.bytes()
	if w.err == nil && signaturesAt != w.next {
		w.fail("the signatures do not follow the data")
	}
	signatures := w.bytes()
	if err := w.end(); err != nil {
		return Tx{}, nil, fmt.Errorf("decode execTransaction: %w", err)
	}
	t.Data = slices.Clone(data)
	return t, slices.Clone(signatures), nil
}

// operation reads an Operation, Create of old Safes included.
func (w *words) operation() Operation {
	n := w.uint64()
	if n > 2 {
		w.fail("operation %d is unknown", n)
	}
	return Operation(n) //nolint:gosec // checked against the two operations
}

// Void returns the transaction that burns a nonce and does nothing: from the Safe to itself, without value and data.
func Void(safe common.Address, nonce uint64) Tx {
	return Tx{To: safe, Nonce: nonce}
}

// body strips the selector that calldata must start with.
func body(calldata []byte, want [4]byte) ([]byte, error) {
	if len(calldata) < len(want) {
		return nil, fmt.Errorf("%w: %d bytes", ErrWrongSelector, len(calldata))
	}
	if got := [4]byte(calldata); got != want {
		return nil, fmt.Errorf("%w: selector %#x, want %#x", ErrWrongSelector, got, want)
	}
	return calldata[len(want):], nil
}
