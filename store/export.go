package store

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"go.etcd.io/bbolt"
)

// An export is JSON lines, so that it can be read, searched and kept by anything:
//
//	{"format":"belay-log/1","key":"0x…"}                               and "proposal":"P-3" when it is of one proposal only
//	{"seq":1,"prev":"0x00…","hash":"0x…","record":{"seq":1,…}}         one a record; "record" is exactly the stored bytes
//	{"head":{"seq":17,"hash":"0x…","epoch":1,"at":"…","signature":"0x…"}}
//	{"digest":"0x…","seal":"0x…"}                                      SHA-256 of every byte before this line, and
//	                                                                   Ed25519 over "belay/log-export/v1" and the digest
//
// What it proves. The whole log proves itself: every record hashes into the next, the last into the signed head, so
// nothing was changed, dropped or put in since that head was signed; with a head that someone else kept from then, not by
// the key's holder either. The records of one proposal do not touch each other in the chain, and showing what lies
// between would show other proposals. So each line proves only that its record has its hash; that these hashes are in the
// log, and are all of this proposal's, is the word of the log key's holder, given by the seal. It is a word that binds: a
// sealed record that a later export of the whole log does not have at this place is proof against the holder.
const exportFormat = "belay-log/1"

// exportChunk is how many records are read in one transaction: a slow reader must not keep one open.
const exportChunk = 512

// maxLine bounds a line of an export: a record of MaxBytes and its frame.
const maxLine = 2 * MaxBytes

type exportHeader struct {
	Format   string `json:"format"`
	Proposal string `json:"proposal,omitempty"`
	Key      string `json:"key"`
}

type exportLine struct {
	Seq    uint64          `json:"seq"`
	Prev   common.Hash     `json:"prev"`
	Hash   common.Hash     `json:"hash"`
	Record json.RawMessage `json:"record"`
}

type exportHead struct {
	Head Head `json:"head"`
}

type exportSeal struct {
	Digest common.Hash   `json:"digest"`
	Seal   hexutil.Bytes `json:"seal,omitempty"` // only where the log key could be read
}

// append writes the line by hand: encoding/json would rewrite the record's bytes.
func (l exportLine) append(b []byte) []byte {
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, l.Seq, 10)
	b = append(b, `,"prev":"`...)
	b = append(b, l.Prev.Hex()...)
	b = append(b, `","hash":"`...)
	b = append(b, l.Hash.Hex()...)
	b = append(b, `","record":`...)
	b = append(b, l.Record...)
	return append(b, "}\n"...)
}

func sealMessage(digest common.Hash) []byte { return append([]byte(domainExport), digest[:]...) }

// ExportLog writes the log up to its present head, or what it holds of one proposal ("" is all). A proposal's export is
// refused without the log key, because without its seal it would prove nothing.
func (s *Store) ExportLog(w io.Writer, proposal string) error {
	head, err := s.Head()
	if err != nil {
		return err
	}
	if proposal != "" && s.key == nil {
		return fmt.Errorf("export log of %s: the log key is not at hand, and without its seal the export would prove nothing", proposal)
	}
	e := &exporter{store: s, digest: sha256.New(), out: bufio.NewWriterSize(w, 1<<16)}
	for _, step := range []func() error{
		func() error {
			return e.json(exportHeader{Format: exportFormat, Proposal: proposal, Key: s.LogPublicKey()})
		},
		func() error { return e.records(proposal, head.Seq) },
		func() error { return e.json(exportHead{head}) },
		e.seal,
		e.out.Flush,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("export log: %w", err)
		}
	}
	return nil
}

type exporter struct {
	store  *Store
	digest hash.Hash
	out    *bufio.Writer
}

func (e *exporter) line(b []byte) error {
	e.digest.Write(b)
	_, err := e.out.Write(b)
	return err
}

func (e *exporter) json(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return e.line(append(b, '\n'))
}

func (e *exporter) seal() error {
	seal := exportSeal{Digest: common.Hash(e.digest.Sum(nil))}
	if e.store.key != nil {
		seal.Seal = e.store.key.sign(sealMessage(seal.Digest))
	}
	return e.json(seal)
}

