package storetest

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// Engine is what Belay asks of any store.
type Engine interface {
	Commit(ctx context.Context, r governance.Record) (seq uint64, err error)

	Proposal(id string) (governance.Proposal, error)
	Proposals(before string, limit int) ([]governance.Proposal, error)
	Watched() ([]governance.Proposal, error)
	LastNumber() (uint64, error)
	Events(proposal string) ([]governance.Recorded, error)
	BySafeTxHash(hash common.Hash) (proposal string, err error)
	Signatures(safeTxHash common.Hash) ([]governance.Signature, error)
	Duties() ([]governance.Duty, error)
	Inbox() ([]governance.InboxEntry, error)
	Submissions() ([]governance.Submission, error)
	SubmissionsOf(proposal string) ([]governance.Submission, error)
	Messages(proposal string) ([]governance.MessageRef, error)
	Link(account string) (governance.Link, error)
	Cursor(chain string) (governance.Cursor, error)
	Lead(ctx context.Context) (leading context.Context, fence uint64, err error)

	Close() error
}

// Kind is one kind of engine: how it is made, and what it answers where package governance has no word for it.
type Kind struct {
	Open     func(*testing.T) Engine // a new, empty one
	Invalid  error                   // what a record is refused with that no store could take
	TooLarge error                   // over maxKeys or maxBytes
	Closed   error                   // after Close, and the end of a lead through it
}

// Limits of one commit; etcd, with 128 operations and 1.5 MiB a transaction by default, can keep them.
const (
	maxKeys  = 100
	maxBytes = 1 << 20
)

// trial is one engine that is tried.
type trial struct {
	Engine
	Kind
}

// Run holds engines of a kind to every promise, each with one of its own.
func Run(t *testing.T, kind Kind) {
	for _, c := range []struct {
		name string
		test func(*testing.T, trial)
	}{
		{"an empty store knows nothing and says so", emptyStore},
		{"every field of a record comes back as it went in", everyField},
		{"zero-length values come back", zeroLength},
		{"a record is refused when the proposal is at another version", staleRecord},
		{"records that no store could take are refused", invalidRecords},
		{"a record over the limits is refused", tooLargeRecord},
		{"a canceled commit writes nothing", canceledCommit},
		{"proposals come newest first, page by page", pages},
		{"a proposal that ended is not watched, one that reopened is", watchedProposals},
		{"events come in the order of the log, with its numbers", eventOrder},
		{"a safeTxHash belongs to the youngest proposal that asked for it", youngestHash},
		{"duties come by due date and stay until done", dutyOrder},
		{"an inbox entry is taken once, even after it was handled", inboxOnce},
		{"inbox entries come by time of arrival", inboxOrder},
		{"a submission is open until it is final or moot", openSubmissions},
		{"messages, links and cursors are replaced, and links removed", replaced},
		{"work under an older lead is refused", fencing},
		{"a lead ends with the store", leadEnds},
		{"a hundred writers lose nothing, and the log has no gap", hundredWriters},
		{"of rivals for one version exactly one wins", rivals},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := kind.Open(t)
			defer func() { _ = e.Close() }()
			c.test(t, trial{e, kind})
		})
	}
}

// Lengths gives the length of everything that an engine gives as a list; of what belongs to a proposal, that of this one.
func Lengths(t *testing.T, e Engine, proposal string) map[string]int {
	t.Helper()
	lengths := map[string]int{}
	count := func(what string, list any, err error) {
		must(t, err)
		lengths[what] = reflect.ValueOf(list).Len()
	}
	all, err := e.Proposals("", 1000)
	count("proposals", all, err)
	watched, err := e.Watched()
	count("watched", watched, err)
	events, err := e.Events(proposal)
	count("events", events, err)
	duties, err := e.Duties()
	count("duties", duties, err)
	inbox, err := e.Inbox()
	count("inbox", inbox, err)
	open, err := e.Submissions()
	count("open submissions", open, err)
	submissions, err := e.SubmissionsOf(proposal)
	count("submissions", submissions, err)
	messages, err := e.Messages(proposal)
	count("messages", messages, err)
	return lengths
}

// IDs names proposals.
func IDs(list []governance.Proposal) (ids []string) {
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	return ids
}

func commit(t *testing.T, e Engine, r governance.Record) uint64 {
	t.Helper()
	seq, err := e.Commit(t.Context(), r)
	must(t, err)
	return seq
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error is %v, not %v", got, want)
	}
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
