package safe

import (
	"errors"

	"github.com/ethereum/go-ethereum/common"
	"github.com/holiman/uint256"
)

// Operation says how a Safe runs an inner call. Values are those of Enum.Operation in Safe 1.0.0–1.5.0.
type Operation uint8

// The two operations. Create (2) existed until 1.0.0 and is refused.
const (
	OperationCall         Operation = 0
	OperationDelegateCall Operation = 1
)

// Tx is a SafeTx: the struct whose EIP-712 hash owners sign. Amounts are in wei, gas in gas units.
// BaseGas is called dataGas before Safe 1.0.0.
type Tx struct {
	To             common.Address `json:"to"`
	Value          uint256.Int    `json:"value"`
	Data           []byte         `json:"data"`
	Operation      Operation      `json:"operation"`
	SafeTxGas      uint256.Int    `json:"safe_tx_gas"`
	BaseGas        uint256.Int    `json:"base_gas"`
	GasPrice       uint256.Int    `json:"gas_price"`
	GasToken       common.Address `json:"gas_token"`
	RefundReceiver common.Address `json:"refund_receiver"`
	Nonce          uint64         `json:"nonce"`
}

// Call is one inner call, or one read: target, value in wei, calldata.
type Call struct {
	To    common.Address `json:"to"`
	Value uint256.Int    `json:"value"`
	Data  []byte         `json:"data"`
}

// Result answers one read: the returned bytes, or the revert data when Reverted.
type Result struct {
	Data     []byte
	Reverted bool
}

// Block names a block and its chain time (seconds since the epoch, the header's timestamp).
type Block struct {
	Number uint64      `json:"number"`
	Hash   common.Hash `json:"hash"`
	Time   uint64      `json:"time"`
}

// Filter selects logs of one contract. Topics follow eth_getLogs: position by position, any of the inner list;
// an empty inner list matches everything at that position.
type Filter struct {
	Address common.Address
	Topics  [][]common.Hash
}

// Log is an event log with its place on the chain.
type Log struct {
	Address common.Address `json:"address"`
	Topics  []common.Hash  `json:"topics"`
	Data    []byte         `json:"data"`
	Block   Block          `json:"block"`
	TxHash  common.Hash    `json:"tx_hash"`
	Index   uint           `json:"index"`
}

// ErrNotSafe says that at an address there is no Safe.
var ErrNotSafe = errors.New("no Safe at this address")

// State is what one Safe says of itself, everything read at one block.
type State struct {
	Block           Block
	Owners          []common.Address
	Threshold       int
	Nonce           uint64
	Version         Version
	Singleton       common.Address
	Verified        Verification
	Proven          bool           // every value was also proven against the block's state root, not only agreed on
	Guard           common.Address // zero: none
	ModuleGuard     common.Address // zero: none; from 1.5.0 on
	FallbackHandler common.Address // zero: none
	Modules         []common.Address
}

// Verification says how far a contract was proven to be the Safe that it claims to be.
type Verification string

// The degrees of verification, best first.
const (
	VerifiedByAddress  Verification = "canonical"  // singleton address and code hash are a published deployment
	VerifiedByCode     Verification = "code"       // code hash of a published build at another address
	VerifiedByProvider Verification = "unverified" // only VERSION() says so
)

// IsOwner reports whether a is one of the owners.
func (s State) IsOwner(a common.Address) bool {
	for _, o := range s.Owners {
		if o == a {
			return true
		}
	}
	return false
}

