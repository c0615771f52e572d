package chain

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"belay/safe"
)

func TestAProviderIsAskedForItsChain(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	id, err := AskChainID(testContext(t), Provider{Name: "rpc1", URL: s.Chain.URL()})
	if err != nil || id != s.Chain.ChainID().Uint64() {
		t.Errorf("it is on %d, %v", id, err)
	}
}

// TestWhatIsNoProviderIsToldWithoutItsURL: URLs hold keys.
func TestWhatIsNoProviderIsToldWithoutItsURL(t *testing.T) {
	answers := map[string]string{
		"":    "answered nothing",
		"<p>": "web page",
		`{"jsonrpc":"2.0","id":1,"result":"0x0"}`:                             "no chain",
		`{"jsonrpc":"2.0","id":1,"result":"mainnet"}`:                         "wrong type",
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no key"}}`: "no key",
	}
	for body, want := range answers {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !json.Valid([]byte(body)) {
				w.Header().Set("Content-Type", "text/html")
			}
			_, _ = io.WriteString(w, body)
		}))
		_, err := AskChainID(testContext(t), Provider{Name: "rpc1", URL: server.URL + "/v2/secretsecret"})
		server.Close()
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "rpc1") || strings.Contains(err.Error(), "secretsecret") {
			t.Errorf("%q is answered by %v, want %q", body, err, want)
		}
	}
	if _, err := AskChainID(testContext(t), Provider{Name: "rpc1", URL: "ftp://secretsecret"}); err == nil || strings.Contains(err.Error(), "secretsecret") {
		t.Errorf("ftp: %v", err)
	}
}
