package store

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"belay/governance"
)

func TestAKeyIsTakenUpToItsLimit(t *testing.T) {
	s := newStore(t)
	for length, want := range map[int]error{0: ErrInvalid, 1: nil, maxKeyLength: nil, maxKeyLength + 1: ErrInvalid} {
		account := strings.Repeat("a", length)
		_, err := s.Commit(t.Context(), governance.Record{Links: []governance.Link{{Account: account, Member: "alice"}}})
		wantError(t, err, want)
		if _, err := s.Link(account); (err == nil) != (want == nil) {
			t.Errorf("a link under %d bytes: %v", length, err)
		}
	}
}

// TestARecordIsTakenUpToItsLimit makes one that fills a commit to the byte, and one that is a byte larger.
func TestARecordIsTakenUpToItsLimit(t *testing.T) {
	s := newStore(t)
	r := governance.Record{Links: []governance.Link{{Account: "slack/T1/U1"}}}
	c, err := encode(r)
	must(t, err)
	r.Links[0].Member = strings.Repeat("a", MaxBytes-c.bytes)
	commit(t, s, r)
	r.Links[0].Member += "a"
	_, err = s.Commit(t.Context(), r)
	wantError(t, err, ErrTooLarge)
	link, err := s.Link("slack/T1/U1")
	must(t, err)
	same(t, len(link.Member), MaxBytes-c.bytes)
}

// TestARecordTakesAsManyEventsAsFitACommit: two keys each, beside three of the state and one of its safeTxHash.
func TestARecordTakesAsManyEventsAsFitACommit(t *testing.T) {
	for events, want := range map[int]error{48: nil, 49: ErrTooLarge} {
		r := proposing(1)
		r.Add = nil
		for len(r.Events) < events {
			r.Events = append(r.Events, governance.Event{Type: governance.EventObjected, At: day})
		}
		r.State.Version = uint64(events)
		_, err := newStore(t).Commit(t.Context(), r)
		wantError(t, err, want)
	}
}

// TestWhoWritesTakesAlongAllThatWait: one write to the disk is shared by everyone who came meanwhile, up to a bound.
func TestWhoWritesTakesAlongAllThatWait(t *testing.T) {
	for waiting, want := range map[int]int{0: 1, 20: 21, batchLimit + 20: batchLimit} {
		cfg := testConfig(t)
		synctest.Test(t, func(t *testing.T) {
			s, err := Open(cfg)
			must(t, err)
			s.turn <- struct{}{} // someone writes
			outcomes := make(chan error, waiting)
			for i := range waiting {
				go func() {
					_, err := s.Commit(context.Background(), proposing(uint64(i)+1))
					outcomes <- err
				}()
			}
			synctest.Wait()
			mine := batchOf(t, governance.Record{})
			batch := s.allWaiting(mine[0])
			same(t, len(batch), want)
			s.writeBatch(batch)
			<-s.turn
			for range waiting {
				must(t, <-outcomes)
			}
			last, err := s.LastNumber()
			must(t, err)
			same(t, last, uint64(waiting))
			must(t, s.Close())
		})
	}
}
