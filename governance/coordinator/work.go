package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"belay/governance"
)

// pollEvery is the longest that work waits which becomes due by itself. New work wakes the workers at once.
const pollEvery = time.Second

// Limits on work at once. Chain work and chat deliveries have lanes of their own: a pause never waits behind a card.
const (
	chainLane = 16
	chatLane  = 8
	inboxLane = 16
)

// inboxPatience is how long an inbox entry is tried again: no platform takes an answer any later.
const inboxPatience = 15 * time.Minute

// lane runs work at most n at a time and never the same key twice at once.
type lane struct {
	slots chan struct{}
	freed chan<- struct{} // woken when work that was turned away could start now
	all   sync.WaitGroup

	mu     sync.Mutex
	busy   map[string]bool // guarded by mu
	missed bool            // guarded by mu; work was turned away
}

func newLane(n int, freed chan<- struct{}) *lane {
	return &lane{slots: make(chan struct{}, n), freed: freed, busy: map[string]bool{}}
}

// try starts work unless its key is busy or the lane is full; it never blocks. Work that is turned away is looked for again when a
// place is free.
func (l *lane) try(key string, work func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[key] {
		l.missed = true
		return
	}
	select {
	case l.slots <- struct{}{}:
	default:
		l.missed = true
		return
	}
	l.busy[key] = true
	l.all.Go(func() {
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			delete(l.busy, key)
			<-l.slots
			if l.missed {
				l.missed = false
				nudge(l.freed)
			}
		}()
		work()
	})
}

// workDuties works off the outbox until ctx ends: at least once, each duty idempotent.
func (c *Coordinator) workDuties(ctx context.Context) error {
	chain, chat := newLane(chainLane, c.dutiesDue), newLane(chatLane, c.dutiesDue)
	defer chain.all.Wait()
	defer chat.all.Wait()
	return poll(ctx, c.dutiesDue, pollEvery, func(bool) {
		due, err := c.cfg.Store.Duties()
		if err != nil {
			c.cfg.Logger.Error("read duties", "error", err)
			return
		}
		now := time.Now()
		for _, work := range c.grouped(due, now) {
			on := chain
			if work.group[0].Kind == governance.DutyCard {
				on = chat
			}
			on.try(work.key, func() { c.work(ctx, work.group) })
		}
	})
}

// act is what one worker does at a time: the duties that it satisfies, and the key under which it is done once at a time.
type act struct {
	key   string
	group []governance.Duty
}

// grouped joins due duties that one act satisfies: a card is brought up to date once, however many changes asked for it. What
// was due first comes first, so that nothing is passed over where a lane is full.
func (c *Coordinator) grouped(duties []governance.Duty, now time.Time) []act {
	var acts []act
	at := map[string]int{}
	for _, d := range duties {
		if d.Due.After(now) || c.hints.rests(d.ID, now) {
			continue
		}
		key := d.ID
		if d.Kind == governance.DutyCard {
			key = d.Proposal + "/" + string(d.Kind) + "/" + d.Target
		}
		i, known := at[key]
		if !known {
			i, at[key] = len(acts), len(acts)
			acts = append(acts, act{key: key})
		}
		acts[i].group = append(acts[i].group, d)
	}
	return acts
}

// dutiesAtOnce bounds how many duties one commit acknowledges, well below what a store takes.
const dutiesAtOnce = 50

// work does one duty, or one act for several, and acknowledges it, or keeps it for later. Of several that one act satisfies only
// the newest is kept, so that a platform that is down for long leaves no heap behind.
func (c *Coordinator) work(ctx context.Context, group []governance.Duty) {
	group = group[max(0, len(group)-dutiesAtOnce):]
	newest := group[len(group)-1]
	started := time.Now()
	record, err := c.perform(ctx, newest)
	c.cfg.Observe("duty_seconds", time.Since(started).Seconds(), "kind", string(newest.Kind))
	if ctx.Err() != nil {
		return // the duty stays owed
	}
	c.tellLater(newest, err)
	switch {
	case err == nil:
		c.hints.done(newest.ID)
		record.Done = append(record.Done, newest.ID)
	case errors.Is(err, errEnded):
		c.hints.done(newest.ID)
	case errors.Is(err, errLater):
		c.hints.rest(newest.ID, time.Now(), restFor)
	default:
		newest.Attempts++
		newest.Due = time.Now().Add(retryAfter(newest.Attempts, err)).UTC()
		record.Delay = append(record.Delay, newest)
	}
	for _, d := range group[:len(group)-1] {
		record.Done = append(record.Done, d.ID)
	}
	if len(record.Done) == 0 && len(record.Delay) == 0 && len(record.Messages) == 0 {
		return
	}
	if _, err := c.commit(ctx, record); err != nil && ctx.Err() == nil {
		c.hints.rest(newest.ID, time.Now(), restFor)
		c.cfg.Logger.Error("acknowledge duty", "duty", newest.ID, "error", err)
	}
}

