package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// withoutProofs puts a provider in the place of the chain that serves all but eth_getProof.
func (i *incident) withoutProofs() {
	i.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(`"eth_getProof"`)) {
			var asked []struct{ ID json.RawMessage }
			_ = json.Unmarshal(body, &asked)
			var refused []map[string]any
			for _, a := range asked {
				refused = append(refused, map[string]any{"jsonrpc": "2.0", "id": a.ID, "error": map[string]any{"code": -32601, "message": "the method eth_getProof does not exist/is not available"}})
			}
			_ = json.NewEncoder(w).Encode(refused)
			return
		}
		answer, err := http.Post(i.stack.Chain.URL(), "application/json", bytes.NewReader(body)) //nolint:gosec,noctx // a test's own chain
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(w, answer.Body)
	}))
	i.t.Cleanup(server.Close)
	i.rewrite(fmt.Sprintf("{name: devnet, url: %q}", i.stack.Chain.URL()), fmt.Sprintf("{name: devnet, url: %q}", server.URL))
}

func (i *incident) rewrite(old, fresh string) {
	i.t.Helper()
	text, err := os.ReadFile(i.config)
	if err != nil || !strings.Contains(string(text), old) {
		i.t.Fatalf("no %q in the configuration, %v", old, err)
	}
	if err := os.WriteFile(i.config, []byte(strings.Replace(string(text), old, fresh, 1)), 0o600); err != nil {
		i.t.Fatal(err)
	}
}

// TestCheckSaysWhetherReadingsAreProven, and an incident is gone through either way, also where new heads are pushed.
func TestCheckSaysWhetherReadingsAreProven(t *testing.T) {
	i := newIncident(t)
	if code, out, errs := belay(t, "--config", i.config, "check"); code != exitDone || !strings.Contains(out, "proven: devnet serves eth_getProof") || !strings.Contains(out, ", proven, ") {
		t.Errorf("check ended with %d: %s %s", code, out, errs)
	}
	i.halt()
	i.withoutProofs()
	i.rewrite("{name: devnet, ", fmt.Sprintf("{name: devnet, ws_url: %q, ", i.stack.Chain.WSURL()))
	i.start()
	code, out, errs := belay(t, "--config", i.config, "check")
	if code != exitDone || !strings.Contains(out, "not proven: nobody serves eth_getProof") || !strings.Contains(out, ", not proven, ") {
		t.Errorf("check ended with %d: %s %s", code, out, errs)
	}
	if strings.Contains(out, i.stack.Chain.WSURL()) {
		t.Error("check prints a provider's URL")
	}
	v := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	i.quorum(v)
	i.eventually("the market is paused", func() bool { return i.paused("usdc") })
}
