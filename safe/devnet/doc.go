// Package devnet is a whole Ethereum in one process, for tests and the demo: a go-ethereum chain that seals a block as
// soon as a transaction arrives, the real Safe contracts at their canonical addresses, an OpenZeppelin timelock, and a
// small lending market to guard.
//
// What it promises:
//
//   - A [Chain] answers JSON-RPC on loopback over HTTP and WebSocket like a full archive node: historical state,
//     eth_getProof, eth_simulateV1, debug_traceCall, subscriptions, and the tags safe and finalized.
//   - Chain time never goes back and is not wall time: [Chain.AdvanceTime] jumps, [Chain.Pause] stops it, and a chain
//     started with [Config.Manual] moves only when told.
//   - [Chain.Close] leaves no listener, file or goroutine behind, but those that [Lingering] names.
//   - Contracts of others come from npm packages found beside the program and are never committed; what is missing is
//     told as [ErrNotInstalled], with the command that installs it.
//   - Everything deployed is checked: [Chain.Send] and [Chain.Deploy] return an error for a transaction that reverted.
//
// THE KEYS ARE PUBLIC. [Key] derives them from text that anyone can read here; whoever sends real money to one of these
// addresses on any chain gives it away.
//
// The program belay never links this package.
package devnet
