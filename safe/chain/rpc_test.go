package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"belay/safe"
)

// answers makes a node reply with a fixed status and text, whatever it was asked.
func answers(status int, text string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return respond(status, text), nil }
}

func TestEveryFailureOfAProviderIsToldInWordsWithoutItsURL(t *testing.T) {
	for name, test := range map[string]struct {
		wire func(*http.Request) (*http.Response, error)
		want string
		as   Outcome
	}{
		"a web page":                    {answers(200, "<!DOCTYPE html><html>"), "answered a web page (HTML) instead of JSON", NotJSON},
		"a web page with spaces":        {answers(200, "\n  <html>"), "answered a web page (HTML) instead of JSON", NotJSON},
		"nothing":                       {answers(200, ""), "answered nothing", NotJSON},
		"half an answer":                {answers(200, `{"jsonrpc":"2.0","id":1,"resu`), "answered something that is not JSON", NotJSON},
		"JSON of another kind":          {answers(200, `"hello"`), "answered JSON that is not JSON-RPC", Malformed},
		"too many requests":             {answers(429, "slow down"), "throttled us (HTTP 429)", Throttled},
		"a gateway without a backend":   {answers(503, "<html>"), "answered HTTP 503", BadStatus},
		"a refused key":                 {answers(401, "bad key "+secret), "answered HTTP 401", BadStatus},
		"an error for the whole batch":  {answers(200, `{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"rate limit for `+secret+`"}}`), "throttled us: rate limit for <redacted>", Throttled},
		"an error object with HTTP 400": {answers(400, `{"error":{"code":-32600,"message":"batch too big"}}`), "refused: batch too big", Refused},
		"an answer to another request":  {answers(200, `{"jsonrpc":"2.0","id":99,"result":"0x1"}`), "answered a request that was not asked", Malformed},
		"an answer without an id":       {answers(200, `{"jsonrpc":"2.0","result":"0x1"}`), "answered a request that was not asked", Malformed},
		"no machine":                    {isDown, "could not be reached", Unreachable},
		"a giant body":                  {giant, "answered more than 32 MiB", TooLarge},
		"a redirect": {func(*http.Request) (*http.Response, error) {
			r := respond(307, "")
			r.Header.Set("Location", "https://elsewhere.example.org/"+secret)
			return r, nil
		}, "answered a redirect (HTTP 307), which is not followed", BadStatus},
	} {
		t.Run(name, func(t *testing.T) {
			var seen outcomes
			c := dial(t, seen.observe, newNode(nil).breaks(test.wire))
			_, _, err := c.Head(t.Context())
			wants(t, err, ErrNoAgreement, "alchemy", test.want)
			if h := c.Health()[0]; h.OK || !strings.Contains(h.Err, test.want) {
				t.Errorf("health is %+v, want %q", h, test.want)
			}
			if !seen.has(test.as) {
				t.Errorf("outcomes are %v, want %s", seen.all, test.as)
			}
		})
	}
}

// outcomes collects what OnCall is told.
type outcomes struct {
	mu  sync.Mutex
	all []string
}

func (o *outcomes) observe(cfg *Config) {
	cfg.OnCall = func(provider, method string, outcome Outcome, _ time.Duration) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.all = append(o.all, fmt.Sprint(provider, " ", method, " ", outcome))
	}
}

func (o *outcomes) has(outcome Outcome) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, seen := range o.all {
		if strings.HasSuffix(seen, " "+string(outcome)) {
			return true
		}
	}
	return false
}

// giant answers without end.
func giant(*http.Request) (*http.Response, error) {
	r := respond(200, "")
	r.Body = io.NopCloser(endless{})
	return r, nil
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestAProviderThatHangsIsGivenUpAtItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hanging := newNode(nil).breaks(hangs)
		began := time.Now()
		c := dial(t, func(cfg *Config) { cfg.Timeout = 3 * time.Second }, hanging)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Dial took %s, want the timeout and no more", took)
		}
		began = time.Now()
		_, _, err := c.Head(t.Context())
		wants(t, err, ErrNoAgreement, "alchemy did not answer within 3s")
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Head took %s, want the timeout", took)
		}
	})
}

func TestTheCallersContextEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(3)
		n := newNode(f)
		c := dial(t, nil, n)
		n.breaks(hangs)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := c.Read(ctx, f.head().Block, []safe.Call{{}})
		wants(t, err, context.DeadlineExceeded)
		if took := time.Since(began); took != time.Second {
			t.Errorf("Read took %s, want a second", took)
		}
		synctest.Wait()
		if h := c.Health()[0]; !h.OK {
			t.Errorf("health is %+v: an answer that we did not wait for is no failure of the provider", h)
		}
		c.Close()
		if _, _, err := c.Head(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	})
}

func TestDialDoesNotWaitForASlowProviderWhenEnoughOthersAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeChain(3)
		began := time.Now()
		c := dial(t, nil, newNode(f), newNode(f).breaks(hangs), newNode(f))
		if took := time.Since(began); took != 0 {
			t.Errorf("Dial took %s", took)
		}
		if !c.Ready() {
			t.Errorf("not ready: %+v", c.Health())
		}
		time.Sleep(defaultTimeout) // within the bubble: no wall time
		synctest.Wait()
		if h := c.Health()[1]; h.OK || h.Err != "did not answer within 5s" {
			t.Errorf("health of the slow one is %+v: it must be known as dead although nobody waited for it", h)
		}
	})
}

