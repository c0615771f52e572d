package chain

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// confiding makes the last provider a private endpoint.
func confiding(cfg *Config) {
	last := len(cfg.Providers) - 1
	cfg.Private, cfg.Providers = cfg.Providers[last:], cfg.Providers[:last]
}

// asked counts every exchange of a node but the sending of transactions.
func (n *node) asked() (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for method, times := range n.calls {
		if method != "eth_sendRawTransaction" {
			count += times
		}
	}
	return count
}

func TestAPrivateEndpointIsSentToAndNeverAsked(t *testing.T) {
	f, closed := newFakeChain(3), newFakeChain(3)
	private := newNode(closed)
	c := dial(t, confiding, newNode(f), newNode(f), private)
	if _, _, err := c.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Accounts(t.Context(), f.head().Block, guardian); err != nil {
		t.Fatal(err)
	}
	raw := []byte("signed bytes")
	wants(t, c.BroadcastPrivately(t.Context(), raw), nil)
	if len(f.sent) != 0 || len(closed.sent) != 1 {
		t.Errorf("sent in private: %d to the public, %d to the private endpoint", len(f.sent), len(closed.sent))
	}
	wants(t, c.Broadcast(t.Context(), raw), nil)
	c.wg.Wait()
	if len(f.sent) != 2 || len(closed.sent) != 2 || string(closed.sent[1]) != string(raw) || string(f.sent[0]) != string(raw) {
		t.Errorf("sent to everyone: %q to the public, %q to the private endpoint", f.sent, closed.sent)
	}
	if n := private.asked(); n != 0 {
		t.Errorf("the private endpoint was asked %d times", n)
	}
	if len(c.Health()) != 2 || c.Agreement() != 2 {
		t.Errorf("it counts among the providers: %d, of whom %d must agree", len(c.Health()), c.Agreement())
	}
}

func TestBroadcastPublicLeavesPrivateEndpointsOut(t *testing.T) {
	f, closed := newFakeChain(3), newFakeChain(3)
	c := dial(t, func(cfg *Config) { confiding(cfg); cfg.PublicOnly = true }, newNode(f), newNode(closed))
	wants(t, c.Broadcast(t.Context(), []byte{2}), nil)
	wants(t, c.BroadcastPrivately(t.Context(), []byte{2}), ErrNoPrivate)
	c.wg.Wait()
	if len(f.sent) != 1 || len(closed.sent) != 0 {
		t.Errorf("%d in public, %d in private", len(f.sent), len(closed.sent))
	}
}

func TestAPrivateEndpointThatIsDownHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(3)
		public := newNode(f)
		c := dial(t, confiding, public, newNode(newFakeChain(3)).breaks(hangs))
		began := time.Now()
		wants(t, c.Broadcast(t.Context(), []byte{2}), nil)
		if took := time.Since(began); took != 0 {
			t.Errorf("a broadcast to everyone took %s", took)
		}
		err := c.BroadcastPrivately(t.Context(), []byte{2})
		wants(t, err, err, "own did not answer within 3s")
		if took := time.Since(began); took > privateTimeout {
			t.Errorf("the private endpoint was waited for for %s", took)
		}
		public.says("eth_sendRawTransaction", refuses(-32000, "nonce too low"))
		began = time.Now()
		wants(t, c.Broadcast(t.Context(), []byte{2}), ErrNonceTooLow)
		if took := time.Since(began); took > privateTimeout {
			t.Errorf("to hear that nobody takes it took %s", took)
		}
	})
}

