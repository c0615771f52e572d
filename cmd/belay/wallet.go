package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// signer signs typed data for one account.
type signer interface {
	address() common.Address
	sign(document safe.TypedDocument, hash common.Hash) ([]byte, error)
}

// walletFlags say which account signs, and with what.
type walletFlags struct {
	keystore, passwordFile, keyFile, external, as string
}

func (w *walletFlags) register(f *pflag.FlagSet) {
	f.StringVar(&w.keystore, "keystore", "", "an encrypted key file (Web3 Secret Storage), as geth and cast make it")
	f.StringVar(&w.passwordFile, "password-file", "", "its password; without it you are asked")
	f.StringVar(&w.keyFile, "key-file", "", "a private key in hex, for drills")
	f.StringVar(&w.external, "signer", "", "JSON-RPC address of an external signer, such as clef with a Ledger or Trezor: http://127.0.0.1:8550")
	f.StringVar(&w.as, "as", "", "the owner's account at the external signer")
}

// given reports whether any of the flags says with what to sign.
func (w *walletFlags) given() bool { return w.keystore != "" || w.keyFile != "" || w.external != "" }

// open gives the one signer that the flags name. ask prompts for a password.
func (w *walletFlags) open(ctx context.Context, ask func(prompt string) (string, error)) (signer, error) {
	given := 0
	for _, flag := range []string{w.keystore, w.keyFile, w.external} {
		if flag != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, errors.New("say with what to sign: --keystore FILE, --signer URL --as ADDRESS (clef, for Ledger and Trezor), or --key-file FILE")
	case w.external != "":
		owner, err := calldata.ParseAddress(w.as)
		if err != nil {
			return nil, fmt.Errorf("--as: %w", err)
		}
		return external{ctx: ctx, url: w.external, owner: owner}, nil
	case w.keyFile != "":
		return openKeyFile(w.keyFile)
	}
	return w.openKeystore(ask)
}

func openKeyFile(file string) (signer, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(strings.TrimSpace(string(text)), "0x"))
	if err != nil {
		return nil, fmt.Errorf("%s: it is no private key of 64 hex digits", file) //nolint:errorlint // the cause could hold digits of the key
	}
	return local{key}, nil
}

func (w *walletFlags) openKeystore(ask func(string) (string, error)) (signer, error) {
	encrypted, err := os.ReadFile(w.keystore)
	if err != nil {
		return nil, err
	}
	password, err := w.password(ask)
	if err != nil {
		return nil, err
	}
	key, err := keystore.DecryptKey(encrypted, password)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.keystore, err)
	}
	return local{key.PrivateKey}, nil
}

// password reads from the file, else from the terminal without showing it, else a line of standard input.
func (w *walletFlags) password(ask func(string) (string, error)) (string, error) {
	if w.passwordFile != "" {
		text, err := os.ReadFile(w.passwordFile)
		return strings.TrimRight(string(text), "\r\n"), err
	}
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) { //nolint:gosec // a file descriptor
		_, _ = fmt.Fprint(os.Stderr, "Password of "+w.keystore+": ")
		text, err := term.ReadPassword(in)
		_, _ = fmt.Fprintln(os.Stderr)
		return string(text), err
	}
	return ask("Password of " + w.keystore + ": ")
}

// local signs with a key in memory.
type local struct{ key *ecdsa.PrivateKey }

func (l local) address() common.Address { return crypto.PubkeyToAddress(l.key.PublicKey) }

func (l local) sign(_ safe.TypedDocument, hash common.Hash) ([]byte, error) {
	raw, err := crypto.Sign(hash[:], l.key)
	if err == nil {
		raw[64] += 27
	}
	return raw, err
}

// external asks a signer over JSON-RPC; the device behind it shows the fields.
type external struct {
	ctx   context.Context //nolint:containedctx // lives as long as one command
	url   string
	owner common.Address
}

// deviceTime is how long somebody may look at a device.
const deviceTime = 10 * time.Minute

// methodMissing is what JSON-RPC says of a method that a server does not have.
const methodMissing = -32601

func (e external) address() common.Address { return e.owner }

// sign uses clef's method, or the one that wallets have.
func (e external) sign(document safe.TypedDocument, _ common.Hash) ([]byte, error) {
	raw, code, err := e.call("account_signTypedData", e.owner, document)
	if code == methodMissing {
		raw, _, err = e.call("eth_signTypedData_v4", e.owner, document)
	}
	return raw, err
}

func (e external) call(method string, params ...any) (signature []byte, code int, err error) {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(e.ctx, deviceTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("ask the external signer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Result hexutil.Bytes `json:"result"`
		Error  *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer); err != nil {
		return nil, 0, fmt.Errorf("read the external signer's answer (%s): %w", resp.Status, err)
	}
	if answer.Error != nil {
		return nil, answer.Error.Code, fmt.Errorf("the external signer says: %s", safe.Printable(answer.Error.Message, 300))
	}
	return answer.Result, 0, nil
}
