package coordinator

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/safe/chain"
	"belay/store"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"
)

// keyOfSeed makes the same key in every run.
func keyOfSeed(seed string) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("coordinator test " + seed)))
	if err != nil {
		panic(err)
	}
	return key
}

func addressOf(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }

// The people: three owners of the guardian Safe, of whom two must sign, a stranger, and the relayer's keys.
var (
	alice, bob, carol = keyOfSeed("alice"), keyOfSeed("bob"), keyOfSeed("carol")
	mallory           = keyOfSeed("mallory")
	routineKey        = keyOfSeed("relayer")
	emergencyKey      = keyOfSeed("emergency")
)

var oneEther = *uint256.MustFromDecimal("1000000000000000000")

func genesis() world {
	w := world{
		safes: map[common.Address]vault{
			guardianSafe: {owners: []common.Address{addressOf(alice), addressOf(bob), addressOf(carol)}, threshold: 2, nonce: 7},
			otherSafe:    {owners: []common.Address{addressOf(alice)}, threshold: 1},
		},
		version: safe.V1_4_1, paused: map[common.Address]bool{}, ltv: map[common.Address]uint64{usdc: firstLtv, weth: firstLtv}, ops: map[common.Hash]uint64{},
		balances: map[common.Address]uint256.Int{addressOf(routineKey): oneEther, addressOf(emergencyKey): oneEther}, nonces: map[common.Address]uint64{},
		roles: map[string]bool{"PROPOSER_ROLE" + guardianSafe.Hex(): true, "CANCELLER_ROLE" + guardianSafe.Hex(): true, "EXECUTOR_ROLE" + (common.Address{}).Hex(): true},
	}
	return w
}

// closer is a store that a test can close.
type closer interface {
	Store
	Messages(proposal string) ([]governance.MessageRef, error)
	Close() error
}

// rig is a coordinator on a scripted chain, with a chat room that remembers what it is told.
type rig struct {
	t     *testing.T
	chain *scripted
	store closer
	desk  *desk
	cfg   Config

	c    *Coordinator
	halt func() error // cancels Run and gives what it returned
}

// each runs a test on the memory and on the real store, in a bubble where time is the test's.
func each(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T) closer{
		"memory": func(t *testing.T) closer { return newMemory(t) },
		"bbolt": func(t *testing.T) closer {
			dir := t.TempDir()
			s, err := store.Open(store.Config{Path: filepath.Join(dir, "belay.db"), LogKeyFile: filepath.Join(dir, "log.key")})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, open(t))
				t.Cleanup(func() {
					if err := r.store.Close(); err != nil {
						t.Errorf("close the store: %v", err)
					}
				})
				test(t, r)
				r.stop()
			})
		})
	}
}

// bubble runs a test on the memory store alone.
func bubble(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, newMemory(t))
		r.decodesOnce()
		test(t, r)
		r.stop()
		_ = r.store.Close()
	})
}

// decodesOnce has the memory store decode each record once, for a test in which very many are read again and again. In the end each has
// to be as it is stored: who changes one that they were given changes it for all.
func (r *rig) decodesOnce() {
	m, is := r.store.(*memory)
	if !is {
		return
	}
	m.decoded = map[*byte]any{}
	r.t.Cleanup(func() {
		if key := m.changed(); key != "" {
			r.t.Errorf("%s was changed in a reader's hands", key)
		}
	})
}

