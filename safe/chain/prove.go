package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

const (
	// proofGrace is how long an agreed reading waits by default for the first proof, which was asked for at the same time. A provider
	// whose last proof came later is asked, and no longer waited for.
	proofGrace = 300 * time.Millisecond
	proofTries = 2 // once beside the reading, and once for what only the reading named
	// proofDepth is how far below the newest block proofs are asked for: most nodes keep the state of 128 blocks.
	proofDepth = 100
)

// Disproved says that a proof contradicts what enough providers agreed on. It is an [ErrDisproved].
type Disproved struct {
	What            string   // of which account
	Claimed, Proven string   // in hex
	Liars           []string // providers that said so; none where that is no longer known
}

// Error names what is false, and who said so.
func (e *Disproved) Error() string {
	who := "the providers said"
	if len(e.Liars) > 0 {
		who = strings.Join(e.Liars, " and ") + " said"
	}
	return fmt.Sprintf("%s: %s is %s by the block's state root, and %s %s", ErrDisproved, e.What, e.Proven, who, e.Claimed)
}

// Is makes errors.Is(err, ErrDisproved) true.
func (e *Disproved) Is(target error) bool { return target == ErrDisproved }

// lesson is what the providers were asked to prove of one block. What a proof says is in the memory before heard is closed.
type lesson struct {
	heard   chan struct{} // closed with the first proof
	settled chan struct{} // closed when nobody is left who is worth waiting for
	over    chan struct{} // closed when everybody answered or failed
	due     atomic.Int64  // when a proof comes too late, in nanoseconds since the epoch; 0: nobody waits yet
}

func (l *lesson) late() bool {
	due := l.due.Load()
	return due != 0 && time.Now().UnixNano() > due
}

// ask has everyone who serves proofs prove slots of accounts at a block. It returns at once; nil when nobody could, or nothing is left
// to be proven.
func (c *Client) ask(ctx context.Context, at safe.Block, of wanted) *lesson {
	if newest, known := c.recent.within(time.Now(), 24*time.Hour); known && at.Number+proofDepth < newest.Number {
		return nil
	}
	of = c.memory.unproven(at, of)
	var able []*provider
	for _, p := range c.providers {
		if p.proofs.able(time.Now()) {
			able = append(able, p)
		}
	}
	if len(of) == 0 || of.tooMuch() || len(able) == 0 {
		return nil
	}
	root := c.memory.stateRoot(at)
	answers, release, err := askAll(ctx, c, able, func(ctx context.Context, p *provider) (proven, error) {
		return p.prove(ctx, at, root, of)
	})
	if err != nil {
		return nil
	}
	release()
	l := &lesson{heard: make(chan struct{}), settled: make(chan struct{}), over: make(chan struct{})}
	if c.start(func() { c.hear(at, l, answers, able) }) != nil {
		return nil
	}
	return l
}

// askBeside asks for what a reading is going to claim, as far as that is known before it, unless the reading is remembered.
func (c *Client) askBeside(ctx context.Context, at safe.Block, queries []query) *lesson {
	of := c.layouts.expected(queries)
	if len(of) == 0 || c.memory.holds(at, queries) {
		return nil
	}
	return c.ask(ctx, at, of)
}

// discover looks at the whole of a Safe that is asked for its owners before anything is known of its code, as after a start: what its slots
// mean has to be known before a proof can say anything of them. It fails where the look is disproved.
func (c *Client) discover(ctx context.Context, at safe.Block, queries []query, by []*provider) error {
	for _, q := range queries {
		if len(by) == 0 || !q.plain || !bytes.Equal(q.data, safe.OwnersCall(q.to).Data) || !c.layouts.isNews(q.to, time.Now()) {
			continue
		}
		_, err := c.StateAt(ctx, at, q.to)
		if err != nil && !errors.Is(err, ErrNotSafe) {
			c.layouts.lookSoon(q.to)
		}
		if errors.Is(err, ErrDisproved) {
			return err
		}
	}
	return nil // any other failure says nothing of the reading, which was agreed on
}

