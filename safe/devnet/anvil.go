package devnet

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"time"
)

// anvilStart bounds how long anvil may take until it listens.
const anvilStart = 20 * time.Second

// StartAnvil runs the anvil of the npm package @foundry-rs/anvil on a free loopback port, with args behind our own, for
// what a [Chain] does not do: be told by RPC what to mine, impersonate, fork. It returns when anvil listens. stop kills
// it and waits until it is gone; the end of ctx kills it too, and stop must be called all the same.
func StartAnvil(ctx context.Context, args ...string) (url string, stop func(), err error) {
	binary, err := anvilBinary()
	if err != nil {
		return "", nil, err
	}
	running, kill := context.WithCancel(ctx)
	said := &announcement{listening: make(chan string, 1)}
	// Port 0: the system picks a free one, and nobody can take it between the choice and the use.
	cmd := exec.CommandContext(running, binary, append([]string{"--host", "127.0.0.1", "--port", "0"}, args...)...) //nolint:gosec // npm's binary, the test's arguments
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		kill()
		return "", nil, fmt.Errorf("start anvil: %w", err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // "signal: killed" is how it is meant to end
		close(gone)
	}()
	stop = func() { kill(); <-gone }

	url, err = said.wait(ctx, gone)
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("start anvil: %w", err)
	}
	return url, stop, nil
}

// anvilBinary finds the program in the package of this platform. We run it directly: npm's launcher would stay between
// us and the process to kill.
func anvilBinary() (string, error) {
	name := "anvil"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	system := map[string]string{"windows": "win32"}[runtime.GOOS]
	if system == "" {
		system = runtime.GOOS
	}
	return findUpwards(fmt.Sprintf("node_modules/@foundry-rs/anvil-%s-%s/bin/%s", system, runtime.GOARCH, name))
}

// announcement is what anvil prints, read for the address it listens on. mu guards text and told.
type announcement struct {
	listening chan string // holds the address once

	mu   sync.Mutex
	text bytes.Buffer
	told bool
}

var listeningOn = regexp.MustCompile(`Listening on (127\.0\.0\.1:\d+)\s`)

func (a *announcement) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.told {
		return len(p), nil // it goes on logging every request; nobody reads that
	}
	a.text.Write(p)
	if found := listeningOn.FindSubmatch(a.text.Bytes()); found != nil {
		a.told = true
		a.listening <- string(found[1])
	}
	return len(p), nil
}

func (a *announcement) wait(ctx context.Context, gone <-chan struct{}) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, anvilStart)
	defer cancel()
	select {
	case address := <-a.listening:
		return "http://" + address, nil
	case <-gone:
		return "", fmt.Errorf("it ended at once and said: %s", a.said())
	case <-ctx.Done():
		return "", fmt.Errorf("it does not listen: %w; it said: %s", ctx.Err(), a.said())
	}
}

func (a *announcement) said() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text.String()
}
