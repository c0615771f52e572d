package store

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"strconv"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"go.etcd.io/bbolt"
)

// Domains keep a hash or signature of one kind from being taken for another.
const (
	domainLog    = "belay/log/v1"
	domainHead   = "belay/log-head/v1"
	domainExport = "belay/log-export/v1"
)

// Head is the end of the log, signed by the log key. Whoever kept an older head can later see that the log still runs
// through it; that is what makes cutting or rewriting the log visible.
//
// The signature is Ed25519 over "belay/log-head/v1", Seq and Epoch (8 bytes each, big endian), Hash, and At exactly as it
// stands in the JSON (nothing while the log is empty).
type Head struct {
	Seq       uint64        `json:"seq"`   // of the last record; 0 while the log is empty
	Hash      common.Hash   `json:"hash"`  // of the last record; zero while the log is empty
	Epoch     uint64        `json:"epoch"` // a restored log starts a new one, so that a shorter log under a higher epoch is no cut
	At        time.Time     `json:"at,omitzero"`
	Signature hexutil.Bytes `json:"signature"`
}

func (h Head) message() []byte {
	m := []byte(domainHead)
	m = binary.BigEndian.AppendUint64(m, h.Seq)
	m = binary.BigEndian.AppendUint64(m, h.Epoch)
	m = append(m, h.Hash[:]...)
	if !h.At.IsZero() {
		m = h.At.UTC().AppendFormat(m, time.RFC3339Nano)
	}
	return m
}

func (h Head) signedBy(key logKey) Head {
	h.Signature = key.sign(h.message())
	return h
}

// Verify reports whether key signed this head.
func (h Head) Verify(key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, h.message(), h.Signature)
}

// followedBy is the head after one more record, not yet signed.
func (h Head) followedBy(record []byte, at time.Time) Head {
	seq := h.Seq + 1
	return Head{Seq: seq, Hash: newChain().next(seq, h.Hash, record), Epoch: h.Epoch, At: at.UTC()}
}

// chain computes record hashes without allocating for each.
type chain struct {
	hash    hash.Hash
	scratch []byte
}

func newChain() *chain { return &chain{hash: sha256.New(), scratch: make([]byte, 0, 64)} }

// next is the hash of record seq: SHA-256 over "belay/log/v1", seq (8 bytes, big endian), the hash of the record before
// (32 zero bytes for the first), and the record's stored bytes.
func (c *chain) next(seq uint64, previous common.Hash, record []byte) common.Hash {
	before := append(c.scratch, domainLog...)
	before = binary.BigEndian.AppendUint64(before, seq)
	before = append(before, previous[:]...)
	c.hash.Reset()
	c.hash.Write(before)
	c.hash.Write(record)
	return common.Hash(c.hash.Sum(c.scratch))
}

// begins reports whether a record says that it is record seq.
func (c *chain) begins(record []byte, seq uint64) bool {
	return bytes.HasPrefix(record, appendSeq(c.scratch, seq))
}

// record is one line of the log as it is stored and hashed: this struct as compact JSON.
type record struct {
	Seq uint64 `json:"seq"`
	recordTail
}

// recordTail is what the caller of Commit can encode before the writer knows the record's seq.
type recordTail struct {
	At       time.Time        `json:"at"`
	Proposal string           `json:"proposal"`
	Version  uint64           `json:"version"` // of the proposal, with this event applied
	Event    governance.Event `json:"event"`
	// State is the SHA-256 of the stored state's JSON after this event, on the last event of each commit. It lets Check
	// prove that the state is the logged one without running today's Apply over yesterday's events.
	State common.Hash `json:"state,omitzero"`
}

func (t recordTail) encode() ([]byte, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", t.Event.Type, err)
	}
	return b, nil
}

// numbered puts a seq before an encoded tail, behind room for the record's hash.
func numbered(seq uint64, tail []byte) (value, record []byte) {
	value = make([]byte, common.HashLength, common.HashLength+len(tail)+len(`{"seq":,`)+20)
	value = appendSeq(value, seq)
	value = append(value, tail[1:]...)
	return value, value[common.HashLength:]
}

// appendSeq writes how every record begins.
func appendSeq(b []byte, seq uint64) []byte {
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, seq, 10)
	return append(b, ',')
}

// splitRecord parts a value of the log bucket in the record's hash and its bytes. Both point into value.
func splitRecord(value []byte) (h common.Hash, record []byte, err error) {
	if len(value) <= common.HashLength {
		return h, nil, fmt.Errorf("%w: it has only %d bytes", ErrDamaged, len(value))
	}
	return common.Hash(value[:common.HashLength]), value[common.HashLength:], nil
}

// decodeRecord reads a stored record.
func decodeRecord(b []byte) (record, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return record{}, fmt.Errorf("decode log record: %w", err)
	}
	return r, nil
}

// Head gives the signed end of the log.
func (s *Store) Head() (head Head, err error) {
	err = s.view("read log head", func(tx *bbolt.Tx) error {
		head, err = storedHead(tx)
		return err
	})
	return head, err
}

// LogPublicKey is the key that signs heads and exports, in hex with 0x: what `belay log verify --key` takes.
func (s *Store) LogPublicKey() string { return keyText(s.publicKey) }

func storedHead(tx *bbolt.Tx) (h Head, err error) {
	if err := json.Unmarshal(tx.Bucket(bucketMeta).Get(metaHead), &h); err != nil {
		return Head{}, fmt.Errorf("%w: the log head cannot be read: %w", ErrDamaged, err)
	}
	return h, nil
}

func encodeHead(h Head) ([]byte, error) {
	b, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode log head: %w", err)
	}
	return b, nil
}

func putHead(tx *bbolt.Tx, h Head) error {
	b, err := encodeHead(h)
	if err != nil {
		return err
	}
	return tx.Bucket(bucketMeta).Put(metaHead, b)
}
