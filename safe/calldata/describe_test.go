package calldata_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"

	"belay/safe"
	"belay/safe/calldata"
)

var (
	market   = common.HexToAddress("0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2")
	timelock = common.HexToAddress("0x1111111111111111111111111111111111111111")
	token    = common.HexToAddress(usdc)
	someone  = common.HexToAddress("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
	library  = safe.MultiSendCallOnly()[1].Address
)

func book(t testing.TB) *calldata.Book {
	t.Helper()
	b, err := calldata.NewBook(
		[]calldata.Function{fn(t, "setReservePause(address asset, bool paused)"), fn(t, "note(string text, uint8[] codes, bytes)")},
		map[common.Address]string{market: "market", token: "usdc", timelock: "core timelock"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func encode(t testing.TB, function string, args ...any) []byte {
	t.Helper()
	data, err := fn(t, function).Encode(args)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const (
	setReservePause = "setReservePause(address asset, bool paused)"
	schedule        = "schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay)"
	zeroWord        = "0x0000000000000000000000000000000000000000000000000000000000000000"
)

func hexOf(b []byte) string { return "0x" + common.Bytes2Hex(b) }

func TestDescribe(t *testing.T) {
	pause := encode(t, setReservePause, usdc, "true")
	for _, tt := range []struct {
		name    string
		call    safe.Call
		text    string
		reading calldata.Reading
	}{
		{"a configured function", safe.Call{To: market, Data: pause},
			"market 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2.setReservePause(asset: usdc 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48, paused: true)",
			calldata.ReadFunction},
		{"a well-known function on an address without a label", safe.Call{To: someone, Data: encode(t, "pause()")},
			"0x70997970C51812dc3A010C7d01b50e0d17dc79C8.pause()", calldata.ReadFunction},
		{"value beside data", safe.Call{To: someone, Value: *uint256.NewInt(1e17), Data: encode(t, "pause()")},
			"0x70997970C51812dc3A010C7d01b50e0d17dc79C8.pause(), sending 0.1 ether (100000000000000000 wei)", calldata.ReadFunction},
		{"value alone", safe.Call{To: market, Value: *uint256.NewInt(5)},
			"send 0.000000000000000005 ether (5 wei) to market 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2", calldata.ReadPlain},
		{"nothing at all", safe.Call{To: market},
			"call market 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2 with no data and no value", calldata.ReadPlain},
		{"an unlimited allowance", safe.Call{To: token, Data: encode(t, "approve(address,uint256)", market.Hex(), maxUint256.String())},
			"usdc 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48.approve(spender: market 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2, amount: 115792089237316195423570985008687907853269984665640564039457584007913129639935 (the maximum))",
			calldata.ReadFunction},
		{"foreign text and unnamed bytes", safe.Call{To: someone, Data: encode(t, "note(string,uint8[],bytes)", "line\nbreak", "[1,2]", "0x0102")},
			`0x70997970C51812dc3A010C7d01b50e0d17dc79C8.note(text: "line break", codes: [1, 2], 0x0102)`, calldata.ReadFunction},
		{"an unknown function", safe.Call{To: someone, Data: common.FromHex("0xdeadbeef")},
			"0x70997970C51812dc3A010C7d01b50e0d17dc79C8: unknown function, 0xdeadbeef", calldata.ReadUnknown},
		{"less than a selector", safe.Call{To: someone, Data: []byte{1}},
			"0x70997970C51812dc3A010C7d01b50e0d17dc79C8: unknown function, 0x01", calldata.ReadUnknown},
		{"bytes that do not re-encode", safe.Call{To: market, Data: append(slices.Clone(pause), 0)},
			"market 0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2: bytes that do not encode a proper setReservePause(address,bool), 0x48d9fba9… (69 bytes, keccak256 0xf42603791c98bbe546e4fe3eb4005cbb46bb4f3f7c41e75c635cec171b52d91c)",
			calldata.ReadMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := book(t).Describe(tt.call)
			if d.Reading != tt.reading || d.Text != tt.text {
				t.Errorf("got %s:\n%s\nwant %s:\n%s", d.Reading, d.Text, tt.reading, tt.text)
			}
		})
	}
}

func TestDescribeOpensCallsWithinCalls(t *testing.T) {
	pause := encode(t, setReservePause, usdc, "true")
	scheduled := encode(t, schedule, market.Hex(), "0", hexOf(pause), zeroWord, zeroWord, "172800")
	batch, err := safe.EncodeMultiSend([]safe.Call{{To: timelock, Data: scheduled}, {To: someone, Value: *uint256.NewInt(1)}})
	if err != nil {
		t.Fatal(err)
	}
	d := book(t).Describe(safe.Call{To: library, Data: batch})
	if len(d.Inner) != 2 || len(d.Inner[0].Inner) != 1 {
		t.Fatalf("got %+v", d)
	}
	if got := d.Inner[0].Inner[0]; got.To != market || got.Function != "setReservePause(address,bool)" || got.Args[0].Text() != usdc {
		t.Errorf("innermost is %+v", got)
	}
	if !strings.Contains(d.Inner[0].Text, "core timelock 0x1111111111111111111111111111111111111111.schedule(target: market 0x8787") ||
		!strings.Contains(d.Inner[0].Text, "with 1 call inside") {
		t.Errorf("the operation reads %s", d.Inner[0].Text)
	}
}

func TestEveryWrapperIsOpened(t *testing.T) {
	pause := hexOf(encode(t, setReservePause, usdc, "true"))
	target, list := market.Hex(), "["+market.Hex()+"]"
	for function, args := range map[string][]any{
		schedule: {target, "0", pause, zeroWord, zeroWord, "0"},
		"execute(address,uint256,bytes,bytes32,bytes32)":                                             {target, "0", pause, zeroWord, zeroWord},
		"scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)":                         {list, "[0]", "[" + pause + "]", zeroWord, zeroWord, "0"},
		"executeBatch(address[],uint256[],bytes[],bytes32,bytes32)":                                  {list, "[0]", "[" + pause + "]", zeroWord, zeroWord},
		"queueTransaction(address,uint256,string,bytes,uint256)":                                     {target, "0", "", pause, "0"},
		"executeTransaction(address,uint256,string,bytes,uint256)":                                   {target, "0", "setReservePause(address,bool)", "0x" + pause[10:], "0"},
		"cancelTransaction(address,uint256,string,bytes,uint256)":                                    {target, "0", "", pause, "0"},
		"schedule(address,bytes,uint48)":                                                             {target, pause, "0"},
		"execute(address,bytes)":                                                                     {target, pause},
		"cancel(address,address,bytes)":                                                              {someone.Hex(), target, pause},
		"executeNextTx(address,uint256,bytes,uint8)":                                                 {target, "0", pause, "0"},
		"execTransactionFromModule(address,uint256,bytes,uint8)":                                     {target, "0", pause, "0"},
		"execTransactionFromModuleReturnData(address,uint256,bytes,uint8)":                           {target, "0", pause, "0"},
		"multicall(bytes[])":                                                                         {"[" + pause + "]"},
		"execTransactionWithRole(address,uint256,bytes,uint8,bytes32,bool)":                          {target, "0", pause, "0", zeroWord, "true"},
		"upgradeAndCall(address,address,bytes)":                                                      {someone.Hex(), target, pause},
		"upgradeToAndCall(address,bytes)":                                                            {target, pause},
		"execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)": {target, "0", pause, "0", "0", "0", "0", someone.Hex(), someone.Hex(), "0x"},
	} {
		d := book(t).Describe(safe.Call{To: someone, Data: encode(t, function, args...)})
		if function == "multicall(bytes[])" {
			d = book(t).Describe(safe.Call{To: market, Data: encode(t, function, args...)}) // to itself
		}
		if len(d.Inner) != 1 || d.Inner[0].To != market || hexOf(d.Inner[0].Data) != pause {
			t.Errorf("%s: got %+v", function, d)
		}
	}
}

func TestWrappersThatDoNotAddUpAreMalformed(t *testing.T) {
	for name, data := range map[string][]byte{
		"lists of different length": encode(t, "executeBatch(address[],uint256[],bytes[],bytes32,bytes32)", "["+usdc+"]", "[]", "[0x]", zeroWord, zeroWord),
		"operation 2":               encode(t, "execTransactionFromModule(address,uint256,bytes,uint8)", usdc, "0", "0x", "2"),
		"a batch of nothing":        encode(t, "multiSend(bytes)", "0x"),
		"a batch with operation 2":  encode(t, "multiSend(bytes)", "0x02"+strings.Repeat("00", 84)),
	} {
		if d := book(t).Describe(safe.Call{To: someone, Data: data}); d.Reading != calldata.ReadMalformed || d.Function == "" {
			t.Errorf("%s: got %s, %s", name, d.Reading, d.Text)
		}
	}
}

func TestNestingIsOpenedToALimitAndSaysSo(t *testing.T) {
	data := encode(t, setReservePause, usdc, "true")
	for range 10 {
		data = encode(t, "execute(address,bytes)", market.Hex(), hexOf(data))
	}
	d := book(t).Describe(safe.Call{To: market, Data: data})
	depth := 0
	for len(d.Inner) > 0 {
		d, depth = d.Inner[0], depth+1
	}
	if d.Reading != calldata.ReadTooDeep || depth != 5 || !strings.Contains(d.Text, "too deep to open") {
		t.Errorf("at depth %d: %s, %s", depth, d.Reading, d.Text)
	}
}

func TestDescribeTxTellsABatchAsItsCallsOnlyWhenTheLibraryIsKnown(t *testing.T) {
	calls := []safe.Call{{To: market, Data: encode(t, "pause()")}, {To: someone}}
	tx, err := safe.Batch(calls, library, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := book(t).DescribeTx(tx); len(got) != 2 || got[0].To != market || got[0].Delegate {
		t.Errorf("published library: got %+v", got)
	}
	tx.To = someone
	if got := book(t).DescribeTx(tx); len(got) != 1 || !got[0].Delegate || !strings.HasPrefix(got[0].Text, "DELEGATECALL, runs foreign code as the Safe: ") {
		t.Errorf("unknown library: got %+v", got)
	}
	if got := book(t).DescribeTx(tx, someone); len(got) != 2 {
		t.Errorf("library proven by the caller: got %+v", got)
	}
	tx.Operation = safe.OperationCall
	if got := book(t).DescribeTx(tx, someone); len(got) != 1 || got[0].Delegate {
		t.Errorf("called: got %+v", got)
	}
}

func TestLongArgumentsAreShortenedAndSaySo(t *testing.T) {
	many := make([]any, 100)
	for i := range many {
		many[i] = "1"
	}
	data := encode(t, "note(string,uint8[],bytes)", strings.Repeat("é", 1000), many, "0x"+strings.Repeat("ab", 500))
	d := book(t).Describe(safe.Call{To: someone, Data: data})
	if len(d.Text) > 4000 || !strings.Contains(d.Text, "shortened") || !strings.Contains(d.Text, "500 bytes, keccak256 0x") {
		t.Errorf("got %d bytes: %s", len(d.Text), d.Text)
	}
	if got := d.Args[0].Text(); got != strings.Repeat("é", 1000) {
		t.Errorf("the argument itself was shortened to %d bytes", len(got))
	}
}

func TestDescribedMarshalsAsTheContractSays(t *testing.T) {
	d := book(t).Describe(safe.Call{To: someone, Data: encode(t, "pause()")})
	got, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"to":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8","label":null,"value":"0","data":"0x8456cb59","function":"pause()",` +
		`"args":[],"text":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8.pause()","reading":"function","delegate":false,"inner":[]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBookRefusesWhatWouldMislead(t *testing.T) {
	// A name that somebody searched for: it has the selector of transfer(address,uint256).
	twin := fn(t, "many_msg_babbage(bytes1)")
	if twin.Selector() != fn(t, "transfer(address,uint256)").Selector() {
		t.Fatal("no twin any more")
	}
	if _, err := calldata.NewBook([]calldata.Function{twin}, nil); err == nil || !strings.Contains(err.Error(), "share the selector") {
		t.Errorf("a function with the selector of transfer: %v", err)
	}
	b, err := calldata.NewBook([]calldata.Function{fn(t, "transfer(address guardian, uint256 reward)")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f, _ := b.Function(common.Address{}, twin.Selector()); f.Inputs[0].Name != "to" {
		t.Errorf("transfer was renamed to %s", f)
	}
	for _, label := range []string{"", "0xA0b8", "two\nlines", "right\u202eleft", strings.Repeat("x", 65)} {
		if _, err := calldata.NewBook(nil, map[common.Address]string{market: label}); err == nil {
			t.Errorf("label %q was taken", label)
		}
	}
}

func TestTheNilBookKnowsTheWellKnown(t *testing.T) {
	var b *calldata.Book
	if d := b.Describe(safe.Call{To: market, Data: encode(t, "pause()")}); d.Text != market.Hex()+".pause()" {
		t.Errorf("got %s", d.Text)
	}
}

func FuzzDescribe(f *testing.F) {
	pause := encode(f, setReservePause, usdc, "true")
	f.Add(pause, byte(0))
	f.Add(encode(f, schedule, market.Hex(), "0", hexOf(pause), zeroWord, zeroWord, "0"), byte(1))
	batch, err := safe.EncodeMultiSend([]safe.Call{{To: market, Data: pause}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(batch, byte(1))
	f.Add([]byte{1, 2}, byte(2))
	b := book(f)
	f.Fuzz(func(t *testing.T, data []byte, operation byte) {
		tx := safe.Tx{To: library, Data: data, Operation: safe.Operation(operation)}
		for _, d := range b.DescribeTx(tx) {
			if d.Text == "" || strings.ContainsAny(d.Text, "\n\r\x00") {
				t.Fatalf("%x reads %q", data, d.Text)
			}
			if _, err := json.Marshal(d); err != nil {
				t.Fatal(err)
			}
		}
		if len(data) > 0 && operation > 0 && !safe.IsMultiSend(data) && len(b.Dangers(safe.Domain{}, tx)) == 0 {
			t.Fatalf("operation %d with %x is harmless", operation, data)
		}
	})
}

// TestAFunctionBoundToAContractNamesNothingElsewhere: a planted ABI cannot make another contract look familiar.
func TestAFunctionBoundToAContractNamesNothingElsewhere(t *testing.T) {
	everywhere, err := calldata.NewBook([]calldata.Function{fn(t, "setPoolPause(bool paused)")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	freeze := fn(t, "freeze(address asset)")
	b, err := everywhere.WithContracts(map[common.Address][]calldata.Function{market: {freeze, fn(t, "transfer(address guardian, uint256 reward)")}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := freeze.Encode([]any{usdc})
	if err != nil {
		t.Fatal(err)
	}
	if d := b.Describe(safe.Call{To: market, Data: data}); d.Reading != calldata.ReadFunction || d.Function != "freeze(address)" {
		t.Errorf("at the contract it reads %+v", d)
	}
	if d := b.Describe(safe.Call{To: common.HexToAddress(usdc), Data: data}); d.Reading != calldata.ReadUnknown {
		t.Errorf("elsewhere it reads %+v", d)
	}
	if f, _ := b.Function(market, fn(t, "transfer(address,uint256)").Selector()); f.Inputs[0].Name != "to" {
		t.Errorf("transfer was renamed to %s", f)
	}
	twin := map[common.Address][]calldata.Function{market: {fn(t, "many_msg_babbage(bytes1)")}} // it has the selector of transfer
	if _, err := everywhere.WithContracts(twin); err == nil || !strings.Contains(err.Error(), "share the selector") {
		t.Errorf("a second reading of a selector: %v", err)
	}
}
