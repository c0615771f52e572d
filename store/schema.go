package store

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// The buckets, as drawn in the package comment.
var (
	bucketMeta            = []byte("meta")
	bucketProposals       = []byte("proposals")
	bucketWatched         = []byte("unended") // its name from when only those were watched
	bucketByHash          = []byte("by_hash")
	bucketLog             = []byte("log")
	bucketLogOf           = []byte("log_of")
	bucketSignatures      = []byte("signatures")
	bucketDuties          = []byte("duties")
	bucketHeld            = []byte("held")
	bucketInbox           = []byte("inbox")
	bucketSeen            = []byte("seen")
	bucketSeenAt          = []byte("seen_at")
	bucketSubmissions     = []byte("submissions")
	bucketOpenSubmissions = []byte("open_submissions")
	bucketMessages        = []byte("messages")
	bucketLinks           = []byte("links")
	bucketCursors         = []byte("cursors")
)

// The keys of the meta bucket.
var (
	metaSchema   = []byte("schema")
	metaEpoch    = []byte("epoch")
	metaLeads    = []byte("leads")
	metaLogKey   = []byte("log_key")
	metaHead     = []byte("head")
	metaRestored = []byte("restored")
	metaAccepted = []byte("accepted")
)

// mark is the value of keys that say everything themselves.
var mark = []byte{1}

// migration brings a file forward by one schema version. Migrations only ever get appended. One that rewrites proposals
// has to log that it did, because each log record binds the state that followed it.
type migration struct {
	name string
	run  func(*bbolt.Tx) error
}

// migrations make the present schema out of any older one; their number is its version.
var migrations = []migration{
	{"make the buckets", makeBuckets},
}

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range [][]byte{bucketMeta, bucketProposals, bucketWatched, bucketByHash, bucketLog, bucketLogOf,
		bucketSignatures, bucketDuties, bucketHeld, bucketInbox, bucketSeen, bucketSeenAt, bucketSubmissions,
		bucketOpenSubmissions, bucketMessages, bucketLinks, bucketCursors} {
		if _, err := tx.CreateBucket(name); err != nil {
			return fmt.Errorf("make bucket %s: %w", name, err)
		}
	}
	return putNumber(tx.Bucket(bucketMeta), metaEpoch, 1)
}

// migrate runs what the file still lacks and notes the version that it reached.
func migrate(tx *bbolt.Tx, from uint64, steps []migration) error {
	for _, m := range steps[from:] {
		if err := m.run(tx); err != nil {
			return fmt.Errorf("migration %q: %w", m.name, err)
		}
	}
	return putNumber(tx.Bucket(bucketMeta), metaSchema, uint64(len(steps)))
}

// schemaOf reads a file's schema version: 0 for a file that nothing was written to.
func schemaOf(tx *bbolt.Tx) (uint64, error) {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		if name, _ := tx.Cursor().First(); name != nil {
			return 0, fmt.Errorf("this is a bbolt file, but not of belay: it holds %q", name)
		}
		return 0, nil
	}
	version := number(meta.Get(metaSchema))
	if version == 0 {
		return 0, fmt.Errorf("%w: its schema version is gone", ErrDamaged)
	}
	return version, nil
}

// numberOf reads the N of a proposal id "P-N". Only the one way to write it is an id.
func numberOf(id string) (uint64, bool) {
	digits, found := strings.CutPrefix(id, "P-")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, found && err == nil && n > 0 && strconv.FormatUint(n, 10) == digits
}

func idOf(number uint64) string { return "P-" + strconv.FormatUint(number, 10) }

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// number reads what numberKey wrote. Anything else is 0, which no stored number is.
func number(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func putNumber(b *bbolt.Bucket, key []byte, n uint64) error { return b.Put(key, numberKey(n)) }

// under is the key of something that belongs to a proposal.
func under(proposal uint64, rest string) []byte { return append(numberKey(proposal), rest...) }

func logOfKey(proposal, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(numberKey(proposal), seq)
}

// timeKey sorts by time. Times before 1970 do not occur.
func timeKey(t time.Time) []byte { return numberKey(uint64(t.UnixNano())) } //nolint:gosec // wall time after 1970

func seenAtKey(at []byte, key string) []byte { return append(append([]byte(nil), at...), key...) }
