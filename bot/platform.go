package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
)

// Platform is what the bot needs of Slack or Discord. Every method that sends makes one attempt and classifies its
// failure (Failure); the outbox retries. None logs what a person wrote, or a token.
type Platform interface {
	Name() string // slack | discord; also what duties and inbox entries call it
	Rooms() []Room
	// MaxArg is how many bytes a button can carry back.
	MaxArg() int

	// Decode reads an inbox entry of this platform. It reaches the network at most for the account's groups, and then
	// treats silence as "in no group".
	Decode(ctx context.Context, entry governance.InboxEntry) (Incoming, error)
	// Answer tells one person something, privately.
	Answer(ctx context.Context, to ReplyTo, c Card) error

	// Post puts a card into a channel. The same op, sent again within minutes, gives the same message wherever the
	// platform can do that.
	Post(ctx context.Context, channel string, c Card, op string) (message string, err error)
	// Find looks for a card that an earlier life posted under op; "" when there is none or the platform cannot look.
	Find(ctx context.Context, channel, op string) (message string, err error)
	Edit(ctx context.Context, channel, message string, c Card) error
	// OpenThread opens the thread under a card, or gives the one that is there.
	OpenThread(ctx context.Context, channel, message, name string) (thread string, err error)
	// Tell adds a message to a thread; op as for Post.
	Tell(ctx context.Context, channel, thread string, c Card, op string) error
}

// Room is a channel and how much it may see.
type Room struct {
	Name     string // war_room | community
	Channel  string
	Audience governance.Audience
}

// WarRoom and Community name the two rooms of a platform.
const (
	WarRoom   = "war_room"
	Community = "community"
)

// Rooms lists the rooms that are configured.
func Rooms(warRoom, community string) (rooms []Room) {
	if warRoom != "" {
		rooms = append(rooms, Room{Name: WarRoom, Channel: warRoom, Audience: governance.AudienceWarRoom})
	}
	if community != "" {
		rooms = append(rooms, Room{Name: Community, Channel: community, Audience: governance.AudiencePublic})
	}
	return rooms
}

// Incoming is what an inbox entry says: who, what, and where the answer goes. Exactly one of Command and Click is set.
type Incoming struct {
	Actor   coordinator.Actor
	Command *Command
	Click   *Click
	Reply   ReplyTo
}

// ReplyTo is the way to one person's private answer. It is a bearer secret and ends by itself: 15 minutes after a
// Discord interaction, 30 minutes or five uses after a Slack one.
type ReplyTo struct {
	Secret  Secret
	At      time.Time // when it was given
	Replace bool      // the answer takes the place of the private message whose button was pressed
}

// Secret is text that nothing prints: not a log, not an error, not JSON.
type Secret string

const redacted = "<redacted>"

// Reveal gives the text to the one call that needs it.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string { return redacted }

// GoString hides the text.
func (s Secret) GoString() string { return redacted }

// LogValue hides the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Failure is a platform's refusal, classified. Detail holds the vendor's code and never a token, an address with one, or
// what people wrote.
type Failure struct {
	Class  Class
	After  time.Duration // for Retryable: the vendor's wish; 0 leaves it to the caller
	Detail string
}

// Class is what a caller can do about a failure.
type Class string

// The classes.
const (
	Retryable Class = "retryable" // rate limit, outage, network: the same again later
	Gone      Class = "gone"      // message, thread, channel or reply address do not exist any more
	Forbidden Class = "forbidden" // token, scope or permission: an operator must act
	TooLong   Class = "too_long"  // the vendor refused the form: our fault
	Unknown   Class = "unknown"
)

// Error gives class and detail.
func (f *Failure) Error() string { return fmt.Sprintf("%s (%s)", f.Detail, f.Class) }

// ClassOf finds the class of an error; anything that is no Failure is Unknown.
func ClassOf(err error) Class {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f.Class
	}
	return Unknown
}

// RetryAfter is the vendor's wish for how long to wait. The outbox asks for it by this method.
func (f *Failure) RetryAfter() time.Duration { return RetryAfter(f) }

// RetryAfter gives the vendor's wish for how long to wait, 0 if there is none.
func RetryAfter(err error) time.Duration {
	if f, ok := errors.AsType[*Failure](err); ok && f.Class == Retryable {
		return f.After
	}
	return 0
}
