package chain

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

func TestTheHeadIsTheHighestBlockThatEnoughProvidersKnow(t *testing.T) {
	type chains = []*fakeChain
	at := func(heights ...int) (all chains) {
		for _, h := range heights {
			all = append(all, newFakeChain(h))
		}
		return all
	}
	branch := func(f *fakeChain, blocks int) *fakeChain {
		for range blocks {
			f.grow("branch")
		}
		return f
	}
	for name, test := range map[string]struct {
		chains
		agreement int
		want      uint64
	}{
		"all at one height":                      {at(9, 9, 9), 0, 9},
		"one behind":                             {at(9, 8, 9), 0, 9},
		"one ahead":                              {at(8, 9, 8), 0, 8},
		"all apart":                              {at(7, 9, 8), 0, 8},
		"two providers apart":                    {at(9, 5), 0, 5},
		"one far behind":                         {at(900, 0, 901), 0, 900},
		"at genesis":                             {at(0, 0), 0, 0},
		"one provider":                           {at(4), 0, 4},
		"one on a fork of the same height":       {chains{newFakeChain(9), branch(newFakeChain(7), 2), newFakeChain(9)}, 0, 9},
		"one on a longer fork":                   {chains{newFakeChain(9), branch(newFakeChain(7), 9), newFakeChain(8)}, 0, 8},
		"two providers fork two blocks deep":     {chains{newFakeChain(9), branch(newFakeChain(7), 2)}, 0, 7},
		"two providers fork forty blocks deep":   {chains{newFakeChain(90), branch(newFakeChain(50), 40)}, 0, 90 - 64},
		"three apart, the middle one on a fork":  {chains{newFakeChain(7), branch(newFakeChain(6), 2), newFakeChain(9)}, 0, 7},
		"four of five at the same":               {at(9, 9, 9, 9, 2), 0, 9},
		"all five must agree":                    {at(9, 8, 9, 9, 3), 5, 3},
		"one is enough where one is asked to be": {at(9, 9, 9), 1, 9},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var nodes []*node
				for _, f := range test.chains {
					nodes = append(nodes, newNode(f))
				}
				c := dial(t, func(cfg *Config) { cfg.Agreement = test.agreement }, nodes...)
				head, _, err := c.Head(t.Context())
				if err != nil || head.Number != test.want || head.Time != 1_750_000_000+12*test.want {
					t.Fatalf("head is %+v, %v, want block %d", head, err, test.want)
				}
			})
		})
	}
}

func TestProvidersOnUnrelatedChainsHaveNoHead(t *testing.T) {
	other := newFakeChain(0)
	other.cut(0)
	for range 100 {
		other.grow("other")
	}
	c := dial(t, nil, newNode(newFakeChain(99)), newNode(other))
	_, _, err := c.Head(t.Context())
	wants(t, err, ErrNoAgreement, "alchemy gave answer", "own gave answer")
}

func TestAFastProviderThatLagsDoesNotDragTheHeadBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fresh, stale := newFakeChain(20), newFakeChain(10)
		slow := newNode(fresh)
		c := dial(t, nil, newNode(stale), newNode(fresh), slow)
		synctest.Wait() // or the slow one may still owe its first chain id, and take 300 ms twice
		slow.says("eth_chainId", sleepy(300*time.Millisecond))
		head, _, err := c.Head(t.Context())
		if err != nil || head.Number != 20 {
			t.Errorf("head is %d, %v, want 20: the slow one was within the grace", head.Number, err)
		}
	})
}

func TestFinalized(t *testing.T) {
	tagged := func(height int, final uint64) *fakeChain {
		f := newFakeChain(height)
		f.tags["finalized"] = final
		return f
	}
	for name, test := range map[string]struct {
		chains []*fakeChain
		want   uint64
	}{
		"the tag where it is served":                    {[]*fakeChain{tagged(100, 80), tagged(100, 80)}, 80},
		"the lower of two that differ":                  {[]*fakeChain{tagged(100, 90), tagged(100, 80)}, 80},
		"what two of three call final":                  {[]*fakeChain{tagged(100, 99), tagged(100, 80), tagged(100, 81)}, 81},
		"64 below head where nobody serves it":          {[]*fakeChain{newFakeChain(100), newFakeChain(100)}, 36},
		"genesis on a young chain":                      {[]*fakeChain{newFakeChain(10), newFakeChain(10)}, 0},
		"64 below head where too few of three serve it": {[]*fakeChain{newFakeChain(100), tagged(100, 99), newFakeChain(100)}, 36},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var nodes []*node
				for _, f := range test.chains {
					nodes = append(nodes, newNode(f))
				}
				c := dial(t, nil, nodes...)
				got, err := c.Finalized(t.Context())
				if err != nil || got.Number != test.want {
					t.Errorf("finalized is %d, %v, want %d", got.Number, err, test.want)
				}
			})
		})
	}
}

func TestAnOutageIsNotTakenForAMissingTag(t *testing.T) {
	f := newFakeChain(100)
	c := dial(t, nil, newNode(f), newNode(f).says("eth_getBlockByNumber", refuses(-32000, "internal error")))
	_, err := c.Finalized(t.Context())
	wants(t, err, ErrNoAgreement, "own answered error -32000")
}

