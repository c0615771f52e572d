package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
	"belay/safe/calldata"
	"belay/safe/devnet"
)

var thief = common.HexToAddress("0x7415e5000000000000000000000000000000bad1")

// effects simulates a transaction as if signed, and gives what it did.
func (s *stack) effects(tx safe.Tx, nodes ...*node) *safe.Effects {
	s.t.Helper()
	r := s.request(tx, nil)
	r.Effects, r.After = true, nil
	got := must[safe.Simulation](s.t)(dial(s.t, nil, nodes...).Simulate(testContext(s.t), r))
	if !got.OK {
		s.t.Fatalf("simulation is %+v", got)
	}
	return got.Effects
}

// delegated is a transaction that runs foreign code as the Safe.
func (s *stack) delegated(nonce uint64, to common.Address, method string, args ...any) safe.Tx {
	return safe.Tx{To: to, Data: pack(s.t, "Trickster", method, args...), Operation: safe.OperationDelegateCall, Nonce: nonce}
}

func (s *stack) trickster() common.Address {
	return must[common.Address](s.t)(s.Chain.Deploy(testContext(s.t), own(s.t, "Trickster")))
}

// slot finds a change of storage.
func slot(e *safe.Effects, at common.Address, slot common.Hash) *safe.Seen[safe.SlotChange] {
	for i, s := range e.Slots {
		if s.What.Address == at && s.What.Slot == slot {
			return &e.Slots[i]
		}
	}
	return nil
}

func addressWord(a common.Address) common.Hash { return common.BytesToHash(a[:]) }

func TestAPauseIsToldByItsEventAndItsStorageAndNothingElse(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *stack) {
		e := s.effects(s.tx(4, s.pause("usdc")), s.nodes(2)...)
		if e == nil || !e.Logged || !e.Traced || len(e.Balances) != 0 || len(e.Codes) != 0 {
			t.Fatalf("effects are %+v", e)
		}
		if len(e.Slots) != 1 || e.Slots[0].What.Address != s.Market || len(e.Slots[0].By) != 0 {
			t.Errorf("slots are %+v, want one of the market: neither nonce nor stood-in approvals are a change", e.Slots)
		}
		said := 0
		for _, l := range e.Logs {
			if len(l.By) != 0 {
				t.Errorf("%+v is marked although both tell it", l)
			}
			if l.What.Address == s.Market && l.What.Topics[0] == crypto.Keccak256Hash([]byte("ReservePaused(address,address)")) {
				said++
			}
		}
		if said != 1 {
			t.Errorf("logs are %+v, want one ReservePaused", e.Logs)
		}
	})
}

func TestEtherAndTokensThatMoveAreTold(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	if _, err := s.Chain.Send(ctx, s.Relayer, &s.Guardian, big.NewInt(1e15), nil); err != nil {
		t.Fatal(err)
	}
	trick, token := s.trickster(), s.Asset("usdc").Token
	if _, err := s.Chain.Send(ctx, s.Relayer, &token, nil, pack(t, "Token", "mint", s.Guardian, big.NewInt(5000))); err != nil {
		t.Fatal(err)
	}
	s.execute(s.tx(0, safe.Call{To: token, Data: pack(t, "Token", "approve", trick, big.NewInt(5000))}))
	forward := safe.Call{To: trick, Data: pack(t, "Trickster", "forward", thief)}
	forward.Value.SetUint64(7)
	e := s.effects(s.tx(1, forward, safe.Call{To: trick, Data: pack(t, "Trickster", "pause", token, thief, big.NewInt(4000))}), s.nodes(1)...)
	moved := map[common.Address][]string{}
	for _, l := range e.Logs {
		if len(l.What.Topics) == 3 {
			moved[l.What.Address] = append(moved[l.What.Address], fmt.Sprintf("%s>%s:%d", common.BytesToAddress(l.What.Topics[1][:]), common.BytesToAddress(l.What.Topics[2][:]), new(big.Int).SetBytes(l.What.Data)))
		}
	}
	if want := []string{fmt.Sprintf("%s>%s:7", s.Guardian, trick), fmt.Sprintf("%s>%s:7", trick, thief)}; !slices.Equal(moved[safe.EtherLogs], want) {
		t.Errorf("ether moves %v, want %v", moved[safe.EtherLogs], want)
	}
	if want := []string{fmt.Sprintf("%s>%s:4000", s.Guardian, thief)}; !slices.Equal(moved[token], want) {
		t.Errorf("tokens move %v, want %v", moved[token], want)
	}
	balances := map[common.Address]int64{}
	for _, b := range e.Balances {
		balances[b.What.Address] = new(big.Int).Sub(b.What.After.ToBig(), b.What.Before.ToBig()).Int64()
	}
	if len(balances) != 2 || balances[s.Guardian] != -7 || balances[thief] != 7 {
		t.Errorf("balances change by %v", balances)
	}
}

