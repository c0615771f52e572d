package safe_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

// walletScript hashes each typed document with the two libraries that most wallets are built on.
const walletScript = `
const docs = JSON.parse(require("fs").readFileSync(0, "utf8"));
const { hashTypedData } = require("viem");
let encoder; // ethers comes with other packages, in version 5 or 6, or not at all
try { const e = require("ethers"); encoder = e.TypedDataEncoder ?? e.utils._TypedDataEncoder; } catch {}
console.log(JSON.stringify(docs.map((d) => {
  const { EIP712Domain, ...types } = d.types;
  return { viem: hashTypedData(d), ethers: (encoder ?? { hash: () => null }).hash(d.domain, types, d.message) };
})));`

func TestWalletLibrariesHashTheTypedDataAsWeDo(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("NOT CHECKED: node is not installed")
	}
	root := filepath.Join("..")
	if _, err := os.Stat(filepath.Join(root, "node_modules", "viem")); err != nil {
		t.Skip("NOT CHECKED: npm packages are not installed")
	}
	var docs []safe.TypedDocument
	var want []common.Hash
	for _, v := range ownVectors(t) {
		docs, want = append(docs, safe.TypedData(v.domain(t), v.tx(t))), append(want, v.SafeTxHash)
		message := []byte(v.ID)
		docs, want = append(docs, safe.MessageTypedData(v.domain(t), message)), append(want, safe.HashMessage(v.domain(t), message).SafeTx)
	}
	input, err := json.Marshal(docs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "-e", walletScript)
	cmd.Dir, cmd.Stdin, cmd.Stderr = root, bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Viem   common.Hash
		Ethers *common.Hash
	}
	if err := json.Unmarshal(output, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d hashes for %d documents", len(got), len(want))
	}
	for i := range want {
		if got[i].Viem != want[i] {
			t.Errorf("document %d: viem hashes to %s, want %s", i, got[i].Viem, want[i])
		}
		if got[i].Ethers != nil && *got[i].Ethers != want[i] {
			t.Errorf("document %d: ethers hashes to %s, want %s", i, got[i].Ethers, want[i])
		}
	}
}
