package chain

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ethereum/go-ethereum/crypto"
)

const maxKeyFile = 1024 // bytes; a key has 64 digits, with 0x and a line end at most 68

// LoadKey reads a private key, 64 hexadecimal digits with or without 0x, from a file that nobody but its owner may read
// (mode 0600 or 0400). The errors name the file and never quote what is in it.
func LoadKey(file string) (*ecdsa.PrivateKey, error) {
	text, err := readPrivate(file)
	if err != nil {
		return nil, fmt.Errorf("load key: %w", err)
	}
	digits := bytes.TrimPrefix(bytes.TrimSpace(text), []byte("0x"))
	key, err := crypto.HexToECDSA(string(digits))
	if err != nil {
		return nil, fmt.Errorf("load key: %s does not hold 64 hexadecimal digits that are a private key", file)
	}
	return key, nil
}

// readPrivate judges the opened file, not its name, so that it cannot be exchanged in between.
func readPrivate(file string) ([]byte, error) {
	f, err := os.Open(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", file)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): chmod 600 it", file, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeyFile {
		return nil, errors.New(file + " is too long for a key")
	}
	return text, nil
}
