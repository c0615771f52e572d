package calldata_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"belay/safe"
	"belay/safe/calldata"
)

var (
	vault = common.HexToAddress("0x5afe5afE5afE5afE5afE5aFe5aFe5Afe5Afe5AfE") // the Safe
	alice = common.HexToAddress("0xA11ce00000000000000000000000000000000001") // an owner of it
)

func wordOf(a common.Address) common.Hash { return common.BytesToHash(a[:]) }

func number(n int64) common.Hash { return common.BigToHash(big.NewInt(n)) }

// event is a log: topics behind the first are given as words, data as one more word each.
func event(at common.Address, signature string, indexed int, words ...common.Hash) safe.Log {
	l := safe.Log{Address: at, Topics: append([]common.Hash{crypto.Keccak256Hash([]byte(signature))}, words[:indexed]...)}
	for _, w := range words[indexed:] {
		l.Data = append(l.Data, w[:]...)
	}
	return l
}

func transferOf(token, from, to common.Address, amount int64) safe.Log {
	return event(token, "Transfer(address,address,uint256)", 2, wordOf(from), wordOf(to), number(amount))
}

func seenBy[T any](what T, by ...string) safe.Seen[T] { return safe.Seen[T]{What: what, By: by} }

func logsOf(logs ...safe.Log) (e safe.Effects) {
	for _, l := range logs {
		e.Logs = append(e.Logs, seenBy(l))
	}
	return e
}

func slotsOf(changes ...safe.SlotChange) (e safe.Effects) {
	for _, c := range changes {
		e.Slots = append(e.Slots, seenBy(c))
	}
	return e
}

// tell gives the words for what a transaction of the Safe did.
func tell(t *testing.T, tx safe.Tx, e safe.Effects) calldata.Told {
	t.Helper()
	return book(t).Tell(calldata.Ran{Safe: vault, Tx: tx, Owners: []common.Address{alice}, Effects: e})
}

