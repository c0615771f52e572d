package coordinator

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// moody signs as its inner one does, or not, or slowly: as a key that another program keeps.
type moody struct {
	Signer
	mu    sync.Mutex
	fails error
	takes time.Duration
	asked int
}

func (m *moody) Sign(o safe.Order) ([]byte, common.Hash, error) {
	m.mu.Lock()
	m.asked++
	fails, takes := m.fails, m.takes
	m.mu.Unlock()
	<-time.After(takes)
	if fails != nil {
		return nil, common.Hash{}, fails
	}
	return m.Signer.Sign(o)
}

func (m *moody) set(fails error, takes time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fails, m.takes = fails, takes
}

// remotely keeps both keys of the rig elsewhere.
func (r *rig) remotely() (routine, emergency *moody) {
	chain := r.cfg.Chains["test"]
	routine, emergency = &moody{Signer: chain.Relayer}, &moody{Signer: chain.Emergency[0]}
	chain.Relayer, chain.Emergency = routine, []Signer{emergency}
	r.cfg.Chains["test"] = chain
	return routine, emergency
}

var errSilent = errors.New("remote signer did not answer within 5s")

func TestAnEmergencyGoesByTheNextKeyWhereOneDoesNotSign(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		_, emergency := r.remotely()
		emergency.set(errSilent, 5*time.Second)
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.until("it is signed", func() bool { return len(r.submissions(v.ID)) > 0 })
		if s := r.submissions(v.ID)[0]; s.Relayer != addressOf(routineKey) || !s.Open() {
			t.Errorf("it is %s, sent by %s: %s", s.State, s.Relayer.Hex(), s.Problem)
		}
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestWhereNoKeySignsItIsHeldWithTheReason(t *testing.T) {
	for _, playbook := range []string{"pause", "set-ltv"} {
		t.Run(playbook, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				routine, emergency := r.remotely()
				routine.set(errSilent, 0)
				emergency.set(errSilent, 0)
				r.start()
				v, deed := r.pause("usdc"), "pause usdc true"
				if playbook != "pause" {
					if _, err := r.c.Withdraw(t.Context(), v.ID, "alice"); err != nil {
						t.Fatal(err)
					}
					v, deed = r.setLtv("4000"), "ltv 4000"
				}
				r.signAll(v, alice, bob)
				r.until("it is held", func() bool { return len(r.submissions(v.ID)) > 0 })
				if s := r.submissions(v.ID)[0]; s.State != governance.SubmissionHeld || !strings.Contains(s.Problem, "sign: "+errSilent.Error()) {
					t.Errorf("it is %s: %q", s.State, s.Problem)
				}
				if len(r.broadcasts()) != 0 {
					t.Error("something went out unsigned")
				}
				routine.set(nil, 0)
				emergency.set(nil, 0)
				r.ends(v.ID, governance.StateExecuted, deed)
			})
		})
	}
}

// TestASlowSignerHoldsUpNobodyElse: a routine signature takes 20 s, and an emergency that comes meanwhile is sent at once, although they
// share the key. What the slow one signed is not kept: its nonce went to the emergency.
func TestASlowSignerHoldsUpNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		routine, _ := r.remotely()
		r.configure(func(c *ChainConfig) { c.Emergency = nil })
		r.start()
		change := r.setLtv("4000")
		routine.set(nil, 20*time.Second)
		r.sign(change, change.SafeTxHash, alice, bob)
		r.until("the signer is asked", func() bool { routine.mu.Lock(); defer routine.mu.Unlock(); return routine.asked == 1 })
		pause := r.pause("usdc")
		routine.set(nil, 0)
		r.signAll(pause, alice, bob)
		r.pass(3 * time.Second)
		if s := r.submissions(pause.ID); len(s) != 1 || !s[0].Open() {
			t.Fatalf("the pause waits for the change: %+v", s)
		}
		r.pass(20 * time.Second)
		for _, s := range r.submissions(change.ID) {
			if len(s.Attempts) > 0 {
				t.Errorf("the change was kept at relayer nonce %d", s.Nonce)
			}
		}
		r.ends(pause.ID, governance.StateExecuted, "pause usdc true")
	})
}

func TestAReplacementThatIsNotSignedLeavesTheBytesGoing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		_, emergency := r.remotely()
		r.start()
		v := r.pause("usdc")
		r.chain.set(func(s *scripted) { s.deaf = true })
		r.signAll(v, alice, bob)
		r.sent(1)
		emergency.set(errSilent, 5*time.Second)
		before, asked := len(r.chain.sent), emergency.asked
		r.blocksPass(3)
		if again := len(r.chain.sent) - before; again < 3 || len(r.broadcasts()) != 1 {
			t.Errorf("sent %d times in 3 blocks, %d different", again, len(r.broadcasts()))
		}
		if n := emergency.asked - asked; n == 0 || n > 4 {
			t.Errorf("the silent signer was asked %d times in 36 s", n)
		}
		if problem := r.submissions(v.ID)[0].Problem; !strings.Contains(problem, "its fee cannot be raised: "+errSilent.Error()) {
			t.Errorf("it says %q", problem)
		}
		emergency.set(nil, 0)
		r.blocksPass(2)
		if len(r.broadcasts()) < 2 {
			t.Error("it is not replaced although the key signs again")
		}
		r.chain.set(func(s *scripted) { s.deaf = false })
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
	})
}
