package coordinator

import (
	"cmp"
	"sync"
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