// hear takes in what the providers prove.
func (c *Client) hear(at safe.Block, l *lesson, answers <-chan answer[proven], of []*provider) {
	defer close(l.over)
	prompt := map[*provider]bool{}
	for _, p := range of {
		if !p.proofs.isLate() {
			prompt[p] = true
		}
	}
	heard, settled := false, len(prompt) == 0
	if settled {
		close(l.settled)
	}
	for range of {
		a := <-answers
		c.judgeProof(a, l.late())
		if a.err == nil {
			c.memory.learn(at, a.value.root, a.value.facts)
		}
		if a.err == nil && !heard {
			heard = true
			close(l.heard)
		}
		delete(prompt, a.from)
		if len(prompt) == 0 && !settled {
			settled = true
			close(l.settled)
		}
	}
}

// judgeProof remembers how a provider proves, and tells of one that cannot: once, until it can.
func (c *Client) judgeProof(a answer[proven], late bool) {
	var malformed *providerError
	var refused *rpcError
	var rest time.Duration
	switch {
	case a.err == nil:
		a.from.proofs.works(late)
		return
	case errors.As(a.err, &malformed) && (malformed.outcome == Malformed || malformed.outcome == TooLarge):
		a.from.observe(proofMethod, Malformed, 0)
		rest = restFailed
	case errors.As(a.err, &malformed) && (malformed.outcome == BadStatus || malformed.outcome == Refused):
		rest = restUnserved
	case errors.As(a.err, &refused) && isUnsupported(refused):
		rest = restUnserved
	case errors.As(a.err, &refused) && !isMissingBlock(refused):
		rest = restFailed
	default: // it was not reached, or did not know the block yet
		if late {
			a.from.proofs.tooLate()
		}
		return
	}
	if a.from.proofs.rest(time.Now().Add(rest)) && rest == restFailed {
		c.log.Warn("provider proves nothing", "chain", c.cfg.Name, "provider", a.from.name, "reason", a.err.Error())
	}
}

// await waits for the first proof, for as long as one can be expected. It reports whether there is one.
func (l *lesson) await(ctx context.Context, patience time.Duration) bool {
	l.due.CompareAndSwap(0, time.Now().Add(patience).UnixNano())
	grace := time.NewTimer(patience)
	defer grace.Stop()
	select {
	case <-l.heard:
		return true
	case <-l.settled:
	case <-grace.C:
	case <-ctx.Done():
	}
	select { // of several that are ready, select takes any
	case <-l.heard:
		return true
	default:
		return false
	}
}

// check compares an agreed reading with what is proven of its block. It reports whether all of it is, and fails with [ErrDisproved] where
// a proof says something else. Where no proof comes in time, the agreement alone counts, and one that comes later is looked at all the same.
func (c *Client) check(ctx context.Context, at safe.Block, claims []claim, by []*provider, early *lesson) (bool, error) {
	of := wanted{}
	for _, claim := range claims {
		of.addClaim(claim)
	}
	asked := early
	for try := 1; ; try++ {
		open, proven, err := c.compare(at, claims, by)
		switch {
		case err != nil:
			return false, err
		case !open:
			return proven, nil
		}
		if asked == nil && try <= proofTries && len(by) > 0 { // what is remembered is not asked about again
			asked = c.ask(ctx, at, of)
		}
		if asked == nil {
			return false, nil
		}
		if !asked.await(ctx, c.cfg.ProofWait) {
			if ctx.Err() != nil { // a proof that nobody had the time to wait for may still say otherwise
				return false, ctx.Err()
			}
			return false, c.lookLater(at, claims, by, asked)
		}
		asked = nil
	}
}

// lookLater compares again when the last proof is in.
func (c *Client) lookLater(at safe.Block, claims []claim, by []*provider, l *lesson) error {
	return c.start(func() {
		<-l.over
		if _, _, err := c.compare(at, claims, by); err != nil {
			c.memory.forget(at)
		}
	})
}

// compare holds claims against what is proven. open: of some of them nothing is proven yet.
func (c *Client) compare(at safe.Block, claims []claim, by []*provider) (open, all bool, err error) {
	all = len(claims) > 0
	for _, claimed := range claims {
		if claimed.under != (common.Address{}) {
			singleton, known := c.memory.proven(at, claim{account: claimed.account, slot: safe.SlotSingleton})
			if known && safe.AddressInSlot(singleton) != claimed.under {
				all = false // it runs other code: what the slot means is not known
				continue
			}
			open = open || !known
			if !known {
				continue
			}
		}
		value, known := c.memory.proven(at, claimed)
		switch {
		case !known:
			open = true
		case value != claimed.value:
			return false, false, c.disprove(claimed, value, by)
		}
	}
	return open, all && !open, nil
}

