package safe

import "github.com/ethereum/go-ethereum/common"

// Outcome is what an execTransaction does.
type Outcome struct {
	// Code is the GSxxx with which the execution reverts; older Safes say the same in words, see ErrorCode. It is empty when
	// nothing reverts, and where another contract has the word, see Bubbles.
	Code string
	// Bubbles: the execution reverts with the data of another contract, whatever they say: of the inner call that failed (1.5.0), or
	// of an owner that is a contract and does not vouch (GS024 if that one answers at all).
	Bubbles bool
	// Success: the inner call was made and did not fail. Only then anything has happened.
	Success bool
	// SpendsNonce: the nonce is used up, and with it every signature over it, successful or not.
	SpendsNonce bool
}

// Reverts reports whether the whole execution is undone.
func (o Outcome) Reverts() bool { return o.Code != "" || o.Bubbles }

// ChainFacts are what only the chain knows of an execution. Gas is taken to be ample.
type ChainFacts struct {
	Proven      func(Verdict) bool // whether a slot that bytes leave unproven holds; nil: none does
	InnerFails  bool
	RefundFails bool // the Safe cannot pay what gasPrice promises to the sender
}

// Foresee says what a Safe of version v makes of t with a packed blob.
//
// What happens after a failed inner call is the version's choice, and the signer's: up to 1.2.0, and whenever safeTxGas or
// gasPrice is not zero, the failure is swallowed and costs the nonce; else it takes the execution with it. A refund is paid in
// both cases, and what cannot be paid undoes everything.
func Foresee(v Version, t Tx, verdicts []Verdict, facts ChainFacts) Outcome {
	if refused, ok := refusedSlot(v, verdicts, facts.Proven); ok {
		return refused
	}
	swallows := !v.KeepsNonceOnFailure() || !t.SafeTxGas.IsZero() || !t.GasPrice.IsZero()
	switch {
	case facts.InnerFails && !swallows && v.AtLeast(V1_5_0):
		return Outcome{Bubbles: true}
	case facts.InnerFails && !swallows:
		return Outcome{Code: "GS013"}
	case facts.RefundFails && !t.GasPrice.IsZero() && t.GasToken == (common.Address{}):
		return Outcome{Code: "GS011"}
	case facts.RefundFails && !t.GasPrice.IsZero():
		return Outcome{Code: "GS012"}
	}
	return Outcome{Success: !facts.InnerFails, SpendsNonce: true}
}

// refusedSlot is what the first slot that the Safe does not accept makes of the execution.
func refusedSlot(v Version, verdicts []Verdict, proven func(Verdict) bool) (Outcome, bool) {
	for _, slot := range verdicts {
		switch {
		case slot.Code != "":
			return Outcome{Code: slot.Code}, true
		case !slot.Unproven || proven != nil && proven(slot):
			continue
		case slot.Kind == KindEIP1271:
			return Outcome{Bubbles: true}, true
		case v.Less(V1_0_0):
			return Outcome{Code: "GS026"}, true // one text for every fault
		default:
			return Outcome{Code: "GS025"}, true
		}
	}
	return Outcome{}, false
}

// VouchesFor reports whether a Safe of version child, with the fallback handler of its release, can vouch for a transaction of
// a Safe of version parent when its own owners have signed OwnerMessage. Where it cannot, it calls approveHash on the parent.
//
//	parent        child < 1.0.0   1.0.0–1.2.0 (by itself)   1.3.0, 1.4.x   1.5.0
//	up to 1.4.1   no              yes                       yes            no
//	1.5.0         no              no                        yes            yes
func VouchesFor(parent, child Version) bool {
	switch {
	case child.Less(V1_0_0):
		return false
	case parent.AtLeast(V1_5_0):
		return child.AtLeast(V1_3_0)
	}
	return child.Less(V1_5_0)
}

// InspectAs is Inspect by the rules of a version: before 1.1.0 there is no eth_sign, and before 1.0.0 there is one code for every
// fault, but that a contract's part is not checked before the contract is asked.
func InspectAs(v Version, hash common.Hash, blob []byte, threshold int, owners []common.Address) []Verdict {
	verdicts := Inspect(hash, blob, threshold, owners)
	for i := range verdicts {
		slot := &verdicts[i]
		if slot.Kind == KindEthSign && !slot.Kind.WorksOn(v) {
			slot.Code = "GS026"
		}
		switch {
		case !v.Less(V1_0_0) || slot.Code == "":
		case slot.Kind == KindEIP1271:
			slot.Code = ""
		default:
			slot.Code = "GS026"
		}
	}
	return verdicts
}
