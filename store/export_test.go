package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// exported gives an export of a filled store.
func exported(tb testing.TB, s *Store, proposal string) string {
	tb.Helper()
	var b bytes.Buffer
	must(tb, s.ExportLog(&b, proposal))
	return b.String()
}

func TestAnExportIsVerifiedWithoutTheStore(t *testing.T) {
	s := newStore(t)
	key := s.LogPublicKey()
	report, err := VerifyExport(t.Context(), strings.NewReader(exported(t, s, "")), key)
	must(t, err)
	same(t, report.Records, 0)

	fillFile(t, s)
	head, err := s.Head()
	must(t, err)
	whole := exported(t, s, "")
	report, err = VerifyExport(t.Context(), strings.NewReader(whole), strings.TrimPrefix(key, "0x"))
	must(t, err)
	same(t, report, Report{Records: 5, Head: head, Key: key})
	one := exported(t, s, "P-2")
	report, err = VerifyExport(t.Context(), strings.NewReader(one), key)
	must(t, err)
	same(t, report, Report{Records: 2, Proposal: "P-2", Head: head, Key: key})
	same(t, strings.Contains(one, "P-1"), false) // nothing of the others is shown

	wantError(t, s.ExportLog(&bytes.Buffer{}, "P-99"), governance.ErrNotFound)
	wantError(t, s.ExportLog(&bytes.Buffer{}, "all"), governance.ErrNotFound)
	wantError(t, s.ExportLog(failingWriter{}, ""), errDiskFull)
}

var errDiskFull = errors.New("disk full")

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errDiskFull }

func TestAnExportHoldsTheStoredBytes(t *testing.T) {
	s := newStore(t)
	fillFile(t, s)
	lines := strings.Split(strings.TrimSuffix(exported(t, s, ""), "\n"), "\n")
	same(t, len(lines), 1+5+2)
	for i, line := range lines[1:6] {
		var l exportLine
		must(t, json.Unmarshal([]byte(line), &l))
		stored, err := (&exporter{store: s}).chunk(0, uint64(i)+1, uint64(i)+1)
		must(t, err)
		same(t, l, stored[0])
	}
}

func TestALongLogIsExportedInChunks(t *testing.T) {
	s := newStore(t)
	r := proposing(1)
	const n = exportChunk*2 + 1
	for s.mustHead(t).Seq < n {
		commit(t, s, r)
		r = after(*r.State, governance.EventObjected)
		for range 20 {
			r.Events = append(r.Events, r.Events[0])
			r.State.Version++
		}
	}
	for _, proposal := range []string{"", "P-1"} {
		report, err := VerifyExport(t.Context(), strings.NewReader(exported(t, s, proposal)), s.LogPublicKey())
		must(t, err)
		same(t, report.Records, s.mustHead(t).Seq)
	}
}

func (s *Store) mustHead(t *testing.T) Head {
	t.Helper()
	h, err := s.Head()
	must(t, err)
	return h
}

func TestWithoutTheLogKeyOnlyTheWholeLogIsExported(t *testing.T) {
	cfg := testConfig(t)
	fillClosed(t, cfg.Path)
	s, err := OpenReadOnly(Config{Path: cfg.Path})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	report, err := VerifyExport(t.Context(), strings.NewReader(exported(t, s, "")), s.LogPublicKey())
	must(t, err)
	same(t, report.Records, 5)
	err = s.ExportLog(&bytes.Buffer{}, "P-1")
	if err == nil || !strings.Contains(err.Error(), "without its seal the export would prove nothing") {
		t.Errorf("error is %v", err)
	}
}

