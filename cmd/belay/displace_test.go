package main

import (
	"strings"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// pooled is a transaction that waits in the chain's pool.
type pooled struct {
	Hash  common.Hash    `json:"hash"`
	From  common.Address `json:"from"`
	Nonce hexutil.Uint64 `json:"nonce"`
	Tip   *hexutil.Big   `json:"maxPriorityFeePerGas"`
	Data  hexutil.Bytes  `json:"input"`
}

// waiting gives the pool's transactions of a sender.
func (i *incident) waiting(from common.Address) (found []pooled) {
	i.t.Helper()
	var content struct {
		Pending map[common.Address]map[string]pooled `json:"pending"`
	}
	if err := i.stack.Chain.RPC().CallContext(i.t.Context(), &content, "txpool_content"); err != nil {
		i.t.Fatal(err)
	}
	for _, tx := range content.Pending[from] {
		found = append(found, tx)
	}
	return found
}

// TestAPauseTakesTheNonceOfARoutineTransactionThatIsOnItsWay: the Safe's nonce n belongs to a change of ours that lies in the pool. With
// one relayer key the pause takes its place there; with two it is mined before it. Either way the change is neither sent nor raised any
// more while the pause is open.
func TestAPauseTakesTheNonceOfARoutineTransactionThatIsOnItsWay(t *testing.T) {
	for name, shared := range map[string]bool{"they share the relayer key": true, "each lane has its key": false} {
		t.Run(name, func(t *testing.T) {
			i := newIncident(t)
			if shared {
				i.halt()
				rewrite(i.t, i.config, ", emergency_key_files: [secrets/emergency1, secrets/emergency2]", "")
				i.start()
			}
			relayer, sender := crypto.PubkeyToAddress(i.stack.Relayer.PublicKey), crypto.PubkeyToAddress(i.stack.Emergency[0].PublicKey)
			if shared {
				sender = relayer
			}
			change := i.propose("set-ltv", map[string]string{"asset": "usdc", "ltv_bps": "7000"})
			i.stack.Chain.Pause()
			i.quorum(change)
			i.eventually("the change waits in the pool", func() bool { return len(i.waiting(relayer)) == 1 })
			routine := i.waiting(relayer)[0]

			pause := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
			if pause.Nonce != change.Nonce {
				t.Fatalf("the pause uses nonce %d, the change %d", pause.Nonce, change.Nonce)
			}
			i.quorum(pause)
			i.eventually("the pause waits in the pool", func() bool {
				all := i.waiting(sender)
				return len(all) == 1 && all[0].Hash != routine.Hash
			})
			emergency := i.waiting(sender)[0]
			if emergency.Tip.ToInt().Cmp(routine.Tip.ToInt()) <= 0 {
				t.Errorf("the pause tips %s, the change %s", emergency.Tip, routine.Tip)
			}
			if shared && emergency.Nonce != routine.Nonce {
				t.Errorf("the pause has relayer nonce %d, not that of the change, %d", emergency.Nonce, routine.Nonce)
			}
			for range 3 { // blocks that take nothing from the pool
				before := i.waiting(sender)[0].Tip.ToInt()
				i.stack.Chain.AdvanceTime(12 * time.Second)
				i.eventually("the pause is raised", func() bool { all := i.waiting(sender); return len(all) == 1 && all[0].Tip.ToInt().Cmp(before) > 0 })
			}
			if !shared {
				if still := i.waiting(relayer); len(still) != 1 || still[0].Hash != routine.Hash {
					t.Errorf("the change was raised while the pause is open: %+v", still)
				}
			}
			if view := i.get(change.ID); !strings.Contains(strings.Join(view.Notes, " "), "makes room for the emergency "+pause.ID) && !shared {
				t.Errorf("the card of the change says %q", view.Notes)
			}
			i.stack.Chain.Resume()
			pause = i.reaches(pause.ID, governance.StateExecuted)
			i.reaches(change.ID, governance.StateSuperseded)
			if pause.Nonce != change.Nonce || !i.paused("usdc") {
				t.Errorf("the pause ended at nonce %d, paused %v", pause.Nonce, i.paused("usdc"))
			}
		})
	}
}
