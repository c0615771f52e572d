package chain

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

const (
	defaultInterval = time.Second
	maxChunk        = 2000            // blocks of one eth_getLogs; what most providers serve at least
	rewindDepth     = 64              // blocks handed over again after a reorganisation: two epochs, past which Ethereum is final
	longestBackoff  = 4 * time.Second // with a timeout of 5 s before it, within a block of Ethereum
)

// WatchConfig says what to watch for, and from where.
type WatchConfig struct {
	// Filters is asked before every range. A filter that is new says nothing about blocks that were handed over before.
	Filters func() []safe.Filter
	// Cursor is the last block whose logs the caller has durably dealt with. The zero block begins at the present head; a
	// number without a hash begins behind that number, whatever block is there.
	Cursor safe.Block
	// Interval is the pause between two looks at the head; 0 means 1 s. A provider with a WebSocket may cut it short.
	Interval time.Duration
}

// Watch follows the chain until ctx ends, and returns its error. At every new agreed head it calls fn with the block up to
// which logs are complete (as complete as logs can be, see [Client.Logs]) and the logs since the last call, oldest first;
// none is a call too. A long way to the head comes in several calls.
//
// fn stores that block as its cursor and what it makes of the logs, and returns nil; only then the watch moves on. After an
// error of fn the same range comes again. When the chain was reorganised below the cursor, the last 64 blocks come again as
// the chain now has them: fn must be idempotent, and must not take a log that it saw before and now misses for a fact.
//
// Outages, disagreement, and a chain that stands still end nothing: Watch logs them, once, and tries again, within a block time of Ethereum after the end of an outage.
func (c *Client) Watch(ctx context.Context, cfg WatchConfig, fn func(ctx context.Context, head safe.Block, logs []safe.Log) error) error {
	w := &watch{client: c, filters: cfg.Filters, cursor: cfg.Cursor, placed: cfg.Cursor != safe.Block{}, chunk: maxChunk, deliver: fn}
	interval := cfg.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	heads, stop := c.pushed(ctx)
	defer stop()
	for failures := 0; ; {
		err := w.advance(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait := interval
		switch {
		case errors.Is(err, ErrClosed):
			return err
		case err != nil:
			wait = backoff(failures)
			failures++
			if failures == 1 {
				c.log.WarnContext(ctx, "chain cannot be followed, trying again", "chain", c.cfg.Name, "block", w.cursor.Number, "error", err)
			}
		case failures > 0:
			c.log.InfoContext(ctx, "chain is followed again", "chain", c.cfg.Name, "block", w.cursor.Number, "attempts", failures)
			failures = 0
		}
		hints := heads
		if err != nil {
			hints = nil // who cannot be reached is not asked more often because someone says that there is news
		}
		if err := idle(ctx, wait, hints); err != nil {
			return err
		}
	}
}

// idle waits for the next look: for the whole interval, or, not at once, until somebody tells of a new head.
func idle(ctx context.Context, interval time.Duration, heads <-chan struct{}) error {
	gap := min(interval, pushGap)
	if err := pause(ctx, gap); err != nil {
		return err
	}
	rest := time.NewTimer(interval - gap)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-heads:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// backoff doubles from a quarter of a second, with up to half of it taken off at random so that many instances do not come
// back at once.
func backoff(failures int) time.Duration {
	full := min(250*time.Millisecond<<min(failures, 10), longestBackoff)
	return full - rand.N(full/2) //nolint:gosec // jitter is no secret
}

// watch is the state of one Watch. It belongs to the goroutine that calls Watch.
type watch struct {
	client  *Client
	filters func() []safe.Filter
	deliver func(context.Context, safe.Block, []safe.Log) error
	cursor  safe.Block // last block handed over; without a hash after a rewind
	placed  bool       // there is a cursor; without one the watch begins at the head
	chunk   uint64     // blocks to ask for at once; halved when refused
}

// advance looks at the head and hands over everything up to it.
func (w *watch) advance(ctx context.Context) error {
	head, err := w.client.newest(ctx, "read head", "latest", withFees)
	if err != nil {
		return err
	}
	if !w.placed {
		return w.hand(ctx, head.Block, nil)
	}
	gone, err := w.reorganised(ctx, head)
	if err != nil {
		return err
	}
	if gone {
		w.rewind(ctx, head.Number)
	}
	if next := head.parent == w.cursor.Hash && head.Number == w.cursor.Number+1; next && head.quiet(w.filters()) {
		return w.hand(ctx, head.Block, nil)
	}
	for w.cursor.Number < head.Number {
		if err := w.step(ctx, head.Block); err != nil {
			return err
		}
	}
	return nil
}

// step hands over one range. The range is halved when its logs are refused, for whatever reason: providers word that they
// find it too long in many ways, and a shorter one does no harm.
func (w *watch) step(ctx context.Context, head safe.Block) error {
	end := head
	if head.Number-w.cursor.Number > w.chunk {
		var err error
		if end, err = w.client.BlockAt(ctx, w.cursor.Number+w.chunk); err != nil {
			return err
		}
	}
	logs, err := w.client.logsUpTo(ctx, w.filters(), w.cursor.Number+1, end)
	if err != nil {
		w.chunk = max(1, w.chunk/2)
		return err
	}
	w.chunk = min(maxChunk, w.chunk*2)
	return w.hand(ctx, end, logs)
}

func (w *watch) hand(ctx context.Context, end safe.Block, logs []safe.Log) error {
	if err := w.deliver(ctx, end, logs); err != nil {
		return fmt.Errorf("hand over block %d: %w", end.Number, err)
	}
	w.cursor, w.placed = end, true
	return nil
}

// reorganised reports whether the cursor's block is no longer part of the chain.
func (w *watch) reorganised(ctx context.Context, head header) (bool, error) {
	switch {
	case w.cursor.Hash == (common.Hash{}), head.Hash == w.cursor.Hash:
		return false, nil
	case head.Number == w.cursor.Number+1 && head.parent == w.cursor.Hash:
		return false, nil
	case head.Number == w.cursor.Number:
		return true, nil
	}
	return w.client.Lost(ctx, w.cursor)
}

// rewind goes back so far that any reorganisation Ethereum can still have lies behind.
func (w *watch) rewind(ctx context.Context, head uint64) {
	from := min(w.cursor.Number, head)
	from -= min(from, rewindDepth)
	w.client.log.WarnContext(ctx, "chain was reorganised, reading its last blocks again",
		"chain", w.client.cfg.Name, "block", w.cursor.Number, "block_hash", w.cursor.Hash, "from", from)
	w.cursor = safe.Block{Number: from}
}

// Lost reports whether enough providers have another block, or none, at b's height. A chain that ends below b may also just
// lag; reading its blocks again does no harm. Nobody is asked about the newest block, as long as one counts as that, and the one before it.
func (c *Client) Lost(ctx context.Context, b safe.Block) (bool, error) {
	if head, newest := c.recent.headerWithin(time.Now(), recentFor); newest && (head.Hash == b.Hash || head.parent == b.Hash) {
		return false, nil
	}
	return agreed(ctx, c, fmt.Sprintf("look for block %d", b.Number), func(ctx context.Context, p *provider) (bool, error) {
		h, err := p.headerAt(ctx, b.Number)
		if errors.Is(err, errNoBlock) {
			return true, nil
		}
		return h.Hash != b.Hash, err
	}, func(gone bool) string { return fmt.Sprint(gone) })
}
