package chain

import (
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

// TestAGuardThatRefusesIsToldFromACallThatFails: the same transaction is run with and without it.
func TestAGuardThatRefusesIsToldFromACallThatFails(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *stack) {
		gate := must[common.Address](t)(s.Chain.Deploy(testContext(t), own(t, "Gate"), s.Market))
		s.execute(s.tx(0, s.toSafe("setGuard", gate)))
		refuses := "the guard " + gate.Hex() + " refuses: "
		innocent := "It is not the guard " + gate.Hex() + ": without it this fails as well"
		pause, broken := s.tx(1, s.pause("usdc")), s.tx(1, s.revert("the oracle is off"))
		for name, test := range map[string]struct {
			tx     safe.Tx
			signed bool
			limit  func(*node)
			want   []string
			never  string
		}{
			"barred":                                     {pause, false, nil, []string{refuses, "Without it this would work"}, "refused by the Safe"},
			"barred and signed":                          {pause, true, nil, []string{refuses, "Without it this would work"}, "refused by the Safe"},
			"barred, without eth_simulateV1":             {pause, false, withoutSimulate, []string{refuses, "Without it this would work"}, "refused by the Safe"},
			"not barred, but it fails":                   {broken, false, nil, []string{"the oracle is off", innocent}, "refuses"},
			"it fails and overrides may be ignored":      {broken, true, func(n *node) { withoutSimulate(n); n.ignoresThird() }, []string{"the oracle is off"}, "guard"},
			"barred, by one that refuses state override": {pause, true, func(n *node) { withoutSimulate(n); n.says("eth_call", refuseThird) }, nil, "Without it"},
		} {
			t.Run(name, func(t *testing.T) {
				n := s.nodes(1)[0]
				if test.limit != nil {
					test.limit(n)
				}
				var signatures []byte
				if test.signed {
					signatures = s.sign(test.tx, s.Owners[0], s.Owners[1])
				}
				got := must[safe.Simulation](t)(dial(t, nil, n).Simulate(testContext(t), s.request(test.tx, signatures)))
				if got.OK || strings.Contains(got.Error, test.never) {
					t.Errorf("simulation is %+v", got)
				}
				for _, want := range test.want {
					if !strings.Contains(got.Error, want) {
						t.Errorf("error is %q, want %q", got.Error, want)
					}
				}
			})
		}
		allowed := s.tx(1, s.toSafe("changeThreshold", big.NewInt(3)))
		if got := must[safe.Simulation](t)(dial(t, nil, s.nodes(1)...).Simulate(testContext(t), s.request(allowed, nil))); !got.OK {
			t.Errorf("what the guard lets through is %+v", got)
		}
	})
}
