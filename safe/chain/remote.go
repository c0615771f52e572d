package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// RemoteKind is a program that holds keys and signs over JSON-RPC.
type RemoteKind string

// The remote signers that are spoken to. Web3Signer in its eth1 mode: https://docs.web3signer.consensys.io/reference/api/json-rpc;
// clef: https://geth.ethereum.org/docs/tools/clef/apis.
const (
	Web3Signer RemoteKind = "web3signer"
	Clef       RemoteKind = "clef"
)

// How long a remote signer may take. Clef asks its rules, and where they do not know, a person. Longer than this nobody is waited for: a
// clef that should serve emergencies needs a rule that approves them.
const (
	remoteTimeout = 5 * time.Second
	clefTimeout   = 20 * time.Second
)

// ErrRemote says that a remote signer gave no signature, or not the one that was asked for.
var ErrRemote = errors.New("remote signer")

// Remote says where a key is kept that this program never sees.
type Remote struct {
	Kind    RemoteKind
	URL     string `json:"-"`
	Address common.Address
	Token   string `json:"-"` // sent as "Authorization: Bearer"; "" for none
	Client  *http.Client
}

// RemoteSigner has a relayer's transactions signed elsewhere. It holds the same policy as [Signer] and asks nothing that the policy does
// not allow. What comes back is decoded and compared with what was asked, field by field, and with the address: anything else is refused.
// It is safe for concurrent use, and prints as its address.
type RemoteSigner struct {
	chainID uint64
	kind    RemoteKind
	address common.Address
	policy  Policy
	link    *provider
	token   string
}

// NewRemoteSigner makes a signer for one chain. It asks nobody yet.
func NewRemoteSigner(chainID uint64, remote Remote, policy Policy) (*RemoteSigner, error) {
	if remote.Kind != Web3Signer && remote.Kind != Clef {
		return nil, fmt.Errorf("%w: kind %q is not known", ErrRemote, remote.Kind)
	}
	if u, err := url.Parse(remote.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: its URL is not an http or https address", ErrRemote)
	}
	timeout := remoteTimeout
	if remote.Kind == Clef {
		timeout = clefTimeout
	}
	client := httpClient(remote.Client)
	if remote.Token != "" {
		client.Transport = bearer{token: remote.Token, next: client.Transport}
	}
	link, err := newProvider(Config{ChainID: chainID, Timeout: timeout, Explain: safe.Explain}, Provider{Name: "remote signer", URL: remote.URL}, client)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRemote, err)
	}
	return &RemoteSigner{chainID: chainID, kind: remote.Kind, address: remote.Address, policy: policy.own(), link: link, token: remote.Token}, nil
}

// bearer puts a token on every request.
type bearer struct {
	token string
	next  http.RoundTripper
}

// RoundTrip sends a copy: a request is not to be changed.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	if b.next == nil {
		return http.DefaultTransport.RoundTrip(r)
	}
	return b.next.RoundTrip(r)
}

// Address is the relayer's address.
func (s *RemoteSigner) Address() common.Address { return s.address }

// String is the address.
func (s *RemoteSigner) String() string { return s.address.Hex() }

