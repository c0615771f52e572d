package coordinator

import (
	"testing"
	"time"

	"belay/governance"
)

// TestTheLastSignatureIsSentAtOnce measures, in time that only exchanges with providers take, how many of them follow one
// another between the last signature and the first byte that leaves.
func TestTheLastSignatureIsSentAtOnce(t *testing.T) {
	const round = time.Second
	for name, c := range map[string]struct {
		intent Intent
		before func(r *rig)
		most   time.Duration
	}{
		"a pause, prepared":                       {Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, func(*rig) {}, 1},
		"a pause, a block after it was prepared":  {Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, func(r *rig) { r.chain.set(func(s *scripted) { s.fails["Follow"] = errDown }); r.chain.mine() }, 2},
		"a change, prepared":                      {Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}}, func(*rig) {}, 1},
		"a change, a block after it was prepared": {Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}}, func(r *rig) { r.chain.set(func(s *scripted) { s.fails["Follow"] = errDown }); r.chain.mine() }, 2},
		"a pause while nobody agrees":             {Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}}, func(r *rig) { r.chain.set(func(s *scripted) { s.down = true }) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.start()
				v := r.propose(c.intent)
				r.signAll(v, alice)
				if len(v.SafeTxs) > 1 {
					r.sign(v, v.SafeTxs[1].SafeTxHash, bob)
				}
				r.chain.mine()
				r.pass(10 * time.Second)
				r.chain.set(func(s *scripted) { s.latency = round })
				c.before(r)
				var arrived time.Time
				r.chain.onSend = func([]byte) { arrived = time.Now() }
				began := time.Now()
				r.sign(v, v.SafeTxHash, bob)
				r.sent(1)
				if took := arrived.Sub(began) - round; took > c.most*round { // the broadcast itself is one
					t.Errorf("%d rounds lay before the broadcast, at most %d are allowed", took/round, c.most)
				}
				r.chain.set(func(s *scripted) { s.latency, s.down = 0, false; delete(s.fails, "Follow") })
				r.blocks("it is executed", r.is(v.ID, governance.StateExecuted))
			})
		})
	}
}

// TestWhatIsMinedIsProvenInFewRounds measures the same between the block and the word that it worked: while the head is being asked for, two
// for the receipt, beside which the postconditions are read, and one for its depth.
func TestWhatIsMinedIsProvenInFewRounds(t *testing.T) {
	const round, most = time.Second, 3
	bubble(t, func(t *testing.T, r *rig) {
		r.configure(oneDeep(r))
		r.start()
		v := r.setLtv("4000")
		r.sign(v, v.SafeTxHash, alice, bob)
		r.sent(1)
		r.chain.set(func(s *scripted) { s.latency = round })
		r.chain.mine()
		began := time.Now()
		r.until("it is executed", r.is(v.ID, governance.StateExecuted))
		if took := time.Since(began).Round(round); took > most*round {
			t.Errorf("%d rounds lay between the block and the proof, at most %d are allowed", took/round, most)
		}
	})
}

func TestWhatTheDraftFoundOutIsEnoughForTheFirstSend(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		simulated, estimated := r.chain.called("Simulate"), r.chain.called("EstimateGas")
		r.signAll(v, alice, bob)
		r.sent(1)
		if n, m := r.chain.called("Simulate")-simulated, r.chain.called("EstimateGas")-estimated; n+m != 0 {
			t.Errorf("simulated %d times and estimated %d times between the draft and the broadcast", n, m)
		}
	})
}

func TestAMinedTransactionIsNotAskedForAtEveryHead(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.chain.final = 20
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.blocks("it is executed", r.is(v.ID, governance.StateExecuted))
		r.pass(5 * time.Second)
		before := r.chain.called("Receipt")
		for range 5 {
			r.chain.mine()
			r.pass(5 * time.Second)
		}
		if n := r.chain.called("Receipt") - before; n > 5 { // the submission's own, once a head
			t.Errorf("%d receipts were read in 5 blocks", n)
		}
		before = r.chain.called("Receipt")
		r.chain.reorganise(2, false)
		r.pass(5 * time.Second)
		if r.chain.called("Receipt") == before {
			t.Error("after a reorganisation nobody looked")
		}
	})
}

func TestPreparationsAreRenewedAtEveryHead(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		drafted := r.chain.called("Simulate")
		r.chain.mine()
		r.pass(5 * time.Second)
		if n := r.chain.called("Simulate") - drafted; n != 0 {
			t.Errorf("prepared %d times with two signatures missing", n)
		}
		r.sign(v, v.SafeTxHash, alice)
		r.pass(5 * time.Second)
		for range 3 {
			head := r.chain.mine()
			r.pass(5 * time.Second)
			p := r.stored(v.ID)
			m, ok := r.c.hints.market(submissionID(p.ID, p.SafeTxs[0].Purpose, p.SafeTxs[0].Hashes.SafeTx))
			if !ok || m.head != head || len(m.keys) != 2 || m.gas == 0 {
				t.Errorf("at block %d prepared is %+v", head.Number, m)
			}
		}
		before := r.chain.called("Simulate")
		r.pass(time.Minute)
		if n := r.chain.called("Simulate") - before; n != 0 {
			t.Errorf("prepared %d times more on a head that stands still", n)
		}
	})
}
