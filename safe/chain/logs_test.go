package chain

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

type rawJSON = json.RawMessage

var (
	guardian = common.HexToAddress("0x5afe")
	timelock = common.HexToAddress("0x71e1")
	success  = safe.TopicExecutionSuccess
	queued   = common.HexToHash("0x4cf4")
	one      = common.HexToHash("0x01")
)

// eventful is a chain with a few logs; the last block has none.
func eventful() *fakeChain {
	f := newFakeChain(5)
	f.emit(safe.Log{Address: guardian, Topics: []common.Hash{success}, Data: []byte("first"), Index: 1})
	f.emit(safe.Log{Address: timelock, Topics: []common.Hash{queued, one}, Index: 0})
	f.grow("main")
	f.grow("main")
	f.emit(safe.Log{Address: guardian, Topics: []common.Hash{success}, Data: []byte("second")})
	f.emit(safe.Log{Address: timelock, Topics: []common.Hash{queued, {2}}, Index: 1})
	f.grow("main")
	return f
}

var everything = []safe.Filter{{Address: guardian, Topics: [][]common.Hash{{success}}}, {Address: timelock, Topics: [][]common.Hash{{queued}}}}

func TestLogsComeInChainOrderOnceAndWithTheTimeOfTheirBlock(t *testing.T) {
	f := eventful()
	c := dial(t, nil, newNode(f), newNode(f), newNode(f))
	logs := must[[]safe.Log](t)(c.Logs(t.Context(), everything, 0, 8))
	var places [][2]uint64
	for _, l := range logs {
		places = append(places, [2]uint64{l.Block.Number, uint64(l.Index)})
		if l.Block != f.blocks[l.Block.Number].Block {
			t.Errorf("block is %+v, want %+v", l.Block, f.blocks[l.Block.Number].Block)
		}
	}
	if want := [][2]uint64{{5, 0}, {5, 1}, {7, 0}, {7, 1}}; !slices.Equal(places, want) {
		t.Errorf("logs are at %v, want %v", places, want)
	}
}

func TestLogsAreThoseThatAFilterAsksFor(t *testing.T) {
	f := eventful()
	c := dial(t, nil, newNode(f))
	for name, test := range map[string]struct {
		filters  []safe.Filter
		from, to uint64
		want     int
	}{
		"all":                              {everything, 0, 8, 4},
		"of one contract":                  {everything[:1], 0, 8, 2},
		"by a second topic":                {[]safe.Filter{{Address: timelock, Topics: [][]common.Hash{{queued}, {one}}}}, 0, 8, 1},
		"by a second topic, any first":     {[]safe.Filter{{Address: timelock, Topics: [][]common.Hash{{}, {one}}}}, 0, 8, 1},
		"by a topic that is not there":     {[]safe.Filter{{Address: guardian, Topics: [][]common.Hash{{success}, {one}}}}, 0, 8, 0},
		"without topics":                   {[]safe.Filter{{Address: timelock}}, 0, 8, 2},
		"two filters on one contract":      {append(slices.Clone(everything), safe.Filter{Address: guardian}), 0, 8, 4},
		"topics do not cross filters":      {[]safe.Filter{{Address: guardian, Topics: [][]common.Hash{{queued}}}, {Address: timelock, Topics: [][]common.Hash{{success}}}}, 0, 8, 0},
		"in a range":                       {everything, 6, 7, 2},
		"in an empty range":                {everything, 8, 7, 0},
		"without a filter nobody is asked": {nil, 0, 8, 0},
	} {
		t.Run(name, func(t *testing.T) {
			logs, err := c.Logs(t.Context(), test.filters, test.from, test.to)
			if err != nil || len(logs) != test.want {
				t.Errorf("%d logs, %v, want %d", len(logs), err, test.want)
			}
		})
	}
}

func TestOneProviderCannotHideOrReplaceALog(t *testing.T) {
	f := eventful()
	honest := must[[]safe.Log](t)(dial(t, nil, newNode(f)).Logs(t.Context(), everything, 0, 8))
	forged := honest[2]
	forged.Data = []byte("forged")
	elsewhere := honest[2]
	elsewhere.Block.Hash = common.Hash{9}
	for name, test := range map[string]struct {
		lie   lie
		extra int
	}{
		"it omits all logs":               {always([]any{}), 0},
		"it says null":                    {always(nil), 0},
		"it fails":                        {refuses(-32005, "query returned more than 10000 results"), 0},
		"it sends logs that were removed": {always([]any{removed(honest[0])}), 0},
		"it sends a false log in the true one's place": {always([]any{wireLogOf(forged)}), 1},
		"it sends a log of a block that is not there":  {always([]any{wireLogOf(elsewhere)}), 0},
		"it sends logs that nobody asked for":          {always([]any{wireLogOf(safe.Log{Address: common.Address{1}, Topics: []common.Hash{success}, Block: honest[0].Block})}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := dial(t, nil, newNode(f).says("eth_getLogs", test.lie), newNode(f), newNode(f))
				logs := must[[]safe.Log](t)(c.Logs(t.Context(), everything, 0, 8))
				if len(logs) != len(honest)+test.extra {
					t.Fatalf("%d logs, want %d", len(logs), len(honest)+test.extra)
				}
				for _, want := range honest {
					if !slices.ContainsFunc(logs, func(l safe.Log) bool { return logKey(l) == logKey(want) && l.Block == want.Block }) {
						t.Errorf("log %+v is missing", want)
					}
				}
			})
		})
	}
}

func removed(l safe.Log) map[string]any {
	w := wireLogOf(l)
	w["removed"] = true
	return w
}

func TestAProviderThatDoesNotKnowTheLastBlockIsNoWitness(t *testing.T) {
	f := eventful()
	lagging := newFakeChain(3)
	forked := newFakeChain(7)
	forked.grow("branch")
	c := dial(t, nil, newNode(f), newNode(lagging), newNode(forked))
	_, err := c.logsUpTo(t.Context(), everything, 0, f.head().Block)
	wants(t, err, ErrNoAgreement, "own has no block 8", "infura has another block 8")
}

func TestAHangingProviderDelaysLogsByTheGraceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := eventful()
		slow := newNode(f)
		c := dial(t, nil, newNode(f), newNode(f), slow)
		slow.breaks(hangs)
		began := time.Now()
		logs := must[[]safe.Log](t)(c.Logs(t.Context(), everything, 0, 8))
		if took := time.Since(began); len(logs) != 4 || took != logsGrace {
			t.Errorf("%d logs after %s", len(logs), took)
		}
	})
}
