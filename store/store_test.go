package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"belay/governance"

	"go.etcd.io/bbolt"
)

func TestAStoreIsPrivateAndClosesCleanly(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Path: filepath.Join(dir, "data", "belay.db"), LogKeyFile: filepath.Join(dir, "keys", "log.key")}
	s := openStore(t, cfg)
	for _, file := range []string{cfg.Path, cfg.LogKeyFile} {
		info, err := os.Stat(file)
		must(t, err)
		same(t, info.Mode().Perm(), fs.FileMode(0o600))
	}
	same(t, s.Unclean(), false)
	key := s.LogPublicKey()
	must(t, s.Close())
	must(t, s.Close())

	s = openStore(t, cfg)
	same(t, s.Unclean(), false)
	same(t, s.LogPublicKey(), key)
	names, err := filepath.Glob(filepath.Join(dir, "*", ".*.tmp"))
	must(t, err)
	same(t, len(names), 0)
}

func TestTheLogKeyIsReadByOpenssl(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	path := filepath.Join(t.TempDir(), "log.key")
	key, err := loadOrMakeLogKey(path)
	must(t, err)
	out, err := exec.CommandContext(t.Context(), "openssl", "pkey", "-in", path, "-noout", "-text_pub").Output() //nolint:gosec // fixed words
	must(t, err)
	hexText := strings.NewReplacer(":", "", " ", "", "\n", "").Replace(string(out))
	if !strings.Contains(hexText, strings.TrimPrefix(keyText(key.public()), "0x")) {
		t.Errorf("openssl reads another key: %s", out)
	}
}

func TestBadLogKeysAreRefusedAndNeverReplaced(t *testing.T) {
	rsa := "-----BEGIN PRIVATE KEY-----\nMEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ==\n-----END PRIVATE KEY-----\n"
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"a key that others may read": {"", 0o640, "may be read by others (mode 0640): run chmod 600"},
		"an empty file":              {"", 0o600, "is not one PEM block PRIVATE KEY"},
		"no PEM":                     {"secret", 0o600, "is not one PEM block PRIVATE KEY"},
		"another kind of key":        {rsa, 0o600, "log.key"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			must(t, os.WriteFile(cfg.LogKeyFile, []byte(c.content), 0o600))
			must(t, os.Chmod(cfg.LogKeyFile, c.mode))
			_, err := Open(cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, it should contain %q", err, c.want)
			}
			now, err := os.ReadFile(cfg.LogKeyFile)
			must(t, err)
			same(t, string(now), c.content)
		})
	}
}

func TestAnotherLogKeyIsRefusedAndTheLogStaysAsItIs(t *testing.T) {
	cfg := testConfig(t)
	s := openStore(t, cfg)
	fillFile(t, s)
	must(t, s.Close())
	must(t, os.Remove(cfg.LogKeyFile)) // lost: the next start makes a new one
	_, err := Open(cfg)
	if err == nil || !strings.Contains(err.Error(), "put the old key file back") {
		t.Errorf("error is %v", err)
	}
	writeKeyOver(t, cfg.LogKeyFile)
	must(t, openStore(t, cfg).Check(t.Context()))
}

func writeKeyOver(t *testing.T, path string) {
	t.Helper()
	must(t, os.Remove(path))
	writeKey(t, path, testKey)
}

func TestAReaderSharesAStoppedStoreAndChangesNothing(t *testing.T) {
	cfg := testConfig(t)
	_, err := OpenReadOnly(cfg)
	wantError(t, err, fs.ErrNotExist)
	s := openStore(t, cfg)
	fillFile(t, s)
	must(t, s.Close())
	before, err := os.ReadFile(cfg.Path)
	must(t, err)

	a, err := OpenReadOnly(Config{Path: cfg.Path})
	must(t, err)
	b, err := OpenReadOnly(cfg)
	must(t, err)
	p, err := a.Proposal("P-1")
	must(t, err)
	same(t, p.Proposer, "alice")
	must(t, b.Check(t.Context()))
	_, err = a.Commit(t.Context(), proposing(9))
	wantError(t, err, ErrReadOnly)
	_, _, err = a.Lead(t.Context())
	wantError(t, err, ErrReadOnly)
	wantError(t, a.ReleaseHold(t.Context()), ErrReadOnly)
	must(t, a.Close())
	must(t, b.Close())

	now, err := os.ReadFile(cfg.Path)
	must(t, err)
	same(t, string(now) == string(before), true)
}

