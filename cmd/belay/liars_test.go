package main

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"belay/configs"
	"belay/governance"
	"belay/governance/coordinator"
	"belay/safe"
	"belay/safe/chain"
	"belay/safe/devnet"
	"belay/safe/devnet/liar"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// slotTime is the chain time between two blocks of a field.
const slotTime = 12 * time.Second

// field is the sample protocol on a real chain, which goes back to where it was before each story. It lives outside of every bubble.
type field struct {
	stack *devnet.Stack
	node  *liar.Memory
	base  common.Hash
	begun time.Time // chain time of the base block
	work  chan func()
	done  chan struct{}
	free  chan struct{} // holds one token: one asks at a time for work to be done outside
}

func newField(t *testing.T) *field {
	t.Helper()
	c, err := devnet.Start(devnet.Config{Manual: true, Period: slotTime, GenesisTime: uint64(time.Now().Add(-time.Hour).Unix())}) //nolint:gosec // positive
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	f := &field{work: make(chan func()), done: make(chan struct{}), free: make(chan struct{}, 1)}
	f.free <- struct{}{}
	go func() {
		for do := range f.work {
			do()
			f.done <- struct{}{}
		}
	}()
	t.Cleanup(func() { close(f.work) })
	if f.stack, err = devnet.NewStack(t.Context(), c, devnet.StackConfig{MinDelay: time.Minute}); err != nil {
		t.Fatal(err)
	}
	f.base, f.begun = c.AdvanceTime(time.Since(c.Now())), c.Now()
	node, stop := liar.Outside(liar.Of(c), 8)
	t.Cleanup(stop)
	f.node = liar.Remembering(node)
	return f
}

// outside does something to the chain for who is in a bubble, whose channels the chain must not meet.
func (f *field) outside(do func()) {
	<-f.free
	f.work <- do
	<-f.done
	f.free <- struct{}{}
}

// siege is a Belay with three providers of which some fail, and people who use it. It lives in a bubble: what takes time takes none.
type siege struct {
	*field
	t         *testing.T
	service   *service
	providers []*liar.Proxy
	halt      func()
	believed  bool // most providers tell the same lie: what is claimed need not be true

	mu     sync.Mutex // guards what follows
	asked  common.Hash
	signed int
	early  int    // how many sends came before the quorum
	known  *truth // since the last block
}

// besieged plays a story in a bubble, on a chain that begins where it always does.
func besieged(t *testing.T, f *field, seed uint64, story func(s *siege)) {
	t.Helper()
	if err := f.stack.Chain.Fork(f.base); err != nil {
		t.Fatal(err)
	}
	f.stack.Chain.DropPending()
	f.node.Forget()
	guarding := devnet.Guarding{Listen: "127.0.0.1:1", AdminListen: "127.0.0.1:2", Token: token, RPC: map[string]string{}, Confirmations: 2}
	for _, name := range providerNames {
		guarding.RPC[name] = "https://" + name + ".example"
	}
	file, err := f.stack.WriteConfiguration(t.TempDir(), guarding)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(f.begun)) // a bubble begins in the year 2000; the chain does not
		s := &siege{field: f, t: t}
		network := liar.Network{}
		for i, name := range providerNames {
			p := liar.New(f.node, seed*uint64(len(providerNames))+uint64(i)) //nolint:gosec // small
			p.Bait(func() (common.Address, common.Hash) { return f.stack.Guardian, s.bait() })
			p.OnSend(s.heard)
			network[name+".example"] = p
			s.providers = append(s.providers, p)
		}
		s.start(cfg, network)
		defer s.halt()
		story(s)
		s.settle()
	})
}

var providerNames = []string{"alchemy", "infura", "own"}

// start wires the program as serve does, but for its listeners, onto a network of ours.
func (s *siege) start(cfg *configs.Config, network http.RoundTripper) {
	s.t.Helper()
	s.service = &service{cfg: cfg, log: slog.New(slog.DiscardHandler), metrics: newMetrics(), chains: map[string]*chain.Client{}}
	ctx, cancel := context.WithCancel(context.Background())
	dial := func(ctx context.Context) error {
		for _, c := range cfg.Chains {
			dialled := chainConfig(c, s.service.log, nil)
			dialled.HTTPClient = &http.Client{Transport: network}
			client, err := chain.Dial(ctx, dialled)
			if err != nil {
				return err
			}
			s.service.chains[c.Name] = client
		}
		return nil
	}
	for _, step := range []func(context.Context) error{s.service.openStore, s.service.judge, s.service.openKeys, dial, s.service.makeChats, s.service.makeCoordinator} {
		if err := step(ctx); err != nil {
			s.t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() { done <- s.service.coord.Run(ctx) }()
	mining := make(chan struct{})
	go func() {
		defer close(mining)
		s.mine(ctx)
	}()
	s.halt = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run ended with %v", err)
		}
		<-mining
		if err := s.service.close(); err != nil {
			s.t.Error(err)
		}
	}
}

