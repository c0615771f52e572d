package chain

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
	"belay/safe/devnet"
)

// stack is the sample protocol on a real chain of its own, with what tests ask of it.
type stack struct {
	*devnet.Stack
	t       *testing.T
	version safe.Version
	target  common.Address // a contract that reverts when told to
}

// startStack starts a chain that moves only when told, and deploys the sample protocol with a Safe of the version.
func startStack(t *testing.T, version safe.Version, change func(*devnet.Config)) *stack {
	t.Helper()
	cfg := devnet.Config{Manual: true}
	if change != nil {
		change(&cfg)
	}
	c := must[*devnet.Chain](t)(devnet.Start(cfg))
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &stack{t: t, version: version}
	s.Stack = must[*devnet.Stack](t)(devnet.NewStack(testContext(t), c, devnet.StackConfig{SafeVersion: version.String()}))
	s.target = must[common.Address](t)(c.Deploy(testContext(t), own(t, "Swallower")))
	return s
}

func own(t *testing.T, name string) *devnet.Artifact {
	t.Helper()
	return must[*devnet.Artifact](t)(devnet.LoadOwnArtifact(name))
}

func pack(t *testing.T, contract, method string, args ...any) []byte {
	t.Helper()
	return must[[]byte](t)(own(t, contract).ABI.Pack(method, args...))
}

func (s *stack) nodes(n int) []*node {
	all := make([]*node, n)
	for i := range all {
		all[i] = newNode(devChain{s.Chain})
	}
	return all
}

func (s *stack) pause(symbol string) safe.Call {
	return safe.Call{To: s.Market, Data: pack(s.t, "Market", "setReservePause", s.Asset(symbol).Token, true)}
}

func (s *stack) isPaused(symbol string) safe.Call {
	return safe.Call{To: s.Market, Data: pack(s.t, "Market", "getPaused", s.Asset(symbol).Token)}
}

func (s *stack) revert(reason string) safe.Call {
	return safe.Call{To: s.target, Data: pack(s.t, "Swallower", "alwaysRevert", reason)}
}

func (s *stack) tx(nonce uint64, calls ...safe.Call) safe.Tx {
	s.t.Helper()
	release := must[devnet.SafeRelease](s.t)(devnet.Release(s.version.String()))
	return must[safe.Tx](s.t)(safe.Batch(calls, release.MultiSendCallOnly, nonce))
}

func (s *stack) ownerAddresses() (all []common.Address) {
	for _, key := range s.Owners {
		all = append(all, crypto.PubkeyToAddress(key.PublicKey))
	}
	return all
}

// sign packs the signatures of some owners, as many as there are.
func (s *stack) sign(tx safe.Tx, owners ...*ecdsa.PrivateKey) []byte {
	s.t.Helper()
	hash := s.hash(tx)
	var confirmations []safe.Confirmation
	for _, key := range owners {
		raw := must[[]byte](s.t)(crypto.Sign(hash[:], key))
		confirmations = append(confirmations, must[safe.Confirmation](s.t)(safe.Confirm(hash, raw, s.ownerAddresses())))
	}
	return must[[]byte](s.t)(safe.Pack(confirmations, len(owners)))
}

func (s *stack) hash(tx safe.Tx) common.Hash {
	return safe.Hash(safe.Domain{ChainID: s.Chain.ChainID().Uint64(), Safe: s.Guardian, Version: s.version}, tx).SafeTx
}

// execute signs with two owners and has the relayer send it.
func (s *stack) execute(tx safe.Tx) *types.Receipt {
	s.t.Helper()
	data := safe.EncodeExec(tx, s.sign(tx, s.Owners[0], s.Owners[1]))
	return must[*types.Receipt](s.t)(s.Chain.Send(testContext(s.t), s.Relayer, &s.Guardian, nil, data))
}

// toSafe is a call of the Safe to itself.
func (s *stack) toSafe(method string, args ...any) safe.Call {
	s.t.Helper()
	release := must[devnet.SafeRelease](s.t)(devnet.Release(s.version.String()))
	contract, err := release.ABI()
	if err != nil {
		s.t.Fatal(err)
	}
	return safe.Call{To: s.Guardian, Data: must[[]byte](s.t)(contract.Pack(method, args...))}
}

// eachVersion runs a test on a stack of each Safe version that the dev chain has.
func eachVersion(t *testing.T, test func(*testing.T, *stack)) {
	for _, v := range []safe.Version{safe.V1_3_0, safe.V1_4_1, safe.V1_5_0} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			test(t, startStack(t, v, nil))
		})
	}
}

