package web

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"sync"

	"belay/safe"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// testWallet answers a page's wallet: it signs with a real key and stands for the wallet's own RPC.
type testWallet struct {
	mu       sync.Mutex
	key      int // of signers
	chain    uint64
	declines bool
	knows    bool // the chain that the page wants
	silent   bool // its RPC does not answer
	lies     bool // its RPC computes another hash
	nonce    uint64
	code     []byte
	asked    []string
	signed   []string
	sent     []map[string]string
}

// walletAsk is an EIP-1193 request.
type walletAsk struct {
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// walletSays is its answer.
type walletSays struct {
	Result any          `json:"result"`
	Error  *walletError `json:"error"`
}

type walletError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (w *testWallet) answer(_ context.Context, ask walletAsk) (walletSays, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, ask.Method)
	result, refused := w.handle(ask.Method, ask.Params)
	return walletSays{result, refused}, nil
}

func (w *testWallet) handle(method string, params []json.RawMessage) (any, *walletError) {
	switch method {
	case "eth_requestAccounts", "eth_accounts":
		return []string{strings.ToLower(addressOf(w.key).Hex())}, nil
	case "eth_chainId":
		return hexutil.EncodeUint64(w.chain), nil
	case "wallet_switchEthereumChain":
		if !w.knows {
			return nil, &walletError{4902, "Unrecognized chain ID"}
		}
		w.chain = testDomain.ChainID
		return nil, nil
	case "eth_signTypedData_v4":
		return w.sign(params)
	case "eth_sendTransaction":
		var tx map[string]string
		_ = json.Unmarshal(params[0], &tx)
		w.sent = append(w.sent, tx)
		return common.Hash{0xab}.Hex(), nil
	case "eth_getCode":
		return hexutil.Encode(w.code), nil
	case "eth_call":
		return w.call(params)
	}
	return nil, &walletError{4200, "not supported: " + method}
}

// sign signs what go-ethereum's own EIP-712 makes of the document, for the connected account only and on the right chain only.
func (w *testWallet) sign(params []json.RawMessage) (any, *walletError) {
	var account, document string
	if len(params) != 2 || json.Unmarshal(params[0], &account) != nil || json.Unmarshal(params[1], &document) != nil {
		return nil, &walletError{-32602, "invalid params"}
	}
	var typed struct{ Domain struct{ ChainID *uint64 } }
	if err := json.Unmarshal([]byte(document), &typed); err != nil || (typed.Domain.ChainID != nil && *typed.Domain.ChainID != w.chain) {
		return nil, &walletError{-32603, "chainId does not match the active chain"}
	}
	if w.declines {
		return nil, &walletError{4001, "User rejected the request."}
	}
	if common.HexToAddress(account) != addressOf(w.key) {
		return nil, &walletError{4100, "not authorized"}
	}
	hash, err := typedHash([]byte(document))
	if err != nil {
		return nil, &walletError{-32602, err.Error()}
	}
	signature := signHash(w.key, hash.Hex())
	w.signed = append(w.signed, signature)
	return signature, nil
}

// call is the Safe on the wallet's own chain, computed by package safe.
func (w *testWallet) call(params []json.RawMessage) (any, *walletError) {
	var call struct {
		To   common.Address
		Data hexutil.Bytes
	}
	if err := json.Unmarshal(params[0], &call); err != nil || w.silent || call.To != testDomain.Safe {
		return nil, &walletError{-32603, "no answer"}
	}
	word := func(n uint64) string { return common.BigToHash(new(big.Int).SetUint64(n)).Hex() }
	selector := call.Data[:4].String()
	switch selector {
	case crypto4("nonce()"):
		return word(w.nonce), nil
	case crypto4("getThreshold()"):
		return word(2), nil
	case crypto4("isOwner(address)"):
		for i := range 3 {
			if common.BytesToAddress(call.Data[4:]) == addressOf(i) {
				return word(1), nil
			}
		}
		return word(0), nil
	}
	tx, err := decodeHashCall(call.Data)
	if err != nil {
		return nil, &walletError{3, err.Error()}
	}
	if w.lies {
		tx.Nonce++
	}
	return safe.Hash(testDomain, tx).SafeTx.Hex(), nil
}

func crypto4(signature string) string { return hexutil.Encode(crypto.Keccak256([]byte(signature))[:4]) }

// hashABI is the view that the page asks the Safe, decoded by another implementation than the one that encodes it.
const hashABI = `[{"type":"function","name":"getTransactionHash","inputs":[{"name":"to","type":"address"},{"name":"value","type":"uint256"},{"name":"data","type":"bytes"},
{"name":"operation","type":"uint8"},{"name":"safeTxGas","type":"uint256"},{"name":"baseGas","type":"uint256"},{"name":"gasPrice","type":"uint256"},{"name":"gasToken","type":"address"},
{"name":"refundReceiver","type":"address"},{"name":"nonce","type":"uint256"}],"outputs":[{"type":"bytes32"}]}]`

func decodeHashCall(data []byte) (safe.Tx, error) {
	parsed, err := abi.JSON(strings.NewReader(hashABI))
	if err != nil {
		return safe.Tx{}, err
	}
	method, err := parsed.MethodById(data)
	if err != nil {
		return safe.Tx{}, err
	}
	in, err := method.Inputs.Unpack(data[4:])
	if err != nil {
		return safe.Tx{}, err
	}
	again, err := method.Inputs.Pack(in...)
	if err != nil {
		return safe.Tx{}, err
	}
	if string(again) != string(data[4:]) {
		return safe.Tx{}, errors.New("getTransactionHash is not encoded as the ABI wants it")
	}
	tx := safe.Tx{To: in[0].(common.Address), Data: in[2].([]byte), Operation: safe.Operation(in[3].(uint8)), GasToken: in[7].(common.Address),
		RefundReceiver: in[8].(common.Address), Nonce: in[9].(*big.Int).Uint64()}
	tx.Value.SetFromBig(in[1].(*big.Int))
	tx.SafeTxGas.SetFromBig(in[4].(*big.Int))
	tx.BaseGas.SetFromBig(in[5].(*big.Int))
	tx.GasPrice.SetFromBig(in[6].(*big.Int))
	return tx, nil
}
