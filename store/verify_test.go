package store

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"go.etcd.io/bbolt"
)

func TestVerifyLogReportsWhatItRead(t *testing.T) {
	s := newStore(t)
	report, err := s.VerifyLog(t.Context())
	must(t, err)
	same(t, report.Records, 0)
	fillFile(t, s)
	report, err = s.VerifyLog(t.Context())
	must(t, err)
	head, err := s.Head()
	must(t, err)
	same(t, report, Report{Records: 5, Head: head, Key: keyText(testKey.public())})
	same(t, head.Seq, 5)
	same(t, head.Epoch, 1)
	same(t, head.At, day.Add(2*60_000_000_000))
	same(t, head.Verify(testKey.public()), true)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, s.Check(canceled), context.Canceled)
}

// TestTheChainIsTheDocumentedOne pins the hash rule that other programs verify by.
func TestTheChainIsTheDocumentedOne(t *testing.T) {
	s := newStore(t)
	commit(t, s, proposing(1))
	must(t, s.view("read", func(tx *bbolt.Tx) error {
		hash, record, err := splitRecord(tx.Bucket(bucketLog).Get(numberKey(1)))
		must(t, err)
		preimage := bytes.Join([][]byte{[]byte("belay/log/v1"), {0, 0, 0, 0, 0, 0, 0, 1}, make([]byte, 32), record}, nil)
		same(t, hash, common.Hash(sum(string(preimage))))
		state := sum(string(tx.Bucket(bucketProposals).Get(numberKey(1))[8:]))
		same(t, string(record), `{"seq":1,"at":"2026-11-21T12:00:00.123456789Z","proposal":"P-1","version":1,`+
			`"event":{"type":"proposed","at":"2026-11-21T12:00:00.123456789Z","by":"alice","text":"oracle off by 9 %"},`+
			`"state":"`+common.Hash(state).Hex()+`"}`)
		return nil
	}))
	head, err := s.Head()
	must(t, err)
	message := bytes.Join([][]byte{[]byte("belay/log-head/v1"), {0, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}, head.Hash[:],
		[]byte("2026-11-21T12:00:00.123456789Z")}, nil)
	same(t, []byte(head.Signature), testKey.sign(message))
}

// tampered edits a value through its bucket.
func tampered(bucket, key []byte, change func([]byte) []byte) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucket)
		return b.Put(key, change(bytes.Clone(b.Get(key))))
	}
}

func replacing(from, to string) func([]byte) []byte {
	return func(b []byte) []byte {
		if !bytes.Contains(b, []byte(from)) {
			panic(from + " is not there to be replaced")
		}
		return bytes.ReplaceAll(b, []byte(from), []byte(to))
	}
}

func removed(bucket, key []byte) func(*bbolt.Tx) error {
	return func(tx *bbolt.Tx) error { return tx.Bucket(bucket).Delete(key) }
}

