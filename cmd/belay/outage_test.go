package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"belay/governance"
)

// secondProvider puts another provider of the same chain into the configuration, so that two must agree, and gives what
// takes it off the network.
func (i *incident) secondProvider() *atomic.Bool {
	i.t.Helper()
	chain, err := url.Parse(i.stack.Chain.URL())
	if err != nil {
		i.t.Fatal(err)
	}
	down := &atomic.Bool{}
	proxy := httputil.NewSingleHostReverseProxy(chain)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler) // the connection is closed without an answer
		}
		proxy.ServeHTTP(w, r)
	}))
	i.t.Cleanup(server.Close)
	text, err := os.ReadFile(i.config)
	if err != nil {
		i.t.Fatal(err)
	}
	first := fmt.Sprintf("      - {name: devnet, url: %q}\n", i.stack.Chain.URL())
	both := first + fmt.Sprintf("      - {name: second, url: %q}\n", server.URL)
	if err := os.WriteFile(i.config, []byte(strings.Replace(string(text), first, both, 1)), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return down
}

// TestAProvenPauseIsSentWhileAProviderIsGone: and what cannot be served is answered with 503. monitorism's op-defender answered 200 to
// everything.
func TestAProvenPauseIsSentWhileAProviderIsGone(t *testing.T) {
	i := newIncident(t)
	i.halt()
	down := i.secondProvider()
	i.start()
	i.eventually("two providers agree on a pause", func() bool {
		return i.do(http.MethodPost, "/api/v1/proposals", map[string]any{"member": "alice", "playbook": "pause-reserve", "params": map[string]string{"asset": "usdc"}}, nil) < 300
	})
	down.Store(true)
	if code := i.do(http.MethodPost, "/api/v1/proposals", map[string]any{"member": "alice", "playbook": "set-ltv", "params": map[string]string{"asset": "weth", "ltv_bps": "7000"}, "reason": "drill"}, nil); code != http.StatusServiceUnavailable {
		t.Errorf("a parameter change without agreement got %d, want 503", code)
	}
	i.quorum(i.get("P-1"))
	i.eventually("the market is paused", func() bool { return i.paused("usdc") })
	if v := i.get("P-1"); v.State != governance.StateApproved {
		t.Errorf("it is %s, although nothing that the chain says is agreed", v.State)
	}
	down.Store(false)
	i.reaches("P-1", governance.StateExecuted)
}

func TestASpareIsKnownByItsSignature(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	spare := v.SafeTxs[1]
	sig := i.signature(spare.SafeTxHash, i.stack.Owners[0])
	var answer governance.View
	if code := i.do(http.MethodPost, "/api/v1/proposals/"+v.ID+"/signatures", map[string]any{"signature": sig}, &answer); code != http.StatusCreated {
		t.Fatalf("a spare's signature without its hash got %d", code)
	}
	if len(answer.SafeTxs[1].Confirmations) != 1 || len(answer.Confirmations) != 0 {
		t.Errorf("confirmations of the spare %v, of the active one %v", answer.SafeTxs[1].Confirmations, answer.Confirmations)
	}
	var problem struct{ Code string }
	code := i.do(http.MethodPost, "/api/v1/proposals/"+v.ID+"/signatures", map[string]any{"signature": i.signature("0x"+strings.Repeat("ab", 32), i.stack.Owners[0]), "owner": v.Owners[0]}, &problem)
	if code != http.StatusUnprocessableEntity || problem.Code != "wrong_hash" {
		t.Errorf("an owner's signature over another text got %d %s", code, problem.Code)
	}
}
