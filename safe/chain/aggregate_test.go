package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rpc"

	"belay/safe"
	"belay/safe/devnet"
)

func TestTheAggregateIsItsCompiledSource(t *testing.T) {
	out, err := exec.Command("node", "aggregate.mjs").Output()
	if err != nil {
		t.Fatalf("compile aggregate.yul: %v", err)
	}
	if got := strings.TrimSpace(string(out)); got != strings.TrimSpace(aggregateHex) {
		t.Errorf("aggregate.yul compiles to\n%s\nand aggregate.hex is\n%s", got, aggregateHex)
	}
	for i := 0; i < len(aggregateCode); i++ { // PUSH0 and later would leave out chains that lack them
		op := vm.OpCode(aggregateCode[i])
		if op == vm.PUSH0 || op == vm.TLOAD || op == vm.TSTORE || op == vm.MCOPY {
			t.Errorf("byte %d is %s", i, op)
		}
		if op.IsPush() {
			i += int(op - vm.PUSH0)
		}
	}
}

// program writes EVM code: opcodes, and bytes and numbers to push.
func program(items ...any) []byte {
	var code []byte
	for _, item := range items {
		switch x := item.(type) {
		case vm.OpCode:
			code = append(code, byte(x))
		case int:
			code = append(code, byte(vm.PUSH3), byte(x>>16), byte(x>>8), byte(x))
		case common.Address:
			code = append(append(code, byte(vm.PUSH20)), x[:]...)
		}
	}
	return code
}

// returning ends a program with the word on top of the stack as its answer.
var returning = []any{0, vm.MSTORE, 32, 0, vm.RETURN}

func answering(items ...any) []byte { return program(append(items, returning...)...) }

// odd are contracts whose answers depend on who calls, on gas, and on what else happened in the same transaction.
var odd = map[string][]byte{
	"returns its caller":          answering(vm.CALLER),
	"returns the origin":          answering(vm.ORIGIN),
	"returns the value":           answering(vm.CALLVALUE),
	"returns the gas price":       answering(vm.GASPRICE),
	"returns the block":           answering(vm.NUMBER),
	"returns its calldata":        program(vm.CALLDATASIZE, 0, 0, vm.CALLDATACOPY, vm.CALLDATASIZE, 0, vm.RETURN),
	"counts in storage":           answering(1, 7, vm.SLOAD, vm.ADD, vm.DUP1, 7, vm.SSTORE),
	"counts in transient storage": answering(1, 7, vm.TLOAD, vm.ADD, vm.DUP1, 7, vm.TSTORE),
	"makes a contract":            answering(0, 0, 0, vm.CREATE),
	"destroys itself":             program(vm.CALLER, vm.SELFDESTRUCT),
	"logs":                        program(0, 0, vm.LOG0),
	"reverts with a word":         program(42, 0, vm.MSTORE, 32, 0, vm.REVERT),
	"reverts with nothing":        program(0, 0, vm.REVERT),
	"does what is not valid":      program(vm.INVALID),
	"returns a lot":               program(60_000, 0, vm.RETURN),
	"returns nothing":             program(vm.STOP),
	"calls the zero address":      answering(0, 0, 32, 0, 0, common.Address{}, vm.GAS, vm.CALL, vm.RETURNDATASIZE, vm.ADD),
	"looks at the zero address":   answering(0, 0, 32, 0, common.Address{}, vm.GAS, vm.STATICCALL, vm.RETURNDATASIZE, vm.ADD),
	"runs the zero address":       answering(0, 0, 32, 0, common.Address{}, vm.GAS, vm.DELEGATECALL, vm.RETURNDATASIZE, vm.ADD),
	"wants much gas":              append(program(1_500_000, 0, vm.KECCAK256, vm.POP), answering(1)...), // about nine million
	"swallows a lack of gas":      answering(32, 0, 0, 0, 0, common.BytesToAddress([]byte{0xf0, 0xf0}), vm.GAS, vm.CALL),
}

// hungry is called by what swallows a lack of gas: it needs much, and works with the gas of a call of its own.
var hungry = common.BytesToAddress([]byte{0xf0, 0xf0})

func oddAddress(name string) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte(name)))
}

// oddReads asks every odd contract several times among others, more than a batch holds.
func oddReads() (calls []safe.Call, names []string) {
	add := func(name string, c safe.Call) { calls, names = append(calls, c), append(names, name) }
	for i := range 5 {
		for name := range odd {
			data := bytes.Repeat([]byte{byte(i)}, 7*i)
			if name == "returns its calldata" {
				data = bytes.Repeat([]byte{byte(i)}, 33*i)
			}
			add(name, safe.Call{To: oddAddress(name), Data: data})
		}
		add("nobody", safe.Call{To: common.BytesToAddress([]byte{0xee, byte(i)})})
		add("the zero address", safe.Call{Data: []byte{1, byte(i)}})
		add("the zero address", safe.Call{Data: make([]byte, 96+i)})
		add("a precompile", safe.Call{To: common.BytesToAddress([]byte{2}), Data: []byte{byte(i)}})
	}
	return calls, names
}

