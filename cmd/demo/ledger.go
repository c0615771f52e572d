package main

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// ledger reads the chain itself, block by block. Nothing in it has passed through Belay or its providers. It locks itself.
type ledger struct {
	stack *devnet.Stack
	names map[common.Address]string

	market, timelock, safe abi.ABI

	mu      sync.Mutex
	now     moment
	changed chan struct{} // closed and replaced with every block
}

// moment is what the chain says at one block.
type moment struct {
	Number     uint64
	Hash       common.Hash
	At         time.Time // chain time
	Reserves   []reserve
	Nonce      uint64
	Threshold  uint64
	Owners     []string
	Operations []operation // oldest first
	Executed   []execution // Safe transactions, oldest first
	Relayers   []balance
	Moves      []move // transactions, newest first
	Pulse      []tick // the last blocks, oldest first
}

type reserve struct {
	Symbol string
	Asset  common.Address
	Paused bool
	LTV    uint64 // basis points
}

// operation is one of the timelock's.
type operation struct {
	ID    common.Hash
	Text  string
	State string // waiting | ready | done | canceled
	Opens time.Time
}

// execution is an ExecutionSuccess of the Safe.
type execution struct {
	SafeTxHash, Transaction common.Hash
	Block                   uint64
}

type balance struct {
	Name string
	Wei  *big.Int
}

// move is a transaction that was mined.
type move struct {
	Block uint64
	Hash  common.Hash
	From  string
	To    string
	Does  string
	OK    bool
}

type tick struct {
	Number       uint64
	Transactions int
}

const (
	pulseLength = 40 // blocks
	movesKept   = 5
)

func newLedger(s *devnet.Stack) (*ledger, error) {
	l := &ledger{stack: s, changed: make(chan struct{}), names: map[common.Address]string{
		s.Guardian: "guardian Safe", s.Timelock: "timelock", s.Market: "market", devnet.Address(devnet.RelayerKey): "relayer",
		devnet.Address(devnet.EmergencyKeyOne): "emergency relayer 1", devnet.Address(devnet.EmergencyKeyTwo): "emergency relayer 2",
		devnet.Address(mallory.one): "mallory",
	}}
	for i, name := range []string{"alice", "bob", "carol"} {
		l.names[devnet.Address(devnet.FirstOwnerKey+i)] = name
	}
	for _, a := range s.Assets {
		l.names[a.Token] = a.Symbol
	}
	release, err := devnet.Release("1.4.1")
	if err != nil {
		return nil, err
	}
	if l.safe, err = release.ABI(); err != nil {
		return nil, err
	}
	market, err := devnet.LoadOwnArtifact("Market")
	if err != nil {
		return nil, err
	}
	timelock, err := devnet.TimelockArtifact()
	if err != nil {
		return nil, err
	}
	l.market, l.timelock = market.ABI, timelock.ABI
	return l, nil
}

// run reads every new block until ctx ends.
func (l *ledger) run(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := l.stack.Chain.Err(); err != nil {
			return fmt.Errorf("the chain stopped: %w", err)
		}
		if err := l.read(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("read the chain: %w", err)
		}
	}
}

// present is what the chain says now.
func (l *ledger) present() moment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// watch gives a channel that is closed with the next block.
func (l *ledger) watch() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// until waits for a block after which is holds.
func (l *ledger) until(ctx context.Context, what string, is func(moment) bool) (moment, error) {
	for {
		changed := l.watch()
		now := l.present()
		if is(now) {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("the chain never said that %s: %w", what, ctx.Err())
		case <-changed:
		}
	}
}

