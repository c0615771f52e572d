package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"belay/configs"
	"belay/governance"
	"belay/governance/coordinator"
	"belay/store"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/spf13/cobra"
)

// offline opens a stopped store for reading. A store that a program holds is ErrLocked; then that program is asked instead.
func offline(cfg *configs.Config) (*store.Store, error) {
	db, err := store.OpenReadOnly(store.Config{Path: cfg.Store.Path, LogKeyFile: cfg.Store.LogKeyFile})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w\n  what next: `belay serve` makes a store at its first start; if there is one elsewhere, name its configuration with --config", err)
	}
	return db, err
}

// inStore runs read on a stopped store, or ask on the running program that holds it.
func (p *program) inStore(cmd *cobra.Command, read func(*configs.Config, *store.Store) error, ask func(remote) error) error {
	cfg, err := p.load(configs.WithoutSecrets())
	if err != nil {
		return err
	}
	db, err := offline(cfg)
	if errors.Is(err, store.ErrLocked) {
		full, loadErr := p.load()
		if loadErr != nil {
			return loadErr
		}
		return plain(ask(newRemote(cmd.Context(), full)))
	}
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return plain(read(cfg, db))
}

// views renders proposals from a stopped store, as the operator sees them.
func views(cfg *configs.Config, db *store.Store, list []governance.Proposal) ([]governance.View, error) {
	out := make([]governance.View, 0, len(list))
	names := walletsOf(cfg)
	last, err := db.Accepted()
	if err != nil {
		return nil, err
	}
	standing, _, err := vouched(cfg, last)
	if err != nil {
		return nil, err
	}
	for _, proposal := range list {
		events, err := db.Events(proposal.ID)
		if err != nil {
			return nil, err
		}
		submissions, err := db.SubmissionsOf(proposal.ID)
		if err != nil {
			return nil, err
		}
		f := governance.Facts{PublicID: coordinator.PublicID(db.Derive(coordinatorSecret), proposal.ID), PublicURL: cfg.HTTP.PublicURL, Members: names,
			Events: events, Submissions: submissions, Head: proposal.ReadAt, Manifest: standing}
		for _, c := range cfg.Chains {
			if c.Name == proposal.Safe.Chain {
				f.Explorer, f.Confirmations, f.Single = c.Explorer, c.Confirmations, len(c.RPC) == 1
			}
		}
		v, _ := governance.NewView(proposal, f, governance.Viewer{Audience: governance.AudienceOperator})
		out = append(out, v.Keyed(coordinator.ReadKey(db.Derive(coordinatorSecret), proposal.ID)))
	}
	return out, nil
}

func (p *program) proposals() *cobra.Command {
	return &cobra.Command{Use: "proposals", SuggestFor: []string{"status", "list", "ls"}, Short: "lists proposals, newest first, from a stopped store or the running program", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return p.inStore(cmd, func(cfg *configs.Config, db *store.Store) error {
			list, err := db.Proposals("", listed)
			if err != nil {
				return err
			}
			all, err := views(cfg, db, list)
			if err != nil {
				return err
			}
			return p.printList(all, notRunning)
		}, func(r remote) error {
			var page struct {
				Proposals []governance.View `json:"proposals"`
			}
			if err := r.get("/api/v1/proposals", &page); err != nil {
				return err
			}
			return p.printList(page.Proposals, "")
		})
	}}
}

// listed is how many proposals the list shows.
const listed = 50

// notRunning stands above what is read from a stopped store: it shows where things were left, "sending" among them.
const notRunning = "Belay is not running on this store: nothing is sent or watched until `belay serve` runs.\n"

func (p *program) printList(all []governance.View, remark string) error {
	lines := make([]string, 0, len(all))
	for _, v := range all {
		lines = append(lines, fmt.Sprintf("%-6s %-11s %-36s %s", v.ID, v.State, strings.TrimSuffix(v.Playbook+" "+v.Subject, " "), v.Status))
	}
	if len(lines) == 0 {
		lines = append(lines, "No proposals yet.")
	}
	return p.print(map[string]any{"proposals": all}, remark+strings.Join(lines, "\n"))
}

func find(db *store.Store, id string) (governance.Proposal, error) {
	proposal, err := db.Proposal(strings.ToUpper(id))
	if errors.Is(err, governance.ErrNotFound) {
		return proposal, fmt.Errorf("there is no proposal %q; list them with `belay proposals`", id)
	}
	return proposal, err
}

