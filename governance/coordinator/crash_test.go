package coordinator

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

var errKilled = errors.New("killed")

// mortal dies at a boundary, as a process that is killed: from then on nothing that it does reaches store or chain.
type mortal struct {
	turn chan struct{}  // holds one token: who takes it is alone. A mutex would stop the bubble's clock for who waits
	seen map[string]int // boundaries passed, by kind
	at   string         // kind of boundary at whose first occurrence to die; "": never
	left int            // boundaries until it dies, of whatever kind; 0: no matter
	soon bool           // before what the boundary is about is done, not after
	dead bool
	gone func() // called once, when it dies
}

// pass goes through a boundary: do is what it is about.
func (m *mortal) pass(kind string, do func() error) error {
	<-m.turn
	defer func() { m.turn <- struct{}{} }()
	if m.dead {
		return errKilled
	}
	m.seen[kind]++
	dies := kind == m.at && m.seen[kind] == 1 || m.left == 1
	m.left = max(0, m.left-1)
	if dies && m.soon {
		return m.die()
	}
	err := do()
	if dies {
		return m.die()
	}
	return err
}

func (m *mortal) die() error {
	m.dead = true
	m.gone()
	return errKilled
}

// mortalStore is the store of a life that can end at any commit.
type mortalStore struct {
	closer
	life *mortal
}

func (s mortalStore) Commit(ctx context.Context, r governance.Record) (seq uint64, err error) {
	err = s.life.pass(kindOf(r), func() (err error) { seq, err = s.closer.Commit(ctx, r); return err })
	return seq, err
}

// mortalChain is the chain of a life that can end at any send.
type mortalChain struct {
	*scripted
	life *mortal
}

func (c mortalChain) Broadcast(ctx context.Context, raw []byte) error {
	return c.life.pass("send", func() error { return c.scripted.Broadcast(ctx, raw) })
}

// kindOf names a commit by what it makes durable.
func kindOf(r governance.Record) string {
	var parts []string
	for _, e := range r.Events {
		parts = append(parts, string(e.Type))
	}
	for _, s := range r.Submissions {
		parts = append(parts, "submission "+string(s.State))
	}
	for _, id := range r.Done {
		parts = append(parts, "done "+strings.Split(id, "/")[2])
	}
	for _, d := range r.Delay {
		parts = append(parts, "delay "+string(d.Kind))
	}
	if r.Receive != nil {
		parts = append(parts, "receive")
	}
	if r.Handled != "" {
		parts = append(parts, "handled")
	}
	if len(r.Cursors) > 0 {
		parts = append(parts, "cursor")
	}
	if len(r.Messages) > 0 {
		parts = append(parts, "messages")
	}
	return strings.Join(slices.Compact(parts), ", ")
}

// boundaries are all commits and sends of a pause and of a change through the timelock. A new one belongs here, so that what a
// crash does there is known.
var boundaries = []string{
	"proposed", "confirmed", "confirmed, quorum", "submission signed, done submit", "submission signed, done execute", "send",
	"submitted, submission accepted", "mined", "owners", "postcondition", "submission mined", "final", "postcondition, executed",
	"submission final", "scheduled", "window", "done prove", "done card, messages", "receive", "handled", "cursor",
}

// incident is what people and the chain do, whatever happens to us. Whoever is not answered tries again.
type incident struct {
	*rig
	life *mortal
	base Config
}

func newIncident(t *testing.T, at string, soon bool) *incident {
	i := &incident{rig: newRig(t, newMemory(t))}
	i.base = i.cfg
	i.live(at, soon)
	return i
}

