package bot

import (
	"strings"
	"unicode"
	"unicode/utf16"

	"belay/governance"

	"golang.org/x/text/unicode/norm"
)

// Clean makes words of people or of the chain fit to be escaped: composed (NFC), on one line, without characters that
// hide, reorder or stack (control, bidirectional, zero width, tags, more than two combining marks in a row), cut to
// limit characters, and marked when Latin is mixed with a script that looks like it. Only renderers call it.
func Clean(u governance.Untrusted, limit int) string {
	raw := u.Raw()
	if most := 16 * limit; len(raw) > most { // so that a megabyte of revert data costs nothing
		raw = raw[:most]
	}
	text := CleanText(raw)
	if Lookalike(text) {
		return Cut(text, limit) + " (mixed alphabets)"
	}
	return Cut(text, limit)
}

// CleanText is Clean without the limit and the mark. Renderers put our own words through it as well: configuration and
// chain have many ways into a sentence.
func CleanText(s string) string {
	var b strings.Builder
	blank, marks := false, 0
	for _, r := range norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD")) {
		switch {
		case unicode.IsSpace(r):
			blank = true
			continue
		case hidden(r):
			continue
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > 2 {
				continue
			}
		default:
			marks = 0
		}
		if blank && b.Len() > 0 {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteRune(r)
	}
	return b.String()
}

// hidden reports characters that have no width or change the order of others: all of Cc, Cf (which holds the bidi
// controls, zero-width joiners and tags), surrogates, private use, and the fillers that look like nothing.
func hidden(r rune) bool {
	switch r {
	case 0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0x034F, 0x17B4, 0x17B5:
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Co) || unicode.Is(unicode.Variation_Selector, r)
}

// Lookalike reports text in which letters that look alike come from different alphabets within one word.
func Lookalike(s string) bool {
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) }) {
		latin, other := false, false
		for _, r := range word {
			latin = latin || unicode.Is(unicode.Latin, r)
			other = other || unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee)
		}
		if latin && other {
			return true
		}
	}
	return false
}

// Cut shortens s to limit characters, counted as Length does, and says so with an ellipsis. It never cuts inside a rune.
func Cut(s string, limit int) string {
	if Length(s) <= limit {
		return s
	}
	used := 1 // for the ellipsis
	for i, r := range s {
		if used += max(utf16.RuneLen(r), 1); used > limit {
			if limit < 1 {
				return ""
			}
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// CutEscaped cuts s so that it is at most limit characters long once it is escaped, and escapes it. What an escaper writes
// is never cut apart.
func CutEscaped(s string, limit int, escape func(string) string) string {
	for n := limit; ; {
		escaped := escape(Cut(s, n))
		excess := Length(escaped) - limit
		if excess <= 0 {
			return escaped
		}
		n = max(n-max(excess/2, 1), 0)
	}
}
