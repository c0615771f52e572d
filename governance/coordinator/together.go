package coordinator

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// together asks several things at once and waits for all. The error is that of the first that failed as they are written down, not as
// they came back: the same outage is told with the same words every time, and is not a new problem to tell people of.
func together(asks ...func() error) error {
	failed := make([]error, len(asks))
	var asking sync.WaitGroup
	for i, ask := range asks {
		asking.Go(func() { failed[i] = ask() })
	}
	asking.Wait()
	return cmp.Or(failed...)
}

// aMoment is how much longer something takes for what is only good to have.
const aMoment = 25 * time.Millisecond

// beside does what is good to have beside what is needed, and gives it up a moment after that is there.
func beside(ctx context.Context, needed func() error, good func(context.Context)) error {
	while, stop := context.WithCancel(ctx)
	defer stop()
	return together(
		func() error {
			defer time.AfterFunc(aMoment, stop)
			return needed()
		},
		func() error { good(while); return nil },
	)
}
