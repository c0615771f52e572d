// Command belay coordinates emergency actions of an on-chain protocol: from a word in chat to a Safe transaction that its
// owners signed, that is executed, and that is proven to have worked. See the repository's README.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"belay/governance"
)

// Exit codes of the public contract.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// run is the program without the process around it, so that tests can call it.
func run(ctx context.Context, args []string, io streams) int {
	root := newRoot(io)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(io.err, "belay: "+err.Error())
	var wrong *usageError
	if errors.As(err, &wrong) {
		return exitUsage
	}
	return exitFailed
}

// usageError is a mistake of whoever called: wrong flags, or a configuration with problems. It exits with 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// plain turns a refusal into its two sentences.
func plain(err error) error {
	var r *governance.Refusal
	if errors.As(err, &r) {
		return fmt.Errorf("%s: %s\n  what next: %s", r.Title(), r.Detail, r.Hint)
	}
	return err
}
