package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"
)

// setup is one `belay init`: what it was told, and what it found.
type setup struct {
	*program
	interactive bool
	lines       *bufio.Reader

	// Told, by flags or answers.
	rpc             []string
	safeAddress     string
	dir             string
	name            string // of the Safe
	set             string // of example playbooks
	wantChain       uint64 // 0: any
	publicURL       string
	storePath       string
	discordApp      string
	makeRelayer     bool
	allowUnverified bool
	force           bool

	// Found on chain.
	chainID uint64
	address common.Address
	state   safe.State

	relayer common.Address // whose key lies in secrets/relayer; zero when there is none
	written []string
}

func (p *program) initialize() *cobra.Command {
	s := setup{program: p}
	c := &cobra.Command{Use: "init", Short: "reads a Safe and writes a configuration for it: playbook, Slack manifest, Discord invite, systemd unit", Args: cobra.NoArgs,
		Long: "Asks for what it needs; with --rpc and --safe it asks nothing. Owners, threshold, version and chain id are read from the chain. Nothing that exists is\n" +
			"written over without --force, and a relayer key never is.",
		Example: "  belay init\n  belay init --rpc https://one.example --rpc https://two.example --safe 0x… --dir /etc/belay --relayer-key"}
	f := c.Flags()
	f.StringArrayVar(&s.rpc, "rpc", nil, "URL of a provider; two or three of different operators are better than one")
	f.StringVar(&s.safeAddress, "safe", "", "the Safe's address")
	f.Uint64Var(&s.wantChain, "chain-id", 0, "the chain that the providers have to be on (default: the one they are on)")
	f.StringVar(&s.dir, "dir", "belay", "where to write")
	f.StringVar(&s.name, "name", "guardian", "the Safe's name in the configuration")
	f.StringVar(&s.set, "example", "pausable", "example playbooks: "+strings.Join(setNames(), ", "))
	f.StringVar(&s.publicURL, "public-url", "http://127.0.0.1:8080", "the one origin that people will learn")
	f.StringVar(&s.storePath, "store", "/var/lib/belay/belay.db", "where the database will lie")
	f.StringVar(&s.discordApp, "discord-application-id", "", "of your Discord application: prints its invite link")
	f.BoolVar(&s.makeRelayer, "relayer-key", false, "make a relayer key, and print the address to fund")
	f.BoolVar(&s.allowUnverified, "allow-unverified", false, "take a Safe whose code is none that Safe published")
	f.BoolVar(&s.force, "force", false, "write over files that exist")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		s.lines = bufio.NewReader(p.in)
		s.interactive = len(s.rpc) == 0 || s.safeAddress == ""
		return s.run(cmd.Context(), cmd.Flags().Changed)
	}
	return c
}

// item is one thing to be told: by its flag, or by an answer. take judges it.
type item struct {
	flag, question, otherwise string
	take                      func(context.Context, string) error
}

func (s *setup) run(ctx context.Context, given func(flag string) bool) error {
	if s.interactive {
		s.say("Belay reads your Safe and writes a configuration for it. An empty answer takes what stands in brackets.\n")
	}
	if err := s.takeProviders(ctx); err != nil {
		return err
	}
	for _, i := range []item{
		{"safe", "Address of the Safe", s.safeAddress, s.takeSafe},
		{"name", "Name of the Safe, as people will type it", s.name, s.takeName},
		{"example", "Example playbooks: " + strings.Join(setNames(), ", "), s.set, s.takeSet},
		{"public-url", "Address at which people will reach Belay", s.publicURL, s.takePublicURL},
		{"discord-application-id", "Discord application id, empty for none", s.discordApp, s.takeDiscord},
		{"store", "", s.storePath, s.takeStore},
		{"relayer-key", "Make a relayer key now? It will pay gas and hold no power: y or n", "y", s.takeRelayer},
		{"dir", "Directory to write into", s.dir, s.takeDir},
	} {
		asked := s.interactive && !given(i.flag) && i.question != ""
		if err := s.settle(ctx, i, asked); err != nil {
			return err
		}
	}
	if err := s.write(); err != nil {
		return err
	}
	return s.report()
}

