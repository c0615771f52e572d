package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"belay/bot"
	"belay/bot/web"
	"belay/configs"
	"belay/governance"
	"belay/governance/coordinator"
	"belay/safe/calldata"
	"belay/safe/chain"
	"belay/store"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// service is a whole running Belay: what wire joined, in the order in which it was made.
type service struct {
	cfg      *configs.Config
	log      *slog.Logger
	metrics  *metrics
	store    *store.Store
	keys     keyring
	last     governance.Accepted // the configuration that was accepted last when the store was opened
	standing governance.Vouched  // who vouches for cfg after that one
	doubts   []error             // why signatures over cfg do not count
	chains   map[string]*chain.Client
	bot      *bot.Bot
	chats    []chat
	coord    *coordinator.Coordinator
	web      *web.Server
}

// wire joins everything, each step on those before. What it opened is closed again when a step fails.
func wire(ctx context.Context, cfg *configs.Config, log *slog.Logger) (*service, error) {
	s := &service{cfg: cfg, log: log, metrics: newMetrics(), chains: map[string]*chain.Client{}}
	for _, step := range []func(context.Context) error{s.openStore, s.judge, s.openKeys, s.dialChains, s.makeChats, s.makeCoordinator, s.makeWeb} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *service) close() error {
	for _, c := range s.chains {
		c.Close()
	}
	if s.store == nil {
		return nil
	}
	return s.store.Close()
}

func (s *service) openStore(context.Context) (err error) {
	if s.store, err = store.Open(store.Config{Path: s.cfg.Store.Path, LogKeyFile: s.cfg.Store.LogKeyFile}); err != nil {
		return err
	}
	s.last, err = s.store.Accepted()
	return err
}

// judge says who vouches for the configuration. It holds for as long as that is served: a reload makes another service.
func (s *service) judge(context.Context) (err error) {
	s.standing, s.doubts, err = vouched(s.cfg, s.last)
	return usage(err)
}

func (s *service) openKeys(context.Context) (err error) {
	if s.keys, err = openKeys(s.cfg); err != nil {
		return usage(err)
	}
	return nil
}

// checkAfterCrash verifies the whole store beside the running program when the last one ended without closing it.
func (s *service) checkAfterCrash(ctx context.Context) {
	if !s.store.Unclean() {
		return
	}
	if err := s.store.Check(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("the store is damaged: restore a backup", "error", err)
	}
}

func (s *service) dialChains(ctx context.Context) error {
	book, err := errorBook(s.cfg)
	if err != nil {
		return usage(err)
	}
	for _, c := range s.cfg.Chains {
		dialled := chainConfig(c, s.log, s.metrics)
		dialled.Explain = book.Explain
		client, err := chain.Dial(ctx, dialled)
		if err != nil {
			return fmt.Errorf("chain %s: %w", c.Name, err)
		}
		s.chains[c.Name] = client
	}
	return nil
}

func chainConfig(c configs.Chain, log *slog.Logger, m *metrics) chain.Config {
	out := chain.Config{Name: c.Name, ChainID: c.ID, Agreement: c.Agreement, Confirmations: c.Confirmations, Finalized: c.Confirmations == 0,
		Logger: log}
	if m != nil {
		out.OnCall = func(provider, method string, outcome chain.Outcome, took time.Duration) {
			m.rpc(c.Name, provider, method, string(outcome), took)
		}
	}
	for _, p := range c.RPC {
		out.Providers = append(out.Providers, chain.Provider{Name: p.Name, URL: p.URL.Reveal(), WS: p.WS.Reveal()})
	}
	for _, p := range c.PrivateRPC {
		out.Private = append(out.Private, chain.Provider{Name: p.Name, URL: p.URL.Reveal()})
	}
	out.PublicOnly, out.Legacy = c.Broadcast == "public", c.Legacy
	return out
}

func (s *service) makeChats(context.Context) error {
	var err error
	s.bot, err = bot.New(bot.Config{Messages: s.store, PublicURL: s.cfg.HTTP.PublicURL, Log: s.log,
		Names: bot.Names{Root: s.cfg.Commands.Root, Pause: s.cfg.Commands.Pause, Propose: s.cfg.Commands.Propose},
		Check: func(ctx context.Context) []string {
			return checkLines(ctx, s.cfg, s.chains, s.keys, memory{last: s.last})
		}})
	if err != nil {
		return err
	}
	s.chats, err = makeChats(s.cfg, s.bot, s.log, s.metrics)
	for _, c := range s.chats {
		s.bot.Join(c.platform)
	}
	return err
}

