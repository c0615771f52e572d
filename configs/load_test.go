package configs

import (
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// minimal is the smallest configuration that loads. Tests replace parts of it.
const minimal = `chains:
  - name: ethereum
    chain_id: 1
    rpc:
      - {name: own, url: "http://127.0.0.1:8545"}
safes:
  - {name: guardian, chain: ethereum, address: "0x52908400098527886E0F7030069857D2E4169EE7"}
`

// write puts files into a folder and returns the path of belay.yaml there.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "belay.yaml")
}

func load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	return Load(write(t, map[string]string{"belay.yaml": text}))
}

func mustLoad(t *testing.T, text string) *Config {
	t.Helper()
	c, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheExampleLoads(t *testing.T) {
	c, err := Load("example/belay.yaml", WithoutSecrets())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Playbooks) != 6 || len(c.ABIs) != 1 || len(c.PauseList) != 2 {
		t.Errorf("playbooks %d, ABIs %d, pause list %d", len(c.Playbooks), len(c.ABIs), len(c.PauseList))
	}
	if len(c.Warnings) != 0 {
		t.Errorf("the example is warned about: %v", c.Warnings)
	}
	if got := c.Chains[0].Relayer.DailyBudget.Wei; got.Cmp(big.NewInt(5e16)) != 0 {
		t.Errorf("0.05 ether is %s wei", got)
	}
	if got := c.Playbooks[3].Policy.Execute; got != "after: 10m" {
		t.Errorf("execute: {after: 10m} is %q", got)
	}
}

