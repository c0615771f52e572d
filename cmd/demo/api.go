package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"belay/governance"
)

// api is Belay's JSON API as the operator's own program uses it.
type api struct {
	origin, token string
	web           *http.Client
}

func newAPI(origin, token string) *api {
	return &api{origin: origin, token: token, web: &http.Client{Timeout: 20 * time.Second}}
}

// problem is a refusal of the API.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error gives status, code and sentence.
func (p *problem) Error() string {
	return fmt.Sprintf("%d %s: %s. %s", p.Status, p.Code, p.Title, p.Detail)
}

// call sends a request and decodes the answer into out; a refusal is a *problem.
func (a *api) call(ctx context.Context, method, path string, body, out any) (status int, err error) {
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		payload = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.origin+path, payload)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := a.web.Do(request)
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxRPC))
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		refusal := &problem{Status: response.StatusCode}
		if json.Unmarshal(text, refusal) != nil {
			refusal.Detail = string(text)
		}
		return response.StatusCode, refusal
	}
	if err := json.Unmarshal(text, out); err != nil {
		return response.StatusCode, fmt.Errorf("%s %s: read answer: %w", method, path, err)
	}
	return response.StatusCode, nil
}

// proposals lists the newest ones, all that the operator may see.
func (a *api) proposals(ctx context.Context) ([]governance.View, error) {
	var page struct {
		Proposals []governance.View `json:"proposals"`
	}
	_, err := a.call(ctx, http.MethodGet, "/api/v1/proposals", nil, &page)
	return page.Proposals, err
}

func (a *api) proposal(ctx context.Context, id string) (v governance.View, err error) {
	_, err = a.call(ctx, http.MethodGet, "/api/v1/proposals/"+url.PathEscape(id), nil, &v)
	return v, err
}

// typedData is what an owner's wallet is asked to sign, and the hash that the wallet computes of it.
func (a *api) typedData(ctx context.Context, id, safeTxHash string) (typed, error) {
	var document json.RawMessage
	if _, err := a.call(ctx, http.MethodGet, "/api/v1/proposals/"+url.PathEscape(id)+"/typed-data?safe_tx_hash="+url.QueryEscape(safeTxHash), nil, &document); err != nil {
		return typed{}, err
	}
	return readTyped(document)
}

// hand posts a signature and gives the HTTP status with the proposal as it then is.
func (a *api) hand(ctx context.Context, id, safeTxHash, signature string) (status int, v governance.View, err error) {
	status, err = a.call(ctx, http.MethodPost, "/api/v1/proposals/"+url.PathEscape(id)+"/signatures",
		map[string]string{"signature": signature, "safe_tx_hash": safeTxHash}, &v)
	return status, v, err
}

// whole gives what Belay knows and acknowledged, in a form that two lives can be compared by.
func (a *api) whole(ctx context.Context) (known, error) {
	all, err := a.proposals(ctx)
	if err != nil {
		return known{}, err
	}
	k := known{Proposals: len(all)}
	for _, v := range all {
		k.Events += len(v.Events)
		for _, t := range v.SafeTxs {
			k.Signatures += len(t.Confirmations)
		}
	}
	return k, nil
}

// known counts what must survive a kill. None of it ever becomes less.
type known struct{ Proposals, Signatures, Events int }

func (k known) within(later known) bool {
	return k.Proposals <= later.Proposals && k.Signatures <= later.Signatures && k.Events <= later.Events
}

func (k known) String() string {
	return fmt.Sprintf("%s, %s, %s", count(k.Proposals, "proposal"), count(k.Signatures, "signature"), count(k.Events, "event"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
