package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/safe/calldata"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// TestEverySafePauses takes a pause through a guardian of each version: signatures and sending differ, the story does not.
func TestEverySafePauses(t *testing.T) {
	for _, release := range devnet.Releases() {
		t.Run(release.Version, func(t *testing.T) {
			i := newIncidentOf(t, devnet.StackConfig{MinDelay: time.Minute, SafeVersion: release.Version})
			v := i.propose("pause-all", nil)
			if v.Simulation == nil || !v.Simulation.OK {
				t.Fatalf("simulation %+v", v.Simulation)
			}
			old := strings.Compare(release.Version, "1.3") < 0
			for _, code := range []string{"replayable_on", "nonce_burns"} {
				if told := hasDanger(v, code); told != old {
					t.Errorf("danger %s told %t, want %t", code, told, old)
				}
			}
			i.quorum(v)
			v = i.reaches(v.ID, governance.StateExecuted)
			if !i.paused("usdc") || !i.paused("weth") || v.Execution == nil {
				t.Errorf("paused usdc %t, weth %t, execution %+v", i.paused("usdc"), i.paused("weth"), v.Execution)
			}
			refused := map[string]any{"member": "alice", "playbook": "pause-reserve", "params": map[string]string{"asset": "usdc"}, "reason": "again"}
			var answer map[string]any
			if code := i.do(http.MethodPost, "/api/v1/proposals", refused, &answer); code != http.StatusUnprocessableEntity {
				t.Errorf("a pause of what is paused got %d %v", code, answer)
			}
		})
	}
}

func hasDanger(v governance.View, code string) bool {
	for _, d := range v.Dangers {
		if d.Code == code {
			return true
		}
	}
	return false
}

// TestAPauseOutlivesAnUpgradeOfItsSafe from 1.1.1 to 1.3.0, in place: what an owner signed by the old hash rule is dead, its spare
// too, and the pause is asked again by the new one.
func TestAPauseOutlivesAnUpgradeOfItsSafe(t *testing.T) {
	i := newIncidentOf(t, devnet.StackConfig{MinDelay: time.Minute, SafeVersion: "1.1.1"})
	v := i.propose("pause-all", nil)
	for _, tx := range v.SafeTxs {
		if code, answer := i.sign(v, tx.SafeTxHash, i.stack.Owners[0]); code != http.StatusCreated {
			t.Fatalf("sign: %d %s", code, answer)
		}
	}
	i.upgrade(safe.V1_1_1, "1.3.0")
	i.eventually("it is asked again", func() bool {
		return i.get(v.ID).Safe.Version == "1.3.0" && i.get(v.ID).State == governance.StateProposed
	})
	i.eventually("by the new rule", func() bool { return i.get(v.ID).SafeTxHash != v.SafeTxHash && len(i.get(v.ID).Confirmations) == 0 })
	again := i.get(v.ID)
	if again.Nonce != 1 || again.SafeTx.SafeTxGas != "0" {
		t.Errorf("asked again at nonce %d with safeTxGas %s", again.Nonce, again.SafeTx.SafeTxGas)
	}
	i.quorum(again)
	i.reaches(v.ID, governance.StateExecuted)
	if !i.paused("usdc") || !i.paused("weth") {
		t.Error("the market is not paused")
	}
}

// upgrade has the guardian's owners replace its code, as a protocol does that keeps its Safe's address.
func (i *incident) upgrade(old safe.Version, version string) {
	i.t.Helper()
	ctx := i.t.Context()
	owner := crypto.PubkeyToAddress(i.stack.Owners[0].PublicKey)
	if _, err := i.stack.Chain.DeploySafe(ctx, devnet.SafeConfig{Version: version, Owners: []common.Address{owner}, Threshold: 1}); err != nil { // brings the implementation
		i.t.Fatal(err)
	}
	release, err := devnet.Release(version)
	if err != nil {
		i.t.Fatal(err)
	}
	data, err := calldata.MustParseFunction("changeMasterCopy(address masterCopy)").Pack(release.Singleton)
	if err != nil {
		i.t.Fatal(err)
	}
	tx := safe.Tx{To: i.stack.Guardian, Data: data}
	hash := safe.Hash(safe.Domain{ChainID: i.stack.Chain.ChainID().Uint64(), Safe: i.stack.Guardian, Version: old}, tx).SafeTx
	owners := []common.Address{owner, crypto.PubkeyToAddress(i.stack.Owners[1].PublicKey)}
	var yes []safe.Confirmation
	for _, key := range i.stack.Owners[:2] {
		c, err := safe.Confirm(hash, hexutil.MustDecode(i.signature(hash.Hex(), key)), owners)
		if err != nil {
			i.t.Fatal(err)
		}
		yes = append(yes, c)
	}
	blob, err := safe.Pack(yes, len(yes))
	if err != nil {
		i.t.Fatal(err)
	}
	if _, err := i.stack.Chain.Send(ctx, devnet.Key(15), &i.stack.Guardian, nil, safe.EncodeExec(tx, blob)); err != nil {
		i.t.Fatal(err)
	}
}
