package chain

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"belay/safe"
)

// pushing is a stand-in for a provider's WebSocket: it takes one subscription to new heads, and nothing else, and then does what the test says.
type pushing struct {
	*httptest.Server
	t           *testing.T
	connections atomic.Int64
}

func startPushing(t *testing.T, then func(conn *websocket.Conn, nth int64)) *pushing {
	t.Helper()
	p := &pushing{t: t}
	upgrader := websocket.Upgrader{}
	var busy sync.WaitGroup
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		busy.Add(1)
		defer busy.Done()
		if !strings.HasSuffix(r.URL.Path, secret) {
			http.Error(w, "no key", http.StatusUnauthorized)
			return
		}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		nth := p.connections.Add(1)
		var ask strictRequest
		if err := conn.ReadJSON(&ask); err != nil {
			return
		}
		if ask.Version != "2.0" || ask.Method != "eth_subscribe" || len(ask.Params) != 1 || string(ask.Params[0]) != `"newHeads"` {
			t.Errorf("it was asked for %+v", ask)
		}
		then(conn, nth)
	}))
	t.Cleanup(func() { p.CloseClientConnections(); p.Close(); busy.Wait() })
	return p
}

func (p *pushing) at() string { return "ws" + strings.TrimPrefix(p.URL, "http") + "/v2/" + secret }

