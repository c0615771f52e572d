package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"belay/bot"

	"github.com/slack-go/slack"
)

// Slack's caps for forms, in characters (docs.slack.dev/reference/views, .../block-kit/block-elements).
const (
	maxViewTitle = 24 // of title, submit and close
	maxMetadata  = 3000
	maxLabel     = 2000 // of a label and of a hint
	maxOption    = 75   // of an option's text and of its value
	maxOptions   = 100  // in a select, and in a group of one
	maxPicks     = 1000 // our own: a form has room for 250 kB
	maxErrorText = 300  // our own: it stands in one line under a field
)

const (
	formPrefix  = "belay:form:" // begins our callback ids; the verb follows
	answerID    = "answer"      // the action id of every field; its block id is the field's name
	triggerLife = 2500 * time.Millisecond
	// formLife is how long a form can be sent: what it does is answered at the command's response address, which ends.
	formLife = responseLife - 5*time.Minute
)

// metadata travels with a form and comes back with it. People do not see it, and only Slack can change it.
type metadata struct {
	Given string `json:"given"`
	Reply string `json:"reply"` // the command's response address: a form has none of its own
	At    int64  `json:"at"`    // unix seconds, when that was given
}

// layOutForm makes the modal; false where Slack would refuse it.
func layOutForm(f bot.Form, responseURL string, at time.Time) (slack.ModalViewRequest, bool) {
	carried, err := json.Marshal(metadata{f.Given, responseURL, at.Unix()})
	if err != nil || bot.Length(string(carried)) > maxMetadata {
		return slack.ModalViewRequest{}, false
	}
	about := []bot.Line{{bot.Strong(f.Title)}, {bot.Plain(f.About)}}
	if f.Given != "" {
		about = append(about, bot.Line{bot.Plain("You said: "), bot.Code(bot.Cut(f.Given, maxErrorText))})
	}
	blocks := []slack.Block{slack.NewSectionBlock(mrkdwn(strings.Join(chunks(layOut([]bot.Section{{Lines: about}})[0]), "\n")), nil, nil)}
	for _, q := range f.Fields {
		block := slack.NewInputBlock(q.Name, plainText(q.Label, maxLabel), nil, layOutField(q)).WithOptional(!q.Required)
		if q.Hint != "" {
			block.Hint = plainText(q.Hint, maxLabel)
		}
		blocks = append(blocks, block)
	}
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: formPrefix + string(f.Verb), PrivateMetadata: string(carried), Blocks: slack.Blocks{BlockSet: blocks},
		Title: plainText(viewTitle(f.Verb), maxViewTitle), Submit: plainText(f.Submit, maxViewTitle), Close: plainText("Cancel", maxViewTitle),
	}, len(f.Fields) > 0
}

func viewTitle(v bot.Verb) string {
	if v == bot.VerbPropose {
		return "Propose"
	}
	return "Pause"
}

// layOutField makes a select of choices, or an input for text where there are none, too many, or too long ones.
func layOutField(q bot.Field) slack.BlockElement {
	tooLong := func(c bot.Choice) bool { return c.Value == "" || bot.Length(c.Value) > maxOption }
	if len(q.Choices) == 0 || len(q.Choices) > maxPicks || slices.ContainsFunc(q.Choices, tooLong) {
		input := slack.NewPlainTextInputBlockElement(nil, answerID).WithMaxLength(bot.MaxReason).WithMultiline(q.Long)
		input.InitialValue = bot.Cut(q.Value, bot.MaxReason)
		return input
	}
	options := make([]*slack.OptionBlockObject, 0, len(q.Choices))
	for _, c := range q.Choices {
		options = append(options, slack.NewOptionBlockObject(c.Value, plainText(c.Label, maxOption), nil))
	}
	pick := plainText("Pick one", maxOption)
	if len(options) <= maxOptions {
		return slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, pick, answerID, options...)
	}
	var groups []*slack.OptionGroupBlockObject
	for some := range slices.Chunk(options, maxOptions) {
		label := some[0].Text.Text + " – " + some[len(some)-1].Text.Text
		groups = append(groups, slack.NewOptionGroupBlockElement(plainText(label, maxOption), some...))
	}
	return slack.NewOptionsGroupSelectBlockElement(slack.OptTypeStatic, pick, answerID, groups...)
}

// plainText makes a text object that interprets nothing; plain_text shows entities as they are, so none is made.
func plainText(s string, limit int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, bot.Cut(bot.CleanText(s), limit), false, false)
}

