package relay_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"
)

// confirmations of the model; reorganisations are shallower, as a configuration has to choose them.
const confirmations = 4

// model is a coordinator reduced to its relay: a store of submissions, and a world that drops, delays, reorders and
// reorganises. A process that dies is a step that stops half-way; everything it knows is in the store.
type model struct {
	t       *rapid.T
	w       *world
	store   map[string]governance.Submission
	wanted  map[string]bool // subject → emergency
	now     time.Time
	fair    bool // the world behaves
	unquiet bool // a reorganisation or a stranger with our key happened: two nonces may be on their way
}

func newModel(t *rapid.T) *model {
	w := &world{signed: map[common.Hash]modelTx{}, keys: []common.Address{normalKey, emergencyOne, emergencyTwo}}
	w.base = gwei(10)
	for range confirmations {
		w.mine(nil, nil)
	}
	return &model{t: t, w: w, store: map[string]governance.Submission{}, wanted: map[string]bool{}, now: start}
}

// chance draws a misfortune; there is none in a fair world.
func (m *model) chance(what string) bool { return !m.fair && rapid.Bool().Draw(m.t, what) }

// crash draws where the process dies within a step: 0 nowhere, 1 before the commit, 2 after it, 3 after the broadcast.
func (m *model) crash() int {
	if m.fair {
		return 0
	}
	return rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(m.t, "crash")
}

func (m *model) subject(s governance.Submission) relay.Subject {
	by, block, done := m.w.effect(name(s))
	if done && m.chance("unknown sender") {
		by = common.Hash{}
	}
	return relay.Subject{Done: done, By: by, Block: block}
}

func name(s governance.Submission) string { return strings.TrimPrefix(s.ID, "P/") }

// others are the open submissions of a key but one.
func (m *model) others(key common.Address, but string) (carried []relay.Carried) {
	for _, id := range slices.Sorted(maps.Keys(m.store)) {
		if s := m.store[id]; s.Open() && s.Relayer == key && id != but {
			carried = append(carried, relay.Carried{Submission: s, Spent: m.subject(s).Spent()})
		}
	}
	return carried
}

func (m *model) facts(s governance.Submission) relay.Facts {
	f := relay.Facts{
		Head: safe.Block{Number: m.w.head()}, Account: m.w.account(s.Relayer), Subject: m.subject(s),
		Others: m.others(s.Relayer, s.ID), Fees: safe.Fees{BaseFee: m.w.base, Tip: gwei(1)}, Caps: caps,
		Confirmations: confirmations, Receipts: map[common.Hash]*safe.Receipt{},
	}
	silent := m.chance("receipts unreadable")
	for _, a := range s.Attempts {
		if !silent {
			f.Receipts[a.Hash] = m.w.receipt(a.Hash)
		}
	}
	return f
}

// choose is ChooseKey and Price, as the coordinator calls them.
func (m *model) choose(s governance.Submission) (relay.KeyChoice, relay.Bid, bool) {
	var keys []relay.KeyState
	for _, k := range m.w.keys {
		keys = append(keys, relay.KeyState{Address: k, Emergency: k != normalKey, Account: m.w.account(k), Open: m.others(k, s.ID)})
	}
	choice, err := relay.ChooseKey(keys, s.Emergency, gwei(1))
	if err != nil {
		if !errors.Is(err, relay.ErrBusy) {
			m.t.Fatalf("no key: %v", err)
		}
		return choice, relay.Bid{}, false
	}
	bid, err := relay.Price(s.Emergency, safe.Fees{BaseFee: m.w.base, Tip: gwei(1)}, choice.Rivals(), caps)
	if err != nil && !errors.Is(err, relay.ErrAtCap) {
		m.t.Fatalf("no price: %v", err)
	}
	return choice, bid, err == nil
}