// TestADelegatecallThatTakesTheSafeIsSeen: the words of the call are those of a token transfer, as in the theft from Bybit.
func TestADelegatecallThatTakesTheSafeIsSeen(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *stack) {
		trick := s.trickster()
		e := s.effects(s.delegated(0, trick, "transfer", thief, big.NewInt(0)), s.nodes(2)...)
		got := slot(e, s.Guardian, safe.SlotSingleton)
		if got == nil || got.What.After != addressWord(thief) || safe.AddressInSlot(got.What.Before) == (common.Address{}) || len(got.By) != 0 {
			t.Errorf("slots are %+v, want new code for the Safe", e.Slots)
		}
		e = s.effects(s.delegated(0, trick, "enlist", thief), s.nodes(2)...)
		if got := slot(e, s.Guardian, safe.ModuleSlot(thief)); got == nil || got.What.After == (common.Hash{}) {
			t.Errorf("slots are %+v, want a new module", e.Slots)
		}
		if got := slot(e, s.Guardian, safe.SlotNonce); got == nil || got.What.Before != got.What.After {
			t.Errorf("slots are %+v, want that the nonce does not count", e.Slots)
		}
	})
}

func TestAnUpgradeAndANewContractAreTold(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	proxy := must[common.Address](t)(s.Chain.Deploy(testContext(t), own(t, "OpenProxy")))
	e := s.effects(s.tx(0, safe.Call{To: proxy, Data: pack(t, "OpenProxy", "tidy", s.target)}), s.nodes(1)...)
	if got := slot(e, proxy, safe.SlotImplementation); got == nil || got.What.Before != (common.Hash{}) || got.What.After != addressWord(s.target) {
		t.Errorf("slots are %+v", e.Slots)
	}
	factory := s.deployCode(common.FromHex("6460016000f36000526005601b6000f05000")) // CREATE of one byte of code
	e = s.effects(s.tx(0, safe.Call{To: factory, Data: []byte{1, 2, 3, 4}}), s.nodes(1)...)
	if len(e.Codes) != 1 || e.Codes[0].What.Before != (common.Hash{}) || e.Codes[0].What.After == (common.Hash{}) {
		t.Errorf("codes are %+v, want one new proxy", e.Codes)
	}
}

func TestEffectsDegradeToWhatIsOffered(t *testing.T) {
	s := startStack(t, safe.V1_3_0, nil)
	unknown := refuses(-32601, "the method debug_traceCall does not exist/is not available")
	for name, test := range map[string]struct {
		apply          func(n *node)
		logged, traced bool
	}{
		"everything":                     {func(*node) {}, true, true},
		"no debug_traceCall":             {func(n *node) { n.says("debug_traceCall", unknown) }, true, false},
		"no eth_simulateV1":              {withoutSimulate, false, true},
		"neither":                        {func(n *node) { withoutSimulate(n); n.says("debug_traceCall", unknown) }, false, false},
		"a trace without the overrides":  {func(n *node) { n.says("debug_traceCall", n.tracesBare) }, true, false},
		"a trace that is none":           {func(n *node) { n.says("debug_traceCall", always([]int{1})) }, true, false},
		"eth_simulateV1 in its old form": {func(n *node) { n.says("eth_simulateV1", n.refusesTransfers) }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := s.nodes(1)[0]
			test.apply(n)
			e := s.effects(s.tx(0, s.pause("usdc")), n)
			if e == nil {
				e = &safe.Effects{}
			}
			if e.Logged != test.logged || e.Traced != test.traced || test.logged != (len(e.Logs) > 0) || test.traced != (len(e.Slots) > 0) {
				t.Errorf("effects are %+v", e)
			}
		})
	}
}

// tracesBare traces as if no state had been overridden: the Safe then refuses the signatures that stand in.
func (n *node) tracesBare(params []rawJSON, _ func() (any, *wireError)) (any, *wireError) {
	bare, _ := json.Marshal(map[string]any{"tracer": "prestateTracer", "tracerConfig": map[string]any{"diffMode": true}})
	return n.backend.answer(context.Background(), "debug_traceCall", []rawJSON{params[0], params[1], bare})
}

func (n *node) refusesTransfers(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
	if strings.Contains(string(params[0]), "traceTransfers") {
		return refuse(-32602, "unknown field traceTransfers")
	}
	return honest()
}

