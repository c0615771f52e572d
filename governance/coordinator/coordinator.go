package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"belay/governance"
	"belay/governance/timelock"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"golang.org/x/sync/errgroup"
)

// Config is everything that the coordinator works with. All of it is fixed while it runs; a reload makes a new one.
type Config struct {
	Store     Store
	Chains    map[string]ChainConfig // by name
	Safes     map[string]SafeConfig  // by name
	Timelocks map[string]TimelockConfig
	Playbooks map[string]*governance.Playbook
	Members   []Member
	Groups    map[string][]string // role → platform group ids that vouch for it ("slack/S1", "discord/9")
	Labels    map[common.Address]string
	Functions []calldata.Function // from ABI files, besides those of the playbooks
	Events    []calldata.Event    // from ABI files
	Contracts []ContractConfig    // from ABI files that are bound to one contract

	PublicURL   string
	PublicNames bool
	Manifest    governance.Vouched // who vouches for all of the above; see vouched
	Rooms       []string           // platforms that carry cards
	Secret      [32]byte           // derives public ids and read keys; stays the same for the life of the store

	Handler    Handler              // nil: no chat
	Deliverers map[string]Deliverer // by room

	Logger  *slog.Logger
	Observe func(metric string, value float64, labels ...string) // may be nil
}

// ChainConfig is one chain.
type ChainConfig struct {
	Chain         Chain
	Name          string
	ChainID       uint64
	Confirmations uint64 // head − inclusion + 1 that counts as final; 0 means the finalized tag
	Single        bool   // one provider only: nothing is checked against a second one
	Explorer      string
	Relayer       Signer   // the routine lane's key, and the emergency lane's last resort; nil: nothing is sent from here
	Emergency     []Signer // the emergency lane's keys
	Fees          FeeCaps
	GasCap        uint64 // most gas units of one transaction; 0: relay.MaxGas
	Legacy        bool   // the chain takes transactions of type 0 alone
	PrivateFirst  bool   // what is new goes to the private endpoints alone, until a block has passed without it
	// Powers names every power that a relayer of this chain has over what is guarded; none is as it should be. It is asked now and
	// then, because a power can be given after the start. nil: not asked.
	Powers func(ctx context.Context) ([]Power, error)
}

// FeeCaps are the most that each lane bids, in wei per gas, and what the routine lane may spend a day, in wei (zero: no limit).
type FeeCaps struct {
	Routine, Emergency, DailyBudget uint256.Int
}

// SafeConfig is one guarded Safe.
type SafeConfig struct {
	Name, Chain     string
	Address         common.Address
	AllowUnverified bool // its code is none that was published, and the operator knows it
}

// TimelockConfig is one guarded timelock.
type TimelockConfig struct {
	Name, Chain, Kind string
	Address           common.Address
	Canceller         string // the Safe that may veto in it; "": none is known
}

// Coordinator runs the use-cases and the loops. Its methods may be called from any goroutine.
type Coordinator struct {
	cfg    Config
	books  map[string]*calldata.Book // by chain
	ids    identities
	people people
	links  *challenges
	live   *audience
	hints  *hints

	dutiesDue, inboxDue chan struct{}            // something may be due; one buffered token each
	headsDue            map[string]chan struct{} // by chain: there may be something to look at

	proposing sync.Mutex    // numbers and nonces are handed out under it; no reading is waited for
	signing   sync.Mutex    // one relayer nonce is chosen, signed and stored at a time
	hands     *hands        // one worker at a time has a submission in its hands
	fence     atomic.Uint64 // set by Run before anything acts
}

// New checks the configuration's joints and makes a coordinator. It starts nothing.
func New(cfg Config) (*Coordinator, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, float64, ...string) {}
	}
	if err := cfg.joined(); err != nil {
		return nil, err
	}
	ids, err := newIdentities(cfg.Secret)
	if err != nil {
		return nil, err
	}
	books, err := newBooks(cfg)
	if err != nil {
		return nil, fmt.Errorf("prepare words: %w", err)
	}
	c := &Coordinator{
		cfg: cfg, ids: ids, books: books, people: newPeople(cfg), links: newChallenges(), live: newAudience(), hints: newHints(),
		dutiesDue: make(chan struct{}, 1), inboxDue: make(chan struct{}, 1), headsDue: map[string]chan struct{}{}, hands: newHands(),
	}
	for name := range cfg.Chains {
		c.headsDue[name] = make(chan struct{}, 1)
	}
	return c, nil
}

