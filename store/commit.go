package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"belay/governance"

	"go.etcd.io/bbolt"
)

const (
	// seenFor is how long the key of an inbox entry makes a second one a duplicate. Slack redelivers for an hour and
	// Discord's interaction tokens live for 15 minutes; the contract asks for a day.
	seenFor = 48 * time.Hour
	// forgetAtOnce bounds the work that forgetting adds to one commit. It is more than one commit remembers.
	forgetAtOnce = 4
	// batchLimit bounds one transaction, and with it how long its first Record waits for its last.
	batchLimit = 256
)

// request is a change that waits to be written.
type request struct {
	ctx    context.Context //nolint:containedctx // lives as long as one request
	change *change
	answer chan answer // takes one
}

type answer struct {
	seq uint64
	err error
}

// Commit writes a Record whole or not at all and returns the log's last sequence number. Records that are committed at
// the same time share one write to the disk; each still sees those before it. Fence 0 marks work that no lead is needed
// for. ctx can call a Record off until its turn comes; after that Commit waits for the answer, so that an error from ctx
// always means "not written".
func (s *Store) Commit(ctx context.Context, r governance.Record) (uint64, error) {
	if s.readOnly {
		return 0, fmt.Errorf("commit: %w", ErrReadOnly)
	}
	c, err := encode(r)
	if err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	q := &request{ctx: ctx, change: c, answer: make(chan answer, 1)}
	if err := s.hand(q); err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	a := <-q.answer
	if a.err != nil {
		return 0, fmt.Errorf("commit: %w", a.err)
	}
	return a.seq, nil
}

// hand gives a request to whoever writes next. Where nobody writes that is the caller itself, who takes along all that wait:
// so one that is alone pays for no switch between goroutines.
func (s *Store) hand(q *request) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
		select {
		case <-s.stop:
			return ErrClosed
		default:
		}
		s.writeBatch(s.allWaiting(q))
	case s.queue <- q:
	case <-q.ctx.Done():
		return context.Cause(q.ctx)
	case <-s.stop:
		return ErrClosed
	}
	return nil
}

// allWaiting takes every request whose caller stands at the queue by now.
func (s *Store) allWaiting(first *request) []*request {
	batch := []*request{first}
	for len(batch) < batchLimit {
		select {
		case q := <-s.queue:
			batch = append(batch, q)
		default:
			return batch
		}
	}
	return batch
}

// writeBatch writes and answers. A request that cannot be applied although its checks held takes the whole transaction
// with it, so it is answered alone and the others are written without it.
func (s *Store) writeBatch(batch []*request) {
	for len(batch) > 0 {
		answers, poison, err := s.tryBatch(batch)
		switch {
		case err == nil:
			for i, q := range batch {
				q.answer <- answers[i]
			}
			return
		case poison != nil:
			poison.answer <- answer{err: err}
			batch = without(batch, poison)
		default:
			for _, q := range batch {
				q.answer <- answer{err: err}
			}
			return
		}
	}
}

func without(batch []*request, gone *request) []*request {
	rest := make([]*request, 0, len(batch)-1)
	for _, q := range batch {
		if q != gone {
			rest = append(rest, q)
		}
	}
	return rest
}

// tryBatch writes all requests whose checks hold in one transaction. poison is the request that failed it.
func (s *Store) tryBatch(batch []*request) (answers []answer, poison *request, err error) {
	if err := s.whyBroken(); err != nil {
		return nil, nil, err
	}
	committing := false
	err = guarded(func() error {
		tx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // without effect after Commit
		w := &writing{store: s, tx: tx, answers: make([]answer, len(batch))}
		answers = w.answers
		for i, q := range batch {
			poison = q
			w.last = i == len(batch)-1
			if err := w.request(i, q); err != nil {
				return err
			}
		}
		poison = nil
		if !w.wrote {
			return nil
		}
		if err := w.signHead(); err != nil {
			return err
		}
		committing = true
		return tx.Commit()
	})
	if err != nil && (committing || errors.Is(err, ErrDamaged)) {
		return nil, nil, s.breakDown(err)
	}
	return answers, poison, err
}

