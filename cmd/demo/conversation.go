package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"belay/bot/slack/standin"
)

// person is somebody who can type in the demo's workspace.
type person struct {
	Name, Slack, Role string
}

// people are those of the configuration, and one who is not in it.
func (s *stage) people() []person {
	roles := map[string]string{"alice": "guardian", "bob": "signer", "carol": "signer"}
	var all []person
	for _, a := range s.wallet.accounts {
		all = append(all, person{a.Name, a.Slack, roles[a.Name]})
	}
	return append(all, person{"eve", "U0000666", "stranger"})
}

// line is one entry of a channel as the screen shows it.
type line struct {
	ID      string
	At      time.Time
	Who     string // "belay", or the person who typed
	Private bool   // only the newcomer sees this
	To      string // who that is
	Text    string // typed, or where there are no blocks
	Blocks  []block
	Edited  bool
	Replies []line
}

// conversation follows the workspace and keeps when each message was first seen, and what people typed, which in Slack
// nobody but they would see. It locks itself.
type conversation struct {
	chat *standin.Workspace

	mu    sync.Mutex
	order map[string]int // by message id
	at    map[string]time.Time
	typed []line
	owner map[string]string // channel of each typed line
}

func newConversation(chat *standin.Workspace) *conversation {
	return &conversation{chat: chat, order: map[string]int{}, at: map[string]time.Time{}, owner: map[string]string{}}
}

// slackbot is who says what Slack itself says to a person, such as that an app did not answer.
const slackbot = "slackbot"

// note keeps a line that is in no channel: what a person typed, or what slackbot tells one.
func (c *conversation) note(channel, who, to, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := line{ID: fmt.Sprintf("typed-%d", len(c.typed)), At: time.Now(), Who: who, Private: true, To: to, Text: text}
	c.seen(l.ID)
	c.typed = append(c.typed, l)
	c.owner[l.ID] = channel
}

// seen gives a message its place in the order of arrival. The caller holds mu.
func (c *conversation) seen(id string) {
	if _, known := c.order[id]; !known {
		c.order[id], c.at[id] = len(c.order), time.Now()
	}
}

// lines are a channel's entries in the order in which they came.
func (c *conversation) lines(channel string, all []person) []line {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines []line
	for _, l := range c.typed {
		if c.owner[l.ID] == channel {
			lines = append(lines, l)
		}
	}
	for _, m := range c.messages(channel, all) {
		l := c.line(m, all)
		for _, r := range c.chat.Thread(channel, m.TS) {
			l.Replies = append(l.Replies, c.line(r, all))
		}
		lines = append(lines, l)
	}
	slices.SortStableFunc(lines, func(a, b line) int { return c.order[a.ID] - c.order[b.ID] })
	return lines
}

// messages are a channel's, private ones too, by Slack's own order.
func (c *conversation) messages(channel string, all []person) []standin.Message {
	found := c.chat.Messages(channel)
	for _, p := range all {
		for _, m := range c.chat.Private(p.Slack) {
			if m.Channel == channel {
				found = append(found, m)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b standin.Message) int { return strings.Compare(a.TS, b.TS) })
	return found
}

// line is a message of the workspace. The caller holds mu.
func (c *conversation) line(m standin.Message, all []person) line {
	id := lineID(m)
	c.seen(id)
	l := line{ID: id, At: c.at[id], Who: "belay", Private: m.To != "", Text: m.Text, Blocks: readBlocks(m.Blocks), Edited: m.Edits > 0}
	for _, p := range all {
		if p.Slack == m.To {
			l.To = p.Name
		}
	}
	return l
}

// message finds a message by the id that the screen knows it by.
func (c *conversation) message(id string, all []person) (standin.Message, bool) {
	for _, channel := range []string{warRoom, community} {
		for _, m := range c.messages(channel, all) {
			if lineID(m) == id {
				return m, true
			}
		}
	}
	return standin.Message{}, false
}

func lineID(m standin.Message) string { return "m" + strings.ReplaceAll(m.TS, ".", "-") }
