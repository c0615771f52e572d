package slack

import (
	"context"
	"errors"
	"time"

	"belay/bot"
	"belay/governance"
)

// reply is what to tell at once. Commands show it; for clicks Slack shows nothing, so that bad news goes to ResponseURL.
type reply struct {
	text        string // "" says nothing
	responseURL string // where bad news about a click goes; "" for commands and good news
}

const notThisWorkspace = "Belay takes commands only from members of its own workspace. Nothing was recorded."

// take commits a verified payload and says what to acknowledge it with.
func (p *Platform) take(ctx context.Context, kind string, body []byte, since time.Time) reply {
	a, err := p.read(kind, body)
	switch {
	case errors.Is(err, errNotOurs):
		p.cfg.Observe.Observe(Name, bot.OutcomeIgnored, since)
		return reply{}
	case err != nil:
		p.cfg.Log.Warn("unreadable arrival", "platform", Name, "kind", kind, "error", err)
		p.cfg.Observe.Observe(Name, bot.OutcomeRefused, since)
		return reply{text: "NOT recorded: this could not be read."}
	case !p.ours(a):
		p.cfg.Log.Warn("arrival from another workspace", "platform", Name, "team", a.team)
		p.cfg.Observe.Observe(Name, bot.OutcomeRefused, since)
		return a.answer(notThisWorkspace, false)
	}
	entry := governance.InboxEntry{Key: a.key, Platform: Name, Kind: kind, Body: body, ReceivedAt: since}
	receipt := bot.Acknowledge(ctx, p.gate, entry, a.command)
	p.cfg.Observe.Observe(Name, receipt.Outcome, since)
	if !receipt.Recorded {
		p.cfg.Log.Error("arrival was NOT recorded", "platform", Name, "kind", kind)
	}
	return a.answer(receipt.Text, receipt.Recorded)
}

func (a arrival) answer(text string, good bool) reply {
	switch {
	case a.command != nil:
		return reply{text: escape(text)}
	case good:
		return reply{}
	}
	return reply{text: escape(text), responseURL: a.responseURL}
}

// tellBadNews reaches the person whose click was not recorded.
func (p *Platform) tellBadNews(ctx context.Context, r reply) {
	if r.responseURL == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	to := bot.ReplyTo{Secret: bot.Secret(r.responseURL)}
	if err := p.respond(ctx, to, message{ResponseType: "ephemeral", Text: r.text}); err != nil {
		p.cfg.Log.Warn("bad news was not delivered", "platform", Name, "error", err)
	}
}

// ackBody is a command's acknowledgement: shown to the one who typed it.
type ackBody struct {
	ResponseType string `json:"response_type"`
	Text         string `json:"text"`
}

func (r reply) body() any {
	if r.text == "" || r.responseURL != "" {
		return nil
	}
	return ackBody{ResponseType: "ephemeral", Text: r.text}
}
