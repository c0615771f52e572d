package safe

import "github.com/holiman/uint256"

// GasGate is the safeTxGas for a transaction that used, or needs, that much gas in a simulation: half as much again, because
// the state it will meet is not the state it was tried on. With it nobody can execute the transaction with too little gas.
// The price is that a Safe from 1.3.0 on then swallows a call that fails, for whatever reason, and uses up the nonce; older
// ones do so anyway. From 1.3.0 on the gate is left at zero.
func GasGate(used uint64) uint256.Int {
	gate := uint256.NewInt(used)
	return *gate.Add(gate, new(uint256.Int).Rsh(gate, 1))
}

// GasAsked is how much gas, in gas units, the Safe of any version wants to see left before the call of t, and keep behind it:
// max(safeTxGas*64/63, safeTxGas+2500)+500 from 1.2.0 on, less before. Nothing is asked without a safeTxGas. Absurd numbers
// are cut at 2^63.
func GasAsked(t Tx) uint64 {
	if t.SafeTxGas.IsZero() {
		return 0
	}
	if t.SafeTxGas.BitLen() > 56 {
		return 1 << 63
	}
	gas := t.SafeTxGas.Uint64()
	return max(gas*64/63, gas+2500) + 500
}
