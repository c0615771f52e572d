package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	maxBody  = 32 << 20 // bytes of one answer; the largest honest one is a few thousand logs
	maxBatch = 100      // requests in one HTTP body; public providers refuse more from 100 (Ankr) to 1000 (Infura, geth) on
)

// request is one JSON-RPC call before it has an id.
type request struct {
	method string
	params []any
}

// response answers one request: a result, or the provider's refusal of just this one.
type response struct {
	result json.RawMessage
	err    *rpcError
}

// decode reads the result into v, or returns the provider's refusal.
func (r response) decode(v any) error {
	if r.err != nil {
		return r.err
	}
	if err := json.Unmarshal(r.result, v); err != nil {
		return &providerError{outcome: Malformed, text: "answered something of the wrong type"}
	}
	return nil
}

// isNull reports whether the provider answered that it has no such thing.
func (r response) isNull() bool {
	return r.err == nil && (len(r.result) == 0 || string(r.result) == "null")
}

type wireRequest struct {
	Version string `json:"jsonrpc"`
	ID      uint64 `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

type wireResponse struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *wireError      `json:"error"`
}

type wireError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// call sends the requests, as one HTTP body for every hundred of them, and returns the answers in the same order. An error
// means that the provider as a whole did not answer; refusals of single requests are in the responses.
func (p *provider) call(ctx context.Context, requests ...request) ([]response, error) {
	responses := make([]response, 0, len(requests))
	for len(requests) > 0 {
		n := min(len(requests), maxBatch)
		part, err := p.exchange(ctx, requests[:n])
		if err != nil {
			return nil, err
		}
		responses = append(responses, part...)
		requests = requests[n:]
	}
	return responses, nil
}

// exchange is one HTTP round trip, measured and remembered for [Client.Health].
func (p *provider) exchange(ctx context.Context, requests []request) ([]response, error) {
	began := time.Now()
	responses, err := p.roundTrip(ctx, requests)
	outcome := outcomeOf(err)
	p.observe(requests[0].method, outcome, time.Since(began))
	if outcome != Canceled {
		p.remember(err)
	}
	return responses, err
}

func (p *provider) roundTrip(parent context.Context, requests []request) ([]response, error) {
	ctx, cancel := context.WithTimeout(parent, p.timeout)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, p.transportError(parent, ctx.Err())
	}
	first := p.ids.Add(uint64(len(requests))) - uint64(len(requests)) + 1
	body, err := encode(requests, first)
	if err != nil {
		return nil, err
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return nil, &providerError{outcome: Unreachable, text: "its URL cannot be used"}
	}
	post.Header.Set("Content-Type", "application/json")
	post.Header.Set("Accept", "application/json")
	answer, err := p.http.Do(post)
	if err != nil {
		return nil, p.transportError(parent, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err != nil {
		return nil, p.transportError(parent, err)
	}
	if len(text) > maxBody {
		return nil, &providerError{outcome: TooLarge, text: fmt.Sprintf("answered more than %d MiB", maxBody>>20)}
	}
	if err := p.statusError(answer, text); err != nil {
		return nil, err
	}
	return p.decodeAnswers(text, first, len(requests))
}

// encode writes one request as an object and several as a batch: some public providers serve no batches, and most calls
// are single.
func encode(requests []request, first uint64) ([]byte, error) {
	wire := make([]wireRequest, len(requests))
	for i, r := range requests {
		wire[i] = wireRequest{Version: "2.0", ID: first + uint64(i), Method: r.method, Params: r.params}
	}
	var body any = wire
	if len(wire) == 1 {
		body = wire[0]
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode JSON-RPC request: %w", err)
	}
	return text, nil
}

// statusError judges the HTTP status. A JSON-RPC error object with a 4xx status is left to decodeAnswers: several
// providers answer that way, and their message says more than the number.
func (p *provider) statusError(answer *http.Response, text []byte) error {
	status := answer.StatusCode
	switch {
	case status == http.StatusTooManyRequests:
		return &providerError{outcome: Throttled, text: "throttled us (HTTP 429)"}
	case status >= 300 && status < 400:
		return &providerError{outcome: BadStatus, text: fmt.Sprintf("answered a redirect (HTTP %d), which is not followed", status)}
	case status >= 500:
		return &providerError{outcome: BadStatus, text: fmt.Sprintf("answered HTTP %d", status)}
	case status >= 400 && !looksLikeJSONRPC(text):
		return &providerError{outcome: BadStatus, text: fmt.Sprintf("answered HTTP %d", status)}
	}
	return nil
}

func looksLikeJSONRPC(text []byte) bool {
	var object struct {
		Error *wireError `json:"error"`
	}
	return json.Unmarshal(text, &object) == nil && object.Error != nil
}

// decodeAnswers matches answers to requests by id: exactly one for each, none that was not asked.
func (p *provider) decodeAnswers(text []byte, first uint64, n int) ([]response, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, &providerError{outcome: NotJSON, text: "answered nothing"}
	}
	if text[0] == '<' {
		return nil, &providerError{outcome: NotJSON, text: "answered a web page (HTML) instead of JSON"}
	}
	wire, err := splitAnswers(text)
	if err != nil {
		return nil, err
	}
	if len(wire) == 1 && wire[0].Error != nil && (n > 1 || isNullID(wire[0].ID)) {
		return nil, p.refusal(wire[0].Error) // the batch as a whole, or before the id was read
	}
	responses, seen := make([]response, n), make([]bool, n)
	for _, w := range wire {
		var id uint64
		if json.Unmarshal(w.ID, &id) != nil || id < first || id-first >= uint64(n) || seen[id-first] {
			return nil, &providerError{outcome: Malformed, text: "answered a request that was not asked"}
		}
		seen[id-first] = true
		responses[id-first] = response{result: w.Result}
		if w.Error != nil {
			responses[id-first] = response{err: p.newRPCError(w.Error)}
		}
	}
	if len(wire) != n {
		return nil, &providerError{outcome: Malformed, text: fmt.Sprintf("answered %d of %d requests", len(wire), n)}
	}
	return responses, nil
}

func splitAnswers(text []byte) ([]wireResponse, error) {
	var several []wireResponse
	var err error
	if text[0] == '[' {
		err = json.Unmarshal(text, &several)
	} else {
		several = make([]wireResponse, 1)
		err = json.Unmarshal(text, &several[0])
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, &providerError{outcome: NotJSON, text: "answered something that is not JSON"}
	case err != nil:
		return nil, &providerError{outcome: Malformed, text: "answered JSON that is not JSON-RPC"}
	}
	return several, nil
}

func isNullID(id json.RawMessage) bool { return len(id) == 0 || string(id) == "null" }

// refusal turns an error for a whole batch into a failure of the provider.
func (p *provider) refusal(e *wireError) error {
	err := p.newRPCError(e)
	if isThrottle(err) {
		return &providerError{outcome: Throttled, text: "throttled us: " + err.message}
	}
	return &providerError{outcome: Refused, text: "refused: " + err.message}
}