// tellDisproved is how often it is told at most that a proof contradicts the providers, who may go on for many blocks.
const tellDisproved = time.Minute

// disprove counts who said what is proven to be false, and tells of it.
func (c *Client) disprove(claimed claim, value common.Hash, by []*provider) error {
	err := &Disproved{What: claimed.String(), Claimed: claimed.value.Hex(), Proven: value.Hex()}
	for _, p := range by {
		p.observe(agreementMethod, Contradicted, 0)
		err.Liars = append(err.Liars, p.name)
	}
	last, now := c.disprovedAt.Load(), time.Now().UnixNano()
	if (last == 0 || now-last >= int64(tellDisproved)) && c.disprovedAt.CompareAndSwap(last, now) {
		c.log.Error("providers agree on something that a proof contradicts", "chain", c.cfg.Name, "error", err)
	}
	return err
}

// Provers names the providers that prove state at a block, and asks each of them for it.
func (c *Client) Provers(ctx context.Context, at safe.Block) ([]string, error) {
	answers, release, err := askAll(ctx, c, c.providers, func(ctx context.Context, p *provider) (proven, error) {
		return p.prove(ctx, at, common.Hash{}, wanted{{}: {safe.SlotSingleton}})
	})
	if err != nil {
		return nil, fmt.Errorf("ask for proofs: %w", err)
	}
	defer release()
	var names []string
	for range c.providers {
		select {
		case a := <-answers:
			if a.err == nil {
				names = append(names, a.from.name)
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("ask for proofs: %w", ctx.Err())
		}
	}
	slices.Sort(names)
	return names, nil
}

// proven is what one provider proved of a block.
type proven struct {
	root  common.Hash
	facts map[common.Address]accountFacts
}

const proofMethod = "eth_getProof"

// prove asks for proofs, and for the header that they are checked against where its root is not known. The exchange is one of its own:
// whatever becomes of it says nothing of the provider's health.
func (p *provider) prove(ctx context.Context, at safe.Block, root common.Hash, of wanted) (proven, error) {
	accounts := slices.SortedFunc(maps.Keys(of), common.Address.Cmp)
	answers, err := p.askProofs(ctx, accounts, of, pin(at), at, root)
	var refused *rpcError
	if errors.As(err, &refused) && refused.code == codeInvalidParams { // it may take no hash; a proof of another block would be found out
		answers, err = p.askProofs(ctx, accounts, of, hexutil.Uint64(at.Number), at, root)
	}
	if err != nil {
		return proven{}, err
	}
	if root == (common.Hash{}) {
		if root, err = decodeStateRoot(answers[len(accounts)].result, at.Hash); err != nil {
			return proven{}, gave(err)
		}
	}
	got := proven{root: root, facts: map[common.Address]accountFacts{}}
	for i, account := range accounts {
		if got.facts[account], err = decodeProof(answers[i].result, root, account, of[account]); err != nil {
			return proven{}, gave(err)
		}
	}
	return got, nil
}

// askProofs asks for a proof of each account at a block, however that is named, and for its header where the root is not known.
func (p *provider) askProofs(ctx context.Context, accounts []common.Address, of wanted, block any, at safe.Block, root common.Hash) ([]response, error) {
	var requests []request
	for _, account := range accounts {
		requests = append(requests, request{proofMethod, []any{account, of[account], block}})
	}
	if root == (common.Hash{}) {
		requests = append(requests, request{"eth_getBlockByHash", []any{at.Hash, false}})
	}
	return catchUp(ctx, p, func() ([]response, error) { return p.aside(ctx, requests) })
}

// gave is the failure of a provider whose answer has the right shape and proves nothing.
func gave(what error) error {
	return &providerError{outcome: Malformed, text: "gave " + what.Error()}
}

// aside is call for what a provider need not serve: its failure is not remembered as the provider's, and the first refusal is
// that of all.
func (p *provider) aside(ctx context.Context, requests []request) ([]response, error) {
	began := time.Now()
	answers, err := p.roundTrip(ctx, requests)
	for _, a := range answers {
		if err == nil && a.err != nil {
			err = a.err
		}
	}
	p.observe(requests[0].method, outcomeOf(err), time.Since(began))
	return answers, err
}