func (p *program) execute() *cobra.Command {
	printOnly := false
	c := &cobra.Command{Use: "execute ID --print", Short: "prints the ready transaction of a proven quorum, for any wallet to send", Args: cobra.ExactArgs(1)}
	c.Flags().BoolVar(&printOnly, "print", false, "print it (the running program sends it by itself)")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if !printOnly {
			return usagef("give --print: the running program executes by itself, this prints the transaction for your own wallet")
		}
		return p.inStore(cmd, func(_ *configs.Config, db *store.Store) error {
			proposal, err := find(db, args[0])
			if err != nil {
				return err
			}
			ready, err := coordinator.ReadyExecution(db, proposal)
			if err != nil {
				return err
			}
			return p.printExecution(execution{ChainID: ready.ChainID, To: ready.To.Hex(), Data: hexutil.Encode(ready.Data), Value: ready.Value})
		}, func(r remote) error {
			var ready execution
			if err := r.get("/api/v1/proposals/"+args[0]+"/execution", &ready); err != nil {
				return err
			}
			return p.printExecution(ready)
		})
	}
	return c
}

type execution struct {
	ChainID uint64 `json:"chain_id"`
	To      string `json:"to"`
	Data    string `json:"data"`
	Value   string `json:"value"`
}

func (p *program) printExecution(e execution) error {
	out := struct {
		execution
		Cast string `json:"cast"`
	}{e, fmt.Sprintf("cast send --chain %d --value %s %s %s", e.ChainID, e.Value, e.To, e.Data)}
	return p.print(out, fmt.Sprintf("chain_id %d\nto       %s\nvalue    %s\ndata     %s\n\n%s", e.ChainID, e.To, e.Value, e.Data, out.Cast))
}

func (p *program) propose() *cobra.Command {
	var reason, member, server string
	w := &walletFlags{}
	yes := false
	c := &cobra.Command{Use: "propose PLAYBOOK [k=v…]", Short: "proposes through the running program; for when chat is down", Args: cobra.MinimumNArgs(1),
		Example: "  belay propose pause-reserve asset=usdc --member alice\n  belay propose set-ltv asset=weth ltv=7500 liq_threshold=8000 liq_bonus=10500 --member alice --reason \"lower risk\"\n" +
			"  belay propose pause-reserve asset=usdc --server https://belay.example.org --keystore alice.json"}
	c.Flags().StringVar(&reason, "reason", "", "why, for the war room")
	c.Flags().StringVar(&member, "member", "", "who proposes, as named in the configuration")
	c.Flags().StringVar(&server, "server", "", "https://belay.example.org, for a member who signs with a wallet and has no configuration")
	c.Flags().BoolVar(&yes, "yes", false, "sign without being asked")
	w.register(c.Flags())
	c.RunE = func(cmd *cobra.Command, args []string) error {
		params, err := pairs(args[1:])
		if err != nil {
			return err
		}
		if w.given() {
			return p.proposeSigned(cmd.Context(), w, server, yes, args[0], reason, params)
		}
		cfg, err := p.load()
		if err != nil {
			return err
		}
		if err := knownPlaybook(cfg, args[0], reason); err != nil {
			return err
		}
		if member, err = proposer(cfg, args[0], member); err != nil {
			return err
		}
		var v governance.View
		err = newRemote(cmd.Context(), cfg).post("/api/v1/proposals", map[string]any{"member": member, "playbook": args[0], "params": params, "reason": reason}, &v)
		if err != nil {
			return err
		}
		return p.print(v, proposalText(v))
	}
	return c
}

// proposeSigned proposes with a member's wallet, from anywhere.
func (p *program) proposeSigned(ctx context.Context, w *walletFlags, server string, yes bool, playbook, reason string, params map[string]string) error {
	if server == "" {
		cfg, err := p.load()
		if err != nil {
			return fmt.Errorf("--server says where belay runs; without it the configuration does: %w", err)
		}
		server = "http://" + cfg.HTTP.Listen
	}
	s := speaking{sitting{program: p, remote: remote{ctx: ctx, base: strings.TrimRight(server, "/")}, answers: bufio.NewReader(p.in), yes: yes}}
	var err error
	if s.wallet, err = w.open(ctx, s.ask); err != nil {
		return usage(err)
	}
	return s.propose(playbook, reason, params)
}

// knownPlaybook refuses what the running program would refuse, in the words of the command line: chat may be down.
func knownPlaybook(cfg *configs.Config, name, reason string) error {
	if coordinator.IsOwn(name) {
		return nil
	}
	var names []string
	for _, file := range cfg.Playbooks {
		if file.Name == name {
			if reason == "" && !governance.Kind(file.Kind).Emergency() {
				return usagef("%s needs a reason: add --reason \"why\"", name)
			}
			return nil
		}
		names = append(names, file.Name)
	}
	return usagef("there is no playbook %q; there are %s", name, strings.Join(names, ", "))
}

// proposer is the member named, else the only one whose roles may propose the playbook. Roles that groups in chat vouch for
// are not known here: then the flag has to say who it is.
func proposer(cfg *configs.Config, playbook, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	var may []string
	for _, m := range cfg.Members {
		for _, file := range cfg.Playbooks {
			if file.Name == playbook && slices.ContainsFunc(file.Policy.Propose, func(role string) bool { return slices.Contains(m.Roles, role) }) {
				may = append(may, m.Name)
			}
		}
	}
	switch len(may) {
	case 1:
		return may[0], nil
	case 0:
		return "", usagef("say who proposes: --member NAME")
	}
	return "", usagef("say who proposes: --member %s", strings.Join(may, " | "))
}

