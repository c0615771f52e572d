package liar

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/rpc"

	"belay/safe/devnet"
)

// Node answers one JSON-RPC request honestly. It is safe for concurrent use.
type Node interface {
	Answer(ctx context.Context, method string, params []json.RawMessage) (json.RawMessage, *Refusal)
}

// Refusal is a JSON-RPC error object.
type Refusal struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

// Of makes a node of a dev chain.
func Of(c *devnet.Chain) Node { return real{c.RPC()} }

type real struct{ client *rpc.Client }

func (r real) Answer(ctx context.Context, method string, params []json.RawMessage) (json.RawMessage, *Refusal) {
	args := make([]any, len(params))
	for i, p := range params {
		args[i] = p
	}
	var result json.RawMessage
	if err := r.client.CallContext(ctx, &result, method, args...); err != nil {
		return nil, refusalOf(err)
	}
	return result, nil
}

func refusalOf(err error) *Refusal {
	refused := &Refusal{Code: -32000, Message: err.Error()}
	var coded rpc.Error
	if errors.As(err, &coded) {
		refused.Code = coded.ErrorCode()
	}
	var withData rpc.DataError
	if errors.As(err, &withData) && withData.ErrorData() != nil {
		refused.Data, _ = json.Marshal(withData.ErrorData())
	}
	return refused
}

// Outside lets a node of another world be asked from within a bubble of testing/synctest: its answers are made by workers that were
// started before, so that no channel crosses over. stop ends them, once nobody asks any more.
func Outside(n Node, workers int) (node Node, stop func()) {
	d := &desk{free: make(chan *worker, workers)}
	for range workers {
		w := &worker{in: make(chan question), out: make(chan reply)}
		go w.work(n)
		d.free <- w
	}
	return d, func() {
		for range workers {
			close((<-d.free).in)
		}
	}
}

// desk hands requests to free workers.
type desk struct{ free chan *worker }

type worker struct {
	in  chan question
	out chan reply
}

func (w *worker) work(n Node) {
	for q := range w.in {
		var r reply
		r.result, r.refused = n.Answer(context.Background(), q.method, q.params)
		w.out <- r
	}
}

// Answer takes no notice of the context: a bubble's must not be waited for outside of it, and the chain answers at once.
func (d *desk) Answer(_ context.Context, method string, params []json.RawMessage) (json.RawMessage, *Refusal) {
	w := <-d.free
	defer func() { d.free <- w }()
	w.in <- question{method, params}
	r := <-w.out
	return r.result, r.refused
}

// Memory answers again what it answered before, as long as nobody says that the chain has changed: thousands of stories ask the same
// three times a second. It forgets by itself when a transaction passes.
type Memory struct {
	node Node

	mu    sync.Mutex // guards what follows
	known map[string]reply
	lives int // how often it forgot: an answer of an earlier life is not kept
}

// Remembering puts a memory in front of a node.
func Remembering(n Node) *Memory { return &Memory{node: n, known: map[string]reply{}} }

// Forget is to be called when the chain has changed.
func (m *Memory) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = map[string]reply{}
	m.lives++
}

// Answer asks the node what is not known. A pending block is made up at each look, and a transaction is no question.
func (m *Memory) Answer(ctx context.Context, method string, params []json.RawMessage) (json.RawMessage, *Refusal) {
	key := method
	for _, p := range params {
		key += "\n" + string(p)
	}
	if method == "eth_sendRawTransaction" || strings.Contains(key, `"pending"`) {
		m.Forget()
		return m.node.Answer(ctx, method, params)
	}
	m.mu.Lock()
	r, is := m.known[key]
	life := m.lives
	m.mu.Unlock()
	if is {
		return r.result, r.refused
	}
	r.result, r.refused = m.node.Answer(ctx, method, params)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lives == life {
		m.known[key] = r
	}
	return r.result, r.refused
}
