package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"belay/configs"
	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// signsAs signs the configuration of a running or stopped belay with a key, without questions.
func (i *incident) signsAs(key string) {
	i.t.Helper()
	if code, _, errs := belay(i.t, "--config", i.config, "config", "sign", "--yes", "--key-file", key); code != exitDone {
		i.t.Fatalf("config sign: exit %d %s", code, errs)
	}
}

// keyFile holds a key as hex, and keyOf tells its address.
func keyFile(t *testing.T, n byte) (file, address string) {
	t.Helper()
	key, err := crypto.ToECDSA(common.LeftPadBytes([]byte{n}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return inFile(t, []byte(common.Bytes2Hex(crypto.FromECDSA(key)))), crypto.PubkeyToAddress(key.PublicKey).Hex()
}

// ownersKey is the n-th owner's key, as a file.
func (i *incident) ownersKey(n int) string {
	i.t.Helper()
	return inFile(i.t, []byte(common.Bytes2Hex(crypto.FromECDSA(i.stack.Owners[n]))))
}

// plants does what somebody can who writes the files alone: a pause that does something else, a second wallet for alice and for bob,
// and signatures by both.
func (i *incident) plants() (wallets []string) {
	i.t.Helper()
	playbooks := filepath.Join(filepath.Dir(i.config), "playbooks")
	honest, err := os.ReadFile(filepath.Join(playbooks, "pause-all.yaml"))
	if err != nil {
		i.t.Fatal(err)
	}
	write(i.t, filepath.Join(playbooks, "planted.yaml"), strings.Replace(string(honest), "name: pause-all", "name: pause-now", 1))
	var keys []string
	for n := range 2 {
		known := addressOf(i.stack.Owners[n]).Hex()
		key, address := keyFile(i.t, byte(70+n))
		rewrite(i.t, i.config, `wallets: ["`+known+`"]`, `wallets: ["`+known+`", "`+address+`"]`)
		keys, wallets = append(keys, key), append(wallets, address)
	}
	for _, key := range keys {
		i.signsAs(key)
	}
	return wallets
}

// refusedFor waits until a pause is refused with these words.
func (i *incident) refusedFor(playbook string, params map[string]string, words ...string) {
	i.t.Helper()
	i.eventually(playbook+" is refused: "+strings.Join(words, ", "), func() bool {
		code, answer := i.asked(playbook, params)
		return code == http.StatusUnprocessableEntity && strings.Contains(answer, "not_permitted") && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(answer, w) })
	})
}

// pausesAgain waits until a pause is taken, and gives it.
func (i *incident) pausesAgain(asset string) (v governance.View) {
	i.t.Helper()
	i.eventually("a pause of "+asset+" is taken", func() bool {
		code, answer := i.asked("pause-reserve", map[string]string{"asset": asset})
		return (code == http.StatusCreated || code == http.StatusOK) && json.Unmarshal([]byte(answer), &v) == nil
	})
	return v
}