func TestTheStateOfARealSafe(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *stack) {
		ctx := testContext(t)
		nodes := s.nodes(3)
		c := dial(t, nil, nodes...)
		// One of three says that one signature is enough.
		nodes[1].says("eth_call", func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
			if bytes.Contains(params[0], []byte("e75235b8")) {
				return common.BytesToHash([]byte{1}), nil
			}
			return honest()
		})
		release := must[devnet.SafeRelease](t)(devnet.Release(s.version.String()))
		fresh := must[safe.State](t)(c.SafeState(ctx, s.Guardian))
		if fresh.Threshold != 2 || fresh.Nonce != 0 || fresh.Version != s.version || fresh.Singleton != release.Singleton ||
			fresh.FallbackHandler != release.FallbackHandler || fresh.Guard != (common.Address{}) || len(fresh.Modules) != 0 {
			t.Errorf("state is %+v", fresh)
		}
		if fresh.Verified != safe.VerifiedByAddress {
			t.Errorf("verified is %q, want canonical", fresh.Verified)
		}
		expect(t, "owners", fresh.Owners, s.ownerAddresses()...)

		// 60 modules: more than a page.
		var enable []safe.Call
		for i := range 60 {
			enable = append(enable, s.toSafe("enableModule", module(i)))
		}
		s.execute(s.tx(0, enable...))
		now := must[safe.State](t)(c.SafeState(ctx, s.Guardian))
		if now.Nonce != 1 || now.Block.Number <= fresh.Block.Number {
			t.Errorf("state is %+v", now)
		}
		for i := range 60 {
			if len(now.Modules) != 60 || now.Modules[59-i] != module(i) { // a module is put before the others
				t.Fatalf("%d modules; module %d is not where it should be", len(now.Modules), i)
			}
		}
		then := must[safe.State](t)(c.StateAt(ctx, fresh.Block, s.Guardian))
		if then.Nonce != 0 || len(then.Modules) != 0 {
			t.Errorf("state at the old block is %+v", then)
		}
	})
}

func module(i int) common.Address {
	return common.BytesToAddress(crypto.Keccak256([]byte{'m', byte(i)}))
}

func TestWhatIsNoSafeIsSaidToBeNone(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	c := dial(t, nil, s.nodes(2)...)
	release := must[devnet.SafeRelease](t)(devnet.Release("1.4.1"))
	for name, test := range map[string]struct {
		address common.Address
		want    string
	}{
		"an account without code": {devnet.Address(3), "there is no contract"},
		"another contract":        {s.Market, "read owners"},
		"the singleton itself":    {release.Singleton, "read owners"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.SafeState(testContext(t), test.address)
			wants(t, err, ErrNotSafe, test.want)
		})
	}
}

// TestASafeOfEveryNpmVersionIsKnownByItsCode, those before 1.3.0 included.
func TestASafeOfEveryNpmVersionIsKnownByItsCode(t *testing.T) {
	for _, version := range []safe.Version{safe.V0_1_0, safe.V1_0_0, safe.V1_1_1, safe.V1_2_0, safe.V1_3_0, safe.V1_4_1, safe.V1_5_0} {
		s := startStack(t, version, nil)
		state := must[safe.State](t)(dial(t, nil, s.nodes(1)...).SafeState(testContext(t), s.Guardian))
		if state.Version != version || state.Verified == safe.VerifiedByProvider {
			t.Errorf("a Safe %s is read as %s, %s", version, state.Version, state.Verified)
		}
	}
}

func TestAnOutageIsNotTakenForAMissingSafe(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	nodes := s.nodes(2)
	c := dial(t, nil, nodes...)
	nodes[1].says("eth_getCode", always("0x"))
	if _, err := c.SafeState(testContext(t), s.Guardian); err == nil || bytes.Contains([]byte(err.Error()), []byte(ErrNotSafe.Error())) {
		t.Errorf("error is %v: one provider's word against the other's is no fact", err)
	}
}

func TestTheCodeHashNamesAPublishedContract(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	c := dial(t, nil, s.nodes(2)...)
	head, _, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	release := must[devnet.SafeRelease](t)(devnet.Release("1.4.1"))
	hash := must[[]common.Hash](t)(c.CodeHashes(ctx, head, release.MultiSendCallOnly))[0]
	if _, proof, known := safe.KnownMultiSendCallOnly(release.MultiSendCallOnly, hash); !known || proof != safe.VerifiedByAddress {
		t.Errorf("code hash %s is not known", hash)
	}
	if hash := must[[]common.Hash](t)(c.CodeHashes(ctx, head, devnet.Address(3)))[0]; hash != (common.Hash{}) {
		t.Errorf("code hash of no code is %s", hash)
	}
}

