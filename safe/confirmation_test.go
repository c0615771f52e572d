package safe_test

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"belay/safe"
)

var curveOrder = uint256.MustFromHex("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")

// key returns the same private key for the same number.
func key(n byte) (*ecdsa.PrivateKey, common.Address) {
	k, err := crypto.ToECDSA(crypto.Keccak256([]byte{n}))
	if err != nil {
		panic(err)
	}
	return k, crypto.PubkeyToAddress(k.PublicKey)
}

// sign returns r, s, v with v 0 or 1, as a Ledger does.
func sign(k *ecdsa.PrivateKey, hash common.Hash) []byte {
	sig, err := crypto.Sign(hash[:], k)
	if err != nil {
		panic(err)
	}
	return sig
}

func withV(sig []byte, add byte) []byte {
	sig = slices.Clone(sig)
	sig[64] += add
	return sig
}

// mirrored is the other signature that the same key and hash have: s in the other half, v flipped.
func mirrored(sig []byte) []byte {
	sig = slices.Clone(sig)
	s := new(uint256.Int).SetBytes32(sig[32:64])
	s.Sub(curveOrder, s).PutUint256(sig[32:64])
	sig[64] ^= 1
	return sig
}

// compact is the 64-byte form of ERC-2098.
func compact(sig []byte) []byte {
	short := slices.Clone(sig[:64])
	short[32] |= sig[64] << 7
	return short
}

func TestConfirmTakesEveryFormOfAWalletsSignature(t *testing.T) {
	hash := crypto.Keccak256Hash([]byte("pause"))
	k, owner := key(1)
	_, other := key(2)
	typed, prefixed := sign(k, hash), sign(k, safe.TextHash(hash[:]))
	tests := []struct {
		name string
		raw  []byte
		kind safe.Kind
	}{
		{"v 27 or 28", withV(typed, 27), safe.KindECDSA},
		{"v 0 or 1, as a Ledger returns it", typed, safe.KindECDSA},
		{"v 31 or 32 on a plain hash", withV(typed, 31), safe.KindECDSA},
		{"64 bytes of ERC-2098", compact(typed), safe.KindECDSA},
		{"s in the high half", mirrored(typed), safe.KindECDSA},
		{"personal_sign with v 27 or 28", withV(prefixed, 27), safe.KindEthSign},
		{"personal_sign with v 0 or 1", prefixed, safe.KindEthSign},
		{"personal_sign as Safe packs it", withV(prefixed, 31), safe.KindEthSign},
		{"personal_sign in compact form", compact(prefixed), safe.KindEthSign},
		{"personal_sign with s in the high half", withV(mirrored(prefixed), 27), safe.KindEthSign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.raw)
			c, err := safe.Confirm(hash, tt.raw, []common.Address{other, owner})
			if err != nil {
				t.Fatal(err)
			}
			want := withV(typed, 27)
			if tt.kind == safe.KindEthSign {
				want = withV(prefixed, 31)
			}
			if c.Owner != owner || c.Kind != tt.kind || !bytes.Equal(c.Signature, want) {
				t.Errorf("got %s by %s, %x; want %s by %s, %x", c.Kind, c.Owner, c.Signature, tt.kind, owner, want)
			}
			if !bytes.Equal(before, tt.raw) {
				t.Error("the input was changed")
			}
		})
	}
}

func TestConfirmRefusesWithAReason(t *testing.T) {
	hash := crypto.Keccak256Hash([]byte("pause"))
	k, owner := key(1)
	_, other := key(2)
	good := sign(k, hash)
	patched := func(change func([]byte)) []byte {
		sig := withV(good, 27)
		change(sig)
		return sig
	}
	tests := []struct {
		name string
		raw  []byte
	}{
		{"nothing", nil},
		{"63 bytes", good[:63]},
		{"66 bytes", append(slices.Clone(good), 0)},
		{"v 2, which only unreleased Safes know", patched(func(s []byte) { s[64] = 2 })},
		{"v 29", patched(func(s []byte) { s[64] = 29 })},
		{"v 35, with a chain id in it", patched(func(s []byte) { s[64] = 37 })},
		{"r zero", patched(func(s []byte) { clear(s[:32]) })},
		{"s zero", patched(func(s []byte) { clear(s[32:64]) })},
		{"r beyond the curve", patched(func(s []byte) { copy(s, bytes.Repeat([]byte{0xff}, 32)) })},
		{"s is the order itself", patched(func(s []byte) { curveOrder.PutUint256(s[32:64]) })},
		{"an approved-hash slot", append(append(common.LeftPadBytes(owner[:], 32), make([]byte, 32)...), 1)},
		{"a contract slot", append(append(common.LeftPadBytes(owner[:], 32), make([]byte, 32)...), 0)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c, err := safe.Confirm(hash, tt.raw, []common.Address{owner}); !errors.Is(err, safe.ErrMalformedSignature) {
				t.Errorf("got %+v, %v; want ErrMalformedSignature", c, err)
			}
		})
	}
	t.Run("a stranger's", func(t *testing.T) {
		_, err := safe.Confirm(hash, good, []common.Address{other})
		var stranger *safe.NotOwnerError
		if !errors.As(err, &stranger) || stranger.Typed != owner || stranger.Prefixed == (common.Address{}) {
			t.Errorf("got %v, want a NotOwnerError that names %s", err, owner)
		}
	})
	t.Run("an owner's over another hash", func(t *testing.T) {
		_, err := safe.Confirm(crypto.Keccak256Hash([]byte("other nonce")), good, []common.Address{owner})
		var stranger *safe.NotOwnerError
		if !errors.As(err, &stranger) || stranger.Typed == owner {
			t.Errorf("got %v, want a NotOwnerError with unknown addresses", err)
		}
	})
	t.Run("another owner's than claimed", func(t *testing.T) {
		_, err := safe.ConfirmAs(other, hash, good, []common.Address{owner, other})
		var stranger *safe.NotOwnerError
		if !errors.As(err, &stranger) || stranger.Claimed != other || stranger.Typed != owner {
			t.Errorf("got %v, want a NotOwnerError that names both", err)
		}
		if _, err := safe.ConfirmAs(owner, hash, good, []common.Address{owner, other}); err != nil {
			t.Errorf("the right claim: %v", err)
		}
	})
}

