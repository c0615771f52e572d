package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"belay/configs"
	"belay/governance"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

// household is the example set whose members have wallets that the test can sign with: alice one, bob two.
type household struct {
	t                       *testing.T
	dir, config, signatures string
	alice, bob, bob2, none  string // key files
}

func newHousehold(t *testing.T) *household {
	t.Helper()
	h := &household{t: t, dir: exampleCopy(t)}
	h.config, h.signatures = filepath.Join(h.dir, "belay.yaml"), filepath.Join(h.dir, "manifest.sig")
	var wallets []string
	for i, file := range []*string{&h.alice, &h.bob, &h.bob2, &h.none} {
		key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{byte(40 + i)}, 32))
		if err != nil {
			t.Fatal(err)
		}
		*file = inFile(t, []byte(common.Bytes2Hex(crypto.FromECDSA(key))))
		wallets = append(wallets, crypto.PubkeyToAddress(key.PublicKey).Hex())
	}
	rewrite(t, h.config, "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", wallets[0], `"0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"`, `"`+wallets[1]+`", "`+wallets[2]+`"`)
	return h
}

// signs runs `belay config sign` with answers typed in.
func (h *household) signs(key, typed string, more ...string) (code int, out, errs string) {
	h.t.Helper()
	return answered(h.t, typed, append([]string{"--config", h.config, "config", "sign", "--key-file", key}, more...)...)
}

// signed is signs, which has to go well.
func (h *household) signed(key string) (out, errs string) {
	h.t.Helper()
	code, out, errs := h.signs(key, "", "--yes")
	if code != exitDone {
		h.t.Fatalf("config sign: exit %d %s %s", code, out, errs)
	}
	return out, errs
}

// shown is what `belay config show --json` says.
func (h *household) shown() (s standing) {
	h.t.Helper()
	return shownBy(h.t, h.config)
}

func shownBy(t *testing.T, config string) (s standing) {
	t.Helper()
	code, out, errs := belay(t, "--config", config, "--json", "config", "show")
	if code != exitDone || json.Unmarshal([]byte(out), &s) != nil {
		t.Fatalf("config show: exit %d %s %s", code, out, errs)
	}
	return s
}

func who(s standing) (names []string) {
	for _, one := range s.SignedBy {
		names = append(names, one.Member)
	}
	return names
}

func (h *household) file() string {
	h.t.Helper()
	raw, err := os.ReadFile(h.signatures)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(raw)
}

func TestTheHashIsThatOfTheDocument(t *testing.T) {
	h := newHousehold(t)
	code, document, errs := belay(t, "--config", h.config, "config", "show", "--document")
	if code != exitDone || crypto.Keccak256Hash([]byte(document)).Hex() != h.shown().Manifest {
		t.Errorf("exit %d %s: keccak256 of the document is not %s\n%s", code, errs, h.shown().Manifest, document)
	}
	for _, secret := range []string{"secrets/", "127.0.0.1", "alchemy"} {
		if strings.Contains(document, secret) {
			t.Errorf("the document holds %q", secret)
		}
	}
}

