package coordinator

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// hints is what the coordinator remembers so that it need not ask again. Nothing that it claims rests on them: an empty one costs
// a few readings, a stale one at most a transaction that the chain refuses. They begin empty at every start.
type hints struct {
	mu        sync.Mutex           // guards everything below
	tips      map[string]tip       // by chain
	agreed    map[string]time.Time // when a chain's head was last agreed on
	safes     map[place]safe.State
	libraries map[library]common.Address
	delays    map[string]delayAt
	markets   map[string]market            // by submission id
	underway  map[string]chan struct{}     // by submission id: closed when what is being prepared for it is there, or cannot be had
	looks     map[string]safe.Block        // by chain: the head of the last look that is over
	expected  map[string]bool              // chains on which something was sent since they were last looked at
	missed    map[common.Hash]miss         // SafeTxs whose nonce the Safe has passed
	waits     map[string]wait              // duties that wait although nothing is wrong
	resting   map[common.Address]time.Time // keys that did not sign, until when they are not asked
	powers    map[string][]Power           // of the relayers, by chain, as they were found last
	restless  map[string]uint64            // ended proposals that a chain can still change, with the version that was found so
	doubts    map[string][]sightedExec     // executions that are told of and not judged yet, by chain
	discreet  map[string]uint64            // submissions that no public pool was sent yet: the head at which private endpoints were
}

// place is a contract on a chain.
type place struct {
	chain   string
	address common.Address
}

// library asks for the MultiSendCallOnly of a release on a chain.
type library struct {
	chain   string
	version safe.Version
}

// delayAt is a timelock's minimal delay in seconds at a block.
type delayAt struct {
	head    common.Hash
	seconds uint64
}

// miss is a nonce that is gone: the first head at which it was, and what used it, where known.
type miss struct {
	block uint64
	by    common.Hash
}

// wait says since when a duty waits, and when to look again.
type wait struct{ since, until time.Time }

// sightedExec is a log that says that txHash ran a SafeTx of a proposal.
type sightedExec struct {
	proposal           string
	safeTxHash, txHash common.Hash
}

// doubtsHeld bounds what a lying provider can make us look at again and again.
const doubtsHeld = 64

func newHints() *hints {
	return &hints{
		tips: map[string]tip{}, agreed: map[string]time.Time{}, safes: map[place]safe.State{}, libraries: map[library]common.Address{}, delays: map[string]delayAt{},
		markets: map[string]market{}, underway: map[string]chan struct{}{}, expected: map[string]bool{}, looks: map[string]safe.Block{}, missed: map[common.Hash]miss{}, waits: map[string]wait{}, restless: map[string]uint64{}, doubts: map[string][]sightedExec{},
		discreet: map[string]uint64{}, powers: map[string][]Power{}, resting: map[common.Address]time.Time{},
	}
}

// tip is the newest head of a chain; the zero tip before the first.
func (h *hints) tip(chain string) tip {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tips[chain]
}

// head is the newest head of a chain; zero before the first.
func (h *hints) head(chain string) safe.Block { return h.tip(chain).head }

// headLife is how long an agreed head counts as the newest where nothing else was heard: half a minute, as long as a lagging
// provider may be behind.
const headLife = 30 * time.Second

// freshHead is the newest head, if it was agreed on lately.
func (h *hints) freshHead(chain string, now time.Time) (safe.Block, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, known := h.agreed[chain]
	return h.tips[chain].head, known && now.Sub(at) < headLife
}

// setHead takes a head that was agreed on just now.
func (h *hints) setHead(chain string, head safe.Block) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.tips[chain], h.agreed[chain] = h.tips[chain].followedBy(head, now), now
}

// resumeHead takes the head that an earlier life came to: a chain that stands still hands over none.
func (h *hints) resumeHead(chain string, head safe.Block) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tips[chain].head == (safe.Block{}) {
		h.tips[chain] = tip{head: head, since: time.Now()}
	}
}

// safeAt finds a reading of a Safe at this very block.
func (h *hints) safeAt(at place, block safe.Block) (safe.State, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.safes[at]
	return s, ok && s.Block == block
}

func (h *hints) keepSafe(at place, s safe.State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.safes[at] = s
}

