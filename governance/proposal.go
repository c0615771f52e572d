package governance

import (
	"slices"
	"strings"
	"time"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// Proposal is one intent on one Safe: one card, one thread. It is the materialised state of its events and is stored
// whole; Apply builds it, nothing else writes to it. It holds no signature bytes (the store keeps those apart, under
// safeTxHash and owner) and no read capability.
type Proposal struct {
	ID      string `json:"id"`      // "P-12"
	Version uint64 `json:"version"` // the number of events applied; what a commit expects

	State        State             `json:"state"`
	Kind         Kind              `json:"kind"`
	Playbook     string            `json:"playbook"`
	PlaybookHash common.Hash       `json:"playbook_hash"`
	Standing     Vouched           `json:"standing,omitzero"` // the configuration that it was drafted under, and who vouched for that
	Title        string            `json:"title"`
	Subject      string            `json:"subject,omitempty"` // the values that were given, for people
	Params       map[string]string `json:"params"`            // as typed, keys and choices normalised
	Target       string            `json:"target"`            // playbook and values as one text: equal for the same intent
	Reason       string            `json:"reason"`            // people's words; never public
	Proposer     string            `json:"proposer"`
	Wallet       common.Address    `json:"wallet,omitzero"`  // that the proposer signed the intent with; zero: said in chat, or by the operator
	Crowd        int               `json:"crowd,omitempty"`  // how many the proposer had open besides, that no owner had signed
	Askers       []string          `json:"askers,omitempty"` // members who asked for the same while it was open
	Stated       common.Hash       `json:"stated,omitzero"`  // the Statement with which a wallet proposed it; zero: proposed otherwise
	CreatedAt    time.Time         `json:"created_at"`
	ExpiresAt    time.Time         `json:"expires_at"`
	EndedAt      time.Time         `json:"ended_at,omitzero"`
	EndReason    string            `json:"end_reason,omitempty"`
	Earlier      *Ending           `json:"earlier,omitempty"` // how it had ended before someone went on with it all the same
	Policy       Policy            `json:"policy"`
	Public       PublicText        `json:"public"`
	Disclosed    bool              `json:"disclosed,omitempty"` // made public by hand
	Undo         string            `json:"undo,omitempty"`      // name of the undo playbook
	UndoParams   map[string]string `json:"undo_params,omitempty"`
	Remarks      []string          `json:"remarks,omitempty"`  // what the playbook left out or could not check
	Forced       string            `json:"forced,omitempty"`   // who forced an emergency past a reverting simulation
	Blind        string            `json:"blind,omitempty"`    // why an emergency was drafted without agreed readings
	Unagreed     bool              `json:"unagreed,omitempty"` // what is known of the Safe is one provider's word still

	Safe       SafeRef          `json:"safe"`
	Calls      []CallView       `json:"calls"`  // the intent, in words
	Intent     []safe.Call      `json:"intent"` // the same, in bytes
	Dangers    []DangerView     `json:"dangers"`
	Simulation *safe.Simulation `json:"simulation,omitempty"`
	Changes    []Change         `json:"changes"`           // simulated effect, before → after: what the playbook expects first
	Effects    []string         `json:"effects,omitempty"` // what else the simulation did, a sentence each
	Traced     bool             `json:"traced,omitempty"`  // a provider told what changes in storage, balances and code

	SafeTxs     []SafeTx         `json:"safe_txs"`
	Owners      []common.Address `json:"owners"` // as last read
	Threshold   int              `json:"threshold"`
	SafeNonce   uint64           `json:"safe_nonce"`             // the Safe's nonce as last read
	ReadAt      safe.Block       `json:"read_at"`                // block of that reading
	OpenedAt    safe.Block       `json:"opened_at"`              // block that the draft was read at
	OpenedNonce uint64           `json:"opened_nonce"`           // the Safe's nonce at that block
	Setup       *Setup           `json:"setup,omitempty"`        // of the Safe at that block; nil where it was not agreed on
	SafeChanged string           `json:"safe_changed,omitempty"` // how it differs since, in words

	Timelock       *Operation      `json:"timelock,omitempty"`
	Transactions   []Transaction   `json:"transactions"`
	Expect         []Expectation   `json:"expect"`
	Postconditions []Postcondition `json:"postconditions"`
	Undone         []Postcondition `json:"undone,omitempty"` // they were proven, and this is what they say since

	Objections []Opinion `json:"objections"`
	Responders []Opinion `json:"responders"` // "I'm on it", "I can't"
	Approvals  []Opinion `json:"approvals,omitempty"`
}

// Crowded is how many proposals that nobody signed a member can have open from chat before one more is too many. Whoever has stolen a
// chat account can fill a room with so many, and no more.
const Crowded = 3

// Ending is how and when a proposal ended. It stays known while someone who holds the signatures goes on with a proposal that
// had ended: a reorganisation brings it back, and Belay does not help with what its people took down.
type Ending struct {
	State  State     `json:"state"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// SafeRef names the Safe that a proposal acts through.
type SafeRef struct {
	Name     string            `json:"name"`
	Chain    string            `json:"chain"`
	ChainID  uint64            `json:"chain_id"`
	Address  common.Address    `json:"address"`
	Version  safe.Version      `json:"version"`
	Verified safe.Verification `json:"verified"`

	Singleton common.Address `json:"singleton,omitzero"` // whose code it runs
}

// Same reports whether two references are of one Safe on one chain.
func (r SafeRef) Same(other SafeRef) bool {
	return r.ChainID == other.ChainID && r.Address == other.Address
}

// Differs reports whether a reading tells another code than this one: another version or implementation, or whether it was ever
// published. What a reading leaves out is not different.
func (r SafeRef) Differs(s safe.State) bool {
	moved := s.Singleton != common.Address{} && s.Singleton != r.Singleton
	proven := s.Verified != "" && (s.Verified == safe.VerifiedByProvider) != (r.Verified == safe.VerifiedByProvider)
	other := s.Version != safe.Version{} && s.Version != r.Version
	return other || moved || proven
}

// Domain is what hashes of this Safe's transactions are bound to.
func (r SafeRef) Domain() safe.Domain {
	return safe.Domain{ChainID: r.ChainID, Safe: r.Address, Version: r.Version}
}

// SafeTxState is where one SafeTx of a proposal stands.
type SafeTxState string

// The states of a SafeTx.
const (
	TxAsking   SafeTxState = "proposed"   // asking for signatures
	TxApproved SafeTxState = "approved"   // quorum proven
	TxMined    SafeTxState = "mined"      // ExecutionSuccess seen, not final yet
	TxFinal    SafeTxState = "executed"   // ExecutionSuccess is final
	TxFailed   SafeTxState = "failed"     // ExecutionFailure: mined, no effect, nonce gone
	TxDead     SafeTxState = "superseded" // its nonce was used by another transaction, or the Safe's hash rule is another now
)

// SafeTx is one exact transaction that owners are asked to sign.
type SafeTx struct {
	Purpose       Purpose        `json:"purpose"`
	State         SafeTxState    `json:"state"`
	Tx            safe.Tx        `json:"tx"`
	Hashes        safe.Hashes    `json:"hashes"`
	Confirmations []Confirmation `json:"confirmations"`
	UsedBy        common.Hash    `json:"used_by,omitzero"` // transaction that used its nonce, when dead and known
	Rule          safe.Version   `json:"rule,omitzero"`    // of the Safe when it was hashed
}

// Open reports whether a SafeTx can still be signed or sent.
func (t SafeTx) Open() bool { return t.State == TxAsking || t.State == TxApproved }

// Confirmation is a verified owner's yes over one safeTxHash. The bytes stay in the store's signatures.
type Confirmation struct {
	Owner         common.Address `json:"owner"`
	Member        string         `json:"member,omitempty"`
	Kind          safe.Kind      `json:"kind"`
	At            time.Time      `json:"at"`
	Via           Via            `json:"via"`
	SignatureHash common.Hash    `json:"signature_hash"` // keccak256 of the bytes, so that the log binds them without showing them
}

// Operation is the timelock's side of a proposal.
type Operation struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"` // openzeppelin
	Address   common.Address `json:"address"`
	ID        common.Hash    `json:"operation_id"`
	Salt      common.Hash    `json:"salt"`
	Delay     uint64         `json:"delay"` // seconds, as scheduled
	State     OperationState `json:"state"`
	OpensAt   uint64         `json:"opens_at"`  // chain time in seconds; 0 while not scheduled
	ClosesAt  uint64         `json:"closes_at"` // chain time in seconds; 0: never
	Blocked   string         `json:"blocked,omitempty"`
	Execute   safe.Call      `json:"execute"`    // what runs it once ready
	AnyoneMay bool           `json:"anyone_may"` // a relayer may execute; otherwise the Safe signs an execute SafeTx
}

// OperationState is a timelock operation's state as derived from readings.
type OperationState string

// The operation states of the public contract.
const (
	OperationUnset    OperationState = "unset"
	OperationWaiting  OperationState = "waiting"
	OperationReady    OperationState = "ready"
	OperationDone     OperationState = "done"
	OperationExpired  OperationState = "expired"
	OperationCanceled OperationState = "canceled"
	OperationBlocked  OperationState = "blocked"
	OperationUnknown  OperationState = "unknown"
)

// TransactionStatus is how far an Ethereum transaction has come.
type TransactionStatus string

// The statuses of the public contract. One that a reorganisation took away is submitted again: its bytes are still valid.
const (
	TxStatusSubmitted TransactionStatus = "submitted"
	TxStatusMined     TransactionStatus = "mined"
	TxStatusFinal     TransactionStatus = "final"
)

// Transaction is an Ethereum transaction that carries a SafeTx or runs a timelock operation, whoever sent it.
type Transaction struct {
	Role       Purpose           `json:"role"`
	SafeTxHash common.Hash       `json:"safe_tx_hash,omitzero"`
	TxHash     common.Hash       `json:"tx_hash"`
	Status     TransactionStatus `json:"status"`
	Block      safe.Block        `json:"block,omitzero"`
	At         time.Time         `json:"at"`
	Ours       bool              `json:"ours"`
	Failed     bool              `json:"failed,omitempty"` // ExecutionFailure: it used the nonce and had no effect
}

// Expectation is a postcondition: a read and the value it must give, as canonical text.
type Expectation struct {
	Text   string    `json:"text"` // "getPaused(asset: usdc 0x…) = true"
	Call   safe.Call `json:"call"`
	Output string    `json:"output"` // Solidity text of the function, to decode the answer
	Pick   int       `json:"pick"`   // which output
	Bits   []int     `json:"bits,omitempty"`
	Equals string    `json:"equals"`
}

// Postcondition is an expectation as it was read.
type Postcondition struct {
	Text  string `json:"text"`
	Value string `json:"value"` // what was read; "" when it could not be
	OK    bool   `json:"ok"`
	Block uint64 `json:"block"`
	Final bool   `json:"final"`
}

// Change is one simulated or proven effect.
type Change struct {
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Opinion is what a member said about a proposal. None of them counts toward quorum. One said in chat is a note; one said with a
// wallet has a Wallet, and Decide acts on it.
type Opinion struct {
	Member string    `json:"member"`
	What   string    `json:"what"` // object | onit | cant | withdraw, and with a wallet lift | approve
	Text   string    `json:"text,omitempty"`
	At     time.Time `json:"at"`

	Wallet common.Address `json:"wallet,omitzero"` // whose signature over a Statement was checked; zero: said in chat
	Signed time.Time      `json:"signed,omitzero"` // when the Statement says that it was signed
	Roles  []string       `json:"roles,omitempty"` // for approve: the roles of the member
	Said   int            `json:"said,omitempty"`  // how often the same voice had said something before
}

// Policy is a playbook's policy with its defaults filled in.
type Policy struct {
	Propose    []string      `json:"propose"` // roles
	Expires    time.Duration `json:"expires"`
	Cooldown   time.Duration `json:"cooldown"`
	Visibility Visibility    `json:"visibility"`
	Spares     int           `json:"spares"`
	Execute    Execute       `json:"execute"`
	Approve    []string      `json:"approve,omitempty"` // roles that agree with a wallet before owners are asked
}

// Execute says when a proven quorum is sent.
type Execute struct {
	Manual bool          `json:"manual,omitempty"`
	After  time.Duration `json:"after,omitempty"` // wall time since quorum; 0: at once
}

// PublicText is what the community reads.
type PublicText struct {
	What       string        `json:"what,omitempty"`
	UsersCan   string        `json:"users_can,omitempty"`
	NextUpdate time.Duration `json:"next_update,omitempty"`
}

// Active is the SafeTx that people are asked to sign, or that is on its way: the one that the chain ran, else the first that is
// not dead. Once the timelock's window is open that is the SafeTx which executes the operation, where there is one. It is nil only
// before the proposal exists.
func (p *Proposal) Active() *SafeTx {
	executing := p.executing()
	var first, last *SafeTx
	for i := range p.SafeTxs {
		t := &p.SafeTxs[i]
		if (t.Purpose == PurposeExecute) != executing {
			continue
		}
		if t.State == TxMined || t.State == TxFinal {
			return t
		}
		if first == nil && t.State != TxDead {
			first = t
		}
		last = t
	}
	if first != nil {
		return first
	}
	return last
}

// executing reports whether the proposal has come to the SafeTx that executes its operation.
func (p *Proposal) executing() bool {
	switch p.State {
	case StateReady, StateExecuted, StateIneffective, StateFailed, StateCanceled:
		return slices.ContainsFunc(p.SafeTxs, func(t SafeTx) bool { return t.Purpose == PurposeExecute })
	}
	return false
}

// SafeTx finds the SafeTx with this safeTxHash.
func (p *Proposal) SafeTx(hash common.Hash) *SafeTx {
	for i := range p.SafeTxs {
		if p.SafeTxs[i].Hashes.SafeTx == hash {
			return &p.SafeTxs[i]
		}
	}
	return nil
}

// ConfirmedBy finds the owner's confirmation of t.
func (t *SafeTx) ConfirmedBy(owner common.Address) *Confirmation {
	for i := range t.Confirmations {
		if t.Confirmations[i].Owner == owner {
			return &t.Confirmations[i]
		}
	}
	return nil
}

// Replaces reports whether a confirmation is to take the place of what is held of its owner. What a contract vouched for may hold no
// longer, so that a newer word of it, or a hash approved on chain, replaces it. A reorganisation can take an approval back, so that
// a signature, which holds by itself, replaces that. Anything else that is held stays.
func (c Confirmation) Replaces(held *Confirmation) bool {
	switch {
	case held == nil:
		return true
	case held.Kind == safe.KindEIP1271:
		return c.Kind != held.Kind || c.SignatureHash != held.SignatureHash
	}
	return held.Kind == safe.KindApprovedHash && (c.Kind == safe.KindECDSA || c.Kind == safe.KindEthSign)
}

// What is the expectation without the value: "getPaused(asset: usdc 0x…)".
func (e Expectation) What() string {
	if i := strings.LastIndex(e.Text, " = "); i >= 0 {
		return e.Text[:i]
	}
	return e.Text
}
