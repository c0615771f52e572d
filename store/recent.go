package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"belay/governance"

	"go.etcd.io/bbolt"
)

// clockStep is how far the log's times may run backwards where the machine's clock was set back.
const clockStep = time.Hour

// RecentSubmissions gives every submission that is open, and every one of a proposal that the log tells anything of since then: what
// was sent is always told. It walks the log from its end, so that it takes as long as much has happened since, however much there is.
func (s *Store) RecentSubmissions(since time.Time) (list []governance.Submission, err error) {
	err = s.view("read recent submissions", func(tx *bbolt.Tx) error {
		proposals, err := toldOf(tx, since.Add(-clockStep))
		if err != nil {
			return err
		}
		err = tx.Bucket(bucketOpenSubmissions).ForEach(func(key, _ []byte) error {
			if len(key) > 8 {
				proposals[number(key[:8])] = true
			}
			return nil
		})
		for _, n := range slices.Sorted(maps.Keys(proposals)) {
			of, failed := decodeAll[governance.Submission](tx.Bucket(bucketSubmissions), numberKey(n))
			if failed != nil {
				return failed
			}
			list = append(list, of...)
		}
		return err
	})
	return list, err
}

// toldOf gives the numbers of the proposals that have a record since then.
func toldOf(tx *bbolt.Tx, since time.Time) (map[uint64]bool, error) {
	proposals := map[uint64]bool{}
	cursor := tx.Bucket(bucketLog).Cursor()
	for key, value := cursor.Last(); key != nil; key, value = cursor.Prev() {
		_, raw, err := splitRecord(value)
		if err != nil {
			return nil, err
		}
		var r struct {
			At       time.Time `json:"at"`
			Proposal string    `json:"proposal"`
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, fmt.Errorf("%w: record %d: %w", ErrDamaged, number(key), err)
		}
		if r.At.Before(since) {
			return proposals, nil
		}
		if n, ok := numberOf(r.Proposal); ok {
			proposals[n] = true
		}
	}
	return proposals, nil
}
