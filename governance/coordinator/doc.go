// Package coordinator is the application: every use-case that people have, and every loop that acts.
//
// It promises what the laws of Belay ask: a pure function decides (package governance), one commit makes it durable,
// workers act from the outbox at least once, and state moves only on facts that a chain reported. Kill it at any moment;
// Run picks up every duty, inbox entry and submission where the last commit left them.
//
// It reaches the world through the small ports in ports.go, and knows no chat platform, no page and no store engine.
package coordinator
