// Package chain is all the Ethereum I/O of the product: agreed reads, simulation, log watching, and the signing and
// sending of relayer transactions.
//
// What it promises:
//
//   - A value that decides something is returned only when [Config.Agreement] providers gave the same one at one block
//     hash. Otherwise the answer is [ErrNoAgreement], with a reason for each provider; there is no best guess.
//   - What decides about a Safe of a known release, and code, is also held against the state root of the agreed block wherever
//     any provider serves proofs. One that contradicts the majority makes the reading fail with [ErrDisproved]. A proof that does not
//     fit the block proves nothing and hurts nothing; without any, the agreement alone counts. It is asked for in an exchange of its
//     own, so that a provider that proves slowly, or not, holds no reading up.
//   - What was agreed at a block's hash is remembered for a few blocks, and nothing else is. The receipt of a transaction in the newest
//     block is part of that, for as long as that block counts as the newest.
//   - A provider that is down, slow, throttled, on another chain, or lying changes nothing as long as enough others
//     agree. One that answered another chain id is not used again until it answers the right one.
//   - A log is a hint, never proof. [Client.Logs] returns the union of what the providers admit to, so that one that
//     leaves logs out hides nothing; it says nothing about what did not happen. [Client.Watch] asks for none of a single new block for
//     which all who agreed on it show a bloom without room for them.
//   - Broadcasting needs no agreement: the same bytes go to every provider, and one that accepts them is success.
//     Accepted means accepted, not mined.
//   - No error, log line or metric holds the URL of a provider, or a part of one: they carry keys. Providers are known by
//     name. What a provider says is cut, cleaned of control characters, and still untrusted text.
//   - A [Signer] signs two shapes of transaction and no other, and never prints its key.
//
// A [Client] owns the goroutines that wait for slow providers after an answer was agreed; [Client.Close] ends and awaits
// them. [Client.Watch] owns those that listen for pushed heads, and awaits them before it returns. Nothing here survives a
// restart: cursors, submissions and keys are the caller's to keep. All exported methods are safe for concurrent use and end
// when their context does.
package chain