func (s *service) makeCoordinator(context.Context) error {
	cfg, err := s.coordinatorConfig()
	if err != nil {
		return usage(err)
	}
	cfg.Store, cfg.Secret = s.store, s.store.Derive(coordinatorSecret)
	cfg.Handler, cfg.Rooms, cfg.Deliverers = s.bot, s.bot.Platforms(), map[string]coordinator.Deliverer{}
	for _, room := range cfg.Rooms {
		cfg.Deliverers[room] = s.bot
	}
	if s.coord, err = coordinator.New(cfg); err != nil {
		return err
	}
	s.bot.Attach(s.coord)
	return nil
}

// coordinatorConfig is what the configuration says, and who vouches for it: everything but store and chat.
func (s *service) coordinatorConfig() (coordinator.Config, error) {
	playbooks, errs := compilePlaybooks(s.cfg)
	if len(errs) > 0 {
		return coordinator.Config{}, errors.Join(errs...)
	}
	functions, contracts, err := functionsOf(s.cfg.ABIs)
	if err != nil {
		return coordinator.Config{}, err
	}
	cfg := coordinator.Config{
		Chains: map[string]coordinator.ChainConfig{}, Safes: map[string]coordinator.SafeConfig{}, Timelocks: map[string]coordinator.TimelockConfig{},
		Playbooks: playbooks, Members: members(s.cfg), Groups: groups(s.cfg), Labels: labels(s.cfg), Functions: functions, Events: eventsOf(s.cfg.ABIs), Contracts: contracts,
		PublicURL: s.cfg.HTTP.PublicURL, PublicNames: s.cfg.Privacy.PublicNames != "none", Manifest: s.standing,
		Logger: s.log, Observe: s.metrics.observe,
	}
	for _, c := range s.cfg.Chains {
		if s.chains[c.Name] == nil {
			continue
		}
		if cfg.Chains[c.Name], err = s.coordinatorChain(c); err != nil {
			return cfg, err
		}
	}
	for _, g := range s.cfg.Safes {
		cfg.Safes[g.Name] = coordinator.SafeConfig{Name: g.Name, Chain: g.Chain, Address: g.Address, AllowUnverified: g.AllowUnverified}
	}
	for _, t := range s.cfg.Timelocks {
		cfg.Timelocks[t.Name] = coordinator.TimelockConfig{Name: t.Name, Chain: t.Chain, Kind: t.Kind, Address: t.Address, Canceller: t.Canceller}
	}
	return cfg, nil
}

// coordinatorSecret names the store's secret that public ids and read keys are derived from.
const coordinatorSecret = "coordinator/v1"

// coordinatorChain makes a chain's lanes. Every key signs nothing but executions on what is configured.
func (s *service) coordinatorChain(c configs.Chain) (coordinator.ChainConfig, error) {
	client := s.chains[c.Name]
	out := coordinator.ChainConfig{Chain: followed{client}, Name: c.Name, ChainID: c.ID, Confirmations: uint64(c.Confirmations), //nolint:gosec // bounded by configs
		Single: !client.Corroborated(), Explorer: c.Explorer, PrivateFirst: c.Broadcast == "private_first", GasCap: c.GasCap, Legacy: c.Legacy}
	if c.Relayer == nil {
		return out, nil
	}
	out.Fees = coordinator.FeeCaps{Routine: gwei(c.Relayer.MaxFeeGwei), Emergency: gwei(c.Relayer.EmergencyMaxGwei)}
	if wei := c.Relayer.DailyBudget.Wei; wei != nil {
		out.Fees.DailyBudget.SetFromBig(wei)
	}
	out.Powers = func(ctx context.Context) ([]coordinator.Power, error) { return s.relayerPowers(ctx, c.Name) }
	policy := s.signingPolicy(c.Name)
	policy.GasCap, policy.Legacy = c.GasCap, c.Legacy
	for i, key := range s.keys[c.Name] {
		signer, err := key.signer(c.ID, policy)
		switch {
		case err != nil:
			return out, fmt.Errorf("chain %s: %s: %w", c.Name, laneOf(i), err)
		case i == 0:
			out.Relayer = signer
		default:
			out.Emergency = append(out.Emergency, signer)
		}
	}
	return out, nil
}

// signingPolicy lets relayers execute on the configured Safes, and on the configured timelocks only operations of a proposal in
// the store.
func (s *service) signingPolicy(chainName string) chain.Policy {
	var p chain.Policy
	for _, g := range s.cfg.Safes {
		if g.Chain == chainName {
			p.Safes = append(p.Safes, g.Address)
		}
	}
	for _, t := range s.cfg.Timelocks {
		if t.Chain == chainName {
			p.Timelocks = append(p.Timelocks, t.Address)
		}
	}
	p.CheckOperation = func(to common.Address, data []byte) error { return operationIsOurs(s.store, to, data) }
	return p
}

