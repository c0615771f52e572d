package safe_test

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"pgregory.net/rapid"

	"belay/safe"
)

var pauseHash = crypto.Keccak256Hash([]byte("pause"))

// signed is owner n's confirmation of pauseHash by ECDSA.
func signed(n byte) safe.Confirmation {
	k, owner := key(n)
	return safe.Confirmation{Owner: owner, Kind: safe.KindECDSA, Signature: withV(sign(k, pauseHash), 27)}
}

func approved(n byte) safe.Confirmation {
	_, owner := key(n)
	return safe.ApprovedHash(owner)
}

func contract(n byte, signature []byte) safe.Confirmation {
	_, owner := key(n)
	c, err := safe.ContractSignature(owner, signature)
	if err != nil {
		panic(err)
	}
	return c
}

func TestPackReproducesARecordedBlob(t *testing.T) {
	for _, id := range []string{"cyfrin-eth-63", "bybit-2025-02-21"} {
		v := ownVector(t, id)
		var confirmations []safe.Confirmation
		for _, s := range v.Signatures {
			c, err := safe.Confirm(v.SafeTxHash, s.Signature, []common.Address{s.Owner})
			if err != nil {
				t.Fatal(err)
			}
			confirmations = append(confirmations, c)
		}
		slices.Reverse(confirmations)
		blob, err := safe.Pack(confirmations, len(confirmations))
		if err != nil || !bytes.Equal(blob, v.Packed) {
			t.Errorf("%s: got %x, %v; want %x", id, blob, err, v.Packed)
		}
	}
}

func TestPackChoosesTheCheapestAndSortsByOwner(t *testing.T) {
	all := []safe.Confirmation{contract(9, []byte("c")), approved(8), signed(1), signed(2), approved(1)}
	before := slices.Clone(all)
	tests := []struct {
		name      string
		threshold int
		want      []safe.Kind // sorted
	}{
		{"signatures first", 2, []safe.Kind{safe.KindECDSA, safe.KindECDSA}},
		{"then approved hashes", 3, []safe.Kind{safe.KindApprovedHash, safe.KindECDSA, safe.KindECDSA}},
		{"contracts last, and an owner who confirmed twice counts once", 4,
			[]safe.Kind{safe.KindApprovedHash, safe.KindECDSA, safe.KindECDSA, safe.KindEIP1271}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			blob, err := safe.Pack(all, tt.threshold)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(all, before) {
				t.Fatal("the input was changed")
			}
			owners := make([]common.Address, 0, len(all))
			for _, c := range all {
				owners = append(owners, c.Owner)
			}
			var kinds []safe.Kind
			for _, v := range safe.Inspect(pauseHash, blob, tt.threshold, owners) {
				if v.Code != "" {
					t.Errorf("slot %d is refused with %s", v.Slot, v.Code)
				}
				kinds = append(kinds, v.Kind)
			}
			slices.Sort(kinds)
			if !slices.Equal(kinds, tt.want) {
				t.Errorf("kinds are %v, want %v", kinds, tt.want)
			}
		})
	}
}

func TestPackRefuses(t *testing.T) {
	short := signed(1)
	short.Signature = short.Signature[:64]
	wrongV := signed(1)
	wrongV.Signature[64] = 31
	nobody := signed(1)
	nobody.Owner = common.Address{}
	sentinel := signed(1)
	sentinel.Owner = safe.ModulesStart
	loud := approved(1)
	loud.Signature = []byte{1}
	tests := []struct {
		name          string
		confirmations []safe.Confirmation
		threshold     int
		want          error
	}{
		{"too few", []safe.Confirmation{signed(1)}, 2, safe.ErrTooFewConfirmations},
		{"two of the same owner", []safe.Confirmation{signed(1), approved(1)}, 2, safe.ErrTooFewConfirmations},
		{"a short signature", []safe.Confirmation{short}, 1, safe.ErrMalformedSignature},
		{"an ecdsa signature with the v of eth_sign", []safe.Confirmation{wrongV}, 1, safe.ErrMalformedSignature},
		{"the zero address", []safe.Confirmation{nobody}, 1, safe.ErrMalformedSignature},
		{"the list sentinel", []safe.Confirmation{sentinel}, 1, safe.ErrMalformedSignature},
		{"an approved hash with bytes", []safe.Confirmation{loud}, 1, safe.ErrMalformedSignature},
		{"an unknown kind", []safe.Confirmation{{Owner: approved(1).Owner, Kind: "p256"}}, 1, safe.ErrMalformedSignature},
		{"no threshold", []safe.Confirmation{signed(1)}, 0, nil},
		{"a huge threshold", nil, safe.MaxThreshold + 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			blob, err := safe.Pack(tt.confirmations, tt.threshold)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %x, %v; want %v", blob, err, tt.want)
			}
		})
	}
	if _, err := safe.ContractSignature(approved(1).Owner, make([]byte, safe.MaxContractSignature+1)); err == nil {
		t.Error("an endless contract signature was taken")
	}
}