// records writes records up to last, a chunk a transaction; the log only grows, so the chunks belong together.
func (e *exporter) records(proposal string, last uint64) error {
	n, ok := numberOf(proposal)
	if proposal != "" && !ok {
		return fmt.Errorf("%s: %w", proposal, governance.ErrNotFound)
	}
	for from, some := uint64(1), false; ; some = true {
		lines, err := e.chunk(n, from, last)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			if proposal != "" && !some {
				return fmt.Errorf("%s: %w", proposal, governance.ErrNotFound)
			}
			return nil
		}
		for _, l := range lines {
			if err := e.line(l.append(nil)); err != nil {
				return err
			}
		}
		from = lines[len(lines)-1].Seq + 1
	}
}

// chunk reads the next lines between two records, of one proposal or (0) of all.
func (e *exporter) chunk(proposal, from, last uint64) (lines []exportLine, err error) {
	err = e.store.view("read log", func(tx *bbolt.Tx) error {
		if proposal != 0 {
			c := tx.Bucket(bucketLogOf).Cursor()
			for k, _ := c.Seek(logOfKey(proposal, from)); k != nil && number(k[:8]) == proposal && number(k[8:]) <= last; k, _ = c.Next() {
				l, err := lineAt(tx, number(k[8:]))
				if err != nil || len(lines) == exportChunk {
					return err
				}
				lines = append(lines, l)
			}
			return nil
		}
		for seq := from; seq <= last && len(lines) < exportChunk; seq++ {
			l, err := lineAt(tx, seq)
			if err != nil {
				return err
			}
			lines = append(lines, l)
		}
		return nil
	})
	return lines, err
}

func lineAt(tx *bbolt.Tx, seq uint64) (l exportLine, err error) {
	log := tx.Bucket(bucketLog)
	hash, record, err := splitRecord(log.Get(numberKey(seq)))
	if err != nil {
		return l, recordDamage(seq, "it is missing or cut")
	}
	l = exportLine{Seq: seq, Hash: hash, Record: bytes.Clone(record)}
	if seq > 1 {
		if l.Prev, _, err = splitRecord(log.Get(numberKey(seq - 1))); err != nil {
			return l, recordDamage(seq-1, "it is missing or cut")
		}
	}
	return l, nil
}

// VerifyExport checks an export against the log key that its reader knows from elsewhere. It needs no store. Errors are
// *Damage with the line, or those of r.
func VerifyExport(ctx context.Context, r io.Reader, publicKey string) (Report, error) {
	key, err := ParsePublicKey(publicKey)
	if err != nil {
		return Report{}, fmt.Errorf("verify export: %w", err)
	}
	v := &exportCheck{key: key, in: bufio.NewReaderSize(r, maxLine), digest: sha256.New(), links: newChain()}
	if err := v.run(ctx); err != nil {
		return v.report, fmt.Errorf("verify export: %w", err)
	}
	return v.report, nil
}

// exportCheck reads an export line by line, in constant memory.
type exportCheck struct {
	key    ed25519.PublicKey
	in     *bufio.Reader
	digest hash.Hash // of the lines before the present one
	links  *chain
	lines  int
	last   exportLine // the last record line
	report Report
}

func (v *exportCheck) run(ctx context.Context) error {
	if err := v.header(); err != nil {
		return err
	}
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		line, err := v.next()
		if err != nil {
			return err
		}
		if bytes.HasPrefix(line, []byte(`{"head":`)) {
			if err := v.head(line); err != nil {
				return err
			}
			return v.sealed()
		}
		if err := v.record(line); err != nil {
			return err
		}
		v.digest.Write(line)
	}
}

// next gives the next line with its end. Valid until the call after.
func (v *exportCheck) next() ([]byte, error) {
	v.lines++
	line, err := v.in.ReadSlice('\n')
	switch {
	case err == nil:
		return line, nil
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, v.wrong("it is longer than any record")
	case errors.Is(err, io.EOF):
		return nil, v.wrong("the export ends here, before its seal: it was cut off")
	default:
		return nil, err
	}
}

func (v *exportCheck) wrong(what string, args ...any) error {
	return damage("line "+strconv.Itoa(v.lines), what, args...)
}

func (v *exportCheck) header() error {
	line, err := v.next()
	if err != nil {
		return err
	}
	var h exportHeader
	if err := v.exactly(line, &h); err != nil {
		return err
	}
	if h.Format != exportFormat {
		return v.wrong("the format is %q, this program reads %q", h.Format, exportFormat)
	}
	if want := keyText(v.key); h.Key != want {
		return v.wrong("it is by log key %s, not by %s", h.Key, want)
	}
	if _, ok := numberOf(h.Proposal); h.Proposal != "" && !ok {
		return v.wrong("%q is no proposal", h.Proposal)
	}
	v.report.Proposal, v.report.Key = h.Proposal, h.Key
	v.digest.Write(line)
	return nil
}