func TestWhatNoCallSaysIsUnexpected(t *testing.T) {
	usdcAt := common.HexToAddress(usdc)
	call := func(to common.Address, function string, args ...any) safe.Tx {
		return safe.Tx{To: to, Data: encode(t, function, args...)}
	}
	asDelegate := func(tx safe.Tx) safe.Tx {
		tx.Operation = safe.OperationDelegateCall
		return tx
	}
	pause := call(market, setReservePause, usdc, "true")
	pays := safe.Tx{To: someone, Value: *uint256.NewInt(70)}
	slot := func(at common.Address, slot, before, after common.Hash) safe.Effects {
		return slotsOf(safe.SlotChange{Address: at, Slot: slot, Before: before, After: after})
	}
	balance := func(at common.Address, before, after uint64) (e safe.Effects) {
		e.Balances = append(e.Balances, seenBy(safe.BalanceChange{Address: at, Before: *uint256.NewInt(before), After: *uint256.NewInt(after)}))
		return e
	}
	code := func(before, after common.Hash) (e safe.Effects) {
		e.Codes = append(e.Codes, seenBy(safe.CodeChange{Address: market, Before: before, After: after}))
		return e
	}
	both := func(a, b safe.Effects) safe.Effects {
		a.Balances, a.Slots = append(a.Balances, b.Balances...), append(a.Slots, b.Slots...)
		return a
	}
	scheduled := event(timelock, "CallScheduled(bytes32,uint256,address,uint256,bytes,bytes32,uint256)", 2, number(1), number(0), wordOf(market), number(0), number(160), number(0), number(60),
		number(int64(len(pause.Data))))
	scheduled.Data = append(scheduled.Data, common.RightPadBytes(pause.Data, 96)...)
	for _, tt := range []struct {
		name       string
		tx         safe.Tx
		did        safe.Effects
		unexpected string // in the danger's words; "" for none
	}{
		{"a pause that only says so", pause, logsOf(event(market, "Paused(address)", 0, wordOf(vault))), ""},
		{"tokens of the Safe in a pause", pause, logsOf(transferOf(usdcAt, vault, someone, 7)), "7 raw units of usdc"},
		{"tokens of a labelled contract in a pause", pause, logsOf(transferOf(usdcAt, market, someone, 7)), "from market"},
		{"tokens of somebody else", pause, logsOf(transferOf(usdcAt, someone, timelock, 7)), ""},
		{"a token that nobody named", pause, logsOf(transferOf(someone, vault, timelock, 7)), "7 raw units of " + someone.Hex()},
		{"a transfer that says so", call(usdcAt, "transfer(address,uint256)", someone.Hex(), "7"), logsOf(transferOf(usdcAt, vault, someone, 7)), ""},
		{"a transfer of more than it says", call(usdcAt, "transfer(address,uint256)", someone.Hex(), "7"), logsOf(transferOf(usdcAt, vault, someone, 8)), "8 raw units"},
		{"a transfer to somebody else", call(usdcAt, "transfer(address,uint256)", someone.Hex(), "7"), logsOf(transferOf(usdcAt, vault, timelock, 7)), "to core timelock"},
		{"a transfer of another token", call(usdcAt, "transfer(address,uint256)", someone.Hex(), "7"), logsOf(transferOf(market, vault, someone, 7)), "of market"},
		{"a transfer twice where it says so once", call(usdcAt, "transfer(address,uint256)", someone.Hex(), "7"), logsOf(transferOf(usdcAt, vault, someone, 7), transferOf(usdcAt, vault, someone, 7)), "7 raw units"},
		{"the same words by delegatecall", asDelegate(call(usdcAt, "transfer(address,uint256)", someone.Hex(), "7")), logsOf(transferOf(usdcAt, vault, someone, 7)), "7 raw units"},
		{"tokens that are destroyed as it says", call(usdcAt, "burn(uint256)", "7"), logsOf(transferOf(usdcAt, vault, common.Address{}, 7)), ""},
		{"tokens that are destroyed", pause, logsOf(transferOf(usdcAt, vault, common.Address{}, 7)), "destroyed"},
		{"tokens that are made", pause, logsOf(transferOf(usdcAt, common.Address{}, someone, 7)), ""},
		{"one token of many", pause, logsOf(event(usdcAt, "Transfer(address,address,uint256)", 3, wordOf(vault), wordOf(someone), number(9))), "token 9 of usdc"},
		{"an ERC-1155", pause, logsOf(event(usdcAt, "TransferSingle(address,address,address,uint256,uint256)", 3, wordOf(vault), wordOf(vault), wordOf(someone), number(9), number(4))), "4 of id 9"},
		{"ether", pause, logsOf(transferOf(safe.EtherLogs, vault, someone, 70)), "(70 wei)"},
		{"ether as it says", pays, logsOf(transferOf(safe.EtherLogs, vault, someone, 70)), ""},
		{"ether by balance alone", pause, balance(vault, 100, 30), "0.0000000000000001 → 0.00000000000000003"},
		{"ether by balance alone, as it says", pays, balance(vault, 100, 30), ""},
		{"ether by both is told once", pause, both(logsOf(transferOf(safe.EtherLogs, vault, someone, 70)), balance(vault, 100, 30)), "(70 wei)"},
		{"ether that comes", pause, balance(vault, 30, 100), ""},
		{"an allowance", pause, logsOf(event(usdcAt, "Approval(address,address,uint256)", 2, wordOf(vault), wordOf(someone), number(7))), "lets " + someone.Hex() + " take 7 raw units of usdc"},
		{"an allowance as it says", call(usdcAt, "approve(address,uint256)", someone.Hex(), "7"), logsOf(event(usdcAt, "Approval(address,address,uint256)", 2, wordOf(vault), wordOf(someone), number(7))), ""},
		{"an allowance that ends", pause, logsOf(event(usdcAt, "Approval(address,address,uint256)", 2, wordOf(vault), wordOf(someone), number(0))), ""},
		{"an operator", pause, logsOf(event(usdcAt, "ApprovalForAll(address,address,bool)", 2, wordOf(vault), wordOf(someone), number(1))), "take all of its usdc"},
		{"an operator no more", pause, logsOf(event(usdcAt, "ApprovalForAll(address,address,bool)", 2, wordOf(vault), wordOf(someone), number(0))), ""},

		{"a call that is scheduled", call(market, "pause()"), logsOf(scheduled), "core timelock " + timelock.Hex() + " schedules: market"},
		{"a call that is scheduled as it says", call(timelock, schedule, market.Hex(), "0", hexOf(pause.Data), zeroWord, zeroWord, "60"), logsOf(scheduled), ""},

		{"new code for the Safe, as in the theft from Bybit", asDelegate(call(timelock, "transfer(address,uint256)", someone.Hex(), "0")), slot(vault, safe.SlotSingleton, wordOf(market), wordOf(someone)), "the code that it runs: market"},
		{"new code for the Safe as it says", call(vault, "changeMasterCopy(address)", someone.Hex()), slot(vault, safe.SlotSingleton, wordOf(market), wordOf(someone)), ""},
		{"slot 0 of another contract", pause, slot(market, safe.SlotSingleton, number(1), number(2)), ""},
		{"an unknown slot of the Safe", pause, slot(vault, number(77), number(1), number(2)), "1 slot of its storage changes"},
		{"an upgrade", pause, slot(market, safe.SlotImplementation, wordOf(usdcAt), wordOf(someone)), "the code that it runs: usdc"},
		{"an upgrade as it says", call(market, "upgradeTo(address)", someone.Hex()), slot(market, safe.SlotImplementation, wordOf(usdcAt), wordOf(someone)), ""},
		{"an upgrade through an admin", call(timelock, "upgrade(address,address)", market.Hex(), someone.Hex()), slot(market, safe.SlotImplementation, wordOf(usdcAt), wordOf(someone)), ""},
		{"an upgrade to other code than it says", call(market, "upgradeTo(address)", alice.Hex()), slot(market, safe.SlotImplementation, wordOf(usdcAt), wordOf(someone)), "→ " + someone.Hex()},
		{"an upgrade of another contract than it says", call(timelock, "upgradeTo(address)", someone.Hex()), slot(market, safe.SlotImplementation, wordOf(usdcAt), wordOf(someone)), "market"},
		{"a new admin", pause, slot(market, safe.SlotAdmin, wordOf(usdcAt), wordOf(someone)), "who may replace its code"},
		{"a guard", pause, slot(vault, safe.SlotGuard, common.Hash{}, wordOf(someone)), "guard: none → " + someone.Hex()},
		{"a guard as it says", call(vault, "setGuard(address)", someone.Hex()), slot(vault, safe.SlotGuard, common.Hash{}, wordOf(someone)), ""},
		{"no guard any more, as it says", call(vault, "setGuard(address)", common.Address{}.Hex()), slot(vault, safe.SlotGuard, wordOf(someone), common.Hash{}), ""},
		{"a handler", pause, slot(vault, safe.SlotFallbackHandler, common.Hash{}, wordOf(someone)), "fallback handler"},
		{"a threshold", pause, slot(vault, safe.SlotThreshold, number(2), number(1)), "threshold: 2 → 1"},
		{"a threshold as it says", call(vault, "changeThreshold(uint256)", "1"), slot(vault, safe.SlotThreshold, number(2), number(1)), ""},
		{"another threshold than it says", call(vault, "changeThreshold(uint256)", "3"), slot(vault, safe.SlotThreshold, number(2), number(1)), "threshold: 2 → 1"},
		{"a nonce that does not count", pause, slot(vault, safe.SlotNonce, number(7), number(7)), "nonce: 7 → 7"},
		{"a module", pause, slotsOf(safe.SlotChange{Address: vault, Slot: safe.ModuleSlot(common.BytesToAddress([]byte{1})), Before: number(1), After: wordOf(someone)},
			safe.SlotChange{Address: vault, Slot: safe.ModuleSlot(someone), After: number(1)}), someone.Hex() + " is a module: no → yes"},
		{"a module as it says", call(vault, "enableModule(address)", someone.Hex()), slotsOf(safe.SlotChange{Address: vault, Slot: safe.ModuleSlot(someone), After: number(1)}), ""},
		{"an owner who goes", pause, slot(vault, safe.OwnerSlot(alice), number(1), common.Hash{}), alice.Hex() + " is an owner: yes → no"},
		{"an owner who goes as it says", call(vault, "removeOwner(address,address,uint256)", someone.Hex(), alice.Hex(), "1"), slot(vault, safe.OwnerSlot(alice), number(1), common.Hash{}), ""},
		{"an owner with another neighbour", pause, slot(vault, safe.OwnerSlot(alice), wordOf(someone), wordOf(market)), ""},
		{"other code at an address", pause, code(number(1), number(2)), "the code at market"},
		{"a new contract", pause, code(common.Hash{}, number(2)), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := tell(t, tt.tx, tt.did)
			if tt.unexpected == "" {
				if len(told.Unexpected) > 0 {
					t.Errorf("unexpected is %v", told.Unexpected)
				}
				return
			}
			if len(told.Unexpected) != 1 || told.Unexpected[0].Code != calldata.DangerUnexpected || !strings.Contains(told.Unexpected[0].Text, tt.unexpected) {
				t.Errorf("unexpected is %v, want one that says %q", told.Unexpected, tt.unexpected)
			}
		})
	}
}

