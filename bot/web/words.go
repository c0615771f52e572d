package web

import (
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"belay/governance"
)

// clean removes what has no place in a line of text: control characters, and those that turn the direction of writing,
// join or hide what is written. What it gives is still untrusted; the template escapes it.
func clean(v any) string {
	if p, ok := v.(*string); ok && p != nil { // templates pass optional times as they are
		v = *p
	}
	text := fmt.Sprint(v)
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.In(r, unicode.Zl, unicode.Zp, unicode.Co), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// raw is clean for text that people or the chain wrote.
func raw(u governance.Untrusted) string { return clean(u.Raw()) }

// part is a piece of a sentence; Hex tells an address or hash from the words around it.
type part struct {
	Text string
	Hex  bool
}

var longHex = regexp.MustCompile(`0x[0-9a-fA-F]{40,}`)

// parts cuts a sentence at its addresses and hashes.
func parts(u governance.Untrusted) []part {
	text := raw(u)
	var out []part
	from := 0
	for _, at := range longHex.FindAllStringIndex(text, -1) {
		out = append(out, part{Text: text[from:at[0]]}, part{Text: text[at[0]:at[1]], Hex: true})
		from = at[1]
	}
	return append(out, part{Text: text[from:]})
}

// quads cuts hex into groups of four digits, so that people can compare it. The groups stand in elements of their own:
// what is copied is whole.
func quads(text string) []string {
	text = clean(text)
	var groups []string
	if rest, ok := strings.CutPrefix(text, "0x"); ok {
		groups, text = append(groups, "0x"), rest
	}
	for len(text) > 4 {
		groups, text = append(groups, text[:4]), text[4:]
	}
	if text != "" {
		groups = append(groups, text)
	}
	return groups
}

var timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// line is clean for a sentence in which machine-made times stand.
func line(text string) string { return timestamp.ReplaceAllStringFunc(clean(text), when) }

// when writes a time of a View for people.
func when(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return clean(text)
	}
	return at.UTC().Format("2 Jan 2006, 15:04 UTC")
}

// ref is how the public's address names a proposal.
func ref(v governance.View) string {
	if v.PublicID != "" {
		return v.PublicID
	}
	return v.ID
}

var stateWords = map[governance.State]string{
	governance.StateProposed:    "Asking for signatures",
	governance.StateApproved:    "Approved",
	governance.StateQueued:      "Waiting in the timelock",
	governance.StateReady:       "Timelock window open",
	governance.StateExecuted:    "Done",
	governance.StateIneffective: "Executed without effect",
	governance.StateCanceled:    "Canceled",
	governance.StateExpired:     "Expired",
	governance.StateSuperseded:  "Superseded",
	governance.StateFailed:      "Failed",
}

// words gives an enum in words; one that has none of its own loses its underscores.
func words(v any) string {
	if state, ok := v.(governance.State); ok && stateWords[state] != "" {
		return stateWords[state]
	}
	return strings.ReplaceAll(clean(v), "_", " ")
}

// standing is where a proposal stands, in words.
func standing(v governance.View) string {
	if v.Undone {
		return "Undone"
	}
	return words(v.State)
}

// tone picks how loud that is shown. The words beside it say the same.
func tone(v governance.View) string {
	if v.Undone {
		return "bad"
	}
	switch v.State {
	case governance.StateExecuted:
		return "good"
	case governance.StateIneffective, governance.StateFailed:
		return "bad"
	case governance.StateCanceled, governance.StateExpired, governance.StateSuperseded:
		return "over"
	}
	return "open"
}

// etherDigits are the decimals of an ether in wei.
const etherDigits = 18

// ether writes wei in both units; "" for nothing.
func ether(wei string) string {
	n, ok := new(big.Int).SetString(wei, 10)
	if !ok || n.Sign() <= 0 {
		return ""
	}
	digits := fmt.Sprintf("%0*d", etherDigits+1, n)
	point := len(digits) - etherDigits
	text := strings.TrimRight(digits[:point]+"."+digits[point:], "0")
	return strings.TrimSuffix(text, ".") + " ether (" + n.String() + " wei)"
}

// operationWords says what the Safe does with the call.
func operationWords(operation uint8) string {
	if operation == 0 {
		return "CALL: the Safe calls the target"
	}
	return "DELEGATECALL: the target's code runs as the Safe itself"
}

func verifiedWords(s governance.SafeView) string {
	switch s.VerifiedBy {
	case "canonical":
		return "published Safe contract, by address and code"
	case "code":
		return "published Safe code at another address"
	case governance.VerifiedUnread:
		return "not checked: the providers do not agree"
	}
	return "NOT verified: only the contract itself says so"
}

// explore links to a block explorer, if one is configured and is a web address.
func explore(base, kind, id string) string {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return ""
	}
	return u.JoinPath(kind, id).String()
}