// exactly decodes a line that has one way to be written: anything that would read the same but differs in bytes was not
// written by an exporter.
func (v *exportCheck) exactly(line []byte, into any) error {
	if err := json.Unmarshal(line, into); err != nil {
		return v.wrong("it is not what stands there in an export: %v", err)
	}
	again, err := json.Marshal(into)
	if err != nil || !bytes.Equal(append(again, '\n'), line) {
		return v.wrong("it is not written as an export writes it")
	}
	return nil
}

func (v *exportCheck) record(line []byte) error {
	var l exportLine
	if err := json.Unmarshal(line, &l); err != nil {
		return v.wrong("it is not a record: %v", err)
	}
	if !bytes.Equal(l.append(nil), line) || !v.links.begins(l.Record, l.Seq) {
		return v.wrong("it is not written as an export writes it")
	}
	if v.links.next(l.Seq, l.Prev, l.Record) != l.Hash {
		return v.wrong("record %d does not have its hash: it was changed", l.Seq)
	}
	v.report.Records++
	if err := v.follows(l); err != nil {
		return err
	}
	l.Record = nil
	v.last = l
	return nil
}

// follows checks a record's place behind the one before.
func (v *exportCheck) follows(l exportLine) error {
	if l.Seq == v.last.Seq+1 && l.Prev != v.last.Hash {
		return v.wrong("record %d does not follow from record %d", l.Seq, v.last.Seq)
	}
	if v.report.Proposal == "" {
		if l.Seq != v.last.Seq+1 {
			return v.wrong("record %d stands where %d is due", l.Seq, v.last.Seq+1)
		}
		return nil
	}
	var r struct {
		Proposal string `json:"proposal"`
		Version  uint64 `json:"version"`
	}
	if err := json.Unmarshal(l.Record, &r); err != nil {
		return v.wrong("record %d cannot be read: %v", l.Seq, err)
	}
	switch {
	case l.Seq <= v.last.Seq:
		return v.wrong("record %d stands behind record %d", l.Seq, v.last.Seq)
	case r.Proposal != v.report.Proposal:
		return v.wrong("record %d is of %q, the export of %q", l.Seq, r.Proposal, v.report.Proposal)
	case r.Version != v.report.Records:
		return v.wrong("record %d is change %d of %s, change %d is due: one is missing", l.Seq, r.Version, r.Proposal, v.report.Records)
	}
	return nil
}

func (v *exportCheck) head(line []byte) error {
	var h exportHead
	if err := v.exactly(line, &h); err != nil {
		return err
	}
	head := h.Head
	switch {
	case !head.Verify(v.key):
		return v.wrong("the head's signature is not by log key %s", v.report.Key)
	case v.report.Proposal == "" && head.Seq != v.last.Seq:
		return v.wrong("the signed head is record %d, the export ends at record %d", head.Seq, v.last.Seq)
	case v.last.Seq > head.Seq:
		return v.wrong("record %d lies behind the signed head %d", v.last.Seq, head.Seq)
	case v.last.Seq == head.Seq && v.last.Hash != head.Hash:
		return v.wrong("the signed head is not the hash of record %d", head.Seq)
	}
	v.report.Head = head
	v.digest.Write(line)
	return nil
}

// sealed checks the last line and that nothing stands behind it. The whole log may come without a seal, since it proves
// itself; one proposal may not.
func (v *exportCheck) sealed() error {
	line, err := v.next()
	if err != nil {
		return err
	}
	var s exportSeal
	if err := v.exactly(line, &s); err != nil {
		return err
	}
	digest := common.Hash(v.digest.Sum(nil))
	switch unsealed := len(s.Seal) == 0; {
	case s.Digest != digest:
		return v.wrong("the digest is not that of the lines before")
	case unsealed && v.report.Proposal != "":
		return v.wrong("there is no seal, so these lines prove nothing about the log")
	case !unsealed && !ed25519.Verify(v.key, sealMessage(digest), s.Seal):
		return v.wrong("the seal is not by log key %s", v.report.Key)
	}
	if _, err := v.in.ReadByte(); !errors.Is(err, io.EOF) {
		v.lines++
		return v.wrong("there is something behind the seal")
	}
	return nil
}