// TestMembersSignTheConfiguration: each once however often they sign and with however many wallets, in a file that stays sorted.
func TestMembersSignTheConfiguration(t *testing.T) {
	h := newHousehold(t)
	hash := h.shown().Manifest
	code, out, errs := h.signs(h.bob, firstWords(hash)+"\n")
	if code != exitDone || !strings.Contains(out, "bob has signed: "+hash+", signed by bob on ") {
		t.Fatalf("exit %d %s %s", code, out, errs)
	}
	for _, told := range []string{hash, "https://belay.example.org", "playbook pause-reserve added", "Nobody has signed an earlier set", "you sign as bob with 0x"} {
		if !strings.Contains(errs, told) {
			t.Errorf("it does not show %q:\n%s", told, errs)
		}
	}
	h.signed(h.alice)
	h.signed(h.bob2)
	if s := h.shown(); !slices.Equal(who(s), []string{"alice", "bob"}) || !s.Enough || len(s.Doubts) > 0 || s.Manifest != hash {
		t.Errorf("it stands as %+v", s)
	}
	before := h.file()
	for _, again := range []string{h.alice, h.bob, h.bob2} {
		if out, _ := h.signed(again); !strings.Contains(out, "already") || h.file() != before {
			t.Errorf("signed again: %s\n%s", out, h.file())
		}
	}
	if lines := strings.Count(before, `{"signed":"`+hash); lines != 3 {
		t.Errorf("%d wallets have signed in\n%s", lines, before)
	}
	if left, _ := filepath.Glob(filepath.Join(h.dir, ".manifest-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestAChangeTakesNewSignatures: whoever signs again is told what is different from what they signed themselves.
func TestAChangeTakesNewSignatures(t *testing.T) {
	h := newHousehold(t)
	h.signed(h.alice)
	first := h.shown().Manifest
	rewrite(t, filepath.Join(h.dir, "playbooks", "pause-reserve.yaml"), "spares: 1", "spares: 2")
	if s := h.shown(); len(s.SignedBy) > 0 || len(s.Doubts) > 0 {
		t.Errorf("after the change it stands as %+v", s)
	}
	h.signed(h.bob)
	rewrite(t, h.config, `eB48": usdc`, `eB48": usd-coin`)
	for key, want := range map[string][]string{
		h.alice: {"Since the set that alice signed on", "  label 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 changed", "  playbook pause-reserve changed"},
		h.bob:   {"Since the set that bob signed on", "  label 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48 changed"},
	} {
		_, errs := h.signed(key)
		for _, line := range want {
			if !strings.Contains(errs, line) {
				t.Errorf("it does not say %q:\n%s", line, errs)
			}
		}
		if changes := strings.Count(errs, " changed\n"); changes != len(want)-1 {
			t.Errorf("it tells %d changes:\n%s", changes, errs)
		}
	}
	if !slices.Equal(who(h.shown()), []string{"alice", "bob"}) || !strings.Contains(h.file(), `{"signed":"`+first) {
		t.Errorf("it stands as %+v, and the file is\n%s", h.shown(), h.file())
	}
	rewrite(t, h.config, "https://belay.example.org", "https://other.example.org")
	if s := h.shown(); len(s.SignedBy) > 0 || len(s.Doubts) != 2 || !strings.Contains(s.Doubts[0], "alice signed for https://belay.example.org, and this is https://other.example.org") {
		t.Errorf("at another site it stands as %+v", s)
	}
	if _, errs := h.signed(h.alice); !strings.Contains(errs, "It is the set that alice signed before") || !slices.Equal(who(h.shown()), []string{"alice"}) || len(h.shown().Doubts) != 1 {
		t.Errorf("at another site it says\n%s\nand stands as %+v", errs, h.shown())
	}
}

// TestAForgedPastIsNotCompared: the file can say of a set that somebody signed nothing but what that set's hash is of.
func TestAForgedPastIsNotCompared(t *testing.T) {
	h := newHousehold(t)
	h.signed(h.alice)
	hash := manifestIn(t, h.dir).Hash()
	rewrite(t, h.config, bobsLine(t, h), "  - {name: mallory, roles: [guardian]}\n"+bobsLine(t, h))
	planted, err := governance.NewManifestItem("member", "mallory", said{"roles": []string{"guardian"}, "discord": "", "slack": "", "public": false})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.Load(h.config, configs.WithoutSecrets())
	if err != nil {
		t.Fatal(err)
	}
	forged := cfg.Manifest.Signed
	forged.Items = append(forged.Items, configs.SignedItem{Set: hash, Section: planted.Section, Name: planted.Name, Hash: planted.Hash})
	if err := forged.Save(h.signatures); err != nil {
		t.Fatal(err)
	}
	if _, errs := h.signed(h.alice); !strings.Contains(errs, "member mallory added") {
		t.Errorf("a member is planted behind\n%s", errs)
	}
}

func bobsLine(t *testing.T, h *household) string {
	t.Helper()
	raw, err := os.ReadFile(h.config)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), "  - name: bob\n")
	line, _, _ := strings.Cut(after, "\n")
	return "  - name: bob\n" + line + "\n"
}

func TestConfigSignRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h *household)
		key    func(h *household) string
		typed  string
		code   int
		want   string
	}{
		"a wallet of nobody": {nil, func(h *household) string { return h.none }, "", exitFailed, "is no wallet of a member"},
		"other words":        {nil, nil, "not these\n", exitFailed, "not the first two check words"},
		"no answer":          {nil, nil, "", exitFailed, "read an answer"},
		"no file to write":   {func(h *household) { rewrite(h.t, h.config, ", signatures: manifest.sig", "") }, nil, "", exitUsage, "manifest.signatures is missing"},
		"a broken playbook": {func(h *household) {
			rewrite(h.t, filepath.Join(h.dir, "playbooks", "pause-reserve.yaml"), "{{asset}}", "{{assets}}")
		}, nil, "", exitUsage, "pause-reserve.yaml:"},
		"a line that nobody wrote": {func(h *household) { write(h.t, h.signatures, "\n{}\n") }, nil, "", exitUsage, "manifest.sig:2: this line is not one that `belay config sign` wrote"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHousehold(t)
			if c.change != nil {
				c.change(h)
			}
			key := h.alice
			if c.key != nil {
				key = c.key(h)
			}
			before, _ := os.ReadFile(h.signatures)
			if code, out, errs := h.signs(key, c.typed); code != c.code || !strings.Contains(errs, c.want) || out != "" {
				t.Errorf("exit %d %s %s, want %q", code, out, errs, c.want)
			}
			if after, _ := os.ReadFile(h.signatures); string(after) != string(before) {
				t.Errorf("the file was written:\n%s", after)
			}
		})
	}
}