func TestConfigurationsThatCannotWorkAreRefusedWithoutQuotingAURL(t *testing.T) {
	good := Provider{Name: "own", URL: "http://localhost:8545"}
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no chain id":         {Config{Providers: []Provider{good}}, "chain id is missing"},
		"no providers":        {Config{ChainID: 1}, "no provider is configured"},
		"too high agreement":  {Config{ChainID: 1, Agreement: 2, Providers: []Provider{good}}, "agreement of 2 cannot be reached with 1"},
		"a twin":              {Config{ChainID: 1, Providers: []Provider{good, good}}, `two providers are called "own"`},
		"no name":             {Config{ChainID: 1, Providers: []Provider{{URL: good.URL}}}, "provider 1 has no name"},
		"a broken URL":        {Config{ChainID: 1, Providers: []Provider{{Name: "own", URL: "https://%zz/" + secret}}}, `URL of provider "own" is not an http`},
		"a websocket":         {Config{ChainID: 1, Providers: []Provider{{Name: "own", URL: "wss://h/" + secret}}}, `URL of provider "own" is not an http`},
		"a plain second URL":  {Config{ChainID: 1, Providers: []Provider{{Name: "own", URL: good.URL, WS: "https://h/" + secret}}}, `WebSocket URL of provider "own" is not a ws`},
		"a broken second URL": {Config{ChainID: 1, Providers: []Provider{{Name: "own", URL: good.URL, WS: "wss://%zz/" + secret}}}, `WebSocket URL of provider "own" is not a ws`},
		"negative depth":      {Config{ChainID: 1, Confirmations: -1, Providers: []Provider{good}}, "cannot be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Dial(t.Context(), test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
			leaks(t, fmt.Sprint(err))
		})
	}
	leaks(t, fmt.Sprintf("%v %+v %#v %s", Provider{"a", "https://" + secret, "wss://" + secret}, Provider{"a", "https://" + secret, "wss://" + secret}, Provider{"a", "https://" + secret, "wss://" + secret}, Provider{"a", "https://" + secret, "wss://" + secret}))
}

func TestAgreementDefaultsToTwoThirds(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 5} {
		if got := (Config{Providers: make([]Provider, n)}).agreement(); got != want {
			t.Errorf("%d providers: agreement of %d, want %d", n, got, want)
		}
	}
}

// FuzzDecodeAnswers: whatever a provider sends, either every request has its own answer or the provider failed.
func FuzzDecodeAnswers(f *testing.F) {
	for _, seed := range []string{
		`[{"id":5,"result":"0x1"},{"id":6,"result":null}]`, `{"id":5,"result":1}`, `[]`, `[{"id":5},{"id":5}]`, `[null,null]`, `[{"id":"5"},{"id":-1}]`,
		`{"error":{"code":3,"message":"execution reverted","data":"0x08c379a0"}}`, `<html>`, ``, `[{"id":5,"error":{"data":{"data":"0x"}}},{"id":6}]`,
	} {
		f.Add([]byte(seed))
	}
	p := &provider{secrets: strings.NewReplacer(secret, "")}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, n := range []int{1, 2} {
			responses, err := p.decodeAnswers(text, 5, n)
			if err == nil && len(responses) != n {
				t.Fatalf("%d answers to %d requests", len(responses), n)
			}
			for _, r := range responses {
				_, _ = decodeResults([]query{{method: "eth_call"}}, []response{r})
				_, _, _ = decodeHeader(r)
				_, _ = decodeHeaderAt(r, 1)
				var l []wireLog
				_ = r.decode(&l)
			}
		}
	})
}

func TestABatchMustAnswerEachRequestOnce(t *testing.T) {
	for name, text := range map[string]string{
		"one is missing": `[{"id":1,"result":"0x1"}]`,
		"one is double":  `[{"id":1,"result":"0x1"},{"id":1,"result":"0x2"}]`,
		"one is foreign": `[{"id":1,"result":"0x1"},{"id":3,"result":"0x2"}]`,
		"one too many":   `[{"id":1,"result":"0x1"},{"id":2,"result":"0x2"},{"id":2,"result":"0x3"}]`,
		"ids are text":   `[{"id":"1","result":"0x1"},{"id":"2","result":"0x2"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&provider{}).decodeAnswers([]byte(text), 1, 2)
			if outcomeOf(err) != Malformed {
				t.Errorf("error is %v, want malformed", err)
			}
		})
	}
}

func TestRevertDataIsFoundInWhateverShapeClientsSendIt(t *testing.T) {
	for raw, want := range map[string]string{
		`"0x08c379a0"`:           "\x08\xc3\x79\xa0",
		`"Reverted 0x08c379a0"`:  "\x08\xc3\x79\xa0",
		`{"data":"0x08c379a0"}`:  "\x08\xc3\x79\xa0",
		`{"result":"0x1234"}`:    "\x12\x34",
		`"0x"`:                   "",
		`"0x123"`:                "",
		`"the reason was a bug"`: "",
		`null`:                   "",
		`[1]`:                    "",
	} {
		if got := string(revertData(json.RawMessage(raw))); got != want {
			t.Errorf("revert data of %s is %q, want %q", raw, got, want)
		}
	}
}