// operationIsOurs re-derives nothing from memory: it looks the very call up among the operations of the store's open proposals.
func operationIsOurs(db *store.Store, to common.Address, data []byte) error {
	open, err := db.Watched()
	if err != nil {
		return fmt.Errorf("look the operation up: %w", err)
	}
	for _, p := range open {
		if o := p.Timelock; o != nil && o.Execute.To == to && common.Bytes2Hex(o.Execute.Data) == common.Bytes2Hex(data) {
			return nil
		}
	}
	return errors.New("no open proposal has this timelock operation")
}

func (s *service) makeWeb(context.Context) error {
	cfg := web.Config{PublicURL: s.cfg.HTTP.PublicURL, APIToken: web.Secret(s.cfg.HTTP.APIToken.Reveal()), Logger: s.log,
		Build:   web.Build{Version: version, Commit: buildInfo().Commit},
		LogHead: func(context.Context) (any, error) { return s.store.Publish(time.Now()) }}
	for _, text := range s.cfg.HTTP.TrustedProxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return usagef("http.trusted_proxies: %w", err)
		}
		cfg.TrustedProxies = append(cfg.TrustedProxies, prefix)
	}
	for _, c := range s.chats {
		switch c.platform.Name() {
		case "slack":
			cfg.Slack = c.http
		case "discord":
			cfg.Discord = c.http
		}
	}
	var err error
	s.web, err = web.New(cfg, s.coord)
	return err
}

func gwei(n uint64) uint256.Int {
	return *new(uint256.Int).Mul(uint256.NewInt(n), uint256.NewInt(1_000_000_000))
}

func members(cfg *configs.Config) []coordinator.Member {
	var all []coordinator.Member
	for _, m := range cfg.Members {
		all = append(all, coordinator.Member{Name: m.Name, Roles: m.Roles, Discord: m.Discord, Slack: m.Slack, Wallets: m.Wallets, Public: m.Public || cfg.Privacy.PublicNames == "all"})
	}
	return all
}

func groups(cfg *configs.Config) map[string][]string {
	out := map[string][]string{}
	for _, r := range cfg.Roles {
		for _, id := range r.DiscordRoles {
			out[r.Name] = append(out[r.Name], "discord/"+id)
		}
		for _, id := range r.SlackGroups {
			out[r.Name] = append(out[r.Name], "slack/"+id)
		}
	}
	return out
}

func labels(cfg *configs.Config) map[common.Address]string {
	out := map[common.Address]string{}
	for _, l := range cfg.Labels {
		out[l.Address] = l.Name
	}
	for _, s := range cfg.Safes {
		if _, named := out[s.Address]; !named {
			out[s.Address] = s.Name
		}
	}
	for _, t := range cfg.Timelocks {
		if _, named := out[t.Address]; !named {
			out[t.Address] = t.Name
		}
	}
	return out
}

// functionsOf gives the functions that hold everywhere, and those that are bound to a contract.
func functionsOf(abis []configs.ABI) (everywhere []calldata.Function, bound []coordinator.ContractConfig, err error) {
	for _, a := range abis {
		functions, err := calldata.ParseABI(a.JSON)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", a.File, err)
		}
		if b := a.Bound; b != nil {
			bound = append(bound, coordinator.ContractConfig{Chain: b.Chain, Address: b.Address, Source: filepath.Base(a.File), Functions: functions,
				CodeHash: b.CodeHash, ImplementationHash: b.ImplementationHash})
			continue
		}
		everywhere = append(everywhere, functions...)
	}
	return everywhere, bound, nil
}

// eventsOf gives the events that simulations are told with. What cannot be read has no words, and refuses nothing.
func eventsOf(abis []configs.ABI) (all []calldata.Event) {
	for _, a := range abis {
		if events, err := calldata.ParseEvents(a.JSON); err == nil {
			all = append(all, events...)
		}
	}
	return all
}

// errorBook puts custom errors in words: those that everyone knows, and those of the configured ABIs.
func errorBook(cfg *configs.Config) (*calldata.Book, error) {
	var known []calldata.Function
	for _, a := range cfg.ABIs {
		entries, err := calldata.ParseErrors(a.JSON)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.File, err)
		}
		known = append(known, entries...)
	}
	book, err := calldata.NewBook(nil, labels(cfg))
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	return book.WithErrors(known), nil
}

var _ coordinator.Store = (*store.Store)(nil)
