package configs

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// signedTwice is a file's content: a set of two items, and two wallets over it.
func signedTwice() Signatures {
	set, at := common.Hash{1}, time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	wallet := func(n byte) common.Address { return common.Address{n} }
	return Signatures{
		Items: []SignedItem{{Set: set, Section: "playbook", Name: "pause \"now\"\n", Hash: common.Hash{2}}, {Set: set, Section: "member", Name: "alice", Hash: common.Hash{3}}},
		By: []ManifestSignature{{Set: set, Member: "bob", Wallet: wallet(5), Site: "https://b.example", At: at, Signature: bytes.Repeat([]byte{7}, 65)},
			{Set: set, Member: "alice", Wallet: wallet(4), Site: "https://b.example", At: at.Add(time.Hour), Signature: bytes.Repeat([]byte{6}, 65)}},
	}
}

func encoded(t *testing.T, s Signatures) []byte {
	t.Helper()
	text, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheFileOfSignaturesIsSortedAndReadBack(t *testing.T) {
	text := encoded(t, signedTwice())
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], `"member"`) || !strings.Contains(lines[2], `"alice"`) {
		t.Errorf("written as\n%s", text)
	}
	got, problems := DecodeSignatures("manifest.sig", text)
	if len(problems) > 0 || !reflect.DeepEqual(got, signedTwice().sorted()) {
		t.Errorf("read back as %+v, %v", got, problems)
	}
	merged := lines[3] + "\r\n\r\n" + lines[1] + "\n" + lines[3] + "\n" + lines[0] + "\n" + lines[2]
	got, problems = DecodeSignatures("manifest.sig", []byte(merged))
	if len(problems) > 0 || !bytes.Equal(encoded(t, got), text) {
		t.Errorf("merged by hand it reads as %+v, %v", got, problems)
	}
}

func TestALineThatIsNotOursIsNamed(t *testing.T) {
	text := string(encoded(t, signedTwice()))
	for name, change := range map[string][2]string{
		"no JSON":                {`{"set":`, `{set:`},
		"a key of its own":       {`"section":`, `"also":1,"section":`},
		"a key in capitals":      {`"section":`, `"Section":`},
		"a space":                {`"section":`, ` "section":`},
		"a short hash":           {`"set":"0x01`, `"set":"0x`},
		"a hash in capitals":     {`"set":"0x01`, `"set":"0X01`},
		"a wallet in lower case": {common.Address{4}.Hex(), strings.ToLower(common.Address{4}.Hex()) + " "},
		"a day of another zone":  {"2026-11-21T09:00:00Z", "2026-11-21T09:00:00+01:00"},
		"a part of a second":     {"2026-11-21T09:00:00Z", "2026-11-21T09:00:00.5Z"},
		"a day before all":       {"2026-11-21T09:00:00Z", "1969-11-21T09:00:00Z"},
		"a short signature":      {"0606\"", "06\""},
		"a long signature":       {"0606\"", "060606\""},
		"two objects":            {`}` + "\n", `}{}` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(text, change[0], change[1], 1)
			if changed == text {
				t.Fatal("nothing was changed")
			}
			line := 1
			for i, l := range strings.Split(changed, "\n") {
				if l != strings.Split(text, "\n")[i] {
					line = i + 1
					break
				}
			}
			got, problems := DecodeSignatures("manifest.sig", []byte(changed))
			if len(problems) != 1 || problems[0].Line != line || problems[0].File != "manifest.sig" || len(got.By)+len(got.Items) != 0 {
				t.Errorf("line %d: %v, %+v", line, problems, got)
			}
		})
	}
}

func TestTheConfigurationReadsItsSignatures(t *testing.T) {
	two := "members:\n  - {name: alice, wallets: [\"0x1111111111111111111111111111111111111111\"]}\n  - {name: bob}\n"
	for name, c := range map[string]struct{ text, file, place, want string }{
		"a file that is not there yet": {"manifest: {signatures: m.sig}\n", "", "", ""},
		"a good file":                  {"manifest: {require: 1, signatures: m.sig}\n" + two, string(encoded(t, signedTwice())), "", ""},
		"a broken line":                {"manifest: {signatures: m.sig}\n", "\n{}\n", "m.sig:2", "is not one that `belay config sign` wrote"},
		"a rule without a file":        {"manifest: {require: 1}\n" + two, "", "belay.yaml:8", "manifest.signatures is missing"},
		"a rule that nobody can meet":  {"manifest: {require: 2, signatures: m.sig}\n" + two, "", "belay.yaml:8", "asks for 2 members, and 1 have a wallet"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"belay.yaml": minimal + c.text}
			if c.file != "" {
				files["m.sig"] = c.file
			}
			cfg, err := Load(write(t, files))
			switch {
			case c.want != "":
				assertProblem(t, err, c.place, c.want)
			case err != nil:
				t.Error(err)
			case (len(cfg.Manifest.Signed.By) == 2) != (c.file != ""):
				t.Errorf("read %+v", cfg.Manifest)
			}
		})
	}
}

func TestAFileOfSignaturesThatCannotBeReadIsNamed(t *testing.T) {
	path := write(t, map[string]string{"belay.yaml": minimal + "manifest: {signatures: .}\n"}) // a folder
	_, err := Load(path)
	assertProblem(t, err, filepath.Dir(path)+":", "it is manifest.signatures")
}

func TestSavingReplacesTheWholeFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "m.sig")
	if err := os.WriteFile(file, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := signedTwice().Save(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if left, _ := os.ReadDir(filepath.Dir(file)); err != nil || !bytes.Equal(text, encoded(t, signedTwice())) || len(left) != 1 {
		t.Errorf("%q, %v, %v", text, left, err)
	}
	if err := signedTwice().Save(filepath.Join(file, "below-a-file")); err == nil {
		t.Error("saved where nothing can be saved")
	}
}

func FuzzDecodeSignatures(f *testing.F) {
	text, err := signedTwice().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"set":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, problems := DecodeSignatures("f", raw)
		if len(problems) > 0 {
			return
		}
		again := encoded(t, s)
		for line := range bytes.SplitSeq(again, []byte("\n")) {
			if !bytes.Contains(raw, line) {
				t.Errorf("%q was not there", line)
			}
		}
		twice, problems := DecodeSignatures("f", again)
		if len(problems) > 0 || !bytes.Equal(encoded(t, twice), again) {
			t.Errorf("%q reads back as %+v, %v", again, twice, problems)
		}
	})
}
