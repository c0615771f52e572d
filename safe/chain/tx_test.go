package chain

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

func TestBroadcastSucceedsWhenAnyoneAcceptsAndTriesEveryone(t *testing.T) {
	raw := []byte("signed bytes")
	for name, test := range map[string]struct {
		first, second lie
		class         error
		want          string
	}{
		"both accept":                         {nil, nil, nil, ""},
		"one accepts":                         {refuses(-32000, "nonce too low"), nil, nil, ""},
		"geth knows it":                       {refuses(-32000, "already known"), refuses(-32000, "nonce too low"), nil, ""},
		"nethermind knows it":                 {refuses(-32010, "AlreadyKnown"), refuses(-32000, "nonce too low"), nil, ""},
		"besu knows it":                       {refuses(-32000, "Known transaction"), refuses(-32000, "internal"), nil, ""},
		"anvil knows it":                      {refuses(-32003, "transaction already imported"), refuses(-32000, "internal"), nil, ""},
		"its nonce is used":                   {refuses(-32000, "nonce too low: next nonce 5, tx nonce 3"), refuses(-32000, "internal"), ErrNonceTooLow, "own answered error -32000: internal"},
		"its nonce is used, says besu":        {refuses(-32001, "Nonce too low"), refuses(-32001, "Nonce too low"), ErrNonceTooLow, "alchemy"},
		"it is underpriced":                   {refuses(-32000, "replacement transaction underpriced"), refuses(-32000, "replacement transaction underpriced"), ErrUnderpriced, ""},
		"it pays less than the base fee":      {refuses(-32000, "max fee per gas less than block base fee: address 0x1"), refuses(-32000, "internal"), ErrUnderpriced, ""},
		"its fee is too low, says nethermind": {refuses(-32010, "FeeTooLow, EffectivePriorityFeePerGas too low"), refuses(-32000, "internal"), ErrUnderpriced, ""},
		"its sender is poor":                  {refuses(-32000, "insufficient funds for gas * price + value: balance 0"), refuses(-32000, "insufficient funds"), ErrInsufficientFunds, ""},
		"most say that it is underpriced":     {refuses(-32000, "transaction underpriced"), refuses(-32000, "transaction underpriced"), ErrUnderpriced, ""},
		"for another reason":                  {refuses(-32000, "transaction type not supported"), refuses(-32000, "exceeds block gas limit"), nil, "no provider accepted the transaction; "},
		"it answers another hash":             {always(common.Hash{1}), always(common.Hash{1}), nil, "answered the hash of another transaction"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeChain(1)
			nodes := []*node{newNode(f).says("eth_sendRawTransaction", test.first), newNode(f).says("eth_sendRawTransaction", test.second)}
			c := dial(t, nil, nodes...)
			err := c.Broadcast(t.Context(), raw)
			c.wg.Wait()
			for i, n := range nodes {
				if n.count("eth_sendRawTransaction") != 1 {
					t.Errorf("provider %d was sent it %d times", i+1, n.count("eth_sendRawTransaction"))
				}
			}
			for _, sent := range f.sent {
				if !bytes.Equal(sent, raw) {
					t.Errorf("sent %x, want %x", sent, raw)
				}
			}
			if test.class == nil && test.want == "" {
				wants(t, err, nil)
				return
			}
			var failed *BroadcastError
			if !errors.As(err, &failed) || !errors.Is(failed.Class, test.class) {
				t.Fatalf("error is %v, want of class %v", err, test.class)
			}
			wants(t, err, failed, test.want)
			for _, class := range []error{ErrNonceTooLow, ErrUnderpriced, ErrInsufficientFunds} {
				if errors.Is(err, class) != errors.Is(test.class, class) {
					t.Errorf("%v is %v: %t", err, class, errors.Is(err, class))
				}
			}
		})
	}
}

