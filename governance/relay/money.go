package relay

import "github.com/holiman/uint256"

// TypicalGas is about what an emergency costs through a Safe with a handful of owners and a few calls, in gas units.
const TypicalGas = 500_000

// Reserve is the wei that a relayer should hold: two emergency executions at the cap. Gas is what the largest known one needs (0: none is
// known), chainCap the most that one transaction may have.
func Reserve(gas, chainCap uint64, emergencyMaxFee uint256.Int) uint256.Int {
	one := min(max(gas, TypicalGas), capOr(chainCap))
	reserve, overflow := new(uint256.Int).MulOverflow(uint256.NewInt(2*one), &emergencyMaxFee)
	if overflow {
		reserve.SetAllOne()
	}
	return *reserve
}
