package main

import (
	"context"

	"belay/safe"
	"belay/safe/chain"
)

// followed gives a chain client the coordinator's word for watching.
type followed struct{ *chain.Client }

func (f followed) Follow(ctx context.Context, from safe.Block, filters func() []safe.Filter, fn func(ctx context.Context, head safe.Block, logs []safe.Log) error) error {
	return f.Watch(ctx, chain.WatchConfig{Filters: filters, Cursor: from}, fn)
}