// remote asks the running program, with the operator's token.
type remote struct {
	ctx   context.Context //nolint:containedctx // lives as long as one command
	base  string
	token string
	key   string // a read capability of one proposal, instead of the token
}

func newRemote(ctx context.Context, cfg *configs.Config) remote {
	return remote{ctx: ctx, base: "http://" + cfg.HTTP.Listen, token: cfg.HTTP.APIToken.Reveal()}
}

func (r remote) get(path string, v any) error { return r.do(http.MethodGet, path, nil, v) }

func (r remote) post(path string, body, v any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return r.do(http.MethodPost, path, strings.NewReader(string(b)), v)
}

func (r remote) do(method, path string, body io.Reader, v any) error {
	if r.key != "" {
		path += "?key=" + url.QueryEscape(r.key)
	}
	req, err := http.NewRequestWithContext(r.ctx, method, r.base+path, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Belay-Via", string(governance.ViaCLI))
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the running belay at %s: %w\n  what next: start it with `belay serve`, or look at its log", r.base, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode/100 == 2 {
		return json.NewDecoder(resp.Body).Decode(v)
	}
	var problem struct{ Code, Title, Detail, Hint string }
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&problem); err != nil || problem.Detail == "" {
		return fmt.Errorf("the running belay answered %s", resp.Status)
	}
	if problem.Title == "" { // the admin listener speaks plainly
		return errors.New(problem.Detail)
	}
	if id, isProposal := strings.CutPrefix(path, "/api/v1/proposals/"); isProposal && problem.Code == string(governance.CodeNotFound) {
		id, _, _ = strings.Cut(id, "/")
		id, _, _ = strings.Cut(id, "?")
		return fmt.Errorf("there is no proposal %q here, or it is not public\n  what next: list them with `belay proposals`; a link from chat has to be whole, with its key", id)
	}
	return fmt.Errorf("%s: %s\n  what next: %s", problem.Title, problem.Detail, problem.Hint)
}

func (p *program) backup() *cobra.Command {
	return &cobra.Command{Use: "backup FILE", Short: "writes a verified copy of the store; of a held one through the running program", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		cfg, err := p.load(configs.WithoutSecrets())
		if err != nil {
			return err
		}
		db, err := offline(cfg)
		switch {
		case errors.Is(err, store.ErrLocked):
			err = p.backupRunning(cmd.Context(), cfg, args[0])
		case err == nil:
			err = errors.Join(db.Backup(cmd.Context(), args[0]), db.Close())
		}
		if err != nil {
			return err
		}
		return p.print(map[string]string{"file": args[0]}, "Backed up to "+args[0]+", opened again and verified.")
	}}
}

func (p *program) backupRunning(ctx context.Context, cfg *configs.Config, file string) error {
	if !strings.HasPrefix(file, "/") {
		dir, err := os.Getwd()
		if err != nil {
			return err
		}
		file = dir + "/" + file
	}
	return remote{ctx: ctx, base: "http://" + cfg.HTTP.AdminListen}.post("/admin/backup", map[string]string{"file": file}, &struct{}{})
}

func (p *program) restore() *cobra.Command {
	confirm := false
	c := &cobra.Command{Use: "restore FILE", Short: "makes a new store from a backup; its outbox is held until confirmed", Args: cobra.MaximumNArgs(1)}
	c.Flags().BoolVar(&confirm, "confirm", false, "release the held outbox of a restored store, after comparing it with chain and chat")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := p.load(configs.WithoutSecrets())
		if err != nil {
			return err
		}
		if confirm {
			return p.releaseHold(cmd.Context(), cfg)
		}
		if len(args) != 1 {
			return usagef("name the backup: belay restore FILE")
		}
		report, err := store.Restore(cmd.Context(), args[0], cfg.Store.Path)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w\n  what next: stop belay and move the old store away (it is never written over), or set store.path to where the new one is to lie", err)
		}
		if err != nil {
			return err
		}
		return p.print(report, fmt.Sprintf("Restored %d log records to %s. %s\nWhat was owed then is held: compare it with chain and chat, then run `belay restore --confirm`.", report.Records, cfg.Store.Path, report.Proves()))
	}
	return c
}

func (p *program) releaseHold(ctx context.Context, cfg *configs.Config) error {
	db, err := store.Open(store.Config{Path: cfg.Store.Path, LogKeyFile: cfg.Store.LogKeyFile})
	if err != nil {
		return err
	}
	if err := errors.Join(db.ReleaseHold(ctx), db.Close()); err != nil {
		return err
	}
	return p.print(map[string]bool{"held": false}, "The outbox is released; it is worked off at the next start.")
}
