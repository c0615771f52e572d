package coordinator

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// told is a log that is read while it is written. Its lock guards the figures of the test, too.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *told) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *told) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestARelayerThatIsLowIsToldOncePerChange: two executions of 500,000 gas at 2000 gwei are two ether.
func TestARelayerThatIsLowIsToldOncePerChange(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		figures, logs := map[string]float64{}, &told{}
		r.cfg.Logger = slog.New(slog.NewTextHandler(logs, nil))
		r.cfg.Observe = func(metric string, value float64, labels ...string) {
			if strings.HasPrefix(metric, "relayer_") {
				logs.mu.Lock()
				defer logs.mu.Unlock()
				figures[metric+" "+labels[1]+" "+labels[3]] = value
			}
		}
		hold := func(key common.Address, ether uint64) {
			r.chain.alter(func(w *world) { w.balances[key] = *new(uint256.Int).Mul(uint256.NewInt(ether), &oneEther) })
		}
		hold(addressOf(routineKey), 3)
		r.start()
		emergency, routine := addressOf(emergencyKey).Hex(), addressOf(routineKey).Hex()
		want := func(when string, balance, low float64, told int) {
			t.Helper()
			n := strings.Count(logs.String(), "holds less than two emergency executions")
			logs.mu.Lock()
			defer logs.mu.Unlock()
			if figures["relayer_balance_ether test "+emergency] != balance || figures["relayer_low test "+emergency] != low {
				t.Errorf("%s: %v", when, figures)
			}
			if n != told {
				t.Errorf("%s: told %d times, want %d", when, n, told)
			}
		}
		r.pass(time.Second)
		want("at the start", 1, 1, 1)
		logs.mu.Lock()
		if figures["relayer_low test "+routine] != 0 || figures["relayer_balance_ether test "+routine] != 3 {
			t.Errorf("the other: %v", figures)
		}
		logs.mu.Unlock()
		r.pass(10 * moneyEvery)
		want("later", 1, 1, 1)
		hold(addressOf(emergencyKey), 2)
		r.pass(2 * moneyEvery)
		want("funded", 2, 0, 1)
		if !strings.Contains(logs.String(), "holds enough again") {
			t.Error("nobody hears that it is enough")
		}
		hold(addressOf(emergencyKey), 1)
		r.pass(2 * moneyEvery)
		want("spent", 1, 1, 2)
	})
}

// TestTheDaysBudgetCountsTheWholeDay: also what an old proposal spent, behind any number of newer ones.
func TestTheDaysBudgetCountsTheWholeDay(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		first := r.setLtv("4000")
		r.sign(first, first.SafeTxHash, alice, bob)
		r.ends(first.ID, governance.StateExecuted, "ltv 4000")
		one := mostOf(r.submissions(first.ID)[0])
		r.stop()
		r.configure(func(c *ChainConfig) { c.Fees.DailyBudget = *new(uint256.Int).Add(&one, new(uint256.Int).Rsh(&one, 1)) }) // one and a half
		r.start()
		for range pageSize + 1 {
			v := r.propose(Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "weth", "ltv": "4300"}})
			if _, err := r.c.Withdraw(t.Context(), v.ID, "alice"); err != nil {
				t.Fatal(err)
			}
		}
		second := r.setLtv("4100")
		r.sign(second, second.SafeTxHash, alice, bob)
		r.until("the card says so", func() bool { return noted(r.show(second.ID), "budget") })
		if len(r.broadcasts()) != 1 {
			t.Errorf("%d different transactions went out", len(r.broadcasts()))
		}
	})
}

func TestTheBudgetOfADayIsFreeTheNextDay(t *testing.T) {
	for ago, free := range map[time.Duration]bool{23 * time.Hour: false, 25 * time.Hour: true} {
		t.Run(ago.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				r.configure(func(c *ChainConfig) { c.Fees.DailyBudget = *uint256.NewInt(1e18) })
				r.start()
				earlier := r.setLtv("4000")
				spent := governance.Submission{ID: earlier.ID + "/direct/0x01", Proposal: earlier.ID, Chain: "test", State: governance.SubmissionFinal, Gas: 1_000_000, CreatedAt: time.Now().Add(-ago),
					Attempts: []governance.Attempt{{FeeCap: "1000000000000", TipCap: "1", At: time.Now().Add(-ago)}}} // one ether
				if _, err := r.store.Commit(t.Context(), governance.Record{Submissions: []governance.Submission{spent}}); err != nil {
					t.Fatal(err)
				}
				if _, err := r.c.Withdraw(t.Context(), earlier.ID, "alice"); err != nil {
					t.Fatal(err)
				}
				change := r.setLtv("4100")
				r.sign(change, change.SafeTxHash, alice, bob)
				r.pass(5 * time.Second)
				if sent := len(r.broadcasts()) > 0; sent != free {
					t.Errorf("sent %t: %q", sent, r.show(change.ID).Notes)
				}
			})
		})
	}
}
