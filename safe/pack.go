package safe

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// slotSize is the length in bytes of one static part of a packed blob: r, s, v.
const slotSize = 65

// MaxThreshold bounds the slots of one packed blob. Larger Safes would not fit a block's gas long before this.
const MaxThreshold = 1024

// The marks in the v byte of a slot that are not an ECDSA signature.
const (
	markContract = 0
	markApproved = 1
)

// ErrTooFewConfirmations says that fewer distinct owners confirmed than the threshold wants.
var ErrTooFewConfirmations = errors.New("too few confirmations")

// Pack lays out confirmations as execTransaction wants them: exactly threshold slots, ascending by owner. With more than
// enough it takes the cheapest and surest ones: ecdsa and eth_sign first, then approved hashes, then contracts. An owner
// who confirmed in several ways counts once. The input is not changed.
//
// The caller vouches that each confirmation is of an owner and over the right hash; Inspect checks a finished blob.
func Pack(confirmations []Confirmation, threshold int) ([]byte, error) {
	if threshold < 1 || threshold > MaxThreshold {
		return nil, fmt.Errorf("pack signatures: threshold %d is outside 1 to %d", threshold, MaxThreshold)
	}
	for _, c := range confirmations {
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("pack signatures: owner %s: %w", c.Owner.Hex(), err)
		}
	}
	chosen := oneEach(confirmations)
	if len(chosen) < threshold {
		return nil, fmt.Errorf("pack signatures: %w: %d of %d", ErrTooFewConfirmations, len(chosen), threshold)
	}
	chosen = chosen[:threshold]
	slices.SortFunc(chosen, byOwner)
	return layOut(chosen), nil
}

// oneEach returns the best confirmation of each owner, best first.
func oneEach(confirmations []Confirmation) []Confirmation {
	sorted := slices.Clone(confirmations)
	slices.SortStableFunc(sorted, func(a, b Confirmation) int {
		return cmp.Or(cmp.Compare(a.Kind.cost(), b.Kind.cost()), byOwner(a, b))
	})
	seen := make(map[common.Address]bool, len(sorted))
	return slices.DeleteFunc(sorted, func(c Confirmation) bool {
		again := seen[c.Owner]
		seen[c.Owner] = true
		return again
	})
}

func byOwner(a, b Confirmation) int { return a.Owner.Cmp(b.Owner) }

// cost orders the kinds by gas and by what can still go wrong when the Safe checks them.
func (k Kind) cost() int {
	switch k {
	case KindECDSA, KindEthSign:
		return 0
	case KindApprovedHash:
		return 1
	}
	return 2
}

// check refuses what could only make a blob that reverts.
func (c Confirmation) check() error {
	if !isAccount(c.Owner) {
		return fmt.Errorf("%w: no account can be this owner", ErrMalformedSignature)
	}
	return c.checkSignature()
}

func (c Confirmation) checkSignature() error {
	switch c.Kind {
	case KindECDSA:
		return checkSlot(c.Signature, 27)
	case KindEthSign:
		return checkSlot(c.Signature, 27+ethSignShift)
	case KindEIP1271:
		if len(c.Signature) > MaxContractSignature {
			return fmt.Errorf("%w: contract signature of %d bytes", ErrMalformedSignature, len(c.Signature))
		}
		return nil
	case KindApprovedHash:
		if len(c.Signature) != 0 {
			return fmt.Errorf("%w: an approved hash carries no bytes", ErrMalformedSignature)
		}
		return nil
	}
	return fmt.Errorf("%w: kind %.32q is unknown", ErrMalformedSignature, string(c.Kind))
}

func checkSlot(sig []byte, v byte) error {
	if len(sig) != slotSize {
		return fmt.Errorf("%w: %d bytes, want 65", ErrMalformedSignature, len(sig))
	}
	if got := sig[slotSize-1]; got != v && got != v+1 {
		return fmt.Errorf("%w: v is %d, want %d or %d", ErrMalformedSignature, got, v, v+1)
	}
	return nil
}

