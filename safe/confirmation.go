package safe

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Kind says by which way an owner confirmed.
type Kind string

// The four kinds of confirmation that Safe contracts know.
const (
	KindECDSA        Kind = "ecdsa"         // a signature over the safeTxHash
	KindEthSign      Kind = "eth_sign"      // a signature over the EIP-191 prefixed safeTxHash, from 1.1.0 on
	KindEIP1271      Kind = "eip1271"       // a contract owner vouches when asked
	KindApprovedHash Kind = "approved_hash" // the owner called approveHash on the Safe
)

// WorksOn reports whether a Safe of version v accepts this kind.
func (k Kind) WorksOn(v Version) bool {
	switch k {
	case KindECDSA, KindEIP1271, KindApprovedHash:
		return v.Supported()
	case KindEthSign:
		return v.Supported() && v.AtLeast(V1_1_0)
	}
	return false
}

// Confirmation is one owner's yes to one hash, ready to be packed.
//
// Signature is, by kind: the 65 canonical bytes r, s (low half), v (27/28) for ecdsa; the same with v 31/32 for eth_sign;
// what the owner's isValidSignature is given for eip1271; nothing for approved_hash.
type Confirmation struct {
	Owner     common.Address `json:"owner"`
	Kind      Kind           `json:"kind"`
	Signature []byte         `json:"signature"`
}

// ErrMalformedSignature says that bytes are no wallet signature at all; the wrapping text says why.
var ErrMalformedSignature = errors.New("malformed signature")

// NotOwnerError says that a well-formed signature is not by whom it has to be. It names both addresses that it can be read
// as: the signer of the hash itself, and the signer of the hash as a personal message. Either may be zero if the curve has
// no such point. A signature over anything else than the hash (wrong nonce, chain, version) ends here too, with two
// addresses that nobody knows.
type NotOwnerError struct {
	Typed, Prefixed common.Address
	Claimed         common.Address // who was said to have signed; zero when nobody was named
}

func (e *NotOwnerError) Error() string {
	want := "no owner"
	if e.Claimed != (common.Address{}) {
		want = "not " + e.Claimed.Hex()
	}
	return fmt.Sprintf("signed by %s: recovers to %s as typed data and to %s as a personal message", want, e.Typed.Hex(), e.Prefixed.Hex())
}

// Confirm turns what a wallet returned for hash into the confirmation of one of owners.
//
// raw is 65 bytes with v 0, 1, 27, 28, 31 or 32, or the 64 bytes of ERC-2098. v is normalised and s brought to the low
// half here, once, and never afterwards. The signer is recovered from the hash, then from the prefixed hash.
// Errors are ErrMalformedSignature (wrapped) and *NotOwnerError.
func Confirm(hash common.Hash, raw []byte, owners []common.Address) (Confirmation, error) {
	return confirm(hash, raw, common.Address{}, owners)
}

// ConfirmAs is Confirm for a caller who says whose signature it is: any other owner's is refused as well.
func ConfirmAs(claimed common.Address, hash common.Hash, raw []byte, owners []common.Address) (Confirmation, error) {
	return confirm(hash, raw, claimed, owners)
}

func confirm(hash common.Hash, raw []byte, claimed common.Address, owners []common.Address) (Confirmation, error) {
	sig, err := canonical(raw)
	if err != nil {
		return Confirmation{}, err
	}
	wanted := func(signer common.Address) bool {
		return isAccount(signer) && slices.Contains(owners, signer) && (claimed == common.Address{} || claimed == signer)
	}
	typed := recoverSigner(hash, sig)
	if wanted(typed) {
		return Confirmation{Owner: typed, Kind: KindECDSA, Signature: sig[:]}, nil
	}
	prefixed := recoverSigner(TextHash(hash[:]), sig)
	if wanted(prefixed) {
		sig[64] += ethSignShift
		return Confirmation{Owner: prefixed, Kind: KindEthSign, Signature: sig[:]}, nil
	}
	if typed == (common.Address{}) && prefixed == (common.Address{}) {
		return Confirmation{}, fmt.Errorf("%w: r is not on the curve", ErrMalformedSignature)
	}
	return Confirmation{}, &NotOwnerError{Typed: typed, Prefixed: prefixed, Claimed: claimed}
}

