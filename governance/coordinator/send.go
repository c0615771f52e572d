package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// errLater says that a duty cannot be done yet although nothing is wrong: it is tried again soon.
var errLater = errors.New("not yet")

// errEnded says that the commit which stored the duty's outcome has acknowledged it as well.
var errEnded = errors.New("acknowledged already")

// hands lets one worker at a time touch a submission: launch sends it first, tend looks after it from then on.
type hands struct {
	mu   sync.Mutex
	full map[string]bool // guarded by mu
}

func newHands() *hands { return &hands{full: map[string]bool{}} }

// take gives the way to let go again, or false while another has it.
func (h *hands) take(submission string) (letGo func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.full[submission] {
		return nil, false
	}
	h.full[submission] = true
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.full, submission)
	}, true
}

func submissionID(proposal string, role governance.Purpose, subject common.Hash) string {
	return proposal + "/" + string(role) + "/" + subject.Hex()
}

// submit sends the SafeTx of a proven quorum whose turn it is. The signed bytes are stored in the same commit that ends the duty;
// only then the first byte leaves.
func (c *Coordinator) submit(ctx context.Context, d governance.Duty) error {
	p, err := c.cfg.Store.Proposal(d.Proposal)
	if err != nil {
		return err
	}
	if !p.Sendable() || p.Active().Hashes.SafeTx.Hex() != d.Target {
		return c.dropHeld(ctx, p) // the proposal moved on; its present SafeTx has a duty of its own
	}
	chain, err := c.chainOf(p)
	if err != nil {
		return err
	}
	t, err := c.turn(ctx, chain, d, p)
	if err != nil {
		return err
	}
	s := governance.Submission{ID: submissionID(p.ID, t.Purpose, t.Hashes.SafeTx), Proposal: p.ID, Role: t.Purpose, Chain: chain.Name,
		Subject: t.Hashes.SafeTx, Emergency: p.Kind.Emergency(), To: p.Safe.Address}
	if err := cmp.Or(c.yields(p, t), c.heldBack(ctx, chain, p)); err != nil {
		known, _ := c.submission(p.ID, s.ID)
		return c.hold(ctx, d, known, s, err)
	}
	if s.Data, err = c.bundle(ctx, chain, p, t); err != nil {
		known, _ := c.submission(p.ID, s.ID)
		return c.hold(ctx, d, known, s, err)
	}
	return c.launch(ctx, chain, d, s, t.Hashes == p.Active().Hashes)
}

// bundle packs what holds. Where the chain cannot be asked about contracts' words, an emergency takes them as they were given.
func (c *Coordinator) bundle(ctx context.Context, chain ChainConfig, p governance.Proposal, t *governance.SafeTx) ([]byte, error) {
	gone, err := c.unvouched(ctx, chain, p, t)
	if err != nil && !p.Kind.Emergency() {
		return nil, fmt.Errorf("ask the contracts that signed: %w", err)
	}
	data, err := packed(c.cfg.Store, p, t, gone...)
	if errors.Is(err, safe.ErrTooFewConfirmations) && len(gone) > 0 {
		return nil, fmt.Errorf("%s does not vouch for it any more, and too few others signed", gone[0].Hex())
	}
	return data, err
}

// dropHeld takes back what was said of a transaction that is not to be sent any more.
func (c *Coordinator) dropHeld(ctx context.Context, p governance.Proposal) error {
	known, err := c.cfg.Store.SubmissionsOf(p.ID)
	if err != nil {
		return err
	}
	for _, s := range known {
		if s.State != governance.SubmissionHeld {
			continue
		}
		after := s
		after.State, after.Problem = governance.SubmissionMoot, ""
		if err := c.note(ctx, s, after); err != nil {
			return err
		}
	}
	return nil
}

// executeOperation runs a ready timelock operation that anyone may run.
func (c *Coordinator) executeOperation(ctx context.Context, d governance.Duty) error {
	p, err := c.cfg.Store.Proposal(d.Proposal)
	if err != nil {
		return err
	}
	if !p.Runnable() {
		return c.dropHeld(ctx, p)
	}
	chain, err := c.chainOf(p)
	if err != nil {
		return err
	}
	s := governance.Submission{
		ID: submissionID(p.ID, governance.PurposeExecute, p.Timelock.ID), Proposal: p.ID, Role: governance.PurposeExecute, Chain: chain.Name,
		Subject: p.Timelock.ID, Emergency: p.Kind.Emergency(), To: p.Timelock.Execute.To, Data: p.Timelock.Execute.Data,
	}
	if err := c.heldBack(ctx, chain, p); err != nil {
		known, _ := c.submission(p.ID, s.ID)
		return c.hold(ctx, d, known, s, err)
	}
	return c.launch(ctx, chain, d, s, true)
}