func TestFilesThatAreNoStoreAreRefusedInWords(t *testing.T) {
	for name, c := range map[string]struct {
		make func(*testing.T, string)
		want string
	}{
		"an empty file": {func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o600)) }, "is empty; restore a backup"},
		"a text":        {func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("hello"), 0o600)) }, "has only 5 bytes; restore a backup"},
		"zeros":         {func(t *testing.T, path string) { must(t, os.WriteFile(path, make([]byte, 1<<16), 0o600)) }, "not a bbolt file"},
		"a bbolt file of something else": {func(t *testing.T, path string) {
			edit(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
		}, `not of belay: it holds "theirs"`},
		"a file cut in half": {func(t *testing.T, path string) {
			fillClosed(t, path)
			must(t, os.Truncate(path, usedBytes(t, path)/2))
		}, "was cut off at"},
		"a file cut to its first page": {func(t *testing.T, path string) {
			fillClosed(t, path)
			must(t, os.Truncate(path, 4096))
		}, "has only 4096 bytes"},
		"a file cut to its first four pages": {func(t *testing.T, path string) {
			fillClosed(t, path)
			must(t, os.Truncate(path, 4*4096))
		}, "cut off"},
		"a newer schema": {func(t *testing.T, path string) {
			fillClosed(t, path)
			edit(t, path, func(tx *bbolt.Tx) error { return putNumber(tx.Bucket(bucketMeta), metaSchema, 99) })
		}, "schema 99, this program knows 1; install the newer program"},
		"a lost schema": {func(t *testing.T, path string) {
			fillClosed(t, path)
			edit(t, path, func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Delete(metaSchema) })
		}, "schema version is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			c.make(t, cfg.Path)
			for what, open := range map[string]func(Config) (*Store, error){"writing": Open, "reading": OpenReadOnly} {
				_, err := open(cfg)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("opening for %s: error is %v, it should contain %q", what, err, c.want)
				}
			}
		})
	}
}

// fillClosed makes a filled store at path, which lies in a folder of testConfig, and closes it.
func fillClosed(t *testing.T, path string) {
	t.Helper()
	s, err := Open(Config{Path: path, LogKeyFile: filepath.Join(filepath.Dir(path), "log.key")})
	must(t, err)
	fillFile(t, s)
	must(t, s.Close())
}

// usedBytes is how much of a file its pages use.
func usedBytes(t *testing.T, path string) (size int64) {
	t.Helper()
	edit(t, path, func(tx *bbolt.Tx) error { size = tx.Size(); return errOnlyLook })
	return size
}

// TestNoDamagedPageTakesTheProcessDown overwrites each page in turn and uses the store all the same.
func TestNoDamagedPageTakesTheProcessDown(t *testing.T) {
	cfg := testConfig(t)
	fillClosed(t, cfg.Path)
	used := usedBytes(t, cfg.Path)
	whole, err := os.ReadFile(cfg.Path)
	must(t, err)
	whole = whole[:used] // the rest is room to grow
	const page = 4096
	var silent []string
	for _, junk := range []byte{0x00, 0x01, 0xff} {
		for at := 2 * page; at < len(whole); at += page { // of the two root pages one is enough to open
			broken := append([]byte(nil), whole...)
			for i := at; i < at+page; i++ {
				broken[i] = junk
			}
			cfg.Path = filepath.Join(t.TempDir(), "belay.db") // of its own: where bbolt panics, the lock stays
			must(t, os.WriteFile(cfg.Path, broken, 0o600))
			if useAll(t, cfg) == nil {
				silent = append(silent, fmt.Sprintf("page %d of %#02x", at/page, junk))
			}
		}
	}
	must(t, os.WriteFile(cfg.Path, whole, 0o600))
	var free []string
	for _, junk := range []byte{0x00, 0x01, 0xff} {
		edit(t, cfg.Path, func(tx *bbolt.Tx) error {
			for at := 2; at < len(whole)/page; at++ {
				if info, err := tx.Page(at); err != nil || info.Type == "free" {
					free = append(free, fmt.Sprintf("page %d of %#02x", at, junk))
				}
			}
			return errOnlyLook
		})
	}
	same(t, silent, free) // nobody reads what is free
}

// useAll does with a store whatever there is to do and gives the errors.
func useAll(t *testing.T, cfg Config) error {
	s, err := Open(cfg)
	if err != nil {
		return err
	}
	var errs []error
	note := func(_ any, err error) { errs = append(errs, err) }
	note(s.Proposals("", 10))
	note(s.Watched())
	note(s.Duties())
	note(s.Inbox())
	note(s.Submissions())
	note(s.Events("P-1"))
	note(s.Commit(t.Context(), proposing(50)))
	note(nil, s.Backup(t.Context(), filepath.Join(t.TempDir(), "backup.db")))
	note(nil, s.Check(t.Context()))
	note(nil, s.Close())
	return errors.Join(errs...)
}

