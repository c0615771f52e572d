package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// The shipped example playbooks are tried here on the contracts that they are written for, word for word but for the addresses.

const exampleFolder = "../../configs/example"

// exampleSet is a folder of shipped playbooks, its pause list, and what goes in place of what: addresses, and times too long for
// a test.
type exampleSet struct {
	playbooks string // below configs/example
	pauses    string // the file with the pause list
	replace   []string
}

func (s exampleSet) read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(exampleFolder, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// install puts the set's playbooks and pause list in place of those of a configuration.
func (s exampleSet) install(t *testing.T, config string) {
	t.Helper()
	folder := filepath.Join(filepath.Dir(config), "playbooks")
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(exampleFolder, s.playbooks, "*.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%s holds %d playbooks, %v", s.playbooks, len(files), err)
	}
	filled := strings.NewReplacer(s.replace...)
	for _, file := range files {
		if name := filepath.Base(file); name != "pause_list.yaml" && name != "move-reserve-funds.yaml" {
			write(t, filepath.Join(folder, name), filled.Replace(s.read(t, filepath.Join(s.playbooks, name))))
		}
	}
	own, err := os.ReadFile(config) //nolint:gosec // our own
	if err != nil {
		t.Fatal(err)
	}
	main, _, _ := strings.Cut(string(own), "\npause_list:")
	main = strings.Replace(main, "roles: [guardian, signer]", "roles: [guardian, signer, risk]", 1)
	_, list, there := strings.Cut(s.read(t, s.pauses), "\npause_list:")
	if !there {
		t.Fatalf("%s has no pause_list", s.pauses)
	}
	write(t, config, main+"\npause_list:"+filled.Replace(list))
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// newExample starts a Belay on a fresh Safe and timelock with the set that deploy makes contracts for.
func newExample(t *testing.T, deploy func(*devnet.Stack) exampleSet) *incident {
	t.Helper()
	chain, err := devnet.Start(devnet.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chain.Close() })
	stack, err := devnet.NewStack(t.Context(), chain, devnet.StackConfig{MinDelay: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	g := devnet.Guarding{Listen: freeAddress(t), AdminListen: freeAddress(t), Token: token}
	config, err := stack.WriteConfiguration(t.TempDir(), g)
	if err != nil {
		t.Fatal(err)
	}
	deploy(stack).install(t, config)
	i := &incident{t: t, stack: stack, config: config, base: "http://" + g.Listen}
	i.start()
	t.Cleanup(func() {
		if i.stop != nil {
			i.halt()
		}
		if t.Failed() {
			t.Log(i.logs.String())
		}
	})
	i.checks()
	return i
}

// checks runs `belay check`: every playbook of the set drafts and simulates with its samples.
func (i *incident) checks() {
	i.t.Helper()
	code, out, errs := belay(i.t, "--config", i.config, "check")
	if code != exitDone {
		i.t.Errorf("check: exit %d\n%s%s", code, out, errs)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "playbook ") && !strings.Contains(line, "drafts and simulates") {
			i.t.Errorf("check says: %s", line)
		}
	}
}

// says reads one word of a contract, not through Belay.
func (i *incident) says(to common.Address, function string, of ...common.Address) *big.Int {
	i.t.Helper()
	out, err := i.stack.Chain.Call(i.t.Context(), to, selected(function, of...))
	if err != nil || len(out) != 32 {
		i.t.Fatalf("%s says %x, %v", function, out, err)
	}
	return new(big.Int).SetBytes(out)
}

func selected(function string, args ...common.Address) []byte {
	data := crypto.Keccak256([]byte(function))[:4]
	for _, a := range args {
		data = append(data, common.LeftPadBytes(a[:], 32)...)
	}
	return data
}

// usable reports whether anybody can use a contract's function use().
func (i *incident) usable(at common.Address) bool {
	i.t.Helper()
	_, err := i.stack.Chain.Send(i.t.Context(), devnet.Key(15), &at, nil, selected("use()"))
	return err == nil
}

// refused proposes what must not be proposed and gives the answer's code, title and detail.
func (i *incident) refused(playbook string, params map[string]string) string {
	i.t.Helper()
	var answer struct{ Code, Title, Detail string }
	if code := i.do(http.MethodPost, "/api/v1/proposals", map[string]any{"member": "alice", "playbook": playbook, "params": params, "reason": "drill"}, &answer); code != http.StatusUnprocessableEntity {
		i.t.Errorf("%s %v: answered %d, want a refusal", playbook, params, code)
	}
	return fmt.Sprintf("%s: %s: %s", answer.Code, answer.Title, answer.Detail)
}

// carries proposes a pause, has it signed by two owners, and waits until Belay has proven it.
func (i *incident) carries(playbook string, params map[string]string) governance.View {
	i.t.Helper()
	v := i.propose(playbook, params)
	if v.Simulation == nil || !v.Simulation.OK || v.SafeTxHash == "" {
		text, _ := json.Marshal(v.Simulation)
		i.t.Fatalf("%s: the simulation says %s", playbook, text)
	}
	for _, d := range v.Dangers {
		i.t.Logf("%s: danger %s: %s", playbook, d.Code, d.Text)
	}
	i.quorum(v)
	v = i.reaches(v.ID, governance.StateExecuted)
	for _, p := range v.Postconditions {
		if !p.OK {
			i.t.Errorf("%s is executed, and %s is %s", playbook, p.Text, p.Value)
		}
	}
	if len(v.Postconditions) == 0 || v.Execution == nil {
		i.t.Errorf("%s is executed without proof", playbook)
	}
	return v
}

// waits is carries for what goes through the timelock.
func (i *incident) waits(playbook string, params map[string]string) governance.View {
	i.t.Helper()
	v := i.propose(playbook, params)
	i.quorum(v)
	i.reaches(v.ID, governance.StateQueued)
	i.stack.Chain.AdvanceTime(2 * time.Minute)
	return i.reaches(v.ID, governance.StateExecuted)
}

// undoes takes the undo that the card of a pause offers, through the timelock.
func (i *incident) undoes(v governance.View, want string) {
	i.t.Helper()
	if v.Undo == nil || v.Undo.Playbook != want {
		i.t.Fatalf("%s offers the undo %+v, want %s", v.Playbook, v.Undo, want)
	}
	i.waits(v.Undo.Playbook, v.Undo.Params)
}

// pausePlaybook is one pause of a set, what undoes it, and whether the chain says that it holds.
type pausePlaybook struct {
	name   string
	params map[string]string
	undo   string
	holds  func() bool
}

// goesThereAndBack pauses, is refused a second pause, and unpauses through the timelock, and asks the chain after each.
func (i *incident) goesThereAndBack(p pausePlaybook) {
	i.t.Helper()
	if p.holds() {
		i.t.Fatalf("%s holds before anybody asked for it", p.name)
	}
	done := i.carries(p.name, p.params)
	if !p.holds() {
		i.t.Errorf("after %s the chain does not say so", p.name)
	}
	if again := i.refused(p.name, maps.Clone(p.params)); !strings.HasPrefix(again, "invariant: Already paused: It is already so") {
		i.t.Errorf("a second %s: %s", p.name, again)
	}
	i.undoes(done, p.undo)
	if p.holds() {
		i.t.Errorf("after %s the chain says that %s still holds", p.undo, p.name)
	}
}

// The addresses that stand in the shipped files.
const (
	mainnetConfigurator = "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"
	mainnetPool         = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
	mainnetDataProvider = "0x7B4EB56E7CD4b454BA8ff71E4518426369a138a3"
	mainnetUSDC         = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
	mainnetWETH         = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
	madeUp5             = "0x5555555555555555555555555555555555555555"
	madeUp6             = "0x6666666666666666666666666666666666666666"
	madeUp7             = "0x7777777777777777777777777777777777777777"
)

// aaveIncident is a Belay with the shipped Aave playbooks on Aave's own contracts.
type aaveIncident struct {
	*incident
	aave       *devnet.Aave
	usdc, weth common.Address
}

func newAaveIncident(t *testing.T) aaveIncident {
	t.Helper()
	a := aaveIncident{}
	a.incident = newExample(t, func(s *devnet.Stack) exampleSet {
		var err error
		a.aave, err = s.Chain.DeployAave(t.Context(), s.Guardian, s.Timelock, []devnet.Asset{
			{Symbol: "usdc", Decimals: 6, LTV: 7500, LiquidationThreshold: 7800}, {Symbol: "weth", Decimals: 18, LTV: 8050, LiquidationThreshold: 8300}})
		if err != nil {
			t.Fatal(err)
		}
		a.usdc, a.weth = a.aave.Assets[0].Token, a.aave.Assets[1].Token
		return exampleSet{playbooks: "playbooks", pauses: "belay.yaml", replace: []string{
			mainnetConfigurator, a.aave.Configurator.Hex(), mainnetPool, a.aave.Pool.Hex(), mainnetDataProvider, a.aave.DataProvider.Hex(),
			mainnetUSDC, a.usdc.Hex(), mainnetWETH, a.weth.Hex(), "execute: {after: 10m}", "execute: {after: 1s}"}}
	})
	return a
}

// bits reads from a reserve's packed configuration.
func (a aaveIncident) bits(asset common.Address, lo, hi uint) uint64 {
	a.t.Helper()
	word := a.says(a.aave.Pool, "getConfiguration(address)", asset)
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), hi-lo+1), big.NewInt(1))
	return word.Rsh(word, lo).And(word, mask).Uint64()
}

