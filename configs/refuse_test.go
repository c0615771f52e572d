package configs

import (
	"strings"
	"testing"
)

// refusals are configurations that must not load: each minimal with one part changed, the line of the problem, and a piece of what
// is said.
var refusals = []struct {
	name, old, new string
	line           string
	want           string
}{
	{"an unknown key", "safes:", "safe:", ":6:", `unknown key safe (did you mean "safes"?)`},
	{"an unknown key deep inside", "{name: own,", "{nmae: own,", ":5:", `unknown key chains[0].rpc[0].nmae (did you mean "name"?)`},
	{"a key given twice", "safes:", "safes: []\nsafes:", ":7:", "safes is given twice, first on line 6"},
	{"an alias", "safes:", "labels: &a {}\ncommands: *a\nsafes:", ":6:", "anchors and aliases are not used here"},
	{"a tag", "chain_id: 1", "chain_id: !!int 1", ":3:", "the tag !!int is not used here"},
	{"a second document", "safes:", "---\nsafes:", ":6:", "there is a second YAML document"},
	{"what is not YAML", "safes:", "safes: [", ":", "this is not YAML"},
	{"a template without quotes", "safes:", "labels: {{name}}\nsafes:", ":6:", `a template is quoted: "{{name}}"`},

	{"an octal number", "chain_id: 1", "chain_id: 010", ":3:", "chains[0].chain_id: 010 starts with 0, which some YAML reads as octal"},
	{"a number with 0o", "chain_id: 1", "chain_id: 0o17", ":3:", "is octal or binary"},
	{"a number in hex", "chain_id: 1", "chain_id: 0x1", ":3:", "is hexadecimal"},
	{"an exponent", "chain_id: 1", "chain_id: 1e3", ":3:", "has an exponent"},
	{"a float", "chain_id: 1", "chain_id: 1.0", ":3:", "has a decimal point"},
	{"an underscore", "chain_id: 1", "chain_id: 1_000", ":3:", "holds an underscore"},
	{"infinity", "chain_id: 1", "chain_id: .inf", ":3:", "is no number"},
	{"base 60", "chain_id: 1", "chain_id: 1:30", ":3:", "would be read in base 60"},
	{"a plus sign", "chain_id: 1", "chain_id: +1", ":3:", "has a sign that says nothing"},
	{"a number out of range", "chain_id: 1", "chain_id: 0", ":3:", "0 is not between 1 and"},
	{"a negative number", "chain_id: 1", "chain_id: -1", ":3:", "-1 is not between 1 and"},
	{"a number beyond 64 bits", "chain_id: 1", "chain_id: 99999999999999999999", ":3:", "is not between 1 and"},
	{"a word for a number", "chain_id: 1", "chain_id: one", ":3:", "is not a whole number"},
	{"nothing for a number", "chain_id: 1", "chain_id:", ":3:", "chains[0].chain_id has no value"},

	{"a wrong checksum", "0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886E0F7030069857D2E4169Ee7", ":7:", "has a wrong checksum (EIP-55)"},
	{"a short address", "E7\"}", "\"}", ":7:", "is not an address of 0x and 40 hex digits"},
	{"the zero address", "0x52908400098527886E0F7030069857D2E4169EE7", "0x0000000000000000000000000000000000000000", ":7:", "is the zero address"},
	{"a name in capitals", "name: guardian", "name: Guardian", ":7:", `"Guardian" is not a name`},
	{"a missing key", "    chain_id: 1\n", "", ":2:", "chains[0].chain_id is missing (1 for Ethereum)"},
	{"no Safe at all", "safes:\n  - {name: guardian, chain: ethereum, address: \"0x52908400098527886E0F7030069857D2E4169EE7\"}\n", "", ":1:", "safes is missing"},
	{"a list that is none", "    rpc:\n      - {name: own, url: \"http://127.0.0.1:8545\"}", "    rpc: {name: own}", ":4:", "chains[0].rpc must be a list, not a mapping"},

	{"a Safe on an unknown chain", "chain: ethereum", "chain: etherum", ":7:", `there is no chain called "etherum" (did you mean "ethereum"?)`},
	{"two Safes of one name", "safes:", "safes:\n  - {name: guardian, chain: ethereum, address: \"0x1111111111111111111111111111111111111111\"}", ":8:", "guardian is used twice"},
	{"one contract under two names", "safes:", "safes:\n  - {name: other, chain: ethereum, address: \"0x52908400098527886E0F7030069857D2E4169EE7\"}", ":8:", "other and guardian have the same address"},
	{"one chain id twice", "safes:", "  - {name: again, chain_id: 1, rpc: [{name: x, url: \"https://x.example\"}]}\nsafes:", ":6:", "chains ethereum and again have the chain id 1"},

	{"a provider over plain http", "http://127.0.0.1:8545", "http://rpc.example.org/SECRET", ":5:", "goes over plain http to a public address"},
	{"a provider over websocket", "http://127.0.0.1:8545", "wss://rpc.example.org", ":5:", "is neither https nor http"},
	{"a provider without a url", `, url: "http://127.0.0.1:8545"`, "", ":5:", "chains[0].rpc[0] has no url"},
	{"a provider with two urls", "{name: own,", "{name: own, url_env: HOME,", ":5:", "chains[0].rpc[0] has more than one url"},
	{"a plain socket to the world", `8545"}`, `8545", ws_url: "ws://rpc.example.org/SECRET"}`, ":5:", "the ws_url of chains[0].rpc[0] goes over plain ws to a public address"},
	{"a socket that is none", `8545"}`, `8545", ws_url: "https://rpc.example.org/SECRET"}`, ":5:", "the ws_url of chains[0].rpc[0] is neither wss nor ws"},
	{"a socket without a host", `8545"}`, `8545", ws_url: "wss://"}`, ":5:", "the ws_url of chains[0].rpc[0] is not a URL"},
	{"a provider with two sockets", `8545"}`, `8545", ws_url: "wss://rpc.example.org", ws_url_env: HOME}`, ":5:", "chains[0].rpc[0] has more than one ws_url"},
	{"a socket out of a variable", `8545"}`, `8545", ws_url_env: PATH}`, ":5:", "the ws_url of chains[0].rpc[0] is neither wss nor ws"},
	{"a socket and no url", `url: "http://127.0.0.1:8545"`, `ws_url: "ws://127.0.0.1:8546"`, ":5:", "chains[0].rpc[0] has no url"},
	{"two providers of one name", "    rpc:", "    rpc:\n      - {name: own, url: \"https://a.example\"}", ":6:", "two providers are called own"},
	{"two providers of one url", "    rpc:", "    rpc:\n      - {name: two, url: \"http://127.0.0.1:8545\"}", ":6:", "own and two have the same url"},
	{"more agreement than providers", "    rpc:", "    agreement: 3\n    rpc:", ":4:", "asks for 3 of 1 providers"},
	{"one of two deciding alone", "    rpc:", "    agreement: 1\n    rpc:\n      - {name: two, url: \"https://a.example\"}", ":4:", "nothing decides on a single answer"},
	{"a wrong broadcast", "    rpc:", "    broadcast: publik\n    rpc:", ":4:", `"publik" is not known (did you mean "public"?)`},
	{"a wrong budget", "    rpc:", "    relayer: {key_env: HOME, daily_budget: 5e-2 ether}\n    rpc:", ":4:", `"5e-2 ether" is not an amount`},
	{"a relayer without a key", "    rpc:", "    relayer: {max_fee_gwei: 3}\n    rpc:", ":4:", "the relayer's key is missing: give key_file or key_env, keystore, or remote"},
	{"a relayer key that is none", "    rpc:", "    relayer: {key_env: HOME}\n    rpc:", ":4:", "the relayer's key is not a private key"},
	{"an emergency that pays less", "    rpc:", "    relayer: {key_env: HOME, max_fee_gwei: 300, emergency_max_fee_gwei: 200}\n    rpc:", ":4:", "an emergency would pay less"},

	{"a public url with a path", "safes:", "http: {public_url: \"https://belay.example.org/x\"}\nsafes:", ":6:", "http.public_url must be an origin"},
	{"admin on the public listener", "safes:", "http: {listen: \"127.0.0.1:9\", admin_listen: \"127.0.0.1:9\"}\nsafes:", ":6:", "http.listen and http.admin_listen are the same"},
	{"a listener without a port", "safes:", "http: {listen: localhost}\nsafes:", ":6:", "is not an address to listen on"},
	{"a proxy that is no network", "safes:", "http: {trusted_proxies: [10.0.0.0/99]}\nsafes:", ":6:", "is neither an address nor a network"},

	{"two members with one wallet", "safes:", "members:\n  - {name: a, wallets: [\"0x1111111111111111111111111111111111111111\"]}\n  - {name: b, wallets: [\"0x1111111111111111111111111111111111111111\"]}\nsafes:", ":8:", "members a and b have the same wallet"},
	{"two members with one chat account", "safes:", "members:\n  - {name: a, slack: U1}\n  - {name: b, slack: U1}\nsafes:", ":8:", "members a and b have the same Slack id"},
	{"a Discord name in place of an id", "safes:", "members: [{name: a, discord: alice}]\nsafes:", ":6:", `"alice" is not a Discord id`},
	{"one label twice", "safes:", "labels:\n  \"0x1111111111111111111111111111111111111111\": a\n  0x1111111111111111111111111111111111111111: b\nsafes:", ":8:", "0x1111111111111111111111111111111111111111 is given twice, first on line 7"},
	{"a label that could be taken for an address", "safes:", "labels: {\"0x1111111111111111111111111111111111111111\": 0x2222}\nsafes:", ":6:", "is not a label"},
	{"a label of no address", "safes:", "labels: {usdc: \"0x1111111111111111111111111111111111111111\"}\nsafes:", ":6:", "labels: usdc is not an address"},
	{"two commands of one name", "safes:", "commands: {root: pause}\nsafes:", ":6:", "two commands have one name"},
	{"Discord over http without its key", "safes:", "discord: {application_id: 1, guild_id: 2, token_env: HOME, war_room: 3, mode: http}\nsafes:", ":6:", "discord.public_key is missing"},
	{"Slack over http without its secret", "safes:", "slack: {team_id: T1, bot_token_env: HOME, war_room: C1, mode: http}\nsafes:", ":6:", "the signing secret, which mode http needs, is missing"},
	{"a community in the war room", "safes:", "slack: {team_id: T1, bot_token_env: HOME, app_token_env: HOME, war_room: C1, community: C1}\nsafes:", ":6:", "slack.community is the war room"},

	{"a pause entry that is no function", "safes:", "pause_list:\n  - {to: \"0x1111111111111111111111111111111111111111\", function: pause}\nsafes:", ":7:", `"pause" is not a function`},
	{"a pause entry with arguments left unsaid", "safes:", "pause_list:\n  - {to: \"0x1111111111111111111111111111111111111111\", function: \"f((uint8,bool)[],uint8)\", args: [\"*\"]}\nsafes:", ":7:", `takes 2 arguments, args has 1 ("*" allows any value)`},
	{"a pattern that matches no file", "safes:", "playbooks: [books/*.yaml]\nsafes:", ":6:", "playbooks[0]: no file matches"},
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(minimal, c.old) {
				t.Fatalf("minimal has no %q", c.old)
			}
			_, err := load(t, strings.Replace(minimal, c.old, c.new, 1))
			assertProblem(t, err, "belay.yaml"+c.line, c.want)
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("a url is quoted: %v", err)
			}
		})
	}
}

