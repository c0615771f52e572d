package configs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Manifest says how many members have to vouch for the configuration, and holds what the file of their signatures says. Nothing in
// it is proven yet: whether a signature is one, and over what, is for the reader to check.
type Manifest struct {
	Require    int
	Signatures string // the file; "" when none is named
	Signed     Signatures
}

// Signatures is the content of the file: who signed which set, and of what the sets were made, so that a difference can be named.
type Signatures struct {
	Items []SignedItem
	By    []ManifestSignature
}

// SignedItem is one thing in a set that somebody signed.
type SignedItem struct {
	Set           common.Hash
	Section, Name string
	Hash          common.Hash
}

// ManifestSignature is one wallet's signature over a set.
type ManifestSignature struct {
	Set       common.Hash
	Member    string
	Wallet    common.Address
	Site      string // the origin that it was given to
	At        time.Time
	Signature []byte
}

func readManifest(v value) Manifest {
	s := v.section()
	m := Manifest{Require: int(s.get("require").number(0, 100, 0))} //nolint:gosec // bounded above
	file := s.get("signatures")
	if file.given() {
		m.Signatures = file.filePath()
		m.Signed = v.r.readSignatures(m.Signatures)
	} else if m.Require > 0 {
		s.get("require").problem("such as signatures: manifest.sig, which `belay config sign` writes", "manifest.signatures is missing: require asks for signatures")
	}
	s.close()
	return m
}

// readSignatures reads the file. One that is not there yet holds nothing.
func (r *reader) readSignatures(file string) Signatures {
	raw, err := readBounded(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Signatures{}
	}
	if err != nil {
		r.problems = append(r.problems, Problem{File: file, Text: err.Error(), Hint: "it is manifest.signatures"})
		return Signatures{}
	}
	signed, problems := DecodeSignatures(file, raw)
	r.problems = append(r.problems, problems...)
	return signed
}

// checkManifest refuses a rule that nobody could meet.
func (r *reader) checkManifest(c *Config) {
	able := 0
	for _, m := range c.Members {
		if len(m.Wallets) > 0 {
			able++
		}
	}
	if c.Manifest.Require > able {
		r.problemAt("manifest.require", "give more members wallets, or ask for fewer", "manifest.require asks for %d members, and %d have a wallet", c.Manifest.Require, able)
	}
}

// itemLine and signatureLine are the two kinds of lines of the file, as they are written.
type itemLine struct {
	Set     common.Hash `json:"set"`
	Section string      `json:"section"`
	Name    string      `json:"name"`
	Hash    common.Hash `json:"hash"`
}

type signatureLine struct {
	Signed    common.Hash   `json:"signed"`
	Member    string        `json:"member"`
	Wallet    string        `json:"wallet"` // EIP-55
	Site      string        `json:"site"`
	At        time.Time     `json:"at"`
	Signature hexutil.Bytes `json:"signature"`
}

// signatureBytes is how long a wallet's signature is.
const signatureBytes = 65

// DecodeSignatures reads the file, a JSON object a line. A line that is not exactly as Encode writes it is a problem, so that no two
// readers can take it for two things. Lines may stand in any order, as merging leaves them.
func DecodeSignatures(file string, raw []byte) (Signatures, []Problem) {
	var s Signatures
	var problems []Problem
	for i, line := range bytes.Split(raw, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) > 0 && !s.take(line) {
			problems = append(problems, Problem{File: file, Line: i + 1, Text: "this line is not one that `belay config sign` wrote",
				Hint: "take the line out, or the file from where you trust it, and sign again"})
		}
	}
	if len(problems) > 0 {
		return Signatures{}, problems
	}
	return s.sorted(), nil
}

// take reads one line; false when it is none of ours.
func (s *Signatures) take(line []byte) bool {
	if bytes.HasPrefix(line, []byte(`{"set":`)) {
		var l itemLine
		if !exactly(line, &l) {
			return false
		}
		s.Items = append(s.Items, SignedItem(l))
		return true
	}
	var l signatureLine
	if !exactly(line, &l) || len(l.Signature) != signatureBytes || !wholeSecond(l.At) {
		return false
	}
	wallet, why := parseAddress(l.Wallet)
	if why != "" || wallet.Hex() != l.Wallet {
		return false
	}
	s.By = append(s.By, ManifestSignature{Set: l.Signed, Member: l.Member, Wallet: wallet, Site: l.Site, At: l.At, Signature: l.Signature})
	return true
}

// wholeSecond reports whether a time can be signed: a number of seconds, written in UTC.
func wholeSecond(t time.Time) bool {
	_, ahead := t.Zone()
	return ahead == 0 && t.Nanosecond() == 0 && t.Unix() >= 0
}

// exactly reports whether a line is what its own content is written as.
func exactly[T itemLine | signatureLine](line []byte, into *T) bool {
	if err := json.Unmarshal(line, into); err != nil {
		return false
	}
	again, err := json.Marshal(into)
	return err == nil && bytes.Equal(line, again)
}

// sorted gives the content in the order of the file, each line once.
func (s Signatures) sorted() Signatures {
	items, by := slices.Clone(s.Items), slices.Clone(s.By)
	slices.SortFunc(items, func(a, b SignedItem) int {
		return cmp.Or(a.Set.Cmp(b.Set), strings.Compare(a.Section, b.Section), strings.Compare(a.Name, b.Name), a.Hash.Cmp(b.Hash))
	})
	slices.SortFunc(by, func(a, b ManifestSignature) int {
		return cmp.Or(a.Set.Cmp(b.Set), strings.Compare(a.Member, b.Member), a.Wallet.Cmp(b.Wallet), a.At.Compare(b.At), strings.Compare(a.Site, b.Site), bytes.Compare(a.Signature, b.Signature))
	})
	by = slices.CompactFunc(by, func(a, b ManifestSignature) bool {
		return a.Set == b.Set && a.Member == b.Member && a.Wallet == b.Wallet && a.At.Equal(b.At) && a.Site == b.Site && bytes.Equal(a.Signature, b.Signature)
	})
	return Signatures{Items: slices.Compact(items), By: by}
}

// Encode gives the bytes of the file.
func (s Signatures) Encode() ([]byte, error) {
	var b bytes.Buffer
	write := func(line any) error {
		text, err := json.Marshal(line)
		b.Write(text)
		b.WriteByte('\n')
		return err
	}
	s = s.sorted()
	for _, i := range s.Items {
		if err := write(itemLine(i)); err != nil {
			return nil, err
		}
	}
	for _, v := range s.By {
		if err := write(signatureLine{v.Set, v.Member, v.Wallet.Hex(), v.Site, v.At.UTC(), v.Signature}); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// Save puts the content in place of the file, wholly or not at all. The file is nobody's secret.
func (s Signatures) Save(file string) error {
	text, err := s.Encode()
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), ".manifest-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // gone already when all went well
	_, err = temp.Write(text)
	err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