// launch chooses key and price, signs, commits the bytes with the end of the duty, and broadcasts. A spare that goes first because
// its nonce comes first does not end the duty: when the spare loses its nonce, the active SafeTx is to be sent.
func (c *Coordinator) launch(ctx context.Context, chain ChainConfig, d governance.Duty, s governance.Submission, ends bool) error {
	letGo, ok := c.hands.take(s.ID)
	if !ok {
		return fmt.Errorf("%w: it is being sent", errLater)
	}
	defer letGo()
	known, err := c.submission(s.Proposal, s.ID)
	if err != nil && !errors.Is(err, governance.ErrNotFound) {
		return err
	}
	switch {
	case known.Open() && !ends:
		return fmt.Errorf("%w: a spare is on its way", errLater)
	case known.Open():
		return nil // on its way already: tend looks after it
	}
	m, err := c.market(ctx, chain, s)
	if err != nil {
		return c.hold(ctx, d, known, s, err)
	}
	s.Gas, s.State, s.CreatedAt = m.gas, governance.SubmissionSigned, time.Now().UTC()
	var done []string
	if ends {
		done = append(done, d.ID)
	}
	signed, err := c.signFirst(ctx, chain, s, m, done)
	if err != nil {
		return c.hold(ctx, d, known, s, err)
	}
	c.hints.dropMarket(s.ID)
	switch err := c.broadcast(ctx, chain, signed, signed.Attempts[0]); {
	case err != nil:
		return err
	case ends:
		return errEnded
	}
	return fmt.Errorf("%w: a spare is on its way", errLater)
}

// submission reads one submission as it is now.
func (c *Coordinator) submission(proposal, id string) (governance.Submission, error) {
	known, err := c.cfg.Store.SubmissionsOf(proposal)
	if err != nil {
		return governance.Submission{}, fmt.Errorf("read submissions of %s: %w", proposal, err)
	}
	if i := slices.IndexFunc(known, func(s governance.Submission) bool { return s.ID == id }); i >= 0 {
		return known[i], nil
	}
	return governance.Submission{}, fmt.Errorf("submission %s: %w", id, governance.ErrNotFound)
}

// signFirst chooses a key and its nonce, signs, and commits the bytes together with the end of the duty.
func (c *Coordinator) signFirst(ctx context.Context, chain ChainConfig, s governance.Submission, m market, done []string) (governance.Submission, error) {
	err := c.signWith(chain, s, m, "", func(key relay.KeyChoice, attempt governance.Attempt) error {
		s.Relayer, s.Nonce, s.Attempts = key.Address, key.Nonce, []governance.Attempt{attempt}
		_, err := c.commit(ctx, governance.Record{Submissions: []governance.Submission{s}, Done: done})
		return err
	})
	return s, err
}

// hold remembers why nothing is sent, where people see it, and keeps the duty. What was sent before and is over keeps its story.
func (c *Coordinator) hold(ctx context.Context, d governance.Duty, known, s governance.Submission, why error) error {
	later := fmt.Errorf("%w: %w", errLater, why)
	c.hints.dropMarket(s.ID) // what it said did not do: the next try asks anew, also where no block comes
	if ctx.Err() != nil || errors.Is(why, relay.ErrBusy) && c.hints.waited(d.ID, time.Now()) < silence {
		return later // nobody is told of a key that is busy for a block or two
	}
	s.State, s.Problem, s.CreatedAt, s.Attempts = governance.SubmissionHeld, why.Error(), time.Now().UTC(), known.Attempts
	if known.State == s.State {
		s.CreatedAt = known.CreatedAt
	}
	if err := c.note(ctx, known, s); err != nil {
		return err
	}
	return later
}

// note commits a submission whose state or problem changed. A problem that comes or goes changes the cards.
func (c *Coordinator) note(ctx context.Context, before, after governance.Submission) error {
	if before.State == after.State && before.Problem == after.Problem && before.Mined == after.Mined {
		return nil
	}
	c.cfg.Logger.Info("submission", "proposal_id", after.Proposal, "state", string(after.State), "reason", after.Problem)
	record := governance.Record{}
	c.keep(before, after)(&record)
	if _, err := c.commit(ctx, record); err != nil {
		return err
	}
	c.live.send(Notice{Proposal: after.Proposal, PublicID: c.ids.publicID(after.Proposal), Kind: "proposal", At: time.Now()})
	return nil
}

