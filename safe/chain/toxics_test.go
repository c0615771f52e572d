package chain

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/rs/zerolog"

	"belay/safe"
)

// toxics are what can happen to a connection on its way, as toxiproxy knows it: towards us, unless it says otherwise.
var toxics = []struct{ name, json string }{
	{"latency", `{"type":"latency","attributes":{"latency":120,"jitter":60}}`},
	{"latency beyond patience", `{"type":"latency","attributes":{"latency":3000}}`},
	{"timeout", `{"type":"timeout","attributes":{"timeout":0}}`},
	{"timeout of what is asked", `{"type":"timeout","stream":"upstream","attributes":{"timeout":100}}`},
	{"reset_peer", `{"type":"reset_peer","attributes":{"timeout":0}}`},
	{"limit_data", `{"type":"limit_data","attributes":{"bytes":300}}`},
	{"bandwidth", `{"type":"bandwidth","attributes":{"rate":1}}`},
	{"slow_close", `{"type":"slow_close","attributes":{"delay":300}}`},
}

// toxicsLeave are the goroutines that toxiproxy leaves behind where a toxic holds bytes while its proxy ends.
var toxicsLeave = []string{"github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run", "github.com/Shopify/toxiproxy/v2.(*ToxicLink).read", "github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"}

// TestConnectionsThatFail: with any of them between us and one provider, reading and sending go on; between us and more, nothing wrong is
// read, and bytes still go out by whoever is left.
func TestConnectionsThatFail(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	raw := s.signedPause()
	for _, toxic := range toxics {
		for hit := 1; hit <= 3; hit++ {
			t.Run(fmt.Sprintf("%s at %d of 3", toxic.name, hit), func(t *testing.T) {
				ctx := testContext(t)
				c, proxies := behindProxies(t, s.Chain.URL())
				head, _, err := c.Head(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range proxies[:hit] {
					if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic.json)); err != nil {
						t.Fatal(err)
					}
				}
				state, err := c.StateAt(ctx, head, s.Guardian)
				switch {
				case err != nil && hit == 1:
					t.Errorf("two good connections are enough: %v", err)
				case err == nil && (state.Threshold != 2 || state.Nonce != 0 || !slices.Equal(state.Owners, s.ownerAddresses())):
					t.Errorf("read %+v", state)
				}
				err = c.Broadcast(ctx, raw)
				if err != nil && hit < 3 {
					t.Errorf("one good connection is enough: %v", err)
				}
				if n := s.Chain.PendingCount(); err == nil && n != 1 {
					t.Errorf("it was accepted, and %d transactions wait", n)
				}
				c.Close() // before the pool is emptied: what is on its way arrives or not
				s.Chain.DropPending()
			})
		}
	}
}

// signedPause is a transaction that any pool takes.
func (s *stack) signedPause() []byte {
	s.t.Helper()
	tx := s.tx(0, s.pause("usdc"))
	order := safe.Order{ChainID: 31337, To: s.Guardian, Data: safe.EncodeExec(tx, s.sign(tx, s.Owners[0], s.Owners[1])), Gas: 300_000}
	order.TipCap.SetUint64(1e9)
	order.FeeCap.SetUint64(100e9)
	raw, _, err := NewSigner(31337, s.Relayer, Policy{Safes: []common.Address{s.Guardian}}).Sign(order)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

// behindProxies connects a client to a chain by three proxies.
func behindProxies(t *testing.T, url string) (*Client, []*toxiproxy.Proxy) {
	t.Helper()
	quiet := zerolog.Nop()
	server := &toxiproxy.ApiServer{Metrics: toxiproxy.NewMetricsContainer(nil), Logger: &quiet}
	cfg := Config{Name: "testnet", ChainID: 31337, Timeout: time.Second}
	var proxies []*toxiproxy.Proxy
	for _, name := range providerNames[:3] {
		p := toxiproxy.NewProxy(server, name, "127.0.0.1:0", strings.TrimPrefix(url, "http://"))
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
		proxies = append(proxies, p)
		cfg.Providers = append(cfg.Providers, Provider{Name: name, URL: "http://" + p.Listen})
	}
	c := must[*Client](t)(Dial(testContext(t), cfg))
	t.Cleanup(c.Close)
	return c, proxies
}
