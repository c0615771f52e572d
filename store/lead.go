package store

import (
	"context"
	"fmt"
	"sync"

	"belay/governance"

	"go.etcd.io/bbolt"
)

// lead is the present leadership of this process.
type lead struct {
	mu     sync.Mutex
	cancel context.CancelCauseFunc // guarded by mu; nil while nobody leads
	ended  error                   // guarded by mu; why nobody can lead any more
}

// end takes leadership away for good.
func (l *lead) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = why
	}
	if l.cancel != nil {
		l.cancel(why)
	}
}

// Lead gives leadership at once: whoever has the store open holds the file's lock. The returned context ends when the
// store is closed, when its disk fails, and when someone else in this process calls Lead; context.Cause tells which. The
// fence is higher than every one before it, also across restarts and restores: the epoch in its upper 32 bits, a count in
// its lower.
func (s *Store) Lead(ctx context.Context) (leading context.Context, fence uint64, err error) {
	l := &s.lead
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended != nil {
		return nil, 0, fmt.Errorf("lead: %w", l.ended)
	}
	err = s.update(ctx, "lead", func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		leads := number(meta.Get(metaLeads)) + 1
		fence = number(meta.Get(metaEpoch))<<32 | leads
		return putNumber(meta, metaLeads, leads)
	})
	if err != nil {
		return nil, 0, err
	}
	if l.cancel != nil {
		l.cancel(governance.ErrFenced)
	}
	s.fence.Store(fence)
	leading, l.cancel = context.WithCancelCause(ctx)
	return leading, fence, nil
}
