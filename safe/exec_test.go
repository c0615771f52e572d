package safe_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"belay/safe"
)

func drawTx(t *rapid.T) safe.Tx {
	address := rapid.Custom(func(t *rapid.T) common.Address {
		return common.BytesToAddress(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "address"))
	})
	amount := rapid.Custom(func(t *rapid.T) (n uint256.Int) {
		n.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "amount"))
		return n
	})
	return safe.Tx{
		To: address.Draw(t, "to"), Value: amount.Draw(t, "value"),
		Data:      rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "data"),
		Operation: safe.Operation(rapid.IntRange(0, 1).Draw(t, "operation")),
		SafeTxGas: amount.Draw(t, "safeTxGas"), BaseGas: amount.Draw(t, "baseGas"), GasPrice: amount.Draw(t, "gasPrice"),
		GasToken: address.Draw(t, "gasToken"), RefundReceiver: address.Draw(t, "refundReceiver"),
	}
}

func TestExecCalldataComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tx := drawTx(t)
		signatures := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "signatures")
		got, gotSignatures, err := safe.DecodeExec(safe.EncodeExec(tx, signatures))
		if err != nil || !reflect.DeepEqual(got, tx) || !bytes.Equal(gotSignatures, signatures) {
			t.Fatalf("got %+v, %x, %v; want %+v, %x", got, gotSignatures, err, tx, signatures)
		}
	})
}

// The head of a real execTransaction: the Bybit theft, as it stands on chain.
func TestExecCalldataIsWhatTheChainTakes(t *testing.T) {
	v := ownVector(t, "bybit-2025-02-21")
	got := safe.EncodeExec(v.tx(t), v.Packed)
	want := unhex(t, "6a761202"+
		"00000000000000000000000096221423681a6d52e184d440a8efcebb105c7242"+
		"0000000000000000000000000000000000000000000000000000000000000000"+
		"0000000000000000000000000000000000000000000000000000000000000140"+
		"0000000000000000000000000000000000000000000000000000000000000001"+
		"000000000000000000000000000000000000000000000000000000000000b2b2"+
		"0000000000000000000000000000000000000000000000000000000000000000"+
		"0000000000000000000000000000000000000000000000000000000000000000"+
		"0000000000000000000000000000000000000000000000000000000000000000"+
		"0000000000000000000000000000000000000000000000000000000000000000"+
		"00000000000000000000000000000000000000000000000000000000000001c0"+
		"0000000000000000000000000000000000000000000000000000000000000044"+
		"a9059cbb000000000000000000000000bdd077f651ebe7f7b3ce16fe5f2b025be2969516"+
		"0000000000000000000000000000000000000000000000000000000000000000"+
		"00000000000000000000000000000000000000000000000000000000"+
		"00000000000000000000000000000000000000000000000000000000000000c3")
	want = append(append(want, v.Packed...), make([]byte, 29)...)
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%x\nwant\n%x", got, want)
	}
}

func TestDecodeExecRefuses(t *testing.T) {
	good := safe.EncodeExec(safe.Tx{Data: []byte{1, 2, 3}}, []byte{4, 5})
	patched := func(at int, b byte) []byte {
		c := slices.Clone(good)
		c[at] = b
		return c
	}
	if _, _, err := safe.DecodeExec(patched(0, 0)); !errors.Is(err, safe.ErrWrongSelector) {
		t.Errorf("another selector: %v", err)
	}
	for name, bad := range map[string][]byte{
		"cut off":                           good[:len(good)-32],
		"one byte too many":                 append(slices.Clone(good), 0),
		"an address of 21 bytes":            patched(4+11, 1),
		"the data elsewhere":                patched(4+3*32-1, 0x60),
		"operation 3":                       patched(4+4*32-1, 3),
		"the signatures elsewhere":          patched(4+10*32-1, 0),
		"padding that is not zero":          patched(4+12*32-1, 1),
		"a length of 2^248":                 patched(4+10*32, 1),
		"padding of signatures is not zero": patched(len(good)-1, 1),
	} {
		if tx, _, err := safe.DecodeExec(bad); !errors.Is(err, safe.ErrBadAnswer) {
			t.Errorf("%s: got %+v, %v", name, tx, err)
		}
	}
}

func TestVoidDoesNothing(t *testing.T) {
	me := addr("0x5afe")
	if got, want := safe.Void(me, 7), (safe.Tx{To: me, Nonce: 7}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func FuzzDecodeExec(f *testing.F) {
	f.Add(safe.EncodeExec(safe.Tx{Data: []byte{1, 2, 3}}, []byte{4, 5}))
	f.Add(safe.EncodeExec(safe.Tx{}, nil))
	f.Add([]byte{0x6a, 0x76, 0x12, 0x02})
	f.Fuzz(func(t *testing.T, calldata []byte) {
		tx, signatures, err := safe.DecodeExec(calldata)
		if err != nil {
			return
		}
		if again := safe.EncodeExec(tx, signatures); !bytes.Equal(again, calldata) {
			t.Fatalf("%x encodes again to %x", calldata, again)
		}
	})
}
