package configs

import (
	"fmt"
	"strings"
	"testing"
)

// TestASocketIsASecretToo, whether it is written plainly, or comes from a file or a variable.
func TestASocketIsASecretToo(t *testing.T) {
	t.Setenv("BELAY_TEST_SOCKET", "wss://rpc.example.org/v2/SECRET")
	for name, extra := range map[string]string{
		"plain":    `ws_url: "wss://rpc.example.org/v2/SECRET"`,
		"file":     "ws_url_file: socket",
		"variable": "ws_url_env: BELAY_TEST_SOCKET",
	} {
		c, err := Load(write(t, map[string]string{"belay.yaml": strings.Replace(minimal, `8545"}`, `8545", `+extra+`}`, 1), "socket": "wss://rpc.example.org/v2/SECRET\n"}))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p := c.Chains[0].RPC[0]
		if p.WS.Reveal() != "wss://rpc.example.org/v2/SECRET" || p.URL.Reveal() != "http://127.0.0.1:8545" {
			t.Errorf("%s: it is %q", name, p.WS.Reveal())
		}
		if said := fmt.Sprintf("%v %+v %#v", p, p, c.Chains); strings.Contains(said, "SECRET") {
			t.Errorf("%s: printed as %s", name, said)
		}
	}
	if c := mustLoad(t, minimal); c.Chains[0].RPC[0].WS.IsSet() {
		t.Error("a socket that nobody gave")
	}
}
