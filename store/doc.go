// Package store keeps what Belay knows on one disk, in one bbolt file.
//
// What it promises:
//
//   - A [governance.Record] is written whole or not at all, and [Store.Commit] answers only when it is on the disk
//     (two fdatasync). What was acknowledged is there after kill -9 at any moment.
//   - Every failing Commit has an answer that can be trusted: [governance.ErrStale], [governance.ErrFenced],
//     [governance.ErrDuplicate], [ErrTooLarge] and a canceled context mean that nothing was written. When the disk itself
//     fails the store takes nothing more until it is opened again, for nobody knows any more what the disk holds: the lead
//     ends, and the program is to be started again.
//   - Nothing is replayed at start. State is stored as it is; opening takes the same time at ten events and at a million.
//   - Reads see the last commit and return copies. They never hold up a commit.
//   - Events are chained by hash in a log whose head is signed (see [Head]); a changed byte, a missing tail and a state
//     that is not the logged one are found by [Store.Check], with the place.
//   - A damaged file is an error that wraps [ErrDamaged], never a panic. A file of a newer Belay is refused, one of an
//     older Belay is copied beside itself and then brought forward in one transaction.
//   - One process at a time, by the file's lock; a second one learns who holds it ([LockedError]).
//
// One goroutine, the writer, owns all commits of Records: it takes every Record that waits, writes all in one transaction,
// and answers each. It is started by Open and awaited by Close. There is no other goroutine.
//
// # The file
//
// The tree below is checked against a filled file by a test. Numbers are 8 bytes, big endian, so that keys sort; a
// proposal's number is the N of "P-N". JSON values are this package's neighbours' types as they marshal. A mark is one
// byte, because bbolt reads an empty value back as it reads a missing one.
//
//	meta                      what the file is
//	  schema                    → number: count of migrations that made it
//	  epoch                     → number: 1, and one more at every restore
//	  leads                     → number: how often someone led in this epoch; the lower half of the fence
//	  log_key                   → 32 bytes: the public key that signs the head
//	  head                      → JSON: the signed head of the log
//	  restored                  → JSON: only while the old outbox is held
//	  accepted                  → JSON: the last configuration that members vouched for; not before there is one
//	proposals                 number → version, JSON: the materialised state
//	unended                   number → mark: proposals that the chain can still change
//	by_hash                   safeTxHash → number: the youngest proposal that asks for it
//	log                       seq → hash, JSON: the event log, append-only
//	log_of                    number, seq → mark: which log records are a proposal's
//	signatures                safeTxHash, owner → JSON
//	duties                    duty id → JSON: the outbox
//	held                      duty id → JSON: an outbox that a restore found, until it is released
//	inbox                     platform's key → JSON: received, not worked off
//	seen                      platform's key → time: what is a duplicate
//	seen_at                   time, platform's key → mark: the same by age, to forget it
//	submissions               number, id → JSON
//	open_submissions          number, id → mark: those that hold a relayer nonce
//	messages                  number, place → JSON
//	links                     account → JSON
//	cursors                   chain → JSON
package store
