package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

const usdc = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"

// transfer gives usdc to an address.
const transfer = "0xa9059cbb000000000000000000000000474e5ded6b5d078163bfb8f6dba355c3aa5478c80000000000000000000000000000000000000000000000000000000005f5e100"

type decodedText struct {
	Text  string
	Calls []struct {
		To, Label, Value, Data, Function, Text string
		Args                                   []struct{ Name, Type, Value string }
	}
	Dangers []struct{ Code, Text string }
}

func decodeJSON(t *testing.T, args ...string) (d decodedText) {
	t.Helper()
	code, out, errs := belay(t, append([]string{"decode", "--json"}, args...)...)
	if code != exitDone || errs != "" || json.Unmarshal([]byte(out), &d) != nil {
		t.Fatalf("decode %v: exit %d %s %s", args, code, out, errs)
	}
	return d
}

func (d decodedText) codes() (codes []string) {
	for _, danger := range d.Dangers {
		codes = append(codes, danger.Code)
	}
	return codes
}

func TestDecodeTellsACallInWords(t *testing.T) {
	d := decodeJSON(t, "--to", usdc, "--data", transfer)
	if len(d.Calls) != 1 || d.Calls[0].Function != "transfer(address,uint256)" || len(d.Calls[0].Args) != 2 || d.Calls[0].Args[1].Value != "100000000" {
		t.Errorf("decoded %+v", d)
	}
	if d.Text != d.Calls[0].Text || !strings.Contains(d.Text, usdc+".transfer(to: 0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8") || len(d.Dangers) != 0 {
		t.Errorf("text %q, dangers %v", d.Text, d.Dangers)
	}
}

// TestDecodeTripsOnTheBybitTransaction: a token's transfer by DELEGATECALL, of 2025-02-21.
func TestDecodeTripsOnTheBybitTransaction(t *testing.T) {
	d := decodeJSON(t, "--to", "0x96221423681a6d52e184d440a8efcebb105c7242", "--operation", "1", "--safe-version", "1.1.1",
		"--data", "0xa9059cbb000000000000000000000000bdd077f651ebe7f7b3ce16fe5f2b025be29695160000000000000000000000000000000000000000000000000000000000000000")
	if got := strings.Join(d.codes(), " "); !strings.Contains(got, "delegatecall") || !strings.Contains(got, "token_delegatecall") || !strings.Contains(got, "replayable_on") {
		t.Errorf("dangers %s", got)
	}
}

func TestDecodeAndHashReadEveryKindOfFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, v any) string {
		text, isText := v.(string)
		if !isText {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	domain := safe.Domain{ChainID: 1, Safe: common.HexToAddress("0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6"), Version: safe.V1_4_1}
	tx := safe.Tx{To: common.HexToAddress(usdc), Data: common.FromHex(transfer), Nonce: 7}
	want := safe.Hash(domain, tx).SafeTx.Hex()
	batch := `{"version":"1.0","chainId":"1","meta":{"createdFromSafeAddress":"` + domain.Safe.Hex() + `"},"transactions":[{"to":"` + usdc + `","value":"0","data":"` + transfer + `"}]}`
	for name, args := range map[string][]string{
		"typed.json":    {file("typed.json", safe.TypedData(domain, tx))},
		"batch.json":    {file("batch.json", batch), "--nonce", "7"},
		"fields.json":   {file("fields.json", map[string]any{"chain_id": 1, "safe": domain.Safe.Hex(), "to": usdc, "data": transfer, "nonce": "7"})},
		"proposal.json": {file("proposal.json", map[string]any{"safe": map[string]any{"chain_id": 1, "address": domain.Safe.Hex(), "version": "1.4.1"}, "safe_tx": map[string]any{"to": usdc, "data": transfer, "nonce": 7, "value": "0", "operation": 0}})},
	} {
		code, out, errs := belay(t, append([]string{"hash", "--file"}, args...)...)
		if code != exitDone || !strings.Contains(out, "Safe transaction hash: "+want) || !strings.Contains(out, "Check words: ") {
			t.Errorf("hash of %s: exit %d %s %s", name, code, out, errs)
		}
		if name == "fields.json" {
			continue // `decode` has flags for these
		}
		if d := decodeJSON(t, "--file", args[0]); len(d.Calls) != 1 || d.Calls[0].Function != "transfer(address,uint256)" {
			t.Errorf("decode of %s: %+v", name, d)
		}
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a batch for another chain": {[]string{"hash", "--file", file("a.json", batch), "--nonce", "7", "--chain-id", "10"}, "for chain 1, not for 10"},
		"a batch without a nonce":   {[]string{"hash", "--file", file("b.json", batch)}, "--nonce is missing"},
		"a batch that was changed":  {[]string{"hash", "--nonce", "1", "--file", file("c.json", strings.Replace(batch, `"meta":{`, `"meta":{"checksum":"0x01",`, 1))}, "checksum is wrong"},
		"a permit":                  {[]string{"decode", "--file", file("d.json", `{"primaryType":"Permit","types":{},"domain":{},"message":{}}`)}, `primary type is "Permit"`},
		"a flag beside the file":    {[]string{"hash", "--file", file("g.json", safe.TypedData(domain, tx)), "--nonce", "8"}, "--nonce stands beside"},
		"data beside the file":      {[]string{"decode", "--file", file("h.json", batch), "--data", transfer}, "--data stands beside"},
		"a file about nothing":      {[]string{"decode", "--file", file("i.json", `{"name":"belay"}`)}, "it is none of these"},
		"no JSON":                   {[]string{"decode", "--file", file("e.json", `hello`)}, "e.json"},
		"no file":                   {[]string{"decode", "--file", filepath.Join(dir, "nowhere")}, "no such file"},
		"no target":                 {[]string{"decode", "--data", transfer}, "--to is missing"},
		"a bad ABI":                 {[]string{"decode", "--to", usdc, "--abi", file("f.json", `[{"name":"f","type":"function","inputs":[{"type":"uint257"}]}]`)}, "uint257"},
	} {
		if code, out, errs := belay(t, c.args...); code != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d %s %s", name, code, out, errs)
		}
	}
}

