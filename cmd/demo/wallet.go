package main

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"sync"

	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// account is one person's wallet.
type account struct {
	Name    string
	Slack   string // their id in the workspace
	Address common.Address
	key     *ecdsa.PrivateKey
}

// wallet is the demo's browser wallet: three accounts of which one is in use, and a question to its owner before
// anything is signed. It has its own way to the chain. It locks itself.
type wallet struct {
	chain    *devnet.Chain
	accounts []account

	mu      sync.Mutex
	current int
	last    int
	asks    []*ask
	asked   int             // signatures that pages asked for, ever
	signed  map[string]bool // who ever signed
	changed chan struct{}
}

// ask is a question to the wallet's owner.
type ask struct {
	Number  int
	Account account
	Host    string // the page that asks
	Typed   *typed // what is to be signed; nil for a transaction
	Send    *sending
	answer  chan bool
}

// sending is a transaction that a page wants sent.
type sending struct {
	From  common.Address `json:"from"`
	To    common.Address `json:"to"`
	Data  hexutil.Bytes  `json:"data"`
	Value *hexutil.Big   `json:"value"`
}

func newWallet(s *devnet.Stack) *wallet {
	w := &wallet{chain: s.Chain, changed: make(chan struct{}), signed: map[string]bool{}}
	for i, name := range []string{"alice", "bob", "carol"} {
		w.accounts = append(w.accounts, account{Name: name, Slack: "U000000" + string(rune('1'+i)), Address: crypto.PubkeyToAddress(s.Owners[i].PublicKey), key: s.Owners[i]})
	}
	return w
}

// note tells whoever waits. The caller holds mu.
func (w *wallet) note() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// watch gives a channel that is closed at the next change.
func (w *wallet) watch() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

func (w *wallet) person(name string) (account, bool) {
	i := slices.IndexFunc(w.accounts, func(a account) bool { return a.Name == name })
	if i < 0 {
		return account{}, false
	}
	return w.accounts[i], true
}

// use hands the phone to somebody. What was being asked is declined: it was asked of another.
func (w *wallet) use(name string) bool {
	i := slices.IndexFunc(w.accounts, func(a account) bool { return a.Name == name })
	if i < 0 {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.asks {
		a.answer <- false
	}
	w.asks, w.current = nil, i
	w.note()
	return true
}

// present is who holds the phone, and what they are asked first.
func (w *wallet) present() (holder account, open *ask, asked int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.asks) > 0 {
		open = w.asks[0]
	}
	return w.accounts[w.current], open, w.asked
}

// signers is how many people ever signed.
func (w *wallet) signers() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.signed)
}

// decide answers a question; false if nobody asks it any more.
func (w *wallet) decide(number int, yes bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, a := range w.asks {
		if a.Number == number {
			w.asks = slices.Delete(w.asks, i, i+1)
			a.answer <- yes
			w.note()
			return true
		}
	}
	return false
}

// confirmed asks the owner and waits for the answer, or until the page gives up.
func (w *wallet) confirmed(ctx context.Context, a *ask) bool {
	w.mu.Lock()
	w.last++
	a.Number, a.answer = w.last, make(chan bool, 1)
	w.asks = append(w.asks, a)
	w.note()
	w.mu.Unlock()
	select {
	case yes := <-a.answer:
		return yes
	case <-ctx.Done():
		w.decide(a.Number, false)
		return false
	}
}

// walletError is EIP-1193's.
type walletError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// handle answers an EIP-1193 request of a page.
func (w *wallet) handle(ctx context.Context, host, method string, params []json.RawMessage) (any, *walletError) {
	switch method {
	case "eth_requestAccounts", "eth_accounts":
		holder, _, _ := w.present()
		return []string{strings.ToLower(holder.Address.Hex())}, nil
	case "eth_chainId":
		return hexutil.EncodeBig(w.chain.ChainID()), nil
	case "wallet_switchEthereumChain":
		return w.switchChain(params)
	case "eth_signTypedData_v4":
		return w.sign(ctx, host, params)
	case "eth_sendTransaction":
		return w.send(ctx, host, params)
	case "eth_call", "eth_getCode", "eth_getBalance", "eth_blockNumber", "eth_getTransactionReceipt", "eth_estimateGas":
		return w.read(ctx, method, params)
	}
	return nil, &walletError{4200, "this wallet does not know " + method}
}

