package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"belay/configs"

	"github.com/spf13/cobra"
)

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// program holds what every command shares.
type program struct {
	streams
	configFile string
	logFormat  string
	json       bool
}

// newRoot lists every command. Cobra reports wrong flags and arguments; they exit with 2 like a wrong configuration.
func newRoot(s streams) *cobra.Command {
	p := &program{streams: s}
	root := &cobra.Command{
		Use:           "belay",
		Short:         "coordinates emergency actions of an on-chain protocol",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return usage(cmd.Help()) },
	}
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetIn(s.in)
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().StringVar(&p.configFile, "config", defaultConfig(), "configuration file (also BELAY_CONFIG)")
	root.PersistentFlags().StringVar(&p.logFormat, "log-format", "json", "json or text")
	root.PersistentFlags().BoolVar(&p.json, "json", false, "results as JSON")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	root.AddCommand(p.initialize(), p.serve(), p.check(), p.playbook(), p.hash(), p.decode(), p.propose(), p.proposals(), p.nonces(), p.show(), p.sign(), p.execute(), p.log(), p.config(), p.backup(), p.restore(), p.version())
	root.AddCommand(p.statements()...)
	strictArgs(root)
	return root
}

// noSuchCommand refuses a word that is no command, with those that were probably meant.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	next := "`" + cmd.CommandPath() + " --help` lists the commands"
	cmd.SuggestionsMinimumDistance = 2 // letters that differ
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		next = "`" + cmd.CommandPath() + " " + strings.Join(meant, "` or `"+cmd.CommandPath()+" ") + "`; " + next
	}
	return fmt.Errorf("there is no command %q\n  what next: %s", cmd.CommandPath()+" "+args[0], next)
}

// strictArgs makes wrong arguments a usage error, as wrong flags are.
func strictArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error { return usage(check(cmd, args)) }
	}
	for _, sub := range c.Commands() {
		strictArgs(sub)
	}
}

func defaultConfig() string {
	if f := os.Getenv("BELAY_CONFIG"); f != "" {
		return f
	}
	return "belay.yaml"
}

// load reads the configuration with its secrets.
func (p *program) load(options ...configs.Option) (*configs.Config, error) {
	if _, err := os.Stat(p.configFile); errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("there is no %s: name the configuration with --config FILE or BELAY_CONFIG, or make one with `belay init`", p.configFile)
	}
	cfg, err := configs.Load(p.configFile, options...)
	if err != nil {
		return nil, usage(err)
	}
	return cfg, nil
}

func (p *program) logger() (*slog.Logger, error) {
	switch p.logFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(p.err, nil)), nil
	case "text":
		return slog.New(slog.NewTextHandler(p.err, nil)), nil
	}
	return nil, usagef("--log-format %q: use json or text", p.logFormat)
}

// print writes a result: JSON for machines, or the text.
func (p *program) print(v any, text string) error {
	if !p.json {
		_, err := fmt.Fprintln(p.out, text)
		return err
	}
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
