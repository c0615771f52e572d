package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"belay/configs"
	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// exampleCopy is the example set in a folder of the test's own.
func exampleCopy(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../configs/example")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// manifestIn reads the configuration in a folder and gathers its manifest.
func manifestIn(t *testing.T, dir string) governance.Manifest {
	t.Helper()
	cfg, err := configs.Load(filepath.Join(dir, "belay.yaml"), configs.WithoutSecrets())
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifestOf(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	aliceEntry = `  - name: alice
    roles: [guardian, signer]
    discord: "104200000000000001"
    slack: U0000001
    wallets: ["0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
`
	bobEntry = `  - name: bob
    roles: [guardian, risk]
    discord: "104200000000000002"
    slack: U0000002
    wallets: ["0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]
`
)

// TestTheManifestIsOfWhatIsSaid: how it is written down, where secrets lie and which provider is asked make no other set.
func TestTheManifestIsOfWhatIsSaid(t *testing.T) {
	comments := regexp.MustCompile(`(?m)(^|[ \t]+)#.*$`)
	for name, change := range map[string]func(main, dir string){
		"without a comment": func(main, dir string) {
			for _, file := range []string{main, filepath.Join(dir, "playbooks", "pause-reserve.yaml")} {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				write(t, file, "# of our own\n\n"+comments.ReplaceAllString(string(raw), ""))
			}
		},
		"members in another order": func(main, _ string) { rewrite(t, main, aliceEntry+bobEntry, bobEntry+aliceEntry) },
		"roles in another order":   func(main, _ string) { rewrite(t, main, "[guardian, signer]", "[signer, guardian]") },
		"keys in another order": func(main, _ string) {
			rewrite(t, main, `{name: guardian, chain: ethereum, address: "0x1111111111111111111111111111111111111111"}`,
				"address: '0x1111111111111111111111111111111111111111'\n    chain: ethereum\n    name: \"guardian\"")
		},
		"labels in another order": func(main, _ string) {
			rewrite(t, main, `  "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48": usdc`+"\n", "", "commands:", `  "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48": usdc`+"\ncommands:", "\nprivacy: {public_names: none}                 # none | opt_in (members with public: true) | all: whose names the public reads\n", "")
		},
		"an address in lower case": func(main, _ string) {
			rewrite(t, main, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2")
		},
		"a default left out": func(main, _ string) { rewrite(t, main, "    agreement: 2   ", "    # ") },
		"another provider":   func(main, _ string) { rewrite(t, main, "http://127.0.0.1:8545", "http://127.0.0.1:9545") },
		"a provider more": func(main, _ string) {
			rewrite(t, main, "      - {name: own", "      - {name: fourth, url: \"https://four.example\"}\n      - {name: own")
		},
		"a secret in another file":      func(main, _ string) { rewrite(t, main, "secrets/slack_bot_token", "secrets/other") },
		"another budget":                func(main, _ string) { rewrite(t, main, "0.05 ether", "0.06 ether") },
		"another address to listen on":  func(main, _ string) { rewrite(t, main, "127.0.0.1:8080", "127.0.0.1:8088") },
		"a playbook in a file's name":   func(_, dir string) { rename(t, filepath.Join(dir, "playbooks", "pause-pool.yaml"), "a.yaml") },
		"a file that nobody configured": func(_, dir string) { write(t, filepath.Join(dir, "playbooks", "note.txt"), "name: evil") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := exampleCopy(t)
			before := manifestIn(t, dir)
			change(filepath.Join(dir, "belay.yaml"), dir)
			if after := manifestIn(t, dir); after.Hash() != before.Hash() {
				t.Errorf("another hash; what differs: %q", after.Since(before))
			}
		})
	}
}

func rename(t *testing.T, file, to string) {
	t.Helper()
	if err := os.Rename(file, filepath.Join(filepath.Dir(file), to)); err != nil {
		t.Fatal(err)
	}
}

// TestWhatDecidesIsInTheManifest: every change to what people are asked to sign, or to who is asked, makes another set and is named.
func TestWhatDecidesIsInTheManifest(t *testing.T) {
	const safes = `  - {name: guardian, chain: ethereum, address: "0x1111111111111111111111111111111111111111"`
	const abis = "abis: [abis/*.json]"
	const bound = `abis: [{file: abis/pool-configurator.json, chain: ethereum, address: "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27", code_hash: "0x1122222222222222222222222222222222222222222222222222222222222222"}]`
	evil := common.Address{0xee, 1}.Hex()
	for name, c := range map[string]struct {
		file  string
		pairs []string
		want  []string
	}{
		"a playbook's call":      {"playbooks/pause-reserve.yaml", []string{`  - to: "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"`, `  - to: "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"`}, []string{"playbook pause-reserve changed"}},
		"a playbook's proposers": {"playbooks/pause-reserve.yaml", []string{"propose: [guardian]", "propose: [guardian, risk]"}, []string{"playbook pause-reserve changed"}},
		"a playbook's text":      {"playbooks/pause-reserve.yaml", []string{"title: Pause an Aave reserve", "title: Pause a reserve"}, []string{"playbook pause-reserve changed"}},
		"a playbook's name":      {"playbooks/pause-pool.yaml", []string{"name: pause-pool", "name: pause-now"}, []string{"playbook pause-now added", "playbook pause-pool removed"}},
		"the pause list": {"belay.yaml", []string{`function: "setPoolPause(bool)", args: [true]`, `function: "setPoolPause(bool)", args: ["*"]`},
			[]string{`pause list setPoolPause(bool) on 0x64b761D848206f447Fe2dd461b0c635Ec39EbB27 with ["*"] added`, `pause list setPoolPause(bool) on 0x64b761D848206f447Fe2dd461b0c635Ec39EbB27 with ["true"] removed`}},
		"an ABI's bytes":        {"abis/pool-configurator.json", []string{"\n", "\n "}, []string{"abi pool-configurator.json changed"}},
		"an ABI's binding":      {"belay.yaml", []string{abis, bound}, []string{"abi pool-configurator.json of 0x64b761D848206f447Fe2dd461b0c635Ec39EbB27 on ethereum added", "abi pool-configurator.json removed"}},
		"a label":               {"belay.yaml", []string{`eB48": usdc`, `eB48": usdt`}, []string{"label 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 changed"}},
		"a member":              {"belay.yaml", []string{bobEntry, bobEntry + "  - {name: mallory, roles: [guardian], wallets: [\"" + evil + "\"]}\n"}, []string{"member mallory added", "wallet " + evil + " of mallory added"}},
		"a member's roles":      {"belay.yaml", []string{"[guardian, risk]", "[guardian, risk, signer]"}, []string{"member bob changed"}},
		"a member's Discord id": {"belay.yaml", []string{"104200000000000002", "104200000000000003"}, []string{"member bob changed"}},
		"a member's Slack id":   {"belay.yaml", []string{"U0000002", "U0000003"}, []string{"member bob changed"}},
		"a wallet":              {"belay.yaml", []string{"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", evil}, []string{"wallet 0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB of bob removed", "wallet " + evil + " of bob added"}},
		"a role's groups":       {"belay.yaml", []string{"S0000001", "S0000002"}, []string{"role guardian changed"}},
		"a Safe's address":      {"belay.yaml", []string{safes, strings.Replace(safes, "0x1111", "0x1112", 1)}, []string{"safe guardian changed"}},
		"an unknown Safe":       {"belay.yaml", []string{safes, safes + ", allow_unverified: true"}, []string{"safe guardian changed"}},
		"a Safe more":           {"belay.yaml", []string{safes + "}", safes + "}\n  - {name: other, chain: ethereum, address: \"" + evil + "\"}"}, []string{"safe other added"}},
		"a timelock's address":  {"belay.yaml", []string{"0x2222222222222222222222222222222222222222", evil}, []string{"timelock core-timelock changed"}},
		"a timelock's past":     {"belay.yaml", []string{"from_block: 0", "from_block: 5"}, []string{"timelock core-timelock changed"}},
		"who may veto":          {"belay.yaml", []string{"from_block: 0, canceller: guardian", "from_block: 0"}, []string{"timelock core-timelock changed"}},
		"a chain's id":          {"belay.yaml", []string{"chain_id: 1\n", "chain_id: 10\n"}, []string{"chain ethereum changed"}},
		"how many must agree":   {"belay.yaml", []string{"agreement: 2", "agreement: 3"}, []string{"chain ethereum changed"}},
		"what counts as final":  {"belay.yaml", []string{"confirmations: 2", "confirmations: 1"}, []string{"chain ethereum changed"}},
		"whose Slack ids":       {"belay.yaml", []string{"T0000001", "T0000002"}, []string{"chat slack changed"}},
		"whose Discord roles":   {"belay.yaml", []string{"104200000000000300", "104200000000000301"}, []string{"chat discord changed"}},
		"the war room":          {"belay.yaml", []string{"war_room: C0000001", "war_room: C0000009"}, []string{"chat slack changed"}},
		"the explorer":          {"belay.yaml", []string{"https://etherscan.io", "https://etherscan.example"}, []string{"chain ethereum changed"}},
		"whose names are read":  {"belay.yaml", []string{"public_names: none}", "public_names: all}"}, []string{"rule privacy.public_names changed"}},
		"a member's openness":   {"belay.yaml", []string{"    slack: U0000002\n", "    slack: U0000002\n    public: true\n"}, []string{"member bob changed"}},
		"how many have to sign": {"belay.yaml", []string{"{require: 0,", "{require: 1,"}, []string{"rule manifest.require changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := exampleCopy(t)
			before := manifestIn(t, dir)
			rewrite(t, filepath.Join(dir, c.file), c.pairs...)
			after := manifestIn(t, dir)
			got, want := after.Since(before), slices.Sorted(slices.Values(c.want))
			if slices.Sort(got); !slices.Equal(got, want) || after.Hash() == before.Hash() {
				t.Errorf("it says %q, want %q", got, want)
			}
		})
	}
}

// TestEverySectionIsSummedUp: what the example has one of each of is what `config show` lists.
func TestEverySectionIsSummedUp(t *testing.T) {
	var names []string
	for _, s := range manifestIn(t, exampleCopy(t)).Sections() {
		names = append(names, s.Name)
	}
	want := []string{"abi", "chain", "chat", "label", "member", "pause list", "playbook", "role", "rule", "safe", "timelock", "wallet"}
	if !slices.Equal(names, want) {
		t.Errorf("the sections are %q, want %q", names, want)
	}
}
