package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// The fake chain's errors, by what the real client calls them.
var (
	errDown        = errors.New("no agreement between providers: all are down")
	errNonceTooLow = fmt.Errorf("broadcast: %w", safe.ErrNonceTooLow)
	errUnderpriced = fmt.Errorf("broadcast: %w", safe.ErrUnderpriced)
	errNoMoney     = fmt.Errorf("broadcast: %w", safe.ErrInsufficientFunds)
	errReverts     = errors.New("execution reverted")
	errTooMany     = errors.New("batch too large")
)

const (
	testChainID = 31337
	baseFee     = 1_000_000_000 // wei per gas
	genesisTime = 1_800_000_000
)

// scripted is a chain as the coordinator sees one through agreeing providers: blocks that are made when the test says so, a pool
// with a real pool's rules, a Safe that checks signatures, an OpenZeppelin timelock, and a market that can be paused. It can be
// slow, down, of two minds, deaf, and reorganised.
type scripted struct {
	t *testing.T

	mu       sync.Mutex // guards everything below
	blocks   []sealed   // the canonical chain; blocks[i] has number i
	pool     map[common.Address]map[uint64]*types.Transaction
	forks    byte // so that blocks of another fork have other hashes
	changed  chan struct{}
	final    uint64 // confirmations; 0: finalized says
	finality uint64 // number of the finalized block

	latency    time.Duration            // of one round of exchanges with the providers
	slow       map[string]time.Duration // by method: how much longer it takes
	calls      map[string]int           // by method
	most       int                      // values that a provider reads at once; 0: any
	fails      map[string]error         // by method: what it answers instead
	down       bool                     // nobody agrees on anything, though single providers answer
	deaf       bool                     // bytes are accepted and forgotten
	known      map[string]bool          // what was asked of which block
	recent     safe.Block               // what Head answered last
	asked      time.Time                // when it did
	pending    uint64                   // timestamp of a pending block; 0: that of the head
	onSend     func(raw []byte)         // called for each broadcast, before it is judged
	hides      bool                     // logs are left out
	razed      common.Address           // a contract that is not there
	runs       common.Address           // what the market runs, as a proxy
	odd        bool                     // the Safe's code is none that was published
	contradict *[2]int                  // how many providers say of what reverts that it works, and that it does not
	lie        func(*safe.State)        // what the freshest provider makes of a Safe
	sweep      *safe.Sweep              // what lower gas limits would do
	effects    *safe.Effects            // what else a simulation sees
	sent       [][]byte                 // all bytes that were broadcast, in order
	mute       bool                     // bytes are taken, and the answer is an error all the same
	unpriced   bool                     // headers carry no base fee
	confided   [][]byte                 // all bytes that the private endpoints took
	closed     bool                     // the private endpoints are down
}

// sealed is a block with the world as it is after it.
type sealed struct {
	safe.Block
	receipts []*safe.Receipt
	txs      []*types.Transaction
	world    world
}

// world is all state of the chain.
type world struct {
	safes    map[common.Address]vault
	version  safe.Version // of every Safe
	paused   map[common.Address]bool
	ltv      map[common.Address]uint64
	ops      map[common.Hash]uint64 // OpenZeppelin's timestamps: 0 unset, 1 done
	roles    map[string]bool        // PROPOSER_ROLE and friends, with the account
	balances map[common.Address]uint256.Int
	nonces   map[common.Address]uint64
	deeds    []string // every effect on the market, in order
	approved map[approval]bool
	vouches  string // the one signature that the contract owner takes; "": none
	frozen   bool   // the market refuses everything

	stuck      common.Address // an asset that cannot be paused
	oneAtATime bool           // the market pauses one asset and no second one
}

type vault struct {
	owners    []common.Address
	threshold int
	nonce     uint64
	guard     common.Address
	modules   []common.Address
}

