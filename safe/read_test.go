package safe_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe"
)

// safeABI is written down from the contract's interface, so that go-ethereum's encoder checks ours.
const safeABI = `[
{"type":"function","name":"nonce","inputs":[]},
{"type":"function","name":"getOwners","inputs":[]},
{"type":"function","name":"getThreshold","inputs":[]},
{"type":"function","name":"VERSION","inputs":[]},
{"type":"function","name":"domainSeparator","inputs":[]},
{"type":"function","name":"isOwner","inputs":[{"type":"address"}]},
{"type":"function","name":"approvedHashes","inputs":[{"type":"address"},{"type":"bytes32"}]},
{"type":"function","name":"approveHash","inputs":[{"type":"bytes32"}]},
{"type":"function","name":"getModulesPaginated","inputs":[{"type":"address"},{"type":"uint256"}]},
{"type":"function","name":"getTransactionHash","inputs":[{"type":"address"},{"type":"uint256"},{"type":"bytes"},{"type":"uint8"},{"type":"uint256"},{"type":"uint256"},{"type":"uint256"},{"type":"address"},{"type":"address"},{"type":"uint256"}]},
{"type":"function","name":"execTransaction","inputs":[{"type":"address"},{"type":"uint256"},{"type":"bytes"},{"type":"uint8"},{"type":"uint256"},{"type":"uint256"},{"type":"uint256"},{"type":"address"},{"type":"address"},{"type":"bytes"}]},
{"type":"function","name":"isValidSignature","inputs":[{"type":"bytes32"},{"type":"bytes"}]}
]`

func TestCallsAreEncodedAsTheABISays(t *testing.T) {
	parsed, err := abi.JSON(strings.NewReader(safeABI))
	if err != nil {
		t.Fatal(err)
	}
	me, owner, hash := addr("0x5afe"), addr("0x0e"), pauseHash
	tx := ownVector(t, "util-eth-6-multisend").tx(t)
	tx.SafeTxGas.SetUint64(1)
	tx.BaseGas.SetUint64(2)
	tx.GasPrice.SetUint64(3)
	fields := []any{tx.To, tx.Value.ToBig(), tx.Data, uint8(tx.Operation), tx.SafeTxGas.ToBig(), tx.BaseGas.ToBig(), tx.GasPrice.ToBig(), tx.GasToken, tx.RefundReceiver}
	size := dec(t, "10")
	number := dec(t, "6")
	h := safe.Hashes{SafeTx: hash}
	for _, tt := range []struct {
		name string
		got  []byte
		args []any
	}{
		{"nonce", safe.NonceCall(me).Data, nil},
		{"getOwners", safe.OwnersCall(me).Data, nil},
		{"getThreshold", safe.ThresholdCall(me).Data, nil},
		{"VERSION", safe.VersionCall(me).Data, nil},
		{"domainSeparator", safe.DomainCall(me).Data, nil},
		{"isOwner", safe.IsOwnerCall(me, owner).Data, []any{owner}},
		{"approvedHashes", safe.ApprovedHashCall(me, owner, hash).Data, []any{owner, hash}},
		{"approveHash", safe.ApproveHashCall(me, hash).Data, []any{hash}},
		{"getModulesPaginated", safe.ModulesPageCall(me, safe.ModulesStart, 10).Data, []any{common.BytesToAddress([]byte{1}), size.ToBig()}},
		{"getTransactionHash", safe.TransactionHashCall(me, tx).Data, append(slices.Clone(fields), number.ToBig())},
		{"execTransaction", safe.EncodeExec(tx, []byte{1, 2}), append(slices.Clone(fields), []byte{1, 2})},
		{"isValidSignature", safe.ContractCheckCall(safe.V1_5_0, owner, h, []byte{9}).Data, []any{hash, []byte{9}}},
	} {
		want, err := parsed.Pack(tt.name, tt.args...)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if !bytes.Equal(tt.got, want) {
			t.Errorf("%s: got\n%x\nwant\n%x", tt.name, tt.got, want)
		}
	}
}

