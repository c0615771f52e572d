package configs

import (
	"strings"
	"testing"
)

// withChain puts lines into the minimal file's chain.
func withChain(lines string) string {
	return strings.Replace(minimal, "    rpc:", "    "+lines+"\n    rpc:", 1)
}

func TestPrivateEndpoints(t *testing.T) {
	c, err := load(t, withChain("private_rpc: [{name: protect, url: \"https://rpc.builder.example/fast\"}]\n    broadcast: private_first"))
	if err != nil {
		t.Fatal(err)
	}
	chain := c.Chains[0]
	if len(chain.PrivateRPC) != 1 || chain.PrivateRPC[0].Name != "protect" || chain.PrivateRPC[0].URL.Reveal() != "https://rpc.builder.example/fast" || chain.Broadcast != "private_first" {
		t.Errorf("read as %+v", chain)
	}
	for _, row := range []struct{ name, text, want string }{
		{"first to nobody", "broadcast: private_first", "chains[0].broadcast is private_first, and no private endpoint is configured"},
		{"without a url", "private_rpc: [{name: p}]", "chains[0].private_rpc[0] has no url"},
		{"plain http", "private_rpc: [{name: p, url: \"http://rpc.builder.example\"}]", "https"},
		{"the name of a provider", "private_rpc: [{name: own, url: \"https://p.example\"}]", "two endpoints are called own"},
		{"the url of a provider", "private_rpc: [{name: p, url: \"http://127.0.0.1:8545\"}]", "p and own have the same url"},
		{"twice the same", "private_rpc: [{name: p, url: \"https://p.example\"}, {name: p, url: \"https://q.example\"}]", "two endpoints are called p"},
		{"an unknown way", "broadcast: whisper", "\"whisper\" is not known"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := load(t, withChain(row.text))
			assertProblem(t, err, "belay.yaml:4:", row.want)
		})
	}
	c, err = load(t, withChain("private_rpc: [{name: p, url: \"https://p.example\"}]\n    broadcast: public"))
	if err != nil || len(c.Warnings) == 0 || !strings.Contains(c.Warnings[len(c.Warnings)-1].Error(), "nothing is sent to the private endpoints") {
		t.Errorf("a broadcast that leaves them out is not doubted: %v, %v", c, err)
	}
}

func TestGasCapAndLegacy(t *testing.T) {
	c, err := load(t, minimal)
	if err != nil || c.Chains[0].GasCap != 16_777_216 || c.Chains[0].Legacy {
		t.Fatalf("by default %+v, %v", c, err)
	}
	c, err = load(t, withChain("gas_cap: 32000000\n    legacy: true"))
	if err != nil || c.Chains[0].GasCap != 32_000_000 || !c.Chains[0].Legacy {
		t.Errorf("written %+v, %v", c, err)
	}
	for text, want := range map[string]string{"gas_cap: 21000": "chains[0].gas_cap", "gas_cap: lots": "chains[0].gas_cap", "legacy: perhaps": "chains[0].legacy"} {
		_, err := load(t, withChain(text))
		assertProblem(t, err, "belay.yaml:4:", want)
	}
}