// keep puts a submission into a record. Where its problem comes or goes and no event brings the cards up to date anyway, they
// are owed.
func (c *Coordinator) keep(before, after governance.Submission) func(*governance.Record) {
	return func(r *governance.Record) {
		r.Submissions = append(r.Submissions, after)
		if before.Problem == after.Problem || r.State != nil {
			return
		}
		p, err := c.cfg.Store.Proposal(after.Proposal)
		if err != nil {
			return // the next event brings the cards up to date
		}
		mark := crypto.Keccak256Hash([]byte(after.ID + string(after.State) + after.Problem)).Hex()[2:10]
		for _, room := range c.cfg.Rooms {
			r.Add = append(r.Add, governance.Duty{ID: fmt.Sprintf("%s/%06d/%s/%s/%s", p.ID, p.Version, governance.DutyCard, room, mark),
				Kind: governance.DutyCard, Proposal: p.ID, Version: p.Version, Target: room, Due: time.Now().UTC()})
		}
	}
}

// signAttempt has the submission's own key sign it at a price.
func signAttempt(chain ChainConfig, s governance.Submission, bid relay.Bid, head safe.Block) (governance.Attempt, error) {
	for _, signer := range signersOf(chain) {
		if signer.Address() != s.Relayer {
			continue
		}
		raw, hash, err := signer.Sign(relay.Order(s, chain.ChainID, bid))
		return relay.Attempt(raw, hash, bid, head, time.Now().UTC()), err
	}
	return governance.Attempt{}, fmt.Errorf("no key of %s is configured any more", s.Relayer.Hex())
}

func signersOf(chain ChainConfig) []Signer {
	var all []Signer
	if chain.Relayer != nil {
		all = append(all, chain.Relayer)
	}
	return append(all, chain.Emergency...)
}

// silence is how long a quorum may stay unsent before people are told, so that one of them sends it from a wallet.
const silence = 20 * time.Second

// broadcast sends stored bytes to every provider. The first acceptance is told as a submission; it is not an execution.
func (c *Coordinator) broadcast(ctx context.Context, chain ChainConfig, s governance.Submission, a governance.Attempt) error {
	if err := c.spread(ctx, chain, s, a.Raw); err != nil {
		c.cfg.Logger.Warn("broadcast", "proposal_id", s.Proposal, "tx_hash", a.Hash.Hex(), "error", err)
		if errors.Is(err, safe.ErrUnderpriced) && !a.Taken && !a.TooLow {
			return c.keepSigned(ctx, s, relay.Underpriced(s, a))
		}
		return c.unsent(ctx, s, err) // the bytes are stored: tend sends them again
	}
	after := relay.Broadcast{Attempt: a}.After(s)
	if a.Taken && after.State == s.State && after.Problem == s.Problem && c.told(s.Proposal, a.Hash) {
		return nil // sent again; nothing is new
	}
	c.cfg.Observe("broadcasts_total", 1, "role", string(s.Role))
	sent := governance.Transaction{Role: s.Role, TxHash: a.Hash, SafeTxHash: c.safeTxOf(s)}
	_, err := c.change(ctx, s.Proposal, governance.Sent{Transaction: sent}, c.keep(s, after))
	c.hints.expectBlock(chain.Name)
	nudge(c.headsDue[chain.Name])
	return err
}

// unsent tells people when no provider has taken a transaction for too long, and why, as far as most of them agree about that.
func (c *Coordinator) unsent(ctx context.Context, s governance.Submission, why error) error {
	if s.State != governance.SubmissionSigned || time.Since(s.CreatedAt) < silence {
		return nil
	}
	after := s
	after.Problem = "no provider takes the transaction"
	for _, class := range []error{safe.ErrNonceTooLow, safe.ErrUnderpriced, safe.ErrInsufficientFunds} {
		if errors.Is(why, class) {
			after.Problem += ": " + class.Error()
		}
	}
	return c.note(ctx, s, after)
}

// told reports whether the proposal knows a transaction already.
func (c *Coordinator) told(proposal string, tx common.Hash) bool {
	p, err := c.cfg.Store.Proposal(proposal)
	return err == nil && slices.ContainsFunc(p.Transactions, func(t governance.Transaction) bool { return t.TxHash == tx })
}

// safeTxOf is the SafeTx that a submission carries; zero for the execution of an operation by anyone.
func (c *Coordinator) safeTxOf(s governance.Submission) common.Hash {
	p, err := c.cfg.Store.Proposal(s.Proposal)
	if err != nil || p.SafeTx(s.Subject) == nil {
		return common.Hash{}
	}
	return s.Subject
}
