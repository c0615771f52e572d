package discord

import (
	"context"
	"net/http"
	"time"

	"belay/bot"

	"github.com/bwmarrin/discordgo"
)

// Post puts a card into a channel. Discord itself recognises a repetition by its nonce for a few minutes.
func (p *Platform) Post(ctx context.Context, channel string, c bot.Card, op string) (string, error) {
	return p.create(ctx, channel, c, op)
}

// Tell adds a message to a thread. Writing into an archived thread opens it again.
func (p *Platform) Tell(ctx context.Context, _, thread string, c bot.Card, op string) error {
	_, err := p.create(ctx, thread, c, op)
	return err
}

func (p *Platform) create(ctx context.Context, channel string, c bot.Card, op string) (string, error) {
	m := render(c)
	m.Nonce, m.EnforceNonce = op, true
	var created struct {
		ID string `json:"id"`
	}
	err := p.rest.do(ctx, call{method: http.MethodPost, path: "/channels/" + channel + "/messages", route: "create message", body: m}, &created)
	if err == nil && !snowflake(created.ID) {
		return "", &bot.Failure{Class: bot.Unknown, Detail: "discord: create message: the answer holds no id"}
	}
	return created.ID, err
}

// Find cannot look: Discord's nonce, which Post sends, covers the minutes after a crash.
func (p *Platform) Find(context.Context, string, string) (string, error) { return "", nil }

// Edit shows a card where an older one stands.
func (p *Platform) Edit(ctx context.Context, channel, message string, c bot.Card) error {
	return p.rest.do(ctx, call{method: http.MethodPatch, path: "/channels/" + channel + "/messages/" + message, route: "edit message", body: render(c)}, nil)
}

// OpenThread opens the thread under a message, or gives the one that is there: its id is the message's.
func (p *Platform) OpenThread(ctx context.Context, channel, message, name string) (string, error) {
	body := struct {
		Name        string `json:"name"`
		AutoArchive int    `json:"auto_archive_duration"`
	}{bot.Cut(bot.CleanText(name), maxThreadName), archiveMinutes}
	var opened struct {
		ID string `json:"id"`
	}
	err := p.rest.do(ctx, call{method: http.MethodPost, path: "/channels/" + channel + "/messages/" + message + "/threads", route: "open thread", body: body}, &opened)
	if hasCode(err, discordgo.ErrCodeThreadAlreadyCreatedForThisMessage) {
		return message, nil
	}
	return opened.ID, err
}

// tokenLife is how long Discord takes edits of an interaction's answer.
const tokenLife = 15 * time.Minute

// overtaken is how long after its arrival an acknowledgement may still be on its way: we sent it, but over HTTP nobody
// tells us when Discord has read it.
const overtaken = 5 * time.Second

// Answer writes the private answer that the acknowledgement promised.
func (p *Platform) Answer(ctx context.Context, to bot.ReplyTo, c bot.Card) error {
	age := time.Since(to.At)
	if age > tokenLife {
		return &bot.Failure{Class: bot.Gone, Detail: "discord: the interaction is too old to answer"}
	}
	soon, cancel := context.WithTimeout(ctx, overtaken)
	p.acks.wait(soon, to.Secret.Reveal())
	cancel()
	path := "/webhooks/" + p.cfg.ApplicationID + "/" + to.Secret.Reveal() + "/messages/@original"
	err := p.rest.do(ctx, call{method: http.MethodPatch, path: path, route: "answer interaction", body: render(c), bare: true}, nil)
	if bot.ClassOf(err) == bot.Gone && age < overtaken {
		return &bot.Failure{Class: bot.Retryable, After: 200 * time.Millisecond, Detail: "discord: the acknowledgement is still on its way"}
	}
	return err
}

// acknowledge answers an interaction that came over the gateway. That it was answered already is as good.
func (p *Platform) acknowledge(ctx context.Context, in interaction, answer response) error {
	path := "/interactions/" + in.ID + "/" + in.Token + "/callback"
	err := p.rest.do(ctx, call{method: http.MethodPost, path: path, route: "acknowledge interaction", body: answer, ack: true, bare: true}, nil)
	if hasCode(err, discordgo.ErrCodeInteractionHasAlreadyBeenAcknowledged) {
		return nil
	}
	return err
}
