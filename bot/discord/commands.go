package discord

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"belay/bot"
	"belay/governance"
	"belay/governance/coordinator"

	"github.com/bwmarrin/discordgo"
)

// Discord's limits for commands.
const (
	maxOptions     = 25 // options of a command or subcommand, and choices of an option
	maxDescription = 100
	maxChoice      = 100
	maxCommand     = 8000 // names, descriptions and values of one command together
)

// Options that are not parameters of a playbook.
const (
	optionPlaybook = "playbook"
	optionValues   = "values" // parameters as text, where they cannot be options of their own
	optionReason   = "reason"
	optionForce    = "force"
	optionProposal = "proposal"
	optionText     = "text"
)

// command is a registered command, the part that we set. Comparing it with what is registered saves Discord's 200 a day.
type command struct {
	Type        discordgo.ApplicationCommandType `json:"type"`
	Name        string                           `json:"name"`
	Description string                           `json:"description"`
	Options     []commandOption                  `json:"options,omitempty"`
}

type commandOption struct {
	Type         discordgo.ApplicationCommandOptionType `json:"type"`
	Name         string                                 `json:"name"`
	Description  string                                 `json:"description"`
	Required     bool                                   `json:"required,omitempty"`
	Autocomplete bool                                   `json:"autocomplete,omitempty"`
	Choices      []choice                               `json:"choices,omitempty"`
	Options      []commandOption                        `json:"options,omitempty"`
}

// choice is one offered value. Values are text: Discord's numbers are floats.
type choice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// commands lays out everything that is registered.
func commands(names bot.Names, playbooks []coordinator.PlaybookInfo) []command {
	var pauses, others []coordinator.PlaybookInfo
	for _, p := range playbooks {
		if p.Kind == governance.KindPause {
			pauses = append(pauses, p)
		} else {
			others = append(others, p)
		}
	}
	all := []command{{Type: discordgo.ChatApplicationCommand, Name: names.Root, Description: "Belay: everything besides pausing and proposing", Options: rootOptions()}}
	if len(pauses) > 0 {
		all = append(all, playbookCommand(names.Pause, "Ask the signers to pause, at once", pauses))
	}
	if len(others) > 0 {
		all = append(all, playbookCommand(names.Propose, "Propose something; you see a preview first", others))
	}
	return all
}

// playbookCommand has a subcommand a playbook, or takes the playbook as an option where Discord has no room for that.
func playbookCommand(name, about string, playbooks []coordinator.PlaybookInfo) command {
	c := command{Type: discordgo.ChatApplicationCommand, Name: name, Description: about}
	if len(playbooks) <= maxOptions {
		for _, p := range playbooks {
			c.Options = append(c.Options, commandOption{Type: discordgo.ApplicationCommandOptionSubCommand, Name: p.Name, Description: describe(p.Title), Options: parameterOptions(p)})
		}
		if c.size() <= maxCommand {
			return c
		}
	}
	c.Options = flatOptions()
	return c
}

// flatOptions name the playbook and take its parameters as text.
func flatOptions() []commandOption {
	return []commandOption{
		{Type: discordgo.ApplicationCommandOptionString, Name: optionPlaybook, Description: "Which playbook", Required: true, Autocomplete: true},
		{Type: discordgo.ApplicationCommandOptionString, Name: optionValues, Description: "Its parameters, such as asset=usdc"},
		{Type: discordgo.ApplicationCommandOptionString, Name: optionReason, Description: "Why; needed for everything but a pause"},
	}
}

// parameterOptions lays out a playbook's parameters, required ones first as Discord wants it.
func parameterOptions(p coordinator.PlaybookInfo) []commandOption {
	var options []commandOption
	room := maxOptions - 3 // for reason, force and values
	for _, q := range p.Params[:min(len(p.Params), room)] {
		options = append(options, parameterOption(q))
	}
	if len(p.Params) > room {
		options = append(options, commandOption{Type: discordgo.ApplicationCommandOptionString, Name: optionValues, Description: "Further parameters, such as asset=usdc"})
		for i := range options {
			options[i].Required = options[i].Required && i < room
		}
	}
	pausing := p.Kind == governance.KindPause
	options = append(options, commandOption{Type: discordgo.ApplicationCommandOptionString, Name: optionReason, Description: "Why; stays in the war room", Required: !pausing})
	if pausing && !hasParam(p, optionForce) {
		options = append(options, commandOption{Type: discordgo.ApplicationCommandOptionString, Name: optionForce,
			Description: "Go on although the simulation reverts", Choices: []choice{{"yes", "yes"}, {"no", "no"}}})
	}
	slices.SortStableFunc(options, func(a, b commandOption) int { return cmp.Compare(rank(a), rank(b)) })
	return options
}

func rank(o commandOption) int {
	if o.Required {
		return 0
	}
	return 1
}

func hasParam(p coordinator.PlaybookInfo, name string) bool {
	return slices.ContainsFunc(p.Params, func(q coordinator.ParamInfo) bool { return q.Name == name })
}

func parameterOption(q coordinator.ParamInfo) commandOption {
	o := commandOption{Type: discordgo.ApplicationCommandOptionString, Name: q.Name, Description: describe(bot.Describe(q)), Required: q.Required}
	tooLong := slices.ContainsFunc(q.Choices, func(c string) bool { return bot.Length(c) > maxChoice })
	if len(q.Choices) == 0 || len(q.Choices) > maxOptions || tooLong {
		o.Autocomplete = true
		return o
	}
	for _, c := range q.Choices {
		o.Choices = append(o.Choices, choice{c, c})
	}
	return o
}

// rootOptions are the subcommands behind the root.
func rootOptions() []commandOption {
	var all []commandOption
	for _, v := range bot.Verbs {
		sub := commandOption{Type: discordgo.ApplicationCommandOptionSubCommand, Name: string(v.Verb), Description: describe(v.About)}
		if v.Proposal {
			sub.Options = append(sub.Options, commandOption{Type: discordgo.ApplicationCommandOptionString, Name: optionProposal, Description: "Which one, such as P-12"})
		}
		if v.Text {
			sub.Options = append(sub.Options, commandOption{Type: discordgo.ApplicationCommandOptionString, Name: optionText, Description: "Why"})
		}
		all = append(all, sub)
	}
	for _, v := range []bot.Verb{bot.VerbPause, bot.VerbPropose} {
		all = append(all, commandOption{Type: discordgo.ApplicationCommandOptionSubCommand, Name: string(v), Description: "The same as /" + string(v), Options: flatOptions()})
	}
	return all
}

func describe(s string) string {
	if s = bot.Cut(bot.CleanText(s), maxDescription); s != "" {
		return s
	}
	return "–"
}

// size counts what Discord counts toward its limit for a whole command.
func (c command) size() int {
	n := bot.Length(c.Name) + bot.Length(c.Description)
	for _, o := range c.Options {
		n += o.size()
	}
	return n
}

func (o commandOption) size() int {
	n := bot.Length(o.Name) + bot.Length(o.Description)
	for _, c := range o.Choices {
		n += bot.Length(c.Name) + bot.Length(c.Value)
	}
	for _, sub := range o.Options {
		n += sub.size()
	}
	return n
}

// same reports whether what is registered is what we want, in any order of commands.
func same(want, have []command) bool {
	sorted := func(all []command) string {
		all = slices.Clone(all)
		slices.SortFunc(all, func(a, b command) int { return strings.Compare(a.Name, b.Name) })
		text, err := json.Marshal(all)
		if err != nil {
			return "" // cannot happen: plain data
		}
		return string(text)
	}
	return sorted(want) == sorted(have)
}
