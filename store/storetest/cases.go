package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

func emptyStore(t *testing.T, e trial) {
	_, err := e.Proposal("P-1")
	wantError(t, err, governance.ErrNotFound)
	_, err = e.Proposal("nonsense")
	wantError(t, err, governance.ErrNotFound)
	_, err = e.BySafeTxHash(common.Hash{1})
	wantError(t, err, governance.ErrNotFound)
	_, err = e.Link("slack/T1/U1")
	wantError(t, err, governance.ErrNotFound)
	_, err = e.Cursor("ethereum")
	wantError(t, err, governance.ErrNotFound)
	n, err := e.LastNumber()
	same(t, err, nil)
	same(t, n, 0)
	for what, length := range Lengths(t, e, "P-1") {
		if length != 0 {
			t.Errorf("%d %s in an empty store", length, what)
		}
	}
}

func everyField(t *testing.T, e trial) {
	r := Full(7)
	r.Done, r.Delay, r.Handled, r.Unlink = nil, nil, "", nil // what these do is seen elsewhere
	same(t, commit(t, e, r), uint64(len(r.Events)))

	p, err := e.Proposal("P-7")
	must(t, err)
	same(t, p, *r.State)
	events, err := e.Events("P-7")
	must(t, err)
	for i, want := range r.Events {
		same(t, events[i], governance.Recorded{Seq: uint64(i) + 1, Proposal: "P-7", Event: want})
	}
	for _, want := range r.Signatures {
		got, err := e.Signatures(want.SafeTxHash)
		must(t, err)
		same(t, got, []governance.Signature{want})
	}
	duties, err := e.Duties()
	must(t, err)
	same(t, duties, r.Add)
	inbox, err := e.Inbox()
	must(t, err)
	same(t, inbox, []governance.InboxEntry{*r.Receive})
	submissions, err := e.SubmissionsOf("P-7")
	must(t, err)
	same(t, submissions, r.Submissions)
	open, err := e.Submissions()
	must(t, err)
	same(t, open, r.Submissions[:1])
	messages, err := e.Messages("P-7")
	must(t, err)
	same(t, messages, r.Messages)
	for _, want := range r.Links {
		got, err := e.Link(want.Account)
		must(t, err)
		same(t, got, want)
	}
	for _, want := range r.Cursors {
		got, err := e.Cursor(want.Chain)
		must(t, err)
		same(t, got, want)
	}
	for _, tx := range r.State.SafeTxs {
		id, err := e.BySafeTxHash(tx.Hashes.SafeTx)
		must(t, err)
		same(t, id, "P-7")
	}
}

func zeroLength(t *testing.T, e trial) {
	empty := []governance.Signature{{SafeTxHash: HashOf("a"), Owner: common.Address{1}, Bytes: []byte{}}, {SafeTxHash: HashOf("a"), Owner: common.Address{2}}}
	commit(t, e, governance.Record{Signatures: empty, Receive: &governance.InboxEntry{Key: "discord:1"}})
	got, err := e.Signatures(HashOf("a"))
	must(t, err)
	same(t, got, empty)
	inbox, err := e.Inbox()
	must(t, err)
	same(t, inbox, []governance.InboxEntry{{Key: "discord:1"}})
}

func staleRecord(t *testing.T, e trial) {
	commit(t, e, Proposing(1))
	p, err := e.Proposal("P-1")
	must(t, err)
	commit(t, e, After(p, governance.EventObjected))

	for name, r := range map[string]governance.Record{
		"proposed again":  Proposing(1),
		"an old version":  After(p, governance.EventExpired),
		"a later version": After(governance.Proposal{ID: "P-1", Version: 9}, governance.EventExpired),
		"of no proposal":  After(governance.Proposal{ID: "P-2", Version: 1}, governance.EventExpired),
		"only duties":     {Proposal: "P-1", Expect: 1, Add: []governance.Duty{{ID: "x"}}},
	} {
		r.Links = []governance.Link{{Account: "slack/T1/" + name}}
		_, err := e.Commit(t.Context(), r)
		wantError(t, err, governance.ErrStale)
		_, err = e.Link("slack/T1/" + name)
		wantError(t, err, governance.ErrNotFound)
	}
	now, err := e.Proposal("P-1")
	must(t, err)
	same(t, now.Version, 2)
	duties, err := e.Duties()
	must(t, err)
	same(t, len(duties), 1)
}

