package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
)

// block is one of Block Kit's, ready for the screen's template.
type block struct {
	Kind    string // header | section | context | actions | divider
	Text    template.HTML
	Fields  []template.HTML
	Buttons []button
}

// button is one of an actions block. URL is set where it is a link.
type button struct {
	Label, Style, URL string
	Action, Value     string
}

// readBlocks reads the blocks that a Slack client of any age shows. What is unknown is told, not hidden: a demo that left
// something out would lie about the card.
func readBlocks(raw []byte) []block {
	var all []struct {
		Type   string `json:"type"`
		Text   *text  `json:"text"`
		Fields []text `json:"fields"`
		// Elements are texts in a context block, and buttons in an actions block.
		Elements []struct {
			text
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			URL      string `json:"url"`
			Style    string `json:"style"`
		} `json:"elements"`
	}
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return []block{{Kind: "section", Text: template.HTML(plain("blocks that cannot be read: " + err.Error()))}} //nolint:gosec // escaped
	}
	blocks := make([]block, 0, len(all))
	for _, in := range all {
		b := block{Kind: in.Type}
		if in.Text != nil {
			b.Text = in.Text.html()
		}
		for _, f := range in.Fields {
			b.Fields = append(b.Fields, f.html())
		}
		switch in.Type {
		case "header", "section", "divider":
		case "context":
			for _, e := range in.Elements {
				b.Text += e.html() + " "
			}
		case "actions":
			for _, e := range in.Elements {
				b.Buttons = append(b.Buttons, button{Label: e.words(), Style: e.Style, URL: e.URL, Action: e.ActionID, Value: e.Value})
			}
		default:
			b.Kind, b.Text = "section", template.HTML(plain(fmt.Sprintf("[a block of type %q]", in.Type))) //nolint:gosec // escaped
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// text is a text object; in a button it holds another one.
type text struct {
	Type string          `json:"type"`
	Text json.RawMessage `json:"text"`
}

// words is the text itself: a string, or that of the object inside.
func (t text) words() string {
	var s string
	if json.Unmarshal(t.Text, &s) == nil {
		return s
	}
	var inner text
	if json.Unmarshal(t.Text, &inner) == nil && len(inner.Text) > 0 {
		return inner.words()
	}
	return ""
}

func (t text) html() template.HTML {
	if t.Type == "mrkdwn" {
		return mrkdwn(t.words())
	}
	return template.HTML(strings.ReplaceAll(plain(t.words()), "\n", "<br>")) //nolint:gosec // escaped
}
