package chain

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"belay/safe"
	"belay/safe/devnet"
)

const signerToken = "t0ken-0123456789"

// vault stands in for a remote signer. It takes what its vendor documents and nothing else, and signs with one key.
type vault struct {
	kind   RemoteKind
	key    *ecdsa.PrivateKey
	change func(*types.DynamicFeeTx) // what it signs instead
	legacy func(*types.LegacyTx)
	says   func() (int, string) // takes the place of the answer
	asked  int
}

// web3SignerFields are the parameters of eth_signTransaction that its documentation names.
type web3SignerFields struct {
	From     *common.Address `json:"from"`
	To       *common.Address `json:"to"`
	Gas      *hexutil.Uint64 `json:"gas"`
	GasPrice *hexutil.Big    `json:"gasPrice"`
	Nonce    *hexutil.Uint64 `json:"nonce"`
	Value    *hexutil.Big    `json:"value"`
	Data     *hexutil.Bytes  `json:"data"`
	FeeCap   *hexutil.Big    `json:"maxFeePerGas"`
	TipCap   *hexutil.Big    `json:"maxPriorityFeePerGas"`
}

func strictly(raw []byte, into any) error {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.asked++
	if r.Header.Get("Authorization") != "Bearer "+signerToken || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "token "+signerToken+" expected", http.StatusUnauthorized)
		return
	}
	if v.says != nil {
		code, text := v.says()
		w.WriteHeader(code)
		_, _ = io.WriteString(w, text)
		return
	}
	var ask strictRequest
	body, _ := io.ReadAll(r.Body)
	if err := strictly(body, &ask); err != nil || len(ask.Params) != 1 {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	raw, refused := v.sign(ask)
	answer := map[string]any{"jsonrpc": "2.0", "id": ask.ID}
	switch {
	case refused != "":
		answer["error"] = map[string]any{"code": -32000, "message": refused}
	case v.kind == Clef:
		answer["result"] = map[string]any{"raw": hexutil.Bytes(raw), "tx": map[string]any{}}
	default:
		answer["result"] = hexutil.Bytes(raw)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (v *vault) sign(ask strictRequest) ([]byte, string) {
	var data types.TxData
	chainID := big.NewInt(31337)
	switch {
	case v.kind == Clef && ask.Method == "account_signTransaction":
		var args apitypes.SendTxArgs // clef's own
		if err := strictly(ask.Params[0], &args); err != nil {
			return nil, err.Error()
		}
		if args.ChainID == nil || args.From.Address() != crypto.PubkeyToAddress(v.key.PublicKey) {
			return nil, "unknown account"
		}
		tx, err := args.ToTransaction()
		if err != nil {
			return nil, err.Error()
		}
		if tx.Type() == types.LegacyTxType {
			data = &types.LegacyTx{Nonce: tx.Nonce(), GasPrice: tx.GasPrice(), Gas: tx.Gas(), To: tx.To(), Value: tx.Value(), Data: tx.Data()}
			break
		}
		data = &types.DynamicFeeTx{ChainID: tx.ChainId(), Nonce: tx.Nonce(), GasFeeCap: tx.GasFeeCap(), GasTipCap: tx.GasTipCap(), Gas: tx.Gas(), To: tx.To(), Value: tx.Value(), Data: tx.Data()}
	case v.kind == Web3Signer && ask.Method == "eth_signTransaction":
		var f web3SignerFields
		if err := strictly(ask.Params[0], &f); err != nil {
			return nil, err.Error()
		}
		if f.From == nil || *f.From != crypto.PubkeyToAddress(v.key.PublicKey) || f.Nonce == nil || f.Gas == nil || f.Data == nil || f.Value == nil {
			return nil, "Signer not found for address"
		}
		if f.GasPrice != nil {
			data = &types.LegacyTx{Nonce: uint64(*f.Nonce), GasPrice: f.GasPrice.ToInt(), Gas: uint64(*f.Gas), To: f.To, Value: f.Value.ToInt(), Data: *f.Data}
			break
		}
		data = &types.DynamicFeeTx{ChainID: chainID, Nonce: uint64(*f.Nonce), GasFeeCap: f.FeeCap.ToInt(), GasTipCap: f.TipCap.ToInt(), Gas: uint64(*f.Gas), To: f.To, Value: f.Value.ToInt(), Data: *f.Data}
	default:
		return nil, "method not found"
	}
	switch d := data.(type) {
	case *types.DynamicFeeTx:
		if v.change != nil {
			v.change(d)
		}
		chainID = d.ChainID
	case *types.LegacyTx:
		if v.legacy != nil {
			v.legacy(d)
		}
	}
	tx, err := types.SignNewTx(v.key, types.LatestSignerForChainID(chainID), data)
	if err != nil {
		return nil, err.Error()
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return nil, err.Error()
	}
	return raw, ""
}

// remoteAt makes a signer in front of a vault.
func remoteAt(t *testing.T, v *vault, legacy bool) *RemoteSigner {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	s, err := NewRemoteSigner(31337, Remote{Kind: v.kind, URL: server.URL + "/" + secret, Address: devnet.Address(devnet.RelayerKey), Token: signerToken},
		Policy{Safes: []common.Address{guardian}, Legacy: legacy})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.link.http.CloseIdleConnections)
	return s
}

func TestARemoteSignerSignsWhatWasOrdered(t *testing.T) {
	for _, kind := range []RemoteKind{Web3Signer, Clef} {
		for _, legacy := range []bool{false, true} {
			t.Run(fmt.Sprint(kind, " legacy ", legacy), func(t *testing.T) {
				v := &vault{kind: kind, key: devnet.Key(devnet.RelayerKey)}
				s := remoteAt(t, v, legacy)
				o := testOrder()
				raw, hash, err := s.Sign(o)
				if err != nil {
					t.Fatal(err)
				}
				here := NewSigner(31337, devnet.Key(devnet.RelayerKey), Policy{Safes: []common.Address{guardian}, Legacy: legacy})
				want, wantHash, err := here.Sign(o)
				if err != nil || string(raw) != string(want) || hash != wantHash {
					t.Errorf("signed %x, a key in memory signs %x (%v)", raw, want, err)
				}
				o.To = timelock
				if _, _, err := s.Sign(o); !errors.Is(err, ErrPolicy) || v.asked != 1 {
					t.Errorf("what the policy refuses was asked for %d times: %v", v.asked-1, err)
				}
			})
		}
	}
}

func TestWhatARemoteSignerAnswersIsCompared(t *testing.T) {
	other := devnet.Key(9)
	for _, row := range []struct {
		name string
		set  func(*vault)
		want string
	}{
		{"another chain", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.ChainID = big.NewInt(1) } }, "chain id 1 instead of 31337"},
		{"another nonce", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.Nonce++ } }, "nonce 5 instead of 4"},
		{"another receiver", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.To = &timelock } }, "another receiver"},
		{"a contract creation", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.To = nil } }, "another receiver"},
		{"money", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.Value = big.NewInt(1) } }, "a value of 1 wei"},
		{"another gas limit", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.Gas-- } }, "199999 gas instead of 200000"},
		{"a higher fee", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.GasFeeCap = big.NewInt(301) } }, "a fee cap of 301 wei instead of 300"},
		{"a lower tip", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.GasTipCap = big.NewInt(1) } }, "a tip of 1 wei instead of 2"},
		{"other calldata", func(v *vault) { v.change = func(tx *types.DynamicFeeTx) { tx.Data = tx.Data[:4] } }, "other calldata"},
		{"an access list", func(v *vault) {
			v.change = func(tx *types.DynamicFeeTx) { tx.AccessList = types.AccessList{{Address: guardian}} }
		}, "an access list"},
		{"nothing", func(v *vault) {
			v.says = func() (int, string) { return 200, `{"jsonrpc":"2.0","id":1,"result":"0x"}` }
		}, "no signed transaction"},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := &vault{kind: Web3Signer, key: devnet.Key(devnet.RelayerKey)}
			row.set(v)
			raw, hash, err := remoteAt(t, v, false).Sign(testOrder())
			if raw != nil || hash != (common.Hash{}) {
				t.Errorf("it was taken: %x", raw)
			}
			wants(t, err, ErrRemote, row.want)
		})
	}
	t.Run("a legacy transaction where none is configured", func(t *testing.T) {
		v := &vault{kind: Web3Signer, key: devnet.Key(devnet.RelayerKey)}
		o := testOrder()
		legacy, _, err := NewSigner(31337, v.key, Policy{Safes: []common.Address{guardian}, Legacy: true}).Sign(o)
		if err != nil {
			t.Fatal(err)
		}
		v.says = func() (int, string) {
			return 200, `{"jsonrpc":"2.0","id":1,"result":"` + hexutil.Encode(legacy) + `"}`
		}
		_, _, err = remoteAt(t, v, false).Sign(o)
		wants(t, err, ErrRemote, "type 0 instead of 2")
	})
	t.Run("the signature of another key", func(t *testing.T) {
		o := testOrder()
		raw, _, err := NewSigner(31337, other, Policy{Safes: []common.Address{guardian}}).Sign(o)
		if err != nil {
			t.Fatal(err)
		}
		v := &vault{kind: Web3Signer, key: other, says: func() (int, string) { return 200, `{"jsonrpc":"2.0","id":1,"result":"` + hexutil.Encode(raw) + `"}` }}
		_, _, err = remoteAt(t, v, false).Sign(o)
		wants(t, err, ErrRemote, "the signature of another key")
	})
	t.Run("a legacy transaction without a chain id", func(t *testing.T) {
		o := testOrder()
		tx, err := types.SignNewTx(devnet.Key(devnet.RelayerKey), types.HomesteadSigner{}, Policy{Legacy: true}.shape(o))
		if err != nil {
			t.Fatal(err)
		}
		raw := must[[]byte](t)(tx.MarshalBinary())
		v := &vault{kind: Web3Signer, key: other, says: func() (int, string) { return 200, `{"jsonrpc":"2.0","id":1,"result":"` + hexutil.Encode(raw) + `"}` }}
		_, _, err = remoteAt(t, v, true).Sign(o)
		wants(t, err, ErrRemote, "chain id")
	})
}