func (w world) clone() world {
	w.safes, w.paused, w.ltv, w.ops = maps.Clone(w.safes), maps.Clone(w.paused), maps.Clone(w.ltv), maps.Clone(w.ops)
	w.roles, w.balances, w.nonces = maps.Clone(w.roles), maps.Clone(w.balances), maps.Clone(w.nonces)
	w.deeds, w.approved = slices.Clone(w.deeds), maps.Clone(w.approved)
	return w
}

func newScripted(t *testing.T, genesis world) *scripted {
	s := &scripted{t: t, pool: map[common.Address]map[uint64]*types.Transaction{}, changed: make(chan struct{}), final: 2,
		known: map[string]bool{}, calls: map[string]int{}, fails: map[string]error{}}
	s.seal(nil, nil, genesis)
	return s
}

func (s *scripted) head() *sealed { return &s.blocks[len(s.blocks)-1] }

// seal appends a block. The caller holds s.mu, or nobody else knows s yet.
func (s *scripted) seal(txs []*types.Transaction, receipts []*safe.Receipt, w world) {
	n := uint64(len(s.blocks))
	b := safe.Block{Number: n, Time: genesisTime + 12*n, Hash: crypto.Keccak256Hash([]byte{s.forks}, fmt.Append(nil, n))}
	if n > 0 && s.head().Time >= b.Time {
		b.Time = s.head().Time + 1
	}
	for i, r := range receipts {
		r.Block = b
		for j := range r.Logs {
			r.Logs[j].Block, r.Logs[j].Index = b, uint(10*i+j)
		}
	}
	s.blocks = append(s.blocks, sealed{Block: b, txs: txs, receipts: receipts, world: w})
	close(s.changed)
	s.changed = make(chan struct{})
}

// mine makes a block of everything in the pool whose turn it is.
func (s *scripted) mine() safe.Block {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.head().world.clone()
	var txs []*types.Transaction
	var receipts []*safe.Receipt
	at := s.head().Time + 12
	for _, from := range slices.SortedFunc(maps.Keys(s.pool), common.Address.Cmp) {
		queue := s.pool[from]
		for tx := queue[w.nonces[from]]; tx != nil; tx = queue[w.nonces[from]] {
			delete(queue, w.nonces[from])
			w.nonces[from]++
			next, logs, err := run(w.clone(), *tx.To(), tx.Data(), at)
			r := &safe.Receipt{TxHash: tx.Hash(), Succeeded: err == nil, GasUsed: 150_000}
			if err == nil {
				w = next
				for i := range logs {
					logs[i].TxHash = tx.Hash()
				}
				r.Logs = logs
			}
			w.balances[from] = *new(uint256.Int).Sub(ptr(w.balances[from]), uint256.NewInt(150_000*baseFee))
			txs, receipts = append(txs, tx), append(receipts, r)
		}
	}
	s.seal(txs, receipts, w)
	return s.head().Block
}

func ptr[T any](v T) *T { return &v }

// mineAt makes an empty-ended block at a chain time.
func (s *scripted) mineAt(seconds uint64) {
	s.mine()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head().Time = seconds
}

// byHand runs a call from an account that is nobody of ours, in a block of its own.
func (s *scripted) byHand(to common.Address, data []byte) common.Hash {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	w, logs, err := run(s.head().world.clone(), to, data, s.head().Time+12)
	if err != nil {
		s.t.Fatalf("by hand: %v", err)
	}
	hash := crypto.Keccak256Hash(data, fmt.Append(nil, len(s.blocks), s.forks))
	for i := range logs {
		logs[i].TxHash = hash
	}
	s.seal(nil, []*safe.Receipt{{TxHash: hash, Succeeded: true, GasUsed: 150_000, Logs: logs}}, w)
	return hash
}

// alter changes the world in a block of its own, as some other transaction would.
func (s *scripted) alter(change func(*world)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.head().world.clone()
	change(&w)
	s.seal(nil, nil, w)
}

