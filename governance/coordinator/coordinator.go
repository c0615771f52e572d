package coordinator

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"belay/governance"
	"belay/safe"
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

	PublicURL   string
	PublicNames bool
	Manifest    string   // sentence for every card about the configuration's signatures; "" when all is well
	Rooms       []string // platforms that carry cards
	Secret      [32]byte // derives public ids and read keys; stays the same for the life of the store

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
}

// FeeCaps are the most that each lane bids, in wei per gas, and what the routine lane may spend a day, in wei (zero: no limit).
type FeeCaps struct {
	Routine, Emergency, DailyBudget uint256.Int
}

// SafeConfig is one guarded Safe.
type SafeConfig struct {
	Name, Chain string
	Address     common.Address
}

// TimelockConfig is one guarded timelock.
type TimelockConfig struct {
	Name, Chain, Kind string
	Address           common.Address
}

// Coordinator runs the use-cases and the loops. Its methods may be called from any goroutine.
type Coordinator struct {
	cfg    Config
	book   *calldata.Book
	ids    identities
	people people
	links  *challenges
	live   *audience

	dutiesDue, inboxDue chan struct{} // something may be due; one buffered token each

	mu    sync.Mutex             // guards what follows: hints, rebuilt from the chain after a start
	tips  map[string]tip         // newest agreed head by chain
	lost  map[common.Hash]uint64 // first head at which a SafeTx's nonce was seen used by someone unknown

	proposing sync.Mutex // one proposal is drafted into the store at a time: numbers and nonces are handed out under it
	signing   sync.Mutex // one relayer nonce is chosen, signed and stored at a time
	fence     uint64     // set by Run before anything acts
}

// New checks the configuration's joints and makes a coordinator. It starts nothing.
func New(cfg Config) (*Coordinator, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, float64, ...string) {}
	}
	for name, s := range cfg.Safes {
		if _, ok := cfg.Chains[s.Chain]; !ok {
			return nil, fmt.Errorf("safe %s: no chain %q is configured", name, s.Chain)
		}
	}
	ids, err := newIdentities(cfg.Secret)
	if err != nil {
		return nil, err
	}
	functions := cfg.Functions
	for _, p := range cfg.Playbooks {
		functions = append(functions, p.Functions()...)
	}
	book, err := calldata.NewBook(functions, cfg.Labels)
	if err != nil {
		return nil, fmt.Errorf("prepare words: %w", err)
	}
	return &Coordinator{
		cfg: cfg, ids: ids, book: book, people: newPeople(cfg),
		links: newChallenges(), live: newAudience(), dutiesDue: make(chan struct{}, 1), inboxDue: make(chan struct{}, 1),
		tips: map[string]tip{}, lost: map[common.Hash]uint64{},
	}, nil
}

// Run leads and works until ctx ends or leadership is lost. It owns every goroutine that it starts and returns when all
// have stopped. Whatever the last commit left owed is picked up first.
func (c *Coordinator) Run(ctx context.Context) error {
	leading, fence, err := c.cfg.Store.Lead(ctx)
	if err != nil {
		return fmt.Errorf("lead: %w", err)
	}
	c.fence = fence
	group, acting := errgroup.WithContext(leading)
	for name := range c.cfg.Chains {
		group.Go(func() error { return c.follow(acting, name) })
		group.Go(func() error { return c.drive(acting, name) })
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
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			c.expire(ctx, time.Now())
			c.openWindows(ctx, time.Now())
		}
	}
}

func (c *Coordinator) expire(ctx context.Context, now time.Time) {
	open, err := c.unended()
	if err != nil {
		c.cfg.Logger.Error("read open proposals", "error", err)
		return
	}
	for _, p := range open {
		if p.State != governance.StateProposed || now.Before(p.ExpiresAt) {
			continue
		}
		if _, err := c.change(ctx, p.ID, governance.Tick{}); err != nil {
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

// nudge wakes a worker; it never blocks.
func nudge(worker chan<- struct{}) {
	select {
	case worker <- struct{}{}:
	default:
	}
}
