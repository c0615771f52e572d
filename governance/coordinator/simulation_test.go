package coordinator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/store"

	"github.com/ethereum/go-ethereum/common"
)

// The simulation lets chain, chat, providers and disk misbehave and people do what they want, by dice that a seed throws. Every
// law of laws_test.go is checked at each commit, at each broadcast and after each step.
//
// The loops of a running Belay are not started. Their bodies are called one at a time in an order that the dice choose, and a commit,
// a broadcast or a look at the head can be interrupted by whatever would have happened meanwhile: another worker's turn, a block, a
// signature, a crash. So everything that goroutines can do to one another at these places happens here as well, and a seed is the same
// story every time.

var (
	oneSeed   = flag.Uint64("seed", 0, "play this one seed of the simulation and tell its story")
	firstSeed = flag.Uint64("first", 1, "the first seed that the simulation plays")
	seeds     = flag.Uint64("seeds", enoughSeeds, "how many seeds the simulation plays")
	playFor   = flag.Duration("for", 0, "begin no further seed after this time; 0: however long it takes")
)

// simulation is one story: a world, a Belay in it, and a ledger of what it promised.
type simulation struct {
	*rig
	seed  uint64
	dice  *rand.Rand
	base  Config
	open  func() closer // opens the store again after a crash; nil: it lives on
	depth uint64        // confirmations that count as final

	life    *mortal
	ctx     context.Context // of the present life
	tending *tending
	cursor  safe.Block
	woken   bool            // tend was not called since something woke it
	busy    map[string]bool // what an interruption must not do a second time at once
	nested  bool            // something interrupts something else just now
	asleep  bool            // nothing interrupts
	absent  string          // a playbook that the present configuration lacks

	diskFails, chatFails int
	invented             []safe.Log // that a provider made up
	ledger               ledger

	trace hash.Hash
	story []string
	marks map[string]bool // see reached_test.go
}

// tell adds a line to the story and to its hash.
func (s *simulation) tell(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Fprintln(s.trace, line)
	s.story = append(s.story, line)
}

// fail ends the story with what led there, and how to see it again.
func (s *simulation) fail(format string, args ...any) {
	s.t.Helper()
	said := fmt.Sprintf(format, args...)
	last := s.story[max(0, len(s.story)-400):]
	s.t.Fatalf("%s\nseed %d: %s\ngo test ./governance/coordinator -run 'TestSimulation$' -seed %d", strings.Join(last, "\n"), s.seed, said, s.seed)
}

// simulate plays a seed and gives the hash of its story.
func simulate(t *testing.T, seed uint64, s closer, open func() closer) string {
	t.Helper()
	return hex.EncodeToString(play(t, seed, s, open).trace.Sum(nil))
}

// play gives a story when it is over.
func play(t *testing.T, seed uint64, s closer, open func() closer) *simulation {
	t.Helper()
	sim := newSimulation(t, seed, s, open)
	sim.reborn()
	for range 40 + sim.dice.IntN(60) {
		sim.step(happenings)
	}
	sim.heals()
	sim.settles()
	return sim
}

func newSimulation(t *testing.T, seed uint64, s closer, open func() closer) *simulation {
	sim := &simulation{rig: newRig(t, s), seed: seed, dice: rand.New(rand.NewPCG(seed, 0xbe1a)), open: open, busy: map[string]bool{}, marks: map[string]bool{}, trace: sha256.New()}
	sim.chain.latency = 0
	if m, ok := s.(*memory); ok {
		m.decoded = map[*byte]any{}
	}
	sim.depth = []uint64{1, 2, 2, 3, 6}[sim.dice.IntN(5)]
	sim.chain.final = sim.depth
	sim.ledger = newLedger(sim.chain.head().world)
	sim.base = sim.cfg
	sim.base.Handler, sim.base.Deliverers = sim, map[string]Deliverer{"slack": sim}
	chain := sim.base.Chains["test"]
	chain.Confirmations = sim.depth
	sim.base.Chains = map[string]ChainConfig{"test": chain}
	sim.people()
	return sim
}

// people gives the world what the simulation needs besides: a member with a wallet that owns nothing, a change that two roles
// approve, and somebody who has both.
func (s *simulation) people() {
	s.base.Members = slices.Clone(s.base.Members)
	for i, m := range s.base.Members {
		switch m.Name {
		case "dave":
			s.base.Members[i].Wallets = []common.Address{addressOf(wallets["dave"])}
		case "carol":
			s.base.Members[i].Roles = []string{"signer", "risk"}
		}
	}
	twice := *s.base.Playbooks["approved-ltv"]
	twice.Name, twice.Policy.Approve = "twice-ltv", []string{"signer", "risk"}
	s.base.Playbooks = maps.Clone(s.base.Playbooks)
	s.base.Playbooks[twice.Name] = &twice
}

