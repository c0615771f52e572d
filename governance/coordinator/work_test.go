package coordinator

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"belay/governance"
)

func entry(key string) governance.InboxEntry {
	return governance.InboxEntry{Key: key, Platform: "slack", Kind: "command", Body: []byte("/pause usdc"), ReceivedAt: time.Now().UTC()}
}

func TestAnInboxEntryIsReceivedOnceAndWorkedOff(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		if err := r.c.Receive(t.Context(), entry("slack:1")); err != nil {
			t.Fatal(err)
		}
		if err := r.c.Receive(t.Context(), entry("slack:1")); !errors.Is(err, governance.ErrDuplicate) {
			t.Errorf("the same again: %v", err)
		}
		r.until("it is handled", func() bool { _, n := r.desk.count(); return n == 1 })
		if err := r.c.Receive(t.Context(), entry("slack:1")); !errors.Is(err, governance.ErrDuplicate) {
			t.Errorf("the same after it was handled: %v", err)
		}
		r.pass(10 * time.Second)
		if left, _ := r.store.Inbox(); len(left) != 0 {
			t.Errorf("%d entries are left", len(left))
		}
		if _, n := r.desk.count(); n != 1 {
			t.Errorf("handled %d times", n)
		}
	})
}

func TestAnEntryWhoseHandlingFailsIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.desk.fails = 3
		r.start()
		if err := r.c.Receive(t.Context(), entry("slack:1")); err != nil {
			t.Fatal(err)
		}
		r.until("it is handled", func() bool { _, n := r.desk.count(); return n == 1 })
	})
}

func TestAnEntryThatNobodyCanHandleIsGivenUpWhenNoAnswerIsTakenAnyMore(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.desk.fails = 1 << 30
		r.start()
		if err := r.c.Receive(t.Context(), entry("slack:1")); err != nil {
			t.Fatal(err)
		}
		r.pass(14 * time.Minute)
		if left, _ := r.store.Inbox(); len(left) != 1 {
			t.Fatal("given up too early")
		}
		r.pass(2 * time.Minute)
		if left, _ := r.store.Inbox(); len(left) != 0 {
			t.Error("tried for ever")
		}
	})
}

func TestAnEntryThatWasAcknowledgedSurvivesARestart(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		r.stop()
		if err := r.c.Receive(t.Context(), entry("slack:1")); err != nil {
			t.Fatal(err)
		}
		r.start()
		r.until("it is handled", func() bool { _, n := r.desk.count(); return n == 1 })
	})
}

func TestCardsAreBroughtUpToDateOnceHoweverManyChangesAskForIt(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		gate := make(chan struct{})
		r.desk.slow = gate
		r.start()
		v := r.pause("usdc")
		r.pass(time.Second) // the first delivery is under way
		for _, what := range []string{"onit", "cant"} {
			for _, who := range []string{"alice", "bob", "carol"} {
				if _, err := r.c.Respond(t.Context(), v.ID, who, what); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.pass(time.Second)
		r.desk.set(func(d *desk) { d.slow = nil })
		close(gate)
		r.pass(3 * time.Second)
		if n, _ := r.desk.count(); n != 2 { // the one under way, and one for all the rest
			t.Errorf("%d deliveries for 7 changes", n)
		}
		if left, _ := r.store.Duties(); len(left) != 0 {
			t.Errorf("%d duties are left", len(left))
		}
		if refs, err := r.store.Messages(v.ID); err != nil || len(refs) != 1 || refs[0].Message != "1.1" {
			t.Errorf("the card is remembered as %+v, %v", refs, err)
		}
	})
}

func TestACardIsDeliveredAtLeastOnce(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.desk.fails = 4
		r.start()
		r.pause("usdc")
		r.until("it is up", func() bool { n, _ := r.desk.count(); return n > 0 })
	})
}

func TestALongOutageOfChatLeavesNoHeap(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.desk.fails = 1 << 30
		r.start()
		v := r.pause("usdc")
		for i := range 120 {
			if _, err := r.c.Object(t.Context(), v.ID, fmt.Sprint("member ", i%40), fmt.Sprint("reason ", i)); err != nil {
				t.Fatal(err)
			}
		}
		r.pass(3 * time.Minute)
		if left, _ := r.store.Duties(); len(left) > 3 {
			t.Errorf("%d duties are left for one card", len(left))
		}
		r.desk.set(func(d *desk) { d.fails = 0 })
		r.until("it is up", func() bool { left, _ := r.store.Duties(); return len(left) == 0 })
	})
}