// TestWhoWritesTheFilesIsNotAlice: a second wallet of a known name vouches for nothing, nor does a rule that was taken out; known
// wallets do, and what was open before goes on.
func TestWhoWritesTheFilesIsNotAlice(t *testing.T) {
	i := newIncident(t)
	i.halt()
	i.takesSignatures("2")
	i.signsAs(i.ownersKey(0))
	i.signsAs(i.ownersKey(1))
	if code, out, _ := belay(t, "--config", i.config, "check"); !strings.Contains(out, "ok    configuration: 0x") || !strings.Contains(out, "accepted on first use") {
		t.Errorf("check: exit %d %s", code, out)
	}
	i.start()
	open := i.pausesAgain("usdc")
	if !open.Manifest.FirstUse || open.Manifest.SignedBy[0].Wallet != addressOf(i.stack.Owners[0]).Hex() {
		t.Errorf("on first use the card says %+v", open.Manifest)
	}
	honest := i.files()

	wallets := i.plants()
	i.reload()
	i.refusedFor("pause-now", nil, shownBy(t, i.config).Manifest, "signed by 0 of the 2 members that it takes by the last accepted set")
	i.refusedFor("pause-reserve", map[string]string{"asset": "weth"}, "signed by 0 of the 2 members")
	routine := i.propose("set-ltv", map[string]string{"asset": "usdc", "ltv_bps": "7000"})
	if notes := strings.Join(routine.Notes, "\n"); !strings.Contains(notes, "signed by 0 of the 2 members that it takes by the last accepted set") || routine.Manifest.SignedBy[0].Member != "alice" || routine.Manifest.SignedBy[0].Wallet != wallets[0] {
		t.Errorf("the card says %q with %+v", notes, routine.Manifest)
	}
	for name, args := range map[string][]string{"config show": {"config", "show"}, "check": {"check"}} {
		_, out, errs := belay(t, append([]string{"--config", i.config}, args...)...)
		if !strings.Contains(out, wallets[0]+" of alice is new since the last accepted set: wallets that 2 members had in that one have to sign, too, and 0 did") {
			t.Errorf("%s of a running belay: %s %s", name, out, errs)
		}
	}

	i.restores(honest)
	rewrite(t, i.config, "require: 2", "require: 0")
	i.reload()
	i.refusedFor("pause-reserve", map[string]string{"asset": "weth"}, shownBy(t, i.config).Manifest, "signed by 0 of the 2 members that it takes by the last accepted set")
	i.quorum(open)
	i.reaches(open.ID, governance.StateExecuted)

	i.restores(honest)
	rewrite(t, i.config, "labels:\n", "labels:\n  "+`"`+common.Address{0xab, 1}.Hex()+`": spare`+"\n")
	i.signsAs(i.ownersKey(2))
	i.signsAs(i.ownersKey(0))
	i.reload()
	v := i.pausesAgain("weth")
	if v.Manifest.FirstUse || len(v.Manifest.SignedBy) != 2 || v.Manifest.SignedBy[0].Wallet+v.Manifest.SignedBy[1].Wallet != "" {
		t.Errorf("signed by known wallets, the card says %+v", v.Manifest)
	}
	i.halt()
	rewrite(t, i.config, "labels:\n", "labels:\n  "+`"`+common.Address{0xab, 2}.Hex()+`": another`+"\n")
	if s := shownBy(t, i.config); s.Enough || s.Asked != 2 || s.Accepted.Manifest.Hex() != v.Manifest.Hash {
		t.Errorf("a further set is compared with %+v", s)
	}
}

// TestAReloadKeepsItsStore: whoever writes the files must not be able to point a running belay to a store that knows no wallet.
func TestAReloadKeepsItsStore(t *testing.T) {
	before := &configs.Config{Store: configs.Store{Path: "/var/lib/belay.db", LogKeyFile: "/var/lib/log.key"}}
	for name, c := range map[string]struct {
		after   configs.Store
		refused bool
	}{
		"the same":        {before.Store, false},
		"another file":    {configs.Store{Path: "/tmp/empty.db", LogKeyFile: before.Store.LogKeyFile}, true},
		"another log key": {configs.Store{Path: before.Store.Path, LogKeyFile: "/tmp/log.key"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := sameStore(before, &configs.Config{Store: c.after}); (err != nil) != c.refused {
				t.Errorf("it says %v", err)
			}
		})
	}
}