// breakDown ends the service of a disk that cannot be trusted any more. After a failed write it is unknown what the file
// holds, and after a failed sync the kernel may have dropped the pages and will report success the next time; only
// opening the file again tells the truth.
func (s *Store) breakDown(cause error) error {
	err := fmt.Errorf("the disk did not take the last commit, nothing more is taken until belay is started again: %w", cause)
	s.broken.CompareAndSwap(nil, &err)
	s.lead.end(err)
	return err
}

// writing is one transaction of the writer.
type writing struct {
	store    *Store
	tx       *bbolt.Tx
	head     Head
	headRead bool
	logged   bool      // the head moved and has to be signed
	last     bool      // no request follows the present one
	signed   chan Head // the head with its signature, which is made while pages are written; nil: not begun
	wrote    bool
	answers  []answer
}

// request checks one request against everything before it and applies it. What a check refuses is the request's answer;
// an error is one that spoils the transaction.
func (w *writing) request(i int, q *request) error {
	if err := w.check(q); err != nil {
		w.answers[i].err = err
		return nil
	}
	if err := w.readHead(); err != nil {
		return err
	}
	if err := w.apply(q.change); err != nil {
		return err
	}
	w.wrote = true
	w.answers[i].seq = w.head.Seq
	return nil
}

func (w *writing) check(q *request) error {
	c := q.change
	if q.ctx.Err() != nil {
		return context.Cause(q.ctx)
	}
	if now := w.store.fence.Load(); c.fence != 0 && c.fence != now {
		return fmt.Errorf("%w: fence %d, the present lead has %d", governance.ErrFenced, c.fence, now)
	}
	if c.receive != "" && w.seen(c.receive) {
		return fmt.Errorf("%w: %s", governance.ErrDuplicate, c.receive)
	}
	if c.proposal == 0 {
		return nil
	}
	if version := storedVersion(w.tx.Bucket(bucketProposals).Get(numberKey(c.proposal))); version != c.expect {
		return fmt.Errorf("%w: %s is at version %d, not %d", governance.ErrStale, idOf(c.proposal), version, c.expect)
	}
	return nil
}

// seen reports whether an inbox key was taken lately, or still waits however long ago it was.
func (w *writing) seen(key string) bool {
	return w.tx.Bucket(bucketSeen).Get([]byte(key)) != nil || w.tx.Bucket(bucketInbox).Get([]byte(key)) != nil
}

// storedVersion reads the version that stands before a state's JSON; 0 when there is none.
func storedVersion(value []byte) uint64 {
	if len(value) < 8 {
		return 0
	}
	return number(value[:8])
}

func (w *writing) readHead() (err error) {
	if w.headRead {
		return nil
	}
	w.headRead = true
	if known := w.store.lastHead; known.stored != nil && bytes.Equal(known.stored, w.tx.Bucket(bucketMeta).Get(metaHead)) {
		w.head = known.head
		return nil
	}
	w.head, err = storedHead(w.tx)
	return err
}

func (w *writing) apply(c *change) error {
	if err := w.events(c); err != nil {
		return err
	}
	if w.last {
		w.beginSigning()
	}
	for _, e := range c.drop {
		if err := w.tx.Bucket(e.bucket).Delete(e.key); err != nil {
			return err
		}
	}
	for _, e := range c.put {
		if err := w.tx.Bucket(e.bucket).Put(e.key, e.value); err != nil {
			return err
		}
	}
	for _, step := range []func(*change) error{w.delay, w.forgetSeen, w.state} {
		if err := step(c); err != nil {
			return err
		}
	}
	return nil
}

