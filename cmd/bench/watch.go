package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
	"belay/safe"
	"belay/safe/chain"
	"belay/safe/devnet"
	"belay/store"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// watchSizes are how many timelock operations are watched at a time.
var watchSizes = []int{10, 100, 1000, 10_000}

// eternal is a timelock in which every operation is scheduled and opens in thirty thousand years: it answers 2^40-1 to anything.
var (
	eternal     = common.HexToAddress("0xe7e2a1")
	eternalCode = common.FromHex("0x64ffffffffff5f5260205ff3")
)

// watchFigures counts the exchanges with one provider that a new block costs while n operations wait in a timelock. Polls of the head come
// each second whatever is watched, and are not counted. Nothing is timed.
func watchFigures(ctx context.Context, dir string) ([]figure, error) {
	c, err := devnet.Start(devnet.Config{Manual: true, Alloc: types.GenesisAlloc{eternal: {Code: eternalCode}}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	stack, err := devnet.NewStack(ctx, c, devnet.StackConfig{})
	if err != nil {
		return nil, err
	}
	var all []figure
	for _, n := range watchSizes {
		cost, err := watchCost(ctx, filepath.Join(dir, fmt.Sprintf("watch-%d", n)), stack, n)
		if err != nil {
			return nil, fmt.Errorf("%d operations: %w", n, err)
		}
		all = append(all, within(fmt.Sprintf("exchanges a block, %d operations watched", n), "exchanges", cost, []float64{1 + float64(n)/500}, 1))
	}
	return all, nil
}

// watchCost runs a coordinator over a store of n waiting operations, and counts for some blocks.
func watchCost(ctx context.Context, dir string, stack *devnet.Stack, n int) (blocks []float64, err error) {
	s, err := waiting(ctx, dir, stack, n)
	if err != nil {
		return nil, err
	}
	count := &counter{}
	client, err := chain.Dial(ctx, chain.Config{Name: "devnet", ChainID: stack.Chain.ChainID().Uint64(), Providers: []chain.Provider{{Name: "own", URL: stack.Chain.URL()}},
		OnCall: count.call})
	if err != nil {
		return nil, closed(s, err)
	}
	defer client.Close()
	coord, err := coordinator.New(coordinator.Config{Store: s,
		Chains:    map[string]coordinator.ChainConfig{"devnet": {Chain: followed{client, count}, Name: "devnet", ChainID: stack.Chain.ChainID().Uint64(), Confirmations: 1, Single: true}},
		Safes:     map[string]coordinator.SafeConfig{"guardian": {Name: "guardian", Chain: "devnet", Address: stack.Guardian}},
		Timelocks: map[string]coordinator.TimelockConfig{"core": {Name: "core", Chain: "devnet", Kind: "openzeppelin", Address: eternal}},
		Secret:    [32]byte{1}})
	if err != nil {
		return nil, closed(s, err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- coord.Run(running) }()
	err = count.settled(ctx, n) // what a start costs is another matter
	for range 3 {
		count.clear()
		stack.Chain.Seal()
		if err == nil {
			err = count.settled(ctx, n)
		}
		blocks = append(blocks, float64(count.now()))
	}
	stop()
	return blocks, errors.Join(err, closed(s, <-done))
}

// followed gives a chain client the coordinator's word for watching, and counts the values that are read.
type followed struct {
	*chain.Client
	count *counter
}

func (f followed) Read(ctx context.Context, at safe.Block, calls []safe.Call) ([]safe.Result, error) {
	results, err := f.Client.Read(ctx, at, calls)
	if err == nil {
		f.count.read(len(calls))
	}
	return results, err
}

func (f followed) Follow(ctx context.Context, from safe.Block, filters func() []safe.Filter, fn func(context.Context, safe.Block, []safe.Log) error) error {
	return f.Watch(ctx, chain.WatchConfig{Filters: filters, Cursor: from}, fn)
}

// counter counts exchanges that are no polls of the head, and the values that were read in them.
type counter struct {
	mu     sync.Mutex // guards what follows
	n      int
	values int
	last   time.Time
}

func (c *counter) call(_, method string, _ chain.Outcome, _ time.Duration) {
	if method == "eth_getBlockByNumber" || method == "eth_chainId" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	c.last = time.Now()
}

func (c *counter) read(values int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.values += values
}

func (c *counter) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n, c.values, c.last = 0, 0, time.Now()
}

func (c *counter) now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// settled waits until n values were read and nothing was asked for three more looks at the head.
func (c *counter) settled(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	for quiet := false; !quiet; {
		if pause(ctx, 100*time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("read only %d of %d operations", c.values, n)
		}
		c.mu.Lock()
		quiet = c.values >= n && time.Since(c.last) > 3*time.Second
		c.mu.Unlock()
	}
	return nil
}

// waiting makes a store of n proposals whose operations wait.
func waiting(ctx context.Context, dir string, stack *devnet.Stack, n int) (*store.Store, error) {
	s, err := store.Open(storeIn(dir))
	if err != nil {
		return nil, err
	}
	head, err := stack.Chain.Client().HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, closed(s, err)
	}
	at := safe.Block{Number: head.Number.Uint64(), Hash: head.Hash(), Time: head.Time}
	var owners []common.Address
	for _, key := range stack.Owners {
		owners = append(owners, crypto.PubkeyToAddress(key.PublicKey))
	}
	err = inParallel(n, func(_, i int) error {
		r := proposing(i+1, governance.StateQueued, governance.EventProposed)
		p := r.State
		p.Kind, p.Safe.Chain, p.Safe.ChainID, p.Safe.Address = governance.KindParameter, "devnet", stack.Chain.ChainID().Uint64(), stack.Guardian
		p.Safe.Verified, p.Owners, p.SafeNonce, p.OpenedAt = safe.VerifiedByAddress, owners, 0, at
		p.CreatedAt, p.ExpiresAt = time.Now().UTC(), time.Time{}
		p.SafeTxs[0].Purpose, p.SafeTxs[0].State = governance.PurposeSchedule, governance.TxFinal
		p.Timelock = &governance.Operation{Name: "core", Kind: "openzeppelin", Address: eternal, ID: crypto.Keccak256Hash([]byte(p.ID)), State: governance.OperationWaiting,
			OpensAt: 1<<40 - 1, AnyoneMay: true, Execute: safe.Call{To: eternal}}
		_, err := s.Commit(ctx, r)
		return err
	})
	if err != nil {
		return nil, closed(s, err)
	}
	return s, nil
}