// TestARemoteSignerTellsNoSecret: neither its URL, nor the token, nor what it quotes of them.
func TestARemoteSignerTellsNoSecret(t *testing.T) {
	for _, row := range []struct {
		name string
		says func() (int, string)
		want string
	}{
		{"refused", func() (int, string) {
			return 200, `{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Request denied for ` + signerToken + ` at https://signer.example/` + secret + `"}}`
		}, "answered error -32000: Request denied for <redacted>"},
		{"unauthorized", func() (int, string) { return 401, "who are you, " + signerToken }, "answered HTTP 401"},
		{"broken", func() (int, string) { return 502, "<html>" }, "answered HTTP 502"},
		{"not JSON", func() (int, string) { return 200, "hello" }, "not JSON"},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := &vault{kind: Clef, key: devnet.Key(devnet.RelayerKey), says: row.says}
			s := remoteAt(t, v, false)
			_, _, err := s.Sign(testOrder())
			wants(t, err, ErrRemote, row.want)
			text := err.Error() + fmt.Sprintf("%v %+v %#v %s", s, s, s, s) + slog.AnyValue(s).Resolve().String()
			for _, told := range []string{signerToken, secret, "127.0.0.1"} {
				if strings.Contains(text, told) {
					t.Errorf("%q tells %q", text, told)
				}
			}
		})
	}
}

