package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belay/configs"
	"belay/governance"
	"belay/safe/calldata"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// belay runs one command and gives its exit code and streams.
func belay(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

func TestHashPrintsThePublishedHashes(t *testing.T) {
	// pcaversaccio/safe-tx-hashes-util and Safe's own tests agree on this one; see safe/testdata for more.
	code, out, errs := belay(t, "hash", "--json", "--chain-id", "1", "--safe", "0x1c694Fc3006D81ff4a56F97E1b99529066a23725", "--safe-version", "1.3.0+L2",
		"--to", "0x1c694Fc3006D81ff4a56F97E1b99529066a23725", "--nonce", "0")
	var h map[string]string
	if code != exitDone || json.Unmarshal([]byte(out), &h) != nil || len(h["domain_hash"]) != 66 || len(h["message_hash"]) != 66 || len(h["safe_tx_hash"]) != 66 {
		t.Errorf("exit %d, %s %s", code, out, errs)
	}
}

func TestWrongUsageExitsWith2AndSaysWhatToGive(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no such command":    {[]string{"pauze"}, "there is no command \"belay pauze\"\n  what next: `belay --help`"},
		"a word of the chat": {[]string{"status", "P-1"}, "what next: `belay proposals` or `belay show`; "},
		"a slip":             {[]string{"porposals"}, "what next: `belay proposals`; "},
		"a slip further in":  {[]string{"log", "verfy"}, "there is no command \"belay log verfy\"\n  what next: `belay log verify`; "},
		"no such flag":       {[]string{"hash", "--chain", "1"}, "--chain"},
		"a missing field":    {[]string{"hash", "--chain-id", "1"}, "--safe is missing"},
		"a wrong checksum":   {[]string{"hash", "--chain-id", "1", "--safe", "0x1C694Fc3006D81ff4a56F97E1b99529066a23725", "--to", "0x1c694Fc3006D81ff4a56F97E1b99529066a23725", "--nonce", "1"}, "checksum"},
		"no configuration":   {[]string{"--config", "nowhere.yaml", "check"}, "nowhere.yaml"},
		"no id":              {[]string{"show"}, "arg"},
		"execute for real":   {[]string{"execute", "P-1"}, "--print"},
		"an unknown format":  {[]string{"--config", "nowhere.yaml", "--log-format", "xml", "serve"}, "nowhere.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, _, errs := belay(t, c.args...); code != exitUsage || !strings.Contains(errs, c.says) {
				t.Errorf("exit %d: %s; want %q", code, errs, c.says)
			}
		})
	}
}

