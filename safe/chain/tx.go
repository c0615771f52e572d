package chain

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"belay/safe"
)

// Accounts reads balance, mined transaction count and code of accounts at one block, in one round.
func (c *Client) Accounts(ctx context.Context, at safe.Block, addresses ...common.Address) ([]safe.Account, error) {
	var queries []query
	for _, a := range addresses {
		queries = append(queries, accountQueries(a)...)
	}
	answers, err := c.read(ctx, "read accounts", at, queries)
	if err != nil {
		return nil, err
	}
	accounts := make([]safe.Account, len(addresses))
	for i := range addresses {
		if accounts[i], err = decodeAccount(answers[accountReads*i:]); err != nil {
			return nil, fmt.Errorf("read account %s: %w", addresses[i], err)
		}
	}
	return accounts, nil
}

// accountReads is how many queries one account takes.
const accountReads = 3

func accountQueries(address common.Address) []query {
	return []query{
		quantityQuery("eth_getTransactionCount", address),
		quantityQuery("eth_getBalance", address),
		codeQuery(address),
	}
}

func decodeAccount(answers []safe.Result) (safe.Account, error) {
	nonce := new(uint256.Int).SetBytes(answers[0].Data)
	if !nonce.IsUint64() {
		return safe.Account{}, fmt.Errorf("a transaction count of %s", nonce.Dec())
	}
	account := safe.Account{Nonce: nonce.Uint64(), HasCode: len(answers[2].Data) > 0}
	account.Balance.SetBytes(answers[1].Data)
	return account, nil
}

// Receipt returns what enough providers say of a mined transaction, at a block that they hold to be part of the chain. It
// is nil, without an error, when enough of them say that it is not mined.
//
// What was mined in the newest agreed block is asked for once, as long as that counts as the newest.
func (c *Client) Receipt(ctx context.Context, hash common.Hash) (*safe.Receipt, error) {
	head, newest := c.recent.within(time.Now(), recentFor)
	if !newest {
		head = safe.Block{}
	}
	if known := c.memory.receipt(head, hash); newest && known != nil {
		return known, nil
	}
	found, err := agreed(ctx, c, "read receipt", func(ctx context.Context, p *provider) (*safe.Receipt, error) {
		return p.receipt(ctx, hash, head)
	}, receiptKey)
	if newest && err == nil && found != nil && found.Block == head {
		c.memory.keepReceipt(head, *found)
	}
	return found, err
}

// receipt asks for the block, too, unless it is the head that is agreed on.
func (p *provider) receipt(ctx context.Context, hash common.Hash, head safe.Block) (*safe.Receipt, error) {
	answers, err := p.call(ctx, request{"eth_getTransactionReceipt", []any{hash}})
	if err != nil {
		return nil, err
	}
	if answers[0].isNull() {
		return nil, nil //nolint:nilnil // "not mined" is an answer
	}
	var wire struct {
		TxHash  common.Hash    `json:"transactionHash"`
		Block   common.Hash    `json:"blockHash"`
		Number  hexutil.Uint64 `json:"blockNumber"`
		Status  *hexutil.Uint  `json:"status"`
		GasUsed hexutil.Uint64 `json:"gasUsed"`
		Logs    []wireLog      `json:"logs"`
	}
	if err := answers[0].decode(&wire); err != nil {
		return nil, err
	}
	if wire.TxHash != hash || wire.Status == nil {
		return nil, &providerError{outcome: Malformed, text: "answered another transaction's receipt, or one without a status"}
	}
	at := head
	if at.Hash != wire.Block || at.Number != uint64(wire.Number) {
		its, err := p.headerAt(ctx, uint64(wire.Number))
		if err != nil {
			return nil, err
		}
		if at = its.Block; at.Hash != wire.Block {
			return nil, &providerError{outcome: Refused, text: "names a block that is no longer part of its chain"}
		}
	}
	r := &safe.Receipt{TxHash: hash, Block: at, Succeeded: *wire.Status == 1, GasUsed: uint64(wire.GasUsed)}
	for _, l := range wire.Logs {
		r.Logs = append(r.Logs, l.log(at))
	}
	return r, nil
}

func receiptKey(r *safe.Receipt) string {
	if r == nil {
		return "not mined"
	}
	parts := [][]byte{r.Block.Hash[:], fmt.Append(nil, r.Block.Number, r.Block.Time, r.Succeeded, r.GasUsed)}
	for _, l := range r.Logs {
		parts = append(parts, []byte(logKey(l)))
	}
	return digest(parts...)
}

// EstimateGas returns the gas that providers think a transaction with value 0 needs on top of the latest block: the upper
// median of as many answers as it takes for an agreement. It is [ErrReverted], with the reason, when most say that it
// reverts.
func (c *Client) EstimateGas(ctx context.Context, from, to common.Address, data []byte) (uint64, error) {
	answers, release, err := askAll(ctx, c, c.providers, func(ctx context.Context, p *provider) (estimate, error) {
		return p.estimate(ctx, from, to, data)
	})
	if err != nil {
		return 0, fmt.Errorf("estimate gas: %w", err)
	}
	defer release()
	votes := newTally(func(estimate) string { return "" })
	for waiting := len(c.providers); waiting > 0 && len(votes.cast[""]) < c.agreement; waiting-- {
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("estimate gas: %w", ctx.Err())
		case a := <-answers:
			votes.add(a)
		}
	}
	if len(votes.cast[""]) < c.agreement {
		return 0, fmt.Errorf("estimate gas: %w", votes.disagreement(c))
	}
	return judgeEstimates(votes.cast[""])
}

