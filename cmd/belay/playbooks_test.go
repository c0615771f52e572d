package main

import (
	"flag"
	"fmt"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"belay/configs"
	"belay/governance"
	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
)

var updateCalldata = flag.Bool("update-calldata", false, "write the example playbooks' golden calldata anew")

func exampleConfig(t *testing.T) *configs.Config {
	t.Helper()
	cfg, err := configs.Load("../../configs/example/belay.yaml", configs.WithoutSecrets())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestTheExamplePlaybooksMakeTheseCalls(t *testing.T) {
	playbooks, errs := compilePlaybooks(exampleConfig(t))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var functions []calldata.Function
	for _, p := range playbooks {
		functions = append(functions, p.Functions()...)
	}
	book, err := calldata.NewBook(functions, map[common.Address]string{common.HexToAddress("0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"): "aave-configurator"})
	if err != nil {
		t.Fatal(err)
	}
	var story strings.Builder
	for _, name := range slices.Sorted(maps.Keys(playbooks)) {
		tell(t, &story, book, playbooks[name])
	}
	golden := filepath.Join("testdata", "example-calldata.golden")
	if *updateCalldata {
		if err := os.WriteFile(golden, []byte(story.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if story.String() != string(want) {
		t.Errorf("not the golden calldata; look at the difference, then run with -update-calldata:\n%s", story.String())
	}
}

// tell writes what a playbook does with its samples, at readings that allow it.
func tell(t *testing.T, story *strings.Builder, book *calldata.Book, p *governance.Playbook) {
	t.Helper()
	typed := map[string]string{}
	for _, param := range p.Params {
		if param.Default == "" {
			typed[param.Name] = param.Sample
		}
	}
	bound, err := p.Bind(typed)
	if err != nil {
		t.Fatalf("%s: its samples are refused: %v", p.Name, err)
	}
	built, err := bound.Build(readings(bound))
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	fmt.Fprintf(story, "%s (%s, via %s)\n  %s\n", p.Name, p.Kind, p.Via, bound.Target())
	for _, call := range built.Calls {
		fmt.Fprintf(story, "  call %s value %s\n    %#x\n    %s\n", call.To.Hex(), call.Value.Dec(), call.Data, book.Describe(call).Text)
	}
	for _, e := range built.Expect {
		fmt.Fprintf(story, "  then %s\n    %s %#x\n", e.Text, e.Call.To.Hex(), e.Call.Data)
	}
}

// readings answers the example's reads: nothing is paused, loan to value, threshold and bonus are 79 %, 82 % and 105 % in one packed
// word, and there is a million of the token.
func readings(b *governance.Bound) []safe.Result {
	packed := int64(7900 | 8200<<16 | 10500<<32)
	answers := map[string][]int64{"paused": {0}, "current_ltv": {packed}, "current_threshold": {packed}, "current_bonus": {packed}, "balance": {1_000_000_000_000}}
	results := []safe.Result{}
	for _, read := range b.Reads() {
		var data []byte
		for _, n := range answers[read.Name] {
			data = append(data, common.BigToHash(big.NewInt(n)).Bytes()...)
		}
		results = append(results, safe.Result{Data: data})
	}
	return results
}

func TestPlaybookErrorsSayFileAndLine(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"belay.yaml": `chains: [{name: c, chain_id: 1, rpc: [{name: r, url: "http://127.0.0.1:1"}]}]
safes: [{name: s, chain: c, address: "0x1111111111111111111111111111111111111111"}]
members: [{name: a, roles: [guardian]}]
playbooks: ["*.book.yaml"]
pause_list:
  - {to: "0x1111111111111111111111111111111111111111", function: "pause(bool)", args: [yes]}
`,
		"bad.book.yaml": `name: bad
kind: custom
safe: s
calls:
  - to: "0x1111111111111111111111111111111111111111"
    function: "f(uint8)"
    args:
      - 256
policy: {propose: [guardian], expires: soon}
`,
		"unearned.book.yaml": `name: unearned
kind: pause
safe: s
calls:
  - {to: "0x1111111111111111111111111111111111111111", function: "pause(bool)", args: [true]}
expect:
  - {call: {to: "0x1111111111111111111111111111111111111111", function: "paused() returns (bool)"}, equals: true}
policy: {propose: [guardian]}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := configs.Load(filepath.Join(dir, "belay.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	playbooks, errs := compilePlaybooks(cfg)
	if len(playbooks) != 0 {
		t.Errorf("accepted: %v", playbooks)
	}
	var told strings.Builder
	for _, err := range errs {
		fmt.Fprintln(&told, strings.TrimPrefix(err.Error(), dir+"/"))
	}
	for _, want := range []string{
		`belay.yaml:6: pause_list[0].args[0]: bool: "yes" is neither true nor false`,
		"bad.book.yaml:8: playbook bad: calls[0].args[0]: uint8: 256 is out of range for uint8",
		`bad.book.yaml:9: playbook bad: policy.expires: "soon" is not a duration (such as 30m, 24h or 7d)`,
		"unearned.book.yaml:5: playbook unearned: calls[0]: the pause list does not allow pause(bool) on 0x1111111111111111111111111111111111111111",
	} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("missing %q in\n%s", want, told.String())
		}
	}
}
