package coordinator

import (
	"testing"

	"belay/store/storetest"
)

// TestTheMemoryStoreIsAnEngine holds the store of these tests to what the real one promises, so that what holds on it holds there.
func TestTheMemoryStoreIsAnEngine(t *testing.T) {
	storetest.Run(t, storetest.Kind{
		Open: func(t *testing.T) storetest.Engine {
			m := newMemory(t)
			m.anyState = true // the suite's records hold states that no event made
			return m
		},
		Invalid: errNotValid, TooLarge: errTooMuch, Closed: errClosed,
	})
}