// TestEveryKeyHasAWordInTheExample: whatever a configuration may hold, besides what is not built, stands there, if only in a comment.
func TestEveryKeyHasAWordInTheExample(t *testing.T) {
	raw, err := os.ReadFile("example/belay.yaml")
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, file := range []string{"load.go", "chain.go", "people.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range regexp.MustCompile(`\.(?:get|need|secret)\("([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
			known++
			if key[1] != "private_rpc" && !strings.Contains(string(raw), key[1]) {
				t.Errorf("%s reads %s, of which the example says nothing", file, key[1])
			}
		}
	}
	if n := strings.Count(string(raw), "#"); n < 40 || known < 50 {
		t.Errorf("only %d comments, and %d keys", n, known)
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	c := mustLoad(t, minimal+"discord: {application_id: 1, guild_id: 2, token_env: HOME, war_room: 3}\n"+
		"slack: {team_id: T1, bot_token_env: HOME, app_token_env: HOME, war_room: C1}\n")
	chain := c.Chains[0]
	for what, ok := range map[string]bool{
		"listen":        c.HTTP.Listen == "127.0.0.1:8080" && c.HTTP.AdminListen == "127.0.0.1:8081",
		"public url":    c.HTTP.PublicURL == "http://127.0.0.1:8080",
		"store":         c.Store == Store{"/var/lib/belay/belay.db", "/var/lib/belay/log.key"},
		"agreement":     chain.Agreement == 1,
		"confirmations": chain.Confirmations == 2,
		"broadcast":     chain.Broadcast == "both",
		"no relayer":    chain.Relayer == nil,
		"commands":      c.Commands == Commands{"belay", "pause", "propose"},
		"privacy":       c.Privacy.PublicNames == "none",
		"discord":       c.Discord.Mode == "gateway" && c.Discord.APIURL == "https://discord.com",
		"slack":         c.Slack.Mode == "socket" && c.Slack.APIURL == "https://slack.com/api/",
		"manifest":      c.Manifest.Require == 0,
	} {
		if !ok {
			t.Errorf("default of %s: %+v %+v", what, chain, c.HTTP)
		}
	}
}

func TestAgreementDefaultsToTwoThirds(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 5} {
		if got := readAgreement(value{}, n); got != want {
			t.Errorf("%d providers: agreement %d, want %d", n, got, want)
		}
	}
}

func TestConfirmationsMayWaitForFinality(t *testing.T) {
	c := mustLoad(t, strings.Replace(minimal, "    rpc:", "    confirmations: finalized\n    rpc:", 1))
	if c.Chains[0].Confirmations != 0 {
		t.Errorf("finalized is %d", c.Chains[0].Confirmations)
	}
}

func TestFilesAreFoundBesideTheConfiguration(t *testing.T) {
	path := write(t, map[string]string{
		"belay.yaml":   minimal + "members: [{name: a, roles: [guardian]}]\nstore: {path: data/b.db}\nplaybooks: [books/*.yaml, books/a.yaml]\nabis: [one.json]\n",
		"books/b.yaml": `{name: b, kind: custom, safe: guardian, calls: [], policy: {propose: [guardian]}, undo: a}`,
		"books/a.yaml": `{name: a, kind: custom, safe: guardian, calls: []}`,
		"one.json":     `{"abi": [{"type": "function", "name": "f"}]}`,
	})
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	if len(c.Playbooks) != 2 || c.Playbooks[0].Name != "a" || c.Playbooks[1].Undo != "a" {
		t.Errorf("playbooks %+v", c.Playbooks)
	}
	if c.Store.Path != filepath.Join(dir, "data/b.db") || c.Store.LogKeyFile != filepath.Join(dir, "data/log.key") {
		t.Errorf("store %+v", c.Store)
	}
	if got, want := c.Where("safes[0].address"), path+":7"; got != want {
		t.Errorf("safes[0].address is at %s, want %s", got, want)
	}
}

func TestArgumentsKeepTheirExactText(t *testing.T) {
	path := write(t, map[string]string{
		"belay.yaml": minimal + "playbooks: [p.yaml]\n",
		"p.yaml": `name: p
kind: custom
safe: guardian
calls:
  - to: 0x52908400098527886E0F7030069857D2E4169EE7
    function: "f(address,uint256,uint256,bool,(uint8 a,string b),uint256[],string)"
    args:
      - 0x52908400098527886E0F7030069857D2E4169EE7
      - 115792089237316195423570985008687907853269984665640564039457584007913129639935
      - "{{amount}}"
      - true
      - {a: 7, b: "07"}
      - [1, 0x10]
      - yes
expect:
  - {call: {to: "0x52908400098527886E0F7030069857D2E4169EE7", function: "g() returns (bool)"}, equals: false}
`})
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	p := c.Playbooks[0]
	args := p.Calls[0].Args
	if p.Calls[0].To != "0x52908400098527886E0F7030069857D2E4169EE7" || args[0] != p.Calls[0].To {
		t.Errorf("an address without quotes became %v", args[0])
	}
	if len(args[1].(string)) != 78 || args[2] != "{{amount}}" || args[3] != "true" || args[6] != "yes" {
		t.Errorf("args %v", args)
	}
	if tuple := args[4].(map[string]any); tuple["a"] != "7" || tuple["b"] != "07" {
		t.Errorf("tuple %v", tuple)
	}
	if list := args[5].([]any); list[0] != "1" || list[1] != "0x10" {
		t.Errorf("list %v", list)
	}
	if p.Expect[0].Equals != "false" {
		t.Errorf("equals %v", p.Expect[0].Equals)
	}
	for path, line := range map[string]string{"calls[0].args[4].b": ":12", "calls[0].args[1]": ":9", "expect[0].equals": ":16", "calls[0].value": ":5", "policy.expires": ":1"} {
		if got := p.Where(path); !strings.HasSuffix(got, "p.yaml"+line) {
			t.Errorf("%s is at %s, want line %s", path, got, line)
		}
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	_, err := load(t, "chanis: []\nchains:\n  - {name: A, chain_id: 0x1}\nsafes: [{name: s, chain: x, address: 12}]\n")
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("got %v", err)
	}
	if len(problems) < 6 {
		t.Errorf("only %d problems:\n%v", len(problems), err)
	}
	for i := 1; i < len(problems); i++ {
		if problems[i].Line < problems[i-1].Line {
			t.Errorf("not in the file's order:\n%v", err)
		}
	}
	var one Problem
	if !errors.As(err, &one) || one.Line != 1 || !strings.Contains(one.Hint, `"chains"`) {
		t.Errorf("the first problem is %+v", one)
	}
}

func TestLoadNamesAMissingFile(t *testing.T) {
	_, err := Load("nowhere/belay.yaml")
	if err == nil || !strings.Contains(err.Error(), "nowhere/belay.yaml: cannot be opened: no such file") {
		t.Errorf("got %v", err)
	}
}

// TestAnABICanBeBoundToOneContract: beside patterns, which hold for every contract.
func TestAnABICanBeBoundToOneContract(t *testing.T) {
	const hash = "0x64b761d848206f447fe2dd461b0c635ec39ebb2764b761d848206f447fe2dd46"
	c, err := Load(write(t, map[string]string{
		"belay.yaml": minimal + `abis:
  - "*.json"
  - {file: one.json, chain: ethereum, address: "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27", code_hash: "` + hash + `"}
`,
		"one.json": `[{"type": "function", "name": "f"}]`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.ABIs) != 2 || c.ABIs[0].Bound != nil || c.ABIs[1].Bound == nil {
		t.Fatalf("ABIs %+v", c.ABIs)
	}
	if b := c.ABIs[1].Bound; b.Chain != "ethereum" || b.Address.Hex() != "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27" || b.CodeHash.Hex() != hash || b.ImplementationHash.Big().Sign() != 0 {
		t.Errorf("bound to %+v", b)
	}
}
