package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"belay/bot"

	"github.com/bwmarrin/discordgo"
)

// apiVersion is Discord's current one; discordgo's own default is 9.
const apiVersion = "10"

const userAgent = "DiscordBot (belay, 1)"

// rest speaks to Discord's HTTP API. It makes one attempt a call and classifies what comes back; the outbox retries.
// Acknowledgements have three seconds and are exempt from the global limit, so they use connections of their own and no
// gate.
type rest struct {
	base  string
	token bot.Secret
	web   *http.Client
	acks  *http.Client

	mu      sync.Mutex
	blocked time.Time // guarded by mu: a global limit holds until then
}

func newREST(cfg Config) *rest {
	client := func(timeout time.Duration) *http.Client {
		return &http.Client{
			Timeout:       timeout,
			Transport:     http.DefaultTransport.(*http.Transport).Clone(),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect would carry secrets on
		}
	}
	return &rest{base: cfg.APIURL + "/api/v" + apiVersion, token: cfg.Token, web: client(10 * time.Second), acks: client(2500 * time.Millisecond)}
}

func (r *rest) close() {
	r.web.CloseIdleConnections()
	r.acks.CloseIdleConnections()
}

// call is one request. Path may hold an interaction token; route says the same for logs, without it.
type call struct {
	method, path, route string
	body                any
	ack                 bool // an acknowledgement
	bare                bool // authorised by the token in its path
}

// do makes the call and decodes the answer into out, if that is not nil. Its errors are *bot.Failure, and hold neither
// path nor body.
func (r *rest) do(ctx context.Context, c call, out any) error {
	if wait := r.gate(time.Now()); wait > 0 && !c.ack {
		return &bot.Failure{Class: bot.Retryable, After: wait, Detail: "discord: " + c.route + ": the global limit holds"}
	}
	request, err := r.request(ctx, c)
	if err != nil {
		return err
	}
	client := r.web
	if c.ack {
		client = r.acks
	}
	response, err := client.Do(request)
	if err != nil {
		return networkFailure(c.route, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return networkFailure(c.route, err)
	}
	if response.StatusCode >= 300 {
		return r.refused(c.route, response, body)
	}
	if out == nil || len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &bot.Failure{Class: bot.Unknown, Detail: "discord: " + c.route + ": the answer is not the JSON it should be"}
	}
	return nil
}

func (r *rest) request(ctx context.Context, c call) (*http.Request, error) {
	var body io.Reader
	if c.body != nil {
		encoded, err := json.Marshal(c.body)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", c.route, err)
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, c.method, r.base+c.path, body)
	if err != nil {
		return nil, &bot.Failure{Class: bot.Unknown, Detail: "discord: " + c.route + ": the address cannot be built"}
	}
	request.Header.Set("User-Agent", userAgent)
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if !c.bare {
		request.Header.Set("Authorization", "Bot "+r.token.Reveal())
	}
	return request, nil
}

// gate says how long the global limit still holds.
func (r *rest) gate(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blocked.Sub(now)
}

// refusal is the body of Discord's errors, rate limits included.
type refusal struct {
	Code       int     `json:"code"`
	RetryAfter float64 `json:"retry_after"` // seconds
	Global     bool    `json:"global"`
}

func (r *rest) refused(route string, response *http.Response, body []byte) error {
	var why refusal
	_ = json.Unmarshal(body, &why) // a gateway's error page has no code, and then the status decides
	detail := fmt.Sprintf("discord: %s: HTTP %d, code %d", route, response.StatusCode, why.Code)
	if response.StatusCode == http.StatusTooManyRequests {
		after := max(time.Duration(why.RetryAfter*float64(time.Second)), retryHeader(response))
		if why.Global || response.Header.Get("X-RateLimit-Global") == "true" {
			r.mu.Lock()
			r.blocked = time.Now().Add(after)
			r.mu.Unlock()
		}
		return &refusedError{Failure: bot.Failure{Class: bot.Retryable, After: after, Detail: detail}, code: why.Code}
	}
	return &refusedError{Failure: bot.Failure{Class: classOf(response.StatusCode, why.Code), After: patience(why.Code), Detail: detail}, code: why.Code}
}

func retryHeader(response *http.Response) time.Duration {
	seconds, _ := strconv.ParseFloat(response.Header.Get("Retry-After"), 64) // absent: the body says it
	return time.Duration(seconds * float64(time.Second))
}

// refusedError is a Failure that remembers Discord's code.
type refusedError struct {
	bot.Failure
	code int
}

func (e *refusedError) Error() string { return e.Failure.Error() }

// Unwrap gives the Failure that callers outside know.
func (e *refusedError) Unwrap() error { return &e.Failure }

func hasCode(err error, code int) bool {
	e, ok := errors.AsType[*refusedError](err)
	return ok && e.code == code
}

// Codes that discordgo does not name.
const (
	codeEditsOfOldMessages = 30046 // a message older than an hour takes few edits
	codeChannelWrites      = 20028
	codeThreadLocked       = 160005
)

// classOf sorts Discord's answers (discord.com/developers/docs/topics/opcodes-and-status-codes).
func classOf(status, code int) bot.Class {
	switch code {
	case discordgo.ErrCodeUnknownMessage, discordgo.ErrCodeUnknownChannel, discordgo.ErrCodeUnknownInteraction, discordgo.ErrCodeUnknownWebhook:
		return bot.Gone
	case codeEditsOfOldMessages, codeChannelWrites:
		return bot.Retryable
	case codeThreadLocked, discordgo.ErrCodeMissingAccess, discordgo.ErrCodeMissingPermissions:
		return bot.Forbidden
	case discordgo.ErrCodeInvalidFormBody:
		return bot.TooLong
	}
	switch {
	case status >= 500:
		return bot.Retryable
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return bot.Forbidden
	case status == http.StatusNotFound:
		return bot.Gone
	case status == http.StatusBadRequest:
		return bot.TooLong
	}
	return bot.Unknown
}

// patience is how long to wait after codes that name no time themselves.
func patience(code int) time.Duration {
	if code == codeEditsOfOldMessages || code == codeChannelWrites {
		return 30 * time.Second
	}
	return 0
}

// networkFailure keeps the kind of an error and drops the address in it: interaction tokens stand in addresses.
func networkFailure(route string, err error) error {
	if broken, ok := errors.AsType[*url.Error](err); ok {
		err = broken.Err
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("discord: %s: %w", route, context.Canceled)
	}
	return &bot.Failure{Class: bot.Retryable, Detail: "discord: " + route + ": " + err.Error()}
}
