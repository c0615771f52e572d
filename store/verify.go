package store

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"go.etcd.io/bbolt"
)

// Damage says what does not add up, and where. It is ErrDamaged.
type Damage struct {
	Where string // "log record 17", "proposal P-3", "line 5"
	What  string
}

func (d *Damage) Error() string { return d.Where + ": " + d.What }

// Unwrap makes it ErrDamaged.
func (d *Damage) Unwrap() error { return ErrDamaged }

func damage(where, what string, args ...any) error {
	return &Damage{Where: where, What: fmt.Sprintf(what, args...)}
}

func recordDamage(seq uint64, what string, args ...any) error {
	return damage(fmt.Sprintf("log record %d", seq), what, args...)
}

// Report is what a verification found in order.
type Report struct {
	Records  uint64 `json:"records"`            // how many were verified
	Proposal string `json:"proposal,omitempty"` // whose they are; "" is the whole log
	Head     Head   `json:"head"`
	Key      string `json:"key"` // that signed the head
}

// Proves says in a sentence what the report stands for.
func (r Report) Proves() string {
	if r.Proposal != "" {
		return fmt.Sprintf("The holder of log key %s vouches that these %d records are all that the log held of %s at record %d. "+
			"The log between them is not shown.", r.Key, r.Records, r.Proposal, r.Head.Seq)
	}
	if r.Head.Seq == 0 {
		return "The log is empty: nothing was recorded yet."
	}
	return fmt.Sprintf("The log is whole from record 1 to %d, and log key %s signed its end.", r.Head.Seq, r.Key)
}

// tooManyProblems bounds what Check tells; a file with as many is not repaired by reading on.
const tooManyProblems = 20

// VerifyLog recomputes the hash of every record and compares the end with the signed head. It reads the log as it stood
// when it began, in constant memory, beside running commits.
func (s *Store) VerifyLog(ctx context.Context) (report Report, err error) {
	err = s.view("verify log", func(tx *bbolt.Tx) error {
		report, err = verifyLog(ctx, tx, s.publicKey)
		return err
	})
	return report, err
}

// Check verifies everything that the file says: its pages, the log, that each state is the one the log recorded, every
// index, and that signatures are those that were confirmed. The error joins all findings, each with its place. Commits
// wait while the pages are counted (about 0.2 s a gigabyte).
func (s *Store) Check(ctx context.Context) error {
	pages := s.view
	if !s.readOnly { // bbolt's page check reads the freelist, which only a write transaction may do beside commits
		pages = func(action string, check func(*bbolt.Tx) error) error { return s.checkAlone(ctx, action, check) }
	}
	if err := pages("check pages", func(tx *bbolt.Tx) error { return verifyPages(ctx, tx) }); err != nil {
		return err // what stands on broken pages means nothing
	}
	return s.view("check", func(tx *bbolt.Tx) error {
		_, err := verifyLog(ctx, tx, s.publicKey)
		return errors.Join(err, verifyStates(ctx, tx), verifyIndexes(ctx, tx))
	})
}

// checkAlone runs check in a write transaction that writes nothing.
func (s *Store) checkAlone(ctx context.Context, action string, check func(*bbolt.Tx) error) error {
	return wrapped(action, guarded(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		tx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		return check(tx)
	}))
}

func verifyPages(ctx context.Context, tx *bbolt.Tx) error {
	var found problems
	for err := range tx.Check() { // to the end, or bbolt's goroutine stays
		found.add(damage("file", "%v", err))
	}
	return errors.Join(found.err(), ctx.Err())
}

// headEndsLog compares the signed head with the last record. It costs the same for every length of the log.
func headEndsLog(tx *bbolt.Tx, key ed25519.PublicKey) error {
	head, err := storedHead(tx)
	if err != nil {
		return err
	}
	if !head.Verify(key) {
		return damage("log head", "its signature is not by log key %s", keyText(key))
	}
	meta := tx.Bucket(bucketMeta)
	epoch, restored := number(meta.Get(metaEpoch)), meta.Get(metaRestored) != nil
	if head.Epoch != epoch && (!restored || head.Epoch > epoch) {
		return damage("log head", "it is of epoch %d, the store of epoch %d", head.Epoch, epoch)
	}
	key8, value := tx.Bucket(bucketLog).Cursor().Last()
	switch last := number(key8); {
	case last < head.Seq:
		return damage("log", "it ends at record %d, its signed head is record %d: records were cut off", last, head.Seq)
	case last > head.Seq:
		return damage("log", "it ends at record %d, its signed head is record %d: records were put behind it", last, head.Seq)
	case last == 0 && head.Hash == common.Hash{}:
		return nil
	}
	hash, _, err := splitRecord(value)
	if err != nil || hash != head.Hash {
		return recordDamage(head.Seq, "its hash is not the one in the signed head")
	}
	return nil
}

