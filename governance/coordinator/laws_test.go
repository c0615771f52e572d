package coordinator

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// ledger is what the world outside knows: what was acknowledged to it, and what it did itself.
type ledger struct {
	proposals  map[string]string // id → playbook, acknowledged
	signatures []promise         // acknowledged
	objections []said            // acknowledged
	received   map[string]time.Time
	uttered    []uttered // signed by a wallet, whether or not it was sent
	stated     []uttered // acknowledged
	wished     []wished
	handled    map[string]bool // inbox keys
	heard      int             // inbox keys given out

	ruled       []vault           // owners and thresholds that anybody ever named
	stored      map[[32]byte]bool // hashes of signed transactions that were committed
	strangers   map[string]bool   // proposals that somebody else executed something of
	untold      map[string]bool   // proposals of which something was signed while no receipt could be read
	reorganised bool              // blocks were taken away
	hidden      bool              // every provider left logs out
}

// promise is an acknowledged signature.
type promise struct {
	proposal string
	hash     common.Hash
	owner    common.Address
}

func newLedger(w world) ledger {
	l := ledger{proposals: map[string]string{}, received: map[string]time.Time{}, handled: map[string]bool{}, stored: map[[32]byte]bool{}, strangers: map[string]bool{}, untold: map[string]bool{}}
	for _, address := range []common.Address{guardianSafe, otherSafe} {
		l.ruled = append(l.ruled, w.safes[address])
	}
	return l
}

// judge checks what a commit made durable. The caller is alone.
func (s *simulation) judge(before governance.Proposal, r governance.Record) {
	for _, sub := range r.Submissions {
		s.judgeSubmission(sub)
	}
	if r.State == nil {
		return
	}
	for _, e := range r.Events { // that they make the state is checked by the memory store at each commit, and by holds
		s.judgeEvent(before, e, r)
		before = governance.Apply(before, e)
	}
	s.kept(*r.State)
}

func (s *simulation) judgeEvent(before governance.Proposal, e governance.Event, r governance.Record) {
	switch e.Type {
	case governance.EventProposed:
		s.onlyOne(*e.Draft)
		s.judgeCut(*e.Draft)
	case governance.EventConfirmed:
		s.judgeConfirmation(e, r)
		if e.Confirmation.Via != governance.ViaChain && !approved(before.Policy.Approve, before.Approvals) {
			s.fail("an owner was let sign %s, which is not approved", before.ID)
		}
	case governance.EventQuorum:
		if !approved(before.Policy.Approve, before.Approvals) {
			s.fail("%s has its quorum and is not approved", before.ID)
		}
	case governance.EventObjected, governance.EventLifted, governance.EventEndorsed:
		s.judgeWord(before, e)
	case governance.EventWithdrawn:
		s.judgeEnd(before, e)
	case governance.EventSuperseded:
		if before.Kind.Emergency() {
			s.fail("the emergency %s was superseded", before.ID)
		}
	case governance.EventExecuted, governance.EventIneffective:
		s.true(governance.Apply(before, e))
	case governance.EventUndone:
		s.undone(before, e.Postconditions)
	}
}

// undone checks that the chain says otherwise than it did when the proposal was proven.
func (s *simulation) undone(p governance.Proposal, now []governance.Postcondition) {
	for i, c := range now {
		if said := p.Expect[i].Judge(s.chain.blocks[c.Block].world.view(p.Expect[i].Call)); said.OK != c.OK || said.Value != c.Value {
			s.fail("%s is called undone by %+v, and the chain says %+v", p.ID, c, said)
		}
	}
	if p.State != governance.StateExecuted || !slices.ContainsFunc(now, isFalse) {
		s.fail("%s is %s and called undone by %+v", p.ID, p.State, now)
	}
}

// onlyOne checks that nobody has the same wish open, unless of that a part was left out, and here the whole is forced.
func (s *simulation) onlyOne(draft governance.Proposal) {
	watched, err := s.store.Watched()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range watched {
		if reduced(p) && !reduced(draft) {
			continue
		}
		if p.ID != draft.ID && !p.State.Ended() && p.Effect() == nil && p.Target == draft.Target && p.PlaybookHash == draft.PlaybookHash {
			s.fail("%s and %s ask for the same: %s", p.ID, draft.ID, p.Target)
		}
	}
}

