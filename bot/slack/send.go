package slack

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
	"time"

	"belay/bot"

	"github.com/slack-go/slack"
)

// metadataType marks our messages, so that a later life can find what an earlier one posted. Slack has no idempotency key.
const metadataType = "belay_card"

// Post puts a card into a channel.
func (p *Platform) Post(ctx context.Context, channel string, c bot.Card, op string) (string, error) {
	return p.post(ctx, channel, c, op)
}

// Tell adds a message to a thread.
func (p *Platform) Tell(ctx context.Context, channel, thread string, c bot.Card, op string) error {
	_, err := p.post(ctx, channel, c, op, slack.MsgOptionTS(thread))
	return err
}

func (p *Platform) post(ctx context.Context, channel string, c bot.Card, op string, more ...slack.MsgOption) (string, error) {
	options := append(content(c), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: metadataType, EventPayload: map[string]any{"op": op}}))
	_, ts, err := p.api.PostMessageContext(ctx, channel, append(options, more...)...)
	if err != nil {
		return "", classify("chat.postMessage", err)
	}
	return ts, nil
}

// Edit shows a card where an older one stands.
func (p *Platform) Edit(ctx context.Context, channel, message string, c bot.Card) error {
	if _, _, _, err := p.api.UpdateMessageContext(ctx, channel, message, content(c)...); err != nil {
		return classify("chat.update", err)
	}
	return nil
}

// OpenThread gives the thread under a message: in Slack every message is one.
func (p *Platform) OpenThread(_ context.Context, _, message, _ string) (string, error) {
	return message, nil
}

// Find looks through the channel's newest messages for one that was posted under op.
func (p *Platform) Find(ctx context.Context, channel, op string) (string, error) {
	history, err := p.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: channel, Limit: 100, IncludeAllMetadata: true})
	if err != nil {
		return "", classify("conversations.history", err)
	}
	for _, m := range history.Messages {
		if m.Metadata.EventType == metadataType && m.Metadata.EventPayload["op"] == op {
			return m.Timestamp, nil
		}
	}
	return "", nil
}

func content(c bot.Card) []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionText(summary(c), false), slack.MsgOptionBlocks(render(c)...)}
}

// message is what a response address takes.
type message struct {
	ResponseType    string        `json:"response_type"`
	ReplaceOriginal bool          `json:"replace_original"`
	Text            string        `json:"text"`
	Blocks          []slack.Block `json:"blocks,omitempty"`
}

// responseLife is how long Slack takes answers at a response address.
const responseLife = 30 * time.Minute

// Answer tells the person privately.
func (p *Platform) Answer(ctx context.Context, to bot.ReplyTo, c bot.Card) error {
	if !to.At.IsZero() && time.Since(to.At) > responseLife {
		return &bot.Failure{Class: bot.Gone, Detail: "slack: the response address is too old"}
	}
	return p.respond(ctx, to, message{ResponseType: "ephemeral", ReplaceOriginal: to.Replace, Text: summary(c), Blocks: render(c)})
}

// respond posts to a response address. The address is a bearer secret: no error holds it.
func (p *Platform) respond(ctx context.Context, to bot.ReplyTo, m message) error {
	if !p.trusted(to.Secret.Reveal()) {
		return &bot.Failure{Class: bot.Forbidden, Detail: "slack: the response address is not Slack's"}
	}
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Secret.Reveal(), bytes.NewReader(body))
	if err != nil {
		return &bot.Failure{Class: bot.Gone, Detail: "slack: the response address cannot be read"}
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	response, err := p.web.Do(request)
	if err != nil {
		return classify("response address", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16)) // so that the connection is used again
	return responseFailure(response)
}

func responseFailure(r *http.Response) error {
	detail := "slack: response address: HTTP " + strconv.Itoa(r.StatusCode)
	switch {
	case r.StatusCode < 300:
		return nil
	case r.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(r.Header.Get("Retry-After")) // absent: the caller's own pace
		return &bot.Failure{Class: bot.Retryable, After: time.Duration(seconds) * time.Second, Detail: detail}
	case r.StatusCode >= 500:
		return &bot.Failure{Class: bot.Retryable, Detail: detail}
	case r.StatusCode == http.StatusBadRequest:
		return &bot.Failure{Class: bot.TooLong, Detail: detail}
	}
	return &bot.Failure{Class: bot.Gone, Detail: detail}
}

// trusted pins response addresses to Slack. With another api_url, a stand-in's, they may also be on its host, or on any
// loopback port if that one is loopback.
func (p *Platform) trusted(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	if u.Scheme == "https" && u.Host == "hooks.slack.com" {
		return true
	}
	api, err := url.Parse(p.cfg.APIURL)
	if err != nil || p.cfg.APIURL == defaultAPI {
		return false
	}
	if loopback(api.Hostname()) {
		return loopback(u.Hostname())
	}
	return u.Scheme == "https" && u.Hostname() == api.Hostname()
}

// classes sorts Slack's error codes. What is not here is Unknown.
var classes = map[string]bot.Class{
	"expired_trigger_id": bot.Gone, "exchanged_trigger_id": bot.Gone, "invalid_trigger_id": bot.Gone,
	"message_not_found": bot.Gone, "thread_not_found": bot.Gone, "cant_update_message": bot.Gone, "edit_window_closed": bot.Gone,

	"invalid_auth": bot.Forbidden, "not_authed": bot.Forbidden, "account_inactive": bot.Forbidden, "token_revoked": bot.Forbidden, "token_expired": bot.Forbidden,
	"missing_scope": bot.Forbidden, "no_permission": bot.Forbidden, "not_allowed_token_type": bot.Forbidden, "ekm_access_denied": bot.Forbidden,
	"channel_not_found": bot.Forbidden, "not_in_channel": bot.Forbidden, "is_archived": bot.Forbidden, "restricted_action": bot.Forbidden, "team_access_not_granted": bot.Forbidden,

	"msg_too_long": bot.TooLong, "msg_blocks_too_long": bot.TooLong, "invalid_blocks": bot.TooLong, "invalid_blocks_format": bot.TooLong, "invalid_arguments": bot.TooLong, "view_too_large": bot.TooLong, "no_text": bot.TooLong,

	"ratelimited": bot.Retryable, "rate_limited": bot.Retryable, "message_limit_exceeded": bot.Retryable, "internal_error": bot.Retryable,
	"fatal_error": bot.Retryable, "service_unavailable": bot.Retryable, "request_timeout": bot.Retryable,
}

// classify turns the library's errors into Failures without addresses or tokens.
func classify(method string, err error) error {
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return &bot.Failure{Class: bot.Retryable, After: limited.RetryAfter, Detail: "slack: " + method + ": rate limited"}
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		class := bot.Retryable
		if status.Code < 500 {
			class = bot.Forbidden
		}
		return &bot.Failure{Class: class, Detail: "slack: " + method + ": HTTP " + strconv.Itoa(status.Code)}
	}
	if refused, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return codeFailure(method, refused.Err)
	}
	if class, known := classes[err.Error()]; known && class == bot.Forbidden { // the socket gives the bare code
		return codeFailure(method, err.Error())
	}
	if broken, ok := errors.AsType[*url.Error](err); ok { // its text holds the address
		err = broken.Err
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("slack: %s: %w", method, context.Canceled)
	}
	return &bot.Failure{Class: bot.Retryable, Detail: "slack: " + method + ": " + err.Error()}
}

func codeFailure(method, code string) error {
	class, known := classes[code]
	if !known {
		class = bot.Unknown
	}
	return &bot.Failure{Class: class, Detail: "slack: " + method + ": " + code}
}
