package safe

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
)

// Verdict says what a Safe will make of one slot of a packed blob.
type Verdict struct {
	Slot   int            `json:"slot"`
	Kind   Kind           `json:"kind"`   // empty when v names no kind
	Signer common.Address `json:"signer"` // recovered, or named by the slot; zero when there is none
	Code   string         `json:"code"`   // the GSxxx with which the slot is refused; empty when nothing speaks against it
	// Unproven is set where only the chain can decide: an approved hash, a contract's word.
	Unproven bool `json:"unproven"`
}

// OK reports whether the slot is proven good by its bytes alone.
func (v Verdict) OK() bool { return v.Code == "" && !v.Unproven }

// Inspect judges the first threshold slots of a blob the way checkSignatures of 1.1.0 and later does, in the same order, up
// to the first slot that is refused. It takes foreign blobs as they come: more slots than needed, any v, wild offsets. A
// blob that is too short gives one verdict with GS020, a threshold below one GS001.
//
// GS026 on every slot means that the signatures are over another hash: a stale nonce, another chain or version, or changed
// calldata.
func Inspect(hash common.Hash, blob []byte, threshold int, owners []common.Address) []Verdict {
	switch {
	case threshold < 1:
		return []Verdict{{Code: "GS001"}}
	case len(blob)/slotSize < threshold:
		return []Verdict{{Code: "GS020"}}
	}
	var verdicts []Verdict
	var last common.Address
	for i := range threshold {
		v := judge(hash, blob, i, threshold)
		if v.Code == "" && (v.Signer.Cmp(last) <= 0 || !isAccount(v.Signer) || !slices.Contains(owners, v.Signer)) {
			v.Code = "GS026"
		}
		verdicts = append(verdicts, v)
		if v.Code != "" {
			break
		}
		last = v.Signer
	}
	return verdicts
}

// judge reads one slot and checks what does not depend on the owners.
func judge(hash common.Hash, blob []byte, i, threshold int) Verdict {
	slot := [slotSize]byte(blob[i*slotSize : (i+1)*slotSize])
	v := Verdict{Slot: i}
	switch mark := slot[slotSize-1]; {
	case mark == markContract:
		v.Kind, v.Unproven = KindEIP1271, true
		v.Signer = common.BytesToAddress(slot[:wordSize])
		_, v.Code = dynamicPart(blob, slot[wordSize:2*wordSize], threshold*slotSize)
	case mark == markApproved:
		v.Kind, v.Unproven = KindApprovedHash, true
		v.Signer = common.BytesToAddress(slot[:wordSize])
	case mark > 30:
		v.Kind = KindEthSign
		slot[slotSize-1] = mark - ethSignShift
		v.Signer = precompile(TextHash(hash[:]), slot)
	default:
		v.Kind = KindECDSA
		v.Signer = precompile(hash, slot)
	}
	return v
}

// precompile recovers as the chain's ecrecover does: v other than 27 and 28 has no signer, a high s has one.
func precompile(hash common.Hash, slot [slotSize]byte) common.Address {
	if v := slot[slotSize-1]; v != 27 && v != 28 {
		return common.Address{}
	}
	return recoverSigner(hash, slot)
}
