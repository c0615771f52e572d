// Package timelock speaks the timelocks that guard a protocol: what an operation is called there, what schedules, runs and
// cancels it, what has to be read to know where it stands, and what the answers mean.
//
// It promises:
//
//   - It is pure. An [Adapter] says what it wants read as data and is handed the answers; the time it judges by is the
//     timestamp of the block that the answers come from, never a clock of ours.
//   - Ids are the contract's own: what [Adapter.Schedule] calls an operation is what the chain calls it.
//   - Unknown is never ready. A reading that is missing, reverted or malformed gives [governance.OperationUnknown] and says why.
//   - Boundaries are exact to the second, as the contract's comparison operators have them.
//   - Nothing read from a chain can make it panic.
//
// One file holds one kind of timelock. Callers hold an Adapter and a [governance.Operation] and never look inside either, so
// a new kind is a new file and a case in [New]. An Operation is handed over whole, not only its id, because some kinds
// need more than the id to cancel or to find an operation: Compound's cancel repeats the execute call's arguments, a Zodiac
// Delay counts places in a queue.
package timelock
