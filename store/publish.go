package store

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"go.etcd.io/bbolt"
)

const (
	domainPublished = "belay/log-published/v1"
	domainDerive    = "belay/derive/v1"
)

// Published is the log's end on a full hour, as anyone may see it: a commitment that changes every hour, whatever happened,
// and so says nothing about proposals that are not public. Whoever kept one can have it opened later: the log's holder
// names Salt and the record, and everyone can compute Commitment.
//
// Commitment is SHA-256 over "belay/log-published/v1", the hour (Unix seconds, 8 bytes, big endian), the salt of the hour (32 bytes),
// and seq (8 bytes) and hash of the last record before the hour. The signature is Ed25519 over the domain, the hour and the
// commitment.
type Published struct {
	At         time.Time     `json:"at"`
	Commitment common.Hash   `json:"commitment"`
	Key        string        `json:"key"`
	Signature  hexutil.Bytes `json:"signature"`
}

// Publish gives the log's end as it stood on an hour. It is the same after a restart, because it is computed from the log.
func (s *Store) Publish(hour time.Time) (Published, error) {
	if s.key == nil {
		return Published{}, errors.New("publish log head: the log key is not at hand")
	}
	hour = hour.UTC().Truncate(time.Hour)
	seq, hash, err := s.endBefore(hour)
	if err != nil {
		return Published{}, err
	}
	at := binary.BigEndian.AppendUint64(nil, uint64(hour.Unix())) //nolint:gosec // after 1970
	salt := s.Derive("log-head-salt/" + hour.Format(time.RFC3339))
	message := bytes.Join([][]byte{[]byte(domainPublished), at, salt[:], binary.BigEndian.AppendUint64(nil, seq), hash[:]}, nil)
	p := Published{At: hour, Commitment: sha256.Sum256(message), Key: s.LogPublicKey()}
	p.Signature = s.key.sign(bytes.Join([][]byte{[]byte(domainPublished), at, p.Commitment[:]}, nil))
	return p, nil
}

// endBefore finds the last record that was written before t.
func (s *Store) endBefore(t time.Time) (seq uint64, hash common.Hash, err error) {
	err = s.view("find the log's end on the hour", func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketLog).Cursor()
		for k, v := c.Last(); k != nil; k, v = c.Prev() {
			h, b, err := splitRecord(v)
			if err != nil {
				return err
			}
			r, err := decodeRecord(b)
			if err != nil {
				return err
			}
			if r.At.Before(t) {
				seq, hash = r.Seq, h
				return nil
			}
		}
		return nil
	})
	return seq, hash, err
}

// Derive makes a secret of the store's own for one purpose. It stays the same as long as the log key does; without the
// key, which only OpenReadOnly can be, it is zero.
func (s *Store) Derive(purpose string) (secret [32]byte) {
	if s.key == nil {
		return secret
	}
	mac := hmac.New(sha256.New, ed25519.PrivateKey(s.key).Seed())
	mac.Write([]byte(domainDerive + "\x00" + purpose))
	mac.Sum(secret[:0])
	return secret
}

// PublicKeyOf reads the public half of a log key file.
func PublicKeyOf(file string) (string, error) {
	key, err := loadLogKey(file)
	if err != nil {
		return "", fmt.Errorf("read the log key's public half: %w", err)
	}
	return keyText(key.public()), nil
}