func verifyLog(ctx context.Context, tx *bbolt.Tx, key ed25519.PublicKey) (Report, error) {
	report := Report{Key: keyText(key)}
	var previous common.Hash
	links := newChain()
	c := tx.Bucket(bucketLog).Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		report.Records++
		if report.Records%1024 == 0 && ctx.Err() != nil {
			return report, context.Cause(ctx)
		}
		if seq := number(k); seq != report.Records {
			return report, recordDamage(report.Records, "it is missing, the next one there is %d", seq)
		}
		hash, err := verifyRecord(links, report.Records, previous, v)
		if err != nil {
			return report, err
		}
		previous = hash
	}
	head, err := storedHead(tx)
	report.Head = head
	return report, errors.Join(err, headEndsLog(tx, key))
}

func verifyRecord(links *chain, seq uint64, previous common.Hash, value []byte) (common.Hash, error) {
	hash, record, err := splitRecord(value)
	if err != nil {
		return hash, recordDamage(seq, "it has only %d bytes", len(value))
	}
	if !links.begins(record, seq) {
		return hash, recordDamage(seq, "its bytes speak of another record")
	}
	if links.next(seq, previous, record) != hash {
		return hash, recordDamage(seq, "its bytes, its hash and the record before do not belong together: one of them was changed")
	}
	return hash, nil
}

// verifyStates compares each stored state with what the log recorded of it.
func verifyStates(ctx context.Context, tx *bbolt.Tx) error {
	v := &stateCheck{tx: tx}
	return v.run(ctx, v.states)
}

// verifyIndexes compares everything else that was derived with what it was derived from.
func verifyIndexes(ctx context.Context, tx *bbolt.Tx) error {
	v := &stateCheck{tx: tx}
	return v.run(ctx, v.logOf, v.proposals, v.watched, v.submissions)
}

type stateCheck struct {
	tx    *bbolt.Tx
	found problems
}

func (v *stateCheck) run(ctx context.Context, steps ...func()) error {
	for _, step := range steps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		step()
	}
	return v.found.err()
}

func (v *stateCheck) states() {
	_ = v.tx.Bucket(bucketProposals).ForEach(func(key, value []byte) error {
		where := "proposal " + idOf(number(key))
		p, err := decodeProposal(value)
		switch {
		case err != nil:
			v.found.add(damage(where, "%v", err))
		case p.ID != idOf(number(key)) || p.Version != storedVersion(value):
			v.found.add(damage(where, "its state calls itself %s at version %d", p.ID, p.Version))
		default:
			v.asLogged(where, key, value)
		}
		return nil
	})
}

// logOf compares the index of the log by proposal with the log.
func (v *stateCheck) logOf() {
	log, entries := v.tx.Bucket(bucketLog), uint64(0)
	_ = v.tx.Bucket(bucketLogOf).ForEach(func(key, _ []byte) error {
		entries++
		if len(key) != 16 {
			v.found.add(damage("index log_of", "a key of %d bytes", len(key)))
			return nil
		}
		owner, seq := idOf(number(key[:8])), number(key[8:])
		value := log.Get(key[8:])
		begin := value[min(len(value), common.HashLength):min(len(value), 200)] // seq and at stand before the proposal
		if !bytes.Contains(begin, []byte(`,"proposal":"`+owner+`","version":`)) {
			v.found.add(recordDamage(seq, "the index says that it is of %s, the record does not", owner))
		}
		return nil
	})
	if last, _ := log.Cursor().Last(); entries != number(last) {
		v.found.add(damage("index log_of", "it has %d entries for %d log records", entries, number(last)))
	}
}

