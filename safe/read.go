package safe

import (
	"fmt"
	"math"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Storage slots of a Safe proxy, the same in every version that has them.
var (
	// SlotSingleton holds the implementation's address.
	SlotSingleton = common.Hash{}
	// SlotOwnerCount holds the number of owners.
	SlotOwnerCount = common.BytesToHash([]byte{3})
	// SlotThreshold holds the threshold.
	SlotThreshold = common.BytesToHash([]byte{4})
	// SlotNonce holds the next nonce.
	SlotNonce = common.BytesToHash([]byte{5})
	// SlotGuard exists from 1.3.0 on: keccak256("guard_manager.guard.address").
	SlotGuard = common.HexToHash("0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8")
	// SlotModuleGuard exists from 1.5.0 on: keccak256("module_manager.module_guard.address").
	SlotModuleGuard = common.HexToHash("0xb104e0b93118902c651344349b610029d694cfdec91c589c91ebafbcd0289947")
	// SlotFallbackHandler exists from 1.1.0 on: keccak256("fallback_manager.handler.address").
	SlotFallbackHandler = common.HexToHash("0x6c9a6c4a39284e37ed1cf53d337577d14212a4870fb976a4366c693b939918d5")

	slotModules = common.BytesToHash([]byte{1}) // mapping(address => address), a linked list
	slotOwners  = common.BytesToHash([]byte{2}) // mapping(address => address), a linked list
)

// OwnerSlot is the storage slot that makes a an owner when it is not zero; simulations override it.
func OwnerSlot(a common.Address) common.Hash { return mappingSlot(a, slotOwners) }

// ModuleSlot is the storage slot that makes a an enabled module when it is not zero.
func ModuleSlot(a common.Address) common.Hash { return mappingSlot(a, slotModules) }

func mappingSlot(key common.Address, slot common.Hash) common.Hash {
	return crypto.Keccak256Hash(common.LeftPadBytes(key[:], wordSize), slot[:])
}

// AddressInSlot reads an address from a storage word; the twelve bytes above it may belong to other variables.
func AddressInSlot(word common.Hash) common.Address { return common.BytesToAddress(word[:]) }

var (
	nonceSelector          = [4]byte{0xaf, 0xfe, 0xd0, 0xe0} // nonce()
	ownersSelector         = [4]byte{0xa0, 0xe6, 0x7e, 0x2b} // getOwners()
	thresholdSelector      = [4]byte{0xe7, 0x52, 0x35, 0xb8} // getThreshold()
	isOwnerSelector        = [4]byte{0x2f, 0x54, 0xbf, 0x6e} // isOwner(address)
	versionSelector        = [4]byte{0xff, 0xa1, 0xad, 0x74} // VERSION()
	singletonSelector      = [4]byte{0xa6, 0x19, 0x48, 0x6e} // masterCopy()
	domainSelector         = [4]byte{0xf6, 0x98, 0xda, 0x25} // domainSeparator()
	transactionHash        = [4]byte{0xd8, 0xd1, 0x1f, 0x78} // getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256)
	approvedHashesSelector = [4]byte{0x7d, 0x83, 0x29, 0x74} // approvedHashes(address,bytes32)
	approveHashSelector    = [4]byte{0xd4, 0xd9, 0xbd, 0xcd} // approveHash(bytes32)
	modulesPageSelector    = [4]byte{0xcc, 0x2f, 0x84, 0x52} // getModulesPaginated(address,uint256)
	legacyValidSelector    = [4]byte{0x20, 0xc1, 0x3b, 0x0b} // isValidSignature(bytes,bytes)
	validSelector          = [4]byte{0x16, 0x26, 0xba, 0x7e} // isValidSignature(bytes32,bytes)
)

func call(to common.Address, sel [4]byte, words ...[]byte) Call {
	data := append([]byte(nil), sel[:]...)
	for _, w := range words {
		data = append(data, w...)
	}
	return Call{To: to, Data: data}
}

// NonceCall reads the next nonce; DecodeNonce takes the answer.
func NonceCall(safe common.Address) Call { return call(safe, nonceSelector) }

// OwnersCall reads the owners in their on-chain order; DecodeOwners takes the answer.
func OwnersCall(safe common.Address) Call { return call(safe, ownersSelector) }

// ThresholdCall reads the threshold; DecodeThreshold takes the answer.
func ThresholdCall(safe common.Address) Call { return call(safe, thresholdSelector) }

// IsOwnerCall asks whether a is an owner; DecodeBool takes the answer.
func IsOwnerCall(safe, a common.Address) Call {
	return call(safe, isOwnerSelector, common.LeftPadBytes(a[:], wordSize))
}

// VersionCall reads VERSION(); DecodeVersion takes the answer. Any contract can say anything here: compare singleton and
// code hash (KnownSingleton), and the hash of a probe (TransactionHashCall).
func VersionCall(safe common.Address) Call { return call(safe, versionSelector) }

// SingletonCall asks a Safe's proxy which implementation it runs; DecodeHash and AddressInSlot take the answer. The proxy answers
// it itself, before its implementation could; SlotSingleton holds the same. The Safe of another proxy may not answer.
func SingletonCall(safe common.Address) Call { return call(safe, singletonSelector) }

// DomainCall reads the domain separator; DecodeHash takes the answer.
func DomainCall(safe common.Address) Call { return call(safe, domainSelector) }

// TransactionHashCall has the Safe compute the safeTxHash of t itself; DecodeHash takes the answer.
func TransactionHashCall(safe common.Address, t Tx) Call {
	const head = 10 * wordSize
	b := appendTxHead(nil, t, head)
	b = appendUint64(b, t.Nonce)
	return call(safe, transactionHash, appendBytes(b, t.Data))
}

// ApprovedHashCall reads whether owner approved hash on chain; DecodeApproved takes the answer.
func ApprovedHashCall(safe, owner common.Address, hash common.Hash) Call {
	return call(safe, approvedHashesSelector, common.LeftPadBytes(owner[:], wordSize), hash[:])
}

// ApproveHashCall is what an owner sends to the Safe to confirm on chain. It is not a read.
func ApproveHashCall(safe common.Address, hash common.Hash) Call {
	return call(safe, approveHashSelector, hash[:])
}

// ModulesStart is where the first page of modules starts.
var ModulesStart = sentinel

// ListStart is the entry before the first and behind the last of the linked lists of owners and of modules.
var ListStart = sentinel

// ModulesPageCall reads up to size modules behind start (from 1.1.1 on); DecodeModulesPage takes the answer. The next page
// starts at the last module of this one, and a page with fewer than size is the last: the cursor that the contract itself
// returns skips a module up to 1.3.0.
func ModulesPageCall(safe, start common.Address, size int) Call {
	return call(safe, modulesPageSelector, common.LeftPadBytes(start[:], wordSize), appendUint64(nil, uint64(max(size, 0))))
}

// ContractCheckCall asks a contract owner whether it vouches for h on a Safe of version parent; DecodeContractCheck takes the
// answer. The callee is foreign code: give it a gas limit.
func ContractCheckCall(parent Version, owner common.Address, h Hashes, signature []byte) Call {
	if parent.AtLeast(V1_5_0) {
		return call(owner, validSelector, appendBytes(appendUint64(h.SafeTx.Bytes(), 2*wordSize), signature))
	}
	message := h.Preimage()
	b := appendUint64(nil, 2*wordSize)
	b = appendUint64(b, uint64(2*wordSize+bytesSize(message)))
	b = appendBytes(b, message)
	return call(owner, legacyValidSelector, appendBytes(b, signature))
}

// DecodeContractCheck reports whether the contract vouched. A revert is a no. Before 1.0.0 the answer is a bool, any word but zero;
// since then a magic value.
func DecodeContractCheck(parent Version, r Result) bool {
	if r.Reverted || len(r.Data) != wordSize {
		return false
	}
	if parent.Less(V1_0_0) {
		return !allZero(r.Data) // its compiler takes every word but zero for true, a magic value too
	}
	magic := legacyValidSelector
	if parent.AtLeast(V1_5_0) {
		magic = validSelector
	}
	return [4]byte(r.Data) == magic && allZero(r.Data[4:])
}

// DecodeNonce reads the answer of NonceCall.
func DecodeNonce(r Result) (uint64, error) {
	return decode(r, "nonce", (*words).uint64)
}

// DecodeThreshold reads the answer of ThresholdCall.
func DecodeThreshold(r Result) (int, error) {
	return decode(r, "threshold", func(w *words) int {
		n := w.uint64()
		if n > math.MaxInt32 {
			w.fail("a threshold of %d", n)
			return 0
		}
		return int(n)
	})
}

// DecodeBool reads a bool.
func DecodeBool(r Result) (bool, error) {
	return decode(r, "bool", (*words).bool)
}

// DecodeHash reads a bytes32.
func DecodeHash(r Result) (common.Hash, error) {
	return decode(r, "hash", func(w *words) common.Hash { return common.Hash(w.word()) })
}

// DecodeApproved reads the answer of ApprovedHashCall: any number but zero means approved.
func DecodeApproved(r Result) (bool, error) {
	return decode(r, "approved hash", func(w *words) bool {
		n := w.uint256()
		return !n.IsZero()
	})
}

// DecodeOwners reads the answer of OwnersCall.
func DecodeOwners(r Result) ([]common.Address, error) {
	return decode(r, "owners", func(w *words) []common.Address {
		w.at(wordSize)
		return w.addresses()
	})
}

// DecodeModulesPage reads the answer of ModulesPageCall.
func DecodeModulesPage(r Result) ([]common.Address, error) {
	return decode(r, "modules", func(w *words) []common.Address {
		w.at(2 * wordSize)
		w.word() // the contract's own cursor, see ModulesPageCall
		return w.addresses()
	})
}

// DecodeVersion reads the answer of VersionCall.
func DecodeVersion(r Result) (Version, error) {
	text, err := decode(r, "version", func(w *words) string {
		w.at(wordSize)
		return string(w.bytes())
	})
	if err != nil {
		return Version{}, err
	}
	return ParseVersion(text)
}

// decode reads one answer to its last byte. No contract code behind the address answers with nothing at all.
func decode[T any](r Result, what string, read func(*words) T) (value T, err error) {
	if r.Reverted {
		return value, fmt.Errorf("read %s: %w: %s", what, ErrReverted, Explain(r.Data))
	}
	if len(r.Data) == 0 {
		return value, fmt.Errorf("read %s: %w: no answer, is there a contract?", what, ErrBadAnswer)
	}
	w := &words{data: r.Data}
	got := read(w)
	if err := w.end(); err != nil {
		return value, fmt.Errorf("read %s: %w", what, err)
	}
	return got, nil
}