func TestWhatItDidIsToldInWordsWorstFirst(t *testing.T) {
	usdcAt := common.HexToAddress(usdc)
	e := logsOf(
		event(market, "Paused(address)", 0, wordOf(vault)),
		event(someone, "Nothing()", 0), event(someone, "Nothing()", 0), event(market, "Nothing()", 0),
		transferOf(usdcAt, someone, timelock, 5), transferOf(usdcAt, someone, timelock, 5),
		transferOf(usdcAt, vault, someone, 12_500_000),
		event(vault, "ExecutionSuccess(bytes32,uint256)", 0, number(1), number(0)),
	)
	e.Logs[0].By = []string{"alchemy"}
	e.Slots = []safe.Seen[safe.SlotChange]{
		seenBy(safe.SlotChange{Address: market, Slot: number(1)}), seenBy(safe.SlotChange{Address: market, Slot: number(2)}),
		seenBy(safe.SlotChange{Address: vault, Slot: safe.SlotGuard, After: wordOf(someone)}, "own", "infura"),
	}
	told := book(t).Tell(calldata.Ran{Safe: vault, Tx: safe.Tx{To: market, Data: encode(t, "pause()")}, Decimals: map[common.Address]uint8{usdcAt: 6}, Effects: e})
	want := []string{
		"12.5 of usdc " + usdc + " from the Safe " + vault.Hex() + " to " + someone.Hex(),
		"0.000005 of usdc " + usdc + " from " + someone.Hex() + " to core timelock " + timelock.Hex() + ", 2 times",
		"market " + market.Hex() + " says Paused(account: " + vault.Hex() + ") (only alchemy says so)",
		someone.Hex() + ": 2 events that Belay has no words for",
		"market " + market.Hex() + ": 2 slots of its storage change, 1 event that Belay has no words for",
	}
	if !slices.Equal(told.Effects, want) {
		t.Errorf("effects are\n%s\nwant\n%s", strings.Join(told.Effects, "\n"), strings.Join(want, "\n"))
	}
	change := calldata.Change{What: "the Safe " + vault.Hex() + ", guard", Before: "none", After: someone.Hex() + " (only own, infura say so)"}
	if !slices.Equal(told.Changes, []calldata.Change{change}) {
		t.Errorf("changes are %+v", told.Changes)
	}
}

