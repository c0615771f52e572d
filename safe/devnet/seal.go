package devnet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/event"
	"github.com/ethereum/go-ethereum/miner"
)

// sealer makes the blocks. It drives go-ethereum's block builder itself, not through the simulated beacon, because only
// so a block with transactions can carry any chain time.
//
// Automatic sealing is two goroutines, listen and run, that stop ends; mu serialises run with Seal, AdvanceTime and Fork.
type sealer struct {
	eth      *eth.Ethereum
	period   time.Duration
	finality uint64
	manual   bool

	mu     sync.Mutex
	paused bool
	ahead  time.Duration // chain time minus wall time; unused when manual
	fault  error         // the first failure to make a block; a chain that has one is broken
	moved  chan struct{} // closed, and replaced, when the head moves or fault is set

	pool sync.Mutex // held while the pool settles; see settle

	wake    chan struct{} // asks run for a block at once if the pool holds something for it
	quit    chan struct{}
	running sync.WaitGroup
}

// start makes block 1 and, unless manual, begins to seal. Without block 1 go-ethereum answers every question for an
// unknown transaction with "indexing is in progress" in place of "not found".
func (s *sealer) start(backend *eth.Ethereum, cfg Config) error {
	s.eth, s.period, s.finality, s.manual = backend, cfg.Period, cfg.Finality, cfg.Manual
	s.ahead = time.Until(chainTime(cfg.GenesisTime))
	s.wake, s.quit, s.moved = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	if _, err := s.make(s.nextTime(), true); err != nil {
		return err
	}
	if err := s.untilIndexed(); err != nil {
		return err
	}
	if cfg.Manual {
		return nil
	}
	arrivals := make(chan core.NewTxsEvent, 16)
	subscription := backend.TxPool().SubscribeTransactions(arrivals, true)
	s.running.Go(func() { s.listen(arrivals, subscription) })
	s.running.Go(s.run)
	return nil
}

// untilIndexed waits for go-ethereum's transaction index, which has no event to wait for. Once there, it stays.
func (s *sealer) untilIndexed() error {
	const patience, interval = 10 * time.Second, time.Millisecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for began := time.Now(); time.Since(began) < patience; <-ticker.C {
		if s.eth.BlockChain().TxIndexDone() {
			return nil
		}
	}
	return fmt.Errorf("index transactions: not done within %s", patience)
}

func (s *sealer) stop() {
	close(s.quit)
	s.running.Wait()
}

// listen takes every arrival from the pool without delay: the pool stands still until an arrival is taken, and run, while
// it makes a block, waits for the pool.
func (s *sealer) listen(arrivals <-chan core.NewTxsEvent, subscription event.Subscription) {
	defer subscription.Unsubscribe()
	for {
		select {
		case <-s.quit:
			return
		case <-arrivals:
			s.nudge()
		}
	}
}

func (s *sealer) run() {
	timer := time.NewTimer(s.period)
	defer timer.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-timer.C:
		case <-s.wake:
			if executable, _ := s.eth.TxPool().Stats(); executable == 0 {
				continue // an earlier block took it already
			}
		}
		s.tick()
		timer.Reset(s.period)
	}
}

// tick makes one block, and asks for another when executable transactions are left over.
func (s *sealer) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused || s.fault != nil {
		return
	}
	block, err := s.make(s.nextTime(), false)
	if err != nil {
		s.fail(err)
		return
	}
	if left, _ := s.eth.TxPool().Stats(); left > 0 && len(block.Transactions()) > 0 {
		s.nudge()
	}
}

// watch returns a channel that is closed at the next move of the head, or when the chain breaks.
func (s *sealer) watch() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.moved
}

// tell wakes everyone who watches. Callers hold mu.
func (s *sealer) tell() {
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *sealer) fail(err error) {
	s.fault = err
	s.tell()
}

func (s *sealer) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// nextTime is the chain time of the next block: a period later when manual, else the chain's own clock. The protocol
// wants it to rise, so several blocks within a second run ahead of the clock until it has caught up.
func (s *sealer) nextTime() uint64 {
	parent := s.eth.BlockChain().CurrentBlock().Time
	if s.manual {
		return parent + wholeSeconds(s.period)
	}
	return max(parent+1, timestamp(time.Now().Add(s.ahead)))
}

// make builds a block on the head, from the pool or empty, and makes it the head. Callers hold mu.
func (s *sealer) make(at uint64, empty bool) (*types.Block, error) {
	chain := s.eth.BlockChain()
	if err := s.settle(); err != nil {
		return nil, err
	}
	args := &miner.BuildPayloadArgs{
		Parent:      chain.CurrentBlock().Hash(),
		Timestamp:   at,
		Withdrawals: types.Withdrawals{},
		BeaconRoot:  new(common.Hash),
	}
	_, _ = rand.Read(args.Random[:]) // never fails; two blocks on one parent differ by it
	block, _, err := s.eth.Miner().BuildTestingPayload(args, nil, empty, nil)
	if err != nil {
		return nil, fmt.Errorf("build block: %w", err)
	}
	if _, err := chain.InsertBlockWithoutSetHead(context.Background(), block, false); err != nil {
		return nil, fmt.Errorf("insert block %d: %w", block.NumberU64(), err)
	}
	if _, err := chain.SetCanonical(block); err != nil {
		return nil, fmt.Errorf("make block %d the head: %w", block.NumberU64(), err)
	}
	s.mark(block.NumberU64())
	return block, s.settle()
}

