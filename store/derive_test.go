package store

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestADerivedSecretIsTheKeysAndThePurposes: it outlives a restart, and nobody without the log key has it.
func TestADerivedSecretIsTheKeysAndThePurposes(t *testing.T) {
	cfg := testConfig(t)
	s := openStore(t, cfg)
	salt, token := s.Derive("salt"), s.Derive("token")
	if salt == ([32]byte{}) || salt == token {
		t.Errorf("derived %x and %x", salt, token)
	}
	same(t, s.Derive("salt"), salt)
	if openOther(t).Derive("salt") == salt {
		t.Error("another key derives the same")
	}
	must(t, s.Close())
	same(t, openStore(t, cfg).Derive("salt"), salt)
}

func TestWithoutTheLogKeyNothingIsDerived(t *testing.T) {
	cfg := testConfig(t)
	must(t, openStore(t, cfg).Close())
	s, err := OpenReadOnly(Config{Path: cfg.Path})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	same(t, s.Derive("salt"), [32]byte{})
}

// TestAReaderWithTheLogKeySealsExports, and proves one proposal by it.
func TestAReaderWithTheLogKeySealsExports(t *testing.T) {
	cfg := testConfig(t)
	fillClosed(t, cfg.Path)
	s, err := OpenReadOnly(cfg)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	report, err := VerifyExport(t.Context(), strings.NewReader(exported(t, s, "P-2")), s.LogPublicKey())
	must(t, err)
	same(t, report.Records, 2)
}

func TestAKeyFileTellsItsPublicHalf(t *testing.T) {
	cfg := testConfig(t)
	got, err := PublicKeyOf(cfg.LogKeyFile)
	must(t, err)
	same(t, got, openStore(t, cfg).LogPublicKey())
	got, err = PublicKeyOf(filepath.Join(t.TempDir(), "none.key"))
	wantError(t, err, fs.ErrNotExist)
	same(t, got, "")
}
