package coordinator

import (
	"cmp"
	"fmt"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"
)

// DangerTooMuchGas marks an emergency that needs more gas than one transaction may have.
const DangerTooMuchGas = "too_much_gas"

// gasCap is the most gas that one transaction may have: what the configuration says of the chain, and never more than a block holds.
func gasCap(chain ChainConfig, fees safe.Fees) uint64 {
	most := cmp.Or(chain.GasCap, relay.MaxGas)
	if fees.GasLimit > 0 {
		most = min(most, fees.GasLimit)
	}
	return most
}

// fits refuses a proposal that no transaction could carry. An emergency is marked: it can be split, and the estimate can be wrong.
func (d *drafting) fits(s safe.Simulation) error {
	needed, most := neededGas(s, d.tx.Tx, d.state.Threshold), gasCap(d.chain, d.fees)
	if relay.FitsGas(needed, most) {
		return nil
	}
	if d.p.Kind.Emergency() {
		d.p.Dangers = append(d.p.Dangers, governance.DangerView{Code: DangerTooMuchGas, Text: fmt.Sprintf(
			"It needs about %d gas, and one transaction may have %d on %s: it can hardly be mined as it is. Pause fewer things at a time.", needed, most, d.chain.Name)})
		return nil
	}
	return governance.Refuse(governance.CodeSimulationReverted, "split it, or raise gas_cap where the chain takes more",
		"it needs about %d gas, and one transaction may have %d on %s", needed, most, d.chain.Name)
}
