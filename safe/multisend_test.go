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

func TestARecordedBatchOpensAndClosesAgain(t *testing.T) {
	tx := ownVector(t, "util-eth-6-multisend").tx(t)
	calls, err := safe.DecodeMultiSend(tx.Data)
	if err != nil || len(calls) != 2 {
		t.Fatalf("got %+v, %v; want two calls", calls, err)
	}
	again, err := safe.EncodeMultiSend(calls)
	if err != nil || !bytes.Equal(again, tx.Data) {
		t.Errorf("encodes again to %x, %v", again, err)
	}
	batch, err := safe.Batch(calls, tx.To, tx.Nonce)
	if err != nil || !reflect.DeepEqual(batch, tx) {
		t.Errorf("Batch makes %+v, %v; want %+v", batch, err, tx)
	}
	if viaTx, err := tx.Calls(); err != nil || !reflect.DeepEqual(viaTx, calls) {
		t.Errorf("Tx.Calls gives %+v, %v", viaTx, err)
	}
}

func TestBatch(t *testing.T) {
	library := safe.MultiSendCallOnly()[0].Address
	call := safe.Call{To: addr("0x11"), Value: *uint256.NewInt(5), Data: []byte{1}}
	t.Run("one call stays a plain call", func(t *testing.T) {
		got, err := safe.Batch([]safe.Call{call}, common.Address{}, 3)
		want := safe.Tx{To: call.To, Value: call.Value, Data: call.Data, Nonce: 3}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
	})
	t.Run("several go by delegatecall and carry no value themselves", func(t *testing.T) {
		got, err := safe.Batch([]safe.Call{call, call}, library, 3)
		if err != nil || got.To != library || got.Operation != safe.OperationDelegateCall || !got.Value.IsZero() || got.Nonce != 3 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	for _, tt := range []struct {
		name    string
		calls   []safe.Call
		library common.Address
		want    error
	}{
		{"nothing", nil, library, safe.ErrEmptyBatch},
		{"several without a library", []safe.Call{call, call}, common.Address{}, safe.ErrNoMultiSend},
		{"a call to the zero address", []safe.Call{call, {}}, library, safe.ErrZeroTarget},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			if got, err := safe.Batch(tt.calls, tt.library, 0); !errors.Is(err, tt.want) {
				t.Errorf("got %+v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestDecodeMultiSendRefuses(t *testing.T) {
	good, err := safe.EncodeMultiSend([]safe.Call{{To: addr("0x11"), Data: []byte{1, 2, 3}}, {To: addr("0x22")}})
	if err != nil {
		t.Fatal(err)
	}
	const first = 4 + 64 // of the packed items
	patched := func(at int, b byte) []byte {
		c := slices.Clone(good)
		c[at] = b
		return c
	}
	empty := slices.Clone(good[:first])
	empty[first-1] = 0
	for _, tt := range []struct {
		name string
		data []byte
		want error
	}{
		{"another function", patched(0, 0), safe.ErrWrongSelector},
		{"no calldata", nil, safe.ErrWrongSelector},
		{"no items", empty, safe.ErrEmptyBatch},
		{"a delegatecall inside", patched(first, 1), safe.ErrNestedBatch},
		{"an operation that does not exist", patched(first, 2), safe.ErrBadMultiSend},
		{"an item longer than the rest", patched(first+84, 200), safe.ErrBadMultiSend},
		{"an item of 2^256 bytes", patched(first+53, 0xff), safe.ErrBadMultiSend},
		{"half an item at the end", patched(first+84, 40), safe.ErrBadMultiSend},
		{"a byte behind the end", append(slices.Clone(good), 0), safe.ErrBadAnswer},
		{"cut off", good[:len(good)-32], safe.ErrBadAnswer},
		{"padding that is not zero", patched(len(good)-1, 1), safe.ErrBadAnswer},
		{"an offset that jumps", patched(4+31, 0x40), safe.ErrBadAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if calls, err := safe.DecodeMultiSend(tt.data); !errors.Is(err, tt.want) {
				t.Errorf("got %+v, %v; want %v", calls, err, tt.want)
			}
		})
	}
}

func TestAnyBatchComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var calls []safe.Call
		for range rapid.IntRange(1, 5).Draw(t, "calls") {
			tx := drawTx(t)
			calls = append(calls, safe.Call{To: tx.To, Value: tx.Value, Data: tx.Data})
		}
		data, err := safe.EncodeMultiSend(calls)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := safe.DecodeMultiSend(data); err != nil || !reflect.DeepEqual(got, calls) {
			t.Fatalf("got %+v, %v; want %+v", got, err, calls)
		}
	})
}

func FuzzDecodeMultiSend(f *testing.F) {
	good, err := safe.EncodeMultiSend([]safe.Call{{To: addr("0x11"), Data: []byte{1, 2, 3}}, {To: addr("0x22")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:100])
	f.Add([]byte{0x8d, 0x80, 0xff, 0x0a})
	f.Fuzz(func(t *testing.T, data []byte) {
		calls, err := safe.DecodeMultiSend(data)
		if err != nil {
			return
		}
		if again, err := safe.EncodeMultiSend(calls); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x encodes again to %x, %v", data, again, err)
		}
	})
}

// FuzzDecodeBatch is the same for foreign batches, which may hold delegatecalls.
func FuzzDecodeBatch(f *testing.F) {
	good, err := safe.EncodeBatch([]safe.BatchItem{{Call: safe.Call{To: addr("0x11"), Data: []byte{1, 2, 3}}, Operation: safe.OperationDelegateCall}, {}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		items, err := safe.DecodeBatch(data)
		if err != nil {
			return
		}
		if again, err := safe.EncodeBatch(items); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x encodes again to %x, %v", data, again, err)
		}
	})
}
