package governance_test

import (
	"slices"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"
)

// depth is how many blocks make a transaction final in this world; no reorganisation is deeper.
const depth = 3

// world is a chain that knows no proposals: a Safe, a timelock, and what was run in which block. The model asks it what is
// true, so that the domain is compared with a chain and not with itself.
type world struct {
	s      *tale
	blocks []happening // the first is block 101
	forks  byte        // makes every block's hash its own
}

// happening is what one block holds.
type happening struct {
	hash common.Hash
	tx   common.Hash
	ran  common.Hash // safeTxHash that the Safe ran; someone else's where it is none of ours
	good bool        // ExecutionSuccess
	op   string      // run | veto
	true string      // what the postcondition says after this block
}

func (w *world) add(h happening) {
	w.forks++
	h.hash, h.tx = common.Hash{1, w.forks}, common.Hash{2, w.forks}
	w.blocks = append(w.blocks, h)
}

func (w *world) head() uint64 { return 100 + uint64(len(w.blocks)) }
func (w *world) block(i int) safe.Block {
	return safe.Block{Number: 101 + uint64(i), Hash: w.blocks[i].hash}
}
func (w *world) final(i int) bool { return len(w.blocks)-i >= depth }
func (w *world) find(tx common.Hash) int {
	return slices.IndexFunc(w.blocks, func(h happening) bool { return h.tx == tx })
}
func (w *world) ranAt(hash common.Hash) int {
	return slices.IndexFunc(w.blocks, func(h happening) bool { return h.ran == hash })
}

// nonce counts what the Safe ran.
func (w *world) nonce() uint64 {
	n := uint64(7)
	for _, h := range w.blocks {
		if h.ran != (common.Hash{}) {
			n++
		}
	}
	return n
}

// usedBy finds the block that used a nonce; -1 while it is free.
func (w *world) usedBy(nonce uint64) int {
	n := uint64(7)
	for i, h := range w.blocks {
		if h.ran != (common.Hash{}) {
			if n == nonce {
				return i
			}
			n++
		}
	}
	return -1
}

// operation derives the timelock operation, which opens two blocks after its schedule.
func (w *world) operation() (state governance.OperationState, scheduled, last int) {
	state, scheduled, last = governance.OperationUnset, -1, -1
	for i, h := range w.blocks {
		switch {
		case h.good && w.ours(h.ran) && state == governance.OperationUnset:
			state, scheduled = governance.OperationWaiting, i
		case h.op == "veto":
			state, last = governance.OperationCanceled, i
		case h.op == "run":
			state, last = governance.OperationDone, i
		}
	}
	if state == governance.OperationWaiting && len(w.blocks)-1-scheduled >= 2 {
		state = governance.OperationReady
	}
	return state, scheduled, last
}

func (w *world) ours(hash common.Hash) bool { return w.s.p.SafeTx(hash) != nil }

// watch tells the proposal what a watcher of this chain sees, in the order of the real one.
func (w *world) watch() {
	s := w.s
	for i, h := range w.blocks {
		if w.ours(h.ran) {
			s.does(governance.Executed{SafeTxHash: h.ran, Success: h.good, Transaction: governance.Transaction{TxHash: h.tx, Block: w.block(i)}})
		}
	}
	if !s.p.Watched() {
		return
	}
	w.watchDepth()
	s.does(governance.SafeSeen{State: safe.State{Block: safe.Block{Number: w.head()}, Owners: owners, Threshold: 2, Nonce: w.nonce()}})
	for _, t := range slices.Clone(s.p.SafeTxs) {
		if i := w.usedBy(t.Tx.Nonce); i >= 0 && w.blocks[i].ran != t.Hashes.SafeTx && (s.p.Kind.Emergency() || w.final(i)) {
			s.does(governance.NonceTaken{SafeTxHash: t.Hashes.SafeTx, By: w.blocks[i].tx})
		}
	}
	w.watchOperation()
	w.watchDepth()
	if e := s.p.Effect(); e != nil {
		s.does(s.reads(w.blocks[w.find(e.TxHash)].true))
	}
}

func (w *world) watchDepth() {
	for _, t := range slices.Clone(w.s.p.Transactions) {
		i := w.find(t.TxHash)
		switch {
		case t.Status != governance.TxStatusMined:
		case i < 0:
			w.s.does(governance.Gone{Transaction: t})
		case w.final(i):
			w.s.does(governance.Final{Transaction: t})
		}
	}
}

func (w *world) watchOperation() {
	if w.s.p.Timelock == nil {
		return
	}
	state, _, last := w.operation()
	if state == governance.OperationDone {
		w.s.does(governance.OperationRun{Transaction: governance.Transaction{TxHash: w.blocks[last].tx, Block: w.block(last)}})
		return
	}
	w.s.does(governance.OperationSeen{State: state, OpensAt: 2000, Final: last >= 0 && w.final(last)})
}

