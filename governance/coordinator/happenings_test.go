package coordinator

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// dora becomes an owner of the guardian Safe now and then.
var dora = keyOfSeed("dora")

// dave is a member who owns nothing.
var wallets = map[string]*ecdsa.PrivateKey{"alice": alice, "bob": bob, "carol": carol, "dora": dora, "mallory": mallory, "dave": keyOfSeed("dave")}

// owning are the keys of a Safe's owners, in its order.
func owning(v vault) (keys []*ecdsa.PrivateKey) {
	for _, o := range v.owners {
		for _, key := range wallets {
			if addressOf(key) == o {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// happenings are all things that can happen, each with how often it does.
var happenings = []happening{
	// Belay works.
	{"round", 30, (*simulation).round}, {"follow", 6, (*simulation).follow}, {"tend", 10, (*simulation).tend}, {"duty", 14, (*simulation).duty},
	{"inbox", 5, (*simulation).inbox}, {"clock", 4, (*simulation).clock}, {"time passes", 14, (*simulation).timePasses},
	// People do what they want.
	{"propose", 14, (*simulation).proposes}, {"sign", 12, (*simulation).signs}, {"sitting", 16, (*simulation).sitting},
	{"say", 6, (*simulation).says}, {"chat", 6, (*simulation).chats}, {"approve hash", 2, (*simulation).approves},
	{"state", 9, (*simulation).states}, {"wish", 3, (*simulation).wishes},
	{"help", 22, (*simulation).helps}, {"block", 2, (*simulation).blocks}, {"calm", 6, (*simulation).calm},
	// The chain goes on, with others on it.
	{"mine", 22, (*simulation).mines}, {"window", 5, (*simulation).window}, {"foreign", 3, (*simulation).foreign}, {"stranger", 3, (*simulation).stranger},
	{"reorganise", 6, (*simulation).reorganises}, {"owners", 3, (*simulation).owners}, {"market", 3, (*simulation).market},
	// What can break breaks.
	{"providers", 8, (*simulation).providers}, {"providers recover", 8, (*simulation).recover}, {"invent", 2, (*simulation).invents},
	{"disk", 2, (*simulation).disk}, {"chat fails", 2, (*simulation).chatBreaks}, {"crash", 4, (*simulation).crash}, {"reload", 2, (*simulation).reloads},
}

func pick[T any](s *simulation, list ...T) T { return list[s.dice.IntN(len(list))] }

func outcome(err error) string {
	if err == nil {
		return "done"
	}
	return err.Error()
}

// anyProposal is one of those that exist; "" where there is none.
func (s *simulation) anyProposal() (governance.Proposal, bool) {
	last, err := s.store.LastNumber()
	if err != nil || last == 0 {
		return governance.Proposal{}, false
	}
	first := max(last, 5) - 5 // the recent ones are where things happen
	return s.stored("P-" + strconv.FormatUint(first+1+s.dice.Uint64N(last-first), 10)), true
}

// round is one turn of every loop.
func (s *simulation) round() string {
	turns := []func(*simulation) string{(*simulation).follow, (*simulation).tend, (*simulation).duties, (*simulation).inbox, (*simulation).clock}
	s.dice.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	for _, turn := range turns {
		if s.life.dead {
			break
		}
		turn(s)
	}
	return ""
}

// follow hands over the logs since the last time, as the chain's client does.
func (s *simulation) follow() string {
	return s.alone("follow", func() string {
		if s.chain.down || s.chain.fails["Follow"] != nil {
			return "nobody answers"
		}
		head := s.chain.head().Block
		s.chain.recent, s.chain.asked = head, time.Now()
		placed := s.cursor != safe.Block{}
		if placed && (s.cursor.Number > head.Number || s.chain.blocks[s.cursor.Number].Hash != s.cursor.Hash) {
			s.cursor = s.chain.blocks[min(s.cursor.Number, head.Number)-min(s.cursor.Number, head.Number, 64)].Block
		}
		logs := append(s.chain.logs(s.c.filters("test"), s.cursor.Number+1, head.Number), s.invented...)
		if placed && head == s.cursor && len(s.invented) == 0 {
			return "nothing new"
		}
		err := s.c.onLogs(s.ctx, s.cfg.Chains["test"], head, logs)
		if err == nil && !s.life.dead {
			s.cursor, s.invented = head, nil
		}
		s.woken = true
		return fmt.Sprintf("%d logs up to %d: %s", len(logs), head.Number, outcome(err))
	})
}

func (s *simulation) tend() string {
	return s.alone("tend", func() string {
		if !free(&s.c.signing) {
			return "waits"
		}
		woken := s.woken || len(s.c.headsDue["test"]) > 0
		select {
		case <-s.c.headsDue["test"]:
		default:
		}
		s.woken = false
		return outcome(s.tending.look(s.ctx, woken))
	})
}

func (s *simulation) due() []act {
	due, err := s.store.Duties()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.c.grouped(due, time.Now())
}

// duty does one thing that is owed, whichever.
func (s *simulation) duty() string {
	due := s.due()
	if len(due) == 0 {
		return "nothing is owed"
	}
	return s.works(pick(s, due...))
}

// duties does everything that is owed, in any order.
func (s *simulation) duties() string {
	due := s.due()
	s.dice.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	for _, a := range due {
		if s.life.dead {
			break
		}
		s.works(a)
	}
	return ""
}

func (s *simulation) works(a act) string {
	return s.alone(a.key, func() string {
		if !free(&s.c.signing) || !free(&s.c.proposing) {
			return "waits"
		}
		s.c.work(s.ctx, a.group)
		return a.key
	})
}

func (s *simulation) inbox() string {
	inbox, err := s.store.Inbox()
	if err != nil {
		s.t.Fatal(err)
	}
	s.dice.Shuffle(len(inbox), func(i, j int) { inbox[i], inbox[j] = inbox[j], inbox[i] })
	for _, e := range inbox {
		if s.life.dead || !free(&s.c.proposing) {
			break
		}
		s.alone("inbox "+e.Key, func() string { s.c.handle(s.ctx, e); return "" })
	}
	return strconv.Itoa(len(inbox))
}

func (s *simulation) clock() string {
	return s.alone("clock", func() string { s.c.letTimePass(s.ctx); return "" })
}

func (s *simulation) timePasses() string {
	d := pick(s, 100*time.Millisecond, time.Second, time.Second, 3*time.Second, 12*time.Second, 12*time.Second, time.Minute, 11*time.Minute, 3*time.Hour)
	s.pass(d)
	return d.String()
}

// intent is something that somebody may want.
func (s *simulation) intent() Intent {
	in := Intent{Member: pick(s, "alice", "alice", "bob", "bob", "carol", "dave"), Reason: "drill", Force: s.dice.IntN(4) == 0}
	asset, ltv := pick(s, "usdc", "weth"), pick(s, "4000", "6000", strconv.Itoa(idleLtv))
	in.Params = map[string]string{"asset": asset, "ltv": ltv}
	switch in.Playbook = pick(s, "pause", "pause", "pause", "pause-both", "set-ltv", "set-ltv", "slow-ltv", "slow-ltv", "manual-ltv", "later-ltv", "unpause",
		"approved-ltv", "approved-ltv", "twice-ltv", "near-ltv", "near-ltv", "pause-wrong", VetoPlaybook, VetoPlaybook, VoidPlaybook); in.Playbook {
	case "pause", "unpause", "pause-wrong":
		delete(in.Params, "ltv")
	case "near-ltv":
		in.Params["ltv"] = pick(s, "4600", "5300")
	case "pause-both":
		in.Params = nil
	case VoidPlaybook:
		p, _ := s.anyProposal()
		in.Params = map[string]string{"proposal": p.ID}
	case VetoPlaybook:
		in.Params = map[string]string{"operation": s.operation()}
	}
	return in
}

// operation names something to veto, more often than not an operation that waits.
func (s *simulation) operation() string {
	watched, err := s.store.Watched()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range watched {
		if (p.State == governance.StateQueued || p.State == governance.StateReady) && s.dice.IntN(4) > 0 {
			return pick(s, p.ID, p.Timelock.ID.Hex(), "core "+p.Timelock.ID.Hex())
		}
	}
	p, _ := s.anyProposal()
	return pick(s, p.ID, common.Hash{1}.Hex())
}

// moment keeps two proposals from being made in the same nanosecond, which tells their operations in a timelock apart.
func (s *simulation) moment() { s.pass(time.Nanosecond) }

func (s *simulation) proposes() string {
	if !free(&s.c.proposing) {
		return "waits"
	}
	in := s.intent()
	s.moment()
	made, err := s.c.Propose(s.ctx, in)
	if err == nil && !s.life.dead {
		s.ledger.proposals[made.View.ID] = in.Playbook
	}
	s.answered(err)
	return fmt.Sprintf("%s %v by %s: %s %s", in.Playbook, in.Params, in.Member, made.View.ID, outcome(err))
}

// signs posts a signature, more often than not a good one.
func (s *simulation) signs() string {
	p, ok := s.anyProposal()
	if !ok {
		return "nothing to sign"
	}
	t := pick(s, p.SafeTxs...)
	who := pick(s, "alice", "bob", "carol", "dora", "mallory")
	over, named := t.Hashes.SafeTx, t.Hashes.SafeTx
	switch s.dice.IntN(10) {
	case 0:
		other, _ := s.anyProposal()
		over = pick(s, other.SafeTxs...).Hashes.SafeTx
	case 1:
		over = crypto.Keccak256Hash(over[:])
	case 2:
		named = common.Hash{}
	}
	return s.posts(p, who, over, named)
}

// sitting has one owner sign all that a proposal asks for, in either order.
func (s *simulation) sitting() string {
	p, ok := s.anyProposal()
	if !ok {
		return "nothing to sign"
	}
	who := pick(s, "alice", "bob", "carol", "dora")
	var told []string
	sheet := slices.Clone(p.SafeTxs)
	if s.dice.IntN(2) == 0 {
		slices.Reverse(sheet)
	}
	for _, t := range sheet {
		if t.Open() && !s.life.dead {
			told = append(told, s.posts(p, who, t.Hashes.SafeTx, t.Hashes.SafeTx))
		}
	}
	return strings.Join(told, "; ")
}

func (s *simulation) posts(p governance.Proposal, who string, over, named common.Hash) string {
	given := signature(wallets[who], over)
	_, err := s.c.Confirm(s.ctx, Signed{Proposal: p.ID, SafeTxHash: named, Signature: given, Via: governance.ViaPage})
	if err == nil && !s.life.dead && named != (common.Hash{}) {
		if over != named {
			s.fail("%s signed %s, and it was taken for %s", who, over, named)
		}
		s.ledger.signatures = append(s.ledger.signatures, promise{p.ID, named, addressOf(wallets[who])})
	}
	s.answered(err)
	return fmt.Sprintf("%s signs %s: %s", who, p.ID, outcome(err))
}

// answered checks that whoever was refused was told why.
func (s *simulation) answered(err error) {
	if err != nil && !isRefusal(err) && !s.life.dead && !errors.Is(err, s.ctx.Err()) {
		s.fail("refused without a reason: %v", err)
	}
}

// words is something that a member may say about a proposal.
func (s *simulation) words() (said, bool) {
	p, ok := s.anyProposal()
	do := pick(s, "object", "withdraw", "withdraw", "withdraw", "extend", "disclose", "release", "release", "onit", "cant")
	return said{Do: do, Proposal: p.ID, Member: pick(s, "alice", "bob", "carol", "dave")}, ok
}

func (s *simulation) says() string {
	what, ok := s.words()
	if !ok {
		return "about nothing"
	}
	err := s.obey(s.ctx, what)
	if err == nil && !s.life.dead && what.Do == "object" {
		s.ledger.objections = append(s.ledger.objections, what)
	}
	s.answered(err)
	return fmt.Sprintf("%s %s by %s: %s", what.Do, what.Proposal, what.Member, outcome(err))
}

// chats puts something into the inbox, sometimes what was there before.
func (s *simulation) chats() string {
	what, ok := s.words()
	if !ok || s.dice.IntN(3) == 0 {
		what = said{Do: "propose", Intent: s.intent()}
	}
	key := fmt.Sprintf("slack:%d", s.ledger.heard)
	if again := s.dice.IntN(5) == 0; !again {
		s.ledger.heard++
		key = fmt.Sprintf("slack:%d", s.ledger.heard)
	}
	body, err := json.Marshal(what)
	if err != nil {
		s.t.Fatal(err)
	}
	now := time.Now().UTC()
	err = s.c.Receive(s.ctx, governance.InboxEntry{Key: key, Platform: "slack", Kind: "command", Body: body, ReceivedAt: now})
	if err == nil && !s.life.dead {
		if _, twice := s.ledger.received[key]; twice {
			s.fail("%s was received twice", key)
		}
		s.ledger.received[key] = now
	}
	return fmt.Sprintf("%s %s %s: %s", key, what.Do, what.Proposal, outcome(err))
}

// approves has an owner approve a hash on chain.
func (s *simulation) approves() string {
	p, ok := s.anyProposal()
	if !ok {
		return "nothing"
	}
	t, who := pick(s, p.SafeTxs...), pick(s, "alice", "bob", "carol")
	s.chain.alter(func(w *world) {
		if w.approved == nil {
			w.approved = map[approval]bool{}
		}
		w.approved[approval{p.Safe.Address, addressOf(wallets[who]), t.Hashes.SafeTx}] = true
	})
	return who + " " + p.ID
}

func (s *simulation) mines() string { return strconv.FormatUint(s.chain.mine().Number, 10) }

// window lets chain time come to where an operation opens, or to a second before.
func (s *simulation) window() string {
	p, ok := s.anyProposal()
	if !ok || p.Timelock == nil || p.Timelock.OpensAt <= s.chain.head().Time+1 {
		return "none"
	}
	s.chain.mineAt(p.Timelock.OpensAt - s.dice.Uint64N(2))
	return p.ID
}

// tries runs a call by a stranger where the chain takes it.
func (s *simulation) tries(to common.Address, data []byte) bool {
	if _, _, err := run(s.chain.head().world.clone(), to, data, s.chain.head().Time+12); err != nil {
		return false
	}
	s.chain.byHand(to, data)
	return true
}

// foreign lets the owners use the Safe's nonce for something that Belay knows nothing of.
func (s *simulation) foreign() string {
	v := s.chain.head().world.safes[guardianSafe]
	tx := safe.Void(guardianSafe, v.nonce)
	keys := owning(v)
	return fmt.Sprint(s.tries(guardianSafe, execution(tx, safeTxHash(tx), keys[:min(v.threshold, len(keys))]...)))
}

// stranger executes something of ours: what a quorum signed, here or elsewhere, or an operation whose window is open.
func (s *simulation) stranger() string {
	p, ok := s.anyProposal()
	if !ok {
		return "nothing"
	}
	done := false
	switch s.dice.IntN(3) {
	case 0:
		if ready, err := ReadyExecution(s.store, p); err == nil {
			done = s.tries(ready.To, ready.Data)
		}
	case 1:
		t := pick(s, p.SafeTxs...)
		v := s.chain.head().world.safes[p.Safe.Address]
		keys := owning(v)
		done = t.Tx.Nonce == v.nonce && s.tries(p.Safe.Address, execution(t.Tx, t.Hashes.SafeTx, keys[:min(v.threshold, len(keys))]...))
	case 2:
		done = p.Timelock != nil && s.tries(p.Timelock.Execute.To, p.Timelock.Execute.Data)
	}
	if done {
		s.ledger.strangers[p.ID] = true
	}
	return fmt.Sprintf("%s %v", p.ID, done)
}

// reorganises takes blocks away that nobody was told are final.
func (s *simulation) reorganises() string {
	deepest := min(int(s.depth), len(s.chain.blocks)) - 1
	if deepest < 1 {
		return "too shallow"
	}
	n, lost := 1+s.dice.IntN(deepest), s.dice.IntN(2) == 0
	s.chain.reorganise(n, lost)
	s.ledger.reorganised = true
	return fmt.Sprintf("%d blocks, lost %v", n, lost)
}

// owners changes who may sign, or how many must.
func (s *simulation) owners() string {
	list := pick(s, []string{"alice", "bob", "carol"}, []string{"alice", "bob", "carol"}, []string{"alice", "bob", "dora"}, []string{"bob", "carol"}, []string{"alice", "bob", "carol", "dora"})
	threshold := pick(s, 1, 2, 2, 2, 3)
	var now vault
	s.chain.alter(func(w *world) {
		now = w.safes[guardianSafe]
		now.owners, now.threshold = nil, min(threshold, len(list))
		for _, who := range list {
			now.owners = append(now.owners, addressOf(wallets[who]))
		}
		w.safes[guardianSafe] = now
	})
	s.ledger.ruled = append(s.ledger.ruled, now)
	if s.chain.lie != nil { // a provider that lies about owners does so about these, too
		s.ledger.ruled = append(s.ledger.ruled, vault{owners: now.owners[:1], threshold: 1})
	}
	return fmt.Sprintf("%v, %d", list, now.threshold)
}

// providers fail in one way more.
func (s *simulation) providers() string {
	how := pick(s, "down", "down", "deaf", "hides", "lie", "frozen", "method", "method", "method")
	switch how {
	case "down":
		s.chain.down = true
	case "deaf":
		s.chain.deaf = true
	case "hides":
		s.chain.hides, s.ledger.hidden = true, true
	case "lie":
		s.chain.lie = func(state *safe.State) { state.Nonce, state.Block.Number = 5000, 1<<62 }
		if s.dice.IntN(2) == 0 {
			s.chain.lie = func(state *safe.State) { state.Owners, state.Threshold = state.Owners[:1], 1 }
			for _, v := range slices.Clone(s.ledger.ruled) {
				s.ledger.ruled = append(s.ledger.ruled, vault{owners: v.owners[:1], threshold: 1})
			}
		}
	case "frozen":
		s.chain.alter(func(w *world) { w.frozen = !w.frozen })
	default:
		how = pick(s, "Head", "StateAt", "Read", "Logs", "Receipt", "Simulate", "EstimateGas", "Accounts", "Broadcast", "Broadcast", "Follow", "Final", "Lost", "CodeHashes", "AnySafeState", "AnyAccount")
		s.chain.fails[how] = fmt.Errorf("the providers give no %s", how)
	}
	return how
}

func (s *simulation) recover() string {
	s.chain.down, s.chain.deaf, s.chain.hides, s.chain.lie = false, false, false, nil
	clear(s.chain.fails)
	return ""
}

// invents has a provider tell of executions that never were.
func (s *simulation) invents() string {
	p, ok := s.anyProposal()
	if !ok {
		return "nothing"
	}
	hash := pick(s, p.SafeTxs...).Hashes.SafeTx
	l := safe.Log{Address: p.Safe.Address, Topics: []common.Hash{safe.TopicExecutionSuccess, hash}, Data: make([]byte, 32), TxHash: common.Hash{0x99}, Block: s.chain.head().Block}
	if receipts := s.chain.head().receipts; len(receipts) > 0 && s.dice.IntN(2) == 0 {
		l.TxHash = receipts[0].TxHash
	}
	s.invented = append(s.invented, l)
	return p.ID
}

func (s *simulation) disk() string {
	s.diskFails = 1 + s.dice.IntN(4)
	return strconv.Itoa(s.diskFails)
}

func (s *simulation) chatBreaks() string {
	s.chatFails = 1 + s.dice.IntN(6)
	return strconv.Itoa(s.chatFails)
}

// crash kills the process now, or at one of the next boundaries.
func (s *simulation) crash() string {
	n := s.dice.IntN(6)
	if n == 0 {
		s.die()
		return "now"
	}
	s.life.left, s.life.soon = n, s.dice.IntN(2) == 0
	return fmt.Sprintf("at boundary %d, before %v", n, s.life.soon)
}
