package slack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"time"

	"belay/bot"
	"belay/governance"
	"belay/governance/coordinator"
)

// The kinds of inbox entries.
const (
	kindCommand     = "command"      // a slash command as the form that HTTP brings
	kindCommandJSON = "command_json" // the same as the object that the socket brings
	kindInteraction = "interaction"  // a pressed button or a sent form, as JSON
)

// arrival is what both transports have in common: who, what, and where an answer goes.
type arrival struct {
	team, enterprise, user string
	key                    string // Slack's own id of it
	trigger                string // opens a form, for three seconds
	responseURL            string
	command                *bot.Command
	click                  *bot.Click
	sent                   *sentForm // a form, of which command is what it comes to
	private                bool      // the pressed button stands on a private message
}

var errNotOurs = errors.New("not a command, click or form of ours")

// read reads a verified payload of a kind.
func (p *Platform) read(kind string, body []byte) (arrival, error) {
	switch kind {
	case kindCommand:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return arrival{}, errors.New("read command: malformed form")
		}
		return p.readCommand(form.Get, body)
	case kindCommandJSON:
		var fields map[string]any
		if err := json.Unmarshal(body, &fields); err != nil {
			return arrival{}, errors.New("read command: malformed JSON")
		}
		return p.readCommand(func(name string) string { s, _ := fields[name].(string); return s }, body)
	case kindInteraction:
		return readInteraction(body)
	}
	return arrival{}, fmt.Errorf("inbox entry of kind %q is of a newer Belay", kind)
}

func (p *Platform) readCommand(field func(string) string, body []byte) (arrival, error) {
	name := field("command")
	if _, _, known := p.cfg.Names.Verb(name); !known {
		return arrival{}, errNotOurs
	}
	command := bot.Parse(p.cfg.Names, name, unescape(field("text")))
	return arrival{
		team: field("team_id"), enterprise: field("enterprise_id"), user: field("user_id"),
		key: keyOf("command", field("trigger_id"), body), trigger: field("trigger_id"), responseURL: field("response_url"), command: &command,
	}, nil
}

// interaction is the part of a block_actions or view_submission payload that is used.
type interaction struct {
	Type        string `json:"type"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	Team        struct {
		ID string `json:"id"`
	} `json:"team"`
	Enterprise *struct {
		ID string `json:"id"`
	} `json:"enterprise"`
	User struct {
		ID     string `json:"id"`
		TeamID string `json:"team_id"`
	} `json:"user"`
	Container struct {
		IsEphemeral bool `json:"is_ephemeral"`
	} `json:"container"`
	Actions []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
	} `json:"actions"`
	View view `json:"view"`
}

func readInteraction(body []byte) (arrival, error) {
	var in interaction
	if err := json.Unmarshal(body, &in); err != nil {
		return arrival{}, errors.New("read interaction: malformed JSON")
	}
	a, err := in.arrival(body)
	a.team, a.user = in.Team.ID, in.User.ID
	if in.User.TeamID != "" && in.User.TeamID != in.Team.ID {
		a.team = in.User.TeamID // somebody of another workspace, in a shared channel
	}
	return a, err
}

// arrival tells a pressed button from a sent form.
func (in interaction) arrival(body []byte) (arrival, error) {
	if in.Type == "view_submission" {
		return readForm(in)
	}
	if in.Type != "block_actions" || len(in.Actions) != 1 {
		return arrival{}, errNotOurs
	}
	click, ours := bot.ParseClick(in.Actions[0].ActionID + in.Actions[0].Value)
	if !ours || click.Action == bot.ActionOpen {
		return arrival{}, errNotOurs
	}
	return arrival{key: keyOf("click", in.TriggerID, body), responseURL: in.ResponseURL, click: &click, private: in.Container.IsEphemeral}, nil
}

// keyOf is Slack's id of an arrival: every command and click has its own trigger.
func keyOf(what, trigger string, body []byte) string {
	if trigger != "" {
		return Name + ":" + what + ":" + trigger
	}
	sum := sha256.Sum256(body)
	return Name + ":" + what + ":" + hex.EncodeToString(sum[:])
}

// unescape undoes what Slack does to typed text: three entities, and angle brackets around what it took for an address.
func unescape(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		link, after, closed := strings.Cut(rest, ">")
		if !found || !closed {
			b.WriteString(text)
			return html.UnescapeString(b.String())
		}
		address, label, labelled := strings.Cut(link, "|")
		if labelled {
			address = label
		}
		b.WriteString(before + address)
		text = after
	}
}

// Decode reads an inbox entry.
func (p *Platform) Decode(ctx context.Context, entry governance.InboxEntry) (bot.Incoming, error) {
	a, err := p.read(entry.Kind, entry.Body)
	if err != nil {
		return bot.Incoming{}, err
	}
	if !p.ours(a) {
		return bot.Incoming{}, errors.New("entry of another workspace")
	}
	actor := coordinator.Actor{Platform: Name, Space: a.team, User: a.user, Groups: p.groups.of(ctx, a.user, p.cfg.Groups, p.cfg.Log)}
	reply := bot.ReplyTo{Secret: bot.Secret(a.responseURL), At: entry.ReceivedAt, Replace: a.private}
	if a.sent != nil {
		reply.At = time.Unix(a.sent.At, 0)
	}
	return bot.Incoming{Actor: actor, Command: a.command, Click: a.click, Reply: reply}, nil
}

// ours pins the workspace. A person of another one can see a shared channel, and Slack signs for them too.
func (p *Platform) ours(a arrival) bool { return a.team == p.cfg.TeamID && a.user != "" }
