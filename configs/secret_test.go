package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestASecretIsPrintedNowhere(t *testing.T) {
	s := NewSecret("hunter2")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "config", struct{ S Secret }{s})
	asJSON, err := json.Marshal(map[string]any{"a": s, "b": &s, "c": struct{ S Secret }{s}})
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(struct{ S Secret }{s})
	if err != nil {
		t.Fatal(err)
	}
	hidden := struct{ inner Secret }{s}
	for _, out := range []string{
		log.String(), string(asJSON), string(asYAML),
		fmt.Sprint(s), fmt.Sprintf("%s %v %+v %#v %q %d %x", s, s, s, s, s, s, s), fmt.Sprintf("%v %+v %#v", hidden, hidden, hidden),
		fmt.Sprintf("%v", []Secret{s}), fmt.Sprintf("%+v", &Relayer{Routine: SigningKey{Hex: s}}),
	} {
		if strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("told: %s", out)
		}
	}
	if s.Reveal() != "hunter2" || !s.IsSet() || (Secret{}).IsSet() || (Secret{}).Reveal() != "" {
		t.Error("Reveal or IsSet is wrong")
	}
}

const key = "1111111111111111111111111111111111111111111111111111111111111111"

func withToken(text string) string { return minimal + "http: {" + text + "}\n" }

func TestSecretsComeFromFilesAndTheEnvironment(t *testing.T) {
	t.Setenv("BELAY_TEST_TOKEN", "  from-env\n")
	if c := mustLoad(t, withToken("api_token_env: BELAY_TEST_TOKEN")); c.HTTP.APIToken.Reveal() != "from-env" {
		t.Errorf("from the environment: %q", c.HTTP.APIToken.Reveal())
	}
	c, err := Load(write(t, map[string]string{"belay.yaml": withToken("api_token_file: s/token"), "s/token": "from-file\n"}))
	if err != nil || c.HTTP.APIToken.Reveal() != "from-file" {
		t.Errorf("from a file: %v", err)
	}
	relayer := strings.Replace(minimal, "    rpc:", "    relayer: {key_file: k, emergency_key_files: [k1, k2]}\n    rpc:\n      - {name: two, url_file: u}", 1)
	c, err = Load(write(t, map[string]string{"belay.yaml": relayer, "k": "0x" + key, "k1": strings.Replace(key, "1", "2", 1), "k2": strings.Replace(key, "1", "3", 1), "u": "https://x.example/KEY"}))
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Chains[0].Relayer; r.Routine.Hex.Reveal() != "0x"+key || len(r.Emergency) != 2 || r.MaxFeeGwei != 300 || r.EmergencyMaxGwei != 2000 {
		t.Errorf("relayer %+v", r)
	}
	if c.Chains[0].RPC[0].URL.Reveal() != "https://x.example/KEY" || c.Chains[0].Agreement != 2 {
		t.Errorf("chain %+v", c.Chains[0])
	}
}

func TestSecretsAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"given twice", "api_token_file: t, api_token_env: T", "api_token_file and api_token_env are both given"},
		{"written into the file", "api_token: abc", "unknown key http.api_token"},
		{"missing", "api_token_file: nowhere", "nowhere does not exist"},
		{"not in the environment", "api_token_env: BELAY_TEST_UNSET", "environment variable BELAY_TEST_UNSET is not set"},
		{"empty", "api_token_file: empty", "empty is empty"},
		{"a folder", "api_token_file: .", "is not a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(write(t, map[string]string{"belay.yaml": withToken(c.text), "empty": "\n"}))
			assertProblem(t, err, "belay.yaml:8:", c.want)
		})
	}
}

func TestASecretFileThatOthersCanReadIsDoubted(t *testing.T) {
	path := write(t, map[string]string{"belay.yaml": withToken("api_token_file: token"), "token": strings.Repeat("ab", 32)})
	token := filepath.Join(filepath.Dir(path), "token")
	if err := os.Chmod(token, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatalf("mounted secrets are often 0644; it is refused: %v", err)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "belay.yaml:8: secret file "+token+" can be read by others (mode 0644)") {
		t.Errorf("warnings %v", c.Warnings)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(path))
	if c, err := Load(path); err != nil || len(c.Warnings) != 0 {
		t.Errorf("systemd's credentials are doubted: %v", err)
	}
}

func TestOfflineCommandsNeedNoSecrets(t *testing.T) {
	path := write(t, map[string]string{"belay.yaml": withToken("api_token_file: nowhere")})
	c, err := Load(path, WithoutSecrets())
	if err != nil || c.HTTP.APIToken.IsSet() {
		t.Errorf("got %v", err)
	}
}

func TestOneRelayerKeyIsNotUsedTwice(t *testing.T) {
	text := strings.Replace(minimal, "    rpc:", "    relayer: {key_file: k, emergency_key_files: [k]}\n    rpc:", 1)
	_, err := Load(write(t, map[string]string{"belay.yaml": text, "k": key}))
	assertProblem(t, err, "belay.yaml:4:", "holds a key that is used already")
	if strings.Contains(err.Error(), key) {
		t.Error("the key is quoted")
	}
}

// FuzzLoad holds that no file makes the reader panic or run away.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("? {x: y}\n: z\n"))
	f.Add([]byte("\xef\xbb\xbfchains: [[[[]]]]\n"))
	path := filepath.Join(f.TempDir(), "belay.yaml")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Skip(err)
		}
		if c, err := Load(path, WithoutSecrets()); (c == nil) == (err == nil) {
			t.Errorf("got %v and %v", c, err)
		}
		_, _ = readPlaybook(path)
	})
}