// read takes in the blocks since the last reading.
func (l *ledger) read(ctx context.Context) error {
	head, err := l.stack.Chain.Client().HeaderByNumber(ctx, nil)
	if err != nil {
		return err
	}
	was := l.present()
	if head.Hash() == was.Hash {
		return nil
	}
	now := was
	now.Number, now.Hash, now.At = head.Number.Uint64(), head.Hash(), time.Unix(int64(head.Time), 0).UTC() //nolint:gosec // a real time
	for _, step := range []func(context.Context, moment, *moment) error{l.readBlocks, l.readEvents, l.readMarket, l.readSafe, l.readOperations, l.readRelayers} {
		if err := step(ctx, was, &now); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = now
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// ask calls a view at the moment's block and gives what it returns.
func (l *ledger) ask(ctx context.Context, at *moment, to common.Address, contract abi.ABI, name string, args ...any) ([]any, error) {
	data, err := contract.Pack(name, args...)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", name, err)
	}
	out, err := l.stack.Chain.Client().CallContract(ctx, callTo(to, data), new(big.Int).SetUint64(at.Number))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	return contract.Unpack(name, out)
}

func (l *ledger) readMarket(ctx context.Context, _ moment, now *moment) error {
	now.Reserves = nil
	for _, a := range l.stack.Assets {
		out, err := l.ask(ctx, now, l.stack.Market, l.market, "getReserve", a.Token)
		if err != nil {
			return err
		}
		paused, _ := out[0].(bool)
		now.Reserves = append(now.Reserves, reserve{Symbol: a.Symbol, Asset: a.Token, Paused: paused, LTV: number(out[1])})
	}
	return nil
}

func (l *ledger) readSafe(ctx context.Context, _ moment, now *moment) error {
	nonce, err := l.ask(ctx, now, l.stack.Guardian, l.safe, "nonce")
	if err != nil {
		return err
	}
	threshold, err := l.ask(ctx, now, l.stack.Guardian, l.safe, "getThreshold")
	if err != nil {
		return err
	}
	owners, err := l.ask(ctx, now, l.stack.Guardian, l.safe, "getOwners")
	if err != nil {
		return err
	}
	now.Nonce, now.Threshold, now.Owners = number(nonce[0]), number(threshold[0]), nil
	addresses, _ := owners[0].([]common.Address)
	for _, a := range addresses {
		now.Owners = append(now.Owners, l.name(a))
	}
	return nil
}

// readOperations asks the timelock about each operation that is not over.
func (l *ledger) readOperations(ctx context.Context, _ moment, now *moment) error {
	now.Operations = slices.Clone(now.Operations)
	for i, o := range now.Operations {
		if o.State == "done" || o.State == "canceled" {
			continue
		}
		out, err := l.ask(ctx, now, l.stack.Timelock, l.timelock, "getTimestamp", [32]byte(o.ID))
		if err != nil {
			return err
		}
		const doneStamp = 1 // TimelockController's DONE_TIMESTAMP
		switch stamp := number(out[0]); {
		case stamp == 0:
			o.State = "canceled"
		case stamp == doneStamp:
			o.State = "done"
		default:
			o.Opens, o.State = time.Unix(int64(stamp), 0).UTC(), "waiting" //nolint:gosec // a real time
			if !o.Opens.After(now.At) {
				o.State = "ready"
			}
		}
		now.Operations[i] = o
	}
	return nil
}

func (l *ledger) readRelayers(ctx context.Context, _ moment, now *moment) error {
	now.Relayers = nil
	for _, key := range []int{devnet.RelayerKey, devnet.EmergencyKeyOne, devnet.EmergencyKeyTwo} {
		wei, err := l.stack.Chain.Client().BalanceAt(ctx, devnet.Address(key), new(big.Int).SetUint64(now.Number))
		if err != nil {
			return err
		}
		now.Relayers = append(now.Relayers, balance{l.name(devnet.Address(key)), wei})
	}
	return nil
}

// readBlocks takes in the new blocks' transactions.
func (l *ledger) readBlocks(ctx context.Context, was moment, now *moment) error {
	now.Pulse, now.Moves = slices.Clone(was.Pulse), slices.Clone(was.Moves)
	first := was.Number + 1
	if was.Number == 0 {
		first = now.Number // what deployed the protocol is no news
	}
	for n := first; n <= now.Number; n++ {
		block, err := l.stack.Chain.Client().BlockByNumber(ctx, new(big.Int).SetUint64(n))
		if err != nil {
			return err
		}
		now.Pulse = append(now.Pulse, tick{n, len(block.Transactions())})
		if was.Number == 0 {
			continue
		}
		for _, tx := range block.Transactions() {
			m, err := l.moveOf(ctx, n, tx)
			if err != nil {
				return err
			}
			now.Moves = slices.Insert(now.Moves, 0, m)
		}
	}
	now.Pulse = now.Pulse[max(0, len(now.Pulse)-pulseLength):]
	now.Moves = now.Moves[:min(len(now.Moves), movesKept)]
	return nil
}

func (l *ledger) moveOf(ctx context.Context, block uint64, tx *types.Transaction) (move, error) {
	receipt, err := l.stack.Chain.Client().TransactionReceipt(ctx, tx.Hash())
	if err != nil {
		return move{}, err
	}
	from, err := types.Sender(types.LatestSignerForChainID(l.stack.Chain.ChainID()), tx)
	if err != nil {
		return move{}, err
	}
	m := move{Block: block, Hash: tx.Hash(), From: l.name(from), OK: receipt.Status == types.ReceiptStatusSuccessful, To: "a new contract", Does: "creation"}
	if tx.To() != nil {
		m.To, m.Does = l.name(*tx.To()), l.function(*tx.To(), tx.Data())
	}
	return m, nil
}

func (l *ledger) function(to common.Address, data []byte) string {
	contract, known := map[common.Address]abi.ABI{l.stack.Guardian: l.safe, l.stack.Timelock: l.timelock, l.stack.Market: l.market}[to]
	if !known || len(data) < 4 {
		return "transfer"
	}
	method, err := contract.MethodById(data)
	if err != nil {
		return "unknown call"
	}
	return method.Name
}

func (l *ledger) name(a common.Address) string {
	if name, known := l.names[a]; known {
		return name
	}
	return a.Hex()
}

func number(v any) uint64 {
	switch n := v.(type) {
	case *big.Int:
		return n.Uint64()
	case uint64:
		return n
	}
	return 0
}

// reserve finds a reserve by its asset's symbol.
func (m moment) reserve(symbol string) reserve {
	for _, r := range m.Reserves {
		if r.Symbol == symbol {
			return r
		}
	}
	return reserve{}
}

// executions counts how often each SafeTx was executed, by its hash.
func (m moment) executions() map[common.Hash]int {
	n := map[common.Hash]int{}
	for _, e := range m.Executed {
		n[e.SafeTxHash]++
	}
	return n
}

// operation finds one by its id; its state is "" when the chain knows none.
func (m moment) operation(id common.Hash) operation {
	for _, o := range m.Operations {
		if o.ID == id {
			return o
		}
	}
	return operation{}
}
