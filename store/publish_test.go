package store

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

func TestThePublishedHeadTellsNothingAndCanBeOpenedLater(t *testing.T) {
	s := newStore(t)
	hour := day.Truncate(time.Hour)
	empty, err := s.Publish(hour.Add(5 * time.Minute))
	must(t, err)
	fillFile(t, s) // 12:00 to 12:02
	again, err := s.Publish(hour.Add(59 * time.Minute))
	must(t, err)
	same(t, again, empty) // what happens within the hour does not show

	next, err := s.Publish(hour.Add(time.Hour))
	must(t, err)
	head := s.mustHead(t)
	at := binary.BigEndian.AppendUint64(nil, uint64(next.At.Unix())) //nolint:gosec // after 1970
	salt := s.Derive("log-head-salt/2026-11-21T13:00:00Z")
	opened := sha256.Sum256(bytes.Join([][]byte{[]byte("belay/log-published/v1"), at, salt[:],
		binary.BigEndian.AppendUint64(nil, head.Seq), head.Hash[:]}, nil))
	same(t, next.Commitment, common.Hash(opened))
	key, err := ParsePublicKey(next.Key)
	must(t, err)
	signed := bytes.Join([][]byte{[]byte("belay/log-published/v1"), at, next.Commitment[:]}, nil)
	same(t, ed25519.Verify(key, signed, next.Signature), true)
	if idle, err := s.Publish(hour.Add(2 * time.Hour)); err != nil || idle.Commitment == next.Commitment {
		t.Errorf("an hour in which nothing happened shows: %v, %v", idle, err)
	}
}

func TestReportsSayWhatTheyProve(t *testing.T) {
	s := newStore(t)
	fillFile(t, s)
	for proposal, want := range map[string]string{"": "The log is whole from record 1 to 5", "P-2": "these 2 records are all that the log held of P-2 at record 5"} {
		report, err := VerifyExport(t.Context(), strings.NewReader(exported(t, s, proposal)), s.LogPublicKey())
		must(t, err)
		if !strings.Contains(report.Proves(), want) {
			t.Errorf("%q does not contain %q", report.Proves(), want)
		}
	}
}
