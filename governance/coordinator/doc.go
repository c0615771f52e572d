// Package coordinator is the application: every use-case that people have, and every loop that acts.
//
// It promises what the laws of Belay ask: a pure function decides (package governance), one commit makes it durable,
// workers act from the outbox at least once, and state moves only on facts that a chain reported. Kill it at any moment;
// Run picks up every duty, inbox entry and submission where the last commit left them.
//
// # Who does what
//
// Run owns every goroutine, and each ends with its context:
//
//   - follow, one a chain, takes logs and moves the cursor. A log is a hint; what counts is the agreed receipt.
//   - tend, one a chain, looks at every new head: it reads Safes, operations and the depth of what is mined, looks after open
//     submissions, and prepares what the last missing signature will need.
//   - the duty workers act from the outbox, chain work and chat each in a lane of its own.
//   - the inbox workers hand in what chat committed, keepTime lets wall time pass, guardPowers proves the relayers powerless,
//     guardMoney reads what they hold.
//
// What it keeps in memory are hints (hints.go): they save readings and are never the reason for a claim.
//
// # What it does in doubt
//
// Where the providers do not agree, nothing that is not an emergency moves. An emergency is drafted with a red mark, judged by the
// last agreed owners, and sent by whatever one provider says of fees and relayer nonce: the chain itself checks the signatures.
//
// It reaches the world through the small ports in ports.go, and knows no chat platform, no page and no store engine.
//
// Errors that people see are *governance.Refusal, with a code and the next step. Others are faults of disk or configuration.
package coordinator
