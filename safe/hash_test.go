package safe_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

func TestOwnVectorsHashAsRecorded(t *testing.T) {
	for _, v := range ownVectors(t) {
		checkHashes(t, v)
	}
}

func TestSharedVectorsHashAsRecorded(t *testing.T) {
	var file struct{ SafeTx []vector }
	sharedVectors(t, "safe_tx.json", &file)
	if len(file.SafeTx) < 30 {
		t.Fatalf("only %d vectors", len(file.SafeTx))
	}
	for _, v := range file.SafeTx {
		checkHashes(t, v)
	}
}

func TestOnChainVectorsHashAsRecorded(t *testing.T) {
	var file struct{ Vectors []vector }
	sharedVectors(t, "safe_onchain.json", &file)
	for _, v := range file.Vectors {
		checkHashes(t, v)
	}
}

func checkHashes(t *testing.T, v vector) {
	t.Helper()
	t.Run(v.ID, func(t *testing.T) {
		if got := safe.Hash(v.domain(t), v.tx(t)); got != v.hashes() {
			t.Errorf("hashes are\n%+v, recorded are\n%+v", got, v.hashes())
		}
		if got := crypto.Keccak256Hash(v.hashes().Preimage()); got != v.SafeTxHash {
			t.Errorf("the preimage hashes to %s, want %s", got, v.SafeTxHash)
		}
	})
}

func TestSharedMessageVectors(t *testing.T) {
	var file struct {
		Domains []struct {
			ChainID    uint64
			Safe       common.Address
			Version    string
			DomainHash common.Hash
		}
		Messages []struct {
			ChainID                              uint64
			Safe                                 common.Address
			Version, Message                     string
			EIP191Hash                           common.Hash
			DomainHash, MessageHash, SafeMessage common.Hash
			SafeMessageHash                      common.Hash
		}
	}
	sharedVectors(t, "safe_tx.json", &file)
	for _, v := range file.Domains {
		d := safe.Domain{ChainID: v.ChainID, Safe: v.Safe, Version: mustVersion(t, v.Version)}
		if d.Hash() != v.DomainHash {
			t.Errorf("domain of %s is %s, want %s", v.Safe, d.Hash(), v.DomainHash)
		}
	}
	for _, v := range file.Messages {
		d := safe.Domain{ChainID: v.ChainID, Safe: v.Safe, Version: mustVersion(t, v.Version)}
		text := safe.TextHash([]byte(v.Message))
		want := safe.Hashes{Domain: v.DomainHash, Message: v.MessageHash, SafeTx: v.SafeMessageHash}
		if got := safe.HashMessage(d, text.Bytes()); text != v.EIP191Hash || got != want {
			t.Errorf("message hashes to %s, %+v, want %s, %+v", text, got, v.EIP191Hash, want)
		}
	}
}

