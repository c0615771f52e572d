package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// honesty is how a provider answers.
type honesty string

const (
	honest honesty = "honest"
	lying  honesty = "lying" // every value is wrong, sent transactions are swallowed, events are hidden
	stuck  honesty = "stuck" // the chain stands still since a minute ago
	dead   honesty = "dead"  // answers nothing but 503
)

// maxRPC bounds a request or an answer.
const maxRPC = 32 << 20 // bytes

// provider is an RPC endpoint in front of the chain.
type provider struct {
	name     string
	upstream string
	server   *server
	web      *http.Client

	mu      sync.Mutex
	manner  honesty
	stuckAt uint64
	asked   int // requests since manner changed
	lies    int // false answers since manner changed
}

func openProvider(name, upstream string) (*provider, error) {
	s, err := open()
	if err != nil {
		return nil, err
	}
	p := &provider{name: name, upstream: upstream, server: s, manner: honest, web: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}}
	s.serve(p)
	return p, nil
}

func (p *provider) url() string { return p.server.url() }

func (p *provider) close() {
	p.server.close()
	p.web.CloseIdleConnections()
}

// become changes how it answers. head is the chain's, for one that gets stuck below it.
func (p *provider) become(h honesty, head uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	const behind = 60 // blocks
	p.manner, p.stuckAt, p.asked, p.lies = h, head-min(head, behind), 0, 0
}

// told is how it answers, and how often it did since that changed.
func (p *provider) told() (manner honesty, asked, lies int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.manner, p.asked, p.lies
}

func (p *provider) count(lies int) (honesty, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if lies == 0 {
		p.asked++
	}
	p.lies += lies
	return p.manner, p.stuckAt
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	manner, at := p.count(0)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRPC))
	if err != nil || manner == dead {
		http.Error(w, "service unavailable", http.StatusServiceUnavailable)
		return
	}
	var answer []byte
	switch manner {
	case lying:
		answer, err = p.each(r.Context(), body, p.lie)
	case stuck:
		answer, err = p.each(r.Context(), body, func(ctx context.Context, q question) (reply, error) { return p.stale(ctx, q, at) })
	default:
		answer, err = p.forward(r.Context(), body)
	}
	if err != nil {
		http.Error(w, "bad gateway", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer) // a reader that has gone is no error of ours
}

// question and reply are JSON-RPC's.
type question struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method"`
	Params  []json.RawMessage `json:"params"`
}

type reply struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// each answers a request or a batch, question by question.
func (p *provider) each(ctx context.Context, body []byte, one func(context.Context, question) (reply, error)) ([]byte, error) {
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '[' {
		var q question
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, fmt.Errorf("read request: %w", err)
		}
		r, err := one(ctx, q)
		if err != nil {
			return nil, err
		}
		return json.Marshal(r)
	}
	var all []question
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("read batch: %w", err)
	}
	replies := make([]reply, 0, len(all))
	for _, q := range all {
		r, err := one(ctx, q)
		if err != nil {
			return nil, err
		}
		replies = append(replies, r)
	}
	return json.Marshal(replies)
}

// ask forwards one question.
func (p *provider) ask(ctx context.Context, q question) (reply, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return reply{}, err
	}
	answer, err := p.forward(ctx, body)
	if err != nil {
		return reply{}, err
	}
	var r reply
	if err := json.Unmarshal(answer, &r); err != nil {
		return reply{}, fmt.Errorf("read answer: %w", err)
	}
	if len(r.Result) == 0 && len(r.Error) == 0 {
		r.Result = json.RawMessage("null")
	}
	return r, nil
}

func (p *provider) forward(ctx context.Context, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.upstream, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := p.web.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the chain: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxRPC))
	if err != nil {
		return nil, fmt.Errorf("ask the chain: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.New("ask the chain: " + response.Status)
	}
	return answer, nil
}
