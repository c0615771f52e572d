package safe

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// multiSend(bytes transactions), the same in every version of MultiSend and MultiSendCallOnly.
var multiSendSelector = [4]byte{0x8d, 0x80, 0xff, 0x0a}

// itemHead is the packed length of one item before its data: operation, target, value, length of data.
const itemHead = 1 + common.AddressLength + 2*wordSize

// Errors of a batch that MultiSendCallOnly would refuse or that would not do what it says.
var (
	ErrEmptyBatch   = errors.New("a batch without calls")
	ErrNestedBatch  = errors.New("a batch item is not a plain call")
	ErrZeroTarget   = errors.New("a call to the zero address")
	ErrNoMultiSend  = errors.New("no multisend contract")
	ErrBadMultiSend = errors.New("malformed multisend bytes")
)

// BatchItem is one call of a foreign batch, with the operation that it asks for. MultiSend runs both; MultiSendCallOnly reverts on
// a DELEGATECALL, and Belay makes none.
type BatchItem struct {
	Call
	Operation Operation
}

// EncodeMultiSend returns the calldata of multiSend with every call as operation 0. It does not judge targets: Batch does.
func EncodeMultiSend(calls []Call) ([]byte, error) {
	items := make([]BatchItem, len(calls))
	for i, c := range calls {
		items[i].Call = c
	}
	return EncodeBatch(items)
}

// EncodeBatch returns the calldata of multiSend for items as they are.
func EncodeBatch(items []BatchItem) ([]byte, error) {
	if len(items) == 0 {
		return nil, fmt.Errorf("encode multisend: %w", ErrEmptyBatch)
	}
	size := 0
	for _, c := range items {
		size += itemHead + len(c.Data)
	}
	b := make([]byte, 0, len(multiSendSelector)+2*wordSize+size+padding(size))
	b = append(b, multiSendSelector[:]...)
	b = appendUint64(b, wordSize)
	b = appendUint64(b, uint64(size))
	for _, c := range items {
		b = append(b, byte(c.Operation))
		b = append(b, c.To[:]...)
		b = appendUint256(b, &c.Value)
		b = appendUint64(b, uint64(len(c.Data)))
		b = append(b, c.Data...)
	}
	return append(b, make([]byte, padding(size))...), nil
}

// DecodeMultiSend opens the calldata of multiSend that makes plain calls only, as DecodeBatch does.
func DecodeMultiSend(calldata []byte) ([]Call, error) {
	items, err := DecodeBatch(calldata)
	if err != nil {
		return nil, err
	}
	calls := make([]Call, len(items))
	for i, item := range items {
		if item.Operation != OperationCall {
			return nil, fmt.Errorf("decode multisend: item %d: %w: operation %d", i, ErrNestedBatch, item.Operation)
		}
		calls[i] = item.Call
	}
	return calls, nil
}

// DecodeBatch opens the calldata of multiSend. It is strict: operations 0 and 1 alone, and every byte accounted for, so that what
// it decodes has one encoding. A zero target is kept as it is: for the 1.5.0 libraries it means the Safe itself, for older ones
// nobody.
func DecodeBatch(calldata []byte) ([]BatchItem, error) {
	body, err := body(calldata, multiSendSelector)
	if err != nil {
		return nil, fmt.Errorf("decode multisend: %w", err)
	}
	w := &words{data: body}
	w.at(wordSize)
	packed := w.bytes()
	if err := w.end(); err != nil {
		return nil, fmt.Errorf("decode multisend: %w", err)
	}
	if len(packed) == 0 {
		return nil, fmt.Errorf("decode multisend: %w", ErrEmptyBatch)
	}
	var items []BatchItem
	for len(packed) > 0 {
		var c BatchItem
		if c, packed, err = readItem(packed); err != nil {
			return nil, fmt.Errorf("decode multisend: item %d: %w", len(items), err)
		}
		items = append(items, c)
	}
	return items, nil
}

func readItem(packed []byte) (c BatchItem, rest []byte, err error) {
	if len(packed) < itemHead {
		return c, nil, fmt.Errorf("%w: %d bytes left, an item has at least %d", ErrBadMultiSend, len(packed), itemHead)
	}
	if c.Operation = Operation(packed[0]); c.Operation > OperationDelegateCall {
		return c, nil, fmt.Errorf("%w: operation %d", ErrBadMultiSend, c.Operation)
	}
	c.To = common.BytesToAddress(packed[1 : 1+common.AddressLength])
	c.Value.SetBytes32(packed[1+common.AddressLength:])
	length := new(uint256.Int).SetBytes32(packed[itemHead-wordSize:])
	rest = packed[itemHead:]
	if !length.IsUint64() || length.Uint64() > uint64(len(rest)) {
		return c, nil, fmt.Errorf("%w: data of %s bytes, %d left", ErrBadMultiSend, length.Dec(), len(rest))
	}
	n := int(length.Uint64()) //nolint:gosec // at most len(rest)
	c.Data = slices.Clone(rest[:n])
	return c, rest[n:], nil
}

// IsMultiSend reports whether calldata calls multiSend(bytes), well-formed or not.
func IsMultiSend(calldata []byte) bool {
	return bytes.HasPrefix(calldata, multiSendSelector[:])
}

// Batch makes one transaction of calls: a single call as it is, several by DELEGATECALL to multiSend, which has to be a
// MultiSendCallOnly that the caller verified by code hash. All gas fields are zero, so that from 1.3.0 on an execution that
// fails keeps nonce and signatures. A zero target is refused: it means nobody, or with the 1.5.0 library the Safe itself.
func Batch(calls []Call, multiSend common.Address, nonce uint64) (Tx, error) {
	for i, c := range calls {
		if c.To == (common.Address{}) {
			return Tx{}, fmt.Errorf("batch: call %d: %w", i, ErrZeroTarget)
		}
	}
	switch len(calls) {
	case 0:
		return Tx{}, fmt.Errorf("batch: %w", ErrEmptyBatch)
	case 1:
		return Tx{To: calls[0].To, Value: calls[0].Value, Data: slices.Clone(calls[0].Data), Nonce: nonce}, nil
	}
	if multiSend == (common.Address{}) {
		return Tx{}, fmt.Errorf("batch: %w for %d calls", ErrNoMultiSend, len(calls))
	}
	data, err := EncodeMultiSend(calls)
	if err != nil {
		return Tx{}, fmt.Errorf("batch: %w", err)
	}
	return Tx{To: multiSend, Data: data, Operation: OperationDelegateCall, Nonce: nonce}, nil
}

// Calls returns the calls that a transaction makes: those of a batch when it is one, else the transaction itself as a call.
// It does not say whether the delegatecall target is a MultiSendCallOnly.
func (t Tx) Calls() ([]Call, error) {
	if t.Operation == OperationDelegateCall && IsMultiSend(t.Data) {
		return DecodeMultiSend(t.Data)
	}
	return []Call{{To: t.To, Value: t.Value, Data: slices.Clone(t.Data)}}, nil
}
