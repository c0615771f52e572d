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

// day is when the tests take place.
var day = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC)

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

func commit(tb testing.TB, s engine, r governance.Record) uint64 {
	tb.Helper()
	seq, err := s.Commit(tb.Context(), r)
	must(tb, err)
	return seq
}

// hashOf makes a hash that is easy to tell from others.
func hashOf(format string, args ...any) common.Hash {
	return sha256.Sum256(fmt.Appendf(nil, format, args...))
}

// proposing is the Record of a new proposal, as the coordinator writes one.
func proposing(n uint64) governance.Record {
	id := idOf(n)
	p := governance.Proposal{ID: id, Version: 1, State: governance.StateProposed, Kind: governance.KindPause, Title: "Pause a reserve",
		Params: map[string]string{"asset": "usdc"}, Proposer: "alice", CreatedAt: day, ExpiresAt: day.Add(24 * time.Hour),
		Safe:    governance.SafeRef{Name: "guardian", Chain: "ethereum", ChainID: 1, Version: safe.V1_4_1},
		SafeTxs: []governance.SafeTx{{Purpose: governance.PurposeDirect, State: governance.TxAsking, Hashes: safe.Hashes{SafeTx: hashOf("safe tx of %s", id)}}}}
	return governance.Record{Proposal: id, State: &p,
		Events: []governance.Event{{Type: governance.EventProposed, At: day, By: "alice", Text: "oracle off by 9 %"}},
		Add:    []governance.Duty{{ID: id + "/000001/card/slack", Kind: governance.DutyCard, Proposal: id, Version: 1, Target: "slack", Due: day}}}
}

// after is the Record of one more event on a proposal.
func after(p governance.Proposal, e governance.EventType) governance.Record {
	before := p.Version
	p.Version++
	if e == governance.EventExpired {
		p.State = governance.StateExpired
	}
	return governance.Record{Proposal: p.ID, Expect: before, State: &p,
		Events: []governance.Event{{Type: e, At: day.Add(time.Duration(p.Version) * time.Minute), By: "bob"}}}
}

// fullRecord sets every field of a Record, and every field in them, to something.
func fullRecord(n uint64) governance.Record {
	var r governance.Record
	f := filler{next: int64(n) * 1_000_000}
	f.fill(reflect.ValueOf(&r).Elem())
	r.Proposal, r.Expect, r.Fence = idOf(n), 0, 0
	r.State.ID, r.State.Version = r.Proposal, uint64(len(r.Events))
	for i := range r.Submissions {
		r.Submissions[i].Proposal = r.Proposal
	}
	r.Submissions[0].State = governance.SubmissionAccepted
	for i := range r.Messages {
		r.Messages[i].Proposal = r.Proposal
	}
	return r
}

// filler gives every field a value that occurs once.
type filler struct {
	next  int64
	depth int
}

func (f *filler) number() int64 { f.next++; return f.next }

func (f *filler) fill(v reflect.Value) {
	f.depth++
	defer func() { f.depth-- }()
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(day.Add(time.Duration(f.number()) * time.Second)))
		return
	case safe.Version:
		v.Set(reflect.ValueOf(safe.V1_3_0))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i))
			}
		}
	case reflect.Slice:
		if f.depth > 14 { // types that hold themselves
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fillAll(v)
	case reflect.Array:
		f.fillAll(v)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	default:
		f.fillScalar(v)
	}
}

func (f *filler) fillAll(v reflect.Value) {
	for i := range v.Len() {
		f.fill(v.Index(i))
	}
}

func (f *filler) fillScalar(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("%s %d <&> ü", v.Type().Name(), f.number()))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.Uint8:
		v.SetUint(uint64(f.number() % 251)) //nolint:gosec // small
	case v.CanUint():
		v.SetUint(uint64(f.number())) //nolint:gosec // small
	case v.CanInt():
		v.SetInt(f.number())
	default:
		panic("the filler knows no " + v.Type().String())
	}
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
