// Package bot is Belay's face in chat: it knows commands, cards and threads, and no chat platform.
//
// Chat is a face, the wallet is the authority. Nothing that happens here counts toward quorum: a click can start, object
// and talk. Every command and every click is mapped to a member by the platform's immutable ids and is authorised anew
// by the coordinator; what a button carries is a hint and is read like something typed.
//
// What arrives is committed to the inbox before it is acknowledged (Acknowledge); a worker brings it to Handle, which
// answers the person privately and returns nil once the entry is done with. Deliver brings one platform's cards and
// threads up to date and may be called any number of times: it remembers where a card stands, edits it in place, and
// tells each event once.
//
// Ask makes the form for a command that lacks something, Review looks at it when it comes back; both answer from memory, and
// what a form says is read like something typed.
//
// Words of people and of the chain reach a platform only as governance.Untrusted; the renderers in bot/slack and
// bot/discord clean, cut and escape them, and escape our own words too.
package bot
