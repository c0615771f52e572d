package coordinator

import (
	"fmt"
	"strings"

	"belay/governance"
)

// DangerNotAchieved marks a transaction after whose simulation a postcondition is not true: it would be executed without effect.
const DangerNotAchieved = "not_achieved"

func notAchieved(block uint64, unmet []string) governance.DangerView {
	return governance.DangerView{Code: DangerNotAchieved, Text: fmt.Sprintf(
		"Simulated at block %d, this would not achieve what it is to: afterwards %s.", block, strings.Join(unmet, "; "))}
}

// lacking says how a postcondition would not be met, or nothing.
func lacking(p governance.Postcondition) []string {
	switch {
	case p.OK:
		return nil
	case p.Value == "":
		return []string{"it could not be read whether " + p.Text}
	}
	return []string{p.Value + ", where it should be " + p.Text}
}
