package governance

// table is the state machine as data: from each state, the events that may be recorded and the states that they may lead
// to. An event that is not listed in a row is refused there. Docs and the test of every legal and illegal pair come from it.
//
// Ended states keep taking what a chain reports: a hash that was signed once can be executed by anyone while its nonce
// lives, and a reorganisation can take an execution away.
var table = map[State]map[EventType][]State{
	"": {
		EventProposed: {StateProposed},
	},
	StateProposed: {
		EventConfirmed:     {StateProposed},
		EventQuorum:        {StateProposed, StateApproved}, // a spare's quorum moves nothing yet
		EventQuorumLost:    {StateProposed},                // of a spare
		EventOwners:        {StateProposed},
		EventMined:         {StateProposed}, // executed from outside before we saw quorum
		EventUnmined:       {StateProposed},
		EventFinal:         {StateProposed},
		EventNonceUsed:     {StateProposed, StateApproved},
		EventRebuilt:       {StateProposed},
		EventScheduled:     {StateQueued},
		EventFailed:        {StateFailed},
		EventPostcondition: {StateProposed},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventObjected:      {StateProposed},
		EventResponded:     {StateProposed},
		EventExtended:      {StateProposed},
		EventWithdrawn:     {StateCanceled},
		EventExpired:       {StateExpired},
		EventSuperseded:    {StateSuperseded},
		EventDisclosed:     {StateProposed},
	},
	StateApproved: {
		EventConfirmed:     {StateApproved},
		EventQuorum:        {StateApproved},
		EventQuorumLost:    {StateProposed, StateApproved},
		EventOwners:        {StateApproved},
		EventSubmitted:     {StateApproved},
		EventMined:         {StateApproved},
		EventUnmined:       {StateProposed, StateApproved},
		EventFinal:         {StateApproved},
		EventNonceUsed:     {StateProposed, StateApproved},
		EventScheduled:     {StateQueued},
		EventFailed:        {StateFailed},
		EventPostcondition: {StateApproved},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventObjected:      {StateApproved},
		EventResponded:     {StateApproved},
		EventReleased:      {StateApproved},
		EventWithdrawn:     {StateCanceled},
		EventSuperseded:    {StateSuperseded},
		EventDisclosed:     {StateApproved},
	},
	StateQueued: {
		EventOwners:        {StateQueued},
		EventSubmitted:     {StateQueued},
		EventMined:         {StateQueued},
		EventUnmined:       {StateQueued, StateProposed, StateApproved},
		EventFinal:         {StateQueued},
		EventWindow:        {StateQueued, StateReady, StateApproved},
		EventPostcondition: {StateQueued},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventCanceled:      {StateCanceled},
		EventObjected:      {StateQueued},
		EventResponded:     {StateQueued},
		EventDisclosed:     {StateQueued},
	},
	StateReady: {
		EventConfirmed:     {StateReady}, // of the execute SafeTx, where only the Safe may execute
		EventQuorum:        {StateReady},
		EventQuorumLost:    {StateReady},
		EventOwners:        {StateReady},
		EventSubmitted:     {StateReady},
		EventMined:         {StateReady},
		EventUnmined:       {StateReady, StateProposed, StateApproved},
		EventFinal:         {StateReady},
		EventNonceUsed:     {StateReady},
		EventRebuilt:       {StateReady},
		EventWindow:        {StateQueued, StateReady, StateApproved},
		EventFailed:        {StateFailed},
		EventPostcondition: {StateReady},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventCanceled:      {StateCanceled},
		EventObjected:      {StateReady},
		EventResponded:     {StateReady},
		EventReleased:      {StateReady},
		EventDisclosed:     {StateReady},
	},
	StateExecuted:    ended(StateExecuted),
	StateIneffective: ended(StateIneffective),
	StateCanceled:    ended(StateCanceled),
	StateExpired:     ended(StateExpired),
	StateSuperseded:  ended(StateSuperseded),
	StateFailed:      ended(StateFailed),
}

// ended is the row of a final state: chain facts only, and the word that makes it public.
func ended(s State) map[EventType][]State {
	back := []State{s}
	if s == StateExecuted || s == StateIneffective || s == StateFailed {
		back = []State{s, StateProposed, StateApproved, StateReady}
	}
	return map[EventType][]State{
		EventOwners:        {s},
		EventSubmitted:     {s},
		EventMined:         {s},
		EventUnmined:       back,
		EventFinal:         {s},
		EventNonceUsed:     {s},
		EventWindow:        {s},
		EventPostcondition: {s},
		EventExecuted:      {StateExecuted},
		EventIneffective:   {StateIneffective},
		EventDisclosed:     {s},
	}
}

// Legal reports whether the table lets e be recorded in s.
func Legal(s State, e EventType) bool { return len(table[s][e]) > 0 }