// TestConfigSignWithAnExternalSigner: what a device signs is what this machine computed, or nothing is kept.
func TestConfigSignWithAnExternalSigner(t *testing.T) {
	h := newHousehold(t)
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{40}, 32))
	if err != nil {
		t.Fatal(err)
	}
	flip := byte(1)
	clef := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Params []json.RawMessage }
		var document apitypes.TypedData
		if json.NewDecoder(r.Body).Decode(&asked) != nil || json.Unmarshal(asked.Params[1], &document) != nil {
			t.Error("the signer cannot read what it is asked")
		}
		hash, _, err := apitypes.TypedDataAndHash(document)
		if err != nil {
			t.Error(err)
		}
		hash[0] ^= flip
		raw, err := crypto.Sign(hash, key) // v is 0 or 1, as some devices give it
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": 1, "result": hexutil.Encode(raw)})
	}))
	defer clef.Close()
	args := []string{"--config", h.config, "config", "sign", "--yes", "--signer", clef.URL, "--as", crypto.PubkeyToAddress(key.PublicKey).Hex()}
	if code, _, errs := belay(t, args...); code != exitFailed || !strings.Contains(errs, "something else than a signature over manifest "+h.shown().Manifest) {
		t.Errorf("a signer that signs something else: exit %d %s", code, errs)
	}
	if flip = 0; len(h.shown().SignedBy) > 0 {
		t.Error("it was kept")
	}
	if code, out, errs := belay(t, args...); code != exitDone || !slices.Equal(who(h.shown()), []string{"alice"}) {
		t.Errorf("exit %d %s %s", code, out, errs)
	}
}

// takesSignatures has the configuration ask for as many.
func (i *incident) takesSignatures(require string) {
	i.t.Helper()
	raw, err := os.ReadFile(i.config)
	if err != nil {
		i.t.Fatal(err)
	}
	write(i.t, i.config, string(raw)+"manifest: {require: "+require+", signatures: manifest.sig}\n")
}

// asked proposes and gives what the server says; 0 where nobody answers, as while it reads its files again.
func (i *incident) asked(playbook string, params map[string]string) (int, string) {
	i.t.Helper()
	body, err := json.Marshal(map[string]any{"member": "alice", "playbook": playbook, "params": params, "reason": "drill"})
	if err != nil {
		i.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(i.t.Context(), http.MethodPost, i.base+"/api/v1/proposals", bytes.NewReader(body))
	if err != nil {
		i.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(answer)
}

// figures are what the operator's monitoring reads.
func (i *incident) figures(admin string) string {
	i.t.Helper()
	resp, err := http.Get(admin + "/metrics")
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		i.t.Fatal(err)
	}
	return string(text)
}

// reload tells the running program to read its files again.
func (i *incident) reload() {
	i.t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		i.t.Fatal(err)
	}
}