// TestDecodeOfABatchNamesWhatOnlyTheFileNames, at its own targets, and warns of a file that was changed.
func TestDecodeOfABatchNamesWhatOnlyTheFileNames(t *testing.T) {
	text := `{"version":"1.0","chainId":"1","meta":{"checksum":"0x00"},"transactions":[
		{"to":"` + usdc + `","value":"0","data":null,"contractMethod":{"name":"freeze","inputs":[{"name":"who","type":"address"}]},"contractInputsValues":{"who":"` + usdc + `"}},
		{"to":"0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8","value":"0","data":"` + "0x8d1fdf2f000000000000000000000000a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48" + `"}]}`
	path := filepath.Join(t.TempDir(), "batch.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := decodeJSON(t, "--file", path)
	if len(d.Calls) != 2 || d.Calls[0].Function != "freeze(address)" || d.Calls[1].Function != "" {
		t.Errorf("decoded %+v", d.Calls)
	}
	if got := strings.Join(d.codes(), " "); got != "named_by_file checksum unknown_calldata" {
		t.Errorf("dangers %s", got)
	}
	code, out, _ := belay(t, "decode", "--file", path)
	if code != exitDone || !strings.Contains(out, "freeze(address), selector 0x8d1fdf2f") || !strings.Contains(out, "DANGER checksum: ") {
		t.Errorf("in words: exit %d\n%s", code, out)
	}
}

// TestDecodeKnowsWhatTheConfigurationKnows: its labels, and the functions of playbooks and ABIs.
func TestDecodeKnowsWhatTheConfigurationKnows(t *testing.T) {
	config := filepath.Join("..", "..", "configs", "example", "belay.yaml")
	data, err := calldata.MustParseFunction("setReservePause(address asset, bool paused)").Encode([]any{usdc, "true"})
	if err != nil {
		t.Fatal(err)
	}
	_, out, errs := belay(t, "--config", config, "decode", "--to", "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27", "--data", hexutil.Encode(data))
	if errs != "" || !strings.Contains(out, "aave-configurator 0x64b761D848206f447Fe2dd461b0c635Ec39EbB27.setReservePause(asset: usdc "+usdc+", paused: true)") {
		t.Errorf("decode: %s %s", out, errs)
	}
}

// TestAFileThatCouldBeReadInTwoWaysIsRefused: what `decode` shows has to be what `hash` hashes and what a wallet signs.
func TestAFileThatCouldBeReadInTwoWaysIsRefused(t *testing.T) {
	evil := safe.TypedData(safe.Domain{ChainID: 1, Safe: common.HexToAddress(usdc), Version: safe.V1_4_1}, safe.Tx{To: common.HexToAddress(usdc), Operation: safe.OperationDelegateCall})
	typed, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	harmless := `"transactions":[{"to":"` + usdc + `","value":"0","data":"0x8456cb59"}],`
	fields := `{"chain_id":1,"safe":"` + usdc + `","to":"` + usdc + `","nonce":1,`
	for name, c := range map[string]struct{ text, want string }{
		"typed data and a batch":      {"{" + harmless + string(typed[1:]), "read in two ways"},
		"typed data and a proposal":   {`{"safe_tx":{},` + string(typed[1:]), "read in two ways"},
		"a field in capitals":         {fields + `"OPERATION":0,"operation":1}`, `"OPERATION" is no field`},
		"the spelling of the service": {fields + `"gasPrice":"5"}`, `"gasPrice" is no field`},
		"the same within a proposal":  {`{"safe":{"chain_id":1,"address":"` + usdc + `","version":"1.4.1"},"safe_tx":{"to":"` + usdc + `","Operation":1,"nonce":1}}`, `"Operation" is no field`},
	} {
		path := filepath.Join(t.TempDir(), "file.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, command := range []string{"decode", "hash"} {
			if code, out, errs := belay(t, command, "--file", path); code != exitUsage || !strings.Contains(errs, c.want) {
				t.Errorf("%s of %s: exit %d %s %s, want %q", command, name, code, out, errs, c.want)
			}
		}
	}
}
