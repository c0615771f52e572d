package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// Exit codes, as belay's own.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// options are what can be asked for. None is needed.
type options struct {
	script bool
	belay  string        // the program; looked for in bin/ when empty
	delay  time.Duration // of the timelock; 0 is the mode's own
	within time.Duration // the script must be over by then
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program without the process around it.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	opts, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		return exitUsage // flag has said why
	}
	act := show
	if opts.script {
		act = playScript
	}
	if err := act(ctx, opts, out); err != nil {
		_, _ = fmt.Fprintln(errs, "demo: "+err.Error())
		return exitFailed
	}
	return exitDone
}

func parse(args []string, errs io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.SetOutput(errs)
	f.BoolVar(&o.script, "script", false, "play pause, parameter change and unpause without anyone; exit 0 only if the chain agrees")
	f.StringVar(&o.belay, "belay", "", "the program to run (default bin/belay, looked for upwards)")
	f.DurationVar(&o.delay, "delay", 0, "minimum delay of the timelock, whole seconds (default 20s, with --script 15s)")
	f.DurationVar(&o.within, "within", 3*time.Minute, "when --script gives up")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		err := fmt.Errorf("unexpected argument %q", f.Arg(0))
		_, _ = fmt.Fprintln(errs, "demo: "+err.Error())
		return o, err
	}
	if o.delay%time.Second != 0 || o.delay < 0 {
		err := fmt.Errorf("--delay %s is not a number of whole seconds", o.delay)
		_, _ = fmt.Fprintln(errs, "demo: "+err.Error())
		return o, err
	}
	return o, nil
}

// show runs the screen until ctx ends.
func show(ctx context.Context, o options, out io.Writer) error {
	if o.delay == 0 {
		o.delay = 20 * time.Second // long enough to see a window closed, short enough to wait for
	}
	say := func(text string) { _, _ = fmt.Fprintln(out, text) }
	say("Starting a chain, a Safe, a timelock, a market and Belay …")
	s, err := openStage(ctx, o)
	if ctx.Err() != nil && err != nil {
		return nil // called off while it started
	}
	if err != nil {
		return err
	}
	defer s.close()
	screen, err := newScreen(s)
	if err != nil {
		return err
	}
	defer screen.close()
	say("\n  Open " + screen.url() + "\n")
	say("Everything runs on this machine and nothing is real. Ctrl-C ends it and leaves nothing behind.")
	select {
	case <-ctx.Done():
		say("\nCleaning up …")
		return nil
	case err := <-s.broken:
		return err
	}
}

// findBelay gives the program to run: the one that was named, or bin/belay of the checkout.
func findBelay(named string) (string, error) {
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("find belay: %w", err)
		}
		return filepath.Abs(named)
	}
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find belay: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		file := filepath.Join(dir, "bin", "belay")
		if _, err := os.Stat(file); err == nil {
			return file, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("find belay: %w", err)
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("bin/belay is not built: run `make build`, or `make demo`, which does it")
		}
	}
}
