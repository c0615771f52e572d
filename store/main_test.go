package store

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/store/storetest"

	"github.com/ethereum/go-ethereum/common"
	"go.etcd.io/bbolt"
	"go.uber.org/goleak"
)

// TestMain also is the other process of the tests that need one: see helper.
func TestMain(m *testing.M) {
	if role := os.Getenv("BELAY_STORE_HELPER"); role != "" {
		os.Exit(helper(role))
	}
	goleak.VerifyTestMain(m)
}

// The records of these tests are those that every engine is tried with.
var (
	day        = storetest.Day
	hashOf     = storetest.HashOf
	proposing  = storetest.Proposing
	after      = storetest.After
	fullRecord = storetest.Full
	ids        = storetest.IDs
)

// testKey is a log key that is the same in every run.
var testKey = newKey("belay store test")

func newKey(seed string) logKey { return logKey(ed25519.NewKeyFromSeed(sum(seed))) }

func sum(text string) []byte { h := sha256.Sum256([]byte(text)); return h[:] }

// testConfig is a store of its own, signed with testKey.
func testConfig(tb testing.TB) Config {
	tb.Helper()
	dir := tb.TempDir()
	cfg := Config{Path: filepath.Join(dir, "belay.db"), LogKeyFile: filepath.Join(dir, "log.key")}
	writeKey(tb, cfg.LogKeyFile, testKey)
	return cfg
}

func writeKey(tb testing.TB, path string, key logKey) {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.PrivateKey(key))
	must(tb, err)
	must(tb, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

func openStore(tb testing.TB, cfg Config) *Store {
	tb.Helper()
	s, err := Open(cfg)
	must(tb, err)
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func newStore(tb testing.TB) *Store {
	tb.Helper()
	return openStore(tb, testConfig(tb))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func commit(tb testing.TB, s storetest.Engine, r governance.Record) uint64 {
	tb.Helper()
	seq, err := s.Commit(tb.Context(), r)
	must(tb, err)
	return seq
}

// fillFile commits what makes every bucket of the file hold something.
func fillFile(tb testing.TB, s *Store) {
	tb.Helper()
	for n := uint64(1); n <= 3; n++ {
		commit(tb, s, proposing(n))
	}
	p, err := s.Proposal("P-2")
	must(tb, err)
	commit(tb, s, after(p, governance.EventObjected))
	p, err = s.Proposal("P-3")
	must(tb, err)
	commit(tb, s, after(p, governance.EventExpired))
	commit(tb, s, governance.Record{
		Signatures:  []governance.Signature{{SafeTxHash: hashOf("safe tx of P-1"), Owner: common.Address{1}, Bytes: []byte("signature")}},
		Receive:     &governance.InboxEntry{Key: "slack:1", Platform: "slack", Kind: "command", Body: []byte("/pause usdc"), ReceivedAt: day},
		Submissions: []governance.Submission{{ID: "P-1/direct/0x01", Proposal: "P-1", State: governance.SubmissionAccepted, Data: []byte{}}},
		Messages:    []governance.MessageRef{{Proposal: "P-1", Place: "slack/C1/war_room", Message: "1.2"}},
		Links:       []governance.Link{{Account: "slack/T1/U1", Member: "alice", At: day}},
		Cursors:     []governance.Cursor{{Chain: "ethereum", Block: safe.Block{Number: 19}}},
	})
	_, _, err = s.Lead(tb.Context())
	must(tb, err)
}

// dump is the whole content of a file: bucket/key → value.
func dump(tb testing.TB, db *bbolt.DB) map[string]string {
	tb.Helper()
	content := map[string]string{}
	must(tb, db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				content[fmt.Sprintf("%s/%x", name, k)] = string(v)
				return nil
			})
		})
	}))
	return content
}

// edit changes the file of a closed store behind its back; with errOnlyLook it changes nothing.
func edit(tb testing.TB, path string, change func(*bbolt.Tx) error) {
	tb.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	must(tb, err)
	if err := db.Update(change); !errors.Is(err, errOnlyLook) {
		must(tb, err)
	}
	must(tb, db.Close())
}

var errOnlyLook = errors.New("only look")

// inParallel runs work n times at once.
func inParallel(n int, work func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { work(i) })
	}
	wg.Wait()
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