// TestAPlantedPauseIsNotServed: with signatures asked for, no emergency is served before members signed; after that a planted playbook
// takes the lane away until they sign again, and what was open before is still signed and sent.
func TestAPlantedPauseIsNotServed(t *testing.T) {
	admin := ""
	i := newIncident(t, func(g *devnet.Guarding) { admin = "http://" + g.AdminListen })
	i.halt()
	i.takesSignatures("1")
	if code, out, errs := belay(t, "--config", i.config, "check"); code != exitFailed || !strings.Contains(out, "fail  configuration: 0x") || !strings.Contains(out, "Could you pause now? NO.") || !strings.Contains(out, "ok    playbook pause-reserve") {
		t.Errorf("check: exit %d %s %s", code, out, errs)
	}
	i.start()
	usdc := map[string]string{"asset": "usdc"}
	if code, answer := i.asked("pause-reserve", usdc); code != http.StatusUnprocessableEntity || !strings.Contains(answer, "not_permitted") || !strings.Contains(answer, "belay config sign") {
		t.Errorf("a pause under an unsigned set: %d %s", code, answer)
	}
	routine := i.propose("set-ltv", map[string]string{"asset": "usdc", "ltv_bps": "7000"})
	if len(routine.Notes) == 0 || !strings.Contains(strings.Join(routine.Notes, "\n"), "signed by 0 of the 1 member that it takes") {
		t.Errorf("a routine card says %q", routine.Notes)
	}

	if figures := i.figures(admin); !strings.Contains(figures, "\nbelay_signatures_missing 1\n") {
		t.Errorf("nobody would be paged:\n%s", figures)
	}

	hash := shownBy(t, i.config).Manifest
	code, out, errs := answered(t, firstWords(hash)+"\n", "--config", i.config, "config", "sign", "--keystore", i.ownersKeystore(), "--password-file", inFile(t, []byte("correct horse\n")))
	if code != exitDone {
		t.Fatalf("config sign: exit %d %s %s", code, out, errs)
	}
	i.reload()
	var v governance.View
	i.eventually("a pause is taken", func() bool {
		code, answer := i.asked("pause-reserve", usdc)
		return (code == http.StatusCreated || code == http.StatusOK) && json.Unmarshal([]byte(answer), &v) == nil
	})
	if v.Manifest == nil || v.Manifest.Hash != hash || len(v.Manifest.SignedBy) != 1 || v.Manifest.SignedBy[0].Member != "alice" || strings.Contains(strings.Join(v.Notes, "\n"), hash[:10]) {
		t.Errorf("signed, the card says %+v and %q", v.Manifest, v.Notes)
	}

	if figures := i.figures(admin); !strings.Contains(figures, "\nbelay_signatures_missing 0\n") {
		t.Errorf("somebody would still be paged:\n%s", figures)
	}

	playbooks := filepath.Join(filepath.Dir(i.config), "playbooks")
	honest, err := os.ReadFile(filepath.Join(playbooks, "pause-all.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(playbooks, "planted.yaml"), strings.Replace(string(honest), "name: pause-all", "name: pause-now", 1))
	i.reload()
	i.eventually("the new set is served", func() bool {
		code, answer := i.asked("pause-now", nil)
		return code == http.StatusUnprocessableEntity && strings.Contains(answer, "not_permitted")
	})
	if code, answer := i.asked("pause-reserve", map[string]string{"asset": "weth"}); code != http.StatusUnprocessableEntity {
		t.Errorf("another pause under a changed set: %d %s", code, answer)
	}
	i.quorum(v)
	i.reaches(v.ID, governance.StateExecuted)
	if !i.paused("usdc") || i.paused("weth") {
		t.Error("the open pause was not sent, or more than that")
	}
	i.halt()
	for _, line := range []string{"NO EMERGENCY IS SERVED", "the configuration is accepted on first use", `"change":"playbook pause-now added"`, `"the configuration is signed"`, `"signed_by":["alice"]`} {
		if !strings.Contains(i.logs.String(), line) {
			t.Errorf("the log does not hold %s", line)
		}
	}
}