// stays keeps a connection open until the other side ends it.
func stays(conn *websocket.Conn) {
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

func push(conn *websocket.Conn) error {
	return conn.WriteJSON(map[string]any{"jsonrpc": "2.0", "method": "eth_subscription", "params": map[string]any{"subscription": "0x1", "result": map[string]any{"number": "0xffffff"}}})
}

// watchingHeads follows a chain with an interval and gives the heads that come. It ends with the test.
func watchingHeads(t *testing.T, c *Client, interval time.Duration) <-chan safe.Block {
	t.Helper()
	heads, done := make(chan safe.Block), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		_ = c.Watch(ctx, WatchConfig{Filters: func() []safe.Filter { return nil }, Interval: interval}, func(ctx context.Context, head safe.Block, _ []safe.Log) error {
			select {
			case heads <- head:
			case <-ctx.Done():
			}
			return nil
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return heads
}

func nextHead(t *testing.T, heads <-chan safe.Block) safe.Block {
	t.Helper()
	select {
	case h := <-heads:
		return h
	case <-time.After(20 * time.Second):
		t.Fatal("no head came")
		return safe.Block{}
	}
}

// TestANewHeadOfARealNodeWakesTheWatch: without it, the next look would be in an hour.
func TestANewHeadOfARealNodeWakesTheWatch(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	c := dial(t, func(cfg *Config) { cfg.Providers[1].WS = s.Chain.WSURL() }, s.nodes(2)...)
	heads := watchingHeads(t, c, time.Hour)
	first := nextHead(t, heads)
	for i := uint64(1); i <= 3; i++ {
		sealUntil(t, s, heads, first.Number+i)
	}
}

// sealUntil makes blocks until the watch saw one of a height: the subscription may begin after the first.
func sealUntil(t *testing.T, s *stack, heads <-chan safe.Block, number uint64) {
	t.Helper()
	for range 100 {
		s.Chain.Seal()
		select {
		case h := <-heads:
			if h.Number >= number {
				return
			}
		case <-time.After(300 * time.Millisecond):
		}
	}
	t.Fatalf("block %d was not seen", number)
}

// TestAPushDecidesNothing: a provider that floods, and names heads that are not there, costs a few looks and changes nothing of what is handed over.
func TestAPushDecidesNothing(t *testing.T) {
	liar := startPushing(t, func(conn *websocket.Conn, _ int64) {
		for push(conn) == nil {
		}
	})
	f := newFakeChain(5)
	n := newNode(f)
	c := dial(t, func(cfg *Config) { cfg.Providers[0].WS = liar.at() }, n, newNode(f))
	heads := watchingHeads(t, c, time.Hour)
	if h := nextHead(t, heads); h != f.head().Block {
		t.Fatalf("the first head is %+v", h)
	}
	began, before := time.Now(), n.count("eth_getBlockByNumber")
	for n.count("eth_getBlockByNumber") < before+5 {
		select {
		case h := <-heads:
			t.Fatalf("a head %+v that nobody agreed on", h)
		case <-time.After(time.Millisecond):
		}
	}
	if took := time.Since(began); took < 4*pushGap {
		t.Errorf("five looks within %s: a flood of pushes is one of looks", took)
	}
	want := f.grow("main")
	if h := nextHead(t, heads); h != want.Block {
		t.Errorf("the next head is %+v, want %+v", h, want)
	}
}

// TestADeadSocketChangesNothingButLatency: however it fails, the watch polls on, it is said once, without the URL, and tried again later.
func TestADeadSocketChangesNothingButLatency(t *testing.T) {
	for name, test := range map[string]struct {
		then   func(*websocket.Conn, int64)
		change func(string) string
		reason string
	}{
		"it closes each connection": {func(*websocket.Conn, int64) {}, nil, "closed the connection"},
		"it sends garbage": {func(c *websocket.Conn, _ int64) {
			_ = c.WriteMessage(websocket.TextMessage, []byte("<html>"))
			stays(c)
		}, nil, "not JSON"},
		"it refuses": {func(c *websocket.Conn, _ int64) {
			_ = c.WriteJSON(map[string]any{"id": 1, "error": map[string]any{"code": -32601, "message": "no subscriptions at " + secret}})
			stays(c)
		}, nil, "refused: no subscriptions at <redacted>"},
		"it sends too much": {func(c *websocket.Conn, _ int64) {
			_ = c.WriteMessage(websocket.TextMessage, make([]byte, maxPush+1))
			stays(c)
		}, nil, "more than 1 MiB"},
		"it wants a key":       {stayed, func(u string) string { return strings.Replace(u, secret, "other", 1) }, "serves no WebSocket there"},
		"nobody is there":      {stayed, func(string) string { return "ws://127.0.0.1:1/" + secret }, "refused the connection"},
		"it says nothing":      {stayed, nil, ""},
		"it has users":         {stayed, func(u string) string { return strings.Replace(u, "ws://", "ws://user:"+secret+"@", 1) }, ""},
		"it says other things": {func(c *websocket.Conn, _ int64) { _ = c.WriteJSON(map[string]any{"id": 1, "result": "0x1"}); stays(c) }, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			socket := startPushing(t, test.then)
			url := socket.at()
			if test.change != nil {
				url = test.change(url)
			}
			f := newFakeChain(5)
			var log journal
			c := dial(t, func(cfg *Config) { log.into(cfg); cfg.Providers[0].WS = url }, newNode(f))
			heads := watchingHeads(t, c, 20*time.Millisecond)
			nextHead(t, heads)
			for range 3 {
				want := f.grow("main")
				if h := nextHead(t, heads); h != want.Block {
					t.Errorf("head is %+v, want %+v", h, want)
				}
			}
			deadline := time.Now().Add(20 * time.Second)
			for test.reason != "" && log.count(test.reason) == 0 && time.Now().Before(deadline) {
				wants(t, pause(t.Context(), time.Millisecond), nil)
			}
			if said := log.count("are not pushed"); (test.reason == "") != (said == 0) || said > 1 {
				t.Errorf("logged is %q, want %q once", log.text.String(), test.reason)
			}
			leaks(t, log.text.String())
		})
	}
}

func stayed(c *websocket.Conn, _ int64) { stays(c) }

// TestALostSocketIsConnectedAgain and works as before.
func TestALostSocketIsConnectedAgain(t *testing.T) {
	grow := make(chan struct{})
	socket := startPushing(t, func(conn *websocket.Conn, nth int64) {
		if nth == 1 {
			return
		}
		close(grow)
		for push(conn) == nil {
		}
	})
	f := newFakeChain(5)
	c := dial(t, func(cfg *Config) { cfg.Providers[0].WS = socket.at() }, newNode(f))
	heads := watchingHeads(t, c, time.Hour)
	nextHead(t, heads)
	<-grow
	if want := f.grow("main"); nextHead(t, heads) != want.Block {
		t.Error("another head came")
	}
	if socket.connections.Load() != 2 {
		t.Errorf("%d connections", socket.connections.Load())
	}
}

// FuzzTakePush: whatever a socket says, it is a hint, a failure of its own, or nothing.
func FuzzTakePush(f *testing.F) {
	for _, seed := range []string{`{"method":"eth_subscription"}`, `{"error":{"code":1,"message":"x"}}`, `[]`, `null`, `{"error":null}`, `"`} {
		f.Add([]byte(seed))
	}
	p := &provider{secrets: strings.NewReplacer(secret, "")}
	f.Fuzz(func(t *testing.T, text []byte) {
		hints := make(chan struct{}, 1)
		err := p.takePush(text, hints)
		if err != nil && len(hints) > 0 {
			t.Error("a failure is a hint too")
		}
		if err == nil && !json.Valid(text) {
			t.Error("what is no JSON is taken")
		}
	})
}