// sign makes an attempt, and holds what must be true of every transaction that is ever signed.
func (m *model) sign(s governance.Submission, bid relay.Bid) governance.Attempt {
	order := relay.Order(s, 1, bid)
	tx := modelTx{sender: s.Relayer, nonce: order.Nonce, subject: name(s), feeCap: order.FeeCap, tipCap: order.TipCap}
	if mined := m.w.nonce(s.Relayer); tx.nonce != mined {
		m.t.Fatalf("signed relayer nonce %d while %d are mined: a gap, or a nonce that is gone", tx.nonce, mined)
	}
	if !m.unquiet {
		for _, earlier := range m.w.bids(s.Relayer, tx.nonce) {
			raised(m.t, attempt(earlier.feeCap, earlier.tipCap), bid)
		}
	}
	m.w.signed[tx.hash()] = tx
	return relay.Attempt(tx.raw(), tx.hash(), bid, safe.Block{Number: m.w.head()}, m.now)
}

func (m *model) commit(s governance.Submission) { m.store[s.ID] = s }

// send commits the submission with its new attempt, broadcasts, and records the acceptance; it may die in between.
func (m *model) send(s governance.Submission) {
	crash := m.crash()
	fresh := s.Attempts[len(s.Attempts)-1]
	if crash == 1 {
		delete(m.w.signed, fresh.Hash) // died with the process
		return
	}
	m.commit(s)
	if crash != 2 {
		m.broadcast(s, fresh, crash == 3)
	}
}

// broadcast hands bytes to a provider, which may take them and forget them. Nothing leaves that is not stored.
func (m *model) broadcast(s governance.Submission, a governance.Attempt, crash bool) {
	stored := slices.ContainsFunc(m.store[s.ID].Attempts, func(b governance.Attempt) bool {
		return b.Hash == a.Hash && bytes.Equal(b.Raw, a.Raw)
	})
	tx, known := m.w.signed[a.Hash]
	if !stored || !known || !bytes.Equal(tx.raw(), a.Raw) {
		m.t.Fatalf("bytes left that were not stored: %s of %s", a.Hash, s.ID)
	}
	if m.chance("forgotten") {
		m.commit(relay.Broadcast{Attempt: a}.After(s))
		return
	}
	if m.chance("deaf") {
		return // refused for a reason of its own
	}
	switch err := m.w.accept(tx); {
	case crash:
	case err == nil:
		m.commit(relay.Broadcast{Attempt: a}.After(s))
	case errors.Is(err, errUnderpriced):
		m.commit(relay.Underpriced(s, a))
	}
}

// launch starts a submission for every subject that is wanted and has none.
func (m *model) launch() {
	for _, subject := range slices.Sorted(maps.Keys(m.wanted)) {
		s := governance.Submission{
			ID: "P/" + subject, Emergency: m.wanted[subject], State: governance.SubmissionSigned, Gas: 200_000, CreatedAt: m.now,
		}
		if _, known := m.store[s.ID]; known {
			continue
		}
		choice, bid, ok := m.choose(s)
		if !ok {
			continue
		}
		s.Relayer, s.Nonce = choice.Address, choice.Nonce
		s.Attempts = []governance.Attempt{m.sign(s, bid)}
		m.send(s)
	}
}

// drive looks once at every open submission.
func (m *model) drive() {
	for _, id := range slices.Sorted(maps.Keys(m.store)) {
		for range 4 { // verdicts in a row
			if s := m.store[id]; !s.Open() || !m.act(s) {
				break
			}
		}
	}
	m.atMostOneNonce()
}

// act does what Next says; true to ask again at once.
func (m *model) act(s governance.Submission) bool {
	f := m.facts(s)
	switch a := relay.Next(s, f, m.now).(type) {
	case relay.Broadcast:
		m.broadcast(s, a.Attempt, m.crash() == 3)
	case relay.Hold:
		m.broadcast(a.After(s), a.Attempt, m.crash() == 3)
	case relay.Replace:
		m.send(a.After(s, m.sign(s, a.Bid)))
	case relay.Renonce:
		choice, bid, ok := m.choose(s)
		if ok {
			s.Relayer, s.Nonce = choice.Address, choice.Nonce
			m.send(a.After(s, choice, m.sign(s, bid)))
		}
	case relay.MarkMined:
		m.commit(a.After(s))
		return true
	case relay.Unmined:
		m.commit(a.After(s))
		return true
	case relay.MarkFinal:
		m.ended(s, f)
		m.commit(a.After(s))
	case relay.Moot:
		m.ended(s, f)
		m.commit(a.After(s))
	}
	return false
}