func TestContractOwnersAreAskedAndUnderstoodByVersion(t *testing.T) {
	owner := addr("0x0e")
	h := ownVector(t, "util-eth-6-multisend").hashes()
	legacy, err := abi.JSON(strings.NewReader(`[{"type":"function","name":"isValidSignature","inputs":[{"type":"bytes"},{"type":"bytes"}]}]`))
	if err != nil {
		t.Fatal(err)
	}
	want, err := legacy.Pack("isValidSignature", h.Preimage(), []byte{9})
	if err != nil {
		t.Fatal(err)
	}
	got := safe.ContractCheckCall(safe.V1_4_1, owner, h, []byte{9})
	if got.To != owner || !bytes.Equal(got.Data, want) {
		t.Errorf("1.4.1 asks\n%x\nwant\n%x", got.Data, want)
	}
	oldMagic := common.RightPadBytes(unhex(t, "20c13b0b"), 32)
	newMagic := common.RightPadBytes(unhex(t, "1626ba7e"), 32)
	one := common.LeftPadBytes([]byte{1}, 32)
	for _, tt := range []struct {
		name    string
		version safe.Version
		answer  safe.Result
		want    bool
	}{
		{"1.4.1 wants the old magic", safe.V1_4_1, safe.Result{Data: oldMagic}, true},
		{"1.4.1 refuses the new magic", safe.V1_4_1, safe.Result{Data: newMagic}, false},
		{"1.5.0 wants the new magic", safe.V1_5_0, safe.Result{Data: newMagic}, true},
		{"0.1.0 wants a bool", safe.V0_1_0, safe.Result{Data: one}, true},
		{"1.0.0 refuses a bool", safe.V1_0_0, safe.Result{Data: one}, false},
		{"a revert is a no", safe.V1_4_1, safe.Result{Data: oldMagic, Reverted: true}, false},
		{"an account without code is a no", safe.V1_4_1, safe.Result{}, false},
		{"dirt behind the magic is a no", safe.V1_5_0, safe.Result{Data: append(slices.Clone(newMagic[:31]), 1)}, false},
	} {
		if got := safe.DecodeContractCheck(tt.version, tt.answer); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func words(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, common.LeftPadBytes(common.FromHex(p), 32)...)
	}
	return b
}

func TestAnswersAreRead(t *testing.T) {
	if n, err := safe.DecodeNonce(safe.Result{Data: words("0x2a")}); n != 42 || err != nil {
		t.Errorf("nonce: %d, %v", n, err)
	}
	owners, err := safe.DecodeOwners(safe.Result{Data: words("0x20", "0x2", "0xaa", "0xbb")})
	if err != nil || !slices.Equal(owners, []common.Address{addr("0xaa"), addr("0xbb")}) {
		t.Errorf("owners: %v, %v", owners, err)
	}
	modules, err := safe.DecodeModulesPage(safe.Result{Data: words("0x40", "0x1", "0x1", "0xcc")})
	if err != nil || !slices.Equal(modules, []common.Address{addr("0xcc")}) {
		t.Errorf("modules: %v, %v", modules, err)
	}
	version := append(words("0x20", "0x5"), common.RightPadBytes([]byte("1.4.1"), 32)...)
	if v, err := safe.DecodeVersion(safe.Result{Data: version}); v != safe.V1_4_1 || err != nil {
		t.Errorf("version: %v, %v", v, err)
	}
	if yes, err := safe.DecodeApproved(safe.Result{Data: words("0x7")}); !yes || err != nil {
		t.Errorf("approved: %v, %v", yes, err)
	}
	if n, err := safe.DecodeThreshold(safe.Result{Data: words("0x3")}); n != 3 || err != nil {
		t.Errorf("threshold: %v, %v", n, err)
	}
	if h, err := safe.DecodeHash(safe.Result{Data: pauseHash[:]}); h != pauseHash || err != nil {
		t.Errorf("hash: %v, %v", h, err)
	}
	if yes, err := safe.DecodeBool(safe.Result{Data: words("0x1")}); !yes || err != nil {
		t.Errorf("bool: %v, %v", yes, err)
	}
}

