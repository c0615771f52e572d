package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"belay/safe"
	"belay/safe/devnet"
)

func TestMain(m *testing.M) {
	var ignored []goleak.Option
	for _, name := range devnet.Lingering() {
		ignored = append(ignored, goleak.IgnoreAnyFunction(name))
	}
	for _, name := range toxicsLeave {
		ignored = append(ignored, goleak.IgnoreAnyFunction(name))
	}
	goleak.VerifyTestMain(m, ignored...)
}

// backend answers single JSON-RPC requests: a scripted chain, or the real dev chain.
type backend interface {
	answer(ctx context.Context, method string, params []json.RawMessage) (any, *wireError)
}

// node is one provider as a test scripts it, in front of a backend. The zero faults make it honest.
type node struct {
	backend backend

	mu    sync.Mutex
	lies  map[string]lie
	wire  func(*http.Request) (*http.Response, error) // takes the place of the whole exchange; nil result: none
	calls map[string]int
}

// lie changes the answer to one method. honest asks the backend.
type lie func(params []json.RawMessage, honest func() (any, *wireError)) (any, *wireError)

func newNode(b backend) *node {
	return &node{backend: b, lies: map[string]lie{}, calls: map[string]int{}}
}

// says makes the node answer one method in a way of its own; nil makes it honest again.
func (n *node) says(method string, l lie) *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lies[method] = l
	if l == nil {
		delete(n.lies, method)
	}
	return n
}

// breaks makes every exchange end in this way; nil repairs it.
func (n *node) breaks(wire func(*http.Request) (*http.Response, error)) *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wire = wire
	return n
}

func (n *node) count(method string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[method]
}

func (n *node) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	broken := n.wire
	n.mu.Unlock()
	if broken != nil {
		return broken(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		return respond(http.StatusUnsupportedMediaType, "invalid content type"), nil
	}
	if bytes.HasPrefix(body, []byte("[")) {
		var many []strictRequest
		if err := json.Unmarshal(body, &many); err != nil || len(many) > 1000 {
			return respond(http.StatusBadRequest, "bad batch"), nil
		}
		answers := make([]map[string]any, len(many))
		for i, one := range many {
			answers[len(many)-1-i] = n.reply(r.Context(), one) // a batch may be answered in any order
		}
		return respondJSON(answers), nil
	}
	var one strictRequest
	if err := json.Unmarshal(body, &one); err != nil {
		return respond(http.StatusBadRequest, "bad request"), nil
	}
	return respondJSON(n.reply(r.Context(), one)), nil
}

type strictRequest struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method"`
	Params  []json.RawMessage `json:"params"`
}

func (n *node) reply(ctx context.Context, r strictRequest) map[string]any {
	reply := map[string]any{"jsonrpc": "2.0", "id": r.ID}
	if r.Version != "2.0" || r.Params == nil {
		reply["error"] = &wireError{Code: -32600, Message: "invalid request"}
		return reply
	}
	n.mu.Lock()
	n.calls[r.Method]++
	l := n.lies[r.Method]
	n.mu.Unlock()
	honest := func() (any, *wireError) { return n.backend.answer(ctx, r.Method, r.Params) }
	var result any
	var refused *wireError
	if l != nil {
		result, refused = l(r.Params, honest)
	} else {
		result, refused = honest()
	}
	if refused != nil {
		reply["error"] = refused
	} else {
		reply["result"] = result
	}
	return reply
}

func respond(status int, text string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)),
	}
}

func respondJSON(v any) *http.Response {
	text, err := json.Marshal(v)
	if err != nil {
		return respond(http.StatusInternalServerError, err.Error())
	}
	return respond(http.StatusOK, string(text))
}

// hangs never answers, as a firewall that drops packets.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, fmt.Errorf("dial tcp %s: %w", r.URL.Host, r.Context().Err())
}

// isDown answers as a machine without a server does, with the URL in the error as net/http has it.
func isDown(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("dial %s: connection refused", r.URL)
}

// network takes requests to the node of the host.
type network map[string]*node

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	to, ok := n[r.URL.Hostname()]
	if !ok {
		return nil, errors.New("no such host")
	}
	return to.RoundTrip(r)
}

const secret = "s3cr3t-k3y-0123456789" // in every provider's URL; the helper below looks for it in whatever comes out

// providerNames are given to nodes in their order.
var providerNames = []string{"alchemy", "own", "infura", "fourth", "fifth"}

// dial connects a client to nodes, and checks when the test ends that nothing that came out held a URL.
func dial(t *testing.T, change func(*Config), nodes ...*node) *Client {
	t.Helper()
	net := network{}
	cfg := Config{Name: "testnet", ChainID: 31337, HTTPClient: &http.Client{Transport: net}}
	for i, n := range nodes {
		host := providerNames[i] + ".example.org"
		net[host] = n
		cfg.Providers = append(cfg.Providers, Provider{Name: providerNames[i], URL: "https://user:" + secret + "@" + host + "/v2/" + secret + "?key=" + secret})
	}
	if len(nodes) > 0 {
		if _, real := nodes[0].backend.(devChain); real {
			cfg.ProofWait = 20 * time.Second // whether a proof comes in time must not depend on how busy the machine is
		}
	}
	if change != nil {
		change(&cfg)
	}
	c, err := Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, h := range c.Health() {
			leaks(t, h.Err)
		}
		c.Close()
	})
	return c
}

// leaks fails the test when a text holds a part of a provider's URL that people must not see.
func leaks(t *testing.T, text string) {
	t.Helper()
	for _, part := range []string{secret, "https://", "example.org", "/v2/"} {
		if strings.Contains(text, part) {
			t.Errorf("%q of a provider's URL is in %q", part, text)
		}
	}
}

// wants checks that an error is of a kind, has each of the texts, and leaks nothing.
func wants(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error is %v, want %v", err, kind)
	}
	if kind == nil {
		return
	}
	leaks(t, err.Error())
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// devChain is a real chain as a backend.
type devChain struct{ *devnet.Chain }

func (d devChain) answer(ctx context.Context, method string, params []json.RawMessage) (any, *wireError) {
	args := make([]any, len(params))
	for i, p := range params {
		args[i] = p
	}
	var result json.RawMessage
	err := d.RPC().CallContext(ctx, &result, method, args...)
	if err == nil {
		return result, nil
	}
	refused := &wireError{Code: -32000, Message: err.Error()}
	var coded rpc.Error
	if errors.As(err, &coded) {
		refused.Code = coded.ErrorCode()
	}
	var withData rpc.DataError
	if errors.As(err, &withData) {
		refused.Data, _ = json.Marshal(withData.ErrorData())
	}
	return nil, refused
}

// accountNow reads an account at the newest agreed block.
func accountNow(t *testing.T, c *Client, address common.Address) safe.Account {
	t.Helper()
	head, _, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return must[[]safe.Account](t)(c.Accounts(t.Context(), head, address))[0]
}
