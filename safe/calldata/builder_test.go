package calldata_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
	"belay/safe/calldata"
)

// batchFile has what makes checksums go wrong: names beyond the first plane, line separators, fractions and exponents. Its
// checksum was computed in JavaScript, by the algorithm of the Transaction Builder.
func batchFile(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/batch.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readBatch(t *testing.T, text string) calldata.BatchFile {
	t.Helper()
	b, err := calldata.ReadBatchFile([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestABatchFileIsReadAsTheTransactionBuilderDoes(t *testing.T) {
	b := readBatch(t, batchFile(t))
	if b.ChainID != 100 || b.Safe != common.HexToAddress("0xA77DE01e157f9f57C7c4A326eeE9C4874D0598b6") || b.Name != "Ops" || b.CreatedAt.UnixMilli() != 1718723305452 {
		t.Errorf("head is %+v", b)
	}
	if b.Checksum != calldata.ChecksumRight {
		t.Errorf("checksum is %s", b.Checksum)
	}
	approve, err := fn(t, "approve(address spender, uint256 value)").Encode([]any{"0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8", "100000000000"})
	if err != nil {
		t.Fatal(err)
	}
	set, err := fn(t, "set((address who, uint256[2] n, bool ok)[] rows, string note)").Encode([]any{[]any{[]any{"0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8", []any{"1", "2"}, "true"}}, ""})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{approve, nil, set} {
		if !bytes.Equal(b.Calls[i].Data, want) {
			t.Errorf("call %d has data %x, want %x", i, b.Calls[i].Data, want)
		}
	}
	if b.Calls[1].Value.Uint64() != 5 {
		t.Errorf("call 1 sends %s wei", b.Calls[1].Value.Dec())
	}
}

func TestAChecksumTellsAChangedFile(t *testing.T) {
	plain := batchFile(t)
	const right, named = "0xeb8dc4869181b53a44ba13f2f80209e5b9e78d49cda504fdc5420407a9fa30d0", "0xad7a89f18be0c2d31fa7107fca1f32137e721dd1559ca8476220b38d328d78e0"
	for name, c := range map[string]struct {
		old, new string
		want     calldata.Checksum
	}{
		"as it was":                   {"", "", calldata.ChecksumRight},
		"renamed, which is allowed":   {`"Ops"`, `"Other"`, calldata.ChecksumRight},
		"an older file, with a name":  {right, named, calldata.ChecksumRight},
		"another amount":              {"100000000000", "900000000000", calldata.ChecksumWrong},
		"another target":              {`"to":"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"`, `"to":"0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8"`, calldata.ChecksumWrong},
		"no checksum, as of a script": {`,"checksum":"` + right + `"`, "", calldata.ChecksumAbsent},
	} {
		if got := readBatch(t, strings.Replace(plain, c.old, c.new, 1)).Checksum; got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestABatchThatCouldMislead(t *testing.T) {
	plain := batchFile(t)
	for name, c := range map[string]struct{ old, new, want string }{
		"data that say something else":  {`"data":null`, `"data":"0xa9059cbb"`, "which of them is meant"},
		"a delegatecall":                {`"data":null`, `"operation":1,"data":null`, "plain calls only"},
		"a value with an exponent":      {`"value":"0"`, `"value":"1e18"`, "not an amount in wei"},
		"a negative value":              {`"value":"0"`, `"value":"-1"`, "not an amount in wei"},
		"a target that is none":         {`"to":"0xA0b8`, `"to":"0xA0`, "not an address"},
		"a target of wrong checksum":    {`"to":"0xA0b8`, `"to":"0xa0b8`, "wrong checksum"},
		"a value that does not fit":     {`"100000000000"`, `"1000000000000000000000000000000000000000000000000000000000000000000000000000000"`, "out of range"},
		"a value that is missing":       {`"value":"100000000000"`, `"Value":"1"`, `no value for input 1`},
		"half a byte":                   {`"data":null`, `"data":"0x1"`, "not hex"},
		"another version":               {`"version":"1.0"`, `"version":"2.0"`, "only 1.0"},
		"no chain id":                   {`"chainId":"100"`, `"chainId":"gnosis"`, "chainId"},
		"no list":                       {`"transactions":[`, `"txs":[`, "no list of transactions"},
		"a type that does not exist":    {`"type":"uint256"}`, `"type":"uint257"}`, "uint257"},
		"a function that is no name":    {`"name":"approve"`, `"name":"approve(address)"`, "contractMethod"},
		"a tuple with a member missing": {`,true]]`, `]]`, "wants 3 members"},
		"empty data and a method":       {`"data":null`, `"data":"0x"`, "which of them is meant"},
		"a value under its number":      {`"value":"100000000000"`, `"1":"100000000000"`, `no value for input 1`},
		"a list in our own form":        {`"[[\"0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8\",[\"1\",2],true]]"`, `"[(0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8, [1, 2], true)]"`, "written as JSON"},
		"a number that is rounded":      {`[\"1\",2]`, `[\"1\",9007199254740993]`, "put it in quotes"},
		"a type in another spelling":    {`"type":"uint256"}`, `"type":"uint"}`, "which is written uint256"},
		"an input that is no object":    {`"inputs":[{"internalType":"address"`, `"inputs":[7,{"internalType":"address"`, "no JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(plain, c.old, c.new, 1)
			if _, err := calldata.ReadBatchFile([]byte(text)); !errors.Is(err, calldata.ErrBadBatch) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
		})
	}
	for name, text := range map[string]string{"nothing": "", "a list": "[]", "two files": plain + plain, "an empty batch": `{"transactions":[]}`, "too many": `{"transactions":[` + strings.Repeat("0,", 1000) + `0]}`} {
		if _, err := calldata.ReadBatchFile([]byte(text)); !errors.Is(err, calldata.ErrBadBatch) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

// TestAnExportedBatchIsReadBack: with methods where they are known, with data in any case, and with a right checksum.
func TestAnExportedBatchIsReadBack(t *testing.T) {
	b := readBatch(t, batchFile(t))
	book, err := calldata.NewBook(b.Functions[2:], nil)
	if err != nil {
		t.Fatal(err)
	}
	b.Calls = append(b.Calls, safe.Call{To: market, Data: []byte{1, 2, 3, 4, 5}})
	b.CreatedAt = time.UnixMilli(1)
	file, err := book.WriteBatchFile(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name": "approve"`, `"spender": "0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8"`, `[[\"0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8\",[\"1\",\"2\"],\"true\"]]`, `"type": "tuple[]"`, `"data": "0x0102030405"`} {
		if !strings.Contains(string(file), want) {
			t.Errorf("the file lacks %s:\n%s", want, file)
		}
	}
	again := readBatch(t, string(file))
	if again.Checksum != calldata.ChecksumRight || again.ChainID != b.ChainID || again.Safe != b.Safe || !again.CreatedAt.Equal(b.CreatedAt) {
		t.Errorf("read back as %+v", again)
	}
	for i, call := range b.Calls {
		if got := again.Calls[i]; got.To != call.To || got.Value != call.Value || !bytes.Equal(got.Data, call.Data) {
			t.Errorf("call %d is %+v, was %+v", i, got, call)
		}
	}
}

// FuzzReadBatchFile holds that what is read is written so that it reads the same.
func FuzzReadBatchFile(f *testing.F) {
	f.Add([]byte(batchFile(f)))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := calldata.ReadBatchFile(text)
		if err != nil {
			return
		}
		var book *calldata.Book
		file, err := book.WriteBatchFile(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := calldata.ReadBatchFile(file)
		if err != nil || again.Checksum != calldata.ChecksumRight {
			t.Fatalf("%v, checksum %s: %s", err, again.Checksum, file)
		}
		for i, call := range b.Calls {
			if got := again.Calls[i]; got.To != call.To || got.Value != call.Value || !bytes.Equal(got.Data, call.Data) {
				t.Fatalf("call %d is %+v, was %+v", i, got, call)
			}
		}
	})
}