// TestALiarsFloodPushesNothingAwayThatIsAgreed: one provider makes up ten thousand movements.
func TestALiarsFloodPushesNothingAwayThatIsAgreed(t *testing.T) {
	usdcAt := common.HexToAddress(usdc)
	var e safe.Effects
	for i := range int64(10_000) {
		e.Logs = append(e.Logs, seenBy(transferOf(usdcAt, vault, someone, 1000+i), "liar"))
		e.Slots = append(e.Slots, seenBy(safe.SlotChange{Address: common.BigToAddress(big.NewInt(i + 1000)), Slot: safe.SlotAdmin, After: wordOf(someone)}, "liar"))
	}
	e.Logs = append(e.Logs, seenBy(transferOf(usdcAt, vault, someone, 7)))
	e.Slots = append(e.Slots, seenBy(safe.SlotChange{Address: vault, Slot: safe.SlotThreshold, Before: number(2), After: number(1)}))
	told := tell(t, safe.Tx{To: market, Data: encode(t, "pause()")}, e)
	if !strings.HasPrefix(told.Effects[0], "7 raw units") || told.Changes[0].After != "1" {
		t.Errorf("first are %q and %+v", told.Effects[0], told.Changes[0])
	}
	if len(told.Effects) > 41 || len(told.Changes) > 24 || len(told.Unexpected) > 7 {
		t.Errorf("it tells %d effects, %d changes, %d dangers", len(told.Effects), len(told.Changes), len(told.Unexpected))
	}
	agreed := 0
	for _, d := range told.Unexpected {
		if !strings.Contains(d.Text, "liar") && !strings.Contains(d.Text, "more things") {
			agreed++
		}
	}
	if agreed != 2 || !strings.Contains(told.Unexpected[len(told.Unexpected)-1].Text, "more things") {
		t.Errorf("dangers are %v", told.Unexpected)
	}
}

