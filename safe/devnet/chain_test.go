package devnet_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/ethclient/gethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"belay/safe/devnet"
)

const genesisTime = 1_750_000_000 // June 2025

func TestATransactionIsMinedAsSoonAsItArrives(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Period: time.Hour})
	to := stranger("arrival")
	receipt := must[*types.Receipt](t)(c.Send(ctx, devnet.Key(4), &to, wei(7), nil))
	if receipt.BlockNumber.Uint64() != 2 {
		t.Errorf("mined in block %s, want 2, the first after the start", receipt.BlockNumber)
	}
	if got := must[*big.Int](t)(c.Client().BalanceAt(ctx, to, nil)); got.Int64() != 7 {
		t.Errorf("balance is %s, want 7", got)
	}
}

func TestChainTimeGoesOnWithoutTransactions(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{})
	heads := make(chan *types.Header, 4)
	sub := must[ethereum.Subscription](t)(c.Client().SubscribeNewHead(ctx, heads))
	defer sub.Unsubscribe()
	began := time.Now()
	first, second := <-heads, <-heads
	if second.Time <= first.Time {
		t.Errorf("time went from %d to %d", first.Time, second.Time)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("two blocks took %s, want about two seconds", took)
	}
}

func TestAManualChainMovesOnlyWhenTold(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true, GenesisTime: genesisTime, Period: 12 * time.Second})
	to := stranger("manual")
	tx := must[*types.Transaction](t)(c.Submit(ctx, devnet.Key(0), &to, wei(1), nil, 21_000))
	if _, err := c.Client().TransactionReceipt(ctx, tx.Hash()); !errors.Is(err, ethereum.NotFound) {
		t.Fatalf("receipt before Seal: %v, want not found", err)
	}
	before := c.Now()
	hash := c.Seal()
	header := must[*types.Header](t)(c.Client().HeaderByHash(ctx, hash))
	if at := c.Now(); at.Sub(before) != 12*time.Second || at.Unix() != int64(header.Time) || at.Unix() != genesisTime+24 {
		t.Errorf("block 2 is at %s, want two periods after genesis", at)
	}
	if receipt := must[*types.Receipt](t)(c.Wait(ctx, tx.Hash())); receipt.BlockHash != hash {
		t.Errorf("mined in %s, want %s", receipt.BlockHash, hash)
	}
}

func TestAdvanceTimeJumpsAndTheClockGoesOnFromThere(t *testing.T) {
	for name, cfg := range map[string]devnet.Config{
		"an automatic chain":             {Period: time.Hour},
		"an automatic chain in the past": {Period: time.Hour, GenesisTime: genesisTime},
		"a manual chain":                 {Manual: true, GenesisTime: genesisTime},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, cfg)
			before := c.Now()
			c.AdvanceTime(48 * time.Hour)
			if got := c.Now().Sub(before); got < 48*time.Hour || got > 48*time.Hour+3*time.Second {
				t.Errorf("time jumped by %s, want 48h", got)
			}
			c.Seal()
			if got := c.Now().Sub(before); got <= 48*time.Hour || got > 48*time.Hour+5*time.Second {
				t.Errorf("the next block is %s later, want a little over 48h", got)
			}
		})
	}
}

func TestAJumpLeavesPendingTransactionsWaiting(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	to := stranger("jump")
	must[*types.Transaction](t)(c.Submit(ctx, devnet.Key(0), &to, nil, nil, 21_000))
	block := must[*types.Block](t)(c.Client().BlockByHash(ctx, c.AdvanceTime(time.Minute)))
	if len(block.Transactions()) != 0 || c.PendingCount() != 1 {
		t.Errorf("the jump mined %d and left %d pending, want 0 and 1", len(block.Transactions()), c.PendingCount())
	}
}

func TestAPausedChainStandsStillUntilResumed(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Period: time.Hour})
	c.Pause()
	to := stranger("paused")
	tx := must[*types.Transaction](t)(c.Submit(ctx, devnet.Key(0), &to, nil, nil, 21_000))
	if n := must[uint64](t)(c.Client().BlockNumber(ctx)); n != 1 || c.PendingCount() != 1 {
		t.Fatalf("paused at block %d with %d pending, want block 1 and 1 pending", n, c.PendingCount())
	}
	heads := make(chan *types.Header, 4)
	sub := must[ethereum.Subscription](t)(c.Client().SubscribeNewHead(ctx, heads))
	defer sub.Unsubscribe()
	c.Resume()
	<-heads
	must[*types.Receipt](t)(c.Wait(ctx, tx.Hash()))
}