func (a aaveIncident) isPaused(asset common.Address) bool { return a.bits(asset, 60, 60) == 1 }

func TestTheAavePausesWorkOnAavesContracts(t *testing.T) {
	a := newAaveIncident(t)
	a.goesThereAndBack(pausePlaybook{name: "pause-reserve", params: map[string]string{"asset": "usdc"}, undo: "unpause-reserve",
		holds: func() bool { return a.isPaused(a.usdc) }})
	if a.isPaused(a.weth) {
		t.Error("pausing usdc paused weth")
	}

	done := a.carries("pause-pool", nil)
	if !a.isPaused(a.usdc) || !a.isPaused(a.weth) {
		t.Error("after pause-pool the chain does not say that both are paused")
	}
	if code, out, errs := belay(t, "--config", a.config, "playbook", "test", "pause-pool"); code != exitDone || !strings.Contains(out, "already says what this is to achieve") {
		t.Errorf("a second pause-pool does not say that it is so already: exit %d %s %s", code, out, errs)
	}
	a.undoes(done, "unpause-pool")
	if a.isPaused(a.usdc) || a.isPaused(a.weth) {
		t.Error("after unpause-pool the chain says paused")
	}
}

// TestTheAaveBoundsHoldOnThePackedConfiguration: weth stands at 8050, 8300 and 10500, read by bits from the real word.
func TestTheAaveBoundsHoldOnThePackedConfiguration(t *testing.T) {
	a := newAaveIncident(t)
	change := func(ltv, threshold, bonus string) map[string]string {
		return map[string]string{"asset": "weth", "ltv": ltv, "liq_threshold": threshold, "liq_bonus": bonus}
	}
	for name, c := range map[string]struct {
		params map[string]string
		says   []string
	}{
		"above the maximum":                 {change("8501", "8700", "10500"), []string{"out_of_bounds", "8500"}},
		"a bonus that is none":              {change("8000", "8300", "10000"), []string{"out_of_bounds", "10001"}},
		"ltv more than 500 from 8050":       {change("7549", "8300", "10500"), []string{"change_too_large", "8050"}},
		"threshold more than 300 from 8300": {change("8000", "8601", "10500"), []string{"change_too_large", "8300"}},
		"bonus more than 100 from 10500":    {change("8000", "8300", "10601"), []string{"change_too_large", "10500"}},
		"ltv too near to the threshold":     {change("8201", "8300", "10500"), []string{"invariant", "liq_threshold - 100"}},
	} {
		said := a.refused("set-ltv", c.params)
		for _, want := range c.says {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q, want %q", name, said, want)
			}
		}
	}
	v := a.waits("set-ltv", change("7550", "8000", "10600")) // each as far as it may go, or nearer
	if ltv, threshold, bonus := a.bits(a.weth, 0, 15), a.bits(a.weth, 16, 31), a.bits(a.weth, 32, 47); ltv != 7550 || threshold != 8000 || bonus != 10600 {
		t.Errorf("the chain says %d, %d, %d", ltv, threshold, bonus)
	}
	if len(v.Postconditions) != 3 || !v.Postconditions[0].OK || !v.Postconditions[1].OK || !v.Postconditions[2].OK {
		t.Errorf("postconditions %+v", v.Postconditions)
	}
}

