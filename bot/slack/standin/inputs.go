package standin

import (
	"encoding/json"
	"errors"
	"fmt"
)

// form is a view as an app sends it.
type form struct {
	Type            string            `json:"type"`
	Title           *textObject       `json:"title"`
	Submit          *textObject       `json:"submit"`
	Close           *textObject       `json:"close"`
	CallbackID      string            `json:"callback_id"`
	PrivateMetadata string            `json:"private_metadata"`
	ExternalID      string            `json:"external_id"`
	Blocks          []json.RawMessage `json:"blocks"`
}

// CheckView applies the caps of the reference to a form: a modal of blocks that every client shows, with inputs for text and
// for one choice among those in it.
func CheckView(raw []byte) (*View, error) {
	if len(raw) > maxView {
		return nil, fmt.Errorf("view_too_large: %d bytes", len(raw))
	}
	var f form
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("not a view: %w", err)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	v := &View{CallbackID: f.CallbackID, Metadata: f.PrivateMetadata, Title: f.Title.Text, Raw: raw}
	ids := map[string]bool{}
	for i, b := range f.Blocks {
		in, id, err := checkViewBlock(b)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", i, err)
		}
		if id != "" && ids[id] {
			return nil, fmt.Errorf("block_id %q is used twice", id)
		}
		ids[id] = true
		if in != nil {
			v.Inputs = append(v.Inputs, *in)
		}
	}
	if len(v.Inputs) > 0 && f.Submit == nil {
		return nil, errors.New("a view with inputs needs submit")
	}
	return v, nil
}

func (f form) check() error {
	switch {
	case f.Type != "modal":
		return fmt.Errorf("a view of type %q", f.Type)
	case f.Title == nil:
		return errors.New("a modal needs a title")
	case length(f.CallbackID) > 255 || length(f.ExternalID) > 255:
		return errors.New("callback_id or external_id is longer than 255")
	case length(f.PrivateMetadata) > 3000:
		return fmt.Errorf("private_metadata of %d characters, at most 3000", length(f.PrivateMetadata))
	case len(f.Blocks) == 0 || len(f.Blocks) > 100:
		return fmt.Errorf("%d blocks, want 1 to 100", len(f.Blocks))
	}
	for name, t := range map[string]*textObject{"title": f.Title, "submit": f.Submit, "close": f.Close} {
		if err := t.plain(24); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// plain checks a text that may be absent and is never mrkdwn.
func (t *textObject) plain(most int) error {
	if t == nil {
		return nil
	}
	if t.Type != "plain_text" {
		return fmt.Errorf("text of type %q, want plain_text", t.Type)
	}
	return t.check(most)
}

func checkViewBlock(raw json.RawMessage) (in *Input, id string, err error) {
	var b struct {
		block
		Label    *textObject     `json:"label"`
		Hint     *textObject     `json:"hint"`
		Element  json.RawMessage `json:"element"`
		Optional bool            `json:"optional"`
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, "", err
	}
	if b.Type != "input" {
		return nil, b.BlockID, b.check()
	}
	switch {
	case length(b.BlockID) > 255:
		return nil, "", fmt.Errorf("block_id of %d characters", length(b.BlockID))
	case b.Label == nil:
		return nil, "", errors.New("an input needs a label")
	}
	if err := errors.Join(b.Label.plain(2000), b.Hint.plain(2000)); err != nil {
		return nil, "", err
	}
	in = &Input{BlockID: b.BlockID, Label: b.Label.Text, Optional: b.Optional}
	if b.Hint != nil {
		in.Hint = b.Hint.Text
	}
	return in, b.BlockID, in.read(b.Element)
}

type option struct {
	Text  *textObject `json:"text"`
	Value string      `json:"value"`
}

// read checks an input's element.
func (in *Input) read(raw json.RawMessage) error {
	var e struct {
		Type         string      `json:"type"`
		ActionID     string      `json:"action_id"`
		Placeholder  *textObject `json:"placeholder"`
		InitialValue string      `json:"initial_value"`
		MinLength    int         `json:"min_length"`
		MaxLength    int         `json:"max_length"`
		Options      []option    `json:"options"`
		Groups       []struct {
			Label   *textObject `json:"label"`
			Options []option    `json:"options"`
		} `json:"option_groups"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return fmt.Errorf("element: %w", err)
	}
	if e.ActionID == "" || length(e.ActionID) > 255 {
		return fmt.Errorf("action_id %q is empty or too long", e.ActionID)
	}
	if err := e.Placeholder.plain(150); err != nil {
		return fmt.Errorf("placeholder: %w", err)
	}
	in.Kind, in.ActionID, in.Value, in.MaxLength = e.Type, e.ActionID, e.InitialValue, e.MaxLength
	switch e.Type {
	case "plain_text_input":
		if e.MaxLength < 0 || e.MaxLength > 3000 || e.MinLength < 0 || e.MinLength > 3000 || e.MaxLength > 0 && length(e.InitialValue) > e.MaxLength {
			return errors.New("min_length, max_length or initial_value is out of bounds")
		}
		return nil
	case "static_select":
		if (len(e.Options) == 0) == (len(e.Groups) == 0) || len(e.Groups) > 100 {
			return fmt.Errorf("%d options and %d groups: want one of them, up to 100", len(e.Options), len(e.Groups))
		}
		for _, g := range e.Groups {
			if g.Label == nil || len(g.Options) == 0 {
				return errors.New("a group has a label and options")
			}
			if err := errors.Join(g.Label.plain(75), in.offer(g.Options)); err != nil {
				return err
			}
		}
		return in.offer(e.Options)
	}
	return fmt.Errorf("an input of type %q", e.Type)
}

// offer checks options and takes them in.
func (in *Input) offer(options []option) error {
	if len(options) > 100 {
		return fmt.Errorf("%d options, at most 100", len(options))
	}
	for _, o := range options {
		if o.Text == nil || o.Value == "" || length(o.Value) > 75 {
			return fmt.Errorf("option %q lacks a text, or its value is empty or longer than 75", o.Value)
		}
		if err := o.Text.plain(75); err != nil {
			return err
		}
		in.Options = append(in.Options, o.Value)
	}
	return nil
}