// TestPoolsSayTheSameInManyWords: what geth, Nethermind, Besu, reth, Erigon, anvil and OpenEthereum answer to a transaction that they do
// not take. Chainlink classifies them likewise, and #7999 and #15616 there tell what one wording missed costs.
func TestPoolsSayTheSameInManyWords(t *testing.T) {
	known := errors.New("it is there")
	for _, row := range []struct {
		client string
		code   int
		text   string
		want   error // nil: another reason
	}{
		{"geth", -32000, "already known", known},
		{"reth", -32000, "already known", known},
		{"erigon", -32000, "ALREADY_EXISTS: already known", known},
		{"erigon", -32000, "INTERNAL_ERROR: existing tx with same hash", known},
		{"nethermind", -32010, "AlreadyKnown", known},
		{"besu", -32000, "Known transaction", known},
		{"anvil", -32003, "transaction already imported", known},
		{"openethereum", -32010, "Transaction with the same hash was already imported.", known},

		{"geth", -32000, "nonce too low: next nonce 5, tx nonce 3", ErrNonceTooLow},
		{"reth", -32000, "nonce too low: next nonce 5, tx nonce 3", ErrNonceTooLow},
		{"erigon", -32000, "INTERNAL_ERROR: nonce too low", ErrNonceTooLow},
		{"nethermind", -32010, "OldNonce, Current nonce: 5, nonce of rejected tx: 3", ErrNonceTooLow},
		{"besu", -32001, "Nonce too low", ErrNonceTooLow},
		{"anvil", -32003, "nonce too low", ErrNonceTooLow},
		{"openethereum", -32010, "Transaction nonce is too low. Try incrementing the nonce.", ErrNonceTooLow},

		{"geth", -32000, "replacement transaction underpriced", ErrUnderpriced},
		{"geth", -32000, "transaction underpriced: gas tip cap 1, minimum needed 1000000", ErrUnderpriced},
		{"geth", -32000, "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1, baseFee: 7", ErrUnderpriced},
		{"reth", -32000, "replacement transaction underpriced", ErrUnderpriced},
		{"erigon", -32000, "could not replace existing tx", ErrUnderpriced},
		{"erigon", -32000, "underpriced", ErrUnderpriced},
		{"erigon", -32000, "fee too low", ErrUnderpriced},
		{"nethermind", -32010, "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 7", ErrUnderpriced},
		{"nethermind", -32010, "FeeTooLowToCompete", ErrUnderpriced},
		{"nethermind", -32010, "ReplacementNotAllowed", ErrUnderpriced},
		{"besu", -32000, "Replacement transaction underpriced", ErrUnderpriced},
		{"besu", -32009, "Gas price below configured minimum gas price", ErrUnderpriced},
		{"besu", -32009, "Gas price below current base fee", ErrUnderpriced},
		{"anvil", -32003, "max fee per gas less than block base fee", ErrUnderpriced},

		{"geth", -32000, "insufficient funds for gas * price + value: balance 0, tx cost 21000, overshot 21000", ErrInsufficientFunds},
		{"reth", -32000, "insufficient funds for gas * price + value: have 0 want 21000", ErrInsufficientFunds},
		{"erigon", -32000, "INTERNAL_ERROR: insufficient funds", ErrInsufficientFunds},
		{"nethermind", -32010, "InsufficientFunds, Account balance: 0, cumulative cost: 21000", ErrInsufficientFunds},
		{"besu", -32004, "Upfront cost exceeds account balance", ErrInsufficientFunds},
		{"anvil", -32003, "Insufficient funds for gas * price + value", ErrInsufficientFunds},

		{"anvil", -32602, "unknown transaction type 2", nil},
		{"geth", -32000, "transaction type not supported", nil},
		{"geth", -32000, "exceeds block gas limit", nil},
		{"nethermind", -32010, "NonceGap, Future nonce. Expected nonce: 3", nil},
		{"geth", -32000, "in-flight transaction limit reached for delegated accounts", nil},
	} {
		t.Run(row.client+" "+row.text, func(t *testing.T) {
			f := newFakeChain(1)
			c := dial(t, nil, newNode(f).says("eth_sendRawTransaction", refuses(row.code, row.text)))
			err := c.Broadcast(t.Context(), []byte{2})
			if errors.Is(row.want, known) {
				wants(t, err, nil)
				return
			}
			if err == nil {
				t.Fatal("it passes for accepted")
			}
			for _, class := range []error{ErrNonceTooLow, ErrUnderpriced, ErrInsufficientFunds} {
				if errors.Is(err, class) != errors.Is(row.want, class) {
					t.Errorf("%v is %v: %t", err, class, errors.Is(err, class))
				}
			}
		})
	}
}

func TestEveryEndpointIsSentTheSameBytes(t *testing.T) {
	f := newFakeChain(1)
	var seen []string
	listens := func(params []json.RawMessage, honest func() (any, *wireError)) (any, *wireError) {
		var raw hexutil.Bytes
		_ = json.Unmarshal(params[0], &raw)
		f.mu.Lock()
		seen = append(seen, string(raw))
		f.mu.Unlock()
		return honest()
	}
	var nodes []*node
	for range 4 {
		nodes = append(nodes, newNode(f).says("eth_sendRawTransaction", listens))
	}
	c := dial(t, confiding, nodes...)
	wants(t, c.Broadcast(t.Context(), []byte("these")), nil)
	c.wg.Wait()
	if len(seen) != 4 {
		t.Fatalf("%d endpoints were sent it", len(seen))
	}
	for _, raw := range seen {
		if raw != "these" {
			t.Errorf("one was sent %q", raw)
		}
	}
}
