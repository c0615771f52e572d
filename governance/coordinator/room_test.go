package coordinator

import (
	"errors"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"
)

// sentBy counts how often a key sent anything.
func (r *rig) sentBy(key common.Address) (n int) {
	r.chain.mu.Lock()
	defer r.chain.mu.Unlock()
	for _, raw := range r.chain.sent {
		tx := decoded(string(raw))
		if from, _ := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx); from == key {
			n++
		}
	}
	return n
}

// stuck has a routine change on its way that no pool passes on.
func (r *rig) stuck() governance.View {
	r.t.Helper()
	change := r.setLtv("4000")
	r.chain.set(func(s *scripted) { s.deaf = true })
	r.sign(change, change.SafeTxHash, alice, bob)
	r.sent(1)
	r.chain.mine()
	r.pass(3 * time.Second)
	return change
}

func (r *rig) blocksPass(n int) {
	for range n {
		r.chain.mine()
		r.pass(12 * time.Second)
	}
}

func TestWhatIsOnItsWayMakesRoomForAPause(t *testing.T) {
	for name, own := range map[string]bool{"the pause has a key of its own": true, "they share a key": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, r *rig) {
				if !own {
					r.configure(func(c *ChainConfig) { c.Emergency = nil })
				}
				r.start()
				change := r.stuck()
				pause := r.pause("usdc")
				r.signAll(pause, alice, bob)
				r.until("the pause goes out", func() bool { return len(r.submissions(pause.ID)) > 0 })
				r.pass(2 * time.Second)
				before := r.submissions(change.ID)[0]
				sent, others := r.sentBy(addressOf(routineKey)), r.sentBy(addressOf(emergencyKey))
				r.blocksPass(5)
				if after := r.submissions(change.ID)[0]; len(after.Attempts) != len(before.Attempts) {
					t.Errorf("the change was signed again, %d times", len(after.Attempts)-len(before.Attempts))
				}
				again := r.sentBy(addressOf(routineKey)) - sent
				if own && again != 0 {
					t.Errorf("the change was sent %d times more", again)
				}
				if more := r.sentBy(addressOf(emergencyKey)) - others + again; more < 5 {
					t.Errorf("the pause was sent %d times in 5 blocks", more)
				}
				if view := r.show(change.ID); !strings.Contains(strings.Join(view.Notes, " "), "makes room for the emergency "+pause.ID) {
					t.Errorf("the card of the change says %q", view.Notes)
				}
				r.chain.set(func(s *scripted) { s.deaf = false })
				r.ends(pause.ID, governance.StateExecuted, "pause usdc true")
				r.blocks("the change is superseded", r.is(change.ID, governance.StateSuperseded))
			})
		})
	}
}

func TestWhatMadeRoomIsSentAgainWhenTheEmergencyIsOver(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		change := r.stuck()
		pause := r.pause("usdc")
		r.pass(2 * time.Second)
		held := r.sentBy(addressOf(routineKey))
		r.chain.set(func(s *scripted) { s.down = true }) // nor blindly, while nothing can be read
		r.pass(30 * time.Second)
		r.chain.set(func(s *scripted) { s.down = false })
		r.blocksPass(2)
		if n := r.sentBy(addressOf(routineKey)) - held; n != 0 {
			t.Fatalf("it was sent %d times beside an open emergency", n)
		}
		if _, err := r.c.Withdraw(t.Context(), pause.ID, "alice"); err != nil {
			t.Fatal(err)
		}
		r.chain.set(func(s *scripted) { s.deaf = false })
		r.ends(change.ID, governance.StateExecuted, "ltv 4000")
		if problem := r.submissions(change.ID)[0].Problem; problem != "" {
			t.Errorf("it still says %q", problem)
		}
	})
}

func TestAPauseBidsAboveWhatItDisplaces(t *testing.T) {
	gwei := func(n uint64) uint256.Int { return *uint256.NewInt(n * 1e9) }
	routine := []governance.Attempt{{FeeCap: "60000000000", TipCap: "5000000000"}}
	fees := safe.Fees{BaseFee: gwei(1), Tip: gwei(1)}
	keys := []relay.KeyState{{Address: addressOf(emergencyKey), Emergency: true, Account: safe.Account{Balance: oneEther}}}
	pause := governance.Submission{Emergency: true}
	for _, row := range []struct {
		name     string
		most     uint64 // gwei
		displace []governance.Attempt
		tip      uint64 // at least, in gwei
	}{
		{"its tip is above that of the transaction which it displaces", 2000, routine, 5},
		{"where nothing is displaced the market decides", 2000, nil, 2},
		{"where the cap forbids it, it goes out all the same", 40, routine, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			chain := ChainConfig{Fees: FeeCaps{Routine: gwei(300), Emergency: gwei(row.most)}}
			_, bid, err := choose(chain, pause, market{fees: fees, gas: 200_000}, keys, row.displace)
			if err != nil {
				t.Fatal(err)
			}
			least, below := gwei(row.tip), gwei(row.tip+1)
			if bid.TipCap.Lt(&least) || !bid.TipCap.Lt(&below) {
				t.Errorf("it tips %s wei", bid.TipCap.Dec())
			}
			if most := gwei(row.most); bid.FeeCap.Gt(&most) {
				t.Errorf("it bids %s wei, above the cap", bid.FeeCap.Dec())
			}
		})
	}
	if _, _, err := choose(ChainConfig{}, pause, market{}, keys, routine); !errors.Is(err, relay.ErrAtCap) {
		t.Errorf("without a cap: %v", err)
	}
}
