package calldata_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"

	"belay/safe"
	"belay/safe/calldata"
)

func codes(dangers []calldata.Danger) []string {
	list := []string{}
	for _, d := range dangers {
		list = append(list, d.Code)
	}
	return list
}

func TestDangers(t *testing.T) {
	pause := encode(t, setReservePause, usdc, "true")
	me := common.HexToAddress("0x5afe5afE5afE5afE5afE5aFe5aFe5Afe5Afe5AfE")
	addOwner := encode(t, "addOwnerWithThreshold(address,uint256)", someone.Hex(), "1")
	batch := func(calls ...safe.Call) []byte {
		data, err := safe.EncodeMultiSend(calls)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	plain := func(data []byte) safe.Tx { return safe.Tx{To: me, Data: data} }
	delegated := func(to common.Address, data []byte) safe.Tx {
		return safe.Tx{To: to, Data: data, Operation: safe.OperationDelegateCall}
	}
	one := *uint256.NewInt(1)
	for _, tt := range []struct {
		name string
		tx   safe.Tx
		want []string
	}{
		{"a known function", safe.Tx{To: market, Data: pause}, nil},
		{"a void", safe.Void(me, 7), nil},
		{"a transfer of value", safe.Tx{To: someone, Value: one}, nil},
		{"a batch of known functions", delegated(library, batch(safe.Call{To: market, Data: pause}, safe.Call{To: market, Data: pause})), nil},
		{"a scheduled known function", safe.Tx{To: timelock, Data: encode(t, schedule, market.Hex(), "0", hexOf(pause), zeroWord, zeroWord, "0")}, nil},

		{"a delegatecall", delegated(market, pause), []string{"delegatecall"}},
		{"a delegatecall of a batch to an unknown library", delegated(market, batch(safe.Call{To: market, Data: pause})), []string{"delegatecall"}},
		{"a delegatecall to the full MultiSend", delegated(common.HexToAddress("0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526"), batch(safe.Call{To: market, Data: pause})), []string{"delegatecall"}},
		{"another function of the library", delegated(library, pause), []string{"delegatecall"}},
		{"a token function by delegatecall", delegated(token, encode(t, "transfer(address,uint256)", usdc, "0")), []string{"delegatecall", "token_delegatecall"}},
		{"operation 2", safe.Tx{To: market, Operation: 2}, []string{"unknown_operation"}},
		{"a batch library that is called", safe.Tx{To: library, Data: batch(safe.Call{To: market, Data: pause})}, []string{"multisend_by_call"}},
		{"a batch with a delegatecall inside", delegated(library, encode(t, "multiSend(bytes)", hexOf(append([]byte{1}, make([]byte, 84)...)))), []string{"delegatecall", "zero_target"}},
		{"a batch with an operation 2 inside", delegated(library, encode(t, "multiSend(bytes)", hexOf(append([]byte{2}, make([]byte, 84)...)))), []string{"malformed_calldata"}},
		{"a new owner behind multicall", plain(encode(t, "multicall(bytes[])", "["+hexOf(addOwner)+"]")), []string{"owner_change"}},
		{"an allowance of nearly all", plain(encode(t, "increaseAllowance(address,uint256)", usdc, "0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe")), []string{"unlimited_allowance"}},
		{"an allowance of 96 bits", plain(encode(t, "approve(address,uint256)", usdc, "0xffffffffffffffffffffffff")), []string{"unlimited_allowance"}},
		{"an allowance of a thousand", plain(encode(t, "approve(address,uint256)", usdc, "1000")), nil},
		{"a permit without an end", plain(encode(t, "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", usdc, usdc, "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "0", "0", zeroWord, zeroWord)), []string{"unlimited_allowance"}},
		{"a hash that is approved", plain(encode(t, "approveHash(bytes32)", zeroWord)), []string{"approve_hash"}},
		{"a refund inside", plain(encode(t, "execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)", usdc, "0", "0x", "0", "7", "1", "1", usdc, usdc, "0x")), []string{"gas_refund", "safe_tx_gas"}},
		{"an execute that may be a delegatecall", plain(encode(t, "execute(address,bytes)", usdc, "0x")), []string{"ambiguous_call"}},
		{"a batch library called within a batch", delegated(library, batch(safe.Call{To: library, Data: batch(safe.Call{To: market, Data: pause})})), []string{"multisend_by_call"}},
		{"a migration", delegated(market, encode(t, "migrateL2Singleton()")), []string{"delegatecall", "implementation_change"}},
		{"a role on a manager", plain(encode(t, "setTargetFunctionRole(address,bytes4[],uint64)", usdc, "[0x12345678]", "0")), []string{"authority_change"}},

		{"a new owner", plain(addOwner), []string{"owner_change"}},
		{"a new owner in a batch", delegated(library, batch(safe.Call{To: market, Data: pause}, safe.Call{To: me, Data: addOwner})), []string{"owner_change"}},
		{"a new owner behind a timelock", safe.Tx{To: timelock, Data: encode(t, schedule, me.Hex(), "0", hexOf(addOwner), zeroWord, zeroWord, "0")}, []string{"owner_change"}},
		{"a malformed new owner", plain(append(slices.Clone(addOwner), 0)), []string{"malformed_calldata", "owner_change"}},
		{"a removed owner", plain(encode(t, "removeOwner(address,address,uint256)", usdc, usdc, "1")), []string{"owner_change"}},
		{"a replaced owner", plain(encode(t, "swapOwner(address,address,address)", usdc, usdc, usdc)), []string{"owner_change"}},
		{"a threshold", plain(encode(t, "changeThreshold(uint256)", "1")), []string{"threshold_change"}},
		{"a module", plain(encode(t, "enableModule(address)", usdc)), []string{"module_change"}},
		{"a module less", plain(encode(t, "disableModule(address,address)", usdc, usdc)), []string{"module_change"}},
		{"a guard", plain(encode(t, "setGuard(address)", usdc)), []string{"guard_change"}},
		{"a module guard", plain(encode(t, "setModuleGuard(address)", usdc)), []string{"guard_change"}},
		{"a fallback handler", plain(encode(t, "setFallbackHandler(address)", usdc)), []string{"fallback_handler_change"}},
		{"new code for the Safe", plain(encode(t, "changeMasterCopy(address)", usdc)), []string{"implementation_change"}},
		{"an upgrade with a call", safe.Tx{To: market, Data: encode(t, "upgradeToAndCall(address,bytes)", usdc, hexOf(pause))}, []string{"implementation_change", "delegatecall"}},
		{"a contract given away", safe.Tx{To: market, Data: encode(t, "transferOwnership(address)", usdc)}, []string{"authority_change"}},
		{"an unlimited allowance", safe.Tx{To: token, Data: encode(t, "approve(address,uint256)", usdc, maxUint256.String())}, []string{"unlimited_allowance"}},
		{"a limited allowance", safe.Tx{To: token, Data: encode(t, "approve(address,uint256)", usdc, "5")}, nil},

		{"a gas price", safe.Tx{To: market, Data: pause, GasPrice: one}, []string{"gas_refund"}},
		{"a base gas", safe.Tx{To: market, Data: pause, BaseGas: one}, []string{"gas_refund"}},
		{"a gas token", safe.Tx{To: market, Data: pause, GasToken: token}, []string{"gas_refund"}},
		{"a refund receiver", safe.Tx{To: market, Data: pause, RefundReceiver: someone}, []string{"gas_refund"}},
		{"a safeTxGas", safe.Tx{To: market, Data: pause, SafeTxGas: one}, []string{"safe_tx_gas"}},

		{"the zero address", safe.Tx{}, []string{"zero_target"}},
		{"unknown calldata", safe.Tx{To: market, Data: []byte{1, 2, 3, 4}}, []string{"unknown_calldata"}},
		{"less than a selector", safe.Tx{To: market, Data: []byte{1}}, []string{"unknown_calldata"}},
		{"unknown calldata twice is told once", delegated(library, batch(safe.Call{To: market, Data: []byte{1, 2, 3, 4}}, safe.Call{To: market, Data: []byte{1, 2, 3, 4}})), []string{"unknown_calldata"}},
		{"bytes that do not re-encode", safe.Tx{To: market, Data: append(slices.Clone(pause), 0)}, []string{"malformed_calldata"}},
		{"a veto of a new owner", safe.Tx{To: timelock, Data: encode(t, "cancelTransaction(address,uint256,string,bytes,uint256)", me.Hex(), "0", "", hexOf(addOwner), "0")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := codes(book(t).Dangers(safe.Domain{ChainID: 1, Safe: me, Version: safe.V1_4_1}, tt.tx))
			if !slices.Equal(got, append([]string{}, tt.want...)) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestACallIntoNothingIsADanger(t *testing.T) {
	pause := encode(t, setReservePause, usdc, "true")
	batch, err := safe.EncodeMultiSend([]safe.Call{{To: market, Data: pause}, {To: someone, Data: pause}})
	if err != nil {
		t.Fatal(err)
	}
	scheduled := encode(t, schedule, market.Hex(), "0", hexOf(pause), zeroWord, zeroWord, "0")
	for _, tt := range []struct {
		name     string
		tx       safe.Tx
		targets  []common.Address
		codeless []common.Address
		want     []string
	}{
		{"a contract that is there", safe.Tx{To: market, Data: pause}, []common.Address{market}, nil, nil},
		{"one that is not", safe.Tx{To: market, Data: pause}, []common.Address{market}, []common.Address{market}, []string{"no_code"}},
		{"value alone may go anywhere", safe.Tx{To: someone, Value: *uint256.NewInt(1)}, nil, []common.Address{someone}, nil},
		{"one of a batch", safe.Tx{To: library, Data: batch, Operation: safe.OperationDelegateCall}, []common.Address{market, someone}, []common.Address{someone}, []string{"no_code"}},
		{"behind a timelock", safe.Tx{To: timelock, Data: scheduled}, []common.Address{timelock, market}, []common.Address{market}, []string{"no_code"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := book(t).Targets(tt.tx); !slices.Equal(got, tt.targets) {
				t.Errorf("targets %v, want %v", got, tt.targets)
			}
			if got := codes(book(t).IntoNothing(tt.tx, tt.codeless)); !slices.Equal(got, append([]string{}, tt.want...)) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestALibraryProvenByTheCallerIsNoDanger(t *testing.T) {
	tx, err := safe.Batch([]safe.Call{{To: market, Data: encode(t, "pause()")}, {To: market, Data: encode(t, "pause()")}}, someone, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := book(t).Dangers(safe.Domain{}, tx, someone); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestOldSafesAreDangerousByThemselves(t *testing.T) {
	tx := safe.Tx{To: market, Data: encode(t, "pause()")}
	for version, want := range map[safe.Version][]string{
		safe.V1_2_0: {"replayable_on", "nonce_burns"},
		safe.V1_3_0: {},
		{}:          {},
	} {
		if got := codes(book(t).Dangers(safe.Domain{Version: version}, tx)); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", version, got, want)
		}
	}
}

// The transaction that emptied Bybit's cold wallet on 21 February 2025, as its owners signed it.
func TestTheBybitTransactionTripsTheAlarms(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		ID   string
		Safe common.Address
		Tx   struct {
			To        common.Address
			Data      hexutil.Bytes
			Operation uint8
			SafeTxGas string
			Nonce     string
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		if v.ID != "bybit-2025-02-21" {
			continue
		}
		tx := safe.Tx{To: v.Tx.To, Data: v.Tx.Data, Operation: safe.Operation(v.Tx.Operation), Nonce: 71}
		tx.SafeTxGas = *uint256.MustFromDecimal(v.Tx.SafeTxGas)
		var b *calldata.Book
		got := b.Dangers(safe.Domain{ChainID: 1, Safe: v.Safe, Version: safe.V1_1_1}, tx)
		want := []string{"delegatecall", "safe_tx_gas", "token_delegatecall", "replayable_on", "nonce_burns"}
		if !slices.Equal(codes(got), want) {
			t.Errorf("got %v, want %v", got, want)
		}
		return
	}
	t.Fatal("the vector is gone")
}

// TestTheZeroAddressIsTheSafeItselfForTheNewestLibrary: so that a change of owners cannot hide behind it.
func TestTheZeroAddressIsTheSafeItselfForTheNewestLibrary(t *testing.T) {
	addOwner := encode(t, "addOwnerWithThreshold(address,uint256)", usdc, "1")
	data, err := safe.EncodeMultiSend([]safe.Call{{Data: addOwner}, {To: market, Data: addOwner}})
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range safe.MultiSendCallOnly() {
		newest := library.Version == safe.V1_5_0
		tx := safe.Tx{To: library.Address, Data: data, Operation: safe.OperationDelegateCall}
		text := book(t).DescribeTx(tx)[0].Text
		if strings.HasPrefix(text, "the Safe itself (0x0000") != newest {
			t.Errorf("%s: told as %s", library.Version, text)
		}
		if lost := book(t).IntoNothing(tx, []common.Address{{}}); (len(lost) == 0) != newest {
			t.Errorf("%s: into nothing %v", library.Version, lost)
		}
		if got := codes(book(t).Dangers(safe.Domain{}, tx)); !slices.Contains(got, "owner_change") || !slices.Contains(got, "zero_target") {
			t.Errorf("%s: dangers %v", library.Version, got)
		}
	}
}
