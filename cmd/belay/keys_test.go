package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"belay/governance"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"
)

const (
	keystorePassword = "correct horse battery staple"
	signerToken      = "t0ken-0123456789-of-the-signer"
)

// web3signer signs eth_signTransaction with the stack's first emergency key, as Web3Signer does. It counts, and can be taken away.
func (i *incident) web3signer() (server *httptest.Server, signed *atomic.Int32, gone *atomic.Bool) {
	i.t.Helper()
	signed, gone = &atomic.Int32{}, &atomic.Bool{}
	key := i.stack.Emergency[0]
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gone.Load() {
			panic(http.ErrAbortHandler)
		}
		var ask struct {
			Version string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
			Method  string          `json:"method"`
			Params  []struct {
				From, To                           common.Address
				Gas, Nonce                         hexutil.Uint64
				Data                               hexutil.Bytes
				Value                              *hexutil.Big
				MaxFeePerGas, MaxPriorityFeePerGas *hexutil.Big
			} `json:"params"`
		}
		strict := json.NewDecoder(r.Body)
		strict.DisallowUnknownFields()
		if err := strict.Decode(&ask); err != nil || ask.Method != "eth_signTransaction" || len(ask.Params) != 1 || r.Header.Get("Authorization") != "Bearer "+signerToken {
			http.Error(w, fmt.Sprint("refused ", err), http.StatusBadRequest)
			return
		}
		p := ask.Params[0]
		tx, err := types.SignNewTx(key, types.LatestSignerForChainID(i.stack.Chain.ChainID()), &types.DynamicFeeTx{ChainID: i.stack.Chain.ChainID(), Nonce: uint64(p.Nonce), Gas: uint64(p.Gas),
			To: &p.To, Value: new(big.Int).Set(p.Value.ToInt()), Data: p.Data, GasFeeCap: p.MaxFeePerGas.ToInt(), GasTipCap: p.MaxPriorityFeePerGas.ToInt()})
		if err != nil || p.From != crypto.PubkeyToAddress(key.PublicKey) {
			http.Error(w, "no such key", http.StatusBadRequest)
			return
		}
		raw, err := tx.MarshalBinary()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		signed.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": ask.ID, "result": hexutil.Bytes(raw)})
	}))
	i.t.Cleanup(server.Close)
	return server, signed, gone
}

// keepElsewhere puts the routine key into a keystore that go-ethereum wrote, and the emergency key behind a remote signer.
func (i *incident) keepElsewhere(signerURL string) {
	i.t.Helper()
	encrypted, err := keystore.EncryptKey(&keystore.Key{Id: uuid.New(), Address: crypto.PubkeyToAddress(i.stack.Relayer.PublicKey), PrivateKey: i.stack.Relayer}, keystorePassword, keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		i.t.Fatal(err)
	}
	for name, text := range map[string]string{"relayer.json": string(encrypted), "password": keystorePassword + "\n", "signer-token": signerToken} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(i.config), "secrets", name), []byte(text), 0o600); err != nil {
			i.t.Fatal(err)
		}
	}
	rewrite(i.t, i.config, "key_file: secrets/relayer, emergency_key_files: [secrets/emergency1, secrets/emergency2]",
		fmt.Sprintf("keystore: {file: secrets/relayer.json, password_file: secrets/password}, emergency: [{remote: {url: %q, address: %q, kind: web3signer, token_file: secrets/signer-token}}]",
			signerURL, crypto.PubkeyToAddress(i.stack.Emergency[0].PublicKey).Hex()))
}

func TestKeysInAKeystoreAndAtARemoteSigner(t *testing.T) {
	i := newIncident(t)
	i.halt()
	server, signed, gone := i.web3signer()
	i.keepElsewhere(server.URL)
	code, out, errs := belay(t, "--config", i.config, "check")
	if code != exitDone || !strings.Contains(out, "relayer on devnet: "+crypto.PubkeyToAddress(i.stack.Relayer.PublicKey).Hex()+" is powerless") || !strings.Contains(out, "emergency relayer 1 on devnet: ") {
		t.Errorf("check ended with %d: %s %s", code, out, errs)
	}
	i.start()
	first := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	i.quorum(first)
	i.reaches(first.ID, governance.StateExecuted)
	if signed.Load() == 0 {
		t.Error("the remote signer was not asked")
	}
	gone.Store(true) // the next emergency goes by the routine key
	second := i.propose("pause-reserve", map[string]string{"asset": "weth"})
	i.quorum(second)
	i.reaches(second.ID, governance.StateExecuted)
	i.halt()
	for _, told := range []string{keystorePassword, signerToken, hex.EncodeToString(crypto.FromECDSA(i.stack.Relayer)), server.URL} {
		if strings.Contains(i.logs.String()+out+errs, told) {
			t.Errorf("a log or an answer tells %q", told)
		}
	}
}

func TestAWrongKeystorePasswordIsAUsageError(t *testing.T) {
	i := newIncident(t)
	i.halt()
	i.keepElsewhere("http://127.0.0.1:1")
	if err := os.WriteFile(filepath.Join(filepath.Dir(i.config), "secrets", "password"), []byte("wrong horse"), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]int{"serve": exitUsage, "check": exitFailed} {
		code, out, errs := belay(t, "--config", i.config, command)
		if code != want || !strings.Contains(out+errs, "relayer.json: the password does not open the keystore file") || strings.Contains(out+errs, "horse") {
			t.Errorf("%s ended with %d: %s %s", command, code, out, errs)
		}
	}
}