func TestRecordedSignaturesAreTheirOwners(t *testing.T) {
	kinds := map[string]safe.Kind{"EOA": safe.KindECDSA, "ETH_SIGN": safe.KindEthSign}
	var file struct {
		SafeTx  []vector
		Recover []struct {
			SafeTxHash common.Hash
			Owner      common.Address
			Type       string
			Signature  string
		}
	}
	sharedVectors(t, "safe_tx.json", &file)
	checked := 0
	check := func(id string, hash common.Hash, owner common.Address, typ string, sig []byte) {
		kind, ok := kinds[typ]
		if !ok {
			return
		}
		checked++
		c, err := safe.ConfirmAs(owner, hash, sig, []common.Address{owner})
		if err != nil || c.Kind != kind || !bytes.Equal(c.Signature, sig) {
			t.Errorf("%s: got %+v, %v; want %s by %s", id, c, err, kind, owner)
		}
	}
	for _, v := range append(file.SafeTx, ownVectors(t)...) {
		for _, s := range v.Signatures {
			check(v.ID, v.SafeTxHash, s.Owner, s.Type, s.Signature)
		}
	}
	for _, v := range file.Recover {
		check("recover", v.SafeTxHash, v.Owner, v.Type, unhex(t, v.Signature))
	}
	if checked < 8 {
		t.Errorf("only %d signatures were checked", checked)
	}
}

func TestKindsByVersion(t *testing.T) {
	if safe.KindEthSign.WorksOn(safe.V1_0_0) || !safe.KindEthSign.WorksOn(safe.V1_1_0) {
		t.Error("eth_sign exists from 1.1.0 on")
	}
	if !safe.KindECDSA.WorksOn(safe.V0_1_0) || safe.KindECDSA.WorksOn(safe.Version{}) || safe.Kind("p256").WorksOn(safe.V1_5_0) {
		t.Error("an unknown version or kind works")
	}
}

func TestAnySignatureOfAnOwnerIsConfirmedTheSameWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := common.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		k, owner := key(rapid.Byte().Draw(t, "key"))
		signed := hash
		if rapid.Bool().Draw(t, "prefixed") {
			signed = safe.TextHash(hash[:])
		}
		plain := sign(k, signed)
		want, err := safe.Confirm(hash, plain, []common.Address{owner})
		if err != nil || want.Owner != owner {
			t.Fatalf("%+v, %v", want, err)
		}
		forms := [][]byte{withV(plain, 27), withV(plain, 31), mirrored(plain), compact(plain), want.Signature}
		got, err := safe.Confirm(hash, rapid.SampledFrom(forms).Draw(t, "form"), []common.Address{owner})
		if err != nil || got.Kind != want.Kind || !bytes.Equal(got.Signature, want.Signature) {
			t.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
	})
}

func FuzzConfirm(f *testing.F) {
	hash := crypto.Keccak256Hash([]byte("pause"))
	k, owner := key(1)
	f.Add(sign(k, hash))
	f.Add(compact(sign(k, hash)))
	f.Add(withV(sign(k, safe.TextHash(hash[:])), 31))
	f.Add(bytes.Repeat([]byte{0xff}, 65))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := safe.Confirm(hash, raw, []common.Address{owner})
		if err != nil {
			var stranger *safe.NotOwnerError
			if !errors.Is(err, safe.ErrMalformedSignature) && !errors.As(err, &stranger) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		packed, err := safe.Pack([]safe.Confirmation{c}, 1)
		if err != nil {
			t.Fatalf("what was confirmed does not pack: %v", err)
		}
		for _, v := range safe.Inspect(hash, packed, 1, []common.Address{owner}) {
			if !v.OK() {
				t.Fatalf("what was confirmed is refused: %+v", v)
			}
		}
	})
}
