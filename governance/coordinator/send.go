package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"golang.org/x/sync/errgroup"
)

// errLater says that a duty cannot be done yet although nothing is wrong: it is tried again soon.
var errLater = errors.New("not yet")

// submit sends the active SafeTx of a proven quorum. The signed bytes are stored in the same commit that ends the duty;
// only then the first byte leaves.
func (c *Coordinator) submit(ctx context.Context, d governance.Duty) error {
	p, err := c.cfg.Store.Proposal(d.Proposal)
	if err != nil || !p.Sendable() {
		return err
	}
	t := p.Active()
	if t.Hashes.SafeTx.Hex() != d.Target {
		return nil // the proposal moved on; its present SafeTx has a duty of its own
	}
	chain, err := c.chainOf(p)
	if err != nil {
		return err
	}
	if err := c.turn(ctx, chain, p, t); err != nil {
		return err
	}
	data, err := packed(c.cfg.Store, p, t)
	if err != nil {
		return err
	}
	return c.launch(ctx, chain, d, governance.Submission{
		ID: d.Proposal + "/" + string(t.Purpose) + "/" + d.Target, Proposal: p.ID, Role: t.Purpose, Chain: chain.Name, Subject: t.Hashes.SafeTx,
		Emergency: p.Kind.Emergency(), To: p.Safe.Address, Data: data,
	})
}

// executeOperation runs a ready timelock operation that anyone may run.
func (c *Coordinator) executeOperation(ctx context.Context, d governance.Duty) error {
	p, err := c.cfg.Store.Proposal(d.Proposal)
	if err != nil || p.State != governance.StateReady || p.Effect() != nil {
		return err
	}
	chain, err := c.chainOf(p)
	if err != nil {
		return err
	}
	return c.launch(ctx, chain, d, governance.Submission{
		ID: d.Proposal + "/" + string(governance.PurposeExecute) + "/" + d.Target, Proposal: p.ID, Role: governance.PurposeExecute, Chain: chain.Name,
		Subject: p.Timelock.ID, Emergency: p.Kind.Emergency(), To: p.Timelock.Execute.To, Data: p.Timelock.Execute.Data,
	})
}

// turn says whether the SafeTx's nonce is the Safe's present one, and holds a routine transaction while an emergency of the
// same Safe is open. A proven emergency is never held back by a reading that could not be had: the chain checks it all itself.
func (c *Coordinator) turn(ctx context.Context, chain ChainConfig, p governance.Proposal, t *governance.SafeTx) error {
	state, err := chain.Chain.SafeState(ctx, p.Safe.Address)
	switch {
	case err != nil && p.Kind.Emergency():
		return nil
	case err != nil:
		return fmt.Errorf("read safe: %w", err)
	case state.Nonce < t.Tx.Nonce:
		return fmt.Errorf("%w: the Safe is at nonce %d, this uses %d", errLater, state.Nonce, t.Tx.Nonce)
	case state.Nonce > t.Tx.Nonce:
		return fmt.Errorf("%w: nonce %d is gone; the watch tells what used it", errLater, t.Tx.Nonce)
	case p.Kind.Emergency():
		return nil
	}
	others, err := c.unended()
	if err != nil {
		return err
	}
	for _, o := range others {
		if rival := o.Active(); o.Kind.Emergency() && rival != nil && open(*rival) && o.Safe.Address == p.Safe.Address && o.Safe.ChainID == p.Safe.ChainID && rival.Tx.Nonce == t.Tx.Nonce {
			return fmt.Errorf("%w: held for the emergency %s", errLater, o.ID)
		}
	}
	return nil
}

// launch chooses key and price, signs, commits the bytes with the end of the duty, and broadcasts.
func (c *Coordinator) launch(ctx context.Context, chain ChainConfig, d governance.Duty, s governance.Submission) error {
	ongoing, err := c.cfg.Store.SubmissionsOf(s.Proposal)
	if err != nil {
		return err
	}
	for _, known := range ongoing {
		if known.ID == s.ID && known.Open() {
			return nil // on its way already: drive looks after it
		}
	}
	m, err := c.market(ctx, chain, s)
	if err != nil {
		return c.hold(ctx, s, err)
	}
	s.Gas, s.State, s.CreatedAt = m.gas, governance.SubmissionSigned, time.Now().UTC()
	signed, err := c.signFirst(ctx, chain, d, s, m)
	if err != nil {
		return c.hold(ctx, s, err)
	}
	return c.broadcast(ctx, chain, signed, signed.Attempts[0])
}