func TestWhatSomeoneChangedIsFoundWithItsPlace(t *testing.T) {
	other := newKey("someone else")
	for name, c := range map[string]struct {
		edit  func(*bbolt.Tx) error
		words []string
		open  bool // found already when the store is opened
	}{
		"a byte of a log record": {tampered(bucketLog, numberKey(2), replacing("alice", "alicf")),
			[]string{"log record 2", "one of them was changed"}, false},
		"the hash of a log record": {tampered(bucketLog, numberKey(3), func(b []byte) []byte { b[5] ^= 1; return b }),
			[]string{"log record 3", "one of them was changed"}, false},
		"a byte of the last log record": {tampered(bucketLog, numberKey(5), replacing("bob", "eve")),
			[]string{"log record 5"}, false},
		"a log record that is another's copy": {func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketLog).Put(numberKey(4), bytes.Clone(tx.Bucket(bucketLog).Get(numberKey(3))))
		}, []string{"log record 4", "its bytes speak of another record"}, false},
		"a record gone from the middle": {removed(bucketLog, numberKey(2)), []string{"log record 2", "it is missing, the next one there is 3"}, false},
		"the tail cut off": {func(tx *bbolt.Tx) error {
			return errors.Join(tx.Bucket(bucketLog).Delete(numberKey(5)), tx.Bucket(bucketLog).Delete(numberKey(4)))
		}, []string{"log: it ends at record 3, its signed head is record 5: records were cut off"}, true},
		"a record put behind the end": {func(tx *bbolt.Tx) error {
			_, record := numbered(6, []byte(`{}`))
			return tx.Bucket(bucketLog).Put(numberKey(6), append(make([]byte, 32), record...))
		}, []string{"log: it ends at record 6, its signed head is record 5"}, true},
		"the tail cut off under a head of another key": {func(tx *bbolt.Tx) error {
			hash, _, err := splitRecord(tx.Bucket(bucketLog).Get(numberKey(4)))
			return errors.Join(err, tx.Bucket(bucketLog).Delete(numberKey(5)), putHead(tx, Head{Seq: 4, Hash: hash, Epoch: 1}.signedBy(other)))
		}, []string{"log head", "its signature is not by log key"}, true},
		"the signed head gone": {removed(bucketMeta, metaHead), []string{"the log head cannot be read"}, true},
		"another epoch":        {func(tx *bbolt.Tx) error { return putNumber(tx.Bucket(bucketMeta), metaEpoch, 2) }, []string{"log head", "it is of epoch 1, the store of epoch 2"}, true},
		"a state edited":       {tampered(bucketProposals, numberKey(1), replacing(`"proposed"`, `"approved"`)), []string{"proposal P-1", "not the one that log record 1 recorded: it was edited"}, false},
		"an older state put back": {func(tx *bbolt.Tx) error {
			old, err := encode(proposing(2))
			return errors.Join(err, tx.Bucket(bucketProposals).Put(numberKey(2), old.state))
		}, []string{"proposal P-2", "its state has version 1, the log ends at version 2 in record 4"}, false},
		"a proposal that was never logged": {func(tx *bbolt.Tx) error {
			c, err := encode(proposing(8))
			return errors.Join(err, tx.Bucket(bucketProposals).Put(numberKey(8), c.state))
		}, []string{"proposal P-8", "the log knows nothing of it"}, false},
		"a state under another's number": {func(tx *bbolt.Tx) error {
			return tx.Bucket(bucketProposals).Put(numberKey(3), bytes.Clone(tx.Bucket(bucketProposals).Get(numberKey(2))))
		}, []string{"proposal P-3", "calls itself P-2"}, false},
		"an open proposal hidden": {removed(bucketWatched, numberKey(1)), []string{"proposal P-1", "listed as watched: false"}, false},
		"an ended one listed": {func(tx *bbolt.Tx) error { return tx.Bucket(bucketWatched).Put(numberKey(3), mark) },
			[]string{"proposal P-3", "listed as watched: true"}, false},
		"a safeTxHash forgotten":            {removed(bucketByHash, hashOf("safe tx of P-1").Bytes()), []string{"proposal P-1", "cannot be found by its safeTxHash"}, false},
		"an event hidden from its proposal": {removed(bucketLogOf, logOfKey(2, 2)), []string{"index log_of", "it has 4 entries for 5 log records"}, false},
		"an event given to another": {func(tx *bbolt.Tx) error { return tx.Bucket(bucketLogOf).Put(logOfKey(3, 2), mark) },
			[]string{"log record 2", "it is of P-3, the record does not"}, false},
		"a submission hidden":  {removed(bucketOpenSubmissions, under(1, "P-1/direct/0x01")), []string{"submission P-1/direct/0x01", "listed as open: false"}, false},
		"a submission removed": {removed(bucketSubmissions, under(1, "P-1/direct/0x01")), []string{"index open_submissions", "it lists 1 submissions that do not exist"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			fillClosed(t, cfg.Path)
			edit(t, cfg.Path, c.edit)
			s, err := Open(cfg)
			if c.open {
				wantWords(t, err, c.words)
				_, err = OpenReadOnly(cfg)
				wantWords(t, err, c.words)
				return
			}
			must(t, err)
			defer func() { must(t, s.Close()) }()
			wantWords(t, s.Check(t.Context()), c.words)
		})
	}
}

func wantWords(t *testing.T, err error, words []string) {
	t.Helper()
	wantError(t, err, ErrDamaged)
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("%v\ndoes not contain %q", err, w)
		}
	}
}

func TestSignaturesAreThoseThatWereConfirmed(t *testing.T) {
	owner, signature := common.Address{1}, []byte("sixty-five bytes")
	r := proposing(1)
	r.State.SafeTxs[0].Confirmations = []governance.Confirmation{
		{Owner: owner, Kind: safe.KindECDSA, SignatureHash: crypto.Keccak256Hash(signature)},
		{Owner: common.Address{2}, Kind: safe.KindApprovedHash}, // its proof is on the chain
	}
	hash := r.State.SafeTxs[0].Hashes.SafeTx
	r.Signatures = []governance.Signature{{SafeTxHash: hash, Owner: owner, Bytes: signature}}

	s := newStore(t)
	commit(t, s, r)
	must(t, s.Check(t.Context()))
	r.Signatures[0].Bytes = []byte("other bytes")
	commit(t, s, governance.Record{Signatures: r.Signatures})
	wantWords(t, s.Check(t.Context()), []string{"proposal P-1", "is not the one that was confirmed"})
	must(t, s.db.Update(removed(bucketSignatures, append(hash.Bytes(), owner[:]...))))
	wantWords(t, s.Check(t.Context()), []string{"proposal P-1", "is gone"})
}

func TestCheckTellsOfManyProblemsButNotOfAll(t *testing.T) {
	s := newStore(t)
	for n := uint64(1); n <= 30; n++ {
		commit(t, s, proposing(n))
	}
	must(t, s.db.Update(func(tx *bbolt.Tx) error {
		must(t, tx.DeleteBucket(bucketWatched))
		_, err := tx.CreateBucket(bucketWatched)
		return err
	}))
	wantWords(t, s.Check(t.Context()), []string{"proposal P-1:", "proposal P-20:", "and 10 more"})
}

func TestAnEmptyLogIsCalledEmpty(t *testing.T) {
	report, err := newStore(t).VerifyLog(t.Context())
	if err != nil || report.Proves() != "The log is empty: nothing was recorded yet." {
		t.Errorf("%q, %v", report.Proves(), err)
	}
}
