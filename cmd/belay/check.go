package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"belay/configs"
	"belay/governance"
	"belay/governance/coordinator"
	"belay/governance/relay"
	"belay/governance/timelock"
	"belay/safe"
	"belay/safe/calldata"
	"belay/safe/chain"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
	"github.com/spf13/cobra"
)

// verdict is how one check ended.
type verdict string

const (
	ok   verdict = "ok"
	warn verdict = "warn"
	fail verdict = "fail"
)

// finding is one line of a check.
type finding struct {
	Verdict verdict `json:"verdict"`
	What    string  `json:"what"`
	Why     string  `json:"why,omitempty"`
}

func (f finding) String() string {
	if f.Why == "" {
		return fmt.Sprintf("%-4s  %s", f.Verdict, f.What)
	}
	return fmt.Sprintf("%-4s  %s: %s", f.Verdict, f.What, f.Why)
}

func (p *program) check() *cobra.Command {
	c := &cobra.Command{Use: "check", Short: "proves readiness live: could you pause now?", Args: cobra.NoArgs}
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := p.load()
		if err != nil {
			return err
		}
		if _, errs := compilePlaybooks(cfg); len(errs) > 0 {
			return usage(errors.Join(errs...))
		}
		findings, ready := checkLive(cmd.Context(), cfg)
		lines := make([]string, 0, len(findings)+1)
		for _, f := range findings {
			lines = append(lines, f.String())
		}
		lines = append(lines, "", answerOf(ready))
		if err := p.print(map[string]any{"ready": ready, "findings": findings}, strings.Join(lines, "\n")); err != nil {
			return err
		}
		if !ready {
			return errors.New("not ready: see the lines marked fail")
		}
		return nil
	}
	return c
}

func answerOf(ready bool) string {
	if ready {
		return "Could you pause now? Yes, as far as this can be checked from here."
	}
	return "Could you pause now? NO."
}

// patience is how long a check waits for a proof: nobody is in a hurry then, and it should be known whether there is one.
const patience = 3 * time.Second

// checkLive dials everything anew and looks at it.
func checkLive(ctx context.Context, cfg *configs.Config) ([]finding, bool) {
	chains := map[string]*chain.Client{}
	var findings []finding
	for _, w := range cfg.Warnings {
		findings = append(findings, finding{warn, "configuration", w.Error()})
	}
	for _, c := range cfg.Chains {
		dialled := chainConfig(c, slog.New(slog.DiscardHandler), nil)
		dialled.ProofWait = patience
		client, err := chain.Dial(ctx, dialled)
		if err != nil {
			findings = append(findings, finding{fail, "chain " + c.Name, err.Error()})
			continue
		}
		defer client.Close()
		chains[c.Name] = client
	}
	keys, err := openKeys(cfg)
	if err != nil {
		findings = append(findings, finding{fail, "relayer keys", err.Error()})
	}
	findings = append(findings, lookAt(ctx, cfg, chains, keys, memoryOf(ctx, cfg))...)
	for _, f := range findings {
		if f.Verdict == fail {
			return findings, false
		}
	}
	return findings, true
}

// checkLines is `/belay check`: the same look, through the connections that are in use.
func checkLines(ctx context.Context, cfg *configs.Config, chains map[string]*chain.Client, keys keyring, mem memory) []string {
	var lines []string
	ready := true
	for _, f := range lookAt(ctx, cfg, chains, keys, mem) {
		lines, ready = append(lines, f.String()), ready && f.Verdict != fail
	}
	return append(lines, answerOf(ready))
}