// TestALiarHidesNothingAndMakesNothingUpUnmarked: with three providers of whom two have to agree.
func TestALiarHidesNothingAndMakesNothingUpUnmarked(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	trick := s.trickster()
	tx := s.delegated(0, trick, "transfer", thief, big.NewInt(0))
	invented := map[string]any{"address": safe.EtherLogs, "topics": []common.Hash{crypto.Keccak256Hash([]byte("Transfer(address,address,uint256)")), addressWord(s.Guardian), addressWord(thief)}, "data": word(1)}
	nodes := s.nodes(3)
	nodes[2].says("debug_traceCall", always(map[string]any{"pre": map[string]any{}, "post": map[common.Address]any{trick: map[string]any{"balance": "0x9"}}}))
	nodes[2].says("eth_simulateV1", always([]any{map[string]any{"calls": []any{map[string]any{"status": "0x1", "returnData": word(1), "gasUsed": "0xffff", "logs": []any{invented}}}}}))
	e := s.effects(tx, nodes...)
	if got := slot(e, s.Guardian, safe.SlotSingleton); got == nil || len(got.By) != 0 {
		t.Errorf("slots are %+v: the liar hid new code for the Safe", e.Slots)
	}
	for _, l := range e.Logs {
		if lied := l.What.Address == safe.EtherLogs; lied != slices.Equal(l.By, []string{"infura"}) {
			t.Errorf("log %+v", l)
		}
	}
	if len(e.Balances) != 1 || !slices.Equal(e.Balances[0].By, []string{"infura"}) {
		t.Errorf("balances are %+v", e.Balances)
	}
	two := s.nodes(2)
	two[1].says("debug_traceCall", refuses(-32601, "no"))
	if got := slot(s.effects(tx, two...), s.Guardian, safe.SlotSingleton); got == nil || !slices.Equal(got.By, []string{"alchemy"}) {
		t.Errorf("what one of two tells alone is %+v", got)
	}
}

// TestWhoSaysThatItFailsHidesNothing: providers contradict each other, and a pause goes on all the same.
func TestWhoSaysThatItFailsHidesNothing(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	nodes := s.nodes(2)
	failing := map[string]any{"status": "0x0", "returnData": hexutil.Bytes(reverts("GS013")), "gasUsed": "0x1"}
	nodes[1].says("eth_simulateV1", always([]any{map[string]any{"calls": []any{failing}}}))
	nodes[1].says("debug_traceCall", refuses(-32601, "no"))
	r := s.request(s.delegated(0, s.trickster(), "transfer", thief, big.NewInt(0)), nil)
	r.Effects, r.After = true, nil
	got := must[safe.Simulation](t)(dial(t, nil, nodes...).Simulate(testContext(t), r))
	if got.OK || !got.Contradicted() || got.Effects == nil {
		t.Fatalf("simulation is %+v", got)
	}
	if seen := slot(got.Effects, s.Guardian, safe.SlotSingleton); seen == nil || !slices.Equal(seen.By, []string{"alchemy"}) {
		t.Errorf("effects are %+v", got.Effects)
	}
}

// TestWhatNobodyCanReadIsNotTakenFromOneWhoIsContradicted: the reads behind the transaction differ.
func TestWhatNobodyCanReadIsNotTakenFromOneWhoIsContradicted(t *testing.T) {
	c := &Client{agreement: 2, providers: []*provider{{name: "a"}, {name: "b"}, {name: "c"}}}
	one, other := []safe.Result{{Data: []byte{1}}}, []safe.Result{{Data: []byte{2}}}
	agreed, mine := safe.SlotChange{Address: thief, Slot: word(1)}, safe.SlotChange{Address: thief, Slot: word(2)}
	power := safe.SlotChange{Address: thief, Slot: safe.SlotAdmin, After: word(3)}
	traces := map[string]trace{"a": {slots: []safe.SlotChange{agreed, mine, power}}, "b": {slots: []safe.SlotChange{agreed}}}
	for name, test := range map[string]struct {
		after []safe.Result
		want  int
	}{"the same": {one, 3}, "another": {other, 2}} {
		e := c.effects([]namedTrial{{"a", trial{ok: true, after: one}}, {"b", trial{ok: true, after: test.after}}}, traces)
		if len(e.Slots) != test.want || len(e.Slots[0].By) != 0 || !slices.Equal(e.Slots[test.want-1].By, []string{"a"}) {
			t.Errorf("%s: slots are %+v", name, e.Slots)
		}
	}
}

func TestATraceIsNotWaitedForBeyondTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(4)
		works := map[string]any{"status": "0x1", "returnData": common.BytesToHash([]byte{1}), "gasUsed": "0xffff"}
		n := newNode(f).says("eth_simulateV1", always([]any{map[string]any{"calls": []any{works}}}))
		n.says("debug_traceCall", func([]rawJSON, func() (any, *wireError)) (any, *wireError) {
			<-time.After(time.Minute)
			return refuse(-32000, "too late")
		})
		c := dial(t, nil, n)
		for _, row := range []struct {
			after, want time.Duration
		}{{0, simulateGrace}, {time.Second, 0}, {restFailed, simulateGrace}} { // not waited for again at once, and not given up for good
			time.Sleep(row.after) // within the bubble: no wall time
			began := time.Now()
			got, err := c.Simulate(t.Context(), safe.SimulationRequest{At: f.head().Block, Version: safe.V1_4_1, Owners: []common.Address{{1}}, Effects: true})
			if took := time.Since(began); err != nil || !got.OK || got.Effects == nil || got.Effects.Traced || took != row.want {
				t.Errorf("simulation is %+v, %v after %s", got, err, took)
			}
		}
	})
}

// TestATraceThatIsNotWaitedForIsHeard: who let the moment pass once and is well again tells what it sees before the minute is over.
func TestATraceThatIsNotWaitedForIsHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(newFakeChain(4))
		c := dial(t, nil, n)
		p := c.providers[0]
		p.traces.rest(time.Now().Add(restFailed))
		answers := make(chan answer[trace], 1)
		answers <- answer[trace]{from: p, value: trace{slots: []safe.SlotChange{{}}}}
		if traces := awaitTraces(t.Context(), c, answers, time.Now().Add(simulateGrace)); len(traces) != 1 || !p.traces.able(time.Now()) {
			t.Errorf("heard %v; it is waited for again: %t", traces, p.traces.able(time.Now()))
		}
	})
}

// TestNobodyCanTellMoreThanGasPaysFor: more changes than can be, a million events, and 30 MB for one change.
func TestNobodyCanTellMoreThanGasPaysFor(t *testing.T) {
	var many strings.Builder
	many.WriteString(`{"pre":{},"post":{"` + thief.Hex() + `":{"storage":{`)
	for i := range 50_000 {
		if i > 0 {
			many.WriteByte(',')
		}
		fmt.Fprintf(&many, `"%s":"%s"`, word(uint64(i)).Hex(), word(1).Hex()) //nolint:gosec // not negative
	}
	many.WriteString(`}}}}`)
	if _, err := decodeDiff([]byte(many.String())); err == nil {
		t.Error("50,000 changes of storage were taken")
	}
	var accounts strings.Builder
	accounts.WriteString(`{"pre":{`)
	for i := range 150_000 {
		if i > 0 {
			accounts.WriteByte(',')
		}
		fmt.Fprintf(&accounts, `"0x%040x":{}`, i)
	}
	accounts.WriteString(`},"post":{}}`)
	if _, err := decodeDiff([]byte(accounts.String())); err == nil {
		t.Error("150,000 accounts were taken")
	}
	big := `{"pre":{},"post":{"` + thief.Hex() + `":{"code":"0x` + strings.Repeat("60", 15<<20) + `"}}}`
	if _, err := decodeDiff([]byte(big)); err == nil {
		t.Error("30 MB of code were taken")
	}
	largest := `{"pre":{},"post":{"` + thief.Hex() + `":{"code":"0x` + strings.Repeat("60", 24576) + `"}}}`
	if diff, err := decodeDiff([]byte(largest)); err != nil || len(diff.changes(common.Address{}).codes) != 1 {
		t.Errorf("the largest contract: %v", err)
	}
	var logs simulatedLogs
	if err := json.Unmarshal([]byte(`[`+strings.Repeat(`{},`, 1_000_000)+`{}]`), &logs); err == nil {
		t.Error("a million events were taken")
	}
}

