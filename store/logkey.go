package store

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// logKey signs heads and exports. The file is PKCS#8 in PEM, so that openssl reads it too.
type logKey ed25519.PrivateKey

func (k logKey) public() ed25519.PublicKey {
	return ed25519.PrivateKey(k).Public().(ed25519.PublicKey)
}

func (k logKey) sign(message []byte) []byte { return ed25519.Sign(ed25519.PrivateKey(k), message) }

// String keeps the key out of every print.
func (k logKey) String() string { return "<redacted>" }

// GoString is String for %#v.
func (k logKey) GoString() string { return k.String() }

// loadOrMakeLogKey reads the key, or makes one at the first start. It never replaces a file.
func loadOrMakeLogKey(path string) (logKey, error) {
	key, err := loadLogKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeLogKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("make log key: %w", err)
	}
	return loadLogKey(path)
}

func loadLogKey(path string) (logKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read log key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("read log key: %s may be read by others (mode %04o): run chmod 600 on it", path, mode)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own configuration names it
	if err != nil {
		return nil, fmt.Errorf("read log key: %w", err)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, fmt.Errorf("read log key: %s is not one PEM block PRIVATE KEY", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read log key: %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read log key: %s is not an Ed25519 key", path)
	}
	return logKey(key), nil
}

// makeLogKey writes a whole key under a temporary name and links it into place: a crash leaves all of it or nothing.
func makeLogKey(path string) error {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temp, err := writeTemp(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		return err
	}
	return moveIntoPlace(temp, path)
}

// ParsePublicKey reads a log key as [Store.LogPublicKey] prints it; the 0x may be missing.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(text), "0x"))
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("log key %q is not %d bytes of hex; `belay version` prints the right one", text, ed25519.PublicKeySize)
	}
	return raw, nil
}

func keyText(key ed25519.PublicKey) string { return "0x" + hex.EncodeToString(key) }
