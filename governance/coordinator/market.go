package coordinator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// market is what has to be known to send.
type market struct {
	head safe.Block
	fees safe.Fees
	gas  uint64
	keys []relay.KeyState // what each has on its way comes from the store when one is chosen
	at   time.Time
}

// marketLife is how long what was prepared is good to send by: a slot of Ethereum and a half. What is sent is mined in a later block anyway,
// and its bid leaves room for fees that rise.
const marketLife = 18 * time.Second

// market gives what was prepared, or asks for everything at once. When the providers do not agree, an emergency goes by whatever
// is known last, and then by any provider's word.
func (c *Coordinator) market(ctx context.Context, chain ChainConfig, s governance.Submission) (market, error) {
	if len(signersOf(chain)) == 0 {
		return market{}, governance.Refuse(governance.CodeRelayerUnfunded, "name a relayer key in the configuration of the chain", "no relayer key is configured")
	}
	ready, fits := c.preparedMarket(chain, s, time.Now())
	if !fits && c.hints.awaitPreparing(ctx, s.ID, almostPrepared) {
		ready, fits = c.preparedMarket(chain, s, time.Now())
	}
	if fits {
		return c.keysAnew(ctx, chain, s.Emergency, ready)
	}
	m, err := c.askMarket(ctx, chain, s)
	switch {
	case err == nil || !s.Emergency:
		return m, err
	case !ready.at.IsZero():
		return ready, nil
	}
	return c.anyMarket(ctx, chain, s)
}

// almostPrepared is how long a submission waits for what is being prepared for it just then, as where the last signatures come in one
// breath: less than to ask for it all again would take.
const almostPrepared = 25 * time.Millisecond

// preparedMarket gives what was prepared, if anything was, and whether it is still good to send by.
func (c *Coordinator) preparedMarket(chain ChainConfig, s governance.Submission, now time.Time) (ready market, fits bool) {
	ready, known := c.hints.market(s.ID)
	head, fresh := c.hints.freshHead(chain.Name, now)
	if s.Emergency && now.Sub(ready.at) < marketLife || fresh && ready.head == head {
		return ready, known
	}
	// The last look found nothing against it, and a block that came since is looked at within a second.
	return ready, known && ready.head == c.hints.looked(chain.Name) && now.Sub(ready.at) < marketLife
}

// keysAnew reads the relayer again where a block came since the rest was prepared: it may have taken a nonce. An emergency does not wait
// for that; a nonce that is gone is found out and replaced.
func (c *Coordinator) keysAnew(ctx context.Context, chain ChainConfig, emergency bool, m market) (_ market, err error) {
	if head := c.hints.head(chain.Name); !emergency && head != m.head && chain.Relayer != nil {
		m.keys, err = keysAt(ctx, chain, head, chain.Relayer)
	}
	return m, err
}

// keysAhead has what keysAnew will read in the memory of the chain's client. A reading that fails is no matter.
func (c *Coordinator) keysAhead(ctx context.Context, chain ChainConfig, p governance.Proposal) {
	t := almostSigned(&p)
	if t == nil {
		return
	}
	if ready, known := c.hints.market(submissionID(p.ID, t.Purpose, t.Hashes.SafeTx)); known {
		_, _ = c.keysAnew(ctx, chain, p.Kind.Emergency(), ready)
	}
}

// askMarket asks for what the providers agree on. An emergency whose gas cannot be estimated goes out with a limit that is ample.
func (c *Coordinator) askMarket(ctx context.Context, chain ChainConfig, s governance.Submission) (market, error) {
	m := market{at: time.Now()}
	var err error
	if m.head, m.fees, err = chain.Chain.Recent(ctx); err != nil {
		return m, fmt.Errorf("read head: %w", err)
	}
	return m, together(
		func() (err error) { m.gas, err = c.gasOf(ctx, chain, m.fees, s); return },
		func() (err error) { m.keys, err = keysAt(ctx, chain, m.head, signersOf(chain)...); return },
	)
}

// gasOf estimates what a submission needs.
func (c *Coordinator) gasOf(ctx context.Context, chain ChainConfig, fees safe.Fees, s governance.Submission) (uint64, error) {
	estimate, err := chain.Chain.EstimateGas(ctx, signersOf(chain)[0].Address(), s.To, s.Data)
	if err != nil && !s.Emergency {
		return 0, reverting(err)
	}
	// An estimate is the least with which the Safe does not revert. What people saw simulated may need more to have its effect.
	return relay.Gas(max(estimate, c.simulatedGas(s)), gasCap(chain, fees)), nil
}