// estimate is one provider's answer: gas, or why it reverts.
type estimate struct {
	gas    uint64
	reason string
}

func (p *provider) estimate(ctx context.Context, from, to common.Address, data []byte) (estimate, error) {
	args := map[string]any{"from": from, "to": to, "data": hexutil.Bytes(data)}
	answers, err := p.call(ctx, request{"eth_estimateGas", []any{args}})
	if err != nil {
		return estimate{}, err
	}
	if refused := answers[0].err; refused != nil && isRevert(refused) {
		return estimate{reason: p.words(refused.data)}, nil
	}
	var gas hexutil.Uint64
	err = answers[0].decode(&gas)
	return estimate{gas: uint64(gas)}, err
}

func judgeEstimates(all []answer[estimate]) (uint64, error) {
	var values []uint64
	var reason string
	for _, a := range all {
		if a.value.reason == "" {
			values = append(values, a.value.gas)
		} else if reason == "" {
			reason = a.value.reason
		}
	}
	if 2*len(values) < len(all) {
		return 0, fmt.Errorf("estimate gas: %w: %s", ErrReverted, reason)
	}
	slices.Sort(values)
	return values[len(values)/2], nil
}

// Broadcast sends the same signed bytes to every provider and private endpoint, and returns as soon as one accepts them, while the
// rest goes on. That one knows them already is success. Accepted is not propagated: call it again at every block until mined.
//
// When nobody accepts them the error is, if the answers say so, [ErrNonceTooLow], [ErrUnderpriced] or
// [ErrInsufficientFunds], whichever most gave. That is a hint: another provider's word decides nothing here, and a timeout
// does not mean that the bytes did not arrive.
func (c *Client) Broadcast(ctx context.Context, raw []byte) error {
	if c.cfg.PublicOnly {
		return c.send(ctx, c.providers, raw)
	}
	return c.send(ctx, slices.Concat(c.providers, c.private), raw)
}

// send is done when one of them accepted the bytes.
func (c *Client) send(ctx context.Context, to []*provider, raw []byte) error {
	answers, release, err := askAll(ctx, c, to, func(ctx context.Context, p *provider) (struct{}, error) {
		return struct{}{}, p.send(ctx, raw)
	})
	if err != nil {
		return fmt.Errorf("broadcast: %w", err)
	}
	release() // once begun, a send is not taken back because the caller loses patience
	failed := &BroadcastError{}
	for range to {
		select {
		case <-ctx.Done():
			return fmt.Errorf("broadcast: %w", ctx.Err())
		case a := <-answers:
			if a.err == nil {
				return nil
			}
			failed.add(a.from.name, a.err)
		}
	}
	return fmt.Errorf("broadcast: %w", failed)
}

func (p *provider) send(ctx context.Context, raw []byte) error {
	answers, err := p.call(ctx, request{"eth_sendRawTransaction", []any{hexutil.Bytes(raw)}})
	if err != nil {
		return err
	}
	if refused := answers[0].err; refused != nil {
		if isAlreadyKnown(refused) {
			return nil
		}
		return refused
	}
	var hash common.Hash
	if err := answers[0].decode(&hash); err != nil {
		return err
	}
	if hash != crypto.Keccak256Hash(raw) {
		return &providerError{outcome: Malformed, text: "answered the hash of another transaction"}
	}
	return nil
}

// BroadcastError says why no provider accepted a transaction.
type BroadcastError struct {
	Reasons []Reason // as they arrived
	Class   error    // ErrNonceTooLow, ErrUnderpriced, ErrInsufficientFunds, or nil
	classes map[error]int
}

func (e *BroadcastError) add(name string, err error) {
	e.Reasons = append(e.Reasons, Reason{Provider: name, Text: err.Error()})
	if e.classes == nil {
		e.classes = map[error]int{}
	}
	if class := broadcastClass(err); class != nil {
		e.classes[class]++
	}
	e.Class = nil
	for _, class := range []error{ErrNonceTooLow, ErrUnderpriced, ErrInsufficientFunds} {
		if e.classes[class] > e.classes[e.Class] {
			e.Class = class
		}
	}
}

// Error names every provider with its reason.
func (e *BroadcastError) Error() string {
	parts := make([]string, 0, len(e.Reasons)+1)
	if e.Class != nil {
		parts = append(parts, e.Class.Error())
	} else {
		parts = append(parts, "no provider accepted the transaction")
	}
	for _, r := range e.Reasons {
		parts = append(parts, r.Provider+" "+r.Text)
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the class, so that errors.Is finds it.
func (e *BroadcastError) Unwrap() error { return e.Class }
