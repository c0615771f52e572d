package devnet_test

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
	"belay/safe/devnet"
)

func own(t *testing.T, name string) *devnet.Artifact {
	t.Helper()
	return must[*devnet.Artifact](t)(devnet.LoadOwnArtifact(name))
}

func pack(t *testing.T, contract, function string, args ...any) []byte {
	t.Helper()
	return must[[]byte](t)(own(t, contract).ABI.Pack(function, args...))
}

// read calls a view function and returns its outputs.
func read(t *testing.T, c *devnet.Chain, contract abi.ABI, at common.Address, function string, args ...any) []any {
	t.Helper()
	data := must[[]byte](t)(contract.Pack(function, args...))
	return must[[]any](t)(contract.Unpack(function, must[[]byte](t)(c.Call(testContext(t), at, data))))
}

func isPaused(t *testing.T, s *devnet.Stack, symbol string) bool {
	t.Helper()
	return read(t, s.Chain, own(t, "Market").ABI, s.Market, "getPaused", s.Asset(symbol).Token)[0].(bool)
}

func newStack(t *testing.T, cfg devnet.Config, stack devnet.StackConfig) *devnet.Stack {
	t.Helper()
	return must[*devnet.Stack](t)(devnet.NewStack(testContext(t), start(t, cfg), stack))
}

// sign makes owners 1 and 2 confirm a call at the Safe's current nonce, and returns the calldata of execTransaction.
func sign(t *testing.T, s *devnet.Stack, version safe.Version, call safe.Call) []byte {
	t.Helper()
	ctx := testContext(t)
	nonce := must[uint64](t)(safe.DecodeNonce(safe.Result{Data: must[[]byte](t)(s.Chain.Call(ctx, s.Guardian, safe.NonceCall(s.Guardian).Data))}))
	tx := safe.Tx{To: call.To, Value: call.Value, Data: call.Data, Nonce: nonce}
	hash := safe.Hash(safe.Domain{ChainID: s.Chain.ChainID().Uint64(), Safe: s.Guardian, Version: version}, tx).SafeTx
	owners := []common.Address{devnet.Address(1), devnet.Address(2), devnet.Address(3)}
	var confirmations []safe.Confirmation
	for _, key := range s.Owners[:s.Threshold] {
		signature := must[[]byte](t)(crypto.Sign(hash[:], key))
		signature[64] += 27
		confirmations = append(confirmations, must[safe.Confirmation](t)(safe.Confirm(hash, signature, owners)))
	}
	return safe.EncodeExec(tx, must[[]byte](t)(safe.Pack(confirmations, s.Threshold)))
}

// versions are those of devnet.Releases.
var versions = map[string]safe.Version{"0.1.0": safe.V0_1_0, "1.0.0": safe.V1_0_0, "1.1.1": safe.V1_1_1, "1.2.0": safe.V1_2_0,
	"1.3.0": safe.V1_3_0, "1.4.1": safe.V1_4_1, "1.5.0": safe.V1_5_0}

func TestTwoOwnersPauseTheMarketThroughASafeOfEveryVersion(t *testing.T) {
	for version, v := range versions {
		t.Run(version, func(t *testing.T) {
			ctx := testContext(t)
			s := newStack(t, devnet.Config{Manual: true}, devnet.StackConfig{SafeVersion: version})
			data := sign(t, s, v, safe.Call{To: s.Market, Data: pack(t, "Market", "setReservePause", s.Asset("usdc").Token, true)})
			receipt := must[*types.Receipt](t)(s.Chain.Send(ctx, s.Relayer, &s.Guardian, nil, data))
			if !isPaused(t, s, "usdc") || isPaused(t, s, "weth") {
				t.Errorf("usdc paused %t, weth paused %t, want only usdc", isPaused(t, s, "usdc"), isPaused(t, s, "weth"))
			}
			tells := v.AtLeast(safe.V1_1_0) // older ones say nothing of a success
			if want := map[bool]int{true: 2, false: 1}[tells]; len(receipt.Logs) != want {
				t.Errorf("%d logs, want %d: ReservePaused, and ExecutionSuccess where there is one", len(receipt.Logs), want)
			}
			var reverted *devnet.Reverted
			if _, err := s.Chain.Send(ctx, s.Relayer, &s.Guardian, nil, data); !errors.As(err, &reverted) || safe.ErrorCode(reverted.Data) != "GS026" {
				t.Errorf("the same signatures again: %v, want GS026 or what it was called before", err)
			}
		})
	}
}

