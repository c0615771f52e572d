package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"belay/governance"

	"go.etcd.io/bbolt"
)

// besides gives a new name in an empty folder.
func besides(t *testing.T, name string) string { return filepath.Join(t.TempDir(), name) }

func TestABackupOfABusyStoreRestoresToWhatItWas(t *testing.T) {
	s := newStore(t)
	fillFile(t, s)
	ctx, stop := context.WithCancel(t.Context())
	busy := make(chan struct{})
	go func() {
		defer close(busy)
		inParallel(8, func(i int) {
			r := proposing(uint64(i) + 100)
			for {
				if _, err := s.Commit(ctx, r); err != nil {
					wantError(t, err, context.Canceled)
					return
				}
				r = after(*r.State, governance.EventObjected)
			}
		})
	}()
	before := s.mustHead(t)
	file := besides(t, "backup.db")
	must(t, s.Backup(t.Context(), file))
	stop()
	<-busy

	info, err := os.Stat(file)
	must(t, err)
	same(t, info.Mode().Perm(), fs.FileMode(0o600))
	path := besides(t, "belay.db")
	report, err := Restore(t.Context(), file, path)
	must(t, err)
	if report.Head.Seq < before.Seq || report.Head.Seq > s.mustHead(t).Seq {
		t.Errorf("the backup ends at record %d", report.Head.Seq)
	}
	copied := openStore(t, Config{Path: path, LogKeyFile: keyBeside(t, path)})
	must(t, copied.Check(t.Context()))
	head := copied.mustHead(t)
	same(t, head.Hash, report.Head.Hash)
	theirs, err := (&exporter{store: s}).chunk(0, head.Seq, head.Seq)
	must(t, err)
	same(t, theirs[0].Hash, head.Hash) // the same log up to there
}

func keyBeside(t *testing.T, path string) string {
	t.Helper()
	file := filepath.Join(filepath.Dir(path), "log.key")
	writeKey(t, file, testKey)
	return file
}

func TestABackupNeverReplacesAFileAndLeavesNothingBehindWhenItFails(t *testing.T) {
	s := newStore(t)
	fillFile(t, s)
	file := besides(t, "backup.db")
	must(t, os.WriteFile(file, []byte("precious"), 0o600))
	wantError(t, s.Backup(t.Context(), file), fs.ErrExist)
	content, err := os.ReadFile(file)
	must(t, err)
	same(t, string(content), "precious")

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	file = besides(t, "backup.db")
	wantError(t, s.Backup(canceled, file), context.Canceled)
	must(t, s.db.Update(tampered(bucketLog, numberKey(2), replacing("alice", "alicf"))))
	wantWords(t, s.Backup(t.Context(), file), []string{"log record 2"})
	names, err := os.ReadDir(filepath.Dir(file))
	must(t, err)
	same(t, len(names), 0)
}

func TestAStoppedStoreIsBackedUpToo(t *testing.T) {
	cfg := testConfig(t)
	fillClosed(t, cfg.Path)
	s, err := OpenReadOnly(cfg)
	must(t, err)
	file := besides(t, "backup.db")
	must(t, s.Backup(t.Context(), file))
	must(t, s.Close())
	same(t, dumpFile(t, file), dumpFile(t, cfg.Path))
}

// backedUp gives a backup of a filled store, and what the store held.
func backedUp(t *testing.T) (file string, content map[string]string) {
	t.Helper()
	s := newStore(t)
	fillFile(t, s)
	file = besides(t, "backup.db")
	must(t, s.Backup(t.Context(), file))
	return file, dump(t, s.db)
}

