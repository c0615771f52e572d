package main

import (
	"fmt"
	"html"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// mrkdwn turns Slack's markup into HTML: bold, italics, strike, code, links and dates. Everything else is text, and all of
// it is escaped here.
func mrkdwn(text string) template.HTML {
	var b strings.Builder
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteString("<br>")
		}
		writeLine(&b, line)
	}
	return template.HTML(b.String()) //nolint:gosec // every piece was escaped by writeLine
}

// marks are the formattings of a stretch of text.
var marks = map[byte]string{'*': "b", '_': "i", '~': "s"}

func writeLine(b *strings.Builder, line string) {
	for i := 0; i < len(line); {
		switch c := line[i]; c {
		case '`':
			if n := strings.IndexByte(line[i+1:], '`'); n > 0 {
				b.WriteString("<code>" + plain(line[i+1:i+1+n]) + "</code>")
				i += n + 2
				continue
			}
		case '<':
			if n := strings.IndexByte(line[i:], '>'); n > 0 {
				b.WriteString(angled(line[i+1 : i+n]))
				i += n + 1
				continue
			}
		case '*', '_', '~':
			if n := stretch(line, i); n > 0 {
				b.WriteString("<" + marks[c] + ">")
				writeLine(b, line[i+1:i+1+n])
				b.WriteString("</" + marks[c] + ">")
				i += n + 2
				continue
			}
		}
		end := i + 1
		for end < len(line) && !strings.ContainsRune("`<*_~", rune(line[end])) {
			end++
		}
		b.WriteString(plain(line[i:end]))
		i = end
	}
}

// stretch is the length of what stands between the mark at i and its twin, 0 where it marks nothing: a mark opens at the
// begin of a word and closes at the end of one.
func stretch(line string, i int) int {
	if i > 0 && wordy(line[i-1]) {
		return 0
	}
	for j := i + 1; j < len(line); j++ {
		switch {
		case line[j] == '`':
			return 0 // code begins inside; Slack would not format across it either
		case line[j] == line[i] && (j+1 == len(line) || !wordy(line[j+1])):
			if n := j - i - 1; n > 0 && line[i+1] != ' ' && line[j-1] != ' ' {
				return n
			}
			return 0
		}
	}
	return 0
}

func wordy(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}

// plain is text with Slack's three entities undone, HTML's made, and pictures in place of emoji.
func plain(text string) string {
	return pictures.Replace(html.EscapeString(html.UnescapeString(text)))
}

// pictures are our own, as Slack has its own: not every machine has a font for emoji. What has no picture stays as it is.
var pictures = func() *strings.Replacer {
	var pairs []string
	for _, r := range "⏳⌛📨🕒🟢✅⛔⚪❌📝🔴" {
		pairs = append(pairs, string(r), fmt.Sprintf(`<img class="emoji" src="/static/emoji-%x.svg" alt="%c">`, r, r))
	}
	return strings.NewReplacer(pairs...)
}()

// angled is what stands between angle brackets: a date, a link, or something that is shown as its own words.
func angled(inner string) string {
	target, label, labelled := strings.Cut(inner, "|")
	if rest, ok := strings.CutPrefix(target, "!date^"); ok {
		stamp, _, _ := strings.Cut(rest, "^")
		if seconds, err := strconv.ParseInt(stamp, 10, 64); err == nil {
			at := time.Unix(seconds, 0).UTC()
			return `<time datetime="` + at.Format(time.RFC3339) + `">` + plain(label) + `</time>`
		}
	}
	if !labelled {
		label = target
	}
	u, err := url.Parse(html.UnescapeString(target))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return plain(label)
	}
	return `<a href="` + html.EscapeString(u.String()) + `" rel="noreferrer">` + plain(label) + `</a>`
}