func newRig(t *testing.T, s closer) *rig {
	r := &rig{t: t, chain: newScripted(t, genesis()), store: s, desk: &desk{}}
	r.chain.latency = 10 * time.Millisecond
	policy := chain.Policy{Safes: []common.Address{guardianSafe, otherSafe}, Timelocks: []common.Address{timelock1}, CheckOperation: func(common.Address, []byte) error { return nil }}
	r.cfg = Config{
		Store: s, Chains: map[string]ChainConfig{"test": {
			Chain: r.chain, Name: "test", ChainID: testChainID, Confirmations: 2,
			Relayer: chain.NewSigner(testChainID, routineKey, policy), Emergency: []Signer{chain.NewSigner(testChainID, emergencyKey, policy)},
			Fees: FeeCaps{Routine: *uint256.NewInt(300e9), Emergency: *uint256.NewInt(2000e9)},
		}},
		Safes:     map[string]SafeConfig{"guardian": {Name: "guardian", Chain: "test", Address: guardianSafe}, "other": {Name: "other", Chain: "test", Address: otherSafe}},
		Timelocks: map[string]TimelockConfig{"core": {Name: "core", Chain: "test", Kind: "openzeppelin", Address: timelock1, Canceller: "guardian"}},
		Playbooks: playbooks(t), PublicURL: "https://belay.example.org", Rooms: []string{"slack"}, Secret: [32]byte{1},
		Members: []Member{
			{Name: "alice", Roles: []string{"guardian", "signer"}, Slack: "U1", Wallets: []common.Address{addressOf(alice)}},
			{Name: "bob", Roles: []string{"guardian", "signer"}, Slack: "U2", Wallets: []common.Address{addressOf(bob)}},
			{Name: "carol", Roles: []string{"signer"}, Discord: "3", Wallets: []common.Address{addressOf(carol)}},
			{Name: "dave", Roles: []string{"risk"}},
		},
		Groups: map[string][]string{"guardian": {"slack/S1"}}, Handler: r.desk, Deliverers: map[string]Deliverer{"slack": r.desk},
		Labels: map[common.Address]string{market1: "market", usdc: "usdc", weth: "weth"},
		Logger: slog.New(slog.DiscardHandler),
	}
	return r
}

// configure changes the chain of the next start.
func (r *rig) configure(change func(*ChainConfig)) {
	c := r.cfg.Chains["test"]
	change(&c)
	r.cfg.Chains["test"] = c
}

// start makes a coordinator and lets it run.
func (r *rig) start() {
	r.t.Helper()
	var err error
	if r.c, err = New(r.cfg); err != nil {
		r.t.Fatal(err)
	}
	r.run(r.c)
}

func (r *rig) run(c *Coordinator) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	r.halt = func() error { cancel(); return <-done }
	synctest.Wait()
}

// stop ends the run as SIGTERM does.
func (r *rig) stop() {
	r.t.Helper()
	if r.halt == nil {
		return
	}
	if err := r.halt(); err != nil {
		r.t.Errorf("Run ended with %v", err)
	}
	r.halt = nil
}