func TestTheCompoundPausesWork(t *testing.T) {
	var comptroller common.Address
	cusdc, ceth := common.HexToAddress("0xc1"), common.HexToAddress("0xc2")
	i := newExample(t, func(s *devnet.Stack) exampleSet {
		comptroller = deployOwn(t, s, "Comptroller", s.Timelock, s.Guardian, []common.Address{cusdc, ceth})
		return exampleSet{playbooks: "sets/compound", pauses: "sets/compound/pause_list.yaml", replace: []string{
			madeUp5, comptroller.Hex(), madeUp6, cusdc.Hex(), madeUp7, ceth.Hex()}}
	})
	is := func(function string, of ...common.Address) bool {
		return i.says(comptroller, function, of...).Sign() != 0
	}
	i.goesThereAndBack(pausePlaybook{name: "pause-market", params: map[string]string{"market": "cusdc"}, undo: "unpause-market", holds: func() bool {
		mint, borrow := is("mintGuardianPaused(address)", cusdc), is("borrowGuardianPaused(address)", cusdc)
		if mint != borrow || is("mintGuardianPaused(address)", ceth) || is("transferGuardianPaused()") {
			t.Errorf("mint %v, borrow %v, or another market, or transfers are paused", mint, borrow)
		}
		return mint
	}})
	i.goesThereAndBack(pausePlaybook{name: "pause-transfers", undo: "unpause-transfers", holds: func() bool { return is("transferGuardianPaused()") }})
}

