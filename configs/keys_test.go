package configs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const keystoreText = `{"address":"52908400098527886e0f7030069857d2e4169ee7","crypto":{},"version":3}`

// relayed loads the minimal file with a relayer, beside a keystore, its password and a few keys.
func relayed(t *testing.T, relayer string) (*Config, string, error) {
	t.Helper()
	path := write(t, map[string]string{"belay.yaml": withChain("relayer: " + relayer), "ks": keystoreText, "pw": "correct horse\n", "k": key, "k2": strings.Replace(key, "1", "2", 1), "token": "t0ken-of-the-signer"})
	c, err := Load(path)
	return c, path, err
}

const remoteAt = `remote: {url: "https://signer.example:9000/KEY", address: "0x52908400098527886E0F7030069857D2E4169EE7", kind: web3signer, token_file: token}`

func TestARelayerKeyHasThreeForms(t *testing.T) {
	c, path, err := relayed(t, `{keystore: {file: ks, password_file: pw}, emergency: [{`+remoteAt+`}, {key_file: k2}], emergency_key_files: [k]}`)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Chains[0].Relayer
	if k := r.Routine.Keystore; k == nil || string(k.JSON) != keystoreText || k.Password.Reveal() != "correct horse" || k.File != filepath.Join(filepath.Dir(path), "ks") {
		t.Errorf("keystore %+v", r.Routine)
	}
	if len(r.Emergency) != 3 || r.Emergency[0].Hex.Reveal() != key || r.Emergency[2].Hex.Reveal() == "" {
		t.Fatalf("emergency keys %+v", r.Emergency)
	}
	remote := r.Emergency[1].Remote
	if remote == nil || remote.URL.Reveal() != "https://signer.example:9000/KEY" || remote.Kind != "web3signer" || remote.Token.Reveal() != "t0ken-of-the-signer" || remote.Address.Hex() != "0x52908400098527886E0F7030069857D2E4169EE7" {
		t.Errorf("remote %+v", remote)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		for _, secret := range []string{"correct horse", key, "t0ken", "KEY"} {
			if text := fmt.Sprintf(verb, r.Routine.Keystore) + fmt.Sprintf(verb, *remote) + fmt.Sprintf(verb, r); strings.Contains(text, secret) {
				t.Errorf("%s tells %q", verb, secret)
			}
		}
	}
}

// TestRelayerKeysAreRefused: also one that is not there. Lido's council daemon made a random one up instead and went on.
func TestRelayerKeysAreRefused(t *testing.T) {
	for _, row := range []struct{ name, relayer, want string }{
		{"in no form", "{max_fee_gwei: 3}", "the relayer's key is missing: give key_file or key_env, keystore, or remote"},
		{"whose file is not there", "{key_file: nowhere}", "nowhere does not exist"},
		{"whose variable is not set", "{key_env: BELAY_TEST_UNSET}", "environment variable BELAY_TEST_UNSET is not set"},
		{"in two forms", "{key_file: k, keystore: {file: ks, password_file: pw}}", "the relayer's key is given in 2 forms"},
		{"a keystore without its password", "{keystore: {file: ks}}", "the password of chains[0].relayer.keystore is missing"},
		{"a keystore that is not there", "{keystore: {file: nowhere, password_file: pw}}", "nowhere does not exist"},
		{"a password in the file", "{keystore: {file: ks, password: hunter2}}", "unknown key chains[0].relayer.keystore.password"},
		{"a remote signer without an address", `{remote: {url: "https://s.example", kind: clef}}`, "chains[0].relayer.remote.address is missing"},
		{"a remote signer without a kind", `{remote: {url: "https://s.example", address: "0x52908400098527886E0F7030069857D2E4169EE7"}}`, "chains[0].relayer.remote.kind is missing"},
		{"a remote signer of another kind", `{remote: {url: "https://s.example", address: "0x52908400098527886E0F7030069857D2E4169EE7", kind: vault}}`, "\"vault\" is not known"},
		{"a remote signer in the clear", `{remote: {url: "http://s.example", address: "0x52908400098527886E0F7030069857D2E4169EE7", kind: clef}}`, "https, or http on this machine or a private network"},
		{"an emergency key in no form", "{key_file: k, emergency: [{}]}", "the relayer's emergency key is missing"},
		{"one keystore twice", "{keystore: {file: ks, password_file: pw}, emergency: [{keystore: {file: ks, password_file: pw}}]}", "chains[0].relayer.emergency[0] holds a key that is used already"},
		{"one key twice, in two lists", "{key_file: k2, emergency_key_files: [k], emergency: [{key_file: k}]}", "chains[0].relayer.emergency[0] holds a key that is used already"},
		{"one account twice", `{key_file: k, emergency: [{` + remoteAt + `}, {` + remoteAt + `}]}`, "chains[0].relayer.emergency[1] holds a key that is used already"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, err := relayed(t, row.relayer)
			assertProblem(t, err, "belay.yaml:4:", row.want)
			for _, secret := range []string{key, "correct horse", "t0ken"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("it quotes %q", secret)
				}
			}
		})
	}
}

func TestAKeystoreThatOthersCanReadIsRefused(t *testing.T) {
	for _, name := range []string{"ks", "pw"} {
		t.Run(name, func(t *testing.T) {
			_, path, err := relayed(t, "{keystore: {file: ks, password_file: pw}}")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(filepath.Dir(path), name), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err = Load(path)
			assertProblem(t, err, "belay.yaml:4:", name+" can be read by others (mode 0644)")
			t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path))
			if _, err := Load(path); err != nil {
				t.Errorf("systemd's credentials are refused: %v", err)
			}
		})
	}
}
