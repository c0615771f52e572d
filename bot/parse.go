package bot

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText bounds the text of a command, in bytes. Slack passes on about 4000 characters.
const MaxText = 16 << 10

// Words splits text into words: bare values, key=value, and anything in quotes of any kind, also the curly ones that
// phones insert. key: "value" and blanks around the equals sign are understood. A quote ends only before a blank or the
// end, so that an apostrophe is just a letter; \" and \\ stand for themselves inside quotes. A missing closing quote ends
// with the text. Text beyond MaxText is not looked at.
func Words(text string) []Word {
	if len(text) > MaxText {
		text = text[:MaxText]
	}
	l := lexer{rest: strings.ToValidUTF8(text, "\uFFFD")}
	var words []Word
	for l.skipBlanks(); l.rest != ""; l.skipBlanks() {
		words = append(words, l.word())
	}
	return words
}

type lexer struct{ rest string }

func (l *lexer) skipBlanks() { l.rest = strings.TrimLeftFunc(l.rest, unicode.IsSpace) }

func (l *lexer) word() Word {
	key := l.key()
	if key != "" && l.rest == "" {
		return Word{Key: key}
	}
	value, quoted := l.value()
	return Word{Key: key, Value: value, Quoted: quoted}
}

// key takes `name=`, `name =` and `name:"` off the front, and nothing if there is no key.
func (l *lexer) key() string {
	end := strings.IndexFunc(l.rest, func(r rune) bool { return !isKeyRune(r) })
	if end <= 0 || !isLetter(rune(l.rest[0])) {
		return ""
	}
	name, after := l.rest[:end], strings.TrimLeftFunc(l.rest[end:], unicode.IsSpace)
	value, equals := strings.CutPrefix(after, "=")
	if !equals {
		var colon bool
		value, colon = strings.CutPrefix(after, ":")
		opening, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(value, unicode.IsSpace))
		if !colon || quoteClass(opening) == 0 {
			return ""
		}
	}
	l.rest = strings.TrimLeftFunc(value, unicode.IsSpace)
	return strings.ToLower(name)
}

func (l *lexer) value() (value string, quoted bool) {
	first, size := utf8.DecodeRuneInString(l.rest)
	if class := quoteClass(first); class != 0 {
		return l.quoted(class, size), true
	}
	end := strings.IndexFunc(l.rest, unicode.IsSpace)
	if end < 0 {
		end = len(l.rest)
	}
	value, l.rest = l.rest[:end], l.rest[end:]
	return value, false
}

// quoted reads up to the closing quote of the class; the opening one is size bytes long.
func (l *lexer) quoted(class rune, size int) string {
	var b strings.Builder
	text := l.rest[size:]
	for text != "" {
		r, n := utf8.DecodeRuneInString(text)
		next, m := utf8.DecodeRuneInString(text[n:])
		switch {
		case r == '\\' && (next == '\\' || quoteClass(next) != 0):
			b.WriteRune(next)
			n += m
		case quoteClass(r) == class && (text[n:] == "" || unicode.IsSpace(next)):
			l.rest = text[n:]
			return b.String()
		default:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	l.rest = ""
	return b.String()
}

// quoteClass groups the quotes that close one another; 0 is no quote.
func quoteClass(r rune) rune {
	switch r {
	case '"', '“', '”', '„', '‟', '«', '»', '＂':
		return '"'
	case '\'', '‘', '’', '‚', '‛', '‹', '›':
		return '\''
	case '`':
		return '`'
	}
	return 0
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

func isKeyRune(r rune) bool { return isLetter(r) || '0' <= r && r <= '9' || r == '_' || r == '-' }

// quote writes a value so that Words reads it back.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r == '\\' || quoteClass(r) != 0 {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}