func (c *Coordinator) tellLater(d governance.Duty, err error) {
	if err == nil || errors.Is(err, errEnded) {
		return
	}
	if errors.Is(err, errLater) {
		c.cfg.Logger.Debug("duty waits", "duty", d.ID, "reason", err)
		return
	}
	c.cfg.Logger.Warn("duty failed", "duty", d.ID, "attempts", d.Attempts+1, "error", err)
}

// perform does the duty. What it gives is committed together with the acknowledgement.
func (c *Coordinator) perform(ctx context.Context, d governance.Duty) (governance.Record, error) {
	switch d.Kind {
	case governance.DutySubmit:
		return governance.Record{}, c.submit(ctx, d)
	case governance.DutyExecuteOp:
		return governance.Record{}, c.executeOperation(ctx, d)
	case governance.DutyProve:
		return governance.Record{}, c.prove(ctx, d)
	case governance.DutyRebuild:
		return governance.Record{}, c.rebuild(ctx, d)
	case governance.DutyCard:
		deliverer, ok := c.cfg.Deliverers[d.Target]
		if !ok {
			return governance.Record{}, nil // the platform is not configured any more
		}
		messages, err := deliverer.Deliver(ctx, d)
		return governance.Record{Messages: messages}, err
	}
	return governance.Record{}, fmt.Errorf("duty %s has the kind %q, which only a newer Belay knows", d.ID, d.Kind)
}

// Receive takes something raw from a platform. When it returns nil the entry is durable and will be worked off; a
// governance.ErrDuplicate was received before.
func (c *Coordinator) Receive(ctx context.Context, entry governance.InboxEntry) error {
	_, err := c.commit(ctx, governance.Record{Receive: &entry})
	return err
}

// workInbox works off what platforms handed in, until ctx ends.
func (c *Coordinator) workInbox(ctx context.Context) error {
	if c.cfg.Handler == nil {
		<-ctx.Done() // no chat: what an earlier life received stays until there is one
		return ctx.Err()
	}
	entries := newLane(inboxLane, c.inboxDue)
	defer entries.all.Wait()
	return poll(ctx, c.inboxDue, pollEvery, func(bool) {
		inbox, err := c.cfg.Store.Inbox()
		if err != nil {
			c.cfg.Logger.Error("read inbox", "error", err)
			return
		}
		for _, entry := range inbox {
			entries.try(entry.Key, func() { c.handle(ctx, entry) })
		}
	})
}

func (c *Coordinator) handle(ctx context.Context, entry governance.InboxEntry) {
	err := c.cfg.Handler.Handle(ctx, entry)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		c.cfg.Logger.Warn("inbox entry failed", "platform", entry.Platform, "kind", entry.Kind, "error", err)
		if time.Since(entry.ReceivedAt) < inboxPatience {
			pause(ctx, time.Second)
			return
		}
	}
	if _, err := c.commit(ctx, governance.Record{Handled: entry.Key}); err != nil && ctx.Err() == nil {
		c.cfg.Logger.Error("acknowledge inbox entry", "error", err)
		pause(ctx, time.Second)
	}
}

// restFor is how long a duty waits that cannot be done yet although nothing is wrong. A new head wakes it before.
const restFor = time.Second

// retryAfter is how long a duty waits after a failure: as long as a platform asks, else quickly at first, never more than half a
// minute.
func retryAfter(attempts int, err error) time.Duration {
	var wish interface{ RetryAfter() time.Duration }
	if errors.As(err, &wish) && wish.RetryAfter() > 0 {
		return min(wish.RetryAfter(), longestWish)
	}
	return min(500*time.Millisecond<<min(attempts, 6), 30*time.Second)
}

// longestWish bounds how long a platform can make us wait.
const longestWish = 10 * time.Minute

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
