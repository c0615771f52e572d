package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"unicode/utf16"
)

// readMessage checks a message by the schema and by the limits that the schema misses.
func (g *Guild) readMessage(schema string, body []byte) (Message, answer) {
	var m struct {
		Content    string          `json:"content"`
		Embeds     []Embed         `json:"embeds"`
		Components []Row           `json:"components"`
		Mentions   json.RawMessage `json:"allowed_mentions"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return Message{}, g.invalid("message: " + err.Error())
	}
	if err := g.o.Check(schema, body); err != nil {
		return Message{}, g.invalid(schema + ": " + err.Error())
	}
	out := Message{Content: m.Content, Embeds: m.Embeds, Components: m.Components, Body: body}
	if err := out.check(); err != nil {
		return out, g.invalid("message: " + err.Error())
	}
	if m.Content == "" && len(m.Embeds) == 0 && len(m.Components) == 0 {
		return out, refuse(http.StatusBadRequest, codeEmptyMessage)
	}
	return out, answer{}
}

// check applies Discord's caps (discord.com/developers/docs/resources/message).
func (m Message) check() error {
	if n := length(m.Content); n > 2000 {
		return fmt.Errorf("content of %d characters, at most 2000", n)
	}
	sum := 0
	for _, e := range m.Embeds {
		if length(e.Title) > 256 || length(e.Description) > 4096 || length(e.Footer.Text) > 2048 {
			return fmt.Errorf("embed: title %d, description %d, footer %d", length(e.Title), length(e.Description), length(e.Footer.Text))
		}
		sum += length(e.Title) + length(e.Description) + length(e.Footer.Text)
	}
	if len(m.Embeds) > 10 || sum > 6000 {
		return fmt.Errorf("%d embeds of %d characters in all", len(m.Embeds), sum)
	}
	if len(m.Components) > 5 {
		return fmt.Errorf("%d rows, at most 5", len(m.Components))
	}
	ids := map[string]bool{}
	for _, r := range m.Components {
		if r.Type != 1 || len(r.Components) == 0 || len(r.Components) > 5 {
			return fmt.Errorf("a row of type %d with %d components", r.Type, len(r.Components))
		}
		for _, b := range r.Components {
			if err := b.check(ids); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b Button) check(ids map[string]bool) error {
	switch {
	case b.Type != 2 || b.Label == "" || length(b.Label) > 80:
		return fmt.Errorf("a button of type %d with a label of %d characters", b.Type, length(b.Label))
	case b.Style == 5 && (b.URL == "" || length(b.URL) > 512 || b.CustomID != ""):
		return fmt.Errorf("a link button has a url of at most 512 characters and no id")
	case b.Style != 5 && (b.CustomID == "" || length(b.CustomID) > 100 || b.URL != "" || ids[b.CustomID]):
		return fmt.Errorf("custom_id %q is empty, too long or used twice", b.CustomID)
	}
	ids[b.CustomID] = true
	return nil
}

type commandOption struct {
	Type         int    `json:"type"`
	Name         string `json:"name"`
	Description  string `json:"description"`
	Required     bool   `json:"required"`
	Autocomplete bool   `json:"autocomplete"`
	Choices      []struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
	} `json:"choices"`
	Options []commandOption `json:"options"`
}

var commandName = regexp.MustCompile(`^[-_'\p{Ll}\p{Lo}\p{N}]{1,32}$`)

// checkCommands applies the rules for commands (discord.com/developers/docs/interactions/application-commands).
func checkCommands(body []byte, check func(string, []byte) error) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, r := range raw {
		if err := check("ApplicationCommandUpdateRequest", r); err != nil {
			return err
		}
		var c commandOption
		if err := json.Unmarshal(r, &c); err != nil {
			return err
		}
		if seen[c.Name] || len(raw) > 100 {
			return fmt.Errorf("command %s twice, or more than 100", c.Name)
		}
		seen[c.Name] = true
		size, err := c.check(0)
		if err != nil {
			return fmt.Errorf("command %s: %w", c.Name, err)
		}
		if size > 8000 {
			return fmt.Errorf("command %s holds %d characters, at most 8000", c.Name, size)
		}
	}
	return nil
}

func (c commandOption) check(depth int) (size int, err error) {
	size = length(c.Name) + length(c.Description)
	switch {
	case !commandName.MatchString(c.Name):
		return 0, fmt.Errorf("name %q", c.Name)
	case c.Description == "" || length(c.Description) > 100:
		return 0, fmt.Errorf("%s: description of %d characters", c.Name, length(c.Description))
	case len(c.Options) > 25 || len(c.Choices) > 25 || depth > 3:
		return 0, fmt.Errorf("%s: %d options, %d choices, depth %d", c.Name, len(c.Options), len(c.Choices), depth)
	case c.Autocomplete && len(c.Choices) > 0:
		return 0, errors.New(c.Name + ": autocomplete with choices")
	}
	for _, v := range c.Choices {
		text := fmt.Sprint(v.Value)
		if v.Name == "" || length(v.Name) > 100 || length(text) > 100 {
			return 0, fmt.Errorf("%s: choice %q", c.Name, v.Name)
		}
		size += length(v.Name) + length(text)
	}
	names, optional := map[string]bool{}, false
	for _, o := range c.Options {
		if names[o.Name] || o.Required && optional {
			return 0, fmt.Errorf("%s: option %s twice, or required after an optional one", c.Name, o.Name)
		}
		names[o.Name] = true
		optional = optional || !o.Required
		n, err := o.check(depth + 1)
		if err != nil {
			return 0, err
		}
		size += n
	}
	return size, nil
}

func length(s string) int { return len(utf16.Encode([]rune(s))) }