// judgeConfirmation checks that an owner really signed just this.
func (s *simulation) judgeConfirmation(e governance.Event, r governance.Record) {
	yes := e.Confirmation
	if !slices.ContainsFunc(s.ledger.ruled, func(v vault) bool { return slices.Contains(v.owners, yes.Owner) }) {
		s.fail("%s confirmed %s and never owned the Safe", yes.Owner, r.Proposal)
	}
	if yes.Kind == safe.KindApprovedHash {
		return
	}
	i := slices.IndexFunc(r.Signatures, func(h governance.Signature) bool {
		return h.SafeTxHash == e.SafeTxHash && h.Owner == yes.Owner && crypto.Keccak256Hash(h.Bytes) == yes.SignatureHash
	})
	if i < 0 {
		s.fail("a confirmation of %s is recorded without its bytes", r.Proposal)
	}
	if _, err := safe.ConfirmAs(yes.Owner, e.SafeTxHash, r.Signatures[i].Bytes, []common.Address{yes.Owner}); err != nil {
		s.fail("what is held is no signature of %s over %s: %v", yes.Owner, e.SafeTxHash, err)
	}
}

// true checks that the chain says what a proposal claims: its effect is final there, and its postconditions are as recorded.
func (s *simulation) true(p governance.Proposal) {
	effect := p.Effect()
	if effect == nil || effect.Status != governance.TxStatusFinal {
		s.fail("%s is %s by %+v", p.ID, p.State, effect)
	}
	receipt := s.canonical(effect.TxHash)
	head := s.chain.head().Number
	if receipt == nil || receipt.Block != effect.Block || head+1 < effect.Block.Number+s.depth {
		s.fail("%s is %s by %s in block %d, and the chain with head %d has %+v", p.ID, p.State, effect.TxHash, effect.Block.Number, head, receipt)
	}
	if !slices.ContainsFunc(receipt.Logs, func(l safe.Log) bool { return tellsOf(l, p, *effect) }) {
		s.fail("%s is %s by %s, which did nothing of it", p.ID, p.State, effect.TxHash)
	}
	good := true
	for i, c := range p.Postconditions {
		w := s.chain.blocks[c.Block].world
		if now := p.Expect[i].Judge(w.view(p.Expect[i].Call)); now.OK != c.OK || c.Block < effect.Block.Number {
			s.fail("%s claims %+v, and the chain says %+v at block %d", p.ID, c, now, c.Block)
		}
		good = good && c.OK
	}
	if (p.State == governance.StateExecuted) != good || len(p.Postconditions) != len(p.Expect) {
		s.fail("%s is %s with %+v", p.ID, p.State, p.Postconditions)
	}
}

func (s *simulation) canonical(tx common.Hash) *safe.Receipt {
	for _, b := range s.chain.blocks {
		for _, r := range b.receipts {
			if r.TxHash == tx {
				return r
			}
		}
	}
	return nil
}

// tellsOf reports whether a log says that a proposal took effect.
func tellsOf(l safe.Log, p governance.Proposal, effect governance.Transaction) bool {
	if hash, success, ok := safe.ExecutionOf(l); ok {
		return l.Address == p.Safe.Address && success && hash == effect.SafeTxHash
	}
	return p.Timelock != nil && l.Address == timelock1 && l.Topics[0] == crypto.Keccak256Hash([]byte("CallExecuted(bytes32,uint256,address,uint256,bytes)")) && l.Topics[1] == p.Timelock.ID
}

// judgeSubmission checks that what is signed for the Safe carries a quorum that somebody ruled enough, and remembers its bytes.
func (s *simulation) judgeSubmission(sub governance.Submission) {
	for _, a := range sub.Attempts {
		s.ledger.stored[sha256.Sum256(a.Raw)] = true
	}
	_, signatures, err := safe.DecodeExec(sub.Data)
	if s.chain.down || s.chain.fails["Receipt"] != nil {
		s.ledger.untold[sub.Proposal] = true
	}
	if sub.To == timelock1 || sub.State == governance.SubmissionHeld || sub.State == governance.SubmissionMoot {
		return
	}
	if err != nil || !slices.ContainsFunc(s.ledger.ruled, func(v vault) bool {
		verdicts := safe.Inspect(sub.Subject, signatures, v.threshold, v.owners)
		return len(verdicts) >= v.threshold && !slices.ContainsFunc(verdicts, func(v safe.Verdict) bool { return v.Code != "" })
	}) {
		s.fail("%s was signed below any threshold: %v", sub.ID, err)
	}
}

