package store

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"belay/governance"

	"go.etcd.io/bbolt"
)

// written is what one commit puts into the file.
func written(tb testing.TB, before, after map[string]string) (list []entry) {
	tb.Helper()
	for at, value := range after {
		if before[at] == value {
			continue
		}
		bucket, key := splitAt(tb, at)
		list = append(list, entry{bucket, key, []byte(value)})
	}
	return list
}

func splitAt(tb testing.TB, at string) (bucket, key []byte) {
	tb.Helper()
	for i := range at {
		if at[i] == '/' {
			_, err := fmt.Sscanf(at[i+1:], "%x", &key)
			must(tb, err)
			return []byte(at[:i]), key
		}
	}
	tb.Fatalf("%q is no place", at)
	return nil, nil
}

// confirming is the commit that is made most: a confirmation with its signature and the cards to bring up to date.
func confirming(p governance.Proposal) governance.Record {
	r := after(p, governance.EventConfirmed)
	r.Signatures = []governance.Signature{{SafeTxHash: p.SafeTxs[0].Hashes.SafeTx, Bytes: make([]byte, 65)}}
	for _, room := range []string{"slack", "discord"} {
		id := fmt.Sprintf("%s/%06d/card/%s", p.ID, r.State.Version, room)
		r.Add = append(r.Add, governance.Duty{ID: id, Kind: governance.DutyCard, Proposal: p.ID, Version: r.State.Version, Target: room, Due: day})
		r.Done = append(r.Done, fmt.Sprintf("%s/%06d/card/%s", p.ID, p.Version, room))
	}
	return r
}

// BenchmarkCommit and BenchmarkRawBbolt write the same keys and as many bytes; only the store encodes, checks, hashes and signs.
func BenchmarkCommit(b *testing.B) {
	s := newStore(b)
	commit(b, s, proposing(1))
	p, err := s.Proposal("P-1")
	must(b, err)
	for b.Loop() {
		r := confirming(p)
		commit(b, s, r)
		p = *r.State
	}
}

// reference is what a commit of a confirmation puts into the file, to be written without a store.
type reference []entry

func newReference(b *testing.B) reference {
	b.Helper()
	s := newStore(b)
	commit(b, s, proposing(1))
	p, err := s.Proposal("P-1")
	must(b, err)
	r := confirming(p)
	commit(b, s, r)
	before := dump(b, s.db)
	commit(b, s, confirming(*r.State))
	return written(b, before, dump(b, s.db))
}

// write puts it as log record seq and as the version of a proposal, and takes the duties of the version before away.
func (r reference) write(tx *bbolt.Tx, proposal, version, seq uint64) error {
	for _, e := range r {
		if err := tx.Bucket(e.bucket).Put(e.movedTo(proposal, version, seq), e.value); err != nil {
			return err
		}
	}
	for _, room := range []string{"slack", "discord"} {
		if err := tx.Bucket(bucketDuties).Delete(cardDuty(proposal, version-1, room)); err != nil {
			return err
		}
	}
	return nil
}

// movedTo gives the keys that grow along with log and proposals.
func (e entry) movedTo(proposal, version, seq uint64) []byte {
	switch string(e.bucket) {
	case "log":
		return numberKey(seq)
	case "log_of":
		return logOfKey(proposal, seq)
	case "proposals":
		return numberKey(proposal)
	case "duties":
		return cardDuty(proposal, version, string(e.key[len("P-1/000003/card/"):]))
	}
	return e.key
}

func cardDuty(proposal, version uint64, room string) []byte {
	return fmt.Appendf(nil, "P-%d/%06d/card/%s", proposal, version, room)
}

// BenchmarkRawBbolt is the reference: one Update of what a commit of BenchmarkCommit writes, with the same growth.
func BenchmarkRawBbolt(b *testing.B) {
	s, r := newStore(b), newReference(b)
	var seq uint64 = 1
	for b.Loop() {
		seq++
		must(b, s.db.Update(func(tx *bbolt.Tx) error { return r.write(tx, 1, seq, seq) }))
	}
}

