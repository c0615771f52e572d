package store

import (
	"context"
	"encoding/json"
	"fmt"

	"belay/governance"

	"go.etcd.io/bbolt"
)

// Accepted gives the last configuration that members vouched for; the zero value before there is one. What cannot be read is an error
// that wraps ErrDamaged, never a store that remembers nothing: then any set would be accepted as the first.
func (s *Store) Accepted() (a governance.Accepted, err error) {
	err = s.view("read the accepted configuration", func(tx *bbolt.Tx) error {
		value := tx.Bucket(bucketMeta).Get(metaAccepted)
		if value == nil {
			return nil
		}
		a, err = decode[governance.Accepted](value)
		return err
	})
	return a, err
}

// Accept remembers a configuration in place of the one before.
func (s *Store) Accept(ctx context.Context, a governance.Accepted) error {
	value, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("remember the accepted configuration: %w", err)
	}
	return s.update(ctx, "remember the accepted configuration", func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(metaAccepted, value)
	})
}
