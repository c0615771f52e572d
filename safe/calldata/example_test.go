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