func lookAt(ctx context.Context, cfg *configs.Config, chains map[string]*chain.Client, keys keyring, mem memory) []finding {
	l := looker{cfg: cfg, chains: chains, keys: keys, mem: mem, dark: map[string]bool{}}
	for _, c := range cfg.Chains {
		if client := chains[c.Name]; client != nil {
			if l.chain(ctx, c, client) {
				l.relayers(ctx, c, client)
			}
		}
	}
	for _, s := range cfg.Safes {
		if l.readable(s.Chain, "safe "+s.Name) {
			l.safe(ctx, s, chains[s.Chain])
		}
	}
	for _, t := range cfg.Timelocks {
		if l.readable(t.Chain, "timelock "+t.Name) {
			l.timelock(ctx, t, chains[t.Chain])
		}
	}
	for _, a := range cfg.ABIs {
		if b := a.Bound; b != nil && l.readable(b.Chain, "abi "+filepath.Base(a.File)) {
			l.contract(ctx, filepath.Base(a.File), *b, chains[b.Chain])
		}
	}
	l.playbooks(ctx)
	l.doubts()
	l.manifest()
	if cfg.Slack == nil && cfg.Discord == nil {
		l.say(warn, "chat", "neither slack nor discord is configured: proposals come through the API and `belay propose` only")
	}
	if !cfg.HTTP.APIToken.IsSet() {
		l.say(warn, "http.api_token_file", "not set: when chat is down nobody can propose")
	}
	return l.findings
}

// looker collects findings.
type looker struct {
	cfg      *configs.Config
	chains   map[string]*chain.Client
	keys     keyring
	mem      memory          // of configurations
	dark     map[string]bool // chains that cannot be read
	findings []finding
}

func (l *looker) say(v verdict, what, why string, args ...any) {
	l.findings = append(l.findings, finding{v, what, fmt.Sprintf(why, args...)})
}

// readable reports whether what is on a chain can be looked at, and says so where it cannot: one cause is told once.
func (l *looker) readable(chain, what string) bool {
	if l.chains[chain] == nil || l.dark[chain] {
		l.say(fail, what, "not looked at: chain %s cannot be read", chain)
		return false
	}
	return true
}

// chain reports whether it can be read.
func (l *looker) chain(ctx context.Context, c configs.Chain, client *chain.Client) bool {
	head, fees, err := client.Head(ctx)
	if why := unsendable(c, fees); err == nil && why != "" {
		l.say(fail, "chain "+c.Name, "%s", why)
	}
	if err != nil {
		l.dark[c.Name] = true
		l.say(fail, "chain "+c.Name, "%v", err)
	} else {
		l.say(ok, "chain "+c.Name, "block %d, %d providers, %d must agree", head.Number, len(c.RPC), client.Agreement())
		l.proofs(ctx, c, client, head)
	}
	for _, p := range c.PrivateRPC {
		l.say(ok, "private endpoint "+p.Name, "nothing is known of it, because it is never asked; broadcast is %s", c.Broadcast)
	}
	for _, p := range client.Health() {
		if !p.OK {
			l.say(warn, "provider "+p.Name, "%s", p.Err)
		}
	}
	if !client.Corroborated() {
		l.say(warn, "chain "+c.Name, "one provider only: nothing is checked against a second one")
	}
	return err == nil
}

// doubts names providers that answered all along, and not as the others. It comes last: only readings bring that to light.
func (l *looker) doubts() {
	for _, c := range l.cfg.Chains {
		if l.chains[c.Name] == nil {
			continue
		}
		for _, p := range l.chains[c.Name].Health() {
			if p.Doubt != "" {
				l.say(warn, "provider "+p.Name, "%s", p.Doubt)
			}
		}
	}
}

// unsendable says why no transaction of ours is taken on a chain; "" where nothing is known against it.
func unsendable(c configs.Chain, fees safe.Fees) string {
	if !fees.Unpriced || c.Legacy || c.Relayer == nil {
		return ""
	}
	return "its headers carry no base fee, so that nothing is sent there: write legacy: true if it takes legacy transactions alone"
}

// proofs says whether what providers agree on is also held against the chain's state root. One of them is enough for all.
func (l *looker) proofs(ctx context.Context, c configs.Chain, client *chain.Client, head safe.Block) {
	switch provers, err := client.Provers(ctx, head); {
	case err != nil:
		l.say(warn, "proofs on "+c.Name, "%v", err)
	case !client.Corroborated():
		l.say(warn, "proofs on "+c.Name, "not proven: with one provider a proof is held against its own word for the block")
	case len(provers) == 0:
		l.say(warn, "proofs on "+c.Name, "not proven: nobody serves eth_getProof that fits the block, so that the agreement alone counts")
	default:
		l.say(ok, "proofs on "+c.Name, "proven: eth_getProof is served by %s", strings.Join(provers, ", "))
	}
}