func TestATypoInTheConfigurationNamesFileAndLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "belay.yaml")
	if err := os.WriteFile(file, []byte("http: {listen: 127.0.0.1:8080}\nsaves: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := belay(t, "--config", file, "serve")
	if code != exitUsage || !strings.Contains(errs, file+":2:") || !strings.Contains(errs, "saves") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestRecordsCanBeReadFromAStoppedStoreAndSentByAnyone(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	if code, _ := i.sign(v, v.SafeTxHash, i.stack.Owners[0]); code != 201 {
		t.Fatal("sign")
	}
	dir := t.TempDir()
	if code, out, errs := belay(t, "--config", i.config, "show", "P-1", "--hashes"); code != exitDone || !strings.Contains(out, "Safe transaction hash: "+v.SafeTxHash) || !strings.Contains(out, "Multisig address: "+i.stack.Guardian.Hex()) {
		t.Errorf("show --hashes: exit %d %s %s", code, out, errs)
	}
	_, shown, _ := belay(t, "--config", i.config, "show", "P-1")
	if at := strings.Index(shown, "Open "); at < 0 || !i.opens(strings.Fields(shown[at:])[1]) {
		t.Errorf("the link that show prints does not open:\n%s", shown)
	}
	_, out, errs := belay(t, "--config", i.config, "show", "P-1", "--batch")
	batch, err := calldata.ReadBatchFile([]byte(out))
	if err != nil || batch.Checksum != calldata.ChecksumRight || batch.Safe != i.stack.Guardian || len(batch.Calls) != 1 || batch.Functions[0].Name != "setReservePause" {
		t.Errorf("show --batch: %+v %v %s", batch, err, errs)
	}
	for _, args := range [][]string{{"proposals"}, {"nonces"}, {"show", "P-1"}, {"backup", filepath.Join(dir, "running.db")}, {"log", "head"}, {"log", "export"}, {"log", "verify"},
		{"propose", "pause-reserve", "asset=weth", "--reason", "chat is down"}} {
		if code, out, errs := belay(t, append([]string{"--config", i.config}, args...)...); code != exitDone || out == "" || strings.Contains(out, "not running") {
			t.Errorf("%v on the running program: exit %d %s %s", args, code, out, errs)
		}
	}
	if code, _, errs := belay(t, "--config", i.config, "backup", filepath.Join(dir, "running.db")); code != exitFailed || !strings.Contains(errs, "exists") {
		t.Errorf("a backup over another: exit %d %s", code, errs)
	}
	if code, _, errs := belay(t, "--config", i.config, "serve"); code == exitDone || !strings.Contains(errs, "another process holds the store") {
		t.Errorf("a second start: exit %d %s", code, errs)
	}
	i.stack.Chain.Pause() // nothing is mined: the quorum is proven, and the program stops before it is executed
	if code, _ := i.sign(v, v.SafeTxHash, i.stack.Owners[1]); code != 201 {
		t.Fatal("sign")
	}
	i.reaches("P-1", governance.StateApproved)
	i.halt()
	i.stack.Chain.DropPending()
	i.stack.Chain.Resume()

	code, out, errs := belay(t, "--config", i.config, "--json", "execute", "P-1", "--print")
	var ready struct{ To, Data, Cast string }
	if code != exitDone || json.Unmarshal([]byte(out), &ready) != nil || !strings.HasPrefix(ready.Cast, "cast send") {
		t.Fatalf("execute --print: exit %d %s %s", code, out, errs)
	}
	to := common.HexToAddress(ready.To)
	if _, err := i.stack.Chain.Send(t.Context(), devnet.Key(15), &to, nil, hexutil.MustDecode(ready.Data)); err != nil {
		t.Fatalf("the printed transaction does not work: %v", err)
	}
	if !i.paused("usdc") {
		t.Error("the printed transaction paused nothing")
	}
	var stopped governance.View
	if _, out, _ := belay(t, "--config", i.config, "--json", "show", "P-1"); json.Unmarshal([]byte(out), &stopped) != nil || stopped.PublicID != v.PublicID || stopped.SafeTxHash != v.SafeTxHash {
		t.Errorf("the stopped store calls it %s, the running program %s", stopped.PublicID, v.PublicID)
	}
	for _, args := range [][]string{{"proposals"}, {"show", "P-1"}, {"log", "verify"}, {"log", "head"}, {"version", "--json"}, {"backup", filepath.Join(dir, "stopped.db")}} {
		if code, out, errs := belay(t, append([]string{"--config", i.config}, args...)...); code != exitDone || out == "" {
			t.Errorf("%v on the stopped store: exit %d %s %s", args, code, out, errs)
		} else if told := strings.Contains(out, "Belay is not running on this store"); told != (args[0] == "proposals" || args[0] == "show") {
			t.Errorf("%v on the stopped store:\n%s", args, out)
		}
	}
	if _, out, _ := belay(t, "--config", i.config, "nonces"); !strings.Contains(out, "next nonce 0") || !strings.Contains(out, "P-1 and P-2 stand here") && !strings.Contains(out, "P-1 stands here, with 2 of 2 signatures") {
		t.Errorf("the nonces of the stopped store:\n%s", out)
	}
	i.start()
	v = i.reaches("P-1", governance.StateExecuted)
	if _, out, _ := belay(t, "--config", i.config, "nonces"); !strings.Contains(out, "next nonce 1") || !strings.Contains(out, "Used by P-1.") {
		t.Errorf("the nonces of the running program:\n%s", out)
	}
	if v.Execution == nil {
		t.Error("executed by someone else, and Belay does not know the transaction")
	}
}

func TestARelayerWithPowerIsRefusedAtTheStart(t *testing.T) {
	i := newIncident(t)
	i.halt()
	if found := i.powersLookedFor(); len(found) > 0 {
		t.Errorf("the watch finds %q in a relayer that has no power", found)
	}
	owner := filepath.Join(filepath.Dir(i.config), "secrets", "relayer")
	if err := os.WriteFile(owner, []byte(common.Bytes2Hex(common.LeftPadBytes(i.stack.Owners[0].D.Bytes(), 32))), 0o600); err != nil { //nolint:staticcheck // a public test key
		t.Fatal(err)
	}
	if code, _, errs := belay(t, "--config", i.config, "serve"); code != exitUsage || !strings.Contains(errs, "gas and no power") {
		t.Errorf("serve: exit %d %s", code, errs)
	}
	if code, out, _ := belay(t, "--config", i.config, "check"); code != exitFailed || !strings.Contains(out, "NO.") {
		t.Errorf("check: exit %d %s", code, out)
	}
	if found := i.powersLookedFor(); len(found) == 0 {
		t.Error("the watch finds no power in an owner's key")
	}
}

// powersLookedFor is what the running program looks for now and then, of a stopped one.
func (i *incident) powersLookedFor() []string {
	i.t.Helper()
	cfg, err := configs.Load(i.config)
	if err != nil {
		i.t.Fatal(err)
	}
	s, err := wire(i.t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	made, err := s.coordinatorConfig()
	if err != nil {
		i.t.Fatal(err)
	}
	var all []string
	for name, chain := range made.Chains {
		found, err := chain.Powers(i.t.Context())
		if err != nil {
			i.t.Fatalf("%s: %v", name, err)
		}
		all = append(all, sentences(found)...)
	}
	return all
}

// TestCheckComparesCodeWithWhatAnABIWasBoundTo: what is unbound it says how to bind, what has changed fails.
func TestCheckComparesCodeWithWhatAnABIWasBoundTo(t *testing.T) {
	i := newIncident(t)
	i.halt()
	plain, err := os.ReadFile(i.config)
	if err != nil {
		t.Fatal(err)
	}
	abi := `[{"type": "function", "name": "freeze", "inputs": [{"name": "asset", "type": "address"}]}]`
	if err := os.WriteFile(filepath.Join(filepath.Dir(i.config), "market.json"), []byte(abi), 0o600); err != nil {
		t.Fatal(err)
	}
	code, err := i.stack.Chain.Client().CodeAt(t.Context(), i.stack.Market, nil)
	if err != nil {
		t.Fatal(err)
	}
	hash := crypto.Keccak256Hash(code).Hex()
	for name, c := range map[string]struct{ bound, want string }{
		"bound to its code":   {`, code_hash: "` + hash + `"`, "ok    abi market.json for " + i.stack.Market.Hex() + ": the code is the one configured"},
		"not bound":           {"", `write code_hash: "` + hash + `"`},
		"bound to old code":   {`, code_hash: "` + common.Hash{1}.Hex() + `"`, "code_changed: the code hash is " + hash},
		"bound as if a proxy": {`, implementation_code_hash: "` + hash + `"`, "code_changed: the implementation's code hash is 0x0000"},
	} {
		entry := fmt.Sprintf("\nabis:\n  - {file: market.json, chain: devnet, address: %q%s}\n", i.stack.Market.Hex(), c.bound)
		if err := os.WriteFile(i.config, append(bytes.Clone(plain), entry...), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, out, errs := belay(t, "--config", i.config, "check"); !strings.Contains(out, c.want) {
			t.Errorf("%s: check says\n%s%s\nwant %q", name, out, errs, c.want)
		}
	}
}

// TestCheckTriesPlaybooksThatCoolDown: it drafts each as if nothing had ever been proposed.
func TestCheckTriesPlaybooksThatCoolDown(t *testing.T) {
	i := newIncident(t)
	i.halt()
	file := filepath.Join(filepath.Dir(i.config), "playbooks", "set-ltv.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cooling := strings.Replace(string(text), "expires: 72h", "expires: 72h, cooldown: 1h", 1)
	if err := os.WriteFile(file, []byte(cooling), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := belay(t, "--config", i.config, "check"); code != exitDone || !strings.Contains(out, "playbook set-ltv") {
		t.Errorf("exit %d %s %s", code, out, errs)
	}
}

// opens reports whether a link leads to a page for somebody who has nothing but the link.
func (i *incident) opens(link string) bool {
	i.t.Helper()
	resp, err := http.Get(link) //nolint:gosec // our own
	if err != nil {
		i.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusServiceUnavailable // without the page built
}

// TestHelpNamesItsValues: pflag takes words between backticks for the name of a flag's value.
func TestHelpNamesItsValues(t *testing.T) {
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if name, _ := pflag.UnquoteUsage(f); strings.Contains(name, " ") {
				t.Errorf("%s --%s takes %q", c.CommandPath(), f.Name, name)
			}
		})
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(newRoot(streams{}))
}

// TestEachWordHasAnExampleOfItsOwn: what one says to object is nothing to say when taking it back.
func TestEachWordHasAnExampleOfItsOwn(t *testing.T) {
	seen := map[string]string{}
	for _, word := range words {
		_, out, _ := belay(t, string(word.action), "--help")
		if word.text == "" || seen[word.text] != "" || !strings.Contains(out, fmt.Sprintf("--text %q", word.text)) {
			t.Errorf("%s has the example of %s:\n%s", word.action, seen[word.text], out)
		}
		seen[word.text] = string(word.action)
	}
	if _, out, _ := belay(t, "withdraw", "--help"); !strings.Contains(out, "An emergency that no owner has signed takes two wallets") {
		t.Errorf("withdraw does not say how many wallets it takes:\n%s", out)
	}
}

func TestWithoutAStoreTheNextStepIsTold(t *testing.T) {
	h := newHousehold(t)
	rewrite(t, h.config, "/var/lib/belay/belay.db", filepath.Join(h.dir, "none.db"))
	for _, args := range [][]string{{"proposals"}, {"show", "P-1"}, {"log", "verify"}, {"log", "head"}, {"backup", filepath.Join(h.dir, "b.db")}} {
		if code, _, errs := belay(t, append([]string{"--config", h.config}, args...)...); code != exitFailed || !strings.Contains(errs, "what next: `belay serve` makes a store") {
			t.Errorf("%v: exit %d %s", args, code, errs)
		}
	}
	write(t, filepath.Join(h.dir, "none.db"), "something")
	if code, _, errs := belay(t, "--config", h.config, "restore", filepath.Join(h.dir, "b.db")); code != exitFailed || !strings.Contains(errs, "what next: stop belay and move the old store away") {
		t.Errorf("restore over a file: exit %d %s", code, errs)
	}
}
