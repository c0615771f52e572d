package coordinator

import (
	"strings"
	"testing"
	"time"

	"belay/governance"
)

// inPublic and inPrivate count the different transactions that went each way.
func (r *rig) inPublic() int { return len(r.broadcasts()) }

func (r *rig) inPrivate() int {
	r.chain.mu.Lock()
	defer r.chain.mu.Unlock()
	set := map[string]bool{}
	for _, raw := range r.chain.confided {
		set[string(raw)] = true
	}
	return len(set)
}

func (r *rig) firstConfided() string {
	r.chain.mu.Lock()
	defer r.chain.mu.Unlock()
	return string(r.chain.confided[0])
}

func privately(r *rig) *rig {
	r.configure(func(c *ChainConfig) { c.PrivateFirst = true })
	return r
}

func TestAPauseGoesToThePrivateEndpointsForOneBlock(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		privately(r).start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.until("it goes out in private", func() bool { return r.inPrivate() == 1 })
		r.pass(8 * time.Second)
		if n := r.inPublic(); n != 0 {
			t.Fatalf("%d transactions went out in public before a block came", n)
		}
		r.chain.mine() // without it: no builder took it
		r.until("it goes out in public", func() bool { return r.inPublic() > 0 })
		if first := r.submissions(v.ID)[0].Attempts[0]; r.firstConfided() != string(first.Raw) {
			t.Error("the private endpoints were sent other bytes than those that are stored")
		}
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestAPauseGoesOutInPublicWhereNoBlockComes(t *testing.T) {
	for name, down := range map[string]bool{"the chain stands still": false, "and nobody agrees on its head": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				privately(r).start()
				v := r.pause("usdc")
				r.signAll(v, alice, bob)
				r.until("it goes out in private", func() bool { return r.inPrivate() == 1 })
				r.chain.set(func(s *scripted) { s.down = down })
				r.pass(14 * time.Second)
				if n := r.inPublic(); n != 0 {
					t.Errorf("%d went out in public within 14 s", n)
				}
				r.pass(3 * time.Second)
				if n := r.inPublic(); n != 1 {
					t.Errorf("%d transactions went out in public after 17 s, want 1", n)
				}
			})
		})
	}
}

func TestPrivateEndpointsThatAreDownHoldNothingUp(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		privately(r).start()
		r.chain.set(func(s *scripted) { s.closed = true })
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.pass(time.Second)
		if n := r.inPublic(); n != 1 {
			t.Fatalf("%d transactions went out within a second, want 1", n)
		}
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestARoutineChangeWaitsInPrivateForABlock(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		privately(r).start()
		v := r.setLtv("4000")
		r.signAll(v, alice, bob)
		r.until("it goes out in private", func() bool { return r.inPrivate() == 1 })
		r.pass(time.Minute)
		if n := r.inPublic(); n != 0 {
			t.Errorf("%d went out in public, although no block came", n)
		}
		r.chain.mine()
		r.until("it goes out in public", func() bool { return r.inPublic() == 1 })
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}

func TestWithoutPrivateFirstEverythingGoesEverywhereAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.pass(time.Second)
		if r.inPublic() != 1 || r.chain.called("BroadcastPrivately") != 0 {
			t.Errorf("%d in public, private endpoints asked %d times", r.inPublic(), r.chain.called("BroadcastPrivately"))
		}
	})
}

// TestTheReasonOfARefusedBroadcastIsTold: people read why nobody takes it, in our words.
func TestTheReasonOfARefusedBroadcastIsTold(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.fails["Broadcast"] = errUnderpriced })
		r.signAll(v, alice, bob)
		r.pass(silence + 5*time.Second)
		if problem := r.submissions(v.ID)[0].Problem; !strings.HasPrefix(problem, "no provider takes the transaction: fee is too low") {
			t.Errorf("it says %q", problem)
		}
	})
}