// TestAHalfPausedMarketIsPausedWholly: only the call that is still to be made is made.
func TestAHalfPausedMarketIsPausedWholly(t *testing.T) {
	var comptroller common.Address
	cusdc := common.HexToAddress("0xc1")
	i := newExample(t, func(s *devnet.Stack) exampleSet {
		comptroller = deployOwn(t, s, "Comptroller", devnet.Address(15), s.Guardian, []common.Address{cusdc})
		return exampleSet{playbooks: "sets/compound", pauses: "sets/compound/pause_list.yaml", replace: []string{madeUp5, comptroller.Hex(), madeUp6, cusdc.Hex()}}
	})
	byAdmin := append(selected("_setMintPaused(address,bool)", cusdc), common.BigToHash(big.NewInt(1)).Bytes()...)
	if _, err := i.stack.Chain.Send(t.Context(), devnet.Key(15), &comptroller, nil, byAdmin); err != nil {
		t.Fatal(err)
	}
	v := i.carries("pause-market", map[string]string{"market": "cusdc"})
	if len(v.Calls) != 1 || v.Calls[0].Function != "_setBorrowPaused(address,bool)" || i.says(comptroller, "borrowGuardianPaused(address)", cusdc).Sign() == 0 {
		t.Errorf("calls %+v", v.Calls)
	}
}