func TestUnpackRefuses(t *testing.T) {
	blob, err := safe.Pack([]safe.Confirmation{signed(1), contract(2, []byte("hello")), contract(3, nil)}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := safe.Unpack(blob, 3); err != nil {
		t.Fatal(err)
	}
	patched := func(at int, b byte) []byte {
		c := slices.Clone(blob)
		c[at] = b
		return c
	}
	var offsetAt int // lowest byte of the first contract slot's offset
	for i := range 3 {
		if blob[i*65+64] == 0 {
			offsetAt = i*65 + 63
			break
		}
	}
	for name, bad := range map[string][]byte{
		"fewer slots than the threshold":   blob[:129],
		"a trailing byte":                  append(slices.Clone(blob), 0),
		"a missing byte":                   blob[:len(blob)-1],
		"an offset into the fixed part":    patched(offsetAt, 3),
		"an offset beyond the end":         patched(offsetAt-1, 0xff),
		"an offset of 2^255":               patched(offsetAt-31, 0x80),
		"an unknown v":                     patched(offsetAt+1, 2),
		"an owner with more than 20 bytes": patched(offsetAt-63, 1),
	} {
		if c, err := safe.Unpack(bad, 3); err == nil {
			t.Errorf("%s: got %+v", name, c)
		}
	}
	if _, err := safe.Unpack(blob, 2); err == nil {
		t.Error("three slots passed as two")
	}
}

func TestPackAndUnpackAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "slots")
		var confirmations []safe.Confirmation
		for i := range n {
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				confirmations = append(confirmations, signed(byte(i)))
			case 1:
				confirmations = append(confirmations, approved(byte(i)))
			default:
				confirmations = append(confirmations, contract(byte(i), rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(t, "signature")))
			}
		}
		blob, err := safe.Pack(confirmations, n)
		if err != nil {
			t.Fatal(err)
		}
		slots, err := safe.Unpack(blob, n)
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(confirmations, func(a, b safe.Confirmation) int { return a.Owner.Cmp(b.Owner) })
		for i, got := range slots {
			want := confirmations[i]
			if got.Kind != want.Kind || !bytes.Equal(got.Signature, want.Signature) {
				t.Fatalf("slot %d is %+v, want %+v", i, got, want)
			}
			if want.Kind != safe.KindECDSA && got.Owner != want.Owner {
				t.Fatalf("slot %d is of %s, want %s", i, got.Owner, want.Owner)
			}
		}
	})
}

func FuzzUnpack(f *testing.F) {
	blob, err := safe.Pack([]safe.Confirmation{signed(1), contract(2, []byte("hello")), approved(3)}, 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob, 3)
	f.Add(blob, 1)
	f.Add(bytes.Repeat([]byte{0xff}, 130), 2)
	f.Add(make([]byte, 130), 2)
	f.Fuzz(func(t *testing.T, blob []byte, threshold int) {
		slots, err := safe.Unpack(blob, threshold)
		verdicts := safe.Inspect(pauseHash, blob, threshold, nil)
		if len(verdicts) == 0 {
			t.Fatal("Inspect said nothing")
		}
		if err != nil {
			return
		}
		if len(slots) != threshold {
			t.Fatalf("%d slots for threshold %d", len(slots), threshold)
		}
		// Contracts and approved hashes in ascending order pack to the same bytes again.
		for i, c := range slots {
			if c.Owner == (common.Address{}) || i > 0 && slots[i-1].Owner.Cmp(c.Owner) >= 0 {
				return
			}
		}
		if again, err := safe.Pack(slots, threshold); err != nil || !bytes.Equal(again, blob) {
			t.Fatalf("%x packs again to %x, %v", blob, again, err)
		}
	})
}