func invalidRecords(t *testing.T, e trial) {
	with := func(change func(*governance.Record)) governance.Record {
		r := Proposing(1)
		change(&r)
		return r
	}
	for name, r := range map[string]governance.Record{
		"events without a proposal":     with(func(r *governance.Record) { r.Proposal = "" }),
		"a state without events":        with(func(r *governance.Record) { r.Events = nil }),
		"events without a state":        with(func(r *governance.Record) { r.State = nil }),
		"the state of another":          with(func(r *governance.Record) { r.State.ID = "P-2" }),
		"a version that does not count": with(func(r *governance.Record) { r.State.Version = 2 }),
		"an id that is none":            with(func(r *governance.Record) { r.Proposal, r.State.ID = "P-01", "P-01" }),
		"a duty without id":             {Add: []governance.Duty{{}}},
		"a link without account":        {Links: []governance.Link{{Member: "alice"}}},
		"an inbox entry without key":    {Receive: &governance.InboxEntry{}},
		"a message of nothing":          {Messages: []governance.MessageRef{{Place: "slack/C1"}}},
		"a submission without id":       {Submissions: []governance.Submission{{Proposal: "P-1"}}},
		"an account of 2000 bytes":      {Unlink: []string{string(make([]byte, 2000))}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := e.Commit(t.Context(), r)
			wantError(t, err, e.Invalid)
		})
	}
	n, err := e.LastNumber()
	must(t, err)
	same(t, n, 0)
}

func tooLargeRecord(t *testing.T, e trial) {
	many := governance.Record{}
	for i := range maxKeys {
		many.Unlink = append(many.Unlink, fmt.Sprint(i))
	}
	commit(t, e, many)
	many.Unlink = append(many.Unlink, "one more")
	_, err := e.Commit(t.Context(), many)
	wantError(t, err, e.TooLarge)

	big := Proposing(1)
	big.State.Reason = string(make([]byte, maxBytes))
	_, err = e.Commit(t.Context(), big)
	wantError(t, err, e.TooLarge)
	_, err = e.Proposal("P-1")
	wantError(t, err, governance.ErrNotFound)
}

func canceledCommit(t *testing.T, e trial) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := e.Commit(ctx, Proposing(1))
	wantError(t, err, context.Canceled)
	_, err = e.Proposal("P-1")
	wantError(t, err, governance.ErrNotFound)
}

func pages(t *testing.T, e trial) {
	for _, n := range []uint64{1, 2, 3, 9, 10, 11, 300} {
		commit(t, e, Proposing(n))
	}
	for _, c := range []struct {
		before string
		limit  int
		want   []string
	}{
		{"", 3, []string{"P-300", "P-11", "P-10"}},
		{"P-10", 3, []string{"P-9", "P-3", "P-2"}},
		{"P-2", 3, []string{"P-1"}},
		{"P-1", 3, nil},
		{"P-200", 1, []string{"P-11"}},
		{"P-1000", 1, []string{"P-300"}},
		{"", 0, nil},
	} {
		list, err := e.Proposals(c.before, c.limit)
		must(t, err)
		same(t, IDs(list), c.want)
	}
	_, err := e.Proposals("no id", 1)
	wantError(t, err, governance.ErrNotFound)
	n, err := e.LastNumber()
	must(t, err)
	same(t, n, 300)
}

func watchedProposals(t *testing.T, e trial) {
	for n := uint64(1); n <= 3; n++ {
		commit(t, e, Proposing(n))
	}
	p, err := e.Proposal("P-2")
	must(t, err)
	ended := After(p, governance.EventExpired)
	commit(t, e, ended)
	list, err := e.Watched()
	must(t, err)
	same(t, IDs(list), []string{"P-1", "P-3"})

	again := After(*ended.State, governance.EventMined) // a reorganisation, or someone executed it after it ended
	again.State.State = governance.StateApproved
	commit(t, e, again)
	list, err = e.Watched()
	must(t, err)
	same(t, IDs(list), []string{"P-1", "P-2", "P-3"})
}

func eventOrder(t *testing.T, e trial) {
	commit(t, e, Proposing(1))
	commit(t, e, Proposing(2))
	p, err := e.Proposal("P-1")
	must(t, err)
	two := After(p, governance.EventObjected)
	two.Events = append(two.Events, governance.Event{Type: governance.EventExtended, At: Day})
	two.State.Version++
	same(t, commit(t, e, two), 4)
	events, err := e.Events("P-1")
	must(t, err)
	var got []string
	for _, r := range events {
		got = append(got, fmt.Sprint(r.Seq, " ", r.Event.Type))
	}
	same(t, got, []string{"1 proposed", "3 objected", "4 extended"})
	same(t, commit(t, e, governance.Record{}), 4)
}

