package web

import (
	"context"
	"time"

	"belay/governance"
	"belay/governance/coordinator"

	"github.com/ethereum/go-ethereum/common"
)

// App is what the listener asks of the coordinator. Every error is a *governance.Refusal, which people are told, or
// something internal, which only the log is told.
type App interface {
	// Propose drafts a playbook's proposal, or joins the open one of the same intent.
	Propose(ctx context.Context, intent coordinator.Intent) (coordinator.Proposed, error)
	// IntentData gives what a member's wallet signs to propose; ProposeSigned proposes in the name of whose wallet signed it at that time.
	IntentData(ctx context.Context, intent coordinator.Intent) (coordinator.TypedData, error)
	ProposeSigned(ctx context.Context, intent coordinator.Intent, at time.Time, signature []byte) (coordinator.Proposed, error)
	// StatementData gives what a wallet signs to object, lift, withdraw or approve; State takes what it said.
	StatementData(ctx context.Context, id string, action governance.Action, text string) (coordinator.TypedData, error)
	State(ctx context.Context, said coordinator.Said) (governance.View, error)
	// Confirm verifies and records a signature.
	Confirm(ctx context.Context, signed coordinator.Signed) (coordinator.Confirmed, error)
	// Show gives a proposal by id or public id as viewer may see it. It refuses with not_found where the viewer may see nothing.
	Show(ctx context.Context, id string, viewer governance.Viewer) (governance.View, error)
	// List gives what the viewer may see, newest first.
	List(ctx context.Context, query coordinator.Query) (coordinator.Page, error)
	// TypedData gives what a wallet signs. The zero hash means the active SafeTx, the zero owner an ordinary account.
	TypedData(ctx context.Context, id string, safeTxHash common.Hash, owner common.Address) (coordinator.TypedData, error)
	// Execution gives the ready transaction of a proven quorum; without quorum it refuses with not_open.
	Execution(ctx context.Context, id string) (coordinator.Execution, error)
	// Timelocks gives the configured timelocks with the operations that the viewer may see.
	Timelocks(ctx context.Context, viewer governance.Viewer) ([]coordinator.Timelock, error)
	// Nonces draws what stands at the nonces of each Safe, private proposals, too.
	Nonces(ctx context.Context) ([]governance.NonceMap, error)
	// KeyOpens reports in constant time whether key is the read capability of the proposal.
	KeyOpens(id, key string) bool
	// ReadKey is that capability; "" for what is no proposal's id.
	ReadKey(id string) string
	// LinkData gives what a wallet signs to be linked. It does not spend the token.
	LinkData(ctx context.Context, token string, wallet common.Address) (coordinator.TypedData, error)
	// Link spends the token on a signature that proves the wallet.
	Link(ctx context.Context, token string, wallet common.Address, signature []byte) (coordinator.Member, error)
	// Watch tells what changed from now on, until stop is called.
	Watch() (notices <-chan coordinator.Notice, stop func())
}