func TestASafeWithForeignCodeIsUnverified(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	n := s.nodes(1)[0].says("eth_getProof", refuses(-32601, "method not found")) // which would show it up
	c := dial(t, nil, n)
	n.says("eth_getCode", func(params []rawJSON, honest func() (any, *wireError)) (any, *wireError) {
		code, err := honest()
		if raw, ok := code.(rawJSON); ok && len(raw) > 10_000 { // the singleton's, not the proxy's
			return string(bytes.Trim(raw, `"`)) + "00", err
		}
		return code, err
	})
	state := must[safe.State](t)(c.SafeState(testContext(t), s.Guardian))
	if state.Verified != safe.VerifiedByProvider {
		t.Errorf("verified is %q", state.Verified)
	}
}

func TestARelayedExecutionFromSigningToReceipt(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	nodes := s.nodes(3)
	nodes[0].breaks(isDown)
	c := dial(t, nil, nodes...)
	signer := NewSigner(31337, s.Relayer, Policy{Safes: []common.Address{s.Guardian}})
	tx := s.tx(0, s.pause("usdc"))
	data := safe.EncodeExec(tx, s.sign(tx, s.Owners[0], s.Owners[2]))

	account := accountNow(t, c, signer.Address())
	gas := must[uint64](t)(c.EstimateGas(ctx, signer.Address(), s.Guardian, data))
	_, fees, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	order := safe.Order{ChainID: 31337, To: s.Guardian, Data: data, Nonce: account.Nonce, Gas: gas, TipCap: fees.Tip}
	order.FeeCap.Add(&fees.Tip, order.FeeCap.Mul(&fees.BaseFee, order.FeeCap.SetUint64(2)))
	raw, hash, err := signer.Sign(order)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, c.Broadcast(ctx, raw), nil)
	wants(t, c.Broadcast(ctx, raw), nil) // again, as at every block
	if r, err := c.Receipt(ctx, hash); r != nil || err != nil {
		t.Errorf("receipt before the block is %+v, %v", r, err)
	}
	s.Chain.Seal()
	receipt := must[*safe.Receipt](t)(c.Receipt(ctx, hash))
	if !receipt.Succeeded || receipt.GasUsed == 0 || receipt.GasUsed > gas {
		t.Errorf("receipt is %+v", receipt)
	}
	executed := false
	for _, l := range receipt.Logs {
		if of, ok, is := safe.ExecutionOf(l); is && ok && l.Address == s.Guardian && of == s.hash(tx) {
			executed = true
		}
	}
	if !executed {
		t.Errorf("no ExecutionSuccess in %+v", receipt.Logs)
	}
	answers := must[[]safe.Result](t)(c.Read(ctx, receipt.Block, []safe.Call{s.isPaused("usdc"), s.isPaused("weth")}))
	if answers[0].Data[31] != 1 || answers[1].Data[31] != 0 {
		t.Errorf("paused is %+v", answers)
	}
	wants(t, c.Broadcast(ctx, raw), ErrNonceTooLow)
	order.Nonce++
	next, _, err := signer.Sign(order)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, c.Broadcast(ctx, next), nil)
	order.Gas++
	same, _, err := signer.Sign(order) // another transaction at the same nonce, for the same fee
	if err != nil {
		t.Fatal(err)
	}
	wants(t, c.Broadcast(ctx, same), ErrUnderpriced)
	_, err = c.EstimateGas(ctx, signer.Address(), s.Guardian, data)
	wants(t, err, ErrReverted, "GS026")
	poor := NewSigner(31337, must[*ecdsa.PrivateKey](t)(crypto.GenerateKey()), Policy{Safes: []common.Address{s.Guardian}})
	order.Nonce, order.TipCap = 0, fees.Tip
	order.FeeCap.Add(&fees.Tip, order.FeeCap.Mul(&fees.BaseFee, order.FeeCap.SetUint64(2)))
	unfunded, _, err := poor.Sign(order)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, c.Broadcast(ctx, unfunded), ErrInsufficientFunds)
}