func (v *stateCheck) proposals() {
	_ = v.tx.Bucket(bucketProposals).ForEach(func(key, value []byte) error {
		where := "proposal " + idOf(number(key))
		if p, err := decodeProposal(value); err == nil { // states has told of the others
			v.indexed(where, number(key), &p)
			v.confirmed(where, &p)
		}
		return nil
	})
}

// asLogged compares the state with what the proposal's last log record bound.
func (v *stateCheck) asLogged(where string, key, value []byte) {
	last, _ := lastBelow(v.tx.Bucket(bucketLogOf).Cursor(), number(key)+1)
	if !bytes.HasPrefix(last, key) {
		v.found.add(damage(where, "the log knows nothing of it"))
		return
	}
	r, err := loggedAt(v.tx, last[8:])
	switch {
	case err != nil:
		v.found.add(recordDamage(number(last[8:]), "%v", err))
	case r.Version != storedVersion(value):
		v.found.add(damage(where, "its state has version %d, the log ends at version %d in record %d", storedVersion(value), r.Version, r.Seq))
	case r.State != sha256.Sum256(value[8:]):
		v.found.add(damage(where, "its state is not the one that log record %d recorded: it was edited", r.Seq))
	}
}

func (v *stateCheck) indexed(where string, n uint64, p *governance.Proposal) {
	if listed := v.tx.Bucket(bucketWatched).Get(numberKey(n)) != nil; listed != p.Watched() {
		v.found.add(damage(where, "it is %s, and listed as watched: %t", p.State, listed))
	}
	for i := range p.SafeTxs {
		h := p.SafeTxs[i].Hashes.SafeTx
		if number(v.tx.Bucket(bucketByHash).Get(h[:])) < n {
			v.found.add(damage(where, "it cannot be found by its safeTxHash %s", h))
		}
	}
}

// confirmed compares signatures with what the state, and so the log, says of them.
func (v *stateCheck) confirmed(where string, p *governance.Proposal) {
	for i := range p.SafeTxs {
		t := &p.SafeTxs[i]
		for _, c := range t.Confirmations {
			value := v.tx.Bucket(bucketSignatures).Get(append(t.Hashes.SafeTx.Bytes(), c.Owner[:]...))
			if value == nil {
				if c.Kind != safe.KindApprovedHash { // that one is on the chain
					v.found.add(damage(where, "the signature of %s over %s is gone", c.Owner, t.Hashes.SafeTx))
				}
				continue
			}
			s, err := decode[governance.Signature](value)
			if err != nil || c.SignatureHash != (common.Hash{}) && c.SignatureHash != crypto.Keccak256Hash(s.Bytes) {
				v.found.add(damage(where, "the signature of %s over %s is not the one that was confirmed", c.Owner, t.Hashes.SafeTx))
			}
		}
	}
}

func (v *stateCheck) watched() {
	_ = v.tx.Bucket(bucketWatched).ForEach(func(key, _ []byte) error {
		if v.tx.Bucket(bucketProposals).Get(key) == nil {
			v.found.add(damage("index of what is watched", "it lists %s, which does not exist", idOf(number(key))))
		}
		return nil
	})
}

func (v *stateCheck) submissions() {
	open, listed := v.tx.Bucket(bucketOpenSubmissions), 0
	_ = v.tx.Bucket(bucketSubmissions).ForEach(func(key, value []byte) error {
		s, err := decode[governance.Submission](value)
		isListed := open.Get(key) != nil
		if isListed {
			listed++
		}
		if err != nil || s.Open() != isListed {
			v.found.add(damage(fmt.Sprintf("submission %s", key[min(8, len(key)):]), "it is %s, and listed as open: %t", s.State, isListed))
		}
		return nil
	})
	_ = open.ForEach(func(_, _ []byte) error { listed--; return nil })
	if listed != 0 {
		v.found.add(damage("index open_submissions", "it lists %d submissions that do not exist", -listed))
	}
}

// problems collects findings up to a bound.
type problems struct {
	list []error
	more int
}

func (p *problems) add(err error) {
	if len(p.list) >= tooManyProblems {
		p.more++
		return
	}
	p.list = append(p.list, err)
}

func (p *problems) err() error {
	if p.more > 0 {
		return errors.Join(append(p.list, fmt.Errorf("and %d more", p.more))...)
	}
	return errors.Join(p.list...)
}