// compareReads has one provider answer with and without our code.
func compareReads(t *testing.T, c *Client, at safe.Block, calls []safe.Call, names []string) {
	t.Helper()
	queries := make([]query, len(calls))
	for i, call := range calls {
		queries[i] = callQuery(common.Address{}, call)
	}
	p := c.providers[0]
	want := must[[]safe.Result](t)(p.readEach(testContext(t), at, queries))
	got := must[[]safe.Result](t)(p.readAt(testContext(t), at, queries))
	if !p.aggregates.able(time.Now()) {
		t.Error("the provider does not run our code")
	}
	groups, _ := grouped(queries)
	open := must[[]int](t)(p.readGroups(testContext(t), at, queries, groups, make([]safe.Result, len(queries))))
	if len(open) == 0 || len(open) > len(queries)/4 { // what wants much gas, and what used up all that it had
		t.Errorf("%d of %d reads have to be asked for by themselves", len(open), len(queries))
	}
	for i := range want {
		if got[i].Reverted != want[i].Reverted || !bytes.Equal(got[i].Data, want[i].Data) {
			t.Errorf("read %d, of what %s: %v %x, by itself %v %x", i, names[i], got[i].Reverted, got[i].Data[:min(64, len(got[i].Data))], want[i].Reverted, want[i].Data[:min(64, len(want[i].Data))])
		}
	}
}

func hungryCode() []byte { return append(program(1_200_000, 0, vm.KECCAK256, vm.POP), answering(9)...) }

