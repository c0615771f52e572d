package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	restartAfter = time.Second      // as systemd's RestartSec would
	drainWithin  = 8 * time.Second  // from SIGTERM to SIGKILL
	readyWithin  = 60 * time.Second // of a start on a busy machine
)

// child is `belay serve` as a process of its own, started again whenever it ends.
type child struct {
	program, config string
	admin           string // origin of the admin listener
	log             string // file that its log is appended to

	mu     sync.Mutex
	now    life
	killed time.Time // when the last SIGKILL was sent
}

// life is what is known of the process.
type life struct {
	Number  int // of starts
	PID     int
	Up      bool // it answered /readyz
	Began   time.Time
	Ready   time.Time
	process *os.Process
}

// run keeps the process alive until ctx ends, then ends it. It gives up when a process does not live to be ready.
func (c *child) run(ctx context.Context) error {
	for {
		err := c.live(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartAfter):
		}
	}
}

// live runs the process once, from start to end.
func (c *child) live(ctx context.Context) error {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(c.program, "--config", c.config, "serve") //nolint:gosec // our own program
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, ownGroup()
	ended, err := start(cmd)
	if err != nil {
		return fmt.Errorf("run %s: %w", c.program, err)
	}
	c.born(cmd.Process)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go c.watch(watching)
	select {
	case <-ended:
	case <-ctx.Done():
		end(cmd.Process, ended)
	}
	return c.died(ctx)
}

// start runs cmd from a thread that lives as long as the process: on Linux the process is killed when that thread ends,
// so that even a demo that is killed leaves no Belay behind.
func start(cmd *exec.Cmd) (ended <-chan struct{}, err error) {
	started, gone := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(gone)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
		}
	}()
	return gone, <-started
}

// end asks the process to drain, and kills it when it does not.
func end(p *os.Process, ended <-chan struct{}) {
	_ = p.Signal(syscall.SIGTERM) // gone already is fine
	select {
	case <-ended:
	case <-time.After(drainWithin):
		_ = p.Kill()
		<-ended
	}
}

func (c *child) born(p *os.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = life{Number: c.now.Number + 1, PID: p.Pid, Began: time.Now(), process: p}
}

// died notes the end. A first life that never was ready means that the program or its configuration is broken.
func (c *child) died(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	wasReady, murdered := c.now.Up, c.killed.After(c.now.Began)
	c.now.Up, c.now.process = false, nil
	if wasReady || murdered || ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("belay ended before it was ready and said:\n%s", c.tail())
}

// tail is the end of the log.
func (c *child) tail() string {
	text, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	const most = 2000 // bytes
	return string(bytes.TrimSpace(text[max(0, len(text)-most):]))
}

// watch asks until the process says that it is ready.
func (c *child) watch(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !c.answers(ctx) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.process != nil {
		c.now.Up, c.now.Ready = true, time.Now()
	}
}

func (c *child) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.admin+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// state is what is known now.
func (c *child) state() life {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// kill sends SIGKILL: no drain, no goodbye.
func (c *child) kill() (life, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.process == nil {
		return c.now, errors.New("it is not running")
	}
	c.killed = time.Now()
	was := c.now
	if err := c.now.process.Kill(); err != nil {
		return was, fmt.Errorf("kill %d: %w", was.PID, err)
	}
	c.now.Up = false
	return was, nil
}

// awaited tells once the process is ready in its n-th life or a later one.
func (c *child) awaited(ctx context.Context, n int) <-chan error {
	done := make(chan error, 1)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if l := c.state(); l.Number >= n && l.Up {
				done <- nil
				return
			}
			select {
			case <-ctx.Done():
				done <- fmt.Errorf("belay is not ready: %w", ctx.Err())
				return
			case <-tick.C:
			}
		}
	}()
	return done
}
