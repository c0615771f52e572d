package coordinator

import (
	"errors"
	"sync"
	"testing"
	"time"

	"belay/governance"
)

// TestARoutineKeyWithPowerSendsNothing: a power that is given after the start closes the routine lane, at once for what is ready and for what
// is on its way, and leaves the emergency lane as it is.
func TestARoutineKeyWithPowerSendsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		given := []Power{}
		var failing error
		var mu sync.Mutex // guards both
		say := func(found []Power, err error) {
			mu.Lock()
			defer mu.Unlock()
			given, failing = found, err
		}
		r.configure(func(c *ChainConfig) {
			c.Powers = powersOf(func() ([]Power, error) { mu.Lock(); defer mu.Unlock(); return given, failing })
		})
		r.start()
		under := r.stuck()
		say([]Power{{addressOf(routineKey), "the relayer is an owner of guardian"}}, nil)
		r.pass(powersEvery)
		before := r.sentBy(addressOf(routineKey))
		r.blocksPass(4)
		if n := r.sentBy(addressOf(routineKey)) - before; n != 0 {
			t.Errorf("what was on its way was sent %d times more", n)
		}
		if !noted(r.show(under.ID), "its relayer has power over what is guarded") {
			t.Errorf("the card says %q", r.show(under.ID).Notes)
		}
		if powers := r.c.RelayerPowers("test"); len(powers) != 1 || powers[0] != "the relayer is an owner of guardian" {
			t.Errorf("the operator is told of %q", powers)
		}
		say(nil, errors.New("no agreement"))
		r.pass(powersEvery) // nobody says that it is gone
		if len(r.c.RelayerPowers("test")) != 1 {
			t.Error("a power was forgotten because nobody could be asked")
		}
		r.chain.set(func(s *scripted) { s.deaf = false })
		pause := r.pause("weth")
		r.signAll(pause, alice, bob)
		r.ends(pause.ID, governance.StateExecuted, "pause weth true")
		change := r.setLtv("4100")
		r.sign(change, change.SafeTxHash, alice, bob)
		r.until("it is held back", func() bool { return noted(r.show(change.ID), "its relayer has power") })
		say(nil, nil)
		r.pass(powersEvery + time.Minute)
		r.ends(change.ID, governance.StateExecuted, "pause weth true", "ltv 4100")
	})
}