// Simulation is the outcome of running a whole execTransaction at a named block without sending it.
type Simulation struct {
	OK       bool     `json:"ok"`
	Block    uint64   `json:"block"`
	Provider string   `json:"provider"`
	Error    string   `json:"error"`             // the decoded revert reason in words; empty when OK
	GasUsed  uint64   `json:"gas_used"`          // gas units of the whole transaction; 0 when not OK
	After    []Result `json:"after"`             // reads asked to run behind the transaction, in their order; nil where the provider cannot
	Sweep    *Sweep   `json:"sweep"`             // nil when not asked for, or where no provider could
	Effects  *Effects `json:"effects,omitempty"` // what else it did; nil when not asked for, or where no provider could tell

	Works int `json:"works,omitempty"` // where the providers contradict each other: how many say that it works
	Fails int `json:"fails,omitempty"` // and how many that it does not
}

// Contradicted reports whether some providers say that it works and others that it does not. Then nothing is known, and OK is false.
func (s Simulation) Contradicted() bool { return s.Works > 0 && s.Fails > 0 }

// Reverts reports whether it can be taken to revert: all who were heard say so, or more than say the opposite.
func (s Simulation) Reverts() bool { return !s.OK && (!s.Contradicted() || s.Fails > s.Works) }

// Sweep is what the same transaction does with lower gas limits. Anyone who has the calldata can send it with any limit, and
// a target that swallows the failure of what it calls may then let the Safe report success: the nonce and its signatures are
// gone, and nothing happened. On a Safe before 1.3.0, or with a safeTxGas, no target has to swallow anything.
type Sweep struct {
	// BurnsAt is a gas limit at which the nonce is used up without the whole effect; 0 when none was found.
	BurnsAt uint64 `json:"burns_at"`
	// WholeFrom is a gas limit above BurnsAt with the whole effect, close to the lowest; 0 when BurnsAt is.
	WholeFrom uint64 `json:"whole_from"`
	// Doubtful: at BurnsAt another amount of gas is used, so that something else is done, and nothing that was watched shows what.
	Doubtful bool `json:"doubtful,omitempty"`
}

// Needs is the gas limit that the transaction has to be sent with at least, as far as the simulation knows, in gas units.
func (s Simulation) Needs() uint64 {
	if s.Sweep == nil {
		return s.GasUsed
	}
	return max(s.GasUsed, s.Sweep.WholeFrom)
}

// Fees are a chain's present prices in wei per gas.
type Fees struct {
	BaseFee  uint256.Int // of the next block
	Tip      uint256.Int // priority fee that half of the gas of the last blocks paid less than, or what is suggested
	Urgent   uint256.Int // priority fee that 95 % of it paid less than; zero: not known
	Unpriced bool        // the headers carry no base fee, so that transactions of type 2 are not taken
	GasLimit uint64      // of a block; 0: not known
}

// Receipt is what the chain says of one mined transaction.
type Receipt struct {
	TxHash    common.Hash
	Block     Block
	Succeeded bool // status 1; for a Safe that alone is not success, see ExecutionOf
	GasUsed   uint64
	Logs      []Log
}

// Account is what the chain says of a sender: balance in wei, count of mined transactions, whether it has code
// (for a relayer that means an EIP-7702 delegation and is refused).
type Account struct {
	Balance uint256.Int
	Nonce   uint64
	HasCode bool
}

// Order is a transaction that a relayer is asked to sign: EIP-1559, value 0.
type Order struct {
	ChainID uint64
	To      common.Address
	Data    []byte
	Nonce   uint64 // the relayer's own nonce, not the Safe's
	Gas     uint64
	FeeCap  uint256.Int // maxFeePerGas, wei
	TipCap  uint256.Int // maxPriorityFeePerGas, wei
}

// SimulationRequest asks what a Safe's execTransaction would do. Signatures may be nil: then it is run as if enough owners
// had signed (by state override where the provider offers it).
type SimulationRequest struct {
	At         Block
	From       common.Address // the relayer
	Safe       common.Address
	Version    Version
	Tx         Tx
	Owners     []common.Address // as read at the block; one of them stands in when Signatures is nil
	Signatures []byte           // packed
	After      []Call           // reads to run behind the transaction
	Sweep      bool             // try lower gas limits too
	Effects    bool             // tell events and changes of state too
}
