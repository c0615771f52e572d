package coordinator

import (
	"belay/governance"
	"belay/safe"
	"encoding/json"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Intent is what someone asks for: a playbook with its parameters.
type Intent struct {
	Playbook string
	Params   map[string]string // as typed
	Member   string            // who asks; must be known
	Roles    []string          // roles that the chat platform vouches for, besides the member's own
	Reason   string
	Force    bool // an emergency whose simulation reverts is drafted all the same
	Via      governance.Via
	Wallet   common.Address // that signed the intent; set by ProposeSigned alone

	stated common.Hash // the statement that a wallet signed; zero: there is none
}

// Proposed answers Propose. Joined: the same intent was already open and nothing new was made.
type Proposed struct {
	View   governance.View
	Joined bool
}

// Signed is a signature as it came in. SafeTxHash zero means the active SafeTx; Owner zero means any; Kind "" means
// whatever recovers.
type Signed struct {
	Proposal   string
	Signature  []byte
	SafeTxHash common.Hash
	Owner      common.Address
	Kind       safe.Kind
	Via        governance.Via
}

// Confirmed answers Confirm. New is false when the same owner's yes was known before.
type Confirmed struct {
	View governance.View
	New  bool
}

// Query asks for a page of proposals.
type Query struct {
	State  governance.State // "": all
	Cursor string           // "" starts at the newest
	Viewer governance.Viewer
}

// Page is one page of proposals, newest first. Next is "" on the last.
type Page struct {
	Views []governance.View
	Next  string
}

// Execution is the ready transaction of a proven quorum, for any wallet to send.
type Execution struct {
	ChainID uint64         `json:"chain_id"`
	To      common.Address `json:"to"`
	Data    []byte         `json:"data"`
	Value   string         `json:"value"` // wei
}

// Timelock is one configured timelock with its pending operations.
type Timelock struct {
	Name, Kind, Chain, Address string
	MinDelay                   uint64 // seconds; 0 while unknown
	Operations                 []TimelockOperation
}

// TimelockOperation is one operation of a proposal.
type TimelockOperation struct {
	Proposal string // PublicID for the public
	governance.TimelockView
}

// Member is a known person.
type Member struct {
	Name           string
	Roles          []string
	Discord, Slack string
	Wallets        []common.Address
	Public         bool // the public may read the name, where it reads names at all
}

// Actor is a chat account as the platform vouches for it. Names are never used.
type Actor struct {
	Platform string   // slack | discord
	Space    string   // team or guild id
	User     string   // the platform's immutable id
	Groups   []string // platform role or group ids
}

// Account is the actor's key in links: platform/space/user.
func (a Actor) Account() string { return a.Platform + "/" + a.Space + "/" + a.User }

// PlaybookInfo is what chat and page need of a playbook to offer it.
type PlaybookInfo struct {
	Name, Title string
	Kind        governance.Kind
	Params      []ParamInfo
	Propose     []string // roles
	Undo        string
}

// ParamInfo is what chat and page need of a parameter.
type ParamInfo struct {
	Name, Type, Sample, Min, Max string
	Choices                      []string // names, in the order written
	Required                     bool
}

// Notice tells live viewers that a proposal changed. It carries no content: the viewer loads a View of it.
type Notice struct {
	Proposal string
	PublicID string
	Public   bool   // the public may see it
	Kind     string // proposal | timelock
	Seq      uint64
	At       time.Time
}

// TypedData is the bare eth_signTypedData_v4 object.
type TypedData = json.RawMessage