func mustVersion(t testing.TB, text string) safe.Version {
	t.Helper()
	v, err := safe.ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every field has to reach the hash: otherwise a signer would sign something that can still be changed.
func TestEveryFieldIsHashed(t *testing.T) {
	base := ownVector(t, "cyfrin-eth-63")
	for _, version := range safe.Versions() {
		d := base.domain(t)
		d.Version = version
		was := safe.Hash(d, base.tx(t))
		changes := map[string]func(*safe.Tx){
			"to":             func(x *safe.Tx) { x.To[0] ^= 1 },
			"value":          func(x *safe.Tx) { x.Value.AddUint64(&x.Value, 1) },
			"data":           func(x *safe.Tx) { x.Data = append([]byte{1}, x.Data...) },
			"operation":      func(x *safe.Tx) { x.Operation = safe.OperationDelegateCall },
			"safeTxGas":      func(x *safe.Tx) { x.SafeTxGas.SetUint64(1) },
			"baseGas":        func(x *safe.Tx) { x.BaseGas.SetUint64(1) },
			"gasPrice":       func(x *safe.Tx) { x.GasPrice.SetUint64(1) },
			"gasToken":       func(x *safe.Tx) { x.GasToken[19] = 1 },
			"refundReceiver": func(x *safe.Tx) { x.RefundReceiver[19] = 1 },
			"nonce":          func(x *safe.Tx) { x.Nonce++ },
		}
		for name, change := range changes {
			tx := base.tx(t)
			change(&tx)
			got := safe.Hash(d, tx)
			if got.SafeTx == was.SafeTx || got.Message == was.Message || got.Domain != was.Domain {
				t.Errorf("%s: a change of %s does not show in the hashes", version, name)
			}
		}
	}
}

func TestTheChainIsPartOfTheDomainFromOneThreeOn(t *testing.T) {
	for _, version := range safe.Versions() {
		here := safe.Domain{ChainID: 1, Safe: addr("0x11"), Version: version}
		there := here
		there.ChainID = 10
		if differs := here.Hash() != there.Hash(); differs != version.BindsChain() {
			t.Errorf("%s: the domain differs between chains: %v", version, differs)
		}
	}
}

func TestAnUnsupportedVersionHashesToNothing(t *testing.T) {
	d := safe.Domain{ChainID: 1, Safe: addr("0x11"), Version: safe.Version{Major: 2}}
	if h := safe.Hash(d, safe.Tx{}); h != (safe.Hashes{}) {
		t.Errorf("got %+v", h)
	}
	if h := safe.HashMessage(d, nil); h != (safe.Hashes{}) {
		t.Errorf("got %+v", h)
	}
	if d.Hash() != (common.Hash{}) || (safe.Tx{}).MessageHash(d.Version) != (common.Hash{}) {
		t.Error("a part has a hash")
	}
}

// The constant type hashes and the types that wallets are given have to be the same thing.
func TestTypedDataTypesHashToTheConstants(t *testing.T) {
	for _, version := range safe.Versions() {
		d := safe.Domain{ChainID: 1, Safe: addr("0x11"), Version: version}
		doc := safe.TypedData(d, safe.Tx{})
		var words []byte
		words = append(words, typeHash("EIP712Domain", doc.Types["EIP712Domain"])...)
		if version.BindsChain() {
			words = append(words, common.LeftPadBytes([]byte{1}, 32)...)
		}
		words = append(words, common.LeftPadBytes([]byte{0x11}, 32)...)
		if got := crypto.Keccak256Hash(words); got != d.Hash() {
			t.Errorf("%s: typed data's domain hashes to %s, want %s", version, got, d.Hash())
		}
		message := typeHash("SafeTx", doc.Types["SafeTx"])
		for i, field := range doc.Types["SafeTx"] {
			if field.Name == "data" {
				message = append(message, crypto.Keccak256()...)
				continue
			}
			if _, ok := doc.Message[field.Name]; !ok {
				t.Errorf("%s: member %d, %s, has no value", version, i, field.Name)
			}
			message = append(message, make([]byte, 32)...)
		}
		if got := crypto.Keccak256Hash(message); got != (safe.Tx{}).MessageHash(version) {
			t.Errorf("%s: typed data's message hashes to %s, want %s", version, got, (safe.Tx{}).MessageHash(version))
		}
	}
}

func typeHash(name string, fields []safe.TypedField) []byte {
	members := make([]string, len(fields))
	for i, f := range fields {
		members[i] = f.Type + " " + f.Name
	}
	return crypto.Keccak256([]byte(name + "(" + strings.Join(members, ",") + ")"))
}

func TestTypedDataIsWhatWalletsTake(t *testing.T) {
	v := ownVector(t, "cyfrin-eth-63")
	got, err := json.MarshalIndent(safe.TypedData(v.domain(t), v.tx(t)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"chainId": 1,`,
		`"verifyingContract": "0x1c694Fc3006D81ff4a56F97E1b99529066a23725"`,
		`"primaryType": "SafeTx"`,
		`"operation": "0"`,
		`"nonce": "63"`,
		`"to": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"`,
		`"data": "0xa9059cbb`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("missing %s in\n%s", want, got)
		}
	}
	old := ownVector(t, "pyth-0.1.0-a")
	text, err := json.Marshal(safe.TypedData(old.domain(t), old.tx(t)))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); strings.Contains(s, "chainId") || strings.Contains(s, "baseGas") || !strings.Contains(s, `"dataGas":"100"`) {
		t.Errorf("0.1.0 signs dataGas and no chain id, got %s", s)
	}
}

func TestAChainIDThatJavaScriptCanNotHoldIsAString(t *testing.T) {
	d := safe.Domain{ChainID: 1 << 60, Safe: addr("0x11"), Version: safe.V1_4_1}
	if got := safe.TypedData(d, safe.Tx{}).Domain.ChainID; got != "1152921504606846976" {
		t.Errorf("chainId is %v", got)
	}
}

func TestAContractOwnerIsAskedInItsParentsWay(t *testing.T) {
	h := ownVector(t, "cyfrin-eth-63").hashes()
	if got := safe.OwnerMessage(safe.V1_4_1, h); len(got) != 66 || crypto.Keccak256Hash(got) != h.SafeTx {
		t.Errorf("1.4.1 asks over %x", got)
	}
	if got := safe.OwnerMessage(safe.V1_5_0, h); common.BytesToHash(got) != h.SafeTx || len(got) != 32 {
		t.Errorf("1.5.0 asks over %x", got)
	}
}

func BenchmarkHash(b *testing.B) {
	v := ownVector(b, "util-eth-6-multisend")
	d, tx := v.domain(b), v.tx(b)
	b.Run("safe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			safe.Hash(d, tx)
		}
	})
	b.Run("bare keccaks", func(b *testing.B) {
		words := make([]byte, 11*32)
		b.ReportAllocs()
		for b.Loop() {
			crypto.Keccak256Hash(words[:96])
			crypto.Keccak256Hash(tx.Data)
			crypto.Keccak256Hash(words)
			crypto.Keccak256Hash(words[:66])
		}
	})
}
