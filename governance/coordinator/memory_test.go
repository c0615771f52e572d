package coordinator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// memory is a store that holds everything as JSON, so that nothing survives in it that would not survive a restart. It enforces
// the port: versions, fences, duplicates, records as data, and that the state is what its events make.
type memory struct {
	t  testing.TB
	mu sync.Mutex // guards everything below

	proposals, events, signatures, duties, inbox, submissions, messages, links, cursors, seen map[string][]byte
	seq, fence                                                                                uint64
	watched                                                                                   map[string]bool // an index: which proposals Watched gives
	decoded                                                                                   map[*byte]any   // by the first byte of what is stored, since the last start; nil: decode at each read
	end                                                                                       context.CancelCauseFunc
	closed                                                                                    bool
	anyState                                                                                  bool // takes states that their events do not make
}

func newMemory(t testing.TB) *memory {
	m := &memory{t: t, watched: map[string]bool{}}
	for _, bucket := range []*map[string][]byte{&m.proposals, &m.events, &m.signatures, &m.duties, &m.inbox, &m.submissions, &m.messages, &m.links, &m.cursors, &m.seen} {
		*bucket = map[string][]byte{}
	}
	return m
}

var (
	errTooMuch  = errors.New("too large for one commit")
	errNotValid = errors.New("not a valid record")
	errClosed   = errors.New("the store is closed")
)

// Commit checks first and writes then, as one.
func (m *memory) Commit(ctx context.Context, r governance.Record) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(ctx, r); err != nil {
		return 0, err
	}
	for _, id := range r.Done {
		delete(m.duties, id)
	}
	for _, d := range r.Add {
		m.put(m.duties, d.ID, d)
	}
	for _, d := range r.Delay {
		if _, owed := m.duties[d.ID]; owed {
			m.put(m.duties, d.ID, d)
		}
	}
	if r.Receive != nil {
		m.put(m.inbox, r.Receive.Key, r.Receive)
		m.seen[r.Receive.Key] = nil
	}
	delete(m.inbox, r.Handled)
	for _, e := range r.Events {
		m.seq++
		m.put(m.events, fmt.Sprintf("%s/%09d", r.Proposal, m.seq), governance.Recorded{Seq: m.seq, Proposal: r.Proposal, Event: e})
	}
	if r.State != nil {
		m.put(m.proposals, r.Proposal, r.State)
		m.watched[r.Proposal] = r.State.Watched()
		if m.decoded != nil {
			m.decoded[&m.proposals[r.Proposal][0]] = *r.State
		}
	}
	for _, s := range r.Signatures {
		m.put(m.signatures, s.SafeTxHash.Hex()+s.Owner.Hex(), s)
	}
	for _, s := range r.Submissions {
		m.put(m.submissions, s.Proposal+" "+s.ID, s)
	}
	for _, ref := range r.Messages {
		m.put(m.messages, ref.Proposal+" "+ref.Place, ref)
	}
	for _, account := range r.Unlink {
		delete(m.links, account)
	}
	for _, l := range r.Links {
		m.put(m.links, l.Account, l)
	}
	for _, c := range r.Cursors {
		m.put(m.cursors, c.Chain, c)
	}
	return m.seq, nil
}

