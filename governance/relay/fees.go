package relay

import (
	"errors"
	"fmt"

	"belay/governance"
	"belay/safe"

	"github.com/holiman/uint256"
)

// Caps are the most that a chain's relayers may bid, in wei per gas.
type Caps struct {
	MaxFee          uint256.Int // routine
	EmergencyMaxFee uint256.Int // pause and cancel
}

func (c Caps) of(emergency bool) uint256.Int {
	if emergency {
		return c.EmergencyMaxFee
	}
	return c.MaxFee
}

// Afford lowers the caps to what balance (wei) pays for this much gas, because pools refuse a transaction whose
// whole gas at its fee cap exceeds the sender's balance.
func (c Caps) Afford(balance uint256.Int, gas uint64) Caps {
	most := new(uint256.Int).Div(&balance, uint256.NewInt(max(gas, 1)))
	return Caps{MaxFee: lesser(c.MaxFee, *most), EmergencyMaxFee: lesser(c.EmergencyMaxFee, *most)}
}

// Bid is what a transaction offers, in wei per gas.
type Bid struct {
	FeeCap uint256.Int // maxFeePerGas
	TipCap uint256.Int // maxPriorityFeePerGas
	Capped bool        // the market asks more than the cap allows
}

// ErrAtCap says that the cap leaves no room for the step that pools ask of a replacement.
var ErrAtCap = errors.New("the fee cap leaves no room for a replacement")

// Routine bids survive a base fee that doubles, five full blocks at 12.5 % each. An emergency survives one that
// trebles and tips what the front of the last blocks paid, and at least emergencyTip, so that a builder takes it into the very next one.
const (
	routineBaseFees   = 2
	emergencyBaseFees = 3
	emergencyTip      = 2_000_000_000 // wei per gas: 2 gwei, well above what mainnet builders ask on a quiet day
)

// Price bids for the next attempt. Attempts are those at the same relayer nonce, of whatever submission: none for a fresh
// nonce. A replacement offers the present market price, but at least 12.5 % more than the last attempt on both fees.
// It fails with ErrAtCap when the cap forbids that; a first bid is lowered to the cap instead, and says so.
func Price(emergency bool, fees safe.Fees, attempts []governance.Attempt, caps Caps) (Bid, error) {
	limit := caps.of(emergency)
	if limit.IsZero() {
		return Bid{}, fmt.Errorf("%w: it is zero", ErrAtCap)
	}
	want := market(emergency, fees)
	least, err := leastOver(attempts)
	if err != nil {
		return Bid{}, err
	}
	if least.FeeCap.Gt(&limit) {
		return Bid{}, fmt.Errorf("%w: it is %s per gas, a replacement needs %s", ErrAtCap, gwei(limit), gwei(least.FeeCap))
	}
	bid := Bid{Capped: want.FeeCap.Gt(&limit)}
	bid.FeeCap = lesser(greater(want.FeeCap, least.FeeCap), limit)
	bid.TipCap = lesser(greater(want.TipCap, least.TipCap), bid.FeeCap)
	return bid, nil
}

// market is today's price, saturated where a provider reports nonsense: the cap decides then.
func market(emergency bool, fees safe.Fees) Bid {
	times, tip := uint64(routineBaseFees), fees.Tip
	if emergency {
		times, tip = emergencyBaseFees, greater(greater(fees.Tip, fees.Urgent), *uint256.NewInt(emergencyTip))
	}
	base, overflow := new(uint256.Int).MulOverflow(&fees.BaseFee, uint256.NewInt(times))
	if overflow {
		base.SetAllOne()
	}
	return Bid{FeeCap: plus(*base, tip), TipCap: tip}
}

// leastOver is the least that pools take in place of the attempts: a step over the highest of each fee.
func leastOver(attempts []governance.Attempt) (least Bid, err error) {
	for _, a := range attempts {
		feeCap, tipCap, err := feesOf(a)
		if err != nil {
			return Bid{}, err
		}
		least.FeeCap = greater(least.FeeCap, step(feeCap))
		least.TipCap = greater(least.TipCap, step(tipCap))
	}
	return least, nil
}

// step is 12.5 % more, rounded up, plus one wei. Geth asks for 10 % on both fees and takes exactly that, reth refuses exactly
// 10 % (its issue 13160), other clients can be set: an eighth and a wei satisfies the defaults of all.
func step(fee uint256.Int) uint256.Int {
	up := plus(fee, *uint256.NewInt(7)) // so that the shift rounds up
	eighth := up.Rsh(&up, 3)
	return plus(plus(fee, *eighth), *uint256.NewInt(1))
}

func feesOf(a governance.Attempt) (feeCap, tipCap uint256.Int, err error) {
	if err := feeCap.SetFromDecimal(a.FeeCap); err != nil {
		return feeCap, tipCap, fmt.Errorf("read stored fee cap %q of %s: %w", a.FeeCap, a.Hash, err)
	}
	if err := tipCap.SetFromDecimal(a.TipCap); err != nil {
		return feeCap, tipCap, fmt.Errorf("read stored tip cap %q of %s: %w", a.TipCap, a.Hash, err)
	}
	return feeCap, tipCap, nil
}

// plus adds and stays at the largest number where the sum does not fit.
func plus(a, b uint256.Int) uint256.Int {
	sum, overflow := new(uint256.Int).AddOverflow(&a, &b)
	if overflow {
		sum.SetAllOne()
	}
	return *sum
}

func lesser(a, b uint256.Int) uint256.Int {
	if a.Lt(&b) {
		return a
	}
	return b
}

func greater(a, b uint256.Int) uint256.Int {
	if a.Lt(&b) {
		return b
	}
	return a
}