func youngestHash(t *testing.T, e trial) {
	first, second := Proposing(1), Proposing(2)
	hash := first.State.SafeTxs[0].Hashes.SafeTx
	second.State.SafeTxs[0].Hashes.SafeTx = hash // the same intent asked again at the same nonce
	commit(t, e, first)
	commit(t, e, second)
	commit(t, e, After(*first.State, governance.EventExpired))
	id, err := e.BySafeTxHash(hash)
	must(t, err)
	same(t, id, "P-2")

	ending := After(*second.State, governance.EventExpired) // what ends at the same time as it gets another SafeTx is found by that, too
	ending.State.SafeTxs = append(ending.State.SafeTxs, governance.SafeTx{State: governance.TxDead, Hashes: safe.Hashes{SafeTx: HashOf("late")}})
	commit(t, e, ending)
	id, err = e.BySafeTxHash(HashOf("late"))
	must(t, err)
	same(t, id, "P-2")
}

func dutyOrder(t *testing.T, e trial) {
	duty := func(id string, minutes int) governance.Duty {
		return governance.Duty{ID: id, Kind: governance.DutyCard, Due: Day.Add(time.Duration(minutes) * time.Minute)}
	}
	commit(t, e, governance.Record{Add: []governance.Duty{duty("c", 3), duty("a", 9), duty("b", 1)}})
	wantDuties := func(want ...string) {
		t.Helper()
		duties, err := e.Duties()
		must(t, err)
		var got []string
		for _, d := range duties {
			got = append(got, d.ID)
		}
		same(t, got, want)
	}
	wantDuties("b", "c", "a")
	later := duty("b", 5)
	later.Attempts = 1
	commit(t, e, governance.Record{Delay: []governance.Duty{later}, Done: []string{"a"}})
	wantDuties("c", "b")
	commit(t, e, governance.Record{Delay: []governance.Duty{duty("a", 1)}, Done: []string{"c", "never there"}})
	wantDuties("b")
	commit(t, e, governance.Record{Add: []governance.Duty{duty("d", 6), duty("e", 7)}})
	commit(t, e, governance.Record{Delay: []governance.Duty{duty("b", 9), duty("d", 8)}}) // every one of them
	wantDuties("e", "d", "b")
}

func inboxOnce(t *testing.T, e trial) {
	entry := governance.Record{Receive: &governance.InboxEntry{Key: "slack:1", Body: []byte("/pause usdc"), ReceivedAt: Day}}
	commit(t, e, entry)
	_, err := e.Commit(t.Context(), entry)
	wantError(t, err, governance.ErrDuplicate)

	commit(t, e, governance.Record{Handled: "slack:1"})
	inbox, err := e.Inbox()
	must(t, err)
	same(t, len(inbox), 0)
	entry.Receive.ReceivedAt = Day.Add(24 * time.Hour)
	entry.Links = []governance.Link{{Account: "slack/T1/U1", Member: "alice"}}
	_, err = e.Commit(t.Context(), entry)
	wantError(t, err, governance.ErrDuplicate)
	_, err = e.Link("slack/T1/U1")
	wantError(t, err, governance.ErrNotFound)
}

func inboxOrder(t *testing.T, e trial) {
	for i, key := range []string{"slack:9", "discord:5", "slack:1"} {
		commit(t, e, governance.Record{Receive: &governance.InboxEntry{Key: key, ReceivedAt: Day.Add(time.Duration(i) * time.Second)}})
	}
	inbox, err := e.Inbox()
	must(t, err)
	same(t, []string{inbox[0].Key, inbox[1].Key, inbox[2].Key}, []string{"slack:9", "discord:5", "slack:1"})
}

func openSubmissions(t *testing.T, e trial) {
	s := governance.Submission{ID: "P-1/direct/0x01", Proposal: "P-1", Nonce: 4}
	for _, c := range []struct {
		state governance.SubmissionState
		open  int
	}{
		{governance.SubmissionSigned, 1}, {governance.SubmissionAccepted, 1}, {governance.SubmissionMined, 1},
		{governance.SubmissionFinal, 0}, {governance.SubmissionAccepted, 1}, {governance.SubmissionMoot, 0},
	} {
		s.State = c.state
		commit(t, e, governance.Record{Submissions: []governance.Submission{s}})
		open, err := e.Submissions()
		must(t, err)
		same(t, len(open), c.open)
		all, err := e.SubmissionsOf("P-1")
		must(t, err)
		same(t, all, []governance.Submission{s})
	}
}

