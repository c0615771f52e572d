package chain

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
)

// seat is a place for a reading in the exchange in which one provider is asked for proofs beside it: who proves promptly is asked once for
// both. What becomes of the proofs says nothing of the reading. Where they hold it up or spoil it, it goes out without them, and for a while the
// two go by themselves.
type seat struct {
	taken   atomic.Bool
	reading chan []request          // at most one; closed when the reading goes without
	answers chan answer[[]response] // to the reading, in its order
}

func newSeat() *seat {
	return &seat{reading: make(chan []request, 1), answers: make(chan answer[[]response], 1)}
}

// free lets the proofs go, unless a reading is with them. A lesson of nobody has no seats.
func (l *lesson) free() {
	if l == nil {
		return
	}
	for _, s := range l.seats {
		if s.taken.CompareAndSwap(false, true) {
			close(s.reading)
		}
	}
}

// seatOf is nil for a provider whose proofs go by themselves.
func (l *lesson) seatOf(p *provider) *seat {
	if l == nil {
		return nil
	}
	return l.seats[p]
}

// callIn is call for a reading that may have a seat.
func (p *provider) callIn(ctx context.Context, s *seat, requests ...request) ([]response, error) {
	if s == nil || len(requests) > maxBatch-maxProvenAccounts-1 || !s.taken.CompareAndSwap(false, true) {
		return p.call(ctx, requests...)
	}
	s.reading <- requests
	held := time.NewTimer(proofGrace)
	defer held.Stop()
	select {
	case a := <-s.answers:
		if !spoiltByMore(a.err) {
			return a.value, a.err
		}
	case <-held.C:
		p.proofs.goAlone(time.Now().Add(restFailed))
	case <-ctx.Done():
		return nil, p.transportError(ctx, ctx.Err())
	}
	return p.call(ctx, requests...)
}

// proveWith is prove for proofs that have a seat for a reading.
func (p *provider) proveWith(ctx context.Context, s *seat, ask proofRequest) (proven, error) {
	if s == nil {
		return p.prove(ctx, ask)
	}
	select {
	case <-ctx.Done():
		return proven{}, p.transportError(ctx, ctx.Err())
	case reading, with := <-s.reading:
		if !with {
			return p.prove(ctx, ask)
		}
		all, err := p.call(ctx, slices.Concat(reading, ask.requests(pin(ask.at)))...)
		if err != nil {
			s.answers <- answer[[]response]{err: err}
			if !spoiltByMore(err) {
				return proven{}, err
			}
			p.proofs.goAlone(time.Now().Add(restUnserved))
			return p.prove(ctx, ask)
		}
		s.answers <- answer[[]response]{value: all[:len(reading)]}
		got, err := ask.decode(all[len(reading):])
		if err != nil {
			p.proofs.goAlone(time.Now().Add(restFailed))
			return p.prove(ctx, ask)
		}
		return got, nil
	}
}

// spoiltByMore reports whether an exchange may have failed because of what went along.
func spoiltByMore(err error) bool {
	var failure *providerError
	return errors.As(err, &failure) && slices.Contains([]Outcome{BadStatus, Refused, TooLarge, Malformed, NotJSON}, failure.outcome)
}