// reverting turns the answer that a call reverts into the problem that people read; whatever else went wrong stays as it is.
func reverting(err error) error {
	if !errors.Is(err, safe.ErrReverted) {
		return err
	}
	_, reason, _ := strings.Cut(err.Error(), safe.ErrReverted.Error()+": ")
	return errors.New(governance.RevertProblem + cmp.Or(reason, "no reason was given"))
}

// simulatedGas is what the simulation used that people saw; 0 where it is not known.
func (c *Coordinator) simulatedGas(s governance.Submission) uint64 {
	p, err := c.cfg.Store.Proposal(s.Proposal)
	if err != nil || p.Simulation == nil || p.Simulation.GasUsed == 0 {
		return 0
	}
	return neededGas(*p.Simulation, p.SafeTxs[0].Tx, p.Threshold)
}

// gasAsSimulated is the gas to send with after a simulation that succeeded.
func gasAsSimulated(s safe.Simulation, t safe.Tx, threshold int, most uint64) uint64 {
	return relay.Gas(neededGas(s, t, threshold), most)
}

// neededGas is what a simulated transaction needs once it is really signed, and what the Safe wants to see left before the
// call when the signers asked for that.
func neededGas(s safe.Simulation, t safe.Tx, threshold int) uint64 {
	return s.Needs() + signatureGas*uint64(threshold) + safe.GasAsked(t) //nolint:gosec // a handful of owners
}

// signatureGas covers what a simulation with stood-in signatures leaves out of each real one: its calldata and its recovery.
const signatureGas = 8_000

// keysAt reads relayers of a chain.
func keysAt(ctx context.Context, chain ChainConfig, at safe.Block, signers ...Signer) ([]relay.KeyState, error) {
	var keys []relay.KeyState
	var addresses []common.Address
	for _, signer := range signers {
		keys = append(keys, keyOf(chain, signer))
		addresses = append(addresses, signer.Address())
	}
	accounts, err := chain.Chain.Accounts(ctx, at, addresses...)
	if err != nil {
		return nil, fmt.Errorf("read the relayers: %w", err)
	}
	for i := range keys {
		keys[i].Account = accounts[i]
	}
	return keys, nil
}

func keyOf(chain ChainConfig, signer Signer) relay.KeyState {
	return relay.KeyState{Address: signer.Address(), Emergency: chain.Relayer == nil || signer.Address() != chain.Relayer.Address()}
}

// anyMarket goes by what single providers say. One that lies about the nonce or the fees costs a try or some gas.
func (c *Coordinator) anyMarket(ctx context.Context, chain ChainConfig, s governance.Submission) (market, error) {
	m := market{at: time.Now(), gas: relay.Gas(c.simulatedGas(s), gasCap(chain, safe.Fees{}))}
	for _, signer := range signersOf(chain) {
		key := keyOf(chain, signer)
		account, head, fees, err := chain.Chain.AnyAccount(ctx, signer.Address())
		if err != nil {
			return m, fmt.Errorf("read the relayer: %w", err)
		}
		fees.Unpriced = false // one word must not keep an emergency from being sent
		key.Account, m.head, m.fees = account, head, fees
		m.keys = append(m.keys, key)
	}
	return m, nil
}

// prepare asks, while the last signature is still missing, for all that sending will need. It costs nothing but readings, and
// nothing rests on it.
func (c *Coordinator) prepare(ctx context.Context, chain ChainConfig, head safe.Block, fees safe.Fees, p governance.Proposal) error {
	t := almostSigned(&p)
	if t == nil || len(signersOf(chain)) == 0 {
		return nil
	}
	id := submissionID(p.ID, t.Purpose, t.Hashes.SafeTx)
	if ready, known := c.hints.market(id); known && ready.head == head {
		return nil
	}
	defer c.hints.preparing(id)()
	m := market{head: head, fees: fees, at: time.Now()}
	var s safe.Simulation
	var failed error
	err := together(
		func() error {
			s, failed = chain.Chain.Simulate(ctx, safe.SimulationRequest{At: head, From: signersOf(chain)[0].Address(), Safe: p.Safe.Address,
				Version: p.Safe.Version, Tx: t.Tx, Owners: p.Owners})
			return nil
		},
		func() (err error) { m.keys, err = keysAt(ctx, chain, head, signersOf(chain)...); return },
	)
	if err != nil || !p.Kind.Emergency() && (failed != nil || !s.OK) {
		return cmp.Or(err, failed)
	}
	most := gasCap(chain, fees)
	if m.gas = relay.Gas(0, most); failed == nil && s.OK {
		m.gas = gasAsSimulated(s, t.Tx, p.Threshold, most)
	}
	c.hints.keepMarket(id, m)
	return nil
}

