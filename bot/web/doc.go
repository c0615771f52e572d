// Package web is Belay's public HTTP listener: the board, the signing page, the link page and the JSON API.
//
// It promises:
//
//   - It decides nothing. Every answer is a governance.View, or a refusal of the coordinator, laid out.
//   - A proposal that is not public does not exist here for anyone without its read key or the operator's token: the same
//     404, the same bytes, the same event stream as if it had never been made.
//   - A signature is never refused for being one too many. Rate limits hold for everything else.
//   - Keys, tokens and signatures reach no log: what is logged of a request is its route, never its query or body.
//   - Text from people and from the chain is escaped by the template and cleaned of control and direction characters. Pages
//     take scripts and styles from this program only, and run in no frame.
//
// The signing page is TypeScript in page/, built by build.mjs into dist/ and embedded. It recomputes what it shows and refuses
// to ask for a signature over anything that it cannot recompute, but it is served by the program that it checks: what is
// independent of Belay is the signer's device, the wallet's own RPC, and `belay hash` on another machine. The page says so.
//
// New starts one goroutine, which hands notices to live viewers; Close ends it and every stream, and waits.
package web