// delay leaves a duty alone that was done meanwhile: putting it back would do it twice.
func (w *writing) delay(c *change) error {
	for _, e := range c.delay {
		b := w.tx.Bucket(e.bucket)
		if b.Get(e.key) == nil {
			continue
		}
		if err := b.Put(e.key, e.value); err != nil {
			return err
		}
	}
	return nil
}

// forgetSeen drops a few inbox keys that are too old to be redelivered. The time is that of the entry just received.
func (w *writing) forgetSeen(c *change) error {
	if c.receive == "" {
		return nil
	}
	before := timeKey(c.receiveAt.Add(-seenFor))
	for range forgetAtOnce {
		old, _ := w.tx.Bucket(bucketSeenAt).Cursor().First()
		if len(old) <= len(before) || bytes.Compare(old[:len(before)], before) >= 0 {
			return nil
		}
		old = bytes.Clone(old)
		if err := w.tx.Bucket(bucketSeenAt).Delete(old); err != nil {
			return err
		}
		if err := w.tx.Bucket(bucketSeen).Delete(old[len(before):]); err != nil {
			return err
		}
	}
	return nil
}

// state writes a proposal and what is found by it. Index keys are written only where they change, so that a further
// confirmation touches none of their pages.
func (w *writing) state(c *change) error {
	if c.state == nil {
		return nil
	}
	key := numberKey(c.proposal)
	if err := w.tx.Bucket(bucketProposals).Put(key, c.state); err != nil {
		return err
	}
	watched := w.tx.Bucket(bucketWatched)
	switch indexed := watched.Get(key) != nil; {
	case !c.watched && indexed:
		if err := watched.Delete(key); err != nil {
			return err
		}
	case c.watched && !indexed:
		if err := watched.Put(key, mark); err != nil {
			return err
		}
	}
	return w.hashes(c)
}

// hashes points each safeTxHash at its youngest proposal: an intent that is proposed again at the same nonce has the same
// hash, and what is signed for it then belongs to the proposal that still asks.
func (w *writing) hashes(c *change) error {
	b := w.tx.Bucket(bucketByHash)
	for _, h := range c.hashes {
		if number(b.Get(h[:])) >= c.proposal {
			continue
		}
		if err := putNumber(b, h.Bytes(), c.proposal); err != nil {
			return err
		}
	}
	return nil
}

// events appends to the log.
func (w *writing) events(c *change) error {
	if len(c.events) == 0 {
		return nil
	}
	log, logOf := w.tx.Bucket(bucketLog), w.tx.Bucket(bucketLogOf)
	log.FillPercent = 0.95 // keys only grow: half the file of the default, which leaves room for keys in between
	for _, tail := range c.events {
		value, record := numbered(w.head.Seq+1, tail)
		w.head = w.head.followedBy(record, c.eventAt)
		copy(value, w.head.Hash[:])
		if err := log.Put(numberKey(w.head.Seq), value); err != nil {
			return err
		}
		if err := logOf.Put(logOfKey(c.proposal, w.head.Seq), mark); err != nil {
			return err
		}
	}
	w.logged = true
	return nil
}

// beginSigning signs once for all records of the transaction, beside the rest of the work: a signature takes as long as all of that.
func (w *writing) beginSigning() {
	if !w.logged || w.signed != nil {
		return
	}
	w.signed = make(chan Head, 1)
	go func(h Head) { w.signed <- h.signedBy(w.store.key) }(w.head)
}

func (w *writing) signHead() error {
	if !w.logged {
		return nil
	}
	w.beginSigning()
	head := <-w.signed
	stored, err := encodeHead(head)
	if err != nil {
		return err
	}
	w.store.lastHead = knownHead{stored, head}
	return w.tx.Bucket(bucketMeta).Put(metaHead, stored)
}

// knownHead is the last head that the writer signed, beside its bytes: where the file holds the very same, they need no decoding.
type knownHead struct {
	stored []byte
	head   Head
}
