package discord

import (
	"context"
	"slices"
	"strings"

	"belay/bot"

	"github.com/bwmarrin/discordgo"
)

// Register brings the server's commands of this application in line with the playbooks, in one request and only when
// something differs.
func (p *Platform) Register(ctx context.Context) error {
	path := "/applications/" + p.cfg.ApplicationID + "/guilds/" + p.cfg.GuildID + "/commands"
	var have []command
	if err := p.rest.do(ctx, call{method: "GET", path: path, route: "list commands"}, &have); err != nil {
		return err
	}
	want := commands(p.cfg.Names, p.gate.Playbooks())
	if same(want, have) {
		return nil
	}
	return p.rest.do(ctx, call{method: "PUT", path: path, route: "overwrite commands", body: want}, nil)
}

// complete offers values while a person types, from memory. Nothing that is picked is trusted: it is read anew when the
// command comes.
func (p *Platform) complete(in interaction) response {
	offered := []choice{}
	if p.ours(in) {
		offered = p.offers(in)
	}
	return response{Type: discordgo.InteractionApplicationCommandAutocompleteResult, Data: completion{offered}}
}

func (p *Platform) offers(in interaction) []choice {
	options, playbook := in.Data.Options, ""
	if len(options) == 1 && options[0].Type == discordgo.ApplicationCommandOptionSubCommand {
		options, playbook = options[0].Options, options[0].Name
	}
	i := slices.IndexFunc(options, func(o option) bool { return o.Focused })
	if i < 0 {
		return []choice{}
	}
	typed := options[i].text()
	if options[i].Name == optionPlaybook {
		return p.offerPlaybooks(in.Data.Name, typed)
	}
	for _, b := range p.gate.Playbooks() {
		for _, q := range b.Params {
			if b.Name == playbook && q.Name == options[i].Name {
				known := q.Choices
				if len(known) == 0 {
					known = []string{q.Sample, q.Min, q.Max}
				}
				return matching(known, typed)
			}
		}
	}
	return []choice{}
}

func (p *Platform) offerPlaybooks(name, typed string) []choice {
	verb, _, _ := p.cfg.Names.Verb(name)
	var known []string
	for _, b := range p.gate.Playbooks() {
		if pause := b.Kind == "pause"; verb == "" || pause == (verb == bot.VerbPause) {
			known = append(known, b.Name)
		}
	}
	return matching(known, typed)
}

// matching keeps what begins with the typed text, then what holds it, at most as many as Discord shows.
func matching(known []string, typed string) []choice {
	typed = strings.ToLower(strings.TrimSpace(typed))
	found := []choice{}
	for _, begins := range []bool{true, false} {
		for _, k := range known {
			low := strings.ToLower(k)
			fits := strings.HasPrefix(low, typed)
			if !begins {
				fits = !fits && strings.Contains(low, typed)
			}
			if c := (choice{k, k}); fits && k != "" && bot.Length(k) <= maxChoice && len(found) < maxOptions && !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
	}
	return found
}
