package discord

import (
	"fmt"
	"strings"

	"belay/bot"

	"github.com/bwmarrin/discordgo"
)

// Discord's caps, in characters (discord.com/developers/docs/resources/message).
const (
	maxContent     = 2000
	maxTitle       = 256
	maxEmbed       = 4096
	maxFooter      = 512 // Discord takes 2048; all of an embed together is at most 6000
	maxButtons     = 25
	maxRow         = 5
	maxLabel       = 80
	maxCustomID    = 100
	maxThreadName  = 100
	archiveMinutes = 10080 // a week, the longest
)

const cutLine = "*… there is more than a message holds; the page shows all of it*"

// payload is a message as it is created or edited. Lists are always sent, so that an edit takes old ones away; nobody is
// ever mentioned.
type payload struct {
	Content         string                       `json:"content"`
	Embeds          []*discordgo.MessageEmbed    `json:"embeds"`
	Components      []discordgo.MessageComponent `json:"components"`
	AllowedMentions *mentions                    `json:"allowed_mentions"`
	Nonce           string                       `json:"nonce,omitempty"`
	EnforceNonce    bool                         `json:"enforce_nonce,omitempty"`
}

// mentions is allowed_mentions. discordgo's zero value says null, on which nothing should lean.
type mentions struct {
	Parse []string `json:"parse"`
}

func nobody() *mentions { return &mentions{Parse: []string{}} }

// render lays a card out: the summary as content, for notifications and screen readers, and an embed with everything. A
// card without a header, a line of a thread, is content alone.
func render(c bot.Card) payload {
	m := payload{Embeds: []*discordgo.MessageEmbed{}, Components: renderButtons(c.Buttons), AllowedMentions: nobody()}
	if c.Header == "" {
		m.Content = join(bot.Fit(layOut(c.Sections), maxContent, cutLine))
		return m
	}
	m.Content = bot.CutEscaped(bot.CleanText(c.Summary), maxContent, escape)
	embed := &discordgo.MessageEmbed{Title: bot.CutEscaped(bot.CleanText(c.Header), maxTitle, escape), Description: join(bot.Fit(layOut(c.Sections), maxEmbed, cutLine)), Color: colour[c.Tone]}
	if len(c.Footer) > 0 {
		embed.Footer = &discordgo.MessageEmbedFooter{Text: bot.Cut(plain(c.Footer), maxFooter)}
	}
	m.Embeds = append(m.Embeds, embed)
	return m
}

// colour repeats what the words say.
var colour = map[bot.Tone]int{bot.ToneCalm: 0x3b82f6, bot.ToneGood: 0x22a06b, bot.ToneAlarm: 0xd92d20, bot.ToneOver: 0x8a8f98}

func layOut(sections []bot.Section) []bot.Laid {
	laid := make([]bot.Laid, 0, len(sections))
	for _, s := range sections {
		l := bot.Laid{Keep: s.Keep}
		if s.Title != "" {
			l.Title = "**" + words(s.Title) + "**"
		}
		for _, ln := range s.Lines {
			l.Lines = append(l.Lines, line(ln))
		}
		laid = append(laid, l)
	}
	return laid
}

func join(sections []bot.Laid) string {
	var lines []string
	for _, s := range sections {
		if s.Title != "" {
			lines = append(lines, s.Title)
		}
		lines = append(lines, s.Lines...)
	}
	return strings.Join(lines, "\n")
}

// lineRoom keeps one line from filling a whole message.
const lineRoom = 1500

func line(l bot.Line) string {
	for {
		var b strings.Builder
		for _, s := range l {
			b.WriteString(span(s))
		}
		if bot.Length(b.String()) <= lineRoom {
			return b.String()
		}
		shorter, ok := l.Shrink()
		if !ok {
			return "*a line is too long for Discord; the page shows it*"
		}
		l = shorter
	}
}

func span(s bot.Span) string {
	switch s.Kind {
	case bot.SpanStrong:
		text := words(s.Text)
		if trimmed := strings.TrimSpace(text); trimmed != "" {
			return strings.Replace(text, trimmed, "**"+trimmed+"**", 1)
		}
		return text
	case bot.SpanCode:
		return code(bot.CleanText(s.Text))
	case bot.SpanSaid:
		return code(bot.Clean(s.Said, s.Cap))
	case bot.SpanMoment:
		return fmt.Sprintf("<t:%d:f> (<t:%d:R>)", s.At.Unix(), s.At.Unix())
	case bot.SpanLink:
		return "[" + words(s.Text) + "](<" + strings.NewReplacer("<", "%3C", ">", "%3E", ")", "%29", " ", "%20").Replace(s.URL) + ">)"
	}
	return words(s.Text)
}

// plain is a line for an embed's footer, which interprets nothing.
func plain(l bot.Line) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return bot.CleanText(b.String())
}

// code shows text with nothing in it interpreted. An empty code span would show its own marks.
func code(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + strings.ReplaceAll(s, "`", "ˋ") + "`"
}

// words is our own text with every mark of Markdown escaped.
func words(s string) string {
	clean := bot.CleanText(s)
	if strings.HasPrefix(s, " ") {
		clean = " " + clean
	}
	if strings.HasSuffix(s, " ") && strings.TrimSpace(s) != "" {
		clean += " "
	}
	return escape(clean)
}

// escape puts a backslash before whatever could format, mention, link or quote, and before nothing else: notifications
// show backslashes as they are. A link's round bracket means nothing after an escaped square one; a list, a heading and a
// quotation begin after a blank or at the front; a colon before anything but a blank makes an address or an emoji.
func escape(s string) string {
	text := []rune(s)
	blank := func(i int) bool { return i < 0 || i >= len(text) || text[i] == ' ' }
	var b strings.Builder
	for i, r := range text {
		switch {
		case strings.ContainsRune("\\`*_~|[]@<", r),
			strings.ContainsRune("-#>+", r) && blank(i-1),
			r == ':' && !blank(i+1):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func renderButtons(all []bot.Button) []discordgo.MessageComponent {
	rows := []discordgo.MessageComponent{}
	all = all[:min(len(all), maxButtons)]
	for start := 0; start < len(all); start += maxRow {
		var row discordgo.ActionsRow
		for _, b := range all[start:min(start+maxRow, len(all))] {
			row.Components = append(row.Components, renderButton(b))
		}
		rows = append(rows, row)
	}
	return rows
}

func renderButton(b bot.Button) discordgo.Button {
	out := discordgo.Button{Label: bot.Cut(bot.CleanText(b.Label), maxLabel), Style: discordgo.SecondaryButton}
	switch {
	case b.URL != "":
		out.Style, out.URL = discordgo.LinkButton, b.URL
		return out
	case b.Style == bot.StylePrimary:
		out.Style = discordgo.PrimaryButton
	case b.Style == bot.StyleDanger:
		out.Style = discordgo.DangerButton
	}
	out.CustomID = b.ID()
	return out
}
