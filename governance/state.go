package governance

import "slices"

// State is where a proposal stands. The zero value is "not proposed yet".
type State string

// The states of a proposal, named as in the public contract.
const (
	StateProposed    State = "proposed"    // asking for signatures
	StateApproved    State = "approved"    // quorum is proven; being sent
	StateQueued      State = "queued"      // scheduled in a timelock, its window not open yet
	StateReady       State = "ready"       // the timelock's window is open
	StateExecuted    State = "executed"    // final on chain, and every postcondition read true
	StateIneffective State = "ineffective" // final on chain, but a postcondition is false
	StateCanceled    State = "canceled"    // taken down by its people, or vetoed in the timelock
	StateExpired     State = "expired"     // asking ended without quorum
	StateSuperseded  State = "superseded"  // another transaction used its nonce
	StateFailed      State = "failed"      // mined without effect, or it cannot be done any more
)

// States lists every state in the order of a proposal's life.
var States = []State{StateProposed, StateApproved, StateQueued, StateReady, StateExecuted,
	StateIneffective, StateCanceled, StateExpired, StateSuperseded, StateFailed}

// Ended reports whether s is an end. Ended proposals still watch their hashes: one that is
// executed by anyone becomes executed "after it ended".
func (s State) Ended() bool {
	return slices.Contains([]State{StateExecuted, StateIneffective, StateCanceled, StateExpired, StateSuperseded, StateFailed}, s)
}

// Kind is what a proposal is for. It decides the lane, the order of checks and the defaults.
type Kind string

// The kinds of the public contract.
const (
	KindPause     Kind = "pause"
	KindUnpause   Kind = "unpause"
	KindParameter Kind = "parameter"
	KindMigrate   Kind = "migrate"
	KindCancel    Kind = "cancel"
	KindCustom    Kind = "custom"
)

// Kinds lists every kind.
var Kinds = []Kind{KindPause, KindUnpause, KindParameter, KindMigrate, KindCancel, KindCustom}

// Emergency reports whether the kind takes the emergency lane: fewest checks, the Safe's current nonce, own relayer keys.
func (k Kind) Emergency() bool { return k == KindPause || k == KindCancel }

// Purpose is what one SafeTx of a proposal is for.
type Purpose string

// The purposes of the public contract.
const (
	PurposeDirect   Purpose = "direct"
	PurposeSchedule Purpose = "schedule"
	PurposeExecute  Purpose = "execute"
	PurposeCancel   Purpose = "cancel"
	PurposeVoid     Purpose = "void"
	PurposeSpare    Purpose = "spare"
)

// Via says where a confirmation came in.
type Via string

// The ways in.
const (
	ViaPage    Via = "page"
	ViaDiscord Via = "discord"
	ViaSlack   Via = "slack"
	ViaCLI     Via = "cli"
	ViaAPI     Via = "api"
	ViaChain   Via = "chain"
)

// Visibility says when the public may see a proposal.
type Visibility string

// The visibilities of the public contract. With a timelock, "execution" means the schedule.
const (
	VisiblePublic         Visibility = "public"
	VisibleAfterExecution Visibility = "after_execution"
	VisiblePrivate        Visibility = "private"
)
