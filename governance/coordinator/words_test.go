package coordinator

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"belay/governance"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

var implementation1 = common.HexToAddress("0x1300000000000000000000000000000000000013")

// TestAContractThatIsNotWhatItsABIWasWrittenForIsADanger compares what is configured with what the chain has.
func TestAContractThatIsNotWhatItsABIWasWrittenForIsADanger(t *testing.T) {
	old := common.Hash{31: 1}
	for name, c := range map[string]struct {
		bound ContractConfig
		want  string
	}{
		"all as configured":           {ContractConfig{CodeHash: crypto.Keccak256Hash(market1[:]), ImplementationHash: crypto.Keccak256Hash(implementation1[:])}, ""},
		"no hash is configured":       {ContractConfig{}, ""},
		"another code":                {ContractConfig{CodeHash: old}, "its code is not the one that market.json was written for"},
		"another implementation":      {ContractConfig{ImplementationHash: old}, "its implementation " + implementation1.Hex() + " is not the one"},
		"a contract that is no party": {ContractConfig{Address: timelock1, CodeHash: old}, ""},
		"a contract on another chain": {ContractConfig{Chain: "elsewhere", CodeHash: old}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.chain.set(func(s *scripted) { s.runs = implementation1 })
				bound := c.bound
				bound.Source = "market.json"
				if bound.Chain == "" {
					bound.Chain = "test"
				}
				if bound.Address == (common.Address{}) {
					bound.Address = market1
				}
				r.cfg.Contracts = []ContractConfig{bound}
				r.start()
				v := r.setLtv("4000")
				at := slices.IndexFunc(v.Dangers, func(d governance.DangerView) bool { return d.Code == calldata.DangerCodeChanged })
				switch {
				case c.want == "" && at >= 0:
					t.Errorf("told %+v", v.Dangers[at])
				case c.want != "" && (at < 0 || !strings.Contains(v.Dangers[at].Text, c.want) || !strings.Contains(v.Dangers[at].Text, "market "+market1.Hex())):
					t.Errorf("dangers %+v, want %q", v.Dangers, c.want)
				}
			})
		})
	}
}

// TestUnreadCodeStopsEverythingButAnEmergency: what cannot be compared is not taken for unchanged.
func TestUnreadCodeStopsEverythingButAnEmergency(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.cfg.Contracts = []ContractConfig{{Chain: "test", Address: market1, CodeHash: common.Hash{1}}}
		r.chain.set(func(s *scripted) { s.fails["Implementations"] = errors.New("timeout") })
		r.start()
		_, err := r.c.Propose(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}, Member: "alice", Roles: []string{"guardian"}, Reason: "market moves"})
		refused(t, err, governance.CodeNoAgreement, "code")
		if v := r.pause("usdc"); !strings.Contains(r.stored(v.ID).Blind, "could not be read") {
			t.Errorf("the pause says %q", r.stored(v.ID).Blind)
		}
	})
}

// TestASafeOfUnknownCodeIsRefusedUntilTheOperatorKnowsIt: but a pause is marked, not refused.
func TestASafeOfUnknownCodeIsRefusedUntilTheOperatorKnowsIt(t *testing.T) {
	for name, allowed := range map[string]bool{"refused": false, "allowed": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.chain.set(func(s *scripted) { s.odd = true })
				guardian := r.cfg.Safes["guardian"]
				guardian.AllowUnverified = allowed
				r.cfg.Safes["guardian"] = guardian
				r.start()
				if allowed {
					if v := r.setLtv("4000"); !slices.Contains(dangers(v), calldata.DangerUnverified) {
						t.Errorf("dangers %v", v.Dangers)
					}
				} else {
					_, err := r.c.Propose(t.Context(), Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}, Member: "alice", Roles: []string{"guardian"}, Reason: "market moves"})
					refused(t, err, governance.CodeNotPermitted, "allow_unverified")
				}
				if v := r.pause("usdc"); !slices.Contains(dangers(v), calldata.DangerUnverified) {
					t.Errorf("dangers of the pause %v", v.Dangers)
				}
			})
		})
	}
}