// ended asserts that a submission ends only with its effect on the chain, deep enough to stay.
func (m *model) ended(s governance.Submission, f relay.Facts) {
	_, block, done := m.w.effect(name(s))
	if !done || f.Head.Number-block+1 < confirmations {
		m.t.Fatalf("%s ended, its effect is done: %t, in block %d of %d", s.ID, done, block, f.Head.Number)
	}
}

// atMostOneNonce asserts that a key has one unmined nonce on its way and no more.
func (m *model) atMostOneNonce() {
	for _, key := range m.w.keys {
		nonces := map[uint64]bool{}
		for _, s := range m.store {
			if s.Open() && s.Relayer == key && s.Nonce >= m.w.nonce(key) {
				nonces[s.Nonce] = true
			}
		}
		if len(nonces) > 1 && !m.unquiet {
			m.t.Fatalf("key %s has several nonces on their way: %v", key, slices.Collect(maps.Keys(nonces)))
		}
	}
}

// block lets the world make one, with transactions of others in it.
func (m *model) block(strangers ...modelTx) {
	m.w.mine(strangers, func(tx modelTx) bool { return m.fair || rapid.Bool().Draw(m.t, "included") })
	m.now = m.now.Add(12 * time.Second)
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		wallet := common.HexToAddress("0x77")
		t.Repeat(map[string]func(*rapid.T){
			"want": func(t *rapid.T) {
				if len(m.wanted) < 6 {
					m.wanted[fmt.Sprint("s", len(m.wanted))] = rapid.Bool().Draw(t, "emergency")
				}
			},
			"work":  func(*rapid.T) { m.launch(); m.drive() },
			"block": func(*rapid.T) { m.block() },
			"work and block": func(*rapid.T) {
				m.launch()
				m.drive()
				m.block()
			},
			"a wallet does it": func(t *rapid.T) {
				if len(m.wanted) == 0 {
					t.Skip("nothing to do")
				}
				subject := rapid.SampledFrom(slices.Sorted(maps.Keys(m.wanted))).Draw(t, "subject")
				m.block(modelTx{sender: wallet, subject: subject})
			},
			"someone uses our key": func(t *rapid.T) {
				m.unquiet = true
				m.block(modelTx{sender: rapid.SampledFrom(m.w.keys).Draw(t, "key"), tipCap: wei(m.w.head())})
			},
			"the pools forget": func(t *rapid.T) {
				m.w.pool = slices.DeleteFunc(m.w.pool, func(modelTx) bool { return rapid.Bool().Draw(t, "forgotten") })
			},
			"the chain reorganises": func(t *rapid.T) {
				m.unquiet = true
				depth := rapid.IntRange(1, confirmations-1).Draw(t, "depth")
				m.w.reorganise(depth, func(modelTx) bool { return rapid.Bool().Draw(t, "lost") })
				for range depth + 1 {
					m.block()
				}
			},
			"the market moves": func(t *rapid.T) { m.w.base = gwei(rapid.Uint64Range(1, 90).Draw(t, "base fee")) },
		})
		m.settle()
	})
}

// settle lets the world behave, and asserts that everything wanted gets done and every submission ends.
func (m *model) settle() {
	m.fair, m.w.base = true, gwei(10)
	for range 40 + 10*len(m.wanted) {
		m.launch()
		m.drive()
		m.block()
	}
	m.now = m.now.Add(4 * time.Hour) // what nobody needs is closed by now
	m.drive()
	for subject := range m.wanted {
		if _, _, done := m.w.effect(subject); !done {
			m.t.Fatalf("%s was never done in a fair world: %+v", subject, m.store["P/"+subject])
		}
	}
	for id, s := range m.store {
		if s.Open() {
			m.t.Fatalf("%s is still open: %s, %s", id, s.State, s.Problem)
		}
	}
}
