package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"belay/governance"

	"go.etcd.io/bbolt"
)

// helper is what the test binary does when a test starts it as another process.
func helper(role string) int {
	cfg := Config{Path: os.Getenv("BELAY_STORE_PATH")}
	cfg.LogKeyFile = filepath.Join(filepath.Dir(cfg.Path), "log.key")
	s, err := Open(cfg)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	switch role {
	case "hold": // until the test closes our input
		fmt.Println("open")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "write": // until the test kills us
		inParallel(8, func(i int) { acknowledge(s, idOf(uint64(i)+1)) })
	case "full":
		return runFull(s)
	}
	return 0
}

// acknowledge commits change after change of one proposal and tells each on stdout once it is committed.
func acknowledge(s *Store, id string) {
	n, _ := numberOf(id)
	next := proposing(n)
	if p, err := s.Proposal(id); err == nil {
		next = after(p, governance.EventObjected)
	}
	for {
		seq, err := s.Commit(context.Background(), next)
		if err != nil {
			fmt.Println("error", err)
			return
		}
		_, _ = fmt.Fprintf(os.Stdout, "ack %d %s %d\n", seq, id, next.State.Version) // one write, so that lines stay whole
		next = after(*next.State, governance.EventObjected)
	}
}

// otherProcess starts the helper. It ends with the test at the latest.
func otherProcess(t *testing.T, role, path string) (cmd *exec.Cmd, input io.WriteCloser, output *bufio.Reader) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd = exec.CommandContext(t.Context(), self) //nolint:gosec // this test binary
	cmd.Env = append(os.Environ(), "BELAY_STORE_HELPER="+role, "BELAY_STORE_PATH="+path)
	cmd.Stderr = os.Stderr
	input, err = cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	return cmd, input, bufio.NewReader(stdout)
}

type ack struct {
	seq, version uint64
	proposal     string
}

func TestKilledAtAnyMomentNothingAcknowledgedIsLost(t *testing.T) {
	cfg := testConfig(t)
	acked := map[uint64]ack{}
	for kill := range 10 {
		cmd, _, output := otherProcess(t, "write", cfg.Path)
		for range 10 + 17*kill {
			keepAck(t, acked, mustLine(t, output))
		}
		must(t, cmd.Process.Kill())
		for line, err := output.ReadString('\n'); err == nil; line, err = output.ReadString('\n') {
			keepAck(t, acked, line) // said before it died
		}
		_ = cmd.Wait()

		s, err := Open(cfg)
		must(t, err)
		if !s.Unclean() {
			t.Error("the store does not see that its last holder was killed")
		}
		must(t, s.Check(t.Context()))
		wantAcked(t, s, acked)
		must(t, s.Close())
	}
	t.Logf("%d commits were acknowledged over 10 kills", len(acked))
}

func mustLine(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	line, err := r.ReadString('\n')
	must(t, err)
	return line
}

func keepAck(t *testing.T, acked map[uint64]ack, line string) {
	t.Helper()
	var a ack
	if _, err := fmt.Sscanf(line, "ack %d %s %d", &a.seq, &a.proposal, &a.version); err != nil {
		t.Fatalf("the helper said %q", line)
	}
	if _, twice := acked[a.seq]; twice {
		t.Fatalf("record %d was acknowledged twice", a.seq)
	}
	acked[a.seq] = a
}

func wantAcked(t *testing.T, s *Store, acked map[uint64]ack) {
	t.Helper()
	for _, a := range acked {
		must(t, s.view("find acknowledged record", func(tx *bbolt.Tx) error {
			r, err := loggedAt(tx, numberKey(a.seq))
			if err == nil && (r.Proposal != a.proposal || r.Version != a.version) {
				err = fmt.Errorf("record %d is change %d of %s, acknowledged was %+v", r.Seq, r.Version, r.Proposal, a)
			}
			return err
		}))
	}
}

func TestAHeldStoreSaysWhoHoldsIt(t *testing.T) {
	cfg := testConfig(t)
	cmd, input, output := otherProcess(t, "hold", cfg.Path)
	same(t, mustLine(t, output), "open\n")
	host, err := os.Hostname()
	must(t, err)
	for name, open := range map[string]func(Config) (*Store, error){"for writing": Open, "for reading": OpenReadOnly} {
		_, err := open(cfg)
		wantError(t, err, ErrLocked)
		var locked *LockedError
		if !errors.As(err, &locked) || locked.Holder == nil || locked.Holder.PID != cmd.Process.Pid || locked.Holder.Host != host {
			t.Errorf("opening %s does not say that process %d on %s holds it: %v", name, cmd.Process.Pid, host, err)
		}
		if want := fmt.Sprintf("process %d on %s since", cmd.Process.Pid, host); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not contain %q", err, want)
		}
	}
	must(t, input.Close())
	must(t, cmd.Wait())
	s := openStore(t, cfg)
	if !s.Unclean() { // the helper left without Close
		t.Error("the store does not see that its last holder did not close it")
	}
}