func TestAParameterChangesThroughTheTimelockAndNotBefore(t *testing.T) {
	ctx := testContext(t)
	const delay = 48 * time.Hour
	s := newStack(t, devnet.Config{Manual: true}, devnet.StackConfig{MinDelay: delay})
	timelock := must[*devnet.Artifact](t)(devnet.TimelockArtifact()).ABI
	change := pack(t, "Market", "setReserveLtv", s.Asset("weth").Token, big.NewInt(7000))
	none, salt := [32]byte{}, [32]byte{1}
	schedule := must[[]byte](t)(timelock.Pack("schedule", s.Market, new(big.Int), change, none, salt, big.NewInt(int64(delay/time.Second))))
	execute := must[[]byte](t)(timelock.Pack("execute", s.Market, new(big.Int), change, none, salt))

	must[*types.Receipt](t)(s.Chain.Send(ctx, s.Relayer, &s.Guardian, nil, sign(t, s, safe.V1_4_1, safe.Call{To: s.Timelock, Data: schedule})))
	if _, err := s.Chain.Send(ctx, s.Relayer, &s.Timelock, nil, execute); !isCustom(err, timelock, "TimelockUnexpectedOperationState") {
		t.Fatalf("executed too early: %v", err)
	}
	s.Chain.AdvanceTime(delay)
	must[*types.Receipt](t)(s.Chain.Send(ctx, s.Relayer, &s.Timelock, nil, execute))
	if ltv := read(t, s.Chain, own(t, "Market").ABI, s.Market, "getReserve", s.Asset("weth").Token)[1].(*big.Int); ltv.Int64() != 7000 {
		t.Errorf("ltv is %s, want 7000", ltv)
	}
}

func TestASafeIsMadeAsAsked(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	handler := stranger("handler")
	made := map[common.Address]bool{}
	for _, r := range devnet.Releases() {
		for name, cfg := range map[string]devnet.SafeConfig{
			"the defaults":    {Version: r.Version},
			"another salt":    {Version: r.Version, SaltNonce: 1},
			"an L2 singleton": {Version: r.Version, L2: true},
			"another handler": {Version: r.Version, Fallback: handler},
		} {
			if cfg.L2 && r.SingletonL2 == (common.Address{}) || cfg.Fallback == handler && r.Version < "1.1" {
				continue // refused, see TestASafeThatCannotBeIsRefused
			}
			if cfg.SaltNonce != 0 && r.Version == "0.1.0" {
				continue // its factory takes none, and never makes the same proxy twice
			}
			t.Run(r.Version+" with "+name, func(t *testing.T) {
				cfg.Owners, cfg.Threshold = []common.Address{devnet.Address(1), devnet.Address(2)}, 2
				at := must[common.Address](t)(c.DeploySafe(ctx, cfg))
				if made[at] {
					t.Errorf("%s was made before", at)
				}
				made[at] = true
				singleton, fallback := r.Singleton, r.FallbackHandler
				if cfg.L2 {
					singleton = r.SingletonL2
				}
				if cfg.Fallback != (common.Address{}) {
					fallback = cfg.Fallback
				}
				for what, word := range map[string]struct {
					slot common.Hash
					want common.Hash
				}{
					"singleton":        {common.Hash{}, common.BytesToHash(singleton[:])},
					"threshold":        {common.Hash{31: 4}, common.Hash{31: 2}},
					"fallback handler": {crypto.Keccak256Hash([]byte("fallback_manager.handler.address")), common.BytesToHash(fallback[:])},
				} {
					if got := must[[]byte](t)(c.Client().StorageAt(ctx, at, word.slot, nil)); common.BytesToHash(got) != word.want {
						t.Errorf("%s is %x, want %s", what, got, word.want)
					}
				}
			})
		}
	}
}

