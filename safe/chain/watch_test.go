package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

// diary is what a watch handed over.
type diary struct {
	heads []safe.Block
	logs  []safe.Log
	fail  error // the next call fails with this
}

func (d *diary) write(_ context.Context, head safe.Block, logs []safe.Log) error {
	if err := d.fail; err != nil {
		d.fail = nil
		return err
	}
	d.heads, d.logs = append(d.heads, head), append(d.logs, logs...)
	return nil
}

func (d *diary) numbers() (all []uint64) {
	for _, h := range d.heads {
		all = append(all, h.Number)
	}
	return all
}

func (d *diary) texts() (all []string) {
	for _, l := range d.logs {
		all = append(all, string(l.Data))
	}
	return all
}

// watching runs a watch in a bubble; after each of the steps it gets the time to notice. Nothing here takes wall time.
func watching(t *testing.T, cursor safe.Block, nodes []*node, d *diary, steps ...func()) {
	t.Helper()
	c := dial(t, nil, nodes...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- c.Watch(ctx, WatchConfig{Filters: func() []safe.Filter { return everything }, Cursor: cursor}, d.write)
	}()
	for _, step := range append([]func(){func() {}}, steps...) {
		step()
		time.Sleep(10 * time.Second)
		synctest.Wait()
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Watch returned %v", err)
	}
}

func event(text string) safe.Log {
	return safe.Log{Address: guardian, Topics: []common.Hash{success}, Data: []byte(text)}
}

func expect[T comparable](t *testing.T, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s are %v, want %v", what, got, want)
	}
}

func TestAWatchHandsOverEveryHeadWithTheLogsSinceTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(5), &diary{}
		f.emit(event("before the watch"))
		watching(t, safe.Block{}, []*node{newNode(f), newNode(f)}, d,
			func() { f.grow("main"); f.emit(event("a")) },
			func() { f.grow("main"); f.grow("main"); f.emit(event("b")) },
			func() { f.grow("main") },
		)
		expect(t, "heads", d.numbers(), 5, 6, 8, 9)
		expect(t, "logs", d.texts(), "a", "b")
	})
}

func TestAWatchGoesOnFromItsCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(2)
		cursor := f.head().Block
		f.emit(event("seen"))
		f.grow("main")
		f.emit(event("missed"))
		for name, from := range map[string]safe.Block{"by hash": cursor, "by number alone": {Number: cursor.Number}} {
			d := &diary{}
			watching(t, from, []*node{newNode(f)}, d)
			expect(t, "logs "+name, d.texts(), "missed")
		}
	})
}

func TestARangeComesAgainAfterItsHandlerFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(5)
		d := &diary{}
		watching(t, safe.Block{}, []*node{newNode(f)}, d,
			func() { d.fail = errors.New("disk is full"); f.grow("main"); f.emit(event("a")) },
		)
		expect(t, "heads", d.numbers(), 5, 6)
		expect(t, "logs", d.texts(), "a")
	})
}

func TestALongWayComesInChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(4500), &diary{}
		f.emit(event("at the end"))
		watching(t, safe.Block{Number: 100}, []*node{newNode(f)}, d)
		expect(t, "heads", d.numbers(), 2100, 4100, 4500)
		expect(t, "logs", d.texts(), "at the end")
	})
}

func TestChunksShrinkUntilTheProviderServesThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(3000), &diary{}
		n := newNode(f).says("eth_getLogs", func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
			var filter struct{ FromBlock, ToBlock string }
			_ = json.Unmarshal(params[0], &filter)
			var from, to uint64
			_, _ = fmt.Sscanf(filter.FromBlock+" "+filter.ToBlock, "0x%x 0x%x", &from, &to)
			if to-from >= 500 {
				return refuse(-32000, "range too large, eat less")
			}
			return honest()
		})
		watching(t, safe.Block{Number: 1000}, []*node{n}, d, func() {}, func() {})
		if last := d.numbers(); len(last) == 0 || last[len(last)-1] != 3000 {
			t.Errorf("heads are %v, want the last to be 3000", last)
		}
	})
}

func TestAReorganisedRangeComesAgain(t *testing.T) {
	reorganise := func(f *fakeChain, from, blocks int) func() {
		return func() {
			f.cut(from)
			for i := range blocks {
				f.grow("branch")
				f.emit(event(fmt.Sprint("branch ", i)))
			}
		}
	}
	for name, test := range map[string]struct {
		from, blocks int
		want         []string
	}{
		"onto a longer branch":             {100, 2, []string{"main", "kept", "branch 0", "branch 1"}},
		"onto a branch of the same length": {100, 1, []string{"main", "kept", "branch 0"}},
		"onto a shorter chain":             {99, 1, []string{"main", "kept", "branch 0"}},
		"63 blocks deep":                   {38, 70, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeChain(98)
				f.emit(event("kept"))
				f.grow("main")
				f.grow("main")
				f.emit(event("main"))
				d := &diary{}
				watching(t, safe.Block{Number: 99}, []*node{newNode(f), newNode(f)}, d, reorganise(f, test.from, test.blocks))
				if test.want != nil {
					expect(t, "logs", d.texts(), test.want...)
				} else if n := len(d.logs); n != 1+test.blocks {
					t.Errorf("%d logs, want the one of the main chain and all %d of the branch", n, test.blocks)
				}
				if last := d.heads[len(d.heads)-1]; last != f.head().Block {
					t.Errorf("ends at %+v, want %+v", last, f.head().Block)
				}
			})
		})
	}
}

