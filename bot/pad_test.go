package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"belay/bot/internal/testdesk"
	"belay/governance"
	"belay/governance/coordinator"
)

// pad is a platform in memory: an inbox entry is the JSON of what it decodes to. It remembers what a vendor would, and
// fails as it is told to.
type pad struct {
	rooms  []Room
	maxArg int

	mu       sync.Mutex
	answers  []Card
	messages map[string]*padMessage // by id
	byOp     map[string]string
	order    []string
	threads  map[string][]Card
	opened   map[string]string
	fail     map[string][]error // by method, the next errors
	calls    []string
}

type padMessage struct {
	channel string
	card    Card
	edits   int
}

func newPad() *pad {
	return &pad{rooms: Rooms("W1", "C1"), maxArg: 86, messages: map[string]*padMessage{}, byOp: map[string]string{}, threads: map[string][]Card{}, opened: map[string]string{}, fail: map[string][]error{}}
}

func (p *pad) Name() string  { return "pad" }
func (p *pad) Rooms() []Room { return p.rooms }
func (p *pad) MaxArg() int   { return p.maxArg }

// next notes a call and gives the error that it shall have. The caller holds mu.
func (p *pad) next(method string) error {
	p.calls = append(p.calls, method)
	if len(p.fail[method]) == 0 {
		return nil
	}
	err := p.fail[method][0]
	p.fail[method] = p.fail[method][1:]
	return err
}

func (p *pad) Decode(_ context.Context, e governance.InboxEntry) (Incoming, error) {
	var in Incoming
	if err := json.Unmarshal(e.Body, &in); err != nil {
		return in, fmt.Errorf("decode: %w", err)
	}
	return in, nil
}

func (p *pad) Answer(_ context.Context, _ ReplyTo, c Card) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.next("answer"); err != nil {
		return err
	}
	p.answers = append(p.answers, c)
	return nil
}

func (p *pad) Post(_ context.Context, channel string, c Card, op string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.next("post"); err != nil {
		return "", err
	}
	id := fmt.Sprintf("m%d", len(p.order)+1)
	p.messages[id], p.byOp[op] = &padMessage{channel: channel, card: c}, id
	p.order = append(p.order, id)
	return id, nil
}

func (p *pad) Find(_ context.Context, _, op string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byOp[op], p.next("find")
}

func (p *pad) Edit(_ context.Context, _, message string, c Card) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.next("edit"); err != nil {
		return err
	}
	m, ok := p.messages[message]
	if !ok {
		return &Failure{Class: Gone, Detail: "unknown message"}
	}
	m.card = c
	m.edits++
	return nil
}

func (p *pad) OpenThread(_ context.Context, _, message, name string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.next("thread"); err != nil {
		return "", err
	}
	p.opened["t"+message] = name
	return "t" + message, nil
}

func (p *pad) Tell(_ context.Context, _, thread string, c Card, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.next("tell"); err != nil {
		return err
	}
	p.threads[thread] = append(p.threads[thread], c)
	return nil
}

// in gives the ids of the messages in a channel.
func (p *pad) in(channel string) (ids []string) {
	for _, id := range p.order {
		if m := p.messages[id]; m != nil && m.channel == channel {
			ids = append(ids, id)
		}
	}
	return ids
}

func textOf(c Card) string {
	var b strings.Builder
	b.WriteString(c.Header + "\n")
	for _, s := range c.Sections {
		b.WriteString(s.Title + "\n")
		for _, l := range s.Lines {
			for _, span := range l {
				b.WriteString(span.Text + span.Said.Raw())
				if span.Kind == SpanMoment {
					b.WriteString(span.At.UTC().Format(time.RFC3339))
				}
			}
			b.WriteString("\n")
		}
	}
	for _, button := range c.Buttons {
		b.WriteString("[" + button.Label + "]\n")
	}
	return b.String()
}

// stage is a bot with a desk and a pad.
type stage struct {
	*testing.T
	bot  *Bot
	desk *testdesk.Desk
	pad  *pad
}

func newStage(t *testing.T) stage {
	t.Helper()
	s := stage{T: t, desk: testdesk.New(), pad: newPad()}
	s.desk.People["pad/alice"] = coordinator.Member{Name: "alice", Roles: []string{"guardian"}}
	s.restart()
	return s
}

// restart makes a new bot over the same desk and the same vendor.
func (s *stage) restart() {
	s.Helper()
	b, err := New(Config{Messages: s.desk, PublicURL: testdesk.PublicURL})
	if err != nil {
		s.Fatal(err)
	}
	b.Join(s.pad)
	b.Attach(s.desk)
	s.bot = b
}

// says types a command as a user and gives the private answer.
func (s stage) says(user, name, text string) Card {
	s.Helper()
	c := Parse(s.bot.cfg.Names, name, text)
	return s.handles(Incoming{Actor: coordinator.Actor{Platform: "pad", Space: "S", User: user}, Command: &c})
}

// presses presses a button.
func (s stage) presses(user string, b Button) Card {
	s.Helper()
	click, ours := ParseClick(b.ID())
	if !ours {
		s.Fatalf("button %+v is not ours", b)
	}
	return s.handles(Incoming{Actor: coordinator.Actor{Platform: "pad", Space: "S", User: user}, Click: &click})
}

func (s stage) handles(in Incoming) Card {
	s.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.Fatal(err)
	}
	before := len(s.pad.answers)
	if err := s.bot.Handle(s.Context(), governance.InboxEntry{Key: "k", Platform: "pad", Kind: "k", Body: body, ReceivedAt: time.Now()}); err != nil {
		s.Fatal(err)
	}
	if len(s.pad.answers) != before+1 {
		s.Fatalf("%d answers, want one", len(s.pad.answers)-before)
	}
	return s.pad.answers[before]
}

// delivers brings the pad up to date as the coordinator does: references are stored with or without an error.
func (s stage) delivers(proposal string, version uint64) error {
	s.Helper()
	refs, err := s.bot.Deliver(s.Context(), governance.Duty{Kind: governance.DutyCard, Proposal: proposal, Version: version, Target: "pad", Due: time.Now()})
	s.desk.Remember(refs)
	return err
}

func (s stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s stage) contains(c Card, wanted ...string) {
	s.Helper()
	for _, w := range wanted {
		if !strings.Contains(textOf(c), w) {
			s.Errorf("no %q in:\n%s", w, textOf(c))
		}
	}
}