// judgeBytes checks that what leaves was stored before.
func (s *simulation) judgeBytes(raw []byte) {
	if !s.ledger.stored[sha256.Sum256(raw)] {
		s.fail("bytes leave that were never stored")
	}
}

// kept checks that a proposal still holds all that was acknowledged of it.
func (s *simulation) kept(p governance.Proposal) {
	for _, yes := range s.ledger.signatures {
		if yes.proposal != p.ID {
			continue
		}
		if t := p.SafeTx(yes.hash); t == nil || t.ConfirmedBy(yes.owner) == nil {
			s.fail("the acknowledged signature of %s over %s of %s is lost", yes.owner, yes.hash, p.ID)
		}
	}
	for _, o := range s.ledger.objections {
		if o.Proposal == p.ID && !slices.ContainsFunc(p.Objections, func(have governance.Opinion) bool { return have.Member == o.Member && have.What == "object" }) {
			s.fail("the acknowledged objection of %s to %s is lost", o.Member, p.ID)
		}
	}
	s.keptWords(p)
}

// holds checks the store as it is read now against the ledger: after a crash, and at the end.
func (s *simulation) holds() {
	for _, id := range slices.Sorted(maps.Keys(s.ledger.proposals)) {
		p, err := s.store.Proposal(id)
		if err != nil {
			s.fail("the acknowledged proposal %s is lost: %v", id, err)
		}
		s.kept(p)
		log, err := s.store.Events(id)
		if err != nil {
			s.t.Fatal(err)
		}
		replayed := governance.Proposal{ID: id}
		for _, e := range log {
			replayed = governance.Apply(replayed, e.Event)
		}
		if want, got := text(replayed), text(p); want != got {
			s.fail("%s: the log replays to\n%s\nand the state is\n%s", id, want, got)
		}
	}
	for _, yes := range s.ledger.signatures {
		p := s.stored(yes.proposal)
		if p.SafeTx(yes.hash).ConfirmedBy(yes.owner).Kind == safe.KindApprovedHash {
			continue // said on chain before, where it stays
		}
		held, err := s.store.Signatures(yes.hash)
		if err != nil || !slices.ContainsFunc(held, func(h governance.Signature) bool { return h.Owner == yes.owner }) {
			s.fail("the bytes of an acknowledged signature over %s are lost: %v", yes.hash, err)
		}
	}
	inbox, err := s.store.Inbox()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(s.ledger.received)) {
		waits := slices.ContainsFunc(inbox, func(e governance.InboxEntry) bool { return e.Key == key })
		if late := time.Since(s.ledger.received[key]) >= inboxPatience; !waits && !s.ledger.handled[key] && !late {
			s.fail("what chat handed in as %s is lost", key)
		}
	}
	if m, ok := s.store.(*memory); ok {
		s.unchanged(m)
	}
	s.noneTwice()
}

// unchanged checks that nobody wrote into what the store gave.
func (s *simulation) unchanged(m *memory) {
	if key := m.changed(); key != "" {
		s.fail("somebody changed what the store holds as %s", key)
	}
}

// noneTwice checks that we brought no proposal about twice. Where others executed something of it, a reorganisation moved it, or
// nobody could say what became of the first, a spare may rightly have followed.
func (s *simulation) noneTwice() {
	times := map[string]int{}
	for _, b := range s.chain.blocks {
		for i := range b.txs {
			if id := s.broughtAbout(b.receipts[i]); id != "" {
				times[id]++
			}
		}
	}
	for id, n := range times {
		if n > 1 && !s.ledger.strangers[id] && !s.ledger.reorganised && !s.ledger.untold[id] {
			s.fail("%s took effect %d times by our hand\n%s", id, n, s.described(s.stored(id)))
		}
	}
}