// assertProblem looks for one problem that has both the place and the words.
func assertProblem(t *testing.T, err error, place, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted; want %q", want)
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if strings.Contains(line, place) && strings.Contains(line, want) {
			return
		}
	}
	t.Errorf("want %s … %q, got:\n%v", place, want, err)
}

func TestWhatIsNotBuiltYetIsRefused(t *testing.T) {
	timelock := "timelocks:\n  - {name: t, chain: ethereum, address: \"0x1111111111111111111111111111111111111111\", "
	for _, c := range []struct{ name, text, want string }{
		{"another timelock", timelock + "kind: compound}\n", "a timelock that is not openzeppelin is not built yet: remove timelocks[0].kind for now"},
		{"paging", "members: [{name: a, page: [{webhook_file: x}]}]\n", "paging members is not built yet: remove members[0].page for now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, minimal+c.text)
			assertProblem(t, err, "belay.yaml:", c.want)
		})
	}
	if _, err := load(t, strings.Replace(minimal, "    rpc:", "    private_rpc: []\n    rpc:", 1)+"manifest: {require: 0}\nmembers: [{name: a, page: []}]\n"); err != nil {
		t.Errorf("what says nothing is refused: %v", err)
	}
}

func TestPlaybookFilesAreRefused(t *testing.T) {
	const good = `name: p
kind: pause
safe: guardian
params:
  asset: {type: address, choices: {usdc: "0x1111111111111111111111111111111111111111"}}
calls:
  - {to: "0x1111111111111111111111111111111111111111", function: "pause(address)", args: ["{{asset}}"]}
policy: {propose: [guardian]}
`
	for _, c := range []struct{ name, old, new, line, want string }{
		{"an unknown key", "kind:", "knid:", ":2:", `unknown key knid (did you mean "kind"?)`},
		{"a template without quotes", `"{{asset}}"`, "{{asset}}", ":7:", `a template is quoted: "{{name}}"`},
		{"an octal argument", `"{{asset}}"`, "010", ":7:", "calls[0].args[0]: 010 starts with 0"},
		{"an argument with an exponent", `"{{asset}}"`, "1e18", ":7:", "has an exponent"},
		{"a float argument", `"{{asset}}"`, "1.5", ":7:", `or quote it if text or an amount is meant: "1.5"`},
		{"an argument with underscores", `"{{asset}}"`, "1_000", ":7:", "holds an underscore"},
		{"a date", `"{{asset}}"`, "2026-01-01", ":7:", "would be read as a date"},
		{"an unknown Safe", "safe: guardian", "safe: gaurdian", ":3:", `there is no safe called "gaurdian" (did you mean "guardian"?)`},
		{"an unknown timelock", "safe:", "via: core\nsafe:", ":3:", `there is no timelock called "core"`},
		{"an unknown undo", "safe:", "undo: nothing\nsafe:", ":3:", `there is no playbook called "nothing"`},
		{"an undo of itself", "safe:", "undo: p\nsafe:", ":3:", "a playbook cannot undo itself"},
		{"an unknown role", "[guardian]", "[guardain]", ":8:", `there is no role called "guardain" (did you mean "guardian"?)`},
		{"approvals that nobody can give", "[guardian]", "[guardian], approve: [risk]", ":8:", `nobody could approve as "risk"`},
		{"approvals by a member without a wallet", "[guardian]", "[guardian], approve: [guardian]", ":8:", `nobody could approve as "guardian"`},
		{"a change measured from nothing", "{type: address,", "{type: uint256, max_change: 10%,", ":5:", "must name the read that it is measured from"},
		{"three bits", "calls:", "reads:\n  r: {call: {to: x, function: f}, bits: [1, 2, 3]}\ncalls:", ":7:", "must be two bit positions"},
		{"a boolean in other words", "{type: address,", "{type: address, required: yes,", ":5:", `"yes" is not a boolean (write true or false)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(write(t, map[string]string{
				"belay.yaml": minimal + "members: [{name: a, roles: [guardian]}]\nplaybooks: [p.yaml]\n",
				"p.yaml":     strings.Replace(good, c.old, c.new, 1),
			}))
			assertProblem(t, err, "p.yaml"+c.line, c.want)
		})
	}
}

func TestTwoPlaybooksOfOneNameAreRefused(t *testing.T) {
	book := "{name: p, kind: custom, safe: guardian, calls: []}"
	_, err := Load(write(t, map[string]string{"belay.yaml": minimal + "playbooks: [a.yaml, b.yaml]\n", "a.yaml": book, "b.yaml": book}))
	assertProblem(t, err, "b.yaml:1:", "the name p is used by")
}

func TestAnABIThatIsNoneIsRefused(t *testing.T) {
	_, err := Load(write(t, map[string]string{"belay.yaml": minimal + "abis: [a.json]\n", "a.json": `{"bytecode": "0x"}`}))
	assertProblem(t, err, "a.json: ", "this is not a JSON ABI")
}

func TestTwoProvidersOfOneOperatorAreWarnedAbout(t *testing.T) {
	c := mustLoad(t, strings.Replace(minimal, "    rpc:", "    rpc:\n      - {name: a, url: \"https://eth.alpha.example.co.uk/KEY\"}\n      - {name: b, url: \"https://eu.beta.example.co.uk/KEY\"}", 1))
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "a and b are run by one operator") || c.Warnings[0].Line != 6 {
		t.Errorf("warnings %v", c.Warnings)
	}
}

func TestPlainHTTPForPeopleIsWarnedAbout(t *testing.T) {
	c := mustLoad(t, minimal+"http: {public_url: \"http://belay.example.org\"}\n")
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "browser wallets want https") {
		t.Errorf("warnings %v", c.Warnings)
	}
}

func TestABindingThatDoesNotFitIsRefused(t *testing.T) {
	for entry, want := range map[string]string{
		`{file: a.json, chain: etherum, address: "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"}`: "there is no chain called",
		`{file: a.json, chain: ethereum}`:                                                                          "abis[0].address is missing",
		`{chain: ethereum, address: "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"}`:                                 "abis[0].file is missing",
		`{file: a.json, chain: ethereum, address: "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27", code_hash: "0x1"}`: "is not a hash",
		`{file: b.json, chain: ethereum, address: "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"}`:                   "b.json",
		`{file: a.json, chain: ethereum, address: "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27", codehash: "0x1"}`:  "codehash",
	} {
		_, err := Load(write(t, map[string]string{"belay.yaml": minimal + "abis: [" + entry + "]\n", "a.json": "[]"}))
		assertProblem(t, err, "", want)
	}
}
