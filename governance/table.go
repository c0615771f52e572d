package governance

import "slices"

// table is the state machine as data: from each state, the events that may be recorded and the states that they may lead
// to. An event that is not listed in a row is refused there. docs/states.md and the test of every legal and illegal pair
// come from it.
//
// Every state that exists takes every fact of a chain; only what people ask for is refused. Ended states, too: a hash that was
// signed once can be executed by anyone while its nonce lives, and a reorganisation can take an execution away.
var table = map[State]map[EventType][]State{
	"": {
		EventProposed: {StateProposed},
	},
	StateProposed: {
		EventJoined:        {StateProposed},
		EventConfirmed:     {StateProposed},
		EventQuorum:        {StateProposed, StateApproved}, // a spare's quorum moves nothing yet
		EventQuorumLost:    {StateProposed},                // of a spare
		EventOwners:        {StateProposed},
		EventSetup:         {StateProposed},
		EventUpgraded:      {StateProposed, StateApproved},
		EventSubmitted:     {StateProposed}, // sent just before quorum was lost
		EventMined:         {StateProposed}, // executed from outside before we saw quorum
		EventUnmined:       {StateProposed, StateApproved},
		EventFinal:         {StateProposed},
		EventNonceUsed:     {StateProposed, StateApproved}, // an emergency moves to its spare
		EventNonceFreed:    {StateProposed, StateApproved},
		EventRebuilt:       {StateProposed},
		EventScheduled:     {StateQueued},
		EventWindow:        {StateProposed}, // scheduled and canceled while nobody watched
		EventFailed:        {StateFailed},
		EventPostcondition: {StateProposed},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventObjected:      {StateProposed},
		EventResponded:     {StateProposed},
		EventLifted:        {StateProposed},
		EventEndorsed:      {StateProposed},
		EventExtended:      {StateProposed},
		EventWithdrawn:     {StateCanceled},
		EventCanceled:      {StateCanceled},
		EventExpired:       {StateExpired},
		EventSuperseded:    {StateSuperseded},
		EventDisclosed:     {StateProposed},
	},
	StateApproved: {
		EventJoined:        {StateApproved},
		EventConfirmed:     {StateApproved},
		EventQuorum:        {StateApproved},
		EventQuorumLost:    {StateProposed, StateApproved},
		EventOwners:        {StateApproved},
		EventSetup:         {StateApproved},
		EventUpgraded:      {StateProposed, StateApproved},
		EventSubmitted:     {StateApproved},
		EventMined:         {StateApproved},
		EventUnmined:       {StateApproved, StateProposed}, // executed from outside with signatures that we never saw
		EventFinal:         {StateApproved},
		EventNonceUsed:     {StateProposed, StateApproved},
		EventNonceFreed:    {StateProposed, StateApproved},
		EventRebuilt:       {StateProposed}, // drafted at a nonce that a provider made up
		EventScheduled:     {StateQueued},
		EventWindow:        {StateApproved},
		EventFailed:        {StateFailed},
		EventPostcondition: {StateApproved},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventObjected:      {StateApproved},
		EventResponded:     {StateApproved},
		EventLifted:        {StateApproved},
		EventReleased:      {StateApproved},
		EventExpired:       {StateExpired}, // signed, not sent, and the signatures too old
		EventWithdrawn:     {StateCanceled},
		EventCanceled:      {StateCanceled},
		EventSuperseded:    {StateSuperseded},
		EventDisclosed:     {StateApproved},
	},
	StateQueued: {
		EventJoined:        {StateQueued},
		EventQuorum:        {StateQueued},
		EventQuorumLost:    {StateQueued},
		EventOwners:        {StateQueued},
		EventSetup:         {StateQueued},
		EventUpgraded:      {StateQueued},
		EventSubmitted:     {StateQueued},
		EventMined:         {StateQueued},
		EventUnmined:       unscheduled(StateQueued, StateReady), // run before we saw its window open
		EventFinal:         {StateQueued},
		EventNonceUsed:     {StateQueued},
		EventNonceFreed:    {StateQueued},
		EventWindow:        unscheduled(StateQueued, StateReady),
		EventPostcondition: {StateQueued},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventCanceled:      {StateCanceled},
		EventExpired:       {StateExpired}, // its window closed
		EventObjected:      {StateQueued},
		EventResponded:     {StateQueued},
		EventLifted:        {StateQueued},
		EventDisclosed:     {StateQueued},
	},
	StateReady: {
		EventJoined:        {StateReady},
		EventConfirmed:     {StateReady}, // of the execute SafeTx, where only the Safe may execute
		EventQuorum:        {StateReady},
		EventQuorumLost:    {StateReady},
		EventOwners:        {StateReady},
		EventSetup:         {StateReady},
		EventUpgraded:      {StateReady},
		EventSubmitted:     {StateReady},
		EventMined:         {StateReady},
		EventUnmined:       unscheduled(StateReady),
		EventFinal:         {StateReady},
		EventNonceUsed:     {StateReady},
		EventNonceFreed:    {StateReady},
		EventRebuilt:       {StateReady},
		EventWindow:        unscheduled(StateQueued, StateReady),
		EventFailed:        {StateFailed},
		EventPostcondition: {StateReady},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventCanceled:      {StateCanceled},
		EventExpired:       {StateExpired},
		EventObjected:      {StateReady},
		EventResponded:     {StateReady},
		EventLifted:        {StateReady},
		EventReleased:      {StateReady},
		EventDisclosed:     {StateReady},
	},
	StateExecuted:    undoable(ended(StateExecuted, append(unscheduled(StateExecuted), StateReady)...)),
	StateIneffective: ended(StateIneffective, append(unscheduled(StateIneffective), StateReady)...),
	StateCanceled:    revocable(StateCanceled, StateCanceled),
	StateExpired:     revocable(StateExpired, StateExpired),
	StateSuperseded:  revocable(StateSuperseded, StateSuperseded),
	StateFailed:      revocable(StateFailed, StateFailed, StateProposed, StateApproved),
}

// undoable adds that what was proven can be undone by others later.
func undoable(row map[EventType][]State) map[EventType][]State {
	row[EventUndone] = []State{StateExecuted}
	return row
}

// unscheduled are the states that a proposal can stand in when the chain took its schedule or its effect back: those given, asking
// again, or as it had ended before strangers went on with it.
func unscheduled(stays ...State) []State {
	return append(stays, StateProposed, StateApproved, StateCanceled, StateExpired, StateSuperseded, StateFailed)
}

// ended is the row of a final state: chain facts only, and the word that makes it public. Back is where it can fall
// when a reorganisation takes a transaction away.
func ended(s State, back ...State) map[EventType][]State {
	slices.Sort(back)
	return map[EventType][]State{
		EventOwners:        {s},
		EventUpgraded:      {s},
		EventSubmitted:     {s},
		EventMined:         {s},
		EventUnmined:       slices.Compact(back),
		EventFinal:         {s},
		EventNonceUsed:     {s},
		EventNonceFreed:    {s},
		EventWindow:        {s},
		EventPostcondition: {s},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventDisclosed:     {s},
	}
}

// revocable is the row of an end without effect: whoever holds the signatures may still put it into the timelock.
func revocable(s State, back ...State) map[EventType][]State {
	row := ended(s, back...)
	row[EventScheduled] = []State{StateQueued}
	return row
}

// Legal reports whether the table lets e be recorded in s.
func Legal(s State, e EventType) bool { return len(table[s][e]) > 0 }
