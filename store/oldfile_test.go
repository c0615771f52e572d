package store

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"belay/governance"
	"belay/store/storetest"

	"github.com/ethereum/go-ethereum/common"
)

var update = flag.Bool("update", false, "write the file of the present schema to testdata")

// oldFile is a filled file of schema 1. A release that raises the schema adds a file and keeps this one as it is.
const oldFile = "testdata/v1.db.gz"

// TestAFileOfSchema1Opens holds every later program to reading what earlier ones wrote.
func TestAFileOfSchema1Opens(t *testing.T) {
	if *update {
		writeOldFile(t)
	}
	cfg := testConfig(t)
	unpack(t, oldFile, cfg.Path)
	s := openStore(t, cfg)
	must(t, s.Check(t.Context()))
	same(t, s.mustHead(t).Seq, 5)
	same(t, s.mustHead(t).Hash, common.HexToHash(goldenHead(t)))

	list, err := s.Proposals("", 10)
	must(t, err)
	same(t, ids(list), []string{"P-3", "P-2", "P-1"})
	same(t, list[0].State, governance.StateExpired)
	same(t, list[1].Proposer, "alice")
	same(t, list[2].SafeTxs[0].Hashes.SafeTx, hashOf("safe tx of P-1"))
	events, err := s.Events("P-2")
	must(t, err)
	same(t, events[1].Event, governance.Event{Type: governance.EventObjected, At: events[1].Event.At, By: "bob"})
	signatures, err := s.Signatures(hashOf("safe tx of P-1"))
	must(t, err)
	same(t, signatures, []governance.Signature{{SafeTxHash: hashOf("safe tx of P-1"), Owner: common.Address{1}, Bytes: []byte("signature")}})
	wantDuties(t, s, "P-1/000001/card/slack", "P-2/000001/card/slack", "P-3/000001/card/slack")
	for what, want := range map[string]int{"inbox": 1, "open submissions": 1, "submissions": 1, "messages": 1, "watched": 2} {
		if got := storetest.Lengths(t, s, "P-1")[what]; got != want {
			t.Errorf("%d of %s, not %d", got, what, want)
		}
	}
	link, err := s.Link("slack/T1/U1")
	must(t, err)
	same(t, link.Member, "alice")
	cursor, err := s.Cursor("ethereum")
	must(t, err)
	same(t, cursor.Block.Number, 19)
	commit(t, s, after(list[1], governance.EventExpired))
	must(t, s.Check(t.Context()))
}

func goldenHead(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(oldFile + ".head")
	must(t, err)
	return string(bytes.TrimSpace(b))
}

func writeOldFile(t *testing.T) {
	t.Helper()
	s := newStore(t)
	fillFile(t, s)
	file := filepath.Join(t.TempDir(), "v1.db")
	must(t, s.Backup(t.Context(), file))
	content, err := os.ReadFile(file)
	must(t, err)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(content)
	must(t, err)
	must(t, z.Close())
	must(t, os.MkdirAll(filepath.Dir(oldFile), 0o750))
	must(t, os.WriteFile(oldFile, packed.Bytes(), 0o600))
	must(t, os.WriteFile(oldFile+".head", []byte(s.mustHead(t).Hash.Hex()+"\n"), 0o600))
}

func unpack(t *testing.T, packed, path string) {
	t.Helper()
	f, err := os.Open(packed)
	must(t, err)
	defer func() { must(t, f.Close()) }()
	z, err := gzip.NewReader(f)
	must(t, err)
	content, err := io.ReadAll(z)
	must(t, err)
	must(t, os.WriteFile(path, content, 0o600))
}