// step lets something happen in the world or among people.
func (w *world) step(r *rapid.T) {
	s := w.s
	tx := s.p.SafeTxs[rapid.IntRange(0, len(s.p.SafeTxs)-1).Draw(r, "tx")]
	empty := happening{true: "true"}
	switch rapid.SampledFrom([]string{"sign", "sign", "sign", "ours", "ours", "burnt", "foreign", "run", "veto", "reorganise", "withdraw", "late", "empty"}).Draw(r, "step") {
	case "sign":
		owner := owners[rapid.IntRange(0, 2).Draw(r, "owner")]
		_ = s.tries(governance.Confirm{SafeTxHash: tx.Hashes.SafeTx, Confirmation: governance.Confirmation{Owner: owner, Kind: safe.KindECDSA}})
	case "ours": // by anyone, also with signatures that we never saw
		if tx.Tx.Nonce == w.nonce() {
			w.add(happening{ran: tx.Hashes.SafeTx, good: true, true: rapid.SampledFrom([]string{"true", "true", "false", ""}).Draw(r, "truth")})
		}
	case "burnt":
		if tx.Tx.Nonce == w.nonce() {
			w.add(happening{ran: tx.Hashes.SafeTx})
		}
	case "foreign":
		w.add(happening{ran: common.Hash{9, w.forks}})
	case "run":
		if state, _, _ := w.operation(); s.p.Timelock != nil && state == governance.OperationReady {
			w.add(happening{op: "run", true: "true"})
		}
	case "veto":
		if state, _, _ := w.operation(); s.p.Timelock != nil && (state == governance.OperationReady || state == governance.OperationWaiting) {
			w.add(happening{op: "veto"})
		}
	case "reorganise":
		n := min(rapid.IntRange(1, depth-1).Draw(r, "deep"), len(w.blocks))
		w.blocks = w.blocks[:len(w.blocks)-n]
		for range n {
			w.add(empty)
		}
	case "withdraw":
		_ = s.tries(governance.Withdraw{Member: rapid.SampledFrom([]string{"alice", "bob"}).Draw(r, "who")})
	case "late":
		s.now = s.now.Add(13 * time.Hour)
		s.does(governance.Tick{})
	case "empty":
		w.add(empty)
	}
}

// outcome is what the proposal must be in the end, read off the world alone; false where people or the clock decided.
func (w *world) outcome() (governance.State, bool) {
	effect := -1
	for i, h := range w.blocks {
		switch {
		case w.s.p.Timelock != nil && h.op == "run", w.s.p.Timelock == nil && h.good && w.ours(h.ran) && effect < 0:
			effect = i
		}
	}
	if effect >= 0 {
		return map[string]governance.State{"true": governance.StateExecuted, "false": governance.StateIneffective}[w.blocks[effect].true], w.blocks[effect].true != ""
	}
	if w.s.p.Timelock == nil {
		return "", false
	}
	switch state, _, _ := w.operation(); state {
	case governance.OperationCanceled:
		return governance.StateCanceled, true
	case governance.OperationReady:
		return governance.StateReady, true
	}
	return "", false
}

// TestTheProposalSaysInTheEndWhatTheChainSays lets people, strangers and reorganisations do what they want in a small world, and
// compares the proposal with it when everything is final.
func TestTheProposalSaysInTheEndWhatTheChainSays(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		kind := rapid.SampledFrom([]governance.Kind{governance.KindPause, governance.KindParameter}).Draw(r, "kind")
		w := &world{}
		if kind == governance.KindPause {
			w.s = proposed(t, kind, rapid.IntRange(0, 2).Draw(r, "spares"), false)
		} else {
			w.s = proposed(t, kind, 0, rapid.Bool().Draw(r, "via"))
		}
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			w.step(r)
			if rapid.Bool().Draw(r, "watched") { // a watcher misses heads
				w.watch()
				w.s.holds(r)
			}
		}
		for range depth {
			w.add(happening{true: "true"})
			w.watch()
		}
		w.watch()
		w.s.holds(r)
		w.compare(r)
	})
}

func (w *world) compare(r *rapid.T) {
	p := w.s.p
	want, decided := w.outcome()
	if want == governance.StateCanceled && (p.State == governance.StateExpired || p.State == governance.StateSuperseded) {
		want = p.State // nobody watched when it was scheduled and vetoed; it had no effect either way
	}
	if decided && p.State != want {
		r.Fatalf("the chain says %s, the proposal %s: %s", want, p.State, p.EndReason)
	}
	if !decided && (p.State == governance.StateExecuted || p.State == governance.StateIneffective) {
		r.Fatalf("nothing took effect, and the proposal is %s", p.State)
	}
	for _, t := range p.SafeTxs {
		at := w.ranAt(t.Hashes.SafeTx)
		ran, used := at >= 0 && w.blocks[at].good, w.usedBy(t.Tx.Nonce) >= 0
		switch {
		case ran && t.State != governance.TxFinal:
			r.Fatalf("the Safe ran nonce %d of ours, and it is %s", t.Tx.Nonce, t.State)
		case !ran && (t.State == governance.TxFinal || t.State == governance.TxMined):
			r.Fatalf("the Safe never ran nonce %d of ours, and it is %s", t.Tx.Nonce, t.State)
		case !used && (t.State == governance.TxDead || t.State == governance.TxFailed) && p.Watched():
			r.Fatalf("nonce %d is free, and its SafeTx is %s", t.Tx.Nonce, t.State)
		}
	}
	if p.Usable() && !p.Watched() {
		r.Fatal("signatures work, and nobody watches them")
	}
}