// broughtAbout names the proposal that a relayer's transaction brought about.
func (s *simulation) broughtAbout(r *safe.Receipt) string {
	for _, l := range r.Logs {
		hash, success, ok := safe.ExecutionOf(l)
		if !ok || !success {
			continue
		}
		id, err := s.store.BySafeTxHash(hash)
		if err != nil {
			s.fail("a relayer sent %s, which nobody knows: %v", hash, err)
		}
		p := s.stored(id)
		sent, _ := s.store.SubmissionsOf(id)
		ours := slices.ContainsFunc(sent, func(sub governance.Submission) bool { // else sent for another that asks for the same
			return slices.ContainsFunc(sub.Attempts, func(a governance.Attempt) bool { return a.Hash == r.TxHash })
		})
		if t := p.SafeTx(hash); ours && (t.Purpose == governance.PurposeDirect || t.Purpose == governance.PurposeSpare) {
			return id
		}
	}
	return ""
}

// heals mends everything that is broken. People say nothing any more.
func (s *simulation) heals() {
	s.tell("=== everything heals")
	s.asleep = true
	s.recover()
	s.diskFails, s.chatFails, s.invented = 0, 0, nil
	s.chain.alter(func(w *world) { w.frozen, w.stuck, w.oneAtATime = false, common.Address{}, false })
	s.absent = ""
	s.reborn()
}

// settles lets time pass until nothing happens any more, and checks how every proposal ended.
func (s *simulation) settles() {
	for range 2 {
		for n := 0; n < 3 || n < 16 && !s.quiet(); n++ {
			s.round()
			s.pass(time.Minute)
			s.opensNext()
		}
		s.pass(80 * time.Hour)
	}
	s.holds()
	last, err := s.store.LastNumber()
	if err != nil {
		s.t.Fatal(err)
	}
	for n := uint64(1); n <= last; n++ {
		s.ended(s.stored("P-" + strconv.FormatUint(n, 10)))
	}
	if inbox, err := s.store.Inbox(); err != nil || len(inbox) > 0 {
		s.fail("left in the inbox are %+v, %v", inbox, err)
	}
}

// quiet reports whether nothing is owed, on its way, or waiting for its depth.
func (s *simulation) quiet() bool {
	duties, err := s.store.Duties()
	inbox, unread := s.store.Inbox()
	sent, unsent := s.store.Submissions()
	watched, unseen := s.store.Watched()
	if err := errors.Join(err, unread, unsent, unseen); err != nil {
		s.t.Fatal(err)
	}
	return len(duties)+len(inbox)+len(sent) == 0 && !slices.ContainsFunc(watched, func(p governance.Proposal) bool {
		mined := slices.ContainsFunc(p.Transactions, func(t governance.Transaction) bool { return t.Status == governance.TxStatusMined })
		return mined || !p.State.Ended() && p.State != governance.StateProposed
	})
}

// opensNext makes a block: where an operation waits, at the time when its window opens.
func (s *simulation) opensNext() {
	watched, err := s.store.Watched()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range watched {
		if p.State == governance.StateQueued && p.Timelock.OpensAt > s.chain.head().Time {
			s.chain.mineAt(p.Timelock.OpensAt)
			return
		}
	}
	s.chain.mine()
}

// ended checks that a proposal came to a true end, or waits for somebody who can be named.
func (s *simulation) ended(p governance.Proposal) {
	w := s.chain.head().world
	by, effective, ours := s.effectOnChain(p)
	claims := p.State == governance.StateExecuted || p.State == governance.StateIneffective
	switch {
	case claims:
		s.true(p)
	case effective && (ours || !s.ledger.hidden): // what every provider hides of others' deeds, nobody can tell
		s.fail("%s is %s (%s), and the chain executed it in %s\n%s", p.ID, p.State, p.EndReason, by, s.described(p))
	case !p.State.Ended() && !s.waits(p, w):
		s.fail("%s (%s) is %s for ever, %q; the Safe is at nonce %d\n%s", p.ID, p.Playbook, p.State, s.show(p.ID).Status, w.safes[p.Safe.Address].nonce, s.described(p))
	}
}

