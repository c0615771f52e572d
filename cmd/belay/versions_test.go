package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe/devnet"
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
			for _, code := range []string{"replayable", "nonce_burns"} {
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
