package slack

import (
	"context"
	"errors"
	"time"

	"belay/bot"
	"belay/governance"
)

// reply is how an arrival is answered: the body of the acknowledgement, nil for none, and what follows once that was sent.
type reply struct {
	body any
	then func(context.Context)
}

const notThisWorkspace = "Belay takes commands only from members of its own workspace. Nothing was recorded."

// take commits a verified payload and says what to acknowledge it with. A command that lacks something is not recorded: it
// is acknowledged with nothing, and a form asks for the rest.
func (p *Platform) take(ctx context.Context, kind string, body []byte, since time.Time) reply {
	a, err := p.read(kind, body)
	switch {
	case errors.Is(err, errNotOurs):
		p.cfg.Observe.Observe(Name, bot.OutcomeIgnored, since)
		return reply{}
	case err != nil:
		p.cfg.Log.Warn("unreadable arrival", "platform", Name, "kind", kind, "error", err)
		p.cfg.Observe.Observe(Name, bot.OutcomeRefused, since)
		return reply{body: private("NOT recorded: this could not be read.")}
	case !p.ours(a):
		p.cfg.Log.Warn("arrival from another workspace", "platform", Name, "team", a.team)
		p.cfg.Observe.Observe(Name, bot.OutcomeRefused, since)
		return p.badNews(a, notThisWorkspace)
	case a.sent != nil:
		return p.takeForm(ctx, a, body, since)
	}
	if a.command != nil {
		if form, asks := bot.Ask(p.gate, *a.command); asks {
			if view, fits := layOutForm(form, a.responseURL, since); fits {
				return reply{then: func(ctx context.Context) { p.openForm(ctx, a, view, kind, body, since) }}
			}
		}
	}
	receipt := p.record(ctx, a, kind, body, since)
	switch {
	case !receipt.Recorded:
		return p.badNews(a, receipt.Text)
	case a.command != nil:
		return reply{body: private(receipt.Text)}
	}
	return reply{} // Slack shows nothing for a click; the answer comes
}

// record commits an arrival to the inbox.
func (p *Platform) record(ctx context.Context, a arrival, kind string, body []byte, since time.Time) bot.Receipt {
	entry := governance.InboxEntry{Key: a.key, Platform: Name, Kind: kind, Body: body, ReceivedAt: since}
	receipt := bot.Acknowledge(ctx, p.gate, entry, a.command)
	p.cfg.Observe.Observe(Name, receipt.Outcome, since)
	if !receipt.Recorded {
		p.cfg.Log.Error("arrival was NOT recorded", "platform", Name, "kind", kind)
	}
	return receipt
}

// badNews says that nothing was recorded: a command's acknowledgement shows it, for a click the response address must, and a
// form shows it at its first field.
func (p *Platform) badNews(a arrival, text string) reply {
	switch {
	case a.sent != nil:
		return reply{body: a.sent.refuse(text)}
	case a.command != nil:
		return reply{body: private(text)}
	}
	return reply{then: func(ctx context.Context) { p.tell(ctx, a.responseURL, text) }}
}

// tell writes to a response address at once.
func (p *Platform) tell(ctx context.Context, address, text string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := p.respond(ctx, bot.ReplyTo{Secret: bot.Secret(address)}, private(text)); err != nil {
		p.cfg.Log.Warn("private message was not delivered", "platform", Name, "error", err)
	}
}

// private is a message of our own words that only the asker sees.
func private(text string) message {
	return message{ResponseType: "ephemeral", Text: escape(text)}
}