// settle waits until the pool has taken in the new head and every transaction handed to it, which it does on goroutines
// of its own. One caller at a time: of two, go-ethereum would never answer the first.
func (s *sealer) settle() error {
	s.pool.Lock()
	defer s.pool.Unlock()
	if err := s.eth.TxPool().Sync(); err != nil {
		return fmt.Errorf("settle transaction pool: %w", err)
	}
	return nil
}

// mark moves the tags safe and finalized behind a new head, and tells of it. Callers hold mu.
func (s *sealer) mark(head uint64) {
	chain := s.eth.BlockChain()
	chain.SetSafe(chain.GetHeaderByNumber(head - min(head, s.finality/2)))
	chain.SetFinalized(chain.GetHeaderByNumber(head - min(head, s.finality)))
	s.tell()
}

// Seal makes a block now, from what the pool holds, paused or not, and returns its hash. A chain that could not make a
// block is broken: Seal then returns the zero hash and [Chain.Err] the reason.
func (c *Chain) Seal() common.Hash {
	s := &c.seal
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.force(s.nextTime(), false)
}

func (s *sealer) force(at uint64, empty bool) common.Hash {
	if s.fault != nil {
		return common.Hash{}
	}
	block, err := s.make(at, empty)
	if err != nil {
		s.fail(err)
		return common.Hash{}
	}
	return block.Hash()
}

// AdvanceTime makes chain time jump by d (whole seconds, at least one) with an empty block, and returns its hash. Later
// blocks go on from there. What waits in the pool waits for the next block.
func (c *Chain) AdvanceTime(d time.Duration) common.Hash {
	s := &c.seal
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.eth.BlockChain().CurrentBlock().Time + wholeSeconds(d)
	if !s.manual {
		s.ahead = time.Until(chainTime(at))
	}
	hash := s.force(at, true)
	s.nudge()
	return hash
}

// Pause stops automatic sealing: chain time stands still and transactions wait. Seal and AdvanceTime still work.
func (c *Chain) Pause() { c.setPaused(true) }

// Resume ends a Pause; what waited is mined at once.
func (c *Chain) Resume() { c.setPaused(false) }

func (c *Chain) setPaused(paused bool) {
	c.seal.mu.Lock()
	defer c.seal.mu.Unlock()
	c.seal.paused = paused
	if !paused {
		c.seal.nudge()
	}
}

// Err tells why the chain stopped making blocks, or nil.
func (c *Chain) Err() error {
	c.seal.mu.Lock()
	defer c.seal.mu.Unlock()
	return c.seal.fault
}

// Fork drops every block after parent: the head is parent again and the next block starts another branch. Transactions
// of dropped blocks return to the pool, as in a real reorganisation; [Chain.DropPending] makes them vanish. Pause
// first to decide what the new branch holds.
func (c *Chain) Fork(parent common.Hash) error {
	s := &c.seal
	s.mu.Lock()
	defer s.mu.Unlock()
	block := s.eth.BlockChain().GetBlockByHash(parent)
	if block == nil {
		return fmt.Errorf("fork at %s: %w", parent, errUnknownBlock)
	}
	if _, err := s.eth.BlockChain().SetCanonical(block); err != nil {
		return fmt.Errorf("fork at %s: %w", parent, err)
	}
	s.mark(block.NumberU64())
	return s.settle()
}

var errUnknownBlock = errors.New("no such block")

// DropPending empties the pool, as when providers forget a transaction.
func (c *Chain) DropPending() {
	c.seal.pool.Lock() // Clear settles the pool too
	defer c.seal.pool.Unlock()
	c.eth.TxPool().Clear()
}

// PendingCount is the number of transactions that could be mined in the next block.
func (c *Chain) PendingCount() int {
	_ = c.seal.settle() // fails only when closed, and then nothing is pending
	n := 0
	pending, _ := c.eth.TxPool().Pending(txpool.PendingFilter{})
	for _, list := range pending {
		n += len(list)
	}
	return n
}

// Now is the chain time of the head, in UTC.
func (c *Chain) Now() time.Time { return chainTime(c.eth.BlockChain().CurrentBlock().Time).UTC() }

// Header timestamps are unsigned, Go's clock is signed; both hold every time a test can mean.
func chainTime(stamp uint64) time.Time { return time.Unix(int64(stamp), 0) } //nolint:gosec // see above
func timestamp(t time.Time) uint64     { return uint64(t.Unix()) }           //nolint:gosec // see above

// wholeSeconds is what d adds to a header's timestamp, which must rise.
func wholeSeconds(d time.Duration) uint64 { return uint64(max(time.Second, d) / time.Second) } //nolint:gosec // positive
