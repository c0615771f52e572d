package safe

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// Type hashes of EIP-712, the Keccak-256 of the type strings in typeddata.go (a test holds the two together).
var (
	domainTypeHash       = common.HexToHash("0x47e79534a245952e8b16893a336b85a3d9ea9fa8c573f3d803afb92a79469218")
	legacyDomainTypeHash = common.HexToHash("0x035aff83d86937d35b32e04f0ddc6ff469290eef2f1b692d8a815c89404d4749")
	safeTxTypeHash       = common.HexToHash("0xbb8310d486368db6bd6f849402fdd73ad53d316b5a4b2644ad6efe0f941286d8")
	dataGasTypeHash      = common.HexToHash("0x14d461bc7412367e924637b363c7bf29b8f47e2f84869f4426e5633d8af47b20")
	safeMessageTypeHash  = common.HexToHash("0x60b3cbf8b4a223d68d641b3b6ddf9a298e7f33710cf3d3a9d1146b5a6150fbca")
)

// Domain names one Safe on one chain in one version: all that decides, beside the transaction, what owners sign.
type Domain struct {
	ChainID uint64         `json:"chain_id"`
	Safe    common.Address `json:"safe"`
	Version Version        `json:"version"`
}

// Hash returns the domain hash (the domain separator). From 1.3.0 on it binds the chain id, before that only the address.
// An unsupported version has no hash: the result is zero.
func (d Domain) Hash() common.Hash {
	if !d.Version.Supported() {
		return common.Hash{}
	}
	var words [3 * wordSize]byte
	if !d.Version.BindsChain() {
		copy(words[:], legacyDomainTypeHash[:])
		putAddress(words[wordSize:], d.Safe)
		return crypto.Keccak256Hash(words[:2*wordSize])
	}
	copy(words[:], domainTypeHash[:])
	putUint64(words[wordSize:], d.ChainID)
	putAddress(words[2*wordSize:], d.Safe)
	return crypto.Keccak256Hash(words[:])
}

// MessageHash returns the EIP-712 struct hash of the transaction, which hardware wallets show as "message hash".
// An unsupported version has no hash: the result is zero.
func (t Tx) MessageHash(v Version) common.Hash {
	if !v.Supported() {
		return common.Hash{}
	}
	words := t.encoded(v)
	return crypto.Keccak256Hash(words[:])
}

// encoded is what the message hash is the hash of: the type's hash and ten members, with the hash of the data in place of
// the data.
func (t *Tx) encoded(v Version) (words [11 * wordSize]byte) {
	typeHash := &safeTxTypeHash
	if v.Less(V1_0_0) {
		typeHash = &dataGasTypeHash
	}
	dataHash := crypto.Keccak256Hash(t.Data)
	copy(words[:], typeHash[:])
	putAddress(words[1*wordSize:], t.To)
	putUint256(words[2*wordSize:], &t.Value)
	copy(words[3*wordSize:], dataHash[:])
	words[5*wordSize-1] = byte(t.Operation)
	putUint256(words[5*wordSize:], &t.SafeTxGas)
	putUint256(words[6*wordSize:], &t.BaseGas)
	putUint256(words[7*wordSize:], &t.GasPrice)
	putAddress(words[8*wordSize:], t.GasToken)
	putAddress(words[9*wordSize:], t.RefundReceiver)
	putUint64(words[10*wordSize:], t.Nonce)
	return words
}

// Hashes are the three hashes that a signer compares: domain hash and message hash as a hardware wallet shows them, and
// the safeTxHash made of the two.
type Hashes struct {
	Domain  common.Hash `json:"domain_hash"`
	Message common.Hash `json:"message_hash"`
	SafeTx  common.Hash `json:"safe_tx_hash"`
}

// Hash computes the three hashes of one transaction. For an unsupported version all three are zero, which no chain and
// no wallet will ever agree with.
func Hash(d Domain, t Tx) Hashes {
	if !d.Version.Supported() {
		return Hashes{}
	}
	return join(d.Hash(), t.MessageHash(d.Version))
}

// Preimage returns the 66 bytes 0x1901, domain hash, message hash whose Keccak-256 is the safeTxHash.
func (h Hashes) Preimage() []byte {
	p := preimage(h.Domain, h.Message)
	return p[:]
}

func join(domain, message common.Hash) Hashes {
	p := preimage(domain, message)
	return Hashes{Domain: domain, Message: message, SafeTx: crypto.Keccak256Hash(p[:])}
}

func preimage(domain, message common.Hash) (p [2 + 2*wordSize]byte) {
	p[0], p[1] = 0x19, 0x01
	copy(p[2:], domain[:])
	copy(p[2+wordSize:], message[:])
	return p
}

const wordSize = 32 // bytes of an EVM word

func putAddress(word []byte, a common.Address) {
	copy(word[wordSize-common.AddressLength:wordSize], a[:])
}

func putUint64(word []byte, n uint64) {
	binary.BigEndian.PutUint64(word[wordSize-8:wordSize], n)
}

func putUint256(word []byte, n *uint256.Int) {
	n.PutUint256(word[:wordSize])
}