// reborn begins a life where the last one ended: with the store alone.
func (s *simulation) reborn() {
	s.t.Helper()
	if s.life != nil {
		s.tell("--- a new life")
		s.die()
		if m, ok := s.store.(*memory); ok {
			s.unchanged(m)
			m.restarted()
		}
		if s.open != nil {
			_ = s.store.Close()
			s.store = s.open()
		}
	}
	ctx, end := context.WithCancel(context.Background())
	s.life = &mortal{turn: make(chan struct{}, 1), seen: map[string]int{}, gone: end}
	s.life.turn <- struct{}{}
	s.cfg = s.base
	s.cfg.Playbooks = maps.Clone(s.base.Playbooks)
	delete(s.cfg.Playbooks, s.absent)
	s.cfg.Store = watchedStore{s.store, s}
	s.cfg.Chains = maps.Clone(s.base.Chains)
	chain := s.cfg.Chains["test"]
	chain.Chain = watchedChain{s.chain, s}
	s.cfg.Chains["test"] = chain
	var err error
	if s.c, err = New(s.cfg); err != nil {
		s.t.Fatal(err)
	}
	clear(s.busy)
	s.begin(ctx)
	s.holds()
}

// begin does what Run does before it starts its loops.
func (s *simulation) begin(ctx context.Context) {
	leading, fence, err := s.store.Lead(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.c.fence.Store(fence)
	if err := s.c.findRestless(); err != nil {
		s.t.Fatal(err)
	}
	from, err := s.store.Cursor("test")
	if err != nil && !errors.Is(err, governance.ErrNotFound) {
		s.t.Fatal(err)
	}
	s.c.hints.resumeHead("test", from.Block)
	s.ctx, s.cursor, s.woken = leading, from.Block, true
	s.tending = &tending{Coordinator: s.c, chain: s.cfg.Chains["test"]}
}

// die ends a life that may have ended already.
func (s *simulation) die() {
	if !s.life.dead {
		_ = s.life.die()
	}
}

// happening is one kind of thing that can happen, with how often it does.
type happening struct {
	name   string
	weight int
	do     func(s *simulation) string
}

// step lets one thing happen. A life that ended in it is followed by the next.
func (s *simulation) step(of []happening) {
	total := 0
	for _, h := range of {
		total += h.weight
	}
	n := s.dice.IntN(total)
	for _, h := range of {
		if n -= h.weight; n < 0 {
			s.tell("%s%s: %s", s.indent(), h.name, h.do(s))
			break
		}
	}
	if s.life.dead && !s.nested {
		s.reborn()
	}
}

// interrupted is where the dice may let something happen while something else is under way.
func (s *simulation) interrupted() {
	if s.asleep || s.life.dead || s.nested || s.dice.IntN(12) != 0 {
		return
	}
	s.nested = true
	s.step(happenings)
	s.nested = false
}

func (s *simulation) indent() string { return map[bool]string{true: "        "}[s.nested] }

// alone does something that a running Belay never does twice at once.
func (s *simulation) alone(key string, do func() string) string {
	if s.busy[key] {
		return "under way"
	}
	s.busy[key] = true
	life := s.life
	defer func() {
		if s.life == life {
			delete(s.busy, key)
		}
	}()
	return do()
}

// free reports whether a lock of the coordinator could be taken now: whoever cannot would wait, and here nobody can.
func free(lock *sync.Mutex) bool {
	if !lock.TryLock() {
		return false
	}
	lock.Unlock()
	return true
}

// watchedStore is the store of a life in the simulation. What is committed is judged.
type watchedStore struct {
	closer
	s *simulation
}

var errNoSpace = fmt.Errorf("write: %w", errDisk)

func (w watchedStore) Commit(ctx context.Context, r governance.Record) (seq uint64, err error) {
	s := w.s
	unwanted := s.judgeWanted(r)
	s.interrupted()
	err = s.life.pass("commit", func() error {
		if s.diskFails > 0 {
			s.diskFails--
			return errNoSpace
		}
		before, _ := s.store.Proposal(r.Proposal)
		if seq, err = w.closer.Commit(ctx, r); err == nil {
			s.tell("%s  commit %s %s", s.indent(), r.Proposal, kindOf(r))
			s.record(r)
			s.judge(before, r)
			s.markRecord(before, r)
			if unwanted != nil {
				s.fail("%v", unwanted)
			}
		}
		return err
	})
	s.interrupted()
	return seq, err
}

// record adds what was committed to the story's hash. The state follows from the events, which is checked elsewhere.
func (s *simulation) record(r governance.Record) {
	r.State = nil
	_, _ = s.trace.Write([]byte(text(r)))
}

// watchedChain is the chain of a life in the simulation.
type watchedChain struct {
	*scripted
	s *simulation
}

func (w watchedChain) Broadcast(ctx context.Context, raw []byte) error {
	w.s.interrupted()
	err := w.s.life.pass("send", func() error {
		w.s.judgeBytes(raw)
		err := w.scripted.Broadcast(ctx, raw)
		w.s.tell("%s  broadcast %x: %v", w.s.indent(), sha256.Sum256(raw), err)
		return err
	})
	w.s.interrupted()
	return err
}

func (w watchedChain) Head(ctx context.Context) (safe.Block, safe.Fees, error) {
	w.s.interrupted()
	return w.scripted.Head(ctx)
}

// Deliver is a room that fails now and then, also after it took a card.
func (s *simulation) Deliver(_ context.Context, d governance.Duty) ([]governance.MessageRef, error) {
	refs := []governance.MessageRef{{Proposal: d.Proposal, Place: "slack/C1/war_room", Message: "1.1", Version: d.Version}}
	if s.chatFails > 0 {
		s.chatFails--
		return refs[s.chatFails%2:], errChat
	}
	return refs, nil
}

// said is a command as chat hands it over.
type said struct {
	Do, Proposal, Member string
	Intent               Intent
}

// Handle does what was said. What the disk did not take is tried again.
func (s *simulation) Handle(ctx context.Context, e governance.InboxEntry) error {
	if s.chatFails > 0 {
		s.chatFails--
		return errChat
	}
	var what said
	if err := json.Unmarshal(e.Body, &what); err != nil {
		return err
	}
	err := s.obey(ctx, what)
	var refusal *governance.Refusal
	if err != nil && (!errors.As(err, &refusal) || refusal.Code == governance.CodeNotRecorded) {
		return err
	}
	s.ledger.handled[e.Key] = true
	return nil
}

func (s *simulation) obey(ctx context.Context, what said) (err error) {
	switch what.Do {
	case "propose":
		s.moment()
		_, err = s.c.Propose(ctx, what.Intent)
	case "object":
		_, err = s.c.Object(ctx, what.Proposal, what.Member, "")
	case "withdraw":
		_, err = s.c.Withdraw(ctx, what.Proposal, what.Member)
	case "extend":
		_, err = s.c.Extend(ctx, what.Proposal, what.Member)
	case "disclose":
		_, err = s.c.Disclose(ctx, what.Proposal, what.Member)
	case "release":
		_, err = s.c.Release(ctx, what.Proposal, what.Member)
	default:
		_, err = s.c.Respond(ctx, what.Proposal, what.Member, what.Do)
	}
	return err
}

// bolt gives a real store in a folder of its own, and the way to open it again.
func bolt(t *testing.T) (closer, func() closer) {
	t.Helper()
	dir := t.TempDir()
	open := func() closer {
		s, err := store.Open(store.Config{Path: filepath.Join(dir, "belay.db"), LogKeyFile: filepath.Join(dir, "log.key")})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return open(), open
}

// enoughSeeds come to every place that is judged; make soak plays more.
const enoughSeeds = 600

// TestSimulation plays seeds on the memory store; with -seed one, whose story it tells.
func TestSimulation(t *testing.T) {
	if *oneSeed != 0 {
		synctest.Test(t, func(t *testing.T) {
			sum := simulate(t, *oneSeed, newMemory(t), nil)
			t.Logf("seed %d is the story %s", *oneSeed, sum)
		})
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // a seed's world is small, and all of it is garbage afterwards
	went, began := reached{times: map[string]int{}}, time.Now()
	var next, played atomic.Uint64
	t.Run("all", func(t *testing.T) {
		for worker := range min(runtime.GOMAXPROCS(0), 8) {
			t.Run(fmt.Sprintf("worker %d", worker), func(t *testing.T) {
				t.Parallel()
				for n := next.Add(1); n <= *seeds && !t.Failed() && (*playFor == 0 || time.Since(began) < *playFor); n = next.Add(1) {
					synctest.Test(t, func(t *testing.T) { went.add(play(t, *firstSeed+n-1, newMemory(t), nil).marks) })
					played.Add(1)
				}
			})
		}
	})
	t.Logf("%d seeds in %s", played.Load(), time.Since(began).Round(time.Second))
	judged := played.Load() >= enoughSeeds && !t.Failed()
	for _, place := range everywhere {
		if judged && went.times[place] == 0 {
			t.Errorf("none of %d seeds came to this: %s", played.Load(), place)
		}
		t.Logf("%d seeds: %s", went.times[place], place)
	}
}

// TestSimulationOnTheRealStore: the same stories on bbolt, which is closed and opened again at every crash.
func TestSimulationOnTheRealStore(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		synctest.Test(t, func(t *testing.T) {
			s, open := bolt(t)
			simulate(t, seed, s, open)
		})
	}
}

// TestASeedIsAlwaysTheSameStory, to the bit: every step, every committed record, every byte sent.
func TestASeedIsAlwaysTheSameStory(t *testing.T) {
	for seed := uint64(1); seed <= 25; seed++ {
		var first, second string
		synctest.Test(t, func(t *testing.T) { first = simulate(t, seed, newMemory(t), nil) })
		synctest.Test(t, func(t *testing.T) { second = simulate(t, seed, newMemory(t), nil) })
		if first != second {
			t.Errorf("seed %d is %s and then %s", seed, first, second)
		}
		var other string
		synctest.Test(t, func(t *testing.T) { other = simulate(t, seed+1, newMemory(t), nil) })
		if first == other {
			t.Errorf("seeds %d and %d are the same story", seed, seed+1)
		}
	}
}

// pass lets time pass with nobody running: goroutines would not notice either.
func (s *simulation) pass(d time.Duration) { <-time.After(d) }
