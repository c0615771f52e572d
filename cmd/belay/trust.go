package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"belay/configs"
	"belay/governance"
	"belay/store"

	"github.com/spf13/cobra"
)

// accept has the store remember this configuration, once enough members vouch for it, as what the next one is compared with.
func (s *service) accept(ctx context.Context) error {
	next, changed := s.standing.Accept(s.last, walletsOf(s.cfg), time.Now())
	if !changed {
		return nil
	}
	if err := s.store.Accept(ctx, next); err != nil {
		return err
	}
	log := s.log.With("manifest", s.standing.Manifest.Hex(), "manifest_before", s.last.Manifest.Hex())
	switch {
	case next.FirstUse:
		log.Warn("the configuration is accepted on first use: no earlier set shows whose wallets these are. From now on changes take signatures of members with wallets that they have in it")
	case next.Remembers():
		log.Info("the configuration is accepted")
	default:
		log.Warn("members agreed to a configuration that takes no signatures: no wallet is remembered any more")
	}
	return nil
}

// remembered reads which configuration was accepted last, from a stopped store or the program that holds it; false where there is no
// store yet, or none on this machine.
func remembered(ctx context.Context, cfg *configs.Config) (last governance.Accepted, found bool, err error) {
	db, err := offline(cfg)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return last, false, nil
	case errors.Is(err, store.ErrLocked), errors.Is(err, fs.ErrPermission): // the file is its program's alone
		err = plain(remote{ctx: ctx, base: "http://" + cfg.HTTP.AdminListen}.get("/admin/accepted", &last))
		return last, err == nil, err
	case err != nil:
		return last, false, err
	}
	last, err = db.Accepted()
	return last, err == nil, errors.Join(err, db.Close())
}

// memory is what a configuration is compared with, or why there is nothing: members sign on machines that have no store.
type memory struct {
	last governance.Accepted
	why  string // "" where the store was read
}

func memoryOf(ctx context.Context, cfg *configs.Config) memory {
	last, found, err := remembered(ctx, cfg)
	switch {
	case err != nil:
		return memory{why: "the store cannot be read: " + clean(err.Error())}
	case !found:
		return memory{why: "there is no store at " + cfg.Store.Path + " on this machine"}
	}
	return memory{last: last}
}

// vouched is how a configuration stands. Without a store it calls no wallet new and no use the first.
func (m memory) vouched(cfg *configs.Config) (governance.Vouched, []error, error) {
	v, doubts, err := vouched(cfg, m.last)
	if m.why != "" {
		v.FirstUse = false
		for i := range v.Signed {
			v.Signed[i].New = false
		}
	}
	return v, doubts, err
}

// line says what the wallets were compared with.
func (m memory) line(v governance.Vouched) string {
	last := m.last
	switch {
	case m.why != "":
		return "Not compared with the last accepted set: " + m.why
	case !last.Remembers() && !last.ForgotAt.IsZero():
		return fmt.Sprintf("The set that was accepted last, %s, was forgotten by the operator on %s: the next that takes signatures and has them is accepted as it is", last.Forgotten.Hex(), day(last.ForgotAt))
	case !last.Remembers():
		return "No set was accepted before: the first that takes signatures and has them is accepted as it is"
	case last.Manifest == v.Manifest && last.FirstUse:
		return "Accepted on first use, on " + day(last.At)
	case last.Manifest == v.Manifest:
		return "Accepted on " + day(last.At)
	}
	return fmt.Sprintf("Last accepted: %s, on %s", last.Manifest.Hex(), day(last.At))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// configTrust shows what the next configuration is compared with, and is the way out when too many wallets are lost.
func (p *program) configTrust() *cobra.Command {
	reset := false
	c := &cobra.Command{Use: "trust", Short: "prints the last accepted configuration and its wallets, which a changed one needs signatures of", Args: cobra.NoArgs,
		Long: "Prints which configuration the store remembers as accepted last, and which wallets members had in it. A changed configuration serves emergencies only once as many of\n" +
			"these wallets signed it as the remembered one takes.\n\n" +
			"--reset forgets it, for when too many wallets are lost: the next set that takes signatures is then accepted whoever's wallets gave them. The store has to be stopped.\n" +
			"It is written down in the store, and every card says so until members signed a set that takes signatures."}
	c.Flags().BoolVar(&reset, "reset", false, "forget it, after a question")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := p.load(configs.WithoutSecrets())
		if err != nil {
			return err
		}
		last, found, err := remembered(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("there is no store at %s: nothing is remembered", cfg.Store.Path)
		}
		if reset {
			return p.forget(cmd.Context(), cfg)
		}
		return p.print(last, acceptedText(last))
	}
	return c
}

func acceptedText(a governance.Accepted) string {
	var lines []string
	if !a.ForgotAt.IsZero() {
		lines = append(lines, fmt.Sprintf("On %s the operator had %s forgotten", a.ForgotAt.UTC().Format(time.RFC3339), a.Forgotten.Hex()))
	}
	if !a.Remembers() {
		return strings.Join(append(lines, "No set is remembered: the first that takes signatures and has them is accepted as it is"), "\n")
	}
	how := ""
	if a.FirstUse {
		how = ", on first use"
	}
	lines = append(lines, fmt.Sprintf("Accepted  %s at %s%s", a.Manifest.Hex(), a.At.UTC().Format(time.RFC3339), how),
		fmt.Sprintf("A changed set takes signatures of %s with these wallets:", governance.Members(a.Require)))
	for _, w := range a.Wallets {
		line := "  " + w.Wallet.Hex() + " of " + clean(w.Member)
		if w.Signed {
			line += ", which signed it"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// forget takes the operator's way out. It opens the store as `serve` does, so that no running program goes on with what is forgotten.
func (p *program) forget(ctx context.Context, cfg *configs.Config) (err error) {
	db, err := store.Open(store.Config{Path: cfg.Store.Path, LogKeyFile: cfg.Store.LogKeyFile})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("%w\n  what next: stop it; what is accepted is forgotten only in a stopped store", err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	last, err := db.Accepted()
	if err != nil {
		return err
	}
	if !last.Remembers() {
		return errors.New("nothing is remembered that could be forgotten")
	}
	_, _ = fmt.Fprintln(p.err, acceptedText(last)+"\n\nOnce this is forgotten, the next set that takes signatures is accepted whoever's wallets gave them: look at them with `belay config show` first.\n"+
		"The store keeps that and when it was forgotten, and every card says so until members signed a set that takes signatures.")
	s := sitting{program: p, answers: bufio.NewReader(p.in)}
	answer, err := s.ask("\nType forget to go on; anything else stops: ")
	if err != nil {
		return err
	}
	if answer != "forget" {
		return errors.New("nothing was forgotten")
	}
	next := last.Forget(time.Now())
	if err := db.Accept(ctx, next); err != nil {
		return err
	}
	return p.print(next, "Forgotten: "+last.Manifest.Hex()+". Let members sign the configuration, then start belay.")
}
