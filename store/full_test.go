package store

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"belay/governance"
)

// room is how much the kernel lets the process of TestAFullDisk write into one file, in bytes. bbolt reserves more at once without
// writing to it, as it would on a disk that is full a moment later: the write fails, not the growing.
const room = 256 << 10

// runFull is the process of TestAFullDisk. It commits until the kernel gives the file no more room, and tells what works then.
func runFull(s *Store) int {
	leading, _, err := s.Lead(context.Background())
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: room, Max: room}); err != nil {
		fmt.Println("error", err)
		return 1
	}
	acknowledge(s, "P-1")
	<-leading.Done()
	fmt.Println("lead:", context.Cause(leading))
	p, err := s.Proposal("P-1")
	fmt.Println("read:", p.Version, err)
	_, err = s.Commit(context.Background(), governance.Record{Links: []governance.Link{{Account: "a"}}})
	fmt.Println("commit:", err)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: room / 4, Max: room}); err != nil { // less than the file has
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("backup:", s.Backup(context.Background(), s.path+".backup"))
	fmt.Println("close:", s.Close())
	return 0
}

// TestAFullDisk lets the kernel refuse room to another process: it says so, goes on reading, takes nothing more, and nothing that it
// acknowledged is lost.
func TestAFullDisk(t *testing.T) {
	cfg := testConfig(t)
	cmd, _, output := otherProcess(t, "full", cfg.Path)
	all, err := io.ReadAll(output)
	must(t, err)
	must(t, cmd.Wait())
	acked, told := map[uint64]ack{}, map[string]string{}
	for line := range strings.Lines(string(all)) {
		if strings.HasPrefix(line, "ack ") {
			keepAck(t, acked, line)
			continue
		}
		what, words, _ := strings.Cut(strings.TrimSpace(line), " ")
		told[what] = words
	}
	const refusal = "the disk did not take the last commit, nothing more is taken until belay is started again"
	for _, what := range []string{"error", "lead:", "commit:"} {
		if !strings.Contains(told[what], refusal) || !strings.Contains(told[what], "file too large") {
			t.Errorf("%s %q", what, told[what])
		}
	}
	if told := told["backup:"]; !strings.Contains(told, "back up to "+cfg.Path+".backup") || !strings.Contains(told, "file too large") {
		t.Errorf("backup: %q", told)
	}
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(cfg.Path), "*backup*"))
	must(t, err)
	hidden, err := filepath.Glob(filepath.Join(filepath.Dir(cfg.Path), ".*.tmp"))
	must(t, err)
	same(t, append(beside, hidden...), nil) // half a backup is none
	same(t, told["read:"], fmt.Sprintf("%d <nil>", len(acked)))
	same(t, told["close:"], "<nil>")

	s := openStore(t, cfg) // there is room again
	must(t, s.Check(t.Context()))
	wantAcked(t, s, acked)
	p, err := s.Proposal("P-1")
	must(t, err)
	same(t, p.Version, uint64(len(acked)))
	commit(t, s, after(p, governance.EventObjected))
	t.Logf("%d commits were acknowledged before the disk was full", len(acked))
}
