package governance

import (
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// View is a proposal as one viewer may see it at one moment. Its JSON is the public contract's proposal; card, page,
// board, `show` and `sign` render a View and nothing else. Embargo and privacy are decided where it is made, once.
type View struct {
	ID           string     `json:"id"`
	PublicID     string     `json:"public_id"`
	State        State      `json:"state"`
	Kind         Kind       `json:"kind"`
	Playbook     string     `json:"playbook"`
	PlaybookHash string     `json:"playbook_hash"`
	Title        string     `json:"title"`
	Subject      string     `json:"subject"` // what it is about: the values that were given, such as "usdc"; empty without parameters
	Reason       Untrusted  `json:"reason"`
	Proposer     string     `json:"proposer"`
	Askers       []string   `json:"askers"`          // members who asked for the same while it was open
	Wallet       string     `json:"proposer_wallet"` // that the proposer signed the intent with; "" without
	Collapsed    bool       `json:"collapsed"`       // one of too many of a member that no owner signed: chat shows it small
	CreatedAt    string     `json:"created_at"`
	ExpiresAt    string     `json:"expires_at"`
	Visibility   Visibility `json:"visibility"`
	IsPublic     bool       `json:"is_public"` // the public may see it now

	Safe       SafeView        `json:"safe"`
	Calls      []CallView      `json:"calls"`
	Expect     []Untrusted     `json:"expect"` // what must be true once it took effect
	Dangers    []DangerView    `json:"dangers"`
	Simulation *SimulationView `json:"simulation"`
	SafeTxs    []SafeTxView    `json:"safe_txs"`

	// These mirror the active SafeTx.
	Nonce         uint64             `json:"nonce"`
	SafeTx        SafeTxFields       `json:"safe_tx"`
	DomainHash    string             `json:"domain_hash"`
	MessageHash   string             `json:"message_hash"`
	SafeTxHash    string             `json:"safe_tx_hash"`
	CheckWords    string             `json:"check_words"`
	Confirmations []ConfirmationView `json:"confirmations"`

	Threshold      int                 `json:"threshold"`
	Owners         []string            `json:"owners"`
	OwnerNames     map[string]string   `json:"owner_names"` // address → member, where known and shown
	Timelock       *TimelockView       `json:"timelock"`
	Transactions   []TransactionView   `json:"transactions"`
	Execution      *TransactionView    `json:"execution"`
	Postconditions []PostconditionView `json:"postconditions"` // as proven, or, where that is undone, as they are since
	Undone         bool                `json:"undone"`         // it was executed and proven, and does not hold any more
	Undo           *UndoView           `json:"undo"`
	Events         []EventView         `json:"events"`

	Status     string        `json:"status"` // one plain line: "Needs 1 more", "Sending", "Mined, 1 of 2"
	Notes      []string      `json:"notes"`  // what a person must know now: marks, waits, problems, next steps
	Stuck      bool          `json:"stuck"`  // the relayer cannot go on with what any wallet can send
	Objections []OpinionView `json:"objections"`
	Responders []OpinionView `json:"responders"`
	Approve    []string      `json:"approve"`    // roles that must agree before owners are asked
	Approvals  []OpinionView `json:"approvals"`  // what they said
	Unapproved []string      `json:"unapproved"` // roles that have not agreed yet
	Loaded     *LoadedView   `json:"loaded"`     // it has ended, and signatures over it still count
	Public     *PublicView   `json:"public"`
	Explorer   string        `json:"explorer"` // base address of the chain's explorer; "" when none
	Links      LinksView     `json:"links"`
	Manifest   *ManifestView `json:"manifest"` // the configuration and who vouches for it; null when not known, or not for the viewer
}

// Untrusted is text from people or from the chain. No renderer may pass it on unescaped: it has no method that gives a
// plain string other than Raw, which is for escapers alone.
type Untrusted string

// Raw gives the text as it came in. Only a renderer's escaper calls it.
func (u Untrusted) Raw() string { return string(u) }

// SafeView names the Safe.
type SafeView struct {
	Name       string `json:"name"`
	Chain      string `json:"chain"`
	ChainID    uint64 `json:"chain_id"`
	Address    string `json:"address"`
	Version    string `json:"version"`
	Verified   bool   `json:"verified"`
	VerifiedBy string `json:"verified_by"` // canonical | code | unverified | not_read
}

// VerifiedUnread says that nobody looked at the Safe's code: the providers do not agree on anything now.
const VerifiedUnread = "not_read"

// CallView is one call of the intent, in words.
type CallView struct {
	To       string     `json:"to"`
	Label    string     `json:"label"`
	Value    string     `json:"value"` // wei
	Data     string     `json:"data"`
	Function string     `json:"function"` // canonical signature, "" when nothing known matches
	Args     []ArgView  `json:"args"`
	Text     Untrusted  `json:"text"`
	Inner    []CallView `json:"inner,omitempty"`
}

// ArgView is one argument.
type ArgView struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// DangerView is something that a signer must not miss.
type DangerView struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// SimulationView is what a simulation said, at which block, and by whom.
type SimulationView struct {
	OK       bool         `json:"ok"`
	Block    uint64       `json:"block"`
	Provider string       `json:"provider"`
	Changes  []ChangeView `json:"changes"` // what the playbook expects, then what else becomes another
	Effects  []Untrusted  `json:"effects"` // what moves, what contracts say, how much else they store: what nobody announced first
	Traced   bool         `json:"traced"`  // a provider told what changes in storage, balances and code
	Error    Untrusted    `json:"error"`
	Burnable *bool        `json:"burnable"` // whether too little gas can use up the nonce without effect; null: not found out
}

// ChangeView is one simulated effect.
type ChangeView struct {
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// SafeTxFields are the signed fields.
type SafeTxFields struct {
	To             string `json:"to"`
	Value          string `json:"value"`
	Data           string `json:"data"`
	Operation      uint8  `json:"operation"`
	SafeTxGas      string `json:"safe_tx_gas"`
	BaseGas        string `json:"base_gas"`
	GasPrice       string `json:"gas_price"`
	GasToken       string `json:"gas_token"`
	RefundReceiver string `json:"refund_receiver"`
	Nonce          uint64 `json:"nonce"`
}

// SafeTxView is one SafeTx with its hashes and who confirmed it.
type SafeTxView struct {
	Purpose       Purpose            `json:"purpose"`
	State         SafeTxState        `json:"state"`
	Nonce         uint64             `json:"nonce"`
	SafeTx        SafeTxFields       `json:"safe_tx"`
	DomainHash    string             `json:"domain_hash"`
	MessageHash   string             `json:"message_hash"`
	SafeTxHash    string             `json:"safe_tx_hash"`
	CheckWords    string             `json:"check_words"` // eight words of the hash, to be read aloud; see safe.CheckWords
	Confirmations []ConfirmationView `json:"confirmations"`
	Transaction   *TransactionView   `json:"transaction"`
}

// ConfirmationView is one owner's yes.
type ConfirmationView struct {
	Owner  string `json:"owner"`
	Member string `json:"member"`
	Kind   string `json:"kind"`
	At     string `json:"at"`
	Via    Via    `json:"via"`
}

// TimelockView is the timelock's side.
type TimelockView struct {
	Name        string         `json:"name"`
	Kind        string         `json:"kind"`
	Address     string         `json:"address"`
	OperationID string         `json:"operation_id"`
	State       OperationState `json:"state"`
	Delay       uint64         `json:"delay"` // seconds from schedule to window
	OpensAt     *string        `json:"opens_at"`
	ClosesAt    *string        `json:"closes_at"`
}

// TransactionView is one Ethereum transaction. Block is 0 until it is mined.
type TransactionView struct {
	Role   Purpose           `json:"role"`
	TxHash string            `json:"tx_hash"`
	Status TransactionStatus `json:"status"`
	Block  uint64            `json:"block"`
	At     string            `json:"at"`
	Failed bool              `json:"failed"` // the Safe ran it without effect, and the nonce is gone
}

// PostconditionView is a proof, or the lack of one.
type PostconditionView struct {
	Text  Untrusted `json:"text"`
	Value Untrusted `json:"value"`
	OK    bool      `json:"ok"`
	Block uint64    `json:"block"`
}

// UndoView names the playbook that undoes this one, with the parameters it would take.
type UndoView struct {
	Playbook string            `json:"playbook"`
	Params   map[string]string `json:"params"`
}

// EventView is one line of the story. Text reads on after the name in By, where that is a person's.
type EventView struct {
	Seq  uint64    `json:"seq"`
	At   string    `json:"at"`
	Type EventType `json:"type"`
	By   string    `json:"by"`
	Text Untrusted `json:"text"`

	Ours   string    `json:"-"` // the part of Text that is our own words
	Quoted Untrusted `json:"-"` // the part that people or the chain said
}

// OpinionView is what a member said.
type OpinionView struct {
	Member string    `json:"member"`
	What   string    `json:"what"`
	Text   Untrusted `json:"text"`
	At     string    `json:"at"`
	Wallet string    `json:"wallet"` // what it was said with; "": in chat, where it is a note
}

// LoadedView says what would make an ended proposal harmless: a void of its nonce, whose hash is known before anybody proposes it.
type LoadedView struct {
	Nonce      uint64 `json:"nonce"`
	Usable     bool   `json:"usable"` // a quorum stands: anyone who holds the signatures can execute it
	SafeTxHash string `json:"void_safe_tx_hash"`
	CheckWords string `json:"void_check_words"`
}

// PublicView is what the community reads.
type PublicView struct {
	What       string  `json:"what"`
	UsersCan   string  `json:"users_can"`
	NextUpdate *string `json:"next_update"`
}

// LinksView are our own addresses of the proposal. They carry no key, unless Keyed put it in for the operator.
type LinksView struct {
	Self string `json:"self"`
	Sign string `json:"sign"`
}

// Headline is the title with what it is about: "Pause one reserve: usdc".
func (v View) Headline() string {
	if v.Subject == "" {
		return v.Title
	}
	return v.Title + ": " + v.Subject
}

// Keyed gives the View with links that open for whoever has them: with the proposal's read key, where it is not public. Only the
// operator is given that.
func (v View) Keyed(key string) View {
	if !v.IsPublic && key != "" {
		v.Links.Self += "?key=" + key
		v.Links.Sign += "?key=" + key
	}
	return v
}

// Audience is how much a viewer may see.
type Audience int

// The audiences, least first.
const (
	AudiencePublic   Audience = iota // anyone
	AudienceKey                      // holds the proposal's read key: a signer with a link
	AudienceWarRoom                  // members, in chat
	AudienceOperator                 // holds the operator's token
)

// Viewer is who looks.
type Viewer struct {
	Audience Audience
	Member   string // when known
}

// Facts are what a View needs besides the proposal itself.
type Facts struct {
	PublicID      string
	PublicURL     string // the one origin, without a trailing slash
	Explorer      string
	Confirmations int     // depth at which mined counts as final; 0 means the finalized tag
	Single        bool    // one provider only: everything is marked unverified
	Manifest      Vouched // who vouches for the configuration
	Head          safe.Block
	Members       map[common.Address]string // wallet → member
	PublicNames   []string                  // members whose names the public may read
	Ahead         []NoncePlace              // what the Safe has to come by before this one's turn; for those who may see every proposal's id
	Events        []Recorded
	Submissions   []Submission
}
