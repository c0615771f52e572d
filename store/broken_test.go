package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"belay/governance"

	"go.etcd.io/bbolt"
)

// loseFreePage takes a page off the list of free ones, so that it is in nobody's hands. No read comes near it.
func loseFreePage(t *testing.T, path string) {
	t.Helper()
	const page, header = 4096, 16
	file, err := os.ReadFile(path)
	must(t, err)
	meta := file[header:] // of the two root pages, the one that was written last holds
	if other := file[page+header:]; binary.NativeEndian.Uint64(other[48:]) > binary.NativeEndian.Uint64(meta[48:]) {
		meta = other
	}
	free := file[page*binary.NativeEndian.Uint64(meta[32:]):]
	count := binary.NativeEndian.Uint16(free[10:])
	if flags := binary.NativeEndian.Uint16(free[8:]); flags != 0x10 || count == 0 {
		t.Fatalf("this is no list of free pages: flags %#x, %d pages", flags, count)
	}
	binary.NativeEndian.PutUint16(free[10:], count-1)
	must(t, os.WriteFile(path, file, 0o600))
}

// TestAPageThatIsInNobodysHandsIsFound: Check looks at the pages themselves, in a store that runs and in one that is only read.
func TestAPageThatIsInNobodysHandsIsFound(t *testing.T) {
	for name, open := range map[string]func(Config) (*Store, error){"reading": OpenReadOnly, "writing": Open} {
		cfg := testConfig(t)
		fillClosed(t, cfg.Path)
		loseFreePage(t, cfg.Path)
		s, err := open(cfg)
		must(t, err)
		t.Log("opened for", name)
		wantWords(t, s.Check(t.Context()), []string{"file: page", "unreachable unfreed"})
		must(t, s.Close())
	}
}

func TestACheckThatIsCalledOffSaysSo(t *testing.T) {
	s := newStore(t)
	fillFile(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, s.Check(ctx), context.Canceled)
}

// logOf makes a store whose log has so many records, in one proposal.
func logOf(t *testing.T, records int) *Store {
	t.Helper()
	s := newStore(t)
	r := proposing(1)
	commit(t, s, r)
	for n := 1; n < records; n += len(r.Events) {
		r = after(*r.State, governance.EventObjected)
		for len(r.Events) < min(40, records-n) {
			r.Events = append(r.Events, r.Events[0])
			r.State.Version++
		}
		commit(t, s, r)
	}
	return s
}

// TestALongLogIsVerifiedToItsEnd: where it looks up whether it was called off, it goes on unless it was.
func TestALongLogIsVerifiedToItsEnd(t *testing.T) {
	const records = 1100
	s := logOf(t, records)
	report, err := s.VerifyLog(t.Context())
	must(t, err)
	same(t, report.Records, records)

	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the operator went home")
	cancel(why)
	_, err = s.VerifyLog(ctx)
	wantError(t, err, why)

	must(t, s.db.Update(tampered(bucketLog, numberKey(records-5), replacing("bob", "eve"))))
	_, err = s.VerifyLog(t.Context())
	wantWords(t, err, []string{"log record 1095", "one of them was changed"})
}

// TestAnExportNamesTheRecordThatIsBroken: its own, or the one before, of another proposal, whose hash it needs.
func TestAnExportNamesTheRecordThatIsBroken(t *testing.T) {
	for seq, want := range map[uint64]string{2: "log record 2", 3: "log record 3"} { // P-2 has 2 and 4
		s := newStore(t)
		fillFile(t, s)
		must(t, s.db.Update(tampered(bucketLog, numberKey(seq), func(b []byte) []byte { return b[:10] })))
		wantWords(t, s.ExportLog(&bytes.Buffer{}, "P-2"), []string{want, "it is missing or cut"})
	}
	s := newStore(t)
	fillFile(t, s)
	must(t, s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketLog).Delete(numberKey(4)) }))
	wantWords(t, s.ExportLog(&bytes.Buffer{}, ""), []string{"log record 4", "it is missing or cut"})
}