func TestForgedExportsAreRefusedWithTheLine(t *testing.T) {
	s := newStore(t)
	fillFile(t, s)
	other := openOther(t)
	whole, one := exported(t, s, ""), exported(t, s, "P-2")
	line := func(text string, n int) string { return strings.SplitAfter(text, "\n")[n-1] }
	without := func(text string, n int) string { return strings.Replace(text, line(text, n), "", 1) }
	for name, c := range map[string]struct{ export, want string }{
		"nothing":                            {"", "line 1: the export ends here"},
		"no export":                          {"hello\n", "line 1: it is not what stands there"},
		"a newer format":                     {strings.Replace(whole, "belay-log/1", "belay-log/2", 1), `line 1: the format is "belay-log/2"`},
		"another key's log":                  {exported(t, other, ""), "line 1: it is by log key"},
		"another key's log under our name":   {strings.Replace(exported(t, other, ""), other.LogPublicKey(), s.LogPublicKey(), 1), "the head's signature is not by log key"},
		"a changed event":                    {strings.Replace(whole, `"by":"bob"`, `"by":"eve"`, 1), "line 5: record 4 does not have its hash"},
		"an event and its hash changed":      {rehashed(t, whole, 4), "line 6: record 5 does not follow from record 4"},
		"the last event and hash changed":    {rehashed(t, whole, 5), "line 7: the signed head is not the hash of record 5"},
		"a record left out":                  {without(whole, 3), "line 3: record 3 stands where 2 is due"},
		"a record twice":                     {strings.Replace(whole, line(whole, 3), line(whole, 3)+line(whole, 3), 1), "line 4: record 2 stands where 3 is due"},
		"the last record left out":           {without(whole, 6), "line 6: the signed head is record 5, the export ends at record 4"},
		"cut off before its head":            {strings.Join(strings.SplitAfter(whole, "\n")[:6], ""), "line 7: the export ends here"},
		"cut off before its seal":            {without(whole, 8), "line 8: the export ends here"},
		"cut off in its seal":                {whole[:len(whole)-1], "line 8: the export ends here"},
		"something behind its seal":          {whole + "x", "line 9: there is something behind the seal"},
		"other line ends":                    {strings.ReplaceAll(whole, "\n", "\r\n"), "line 1: it is not written as an export writes it"},
		"spaces":                             {strings.Replace(whole, `"prev":`, `"prev": `, 1), "line 2: it is not written as an export writes it"},
		"a key twice":                        {strings.Replace(whole, `{"seq":1,"prev"`, `{"seq":1,"seq":1,"prev"`, 1), "line 2: it is not written as an export writes it"},
		"upper case":                         {strings.Replace(whole, `"hash":"0x`, `"hash":"0X`, 1), "line 2:"},
		"an unknown field":                   {strings.Replace(whole, `"format"`, `"x":1,"format"`, 1), "line 1: it is not written"},
		"a changed digest":                   {strings.Replace(whole, `"digest":"0x`, `"digest":"0x0`, 1), "line 8:"},
		"another seal":                       {strings.Replace(whole, line(whole, 8), line(one, 5), 1), "line 8: the digest is not that of the lines before"},
		"a seal that is none":                {strings.Replace(whole, `"seal":"0x`, `"seal":"0x00`, 1), "line 8: the seal is not by log key"},
		"a line without end":                 {strings.Repeat("x", maxLine+1), "line 1: it is longer than any record"},
		"one proposal, no seal":              {unsealed(t, one), "line 5: there is no seal"},
		"one proposal, an event left out":    {without(one, 2), "line 2: record 4 is change 2 of P-2, change 1 is due: one is missing"},
		"one proposal, an event twice":       {strings.Replace(one, line(one, 2), line(one, 2)+line(one, 2), 1), "line 3: record 2 stands behind record 2"},
		"one proposal, the last left out":    {without(one, 3), "line 4: the digest is not that of the lines before"},
		"one proposal, another's event":      {strings.Replace(one, line(one, 2), line(whole, 2), 1), `line 2: record 1 is of "P-1", the export of "P-2"`},
		"one proposal, events exchanged":     {strings.Replace(strings.Replace(one, line(one, 2), "", 1), line(one, 3), line(one, 3)+line(one, 2), 1), "line 2:"},
		"one proposal, called the whole log": {strings.Replace(one, `"proposal":"P-2",`, ``, 1), "line 2: record 2 stands where 1 is due"},
		"a proposal that is none":            {strings.Replace(one, `"proposal":"P-2"`, `"proposal":"P-02"`, 1), `line 1: "P-02" is no proposal`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := VerifyExport(t.Context(), strings.NewReader(c.export), s.LogPublicKey())
			wantWords(t, err, []string{c.want})
		})
	}
	_, err := VerifyExport(t.Context(), strings.NewReader(whole), "0x1234")
	if err == nil || !strings.Contains(err.Error(), "is not 32 bytes of hex") {
		t.Errorf("error is %v", err)
	}
}

