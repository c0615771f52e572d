package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
	"github.com/google/uuid"
)

// asOwner runs `belay sign` with answers typed in.
func asOwner(t *testing.T, typed string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), append([]string{"sign"}, args...), streams{in: strings.NewReader(typed), out: &o, err: &e})
	return code, o.String(), e.String()
}

func inFile(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ownersKeystore is the first owner's key as geth and cast encrypt it.
func (i *incident) ownersKeystore() string {
	i.t.Helper()
	key := &keystore.Key{Id: uuid.New(), Address: addressOf(i.stack.Owners[0]), PrivateKey: i.stack.Owners[0]}
	encrypted, err := keystore.EncryptKey(key, "correct horse", keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		i.t.Fatal(err)
	}
	return inFile(i.t, encrypted)
}

func firstWords(hash string) string {
	return strings.Join(strings.Fields(safe.CheckWords(common.HexToHash(hash)))[:2], " ")
}

func TestSignShowsComputesAndHandsIn(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	if len(v.SafeTxs) < 2 {
		t.Fatalf("no spare among %+v", v.SafeTxs)
	}
	typed := firstWords(v.SafeTxs[0].SafeTxHash) + "\n" + firstWords(v.SafeTxs[1].SafeTxHash) + "\n"
	password := inFile(t, []byte("correct horse\n"))
	code, out, errs := asOwner(t, typed, v.Links.Sign, "--keystore", i.ownersKeystore(), "--password-file", password)
	if code != exitDone || !strings.Contains(out, "Needs 1 more") {
		t.Fatalf("exit %d %s %s", code, out, errs)
	}
	for _, told := range []string{"Pause", "Safe transaction hash: " + v.SafeTxHash, "Safe transaction hash: " + v.SafeTxs[1].SafeTxHash, "setReservePause(address,bool), selector", "Operation: Call"} {
		if !strings.Contains(errs, told) {
			t.Errorf("it does not show %q:\n%s", told, errs)
		}
	}
	after := i.get(v.ID)
	for _, tx := range after.SafeTxs {
		if len(tx.Confirmations) != 1 || tx.Confirmations[0].Via != governance.ViaCLI || tx.Confirmations[0].Owner != addressOf(i.stack.Owners[0]).Hex() {
			t.Errorf("nonce %d is confirmed by %+v", tx.Nonce, tx.Confirmations)
		}
	}
	if code, _, errs := asOwner(t, typed, v.ID, "--config", i.config, "--keystore", i.ownersKeystore(), "--password-file", password); code != exitFailed || !strings.Contains(errs, "nothing for") {
		t.Errorf("again: exit %d %s", code, errs)
	}
}

func TestSignWithAnExternalSigner(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	wrong := false
	clef := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Method string
			Params []json.RawMessage
		}
		_ = json.NewDecoder(r.Body).Decode(&asked)
		if asked.Method != "eth_signTypedData_v4" {
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"the method does not exist"}}`)
			return
		}
		var document apitypes.TypedData
		if err := json.Unmarshal(asked.Params[1], &document); err != nil {
			t.Error(err)
		}
		hash, _, err := apitypes.TypedDataAndHash(document)
		if err != nil {
			t.Error(err)
		}
		if wrong {
			hash[0] ^= 1
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": 1, "result": i.signature(hexutil.Encode(hash), i.stack.Owners[1])})
	}))
	defer clef.Close()
	args := []string{v.ID, "--config", i.config, "--yes", "--signer", clef.URL, "--as", addressOf(i.stack.Owners[1]).Hex()}
	wrong = true
	if code, _, errs := asOwner(t, "", args...); code != exitFailed || !strings.Contains(errs, "something else than a signature over safeTxHash") {
		t.Errorf("a signer that signs something else: exit %d %s", code, errs)
	}
	wrong = false
	if code, out, errs := asOwner(t, "", args...); code != exitDone || !strings.Contains(out, "Needs 1 more") {
		t.Errorf("exit %d %s %s", code, out, errs)
	}
}

func TestSignRefuses(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	stranger := inFile(t, []byte(common.Bytes2Hex(crypto.FromECDSA(i.stack.Relayer))))
	owner := inFile(t, []byte(common.Bytes2Hex(common.LeftPadBytes(i.stack.Owners[0].D.Bytes(), 32)))) //nolint:staticcheck // a public test key
	honest := []string{v.ID, "--config", i.config}
	lied := []string{v.ID, "--config", i.through(i.liar(func(text string) string {
		return strings.ReplaceAll(text, `"to":"`+i.stack.Market.Hex(), `"to":"`+i.stack.Guardian.Hex())
	}))}
	with := func(where []string, more ...string) []string { return append(slices.Clone(where), more...) }
	for name, c := range map[string]struct {
		code  int
		typed string
		args  []string
		want  string
	}{
		"somebody who is no owner":      {exitFailed, "", with(honest, "--key-file", stranger), "is not an owner of guardian"},
		"words that are not the hash's": {exitFailed, "bada bing\n", with(honest, "--key-file", owner), "not the first two check words"},
		"nobody who answers":            {exitFailed, "", with(honest, "--key-file", owner), "read an answer"},
		"a server that lies":            {exitFailed, firstWords(v.SafeTxHash) + "\n", with(lied, "--key-file", owner), "THE HASH IS NOT THAT OF THE FIELDS"},
		"a wrong password":              {exitUsage, "wrong\n", with(honest, "--keystore", i.ownersKeystore()), "could not decrypt key"},
		"no wallet":                     {exitUsage, "", honest, "say with what to sign"},
		"two wallets":                   {exitUsage, "", with(honest, "--key-file", owner, "--keystore", owner), "say with what to sign"},
		"a file that is no key":         {exitUsage, "", with(honest, "--key-file", i.config), "no private key"},
		"an external signer, whose?":    {exitUsage, "", with(honest, "--signer", "http://127.0.0.1:1"), "--as"},
		"a link to something else":      {exitUsage, "", []string{"https://example.org/x", "--key-file", owner}, "no link to a proposal"},
		"a link with a wrong key":       {exitFailed, "", []string{strings.Split(v.Links.Sign, "?")[0] + "?key=guess", "--key-file", owner}, "what next"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, out, errs := asOwner(t, c.typed, c.args...); code != c.code || !strings.Contains(errs, c.want) {
				t.Errorf("exit %d %s %s, want %d %q", code, out, errs, c.code, c.want)
			}
		})
	}
	if n := len(i.get(v.ID).Confirmations); n != 0 {
		t.Errorf("%d signatures were handed in", n)
	}
}

// through is the configuration of somebody who asks the program by another address.
func (i *incident) through(address string) string {
	i.t.Helper()
	text, err := os.ReadFile(i.config)
	if err != nil {
		i.t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(i.config), "through.yaml")
	changed := strings.ReplaceAll(string(text), strings.TrimPrefix(i.base, "http://"), strings.TrimPrefix(address, "http://"))
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		i.t.Fatal(err)
	}
	return path
}

// TestSignByALink: what is public opens without a key.
func TestSignByALink(t *testing.T) {
	i := newIncident(t)
	v := i.propose("set-ltv", map[string]string{"asset": "usdc", "ltv_bps": "7000"})
	owner := inFile(t, []byte(common.Bytes2Hex(common.LeftPadBytes(i.stack.Owners[0].D.Bytes(), 32)))) //nolint:staticcheck // a public test key
	if code, out, errs := asOwner(t, firstWords(v.SafeTxHash)+"\n", v.Links.Sign, "--key-file", owner); code != exitDone || !strings.Contains(out, "Needs 1 more") {
		t.Errorf("exit %d %s %s", code, out, errs)
	}
}

// liar is a proxy in front of the program that changes what it answers.
func (i *incident) liar(change func(string) string) string {
	i.t.Helper()
	target, err := url.Parse(i.base)
	if err != nil {
		i.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = target.Host }, ModifyResponse: func(r *http.Response) error {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		changed := change(string(text))
		if changed == string(text) {
			i.t.Error("the liar changed nothing")
		}
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
		r.Header.Del("Content-Length")
		return nil
	}}
	s := httptest.NewServer(proxy)
	i.t.Cleanup(s.Close)
	return s.URL
}
