package chain

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// defaultGasCap is the most gas that a transaction can have on mainnet (EIP-7825).
const defaultGasCap = 1 << 24

// The calls of an OpenZeppelin TimelockController that execute what was scheduled before.
var (
	executeSelector      = crypto.Keccak256([]byte("execute(address,uint256,bytes,bytes32,bytes32)"))[:4]
	executeBatchSelector = crypto.Keccak256([]byte("executeBatch(address[],uint256[],bytes[],bytes32,bytes32)"))[:4]
)

// Policy bounds what a [Signer] signs, whatever the rest of the program asks for.
type Policy struct {
	Safes     []common.Address // execTransaction on these
	Timelocks []common.Address // execute and executeBatch on these
	// CheckOperation must accept a timelock call: it derives the operation id from the calldata and looks it up. nil accepts
	// none.
	CheckOperation func(to common.Address, data []byte) error
	GasCap         uint64 // gas units of one transaction; 0 means 2^24
	Legacy         bool   // transactions of type 0 with EIP-155, on a chain that knows no others; never else
}

// Signer holds a relayer's key. It signs transactions of value 0 that run something already approved on chain: an
// execTransaction, or the execution of a timelock operation. It is safe for concurrent use, and prints as its address in
// every format.
type Signer struct {
	chainID uint64
	key     *ecdsa.PrivateKey
	address common.Address
	policy  Policy
}

// NewSigner makes a signer for one chain. The policy is copied.
func NewSigner(chainID uint64, key *ecdsa.PrivateKey, policy Policy) *Signer {
	return &Signer{chainID: chainID, key: key, address: crypto.PubkeyToAddress(key.PublicKey), policy: policy.own()}
}

// own is a copy of the policy with its defaults filled in.
func (p Policy) own() Policy {
	p.Safes, p.Timelocks = slices.Clone(p.Safes), slices.Clone(p.Timelocks)
	if p.GasCap == 0 {
		p.GasCap = defaultGasCap
	}
	return p
}

// Address is the relayer's address.
func (s *Signer) Address() common.Address { return s.address }

// String is the address.
func (s *Signer) String() string { return s.address.Hex() }

// Format prints the address for every verb: without it %d would print the key.
func (s *Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is the address.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Sign signs an order and returns the transaction's bytes and hash: one of type 2, or a legacy one where the policy says so. What the
// policy does not allow is refused with [ErrPolicy] and the reason. The same order gives the same bytes.
func (s *Signer) Sign(order safe.Order) (raw []byte, hash common.Hash, err error) {
	if err := s.policy.allow(s.chainID, order); err != nil {
		return nil, common.Hash{}, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	id := new(big.Int).SetUint64(s.chainID)
	tx, err := types.SignNewTx(s.key, types.LatestSignerForChainID(id), s.policy.shape(order))
	if err != nil {
		return nil, common.Hash{}, fmt.Errorf("sign transaction: %w", err)
	}
	raw, err = tx.MarshalBinary()
	if err != nil {
		return nil, common.Hash{}, fmt.Errorf("encode transaction: %w", err)
	}
	return raw, tx.Hash(), nil
}

// shape is the unsigned transaction that an order asks for. A legacy one pays its fee cap, whatever the block asks.
func (p Policy) shape(o safe.Order) types.TxData {
	if p.Legacy {
		return &types.LegacyTx{Nonce: o.Nonce, GasPrice: o.FeeCap.ToBig(), Gas: o.Gas, To: &o.To, Value: new(big.Int), Data: o.Data}
	}
	return &types.DynamicFeeTx{
		ChainID: new(big.Int).SetUint64(o.ChainID), Nonce: o.Nonce, Gas: o.Gas, To: &o.To, Value: new(big.Int), Data: o.Data,
		GasFeeCap: o.FeeCap.ToBig(), GasTipCap: o.TipCap.ToBig(),
	}
}

func (p Policy) allow(chainID uint64, o safe.Order) error {
	switch {
	case o.ChainID != chainID:
		return fmt.Errorf("the order is for chain %d, the key for %d", o.ChainID, chainID)
	case o.Gas == 0 || o.Gas > p.GasCap:
		return fmt.Errorf("%d gas is not within the cap of %d", o.Gas, p.GasCap)
	case o.FeeCap.IsZero() || o.TipCap.Gt(&o.FeeCap):
		return errors.New("the fee cap is zero or below the tip")
	case slices.Contains(p.Safes, o.To):
		return allowExec(o)
	case slices.Contains(p.Timelocks, o.To):
		return p.allowTimelock(o)
	default:
		return fmt.Errorf("%s is neither a configured Safe nor a configured timelock", o.To.Hex())
	}
}

// allowExec wants calldata that decodes as execTransaction and refunds nobody: a refund pays the sender out of the Safe.
func allowExec(o safe.Order) error {
	tx, _, err := safe.DecodeExec(o.Data)
	if err != nil {
		return fmt.Errorf("the calldata is no execTransaction: %w", err)
	}
	if !tx.GasPrice.IsZero() {
		return errors.New("the transaction refunds gas out of the Safe")
	}
	return nil
}

func (p Policy) allowTimelock(o safe.Order) error {
	if len(o.Data) < 4 || !slices.Equal(o.Data[:4], executeSelector) && !slices.Equal(o.Data[:4], executeBatchSelector) {
		return errors.New("only execute and executeBatch are signed for a timelock")
	}
	if p.CheckOperation == nil {
		return errors.New("no timelock operation is known")
	}
	return p.CheckOperation(o.To, o.Data)
}