func TestAForkRevivesTheTransactionOrLosesIt(t *testing.T) {
	for name, lost := range map[string]bool{"it returns to the pool and is mined again": false, "it vanishes": true} {
		t.Run(name, func(t *testing.T) {
			ctx := testContext(t)
			c := start(t, devnet.Config{Manual: true})
			parent := c.Seal()
			to := stranger("fork")
			before := must[*types.Receipt](t)(c.Send(ctx, devnet.Key(0), &to, wei(5), nil))
			if err := c.Fork(parent); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Client().TransactionReceipt(ctx, before.TxHash); !errors.Is(err, ethereum.NotFound) {
				t.Fatalf("receipt after the fork: %v, want not found", err)
			}
			if lost {
				c.DropPending()
			}
			head := c.Seal()
			after, err := c.Client().TransactionReceipt(ctx, before.TxHash)
			switch {
			case lost && !errors.Is(err, ethereum.NotFound):
				t.Errorf("the lost transaction has receipt %v, %v", after, err)
			case !lost && (err != nil || after.BlockHash != head || head == before.BlockHash):
				t.Errorf("mined again in %v, %v, want another block than %s", after, err, before.BlockHash)
			}
		})
	}
}

func TestAForkTellsSubscribersWhichLogsAreGone(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	stack := must[*devnet.Stack](t)(devnet.NewStack(ctx, c, devnet.StackConfig{}))
	parent := c.Seal()
	ws := must[*ethclient.Client](t)(ethclient.DialContext(ctx, c.WSURL()))
	defer ws.Close()
	logs := make(chan types.Log, 4)
	sub := must[ethereum.Subscription](t)(ws.SubscribeFilterLogs(ctx, ethereum.FilterQuery{Addresses: []common.Address{stack.Feed}}, logs))
	defer sub.Unsubscribe()

	must[*types.Receipt](t)(c.Send(ctx, devnet.Key(devnet.DeployerKey), &stack.Feed, nil, pack(t, "PriceFeed", "setPrice", wei(9100_0000))))
	if log := <-logs; log.Removed {
		t.Fatal("the first log came as removed")
	}
	if err := c.Fork(parent); err != nil {
		t.Fatal(err)
	}
	if log := <-logs; !log.Removed {
		t.Error("the dropped log was not told as removed")
	}
}

func TestForkRefusesAnUnknownBlock(t *testing.T) {
	c := start(t, devnet.Config{Manual: true})
	if err := c.Fork(common.Hash{1}); err == nil || !strings.Contains(err.Error(), "no such block") {
		t.Errorf("fork at nowhere: %v", err)
	}
}

func TestSafeAndFinalizedFollowTheHead(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true, Finality: 4})
	for range 6 {
		c.Seal() // blocks 2 to 7
	}
	for tag, want := range map[rpc.BlockNumber]int64{rpc.SafeBlockNumber: 5, rpc.FinalizedBlockNumber: 3} {
		header := must[*types.Header](t)(c.Client().HeaderByNumber(ctx, big.NewInt(tag.Int64())))
		if header.Number.Int64() != want {
			t.Errorf("tag %s is block %s, want %d", tag, header.Number, want)
		}
	}
}

func TestTheChainAnswersWhatBelayAsksOverHTTP(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true, ChainID: 4242})
	to := stranger("http")
	must[*types.Receipt](t)(c.Send(ctx, devnet.Key(0), &to, wei(3), nil))
	for range 300 { // deeper than a pruning node remembers
		c.Seal()
	}
	client := must[*rpc.Client](t)(rpc.DialContext(ctx, c.URL()))
	defer client.Close()
	transfer := map[string]any{"from": devnet.Address(0), "to": to, "value": "0x1"}

	for _, call := range []struct {
		name, method string
		args         []any
		want         string // part of the JSON answer
	}{
		{"its chain id", "eth_chainId", nil, `"0x1092"`},
		{"a balance 299 blocks ago", "eth_getBalance", []any{to, "0x2"}, `"0x3"`},
		{"a proof", "eth_getProof", []any{release(t, "1.4.1").Singleton, []string{"0x4"}, "latest"}, `"value":"0x1"`},
		{"a simulation of two calls", "eth_simulateV1", []any{map[string]any{"blockStateCalls": []any{
			map[string]any{"calls": []any{transfer, transfer}},
		}}, "latest"}, `"status":"0x1"`},
		{"a state difference", "debug_traceCall", []any{transfer, "latest", map[string]any{
			"tracer": "prestateTracer", "tracerConfig": map[string]any{"diffMode": true},
		}}, `"post"`},
		{"a call tree", "debug_traceCall", []any{transfer, "latest", map[string]any{"tracer": "callTracer"}}, `"type":"CALL"`},
		{"fees", "eth_feeHistory", []any{"0x2", "latest", []int{50}}, `"baseFeePerGas"`},
		{"logs", "eth_getLogs", []any{map[string]any{"fromBlock": "0x0", "toBlock": "latest"}}, `[]`},
		{"a pending call", "eth_call", []any{transfer, "pending"}, `"0x"`},
	} {
		t.Run(call.name, func(t *testing.T) {
			var answer json.RawMessage
			if err := client.CallContext(ctx, &answer, call.method, call.args...); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(answer), call.want) {
				t.Errorf("%s answered %.300s, want %s in it", call.method, answer, call.want)
			}
		})
	}
}

