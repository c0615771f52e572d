package calldata

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
)

const wordSize = 32 // bytes

// checkCanonical walks data along the types and demands the one canonical layout: every offset points to where the encoder
// would have put the value, padding is zero, numbers fit, nothing is left over.
//
// It runs before go-ethereum's decoder and so also bounds it: where offsets may not overlap, the decoded values can not be
// larger than the data.
func checkCanonical(args abi.Arguments, data []byte) error {
	types := make([]*abi.Type, len(args))
	for i := range args {
		types[i] = &args[i].Type
	}
	end, err := checkSequence(types, data)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotCanonical, err)
	}
	if end != len(data) {
		return fmt.Errorf("%w: %d bytes left over", ErrNotCanonical, len(data)-end)
	}
	return nil
}

// checkSequence checks a tuple's members at the start of data and returns how many bytes they take.
func checkSequence(types []*abi.Type, data []byte) (int, error) {
	head := 0
	for _, t := range types {
		head += headSize(t)
	}
	if head > len(data) {
		return 0, fmt.Errorf("%d bytes, want at least %d", len(data), head)
	}
	at, tail := 0, head
	for _, t := range types {
		if !isDynamic(t) {
			if _, err := checkValue(t, data[at:at+headSize(t)]); err != nil {
				return 0, err
			}
			at += headSize(t)
			continue
		}
		offset, err := length(data[at:])
		if err != nil || offset != tail {
			return 0, fmt.Errorf("the offset of %s is not %d", t, tail)
		}
		n, err := checkValue(t, data[tail:])
		if err != nil {
			return 0, err
		}
		at, tail = at+wordSize, tail+n
	}
	return tail, nil
}

// checkValue checks one value at the start of data and returns how many bytes it takes.
func checkValue(t *abi.Type, data []byte) (int, error) {
	switch t.T {
	case abi.TupleTy:
		return checkSequence(t.TupleElems, data)
	case abi.ArrayTy:
		return checkSequence(repeat(t.Elem, t.Size), data)
	case abi.SliceTy:
		return checkSlice(t, data)
	case abi.BytesTy, abi.StringTy:
		return checkBytes(t, data)
	}
	if len(data) < wordSize {
		return 0, fmt.Errorf("%s is cut off", t)
	}
	return wordSize, checkWord(t, data[:wordSize])
}

func checkSlice(t *abi.Type, data []byte) (int, error) {
	n, err := length(data)
	if err != nil {
		return 0, fmt.Errorf("length of %s: %w", t, err)
	}
	rest := data[wordSize:]
	if size := headSize(t.Elem); size == 0 || n > len(rest)/size {
		return 0, fmt.Errorf("%s of %d elements in %d bytes", t, n, len(rest))
	}
	used, err := checkSequence(repeat(t.Elem, n), rest)
	return wordSize + used, err
}

func checkBytes(t *abi.Type, data []byte) (int, error) {
	n, err := length(data)
	if err != nil {
		return 0, fmt.Errorf("length of %s: %w", t, err)
	}
	padded := (n + wordSize - 1) / wordSize * wordSize
	if padded > len(data)-wordSize {
		return 0, fmt.Errorf("%s of %d bytes is cut off", t, n)
	}
	if !allZero(data[wordSize+n : wordSize+padded]) {
		return 0, fmt.Errorf("padding of %s is not zero", t)
	}
	return wordSize + padded, nil
}

// checkWord checks a value that fills one word.
func checkWord(t *abi.Type, word []byte) error {
	var ok bool
	switch t.T {
	case abi.BoolTy:
		ok = allZero(word[:wordSize-1]) && word[wordSize-1] <= 1
	case abi.AddressTy:
		ok = allZero(word[:12])
	case abi.FixedBytesTy:
		ok = allZero(word[t.Size:])
	case abi.UintTy:
		ok = allZero(word[:wordSize-t.Size/8])
	case abi.IntTy:
		ok = signExtended(word, t.Size/8)
	default:
		return fmt.Errorf("%s is not supported", t)
	}
	if !ok {
		return fmt.Errorf("%s has bits outside its range", t)
	}
	return nil
}

// signExtended reports whether every byte above the lowest size bytes repeats their sign.
func signExtended(word []byte, size int) bool {
	var fill byte
	if word[wordSize-size]&0x80 != 0 {
		fill = 0xff
	}
	for _, b := range word[:wordSize-size] {
		if b != fill {
			return false
		}
	}
	return true
}

// length reads a word that is an offset or a length; what does not fit 31 bits can not be one.
func length(data []byte) (int, error) {
	if len(data) < wordSize {
		return 0, fmt.Errorf("%d bytes left, want a word", len(data))
	}
	n := new(big.Int).SetBytes(data[:wordSize])
	if n.BitLen() > 31 {
		return 0, fmt.Errorf("%s is larger than any calldata", n)
	}
	return int(n.Int64()), nil
}

// headSize is what a value takes in the head of the sequence that it is in.
func headSize(t *abi.Type) int {
	switch {
	case isDynamic(t):
		return wordSize
	case t.T == abi.ArrayTy:
		return t.Size * headSize(t.Elem)
	case t.T == abi.TupleTy:
		total := 0
		for _, e := range t.TupleElems {
			total += headSize(e)
		}
		return total
	}
	return wordSize
}

func isDynamic(t *abi.Type) bool {
	switch t.T {
	case abi.StringTy, abi.BytesTy, abi.SliceTy:
		return true
	case abi.ArrayTy:
		return isDynamic(t.Elem)
	case abi.TupleTy:
		for _, e := range t.TupleElems {
			if isDynamic(e) {
				return true
			}
		}
	}
	return false
}

func repeat(t *abi.Type, n int) []*abi.Type {
	list := make([]*abi.Type, n)
	for i := range list {
		list[i] = t
	}
	return list
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
