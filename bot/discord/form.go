package discord

import (
	"slices"
	"strings"

	"belay/bot"

	"github.com/bwmarrin/discordgo"
)

// Discord's caps for forms, in characters (discord.com/developers/docs/components/reference).
const (
	maxFormTitle = 45
	maxFormParts = 5
	maxLabelText = 45
	maxLabelHint = 100
	maxFormValue = 3000 // our own; Discord takes 4000
)

// Kinds of components that discordgo does not know.
const (
	componentText  = 10
	componentLabel = 18
)

// formPrefix begins our ids of forms; the verb follows, a colon, and what the command said already.
const formPrefix = "belay:form:"

// formData is the answer that opens a form.
type formData struct {
	CustomID   string `json:"custom_id"`
	Title      string `json:"title"`
	Components []any  `json:"components"`
}

type formText struct {
	Type    int    `json:"type"`
	Content string `json:"content"`
}

type formLabel struct {
	Type        int       `json:"type"`
	Label       string    `json:"label"`
	Description string    `json:"description,omitempty"`
	Component   formInput `json:"component"`
}

// formInput is a text input, or a select where it has options.
type formInput struct {
	Type      discordgo.ComponentType  `json:"type"`
	CustomID  string                   `json:"custom_id"`
	Required  bool                     `json:"required"`
	Style     discordgo.TextInputStyle `json:"style,omitempty"`
	Value     string                   `json:"value,omitempty"`
	MaxLength int                      `json:"max_length,omitempty"`
	Options   []formOption             `json:"options,omitempty"`
}

type formOption struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// layOutForm makes the form; false where Discord has no room for it.
func layOutForm(f bot.Form) (formData, bool) {
	out := formData{CustomID: formPrefix + string(f.Verb) + ":" + f.Given, Title: bot.Cut(bot.CleanText(f.Title), maxFormTitle)}
	if bot.Length(f.Given) > maxFormValue {
		return out, false
	}
	if bot.Length(out.CustomID) > maxCustomID { // then a field carries what was said, where the person may also change it
		out.CustomID = formPrefix + string(f.Verb) + ":"
		f.Fields = append(slices.Clip(f.Fields), bot.Field{Name: optionValues, Label: "What you said", Value: f.Given, Required: true, Long: true})
	}
	if len(f.Fields) < maxFormParts {
		out.Components = append(out.Components, formText{componentText, escape(bot.CleanText(f.About))})
	}
	for _, q := range f.Fields {
		out.Components = append(out.Components, layOutField(q))
	}
	return out, len(f.Fields) > 0 && len(f.Fields) <= maxFormParts
}

// layOutField makes a select of choices, or an input for text where there are none, too many, or too long ones.
func layOutField(q bot.Field) formLabel {
	l := formLabel{Type: componentLabel, Label: bot.Cut(bot.CleanText(q.Label), maxLabelText), Description: bot.Cut(bot.CleanText(q.Hint), maxLabelHint)}
	tooLong := func(c bot.Choice) bool { return c.Value == "" || bot.Length(c.Value) > maxChoice }
	if len(q.Choices) == 0 || len(q.Choices) > maxOptions || slices.ContainsFunc(q.Choices, tooLong) {
		l.Component = formInput{Type: discordgo.TextInputComponent, CustomID: q.Name, Required: q.Required, Style: discordgo.TextInputShort,
			Value: bot.Cut(q.Value, maxFormValue), MaxLength: maxFormValue}
		if q.Long {
			l.Component.Style = discordgo.TextInputParagraph
		}
		return l
	}
	l.Component = formInput{Type: discordgo.SelectMenuComponent, CustomID: q.Name, Required: q.Required}
	for _, c := range q.Choices {
		l.Component.Options = append(l.Component.Options, formOption{bot.Cut(bot.CleanText(c.Label), maxChoice), c.Value})
	}
	return l
}

// sentField is a part of a form as it came back.
type sentField struct {
	Component struct {
		CustomID string   `json:"custom_id"`
		Value    string   `json:"value"`
		Values   []string `json:"values"`
	} `json:"component"`
}

// sentForm reads a form as the command that it comes to; false if it is none of ours.
func sentForm(in interaction) (bot.Command, bool) {
	rest, ours := strings.CutPrefix(in.Data.CustomID, formPrefix)
	verb, given, whole := strings.Cut(rest, ":")
	if !ours || !whole {
		return bot.Command{}, false
	}
	var answers []bot.Word
	for _, part := range in.Data.Components {
		field := part.Component
		value := field.Value
		if len(field.Values) > 0 {
			value = field.Values[0]
		}
		switch field.CustomID {
		case "": // a text of ours between the fields
		case optionValues:
			given = value
		default:
			answers = append(answers, bot.Word{Key: field.CustomID, Value: value})
		}
	}
	return bot.Filled(bot.Verb(verb), given, answers), true
}