// TestTheOperatorsWayOut: with the store stopped, asked for, told on every card until members signed anew, and kept with its time.
func TestTheOperatorsWayOut(t *testing.T) {
	i := newIncident(t)
	i.halt()
	trust := func(typed string, more ...string) (int, string, string) {
		return answered(t, typed, append([]string{"--config", i.config, "config", "trust"}, more...)...)
	}
	if code, _, errs := trust("forget\n", "--reset"); code != exitFailed || !strings.Contains(errs, "nothing is remembered that could be forgotten") {
		t.Errorf("nothing to forget: exit %d %s", code, errs)
	}
	i.takesSignatures("1")
	i.signsAs(i.ownersKey(0))
	hash := shownBy(t, i.config).Manifest
	i.start()
	if code, _, errs := trust("forget\n", "--reset"); code != exitFailed || !strings.Contains(errs, "only in a stopped store") {
		t.Errorf("while it runs: exit %d %s", code, errs)
	}
	if _, out, _ := trust(""); !strings.Contains(out, "Accepted  "+hash) || !strings.Contains(out, addressOf(i.stack.Owners[0]).Hex()+" of alice, which signed it") {
		t.Errorf("it remembers %s", out)
	}
	i.halt()

	key, address := keyFile(t, 70) // alice's new one; she lost the other
	rewrite(t, i.config, addressOf(i.stack.Owners[0]).Hex(), address)
	i.signsAs(key)
	s := shownBy(t, i.config)
	if s.Enough || s.Asked != 1 || s.Known != 0 || s.Accepted == nil || s.Accepted.Manifest.Hex() != hash || !s.SignedBy[0].New {
		t.Errorf("with a new wallet it stands as %+v", s)
	}
	for _, typed := range []string{"\n", "yes\n", ""} {
		if code, out, _ := trust(typed, "--reset"); code != exitFailed || out != "" || shownBy(t, i.config).Asked != 1 {
			t.Errorf("answered %q: exit %d %s", typed, code, out)
		}
	}
	code, out, errs := trust("forget\n", "--reset")
	if code != exitDone || !strings.Contains(out, "Forgotten: "+hash) || !strings.Contains(errs, "which signed it") || !strings.Contains(errs, "every card says so until") {
		t.Fatalf("exit %d %s %s", code, out, errs)
	}
	if _, shown, _ := belay(t, "--config", i.config, "config", "show"); !strings.Contains(shown, hash+", was forgotten by the operator on ") || strings.Contains(shown, "No set was accepted before") {
		t.Errorf("config show says of what was forgotten:\n%s", shown)
	}
	signed, err := os.ReadFile(filepath.Join(filepath.Dir(i.config), "manifest.sig"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(filepath.Dir(i.config), "manifest.sig"), "")
	i.start()
	v := i.propose("set-ltv", map[string]string{"asset": "usdc", "ltv_bps": "7000"})
	if !strings.Contains(strings.Join(v.Notes, "\n"), "the operator had it forgotten which wallets members had") {
		t.Errorf("the card says %q", v.Notes)
	}
	write(t, filepath.Join(filepath.Dir(i.config), "manifest.sig"), string(signed))
	i.reload()
	if v := i.pausesAgain("usdc"); strings.Contains(strings.Join(v.Notes, "\n"), "forgotten") || v.Manifest.SignedBy[0].Wallet != address {
		t.Errorf("signed anew, the card says %q with %+v", v.Notes, v.Manifest)
	}
	i.halt()
	if !strings.Contains(i.logs.String(), "the operator had the last accepted configuration forgotten") {
		t.Error("the log does not tell")
	}
	if _, out, _ := trust(""); !strings.Contains(out, "the operator had "+hash+" forgotten") || !strings.Contains(out, "on first use") {
		t.Errorf("it remembers %s", out)
	}
}

// TestAMachineWithoutTheStoreSaysSo: members sign where no store is.
func TestAMachineWithoutTheStoreSaysSo(t *testing.T) {
	h := newHousehold(t)
	rewrite(t, h.config, "/var/lib/belay/belay.db", filepath.Join(h.dir, "none.db"), "{require: 0,", "{require: 1,")
	if code, out, errs := belay(t, "--config", h.config, "config", "show"); code != exitDone || !strings.Contains(out, "Not compared with the last accepted set: there is no store at") {
		t.Errorf("exit %d %s %s", code, out, errs)
	}
	if out, _ := h.signed(h.alice); strings.Contains(out, "first use") || shownBy(t, h.config).SignedBy[0].New {
		t.Errorf("what nobody compared is called first or new: %s", out)
	}
	if code, _, errs := belay(t, "--config", h.config, "config", "trust"); code != exitFailed || !strings.Contains(errs, "nothing is remembered") {
		t.Errorf("exit %d %s", code, errs)
	}
	if code, _, errs := answered(t, "forget\n", "--config", h.config, "config", "trust", "--reset"); code != exitFailed || !strings.Contains(errs, "there is no store at") {
		t.Errorf("exit %d %s", code, errs)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "none.db")); err == nil {
		t.Error("a store was made")
	}
}

// files are the configuration's, as they are now.
func (i *incident) files() map[string]string {
	i.t.Helper()
	all := map[string]string{}
	dir := filepath.Dir(i.config)
	for _, name := range []string{filepath.Base(i.config), "manifest.sig"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			i.t.Fatal(err)
		}
		all[name] = string(raw)
	}
	return all
}

// restores puts files back and takes out what was planted.
func (i *incident) restores(files map[string]string) {
	i.t.Helper()
	dir := filepath.Dir(i.config)
	for name, text := range files {
		write(i.t, filepath.Join(dir, name), text)
	}
	if err := os.RemoveAll(filepath.Join(dir, "playbooks", "planted.yaml")); err != nil {
		i.t.Fatal(err)
	}
}
