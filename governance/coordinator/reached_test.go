package coordinator

import (
	"slices"
	"strings"
	"sync"

	"belay/governance"
)

// A simulation that never gets to what is dangerous proves nothing. So it notes where it was, and enough seeds together must have
// been everywhere.

// reached is where any seed was.
type reached struct {
	mu    sync.Mutex
	times map[string]int // guarded by mu
}

func (r *reached) add(marks map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for m := range marks {
		r.times[m]++
	}
}

// mark notes that a story came to something worth testing.
func (s *simulation) mark(what string) { s.marks[what] = true }

// markRecord notes what a commit tells.
func (s *simulation) markRecord(before governance.Proposal, r governance.Record) {
	for _, e := range r.Events {
		s.mark("event " + string(e.Type))
		if e.Opinion != nil && e.Opinion.Wallet != (governance.Opinion{}).Wallet {
			s.mark(string(e.Type) + " with a wallet")
		}
	}
	if r.State != nil {
		s.mark(string(r.State.State) + " " + r.State.Playbook)
	}
	if before.Kind.Emergency() && slices.ContainsFunc(r.Events, func(e governance.Event) bool {
		return e.Type == governance.EventWithdrawn && strings.Contains(e.Text, "too few are left")
	}) {
		s.mark("owners end an emergency by objecting")
	}
	for _, sub := range r.Submissions {
		for _, why := range []string{"objects with the wallet", "is open on the same contract", "is too far from", "is not configured any more"} {
			if strings.HasPrefix(sub.Problem, governance.HeldProblem) && strings.Contains(sub.Problem, why) {
				s.mark("held back: " + why)
			}
		}
	}
}

// everywhere is where enough seeds must have been.
var everywhere = slices.Concat(
	prefixed("event ", governance.EventProposed, governance.EventConfirmed, governance.EventQuorum, governance.EventQuorumLost, governance.EventOwners,
		governance.EventSubmitted, governance.EventMined, governance.EventUnmined, governance.EventFinal, governance.EventNonceUsed, governance.EventNonceFreed,
		governance.EventRebuilt, governance.EventScheduled, governance.EventWindow, governance.EventPostcondition, governance.EventExecuted, governance.EventIneffective, governance.EventUndone,
		governance.EventEndorsed, governance.EventObjected, governance.EventLifted, governance.EventResponded, governance.EventExtended, governance.EventReleased,
		governance.EventWithdrawn, governance.EventCanceled, governance.EventExpired, governance.EventSuperseded, governance.EventDisclosed),
	prefixed("executed ", "pause", "pause-both", "unpause", "set-ltv", "slow-ltv", "manual-ltv", "later-ltv", "approved-ltv", "twice-ltv", "near-ltv", VetoPlaybook, VoidPlaybook),
	prefixed("held back: ", "objects with the wallet", "is open on the same contract", "is too far from", "is not configured any more"),
	prefixed("a wallet is refused: ", "mallory", "stale", "heard again", "changed on its way"),
	prefixed("a wish ", "opens", "heard again gives what it opened"),
	[]string{"objected with a wallet", "lifted with a wallet", "endorsed with a wallet", "withdrawn with a wallet", "owners end an emergency by objecting", "a call is left out"},
)

func prefixed[T ~string](prefix string, list ...T) (names []string) {
	for _, name := range list {
		names = append(names, prefix+string(name))
	}
	return names
}
