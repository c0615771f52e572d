package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"belay/governance"

	"go.etcd.io/bbolt"
)

func TestARefusedRecordWritesNothingAtAll(t *testing.T) {
	s := newStore(t)
	fillFile(t, s)
	_, _, err := s.Lead(t.Context())
	must(t, err)
	p, err := s.Proposal("P-1")
	must(t, err)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	before := dump(t, s.db)
	for name, c := range map[string]struct {
		ctx    context.Context
		change func(*governance.Record)
		want   error
	}{
		"stale":     {t.Context(), func(r *governance.Record) { r.Expect, r.State.Version = 7, 8 }, governance.ErrStale},
		"fenced":    {t.Context(), func(r *governance.Record) { r.Fence = 1 }, governance.ErrFenced},
		"duplicate": {t.Context(), func(r *governance.Record) { r.Receive = &governance.InboxEntry{Key: "slack:1"} }, governance.ErrDuplicate},
		"invalid":   {t.Context(), func(r *governance.Record) { r.State.ID = "P-9" }, ErrInvalid},
		"too large": {t.Context(), func(r *governance.Record) { r.State.Title = string(make([]byte, MaxBytes)) }, ErrTooLarge},
		"canceled":  {canceled, func(*governance.Record) {}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			r := after(p, governance.EventObjected)
			r.Add = []governance.Duty{{ID: "new"}}
			r.Links = []governance.Link{{Account: "new"}}
			c.change(&r)
			_, err := s.Commit(c.ctx, r)
			wantError(t, err, c.want)
			same(t, dump(t, s.db), before)
		})
	}
}

// batchOf makes requests as they wait for the writer.
func batchOf(t *testing.T, records ...governance.Record) (batch []*request) {
	t.Helper()
	for _, r := range records {
		c, err := encode(r)
		must(t, err)
		batch = append(batch, &request{ctx: t.Context(), change: c, answer: make(chan answer, 1)})
	}
	return batch
}

func transactions(t *testing.T, s *Store) (id int) {
	t.Helper()
	must(t, s.db.View(func(tx *bbolt.Tx) error { id = tx.ID(); return nil }))
	return id
}

func TestABatchIsOneTransactionAndEachRecordSeesThoseBefore(t *testing.T) {
	s := newStore(t)
	first := proposing(1)
	second := after(*first.State, governance.EventObjected)
	received := governance.Record{Receive: &governance.InboxEntry{Key: "slack:1", ReceivedAt: day}}
	batch := batchOf(t, first, second, second, received, received, proposing(2))
	before := transactions(t, s)
	s.writeBatch(batch)
	same(t, transactions(t, s), before+1)
	for i, want := range []answer{{seq: 1}, {seq: 2}, {err: governance.ErrStale}, {seq: 2}, {err: governance.ErrDuplicate}, {seq: 3}} {
		got := <-batch[i].answer
		same(t, got.seq, want.seq)
		wantError(t, got.err, want.err)
	}
	must(t, s.Check(t.Context()))
}

func TestABatchOfOnlyRefusedRecordsTouchesNoDisk(t *testing.T) {
	s := newStore(t)
	before := transactions(t, s)
	s.writeBatch(batchOf(t, after(governance.Proposal{ID: "P-1", Version: 3}, governance.EventObjected)))
	same(t, transactions(t, s), before)
}

func TestARecordThatCannotBeAppliedDoesNotPoisonItsBatch(t *testing.T) {
	s := newStore(t)
	batch := batchOf(t, proposing(1), proposing(2), proposing(3))
	batch[1].change.put = append(batch[1].change.put, entry{bucketLinks, nil, mark}) // bbolt takes no empty key
	s.writeBatch(batch)
	for i, want := range []answer{{seq: 1}, {}, {seq: 2}} {
		got := <-batch[i].answer
		same(t, got.seq, want.seq)
		same(t, got.err != nil, i == 1)
	}
	_, err := s.Proposal("P-2")
	wantError(t, err, governance.ErrNotFound)
	must(t, s.Check(t.Context()))
}

func TestAFailingDiskEndsTheLeadAndTakesNothingMore(t *testing.T) {
	s := newStore(t)
	leading, _, err := s.Lead(t.Context())
	must(t, err)
	commit(t, s, proposing(1))
	s.db.MaxSize = 1 // bbolt refuses to grow the file, as a full disk would
	var failed error
	for n := uint64(2); failed == nil && n < 5000; n++ {
		r := proposing(n)
		r.State.Reason = string(make([]byte, 100_000))
		_, failed = s.Commit(t.Context(), r)
	}
	if failed == nil {
		t.Fatal("the disk never failed")
	}
	<-leading.Done()
	for _, err := range []error{failed, context.Cause(leading)} {
		if err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("it does not say what happened: %v", err)
		}
	}
	s.db.MaxSize = 0
	_, err = s.Commit(t.Context(), governance.Record{Links: []governance.Link{{Account: "a"}}})
	if err == nil {
		t.Error("a commit was taken after the disk failed")
	}
	_, err = s.Proposal("P-1")
	must(t, err)
}

