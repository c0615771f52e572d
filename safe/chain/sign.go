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
	policy.Safes, policy.Timelocks = slices.Clone(policy.Safes), slices.Clone(policy.Timelocks)
	if policy.GasCap == 0 {
		policy.GasCap = defaultGasCap
	}
	return &Signer{chainID: chainID, key: key, address: crypto.PubkeyToAddress(key.PublicKey), policy: policy}
}

// Address is the relayer's address.
func (s *Signer) Address() common.Address { return s.address }

// String is the address.
func (s *Signer) String() string { return s.address.Hex() }

// Format prints the address for every verb: without it %d would print the key.
func (s *Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is the address.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Sign signs an order as a type-2 transaction and returns its bytes and hash. What the policy does not allow is refused
// with [ErrPolicy] and the reason. The same order gives the same bytes.
func (s *Signer) Sign(order safe.Order) (raw []byte, hash common.Hash, err error) {
	if err := s.allow(order); err != nil {
		return nil, common.Hash{}, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	id := new(big.Int).SetUint64(s.chainID)
	tx, err := types.SignNewTx(s.key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: order.Nonce, Gas: order.Gas, To: &order.To, Data: order.Data,
		GasFeeCap: order.FeeCap.ToBig(), GasTipCap: order.TipCap.ToBig(),
	})
	if err != nil {
		return nil, common.Hash{}, fmt.Errorf("sign transaction: %w", err)
	}
	raw, err = tx.MarshalBinary()
	if err != nil {
		return nil, common.Hash{}, fmt.Errorf("encode transaction: %w", err)
	}
	return raw, tx.Hash(), nil
}

func (s *Signer) allow(o safe.Order) error {
	switch {
	case o.ChainID != s.chainID:
		return fmt.Errorf("the order is for chain %d, the key for %d", o.ChainID, s.chainID)
	case o.Gas == 0 || o.Gas > s.policy.GasCap:
		return fmt.Errorf("%d gas is not within the cap of %d", o.Gas, s.policy.GasCap)
	case o.FeeCap.IsZero() || o.TipCap.Gt(&o.FeeCap):
		return errors.New("the fee cap is zero or below the tip")
	case slices.Contains(s.policy.Safes, o.To):
		return allowExec(o)
	case slices.Contains(s.policy.Timelocks, o.To):
		return s.allowTimelock(o)
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

func (s *Signer) allowTimelock(o safe.Order) error {
	if len(o.Data) < 4 || !slices.Equal(o.Data[:4], executeSelector) && !slices.Equal(o.Data[:4], executeBatchSelector) {
		return errors.New("only execute and executeBatch are signed for a timelock")
	}
	if s.policy.CheckOperation == nil {
		return errors.New("no timelock operation is known")
	}
	return s.policy.CheckOperation(o.To, o.Data)
}