func TestABroadcastGoesOnToTheSlowAfterTheFirstAcceptsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fast, slow := newFakeChain(1), newFakeChain(1)
		late := newNode(slow)
		c := dial(t, nil, newNode(fast), late)
		late.says("eth_sendRawTransaction", sleepy(2*time.Second))
		began := time.Now()
		wants(t, c.Broadcast(t.Context(), []byte{2}), nil)
		if took := time.Since(began); took != 0 {
			t.Errorf("took %s", took)
		}
		c.wg.Wait()
		if len(slow.sent) != 1 {
			t.Errorf("the slow one was sent it %d times", len(slow.sent))
		}
	})
}

// minedIn puts a receipt with a log into the newest block.
func minedIn(f *fakeChain, hash common.Hash, status int) map[string]any {
	in := f.head()
	r := map[string]any{
		"transactionHash": hash, "blockHash": in.Hash, "blockNumber": hexutil.Uint64(in.Number),
		"status": hexutil.Uint64(status), "gasUsed": hexutil.Uint64(80_000),
		"logs": []any{wireLogOf(safe.Log{Address: guardian, Topics: []common.Hash{success}, Data: []byte{1}, Block: in.Block, TxHash: hash})},
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mined[hash] = r
	return r
}

// TestANewestBlockCostsNoPrices: who told what a block costs once is asked for that with a head only.
func TestANewestBlockCostsNoPrices(t *testing.T) {
	f := newFakeChain(5)
	n := newNode(f)
	c := dial(t, nil, n)
	for i, want := range []int{1, 1, 2} {
		ask := c.Newest
		if i == 2 {
			ask = func(ctx context.Context) (safe.Block, error) { head, _, err := c.Head(ctx); return head, err }
		}
		if head, err := ask(t.Context()); err != nil || head != f.head().Block {
			t.Fatalf("head is %+v, %v", head, err)
		}
		if got := n.count("eth_feeHistory"); got != want {
			t.Errorf("look %d: fees were asked for %d times, want %d", i+1, got, want)
		}
	}
	if fees, err := c.Fees(t.Context()); err != nil || fees.BaseFee.IsZero() {
		t.Errorf("fees are %+v, %v", fees, err)
	}
}

func TestAReceiptCountsWhenEnoughProvidersHaveItInTheSameBlock(t *testing.T) {
	f := newFakeChain(5)
	hash := common.Hash{7}
	n := []*node{newNode(f), newNode(f), newNode(f)}
	c := dial(t, nil, n...)
	if r, err := c.Receipt(t.Context(), hash); r != nil || err != nil {
		t.Fatalf("receipt is %+v, %v, want none", r, err)
	}
	honest := minedIn(f, hash, 1)
	forged := map[string]any{}
	for k, v := range honest {
		forged[k] = v
	}
	forged["status"] = "0x0"
	n[0].says("eth_getTransactionReceipt", always(forged))
	r := must[*safe.Receipt](t)(c.Receipt(t.Context(), hash))
	if !r.Succeeded || r.Block != f.head().Block || r.GasUsed != 80_000 || len(r.Logs) != 1 || r.Logs[0].Block != r.Block {
		t.Errorf("receipt is %+v", r)
	}
	n[1].says("eth_getTransactionReceipt", always(nil))
	_, err := c.Receipt(t.Context(), hash)
	wants(t, err, ErrNoAgreement, "gave answer A", "gave answer B", "gave answer C")
}

// TestWhatIsMinedInTheHeadIsAskedForOnce: until another block is the head, by its hash.
func TestWhatIsMinedInTheHeadIsAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(5)
		hash := common.Hash{7}
		n := newNode(f)
		c := dial(t, nil, n)
		minedIn(f, hash, 1)
		asked := func() int {
			before := n.count("eth_getTransactionReceipt")
			r := must[*safe.Receipt](t)(c.Receipt(t.Context(), hash))
			if r == nil || len(r.Logs) != 1 {
				t.Fatalf("receipt is %+v", r)
			}
			r.Logs[0].Data = append(r.Logs[0].Data, 1)
			r.Logs = nil
			return n.count("eth_getTransactionReceipt") - before
		}
		look := func() {
			if _, err := c.Newest(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []struct {
			name   string
			before func()
			want   int
		}{
			{"no head is known", func() {}, 1},
			{"its block is the head", look, 1},
			{"asked again", func() {}, 0},
			{"a block came that nobody looked at", func() { f.grow("") }, 0},
			{"nobody looked for two seconds", func() { time.Sleep(2 * time.Second) }, 1},
			{"another block is the head", look, 1},
			{"asked again below the head", func() {}, 1},
		} {
			step.before()
			if got := asked(); got != step.want {
				t.Errorf("%s: asked %d times, want %d", step.name, got, step.want)
			}
		}
	})
}