func TestStrangeAnswersAreRefused(t *testing.T) {
	huge := "0x" + strings.Repeat("ff", 32)
	nonce := func(r safe.Result) error { _, err := safe.DecodeNonce(r); return err }
	owners := func(r safe.Result) error { _, err := safe.DecodeOwners(r); return err }
	for _, tt := range []struct {
		name   string
		decode func(safe.Result) error
		answer safe.Result
		want   error
	}{
		{"no contract there", nonce, safe.Result{}, safe.ErrBadAnswer},
		{"a revert", nonce, safe.Result{Reverted: true}, safe.ErrReverted},
		{"a nonce beyond 64 bits", nonce, safe.Result{Data: words(huge)}, safe.ErrBadAnswer},
		{"two words for a nonce", nonce, safe.Result{Data: words("0x1", "0x2")}, safe.ErrBadAnswer},
		{"owners elsewhere", owners, safe.Result{Data: words("0x40", "0x0")}, safe.ErrBadAnswer},
		{"2^256 owners", owners, safe.Result{Data: words("0x20", huge)}, safe.ErrBadAnswer},
		{"fewer owners than said", owners, safe.Result{Data: words("0x20", "0x2", "0xaa")}, safe.ErrBadAnswer},
		{"more owners than said", owners, safe.Result{Data: words("0x20", "0x1", "0xaa", "0xbb")}, safe.ErrBadAnswer},
		{"an owner of 32 bytes", owners, safe.Result{Data: words("0x20", "0x1", huge)}, safe.ErrBadAnswer},
		{"a bool of 2", func(r safe.Result) error { _, err := safe.DecodeBool(r); return err }, safe.Result{Data: words("0x2")}, safe.ErrBadAnswer},
		{"a threshold of 2^40", func(r safe.Result) error { _, err := safe.DecodeThreshold(r); return err }, safe.Result{Data: words("0x10000000000")}, safe.ErrBadAnswer},
		{"an unknown version", func(r safe.Result) error { _, err := safe.DecodeVersion(r); return err },
			safe.Result{Data: append(words("0x20", "0x5"), common.RightPadBytes([]byte("9.9.9"), 32)...)}, safe.ErrUnsupportedVersion},
	} {
		if err := tt.decode(tt.answer); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestSlotsAreWhereTheContractsPutThem(t *testing.T) {
	for name, slot := range map[string]common.Hash{
		"guard_manager.guard.address":         safe.SlotGuard,
		"module_manager.module_guard.address": safe.SlotModuleGuard,
		"fallback_manager.handler.address":    safe.SlotFallbackHandler,
	} {
		if got := crypto.Keccak256Hash([]byte(name)); got != slot {
			t.Errorf("%s is at %s, not %s", name, got, slot)
		}
	}
	owner := addr("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
	if got, want := safe.OwnerSlot(owner), crypto.Keccak256Hash(common.LeftPadBytes(owner[:], 32), words("0x2")); got != want {
		t.Errorf("owner slot is %s, want %s", got, want)
	}
	if safe.OwnerSlot(owner) == safe.ModuleSlot(owner) {
		t.Error("owners and modules share a slot")
	}
	if got := safe.AddressInSlot(common.BytesToHash(words("0x010000000000000000000000" + owner.Hex()[2:]))); got != owner {
		t.Errorf("a packed address reads as %s", got)
	}
}

func FuzzDecodeAnswers(f *testing.F) {
	f.Add(words("0x20", "0x1", "0xaa"))
	f.Add(words("0x40", "0x1", "0x1", "0xcc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := safe.Result{Data: data}
		owners, err := safe.DecodeOwners(r)
		if err == nil && len(owners)*32+64 != len(data) {
			t.Fatalf("%d owners from %d bytes", len(owners), len(data))
		}
		if modules, err := safe.DecodeModulesPage(r); err == nil && len(modules)*32+96 != len(data) {
			t.Fatalf("%d modules from %d bytes", len(modules), len(data))
		}
		_, _ = safe.DecodeVersion(r)
		_, _ = safe.DecodeNonce(r)
	})
}
