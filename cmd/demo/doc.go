// Command demo is a protocol in danger on one machine, with nothing configured: a dev chain with the real Safe, an
// OpenZeppelin timelock and a sample market, the real program `belay serve` in front of it, a chat room, a phone with
// three wallets, and what the chain says.
//
// What it promises:
//
//   - Nothing in it plays Belay. bin/belay runs as a process of its own, on a bbolt store in a temporary folder, takes
//     signed Slack requests, posts Block Kit to a stand-in of Slack, serves its own pages, and is killed with SIGKILL.
//   - What the screen claims of the chain is read from the chain, never from Belay.
//   - Two things stand between Belay and its users, and both can be told to lie: a proxy in front of its pages (a
//     compromised server) and one of its three RPC providers. The first also puts the demo wallet into the pages and lets
//     the screen frame them, which Belay itself forbids.
//   - It listens on loopback only, on ports that the system picks, and prints one address. When it ends, the child
//     process and the folder are gone.
//   - With --script it plays an incident without anyone, prints the timeline, and exits 0 only if the chain agrees and
//     Belay's API tells the same story.
//
// THE KEYS ARE PUBLIC: they are those of safe/devnet.
package main