// settle takes what a flag said, or asks until an answer is taken.
func (s *setup) settle(ctx context.Context, i item, asked bool) error {
	if !asked {
		if i.flag == "relayer-key" {
			return nil // a switch, and set already
		}
		if err := i.take(ctx, i.otherwise); err != nil {
			return fmt.Errorf("--%s: %w", i.flag, err)
		}
		return nil
	}
	for {
		text, err := s.ask(ctx, i)
		if err != nil {
			return err
		}
		if err = i.take(ctx, text); err == nil || ctx.Err() != nil {
			return err
		}
		s.say("  %v\n", err)
	}
}

// ask prints a question and reads a line. An interrupt ends the waiting: nobody else would.
func (s *setup) ask(ctx context.Context, i item) (string, error) {
	prompt := i.question
	if i.otherwise != "" {
		prompt += " [" + i.otherwise + "]"
	}
	s.say("%s: ", prompt)
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := s.lines.ReadString('\n')
		read <- line{strings.TrimSpace(text), err}
	}()
	select {
	case <-ctx.Done():
		s.say("\n")
		return "", errors.New("interrupted: nothing was written")
	case l := <-read:
		switch {
		case l.err != nil && l.text == "":
			s.say("\n")
			return "", usagef("the answers ended before this one: give --%s", i.flag)
		case l.text == "":
			return i.otherwise, nil
		}
		return l.text, nil
	}
}

// say talks to the person; results go to standard output.
func (s *setup) say(format string, args ...any) { _, _ = fmt.Fprintf(s.err, format, args...) }

// takeProviders settles the list of providers: all are on one chain.
func (s *setup) takeProviders(ctx context.Context) error {
	given := s.rpc
	s.rpc = nil
	for i, url := range given {
		if err := s.takeProvider(ctx, url); err != nil {
			return fmt.Errorf("--rpc, number %d: %w", i+1, err)
		}
	}
	for s.interactive && len(given) == 0 {
		first := len(s.rpc) == 0
		i := item{flag: "rpc", question: "URL of an RPC provider", take: s.takeProvider}
		if !first {
			i.question = "URL of another, of a different operator; empty for no more"
			i.take = func(ctx context.Context, url string) error {
				if url == "" {
					given = s.rpc
					return nil
				}
				return s.takeProvider(ctx, url)
			}
		}
		if err := s.settle(ctx, i, true); err != nil {
			return err
		}
		if first {
			s.say("  chain %d, called %s here\n", s.chainID, chainNameOf(s.chainID))
		}
	}
	return nil
}

func (s *setup) takeName(_ context.Context, name string) error {
	if !playbookName.MatchString(name) {
		return usagef("%q is not a name: 1 to 32 of a-z, 0-9, _ and -, a letter first", safe.Printable(name, 40))
	}
	s.name = name
	return nil
}

func (s *setup) takeSet(_ context.Context, set string) error {
	if !slices.Contains(setNames(), set) {
		return usagef("there are no example playbooks %q; there are %s", safe.Printable(set, 40), strings.Join(setNames(), ", "))
	}
	s.set = set
	return nil
}

func (s *setup) takeDiscord(_ context.Context, id string) error {
	if strings.Trim(id, "0123456789") != "" || len(id) > 20 {
		return usagef("%q is not a Discord id: General Information, Application ID, digits only", safe.Printable(id, 40))
	}
	s.discordApp = id
	return nil
}

func (s *setup) takeStore(_ context.Context, path string) error {
	s.storePath = path
	return nil
}

func (s *setup) takeRelayer(_ context.Context, answer string) error {
	switch strings.ToLower(answer) {
	case "y", "yes":
		s.makeRelayer = true
	case "n", "no":
		s.makeRelayer = false
	default:
		return usagef("answer y or n")
	}
	return nil
}