func TestASafeThatCannotBeIsRefused(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	owner := []common.Address{devnet.Address(1)}
	for name, refused := range map[string]struct {
		cfg  devnet.SafeConfig
		want string
	}{
		"a version that devnet has not":    {devnet.SafeConfig{Version: "1.1.0", Owners: owner, Threshold: 1}, "1.1.0"},
		"an L2 singleton before there was": {devnet.SafeConfig{Version: "1.2.0", L2: true, Owners: owner, Threshold: 1}, "no L2 singleton"},
		"a handler before there was":       {devnet.SafeConfig{Version: "1.0.0", Fallback: devnet.Address(1), Owners: owner, Threshold: 1}, "no fallback handler"},
		"a threshold above the owners":     {devnet.SafeConfig{Owners: owner, Threshold: 2}, "reverted"},
		"a threshold of zero":              {devnet.SafeConfig{Owners: owner}, "reverted"},
		"no owner at all, and one needed":  {devnet.SafeConfig{Threshold: 1}, "reverted"},
	} {
		if _, err := c.DeploySafe(ctx, refused.cfg); err == nil || !strings.Contains(err.Error(), refused.want) {
			t.Errorf("%s: %v, want %q", name, err, refused.want)
		}
	}
}

func isCustom(err error, contract abi.ABI, name string) bool {
	var reverted *devnet.Reverted
	selector := contract.Errors[name].ID
	return errors.As(err, &reverted) && len(reverted.Data) >= 4 && string(reverted.Data[:4]) == string(selector[:4])
}

func TestTheStackIsSetUpAsACarefulProtocolWould(t *testing.T) {
	ctx := testContext(t)
	s := newStack(t, devnet.Config{Manual: true}, devnet.StackConfig{MinDelay: time.Minute})
	timelock := must[*devnet.Artifact](t)(devnet.TimelockArtifact()).ABI
	role := func(name string) [32]byte { return read(t, s.Chain, timelock, s.Timelock, name)[0].([32]byte) }
	has := func(role [32]byte, who common.Address) bool {
		return read(t, s.Chain, timelock, s.Timelock, "hasRole", role, who)[0].(bool)
	}
	for name, want := range map[string]struct {
		role [32]byte
		who  common.Address
		has  bool
	}{
		"the Safe proposes":                 {role("PROPOSER_ROLE"), s.Guardian, true},
		"the Safe cancels":                  {role("CANCELLER_ROLE"), s.Guardian, true},
		"anyone executes":                   {role("EXECUTOR_ROLE"), common.Address{}, true},
		"the timelock is its own admin":     {role("DEFAULT_ADMIN_ROLE"), s.Timelock, true},
		"the deployer is no admin":          {role("DEFAULT_ADMIN_ROLE"), devnet.Address(devnet.DeployerKey), false},
		"the relayer does not propose":      {role("PROPOSER_ROLE"), devnet.Address(devnet.RelayerKey), false},
		"an emergency relayer cancels none": {role("CANCELLER_ROLE"), devnet.Address(devnet.EmergencyKeyOne), false},
	} {
		if got := has(want.role, want.who); got != want.has {
			t.Errorf("%s: hasRole says %t", name, got)
		}
	}
	market := own(t, "Market").ABI
	if guardian := read(t, s.Chain, market, s.Market, "guardian")[0]; guardian != s.Guardian {
		t.Errorf("guardian of the market is %s", guardian)
	}
	if admin := read(t, s.Chain, market, s.Market, "admin")[0]; admin != s.Timelock {
		t.Errorf("admin of the market is %s", admin)
	}
	logs := must[[]types.Log](t)(logsFrom(ctx, s))
	if len(logs) == 0 {
		t.Error("the timelock has no log from TimelockBlock on")
	}
}

func logsFrom(ctx context.Context, s *devnet.Stack) ([]types.Log, error) {
	return s.Chain.Client().FilterLogs(ctx, queryFrom(s.TimelockBlock, s.Timelock))
}
