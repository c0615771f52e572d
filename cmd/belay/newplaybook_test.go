package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belay/configs"
)

const poolABI = `[
  {"type": "function", "name": "setReserveCap", "inputs": [{"name": "assetToken", "type": "address"}, {"name": "reason", "type": "uint256[]"}, {"name": "", "type": "tuple", "components": [{"name": "who", "type": "address"}, {"name": "ok", "type": "bool"}]}]},
  {"type": "function", "name": "freeze", "inputs": []},
  {"type": "function", "name": "freeze", "inputs": [{"name": "asset", "type": "address"}]}
]`

// inExample is the example's folder with its configuration, to write into.
func inExample(t *testing.T) (config string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "configs", "example"))); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "belay.yaml")
}

// TestANewPlaybookLoadsAndCompiles: what is written is a playbook, not a sketch of one.
func TestANewPlaybookLoadsAndCompiles(t *testing.T) {
	config := inExample(t)
	abi := inFile(t, []byte(poolABI))
	batch := filepath.Join("..", "..", "safe", "calldata", "testdata", "batch.json")
	plainBatch := inFile(t, []byte(`{"transactions":[{"to":"`+usdc+`","value":"0","data":null,"contractMethod":{"name":"freeze","inputs":[{"name":"who","type":"address"}]},"contractInputsValues":{"who":"`+usdc+`"}},
		{"to":"`+usdc+`","value":"0","data":"`+transfer+`"}]}`))
	for name, args := range map[string][]string{
		"set-reserve-cap": {"--abi", abi, "--function", "setReserveCap", "--to", usdc, "--kind", "parameter"},
		"freeze":          {"--abi", abi, "--function", "freeze(address)", "--to", usdc},
		"thaw":            {"--abi", abi, "--function", "freeze()", "--to", usdc, "--name", "thaw", "--kind", "unpause"},
		"both":            {"--batch", plainBatch, "--name", "both"},
	} {
		code, out, errs := belay(t, append([]string{"--config", config, "playbook", "new"}, args...)...)
		if code != exitDone || !strings.Contains(out, name+".yaml") {
			t.Fatalf("%s: exit %d %s %s", name, code, out, errs)
		}
	}
	cfg, err := configs.Load(config, configs.WithoutSecrets())
	if err != nil {
		t.Fatal(err)
	}
	books, failed := compilePlaybooks(cfg)
	if len(failed) > 0 {
		t.Fatalf("they do not compile: %v", failed)
	}
	for name, params := range map[string]string{"set-reserve-cap": "asset_token arg2 arg3", "freeze": "asset", "thaw": "", "both": ""} {
		pb := books[name]
		if pb == nil {
			t.Errorf("%s is not there", name)
			continue
		}
		var names []string
		for _, p := range pb.Params {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != params || pb.Safe != "guardian" {
			t.Errorf("%s takes %q, want %q; safe %s", name, got, params, pb.Safe)
		}
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"the same again":       {[]string{"--abi", abi, "--function", "freeze(address)", "--to", usdc}, "exists"},
		"which of them":        {[]string{"--abi", abi, "--function", "freeze", "--to", usdc}, "several of that name"},
		"none of them":         {[]string{"--abi", abi, "--function", "melt", "--to", usdc}, "it has setReserveCap(address,uint256[],(address,bool))"},
		"no target":            {[]string{"--abi", abi, "--function", "freeze()"}, "--to"},
		"a pause":              {[]string{"--abi", abi, "--function", "freeze()", "--to", usdc, "--kind", "pause"}, "A pause is earned"},
		"from nothing":         {nil, "say from what"},
		"value in a batch":     {[]string{"--batch", batch}, "sends value"},
		"a name that is none":  {[]string{"--abi", abi, "--function", "freeze()", "--to", usdc, "--name", "Freeze!"}, "--name"},
		"an ABI that is none":  {[]string{"--abi", batch, "--function", "freeze()", "--to", usdc}, "no such function"},
		"a batch that is none": {[]string{"--batch", abi}, "no JSON object"},
	} {
		if code, out, errs := belay(t, append([]string{"--config", config, "playbook", "new"}, c.args...)...); code != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d %s %s", name, code, out, errs)
		}
	}
	if code, out, _ := belay(t, "--config", config, "playbook", "new", "--abi", abi, "--function", "freeze()", "--to", usdc, "--out", "-"); code != exitDone || !strings.Contains(out, "kind: custom") {
		t.Errorf("to standard output: exit %d %s", code, out)
	}
}

func TestAPlaybookIsTriedWithoutProposingIt(t *testing.T) {
	i := newIncident(t)
	code, out, errs := belay(t, "--config", i.config, "playbook", "test", "pause-reserve", "asset=weth")
	if code != exitDone {
		t.Fatalf("exit %d %s %s", code, out, errs)
	}
	for _, want := range []string{"setReservePause(", "it works", "false → true", ": 1 slot of its storage changes", "Safe transaction hash: 0x", "Check words: ", "The card:", "DRAFT"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if code, out, _ := belay(t, "--config", i.config, "proposals"); code != exitDone || strings.Contains(out, "pause-reserve") {
		t.Errorf("something was proposed: %s", out)
	}
	for name, c := range map[string]struct {
		code int
		args []string
		want string
	}{
		"no such playbook": {exitUsage, []string{"melt"}, "there are pause-all, pause-reserve, set-ltv, unpause-reserve"},
		"a bad value":      {exitFailed, []string{"pause-reserve", "asset=doge"}, "what next"},
		"no value":         {exitUsage, []string{"pause-reserve", "asset"}, "name=value"},
		"out of bounds":    {exitFailed, []string{"set-ltv", "asset=usdc", "ltv_bps=1"}, "what next"},
	} {
		if code, _, errs := belay(t, append([]string{"--config", i.config, "playbook", "test"}, c.args...)...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d %s", name, code, errs)
		}
	}
}