// mine makes a block in each slot.
func (s *siege) mine(ctx context.Context) {
	slots := time.NewTicker(slotTime)
	defer slots.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-slots.C:
			s.outside(func() { s.stack.Chain.Seal() })
			s.node.Forget()
			s.mu.Lock()
			s.known = nil
			s.mu.Unlock()
		}
	}
}

// heard judges bytes that leave for a provider.
func (s *siege) heard(json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signed < s.stack.Threshold {
		s.early++
	}
}

// bait is what liars invent executions of: the transaction that people are asked to sign.
func (s *siege) bait() common.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// pass lets time go by, and looks at each second of it whether all that is claimed is so.
func (s *siege) pass(d time.Duration) {
	for ; d > 0; d -= time.Second {
		<-time.After(min(d, time.Second))
		s.holds()
	}
}

func (s *siege) propose(playbook string, params map[string]string) (governance.View, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	p, err := s.service.coord.Propose(ctx, coordinator.Intent{Playbook: playbook, Params: params, Member: "alice", Reason: "drill", Via: governance.ViaCLI})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = common.HexToHash(p.View.SafeTxHash)
	return p.View, err
}

// sign has an owner sign what is asked for now.
func (s *siege) sign(id string, owner int) {
	s.t.Helper()
	hash := common.HexToHash(s.show(id).SafeTxHash)
	sig, err := crypto.Sign(hash[:], s.stack.Owners[owner])
	if err != nil {
		s.t.Fatal(err)
	}
	sig[64] += 27
	s.mu.Lock()
	s.asked, s.signed = hash, s.signed+1 // from here on the quorum may be acted on
	s.mu.Unlock()
	if _, err := s.service.coord.Confirm(s.t.Context(), coordinator.Signed{Proposal: id, SafeTxHash: hash, Signature: sig, Via: governance.ViaPage}); err != nil {
		s.t.Fatalf("owner %d signs: %v", owner, err)
	}
}

func (s *siege) show(id string) governance.View {
	s.t.Helper()
	v, err := s.service.coord.Show(s.t.Context(), id, governance.Viewer{Audience: governance.AudienceWarRoom})
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// executed waits for as many blocks until a proposal is executed.
func (s *siege) executed(id string, blocks int) {
	s.t.Helper()
	for range blocks * int(slotTime/time.Second) {
		if s.show(id).State == governance.StateExecuted {
			return
		}
		s.pass(time.Second)
	}
	v := s.show(id)
	s.t.Fatalf("stuck: not executed within %d blocks; it is %s, %q, notes %q", blocks, v.State, v.Status, v.Notes)
}

// truth is what the honest chain says.
type truth struct {
	nonce    uint64
	paused   bool
	executed map[common.Hash]uint64 // the Safe's successes: transaction → block
	wasted   int                    // transactions of ours that did nothing
	head     uint64
}

func (s *siege) truth() truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		now := truth{executed: map[common.Hash]uint64{}}
		var err error
		s.outside(func() { err = now.read(context.Background(), s.stack, s.base) })
		if err != nil {
			s.t.Fatalf("ask the chain itself: %v", err)
		}
		s.known = &now
	}
	return *s.known
}

func (now *truth) read(ctx context.Context, stack *devnet.Stack, since common.Hash) error {
	client := stack.Chain.Client()
	nonce, err := stack.Chain.Call(ctx, stack.Guardian, crypto.Keccak256([]byte("nonce()"))[:4])
	if err != nil {
		return err
	}
	paused, err := stack.Chain.Call(ctx, stack.Market, append(crypto.Keccak256([]byte("getPaused(address)"))[:4], common.LeftPadBytes(stack.Asset("usdc").Token.Bytes(), 32)...))
	if err != nil {
		return err
	}
	now.nonce, now.paused = new(big.Int).SetBytes(nonce).Uint64(), paused[31] == 1
	block, err := client.BlockByNumber(ctx, nil)
	if err != nil {
		return err
	}
	now.head = block.NumberU64()
	for block.Hash() != since {
		for _, tx := range block.Transactions() {
			receipt, err := client.TransactionReceipt(ctx, tx.Hash())
			if err != nil {
				return err
			}
			if succeeded(stack.Guardian, receipt) {
				now.executed[tx.Hash()] = block.NumberU64()
			} else {
				now.wasted++
			}
		}
		if block, err = client.BlockByHash(ctx, block.ParentHash()); err != nil {
			return err
		}
	}
	return nil
}

