// Package governance is the domain of Belay: proposals and their states, the events that move them, the duties that a
// change creates, policy, playbooks, quorum and windows.
//
// It is pure. Decide judges a command or a fact against a proposal and gives events; Apply gives the proposal after an
// event and never fails; Duties gives what the change obliges us to do; NewView is the only picture of a proposal that anyone
// is shown. None of them reads a clock, a disk or a network: time comes in as now, chain time inside readings.
//
// # What it promises
//
//   - Only wallet signatures of current owners count toward quorum. Nothing said in chat does, and nothing said in chat ends
//     an emergency that an owner has signed.
//   - State moves only on facts that a chain reported. A sent transaction is a submission; "executed" means final, and every
//     postcondition read true.
//   - Unknown is never true: a reading that could not be taken makes nothing ready, nothing proven and nothing final.
//   - Replaying a proposal's events through Apply gives exactly the stored proposal.
//
// The state machine is the table in table.go. Errors that people meet are *Refusal: a code for machines, a sentence and the
// next step for people.
package governance
