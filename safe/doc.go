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
//	reason of a failed inner call        lost      lost    lost          GS013   GS013         passed on
//
// A Safe can be upgraded in place: version and hash rule are those of the block that they were read at. Signatures made by another
// rule (Version.SameRule) are worth nothing there.
//
// # Signatures
//
// A packed blob has a slot of 65 bytes for each of threshold owners, in strictly ascending order of their addresses, and behind all
// slots the dynamic parts of those that have one (checkNSignatures of Safe.sol):
//
//	v        kind           r               s
//	27, 28   ecdsa          r               s           over the safeTxHash
//	31, 32   eth_sign       r               s           over the EIP-191 prefixed safeTxHash, v raised by 4
//	0        eip1271        owner           offset      the owner is a contract; length and signature stand at the offset
//	1        approved_hash  owner           unused      the owner called approveHash, or sends the execution
//	others   refused with GS026, as is every signature over anything but this hash at this nonce
//
// Wallets return other forms, too: v of 0 or 1, and the 64 bytes of ERC-2098. They are turned into the above in Confirm, where it is
// known that the bytes come from a wallet; in a packed blob 0 and 1 mean something else. The contracts take a high s as well, so
// that one yes has two sets of bytes: Confirm keeps the low one. Pack sends exactly threshold slots, the cheapest kinds first.
//
// An owner that is a Safe itself vouches with its own owners' signatures over a SafeMessage (HashMessage, under the child's domain)
// of OwnerMessage: what that is, is the parent's rule. VouchesFor says which pairs of versions can do this at all; where they
// cannot, the child executes ApproveHashCall on the parent.
//
// # Gas, and what a failure costs
//
// From 1.3.0 on all gas fields are left at zero. Then an inner call that fails takes the execution with it, and nonce and signatures
// live on. With a safeTxGas or a gasPrice, and before 1.3.0 always, the failure is swallowed: ExecutionFailure, nonce gone. There a
// safeTxGas (GasGate) at least keeps others from sending too little: the Safe wants to see max(safeTxGas×64/63, safeTxGas+2500)+500
// gas left (1.2.0 and later; safeTxGas alone before). A gasPrice pays (gas used + baseGas) × gasPrice to the sender out of the Safe,
// in its coin at no more than the transaction's own price, in a token at all that was signed; it is a known way to drain one.
// Foresee puts all of this into one answer, and a test holds it against the bytecode of every version that npm has, in some two
// thousand cases.
//
// # Knowing what a contract is
//
// Anything can answer VERSION(). A Safe is known by the implementation in its storage slot 0 (SlotSingleton), its address and code
// hash among the published ones (KnownSingleton), VERSION() agreeing, and its own hash of a probe equal to ours
// (TransactionHashCall). Deployments of every chain are part of this package (deployments.txt); a chain that is not in the list may
// have them all the same, and then the code hash alone decides. Only MultiSendCallOnly is a known target of a DELEGATECALL:
// MultiSend would let an item delegatecall again.
//
// # Comparing with others
//
// ReadTypedData reads what a wallet was given, so that the hash on its screen can be computed from it. PlainText prints a transaction
// as the public checking tools do. CheckWords makes the safeTxHash speakable.
//
// # Sources
//
// The contracts as tagged in https://github.com/safe-global/safe-smart-account (v0.1.0 to v1.5.0) and as npm ships them; EIP-712
// (typed data), EIP-191 (prefixed messages), EIP-1271 (contracts that sign), ERC-2098 (compact signatures), EIP-55 (checksums);
// docs/error_codes.md of the contracts for GS000 to GS400; https://github.com/safe-global/safe-deployments for addresses and code
// hashes; https://github.com/pcaversaccio/safe-tx-hashes-util for the plain text.
//
// # Errors
//
// Callers branch on ErrUnsupportedVersion, ErrMalformedSignature, *NotOwnerError, ErrTooFewConfirmations, ErrReverted,
// ErrNonceTooLow, ErrUnderpriced, ErrInsufficientFunds,
// ErrBadAnswer, ErrWrongSelector, ErrNotSafe, ErrNotSafeTx, and for batches ErrEmptyBatch, ErrNestedBatch, ErrZeroTarget,
// ErrNoMultiSend and ErrBadMultiSend. Explain turns revert data into a sentence; Inspect says which signature slot a Safe would
// refuse, and with which code.
package safe
