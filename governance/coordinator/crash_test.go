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
	"belay/safe"

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
	// names says what boundary a commit is; nil: kindOf.
	names func(Store, governance.Record) string
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
	kind := kindOf(r)
	if s.life.names != nil {
		kind = s.life.names(s.closer, r)
	}
	err = s.life.pass(kind, func() (err error) { seq, err = s.closer.Commit(ctx, r); return err })
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
	if len(r.Links) > 0 {
		parts = append(parts, "link")
	}
	if len(r.Unlink) > 0 {
		parts = append(parts, "unlink")
	}
	return strings.Join(slices.Compact(parts), ", ")
}

// incident is what people and the chain do, whatever happens to us. Whoever is not answered tries again.
type incident struct {
	*rig
	life  *mortal
	lives []*mortal
	base  Config
}

func newIncident(t *testing.T, at string, soon bool) *incident {
	m := newMemory(t)
	m.decoded = map[*byte]any{}
	i := &incident{rig: newRig(t, m)}
	i.base = i.cfg
	i.live(at, soon)
	return i
}

// live begins a life.
func (i *incident) live(at string, soon bool) {
	i.life = &mortal{turn: make(chan struct{}, 1), seen: map[string]int{}, at: at, soon: soon}
	i.life.turn <- struct{}{}
	i.lives = append(i.lives, i.life)
	i.begin()
}

// reloads reads a changed configuration within the same life, as SIGHUP does.
func (i *incident) reloads(change func(*Config)) {
	i.again()
	_ = i.halt()
	change(&i.base)
	i.begin()
}