func TestDecimalsAreAskedOfLabelledTokensAlone(t *testing.T) {
	usdcAt := common.HexToAddress(usdc)
	e := logsOf(transferOf(someone, vault, timelock, 7), transferOf(usdcAt, vault, timelock, 7), transferOf(usdcAt, vault, timelock, 8),
		event(market, "Transfer(address,address,uint256)", 3, wordOf(vault), wordOf(someone), number(9)))
	if got := book(t).Tokens(e); !slices.Equal(got, []common.Address{usdcAt}) {
		t.Errorf("tokens are %v", got)
	}
	for name, tt := range map[string]struct {
		answer safe.Result
		want   uint8
		ok     bool
	}{
		"six":          {safe.Result{Data: number(6).Bytes()}, 6, true},
		"none":         {safe.Result{}, 0, false},
		"a revert":     {safe.Result{Reverted: true, Data: number(6).Bytes()}, 0, false},
		"too many":     {safe.Result{Data: number(78).Bytes()}, 0, false},
		"a whole word": {safe.Result{Data: crypto.Keccak256(nil)}, 0, false},
	} {
		if got, ok := calldata.DecodeDecimals(tt.answer); got != tt.want || ok != tt.ok {
			t.Errorf("%s: %d, %v", name, got, ok)
		}
	}
}

func FuzzTell(f *testing.F) {
	f.Add([]byte("Transfer"), []byte{1, 2, 3}, uint8(3), []byte{4})
	f.Add(crypto.Keccak256([]byte("Approval(address,address,uint256)")), make([]byte, 64), uint8(2), make([]byte, 32))
	f.Add(crypto.Keccak256([]byte("TransferBatch(address,address,address,uint256[],uint256[])")), make([]byte, 96), uint8(3), make([]byte, 256))
	f.Fuzz(func(t *testing.T, first, topics []byte, n uint8, data []byte) {
		l := safe.Log{Address: market, Topics: []common.Hash{common.BytesToHash(first)}, Data: data}
		for i := range int(n % 5) {
			l.Topics = append(l.Topics, common.BytesToHash(topics[min(len(topics), 32*i):]))
		}
		e := logsOf(l)
		e.Slots = append(e.Slots, seenBy(safe.SlotChange{Address: vault, Slot: common.BytesToHash(first), Before: common.BytesToHash(topics), After: common.BytesToHash(data)}))
		told := tell(t, safe.Tx{To: market, Data: data}, e)
		for _, line := range slices.Concat(told.Effects, []string{fmt.Sprint(told.Changes)}) {
			if len(line) > 1000 {
				t.Errorf("a line of %d bytes", len(line))
			}
		}
	})
}

func TestEventsOfAnABIAreToldInWords(t *testing.T) {
	events, err := calldata.ParseEvents([]byte(`{"abi":[
		{"type":"function","name":"pause","inputs":[]},
		{"type":"event","name":"LtvChanged","inputs":[{"name":"was","type":"uint256"},{"name":"asset","type":"address","indexed":true},{"name":"is","type":"uint256"}]},
		{"type":"event","name":"Hashed","inputs":[{"name":"note","type":"string","indexed":true}]},
		{"type":"event","name":"Secret","anonymous":true,"inputs":[]},
		{"type":"event","name":"Odd","inputs":[{"name":"x","type":"nonsense"}]},
		{"type":"event","name":"Transfer","inputs":[{"name":"renamed","type":"address"},{"name":"b","type":"address"},{"name":"c","type":"uint256"}]},
		{"type":"event","name":"Approval","inputs":[{"name":"only","type":"bytes32","indexed":true}]}]}`))
	if err != nil || len(events) != 4 {
		t.Fatalf("events are %v, %v", events, err)
	}
	e := logsOf(
		event(market, "LtvChanged(uint256,address,uint256)", 1, wordOf(token), number(80), number(75)),
		event(market, "LtvChanged(uint256,address,uint256)", 2, wordOf(token), number(80), number(75)), // another number of topics than the ABI says
		event(market, "Hashed(string)", 1, number(1)),
		event(market, "Approval(bytes32)", 1, number(1)),
		transferOf(token, someone, timelock, 7),
	)
	told := book(t).WithEvents(events).Tell(calldata.Ran{Safe: vault, Effects: e})
	want := []string{
		"7 raw units of usdc " + usdc + " from " + someone.Hex() + " to core timelock " + timelock.Hex(),
		"market " + market.Hex() + " says LtvChanged(was: 80, asset: usdc " + usdc + ", is: 75)",
		"market " + market.Hex() + " says Approval(only: " + number(1).Hex() + ")",
		"market " + market.Hex() + ": 2 events that Belay has no words for",
	}
	if !slices.Equal(told.Effects, want) {
		t.Errorf("effects are\n%s\nwant\n%s", strings.Join(told.Effects, "\n"), strings.Join(want, "\n"))
	}
}
