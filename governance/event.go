package governance

import (
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// EventType names what happened. The set is closed: an unknown one means a newer file and is refused.
type EventType string

// Every event type.
const (
	EventProposed      EventType = "proposed"      // Draft
	EventJoined        EventType = "joined"        // Opinion: another member asks for the same
	EventConfirmed     EventType = "confirmed"     // SafeTxHash, Confirmation
	EventQuorum        EventType = "quorum"        // SafeTxHash; the edge
	EventQuorumLost    EventType = "quorum_lost"   // SafeTxHash; owners or threshold changed
	EventOwners        EventType = "owners"        // Owners, Threshold, Nonce, Block
	EventSetup         EventType = "setup"         // Text: how modules, guards and handler differ from the draft's; Block
	EventUpgraded      EventType = "upgraded"      // Safe: its code is of another version; what was signed by another hash rule is dead
	EventSubmitted     EventType = "submitted"     // Transaction
	EventMined         EventType = "mined"         // Transaction
	EventUnmined       EventType = "unmined"       // Transaction; a reorganisation took it away
	EventFinal         EventType = "final"         // Transaction
	EventFailed        EventType = "failed"        // SafeTxHash, Transaction, Text
	EventNonceUsed     EventType = "nonce_used"    // SafeTxHash (ours, now dead), Transaction: theirs, by its hash alone and if known; or ours, whole, that failed
	EventNonceFreed    EventType = "nonce_freed"   // SafeTxHash; a reorganisation gave its nonce back, and its signatures work again
	EventRebuilt       EventType = "rebuilt"       // SafeTxs (added), Text
	EventScheduled     EventType = "scheduled"     // Operation: the window is known
	EventWindow        EventType = "window"        // Operation: its state changed
	EventPostcondition EventType = "postcondition" // Postconditions
	EventExecuted      EventType = "executed"      // effect final and proven
	EventIneffective   EventType = "ineffective"   // effect final, a postcondition false
	EventUndone        EventType = "undone"        // Postconditions: proven once, and one of them is false since
	EventObjected      EventType = "objected"      // Opinion
	EventResponded     EventType = "responded"     // Opinion
	EventLifted        EventType = "lifted"        // Opinion: an objection made with a wallet is taken back
	EventEndorsed      EventType = "endorsed"      // Opinion: a role agrees that owners are asked
	EventExtended      EventType = "extended"      // Until
	EventWithdrawn     EventType = "withdrawn"     // Text; Opinion, where it was said with a wallet
	EventCanceled      EventType = "canceled"      // vetoed on chain; Text
	EventExpired       EventType = "expired"       // Text: nobody signed in time, or the window closed
	EventSuperseded    EventType = "superseded"    // Text
	EventDisclosed     EventType = "disclosed"
	EventReleased      EventType = "released" // execution asked for by hand
)

// EventTypes lists every event type, in the order of a proposal's life.
var EventTypes = []EventType{EventProposed, EventJoined, EventConfirmed, EventQuorum, EventQuorumLost, EventOwners, EventSetup, EventUpgraded, EventSubmitted, EventMined, EventUnmined,
	EventFinal, EventFailed, EventNonceUsed, EventNonceFreed, EventRebuilt, EventScheduled, EventWindow, EventPostcondition, EventExecuted,
	EventIneffective, EventUndone, EventEndorsed, EventObjected, EventLifted, EventResponded, EventExtended, EventReleased, EventWithdrawn, EventCanceled, EventExpired,
	EventSuperseded, EventDisclosed}

// Event is one recorded change. Which fields are set follows from the type, as said beside each.
// By is a member's name, "chain" or "belay".
type Event struct {
	Type           EventType        `json:"type"`
	At             time.Time        `json:"at"`
	By             string           `json:"by"`
	Text           string           `json:"text,omitempty"`
	Draft          *Proposal        `json:"draft,omitempty"`
	SafeTxHash     common.Hash      `json:"safe_tx_hash,omitzero"`
	Confirmation   *Confirmation    `json:"confirmation,omitempty"`
	Owners         []common.Address `json:"owners,omitempty"`
	Threshold      int              `json:"threshold,omitempty"`
	Nonce          uint64           `json:"nonce,omitempty"`
	Block          *safe.Block      `json:"block,omitempty"`
	Safe           *SafeRef         `json:"safe,omitempty"`
	Transaction    *Transaction     `json:"transaction,omitempty"`
	SafeTxs        []SafeTx         `json:"safe_txs,omitempty"`
	Operation      *Operation       `json:"operation,omitempty"`
	Postconditions []Postcondition  `json:"postconditions,omitempty"`
	Opinion        *Opinion         `json:"opinion,omitempty"`
	Until          *time.Time       `json:"until,omitempty"`
}

// complete reports whether e carries what its type needs. Decide makes no other; a damaged log may hold one.
func (e Event) complete() bool {
	switch e.Type {
	case EventProposed:
		return e.Draft != nil
	case EventConfirmed:
		return e.Confirmation != nil
	case EventOwners:
		return e.Block != nil
	case EventUpgraded:
		return e.Safe != nil
	case EventSubmitted, EventMined, EventUnmined, EventFinal:
		return e.Transaction != nil
	case EventScheduled, EventWindow:
		return e.Operation != nil
	case EventObjected, EventResponded, EventLifted, EventEndorsed, EventJoined:
		return e.Opinion != nil
	case EventExtended:
		return e.Until != nil
	}
	return true
}

// Recorded is an event with its place in the log.
type Recorded struct {
	Seq      uint64 `json:"seq"` // of the whole log
	Proposal string `json:"proposal"`
	Event    Event  `json:"event"`
}