func TestInboxKeysAreForgottenWhenTheyAreOld(t *testing.T) {
	s := newStore(t)
	receive := func(key string, at time.Time) {
		commit(t, s, governance.Record{Receive: &governance.InboxEntry{Key: key, ReceivedAt: at}})
		commit(t, s, governance.Record{Handled: key})
	}
	for i := range 10 {
		receive(fmt.Sprint("slack:", i), day.Add(time.Duration(i)*time.Minute))
	}
	for i := range 10 {
		receive(fmt.Sprint("discord:", i), day.Add(seenFor+time.Hour+time.Duration(i)*time.Minute))
	}
	content := dump(t, s.db)
	seen := 0
	for key := range content {
		if key[:5] == "seen/" {
			seen++
		}
	}
	same(t, seen, 10)
	receive("slack:3", day.Add(seenFor+3*time.Hour))
}

// TestAnInboxKeyIsADuplicateForTwoDaysAndNoLonger: the moment itself still counts, and all that are older go at once.
func TestAnInboxKeyIsADuplicateForTwoDaysAndNoLonger(t *testing.T) {
	for name, c := range map[string]struct {
		later     time.Duration
		forgotten bool
	}{"after two days": {seenFor, false}, "a moment later": {seenFor + 1, true}} {
		s := newStore(t)
		receive := func(key string, at time.Time) error {
			_, err := s.Commit(t.Context(), governance.Record{Receive: &governance.InboxEntry{Key: key, ReceivedAt: at}})
			if err == nil {
				commit(t, s, governance.Record{Handled: key})
			}
			return err
		}
		old := []string{"slack:1", "slack:2", "slack:3"}
		for _, key := range old {
			must(t, receive(key, day))
		}
		must(t, receive("discord:1", day.Add(c.later)))
		for _, key := range slices.Backward(old) { // the last first: each that is received forgets some, too
			if err := receive(key, day.Add(c.later)); (err == nil) != c.forgotten || err != nil && !errors.Is(err, governance.ErrDuplicate) {
				t.Errorf("%s %s is received with %v", name, key, err)
			}
		}
	}
}

func TestCloseAnswersEveryoneWhoCommits(t *testing.T) {
	s := newStore(t)
	const writers = 50
	committed := make([]uint64, writers)
	started := make(chan struct{}, writers)
	done := make(chan struct{})
	go func() {
		defer close(done)
		inParallel(writers, func(i int) {
			r := proposing(uint64(i) + 1)
			for {
				if _, err := s.Commit(t.Context(), r); err != nil {
					wantError(t, err, ErrClosed)
					return
				}
				if committed[i] = r.State.Version; committed[i] == 1 {
					started <- struct{}{}
				}
				r = after(*r.State, governance.EventObjected)
			}
		})
	}()
	for range writers {
		<-started
	}
	must(t, s.Close())
	<-done
	again, err := OpenReadOnly(Config{Path: s.path})
	must(t, err)
	defer func() { _ = again.Close() }()
	for i, version := range committed {
		p, err := again.Proposal(idOf(uint64(i) + 1))
		must(t, err)
		same(t, p.Version, version)
	}
}

func TestTheStoreWorksInABubble(t *testing.T) {
	cfg := testConfig(t)
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(cfg)
		must(t, err)
		leading, fence, err := s.Lead(t.Context())
		must(t, err)
		time.Sleep(24 * time.Hour) // passes at once, with the writer waiting inside
		r := proposing(1)
		r.Fence = fence
		same(t, commit(t, s, r), 1)
		must(t, s.Close())
		<-leading.Done()
	})
}

// TestAHeadThatIsRememberedIsTheStoredOne changes the head behind the writer's back, between and after commits.
func TestAHeadThatIsRememberedIsTheStoredOne(t *testing.T) {
	s := newStore(t)
	same(t, commit(t, s, proposing(1)), 1)
	same(t, commit(t, s, proposing(2)), 2)
	must(t, s.Check(t.Context()))
	must(t, s.db.Update(func(tx *bbolt.Tx) error {
		head, err := storedHead(tx)
		must(t, err)
		head.Epoch, head.Hash = 1, hashOf("another end")
		return putHead(tx, head.signedBy(testKey))
	}))
	same(t, commit(t, s, proposing(3)), 3)
	wantWords(t, s.Check(t.Context()), []string{"log record 3"}) // it continues what the file says, not what was remembered
	must(t, s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(metaHead, []byte("{")) }))
	_, err := s.Commit(t.Context(), proposing(4))
	wantError(t, err, ErrDamaged)
}