// described is what a failure needs to know of a proposal.
func (s *simulation) described(p governance.Proposal) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d owners, nonce %d read at %d, blind %q\n", p.Threshold, len(p.Owners), p.SafeNonce, p.ReadAt.Number, p.Blind)
	for _, t := range p.SafeTxs {
		fmt.Fprintf(&b, "  %s at nonce %d is %s with %d, used by %s\n", t.Purpose, t.Tx.Nonce, t.State, p.Yes(&t), t.UsedBy)
	}
	for _, t := range p.Transactions {
		fmt.Fprintf(&b, "  transaction %s for %s is %s in block %d\n", t.TxHash, t.SafeTxHash, t.Status, t.Block.Number)
	}
	submissions, _ := s.store.SubmissionsOf(p.ID)
	for _, sub := range submissions {
		fmt.Fprintf(&b, "  submission %s is %s with %d attempts: %s\n", sub.ID, sub.State, len(sub.Attempts), sub.Problem)
	}
	duties, _ := s.store.Duties()
	for _, d := range duties {
		fmt.Fprintf(&b, "  owed is %s\n", d.ID)
	}
	return b.String()
}

// effectOnChain finds what brought a proposal about on the canonical chain, and whether that was sent by us.
func (s *simulation) effectOnChain(p governance.Proposal) (by common.Hash, found, ours bool) {
	for _, b := range s.chain.blocks {
		for i, r := range b.receipts {
			ours := i < len(b.txs)
			for _, l := range r.Logs {
				if p.Timelock != nil && tellsOf(l, p, governance.Transaction{}) {
					return r.TxHash, true, ours
				}
				hash, success, ok := safe.ExecutionOf(l)
				if p.Timelock == nil && ok && success && p.SafeTx(hash) != nil && s.owns(p, hash) {
					return r.TxHash, true, ours
				}
			}
		}
	}
	return common.Hash{}, false, false
}

// yieldsForEver reports whether a routine proposal is held for an emergency that waits itself.
func (s *simulation) yieldsForEver(p governance.Proposal, w world) bool {
	watched, _ := s.store.Watched()
	return !p.Kind.Emergency() && slices.ContainsFunc(watched, func(o governance.Proposal) bool {
		rival := slices.ContainsFunc(o.SafeTxs, func(t governance.SafeTx) bool { return t.Open() && t.Tx.Nonce == p.Active().Tx.Nonce })
		return o.Kind.Emergency() && !o.State.Ended() && rival && s.waits(o, w)
	})
}

// held reports whether the card says so why nothing is sent.
func (s *simulation) held(p governance.Proposal, why string) bool {
	list, _ := s.store.SubmissionsOf(p.ID)
	return slices.ContainsFunc(list, func(sub governance.Submission) bool {
		return strings.Contains(sub.Problem, why)
	})
}

// owns reports whether a hash is the proposal's: asked for again at the same nonce, it is that of the later one.
func (s *simulation) owns(p governance.Proposal, hash common.Hash) bool {
	id, err := s.store.BySafeTxHash(hash)
	return err == nil && id == p.ID
}

// waits reports whether a proposal rightly waits, for ever if need be, because someone has to do something.
func (s *simulation) waits(p governance.Proposal, w world) bool {
	t := p.Active()
	v := w.safes[p.Safe.Address]
	switch p.State {
	case governance.StateApproved:
		manual := p.Policy.Execute.Manual
		early := slices.ContainsFunc(p.SafeTxs, func(t governance.SafeTx) bool { return t.State == governance.TxAsking && t.Tx.Nonce == v.nonce })
		gap := t.Tx.Nonce > v.nonce && (!p.Kind.Emergency() || early) // an emergency asks for signatures at the present nonce, too
		_, _, err := w.clone().inner(p.Safe.Address, t.Tx, s.chain.head().Time)
		unwanted := s.unwanted(p) != ""
		return manual || gap || err != nil || unwanted || s.held(p, "does not vouch") || s.yieldsForEver(p, w) // the word, a void or a new proposal, the market's admin, an owner
	case governance.StateReady:
		asks := !p.Timelock.AnyoneMay && t.Purpose == governance.PurposeExecute && t.State == governance.TxAsking
		return asks || p.Earlier != nil || s.unwanted(p) != "" // the owners, or those who scheduled what had ended
	}
	return false
}
