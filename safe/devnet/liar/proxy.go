package liar

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"
)

// Proxy is one provider. All methods are safe for concurrent use.
type Proxy struct {
	node Node

	mu        sync.Mutex // guards everything below
	dice      *rand.Rand
	fault     Fault
	luck      uint64 // see lie
	since     uint64
	bait      func() (safe common.Address, hash common.Hash)
	exchanges int
	calls     map[string]int
	onSend    func(raw json.RawMessage)
}

// New puts an honest proxy in front of a node.
func New(n Node, seed uint64) *Proxy {
	return &Proxy{node: n, dice: rand.New(rand.NewPCG(seed, 1)), calls: map[string]int{}} //nolint:gosec // a test's dice
}

// Be makes it fail in a way from now on. The zero Fault makes it honest again.
func (p *Proxy) Be(f Fault) {
	since := lie{Proxy: p, ctx: context.Background()}.head().number
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.luck, p.since = f, p.dice.Uint64(), since
}

// Is names the present fault; "" when it is honest.
func (p *Proxy) Is() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault.Name
}

// Bait says which Safe and safeTxHash its inventions are about, so that they are believed if any is.
func (p *Proxy) Bait(about func() (safe common.Address, hash common.Hash)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bait = about
}

// OnSend is called with the parameter of each eth_sendRawTransaction that reaches the proxy, before it answers.
func (p *Proxy) OnSend(heard func(raw json.RawMessage)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onSend = heard
}

// Exchanges is how many HTTP bodies arrived.
func (p *Proxy) Exchanges() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exchanges
}

// Calls is how many requests for a method arrived.
func (p *Proxy) Calls(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

// throw is a number from 1 to n.
func (p *Proxy) throw(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return 1 + p.dice.IntN(n)
}

func (p *Proxy) about() (safe common.Address, hash common.Hash) {
	p.mu.Lock()
	bait := p.bait
	p.mu.Unlock()
	if bait == nil {
		return common.Address{0xba}, common.Hash{0xba}
	}
	return bait()
}

// question is one request, reply one answer to it.
type question struct {
	method string
	params []json.RawMessage
}

type reply struct {
	id      json.RawMessage
	result  json.RawMessage
	refused *Refusal
}

// MarshalJSON writes the answer as JSON-RPC has it.
func (r reply) MarshalJSON() ([]byte, error) {
	wire := map[string]any{"jsonrpc": "2.0", "id": r.id}
	if r.refused != nil {
		wire["error"] = r.refused
	} else {
		wire["result"] = r.result
	}
	return json.Marshal(wire)
}

type wireQuestion struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// RoundTrip answers one HTTP request.
func (p *Proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	p.mu.Lock()
	p.exchanges++
	f := p.fault
	p.mu.Unlock()
	honest := func() *http.Response { return respond(http.StatusOK, p.answers(r.Context(), body, f)) }
	if f.exchange != nil {
		return f.exchange(r, honest)
	}
	return honest(), nil
}

// answers is the text that answers a body.
func (p *Proxy) answers(ctx context.Context, body []byte, f Fault) string {
	var many []wireQuestion
	single := !bytes.HasPrefix(bytes.TrimSpace(body), []byte("["))
	if single {
		many = make([]wireQuestion, 1)
		if json.Unmarshal(body, &many[0]) != nil {
			return `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`
		}
	} else if json.Unmarshal(body, &many) != nil {
		return `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}`
	}
	replies := make([]reply, len(many))
	for i, one := range many {
		replies[i] = p.reply(ctx, question{one.Method, one.Params}, f)
		replies[i].id = one.ID
	}
	if f.batch != nil {
		replies = f.batch(replies)
	}
	var text []byte
	if single && len(replies) == 1 {
		text, _ = json.Marshal(replies[0])
	} else {
		text, _ = json.Marshal(replies)
	}
	return string(text)
}

func (p *Proxy) reply(ctx context.Context, q question, f Fault) reply {
	p.mu.Lock()
	p.calls[q.method]++
	heard := p.onSend
	l := lie{Proxy: p, ctx: ctx, question: q, luck: p.luck, since: p.since}
	p.mu.Unlock()
	if q.method == "eth_sendRawTransaction" && heard != nil && len(q.params) == 1 {
		heard(q.params[0])
	}
	honest := func() (r reply) {
		r.result, r.refused = p.node.Answer(ctx, q.method, q.params)
		return r
	}
	if f.answer != nil {
		return f.answer(l, honest)
	}
	return honest()
}

func respond(status int, text string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(text)),
	}
}

// ServeHTTP answers as RoundTrip does, over a real connection. What ends there with an error is a connection that is closed.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := p.RoundTrip(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = answer.Body.Close() }()
	for key, values := range answer.Header {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(flushed{w}, answer.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// flushed sends every byte as soon as it is there.
type flushed struct{ http.ResponseWriter }

func (f flushed) Write(b []byte) (int, error) {
	n, err := f.ResponseWriter.Write(b)
	if flusher, can := f.ResponseWriter.(http.Flusher); can {
		flusher.Flush()
	}
	return n, err
}

// Network takes each request to the proxy of its host.
type Network map[string]*Proxy

// RoundTrip answers one HTTP request.
func (n Network) RoundTrip(r *http.Request) (*http.Response, error) {
	to, known := n[r.URL.Hostname()]
	if !known {
		return nil, errNoHost
	}
	return to.RoundTrip(r)
}
