package chain

import (
	"sync"
	"time"
)

// How long a provider is not asked again for what not every provider serves.
const (
	restUnserved = 10 * time.Minute // it said that it does not
	restFailed   = time.Minute      // it tried, and what came was of no use
)

// ability is whether a provider can do something that not all can: it is found out by asking, and asked again after a rest.
type ability struct {
	mu    sync.Mutex // guards everything below
	until time.Time  // not asked before
	told  bool       // that it failed, until it works again
	late  bool       // the last useful answer came too late to be waited for
}

func (a *ability) able(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !now.Before(a.until)
}

// works notes a useful answer.
func (a *ability) works(late bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.until, a.told, a.late = time.Time{}, false, late
}

// rest puts off the next attempt. It reports whether this is news.
func (a *ability) rest(until time.Time) (news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	news = !a.told
	a.until, a.told = until, true
	return news
}

func (a *ability) isLate() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.late
}

// tooLate notes an answer that did not come in time.
func (a *ability) tooLate() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.late = true
}
