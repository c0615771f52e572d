package coordinator

import (
	"testing"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

func TestAChainStandsStillAfterTwoBlockTimes(t *testing.T) {
	seen := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	known := safe.Block{Number: 7, Hash: common.Hash{7}, Time: 1_750_000_000}
	for name, c := range map[string]struct {
		tip   tip
		after time.Duration
		want  bool
	}{
		"no head yet":                           {tip{since: seen}, time.Hour, false},
		"blocks of 2 s, 3 s ago":                {tip{known, seen, 2 * time.Second}, 3 * time.Second, false},
		"blocks of 2 s, 4 s ago":                {tip{known, seen, 2 * time.Second}, 4 * time.Second, true},
		"one head known, 23 s ago":              {tip{known, seen, 0}, 23 * time.Second, false},
		"one head known, 24 s ago":              {tip{known, seen, 0}, 24 * time.Second, true},
		"blocks on demand an hour apart, 24 s":  {tip{known, seen, time.Hour}, 24 * time.Second, true},
		"Ethereum misses one slot":              {tip{known, seen, slot}, 23 * time.Second, false},
		"Ethereum stands still for three slots": {tip{known, seen, slot}, 36 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.tip.still(seen.Add(c.after)); got != c.want {
				t.Errorf("still is %v", got)
			}
		})
	}
}