func TestManyReadsAtOnceGiveWhatEachGivesByItself(t *testing.T) {
	s := startStack(t, safe.V1_4_1, func(cfg *devnet.Config) {
		cfg.Alloc = types.GenesisAlloc{hungry: {Code: hungryCode()}}
		for name, code := range odd {
			cfg.Alloc[oddAddress(name)] = types.Account{Code: code}
		}
	})
	c := dial(t, nil, s.nodes(1)...)
	head, _, err := c.Head(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	calls, names := oddReads()
	for _, reason := range []string{"market: no", "", strings.Repeat("long ", 50)} {
		calls, names = append(calls, s.revert(reason), s.isPaused("usdc"), safe.OwnersCall(s.Guardian), safe.Call{To: s.Timelock, Data: []byte{1, 2, 3, 4}}), append(names, "revert", "market", "safe", "timelock")
	}
	compareReads(t, c, head, calls, names)
}

func TestManyReadsAtOnceOnAnotherClient(t *testing.T) {
	ctx := testContext(t)
	url := startAnvil(t)
	direct := must[*rpc.Client](t)(rpc.DialContext(ctx, url))
	defer direct.Close()
	set := func(address common.Address, code []byte) {
		if err := direct.CallContext(ctx, nil, "anvil_setCode", address, hexutil.Bytes(code)); err != nil {
			t.Fatal(err)
		}
	}
	set(hungry, hungryCode())
	for name, code := range odd {
		set(oddAddress(name), code)
	}
	c := must[*Client](t)(Dial(ctx, Config{Name: "anvil", ChainID: 31337, Providers: []Provider{{Name: "one", URL: url}}}))
	defer c.Close()
	head, _, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	calls, names := oddReads()
	compareReads(t, c, head, calls, names)
}

// overriding is a scripted chain that runs our code: it answers each of the calls as the chain below does.
type overriding struct {
	*fakeChain
	largest atomic.Int64 // calls in one
}

func (o *overriding) answer(ctx context.Context, method string, params []json.RawMessage) (any, *wireError) {
	if method != "eth_call" || len(params) != 3 {
		return o.fakeChain.answer(ctx, method, params)
	}
	var args struct{ Data hexutil.Bytes }
	if json.Unmarshal(params[0], &args) != nil || !bytes.Contains(params[2], []byte(hexutil.Encode(aggregateCode))) {
		return refuse(-32602, "invalid params")
	}
	n := int(args.Data[30])<<8 | int(args.Data[31])
	o.largest.Store(max(o.largest.Load(), int64(n)))
	var out []byte
	for rest := args.Data[32:]; n > 0; n-- {
		size := int(rest[30])<<8 | int(rest[31])
		r, ok := o.calls[string(rest[32:32+size])]
		head := make([]byte, 32)
		if ok && !r.Reverted {
			head[15] = 1
		}
		head[30], head[31] = byte(len(r.Data)>>8), byte(len(r.Data))
		out = append(append(out, head...), r.Data...)
		rest = rest[32+size:]
	}
	return hexutil.Bytes(out), nil
}

// manyReads are n reads with an answer each.
func manyReads(f *fakeChain, n int) []safe.Call {
	calls := make([]safe.Call, n)
	for i := range calls {
		data := fmt.Appendf(nil, "getTimestamp(bytes32) of operation %028d", i)
		calls[i] = safe.Call{To: timelock, Data: data}
		f.calls[string(data)] = safe.Result{Data: common.LeftPadBytes(fmt.Append(nil, i), 32)}
	}
	return calls
}

// TestTenThousandReadsTakeTwentyOneExchangesAtMost, with each of the providers, and more only for those that take no state overrides.
func TestTenThousandReadsTakeTwentyOneExchangesAtMost(t *testing.T) {
	for _, n := range []int{10, 100, 101, 500, 1000, 10_000} {
		f := newFakeChain(3)
		modern := &overriding{fakeChain: f}
		var exchanges [3]atomic.Int64
		c := dial(t, func(cfg *Config) {
			cfg.OnCall = func(provider, method string, _ Outcome, _ time.Duration) {
				for i, name := range providerNames[:3] {
					if provider == name && method == "eth_call" {
						exchanges[i].Add(1)
					}
				}
			}
		}, newNode(modern), newNode(modern), newNode(f))
		calls := manyReads(f, n)
		for range 2 { // the second time all is remembered
			results := must[[]safe.Result](t)(c.Read(t.Context(), f.head().Block, calls))
			for i, r := range results {
				if r.Reverted || string(bytes.TrimLeft(r.Data, "\x00")) != fmt.Sprint(i) {
					t.Fatalf("result %d is %+v", i, r)
				}
			}
		}
		c.wg.Wait()
		for i, most := range []int{1 + n/500, 1 + n/500, 2 + (n+99)/100} {
			if took := exchanges[i].Load(); took > int64(most) {
				t.Errorf("%d reads took %d exchanges with %s, at most %d are due", n, took, providerNames[i], most)
			}
		}
		if largest := modern.largest.Load(); largest > aggregateReads {
			t.Errorf("%d calls in one", largest)
		}
	}
}

// TestWhoTakesNoOverridesIsAskedInBatches: whatever a provider makes of them, the results are the same, and it is not tried again for a while.
func TestWhoTakesNoOverridesIsAskedInBatches(t *testing.T) {
	for name, answer := range map[string]func() (any, *wireError){
		"it ignores them":       func() (any, *wireError) { return "0x", nil },
		"it refuses them":       func() (any, *wireError) { return refuse(-32602, "too many arguments, want at most 2") },
		"it reverts":            func() (any, *wireError) { return refuse(3, "execution reverted") },
		"it runs out of gas":    func() (any, *wireError) { return refuse(-32000, "out of gas") },
		"it answers too little": func() (any, *wireError) { return hexutil.Bytes(make([]byte, 32*100)), nil },
		"it answers too much":   func() (any, *wireError) { return hexutil.Bytes(make([]byte, 32*1000)), nil },
		"it answers nonsense":   func() (any, *wireError) { return hexutil.Bytes(bytes.Repeat([]byte{0xff}, 3200)), nil },
		"it answers null":       func() (any, *wireError) { return nil, nil },
		"it answers an object":  func() (any, *wireError) { return map[string]any{}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeChain(3)
			var tried atomic.Int64
			odd := newNode(f).says("eth_call", func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
				if len(params) == 3 {
					tried.Add(1)
					return answer()
				}
				return honest()
			})
			c := dial(t, nil, odd, newNode(&overriding{fakeChain: f}))
			calls := manyReads(f, 700)
			for range 2 {
				results := must[[]safe.Result](t)(c.Read(t.Context(), f.grow("main").Block, calls))
				for i, r := range results {
					if r.Reverted || string(bytes.TrimLeft(r.Data, "\x00")) != fmt.Sprint(i) {
						t.Fatalf("result %d is %+v", i, r)
					}
				}
			}
			if n := tried.Load(); n > 2 { // two groups, in one body
				t.Errorf("tried %d times", n)
			}
		})
	}
}

// FuzzDecodeAggregate: what decodes is made of exactly the bytes that came.
func FuzzDecodeAggregate(f *testing.F) {
	good := append(make([]byte, 32), append(append(make([]byte, 15), 1), append(make([]byte, 15), 3, 'a', 'b', 'c')...)...)
	f.Add(good, 2)
	f.Add([]byte{}, 1)
	f.Add(bytes.Repeat([]byte{0xff}, 64), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		n = max(0, min(n, aggregateReads))
		parts, err := decodeAggregate(data, n)
		if err != nil {
			return
		}
		size := 0
		for _, p := range parts {
			size += 32 + len(p.Data)
		}
		if len(parts) != n || size != len(data) {
			t.Errorf("%d parts of %d bytes out of %d bytes", len(parts), size, len(data))
		}
	})
}
