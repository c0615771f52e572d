package bot

import (
	"strings"
	"time"

	"belay/governance"
)

// Card is what is shown, on no platform yet: a proposal's message, a private answer or a line of a thread. Each
// platform's renderer lays it out, escapes every text in it and cuts what its vendor would refuse.
type Card struct {
	Header   string // one line; the state as a word, never by colour or glyph alone
	Summary  string // one plain sentence, for notifications and screen readers
	Tone     Tone
	Sections []Section
	Buttons  []Button
	Footer   Line
}

// Tone is a colour where a platform has one. It repeats what the words say.
type Tone int

// The tones.
const (
	ToneCalm  Tone = iota // asking, waiting
	ToneGood              // done and proven
	ToneAlarm             // wrong, dangerous
	ToneOver              // ended without effect
)

// Section is a few lines under a title, which may be empty.
type Section struct {
	Title string
	Lines []Line
	Keep  bool // holds what is compared: never left out where a platform has no room for everything
}

// Line is one line of text.
type Line []Span

// Span is a piece of a line. It is made by Words and its siblings below, and read by renderers only.
type Span struct {
	Kind SpanKind
	Text string               // our own words, code, or the label of a link
	Said governance.Untrusted // for Said
	Cap  int                  // runes of Said to show
	At   time.Time            // for Moment
	URL  string               // for Link
}

// SpanKind says how a Span is to be shown.
type SpanKind int

// The kinds of spans.
const (
	SpanPlain  SpanKind = iota
	SpanStrong          // our own words, to be noticed
	SpanCode            // something to compare, in full
	SpanSaid            // words of people or of the chain: cleaned, cut, set apart
	SpanMoment          // a point in time, in the reader's own zone
	SpanLink            // an address that we built
)

// Plain is our own words.
func Plain(s string) Span { return Span{Kind: SpanPlain, Text: s} }

// Strong is our own words, to be noticed.
func Strong(s string) Span { return Span{Kind: SpanStrong, Text: s} }

// Code is something to compare: an address, a hash. It is shown in full.
func Code(s string) Span { return Span{Kind: SpanCode, Text: s} }

// Said is words of people or of the chain, at most limit runes of them.
func Said(u governance.Untrusted, limit int) Span { return Span{Kind: SpanSaid, Said: u, Cap: limit} }

// Moment is a point in time.
func Moment(t time.Time) Span { return Span{Kind: SpanMoment, At: t} }

// Link is an address that we built ourselves, under a label.
func Link(label, url string) Span { return Span{Kind: SpanLink, Text: label, URL: url} }

// Button is one button. Either it opens URL, or pressing it comes back as a Click of Action and Arg.
type Button struct {
	Label  string // a verb, at most 34 characters, so that phones show it whole
	Style  Style
	URL    string
	Action Action
	Arg    string
}

// Style is how a button looks.
type Style int

// The styles. A card has one primary button.
const (
	StylePlain Style = iota
	StylePrimary
	StyleDanger
)

// Action is what a button asks for.
type Action string

// The actions of buttons.
const (
	ActionOnIt    Action = "onit"
	ActionCant    Action = "cant"
	ActionObject  Action = "object"
	ActionDetails Action = "details"
	ActionUndo    Action = "undo"    // draft the undo of an executed proposal
	ActionPropose Action = "propose" // Arg is a Request's text, or a reference to one
	ActionForce   Action = "force"   // the same, for a pause past a reverting simulation
	ActionOpen    Action = "open"    // the button opens a URL; pressing it asks us for nothing
)

// Click is a pressed button. It is a hint: the account that pressed is authorised anew, and Arg is read like typed text.
type Click struct {
	Action Action
	Arg    string
}

// clickPrefix marks our own ids among those of other apps in a channel.
const clickPrefix = "belay:"

// ID is the button's id on platforms that have a single text for it.
func (b Button) ID() string { return clickPrefix + string(b.Action) + ":" + b.Arg }

// Shrink gives the line with half as many of people's words, for renderers that must fit it into a vendor's limit; false
// when there is nothing left to shrink.
func (l Line) Shrink() (Line, bool) {
	shorter, some := make(Line, len(l)), false
	copy(shorter, l)
	for i := range shorter {
		if shorter[i].Kind == SpanSaid && shorter[i].Cap > 1 {
			shorter[i].Cap /= 2
			some = true
		}
	}
	return shorter, some
}

// ParseClick reads an id that Button.ID wrote. Anything else is not ours.
func ParseClick(id string) (Click, bool) {
	rest, ours := strings.CutPrefix(id, clickPrefix)
	action, arg, ok := strings.Cut(rest, ":")
	return Click{Action: Action(action), Arg: arg}, ours && ok
}

// Answer makes a card of plain sentences, for a private answer.
func Answer(header string, sentences ...string) Card {
	c := Card{Header: plainTimes(header), Summary: plainTimes(header)}
	for _, s := range sentences {
		if s != "" {
			c.Sections = append(c.Sections, Section{Lines: []Line{sentence(s, Plain)}})
		}
	}
	return c
}