// read asks the wallet's own RPC, which is the chain itself: neither Belay nor its providers stand between.
func (w *wallet) read(ctx context.Context, method string, params []json.RawMessage) (any, *walletError) {
	args := make([]any, len(params))
	for i, p := range params {
		args[i] = p
	}
	var result json.RawMessage
	if err := w.chain.RPC().CallContext(ctx, &result, method, args...); err != nil {
		return nil, &walletError{-32603, err.Error()}
	}
	return result, nil
}

func (w *wallet) switchChain(params []json.RawMessage) (any, *walletError) {
	var to struct {
		ChainID *hexutil.Big `json:"chainId"`
	}
	if len(params) != 1 || json.Unmarshal(params[0], &to) != nil || to.ChainID == nil {
		return nil, &walletError{-32602, "invalid params"}
	}
	if to.ChainID.ToInt().Cmp(w.chain.ChainID()) != 0 {
		return nil, &walletError{4902, "unrecognized chain id"}
	}
	return nil, nil
}

func (w *wallet) sign(ctx context.Context, host string, params []json.RawMessage) (any, *walletError) {
	var from common.Address
	var document string
	if len(params) != 2 || json.Unmarshal(params[0], &from) != nil || json.Unmarshal(params[1], &document) != nil {
		return nil, &walletError{-32602, "invalid params"}
	}
	holder, refused := w.holds(from)
	if refused != nil {
		return nil, refused
	}
	t, err := readTyped([]byte(document))
	if err != nil {
		return nil, &walletError{-32602, err.Error()}
	}
	if t.ChainID != nil && t.ChainID.Cmp(w.chain.ChainID()) != 0 {
		return nil, &walletError{-32603, "the document is for another chain than the wallet is on"}
	}
	w.mu.Lock()
	w.asked++
	w.mu.Unlock()
	if !w.confirmed(ctx, &ask{Account: holder, Host: host, Typed: &t}) {
		return nil, &walletError{4001, "the person declined"}
	}
	signature, err := signHash(holder.key, t.Hash)
	if err != nil {
		return nil, &walletError{-32603, err.Error()}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signed[holder.Name] = true
	return signature, nil
}

func (w *wallet) holds(from common.Address) (account, *walletError) {
	holder, _, _ := w.present()
	if holder.Address != from {
		return account{}, &walletError{4100, "this account is not in use"}
	}
	return holder, nil
}

func (w *wallet) send(ctx context.Context, host string, params []json.RawMessage) (any, *walletError) {
	var tx sending
	if len(params) != 1 || json.Unmarshal(params[0], &tx) != nil {
		return nil, &walletError{-32602, "invalid params"}
	}
	holder, refused := w.holds(tx.From)
	if refused != nil {
		return nil, refused
	}
	if !w.confirmed(ctx, &ask{Account: holder, Host: host, Send: &tx}) {
		return nil, &walletError{4001, "the person declined"}
	}
	value := new(big.Int)
	if tx.Value != nil {
		value = tx.Value.ToInt()
	}
	const gas = 1_000_000 // more than anything of the sample protocol needs
	sent, err := w.chain.Submit(ctx, holder.key, &tx.To, value, tx.Data, gas)
	if err != nil {
		return nil, &walletError{-32603, err.Error()}
	}
	return sent.Hash().Hex(), nil
}

// signHash signs as wallets do: v is 27 or 28.
func signHash(key *ecdsa.PrivateKey, hash common.Hash) (string, error) {
	signature, err := crypto.Sign(hash.Bytes(), key)
	if err != nil {
		return "", err
	}
	signature[crypto.RecoveryIDOffset] += 27
	return hexutil.Encode(signature), nil
}
