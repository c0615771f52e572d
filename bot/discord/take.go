package discord

import (
	"context"
	"time"

	"belay/bot"
	"belay/governance"

	"github.com/bwmarrin/discordgo"
)

// response is what an interaction is answered with at once.
type response struct {
	Type discordgo.InteractionResponseType `json:"type"`
	Data any                               `json:"data,omitempty"`
}

type responseData struct {
	Content         string                 `json:"content,omitempty"`
	Flags           discordgo.MessageFlags `json:"flags,omitempty"`
	AllowedMentions *mentions              `json:"allowed_mentions,omitempty"`
}

// completion is the data of offered choices; an empty list is sent as one.
type completion struct {
	Choices []choice `json:"choices"`
}

// deferred promises a private answer, which the worker writes. It is the only way to keep 15 minutes for it.
var deferred = response{
	Type: discordgo.InteractionResponseDeferredChannelMessageWithSource,
	Data: &responseData{Flags: discordgo.MessageFlagsEphemeral},
}

// private is a private answer at once.
func private(text string) response {
	return response{Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &responseData{Content: bot.CutEscaped(bot.CleanText(text), maxContent, escape), Flags: discordgo.MessageFlagsEphemeral, AllowedMentions: nobody()}}
}

const notThisServer = "Belay takes commands only in its own server. Nothing was recorded."

// take commits a verified interaction and says what to answer at once. The caller sends that and then calls acks.end.
func (p *Platform) take(ctx context.Context, body []byte, since time.Time) (in interaction, answer response) {
	in, err := readInteraction(body)
	switch {
	case err != nil:
		p.cfg.Log.Warn("unreadable arrival", "platform", Name, "error", err)
		p.cfg.Observe.Observe(Name, bot.OutcomeRefused, since)
		return in, private("NOT recorded: this could not be read.")
	case in.Type == discordgo.InteractionPing:
		p.cfg.Observe.Observe(Name, bot.OutcomeIgnored, since)
		return in, response{Type: discordgo.InteractionResponsePong}
	case in.Type == discordgo.InteractionApplicationCommandAutocomplete:
		p.cfg.Observe.Observe(Name, bot.OutcomeCompleted, since)
		return in, p.complete(in)
	case !p.ours(in):
		p.cfg.Log.Warn("arrival from elsewhere", "platform", Name, "guild", in.GuildID)
		p.cfg.Observe.Observe(Name, bot.OutcomeRefused, since)
		return in, private(notThisServer)
	}
	return in, p.record(ctx, in, body, since)
}

// record commits what arrived to the inbox. A command that lacks something is not recorded: it is answered by a form, which
// Discord takes only as the first answer.
func (p *Platform) record(ctx context.Context, in interaction, body []byte, since time.Time) response {
	entry := governance.InboxEntry{Key: Name + ":" + in.ID, Platform: Name, Kind: kindInteraction, Body: body, ReceivedAt: since}
	switch in.Type {
	case discordgo.InteractionApplicationCommand:
		command, known := p.command(in)
		if !known {
			return p.ignored("This command is of an older Belay. Nothing was recorded.", since)
		}
		if form, asks := bot.Ask(p.gate, command); asks {
			if data, fits := layOutForm(form); fits {
				p.cfg.Observe.Observe(Name, bot.OutcomeAsked, since)
				return response{Type: discordgo.InteractionResponseModal, Data: data}
			}
		}
	case discordgo.InteractionModalSubmit:
		if _, ours := sentForm(in); !ours {
			return p.ignored("This form is not Belay's. Nothing was recorded.", since)
		}
	case discordgo.InteractionMessageComponent:
		if _, ours := bot.ParseClick(in.Data.CustomID); !ours {
			return p.ignored("This button is not Belay's. Nothing was recorded.", since)
		}
	default:
		return p.ignored("Belay does not know this. Nothing was recorded.", since)
	}
	p.acks.begin(in.Token) // whoever sends the answer ends it
	receipt := bot.Acknowledge(ctx, p.gate, entry, nil)
	p.cfg.Observe.Observe(Name, receipt.Outcome, since)
	if !receipt.Recorded {
		p.cfg.Log.Error("arrival was NOT recorded", "platform", Name)
		return private(receipt.Text)
	}
	return deferred
}

// ignored answers what asks for nothing that we do.
func (p *Platform) ignored(why string, since time.Time) response {
	p.cfg.Observe.Observe(Name, bot.OutcomeIgnored, since)
	return private(why)
}
