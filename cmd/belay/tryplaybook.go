package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"belay/bot"
	"belay/configs"
	"belay/governance"
	"belay/safe/chain"

	"github.com/spf13/cobra"
)

func (p *program) playbookTest() *cobra.Command {
	return &cobra.Command{Use: "test NAME [k=v…]", Short: "drafts a playbook on today's chain without proposing it: calls, hashes, simulation, card", Args: cobra.MinimumNArgs(1),
		Long: "Drafts a playbook on today's chain, as if nothing else were open, and proposes nothing. Parameters that are left out take their samples.",
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := pairs(args[1:])
			if err != nil {
				return err
			}
			cfg, err := p.load()
			if err != nil {
				return err
			}
			v, err := tryPlaybook(cmd.Context(), cfg, args[0], given)
			if err != nil {
				return plain(err)
			}
			return p.printTrial(v)
		}}
}

// pairs reads name=value arguments.
func pairs(args []string) (map[string]string, error) {
	params := map[string]string{}
	for _, pair := range args {
		k, v, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usagef("%q: write parameters as name=value", pair)
		}
		params[k] = v
	}
	return params, nil
}

// tryPlaybook drafts through connections of its own.
func tryPlaybook(ctx context.Context, cfg *configs.Config, name string, given map[string]string) (governance.View, error) {
	books, errs := compilePlaybooks(cfg)
	pb, ok := books[name]
	if !ok {
		for _, err := range errs {
			return governance.View{}, usage(err)
		}
		return governance.View{}, usagef("there is no playbook %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(books)), ", "))
	}
	params := map[string]string{}
	for _, param := range pb.Params {
		if param.Sample != "" {
			params[param.Name] = param.Sample
		}
	}
	maps.Copy(params, given)
	chains := map[string]*chain.Client{}
	for _, c := range cfg.Chains {
		client, err := chain.Dial(ctx, chainConfig(c, slog.New(slog.DiscardHandler), nil))
		if err != nil {
			return governance.View{}, fmt.Errorf("chain %s: %w", c.Name, err)
		}
		defer client.Close()
		chains[c.Name] = client
	}
	keys, err := openKeys(cfg)
	if err != nil {
		return governance.View{}, usage(err)
	}
	l := looker{cfg: cfg, chains: chains, keys: keys}
	return l.preview(ctx, pb, params)
}

// printTrial shows what a signer would see, what is hashed, and the card.
func (p *program) printTrial(v governance.View) error {
	hashes, err := plainHashes(v)
	if err != nil {
		return err
	}
	names := bot.Names{Root: "belay", Pause: "pause", Propose: "propose"}
	card := cardText(bot.Draw(v, bot.Reader{Names: names, Audience: governance.AudienceWarRoom}))
	return p.print(v, proposalText(v)+"\n\n"+hashes+"\n\nThe card:\n\n"+card)
}

// cardText is a card without colours and buttons.
func cardText(c bot.Card) string {
	var b strings.Builder
	b.WriteString("  " + c.Header + "\n")
	for _, s := range c.Sections {
		if s.Title != "" {
			b.WriteString("\n  " + s.Title + "\n")
		}
		for _, line := range s.Lines {
			b.WriteString("  ")
			for _, span := range line {
				b.WriteString(spanText(span))
			}
			b.WriteString("\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func spanText(s bot.Span) string {
	switch s.Kind {
	case bot.SpanSaid:
		return bot.Clean(s.Said, s.Cap)
	case bot.SpanMoment:
		return s.At.UTC().Format("2006-01-02 15:04 UTC")
	}
	return s.Text
}