// succeeded reports whether the Safe says that it executed something.
func succeeded(guardian common.Address, r *types.Receipt) bool {
	return slices.ContainsFunc(r.Logs, func(l *types.Log) bool {
		_, success, is := safe.ExecutionOf(safe.Log{Address: l.Address, Topics: l.Topics, Data: l.Data})
		return is && success && l.Address == guardian
	})
}

// holds checks that what the cards say is so on the honest chain.
func (s *siege) holds() {
	s.t.Helper()
	page, err := s.service.coord.List(s.t.Context(), coordinator.Query{Viewer: governance.Viewer{Audience: governance.AudienceWarRoom}})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, v := range page.Views {
		if s.believed || v.State != governance.StateExecuted && v.Execution == nil && !slices.ContainsFunc(v.Postconditions, func(p governance.PostconditionView) bool { return p.OK }) {
			continue
		}
		now := s.truth()
		if v.State == governance.StateExecuted && (len(now.executed) != 1 || !now.paused || v.Execution == nil) {
			s.t.Fatalf("it is called executed, and the chain has %d executions, paused %v", len(now.executed), now.paused)
		}
		if v.Execution == nil {
			continue
		}
		block, is := now.executed[common.HexToHash(v.Execution.TxHash)]
		if !is || block != v.Execution.Block {
			s.t.Fatalf("%s is called mined in block %d, and the chain has %v", v.Execution.TxHash, v.Execution.Block, now.executed)
		}
		if v.State == governance.StateExecuted && now.head < block+1 {
			s.t.Fatalf("it is called executed at block %d, and was mined in %d", now.head, block)
		}
	}
}

// settle lets the last words fall, and checks what is true in the end whatever the providers did.
func (s *siege) settle() {
	s.t.Helper()
	s.pass(3 * slotTime)
	if s.early > 0 {
		s.t.Errorf("%d broadcasts came before the quorum", s.early)
	}
	if now := s.truth(); len(now.executed) > 1 || now.nonce != uint64(len(now.executed)) {
		s.t.Errorf("there were %d effects, and the Safe's nonce is %d", len(now.executed), now.nonce)
	}
}

// trueOf checks that a card says of the Safe what is so.
func (s *siege) trueOf(v governance.View) {
	s.t.Helper()
	if v.Threshold != s.stack.Threshold || len(v.Owners) != len(s.stack.Owners) || !v.Safe.Verified {
		s.t.Errorf("the card says %d of %v, nonce %d, verified %v", v.Threshold, v.Owners, v.Nonce, v.Safe.Verified)
	}
	for i, key := range s.stack.Owners {
		if !slices.ContainsFunc(v.Owners, func(o string) bool { return strings.EqualFold(o, crypto.PubkeyToAddress(key.PublicKey).Hex()) }) {
			s.t.Errorf("the card does not name owner %d", i)
		}
	}
}