func TestFinal(t *testing.T) {
	block := func(n uint64) safe.Block { return safe.Block{Number: n} }
	f := newFakeChain(100)
	f.tags["finalized"] = 90
	for name, test := range map[string]struct {
		cfg            Config
		head, included uint64
		want           bool
	}{
		"mined is enough by default":         {Config{}, 10, 10, true},
		"the second block of two":            {Config{Confirmations: 2}, 11, 10, true},
		"the first block of two":             {Config{Confirmations: 2}, 10, 10, false},
		"a block above head":                 {Config{Confirmations: 2}, 10, 12, false},
		"not yet finalized":                  {Config{Finalized: true}, 100, 91, false},
		"finalized":                          {Config{Finalized: true}, 100, 90, true},
		"finality goes before confirmations": {Config{Finalized: true, Confirmations: 1}, 100, 95, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, func(cfg *Config) { cfg.Confirmations, cfg.Finalized = test.cfg.Confirmations, test.cfg.Finalized }, newNode(f))
			got, err := c.Final(t.Context(), block(test.head), block(test.included))
			if err != nil || got != test.want {
				t.Errorf("final is %t, %v, want %t", got, err, test.want)
			}
		})
	}
}

func TestFeesFallBackToTheHeaderAndAGwei(t *testing.T) {
	f := newFakeChain(3)
	n := newNode(f).says("eth_feeHistory", refuses(-32601, "method not found")).says("eth_maxPriorityFeePerGas", always(nil))
	fees := must[safe.Fees](t)(dial(t, nil, n).Fees(t.Context()))
	if fees.BaseFee.Uint64() != 8 || fees.Tip.Uint64() != defaultTip {
		t.Errorf("fees are %s and %s, want an eighth above 7, rounded up, and a gwei", fees.BaseFee.Dec(), fees.Tip.Dec())
	}
}

func TestAHeaderMustBeTheOneThatWasAskedFor(t *testing.T) {
	f := newFakeChain(10)
	wrong := newNode(f)
	c := dial(t, nil, newNode(f), wrong)
	wrong.says("eth_getBlockByNumber", always(wireBlock(f.head())))
	_, err := c.BlockAt(t.Context(), 4)
	wants(t, err, ErrNoAgreement, "own answered block 10 when asked for 4")
	wrong.says("eth_getBlockByNumber", always(nil))
	_, err = c.BlockAt(t.Context(), 4)
	wants(t, err, ErrNoAgreement, "own has no block 4")
}

// sleepy answers late. Only within a synctest bubble, where that takes no wall time.
func sleepy(d time.Duration) lie {
	return func(_ []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
		time.Sleep(d)
		return honest()
	}
}

// TestHealthDoubtsWhoAnswersOtherwise: a provider that lies or stands still answers every time, and must not pass for well.
func TestHealthDoubtsWhoAnswersOtherwise(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*node)
		doubt string
	}{
		"one that lies":                 {func(n *node) { n.says("eth_call", always(hexutil.Bytes(make([]byte, 32)))) }, "said otherwise than those who agreed, 0s ago: read 1 values at block 20"},
		"one that stands still":         {func(n *node) { n.backend = readable(9) }, "stands at block 9, and those who agree at 20"},
		"one that is a few blocks late": {func(n *node) { n.backend = readable(15) }, ""},
		"an honest one":                 {func(*node) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := readable(20)
				odd := newNode(f)
				row.spoil(odd)
				c := dial(t, nil, newNode(f), newNode(f), odd)
				head, _, err := c.Head(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				must[[]safe.Result](t)(c.Read(t.Context(), head, []safe.Call{paused}))
				synctest.Wait()
				for i, h := range c.Health() {
					want := ""
					if i == 2 {
						want = row.doubt
					}
					if h.Doubt != want {
						t.Errorf("%s: doubt is %q, want %q", h.Name, h.Doubt, want)
					}
				}
				time.Sleep(dissentFor) // within the bubble
				if late := c.Health()[2].Doubt; late != "" {
					t.Errorf("a doubt of long ago is told still: %q", late)
				}
			})
		})
	}
}

func TestHealthTellsHeightAndAgeOfEachHead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, nil, newNode(newFakeChain(9)), newNode(newFakeChain(8)))
		if _, _, err := c.Head(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, want := range []uint64{9, 8} {
			h := c.Health()[i]
			age := time.Since(time.Unix(int64(1_750_000_000+12*want), 0))
			if !h.OK || !h.ChainIDOK || h.HeadNumber != want || h.HeadAge != max(0, age) {
				t.Errorf("health is %+v, want head %d of age %s", h, want, max(0, age))
			}
		}
	})
}

func TestDialIsLeftWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		cfg := Config{ChainID: 1, Providers: []Provider{{Name: "own", URL: "http://h"}}}
		cfg.HTTPClient = httpClient(nil)
		cfg.HTTPClient.Transport = network{"h": newNode(nil).breaks(hangs)}
		if _, err := Dial(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
	})
}
