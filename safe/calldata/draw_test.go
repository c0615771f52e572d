package calldata_test

import (
	"encoding/hex"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"
)

// drawValue draws a value of type t in the form that ParseValue takes.
func drawValue(t *rapid.T, typ abi.Type) any {
	switch typ.T {
	case abi.SliceTy:
		return drawList(t, typ, rapid.IntRange(0, 3).Draw(t, "length"))
	case abi.ArrayTy:
		return drawList(t, typ, typ.Size)
	case abi.TupleTy:
		list := make([]any, len(typ.TupleElems))
		for i, e := range typ.TupleElems {
			list[i] = drawValue(t, *e)
		}
		return list
	case abi.UintTy, abi.IntTy:
		n := new(big.Int).SetBytes(drawBytes(t, typ.Size/8))
		if typ.T == abi.IntTy {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(typ.Size-1)))
		}
		return n.String()
	case abi.BoolTy:
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")
	case abi.AddressTy:
		return common.BytesToAddress(drawBytes(t, 20)).Hex()
	case abi.StringTy:
		return rapid.String().Draw(t, "text")
	case abi.FixedBytesTy:
		return "0x" + hex.EncodeToString(drawBytes(t, typ.Size))
	}
	return "0x" + hex.EncodeToString(drawBytes(t, rapid.IntRange(0, 70).Draw(t, "bytes")))
}

func drawList(t *rapid.T, typ abi.Type, n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = drawValue(t, *typ.Elem)
	}
	return list
}

func drawBytes(t *rapid.T, n int) []byte {
	return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "raw")
}