// oneOfThree plays a pause while one provider fails in ways that the seed chooses, and changes now and then.
func oneOfThree(s *siege, seed uint64) {
	s.t.Helper()
	dice := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a test's dice
	faults := liar.Faults()
	bad := s.providers[dice.IntN(len(s.providers))]
	var story []string
	turns := func() {
		bad.Be(faults[dice.IntN(len(faults))])
		story = append(story, bad.Is())
		s.pass(time.Duration(dice.IntN(20)) * time.Second)
	}
	defer func() {
		if s.t.Failed() {
			s.t.Logf("seed %d: the provider %s", seed, strings.Join(story, ", then "))
		}
	}()
	turns()
	began := time.Now()
	v, err := s.propose("pause-reserve", map[string]string{"asset": "usdc"})
	if err != nil {
		s.t.Fatalf("two good providers are enough, and the proposal got: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		s.t.Errorf("the proposal took %s", took)
	}
	s.trueOf(v)
	for owner := range s.stack.Threshold {
		if dice.IntN(2) == 0 {
			turns()
		}
		s.sign(v.ID, owner)
	}
	if dice.IntN(2) == 0 {
		turns()
	}
	s.executed(v.ID, 8)
	if now := s.truth(); now.wasted > 0 {
		s.t.Errorf("%d transactions were paid for without an effect", now.wasted)
	}
	s.trueOf(s.show(v.ID))
}

// alike are the lies that two providers cannot tell without saying the same. Two of three are a majority then: nobody but an own node or a
// proof could tell it from the truth. They can delay and misreport for as long as they go on, and never make an effect.
var alike = []string{"lags", "stands still", "is several machines that lag", "leaves an owner out", "names a lower threshold", "names a higher threshold",
	"answers zero to reads", "says that reads revert", "counts transactions late", "says that relayers are poor", "shows other code", "shows no code",
	"denies receipts", "forges receipts", "calls failures of what succeeded"}

// outvoted plays what two providers of three can do: nothing routine begins that is not true, and where it cannot, that is said within five
// seconds; a pause whose quorum is proven is mined all the same, and proven once they are good again.
func outvoted(s *siege, fault liar.Fault) {
	s.t.Helper()
	v, err := s.propose("pause-reserve", map[string]string{"asset": "usdc"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.sign(v.ID, 0)
	s.pass(2 * time.Second)
	s.believed = slices.Contains(alike, fault.Name)
	for _, p := range s.providers[:2] {
		p.Be(fault)
	}
	s.pass(3 * time.Second)
	began := time.Now()
	routine, err := s.propose("set-ltv", map[string]string{"asset": "weth", "ltv_bps": "7500"})
	if took := time.Since(began); err != nil && took > 5*time.Second {
		s.t.Errorf("a routine proposal was refused only after %s: %v", took, err)
	}
	if err == nil && !s.believed {
		s.trueOf(routine)
	}
	s.sign(v.ID, 1)
	s.pass(3 * slotTime)
	if !s.believed && !s.truth().paused {
		s.t.Errorf("the quorum is proven, and the market is not paused: %q, %q", s.show(v.ID).Status, s.show(v.ID).Notes)
	}
	for _, p := range s.providers {
		p.Be(liar.Fault{})
	}
	s.pass(slotTime) // they are heard again, and what was believed is corrected
	if s.believed = fault.Name == "answers zero to reads"; s.believed {
		return // that a final effect is none was proven by a majority: it stands until a person looks
	}
	s.executed(v.ID, 8)
}

// TestTwoProvidersOfThree, with rows of the table: with each of them in the soak.
func TestTwoProvidersOfThree(t *testing.T) {
	f := newField(t)
	for i, fault := range liar.Faults() {
		if i%*everyRow != 0 {
			continue
		}
		t.Run(fault.Name, func(t *testing.T) {
			besieged(t, f, uint64(i), func(s *siege) { outvoted(s, fault) }) //nolint:gosec // small
		})
	}
}

// TestAfterTwoHoursWithoutProvidersAPauseIsSentWithinABlock: the last signature comes while nobody can be asked.
func TestAfterTwoHoursWithoutProvidersAPauseIsSentWithinABlock(t *testing.T) {
	besieged(t, newField(t), 1, func(s *siege) {
		v, err := s.propose("pause-reserve", map[string]string{"asset": "usdc"})
		if err != nil {
			t.Fatal(err)
		}
		s.sign(v.ID, 0)
		for i, p := range s.providers {
			p.Be(liar.Named([]string{"never answers", "resets the connection", "has no backend"}[i]))
		}
		<-time.After(2 * time.Hour)
		s.sign(v.ID, 1)
		<-time.After(time.Minute)
		if now := s.truth(); len(now.executed)+now.wasted != 0 {
			t.Fatalf("nobody was there, and the chain has %+v", now)
		}
		for _, p := range s.providers {
			p.Be(liar.Fault{})
		}
		s.pass(slotTime) // bytes that went out within it are in the next block
		s.pass(slotTime)
		if !s.truth().paused {
			t.Errorf("it was not sent within a block: %q, %q", s.show(v.ID).Status, s.show(v.ID).Notes)
		}
		s.executed(v.ID, 3)
	})
}

var (
	everyRow   = flag.Int("every-row", 16, "TestTwoProvidersOfThree plays each row whose number it divides; 1: all")
	sieges     = flag.Int("sieges", 8, "how many pauses TestOneProviderOfThree plays")
	firstSiege = flag.Uint64("first-siege", 1, "the seed of the first")
	siegesFor  = flag.Duration("sieges-for", 0, "no further pause is begun after this long; 0: all are played")
)

// TestOneProviderOfThree: whatever one provider of three does, a pause goes from its proposal to its proof as if it were not there. The
// seed chooses what goes wrong and when; which goroutine comes first it does not.
func TestOneProviderOfThree(t *testing.T) {
	const fields = 2
	began := time.Now()
	var played atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		for k := range fields {
			t.Run(strconv.Itoa(k), func(t *testing.T) {
				t.Parallel()
				f := newField(t)
				for i := k; i < *sieges && !t.Failed() && (*siegesFor == 0 || time.Since(began) < *siegesFor); i += fields {
					seed := *firstSiege + uint64(i) //nolint:gosec // not negative
					besieged(t, f, seed, func(s *siege) { oneOfThree(s, seed) })
					played.Add(1)
				}
			})
		}
	})
	took := time.Since(began)
	t.Logf("%d pauses in %s: %.1f a second", played.Load(), took.Round(time.Millisecond), float64(played.Load())/took.Seconds())
}
