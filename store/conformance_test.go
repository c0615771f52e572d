package store

import (
	"testing"

	"belay/store/storetest"
)

func TestBboltIsAnEngine(t *testing.T) {
	storetest.Run(t, storetest.Kind{
		Open:    func(t *testing.T) storetest.Engine { return newStore(t) },
		Invalid: ErrInvalid, TooLarge: ErrTooLarge, Closed: ErrClosed,
	})
}
