package coordinator

import (
	"testing"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"
)

// capped bounds the gas of a transaction.
func (r *rig) capped(gas uint64) {
	r.configure(func(c *ChainConfig) { c.GasCap = gas })
}

// TestWhatNeedsMoreGasThanATransactionMayHaveIsRefusedWhenItIsProposed: monitorism's op-defender sent with a fixed 21,000,000 gas, which no
// block of Ethereum takes since EIP-7825.
func TestWhatNeedsMoreGasThanATransactionMayHaveIsRefusedWhenItIsProposed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.capped(100_000)
		r.start()
		_, err := r.c.Propose(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}, Member: "alice", Reason: "drill"})
		refused(t, err, governance.CodeSimulationReverted, "one transaction may have 100000 on test")
		v := r.pause("usdc")
		if !dangerous(v, DangerTooMuchGas) {
			t.Errorf("the pause is not marked: %+v", v.Dangers)
		}
		r.signAll(v, alice, bob)
		r.sent(1)
		if gas := decoded(r.broadcasts()[0]).Gas(); gas != 100_000 {
			t.Errorf("sent with %d gas", gas)
		}
	})
}

func dangerous(v governance.View, code string) bool {
	for _, d := range v.Dangers {
		if d.Code == code {
			return true
		}
	}
	return false
}

func TestTheGasCap(t *testing.T) {
	for _, row := range []struct {
		name              string
		configured, block uint64
		want              uint64
	}{
		{"Ethereum's, where nothing is written", 0, 0, relay.MaxGas},
		{"Ethereum's under a larger block", 0, 60_000_000, relay.MaxGas},
		{"the written one of another chain", 32_000_000, 60_000_000, 32_000_000},
		{"never more than a block holds", 1 << 40, 30_000_000, 30_000_000},
		{"the written one where no header tells", 32_000_000, 0, 32_000_000},
	} {
		if got := gasCap(ChainConfig{GasCap: row.configured}, safe.Fees{GasLimit: row.block}); got != row.want {
			t.Errorf("%s: %d", row.name, got)
		}
	}
}

func TestNothingIsSentWhereHeadersCarryNoBaseFee(t *testing.T) {
	for name, legacy := range map[string]bool{"and nothing says that it should": false, "unless it is configured": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.configure(func(c *ChainConfig) { c.Legacy = legacy })
				r.chain.unpriced = true
				r.start()
				v := r.pause("usdc")
				r.signAll(v, alice, bob)
				r.pass(5 * time.Second)
				s := r.submissions(v.ID)[0]
				if held := s.State == governance.SubmissionHeld; held == legacy || (len(r.broadcasts()) > 0) != legacy {
					t.Errorf("it is %s: %s", s.State, s.Problem)
				}
			})
		})
	}
}
