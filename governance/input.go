package governance

import (
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Input is what Decide takes: a command from a person, or a fact from a chain. The set is closed.
type Input interface{ input() }

// Commands: what people ask for.
type (
	// Propose opens a proposal from a complete draft.
	Propose struct{ Draft Proposal }
	// Confirm adds a verified owner's signature over one SafeTx.
	Confirm struct {
		SafeTxHash   common.Hash
		Confirmation Confirmation
	}
	// Speak records what a member said: object, onit or cant. It never counts toward anything.
	Speak struct{ Opinion Opinion }
	// Stated records what a member said with a wallet: object, lift, withdraw or approve. The signature was checked before.
	Stated struct{ Opinion Opinion }
	// Withdraw takes our proposal down. The signatures that exist stay usable on chain until its nonce is gone.
	Withdraw struct{ Member string }
	// Extend asks for longer.
	Extend struct{ Member string }
	// Disclose makes an embargoed proposal public.
	Disclose struct{ Member string }
	// Release asks for execution now, where the playbook waits for a word: execute: manual.
	Release struct{ Member string }
)

// Facts: what a chain, or our own work, reported.
type (
	// SafeSeen is the Safe as agreed at a block.
	SafeSeen struct{ State safe.State }
	// SetupSeen is the Safe's setup as agreed at a block.
	SetupSeen struct {
		Setup Setup
		Block safe.Block
	}
	// Executed says that the chain ran our SafeTx. Success false is ExecutionFailure: mined, no effect, nonce gone.
	Executed struct {
		SafeTxHash  common.Hash
		Success     bool
		Transaction Transaction
	}
	// Sent says that a provider accepted a transaction of ours.
	Sent struct{ Transaction Transaction }
	// Final says that a mined transaction is now deep enough, in the block that Transaction names.
	Final struct{ Transaction Transaction }
	// Gone says that a transaction that was mined as Transaction says is not on the chain any more.
	Gone struct{ Transaction Transaction }
	// NonceTaken says that another transaction used our SafeTx's nonce; By is it, where known.
	NonceTaken struct {
		SafeTxHash common.Hash
		By         common.Hash
	}
	// Rebuilt brings new SafeTxs for the same intent.
	Rebuilt struct {
		SafeTxs []SafeTx
		Why     string
	}
	// Join says that another member asks for the same.
	Join struct {
		Member string
		Reason string // people's words
	}
	// Replaced says that the same is asked for again at Nonce, a gap of the Safe that the proposal waits behind.
	Replaced struct {
		Member string
		Nonce  uint64
	}
	// OperationSeen is the timelock operation as derived from agreed readings.
	OperationSeen struct {
		State             OperationState
		OpensAt, ClosesAt uint64 // chain time, seconds
		Why               string
		Final             bool // the block that says so cannot be reorganised away; only then a veto ends the proposal
	}
	// OperationRun says that the timelock executed our operation, by anyone.
	OperationRun struct{ Transaction Transaction }
	// Proved is the postconditions, all of them in the proposal's order, as read at the block of the effect or a later one.
	Proved struct{ Postconditions []Postcondition }
	// Reread is the postconditions as a later head has them, after they were proven.
	Reread struct{ Postconditions []Postcondition }
	// Impossible says that it cannot be done any more. Why is a sentence of ours: it is shown as such.
	Impossible struct{ Why string }
	// Tick is the passing of wall time.
	Tick struct{}
)

func (Propose) input()       {}
func (Confirm) input()       {}
func (Speak) input()         {}
func (Stated) input()        {}
func (Withdraw) input()      {}
func (Extend) input()        {}
func (Disclose) input()      {}
func (Release) input()       {}
func (SafeSeen) input()      {}
func (SetupSeen) input()     {}
func (Executed) input()      {}
func (Sent) input()          {}
func (Final) input()         {}
func (Gone) input()          {}
func (NonceTaken) input()    {}
func (Rebuilt) input()       {}
func (Replaced) input()      {}
func (Join) input()          {}
func (OperationSeen) input() {}
func (OperationRun) input()  {}
func (Proved) input()        {}
func (Reread) input()        {}
func (Impossible) input()    {}
func (Tick) input()          {}