func TestARemoteSignerThatHangsIsLeft(t *testing.T) {
	for kind, want := range map[RemoteKind]time.Duration{Web3Signer: 5 * time.Second, Clef: 20 * time.Second} {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := network{"signer.example": newNode(nil).breaks(hangs)}
				s, err := NewRemoteSigner(31337, Remote{Kind: kind, URL: "https://signer.example/" + secret, Address: devnet.Address(1), Client: &http.Client{Transport: net}},
					Policy{Safes: []common.Address{guardian}})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				_, _, err = s.Sign(testOrder())
				wants(t, err, ErrRemote, "did not answer within "+want.String())
				if took := time.Since(began); took != want {
					t.Errorf("it was waited for for %s", took)
				}
			})
		})
	}
	for name, remote := range map[string]Remote{
		"of an unknown kind": {Kind: "vault", URL: "https://signer.example"}, "at no address": {Kind: Clef, URL: "signer.example"},
	} {
		if _, err := NewRemoteSigner(1, remote, Policy{}); !errors.Is(err, ErrRemote) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAKeystoreOfGethIsOpened: a file that go-ethereum's own keystore wrote.
func TestAKeystoreOfGethIsOpened(t *testing.T) {
	dir := t.TempDir()
	account, err := keystore.StoreKey(dir, "correct horse", keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		t.Fatal(err)
	}
	file := must[[]byte](t)(os.ReadFile(account.URL.Path))
	key, err := DecryptKey(file, "correct horse")
	if err != nil || crypto.PubkeyToAddress(key.PublicKey) != account.Address {
		t.Fatalf("opened %v, %v", key, err)
	}
	s := NewSigner(31337, key, Policy{Safes: []common.Address{guardian}})
	raw, _, err := s.Sign(testOrder())
	if err != nil {
		t.Fatal(err)
	}
	wants(t, Policy{}.compare(testOrder(), account.Address, raw), nil)
	for name, row := range map[string]struct {
		file     []byte
		password string
		want     string
	}{
		"a wrong password":   {file, "wrong horse", "the password does not open the keystore file"},
		"a key in hex":       {[]byte(secret), "correct horse", "is no Web3 Secret Storage"},
		"another version":    {[]byte(strings.Replace(string(file), `"version":3`, `"version":9`, 1)), "correct horse", "is no Web3 Secret Storage"},
		"nothing":            {nil, "", "is no Web3 Secret Storage"},
		"a file that is cut": {file[:len(file)/2], "correct horse", "is no Web3 Secret Storage"},
	} {
		_, err := DecryptKey(row.file, row.password)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, told := range []string{"horse", secret} {
			if strings.Contains(err.Error(), told) {
				t.Errorf("%s: %q tells %q", name, err, told)
			}
		}
	}
}

var _ interface {
	Sign(safe.Order) ([]byte, common.Hash, error)
	Address() common.Address
} = (*RemoteSigner)(nil)