func (l *looker) relayers(ctx context.Context, c configs.Chain, client *chain.Client) {
	if c.Relayer == nil {
		l.say(warn, "relayer on "+c.Name, "none: people send from their own wallets")
		return
	}
	l.emergencyKeys(c)
	for i, key := range l.keys[c.Name] {
		l.relayer(ctx, laneOf(i)+" on "+c.Name, c, client, key.address)
	}
}

// emergencyKeys warns where pauses have no key of their own.
func (l *looker) emergencyKeys(c configs.Chain) {
	if len(c.Relayer.Emergency) == 0 {
		l.say(warn, "relayer on "+c.Name, "no emergency_key_files: a pause has to replace what this key has on its way, and a second pause waits for the first")
	}
}

// accountNow reads an account at the newest agreed block.
func accountNow(ctx context.Context, client *chain.Client, address common.Address) (safe.Account, error) {
	head, _, err := client.Recent(ctx)
	if err != nil {
		return safe.Account{}, err
	}
	accounts, err := client.Accounts(ctx, head, address)
	if err != nil {
		return safe.Account{}, err
	}
	return accounts[0], nil
}

func (l *looker) relayer(ctx context.Context, what string, c configs.Chain, client *chain.Client, address common.Address) {
	powers, err := client.Powerless(ctx, address, guardedSafes(l.cfg, c.Name), guardedTimelocks(l.cfg, c.Name))
	switch {
	case err != nil:
		l.say(fail, what, "could not check that %s has no power: %v", address.Hex(), err)
		return
	case len(powers) > 0:
		l.say(fail, what, "it must hold gas and no power: %s", strings.Join(powers, "; "))
		return
	}
	account, err := accountNow(ctx, client, address)
	if err != nil {
		l.say(fail, what, "%v", err)
		return
	}
	two := relay.Reserve(0, c.GasCap, gwei(c.Relayer.EmergencyMaxGwei))
	switch {
	case account.Balance.IsZero():
		l.say(fail, what, "%s has no balance", address.Hex())
	case account.Balance.Lt(&two):
		l.say(warn, what, "%s holds %s wei, less than two emergency executions at the cap (%s wei)", address.Hex(), account.Balance.Dec(), two.Dec())
	default:
		one := new(uint256.Int).Rsh(&two, 1)
		l.say(ok, what, "%s is powerless and holds %s ether, %s emergency executions at the cap", address.Hex(), calldata.FormatAmount(account.Balance.ToBig(), 18), new(uint256.Int).Div(&account.Balance, one).Dec())
	}
}

func (l *looker) safe(ctx context.Context, s configs.Safe, client *chain.Client) {
	state, err := client.SafeState(ctx, s.Address)
	if err != nil {
		l.say(fail, "safe "+s.Name, "%v", err)
		return
	}
	known := 0
	for _, m := range l.cfg.Members {
		for _, w := range m.Wallets {
			if state.IsOwner(w) {
				known++
			}
		}
	}
	l.say(ok, "safe "+s.Name, "version %s (%s), %d of %d, nonce %d, %s, %d owners are members", state.Version, state.Verified, state.Threshold, len(state.Owners), state.Nonce, provenOrNot(state), known)
	if known < state.Threshold {
		l.say(warn, "safe "+s.Name, "only %d of its owners are members here, fewer than its threshold of %d", known, state.Threshold)
	}
	if state.Verified == safe.VerifiedByProvider && !s.AllowUnverified {
		l.say(fail, "safe "+s.Name, "its code at %s is not that of a published release: nothing but an emergency is proposed. If you know the code, set allow_unverified: true", state.Singleton.Hex())
	}
	for _, warning := range oddities(state) {
		l.say(warn, "safe "+s.Name, "%s", warning)
	}
}

func provenOrNot(s safe.State) string {
	if s.Proven {
		return "proven"
	}
	return "not proven"
}