func TestForgedReceiptsAreFailuresOfTheirProvider(t *testing.T) {
	f := newFakeChain(5)
	hash := common.Hash{7}
	minedIn(f, hash, 1)
	with := func(key string, value any) lie {
		r := map[string]any{}
		for k, v := range f.mined[hash] {
			r[k] = v
		}
		r[key] = value
		return always(r)
	}
	for name, test := range map[string]struct {
		lie  lie
		want string
	}{
		"another transaction's":        {with("transactionHash", common.Hash{8}), "another transaction's receipt"},
		"without a status":             {with("status", nil), "or one without a status"},
		"of a block off the chain":     {with("blockHash", common.Hash{8}), "names a block that is no longer part of its chain"},
		"of a block that is not there": {with("blockNumber", "0x99"), "has no block 153"},
		"of the wrong type":            {with("logs", "none"), "answered something of the wrong type"},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, nil, newNode(f), newNode(f).says("eth_getTransactionReceipt", test.lie))
			_, err := c.Receipt(t.Context(), hash)
			wants(t, err, ErrNoAgreement, test.want)
		})
	}
}

func TestAnAccountIsReadAtTheAgreedHead(t *testing.T) {
	f := newFakeChain(5)
	f.nonce, f.balance = 300, 1_000_000
	c := dial(t, nil, newNode(f), newNode(f))
	a := accountNow(t, c, common.Address{1})
	if a.Nonce != 300 || a.Balance.Uint64() != 1_000_000 || a.HasCode {
		t.Errorf("account is %+v", a)
	}
	f.grow("main")
	f.code = append([]byte{0xef, 0x01, 0x00}, make([]byte, 20)...)
	if a := accountNow(t, c, common.Address{1}); !a.HasCode {
		t.Error("a delegated account has no code")
	}
}

func TestGasIsTheMedianOfWhatProvidersEstimate(t *testing.T) {
	data, _ := hexutil.Bytes(reverts("GS026")).MarshalText()
	reverting := func(_ []rawJSON, _ func() (any, *wireError)) (any, *wireError) {
		return nil, &wireError{Code: 3, Message: "execution reverted: GS026", Data: append(append([]byte{'"'}, data...), '"')}
	}
	for name, test := range map[string]struct {
		lies []lie
		gas  uint64
		err  error
		want string
	}{
		"all the same":                  {[]lie{nil, nil}, 21000, nil, ""},
		"the higher of two":             {[]lie{nil, always("0x7530")}, 30000, nil, ""},
		"the middle of three":           {[]lie{nil, always("0x1"), always("0xffffffff")}, 21000, nil, ""},
		"both say that it reverts":      {[]lie{reverting, reverting}, 0, ErrReverted, "GS026: a signature is not by an owner"},
		"one of two says so":            {[]lie{reverting, nil}, 21000, nil, ""},
		"one of two does not answer":    {[]lie{nil, refuses(-32000, "internal error")}, 0, ErrNoAgreement, "own answered error -32000: internal error"},
		"one of three does not, either": {[]lie{nil, refuses(-32000, "internal error"), nil}, 21000, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeChain(5)
			var nodes []*node
			for _, l := range test.lies {
				nodes = append(nodes, newNode(f).says("eth_estimateGas", l))
			}
			c := dial(t, func(cfg *Config) { cfg.Agreement = min(len(nodes), 3) }, nodes...)
			if name == "one of three does not, either" {
				c.agreement = 2
			}
			gas, err := c.EstimateGas(t.Context(), common.Address{1}, common.Address{2}, []byte{3})
			wants(t, err, test.err, test.want)
			if gas != test.gas {
				t.Errorf("gas is %d, want %d", gas, test.gas)
			}
		})
	}
}