func TestACursorOfABlockThatVanishedWhileWeWereAwayIsRewound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(100), &diary{}
		f.cut(90)
		f.grow("branch")
		f.emit(event("branch"))
		for range 30 {
			f.grow("branch")
		}
		watching(t, newFakeChain(100).head().Block, []*node{newNode(f)}, d)
		expect(t, "logs", d.texts(), "branch")
	})
}

func TestAYoungChainIsRewoundToItsBeginningAlsoWhenItsLogsFailAtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(4), &diary{}
		f.emit(event("main"))
		n := newNode(f)
		watching(t, safe.Block{Number: 3}, []*node{n}, d, func() {
			f.cut(2)
			for i := range 4 {
				f.grow("branch")
				f.emit(event(fmt.Sprint("branch ", i)))
			}
			tries := 0
			n.says("eth_getLogs", func(_ []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
				if tries++; tries < 3 {
					return refuse(-32000, "internal error")
				}
				return honest()
			})
		})
		expect(t, "logs", d.texts(), "main", "branch 0", "branch 1", "branch 2", "branch 3")
	})
}

func TestOneProviderCannotHideAReorganisationByAFalseParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(10), &diary{}
		liar := newNode(f)
		old := f.head().Hash
		watching(t, safe.Block{}, []*node{liar, newNode(f), newNode(f)}, d, func() {
			f.cut(10)
			f.grow("branch")
			f.emit(event("branch"))
			f.grow("branch")
			liar.says("eth_getBlockByNumber", func(_ []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
				block, err := honest()
				if b, ok := block.(map[string]any); ok && b["number"] == hexutil.Uint64(11) {
					b["parentHash"] = old
				}
				return block, err
			})
		})
		expect(t, "logs", d.texts(), "branch")
	})
}

func TestOneProviderOnAForkRewindsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(10), &diary{}
		liar := newNode(f)
		watching(t, safe.Block{}, []*node{newNode(f), liar, newNode(f)}, d,
			func() {
				branch := f.fork()
				branch.cut(8)
				branch.grow("x")
				branch.grow("x")
				liar.mu.Lock()
				liar.backend = branch
				liar.mu.Unlock()
			},
			func() { f.grow("main"); f.emit(event("a")) },
		)
		expect(t, "heads", d.numbers(), 10, 11)
		expect(t, "logs", d.texts(), "a")
	})
}

func TestAnOutageIsSurvivedAndNothingMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, d := newFakeChain(10), &diary{}
		nodes := []*node{newNode(f), newNode(f)}
		watching(t, safe.Block{}, nodes, d,
			func() { nodes[0].breaks(hangs); nodes[1].breaks(isDown); f.grow("main"); f.emit(event("in the dark")) },
			func() { time.Sleep(2 * time.Hour) }, // within the bubble
			func() { nodes[0].breaks(nil); nodes[1].breaks(nil) },
		)
		expect(t, "heads", d.numbers(), 10, 11)
		expect(t, "logs", d.texts(), "in the dark")
	})
}

func TestAWatchEndsWhenItsClientIsClosed(t *testing.T) {
	f := newFakeChain(3)
	c := dial(t, nil, newNode(f))
	c.Close()
	err := c.Watch(t.Context(), WatchConfig{Filters: func() []safe.Filter { return nil }}, (&diary{}).write)
	if !errors.Is(err, ErrClosed) {
		t.Errorf("error is %v, want ErrClosed", err)
	}
}

func TestBackoffGrowsToItsLimitAndVaries(t *testing.T) {
	for failures := range 40 {
		if d := backoff(failures); d < 125*time.Millisecond || d > longestBackoff {
			t.Errorf("backoff after %d failures is %s", failures, d)
		}
	}
}

// TestNobodyIsAskedWhetherTheBlockBeforeTheNewestIsLost: a head that enough providers agree on names it. What lies deeper, what another branch
// has in its place, and what was agreed on long ago, is asked about.
func TestNobodyIsAskedWhetherTheBlockBeforeTheNewestIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(5)
		stranger := f.fork()
		stranger.cut(4)
		other := stranger.grow("other").Block
		n := newNode(f)
		c := dial(t, nil, n, newNode(f), newNode(f))
		newest := must[safe.Block](t)(c.Newest(t.Context()))
		synctest.Wait() // two of the three are enough, and the third is asked all the same
		for _, row := range []struct {
			of          safe.Block
			asked, lost bool
		}{
			{newest, false, false},
			{f.blocks[4].Block, false, false},
			{f.blocks[3].Block, true, false},
			{other, true, true},
		} {
			before := n.count("eth_getBlockByNumber")
			if lost := must[bool](t)(c.Lost(t.Context(), row.of)); lost != row.lost {
				t.Errorf("block %d is lost: %t", row.of.Number, lost)
			}
			synctest.Wait()
			if asked := n.count("eth_getBlockByNumber") > before; asked != row.asked {
				t.Errorf("asked about block %d: %t, want %t", row.of.Number, asked, row.asked)
			}
		}
		time.Sleep(recentFor)
		before := n.count("eth_getBlockByNumber")
		lost := must[bool](t)(c.Lost(t.Context(), newest))
		synctest.Wait()
		if lost || n.count("eth_getBlockByNumber") == before {
			t.Error("what was the newest block a while ago is not asked about any more")
		}
	})
}