// layOut writes static parts, then dynamic parts {length, bytes}, in the given order.
func layOut(slots []Confirmation) []byte {
	offset := slotSize * len(slots)
	blob := make([]byte, 0, offset)
	var tail []byte
	for _, c := range slots {
		switch c.Kind {
		case KindECDSA, KindEthSign:
			blob = append(blob, c.Signature...)
		case KindApprovedHash:
			blob = appendSlot(blob, c.Owner, 0, markApproved)
		case KindEIP1271:
			blob = appendSlot(blob, c.Owner, offset+len(tail), markContract)
			tail = appendUint64(tail, uint64(len(c.Signature)))
			tail = append(tail, c.Signature...)
		}
	}
	return append(blob, tail...)
}

func appendSlot(blob []byte, owner common.Address, s int, mark byte) []byte {
	blob = appendAddress(blob, owner)
	blob = appendUint64(blob, uint64(s)) //nolint:gosec // an offset within the blob
	return append(blob, mark)
}

// Unpack reads a blob of exactly threshold slots that Pack could have written: known kinds only, dynamic parts in order
// and without gaps, nothing left over. The Owner of ecdsa and eth_sign slots is zero, because only the hash reveals it;
// use Inspect to recover it and to judge foreign blobs. No input makes it panic.
func Unpack(blob []byte, threshold int) ([]Confirmation, error) {
	if threshold < 1 || threshold > MaxThreshold {
		return nil, fmt.Errorf("unpack signatures: threshold %d is outside 1 to %d", threshold, MaxThreshold)
	}
	if len(blob) < threshold*slotSize {
		return nil, fmt.Errorf("unpack signatures: %w: %d bytes for %d slots", ErrMalformedSignature, len(blob), threshold)
	}
	slots := make([]Confirmation, threshold)
	for i := range slots {
		c, err := readSlot(blob, i)
		if err != nil {
			return nil, fmt.Errorf("unpack signatures: slot %d: %w", i, err)
		}
		slots[i] = c
	}
	if !bytes.Equal(layOut(slots), blob) {
		return nil, fmt.Errorf("unpack signatures: %w: gaps, padding or dynamic parts out of order", ErrMalformedSignature)
	}
	return slots, nil
}

func readSlot(blob []byte, i int) (Confirmation, error) {
	slot := blob[i*slotSize : (i+1)*slotSize]
	var c Confirmation
	switch v := slot[slotSize-1]; v {
	case markContract, markApproved:
		owner, ok := addressOf(slot[:wordSize])
		if !ok || !isAccount(owner) {
			return c, fmt.Errorf("%w: r is not an owner's address", ErrMalformedSignature)
		}
		c = ApprovedHash(owner)
		if v == markContract {
			part, code := dynamicPart(blob, slot[wordSize:2*wordSize], 0)
			if code != "" {
				return c, fmt.Errorf("%w: %s", ErrMalformedSignature, Explain([]byte(code)))
			}
			c = Confirmation{Owner: owner, Kind: KindEIP1271, Signature: slices.Clone(part)}
		}
	case 27, 28:
		c = Confirmation{Kind: KindECDSA, Signature: slices.Clone(slot)}
	default:
		c = Confirmation{Kind: KindEthSign, Signature: slices.Clone(slot)}
	}
	return c, c.checkSignature()
}

// dynamicPart follows the offset word of a contract slot as the contract does, and returns the code with which the contract
// would refuse. floor is the end of the static parts.
func dynamicPart(blob, offsetWord []byte, floor int) (part []byte, code string) {
	start, ok := intOf(offsetWord)
	switch {
	case ok && start < floor:
		return nil, "GS021"
	case !ok || start > len(blob)-wordSize:
		return nil, "GS022"
	}
	rest := blob[start+wordSize:]
	length, ok := intOf(blob[start : start+wordSize])
	if !ok || length > len(rest) {
		return nil, "GS023"
	}
	return rest[:length], ""
}

// addressOf reads an address from a word whose upper 12 bytes are zero.
func addressOf(word []byte) (common.Address, bool) {
	pad := wordSize - common.AddressLength
	return common.BytesToAddress(word[pad:wordSize]), allZero(word[:pad])
}

// intOf reads a word that fits any Go int, with room to add a word to it.
func intOf(word []byte) (int, bool) {
	n := new(uint256.Int).SetBytes32(word)
	if !n.IsUint64() || n.Uint64() > 1<<31-1-wordSize {
		return 0, false
	}
	return int(n.Uint64()), true //nolint:gosec // checked to be small before
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