func TestThePausableExampleWorksOnOpenZeppelins(t *testing.T) {
	var vault common.Address
	i := newExample(t, func(s *devnet.Stack) exampleSet {
		vault = deployOwn(t, s, "PausableVault", s.Guardian, s.Timelock)
		return exampleSet{playbooks: "sets/pausable", pauses: "sets/pausable/pause_list.yaml", replace: []string{madeUp5, vault.Hex()}}
	})
	i.goesThereAndBack(pausePlaybook{name: "pause-vault", undo: "unpause-vault", holds: func() bool {
		paused := i.says(vault, "paused()").Sign() != 0
		if i.usable(vault) == paused {
			t.Errorf("paused() says %v, and use() does not fit it", paused)
		}
		return paused
	}})
}

func TestTheAccessManagerExampleWorksOnOpenZeppelins(t *testing.T) {
	var manager, vault, router common.Address
	i := newExample(t, func(s *devnet.Stack) exampleSet {
		manager = deployManager(t, s)
		vault, router = deployOwn(t, s, "ManagedVault", manager), deployOwn(t, s, "ManagedVault", manager)
		governed(t, s, manager, vault, router)
		return exampleSet{playbooks: "sets/access-manager", pauses: "sets/access-manager/pause_list.yaml", replace: []string{
			madeUp5, manager.Hex(), madeUp6, vault.Hex(), madeUp7, router.Hex()}}
	})
	i.goesThereAndBack(pausePlaybook{name: "close-target", params: map[string]string{"target": "vault"}, undo: "open-target", holds: func() bool {
		closed := i.says(manager, "isTargetClosed(address)", vault).Sign() != 0
		if i.usable(vault) == closed || !i.usable(router) {
			t.Errorf("isTargetClosed says %v, and use() does not fit it, or the router is closed", closed)
		}
		return closed
	}})
}

// deployOwn deploys one of the contracts that are compiled here.
func deployOwn(t *testing.T, s *devnet.Stack, name string, args ...any) common.Address {
	t.Helper()
	artifact, err := devnet.LoadOwnArtifact(name)
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Chain.Deploy(t.Context(), artifact, args...)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func managerArtifact(t *testing.T) *devnet.Artifact {
	t.Helper()
	artifact, err := devnet.LoadPackageArtifact("@openzeppelin/contracts/build/contracts/AccessManager.json")
	if err != nil {
		t.Fatal(err)
	}
	return artifact
}

func deployManager(t *testing.T, s *devnet.Stack) common.Address {
	t.Helper()
	at, err := s.Chain.Deploy(t.Context(), managerArtifact(t), devnet.Address(devnet.DeployerKey))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// governed opens use() of each target to everyone, makes Safe and timelock admins, and takes the role from the deployer.
func governed(t *testing.T, s *devnet.Stack, manager common.Address, targets ...common.Address) {
	t.Helper()
	const admin, everyone = uint64(0), ^uint64(0) // ADMIN_ROLE, PUBLIC_ROLE
	use := [][4]byte{[4]byte(selected("use()"))}
	do := func(function string, args ...any) {
		data, err := managerArtifact(t).ABI.Pack(function, args...)
		if err == nil {
			_, err = s.Chain.Send(t.Context(), devnet.Key(devnet.DeployerKey), &manager, nil, data)
		}
		if err != nil {
			t.Fatalf("%s: %v", function, err)
		}
	}
	for _, target := range targets {
		do("setTargetFunctionRole", target, use, everyone)
	}
	do("grantRole", admin, s.Guardian, uint32(0))
	do("grantRole", admin, s.Timelock, uint32(0))
	do("renounceRole", admin, devnet.Address(devnet.DeployerKey))
}
