package governance

import (
	"errors"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// DutyKind names a kind of work that a change obliges us to do. The set is closed.
type DutyKind string

// Every duty kind.
const (
	DutyCard      DutyKind = "card"    // bring card and thread of one platform up to date; Target: slack | discord
	DutySubmit    DutyKind = "submit"  // send the active SafeTx; Target: safeTxHash
	DutyExecuteOp DutyKind = "execute" // run a ready timelock operation; Target: operation id
	DutyProve     DutyKind = "prove"   // read the postconditions; Target: transaction hash/status
	DutyRebuild   DutyKind = "rebuild" // draft the next SafeTx; Target: proposed (an emergency lost its nonce) | ready (only the Safe may execute)
)

// Duty is work owed because of a change. It carries no text, calldata or card: the worker loads the present proposal,
// so that redelivery and coalescing come free. ID is proposal/version/kind/target, the version in six digits: "P-12/000007/submit/0x…".
type Duty struct {
	ID       string    `json:"id"`
	Kind     DutyKind  `json:"kind"`
	Proposal string    `json:"proposal"`
	Version  uint64    `json:"version"`
	Target   string    `json:"target,omitempty"`
	Due      time.Time `json:"due"`
	Attempts int       `json:"attempts,omitempty"`
}

// InboxEntry is something that came in from chat, kept raw until it is worked off. Key is the platform's own id of it.
type InboxEntry struct {
	Key        string    `json:"key"` // "slack:trigger…", "discord:1042…"
	Platform   string    `json:"platform"`
	Kind       string    `json:"kind"`
	Body       []byte    `json:"body"`
	ReceivedAt time.Time `json:"received_at"`
}

// Signature is the bytes of a confirmation, held apart from state and log.
type Signature struct {
	SafeTxHash common.Hash    `json:"safe_tx_hash"`
	Owner      common.Address `json:"owner"`
	Bytes      []byte         `json:"bytes"`
}

// SubmissionState is where a relayer transaction stands.
type SubmissionState string

// The life of a submission.
const (
	SubmissionSigned   SubmissionState = "signed"   // bytes are stored; nobody has seen them
	SubmissionAccepted SubmissionState = "accepted" // at least one provider took it
	SubmissionMined    SubmissionState = "mined"
	SubmissionFinal    SubmissionState = "final"
	SubmissionHeld     SubmissionState = "held" // nothing could be signed yet; Problem says why
	SubmissionMoot     SubmissionState = "moot" // what it was for has happened otherwise, or cannot any more
)

// Submission is one relayer nonce spent on one purpose: every attempt, the stored bytes of each, and how far it came.
// At most one submission per relayer key is open.
type Submission struct {
	ID        string          `json:"id"` // proposal/purpose/safeTxHash or operation id
	Proposal  string          `json:"proposal"`
	Role      Purpose         `json:"role"`
	Chain     string          `json:"chain"`
	Subject   common.Hash     `json:"subject"` // safeTxHash or operation id
	Relayer   common.Address  `json:"relayer"`
	Emergency bool            `json:"emergency"`
	Nonce     uint64          `json:"nonce"` // the relayer's
	To        common.Address  `json:"to"`
	Data      []byte          `json:"data"`
	Gas       uint64          `json:"gas"`
	Attempts  []Attempt       `json:"attempts"`
	State     SubmissionState `json:"state"`
	Mined     common.Hash     `json:"mined,omitzero"` // which attempt, or someone else's transaction
	Problem   string          `json:"problem,omitempty"`
	CreatedAt time.Time       `json:"created_at"`
}

// Open reports whether the submission still holds its relayer nonce.
func (s Submission) Open() bool {
	return s.State == SubmissionSigned || s.State == SubmissionAccepted || s.State == SubmissionMined
}

// Attempt is one signed transaction. Attempts of a submission share the relayer nonce and differ in fees.
type Attempt struct {
	Hash   common.Hash `json:"hash"`
	Raw    []byte      `json:"raw"`
	FeeCap string      `json:"fee_cap"` // wei per gas
	TipCap string      `json:"tip_cap"`
	Block  uint64      `json:"block"` // head when it was signed
	At     time.Time   `json:"at"`
	Taken  bool        `json:"taken,omitempty"`   // a provider accepted the bytes
	TooLow bool        `json:"too_low,omitempty"` // none did, and the fee is what they find wrong
}

// MessageRef remembers where a proposal's card and thread stand on one platform and channel.
type MessageRef struct {
	Proposal string `json:"proposal"`
	Place    string `json:"place"`   // "slack/C123/war_room"
	Message  string `json:"message"` // the platform's id of the card
	Thread   string `json:"thread"`
	Version  uint64 `json:"version"` // proposal version that it shows
	Seq      uint64 `json:"seq"`     // last log event told in the thread
}

// Link binds a chat account to a member, and a wallet to it, each proven.
type Link struct {
	Account string         `json:"account"` // "slack/T1/U1" or "discord/G1/1042…"
	Member  string         `json:"member"`
	Wallet  common.Address `json:"wallet"`
	At      time.Time      `json:"at"`
}

// Cursor is how far a chain was watched.
type Cursor struct {
	Chain string     `json:"chain"`
	Block safe.Block `json:"block"`
}

// Record is everything one commit writes: all of it or nothing. A Record is data, never a callback, so that any engine can
// take it. At most 100 keys and 1 MiB.
type Record struct {
	Proposal    string      // id; "" when no proposal changes
	Expect      uint64      // the version that the decision saw; 0: the proposal must not exist
	Events      []Event     // to append to the log
	State       *Proposal   // the new materialised state
	Signatures  []Signature // to hold
	Add         []Duty      // to owe
	Done        []string    // duty ids worked off
	Delay       []Duty      // duties to keep, with a later Due and one more attempt
	Receive     *InboxEntry // to keep until worked off; ErrDuplicate when its key was seen within a day
	Handled     string      // inbox key worked off
	Submissions []Submission
	Messages    []MessageRef
	Links       []Link
	Unlink      []string // accounts
	Cursors     []Cursor
	Fence       uint64 // the lead under which the work was done
}

// What a commit or a read can fail with, besides broken disks.
var (
	ErrStale     = errors.New("the proposal changed meanwhile")
	ErrFenced    = errors.New("another instance leads")
	ErrDuplicate = errors.New("seen before")
	ErrNotFound  = errors.New("not found")
)
