package calldata_test

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
	"belay/safe/calldata"
)

// A function in Solidity text is enough to write calldata, to read it, and to say it in words.
func Example() {
	pause, err := calldata.ParseFunction("setReservePause(address asset, bool paused)")
	if err != nil {
		fmt.Println(err)
		return
	}
	market := common.HexToAddress("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2")
	usdc := common.HexToAddress("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
	data, err := pause.Encode([]any{usdc.Hex(), "true"})
	if err != nil {
		fmt.Println(err)
		return
	}
	book, err := calldata.NewBook([]calldata.Function{pause}, map[common.Address]string{market: "market", usdc: "usdc"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(book.Describe(safe.Call{To: market, Data: data}).Text)

	byDelegate := safe.Tx{To: market, Data: data, Operation: safe.OperationDelegateCall}
	for _, d := range book.Dangers(safe.Domain{}, byDelegate) {
		fmt.Println(d.Code)
	}
	// Output:
	// market 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2.setReservePause(asset: usdc 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48, paused: true)
	// delegatecall
}

func ExampleParseFunction() {
	f, _ := calldata.ParseFunction("f((uint256 a, address b)[] xs, bytes32[2]) view returns (bool ok)")
	fmt.Println(f.Signature())
	_, err := calldata.ParseFunction("f(uint7 x)")
	fmt.Println(err)
	// Output:
	// f((uint256,address)[],bytes32[2])
	// parse function "f(uint7 x)": column 3: expected a type (address, bool, string, bytes, bytes1–32, uint8–256, int8–256 or a tuple), found "uint7"
}

func ExampleParseValue() {
	t, _ := calldata.ParseType("uint16[]")
	v, _ := calldata.ParseValue(t, []any{"1", "0x10"})
	fmt.Println(calldata.TextAs(t, v))
	_, err := calldata.ParseValue(t, "[010]")
	fmt.Println(err)
	// Output:
	// [1, 16]
	// [0]: bad value: "010" starts with a zero: write it without, or in hex with 0x
}

func ExampleParseAmount() {
	n, _ := calldata.ParseAmount("1000.5", 6)
	fmt.Println(n, calldata.FormatAmount(n, 6))
	_, err := calldata.ParseAmount("0.0000001", 6)
	fmt.Println(err)
	wei, _ := calldata.ParseUnits("0.05 ether")
	fmt.Println(wei)
	// Output:
	// 1000500000 1000.5
	// bad value: "0.0000001" has 7 digits behind the point, at most 6
	// 50000000000000000
}

// The transaction that took 1.4 billion dollars from Bybit on 2025-02-21: a token's transfer, by DELEGATECALL.
func ExampleBook_Dangers() {
	tx := safe.Tx{To: common.HexToAddress("0x96221423681A6d52E184D440a8eFCEbB105C7242"), Operation: safe.OperationDelegateCall, Nonce: 71,
		Data: common.FromHex("0xa9059cbb000000000000000000000000bdd077f651ebe7f7b3ce16fe5f2b025be29695160000000000000000000000000000000000000000000000000000000000000000")}
	tx.SafeTxGas.SetUint64(45746)
	bybit := safe.Domain{ChainID: 1, Safe: common.HexToAddress("0x1Db92e2EeBC8E0c075a02BeA49a2935BcD2dFCF4"), Version: safe.V1_1_1}
	var book *calldata.Book // knows what everybody knows
	for _, d := range book.Dangers(bybit, tx) {
		fmt.Println(d.Code)
	}
	// Output:
	// delegatecall
	// safe_tx_gas
	// token_delegatecall
	// replayable_on
	// nonce_burns
}

// A batch of the Safe Transaction Builder in words. Where it says the same thing twice, both have to agree.
func ExampleReadBatchFile() {
	file := `{"version": "1.0", "chainId": "1", "meta": {}, "transactions": [{"to": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "value": "0", "data": null,
		"contractMethod": {"name": "transfer", "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}]},
		"contractInputsValues": {"to": "0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8", "value": "1000000"}}]}`
	batch, err := calldata.ReadBatchFile([]byte(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	var book *calldata.Book
	fmt.Println(batch.Checksum, book.Describe(batch.Calls[0]).Text)
	// Output: absent 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48.transfer(to: 0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8, amount: 1000000)
}

func ExampleBook_Explain() {
	unauthorized := calldata.MustParseFunction("OwnableUnauthorizedAccount(address account)")
	book, _ := calldata.NewBook(nil, map[common.Address]string{common.HexToAddress("0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8"): "guardian"})
	data, _ := unauthorized.Pack(common.HexToAddress("0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8"))
	fmt.Println(book.WithErrors([]calldata.Function{unauthorized}).Explain(data))
	// Output: reverted with OwnableUnauthorizedAccount(account: guardian 0x474e5Ded6b5D078163BFB8F6dBa355C3aA5478C8)
}
