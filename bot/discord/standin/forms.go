package standin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Form is a modal that stands open before a person.
type Form struct {
	User, CustomID, Title string
	Inputs                []Input
	channel               string
}

// Input is one question of a form: text, or a choice among options.
type Input struct {
	CustomID  string
	Label     string
	Hint      string
	Value     string // what stands in it at first
	Options   []string
	Required  bool
	MaxLength int
	kind      int
	id        int // the component's number in the form
}

// Kinds of components in a form.
const (
	kindSelect    = 3
	kindTextInput = 4
	kindText      = 10
	kindLabel     = 18
)

// readForm checks a form by the schema and by the limits that the schema misses
// (discord.com/developers/docs/interactions/receiving-and-responding, .../components/reference). The caller holds mu.
func (g *Guild) readForm(whole, data []byte) (Form, error) {
	if err := g.o.Check("ModalInteractionCallbackRequest", whole); err != nil {
		return Form{}, err
	}
	var f struct {
		CustomID   string `json:"custom_id"`
		Title      string `json:"title"`
		Components []part `json:"components"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return Form{}, err
	}
	switch {
	case f.CustomID == "" || length(f.CustomID) > 100:
		return Form{}, fmt.Errorf("custom_id of %d characters", length(f.CustomID))
	case f.Title == "" || length(f.Title) > 45:
		return Form{}, fmt.Errorf("title of %d characters", length(f.Title))
	case len(f.Components) == 0 || len(f.Components) > 5:
		return Form{}, fmt.Errorf("%d components, want 1 to 5", len(f.Components))
	}
	form := Form{CustomID: f.CustomID, Title: f.Title}
	for i, p := range f.Components {
		in, err := p.read()
		if err != nil {
			return Form{}, fmt.Errorf("component %d: %w", i, err)
		}
		if slices.ContainsFunc(form.Inputs, func(o Input) bool { return o.CustomID == in.CustomID }) {
			return Form{}, fmt.Errorf("custom_id %q is used twice", in.CustomID)
		}
		if in.id = 2*i + 2; p.Type == kindLabel {
			form.Inputs = append(form.Inputs, in)
		}
	}
	if len(form.Inputs) == 0 {
		return Form{}, errors.New("a form asks for something")
	}
	return form, nil
}

// part is a component on a form's first level.
type part struct {
	Type        int     `json:"type"`
	Content     string  `json:"content"`
	Label       string  `json:"label"`
	Description *string `json:"description"`
	Component   struct {
		Type      int    `json:"type"`
		CustomID  string `json:"custom_id"`
		Style     int    `json:"style"`
		Label     string `json:"label"`
		Value     string `json:"value"`
		Required  *bool  `json:"required"`
		MinLength int    `json:"min_length"`
		MaxLength int    `json:"max_length"`
		Options   []struct {
			Label string `json:"label"`
			Value string `json:"value"`
		} `json:"options"`
	} `json:"component"`
}

func (p part) read() (Input, error) {
	if p.Type == kindText {
		if p.Content == "" || length(p.Content) > 4000 {
			return Input{}, fmt.Errorf("text of %d characters", length(p.Content))
		}
		return Input{}, nil
	}
	c := p.Component
	in := Input{CustomID: c.CustomID, Label: p.Label, Value: c.Value, Required: c.Required == nil || *c.Required, MaxLength: c.MaxLength, kind: c.Type}
	if p.Description != nil {
		in.Hint = *p.Description
	}
	switch {
	case p.Type != kindLabel:
		return in, fmt.Errorf("type %d", p.Type)
	case p.Label == "" || length(p.Label) > 45 || p.Description != nil && (in.Hint == "" || length(in.Hint) > 100):
		return in, fmt.Errorf("label of %d, description of %d characters", length(p.Label), length(in.Hint))
	case c.CustomID == "" || length(c.CustomID) > 100 || c.Label != "":
		return in, fmt.Errorf("custom_id %q, or a label inside a label", c.CustomID)
	case c.Type == kindTextInput && (c.Style != 1 && c.Style != 2 || c.MaxLength < 0 || c.MaxLength > 4000 || c.MinLength > 4000 || length(c.Value) > 4000):
		return in, errors.New("text input: style, length or value")
	case c.Type == kindSelect && (len(c.Options) == 0 || len(c.Options) > 25):
		return in, fmt.Errorf("%d options, want 1 to 25", len(c.Options))
	case c.Type != kindTextInput && c.Type != kindSelect:
		return in, fmt.Errorf("component of type %d", c.Type)
	}
	for _, o := range c.Options {
		if o.Label == "" || length(o.Label) > 100 || o.Value == "" || length(o.Value) > 100 || slices.Contains(in.Options, o.Value) {
			return in, fmt.Errorf("option %q is empty, too long or there twice", o.Value)
		}
		in.Options = append(in.Options, o.Value)
	}
	return in, nil
}

// Forms gives the forms that stand open before a person.
func (g *Guild) Forms(user string) (open []Form) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.forms {
		if f.User == user {
			open = append(open, f)
		}
	}
	return open
}

// Submit fills a form in, by custom id, and sends it, as Discord's client would: what is required is filled in, what is
// picked is on offer. It gives the raw acknowledgement.
func (g *Guild) Submit(ctx context.Context, who Who, f Form, answers map[string]string) (json.RawMessage, error) {
	for _, in := range f.Inputs {
		value := answers[in.CustomID]
		switch {
		case value == "" && in.Required:
			return nil, fmt.Errorf("%s is required", in.CustomID)
		case value != "" && in.kind == kindSelect && !slices.Contains(in.Options, value):
			return nil, fmt.Errorf("%q is not on offer", value)
		case in.MaxLength > 0 && length(value) > in.MaxLength:
			return nil, fmt.Errorf("%s: %d characters, at most %d", in.CustomID, length(value), in.MaxLength)
		}
	}
	g.mu.Lock()
	g.forms = slices.DeleteFunc(g.forms, func(o Form) bool { return o.User == f.User && o.CustomID == f.CustomID })
	g.mu.Unlock()
	return g.SubmitAs(ctx, who, f, answers)
}

// SubmitAs sends a form filled in at will, as an attacker could.
func (g *Guild) SubmitAs(ctx context.Context, who Who, f Form, answers map[string]string) (json.RawMessage, error) {
	components := []map[string]any{}
	for _, in := range f.Inputs {
		component := map[string]any{"type": in.kind, "id": in.id + 1, "custom_id": in.CustomID}
		switch value := answers[in.CustomID]; {
		case in.kind == kindTextInput:
			component["value"] = value
		case value == "":
			component["values"] = []string{}
		default:
			component["values"] = []string{value}
		}
		components = append(components, map[string]any{"type": kindLabel, "id": in.id, "component": component})
	}
	return g.Deliver(ctx, who, f.channel, 5, map[string]any{"custom_id": f.CustomID, "components": components}, nil)
}
