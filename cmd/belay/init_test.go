package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/configs"
	"belay/governance"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
)

// answered runs a command with a person's answers.
func answered(t *testing.T, answers string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{in: strings.NewReader(answers), out: &o, err: &e})
	return code, o.String(), e.String()
}

func startChain(t *testing.T, cfg devnet.Config) *devnet.Chain {
	t.Helper()
	c, err := devnet.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func startStack(t *testing.T) *devnet.Stack {
	t.Helper()
	s, err := devnet.NewStack(t.Context(), startChain(t, devnet.Config{}), devnet.StackConfig{MinDelay: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begun is what `belay init --json` says.
func begun(t *testing.T, args ...string) (b beginning) {
	t.Helper()
	code, out, errs := belay(t, append([]string{"--json", "init"}, args...)...)
	if code != exitDone || json.Unmarshal([]byte(out), &b) != nil {
		t.Fatalf("init: exit %d %s %s", code, out, errs)
	}
	return b
}

// TestANewcomerGetsFromInitToAPausedVault does what the last lines of init say to do, and then pauses.
func TestANewcomerGetsFromInitToAPausedVault(t *testing.T) {
	stack := startStack(t)
	vault := deployOwn(t, stack, "PausableVault", stack.Guardian, stack.Guardian)
	dir := filepath.Join(t.TempDir(), "new")
	config := filepath.Join(dir, "belay.yaml")
	b := begun(t, "--rpc", stack.Chain.URL(), "--safe", stack.Guardian.Hex(), "--dir", dir, "--relayer-key", "--store", "belay.db")
	if b.ChainID != stack.Chain.ChainID().Uint64() || b.Safe != stack.Guardian.Hex() || b.Version != "1.4.1" || b.Verified != "canonical" || b.Threshold != 2 || len(b.Owners) != 3 || b.Relayer == nil {
		t.Fatalf("it read %+v", b)
	}
	if code, out, _ := belay(t, "--config", config, "check"); code != exitFailed || !strings.Contains(out, "has no balance") || !strings.Contains(out, "fail  playbook pause-vault: there is no contract at ") || !strings.Contains(out, "no emergency_key_files") {
		t.Errorf("check before anything was filled in: exit %d\n%s", code, out)
	}

	for _, step := range []string{"emergency_key_files", "config sign --help", "the log's public key"} {
		if !strings.Contains(strings.Join(b.Next, "\n"), step) {
			t.Errorf("init says nothing of %s next: %q", step, b.Next)
		}
	}

	listen := freeAddress(t)
	rewrite(t, config, "# api_token_file", "api_token_file", "name: owner1", "name: alice", "http://127.0.0.1:8080", "http://"+listen, "127.0.0.1:8080", listen,
		"127.0.0.1:8081", freeAddress(t), madeUp5, vault.Hex(), "confirmations: 2", "confirmations: 1")
	rewrite(t, filepath.Join(dir, "playbooks", "pause-vault.yaml"), madeUp5, vault.Hex())
	rewrite(t, filepath.Join(dir, "playbooks", "unpause-vault.yaml"), madeUp5, vault.Hex())
	write(t, filepath.Join(dir, "secrets", "api_token"), token)
	if err := stack.Chain.Fund(t.Context(), common.HexToAddress(*b.Relayer), ether(10)); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := belay(t, "--config", config, "check"); code != exitDone || !strings.Contains(out, "Could you pause now? Yes") {
		t.Fatalf("check: exit %d\n%s%s", code, out, errs)
	}

	i := &incident{t: t, stack: stack, config: config, base: "http://" + listen}
	i.start()
	t.Cleanup(i.halt)
	i.carries("pause-vault", nil)
	if i.says(vault, "paused()").Sign() == 0 {
		t.Error("the chain does not say paused")
	}
	v := i.propose("unpause-vault", nil)
	i.quorum(v)
	i.reaches(v.ID, governance.StateExecuted)
	if !i.usable(vault) {
		t.Error("the vault is not open again")
	}
}

func ether(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(params.Ether)) }

// rewrite puts texts in the place of others, as a person with an editor; each has to be there.
func rewrite(t *testing.T, file string, pairs ...string) {
	t.Helper()
	raw, err := os.ReadFile(file) //nolint:gosec // our own
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%s does not hold %q", file, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	write(t, file, text)
}

// TestInitAsksAgainUntilAnAnswerIsGood: each bad answer is told why, in the order in which they are given.
func TestInitAsksAgainUntilAnAnswerIsGood(t *testing.T) {
	stack, other := startStack(t), startChain(t, devnet.Config{ChainID: 10})
	release, err := devnet.Release("1.4.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write(t, "taken", "a file")
	var answers strings.Builder
	var reasons []string
	for _, a := range []struct{ answer, reason string }{
		{"", "it is not a URL"},
		{"example", "it is not a URL"},
		{"http://8.8.8.8:8545", "plain http to a public address"},
		{"http://127.0.0.1:1", "refused the connection"},
		{stack.Chain.URL(), "chain 31337"},
		{stack.Chain.URL(), "the same URL again"},
		{other.URL(), "it is on chain 10, the one before on chain 31337"},
		{"", "Address of the Safe"},
		{"0x1234", "is not an address"},
		{devnet.Address(3).Hex(), "there is no contract at"},
		{stack.Market.Hex(), "is no Safe"},
		{release.Singleton.Hex(), "nobody owns it"},
		{stack.Guardian.Hex(), "Safe 1.4.1 (canonical), 2 of 3 owners sign"},
		{"The Council", "is not a name"},
		{"council", "[pausable]"},
		{"uniswap", `no example playbooks "uniswap"`},
		{"access-manager", "[http://127.0.0.1:8080]"},
		{"belay.example.org", "it has to be an origin"},
		{"https://belay.example.org/", "Discord application id"},
		{"my-app", "is not a Discord id"},
		{"104200000000000200", "y or n [y]"},
		{"perhaps", "answer y or n"},
		{"n", "Directory to write into [belay]"},
		{"taken", "is a file"},
		{"", ""},
	} {
		answers.WriteString(a.answer + "\n")
		reasons = append(reasons, a.reason)
	}
	code, out, errs := answered(t, answers.String(), "init")
	if code != exitDone {
		t.Fatalf("exit %d %s %s", code, out, errs)
	}
	rest := errs
	for _, reason := range reasons {
		at := strings.Index(rest, reason)
		if at < 0 {
			t.Fatalf("%q is not said, or not in its turn, in\n%s", reason, errs)
		}
		rest = rest[at+len(reason):]
	}
	for _, want := range []string{"belay/playbooks/close-target.yaml", "client_id=104200000000000200&scope=bot+applications.commands&permissions=", "chmod 600", "--config belay/belay.yaml check", "owner1 to owner3"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	cfg, err := configs.Load("belay/belay.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Safes[0].Name != "council" || cfg.Playbooks[0].Safe != "council" || cfg.HTTP.PublicURL != "https://belay.example.org" || cfg.Chains[0].Relayer != nil || len(cfg.Chains[0].RPC) != 1 {
		t.Errorf("it wrote %+v %+v %+v", cfg.Safes, cfg.HTTP, cfg.Chains)
	}
	for n, owner := range stack.Owners {
		if !slices.ContainsFunc(cfg.Members, func(m configs.Member) bool { return m.Wallets[0] == crypto.PubkeyToAddress(owner.PublicKey) }) {
			t.Errorf("owner %d is no member: %+v", n, cfg.Members)
		}
	}
}

// TestInitRefusesWhatCannotBeReliedUpon, says why, and writes nothing.
func TestInitRefusesWhatCannotBeReliedUpon(t *testing.T) {
	stack, other := startStack(t), startChain(t, devnet.Config{ChainID: 10})
	odd, oddSafe := oddChain(t)
	release, err := devnet.Release("1.4.1")
	if err != nil {
		t.Fatal(err)
	}
	url, guardian := stack.Chain.URL(), stack.Guardian.Hex()
	for name, c := range map[string]struct {
		code int
		says string
		args []string
	}{
		"nothing is told":         {exitUsage, "give --rpc", nil},
		"no Safe is told":         {exitUsage, "give --safe", []string{"--rpc", url}},
		"nobody answers":          {exitFailed, "number 1: ask chain id: provider rpc1 refused the connection", []string{"--rpc", "http://127.0.0.1:1", "--safe", guardian}},
		"a URL of something else": {exitUsage, "neither https nor http", []string{"--rpc", "ftp://127.0.0.1", "--safe", guardian}},
		"two chains":              {exitUsage, "number 2: it is on chain 10", []string{"--rpc", url, "--rpc", other.URL(), "--safe", guardian}},
		"another chain":           {exitUsage, "--chain-id says 1", []string{"--rpc", url, "--safe", guardian, "--chain-id", "1"}},
		"the Safe of elsewhere":   {exitUsage, "there is no contract at " + guardian + " on chain 10", []string{"--rpc", other.URL(), "--safe", guardian}},
		"another contract":        {exitUsage, "is no Safe", []string{"--rpc", url, "--safe", stack.Market.Hex()}},
		"a Safe without owners":   {exitUsage, "nobody owns it", []string{"--rpc", url, "--safe", release.Singleton.Hex()}},
		"a Safe of unknown code":  {exitUsage, "not that of a published release", []string{"--rpc", odd.URL(), "--safe", oddSafe.Hex()}},
		"a name for nobody":       {exitUsage, "is not a name", []string{"--rpc", url, "--safe", guardian, "--name", "Guardian Safe"}},
		"no such example":         {exitUsage, "there are pausable, access-manager, compound, aave", []string{"--rpc", url, "--safe", guardian, "--example", "morpho"}},
		"a public path":           {exitUsage, "origin", []string{"--rpc", url, "--safe", guardian, "--public-url", "https://example.org/belay"}},
		"a Discord name":          {exitUsage, "not a Discord id", []string{"--rpc", url, "--safe", guardian, "--discord-application-id", "belay"}},
		"an argument too many":    {exitUsage, "unknown command", []string{"now"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			code, out, errs := belay(t, append([]string{"init", "--dir", dir, "--relayer-key"}, c.args...)...)
			if code != c.code || !strings.Contains(errs, c.says) || out != "" {
				t.Errorf("exit %d, %q and on standard output %q; want %d and %q", code, errs, out, c.code, c.says)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("something was written")
			}
		})
	}
	dir := filepath.Join(t.TempDir(), "known")
	begun(t, "--rpc", odd.URL(), "--safe", oddSafe.Hex(), "--dir", dir, "--allow-unverified")
	cfg, err := configs.Load(filepath.Join(dir, "belay.yaml"))
	if err != nil || !cfg.Safes[0].AllowUnverified {
		t.Errorf("a Safe whose code the operator knows: %+v, %v", cfg, err)
	}
}

// oddChain has a Safe whose implementation has one byte more than the published one.
func oddChain(t *testing.T) (*devnet.Chain, common.Address) {
	t.Helper()
	release, err := devnet.Release("1.4.1")
	if err != nil {
		t.Fatal(err)
	}
	singleton, err := devnet.LoadPackageArtifact("@safe-global/safe-contracts/build/artifacts/contracts/Safe.sol/Safe.json")
	if err != nil {
		t.Fatal(err)
	}
	code := append(bytes.Clone(singleton.DeployedBytecode), 0)
	c := startChain(t, devnet.Config{Alloc: types.GenesisAlloc{release.Singleton: {Code: code, Balance: new(big.Int)}}})
	at, err := c.DeploySafe(t.Context(), devnet.SafeConfig{Owners: []common.Address{devnet.Address(1)}, Threshold: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c, at
}

func TestInitWritesOverNothing(t *testing.T) {
	stack := startStack(t)
	dir := t.TempDir()
	args := []string{"--rpc", stack.Chain.URL(), "--safe", stack.Guardian.Hex(), "--dir", dir, "--relayer-key"}
	first := begun(t, args...)
	for _, file := range first.Files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]fs.FileMode{true: 0o600, false: 0o644}[strings.Contains(file, "/secrets/")]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", file, info.Mode().Perm(), want)
		}
	}
	before := contents(t, dir)
	if code, _, errs := belay(t, append([]string{"init"}, args...)...); code != exitUsage || !strings.Contains(errs, filepath.Join(dir, "belay.yaml")) || !strings.Contains(errs, "--force") {
		t.Errorf("a second init: exit %d %s", code, errs)
	}
	if after := contents(t, dir); after != before {
		t.Errorf("it changed\n%s\ninto\n%s", before, after)
	}

	write(t, filepath.Join(dir, "playbooks", "mine.yaml"), "name: mine\n")
	if code, _, errs := belay(t, append([]string{"init", "--name", "council", "--force"}, args...)...); code != exitDone {
		t.Fatalf("with --force: exit %d %s", code, errs)
	}
	forced := contents(t, dir)
	if !strings.Contains(forced, "{name: council,") || !strings.Contains(forced, "name: mine\n") {
		t.Errorf("with --force it wrote\n%s", forced)
	}
	key, err := os.ReadFile(filepath.Join(dir, relayerFile)) //nolint:gosec // our own
	if err != nil || !strings.Contains(before, strings.TrimSpace(string(key))) {
		t.Errorf("the relayer's key was made anew, and what lay on the old one is lost: %v", err)
	}
	write(t, filepath.Join(dir, relayerFile), "not a key")
	if code, _, errs := belay(t, append([]string{"init", "--force"}, args...)...); code != exitUsage || !strings.Contains(errs, "holds no private key") {
		t.Errorf("over something that is no key: exit %d %s", code, errs)
	}
}

// contents are all files below a directory in one text.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path)) //nolint:gosec // our own
		b.WriteString("== " + path + "\n" + string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestWhatInitLeavesAsACommentIsAConfiguration when the # is taken off, for each of the example sets.
func TestWhatInitLeavesAsACommentIsAConfiguration(t *testing.T) {
	stack := startStack(t)
	for _, set := range setNames() {
		dir := t.TempDir()
		begun(t, "--rpc", stack.Chain.URL(), "--rpc", strings.Replace(stack.Chain.URL(), "127.0.0.1", "localhost", 1), "--safe", stack.Guardian.Hex(), "--dir", dir, "--example", set, "--discord-application-id", "104200000000000299")
		file := filepath.Join(dir, "belay.yaml")
		cfg, err := configs.Load(file)
		if err != nil {
			t.Fatalf("%s: %v", set, err)
		}
		if cfg.Slack != nil || cfg.Discord != nil || len(cfg.Timelocks) != 0 || len(cfg.Labels) != 0 || cfg.Chains[0].Relayer != nil || len(cfg.Chains[0].RPC) != 2 || cfg.Chains[0].Agreement != 2 || len(cfg.Playbooks) != 2 || len(cfg.PauseList) == 0 {
			t.Errorf("%s: something made up counts: %+v", set, cfg)
		}
		raw, err := os.ReadFile(file) //nolint:gosec // our own
		if err != nil {
			t.Fatal(err)
		}
		withoutABIs := strings.Replace(string(raw), "# abis:", "abis_:", 1) // there are no files to find
		write(t, file, strings.Replace(commentedKey.ReplaceAllString(withoutABIs, "$1$2"), "abis_:", "# abis:", 1))
		cfg, err = configs.Load(file, configs.WithoutSecrets())
		if err != nil {
			t.Fatalf("%s: %v", set, err)
		}
		if cfg.Slack == nil || cfg.Discord == nil || cfg.Discord.ApplicationID != "104200000000000299" || len(cfg.Timelocks) != 1 || len(cfg.Labels) != 3 || cfg.Chains[0].Relayer == nil || len(cfg.Chains[0].Relayer.Emergency) != 2 {
			t.Errorf("%s: with the # taken off it is %+v", set, cfg)
		}
	}
}

// commentedKey is a line of YAML behind a "# "; prose has no colon after its first word.
var commentedKey = regexp.MustCompile(`(?m)^( *)# ( *(?:[a-z_]+: .*|[a-z_]+:|- \{name.*|"0x.*))$`)

func TestTheInviteLinkIsThatOfTheExample(t *testing.T) {
	if link := inviteLink("APPLICATION_ID"); !strings.Contains(shipped("belay.yaml"), "# "+link+"\n") {
		t.Errorf("the example does not say %s", link)
	}
}

// TestAnInterruptEndsInit although nobody answers.
func TestAnInterruptEndsInit(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	in, hold := io.Pipe()
	t.Cleanup(func() { _ = hold.Close() })
	asked := make(asking, 16)
	done := make(chan int, 1)
	go func() { done <- run(ctx, []string{"init"}, streams{in: in, out: io.Discard, err: asked}) }()
	for text := range asked {
		if strings.Contains(text, "URL of an RPC provider") {
			break
		}
	}
	interrupt()
	select {
	case code := <-done:
		if code != exitFailed {
			t.Errorf("exit %d", code)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for an answer still")
	}
}

// asking hands on what is written to it.
type asking chan string

func (a asking) Write(text []byte) (int, error) { a <- string(text); return len(text), nil }
