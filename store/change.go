package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// Limits of one commit, so that etcd (128 operations and 1.5 MiB a transaction by default) can be a second engine.
const (
	MaxKeys  = 100
	MaxBytes = 1 << 20

	maxKeyLength = 1024 // bytes of any id, account or key
)

// entry is one key of one bucket. A nil value deletes it.
type entry struct {
	bucket, key, value []byte
}

// change is a Record made ready for the writer: checked, encoded and counted, so that nothing of that happens while a
// transaction is open.
type change struct {
	fence    uint64
	proposal uint64 // its number; 0: no proposal changes
	expect   uint64 // its version

	events  [][]byte // encoded recordTails
	eventAt time.Time
	state   []byte // version and JSON; nil: unchanged
	watched bool
	hashes  []common.Hash // every safeTxHash of the state

	receive   string // inbox key; "": nothing received
	receiveAt time.Time

	drop, put []entry
	delay     []entry // duties, put only where they are still owed

	keys, bytes int
}

// encode makes a change of a Record, or says why no store would take it.
func encode(r governance.Record) (*change, error) {
	c := &change{fence: r.Fence, expect: r.Expect}
	for _, part := range []func(governance.Record) error{
		c.addState, c.addEvents, c.addSignatures, c.addDuties, c.addInbox, c.addSubmissions, c.addMessages, c.addLinks,
		c.addCursors, c.measure,
	} {
		if err := part(r); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// addState also holds the Record to its own rules: state and events come together, and the version counts the events.
func (c *change) addState(r governance.Record) error {
	if r.Proposal == "" {
		if r.State != nil || len(r.Events) > 0 {
			return invalid("events or state without a proposal")
		}
		return nil
	}
	n, ok := numberOf(r.Proposal)
	if !ok {
		return invalid("%q is no proposal id", r.Proposal)
	}
	c.proposal = n
	if (r.State == nil) != (len(r.Events) == 0) {
		return invalid("%s: events and state come together", r.Proposal)
	}
	if r.State == nil {
		return nil
	}
	if r.State.ID != r.Proposal {
		return invalid("%s: the state is of %q", r.Proposal, r.State.ID)
	}
	if want := r.Expect + uint64(len(r.Events)); r.State.Version != want {
		return invalid("%s: the state has version %d, %d events after version %d make %d",
			r.Proposal, r.State.Version, len(r.Events), r.Expect, want)
	}
	body, err := json.Marshal(r.State)
	if err != nil {
		return fmt.Errorf("encode state of %s: %w", r.Proposal, err)
	}
	c.state = append(numberKey(r.State.Version), body...)
	c.watched = r.State.Watched()
	for i := range r.State.SafeTxs {
		c.hashes = append(c.hashes, r.State.SafeTxs[i].Hashes.SafeTx)
	}
	return nil
}

func (c *change) addEvents(r governance.Record) error {
	for i, e := range r.Events {
		tail := recordTail{At: e.At, Proposal: r.Proposal, Version: r.Expect + uint64(i) + 1, Event: e}
		if i == len(r.Events)-1 {
			tail.State = sha256.Sum256(c.state[8:])
			c.eventAt = e.At
		}
		b, err := tail.encode()
		if err != nil {
			return err
		}
		c.events = append(c.events, b)
	}
	return nil
}

func (c *change) addSignatures(r governance.Record) error {
	for _, s := range r.Signatures {
		if err := c.keep(bucketSignatures, append(s.SafeTxHash.Bytes(), s.Owner[:]...), s); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) addDuties(r governance.Record) error {
	for _, id := range r.Done {
		c.forget(bucketDuties, []byte(id))
		c.forget(bucketHeld, []byte(id))
	}
	for _, d := range r.Add {
		if err := c.keep(bucketDuties, []byte(d.ID), d); err != nil {
			return err
		}
	}
	for _, d := range r.Delay {
		e, err := encodeEntry(bucketDuties, []byte(d.ID), d)
		if err != nil {
			return err
		}
		c.delay = append(c.delay, e)
	}
	return nil
}

func (c *change) addInbox(r governance.Record) error {
	if r.Handled != "" {
		c.forget(bucketInbox, []byte(r.Handled))
	}
	if r.Receive == nil {
		return nil
	}
	key, at := r.Receive.Key, timeKey(r.Receive.ReceivedAt)
	if err := c.keep(bucketInbox, []byte(key), r.Receive); err != nil {
		return err
	}
	c.receive, c.receiveAt = key, r.Receive.ReceivedAt
	c.put = append(c.put, entry{bucketSeen, []byte(key), at}, entry{bucketSeenAt, seenAtKey(at, key), mark})
	return nil
}

func (c *change) addSubmissions(r governance.Record) error {
	for _, s := range r.Submissions {
		key, err := proposalKey(s.Proposal, s.ID)
		if err != nil {
			return err
		}
		if err := c.keep(bucketSubmissions, key, s); err != nil {
			return err
		}
		if s.Open() {
			c.put = append(c.put, entry{bucketOpenSubmissions, key, mark})
		} else {
			c.forget(bucketOpenSubmissions, key)
		}
	}
	return nil
}

func (c *change) addMessages(r governance.Record) error {
	for _, m := range r.Messages {
		key, err := proposalKey(m.Proposal, m.Place)
		if err != nil {
			return err
		}
		if err := c.keep(bucketMessages, key, m); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) addLinks(r governance.Record) error {
	for _, account := range r.Unlink {
		c.forget(bucketLinks, []byte(account))
	}
	for _, l := range r.Links {
		if err := c.keep(bucketLinks, []byte(l.Account), l); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) addCursors(r governance.Record) error {
	for _, cursor := range r.Cursors {
		if err := c.keep(bucketCursors, []byte(cursor.Chain), cursor); err != nil {
			return err
		}
	}
	return nil
}

// proposalKey is the key of something that belongs to a proposal.
func proposalKey(proposal, rest string) ([]byte, error) {
	n, ok := numberOf(proposal)
	if !ok || rest == "" {
		return nil, invalid("%q of proposal %q", rest, proposal)
	}
	return under(n, rest), nil
}

// keep notes a value to write, forget one to delete.
func (c *change) keep(bucket, key []byte, value any) error {
	e, err := encodeEntry(bucket, key, value)
	if err != nil {
		return err
	}
	c.put = append(c.put, e)
	return nil
}

func (c *change) forget(bucket, key []byte) { c.drop = append(c.drop, entry{bucket, key, nil}) }

func encodeEntry(bucket, key []byte, value any) (entry, error) {
	b, err := json.Marshal(value)
	if err != nil {
		return entry{}, fmt.Errorf("encode one of %s: %w", bucket, err)
	}
	return entry{bucket, key, b}, nil
}

// measure counts what the change writes at most, and refuses keys that no engine takes. An event is two keys, a state
// three and one for each safeTxHash, the signed head one.
func (c *change) measure(governance.Record) error {
	c.keys = 2*len(c.events) + len(c.hashes)
	c.bytes = len(c.state) + len(c.hashes)*common.HashLength
	if c.state != nil {
		c.keys += 3
	}
	for _, e := range c.events {
		c.bytes += len(e) + common.HashLength
	}
	for _, list := range [][]entry{c.drop, c.put, c.delay} {
		c.keys += len(list)
		for _, e := range list {
			if len(e.key) == 0 || len(e.key) > maxKeyLength {
				return invalid("a key of %s has %d bytes, 1 to %d are taken", e.bucket, len(e.key), maxKeyLength)
			}
			c.bytes += len(e.key) + len(e.value)
		}
	}
	if c.keys > MaxKeys || c.bytes > MaxBytes {
		return fmt.Errorf("%w: %d keys and %d bytes, at most %d and %d are taken", ErrTooLarge, c.keys, c.bytes, MaxKeys, MaxBytes)
	}
	return nil
}