func replaced(t *testing.T, e trial) {
	commit(t, e, governance.Record{
		Messages: []governance.MessageRef{{Proposal: "P-1", Place: "slack", Message: "1"}, {Proposal: "P-12", Place: "slack", Message: "9"}},
		Links:    []governance.Link{{Account: "slack/T1/U1", Member: "alice"}, {Account: "slack/T1/U2", Member: "bob"}},
		Cursors:  []governance.Cursor{{Chain: "ethereum", Block: safe.Block{Number: 1}}},
	})
	commit(t, e, governance.Record{
		Messages: []governance.MessageRef{{Proposal: "P-1", Place: "slack", Message: "2"}},
		Links:    []governance.Link{{Account: "slack/T1/U1", Member: "carol"}},
		Unlink:   []string{"slack/T1/U2", "slack/T1/U1"}, // linking anew removes the old link in the same record
		Cursors:  []governance.Cursor{{Chain: "ethereum", Block: safe.Block{Number: 2}}},
	})
	messages, err := e.Messages("P-1")
	must(t, err)
	same(t, messages, []governance.MessageRef{{Proposal: "P-1", Place: "slack", Message: "2"}})
	link, err := e.Link("slack/T1/U1")
	must(t, err)
	same(t, link.Member, "carol")
	_, err = e.Link("slack/T1/U2")
	wantError(t, err, governance.ErrNotFound)
	cursor, err := e.Cursor("ethereum")
	must(t, err)
	same(t, cursor.Block.Number, 2)
}

func fencing(t *testing.T, e trial) {
	first, old, err := e.Lead(t.Context())
	must(t, err)
	commit(t, e, governance.Record{Fence: old, Cursors: []governance.Cursor{{Chain: "a"}}})
	second, fence, err := e.Lead(t.Context())
	must(t, err)
	if fence <= old {
		t.Errorf("fence %d after %d", fence, old)
	}
	same(t, context.Cause(first), governance.ErrFenced)
	same(t, second.Err(), nil)
	_, err = e.Commit(t.Context(), governance.Record{Fence: old, Cursors: []governance.Cursor{{Chain: "b"}}})
	wantError(t, err, governance.ErrFenced)
	_, err = e.Cursor("b")
	wantError(t, err, governance.ErrNotFound)
	commit(t, e, governance.Record{Fence: fence, Cursors: []governance.Cursor{{Chain: "b"}}})
}

func leadEnds(t *testing.T, e trial) {
	mine, cancel := context.WithCancel(t.Context())
	leading, _, err := e.Lead(mine)
	must(t, err)
	cancel()
	<-leading.Done()
	leading, _, err = e.Lead(t.Context())
	must(t, err)
	must(t, e.Close())
	<-leading.Done()
	wantError(t, context.Cause(leading), e.Closed)
	_, _, err = e.Lead(t.Context())
	wantError(t, err, e.Closed)
	_, err = e.Commit(t.Context(), Proposing(1))
	wantError(t, err, e.Closed)
	_, err = e.Proposal("P-1")
	wantError(t, err, e.Closed)
}

func hundredWriters(t *testing.T, e trial) {
	const writers, each = 100, 5
	seqs := make([][]uint64, writers)
	inParallel(writers, func(i int) {
		r := Proposing(uint64(i) + 1)
		for range each {
			seq, err := e.Commit(t.Context(), r)
			if err != nil {
				t.Error(err)
				return
			}
			seqs[i] = append(seqs[i], seq)
			r = After(*r.State, governance.EventObjected)
		}
	})
	for i, own := range seqs {
		events, err := e.Events(idOf(uint64(i) + 1))
		must(t, err)
		var logged []uint64
		for _, r := range events {
			logged = append(logged, r.Seq)
		}
		same(t, logged, own)
	}
	all := slices.Concat(seqs...)
	slices.Sort(all)
	for i, seq := range all {
		if seq != uint64(i)+1 {
			t.Fatalf("record %d has seq %d", i+1, seq)
		}
	}
}

func rivals(t *testing.T, e trial) {
	const n = 50
	outcomes := make([]error, n)
	inParallel(n, func(i int) {
		_, outcomes[i] = e.Commit(t.Context(), Proposing(1))
	})
	won := 0
	for _, err := range outcomes {
		if err == nil {
			won++
		} else {
			wantError(t, err, governance.ErrStale)
		}
	}
	same(t, won, 1)
}

// inParallel runs work n times at once.
func inParallel(n int, work func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { work(i) })
	}
	wg.Wait()
}
