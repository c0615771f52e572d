package safe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// The whole way from two calls to the calldata that anybody may send.
func Example() {
	market := common.HexToAddress("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2")
	calls := []safe.Call{
		{To: market, Data: common.FromHex("0x8456cb59")}, // pause()
		{To: market, Data: common.FromHex("0x8456cb59")},
	}
	tx, err := safe.Batch(calls, safe.MultiSendCallOnly()[1].Address, 42)
	if err != nil {
		fmt.Println(err)
		return
	}
	domain := safe.Domain{ChainID: 1, Safe: common.HexToAddress("0x5afe5afE5afE5afE5afE5aFe5aFe5Afe5Afe5AfE"), Version: safe.V1_4_1}
	hashes := safe.Hash(domain, tx)
	fmt.Println("domain hash ", hashes.Domain)
	fmt.Println("message hash", hashes.Message)
	fmt.Println("safeTxHash  ", hashes.SafeTx)

	// Two wallets sign; one returns v 27 or 28, the other 0 or 1.
	var owners []common.Address
	var confirmations []safe.Confirmation
	for i := range byte(2) {
		wallet, _ := crypto.ToECDSA(crypto.Keccak256([]byte{i}))
		owners = append(owners, crypto.PubkeyToAddress(wallet.PublicKey))
		raw, _ := crypto.Sign(hashes.SafeTx[:], wallet)
		raw[64] += 27 * i
		c, err := safe.Confirm(hashes.SafeTx, raw, owners)
		if err != nil {
			fmt.Println(err)
			return
		}
		confirmations = append(confirmations, c)
	}
	blob, err := safe.Pack(confirmations, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range safe.Inspect(hashes.SafeTx, blob, 2, owners) {
		fmt.Println("slot", v.Slot, v.Kind, v.OK())
	}
	calldata := safe.EncodeExec(tx, blob)
	fmt.Printf("%x… %d bytes\n", calldata[:4], len(calldata))
	// Output:
	// domain hash  0xa2b46d55401bcfbc6ef9fa7841590c73b3719b593b0d7b2e6b1001a0364282a0
	// message hash 0x3999ecb472e1607caffbaa5c4e6f3c5ad40e5e170f7d19500668a64db5c20e41
	// safeTxHash   0xf25310e94b9ae691b0aafdd1cea4f92a4ce40b6963dd7025a0f6fa6f0772efb3
	// slot 0 ecdsa true
	// slot 1 ecdsa true
	// 6a761202… 836 bytes
}

func ExampleTypedData() {
	domain := safe.Domain{ChainID: 1, Safe: common.HexToAddress("0x5afe5afE5afE5afE5afE5aFe5aFe5Afe5Afe5AfE"), Version: safe.V1_4_1}
	document := safe.TypedData(domain, safe.Void(domain.Safe, 7))
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(document.Domain)
	_ = encoder.Encode(document.Message)
	// Output:
	// {
	//   "chainId": 1,
	//   "verifyingContract": "0x5afe5afE5afE5afE5afE5aFe5aFe5Afe5Afe5AfE"
	// }
	// {
	//   "baseGas": "0",
	//   "data": "0x",
	//   "gasPrice": "0",
	//   "gasToken": "0x0000000000000000000000000000000000000000",
	//   "nonce": "7",
	//   "operation": "0",
	//   "refundReceiver": "0x0000000000000000000000000000000000000000",
	//   "safeTxGas": "0",
	//   "to": "0x5afe5afE5afE5afE5afE5aFe5aFe5Afe5Afe5AfE",
	//   "value": "0"
	// }
}

func ExampleParseVersion() {
	v, err := safe.ParseVersion("1.3.0+L2")
	fmt.Println(v, err, v.BindsChain())
	_, err = safe.ParseVersion("0.0.1")
	fmt.Println(err)
	// Output:
	// 1.3.0 <nil> true
	// unsupported safe version: 0.0.1
}

func ExampleExplain() {
	data := common.FromHex("0x08c379a0" +
		"0000000000000000000000000000000000000000000000000000000000000020" +
		"0000000000000000000000000000000000000000000000000000000000000005" +
		"4753303133000000000000000000000000000000000000000000000000000000")
	fmt.Println(safe.Explain(data))
	// Output: GS013: the inner call failed; nothing was spent and the nonce is kept
}

func ExampleInspect() {
	hash := crypto.Keccak256Hash([]byte("what we ask for"))
	other := crypto.Keccak256Hash([]byte("the same with another nonce"))
	wallet, _ := crypto.ToECDSA(crypto.Keccak256([]byte("alice")))
	owner := crypto.PubkeyToAddress(wallet.PublicKey)
	signature, _ := crypto.Sign(other[:], wallet)
	signature[64] += 27
	for _, v := range safe.Inspect(hash, signature, 1, []common.Address{owner}) {
		fmt.Println(v.Slot, v.Code)
	}
	// Output: 0 GS026
}

// A wallet's bytes in four forms are one confirmation.
func ExampleConfirm() {
	hash := crypto.Keccak256Hash([]byte("a safeTxHash"))
	wallet, _ := crypto.ToECDSA(crypto.Keccak256([]byte("alice")))
	owner := crypto.PubkeyToAddress(wallet.PublicKey)
	plain, _ := crypto.Sign(hash[:], wallet) // v is 0 or 1, as some hardware wallets return it
	raised := bytes.Clone(plain)
	raised[64] += 27
	compact := bytes.Clone(plain[:64]) // ERC-2098: v is the highest bit of s
	compact[32] |= plain[64] << 7
	prefixed := safe.TextHash(hash[:])
	personal, _ := crypto.Sign(prefixed[:], wallet) // a wallet that cannot sign typed data
	first, _ := safe.Confirm(hash, plain, []common.Address{owner})
	for _, raw := range [][]byte{plain, raised, compact, personal} {
		c, err := safe.Confirm(hash, raw, []common.Address{owner})
		fmt.Println(c.Kind, c.Owner == owner, bytes.Equal(c.Signature, first.Signature), err)
	}
	_, err := safe.Confirm(crypto.Keccak256Hash([]byte("the same with another nonce")), plain, []common.Address{owner})
	var stranger *safe.NotOwnerError
	fmt.Println(errors.As(err, &stranger))
	// Output:
	// ecdsa true true <nil>
	// ecdsa true true <nil>
	// ecdsa true true <nil>
	// eth_sign true false <nil>
	// true
}

// What a failed call costs depends on the version, and on what was signed.
func ExampleForesee() {
	plain := safe.Tx{}
	gated := safe.Tx{SafeTxGas: safe.GasGate(100_000)}
	for _, v := range []safe.Version{safe.V1_1_1, safe.V1_4_1, safe.V1_5_0} {
		for _, tx := range []safe.Tx{plain, gated} {
			o := safe.Foresee(v, tx, nil, safe.ChainFacts{InnerFails: true})
			fmt.Printf("%s safeTxGas %s: reverts %t %s, nonce gone %t\n", v, tx.SafeTxGas.Dec(), o.Reverts(), o.Code, o.SpendsNonce)
		}
	}
	// Output:
	// 1.1.1 safeTxGas 0: reverts false , nonce gone true
	// 1.1.1 safeTxGas 150000: reverts false , nonce gone true
	// 1.4.1 safeTxGas 0: reverts true GS013, nonce gone false
	// 1.4.1 safeTxGas 150000: reverts false , nonce gone true
	// 1.5.0 safeTxGas 0: reverts true , nonce gone false
	// 1.5.0 safeTxGas 150000: reverts false , nonce gone true
}

// Two people at two screens read eight words to each other.
func ExampleCheckWords() {
	fmt.Println(safe.CheckWords(common.HexToHash("0xf25310e94b9ae691b0aafdd1cea4f92a4ce40b6963dd7025a0f6fa6f0772efb3")))
	// Output: zana nofa gona nise pune hoga sape juve
}

// The document that a wallet shows, read back: its hash is what the device must show.
func ExampleReadTypedData() {
	shown, _ := json.Marshal(safe.TypedData(safe.Domain{ChainID: 1, Safe: common.HexToAddress("0x5afe5afE5afE5afE5afE5aFe5aFe5Afe5Afe5AfE"), Version: safe.V1_4_1},
		safe.Tx{To: common.HexToAddress("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"), Data: common.FromHex("0x8456cb59"), Nonce: 7}))
	domain, tx, err := safe.ReadTypedData(shown)
	fmt.Println(domain.ChainID, tx.To, tx.Nonce, err)
	fmt.Println(safe.Hash(domain, tx).SafeTx)
	_, _, err = safe.ReadTypedData([]byte(`{"types":{},"primaryType":"Permit","domain":{},"message":{}}`))
	fmt.Println(err)
	// Output:
	// 1 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2 7 <nil>
	// 0x2d004ea32dc5c7e87bf2658403cbd06c6b5656f2af5534c496a3d884b2b56c8f
	// not the typed data of a Safe transaction: its primary type is "Permit", not SafeTx
}

// A Safe that owns a Safe: its owners sign what the parent's version asks it to vouch for.
func ExampleHashMessage() {
	parent := safe.Domain{ChainID: 1, Safe: common.HexToAddress("0x5afe5afE5afE5afE5afE5aFe5aFe5Afe5Afe5AfE"), Version: safe.V1_4_1}
	child := safe.Domain{ChainID: 1, Safe: common.HexToAddress("0x00000000000000000000000000000000000C411d"), Version: safe.V1_3_0}
	hashes := safe.Hash(parent, safe.Void(parent.Safe, 7))
	message := safe.OwnerMessage(parent.Version, hashes)
	fmt.Println(len(message), "bytes are vouched for")
	fmt.Println("the child's owners sign", safe.HashMessage(child, message).SafeTx)
	fmt.Println("a child 1.5.0 could:", safe.VouchesFor(parent.Version, safe.V1_5_0))
	// Output:
	// 66 bytes are vouched for
	// the child's owners sign 0xf535bdb92b4b8d8f4e543d8899032a1cbea5a855320e49e7e27c04365763140b
	// a child 1.5.0 could: false
}

// A batch of somebody else may delegatecall; MultiSendCallOnly would revert on it.
func ExampleDecodeBatch() {
	data, _ := safe.EncodeBatch([]safe.BatchItem{
		{Call: safe.Call{To: common.HexToAddress("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"), Data: common.FromHex("0x8456cb59")}},
		{Call: safe.Call{To: common.HexToAddress("0x0000000000000000000000000000000000000bad")}, Operation: safe.OperationDelegateCall},
	})
	items, err := safe.DecodeBatch(data)
	fmt.Println(len(items), items[1].Operation == safe.OperationDelegateCall, err)
	_, err = safe.DecodeMultiSend(data)
	fmt.Println(err)
	// Output:
	// 2 true <nil>
	// decode multisend: item 1: a batch item is not a plain call: operation 1
}

// An implementation is known by its code; chains are only where it was published.
func ExampleKnownSingleton() {
	for _, d := range safe.Singletons() {
		if d.Version == safe.V1_4_1 && d.L2() && d.Family == "canonical" {
			version, proof, known := safe.KnownSingleton(d.Address, d.CodeHash)
			fmt.Println(d.Contract, version, proof, known, d.On(42161))
			_, proof, known = safe.KnownSingleton(d.Address, common.Hash{1})
			fmt.Println(proof, known)
		}
	}
	// Output:
	// SafeL2 1.4.1 canonical true true
	// unverified false
}

// An execution is told by the Safe's own event; its receipt's status is not enough.
func ExampleExecutionOf() {
	hash := common.HexToHash("0xf25310e94b9ae691b0aafdd1cea4f92a4ce40b6963dd7025a0f6fa6f0772efb3")
	since14 := safe.Log{Topics: []common.Hash{safe.TopicExecutionFailure, hash}, Data: make([]byte, 32)}
	before := safe.Log{Topics: []common.Hash{safe.TopicExecutionSuccess}, Data: append(hash.Bytes(), make([]byte, 32)...)}
	for _, l := range []safe.Log{since14, before} {
		got, success, ok := safe.ExecutionOf(l)
		fmt.Println(got == hash, success, ok)
	}
	// Output:
	// true false true
	// true true true
}
