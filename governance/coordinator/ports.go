package coordinator

import (
	"context"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Store is what the coordinator needs of the store. Reads see the last commit. Every method may fail with a broken disk;
// a missing record is governance.ErrNotFound.
type Store interface {
	// Commit writes a Record whole or not at all and returns the log's last sequence number. It fails with
	// governance.ErrStale, ErrFenced or ErrDuplicate; then nothing was written.
	Commit(ctx context.Context, r governance.Record) (seq uint64, err error)

	Proposal(id string) (governance.Proposal, error)
	// Proposals gives proposals newest first, at most limit, older than before ("" starts at the newest).
	Proposals(before string, limit int) ([]governance.Proposal, error)
	// Watched gives every proposal that the chain can still change, oldest first; see governance.Proposal.Watched.
	Watched() ([]governance.Proposal, error)
	// LastNumber is the highest N of any proposal "P-N"; 0 when there is none.
	LastNumber() (uint64, error)
	// Events gives the log of one proposal in its order.
	Events(proposal string) ([]governance.Recorded, error)
	// BySafeTxHash names the proposal that asks, or asked, for signatures over hash.
	BySafeTxHash(hash common.Hash) (proposal string, err error)
	// Signatures gives what is held over a safeTxHash; none is no error.
	Signatures(safeTxHash common.Hash) ([]governance.Signature, error)

	Duties() ([]governance.Duty, error) // every duty not done, by Due
	Inbox() ([]governance.InboxEntry, error)
	Submissions() ([]governance.Submission, error) // open ones
	SubmissionsOf(proposal string) ([]governance.Submission, error)
	// RecentSubmissions gives at least every submission that was signed since then, without reading all there ever were.
	RecentSubmissions(since time.Time) ([]governance.Submission, error)
	Link(account string) (governance.Link, error)
	Cursor(chain string) (governance.Cursor, error)

	// Lead returns a context that ends when leadership is lost, and the fence to put in every Record.
	Lead(ctx context.Context) (leading context.Context, fence uint64, err error)
}

// Chain is what the coordinator needs of one chain. Answers that decide are agreed by the configured providers at one
// block; where they do not agree there is an error and no answer. What is agreed at a block's hash never changes.
type Chain interface {
	// Head is the newest agreed block, and what the next one costs.
	Head(ctx context.Context) (safe.Block, safe.Fees, error)
	// Newest is the block of Head, in less time.
	Newest(ctx context.Context) (safe.Block, error)
	// Recent is Head as it was agreed on moments ago, without asking again.
	Recent(ctx context.Context) (safe.Block, safe.Fees, error)
	// Lost reports that a block is not part of the chain any more.
	Lost(ctx context.Context, block safe.Block) (bool, error)
	// PendingTime is the timestamp that a block would have now: what the present is on a chain that stands still.
	PendingTime(ctx context.Context) (uint64, error)
	// StateAt reads all of a Safe at one block, and proves what it is.
	StateAt(ctx context.Context, at safe.Block, address common.Address) (safe.State, error)
	// AnySafeState is one provider's word, the freshest: for emergencies alone, and marked where it is shown.
	AnySafeState(ctx context.Context, address common.Address) (safe.State, error)
	// Read runs calls at one block. A revert is a result.
	Read(ctx context.Context, at safe.Block, calls []safe.Call) ([]safe.Result, error)
	// CodeHashes gives the Keccak-256 of the code of each address at one block; zero where there is none.
	CodeHashes(ctx context.Context, at safe.Block, addresses ...common.Address) ([]common.Hash, error)
	// Implementations gives the contract whose code each proxy runs at one block; zero for what is no proxy.
	Implementations(ctx context.Context, at safe.Block, proxies ...common.Address) ([]common.Address, error)
	// Simulate runs a whole execTransaction without sending it. One provider's answer is enough, as long as none says the opposite.
	Simulate(ctx context.Context, ask safe.SimulationRequest) (safe.Simulation, error)
	// Logs are hints: what any provider admits to.
	Logs(ctx context.Context, filters []safe.Filter, from, to uint64) ([]safe.Log, error)
	// MultiSendCallOnly finds the canonical library that is deployed on this chain, by address and code hash.
	MultiSendCallOnly(ctx context.Context, at safe.Block, version safe.Version) (common.Address, error)
	// Follow calls fn for each new agreed head with the logs since the last call's head. fn must be idempotent; the place moves on only
	// when it returns nil. It ends with ctx.
	Follow(ctx context.Context, from safe.Block, filters func() []safe.Filter, fn func(ctx context.Context, head safe.Block, logs []safe.Log) error) error
	// Final reports whether a block is as deep below head as the chain's configuration asks.
	Final(ctx context.Context, head, included safe.Block) (bool, error)
	// Receipt is nil, without an error, when the transaction is not mined.
	Receipt(ctx context.Context, tx common.Hash) (*safe.Receipt, error)
	// Accounts reads accounts at one block, in their order.
	Accounts(ctx context.Context, at safe.Block, addresses ...common.Address) ([]safe.Account, error)
	// AnyAccount is one provider's word, the freshest, with its head and fees: to send a proven emergency while there is no agreement.
	AnyAccount(ctx context.Context, address common.Address) (safe.Account, safe.Block, safe.Fees, error)
	// EstimateGas fails when the call reverts.
	EstimateGas(ctx context.Context, from, to common.Address, data []byte) (uint64, error)
	// Broadcast is done when one provider accepted the bytes or knew them.
	// Its error is safe.ErrNonceTooLow, ErrUnderpriced or ErrInsufficientFunds where most of the answers say so.
	Broadcast(ctx context.Context, raw []byte) error
	// BroadcastPrivately is Broadcast to the private endpoints alone. It fails where there are none.
	BroadcastPrivately(ctx context.Context, raw []byte) error
}

// Signer holds one relayer key and signs nothing but what its policy allows.
type Signer interface {
	Address() common.Address
	Sign(order safe.Order) (raw []byte, hash common.Hash, err error)
}

// Handler works off one inbox entry; bot implements it. It returns nil when the entry is done with, whatever the person was told.
type Handler interface {
	Handle(ctx context.Context, entry governance.InboxEntry) error
}

// Deliverer brings one platform's card and thread of a proposal up to date; bot implements it. It returns the references to
// remember, also beside an error. It is called again until it returns nil.
type Deliverer interface {
	Deliver(ctx context.Context, duty governance.Duty) ([]governance.MessageRef, error)
}
