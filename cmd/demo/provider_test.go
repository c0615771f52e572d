package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe/devnet"
)

// rpc asks a provider and gives status and body.
func rpc(t *testing.T, p *provider, body string) (int, string) {
	t.Helper()
	response, err := http.Post(p.url(), "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestAProviderLiesOnlyWhenToldTo(t *testing.T) {
	chain, err := devnet.Start(devnet.Config{Manual: true})
	if err != nil {
		t.Skipf("NO CHAIN: providers are NOT tested. %v", err)
	}
	t.Cleanup(func() { _ = chain.Close() })
	chain.AdvanceTime(time.Second) // block 2
	p, err := openProvider("gamma", chain.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	const balance = `{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x0000000000000000000000000000000000000001","latest"]}`
	rich := strings.Replace(balance, "0x0000000000000000000000000000000000000001", devnet.Address(3).Hex(), 1)
	height := `{"jsonrpc":"2.0","id":2,"method":"eth_blockNumber","params":[]}`
	for _, tt := range []struct {
		name   string
		manner honesty
		head   uint64 // when it becomes so
		ask    string
		status int
		result string
	}{
		{"honest, it passes on what the chain says", honest, 2, rich, 200, `"0x21e19e0c9bab2400000"`},
		{"lying, an account has nothing", lying, 2, rich, 200, `"0x0"`},
		{"lying, it still knows the height, or it would be found out at once", lying, 2, height, 200, `"0x2"`},
		{"lying, it thanks for a transaction that it throws away", lying, 2, `{"jsonrpc":"2.0","id":3,"method":"eth_sendRawTransaction","params":["0x00"]}`, 200, `"0xbc36789e7a1e281436464229828f817d6612f7b477d66591ff96a9e064bcc98a"`},
		{"stuck, it stands at an old block", stuck, 61, height, 200, `"0x1"`},
		{"dead, it answers nothing", dead, 2, height, 503, ``},
		{"in a batch, each question is answered", lying, 2, "[" + rich + "," + height + "]", 200, `"0x0"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p.become(tt.manner, tt.head)
			status, body := rpc(t, p, tt.ask)
			if status != tt.status || !strings.Contains(body, `"result":`+tt.result) && tt.result != "" {
				t.Errorf("%d %s, want %d with %s", status, body, tt.status, tt.result)
			}
		})
	}
	if status, _ := rpc(t, p, `[`); status != http.StatusBadGateway {
		t.Errorf("nonsense got %d", status)
	}
}

func TestWhatALiarMakesOfAnAnswer(t *testing.T) {
	for _, tt := range []struct{ name, method, result, want string }{
		{"a paused reserve is open", "eth_call", `"0x0000000000000000000000000000000000000000000000000000000000000001"`, `"0x0000000000000000000000000000000000000000000000000000000000000000"`},
		{"nothing stays nothing", "eth_call", `"0x"`, ``},
		{"events never happened", "eth_getLogs", `[{"address":"0x1"}]`, `[]`},
		{"a transaction failed", "eth_getTransactionReceipt", `{"status":"0x1"}`, `{"status":"0x0"}`},
		{"a receipt that is not there stays so", "eth_getTransactionReceipt", `null`, ``},
		{"the chain's id is told as it is", "eth_chainId", `"0x7a69"`, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(falsified(tt.method, json.RawMessage(tt.result))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAPauseWorksWhateverOneProviderSays(t *testing.T) {
	s := newStage(t, 20*time.Second)
	p := &play{timeline: newTimeline(io.Discard), stage: s, id: map[string]string{}, told: map[string]string{}}
	for i, tt := range []struct {
		manner honesty
		asset  string
	}{{lying, "usdc"}, {stuck, "weth"}, {dead, "wbtc"}} {
		s.liar().become(tt.manner, s.ledger.present().Number)
		if err := p.types(t.Context(), "/pause", tt.asset); err != nil {
			t.Fatal(err)
		}
		var v governance.View
		eventually(t, "the proposal is there", func() bool {
			all, err := s.api.proposals(t.Context())
			if err == nil && len(all) == i+1 {
				v = all[0]
			}
			return v.ID != ""
		})
		for _, who := range []string{"alice", "carol"} {
			if err := p.sign(t.Context(), v, who); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.await(t.Context(), v.ID, "executed", isExecuted); err != nil {
			t.Fatalf("%s: %v", tt.manner, err)
		}
		if !s.ledger.present().reserve(tt.asset).Paused {
			t.Errorf("%s: Belay says executed, the chain does not say paused", tt.manner)
		}
	}
	if n := s.ledger.present().Nonce; n != 3 {
		t.Errorf("the Safe is at nonce %d after three pauses", n)
	}
}