// reorganise takes the last n blocks off the chain and makes one more of others. Their transactions go back into the pool,
// unless they are lost.
func (s *scripted) reorganise(n int, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := s.blocks[len(s.blocks)-n:]
	s.blocks = slices.Clone(s.blocks[:len(s.blocks)-n])
	s.forks++
	for range n + 1 {
		s.seal(nil, nil, s.head().world.clone())
	}
	if lost {
		return
	}
	for _, b := range gone {
		for _, tx := range b.txs {
			s.hold(tx)
		}
	}
}

func (s *scripted) hold(tx *types.Transaction) {
	from, _ := types.Sender(types.LatestSignerForChainID(tx.ChainId()), tx)
	if s.pool[from] == nil {
		s.pool[from] = map[uint64]*types.Transaction{}
	}
	s.pool[from][tx.Nonce()] = tx
}

// deeds are the effects that the market has felt.
func (s *scripted) deeds() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.head().world.deeds)
}

// set changes how the providers behave.
func (s *scripted) set(change func(*scripted)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *scripted) called(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// rounds is how many exchanges, one after the other, the real client needs for a method.
var rounds = map[string]time.Duration{"StateAt": 2, "AnySafeState": 2, "AnyAccount": 2, "Receipt": 2, "Logs": 3}

// ask counts a call, lets its time pass, and says whether it is answered. On success the caller holds s.mu.
func (s *scripted) ask(ctx context.Context, method string, agreed bool) (err error) {
	return s.askIn(ctx, method, max(1, rounds[method]), agreed)
}

// askIn is ask where the caller says how many rounds it takes.
func (s *scripted) askIn(ctx context.Context, method string, rounds time.Duration, agreed bool) (err error) {
	s.mu.Lock()
	s.calls[method]++
	took := s.latency*rounds + s.slow[method]
	s.mu.Unlock()
	if took > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(took):
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	if err = s.fails[method]; err == nil && agreed && s.down {
		err = errDown
	}
	if err != nil {
		s.mu.Unlock()
	}
	return err
}

// askOnce is ask for what the real client remembers of a block once it was agreed on: it costs nothing then.
func (s *scripted) askOnce(ctx context.Context, method string, rounds time.Duration, at safe.Block, of any) error {
	key := fmt.Sprint(method, at.Hash, of)
	s.mu.Lock()
	if s.known[key] {
		return nil
	}
	s.mu.Unlock()
	err := s.askIn(ctx, method, rounds, true)
	if err == nil {
		s.known[key] = true
	}
	return err
}

// at finds the world at a block hash, as a provider that keeps the last 128 states does.
func (s *scripted) at(b safe.Block) (world, error) {
	if b.Number >= uint64(len(s.blocks)) || s.blocks[b.Number].Hash != b.Hash || b.Number+stateKept < s.head().Number {
		return world{}, fmt.Errorf("missing state of block %d", b.Number)
	}
	return s.blocks[b.Number].world, nil
}

func (s *scripted) fees() safe.Fees {
	return safe.Fees{BaseFee: *uint256.NewInt(baseFee), Tip: *uint256.NewInt(baseFee / 10), Unpriced: s.unpriced}
}

func (s *scripted) Head(ctx context.Context) (safe.Block, safe.Fees, error) {
	if err := s.ask(ctx, "Head", true); err != nil {
		return safe.Block{}, safe.Fees{}, err
	}
	defer s.mu.Unlock()
	s.recent, s.asked = s.head().Block, time.Now()
	return s.recent, s.fees(), nil
}

func (s *scripted) Newest(ctx context.Context) (safe.Block, error) {
	head, _, err := s.Head(ctx)
	return head, err
}

func (s *scripted) Recent(ctx context.Context) (safe.Block, safe.Fees, error) {
	s.mu.Lock()
	if time.Since(s.asked) < 1500*time.Millisecond {
		defer s.mu.Unlock()
		return s.recent, s.fees(), nil
	}
	s.mu.Unlock()
	return s.Head(ctx)
}

func (s *scripted) Lost(ctx context.Context, block safe.Block) (bool, error) {
	if err := s.ask(ctx, "Lost", true); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	return block.Number >= uint64(len(s.blocks)) || s.blocks[block.Number].Hash != block.Hash, nil
}

func (s *scripted) PendingTime(ctx context.Context) (uint64, error) {
	if err := s.ask(ctx, "PendingTime", true); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	return max(s.pending, s.head().Time), nil
}

func (s *scripted) StateAt(ctx context.Context, at safe.Block, address common.Address) (safe.State, error) {
	if err := s.ask(ctx, "StateAt", true); err != nil {
		return safe.State{}, err
	}
	defer s.mu.Unlock()
	w, err := s.at(at)
	if err != nil {
		return safe.State{}, err
	}
	verified := safe.VerifiedByAddress
	if s.odd {
		verified = safe.VerifiedByProvider
	}
	return s.safeIn(w, at, address, verified)
}

func (s *scripted) AnySafeState(ctx context.Context, address common.Address) (safe.State, error) {
	if err := s.ask(ctx, "AnySafeState", false); err != nil {
		return safe.State{}, err
	}
	defer s.mu.Unlock()
	state, err := s.safeIn(s.head().world, s.head().Block, address, safe.VerifiedByProvider)
	if err == nil && s.lie != nil {
		s.lie(&state)
	}
	return state, err
}

func (s *scripted) safeIn(w world, at safe.Block, address common.Address, verified safe.Verification) (safe.State, error) {
	v, ok := w.safes[address]
	if !ok || !w.version.Supported() { // as the real client has it
		return safe.State{}, safe.ErrNotSafe
	}
	return safe.State{Block: at, Owners: v.owners, Threshold: v.threshold, Nonce: v.nonce, Version: w.version, Verified: verified,
		Guard: v.guard, Modules: v.modules}, nil
}

func (s *scripted) Read(ctx context.Context, at safe.Block, calls []safe.Call) ([]safe.Result, error) {
	if err := s.askOnce(ctx, "Read", time.Duration((len(calls)+99)/100), at, calls); err != nil { // the real client asks a hundred at once
		return nil, err
	}
	defer s.mu.Unlock()
	if s.most > 0 && len(calls) > s.most {
		return nil, errTooMany
	}
	w, err := s.at(at)
	if err != nil {
		return nil, err
	}
	results := make([]safe.Result, len(calls))
	for i, call := range calls {
		results[i] = w.view(call)
	}
	return results, nil
}

func (s *scripted) CodeHashes(ctx context.Context, _ safe.Block, addresses ...common.Address) ([]common.Hash, error) {
	if err := s.ask(ctx, "CodeHashes", true); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	hashes := make([]common.Hash, len(addresses))
	for i, a := range addresses {
		_, isSafe := s.head().world.safes[a]
		if isSafe || slices.Contains([]common.Address{market1, timelock1, multiSend, nested, implementation1}, a) && a != s.razed {
			hashes[i] = crypto.Keccak256Hash(a[:])
		}
	}
	return hashes, nil
}

// Implementations knows one proxy at most.
func (s *scripted) Implementations(ctx context.Context, at safe.Block, proxies ...common.Address) ([]common.Address, error) {
	if err := s.ask(ctx, "Implementations", true); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if _, err := s.at(at); err != nil {
		return nil, err
	}
	found := make([]common.Address, len(proxies))
	for i, p := range proxies {
		if p == market1 {
			found[i] = s.runs
		}
	}
	return found, nil
}

func (s *scripted) Simulate(ctx context.Context, ask safe.SimulationRequest) (safe.Simulation, error) {
	if err := s.ask(ctx, "Simulate", false); err != nil {
		return safe.Simulation{}, err
	}
	defer s.mu.Unlock()
	if s.down {
		return safe.Simulation{}, errDown
	}
	w, err := s.at(ask.At)
	if err != nil {
		return safe.Simulation{}, err
	}
	out := safe.Simulation{OK: true, Block: ask.At.Number, Provider: "fake", GasUsed: 120_000}
	after, _, err := w.clone().inner(ask.Safe, ask.Tx, ask.At.Time)
	if err != nil {
		out.OK, out.Error, out.GasUsed = false, err.Error(), 0
		if s.contradict != nil {
			out.Works, out.Fails = s.contradict[0], s.contradict[1]
			if ask.Effects {
				out.Effects = s.effects
			}
		}
		return out, nil
	}
	for _, call := range ask.After {
		out.After = append(out.After, after.view(call))
	}
	if ask.Sweep {
		out.Sweep = s.sweep
	}
	if ask.Effects {
		out.Effects = s.effects
	}
	return out, nil
}

func (s *scripted) Logs(ctx context.Context, filters []safe.Filter, from, to uint64) ([]safe.Log, error) {
	if err := s.ask(ctx, "Logs", true); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if to-from >= 2000 {
		return nil, fmt.Errorf("a range of %d blocks is too long", to-from+1)
	}
	return s.logs(filters, from, to), nil
}

func (s *scripted) logs(filters []safe.Filter, from, to uint64) (found []safe.Log) {
	for n := from; n <= to && n < uint64(len(s.blocks)) && !s.hides; n++ {
		for _, r := range s.blocks[n].receipts {
			for _, l := range r.Logs {
				if slices.ContainsFunc(filters, func(f safe.Filter) bool {
					return f.Address == l.Address && (len(f.Topics) == 0 || len(f.Topics[0]) == 0 || slices.Contains(f.Topics[0], l.Topics[0]))
				}) {
					found = append(found, l)
				}
			}
		}
	}
	return found
}

func (s *scripted) MultiSendCallOnly(ctx context.Context, _ safe.Block, _ safe.Version) (common.Address, error) {
	if err := s.ask(ctx, "MultiSendCallOnly", true); err != nil {
		return common.Address{}, err
	}
	defer s.mu.Unlock()
	return multiSend, nil
}

func (s *scripted) Follow(ctx context.Context, from safe.Block, filters func() []safe.Filter, fn func(context.Context, safe.Block, []safe.Log) error) error {
	cursor, placed := from, from != safe.Block{}
	for {
		s.mu.Lock()
		changed, head := s.changed, s.head().Block
		if s.down || s.fails["Follow"] != nil {
			s.mu.Unlock()
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
			continue
		}
		s.recent, s.asked = head, time.Now()
		reorganised := placed && (cursor.Number >= uint64(len(s.blocks)) || s.blocks[cursor.Number].Hash != cursor.Hash)
		if reorganised {
			cursor = s.blocks[min(cursor.Number, head.Number)-min(cursor.Number, head.Number, 64)].Block
		}
		logs := s.logs(filters(), cursor.Number+1, head.Number)
		s.mu.Unlock()
		if !placed || head != cursor {
			if err := fn(ctx, head, logs); err == nil {
				cursor, placed = head, true
			} else {
				changed = nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-time.After(time.Second):
		}
	}
}

func (s *scripted) Final(ctx context.Context, head, included safe.Block) (bool, error) {
	if err := s.ask(ctx, "Final", true); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if s.final == 0 {
		return included.Number <= s.finality, nil
	}
	return head.Number+1 >= included.Number+s.final, nil
}

func (s *scripted) Receipt(ctx context.Context, tx common.Hash) (*safe.Receipt, error) {
	if err := s.ask(ctx, "Receipt", true); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for _, b := range s.blocks {
		for _, r := range b.receipts {
			if r.TxHash == tx {
				return ptr(*r), nil
			}
		}
	}
	return nil, nil //nolint:nilnil // "not mined" is an answer
}

func (s *scripted) Accounts(ctx context.Context, at safe.Block, addresses ...common.Address) ([]safe.Account, error) {
	if err := s.askOnce(ctx, "Accounts", 1, at, addresses); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	w, err := s.at(at)
	if err != nil {
		return nil, err
	}
	accounts := make([]safe.Account, len(addresses))
	for i, a := range addresses {
		accounts[i] = accountIn(w, a)
	}
	return accounts, nil
}

func accountIn(w world, address common.Address) safe.Account {
	return safe.Account{Nonce: w.nonces[address], Balance: w.balances[address]}
}

func (s *scripted) AnyAccount(ctx context.Context, address common.Address) (safe.Account, safe.Block, safe.Fees, error) {
	if err := s.ask(ctx, "AnyAccount", false); err != nil {
		return safe.Account{}, safe.Block{}, safe.Fees{}, err
	}
	defer s.mu.Unlock()
	return accountIn(s.head().world, address), s.head().Block, s.fees(), nil
}

func (s *scripted) EstimateGas(ctx context.Context, _, to common.Address, data []byte) (uint64, error) {
	if err := s.ask(ctx, "EstimateGas", true); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	if _, _, err := run(s.head().world.clone(), to, data, s.head().Time+1); err != nil {
		return 0, fmt.Errorf("estimate gas: %w: %w", safe.ErrReverted, err)
	}
	return 130_000, nil
}

// Broadcast has the rules of a pool: no used nonce, no gap that is filled later without a word, a tenth more for a replacement,
// money for all of the gas.
func (s *scripted) Broadcast(ctx context.Context, raw []byte) error {
	if err := s.ask(ctx, "Broadcast", false); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.onSend != nil {
		s.onSend(raw)
	}
	s.sent = append(s.sent, raw)
	if s.deaf {
		return nil
	}
	tx := new(types.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	from, err := types.Sender(types.LatestSignerForChainID(big.NewInt(testChainID)), tx)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	known := s.pool[from][tx.Nonce()]
	switch {
	case tx.Nonce() < s.head().world.nonces[from]:
		return errNonceTooLow
	case known != nil && known.Hash() == tx.Hash():
		return nil // already known
	case known != nil && (!tenthMore(tx.GasFeeCap(), known.GasFeeCap()) || !tenthMore(tx.GasTipCap(), known.GasTipCap())):
		return errUnderpriced
	case ptr(s.head().world.balances[from]).ToBig().Cmp(tx.Cost()) < 0:
		return errNoMoney
	}
	s.hold(tx)
	if s.mute {
		return errDown
	}
	return nil
}

// BroadcastPrivately takes everything and tells no pool: what goes in this way is mined only if the test says so.
func (s *scripted) BroadcastPrivately(ctx context.Context, raw []byte) error {
	if err := s.ask(ctx, "BroadcastPrivately", false); err != nil {
		return err
	}
	defer s.mu.Unlock()
	if s.closed {
		return errDown
	}
	s.confided = append(s.confided, raw)
	return nil
}

func tenthMore(offer, before *big.Int) bool {
	return new(big.Int).Mul(offer, big.NewInt(10)).Cmp(new(big.Int).Mul(before, big.NewInt(11))) >= 0
}

// Functions of the fake contracts.
var (
	setPause         = calldata.MustParseFunction("setReservePause(address asset, bool paused)")
	getPaused        = calldata.MustParseFunction("getPaused(address asset) returns (bool)")
	approvedHashes   = calldata.MustParseFunction("approvedHashes(address owner, bytes32 hash) returns (uint256)")
	isValidSignature = calldata.MustParseFunction("isValidSignature(bytes data, bytes signature) returns (bytes4)")
	setLtv           = calldata.MustParseFunction("setLtv(address asset, uint256 ltv)")
	getLtv           = calldata.MustParseFunction("getLtv(address asset) returns (uint256)")
	schedule         = calldata.MustParseFunction("schedule(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt, uint256 delay)")
	execute          = calldata.MustParseFunction("execute(address target, uint256 value, bytes data, bytes32 predecessor, bytes32 salt)")
	cancelOp         = calldata.MustParseFunction("cancel(bytes32 id)")
	hasRole          = calldata.MustParseFunction("hasRole(bytes32 role, address account) returns (bool)")
	getStamp         = calldata.MustParseFunction("getTimestamp(bytes32 id) returns (uint256)")
	getDelay         = calldata.MustParseFunction("getMinDelay() returns (uint256)")
)