func FuzzDecodeDiff(f *testing.F) {
	f.Add([]byte(`{"pre":{"0x00000000000000000000000000000000000000aa":{"balance":"0x1","code":"0x60","storage":{"` + word(1).Hex() + `":"` + word(2).Hex() + `"}}},"post":{"0x00000000000000000000000000000000000000aa":{"balance":"0x2","storage":{}}}}`))
	f.Add([]byte(`{"pre":{},"post":{"0x00000000000000000000000000000000000000aa":null}}`))
	f.Add([]byte(`{"pre":[],"post":7}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		diff, err := decodeDiff(text)
		if err != nil {
			return
		}
		told := diff.changes(thief)
		for _, c := range told.slots {
			if c.Before == c.After {
				t.Errorf("%+v is no change", c)
			}
		}
		for _, c := range told.balances {
			if c.Before == c.After {
				t.Errorf("%+v is no change", c)
			}
		}
	})
}

func FuzzSimulatedLogs(f *testing.F) {
	f.Add([]byte(`[{"address":"0x00000000000000000000000000000000000000aa","topics":[],"data":"0x"}]`))
	f.Add([]byte(`null`))
	f.Add([]byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var logs simulatedLogs
		if json.Unmarshal(text, &logs) != nil {
			return
		}
		again, err := json.Marshal(logs)
		if err != nil {
			t.Fatal(err)
		}
		var same simulatedLogs
		if err := json.Unmarshal(again, &same); err != nil || len(same) != len(logs) {
			t.Errorf("%s is read as %d events, and they as %d: %v", text, len(logs), len(same), err)
		}
	})
}

// TestWhatARealTransactionTakesIsTold joins both halves: what the dev chain says of a transaction, and the words for it.
func TestWhatARealTransactionTakesIsTold(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *stack) {
		ctx, token, trick := testContext(t), s.Asset("usdc").Token, s.trickster()
		if _, err := s.Chain.Send(ctx, s.Relayer, &token, nil, pack(t, "Token", "mint", s.Guardian, big.NewInt(5000))); err != nil {
			t.Fatal(err)
		}
		s.execute(s.tx(0, safe.Call{To: token, Data: pack(t, "Token", "approve", trick, big.NewInt(5000))}))
		proxy := must[common.Address](t)(s.Chain.Deploy(ctx, own(t, "OpenProxy")))
		book := must[*calldata.Book](t)(calldata.NewBook(nil, map[common.Address]string{token: "usdc", proxy: "vault"}))
		for name, test := range map[string]struct {
			tx   safe.Tx
			want []string // in the dangers, one each
		}{
			"a pause":                    {s.tx(1, s.pause("usdc")), nil},
			"a pause that takes tokens":  {s.tx(1, safe.Call{To: trick, Data: pack(t, "Trickster", "pause", token, thief, big.NewInt(4000))}), []string{"4000 raw units of usdc " + token.Hex()}},
			"a transfer":                 {s.tx(1, safe.Call{To: token, Data: pack(t, "Token", "transfer", thief, big.NewInt(4000))}), nil},
			"new code for the Safe":      {s.delegated(1, trick, "transfer", thief, big.NewInt(0)), []string{"the code that it runs: "}},
			"a module and a second use":  {s.delegated(1, trick, "enlist", thief), []string{thief.Hex() + " is a module: no → yes", "nonce: 1 → 1"}},
			"an upgrade":                 {s.tx(1, safe.Call{To: proxy, Data: pack(t, "OpenProxy", "upgradeTo", s.target)}), nil},
			"an upgrade by another name": {s.tx(1, safe.Call{To: proxy, Data: pack(t, "OpenProxy", "tidy", s.target)}), []string{"vault " + proxy.Hex() + ", the code that it runs: none → " + s.target.Hex()}},
			"a threshold":                {s.tx(1, s.toSafe("changeThreshold", big.NewInt(3))), nil},
			"an owner less":              {s.tx(1, s.toSafe("removeOwner", s.ownerAddresses()[0], s.ownerAddresses()[1], big.NewInt(1))), nil},
			"another owner":              {s.tx(1, s.toSafe("swapOwner", s.ownerAddresses()[0], s.ownerAddresses()[1], thief)), nil},
			"a module":                   {s.tx(1, s.toSafe("enableModule", thief)), nil},
			"a handler beside a pause":   {s.tx(1, s.pause("usdc"), s.toSafe("setFallbackHandler", thief)), nil},
		} {
			release := must[devnet.SafeRelease](t)(devnet.Release(s.version.String()))
			told := book.Tell(calldata.Ran{Safe: s.Guardian, Tx: test.tx, Libraries: []common.Address{release.MultiSendCallOnly}, Owners: s.ownerAddresses(), Effects: *s.effects(test.tx, s.nodes(1)...)})
			if len(told.Unexpected) != len(test.want) {
				t.Errorf("%s: unexpected is %v, want %q", name, told.Unexpected, test.want)
				continue
			}
			for i, want := range test.want {
				if !slices.ContainsFunc(told.Unexpected, func(d calldata.Danger) bool { return strings.Contains(d.Text, want) }) {
					t.Errorf("%s: unexpected %d is %v, want %q", name, i, told.Unexpected, want)
				}
			}
		}
	})
}