func TestARelayerWithPowerIsToldOfEveryOne(t *testing.T) {
	delegated := devnet.Address(13)
	s := startStack(t, safe.V1_4_1, func(cfg *devnet.Config) {
		cfg.Alloc = types.GenesisAlloc{delegated: {Balance: big.NewInt(1), Code: types.AddressToDelegation(common.Address{1})}}
	})
	ctx := testContext(t)
	c := dial(t, nil, s.nodes(2)...)
	relayer, owner := devnet.Address(devnet.RelayerKey), devnet.Address(devnet.FirstOwnerKey)
	timelock := func(proposer, executor, admin common.Address) common.Address {
		return must[common.Address](t)(s.Chain.DeployTimelock(ctx, 1, []common.Address{proposer}, []common.Address{executor}, admin))
	}
	guarded := func(timelock common.Address) ([]Named, []Named) {
		return []Named{{"guardian", s.Guardian}}, []Named{{"core", timelock}}
	}
	nobody := common.Address{}
	for name, test := range map[string]struct {
		relayer  common.Address
		timelock common.Address
		want     []string
	}{
		"a relayer without any":     {relayer, s.Timelock, nil},
		"one that may execute":      {relayer, timelock(s.Guardian, relayer, nobody), nil},
		"an owner":                  {owner, s.Timelock, []string{"is an owner of Safe guardian"}},
		"a proposer":                {relayer, timelock(relayer, nobody, nobody), []string{"can schedule operations (PROPOSER_ROLE) at timelock core", "can cancel operations (CANCELLER_ROLE) at timelock core"}},
		"an admin":                  {relayer, timelock(s.Guardian, nobody, relayer), []string{"administers its roles (DEFAULT_ADMIN_ROLE) at timelock core"}},
		"a delegated account":       {delegated, s.Timelock, []string{"has delegated its account to a contract (EIP-7702)"}},
		"a contract":                {s.Market, s.Timelock, []string{"is a contract"}},
		"a timelock that is silent": {relayer, devnet.Address(5), []string{"answers no question about its roles"}},
	} {
		t.Run(name, func(t *testing.T) {
			safes, timelocks := guarded(test.timelock)
			found := must[[]string](t)(c.Powerless(ctx, test.relayer, safes, timelocks))
			if len(found) != len(test.want) {
				t.Fatalf("found %q, want %q", found, test.want)
			}
			for i, want := range test.want {
				if !bytes.Contains([]byte(found[i]), []byte(want)) {
					t.Errorf("found %q, want %q", found[i], want)
				}
			}
		})
	}
	s.execute(s.tx(0, s.toSafe("enableModule", relayer)))
	safes, _ := guarded(nobody)
	if found := must[[]string](t)(c.Powerless(ctx, relayer, safes, nil)); len(found) != 1 || !bytes.Contains([]byte(found[0]), []byte("is a module of Safe guardian")) {
		t.Errorf("found %q, want a module", found)
	}
	_, err := c.Powerless(ctx, relayer, []Named{{"ghost", devnet.Address(5)}}, nil)
	wants(t, err, ErrNotSafe, "look for powers over ghost")
}

func TestTheWatchSeesAnExecutionVanishAndComeBack(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	c := dial(t, nil, s.nodes(2)...)
	start, _, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	type page struct {
		head safe.Block
		logs []safe.Log
	}
	pages := make(chan page)
	done := make(chan error, 1)
	watching, stop := context.WithCancel(ctx)
	defer func() { stop(); <-done }()
	go func() {
		filters := []safe.Filter{{Address: s.Guardian, Topics: [][]common.Hash{safe.ExecutionTopics()}}}
		done <- c.Watch(watching, WatchConfig{Filters: func() []safe.Filter { return filters }, Cursor: start, Interval: time.Millisecond},
			func(ctx context.Context, head safe.Block, logs []safe.Log) error {
				select {
				case pages <- page{head, logs}:
				case <-ctx.Done():
				}
				return nil
			})
	}()
	sees := func(hash common.Hash) safe.Log {
		t.Helper()
		for {
			select {
			case p := <-pages:
				for _, l := range p.logs {
					if of, ok, is := safe.ExecutionOf(l); is && ok && of == hash && l.Block.Number <= p.head.Number {
						return l
					}
				}
			case <-ctx.Done():
				t.Fatal("the execution was not seen")
			}
		}
	}
	tx := s.tx(0, s.pause("usdc"))
	receipt := s.execute(tx)
	first := sees(s.hash(tx))
	if first.Block.Hash != receipt.BlockHash || first.TxHash != receipt.TxHash || first.Block.Time == 0 {
		t.Errorf("log is %+v, want that of block %s", first, receipt.BlockHash)
	}
	if err := s.Chain.Fork(start.Hash); err != nil {
		t.Fatal(err)
	}
	s.Chain.AdvanceTime(time.Second) // an empty block in its place
	s.Chain.Seal()                   // the transaction was back in the pool
	second := sees(s.hash(tx))
	if second.Block.Hash == first.Block.Hash || second.TxHash != first.TxHash {
		t.Errorf("log is %+v, want the same transaction in another block than %+v", second, first)
	}
	if r := must[*safe.Receipt](t)(c.Receipt(ctx, first.TxHash)); r.Block != second.Block {
		t.Errorf("receipt is in %+v, want %+v", r.Block, second.Block)
	}
}
