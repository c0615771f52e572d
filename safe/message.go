package safe

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// HashMessage computes the hashes of a SafeMessage: what the owners of a Safe sign so that the Safe itself, as a contract
// (EIP-1271), vouches for message. SafeTx of the result is the hash to sign.
func HashMessage(d Domain, message []byte) Hashes {
	if !d.Version.Supported() {
		return Hashes{}
	}
	var words [2 * wordSize]byte
	inner := crypto.Keccak256Hash(message)
	copy(words[:], safeMessageTypeHash[:])
	copy(words[wordSize:], inner[:])
	return join(d.Hash(), crypto.Keccak256Hash(words[:]))
}

// OwnerMessage returns the bytes that a contract owner is asked to vouch for, so that it confirms h on a Safe of version
// parent: up to 1.4.1 the 66-byte preimage, from 1.5.0 on the 32-byte safeTxHash.
// The choice is the parent's; a wrong one ends in GS026 from inside the child.
func OwnerMessage(parent Version, h Hashes) []byte {
	if parent.AtLeast(V1_5_0) {
		return h.SafeTx.Bytes()
	}
	return h.Preimage()
}

// TextHash returns the EIP-191 hash of a text as personal_sign computes it. Off-chain messages of a Safe are these 32 bytes.
func TextHash(text []byte) common.Hash {
	prefix := fmt.Sprintf("\x19Ethereum Signed Message:\n%d", len(text))
	return crypto.Keccak256Hash([]byte(prefix), text)
}