// TestTheTreeInThePackageCommentIsTheFile compares the drawing with what a filled file holds.
func TestTheTreeInThePackageCommentIsTheFile(t *testing.T) {
	cfg := testConfig(t)
	s := openStore(t, cfg)
	fillFile(t, s)
	backup := filepath.Join(t.TempDir(), "backup.db")
	must(t, s.Backup(t.Context(), backup))
	cfg.Path = filepath.Join(t.TempDir(), "restored.db")
	_, err := Restore(t.Context(), backup, cfg.Path)
	must(t, err)
	s = openStore(t, cfg) // restored, so that held and meta/restored are there too
	commit(t, s, fullRecord(60))
	_, _, err = s.Lead(t.Context())
	must(t, err)
	must(t, s.Accept(t.Context(), acceptedSet()))

	drawn, filled := map[string]bool{}, map[string]bool{}
	text, err := os.ReadFile("doc.go")
	must(t, err)
	parent := ""
	for _, line := range regexp.MustCompile(`(?m)^//\t( *)(\w+) .*→.*$|^//\t()(meta) .*$`).FindAllStringSubmatch(string(text), -1) {
		name := line[2] + line[4]
		if line[1] != "" {
			drawn[parent+"/"+name] = true
			continue
		}
		parent = name
		drawn[name] = true
	}
	must(t, s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			filled[string(name)] = true
			if k, _ := b.Cursor().First(); k == nil {
				t.Errorf("bucket %s is empty in the filled file", name)
			}
			if string(name) != "meta" {
				return nil
			}
			return b.ForEach(func(k, _ []byte) error { filled["meta/"+string(k)] = true; return nil })
		})
	}))
	same(t, drawn, filled)
}

func TestAnOlderFileIsCopiedAndBroughtForward(t *testing.T) {
	cfg := testConfig(t)
	fillClosed(t, cfg.Path)
	before := dumpFile(t, cfg.Path)
	failing := append(append([]migration(nil), migrations...), migration{"add a bucket", func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("new"))
		return errors.Join(err, errors.New("no"))
	}})
	_, err := open(cfg, failing)
	if err == nil || !strings.Contains(err.Error(), `migration "add a bucket"`) {
		t.Errorf("error is %v", err)
	}
	same(t, dumpFile(t, cfg.Path), before)

	steps := append(append([]migration(nil), migrations...), migration{"add a bucket", func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("new"))
		return err
	}})
	for range 2 { // the second time there is nothing to do
		s, err := open(cfg, steps)
		must(t, err)
		must(t, s.Check(t.Context()))
		must(t, s.Close())
	}
	same(t, dumpFile(t, cfg.Path+".before-v2"), before)
	_, err = Open(cfg)
	wantError(t, err, ErrNewer)
}

func dumpFile(t *testing.T, path string) (content map[string]string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	must(t, err)
	content = dump(t, db)
	must(t, db.Close())
	return content
}

func TestACrashBetweenMakingAndFillingTheFileIsAFirstStart(t *testing.T) {
	cfg := testConfig(t)
	edit(t, cfg.Path, func(*bbolt.Tx) error { return nil })
	s := openStore(t, cfg)
	must(t, s.Check(t.Context()))
}

func TestProposalIDsHaveOneWayToBeWritten(t *testing.T) {
	for id, want := range map[string]uint64{"P-1": 1, "P-12": 12, "P-18446744073709551615": 1<<64 - 1, "P-0": 0, "P-01": 0, "P-+1": 0,
		"p-1": 0, "P-": 0, "": 0, "P-1 ": 0, "1": 0, "P-18446744073709551616": 0} {
		n, ok := numberOf(id)
		if ok != (want != 0) || ok && n != want {
			t.Errorf("%q is %d, %t", id, n, ok)
		}
		if ok {
			same(t, idOf(n), id)
		}
	}
}

func TestReadsAreCopies(t *testing.T) {
	s := newStore(t)
	commit(t, s, governance.Record{Receive: &governance.InboxEntry{Key: "slack:1", Body: []byte("body"), ReceivedAt: day}})
	inbox, err := s.Inbox()
	must(t, err)
	inbox[0].Body[0] = 'X' // would fault on the file's memory
	again, err := s.Inbox()
	must(t, err)
	same(t, string(again[0].Body), "body")
	same(t, fmt.Sprint(testKey), "<redacted>")
}