// begin starts a coordinator.
func (i *incident) begin() {
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

// concedes insists on something that is refused the second time: done says that it was committed although nobody was told.
func (i *incident) concedes(what string, do func() error, done func() bool) {
	i.t.Helper()
	i.insist(what, func() error {
		if err := do(); err != nil && !done() {
			return err
		}
		return nil
	})
}

// opens proposes until that is acknowledged.
func (i *incident) opens(in Intent) (id string) {
	i.t.Helper()
	in.Member, in.Reason = "alice", "drill"
	i.insist("the proposal", func() error {
		p, err := i.c.Propose(i.t.Context(), in)
		id = p.View.ID
		return err
	})
	return id
}

// signed has owners sign what is asked for until that is acknowledged.
func (i *incident) signed(id string, keys ...*ecdsa.PrivateKey) {
	i.t.Helper()
	for _, key := range keys {
		i.insist("the signature", func() error {
			_, err := i.confirm(key, id, common.HexToHash(i.show(id).SafeTxHash))
			return err
		})
	}
}

// comes mines until something is true, at the time when a window opens where one is waited for.
func (i *incident) comes(id, what string, is func(governance.Proposal) bool) {
	i.t.Helper()
	for n := 0; !is(i.stored(id)); n++ {
		if n > 40 {
			i.t.Fatalf("never: %s; it is %s", what, i.stored(id).State)
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
}

func in(state governance.State) func(governance.Proposal) bool {
	return func(p governance.Proposal) bool { return p.State == state }
}

// executed waits for the proven effect, and checks what the market felt and that no acknowledged signature is lost.
func (i *incident) executed(id string, deeds ...string) {
	i.t.Helper()
	i.comes(id, "it is executed", in(governance.StateExecuted))
	if got := i.chain.deeds(); !slices.Equal(got, deeds) {
		i.t.Errorf("the market felt %q, want %q", got, deeds)
	}
	p := i.stored(id)
	if yes := p.Yes(p.Active()); p.Timelock == nil && yes != 2 || p.Timelock != nil && p.Yes(&p.SafeTxs[0]) != 2 {
		i.t.Errorf("%d of 2 acknowledged signatures are left", yes)
	}
}

// settled waits for all that is owed, and checks that nothing is left and nothing was doubled.
func (i *incident) settled(proposals uint64, paid int) {
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
	if len(duties)+len(inbox)+len(open) != 0 || last != proposals {
		i.t.Errorf("left are duties %+v, inbox %+v, submissions %+v; %d proposals", duties, inbox, open, last)
	}
	mined := 0
	for _, b := range i.chain.blocks {
		mined += len(b.txs)
	}
	if mined != paid {
		i.t.Errorf("%d transactions were paid for, want %d", mined, paid)
	}
	if sent := i.broadcasts(); len(sent) != paid {
		i.t.Errorf("%d different transactions went out, want %d: after a crash the same bytes go again", len(sent), paid)
	}
}

// story is an incident with all the commits and sends of it. A new one belongs there, so that what a crash does at it is known.
type story struct {
	name       string
	play       func(i *incident)
	boundaries []string
}

// always are the boundaries of whatever is executed, proven those of what has postconditions besides.
var (
	always = []string{"proposed", "confirmed", "confirmed, quorum", "submission signed, done submit", "send", "submitted, submission accepted", "mined", "owners",
		"submission mined", "submission final", "done card, messages", "cursor"}
	proven = []string{"postcondition", "final", "postcondition, executed", "done prove"}
)

var stories = slices.Concat(oldStories, walletStories)

var oldStories = []story{
	{"a pause, and a change through the timelock", func(i *incident) {
		i.insist("what came from chat", func() error {
			err := i.c.Receive(i.t.Context(), entry("slack:1"))
			if errors.Is(err, governance.ErrDuplicate) {
				return nil
			}
			return err
		})
		pause := i.opens(Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}})
		i.signed(pause, alice, bob)
		i.executed(pause, "pause usdc true")
		change := i.opens(Intent{Playbook: "slow-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		i.signed(change, alice, bob)
		i.executed(change, "pause usdc true", "ltv 4000")
		i.settled(2, 3)
		if _, handled := i.desk.count(); handled < 1 {
			i.t.Error("what was acknowledged to chat was lost")
		}
	}, slices.Concat(always, proven, []string{"submission signed, done execute", "scheduled", "window", "receive", "handled"})},
	{"what was taken down is voided", func(i *incident) {
		id := i.opens(Intent{Playbook: "manual-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		i.signed(id, alice, bob)
		for _, member := range []string{"alice", "bob"} {
			i.concedes("the word of "+member, func() error { _, err := i.c.Withdraw(i.t.Context(), id, member); return err },
				func() bool { return i.stored(id).State == governance.StateCanceled })
		}
		void := i.opens(Intent{Playbook: VoidPlaybook, Params: map[string]string{"proposal": id}})
		i.signed(void, alice, bob)
		i.executed(void)
		i.comes(id, "it is harmless", func(p governance.Proposal) bool { return p.Loaded() == nil })
		i.settled(2, 1)
	}, slices.Concat(always, []string{"final, executed", "objected", "withdrawn"})},
	{"words, and a release by hand", func(i *incident) {
		id := i.opens(Intent{Playbook: "manual-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		i.pass(time.Minute)
		i.insist("extend", func() error { _, err := i.c.Extend(i.t.Context(), id, "bob"); return err })
		i.insist("object", func() error { _, err := i.c.Object(i.t.Context(), id, "bob", "why?"); return err })
		i.insist("respond", func() error { _, err := i.c.Respond(i.t.Context(), id, "bob", "onit"); return err })
		i.insist("disclose", func() error { _, err := i.c.Disclose(i.t.Context(), id, "bob"); return err })
		account := Actor{Platform: "slack", Space: "T1", User: "U77"}
		i.insist("link", func() error {
			token := i.beginLink(account)
			_, err := i.c.Link(i.t.Context(), token, addressOf(bob), i.linkSignature(token, bob))
			return err
		})
		if link, err := i.store.Link(account.Account()); err != nil || link.Member != "bob" {
			i.t.Errorf("linked is %+v, %v", link, err)
		}
		i.insist("unlink", func() error { return i.c.Unlink(i.t.Context(), account) })
		i.signed(id, alice, bob)
		i.insist("the word to send", func() error { _, err := i.c.Release(i.t.Context(), id, "bob"); return err })
		i.executed(id, "ltv 4000")
		i.settled(1, 1)
		if p := i.stored(id); len(p.Objections) != 1 || len(p.Responders) != 1 || !p.Disclosed {
			i.t.Errorf("said was %+v, %+v, disclosed %v", p.Objections, p.Responders, p.Disclosed)
		}
	}, slices.Concat(always, proven, []string{"extended", "objected", "responded", "disclosed", "link", "unlink", "released"})},
	{"an emergency that loses its nonce", func(i *incident) {
		id := i.opens(Intent{Playbook: "pause-both"})
		i.signed(id, alice)
		i.chain.byHand(guardianSafe, foreign(7))
		i.comes(id, "it is asked again", func(p governance.Proposal) bool { return p.Active().Tx.Nonce == 8 })
		i.signed(id, alice, bob)
		i.executed(id, "pause usdc true", "pause weth true")
		i.settled(1, 1)
	}, slices.Concat(always, proven, []string{"nonce_used", "rebuilt", "done rebuild"})},
	{"other owners of another Safe", func(i *incident) {
		id := i.opens(Intent{Playbook: "manual-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		i.signed(id, alice, bob)
		i.chain.alter(func(w *world) {
			v := w.safes[guardianSafe]
			v.owners = []common.Address{addressOf(alice), addressOf(carol)}
			w.safes[guardianSafe] = v
		})
		i.comes(id, "its quorum is lost", in(governance.StateProposed))
		i.chain.alter(func(w *world) { w.version = safe.V1_3_0 })
		i.comes(id, "the upgrade is seen", func(p governance.Proposal) bool { return p.Safe.Version == safe.V1_3_0 })
		i.signed(id, carol)
		i.insist("the word to send", func() error { _, err := i.c.Release(i.t.Context(), id, "bob"); return err })
		i.executed(id, "ltv 4000")
		i.settled(1, 1)
	}, slices.Concat(always, proven, []string{"owners, quorum_lost", "owners, upgraded", "released"})},
}

// partsOfAll are the parts of the boundaries that any story has a case for. In a second life things can meet in one commit that came
// one after the other in the first.
func partsOfAll() map[string]bool {
	parts := map[string]bool{}
	for _, s := range stories {
		for _, boundary := range s.boundaries {
			for _, part := range strings.Split(boundary, ", ") {
				parts[part] = true
			}
		}
	}
	return parts
}

func TestACrashAtAnyBoundaryChangesNothing(t *testing.T) {
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			passed, later := map[string]int{}, map[string]int{}
			play := func(t *testing.T, at string, soon bool) {
				synctest.Test(t, func(t *testing.T) {
					i := newIncident(t, at, soon)
					first := i.life
					story.play(i)
					maps.Copy(passed, first.seen)
					for _, life := range i.lives[1:] {
						maps.Copy(later, life.seen)
					}
					if at != "" && first.seen[at] == 0 {
						t.Errorf("the boundary %q was never reached", at)
					}
					i.stop()
					_ = i.store.Close()
				})
			}
			t.Run("never", func(t *testing.T) { play(t, "", false) })
			for _, kind := range story.boundaries {
				t.Run("before "+kind, func(t *testing.T) { play(t, kind, true) })
				t.Run("after "+kind, func(t *testing.T) { play(t, kind, false) })
			}
			for kind := range passed {
				if !slices.Contains(story.boundaries, kind) {
					t.Errorf("the boundary %q has no case", kind)
				}
			}
			known := partsOfAll()
			for kind := range later {
				for _, part := range strings.Split(kind, ", ") {
					if !known[part] {
						t.Errorf("%q, of the boundary %q in a second life, has no case in any story", part, kind)
					}
				}
			}
		})
	}
}