// joined proves that everything that is named is there, so that no name is missing when it is needed.
func (cfg Config) joined() error {
	for name, s := range cfg.Safes {
		if _, ok := cfg.Chains[s.Chain]; !ok {
			return fmt.Errorf("safe %s: no chain %q is configured", name, s.Chain)
		}
	}
	for name, t := range cfg.Timelocks {
		if _, ok := cfg.Chains[t.Chain]; !ok {
			return fmt.Errorf("timelock %s: no chain %q is configured", name, t.Chain)
		}
		if canceller, ok := cfg.Safes[t.Canceller]; t.Canceller != "" && (!ok || canceller.Chain != t.Chain) {
			return fmt.Errorf("timelock %s: its canceller %q is no Safe on its chain", name, t.Canceller)
		}
		if _, err := timelock.New(t.Kind, t.Address); err != nil {
			return fmt.Errorf("timelock %s: %w", name, err)
		}
	}
	for _, name := range own {
		if cfg.Playbooks[name] != nil {
			return fmt.Errorf("playbook %s: the name is Belay's own; choose another", name)
		}
	}
	for name, pb := range cfg.Playbooks {
		if err := cfg.placed(pb); err != nil {
			return fmt.Errorf("playbook %s: %w", name, err)
		}
	}
	return nil
}

// placed proves that a playbook's Safe and timelock are there, on one chain.
func (cfg Config) placed(pb *governance.Playbook) error {
	guarded, ok := cfg.Safes[pb.Safe]
	if !ok {
		return fmt.Errorf("no safe %q is configured", pb.Safe)
	}
	if pb.Via == governance.Direct {
		return nil
	}
	switch t, ok := cfg.Timelocks[pb.Via]; {
	case !ok:
		return fmt.Errorf("no timelock %q is configured", pb.Via)
	case t.Chain != guarded.Chain:
		return fmt.Errorf("safe %s and timelock %s are on different chains", pb.Safe, pb.Via)
	}
	return nil
}

// Run leads and works until ctx ends or leadership is lost. It owns every goroutine that it starts and returns when all
// have stopped. Whatever the last commit left owed is picked up first.
func (c *Coordinator) Run(ctx context.Context) error {
	leading, fence, err := c.cfg.Store.Lead(ctx)
	if err != nil {
		return fmt.Errorf("lead: %w", err)
	}
	c.fence.Store(fence)
	if err := c.findRestless(); err != nil {
		return err
	}
	group, acting := errgroup.WithContext(leading)
	for name := range c.cfg.Chains {
		group.Go(func() error { return c.follow(acting, name) })
		group.Go(func() error { return c.tend(acting, name) })
		group.Go(func() error { return c.guardPowers(acting, name) })
		group.Go(func() error { return c.guardSetups(acting, name) })
		group.Go(func() error { return c.guardMoney(acting, name) })
	}
	group.Go(func() error { return c.workDuties(acting) })
	group.Go(func() error { return c.workInbox(acting) })
	group.Go(func() error { return c.keepTime(acting) })
	err = group.Wait()
	switch {
	case ctx.Err() != nil:
		return nil // asked to stop
	case leading.Err() != nil:
		return fmt.Errorf("leadership is lost: %w", context.Cause(leading))
	}
	return err
}

// keepTime lets time pass for proposals that wait for it. It looks every second: nothing rests on its being sharper.
func (c *Coordinator) keepTime(ctx context.Context) error {
	return poll(ctx, nil, time.Second, func(bool) { c.letTimePass(ctx) })
}

func (c *Coordinator) letTimePass(ctx context.Context) {
	open, err := c.unended()
	if err != nil {
		c.cfg.Logger.Error("read open proposals", "error", err)
		return
	}
	c.expire(ctx, open, time.Now())
	c.openWindows(ctx, open, time.Now())
}

func (c *Coordinator) expire(ctx context.Context, open []governance.Proposal, now time.Time) {
	for _, p := range open {
		if end := p.Deadline(); end.IsZero() || now.Before(end) {
			continue
		}
		if _, err := c.change(ctx, p.ID, governance.Tick{}); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Error("expire", "proposal_id", p.ID, "error", err)
		}
	}
}

// chainOf finds the chain of a proposal.
func (c *Coordinator) chainOf(p governance.Proposal) (ChainConfig, error) {
	chain, ok := c.cfg.Chains[p.Safe.Chain]
	if !ok {
		return ChainConfig{}, fmt.Errorf("%s is on chain %q, which is not configured any more", p.ID, p.Safe.Chain)
	}
	return chain, nil
}

// poll calls look at once, when woken, and now and then, until ctx ends.
func poll(ctx context.Context, wake <-chan struct{}, every time.Duration, look func(woken bool)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for woken := true; ; {
		look(woken)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
			woken = true
		case <-tick.C:
			woken = false
		}
	}
}

// nudge wakes a worker; it never blocks.
func nudge(worker chan<- struct{}) {
	select {
	case worker <- struct{}{}:
	default:
	}
}
