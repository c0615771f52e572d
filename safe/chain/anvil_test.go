package chain

import (
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"belay/safe"
	"belay/safe/devnet"
)

// The first account that anvil funds. PUBLIC KEY of its documentation.
const anvilKey = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"

// startAnvil gives the endpoint of a fresh anvil, which ends with the test.
func startAnvil(t *testing.T) string {
	t.Helper()
	url, stop, err := devnet.StartAnvil(testContext(t))
	if errors.Is(err, devnet.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

func TestAnotherClientIsSpokenToOverARealSocket(t *testing.T) {
	ctx := testContext(t)
	url := startAnvil(t)
	c := must[*Client](t)(Dial(ctx, Config{Name: "anvil", ChainID: 31337, Providers: []Provider{{Name: "one", URL: url}, {Name: "two", URL: url}}}))
	defer c.Close()

	head, fees, err := c.Head(ctx)
	if err != nil || fees.BaseFee.IsZero() || head.Time == 0 {
		t.Fatalf("head is %+v with fees %+v, %v", head, fees, err)
	}
	if final, err := c.Finalized(ctx); err != nil || final.Number > head.Number {
		t.Errorf("finalized is %+v, %v", final, err)
	}
	key := must[[]byte](t)(hex.DecodeString(anvilKey))
	signer := NewSigner(31337, crypto.ToECDSAUnsafe(key), Policy{Safes: []common.Address{guardian}})
	before := accountNow(t, c, signer.Address())
	if before.Balance.Lt(uint256.NewInt(1e18)) || before.Nonce != 0 || before.HasCode {
		t.Errorf("account is %+v", before)
	}
	data := safe.EncodeExec(safe.Tx{To: timelock}, make([]byte, 65))
	gas := must[uint64](t)(c.EstimateGas(ctx, signer.Address(), guardian, data))
	raw, hash, err := signer.Sign(safe.Order{ChainID: 31337, To: guardian, Data: data, Gas: gas, TipCap: fees.Tip, FeeCap: *new(uint256.Int).Add(&fees.Tip, &fees.BaseFee)})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, c.Broadcast(ctx, raw), nil)
	var receipt *safe.Receipt
	for receipt == nil { // anvil answers first and mines then: between the two it is of two minds
		receipt, err = c.Receipt(ctx, hash)
		if err != nil && !errors.Is(err, ErrNoAgreement) {
			t.Fatal(err)
		}
		wants(t, pause(ctx, 5*time.Millisecond), nil)
	}
	if !receipt.Succeeded || receipt.Block.Number != head.Number+1 {
		t.Fatalf("receipt is %+v", receipt)
	}
	c.wg.Wait() // the second provider answers "nonce too low" or "already known" by now: it is the same machine
	wants(t, c.Broadcast(ctx, raw), ErrNonceTooLow)
	if _, err := c.SafeState(ctx, guardian); !errors.Is(err, ErrNotSafe) {
		t.Errorf("an account without code: %v", err)
	}
	logs, err := c.Logs(ctx, everything, 0, receipt.Block.Number)
	if err != nil || len(logs) != 0 {
		t.Errorf("logs are %+v, %v", logs, err)
	}
	got, err := c.Simulate(ctx, safe.SimulationRequest{From: signer.Address(), Safe: guardian, Version: safe.V1_4_1, Owners: []common.Address{signer.Address()}})
	if err != nil || got.OK || got.Error != "there is no Safe at this address" {
		t.Errorf("simulation is %+v, %v", got, err)
	}
}

// TestAnotherClientTellsEffects puts a real Safe's code and storage into anvil.
func TestAnotherClientTellsEffects(t *testing.T) {
	ctx := testContext(t)
	url := startAnvil(t)
	c := must[*Client](t)(Dial(ctx, Config{Name: "anvil", ChainID: 31337, Providers: []Provider{{Name: "one", URL: url}}}))
	defer c.Close()
	s := startStack(t, safe.V1_4_1, nil)
	trick := s.trickster()
	set := func(method string, params ...any) {
		t.Helper()
		if answers, err := c.providers[0].call(ctx, request{method, params}); err != nil || answers[0].err != nil {
			t.Fatalf("%s: %v, %+v", method, err, answers)
		}
	}
	singleton := safe.AddressInSlot(common.BytesToHash(must[[]byte](t)(s.Chain.Client().StorageAt(ctx, s.Guardian, safe.SlotSingleton, nil))))
	for _, a := range []common.Address{s.Guardian, singleton, trick} {
		set("anvil_setCode", a, hexutil.Bytes(must[[]byte](t)(s.Chain.Client().CodeAt(ctx, a, nil))))
	}
	slots := []common.Hash{safe.SlotSingleton, safe.SlotOwnerCount, safe.SlotThreshold, safe.OwnerSlot(safe.ModulesStart), safe.ModuleSlot(safe.ModulesStart)}
	for _, o := range s.ownerAddresses() {
		slots = append(slots, safe.OwnerSlot(o))
	}
	for _, slot := range slots {
		set("anvil_setStorageAt", s.Guardian, slot, common.BytesToHash(must[[]byte](t)(s.Chain.Client().StorageAt(ctx, s.Guardian, slot, nil))))
	}
	set("anvil_setBalance", s.Guardian, "0x64")

	r := s.request(s.delegated(3, trick, "transfer", thief, big.NewInt(0)), nil)
	r.Effects, r.After = true, nil
	got := must[safe.Simulation](t)(c.Simulate(ctx, r))
	if !got.OK || got.Effects == nil || !got.Effects.Traced || slot(got.Effects, s.Guardian, safe.SlotSingleton) == nil || slot(got.Effects, s.Guardian, safe.SlotNonce) != nil {
		t.Errorf("simulation is %+v, its effects %+v", got, got.Effects)
	}
	pay := safe.Tx{To: thief, Nonce: 3}
	pay.Value.SetUint64(40)
	r.Tx = pay
	got = must[safe.Simulation](t)(c.Simulate(ctx, r))
	if !got.OK || got.Effects == nil || len(got.Effects.Slots) != 0 || len(got.Effects.Balances) != 2 {
		t.Fatalf("simulation is %+v, its effects %+v", got, got.Effects)
	}
	if !slices.ContainsFunc(got.Effects.Logs, func(l safe.Seen[safe.Log]) bool { return l.What.Address == safe.EtherLogs }) {
		t.Errorf("logs are %+v, want the ether that moves", got.Effects.Logs)
	}
}
