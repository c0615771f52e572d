package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"belay/bot"
	"belay/governance"
	"belay/governance/coordinator"

	"github.com/bwmarrin/discordgo"
)

// kindInteraction is the kind of all inbox entries.
const kindInteraction = "interaction"

// interaction is the part of Discord's object that is used. discordgo's own decoding fails as a whole on any component
// that is newer than it.
type interaction struct {
	ID            string                    `json:"id"`
	ApplicationID string                    `json:"application_id"`
	Type          discordgo.InteractionType `json:"type"`
	Token         string                    `json:"token"`
	GuildID       string                    `json:"guild_id"`
	Context       *int                      `json:"context"`
	Owners        map[string]any            `json:"authorizing_integration_owners"`
	Member        *struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
		Roles []string `json:"roles"`
	} `json:"member"`
	Data struct {
		Name       string      `json:"name"`
		CustomID   string      `json:"custom_id"`
		Options    []option    `json:"options"`
		Components []sentField `json:"components"`
	} `json:"data"`
}

// option is a filled-in option of a command.
type option struct {
	Name    string                                 `json:"name"`
	Type    discordgo.ApplicationCommandOptionType `json:"type"`
	Value   json.RawMessage                        `json:"value"`
	Focused bool                                   `json:"focused"`
	Options []option                               `json:"options"`
}

// text gives a value as it was typed. Ours are all strings; a number is taken by its digits, never through a float.
func (o option) text() string {
	var s string
	if json.Unmarshal(o.Value, &s) == nil {
		return s
	}
	return string(o.Value)
}

func readInteraction(body []byte) (interaction, error) {
	var in interaction
	if err := json.Unmarshal(body, &in); err != nil {
		return in, errors.New("read interaction: malformed JSON")
	}
	if !snowflake(in.ID) {
		return in, errors.New("read interaction: it has no id")
	}
	return in, nil
}

// ours pins application and server, and refuses direct messages and user-installed apps: there nobody's roles are known.
func (p *Platform) ours(in interaction) bool {
	if in.ApplicationID != p.cfg.ApplicationID || in.GuildID != p.cfg.GuildID || in.Member == nil || in.Member.User.ID == "" {
		return false
	}
	if in.Context != nil && *in.Context != int(discordgo.InteractionContextGuild) {
		return false
	}
	if _, guild := in.Owners["0"]; in.Owners != nil && !guild {
		return false
	}
	return true
}

// Decode reads an inbox entry.
func (p *Platform) Decode(_ context.Context, entry governance.InboxEntry) (bot.Incoming, error) {
	if entry.Kind != kindInteraction {
		return bot.Incoming{}, fmt.Errorf("inbox entry of kind %q is of a newer Belay", entry.Kind)
	}
	in, err := readInteraction(entry.Body)
	if err != nil {
		return bot.Incoming{}, err
	}
	if !p.ours(in) {
		return bot.Incoming{}, errors.New("entry of another server")
	}
	out := bot.Incoming{
		Actor: coordinator.Actor{Platform: Name, Space: in.GuildID, User: in.Member.User.ID, Groups: in.Member.Roles},
		Reply: bot.ReplyTo{Secret: bot.Secret(in.Token), At: entry.ReceivedAt},
	}
	if in.Type == discordgo.InteractionMessageComponent {
		click, known := bot.ParseClick(in.Data.CustomID)
		if !known {
			return bot.Incoming{}, errors.New("a button of another app")
		}
		out.Click = &click
		return out, nil
	}
	command, known := p.typed(in)
	if !known {
		return bot.Incoming{}, errors.New("a command of an older registration, or a form of another app")
	}
	out.Command = &command
	return out, nil
}

// typed reads what was typed: a slash command, or the form that asked for the rest of one.
func (p *Platform) typed(in interaction) (bot.Command, bool) {
	if in.Type == discordgo.InteractionModalSubmit {
		return sentForm(in)
	}
	return p.command(in)
}

// command reads a slash command: /pause PLAYBOOK key: value, or with the playbook as an option, or behind the root.
func (p *Platform) command(in interaction) (bot.Command, bool) {
	verb, root, known := p.cfg.Names.Verb(in.Data.Name)
	if !known {
		return bot.Command{}, false
	}
	options := in.Data.Options
	var words []bot.Word
	if len(options) == 1 && options[0].Type == discordgo.ApplicationCommandOptionSubCommand {
		if root {
			verb = bot.Verb(options[0].Name)
		} else {
			words = append(words, bot.Word{Key: optionPlaybook, Value: options[0].Name})
		}
		options = options[0].Options
	}
	for _, o := range options {
		if o.Name == optionValues {
			words = append(words, bot.Words(o.text())...)
			continue
		}
		words = append(words, bot.Word{Key: o.Name, Value: o.text(), Quoted: true})
	}
	return bot.Command{Verb: verb, Words: words}, true
}