func (m *memory) check(ctx context.Context, r governance.Record) error {
	switch {
	case m.closed:
		return errClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if err := takable(r); err != nil {
		return err
	}
	if r.Fence != 0 && r.Fence != m.fence {
		return governance.ErrFenced
	}
	if r.Receive != nil {
		if _, dup := m.seen[r.Receive.Key]; dup {
			return governance.ErrDuplicate
		}
	}
	if r.Proposal == "" {
		return nil
	}
	before, err := lookUp[governance.Proposal](m, m.proposals, r.Proposal)
	if err != nil && !errors.Is(err, governance.ErrNotFound) {
		return err
	}
	if before.Version != r.Expect {
		return governance.ErrStale
	}
	if m.anyState {
		return nil
	}
	after := before
	for _, e := range r.Events {
		after = governance.Apply(after, e)
	}
	if reflect.DeepEqual(after, *r.State) {
		return nil
	}
	if want, got := text(after), text(r.State); want != got {
		m.t.Errorf("%s: the state is not what its events make of the one before\nwant %s\ngot  %s", r.Proposal, want, got)
	}
	return nil
}

// takable refuses what no store takes.
func takable(r governance.Record) error {
	if (r.State == nil) != (len(r.Events) == 0) || r.State != nil && (r.State.ID != r.Proposal || r.State.Version != r.Expect+uint64(len(r.Events))) {
		return fmt.Errorf("%w: %s: %d events and a state that is not theirs", errNotValid, r.Proposal, len(r.Events))
	}
	of, keys := keysOf(r)
	for _, id := range of {
		if _, is := number(id); !is {
			return fmt.Errorf("%w: %q is no proposal", errNotValid, id)
		}
	}
	for _, key := range keys {
		if key == "" || len(key) > 1000 {
			return fmt.Errorf("%w: a key of %d bytes", errNotValid, len(key))
		}
	}
	if n, size := len(keys)+2*len(r.Events)+len(r.Signatures)+len(r.Done)+len(r.Submissions), len(text(r)); n > 100 || size > 1<<20 {
		return fmt.Errorf("%w: %d keys and %d bytes", errTooMuch, n, size)
	}
	return nil
}

// keysOf gives the proposals that a record is about, and the other keys that it writes or deletes.
func keysOf(r governance.Record) (of, keys []string) {
	keys = slices.Concat(r.Unlink, r.Done)
	if r.Proposal != "" {
		of = append(of, r.Proposal)
	}
	for _, d := range slices.Concat(r.Add, r.Delay) {
		keys = append(keys, d.ID)
	}
	for _, l := range r.Links {
		keys = append(keys, l.Account)
	}
	for _, c := range r.Cursors {
		keys = append(keys, c.Chain)
	}
	if r.Receive != nil {
		keys = append(keys, r.Receive.Key)
	}
	for _, s := range r.Submissions {
		of, keys = append(of, s.Proposal), append(keys, s.ID)
	}
	for _, ref := range r.Messages {
		of, keys = append(of, ref.Proposal), append(keys, ref.Place)
	}
	return of, keys
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (m *memory) put(bucket map[string][]byte, key string, v any) {
	bucket[key] = []byte(text(v))
}

func lookUp[T any](m *memory, bucket map[string][]byte, key string) (v T, err error) {
	b, ok := bucket[key]
	if !ok {
		return v, governance.ErrNotFound
	}
	if known, ok := m.decoded[&b[0]].(T); ok {
		return known, nil
	}
	err = json.Unmarshal(b, &v)
	if s, ok := any(&v).(*governance.Submission); ok {
		s.Attempts = slices.Clip(s.Attempts) // so that nobody appends into what others see
	}
	if m.decoded != nil && err == nil {
		m.decoded[&b[0]] = v
	}
	return v, err
}

// restarted forgets what no restart would leave: everything is decoded anew.
func (m *memory) restarted() { clear(m.decoded) }

// changed names a record that a reader changed in its hands; "" where all are as they are stored.
func (m *memory) changed() string {
	for _, bucket := range []map[string][]byte{m.proposals, m.submissions} {
		for key, b := range bucket {
			if known, ok := m.decoded[&b[0]]; ok && text(known) != string(b) {
				return key
			}
		}
	}
	return ""
}

// all reads a bucket in the order of its keys.
func all[T any](m *memory, bucket map[string][]byte, prefix string) (list []T, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	for _, key := range slices.Sorted(maps.Keys(bucket)) {
		if len(key) < len(prefix) || key[:len(prefix)] != prefix {
			continue
		}
		v, err := lookUp[T](m, bucket, key)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func one[T any](m *memory, bucket map[string][]byte, key string) (v T, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return v, errClosed
	}
	return lookUp[T](m, bucket, key)
}

func (m *memory) Proposal(id string) (governance.Proposal, error) {
	return one[governance.Proposal](m, m.proposals, id)
}

func numberOf(id string) uint64 { n, _ := number(id); return n }

func (m *memory) byNumber() ([]governance.Proposal, error) {
	list, err := all[governance.Proposal](m, m.proposals, "")
	slices.SortFunc(list, func(a, b governance.Proposal) int { return cmp.Compare(numberOf(a.ID), numberOf(b.ID)) })
	return list, err
}

func (m *memory) Proposals(before string, limit int) ([]governance.Proposal, error) {
	if _, is := number(before); before != "" && !is {
		return nil, governance.ErrNotFound
	}
	list, err := m.byNumber()
	slices.Reverse(list)
	list = slices.DeleteFunc(list, func(p governance.Proposal) bool { return before != "" && numberOf(p.ID) >= numberOf(before) })
	return list[:min(limit, len(list))], err
}

func (m *memory) Watched() (list []governance.Proposal, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, is := range m.watched {
		if !is {
			continue
		}
		p, err := lookUp[governance.Proposal](m, m.proposals, id)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b governance.Proposal) int { return cmp.Compare(numberOf(a.ID), numberOf(b.ID)) })
	return list, nil
}

func (m *memory) LastNumber() (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := uint64(0)
	for id := range m.proposals {
		last = max(last, numberOf(id))
	}
	return last, nil
}

func (m *memory) Events(proposal string) ([]governance.Recorded, error) {
	return all[governance.Recorded](m, m.events, proposal+"/")
}

func (m *memory) BySafeTxHash(hash common.Hash) (string, error) {
	list, err := m.byNumber()
	slices.Reverse(list)
	for _, p := range list {
		if p.SafeTx(hash) != nil {
			return p.ID, err
		}
	}
	return "", governance.ErrNotFound
}

func (m *memory) Signatures(hash common.Hash) ([]governance.Signature, error) {
	return all[governance.Signature](m, m.signatures, hash.Hex())
}

func (m *memory) Duties() ([]governance.Duty, error) {
	list, err := all[governance.Duty](m, m.duties, "")
	slices.SortStableFunc(list, func(a, b governance.Duty) int { return a.Due.Compare(b.Due) })
	return list, err
}

func (m *memory) Inbox() ([]governance.InboxEntry, error) {
	list, err := all[governance.InboxEntry](m, m.inbox, "")
	slices.SortStableFunc(list, func(a, b governance.InboxEntry) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	return list, err
}

func (m *memory) Submissions() ([]governance.Submission, error) {
	list, err := all[governance.Submission](m, m.submissions, "")
	return slices.DeleteFunc(list, func(s governance.Submission) bool { return !s.Open() }), err
}

// RecentSubmissions gives all there are: more than was asked for is allowed.
func (m *memory) RecentSubmissions(time.Time) ([]governance.Submission, error) {
	return all[governance.Submission](m, m.submissions, "")
}

func (m *memory) SubmissionsOf(proposal string) ([]governance.Submission, error) {
	return all[governance.Submission](m, m.submissions, proposal+" ")
}

func (m *memory) Messages(proposal string) ([]governance.MessageRef, error) {
	return all[governance.MessageRef](m, m.messages, proposal+" ")
}

func (m *memory) Link(account string) (governance.Link, error) {
	return one[governance.Link](m, m.links, account)
}

func (m *memory) Cursor(chain string) (governance.Cursor, error) {
	return one[governance.Cursor](m, m.cursors, chain)
}

func (m *memory) Lead(ctx context.Context) (context.Context, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, 0, errClosed
	}
	if m.end != nil {
		m.end(governance.ErrFenced)
	}
	m.fence++
	leading, end := context.WithCancelCause(ctx)
	m.end = end
	return leading, m.fence, nil
}

// Close ends the lead.
func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	if m.end != nil {
		m.end(errClosed)
	}
	return nil
}