// library finds a batch library that was found before: code at an address that has passed the hash check does not change.
func (h *hints) library(of library) (common.Address, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.libraries[of]
	return a, ok
}

func (h *hints) keepLibrary(of library, a common.Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.libraries[of] = a
}

func (h *hints) delay(timelock string, head safe.Block) (seconds uint64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, ok := h.delays[timelock]
	return d.seconds, ok && d.head == head.Hash
}

func (h *hints) keepDelay(timelock string, head safe.Block, seconds uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.delays[timelock] = delayAt{head.Hash, seconds}
}

func (h *hints) market(submission string) (market, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok := h.markets[submission]
	return m, ok
}

func (h *hints) keepMarket(submission string, m market) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.markets[submission] = m
}

// preparing says that a market is being asked for, until done is called.
func (h *hints) preparing(submission string) (done func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	over := make(chan struct{})
	h.underway[submission] = over
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.underway, submission)
		close(over)
	}
}

// awaitPreparing waits until the market that is being asked for is there or cannot be had. It is false at once where none is asked for.
func (h *hints) awaitPreparing(ctx context.Context, submission string, patience time.Duration) bool {
	h.mu.Lock()
	over, underway := h.underway[submission]
	h.mu.Unlock()
	if !underway {
		return false
	}
	soon := time.NewTimer(patience)
	defer soon.Stop()
	select {
	case <-over:
		return true
	case <-soon.C:
	case <-ctx.Done():
	}
	return false
}

func (h *hints) dropMarket(submission string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.markets, submission)
}

// looked is the head that a chain was looked at last, to the end.
func (h *hints) looked(chain string) safe.Block {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.looks[chain]
}

func (h *hints) setLooked(chain string, head safe.Block) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looks[chain] = head
}

// expectBlock says that a chain may make a block at any moment, with what was sent just now.
func (h *hints) expectBlock(chain string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expected[chain] = true
}

// expectsBlock reports that once.
func (h *hints) expectsBlock(chain string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer delete(h.expected, chain)
	return h.expected[chain]
}

// miss finds the first head at which a SafeTx's nonce was seen gone.
func (h *hints) miss(hash common.Hash) (miss, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok := h.missed[hash]
	return m, ok
}

func (h *hints) keepMiss(hash common.Hash, m miss) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.missed[hash] = m
}

// dropMiss forgets a miss that a reorganisation took back, or that is recorded.
func (h *hints) dropMiss(hash common.Hash) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.missed, hash)
}

// rest puts a duty off without a write to the disk.
func (h *hints) rest(duty string, now time.Time, d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, known := h.waits[duty]
	if !known {
		w.since = now
	}
	w.until = now.Add(d)
	h.waits[duty] = w
}

// rests reports whether a duty is to be left alone for now.
func (h *hints) rests(duty string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Before(h.waits[duty].until)
}

// waited is how long a duty has been put off.
func (h *hints) waited(duty string, now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, known := h.waits[duty]
	if !known {
		return 0
	}
	return now.Sub(w.since)
}

// done forgets that a duty waited.
func (h *hints) done(duty string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waits, duty)
}

// wakeAll lets every duty be looked at again: a block came.
func (h *hints) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, w := range h.waits {
		w.until = time.Time{}
		h.waits[id] = w
	}
}

// setRestless takes what a version of a proposal says. Loops that look at it beside each other come here in any order: an older version
// takes nothing out of sight that a newer one put there.
func (h *hints) setRestless(proposal string, version uint64, restless bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch newest := h.restless[proposal]; {
	case restless:
		h.restless[proposal] = max(newest, version)
	case version >= newest:
		delete(h.restless, proposal)
	}
}

func (h *hints) restlessIDs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.restless))
}

// doubt keeps an execution that could not be agreed on or not be recorded, to ask again.
func (h *hints) doubt(chain string, e sightedExec) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.doubts[chain]) < doubtsHeld && !slices.Contains(h.doubts[chain], e) {
		h.doubts[chain] = append(h.doubts[chain], e)
	}
}

func (h *hints) doubtsOf(chain string) []sightedExec {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.doubts[chain])
}

// undoubt forgets an execution that was judged.
func (h *hints) undoubt(chain string, e sightedExec) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubts[chain] = slices.DeleteFunc(h.doubts[chain], func(d sightedExec) bool { return d == e })
}
