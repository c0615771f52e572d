// Package safe is the protocol of Safe multisig contracts, 0.0.2 to 1.5.0, as pure functions: hashes, signatures, calldata,
// events, errors. It has no network, disk, clock, randomness or logger, so the same bytes give the same answer everywhere,
// on a signer's laptop without a connection too.
//
// # From a call to an execution
//
// Calls become one transaction, the transaction becomes three hashes and the object that a wallet signs, signatures become
// confirmations, and enough confirmations become calldata:
//
//	tx, err := safe.Batch(calls, multiSend, nonce)          // one call stays a call, several become a MultiSendCallOnly batch
//	domain := safe.Domain{ChainID: 1, Safe: address, Version: version}
//	hashes := safe.Hash(domain, tx)                         // what hardware wallets and other tools show
//	document := safe.TypedData(domain, tx)                  // for eth_signTypedData_v4
//	c, err := safe.Confirm(hashes.SafeTx, raw, owners)      // one for each wallet signature
//	blob, err := safe.Pack(confirmations, threshold)
//	calldata := safe.EncodeExec(tx, blob)                   // anybody may send it
//
// # Promises
//
//   - The hash rule is the version's, of which there are three families: before 1.0.0, up to 1.2.0, and since 1.3.0. A version
//     that was never released is refused by ParseVersion, and hashes to zero.
//   - A raw wallet signature is normalised once, in Confirm. A Confirmation is canonical: the same owner, hash and kind give the
//     same bytes, whichever form the wallet returned. Dedupe by owner all the same: an owner can sign in several ways.
//   - What a decoder takes, its encoder turns into the same bytes again; anything else is an error. No input makes a function
//     panic or take memory out of proportion.
//   - Nothing is trusted for its name. KnownSingleton and KnownMultiSendCallOnly compare code hashes; VERSION() of an unknown
//     contract, an event of an unknown address, a signature slot of kind eip1271 or approved_hash prove nothing here, and the
//     documentation of each function says who has to prove it.
//
// # What depends on the version
//
//	                                     < 1.0.0   1.0.0   1.1.0–1.2.0   1.3.0   1.4.0–1.4.1   1.5.0
//	sixth member of SafeTx               dataGas   baseGas baseGas       baseGas baseGas       baseGas
//	chain id in the domain               no        no      no            yes     yes           yes
//	eth_sign signatures                  no        no      yes           yes     yes           yes
//	a failed call keeps the nonce        no        no      no            if safeTxGas and gasPrice are zero
//	approved hash after use              deleted   deleted deleted       kept    kept          kept
//	a contract owner vouches for         preimage  …       …             …       preimage      safeTxHash
//	hash in execution events             (failure only)    in the data   in data indexed       indexed
//
// # Errors
//
// Callers branch on ErrUnsupportedVersion, ErrMalformedSignature, *NotOwnerError, ErrTooFewConfirmations, ErrReverted,
// ErrBadAnswer, ErrWrongSelector, and for batches ErrEmptyBatch, ErrNestedBatch, ErrZeroTarget, ErrNoMultiSend and
// ErrBadMultiSend. Explain turns revert data into a sentence; Inspect says which signature slot a Safe would refuse, and with
// which code.
package safe
