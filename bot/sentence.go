package bot

import (
	"regexp"
	"time"
)

// marked finds what stands in a sentence of ours and is shown in its own way: a time, an address or hash, and what is to be
// typed, in backquotes.
var marked = regexp.MustCompile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ|0x[0-9a-fA-F]{40,64}\\b|`[^`]+`")

// sentence makes a line of one of our own sentences: times in the reader's own zone, hashes as something to compare, and the
// words between them as it is told.
func sentence(text string, words func(string) Span) (l Line) {
	from := 0
	for _, at := range marked.FindAllStringIndex(text, -1) {
		if at[0] > from {
			l = append(l, words(text[from:at[0]]))
		}
		l = append(l, mark(text[at[0]:at[1]]))
		from = at[1]
	}
	if from < len(text) {
		l = append(l, words(text[from:]))
	}
	return l
}

func mark(text string) Span {
	if text[0] == '`' {
		return Code(text[1 : len(text)-1])
	}
	if at, ok := instant(text); ok {
		return Moment(at)
	}
	return Code(text)
}

var timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// plainTimes writes the times of a sentence for places that know no markup, such as notifications.
func plainTimes(text string) string {
	return timestamp.ReplaceAllStringFunc(text, func(stamp string) string {
		at, err := time.Parse(time.RFC3339, stamp)
		if err != nil {
			return stamp
		}
		return at.UTC().Format("2 Jan 2006, 15:04 UTC")
	})
}
