package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"belay/safe"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
)

func TestTheFrontChangesNothingButItsTwoThings(t *testing.T) {
	const policy = "default-src 'none'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'"
	belay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/api/v1/proposals/P-1" {
			w.Header().Set("Content-Type", "application/json")
		}
		_, _ = io.WriteString(w, "<html><head><title>x</title></head></html>")
	}))
	t.Cleanup(belay.Close)
	f, err := openFront(&wallet{changed: make(chan struct{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	f.framedBy("http://127.0.0.1:9")
	f.serve(belay.URL)

	page, body := fetch(t, f.url()+"/")
	if got := page.Header.Get("Content-Security-Policy"); got != strings.Replace(policy, "frame-ancestors 'none'", "frame-ancestors http://127.0.0.1:9", 1) {
		t.Errorf("the policy became %q", got)
	}
	if body != `<html><head><script src="/.demo/wallet.js"></script><title>x</title></head></html>` {
		t.Errorf("the page became %s", body)
	}
	if api, body := fetch(t, f.url()+"/api/v1/proposals/P-1"); api.Header.Get("Content-Security-Policy") != policy || strings.Contains(body, "wallet.js") {
		t.Errorf("an answer that is no page became %s with %q", body, api.Header)
	}
	if wrong, _ := fetch(t, strings.Replace(f.url(), "127.0.0.1", "localhost", 1)+"/"); wrong.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another name for this address got %d", wrong.StatusCode)
	}
	belay.Close()
	if down, body := fetch(t, f.url()+"/"); down.StatusCode != http.StatusBadGateway || !strings.Contains(body, "Belay is down") {
		t.Errorf("without Belay: %d %s", down.StatusCode, body)
	}
}

func fetch(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url) //nolint:gosec // our own address
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestTheAttackerPutsATakeoverInPlaceOfTheCall(t *testing.T) {
	const guardian = "0xa9e71E6a9a57Bae84d39Ad36AC572f359D74Cc4e"
	const told = `{"safe":{"address":"` + guardian + `","version":"1.4.1","chain_id":31337},"safe_tx_hash":"0x01","safe_tx":{"to":"0x02","data":"0x03","operation":1,"nonce":7},
		"safe_txs":[{"safe_tx_hash":"0x01","safe_tx":{"to":"0x02","data":"0x03","operation":1,"nonce":7}},{"safe_tx_hash":"0x04","safe_tx":{"to":"0x02","data":"0x03","operation":1,"nonce":8}}]}`
	evil, err := takeover()
	if err != nil {
		t.Skipf("NO CONTRACTS: tampering is NOT tested. %v", err)
	}
	hash := safe.Hash(safe.Domain{ChainID: 31337, Safe: common.HexToAddress(guardian), Version: safe.Version{Major: 1, Minor: 4, Patch: 1}},
		safe.Tx{To: common.HexToAddress(guardian), Data: evil, Nonce: 8}).SafeTx.Hex()
	for how, want := range map[tampering]string{swapCall: "0x04", swapHashes: hash} {
		out, err := falsify([]byte(told), how)
		if err != nil {
			t.Fatal(err)
		}
		var p struct {
			SafeTx  struct{ To string } `json:"safe_tx"`
			SafeTxs []struct {
				Hash   string `json:"safe_tx_hash"`
				SafeTx struct {
					To   string
					Data string
				} `json:"safe_tx"`
			} `json:"safe_txs"`
		}
		if err := json.Unmarshal(out, &p); err != nil {
			t.Fatal(err)
		}
		if p.SafeTx.To != guardian || p.SafeTxs[1].SafeTx.To != guardian || p.SafeTxs[1].Hash != want {
			t.Errorf("%s gives %s", how, out)
		}
	}
	if _, err := falsify([]byte(`{"proposals":[]}`), swapCall); err == nil {
		t.Error("a list was taken for a proposal")
	}
}

func TestTheWalletSignsOnlyWhatItsOwnerConfirms(t *testing.T) {
	chain, err := devnet.Start(devnet.Config{Manual: true})
	if err != nil {
		t.Skipf("NO CHAIN: the wallet is NOT tested. %v", err)
	}
	t.Cleanup(func() { _ = chain.Close() })
	w := newWallet(&devnet.Stack{Chain: chain, Owners: owners()})
	document := func(chainID string) []json.RawMessage {
		text := `{"types":{"EIP712Domain":[{"name":"chainId","type":"uint256"}],"Hello":[{"name":"to","type":"string"}]},"primaryType":"Hello","domain":{"chainId":` + chainID + `},"message":{"to":"you"}}`
		return []json.RawMessage{json.RawMessage(`"` + devnet.Address(1).Hex() + `"`), json.RawMessage(encode(text))}
	}
	for _, tt := range []struct {
		name   string
		params []json.RawMessage
		decide func(*ask)
		code   int
	}{
		{"signed when the owner says yes", document("31337"), func(a *ask) { w.decide(a.Number, true) }, 0},
		{"refused when the owner declines", document("31337"), func(a *ask) { w.decide(a.Number, false) }, 4001},
		{"refused when the phone goes to another", document("31337"), func(*ask) { w.use("bob"); w.use("alice") }, 4001},
		{"refused for another chain", document("1"), nil, -32603},
		{"refused for an account that is not in use", append([]json.RawMessage{json.RawMessage(`"` + devnet.Address(2).Hex() + `"`)}, document("31337")[1]), nil, 4100},
		{"refused when it cannot be read", []json.RawMessage{json.RawMessage(`"0x"`)}, nil, -32602},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			type answer struct {
				result  any
				refused *walletError
			}
			answers := make(chan answer, 1)
			go func() {
				result, refused := w.handle(ctx, "here", "eth_signTypedData_v4", tt.params)
				answers <- answer{result, refused}
			}()
			if tt.decide != nil {
				var open *ask
				eventually(t, "the wallet asks", func() bool { _, open, _ = w.present(); return open != nil })
				tt.decide(open)
			}
			a := <-answers
			if code := codeOf(a.refused); code != tt.code {
				t.Errorf("code %d, want %d (%v)", code, tt.code, a.refused)
			}
			if signature, _ := a.result.(string); tt.code == 0 && len(signature) != 132 {
				t.Errorf("signature %q", signature)
			}
		})
	}
	if _, open, asked := w.present(); open != nil || asked != 3 {
		t.Errorf("still asking %v; asked %d times, want 3", open, asked)
	}
}