// asksToWait is what a throttled platform answers.
type asksToWait struct{ error }

func (asksToWait) RetryAfter() time.Duration { return 4 * time.Minute }

func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		attempts int
		err      error
		want     time.Duration
	}{
		"the first failure":             {1, errChat, time.Second},
		"the third":                     {3, errChat, 4 * time.Second},
		"the hundredth":                 {100, errChat, 30 * time.Second},
		"as long as the platform says":  {1, fmt.Errorf("post: %w", asksToWait{errChat}), 4 * time.Minute},
		"a platform that says nonsense": {1, fmt.Errorf("post: %w", errors.Join(errChat)), time.Second},
	} {
		if got := retryAfter(c.attempts, c.err); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestAPauseDoesNotWaitBehindCards(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.desk.slow = make(chan struct{}) // chat hangs
		r.start()
		for _, asset := range []string{"usdc", "weth"} {
			r.pause(asset)
		}
		for ltv := range 20 {
			r.setLtv(fmt.Sprint(ltv))
		}
		r.pass(time.Second)
		r.signAll(r.show("P-1"), alice, bob)
		r.sent(1)
		r.ends("P-1", governance.StateExecuted, "pause usdc true")
	})
}

func TestADutyOfANewerBelayIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		d := governance.Duty{ID: v.ID + "/000001/teleport/x", Kind: "teleport", Proposal: v.ID, Due: time.Now()}
		if _, err := r.store.Commit(t.Context(), governance.Record{Add: []governance.Duty{d}}); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Minute)
		if left, _ := r.store.Duties(); len(left) != 1 || left[0].Kind != "teleport" || left[0].Attempts == 0 {
			t.Errorf("left are %+v", left)
		}
	})
}

func TestAskingEndsAtTheDeadlineOfWallTime(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		r.pass(19 * time.Minute)
		if s := r.stored(v.ID).State; s != governance.StateProposed {
			t.Fatalf("%s too early", s)
		}
		if _, err := r.c.Extend(t.Context(), v.ID, "alice"); err != nil {
			t.Fatal(err)
		}
		r.pass(10 * time.Minute)
		if s := r.stored(v.ID).State; s != governance.StateProposed {
			t.Fatalf("%s although it was extended", s)
		}
		r.pass(11 * time.Minute)
		if s := r.stored(v.ID).State; s != governance.StateExpired {
			t.Errorf("%s after the deadline", s)
		}
	})
}

func TestAPauseThatIsBeingSignedOutlivesItsDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc") // two hours
		r.pass(90 * time.Minute)
		r.signAll(v, alice)
		r.pass(45 * time.Minute)
		if s := r.stored(v.ID).State; s != governance.StateProposed {
			t.Errorf("%s while it is being signed", s)
		}
	})
}

func TestDeadlinesAreRebuiltAfterARestart(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		later := r.propose(Intent{Playbook: "later-ltv", Params: map[string]string{"asset": "weth", "ltv": "3000"}})
		r.stop()
		r.pass(21 * time.Minute)
		r.start()
		r.until("it expired", r.is(v.ID, governance.StateExpired))
		if s := r.stored(later.ID).State; s != governance.StateProposed {
			t.Errorf("the other is %s", s)
		}
	})
}

func TestPowersAreLookedForNowAndThen(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		asked, found := 0, []float64{}
		r.cfg.Observe = func(metric string, value float64, _ ...string) {
			if metric == "relayer_powers" {
				found = append(found, value)
			}
		}
		chain := r.cfg.Chains["test"]
		chain.Powers = powersOf(func() ([]Power, error) {
			asked++
			switch asked {
			case 2:
				return nil, errDown
			case 3:
				return []Power{{addressOf(routineKey), "the relayer can schedule operations"}}, nil
			}
			return nil, nil
		})
		r.cfg.Chains["test"] = chain
		r.start()
		r.pass(powersEvery + 2*powersAgain)
		if asked != 3 || len(found) != 3 || found[1] != 0 || found[2] != 1 {
			t.Errorf("asked %d times, found %v", asked, found)
		}
	})
}