// signFirst chooses a key and its nonce, signs, and commits the bytes together with the end of the duty. One at a time: two that
// choose from the same reading would sign the same nonce.
func (c *Coordinator) signFirst(ctx context.Context, chain ChainConfig, d governance.Duty, s governance.Submission, m market) (governance.Submission, error) {
	c.signing.Lock()
	defer c.signing.Unlock()
	if err := c.carried(chain, m.keys); err != nil {
		return s, err
	}
	key, bid, err := c.choose(chain, s, m)
	if err != nil {
		return s, err
	}
	s.Relayer, s.Nonce = key.Address, key.Nonce
	if err := c.withinBudget(chain, s, bid); err != nil {
		return s, err
	}
	attempt, err := signAttempt(chain, s, bid, m.head)
	if err != nil {
		return s, fmt.Errorf("sign: %w", err)
	}
	s.Attempts = []governance.Attempt{attempt}
	_, err = c.commit(ctx, governance.Record{Submissions: []governance.Submission{s}, Done: []string{d.ID}})
	return s, err
}

// market is what has to be known to send.
type market struct {
	head safe.Block
	fees safe.Fees
	gas  uint64
	keys []relay.KeyState
}

// market asks for everything at once. An emergency whose gas cannot be estimated goes out with a limit that is ample, and
// where the providers do not agree on prices and keys it goes out at the word of the freshest one.
func (c *Coordinator) market(ctx context.Context, chain ChainConfig, s governance.Submission) (market, error) {
	signers := signersOf(chain)
	if len(signers) == 0 {
		return market{}, governance.Refuse(governance.CodeRelayerUnfunded, "name a relayer key in the configuration of the chain", "no relayer key is configured")
	}
	m, err := agreedMarket(ctx, chain, s, signers)
	if err != nil && s.Emergency {
		c.cfg.Logger.Warn("send without agreement", "proposal_id", s.Proposal, "error", err)
		m.keys, m.head, m.fees, err = anyKeys(ctx, chain, signers)
	}
	return m, err
}

// agreedMarket is the market as enough providers say it is.
func agreedMarket(ctx context.Context, chain ChainConfig, s governance.Submission, signers []Signer) (market, error) {
	m := market{gas: relay.Gas(0, 0), keys: make([]relay.KeyState, len(signers))}
	group, asking := errgroup.WithContext(ctx)
	group.Go(func() (err error) { m.head, m.fees, err = chain.Chain.Head(asking); return })
	group.Go(func() error {
		estimate, err := chain.Chain.EstimateGas(asking, signers[0].Address(), s.To, s.Data)
		if err != nil && !s.Emergency {
			return fmt.Errorf("estimate gas: %w", err)
		}
		m.gas = relay.Gas(estimate, 0)
		return nil
	})
	for i, signer := range signers {
		group.Go(func() (err error) {
			m.keys[i].Address, m.keys[i].Emergency = signer.Address(), isEmergencyKey(chain, signer)
			m.keys[i].Account, err = chain.Chain.Account(asking, signer.Address())
			return
		})
	}
	return m, group.Wait()
}

// anyKeys asks each provider by itself. A wrong word costs gas; a pause that is held back costs the protocol.
func anyKeys(ctx context.Context, chain ChainConfig, signers []Signer) (keys []relay.KeyState, head safe.Block, fees safe.Fees, err error) {
	keys = make([]relay.KeyState, len(signers))
	for i, signer := range signers {
		keys[i].Address, keys[i].Emergency = signer.Address(), isEmergencyKey(chain, signer)
		if keys[i].Account, head, fees, err = chain.Chain.AnyAccount(ctx, signer.Address()); err != nil {
			return nil, head, fees, err
		}
	}
	return keys, head, fees, nil
}

func isEmergencyKey(chain ChainConfig, signer Signer) bool {
	return chain.Relayer == nil || signer.Address() != chain.Relayer.Address()
}

// carried adds to each key what it has on its way.
func (c *Coordinator) carried(chain ChainConfig, keys []relay.KeyState) error {
	open, err := c.cfg.Store.Submissions()
	if err != nil {
		return fmt.Errorf("read submissions: %w", err)
	}
	for i := range keys {
		keys[i].Open = nil
	}
	for _, s := range open {
		for i := range keys {
			if s.Chain == chain.Name && s.Relayer == keys[i].Address {
				keys[i].Open = append(keys[i].Open, relay.Carried{Submission: s, Spent: c.subject(s).Spent()})
			}
		}
	}
	return nil
}

func (c *Coordinator) choose(chain ChainConfig, s governance.Submission, m market) (relay.KeyChoice, relay.Bid, error) {
	caps := relay.Caps{MaxFee: chain.Fees.Routine, EmergencyMaxFee: chain.Fees.Emergency}
	first, err := relay.Price(s.Emergency, m.fees, nil, caps)
	if err != nil {
		return relay.KeyChoice{}, relay.Bid{}, err
	}
	// A key must at least pay for today's base fee and the tip; the cap on top is lowered to what it affords.
	need := cost(m.gas, lesser(sum(m.fees.BaseFee, first.TipCap), first.FeeCap))
	key, err := relay.ChooseKey(m.keys, s.Emergency, need)
	if err != nil {
		return key, relay.Bid{}, err
	}
	for _, k := range m.keys {
		if k.Address == key.Address {
			caps = caps.Afford(k.Account.Balance, m.gas)
		}
	}
	bid, err := relay.Price(s.Emergency, m.fees, key.Rivals(), caps)
	return key, bid, err
}