func TestAProofOfASafeHoldsAgainstTheStateRoot(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	proof := must[*gethclient.AccountResult](t)(gethclient.New(c.RPC()).GetProof(ctx, release(t, "1.4.1").Singleton, []string{"0x4"}, nil))
	if proof.CodeHash != codeHash(t, "v1.4.1/safe.json") || len(proof.AccountProof) == 0 {
		t.Errorf("proof of code %s with %d nodes", proof.CodeHash, len(proof.AccountProof))
	}
}

func TestWhatRevertsIsToldWithItsReason(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Period: time.Hour})
	swallower := must[common.Address](t)(c.Deploy(ctx, own(t, "Swallower")))
	data := pack(t, "Swallower", "alwaysRevert", "market is closed")

	var reverted *devnet.Reverted
	if _, err := c.Send(ctx, devnet.Key(0), &swallower, nil, data); !errors.As(err, &reverted) || reverted.Receipt != nil ||
		!strings.Contains(err.Error(), "reverted: market is closed") {
		t.Errorf("Send answered %v, want the reason and nothing mined", err)
	}
	tx := must[*types.Transaction](t)(c.Submit(ctx, devnet.Key(0), &swallower, nil, data, 100_000))
	if _, err := c.Wait(ctx, tx.Hash()); !errors.As(err, &reverted) || reverted.Receipt == nil ||
		!strings.Contains(err.Error(), "reverted: market is closed") {
		t.Errorf("Wait answered %v, want the reason and the receipt", err)
	}
}

func TestManySendersAtOnceNeverShareANonce(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Period: time.Hour})
	to := stranger("crowd")
	var senders sync.WaitGroup
	for range 20 {
		senders.Go(func() {
			if _, err := c.Send(ctx, devnet.Key(5), &to, wei(1), nil); err != nil {
				t.Error(err)
			}
		})
	}
	senders.Wait()
	if got := must[*big.Int](t)(c.Client().BalanceAt(ctx, to, nil)); got.Int64() != 20 {
		t.Errorf("balance is %s, want 20", got)
	}
}

func TestFundingMovesNoNumberedNonce(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	to := stranger("poor")
	if err := c.Fund(ctx, to, wei(11)); err != nil {
		t.Fatal(err)
	}
	for i := range devnet.Keys {
		if n := must[uint64](t)(c.Client().NonceAt(ctx, devnet.Address(i), nil)); n != 0 {
			t.Errorf("nonce of key %d is %d", i, n)
		}
	}
}

func TestAnExtraAllocationIsThereFromTheStart(t *testing.T) {
	ctx := testContext(t)
	at := stranger("extra")
	c := start(t, devnet.Config{Manual: true, Alloc: types.GenesisAlloc{at: {Balance: wei(1), Code: hexutil.MustDecode("0x60")}}})
	if code := must[[]byte](t)(c.Client().CodeAt(ctx, at, nil)); len(code) != 1 {
		t.Errorf("code is %x", code)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	before := append(lingering(), goleak.IgnoreCurrent())
	c := must[*devnet.Chain](t)(devnet.Start(devnet.Config{}))
	ctx := testContext(t)
	to := stranger("close")
	must[*types.Receipt](t)(c.Send(ctx, devnet.Key(0), &to, wei(1), nil))
	address := strings.TrimPrefix(c.URL(), "http://")
	for range 2 { // closing again is harmless
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	goleak.VerifyNone(t, before...)
	if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
		_ = conn.Close()
		t.Errorf("something still listens on %s", address)
	}
}

func TestChainsRunSideBySide(t *testing.T) {
	one, two := start(t, devnet.Config{Manual: true, ChainID: 1}), start(t, devnet.Config{Manual: true, ChainID: 10})
	if one.URL() == two.URL() {
		t.Fatal("two chains share a port")
	}
	for want, c := range map[int64]*devnet.Chain{1: one, 10: two} {
		if got := must[*big.Int](t)(c.Client().ChainID(testContext(t))); got.Int64() != want {
			t.Errorf("chain id is %s, want %d", got, want)
		}
	}
}
