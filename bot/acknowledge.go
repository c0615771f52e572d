package bot

import (
	"context"
	"errors"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
)

// Gate is what a platform needs of the coordinator to take something in.
type Gate interface {
	// Receive is durable when it returns nil; governance.ErrDuplicate means it is known already.
	Receive(ctx context.Context, entry governance.InboxEntry) error
	Playbooks() []coordinator.PlaybookInfo
	// Judge says from memory what is wrong with a playbook's values: a refusal a parameter, and "" for several together.
	Judge(playbook string, params map[string]string) map[string]*governance.Refusal
}

// Outcome is how something that arrived was acknowledged, for counting.
type Outcome string

// The outcomes.
const (
	OutcomeRecorded  Outcome = "recorded"
	OutcomeDuplicate Outcome = "duplicate"
	OutcomeFailed    Outcome = "failed"    // NOT recorded, and the person was told
	OutcomeRefused   Outcome = "refused"   // genuine, but not for us: another workspace, a direct message
	OutcomeForged    Outcome = "forged"    // bad signature, or too old
	OutcomeIgnored   Outcome = "ignored"   // genuine and asks for nothing
	OutcomeCompleted Outcome = "completed" // choices while typing
	OutcomeAsked     Outcome = "asked"     // something was missing or wrong, and a form asks for it; nothing to record yet
)

// Observer is told how each arrival was acknowledged and how long that took.
type Observer func(platform string, outcome Outcome, took time.Duration)

// Observe calls the observer if there is one.
func (o Observer) Observe(platform string, outcome Outcome, since time.Time) {
	if o != nil {
		o(platform, outcome, time.Since(since))
	}
}

// Receipt is what to tell the person at once.
type Receipt struct {
	Outcome  Outcome
	Text     string // our words with theirs inside: escape it
	Recorded bool
}

// commitWithin leaves the rest of a platform's three seconds to the network.
const commitWithin = 2 * time.Second

// Acknowledge commits an entry and says what to tell the person who waits for it. A click has no command.
func Acknowledge(ctx context.Context, gate Gate, entry governance.InboxEntry, command *Command) Receipt {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	err := gate.Receive(ctx, entry)
	understood := "Recorded. Looking at it."
	if command != nil {
		understood = Understood(*command, gate.Playbooks())
	}
	switch {
	case err == nil:
		return Receipt{Outcome: OutcomeRecorded, Text: understood, Recorded: true}
	case errors.Is(err, governance.ErrDuplicate):
		return Receipt{Outcome: OutcomeDuplicate, Text: understood, Recorded: true}
	case errors.Is(err, context.DeadlineExceeded):
		return Receipt{Outcome: OutcomeFailed, Text: "It is not known whether this was recorded: the store does not answer. " +
			"Look at the status; if nothing is there, do it again from the other chat or with `belay propose` on the server."}
	}
	return Receipt{Outcome: OutcomeFailed, Text: "NOT recorded: the store cannot write, so nothing will happen. " +
		"Do it from the other chat or with `belay propose` on the server, and tell the operator."}
}

// Understood says in one line what a command was taken for.
func Understood(c Command, playbooks []coordinator.PlaybookInfo) string {
	if c.Verb == VerbPause || c.Verb == VerbPropose {
		if r, err := Resolve(c, playbooks); err == nil {
			return "Recorded: " + string(c.Verb) + " " + r.String() + ". Working on it."
		}
	}
	return "Recorded. Looking at it."
}