func openOther(t *testing.T) *Store {
	t.Helper()
	cfg := testConfig(t)
	writeKey(t, cfg.LogKeyFile, newKey("someone else"))
	s := openStore(t, cfg)
	fillFile(t, s)
	return s
}

// rehashed changes an event of a whole export and gives its line the hash that follows.
func rehashed(t *testing.T, export string, seq int) string {
	t.Helper()
	lines := strings.SplitAfter(export, "\n")
	var l exportLine
	must(t, json.Unmarshal([]byte(lines[seq]), &l))
	l.Record = bytes.Replace(l.Record, []byte(`"by":"bob"`), []byte(`"by":"eve"`), 1)
	l.Hash = newChain().next(l.Seq, l.Prev, l.Record)
	lines[seq] = string(l.append(nil))
	return strings.Join(lines, "")
}

// unsealed takes the seal off an export.
func unsealed(tb testing.TB, export string) string {
	tb.Helper()
	lines := strings.SplitAfter(export, "\n")
	at := len(lines) - 2
	var s exportSeal
	must(tb, json.Unmarshal([]byte(lines[at]), &s))
	lines[at] = `{"digest":"` + s.Digest.Hex() + "\"}\n"
	return strings.Join(lines, "")
}

// FuzzVerifyExport holds the verifier to this: what it accepts under our key, we exported, byte for byte.
func FuzzVerifyExport(f *testing.F) {
	s := openStore(f, testConfig(f))
	fillFile(f, s)
	whole, one := exported(f, s, ""), exported(f, s, "P-2")
	ours := []string{whole, unsealed(f, whole), one}
	for _, export := range append(ours, unsealed(f, one), "", "{}\n") {
		f.Add([]byte(export))
	}
	f.Fuzz(func(t *testing.T, export []byte) {
		report, err := VerifyExport(t.Context(), bytes.NewReader(export), keyText(testKey.public()))
		if err != nil {
			return
		}
		for _, own := range ours {
			if string(export) == own {
				return
			}
		}
		t.Errorf("accepted as %+v: %q", report, export)
	})
}

// FuzzStoredBytes feeds what could stand in a damaged file to every decoder.
func FuzzStoredBytes(f *testing.F) {
	s := openStore(f, testConfig(f))
	fillFile(f, s)
	for _, value := range dump(f, s.db) {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeProposal(b)
		_, _ = decode[governance.Duty](b)
		_, _ = decode[governance.Submission](b)
		_, _ = decode[governance.InboxEntry](b)
		_, _ = decode[restored](b)
		_ = storedVersion(b)
		_, _ = verifyRecord(newChain(), 1, common.Hash{}, b)
		if r, err := decodeRecord(b); err == nil {
			settles(t, r)
		}
		var h Head
		if json.Unmarshal(b, &h) == nil {
			_ = h.Verify(testKey.public())
		}
	})
}

// settles: a record that can be read is written in one way from then on.
func settles(t *testing.T, r record) {
	t.Helper()
	once, err := json.Marshal(r)
	if err != nil {
		return // a year that JSON has no text for
	}
	again, err := decodeRecord(once)
	must(t, err)
	twice, err := json.Marshal(again)
	must(t, err)
	same(t, string(twice), string(once))
}