func codeOf(e *walletError) int {
	if e == nil {
		return 0
	}
	return e.Code
}

func TestTheDemoLeavesNothingBehind(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, lines := io.Pipe()
	code := make(chan int, 1)
	program := belayProgram(t)
	go func() {
		code <- run(ctx, []string{"--belay", program}, lines, lines)
		_ = lines.Close()
	}()
	address := make(chan string, 1)
	go func() {
		text := ""
		for buffer := make([]byte, 512); ; {
			n, err := out.Read(buffer)
			text += string(buffer[:n])
			if _, rest, found := strings.Cut(text, "Open "); found && strings.Contains(rest, "\n") {
				at, _, _ := strings.Cut(rest, "\n")
				select {
				case address <- at:
				default:
				}
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case at := <-address:
		if page, body := fetch(t, at); page.StatusCode != http.StatusOK || !strings.Contains(body, "What the chain says") {
			t.Errorf("the screen answers %d %s", page.StatusCode, body)
		}
		cancel()
		if got := <-code; got != exitDone {
			t.Errorf("exit %d", got)
		}
		if _, err := http.Get(at); err == nil { //nolint:gosec // our own address
			t.Error("the screen still answers")
		}
	case got := <-code:
		t.Fatalf("exit %d", got)
	case <-time.After(patience):
		t.Fatal("no address was printed")
	}
	cancel()
}
