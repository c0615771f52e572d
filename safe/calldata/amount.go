package calldata

import (
	"math/big"
	"strings"
)

// maxDecimals is the largest scale whose unit still fits 256 bits.
const maxDecimals = 77

// ParseAmount reads a decimal amount such as "1000.5" of something with the given number of decimals and returns it in the
// smallest unit. It is exact: more fraction digits than decimals are refused, as are signs, exponents, separators, a leading
// zero before another digit, and what does not fit 256 bits.
func ParseAmount(text string, decimals int) (*big.Int, error) {
	if decimals < 0 || decimals > maxDecimals {
		return nil, badValue("%d decimals, want 0 to %d", decimals, maxDecimals)
	}
	whole, fraction, point := strings.Cut(text, ".")
	switch {
	case len(text) > 2*maxIntegerText:
		return nil, badValue("an amount of %d characters", len(text))
	case !onlyDigits(whole, 10) || point && !onlyDigits(fraction, 10):
		return nil, badValue("%q is not an amount: write digits, with a point where needed", clip(text, 40))
	case len(whole) > 1 && whole[0] == '0':
		return nil, badValue("%q starts with a zero", clip(text, 40))
	case len(fraction) > decimals:
		return nil, badValue("%q has %d digits behind the point, at most %d", clip(text, 40), len(fraction), decimals)
	}
	n, _ := new(big.Int).SetString(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10)
	if n.BitLen() > 256 {
		return nil, badValue("%q does not fit 256 bits", clip(text, 40))
	}
	return n, nil
}

// FormatAmount writes an amount in the smallest unit as ParseAmount reads it, without zeros at the end.
func FormatAmount(n *big.Int, decimals int) string {
	if decimals <= 0 || n == nil {
		return Text(n)
	}
	digits := new(big.Int).Abs(n).String()
	if missing := decimals + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	cut := len(digits) - decimals
	text := strings.TrimSuffix(strings.TrimRight(digits[:cut]+"."+digits[cut:], "0"), ".")
	if n.Sign() < 0 {
		return "-" + text
	}
	return text
}

// UnitDecimals returns the decimals of a unit of the native coin: ether, gwei or wei.
func UnitDecimals(unit string) (int, bool) {
	switch unit {
	case "ether":
		return 18, true
	case "gwei":
		return 9, true
	case "wei":
		return 0, true
	}
	return 0, false
}

// ParseUnits reads an amount of the native coin with its unit, such as "0.05 ether", and returns it in wei.
func ParseUnits(text string) (*big.Int, error) {
	amount, unit, _ := strings.Cut(text, " ")
	decimals, ok := UnitDecimals(unit)
	if !ok {
		return nil, badValue("%q has no unit: write ether, gwei or wei behind the number", clip(text, 40))
	}
	return ParseAmount(amount, decimals)
}
