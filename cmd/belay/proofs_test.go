package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// withoutProofs puts a provider in the place of each that serves all but eth_getProof.
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
	i.rewriteLike(`(\{name: devnet, )url: "[^"]*"`, fmt.Sprintf("${1}ws_url: %q, url: %q", i.stack.Chain.WSURL(), server.URL+"/1"))
	i.rewriteLike(`(\{name: second, )url: "[^"]*"`, fmt.Sprintf("${1}url: %q", server.URL+"/2"))
}

// rewriteLike replaces what a pattern finds in the configuration.
func (i *incident) rewriteLike(pattern, fresh string) {
	i.t.Helper()
	text, err := os.ReadFile(i.config)
	re := regexp.MustCompile(pattern)
	if err != nil || !re.Match(text) {
		i.t.Fatalf("nothing like %s in the configuration, %v", pattern, err)
	}
	if err := os.WriteFile(i.config, re.ReplaceAll(text, []byte(fresh)), 0o600); err != nil {
		i.t.Fatal(err)
	}
}

// TestCheckSaysWhetherReadingsAreProven, and an incident is gone through either way, also where new heads are pushed.
func TestCheckSaysWhetherReadingsAreProven(t *testing.T) {
	i := newIncident(t)
	if code, out, errs := belay(t, "--config", i.config, "check"); code != exitDone || !strings.Contains(out, "not proven: with one provider") || !strings.Contains(out, ", not proven, ") {
		t.Errorf("check ended with %d: %s %s", code, out, errs)
	}
	i.halt()
	i.secondProvider()
	i.start()
	if code, out, errs := belay(t, "--config", i.config, "check"); code != exitDone || !strings.Contains(out, "proven: eth_getProof is served by devnet, second") || !strings.Contains(out, ", proven, ") {
		t.Errorf("check ended with %d: %s %s", code, out, errs)
	}
	i.halt()
	i.withoutProofs()
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
