package safe_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"belay/safe"
)

// vector is one recorded transaction: what was hashed, what came out, and for those that ran on a chain what it said.
type vector struct {
	ID          string         `json:"id"`
	ChainID     uint64         `json:"chainId"`
	Safe        common.Address `json:"safe"`
	Version     string         `json:"version"`
	Tx          vectorTx       `json:"tx"`
	DomainHash  common.Hash    `json:"domainHash"`
	MessageHash common.Hash    `json:"messageHash"`
	SafeTxHash  common.Hash    `json:"safeTxHash"`
	Signatures  []struct {
		Owner     common.Address `json:"owner"`
		Type      string         `json:"type"`
		Signature hexutil.Bytes  `json:"signature"`
	} `json:"signatures"`
	Packed      hexutil.Bytes `json:"packedSignatures"`
	NonceBefore string        `json:"nonceBefore"`
	Result      *struct {
		Reverted bool   `json:"reverted"`
		Reason   string `json:"reason"`
	} `json:"result"`
}

type vectorTx struct {
	To             common.Address `json:"to"`
	Value          string         `json:"value"`
	Data           hexutil.Bytes  `json:"data"`
	Operation      uint8          `json:"operation"`
	SafeTxGas      string         `json:"safeTxGas"`
	BaseGas        string         `json:"baseGas"`
	GasPrice       string         `json:"gasPrice"`
	GasToken       common.Address `json:"gasToken"`
	RefundReceiver common.Address `json:"refundReceiver"`
	Nonce          string         `json:"nonce"`
}

func (v vector) tx(t testing.TB) safe.Tx {
	t.Helper()
	return safe.Tx{
		To: v.Tx.To, Value: dec(t, v.Tx.Value), Data: v.Tx.Data, Operation: safe.Operation(v.Tx.Operation),
		SafeTxGas: dec(t, v.Tx.SafeTxGas), BaseGas: dec(t, v.Tx.BaseGas), GasPrice: dec(t, v.Tx.GasPrice),
		GasToken: v.Tx.GasToken, RefundReceiver: v.Tx.RefundReceiver, Nonce: nonce(t, v.Tx.Nonce),
	}
}

func (v vector) domain(t testing.TB) safe.Domain {
	t.Helper()
	version, err := safe.ParseVersion(v.Version)
	if err != nil {
		t.Fatal(err)
	}
	return safe.Domain{ChainID: v.ChainID, Safe: v.Safe, Version: version}
}

func (v vector) hashes() safe.Hashes {
	return safe.Hashes{Domain: v.DomainHash, Message: v.MessageHash, SafeTx: v.SafeTxHash}
}

func dec(t testing.TB, text string) uint256.Int {
	t.Helper()
	n, err := uint256.FromDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return *n
}

func nonce(t testing.TB, text string) uint64 {
	t.Helper()
	n := dec(t, text)
	return n.Uint64()
}

// ownVectors are the handful that live in this package.
func ownVectors(t testing.TB) []vector {
	t.Helper()
	var vectors []vector
	readJSON(t, filepath.Join("testdata", "vectors.json"), &vectors)
	return vectors
}

func ownVector(t testing.TB, id string) vector {
	t.Helper()
	for _, v := range ownVectors(t) {
		if v.ID == id {
			return v
		}
	}
	t.Fatalf("no vector %s", id)
	return vector{}
}

// sharedVectors reads a file of the collection that lies beside the checkout, and skips the test where it does not.
func sharedVectors(t testing.TB, name string, into any) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", "vectors", name)
		if _, err := os.Stat(path); err == nil {
			readJSON(t, path, into)
			return
		} else if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skipf("NOT CHECKED: shared/vectors/%s is not beside this checkout", name)
		}
		dir = parent
	}
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func addr(text string) common.Address { return common.HexToAddress(text) }

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hexutil.Decode("0x" + strings.TrimPrefix(text, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
