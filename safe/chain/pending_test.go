package chain

import (
	"encoding/json"
	"testing"
	"testing/synctest"
)

func TestPendingTimeIsTheEarliestOfEnoughProviders(t *testing.T) {
	pendingAt := func(timestamp any) lie {
		return func(params []json.RawMessage, honest func() (any, *wireError)) (any, *wireError) {
			if string(params[0]) != `"pending"` {
				return honest()
			}
			return timestamp, nil
		}
	}
	at := func(hex string) any { return map[string]any{"number": "0xa", "hash": nil, "timestamp": hex} }
	for name, test := range map[string]struct {
		answers []any
		want    uint64 // 0: nothing is known
	}{
		"one provider":               {[]any{at("0x64")}, 100},
		"two a second apart":         {[]any{at("0x65"), at("0x64")}, 100},
		"one of two serves none":     {[]any{at("0x64"), nil}, 0},
		"one of two answers no time": {[]any{at("0x64"), map[string]any{"number": "0xa"}}, 0},
		"one of two lies ahead":      {[]any{at("0xffffffff"), at("0x64")}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var nodes []*node
				for _, answer := range test.answers {
					nodes = append(nodes, newNode(newFakeChain(9)).says("eth_getBlockByNumber", pendingAt(answer)))
				}
				got, err := dial(t, nil, nodes...).PendingTime(t.Context())
				if got != test.want || (err == nil) != (test.want != 0) {
					t.Errorf("got %d, %v, want %d", got, err, test.want)
				}
			})
		})
	}
}
