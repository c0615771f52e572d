package safe_test

import (
	"encoding/json"
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