// ApprovedHash is the confirmation of an owner whose approveHash was seen on chain. It is also the slot of an owner who
// sends the execution from the own account.
func ApprovedHash(owner common.Address) Confirmation {
	return Confirmation{Owner: owner, Kind: KindApprovedHash}
}

// MaxContractSignature bounds what a contract owner may want to be given, in bytes. Hosted services stop at 5000 for a whole
// packed blob.
const MaxContractSignature = 4096

// ContractSignature is the confirmation of a contract owner. The caller must have asked the contract (ContractCheckCall):
// nothing in the bytes proves anything by itself.
func ContractSignature(owner common.Address, signature []byte) (Confirmation, error) {
	if len(signature) > MaxContractSignature {
		return Confirmation{}, fmt.Errorf("%w: contract signature of %d bytes, at most %d", ErrMalformedSignature, len(signature), MaxContractSignature)
	}
	return Confirmation{Owner: owner, Kind: KindEIP1271, Signature: slices.Clone(signature)}, nil
}

// ethSignShift is added to v in a packed slot to tell the Safe that the signed hash was prefixed.
const ethSignShift = 4

var (
	curveOrder = uint256.MustFromHex("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141") // secp256k1 n
	halfOrder  = new(uint256.Int).Rsh(curveOrder, 1)
)

// canonical returns r, s, v with s in the low half and v 27 or 28.
func canonical(raw []byte) (sig [slotSize]byte, err error) {
	switch len(raw) {
	case slotSize:
		copy(sig[:], raw)
	case slotSize - 1: // ERC-2098: the parity of v is the top bit of s
		copy(sig[:], raw)
		sig[64] = sig[32] >> 7
		sig[32] &= 0x7f
	default:
		return sig, fmt.Errorf("%w: %d bytes, want 65, or 64 in compact form", ErrMalformedSignature, len(raw))
	}
	if sig[64], err = normalV(sig[64]); err != nil {
		return sig, err
	}
	return sig, lowS(&sig)
}

func normalV(v byte) (byte, error) {
	switch v {
	case 0, 1:
		return v + 27, nil
	case 27, 28:
		return v, nil
	case 27 + ethSignShift, 28 + ethSignShift:
		return v - ethSignShift, nil
	}
	return 0, fmt.Errorf("%w: v is %d, want 0, 1, 27, 28, 31 or 32", ErrMalformedSignature, v)
}

// lowS checks the range of r and s and replaces a high s by its mirror. The chain takes both forms; one form keeps records
// and hashes stable.
func lowS(sig *[slotSize]byte) error {
	r := new(uint256.Int).SetBytes32(sig[:32])
	s := new(uint256.Int).SetBytes32(sig[32:64])
	if r.IsZero() || s.IsZero() || !r.Lt(curveOrder) || !s.Lt(curveOrder) {
		return fmt.Errorf("%w: r or s is out of range", ErrMalformedSignature)
	}
	if r.BitLen() <= 8*common.AddressLength {
		return fmt.Errorf("%w: r is an address, so this is a packed slot of an approved hash or a contract, not a wallet's signature", ErrMalformedSignature)
	}
	if s.Gt(halfOrder) {
		s.Sub(curveOrder, s).PutUint256(sig[32:64])
		sig[64] = 27 + 28 - sig[64]
	}
	return nil
}

// recoverSigner returns the zero address where the chain's ecrecover would.
func recoverSigner(hash common.Hash, sig [slotSize]byte) common.Address {
	sig[64] -= 27
	key, err := crypto.Ecrecover(hash[:], sig[:])
	if err != nil {
		return common.Address{}
	}
	return common.BytesToAddress(crypto.Keccak256(key[1:])[12:])
}

// sentinel heads the linked lists of owners and modules in a Safe's storage and is never a member.
var sentinel = common.BytesToAddress([]byte{1})

func isAccount(a common.Address) bool {
	return a != (common.Address{}) && a != sentinel
}
