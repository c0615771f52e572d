package slack

import (
	"fmt"
	"strings"
	"unicode"

	"belay/bot"

	"github.com/slack-go/slack"
)

// Slack's caps, in characters (docs.slack.dev/reference/block-kit).
const (
	maxHeader      = 150
	maxSection     = 3000
	maxBlocks      = 50
	maxButtonText  = 75
	maxButtonValue = 2000
	maxText        = 3000   // of the fallback; Slack recommends at most 4000
	maxCard        = 12_000 // all sections together, so that a card stays a card
	lineRoom       = 2800   // of a single line, below maxSection
)

const cutLine = "_… there is more than a message holds; the page shows all of it_"

// render lays a card out in blocks that every client shows: section, header, context, actions.
func render(c bot.Card) []slack.Block {
	var blocks []slack.Block
	if c.Header != "" {
		blocks = append(blocks, slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, bot.CutEscaped(bot.CleanText(c.Header), maxHeader, escape), true, false)))
	}
	for _, s := range bot.Fit(layOut(c.Sections), maxCard, cutLine) {
		for _, text := range chunks(s) {
			blocks = append(blocks, slack.NewSectionBlock(mrkdwn(text), nil, nil))
		}
	}
	if len(c.Footer) > 0 {
		blocks = append(blocks, slack.NewContextBlock("", mrkdwn(line(c.Footer))))
	}
	if row := renderButtons(c.Buttons); row != nil {
		blocks = append(blocks[:min(len(blocks), maxBlocks-1)], row)
	}
	return blocks
}

// summary is the text that notifications and screen readers use.
func summary(c bot.Card) string {
	s := c.Summary
	if s == "" {
		s = c.Header
	}
	return bot.CutEscaped(bot.CleanText(s), maxText, escape)
}

// mrkdwn makes a text object in which Slack turns nothing into a link or a mention by itself.
func mrkdwn(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}

func layOut(sections []bot.Section) []bot.Laid {
	laid := make([]bot.Laid, 0, len(sections))
	for _, s := range sections {
		l := bot.Laid{Keep: s.Keep}
		if s.Title != "" {
			l.Title = "*" + words(s.Title) + "*"
		}
		for _, ln := range s.Lines {
			l.Lines = append(l.Lines, line(ln))
		}
		laid = append(laid, l)
	}
	return laid
}

// chunks joins a section's lines into texts that Slack takes, cutting between lines only.
func chunks(s bot.Laid) (texts []string) {
	text := s.Title
	for _, l := range s.Lines {
		if text != "" && bot.Length(text)+1+bot.Length(l) > maxSection {
			texts = append(texts, text)
			text = ""
		}
		if text != "" {
			text += "\n"
		}
		text += l
	}
	if text != "" {
		texts = append(texts, text)
	}
	return texts
}

// line writes a line, with fewer of people's words if Slack would refuse it.
func line(l bot.Line) string {
	for {
		text := spans(l)
		if bot.Length(text) <= lineRoom {
			return text
		}
		shorter, ok := l.Shrink()
		if !ok {
			return "_a line is too long for Slack; the page shows it_"
		}
		l = shorter
	}
}

func spans(l bot.Line) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(span(s))
	}
	return b.String()
}

func span(s bot.Span) string {
	switch s.Kind {
	case bot.SpanStrong:
		return strong(s.Text)
	case bot.SpanCode:
		return code(bot.CleanText(s.Text))
	case bot.SpanSaid:
		return code(bot.Clean(s.Said, s.Cap))
	case bot.SpanMoment:
		at := s.At.UTC()
		return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s UTC>", at.Unix(), at.Format("2006-01-02 15:04"))
	case bot.SpanLink:
		return "<" + strings.NewReplacer("|", "%7C", ">", "%3E", "<", "%3C", "&", "&amp;").Replace(s.URL) + "|" + words(s.Text) + ">"
	}
	return words(s.Text)
}

// strong keeps blanks outside the asterisks, or Slack would show them.
func strong(s string) string {
	text := words(s)
	if trimmed := strings.TrimSpace(text); trimmed != "" {
		return strings.Replace(text, trimmed, "*"+trimmed+"*", 1)
	}
	return text
}

// code shows text with nothing in it interpreted. An empty code span would show its own marks.
func code(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + escape(strings.ReplaceAll(s, "`", "ˋ")) + "`"
}

// words is our own text in mrkdwn, which has no escape for its own marks: those that could begin or end a formatting are
// replaced by signs that look the same.
func words(s string) string {
	keepEnds := func(t string) string { // CleanText trims; a span's blanks belong to the line
		clean := bot.CleanText(t)
		if strings.HasPrefix(t, " ") {
			clean = " " + clean
		}
		if strings.HasSuffix(t, " ") && strings.TrimSpace(t) != "" {
			clean += " "
		}
		return clean
	}
	text := []rune(escape(keepEnds(s)))
	inWord := func(i int) bool {
		return i >= 0 && i < len(text) && (unicode.IsLetter(text[i]) || unicode.IsDigit(text[i]))
	}
	for i, r := range text {
		switch {
		case r == '*':
			text[i] = '∗'
		case r == '~':
			text[i] = '∼'
		case r == '`':
			text[i] = 'ˋ'
		case r == '_' && !(inWord(i-1) && inWord(i+1)):
			text[i] = 'ˍ'
		}
	}
	return string(text)
}

// escape does what Slack asks for: three characters, and no more.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

func renderButtons(all []bot.Button) slack.Block {
	if len(all) == 0 {
		return nil
	}
	elements := make([]slack.BlockElement, 0, len(all))
	for i, b := range all {
		id := bot.Button{Action: b.Action}.ID()
		if b.URL != "" {
			id = bot.Button{Action: bot.ActionOpen, Arg: fmt.Sprint(i)}.ID()
		}
		e := slack.NewButtonBlockElement(id, b.Arg, slack.NewTextBlockObject(slack.PlainTextType, bot.Cut(bot.CleanText(b.Label), maxButtonText), true, false))
		e.URL, e.Style = b.URL, buttonStyle(b.Style)
		elements = append(elements, e)
	}
	return slack.NewActionBlock("", elements...)
}

func buttonStyle(s bot.Style) slack.Style {
	switch s {
	case bot.StylePrimary:
		return slack.StylePrimary
	case bot.StyleDanger:
		return slack.StyleDanger
	}
	return slack.StyleDefault
}