// live begins a life.
func (i *incident) live(at string, soon bool) {
	i.life = &mortal{turn: make(chan struct{}, 1), seen: map[string]int{}, at: at, soon: soon}
	i.life.turn <- struct{}{}
	i.cfg = i.base
	i.cfg.Store = mortalStore{i.store, i.life}
	i.cfg.Chains = maps.Clone(i.base.Chains)
	chain := i.cfg.Chains["test"]
	chain.Chain = mortalChain{i.chain, i.life}
	i.cfg.Chains["test"] = chain
	var err error
	if i.c, err = New(i.cfg); err != nil {
		i.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	i.life.gone = cancel
	done := make(chan error, 1)
	c := i.c
	go func() { done <- c.Run(ctx) }()
	i.halt = func() error { cancel(); return <-done }
	synctest.Wait()
}

// again begins the next life where the last one ended.
func (i *incident) again() {
	<-i.life.turn
	dead := i.life.dead
	i.life.turn <- struct{}{}
	if dead {
		_ = i.halt()
		i.live("", false)
	}
}

// insist does something until it is acknowledged, across lives.
func (i *incident) insist(what string, do func() error) {
	i.t.Helper()
	for range 5 {
		err := do()
		if err == nil {
			return
		}
		i.pass(time.Second)
		i.again()
	}
	i.t.Fatalf("never acknowledged: %s", what)
}

// play runs the whole incident and gives the boundaries that the first life passed.
func (i *incident) play() map[string]int {
	first := i.life
	i.insist("what came from chat", func() error {
		err := i.c.Receive(i.t.Context(), entry("slack:1"))
		if errors.Is(err, governance.ErrDuplicate) {
			return nil
		}
		return err
	})
	i.run2(Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Member: "alice"}, "pause usdc true")
	i.run2(Intent{Playbook: "slow-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}, Member: "alice", Reason: "drill"}, "pause usdc true", "ltv 4000")
	i.settled()
	return first.seen
}

// run2 takes an intent from its proposal to its proven effect.
func (i *incident) run2(in Intent, deeds ...string) {
	i.t.Helper()
	id := ""
	i.insist("the proposal", func() error {
		p, err := i.c.Propose(i.t.Context(), in)
		id = p.View.ID
		return err
	})
	for _, key := range []int{0, 1} {
		i.insist("the signature", func() error {
			_, err := i.confirm([]*ecdsa.PrivateKey{alice, bob}[key], id, common.HexToHash(i.show(id).SafeTxHash))
			return err
		})
	}
	for n := 0; i.stored(id).State != governance.StateExecuted; n++ {
		if n > 40 {
			i.t.Fatalf("%s is %s for ever", id, i.stored(id).State)
		}
		i.pass(6 * time.Second)
		i.again()
		if p := i.stored(id); p.State == governance.StateQueued {
			i.chain.mineAt(p.Timelock.OpensAt)
		}
		i.pass(6 * time.Second)
		i.again()
		i.chain.mine()
	}
	if got := i.chain.deeds(); !slices.Equal(got, deeds) {
		i.t.Errorf("the market felt %q, want %q", got, deeds)
	}
	p := i.stored(id)
	if yes := p.Yes(&p.SafeTxs[0]); yes != 2 {
		i.t.Errorf("%d of 2 acknowledged signatures are left", yes)
	}
}

// settled waits for all that is owed, and checks that nothing is left and nothing was doubled.
func (i *incident) settled() {
	i.t.Helper()
	for range 4 {
		i.pass(12 * time.Second)
		i.again()
		i.chain.mine()
	}
	i.pass(35 * time.Second)
	i.again()
	i.pass(35 * time.Second)
	duties, _ := i.store.Duties()
	inbox, _ := i.store.Inbox()
	open, _ := i.store.Submissions()
	last, _ := i.store.LastNumber()
	if len(duties)+len(inbox)+len(open) != 0 || last != 2 {
		i.t.Errorf("left are duties %+v, inbox %+v, submissions %+v; %d proposals", duties, inbox, open, last)
	}
	if _, handled := i.desk.count(); handled < 1 {
		i.t.Error("what was acknowledged to chat was lost")
	}
	mined := 0
	for _, b := range i.chain.blocks {
		mined += len(b.txs)
	}
	if mined != 3 {
		i.t.Errorf("%d transactions were paid for, want 3", mined)
	}
	sent := i.broadcasts()
	if len(sent) != 3 {
		i.t.Errorf("%d different transactions went out, want 3: after a crash the same bytes go again", len(sent))
	}
}

func TestACrashAtAnyBoundaryChangesNothing(t *testing.T) {
	passed := map[string]int{}
	play := func(t *testing.T, at string, soon bool) {
		synctest.Test(t, func(t *testing.T) {
			i := newIncident(t, at, soon)
			seen := i.play()
			maps.Copy(passed, seen)
			if at != "" && seen[at] == 0 {
				t.Errorf("the boundary %q was never reached", at)
			}
			i.stop()
			_ = i.store.Close()
		})
	}
	t.Run("never", func(t *testing.T) { play(t, "", false) })
	for _, kind := range boundaries {
		t.Run("before "+kind, func(t *testing.T) { play(t, kind, true) })
		t.Run("after "+kind, func(t *testing.T) { play(t, kind, false) })
	}
	for kind := range passed {
		if !slices.Contains(boundaries, kind) {
			t.Errorf("the boundary %q has no case", kind)
		}
	}
}
