package bot

import (
	"fmt"
	"strconv"
	"strings"

	"belay/governance"
)

// details adds to a card what a careful reader compares by hand: every signed field, every hash, all of the story.
func details(v governance.View, r Reader) Card {
	c := Draw(v, r)
	c.Buttons = nil
	if r.SignURL != "" && !v.State.Ended() {
		c.Buttons = []Button{{Label: "Review & sign", URL: r.SignURL, Style: StylePrimary}}
	}
	for _, t := range v.SafeTxs {
		c.Sections = append(c.Sections, Section{Title: safeTxTitle(t), Lines: safeTxLines(t)})
	}
	c.Sections = append(c.Sections, Section{Title: "Story", Lines: storyLines(v.Events)})
	return c
}

// safeTxTitle names one of the transactions that the proposal consists of.
func safeTxTitle(t governance.SafeTxView) string {
	what := upperFirst(strings.TrimSpace(roleWords[t.Purpose]))
	switch t.Purpose {
	case governance.PurposeDirect:
		what = "Transaction"
	case governance.PurposeSpare:
		what = "Spare"
	}
	return fmt.Sprintf("%s, nonce %d (%s)", what, t.Nonce, t.State)
}

func safeTxLines(t governance.SafeTxView) []Line {
	lines := []Line{
		{Plain("to "), Code(t.SafeTx.To)},
		{Plain("value " + t.SafeTx.Value + " wei, operation " + strconv.Itoa(int(t.SafeTx.Operation)))},
		{Plain("domain hash "), Code(t.DomainHash)},
		{Plain("message hash "), Code(t.MessageHash)},
		{Plain("safeTxHash "), Code(t.SafeTxHash)},
		{Plain("check words " + t.CheckWords)},
	}
	if len(t.SafeTx.Data) <= 522 { // a selector and eight words
		return append(lines, Line{Plain("data "), Code(t.SafeTx.Data)})
	}
	return append(lines, Line{Plain(fmt.Sprintf("data of %d bytes: on the page", (len(t.SafeTx.Data)-2)/2))})
}

// storyLines tells the last events, newest last.
func storyLines(events []governance.EventView) (lines []Line) {
	const shown = 15
	if skipped := len(events) - shown; skipped > 0 {
		lines = append(lines, Line{Plain(fmt.Sprintf("%d earlier events are on the page", skipped))})
		events = events[skipped:]
	}
	for _, e := range events {
		lines = append(lines, eventLine(e))
	}
	return lines
}

func eventLine(e governance.EventView) Line {
	line := Line{}
	if at, ok := instant(e.At); ok {
		line = append(line, Moment(at), Plain(" "))
	}
	return append(line, eventWords(e)...)
}

// eventWords says who did what, without the time: a chat shows when a message came. What people or the chain said is quoted.
func eventWords(e governance.EventView) (line Line) {
	ours, quoted := e.Ours, e.Quoted
	if ours == "" && quoted == "" {
		quoted = e.Text
	}
	loud := Plain
	switch e.Type {
	case governance.EventIneffective, governance.EventUndone, governance.EventFailed, governance.EventQuorumLost, governance.EventUnmined:
		loud = Strong
	}
	if e.By == "" || e.By == "belay" || e.By == "chain" {
		ours = upperFirst(ours)
	} else {
		line = Line{Strong(e.By), Plain(" ")}
	}
	line = append(line, sentence(ours, loud)...)
	if quoted == "" {
		return line
	}
	if ours != "" {
		line = append(line, Plain(": "))
	}
	return append(line, Said(quoted, eventRunes))
}