// TestTheReferenceWritesWhatACommitWrites keeps the benchmark honest.
func TestTheReferenceWritesWhatACommitWrites(t *testing.T) {
	s := newStore(t)
	commit(t, s, proposing(1))
	p, err := s.Proposal("P-1")
	must(t, err)
	r := confirming(p)
	commit(t, s, r)
	before := dump(t, s.db)
	commit(t, s, confirming(*r.State))
	buckets := map[string]int{}
	for _, p := range written(t, before, dump(t, s.db)) {
		buckets[string(p.bucket)]++
	}
	// The signature stays the same and the old duties go; index keys that do not change are not written.
	same(t, buckets, map[string]int{"log": 1, "log_of": 1, "proposals": 1, "duties": 2, "meta": 1})
}

// BenchmarkGroupCommit and BenchmarkRawBatch write confirmations from many goroutines at once, each on a proposal of its own.
func BenchmarkGroupCommit(b *testing.B) {
	for _, writers := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s := newStore(b)
			states := make([]governance.Proposal, writers)
			for i := range states {
				r := proposing(uint64(i) + 1) //nolint:gosec // small
				commit(b, s, r)
				states[i] = *r.State
			}
			spread(b, writers, func(i int) {
				r := confirming(states[i])
				if _, err := s.Commit(b.Context(), r); err != nil {
					b.Error(err)
				}
				states[i] = *r.State
			})
		})
	}
}

// BenchmarkRawBatch is the reference: bbolt's own group commit, with its defaults, of what BenchmarkGroupCommit writes.
func BenchmarkRawBatch(b *testing.B) {
	for _, writers := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s, r := newStore(b), newReference(b)
			versions := make([]uint64, writers)
			var seq atomic.Uint64
			spread(b, writers, func(i int) {
				versions[i]++
				at := seq.Add(1)
				if err := s.db.Batch(func(tx *bbolt.Tx) error { return r.write(tx, uint64(i)+1, versions[i], at) }); err != nil { //nolint:gosec // small
					b.Error(err)
				}
			})
		})
	}
}

// spread runs b.N writes over so many goroutines.
func spread(b *testing.B, writers int, write func(writer int)) {
	b.Helper()
	var done atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for i := range writers {
		wg.Go(func() {
			for done.Add(1) <= int64(b.N) {
				write(i)
			}
		})
	}
	wg.Wait()
}

const benchRecords = 20_000

// longLog makes a log of benchRecords.
func longLog(b *testing.B) *Store {
	b.Helper()
	s := newStore(b)
	r := proposing(1)
	for n := 0; n < benchRecords; n += len(r.Events) {
		commit(b, s, r)
		r = after(*r.State, governance.EventObjected)
		for len(r.Events) < 40 {
			r.Events = append(r.Events, r.Events[0])
			r.State.Version++
		}
	}
	return s
}

// BenchmarkVerifyLog and BenchmarkRawScan read the same log; the reference only hashes it.
func BenchmarkVerifyLog(b *testing.B) {
	s := longLog(b)
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.VerifyLog(b.Context())
		must(b, err)
	}
}

// BenchmarkRawScan is the reference: a cursor and SHA-256.
func BenchmarkRawScan(b *testing.B) {
	s := longLog(b)
	h, out := sha256.New(), make([]byte, 0, 32)
	for b.Loop() {
		must(b, s.db.View(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketLog).Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				h.Reset()
				h.Write(v)
				_ = h.Sum(out)
			}
			return nil
		}))
	}
}

// benchStore is a closed store to open: the one that cmd/bench has filled, or a small one.
func benchStore(b *testing.B) Config {
	b.Helper()
	if dir := os.Getenv("BELAY_BENCH_STORE"); dir != "" {
		return Config{Path: filepath.Join(dir, "belay.db"), LogKeyFile: filepath.Join(dir, "log.key")}
	}
	s := longLog(b)
	must(b, s.Close())
	return Config{Path: s.path, LogKeyFile: filepath.Join(filepath.Dir(s.path), "log.key")}
}

// BenchmarkOpen is what a restart waits for.
func BenchmarkOpen(b *testing.B) {
	cfg := benchStore(b)
	for b.Loop() {
		s, err := Open(cfg)
		must(b, err)
		b.StopTimer()
		must(b, s.Close())
		b.StartTimer()
	}
}

// BenchmarkRawOpen is the reference: bbolt opens the same file with its defaults.
func BenchmarkRawOpen(b *testing.B) {
	cfg := benchStore(b)
	for b.Loop() {
		db, err := bbolt.Open(cfg.Path, 0o600, &bbolt.Options{Timeout: time.Second})
		must(b, err)
		b.StopTimer()
		must(b, db.Close())
		b.StartTimer()
	}
}
