// Package relay judges the life of a [governance.Submission]: one relayer nonce spent on one purpose. It is pure. It is told
// what the chain says ([Facts]) and answers with what to do next (an [Action]); the coordinator does it.
//
// It promises:
//
//   - One unmined submission a key. The relayer nonce is the chain's own count of mined transactions, read when the key is
//     chosen ([ChooseKey]), never a counter of ours. So no nonce is ever skipped, and none has to be filled.
//   - Rebroadcast sends the stored bytes, unchanged, on every block until the nonce is used. A provider's "accepted" is
//     never taken for propagation.
//   - A replacement has the same nonce and call, and at least 12.5 % more on both fees; only signatures that do not hold any more
//     are exchanged. Bytes that no provider took are sent again as they are, unless their fee is what is wrong with them. At the cap there is none, the last bytes go on being sent, and [Hold] says so.
//   - Success belongs to the subject (a safeTxHash, an operation id), not to our transaction: whoever sent the transaction
//     that made the effect, it is recognised, and ours ends as moot.
//   - Nothing counts until it is deep enough. A block that goes away takes the submission back to where it was.
//   - Wrong facts cost gas, never a second effect: the Safe's nonce and the operation's id can take effect once.
//
// # Records
//
// Each arrow is one [governance.Record], committed before its effect leaves the process. After gives the submission to put
// into it.
//
//	(none)    → signed     ChooseKey, Price, sign; then broadcast
//	signed    → accepted   Broadcast, once a provider took the bytes
//	  any     → same       Replace: one more attempt is signed and stored; then broadcast
//	  any     → signed     Renonce: attempts of a used-up nonce go, a new one is signed and stored; then broadcast
//	signed, accepted → mined   MarkMined
//	mined     → accepted   Unmined: a reorganisation took the block; the same bytes are broadcast again
//	mined     → final      MarkFinal
//	  any     → moot       Moot: the effect was made by another transaction, or cannot be made any more
//
// Killed before a record: nothing left the process, and the next [Next] says the same again. Killed after it: the bytes are
// stored, and the next Next broadcasts them. Killed between broadcast and "accepted": the bytes go out twice, which is once.
//
// # Transactions that became moot
//
// What was broadcast can be mined for as long as its nonce is free, even when its subject is done. It then reverts and costs
// gas. A relayer signs nothing but calls of Safes and timelocks, so it does not cancel itself with an empty transfer. Such
// a submission is left alone: it is not sent again, it stays open while its nonce is unused, and the next submission of the
// key takes the same nonce with a higher fee ([ChooseKey], [KeyChoice.Replaces]). One that bids too much to be outbid is sent
// on, so that its own inclusion frees the nonce. After three hours it is closed.
package relay
