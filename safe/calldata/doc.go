// Package calldata stands between the bytes that a contract takes and the words that people read: functions in Solidity text,
// values from text and to text, calls in sentences, and the dangers in them. It is pure, and built on go-ethereum's ABI types.
//
//	f, err := calldata.ParseFunction("setReservePause(address asset, bool paused)")
//	data, err := f.Encode([]any{"0xA0b8…eB48", "true"})
//	args, err := f.DecodeInput(data)
//
//	book, err := calldata.NewBook([]calldata.Function{f}, labels)
//	book.Describe(call).Text     // market 0x….setReservePause(asset: usdc 0x…, paused: true)
//	book.Dangers(domain, tx)     // delegatecalls, changes of owners, unknown calldata …
//
// # Promises
//
//   - Text is read in one way or refused. There are no octal numbers, exponents, floats, separators, missing prefixes, cut or
//     padded bytes, or addresses with a wrong checksum; a refusal says what to write instead, in a function text with the column.
//   - Decoding is strict: what decodes encodes to the same bytes, or it is ErrNotCanonical. So a sentence describes all of the
//     calldata, and no second reading of it exists.
//   - What ParseValue takes, TextAs writes in its canonical form, which ParseValue takes again.
//   - The well-known functions (tokens, ownership, roles, proxies, Safe settings, timelocks, modules) are the same in every Book;
//     configuration can add functions, for every contract or for one (WithContracts), but not rename these or hide another one
//     behind a selector.
//   - An address is always shown in full, with its label before it. Where a sentence shortens long bytes or texts it says so and
//     gives their length and hash; the arguments beside it are complete.
//   - Batches, timelock operations and transactions of other Safes are opened, to a bounded depth. What can not be read is a
//     danger, never silence.
//   - No input makes a function panic, or take memory out of proportion to its length.
//
// # Dangers
//
// Each has a code for machines and a sentence for people. What bytes alone tell, Book.Dangers finds; what takes a chain is found by
// who can ask one, with the same codes:
//
//	delegatecall, token_delegatecall, unknown_operation, multisend_by_call    code that runs as the Safe, or not as it
//	owner_change, threshold_change, module_change, guard_change,
//	fallback_handler_change, implementation_change, authority_change          who holds power
//	unlimited_allowance, gas_refund, safe_tx_gas                              money, and nonces that can be burnt
//	zero_target, unknown_calldata, malformed_calldata, too_deep               what cannot be read
//	replayable_on, nonce_burns                                                Safes before 1.3.0
//	no_code, code_changed, burnable, unverified                               found on the chain
//
// # Files of others
//
// ReadBatchFile and WriteBatchFile exchange batches with the Safe Transaction Builder, its checksum included.
//
// Errors to expect are *SyntaxError from function texts, ErrBadValue from values, ErrSelector and ErrNotCanonical from bytes, and
// ErrBadBatch from batch files.
package calldata
