package coordinator

import (
	"context"
	"errors"

	"belay/governance"
)

var errDisk = errors.New("no space left on device")

// failing is a store whose disk is full.
type failing struct{ Store }

func (f failing) Commit(context.Context, governance.Record) (uint64, error) { return 0, errDisk }

func powersOf(ask func() ([]string, error)) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) { return ask() }
}