func TestARestoredStoreStartsAnEpochAndHoldsTheOldOutboxOnly(t *testing.T) {
	file, _ := backedUp(t)
	path := besides(t, "belay.db")
	_, err := Restore(t.Context(), file, path)
	must(t, err)

	looking, err := OpenReadOnly(Config{Path: path}) // before the first start too
	must(t, err)
	held, reason := looking.Held()
	same(t, held, true)
	must(t, looking.Check(t.Context()))
	must(t, looking.Close())
	for _, w := range []string{"ends at log record 5 of 2026-11-21T12:02:00Z", "the 3 duties that were open then are held"} {
		if !strings.Contains(reason, w) {
			t.Errorf("%q does not contain %q", reason, w)
		}
	}

	cfg := Config{Path: path, LogKeyFile: filepath.Join(filepath.Dir(path), "new.key")} // a new machine may have a new key
	s := openStore(t, cfg)
	head := s.mustHead(t)
	same(t, head.Epoch, 2)
	same(t, head.Seq, 5)
	same(t, head.Verify(s.publicKey), true)
	_, fence, err := s.Lead(t.Context())
	must(t, err)
	same(t, fence, 2<<32|1)

	pause := proposing(70) // what is new is not held
	commit(t, s, pause)
	wantDuties(t, s, pause.Add[0].ID)
	commit(t, s, governance.Record{Done: []string{"P-2/000001/card/slack"}}) // found done, by hand
	must(t, s.Close())

	s = openStore(t, cfg)
	held, _ = s.Held()
	same(t, held, true)
	must(t, s.ReleaseHold(t.Context()))
	must(t, s.ReleaseHold(t.Context()))
	held, reason = s.Held()
	same(t, held, false)
	same(t, reason, "")
	wantDuties(t, s, "P-1/000001/card/slack", "P-3/000001/card/slack", "P-70/000001/card/slack")
	must(t, s.Check(t.Context()))
}

func wantDuties(t *testing.T, s *Store, want ...string) {
	t.Helper()
	duties, err := s.Duties()
	must(t, err)
	var got []string
	for _, d := range duties {
		got = append(got, d.ID)
	}
	same(t, got, want)
}

func TestARestoreCanItselfBeBackedUpAndRestored(t *testing.T) {
	file, _ := backedUp(t)
	for epoch := uint64(2); epoch <= 3; epoch++ {
		path := besides(t, "belay.db")
		_, err := Restore(t.Context(), file, path)
		must(t, err)
		s := openStore(t, Config{Path: path, LogKeyFile: keyBeside(t, path)})
		same(t, s.mustHead(t).Epoch, epoch)
		file = besides(t, "backup.db")
		must(t, s.Backup(t.Context(), file))
		must(t, s.ReleaseHold(t.Context()))
		wantDuties(t, s, "P-1/000001/card/slack", "P-2/000001/card/slack", "P-3/000001/card/slack")
	}
}

func TestARestoreRefusesWhatItCannotVouchFor(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, file, path string)
		want  string
	}{
		"a store in its place": {func(t *testing.T, _, path string) { fillClosed(t, path) }, "file already exists"},
		"no backup":            {func(t *testing.T, file, _ string) { must(t, os.Remove(file)) }, "no such file"},
		"a cut backup":         {func(t *testing.T, file, _ string) { must(t, os.Truncate(file, usedBytes(t, file)/2)) }, "was cut off"},
		"a broken log": {func(t *testing.T, file, _ string) {
			edit(t, file, tampered(bucketLog, numberKey(2), replacing("alice", "alicf")))
		}, "log record 2"},
		"an edited state": {func(t *testing.T, file, _ string) {
			edit(t, file, tampered(bucketProposals, numberKey(1), replacing(`"proposed"`, `"approved"`)))
		}, "proposal P-1: its state is not the one"},
		"a backup of a newer belay": {func(t *testing.T, file, _ string) {
			edit(t, file, func(tx *bbolt.Tx) error { return putNumber(tx.Bucket(bucketMeta), metaSchema, 9) })
		}, "newer belay"},
		"an empty bbolt file": {func(t *testing.T, file, _ string) {
			must(t, os.Remove(file))
			edit(t, file, func(*bbolt.Tx) error { return nil })
		}, "not a store"},
	} {
		t.Run(name, func(t *testing.T) {
			file, _ := backedUp(t)
			path := filepath.Join(filepath.Dir(file), "data", "belay.db")
			must(t, os.Mkdir(filepath.Dir(path), 0o700))
			keyBeside(t, path)
			c.spoil(t, file, path)
			before, _ := os.ReadFile(path)
			_, err := Restore(t.Context(), file, path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, it should contain %q", err, c.want)
			}
			now, readErr := os.ReadFile(path)
			same(t, bytes.Equal(now, before), true)
			same(t, errors.Is(readErr, fs.ErrNotExist), name != "a store in its place")
			temps, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tmp"))
			must(t, err)
			same(t, len(temps), 0)
		})
	}
}