// Format prints the address for every verb: without it %+v would print the token.
func (s *RemoteSigner) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is the address.
func (s *RemoteSigner) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Sign has an order signed and returns the transaction's bytes and hash. What the policy does not allow is not even asked for, and is
// [ErrPolicy]. A signer that cannot be reached, refuses or answers something else is [ErrRemote]. The same order may give other bytes.
func (s *RemoteSigner) Sign(order safe.Order) (raw []byte, hash common.Hash, err error) {
	if err := s.policy.allow(s.chainID, order); err != nil {
		return nil, common.Hash{}, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	raw, err = s.ask(order)
	if err != nil {
		return nil, common.Hash{}, fmt.Errorf("%w of %s %s", ErrRemote, s.address.Hex(), s.clean(err.Error()))
	}
	if err := s.policy.compare(order, s.address, raw); err != nil {
		return nil, common.Hash{}, fmt.Errorf("%w of %s answered something else than was asked: %w", ErrRemote, s.address.Hex(), err)
	}
	return raw, crypto.Keccak256Hash(raw), nil
}

// clean takes the token out of the signer's own words; its URL is out already.
func (s *RemoteSigner) clean(text string) string {
	if s.token == "" {
		return text
	}
	return strings.ReplaceAll(text, s.token, redacted)
}

// ask sends the one request that the signer knows, and gives the bytes that it answered.
func (s *RemoteSigner) ask(o safe.Order) ([]byte, error) {
	method := "eth_signTransaction"
	if s.kind == Clef {
		method = "account_signTransaction"
	}
	answers, err := s.link.call(context.Background(), request{method, []any{s.arguments(o)}})
	if err != nil {
		return nil, err
	}
	if s.kind == Clef {
		var answer struct {
			Raw hexutil.Bytes `json:"raw"`
		}
		err := answers[0].decode(&answer)
		return answer.Raw, err
	}
	var raw hexutil.Bytes
	err = answers[0].decode(&raw)
	return raw, err
}

// arguments are the fields of the transaction, as both signers name them.
func (s *RemoteSigner) arguments(o safe.Order) map[string]any {
	args := map[string]any{
		"from": s.address, "to": o.To, "gas": hexutil.Uint64(o.Gas), "nonce": hexutil.Uint64(o.Nonce), "value": "0x0", "data": hexutil.Bytes(o.Data),
	}
	if s.kind == Clef {
		args["chainId"] = hexutil.Uint64(o.ChainID) // Web3Signer is told its chain when it is started, and knows no such field
	}
	if s.policy.Legacy {
		args["gasPrice"] = (*hexutil.U256)(&o.FeeCap)
		return args
	}
	args["maxFeePerGas"], args["maxPriorityFeePerGas"] = (*hexutil.U256)(&o.FeeCap), (*hexutil.U256)(&o.TipCap)
	return args
}

// compare says how signed bytes differ from an order, or from the signature of the address.
func (p Policy) compare(o safe.Order, by common.Address, raw []byte) error {
	var tx types.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		return errors.New("no signed transaction")
	}
	if again, err := tx.MarshalBinary(); err != nil || !bytes.Equal(again, raw) {
		return errors.New("a transaction that is not encoded the one way")
	}
	want := types.NewTx(p.shape(o))
	switch {
	case tx.Type() != want.Type():
		return fmt.Errorf("type %d instead of %d", tx.Type(), want.Type())
	case !tx.Protected() || tx.ChainId().Cmp(new(big.Int).SetUint64(o.ChainID)) != 0:
		return fmt.Errorf("chain id %s instead of %d", tx.ChainId(), o.ChainID)
	case tx.Nonce() != o.Nonce:
		return fmt.Errorf("nonce %d instead of %d", tx.Nonce(), o.Nonce)
	case tx.To() == nil || *tx.To() != o.To:
		return fmt.Errorf("another receiver than %s", o.To.Hex())
	case tx.Value().Sign() != 0:
		return fmt.Errorf("a value of %s wei instead of none", tx.Value())
	case tx.Gas() != o.Gas:
		return fmt.Errorf("%d gas instead of %d", tx.Gas(), o.Gas)
	case tx.GasFeeCap().Cmp(want.GasFeeCap()) != 0:
		return fmt.Errorf("a fee cap of %s wei instead of %s", tx.GasFeeCap(), want.GasFeeCap())
	case tx.GasTipCap().Cmp(want.GasTipCap()) != 0:
		return fmt.Errorf("a tip of %s wei instead of %s", tx.GasTipCap(), want.GasTipCap())
	case !bytes.Equal(tx.Data(), o.Data):
		return errors.New("other calldata")
	case len(tx.AccessList()) != 0:
		return errors.New("an access list")
	}
	from, err := types.Sender(types.LatestSignerForChainID(tx.ChainId()), &tx)
	if err != nil || from != by {
		return errors.New("the signature of another key")
	}
	return nil
}
