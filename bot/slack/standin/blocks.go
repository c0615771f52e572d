package standin

import (
	"encoding/json"
	"fmt"
	"net/url"
	"unicode/utf16"
)

type textObject struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim *bool  `json:"verbatim"`
	Emoji    *bool  `json:"emoji"`
}

type block struct {
	Type     string            `json:"type"`
	BlockID  string            `json:"block_id"`
	Text     *textObject       `json:"text"`
	Fields   []textObject      `json:"fields"`
	Elements []json.RawMessage `json:"elements"`
}

// CheckBlocks applies the caps of the reference to the blocks that every client shows; other blocks are refused, because
// older clients show nothing for them.
func CheckBlocks(raw []byte) error {
	var blocks []block
	if err := json.Unmarshal(raw, &blocks); err != nil {
		return fmt.Errorf("not a list of blocks: %w", err)
	}
	if len(blocks) > 50 {
		return fmt.Errorf("%d blocks, at most 50", len(blocks))
	}
	for i, b := range blocks {
		if err := b.check(); err != nil {
			return fmt.Errorf("block %d (%s): %w", i, b.Type, err)
		}
	}
	return nil
}

func (b block) check() error {
	if length(b.BlockID) > 255 {
		return fmt.Errorf("block_id of %d characters", length(b.BlockID))
	}
	switch b.Type {
	case "divider":
		return nil
	case "header":
		if b.Text == nil || b.Text.Type != "plain_text" {
			return fmt.Errorf("a header is plain_text")
		}
		return b.Text.check(150)
	case "section":
		if b.Text == nil && len(b.Fields) == 0 || len(b.Fields) > 10 {
			return fmt.Errorf("a section has text or up to 10 fields")
		}
		if b.Text == nil {
			return nil
		}
		return b.Text.check(3000)
	case "context":
		if len(b.Elements) == 0 || len(b.Elements) > 10 {
			return fmt.Errorf("%d elements, want 1 to 10", len(b.Elements))
		}
		for _, raw := range b.Elements {
			var t textObject
			if err := json.Unmarshal(raw, &t); err != nil {
				return err
			}
			if err := t.check(3000); err != nil {
				return err
			}
		}
		return nil
	case "actions":
		return checkActions(b.Elements)
	}
	return fmt.Errorf("unknown type")
}

func checkActions(all []json.RawMessage) error {
	if len(all) == 0 || len(all) > 25 {
		return fmt.Errorf("%d elements, want 1 to 25", len(all))
	}
	seen := map[string]bool{}
	for _, raw := range all {
		var e struct {
			Type     string      `json:"type"`
			Text     *textObject `json:"text"`
			ActionID string      `json:"action_id"`
			Value    string      `json:"value"`
			URL      string      `json:"url"`
			Style    string      `json:"style"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		switch {
		case e.Type != "button" || e.Text == nil || e.Text.Type != "plain_text":
			return fmt.Errorf("a button has a plain_text")
		case e.ActionID == "" || length(e.ActionID) > 255 || seen[e.ActionID]:
			return fmt.Errorf("action_id %q is empty, too long or used twice", e.ActionID)
		case length(e.Value) > 2000 || length(e.URL) > 3000:
			return fmt.Errorf("value or url is too long")
		case e.Style != "" && e.Style != "primary" && e.Style != "danger":
			return fmt.Errorf("style %q", e.Style)
		}
		if u, err := url.Parse(e.URL); e.URL != "" && (err != nil || u.Host == "") {
			return fmt.Errorf("url is none")
		}
		seen[e.ActionID] = true
		if err := e.Text.check(75); err != nil {
			return err
		}
	}
	return nil
}

func (t textObject) check(most int) error {
	switch {
	case t.Type != "plain_text" && t.Type != "mrkdwn":
		return fmt.Errorf("text of type %q", t.Type)
	case t.Text == "":
		return fmt.Errorf("empty text")
	case length(t.Text) > most:
		return fmt.Errorf("text of %d characters, at most %d", length(t.Text), most)
	case t.Type == "plain_text" && t.Verbatim != nil, t.Type == "mrkdwn" && t.Emoji != nil && *t.Emoji:
		return fmt.Errorf("emoji belongs to plain_text, verbatim to mrkdwn")
	}
	return nil
}

func length(s string) int { return len(utf16.Encode([]rune(s))) }