// almostSigned is the SafeTx that the next signature can make ready to be sent: one is missing at the Safe's present nonce.
func almostSigned(p *governance.Proposal) *governance.SafeTx {
	for i := range p.SafeTxs {
		if t := &p.SafeTxs[i]; t.State == governance.TxAsking && t.Tx.Nonce == p.SafeNonce && p.Missing(t) <= 1 {
			return t
		}
	}
	return nil
}

// carried gives each key with what it has on its way, besides the submission that is to be sent anew.
func (c *Coordinator) carried(chain ChainConfig, keys []relay.KeyState, except string) ([]relay.KeyState, error) {
	open, err := c.cfg.Store.Submissions()
	if err != nil {
		return nil, fmt.Errorf("read submissions: %w", err)
	}
	loaded := make([]relay.KeyState, len(keys))
	for i, key := range keys {
		key.Open = nil
		for _, s := range open {
			if s.Chain == chain.Name && s.Relayer == key.Address && s.ID != except {
				key.Open = append(key.Open, relay.Carried{Submission: s, Spent: c.subject(s).Spent()})
			}
		}
		loaded[i] = key
	}
	return loaded, nil
}

// choose picks the key to send with, and the price. It bids above displaced, if the cap allows it: those are not at the same relayer
// nonce, so that a pool takes the bid without it.
func choose(chain ChainConfig, s governance.Submission, m market, keys []relay.KeyState, displaced []governance.Attempt) (relay.KeyChoice, relay.Bid, error) {
	if m.fees.Unpriced && !chain.Legacy {
		return relay.KeyChoice{}, relay.Bid{}, governance.Refuse(governance.CodeRelayerUnfunded, "write legacy: true for the chain, or send it from a wallet",
			"the headers of %s carry no base fee, and legacy transactions are not configured", chain.Name)
	}
	caps := relay.Caps{MaxFee: chain.Fees.Routine, EmergencyMaxFee: chain.Fees.Emergency}
	first, err := relay.Price(s.Emergency, m.fees, nil, caps)
	if err != nil {
		return relay.KeyChoice{}, relay.Bid{}, err
	}
	// A key must at least pay for today's base fee and the tip; the cap on top is lowered to what it affords.
	need := cost(m.gas, lesser(sum(m.fees.BaseFee, first.TipCap), first.FeeCap))
	key, err := relay.ChooseKey(keys, s.Emergency, need)
	if err != nil {
		return key, relay.Bid{}, err
	}
	for _, k := range keys {
		if k.Address == key.Address {
			caps = caps.Afford(k.Account.Balance, m.gas)
		}
	}
	rivals := key.Rivals()
	bid, err := relay.Price(s.Emergency, m.fees, slices.Concat(rivals, displaced), caps)
	if errors.Is(err, relay.ErrAtCap) && len(displaced) > 0 {
		bid, err = relay.Price(s.Emergency, m.fees, rivals, caps)
	}
	return key, bid, err
}

// withinBudget keeps the routine lane to what it may spend in a day, counted at the most that each transaction could cost.
func (c *Coordinator) withinBudget(chain ChainConfig, s governance.Submission, bid relay.Bid) error {
	if s.Emergency || chain.Fees.DailyBudget.IsZero() {
		return nil
	}
	since := time.Now().Add(-24 * time.Hour)
	recent, err := c.cfg.Store.RecentSubmissions(since)
	if err != nil {
		return fmt.Errorf("count the day's spending: %w", err)
	}
	spent := cost(s.Gas, bid.FeeCap)
	for _, known := range recent {
		if n := len(known.Attempts); n > 0 && known.Chain == chain.Name && !known.Emergency && known.ID != s.ID && known.Attempts[n-1].At.After(since) {
			spent = sum(spent, mostOf(known))
		}
	}
	if spent.Gt(&chain.Fees.DailyBudget) {
		return governance.Refuse(governance.CodeRelayerUnfunded, "wait, raise daily_budget, or send it from a wallet", "the routine lane could spend %s wei in a day, its budget is %s", spent.Dec(), chain.Fees.DailyBudget.Dec())
	}
	return nil
}

// mostOf is the most that a submission can have cost; nothing while nothing was signed.
func mostOf(s governance.Submission) uint256.Int {
	if len(s.Attempts) == 0 {
		return uint256.Int{}
	}
	fee, err := uint256.FromDecimal(s.Attempts[len(s.Attempts)-1].FeeCap)
	if err != nil {
		return uint256.Int{}
	}
	return cost(s.Gas, *fee)
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
