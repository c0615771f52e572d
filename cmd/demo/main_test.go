package main

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"belay/safe/devnet"
)

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	if workshop != "" {
		_ = os.RemoveAll(workshop)
	}
	os.Exit(code)
}

var workshop string // folder of the program under test

// builtBelay builds the program that the demo runs, once for all tests.
var builtBelay = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "belay-demo-test-")
	if err != nil {
		return "", err
	}
	workshop = dir
	program := filepath.Join(dir, "belay")
	if out, err := exec.Command("go", "build", "-o", program, "../belay").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// belayProgram gives the program, or skips loudly.
func belayProgram(t *testing.T) string {
	t.Helper()
	program, err := builtBelay()
	if err != nil {
		t.Skipf("BELAY CANNOT BE BUILT: the demo is NOT tested. %v", err)
	}
	return program
}

// newStage opens a stage for a test, with a timelock of delay.
func newStage(t *testing.T, delay time.Duration) *stage {
	t.Helper()
	s, err := openStage(t.Context(), options{belay: belayProgram(t), delay: delay})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.belay.tail())
		}
		pid := s.belay.state().PID
		s.close()
		if err := syscall.Kill(pid, 0); err == nil {
			t.Errorf("process %d still lives", pid)
		}
		if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
			t.Errorf("the folder %s is still there (%v)", s.dir, err)
		}
	})
	return s
}

// patience is how long a test waits for what a person would wait a few seconds for, on a busy machine.
const patience = 40 * time.Second

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(30 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", patience, what)
		case <-tick.C:
		}
	}
}

func owners() []*ecdsa.PrivateKey {
	return []*ecdsa.PrivateKey{devnet.Key(devnet.FirstOwnerKey), devnet.Key(devnet.FirstOwnerKey + 1), devnet.Key(devnet.FirstOwnerKey + 2)}
}