// oddities are what an operator should know of a Safe before it is relied upon.
func oddities(s safe.State) (list []string) {
	note := func(is bool, format string, args ...any) {
		if is {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	none := common.Address{}
	note(s.Verified == safe.VerifiedByProvider, "its code at %s is not that of a published release: only VERSION() says %s", s.Singleton.Hex(), s.Version)
	note(!s.Version.BindsChain(), "before 1.3.0 signatures are valid for this address on every chain, and a call that fails uses up the nonce")
	note(!s.Version.TellsSuccess(), "before 1.1.0 a success leaves no event: only what Belay itself sends is told from other transactions")
	published := slices.ContainsFunc(safe.FallbackHandlers(), func(d safe.Deployment) bool { return d.Address == s.FallbackHandler })
	note(s.FallbackHandler != none && !published, "its fallback handler %s, which answers in its name, is none that Safe published", s.FallbackHandler.Hex())
	note(s.Guard != none, "it has a guard, %s, which can block everything", s.Guard.Hex())
	note(s.ModuleGuard != none, "it has a module guard, %s", s.ModuleGuard.Hex())
	for _, m := range s.Modules {
		note(true, "the module %s acts for it without signatures", m.Hex())
	}
	return list
}

// contract compares the code of a contract with the one that its ABI was bound to, and says what to bind it to where nothing is
// written.
func (l *looker) contract(ctx context.Context, file string, b configs.Binding, client *chain.Client) {
	what := fmt.Sprintf("abi %s for %s", file, b.Address.Hex())
	code, implementation, err := codeOf(ctx, client, b.Address)
	none := common.Hash{}
	switch {
	case err != nil:
		l.say(fail, what, "%v", err)
	case code == none:
		l.say(fail, what, "there is no contract")
	case b.CodeHash != none && b.CodeHash != code:
		l.say(fail, what, "code_changed: the code hash is %s, not the one configured", code.Hex())
	case b.ImplementationHash != none && b.ImplementationHash != implementation:
		l.say(fail, what, "code_changed: the implementation's code hash is %s, not the one configured", implementation.Hex())
	case b.CodeHash == none:
		l.say(warn, what, "not bound to its code: once you know it, write code_hash: %q", code.Hex())
	case b.ImplementationHash == none && implementation != none:
		l.say(warn, what, "it is a proxy: once you know what it runs, write implementation_code_hash: %q", implementation.Hex())
	default:
		l.say(ok, what, "the code is the one configured")
	}
}

// codeOf gives the hash of the code at an address and, for a proxy, of what it runs; zero where there is none.
func codeOf(ctx context.Context, client *chain.Client, address common.Address) (code, implementation common.Hash, err error) {
	head, _, err := client.Recent(ctx)
	if err != nil {
		return code, implementation, err
	}
	runs, err := client.Implementations(ctx, head, address)
	if err != nil {
		return code, implementation, err
	}
	hashes, err := client.CodeHashes(ctx, head, address, runs[0])
	if err != nil {
		return code, implementation, err
	}
	return hashes[0], hashes[1], nil
}

// timelock reads what a timelock allows to its canceller, and how long it makes people wait.
func (l *looker) timelock(ctx context.Context, t configs.Timelock, client *chain.Client) {
	what := "timelock " + t.Name
	adapter, err := timelock.New(t.Kind, t.Address)
	if err != nil {
		l.say(fail, what, "%v", err)
		return
	}
	var canceller common.Address
	for _, s := range l.cfg.Safes {
		if s.Name == t.Canceller {
			canceller = s.Address
		}
	}
	head, _, err := client.Head(ctx)
	if err != nil {
		l.say(fail, what, "%v", err)
		return
	}
	results, err := client.Read(ctx, head, adapter.Params(timelock.Parties{Safe: canceller}))
	if err != nil {
		l.say(fail, what, "%v", err)
		return
	}
	limits, err := adapter.DeriveParams(results)
	switch {
	case err != nil:
		l.say(fail, what, "%v", err)
	case t.Canceller != "" && !limits.SafeMayCancel:
		l.say(warn, what, "%s may not veto here: it lacks CANCELLER_ROLE", t.Canceller)
	default:
		l.say(ok, what, "operations wait %d seconds", limits.MinDelay)
	}
}

// playbooks drafts every playbook with its samples, as chat would, and simulates it from its Safe.
func (l *looker) playbooks(ctx context.Context) {
	books, errs := compilePlaybooks(l.cfg)
	for _, err := range errs {
		l.say(fail, "playbooks", "%v", err)
	}
	for _, file := range l.cfg.Playbooks {
		pb := books[file.Name]
		if pb == nil || !l.readable(l.chainOf(pb.Safe), "playbook "+pb.Name) {
			continue
		}
		l.playbook(ctx, pb)
	}
}

// chainOf names a Safe's chain.
func (l *looker) chainOf(safeName string) string {
	for _, s := range l.cfg.Safes {
		if s.Name == safeName {
			return s.Chain
		}
	}
	return ""
}

func (l *looker) playbook(ctx context.Context, pb *governance.Playbook) {
	params := map[string]string{}
	for _, param := range pb.Params {
		if param.Sample != "" {
			params[param.Name] = param.Sample
		}
	}
	view, err := l.preview(ctx, pb, params)
	var r *governance.Refusal
	switch {
	case errors.As(err, &r) && (pb.Kind != governance.KindPause || r.Code == governance.CodeInvariant):
		l.say(warn, "playbook "+pb.Name, "%s: %s", r.Title(), r.Detail)
	case err != nil:
		l.say(fail, "playbook "+pb.Name, "%v", err)
	case pb.Kind == governance.KindPause && inVain(view) != "":
		l.say(fail, "playbook "+pb.Name, "%s", inVain(view))
	case len(view.Dangers) > 0:
		l.say(warn, "playbook "+pb.Name, "works, with a danger: %s", cmp.Or(inVain(view), view.Dangers[0].Text))
	default:
		l.say(ok, "playbook "+pb.Name, "drafts and simulates with its samples")
	}
}

// inVain gives the danger that says that a transaction would succeed and not do what it is for, or "". That there is no contract
// comes first: it is why nothing can be read there either.
func inVain(v governance.View) string {
	for _, code := range []string{calldata.DangerNoCode, coordinator.DangerNotAchieved} {
		if i := slices.IndexFunc(v.Dangers, func(d governance.DangerView) bool { return d.Code == code }); i >= 0 {
			return v.Dangers[i].Text
		}
	}
	return ""
}

// preview drafts without a store: as if nothing else were open. Nobody has to vouch here: whether playbooks work is one question, who
// vouches for them another, with a line of its own.
func (l *looker) preview(ctx context.Context, pb *governance.Playbook, params map[string]string) (governance.View, error) {
	s := &service{cfg: l.cfg, log: slog.New(slog.DiscardHandler), metrics: newMetrics(), chains: l.chains, keys: l.keys}
	cfg, err := s.coordinatorConfig()
	if err != nil {
		return governance.View{}, err
	}
	cfg.Store = nothingOpen{}
	c, err := coordinator.New(cfg)
	if err != nil {
		return governance.View{}, err
	}
	return c.Preview(ctx, coordinator.Intent{Playbook: pb.Name, Params: params, Member: "check", Roles: pb.Policy.Propose, Reason: "readiness check"})
}

// nothingOpen is a store in which nothing was ever proposed: whatever is asked for is not there.
type nothingOpen struct{ coordinator.Store }

func (nothingOpen) Watched() ([]governance.Proposal, error)              { return nil, nil }
func (nothingOpen) Proposals(string, int) ([]governance.Proposal, error) { return nil, nil }
func (nothingOpen) Proposal(string) (governance.Proposal, error) {
	return governance.Proposal{}, governance.ErrNotFound
}
func (nothingOpen) LastNumber() (uint64, error)                            { return 0, nil }
func (nothingOpen) Events(string) ([]governance.Recorded, error)           { return nil, nil }
func (nothingOpen) SubmissionsOf(string) ([]governance.Submission, error)  { return nil, nil }
func (nothingOpen) Signatures(common.Hash) ([]governance.Signature, error) { return nil, nil }