// withinBudget keeps the routine lane to what it may spend in a day, counted at the most that each transaction could cost.
func (c *Coordinator) withinBudget(chain ChainConfig, s governance.Submission, bid relay.Bid) error {
	if s.Emergency || chain.Fees.DailyBudget.IsZero() {
		return nil
	}
	recent, err := c.cfg.Store.Proposals("", pageSize)
	if err != nil {
		return err
	}
	spent := cost(s.Gas, bid.FeeCap)
	for _, p := range recent {
		of, err := c.cfg.Store.SubmissionsOf(p.ID)
		if err != nil {
			return err
		}
		for _, known := range of {
			if n := len(known.Attempts); n > 0 && !known.Emergency && known.Chain == chain.Name && known.ID != s.ID && time.Since(known.CreatedAt) < 24*time.Hour {
				fee, _ := uint256.FromDecimal(known.Attempts[n-1].FeeCap)
				if fee != nil {
					spent = sum(spent, cost(known.Gas, *fee))
				}
			}
		}
	}
	if spent.Gt(&chain.Fees.DailyBudget) {
		return governance.Refuse(governance.CodeRelayerUnfunded, "wait, raise daily_budget, or send it from a wallet", "the routine lane could spend %s wei in a day, its budget is %s", spent.Dec(), chain.Fees.DailyBudget.Dec())
	}
	return nil
}

// hold remembers why nothing is sent, where people see it, and keeps the duty.
func (c *Coordinator) hold(ctx context.Context, s governance.Submission, why error) error {
	s.State, s.Problem, s.CreatedAt = governance.SubmissionHeld, why.Error(), time.Now().UTC()
	if c.saysAlready(s) {
		return fmt.Errorf("%w: %w", errLater, why)
	}
	if _, err := c.commit(ctx, governance.Record{Submissions: []governance.Submission{s}}); err != nil {
		return err
	}
	c.cfg.Logger.Warn("cannot send", "proposal_id", s.Proposal, "reason", s.Problem)
	c.live.send(Notice{Proposal: s.Proposal, PublicID: c.ids.publicID(s.Proposal), Kind: "proposal", At: time.Now()})
	return fmt.Errorf("%w: %w", errLater, why)
}

// saysAlready reports whether the store holds the same problem of the same submission.
func (c *Coordinator) saysAlready(s governance.Submission) bool {
	known, err := c.cfg.Store.SubmissionsOf(s.Proposal)
	return err == nil && slices.ContainsFunc(known, func(k governance.Submission) bool {
		return k.ID == s.ID && k.State == s.State && k.Problem == s.Problem
	})
}

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

// broadcast sends stored bytes to every provider. The first acceptance is told as a submission; it is not an execution.
func (c *Coordinator) broadcast(ctx context.Context, chain ChainConfig, s governance.Submission, a governance.Attempt) error {
	if err := chain.Chain.Broadcast(ctx, a.Raw); err != nil {
		c.cfg.Logger.Warn("broadcast", "proposal_id", s.Proposal, "tx_hash", a.Hash.Hex(), "error", err)
		return nil // the bytes are stored: drive sends them again on every block
	}
	after := relay.Broadcast{Attempt: a}.After(s)
	if after.State == s.State && after.Problem == s.Problem && c.told(s.Proposal, a.Hash) {
		return nil // sent again; nothing is new
	}
	c.cfg.Observe("broadcasts_total", 1, "role", string(s.Role))
	sent := governance.Transaction{Role: s.Role, TxHash: a.Hash, SafeTxHash: c.safeTxOf(s)}
	_, err := c.change(ctx, s.Proposal, governance.Sent{Transaction: sent}, keep(after))
	return err
}

// told reports whether the proposal knows a transaction already.
func (c *Coordinator) told(proposal string, tx common.Hash) bool {
	p, err := c.cfg.Store.Proposal(proposal)
	return err == nil && slices.ContainsFunc(p.Transactions, func(t governance.Transaction) bool { return t.TxHash == tx })
}

func keep(s governance.Submission) func(*governance.Record) {
	return func(r *governance.Record) { r.Submissions = append(r.Submissions, s) }
}

// safeTxOf is the SafeTx that a submission carries; zero for the execution of an operation by anyone.
func (c *Coordinator) safeTxOf(s governance.Submission) common.Hash {
	if id, err := c.cfg.Store.BySafeTxHash(s.Subject); err == nil && id == s.Proposal {
		return s.Subject
	}
	return common.Hash{}
}

func cost(gas uint64, price uint256.Int) uint256.Int {
	return *new(uint256.Int).Mul(uint256.NewInt(gas), &price)
}

func sum(a, b uint256.Int) uint256.Int { return *new(uint256.Int).Add(&a, &b) }

func lesser(a, b uint256.Int) uint256.Int {
	if a.Lt(&b) {
		return a
	}
	return b
}
