package coordinator

import (
	"slices"
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// thief takes what a playbook does not say.
var thief = addressOf(mallory)

// takes are the effects of a transaction that moves 12.5 usdc from the guardian Safe to the thief and puts a guard on the Safe, which
// one provider alone saw.
func takes() *safe.Effects {
	moved := safe.Log{Address: usdc, Topics: []common.Hash{crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)")),
		common.BytesToHash(guardianSafe[:]), common.BytesToHash(thief[:])}, Data: word(12_500_000)}
	guard := safe.SlotChange{Address: guardianSafe, Slot: safe.SlotGuard, After: common.BytesToHash(thief[:])}
	return &safe.Effects{Logged: true, Traced: true, Logs: []safe.Seen[safe.Log]{{What: moved}}, Slots: []safe.Seen[safe.SlotChange]{{What: guard, By: []string{"own"}}}}
}

func unexpected(v governance.View) (texts []string) {
	for _, d := range v.Dangers {
		if d.Code == calldata.DangerUnexpected {
			texts = append(texts, d.Text)
		}
	}
	return texts
}

func TestWhatASimulationDoesBesidesIsADangerAndNoRefusal(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.chain.effects = takes()
		r.start()
		for name, v := range map[string]governance.View{"a pause": r.pause("usdc"), "a change": r.setLtv("7400")} {
			s := v.Simulation
			if s == nil || !s.OK || !s.Traced || len(s.Effects) != 1 || !strings.Contains(s.Effects[0].Raw(), "12.5 of usdc") {
				t.Fatalf("%s: simulation is %+v", name, s)
			}
			if s.Changes[0].After == "none" || !strings.HasSuffix(s.Changes[len(s.Changes)-1].After, thief.Hex()+" (only own says so)") {
				t.Errorf("%s: changes are %+v, want what is expected first and the guard behind it", name, s.Changes)
			}
			told := unexpected(v)
			if len(told) != 2 || !slices.ContainsFunc(told, func(x string) bool {
				return strings.Contains(x, "12.5 of usdc "+usdc.Hex()) && strings.Contains(x, thief.Hex())
			}) ||
				!slices.ContainsFunc(told, func(x string) bool { return strings.Contains(x, "guard: none → "+thief.Hex()) }) {
				t.Errorf("%s: unexpected is %q", name, told)
			}
		}
		if stored := r.stored("P-1"); stored.Simulation.Effects != nil || len(stored.Effects) != 1 {
			t.Errorf("stored are %+v and %q", stored.Simulation, stored.Effects)
		}
	})
}

func TestAmountsAreRawWhereTheTokenCannotBeAsked(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.chain.effects = takes()
		r.chain.effects.Logs[0].What.Address = weth // labelled, but it does not answer decimals()
		r.start()
		v := r.pause("usdc")
		if len(v.Simulation.Effects) != 1 || !strings.Contains(v.Simulation.Effects[0].Raw(), "12500000 raw units of weth") {
			t.Errorf("effects are %q", v.Simulation.Effects)
		}
	})
}

func TestWithoutAnybodyToTellNothingIsClaimed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		if v.Simulation.Traced || len(v.Simulation.Effects) != 0 || len(unexpected(v)) != 0 {
			t.Errorf("simulation is %+v, dangers %v", v.Simulation, v.Dangers)
		}
	})
}

// TestADangerIsToldWhereProvidersContradictEachOther: one of them says that the pause fails, another what it takes.
func TestADangerIsToldWhereProvidersContradictEachOther(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.chain.effects, r.chain.contradict = takes(), &[2]int{1, 1}
		r.chain.alter(func(w *world) { w.stuck = usdc })
		r.start()
		v := r.pause("usdc")
		if v.Simulation == nil || v.Simulation.OK || len(unexpected(v)) != 2 {
			t.Errorf("simulation is %+v, dangers %v", v.Simulation, v.Dangers)
		}
	})
}
