package devnet

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
)

// Reverted tells that a transaction or call reverted, with the bytes it reverted with.
type Reverted struct {
	Data    []byte
	Receipt *types.Receipt // nil when the chain was only asked, and nothing was mined
}

// Error names the revert in words where it is a plain text, else in hex.
func (r *Reverted) Error() string {
	if reason, err := abi.UnpackRevert(r.Data); err == nil {
		return "reverted: " + reason
	}
	return "reverted with " + hexutil.Encode(r.Data)
}

// Send signs and sends a transaction, waits until it is mined, and returns its receipt; see [Chain.Wait]. What would
// revert is not sent: the error is [*Reverted]. A nil value is zero, a nil to creates a contract.
func (c *Chain) Send(ctx context.Context, key *ecdsa.PrivateKey, to *common.Address, value *big.Int, data []byte) (*types.Receipt, error) {
	msg := ethereum.CallMsg{From: crypto.PubkeyToAddress(key.PublicKey), To: to, Value: value, Data: data}
	gas, err := c.client.EstimateGas(ctx, msg)
	if err != nil {
		return nil, fmt.Errorf("estimate gas: %w", asReverted(err))
	}
	tx, err := c.Submit(ctx, key, to, value, data, gas+gas/5)
	if err != nil {
		return nil, err
	}
	return c.Wait(ctx, tx.Hash())
}

// Submit signs a transaction with the account's next nonce and the gas limit given, reverting or not, and hands it to
// the pool without waiting.
func (c *Chain) Submit(ctx context.Context, key *ecdsa.PrivateKey, to *common.Address, value *big.Int, data []byte, gas uint64) (*types.Transaction, error) {
	c.nonces.Lock()
	defer c.nonces.Unlock()
	nonce, err := c.client.PendingNonceAt(ctx, crypto.PubkeyToAddress(key.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("read nonce: %w", err)
	}
	head, err := c.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read base fee: %w", err)
	}
	tip := big.NewInt(params.GWei)
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(c.ChainID()), &types.DynamicFeeTx{
		ChainID:   c.ChainID(),
		Nonce:     nonce,
		GasTipCap: tip,
		GasFeeCap: new(big.Int).Add(tip, new(big.Int).Lsh(head.BaseFee, 1)),
		Gas:       gas,
		To:        to,
		Value:     value,
		Data:      data,
	})
	if err != nil {
		return nil, fmt.Errorf("sign transaction: %w", err)
	}
	if err := c.client.SendTransaction(ctx, tx); err != nil {
		return nil, fmt.Errorf("send transaction: %w", err)
	}
	// The pool counts a new transaction on a goroutine of its own; the next nonce is read after it did.
	if err := c.seal.settle(); err != nil {
		return nil, err
	}
	return tx, nil
}

// Wait returns the receipt of a transaction when it is mined, and [*Reverted] with it when it failed. On a Manual or
// paused chain it seals one block.
func (c *Chain) Wait(ctx context.Context, hash common.Hash) (*types.Receipt, error) {
	if c.standsStill() && !c.isMined(ctx, hash) {
		c.Seal()
	}
	for {
		moved := c.seal.watch() // taken before the question, so that no block falls between
		receipt, err := c.client.TransactionReceipt(ctx, hash)
		if err == nil {
			return receipt, c.outcome(ctx, receipt)
		}
		if !errors.Is(err, ethereum.NotFound) {
			return nil, fmt.Errorf("read receipt of %s: %w", hash, err)
		}
		if err := c.Err(); err != nil {
			return nil, fmt.Errorf("wait for %s: %w", hash, err)
		}
		select {
		case <-moved:
		case <-c.seal.quit:
			return nil, fmt.Errorf("wait for %s: %w", hash, errClosed)
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", hash, ctx.Err())
		}
	}
}

var errClosed = errors.New("the chain was closed")

func (c *Chain) standsStill() bool {
	c.seal.mu.Lock()
	defer c.seal.mu.Unlock()
	return c.seal.manual || c.seal.paused
}

func (c *Chain) isMined(ctx context.Context, hash common.Hash) bool {
	_, err := c.client.TransactionReceipt(ctx, hash)
	return err == nil
}

// outcome is nil for status 1. The revert data of a mined transaction is only to be had by running it again.
func (c *Chain) outcome(ctx context.Context, receipt *types.Receipt) error {
	if receipt.Status == types.ReceiptStatusSuccessful {
		return nil
	}
	var trace struct{ Output hexutil.Bytes }
	if err := c.raw.CallContext(ctx, &trace, "debug_traceTransaction", receipt.TxHash, map[string]any{"tracer": "callTracer"}); err != nil {
		return fmt.Errorf("trace reverted %s: %w", receipt.TxHash, err)
	}
	return &Reverted{Data: trace.Output, Receipt: receipt}
}

// asReverted finds revert data in an RPC error.
func asReverted(err error) error {
	var withData rpc.DataError
	if !errors.As(err, &withData) {
		return err
	}
	text, _ := withData.ErrorData().(string)
	data, decodeErr := hexutil.Decode(text)
	if decodeErr != nil && text != "" {
		return err
	}
	return &Reverted{Data: data}
}

// Call runs a view function at the head and returns its bytes; what reverts is [*Reverted].
func (c *Chain) Call(ctx context.Context, to common.Address, data []byte) ([]byte, error) {
	out, err := c.client.CallContract(ctx, ethereum.CallMsg{To: &to, Data: data}, nil)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", to, asReverted(err))
	}
	return out, nil
}

// Fund gives addr wei from the faucet.
func (c *Chain) Fund(ctx context.Context, addr common.Address, wei *big.Int) error {
	if _, err := c.Send(ctx, faucet(), &addr, wei, nil); err != nil {
		return fmt.Errorf("fund %s: %w", addr, err)
	}
	return nil
}

// Deploy creates a contract with the deployer's key and returns where it is.
func (c *Chain) Deploy(ctx context.Context, artifact *Artifact, args ...any) (common.Address, error) {
	encoded, err := artifact.ABI.Pack("", args...)
	if err != nil {
		return common.Address{}, fmt.Errorf("encode constructor: %w", err)
	}
	code := append(append([]byte{}, artifact.Bytecode...), encoded...)
	receipt, err := c.Send(ctx, Key(DeployerKey), nil, nil, code)
	if err != nil {
		return common.Address{}, fmt.Errorf("deploy: %w", err)
	}
	return receipt.ContractAddress, nil
}