// openForm shows the form while the command's trigger lives. Where that fails, the command is recorded after all, and its
// answer says in text what is missing.
func (p *Platform) openForm(ctx context.Context, a arrival, view slack.ModalViewRequest, kind string, body []byte, since time.Time) {
	opening, cancel := context.WithDeadline(ctx, since.Add(triggerLife))
	_, err := p.api.OpenViewContext(opening, a.trigger, view)
	cancel()
	if err == nil {
		p.cfg.Observe.Observe(Name, bot.OutcomeAsked, since)
		return
	}
	p.cfg.Log.Warn("form was not opened; answering in text", "platform", Name, "error", classify("views.open", err))
	if receipt := p.record(ctx, a, kind, body, since); !receipt.Recorded {
		p.tell(ctx, a.responseURL, receipt.Text)
	}
}

// sentForm is a form as it came back.
type sentForm struct {
	metadata
	fields []string // the names of its fields, sorted
}

// refuse says under the form's first field why nothing was recorded; the form stays open, filled in as it is.
func (f *sentForm) refuse(why string) any {
	return slack.NewErrorsViewSubmissionResponse(map[string]string{f.fields[0]: bot.Cut(bot.CleanText(why), maxErrorText)})
}

// takeForm looks at a sent form from memory: it shows what is wrong at each field, goes on to the next form, or records it.
func (p *Platform) takeForm(ctx context.Context, a arrival, body []byte, since time.Time) reply {
	if since.Sub(time.Unix(a.sent.At, 0)) > formLife {
		p.cfg.Observe.Observe(Name, bot.OutcomeRefused, since)
		return reply{body: a.sent.refuse("NOT recorded: this form was open for too long. Close it and type the command again.")}
	}
	next, wrong := bot.Review(p.gate, *a.command, a.sent.fields)
	if next != nil {
		if view, fits := layOutForm(*next, a.sent.Reply, time.Unix(a.sent.At, 0)); fits {
			p.cfg.Observe.Observe(Name, bot.OutcomeAsked, since)
			return reply{body: slack.NewUpdateViewSubmissionResponse(&view)}
		}
	}
	if len(wrong) > 0 {
		for field, why := range wrong {
			wrong[field] = bot.Cut(why, maxErrorText)
		}
		p.cfg.Observe.Observe(Name, bot.OutcomeAsked, since)
		return reply{body: slack.NewErrorsViewSubmissionResponse(wrong)}
	}
	receipt := p.record(ctx, a, kindInteraction, body, since)
	if !receipt.Recorded {
		return reply{body: a.sent.refuse(receipt.Text)}
	}
	return reply{then: func(ctx context.Context) { p.tell(ctx, a.responseURL, receipt.Text) }} // the form closes and shows nothing
}

// view is the part of a sent form that is used.
type view struct {
	ID              string `json:"id"`
	CallbackID      string `json:"callback_id"`
	PrivateMetadata string `json:"private_metadata"`
	State           struct {
		Values map[string]map[string]struct {
			Value          string `json:"value"`
			SelectedOption *struct {
				Value string `json:"value"`
			} `json:"selected_option"`
		} `json:"values"`
	} `json:"state"`
}

// readForm reads a sent form as the command that it comes to. Its key is the view's: it is recorded once.
func readForm(in interaction) (arrival, error) {
	verb, ours := strings.CutPrefix(in.View.CallbackID, formPrefix)
	if !ours {
		return arrival{}, errNotOurs
	}
	var sent sentForm
	if err := json.Unmarshal([]byte(in.View.PrivateMetadata), &sent.metadata); err != nil {
		return arrival{}, fmt.Errorf("read form: malformed metadata")
	}
	for name := range in.View.State.Values {
		sent.fields = append(sent.fields, name)
	}
	if len(sent.fields) == 0 || in.View.ID == "" {
		return arrival{}, fmt.Errorf("read form: it has no id or no fields")
	}
	slices.Sort(sent.fields)
	var answers []bot.Word
	for _, name := range sent.fields {
		given := in.View.State.Values[name][answerID]
		if given.SelectedOption != nil {
			given.Value = given.SelectedOption.Value
		}
		answers = append(answers, bot.Word{Key: name, Value: given.Value})
	}
	command := bot.Filled(bot.Verb(verb), sent.Given, answers)
	return arrival{key: Name + ":form:" + in.View.ID, responseURL: sent.Reply, command: &command, sent: &sent}, nil
}
