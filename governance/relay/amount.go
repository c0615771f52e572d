package relay

import (
	"strings"

	"github.com/holiman/uint256"
)

// gwei writes a fee for people.
func gwei(wei uint256.Int) string { return shifted(wei, 9) + " gwei" }

// ether writes a balance for people.
func ether(wei uint256.Int) string { return shifted(wei, 18) + " ether" }

// shifted writes wei with the decimal point moved left, and no more decimals than the number has.
func shifted(wei uint256.Int, places int) string {
	digits := wei.Dec()
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - places
	return strings.TrimRight(strings.TrimRight(digits[:point]+"."+digits[point:], "0"), ".")
}