// pass lets time pass.
func (r *rig) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// until lets time pass until something is true, for two minutes at most.
func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	for range 2400 {
		synctest.Wait()
		if is() {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	r.t.Fatalf("never: %s", what)
}

// blocks mines one every twelve seconds until something is true.
func (r *rig) blocks(what string, is func() bool) {
	r.t.Helper()
	for range 60 {
		r.pass(6 * time.Second)
		if is() {
			return
		}
		r.chain.mine()
		r.pass(6 * time.Second)
	}
	r.t.Fatalf("not within 60 blocks: %s", what)
}

func (r *rig) propose(in Intent) governance.View {
	r.t.Helper()
	if in.Member == "" {
		in.Member = "alice"
	}
	if in.Reason == "" {
		in.Reason = "drill"
	}
	p, err := r.c.Propose(r.t.Context(), in)
	if err != nil {
		r.t.Fatalf("propose %s: %v", in.Playbook, err)
	}
	return p.View
}

func (r *rig) pause(asset string) governance.View {
	r.t.Helper()
	return r.propose(Intent{Playbook: "pause", Params: map[string]string{"asset": asset}})
}

func (r *rig) setLtv(ltv string) governance.View {
	r.t.Helper()
	return r.propose(Intent{Playbook: "set-ltv", Params: map[string]string{"asset": "usdc", "ltv": ltv}})
}

// prepared is a change that one signature is missing from, with all that sending it needs.
func (r *rig) prepared() governance.View {
	r.t.Helper()
	v := r.setLtv("4000")
	r.sign(v, v.SafeTxHash, alice)
	r.pass(5 * time.Second)
	return v
}

// signature is what a wallet returns for eth_signTypedData_v4.
func signature(key *ecdsa.PrivateKey, hash common.Hash) []byte {
	sig, err := crypto.Sign(hash[:], key)
	if err != nil {
		panic(err)
	}
	sig[64] += 27
	return sig
}

func (r *rig) confirm(key *ecdsa.PrivateKey, id string, hash common.Hash) (Confirmed, error) {
	return r.c.Confirm(r.t.Context(), Signed{Proposal: id, SafeTxHash: hash, Signature: signature(key, hash), Via: governance.ViaPage})
}

// sign has owners sign a hash, and fails the test where one is refused.
func (r *rig) sign(v governance.View, hash string, keys ...*ecdsa.PrivateKey) {
	r.t.Helper()
	for _, key := range keys {
		if _, err := r.confirm(key, v.ID, common.HexToHash(hash)); err != nil {
			r.t.Fatalf("sign %s: %v", v.ID, err)
		}
	}
}

// signAll signs every SafeTx that is open, as one sitting does.
func (r *rig) signAll(v governance.View, keys ...*ecdsa.PrivateKey) {
	r.t.Helper()
	for i := len(v.SafeTxs) - 1; i >= 0; i-- { // spares first: the last signature is that of the active one
		if s := v.SafeTxs[i]; s.State == governance.TxAsking || s.State == governance.TxApproved {
			r.sign(v, s.SafeTxHash, keys...)
		}
	}
}

func (r *rig) stored(id string) governance.Proposal {
	r.t.Helper()
	p, err := r.store.Proposal(id)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// effect is the transaction that made the effect; nil when none has.
func (r *rig) effect(id string) *governance.Transaction {
	p := r.stored(id)
	return p.Effect()
}

func (r *rig) show(id string) governance.View {
	r.t.Helper()
	v, err := r.c.Show(r.t.Context(), id, warRoom)
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *rig) is(id string, s governance.State) func() bool {
	return func() bool { return r.stored(id).State == s }
}

// ends mines until a proposal is in a state, and checks what the market felt.
func (r *rig) ends(id string, s governance.State, deeds ...string) {
	r.t.Helper()
	r.blocks(id+" is "+string(s)+", not "+string(r.stored(id).State), r.is(id, s))
	if got := r.chain.deeds(); !slices.Equal(got, deeds) {
		r.t.Errorf("the market felt %q, want %q", got, deeds)
	}
}

// broadcasts are the different bytes that went out.
func (r *rig) broadcasts() (different []string) {
	r.chain.mu.Lock()
	defer r.chain.mu.Unlock()
	set := map[string]bool{}
	for _, raw := range r.chain.sent {
		set[string(raw)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// sent waits until this many different transactions went out.
func (r *rig) sent(n int) {
	r.t.Helper()
	r.until("the bytes go out", func() bool { return len(r.broadcasts()) >= n })
}

// refused checks that an error is a refusal with a code, words, and a next step.
func refused(t *testing.T, err error, code governance.Code, words ...string) {
	t.Helper()
	var r *governance.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("got %v, want a refusal %s", err, code)
	}
	if r.Code != code {
		t.Errorf("refused with %s (%s), want %s", r.Code, r.Detail, code)
	}
	if r.Hint == "" {
		t.Errorf("%s comes without a next step: %s", r.Code, r.Detail)
	}
	for _, w := range words {
		if !strings.Contains(r.Error(), w) {
			t.Errorf("%q does not say %q", r.Error(), w)
		}
	}
}

// desk is chat: it takes inbox entries and cards.
type desk struct {
	mu      sync.Mutex
	cards   []governance.Duty
	handled []string
	fails   int           // how many deliveries and entries fail first
	slow    chan struct{} // while not nil, deliveries wait for it
	onCard  func(governance.Duty)
}

var errChat = errors.New("the platform says 500")

func (d *desk) Deliver(ctx context.Context, duty governance.Duty) ([]governance.MessageRef, error) {
	d.mu.Lock()
	slow := d.slow
	d.mu.Unlock()
	if slow != nil {
		select {
		case <-slow:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails > 0 {
		d.fails--
		return nil, errChat
	}
	d.cards = append(d.cards, duty)
	if d.onCard != nil {
		d.onCard(duty)
	}
	return []governance.MessageRef{{Proposal: duty.Proposal, Place: "slack/C1/war_room", Message: "1.1", Version: duty.Version}}, nil
}

func (d *desk) Handle(_ context.Context, entry governance.InboxEntry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails > 0 {
		d.fails--
		return errChat
	}
	d.handled = append(d.handled, entry.Key)
	return nil
}

func (d *desk) set(change func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

func (d *desk) count() (cards, handled int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.cards), len(d.handled)
}

// playbooks are those of the tests.
func playbooks(t testing.TB) map[string]*governance.Playbook {
	t.Helper()
	asset := governance.ParamSpec{Name: "asset", Type: "address", Required: true, Sample: "usdc",
		Choices: []governance.ChoiceSpec{{Name: "usdc", Value: usdc.Hex()}, {Name: "weth", Value: weth.Hex()}}}
	ltv := governance.ParamSpec{Name: "ltv", Type: "uint256", Min: "0", Max: "9000", Required: true, Sample: "6000"}
	paused := governance.CallSpec{To: market1.Hex(), Function: getPaused.String(), Args: []any{"{{asset}}"}}
	pauseCall := governance.CallSpec{To: market1.Hex(), Function: "setReservePause(address asset, bool paused)", Args: []any{"{{asset}}", "true"}}
	ltvCall := governance.CallSpec{To: market1.Hex(), Function: "setLtv(address asset, uint256 ltv)", Args: []any{"{{asset}}", "{{ltv}}"}}
	ltvRead := governance.CallSpec{To: market1.Hex(), Function: getLtv.String(), Args: []any{"{{asset}}"}}
	ltvSpec := func(name, via string, policy governance.PolicySpec) governance.PlaybookSpec {
		policy.Propose = []string{"guardian"}
		return governance.PlaybookSpec{Name: name, Title: "Change a loan-to-value", Kind: "parameter", Safe: "guardian", Via: via,
			Params: []governance.ParamSpec{asset, ltv}, Calls: []governance.CallSpec{ltvCall},
			Expect: []governance.ExpectSpec{{Call: ltvRead, Equals: "{{ltv}}"}}, Policy: policy}
	}
	guardian := []string{"guardian"}
	specs := []governance.PlaybookSpec{
		{Name: "pause", Title: "Pause an asset", Kind: "pause", Safe: "guardian", Params: []governance.ParamSpec{asset},
			Reads:  []governance.ReadSpec{{Name: "paused", Call: paused}},
			Calls:  []governance.CallSpec{{To: pauseCall.To, Function: pauseCall.Function, Args: pauseCall.Args, SkipIf: "paused"}},
			Expect: []governance.ExpectSpec{{Call: paused, Equals: "true"}}, Policy: governance.PolicySpec{Propose: guardian, Expires: "2h"}, Undo: "unpause",
			Public: governance.PublicSpec{What: "The asset is paused"}},
		{Name: "pause-both", Title: "Pause everything", Kind: "pause", Safe: "guardian", Calls: []governance.CallSpec{
			{To: pauseCall.To, Function: pauseCall.Function, Args: []any{usdc.Hex(), "true"}},
			{To: pauseCall.To, Function: pauseCall.Function, Args: []any{weth.Hex(), "true"}}},
			Expect: []governance.ExpectSpec{{Call: governance.CallSpec{To: market1.Hex(), Function: getPaused.String(), Args: []any{weth.Hex()}}, Equals: "true"}},
			Policy: governance.PolicySpec{Propose: guardian, Spares: "0"}},
		{Name: "pause-wrong", Title: "Pause through a Safe that may not", Kind: "pause", Safe: "other", Params: []governance.ParamSpec{asset},
			Calls: []governance.CallSpec{pauseCall}, Expect: []governance.ExpectSpec{{Call: paused, Equals: "true"}}, Policy: governance.PolicySpec{Propose: guardian}},
		{Name: "unpause", Title: "Unpause an asset", Kind: "unpause", Safe: "guardian", Via: "core", Params: []governance.ParamSpec{asset},
			Calls:  []governance.CallSpec{{To: pauseCall.To, Function: pauseCall.Function, Args: []any{"{{asset}}", "false"}}},
			Expect: []governance.ExpectSpec{{Call: paused, Equals: "false"}}, Policy: governance.PolicySpec{Propose: guardian}},
		{Name: "cancel-operation", Title: "Cancel an operation", Kind: "cancel", Safe: "guardian", Params: []governance.ParamSpec{{Name: "id", Type: "bytes32", Required: true, Sample: "0x" + strings.Repeat("11", 32)}},
			Calls: []governance.CallSpec{{To: timelock1.Hex(), Function: cancelOp.String(), Args: []any{"{{id}}"}}}, Policy: governance.PolicySpec{Propose: guardian}},
		{Name: "secret", Title: "Nobody's business", Kind: "custom", Safe: "guardian", Params: []governance.ParamSpec{asset, ltv}, Calls: []governance.CallSpec{ltvCall},
			Policy: governance.PolicySpec{Propose: guardian}},
		ltvSpec("set-ltv", "direct", governance.PolicySpec{Expires: "20m"}), ltvSpec("slow-ltv", "core", governance.PolicySpec{}),
		ltvSpec("cool-ltv", "direct", governance.PolicySpec{Cooldown: "10m"}), ltvSpec("manual-ltv", "direct", governance.PolicySpec{Execute: "manual"}),
		ltvSpec("later-ltv", "direct", governance.PolicySpec{Execute: "after: 10m"}), ltvSpec("approved-ltv", "direct", governance.PolicySpec{Approve: []string{"signer"}}),
		near(ltvSpec("near-ltv", "core", governance.PolicySpec{}), ltvRead),
	}
	compiled := map[string]*governance.Playbook{}
	for _, spec := range specs {
		pb, err := governance.CompilePlaybook(spec)
		if err != nil {
			t.Fatal(err)
		}
		compiled[pb.Name] = pb
	}
	return compiled
}

// near bounds how far a loan-to-value may be from what it is.
func near(spec governance.PlaybookSpec, read governance.CallSpec) governance.PlaybookSpec {
	spec.Params = slices.Clone(spec.Params)
	spec.Reads = []governance.ReadSpec{{Name: "now", Call: read}}
	spec.Params[1].MaxChange = &governance.ChangeSpec{Read: "now", By: "500"}
	return spec
}

// safeTxHash is the hash of a SafeTx of the guardian Safe.
func safeTxHash(tx safe.Tx) common.Hash {
	return safe.Hash(safe.Domain{ChainID: testChainID, Safe: guardianSafe, Version: safe.V1_4_1}, tx).SafeTx
}

// foreign is an execTransaction of the guardian Safe that two owners signed elsewhere; it does nothing.
func foreign(nonce uint64) []byte {
	tx := safe.Void(guardianSafe, nonce)
	return execution(tx, safeTxHash(tx), alice, bob)
}

// execution packs signatures over a hash into the Safe's calldata.
func execution(tx safe.Tx, hash common.Hash, keys ...*ecdsa.PrivateKey) []byte {
	var yes []safe.Confirmation
	for _, key := range keys {
		c, err := safe.Confirm(hash, signature(key, hash), []common.Address{addressOf(key)})
		if err != nil {
			panic(err)
		}
		yes = append(yes, c)
	}
	blob, err := safe.Pack(yes, len(yes))
	if err != nil {
		panic(err)
	}
	return safe.EncodeExec(tx, blob)
}
