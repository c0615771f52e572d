package coordinator

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// identities derives what a proposal is called outside: an opaque public id, and the capability to read it before it is
// public. Both follow from the store's secret, so that neither log nor state holds them.
type identities struct {
	block  cipher.Block
	secret []byte
}

var publicAlphabet = base32.StdEncoding.WithPadding(base32.NoPadding)

// publicMark fills the second half of the enciphered block, so that a made-up id does not decipher to a number.
var publicMark = [8]byte{'b', 'e', 'l', 'a', 'y', '/', 'i', 'd'}

func newIdentities(secret [32]byte) (identities, error) {
	key := sha256.Sum256(append([]byte("belay/public-id/v1\x00"), secret[:]...))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return identities{}, fmt.Errorf("prepare public ids: %w", err)
	}
	return identities{block: block, secret: secret[:]}, nil
}

// PublicID is what a proposal is called outside, from the store's secret alone: for a store that nothing runs on. It is ""
// where the secret cannot be had.
func PublicID(secret [32]byte, id string) string {
	ids, err := newIdentities(secret)
	if err != nil || secret == [32]byte{} {
		return ""
	}
	return ids.publicID(id)
}

// ReadKey is what a Coordinator with that secret gives as the read capability of a proposal.
func ReadKey(secret [32]byte, id string) string {
	ids, err := newIdentities(secret)
	if err != nil || secret == [32]byte{} {
		return ""
	}
	return ids.readKey(id)
}

// publicID is the proposal's number enciphered as one AES block: opaque, without order, and found again without an index.
func (i identities) publicID(id string) string {
	n, ok := number(id)
	if !ok {
		return ""
	}
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], n)
	copy(b[8:], publicMark[:])
	i.block.Encrypt(b[:], b[:])
	return strings.ToLower(publicAlphabet.EncodeToString(b[:]))
}

// resolve gives the inner id of an inner or public one.
func (i identities) resolve(id string) (inner string, ok bool) {
	if n, found := number(id); found {
		return "P-" + strconv.FormatUint(n, 10), true
	}
	b, err := publicAlphabet.DecodeString(strings.ToUpper(id))
	if err != nil || len(b) != aes.BlockSize {
		return "", false
	}
	i.block.Decrypt(b, b)
	if [8]byte(b[8:]) != publicMark {
		return "", false
	}
	return "P-" + strconv.FormatUint(binary.BigEndian.Uint64(b), 10), true
}

// readKey is the capability to read one proposal.
func (i identities) readKey(id string) string {
	mac := hmac.New(sha256.New, i.secret)
	mac.Write([]byte("belay/read-key/v1\x00" + id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

// number reads "P-12" in any case.
func number(id string) (uint64, bool) {
	digits, ok := strings.CutPrefix(strings.ToUpper(id), "P-")
	if !ok || digits == "" || digits[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	return n, err == nil && n > 0
}
