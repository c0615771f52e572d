package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
)

// Desk is what the bot needs of the coordinator. *coordinator.Coordinator is one. Every refusal is a
// *governance.Refusal; any other error is internal and nothing was done.
type Desk interface {
	Gate
	Propose(ctx context.Context, in coordinator.Intent) (coordinator.Proposed, error)
	Preview(ctx context.Context, in coordinator.Intent) (governance.View, error)
	Object(ctx context.Context, proposal, member, text string) (governance.View, error)
	Respond(ctx context.Context, proposal, member, what string) (governance.View, error)
	Withdraw(ctx context.Context, proposal, member string) (governance.View, error)
	Extend(ctx context.Context, proposal, member string) (governance.View, error)
	Disclose(ctx context.Context, proposal, member string) (governance.View, error)
	Release(ctx context.Context, proposal, member string) (governance.View, error)
	Show(ctx context.Context, id string, viewer governance.Viewer) (governance.View, error)
	List(ctx context.Context, q coordinator.Query) (coordinator.Page, error)
	Timelocks(ctx context.Context, viewer governance.Viewer) ([]coordinator.Timelock, error)
	Nonces(ctx context.Context) ([]governance.NonceMap, error)
	Member(ctx context.Context, a coordinator.Actor) (coordinator.Member, []string, error)
	ReadKey(id string) string
	BeginLink(ctx context.Context, a coordinator.Actor) (url, phrase string, err error)
	Unlink(ctx context.Context, a coordinator.Actor) error
}

// Messages tells where a proposal's cards stand. The store is one.
type Messages interface {
	Messages(proposal string) ([]governance.MessageRef, error)
}

// Config is what a Bot works with.
type Config struct {
	Messages  Messages
	PublicURL string // the one origin that people learn, without a trailing slash
	Names     Names
	Log       *slog.Logger
	// Check answers "could you pause now?", a line each; nil sends people to `belay check`.
	Check func(ctx context.Context) []string
}

// Bot works off what came in from chat and keeps cards up to date. It implements coordinator.Handler,
// coordinator.Deliverer and Gate, and may be used from any goroutine once Attach was called.
//
// Bot, platforms and coordinator need one another, so they are joined in this order: New; the platforms, with the Bot as
// their Gate; Join for each; the coordinator, with the Bot as Handler and Deliverer; Attach. Then they start.
type Bot struct {
	cfg       Config
	desk      Desk
	platforms map[string]Platform
	started   time.Time
	drafts    drafts
	cards     cards
	locks     sync.Map // proposal and platform → *sync.Mutex: one delivery at a time
}

var (
	_ coordinator.Handler   = (*Bot)(nil)
	_ coordinator.Deliverer = (*Bot)(nil)
	_ Gate                  = (*Bot)(nil)
)

// New makes a Bot without platforms and without a desk.
func New(cfg Config) (*Bot, error) {
	if cfg.Messages == nil {
		return nil, errors.New("bot: no memory of messages is configured")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Names = cfg.Names.WithDefaults()
	return &Bot{cfg: cfg, platforms: map[string]Platform{}, started: time.Now()}, nil
}

// Join adds a platform, before anything runs.
func (b *Bot) Join(p Platform) { b.platforms[p.Name()] = p }

// Attach gives the bot its desk, before anything runs.
func (b *Bot) Attach(d Desk) { b.desk = d }

// Platforms names the platforms that carry cards.
func (b *Bot) Platforms() (names []string) {
	for name := range b.platforms {
		names = append(names, name)
	}
	return names
}

// Receive passes an entry on to the coordinator.
func (b *Bot) Receive(ctx context.Context, entry governance.InboxEntry) error {
	return b.desk.Receive(ctx, entry)
}

// Playbooks lists what can be proposed.
func (b *Bot) Playbooks() []coordinator.PlaybookInfo { return b.desk.Playbooks() }

// Judge passes values on to the coordinator.
func (b *Bot) Judge(playbook string, params map[string]string) map[string]*governance.Refusal {
	return b.desk.Judge(playbook, params)
}

// Handle works off one inbox entry and answers the person. It returns nil once the entry is done with, and an error only
// where another instance, or the next start, must take it up again.
func (b *Bot) Handle(ctx context.Context, entry governance.InboxEntry) error {
	p, ok := b.platforms[entry.Platform]
	if !ok {
		b.cfg.Log.Warn("inbox entry of a platform that is not configured any more", "platform", entry.Platform, "kind", entry.Kind)
		return nil
	}
	in, err := p.Decode(ctx, entry)
	if err != nil {
		// The entry will not become readable; what a person wrote stays out of the log.
		b.cfg.Log.Error("decode inbox entry", "platform", entry.Platform, "kind", entry.Kind, "error", err)
		return nil
	}
	card, err := b.work(ctx, p, in)
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, governance.ErrFenced) {
			return fmt.Errorf("work off inbox entry: %w", err)
		}
		card = b.refusal(err, in)
	}
	b.answer(ctx, p, in.Reply, card)
	return nil
}

// refusal puts an error into words. Internals go to the log only.
func (b *Bot) refusal(err error, in Incoming) Card {
	if r, ok := errors.AsType[*governance.Refusal](err); ok {
		return refusalCard(r)
	}
	b.cfg.Log.Error("chat command", "platform", in.Actor.Platform, "error", err)
	return Answer("Something broke inside, and nothing was done",
		"The operator's log says what. Try again; if it stays so, run `belay propose` on the server.")
}

func refusalCard(r *governance.Refusal) Card {
	title := r.Title()
	if title == "" {
		title = "Refused"
	}
	c := Card{Header: title, Summary: title, Tone: ToneAlarm}
	lines := []Line{detailLine(r.Detail)}
	if r.Hint != "" {
		lines = append(lines, append(Line{Strong("Next: ")}, sentence(Cut(r.Hint, 2*errorRunes), Plain)...))
	}
	lines = append(lines, Line{Plain("Nothing was done. Reason code: "), Code(string(r.Code))})
	c.Sections = []Section{{Lines: lines}}
	return c
}

// detailLine quotes what a refusal says; a time in it is shown in the reader's own zone.
func detailLine(text string) (l Line) {
	quote := func(s string) Span { return Said(governance.Untrusted(s), 2*errorRunes) }
	from := 0
	for _, at := range timestamp.FindAllStringIndex(text, 3) {
		if moment, ok := instant(text[at[0]:at[1]]); ok {
			l = append(l, quote(text[from:at[0]]), Plain(" "), Moment(moment))
			from = at[1]
		}
	}
	if from < len(text) {
		l = append(l, quote(text[from:]))
	}
	return l
}

// answerTries bounds the attempts to reach someone; the card in the room says the same.
const answerTries = 6

// answer tells the person, trying again while the platform asks for it. An answer that cannot be given is logged and
// dropped: what was done stays done.
func (b *Bot) answer(ctx context.Context, p Platform, to ReplyTo, c Card) {
	for try := 1; ; try++ {
		err := p.Answer(ctx, to, c)
		switch {
		case err == nil:
			return
		case ClassOf(err) != Retryable || try == answerTries:
			b.cfg.Log.Warn("private answer was not delivered", "platform", p.Name(), "error", err)
			return
		}
		if !pause(ctx, min(max(RetryAfter(err), 100*time.Millisecond), 5*time.Second)) {
			return
		}
	}
}

// pause waits; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
