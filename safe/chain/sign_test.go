package chain

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/holiman/uint256"

	"belay/safe"
	"belay/safe/devnet"
)

var errUnknownOperation = errors.New("no such operation")

func testSigner() *Signer {
	return NewSigner(31337, devnet.Key(devnet.RelayerKey), Policy{
		Safes: []common.Address{guardian}, Timelocks: []common.Address{timelock},
		CheckOperation: func(to common.Address, data []byte) error {
			if to != timelock || data[len(data)-1] != 1 {
				return errUnknownOperation
			}
			return nil
		},
	})
}

func testOrder() safe.Order {
	return safe.Order{
		ChainID: 31337, To: guardian, Nonce: 4, Gas: 200_000,
		Data:   safe.EncodeExec(safe.Tx{To: timelock, Nonce: 7}, make([]byte, 65)),
		FeeCap: *uint256.NewInt(300), TipCap: *uint256.NewInt(2),
	}
}

func TestASignedOrderIsTheTransactionThatWasOrdered(t *testing.T) {
	s, o := testSigner(), testOrder()
	raw, hash, err := s.Sign(o)
	if err != nil {
		t.Fatal(err)
	}
	var tx types.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		t.Fatal(err)
	}
	from := must[common.Address](t)(types.Sender(types.LatestSignerForChainID(big.NewInt(31337)), &tx))
	if from != s.Address() || from != devnet.Address(devnet.RelayerKey) {
		t.Errorf("signed by %s", from)
	}
	if tx.Type() != types.DynamicFeeTxType || tx.Hash() != hash || hash != crypto.Keccak256Hash(raw) || *tx.To() != guardian || tx.Nonce() != 4 || tx.Gas() != 200_000 ||
		tx.Value().Sign() != 0 || tx.GasFeeCap().Int64() != 300 || tx.GasTipCap().Int64() != 2 || string(tx.Data()) != string(o.Data) || len(tx.AccessList()) != 0 {
		t.Errorf("signed %+v", &tx)
	}
	again, _, err := s.Sign(o)
	if err != nil || string(again) != string(raw) {
		t.Error("the same order gave other bytes")
	}
}

func TestOnlyTwoShapesAreSigned(t *testing.T) {
	operation := func(selector []byte, last byte) []byte { return append(append([]byte{}, selector...), 0, last) }
	refund := safe.Tx{To: timelock}
	refund.GasPrice.SetUint64(1)
	for name, test := range map[string]struct {
		change func(*safe.Order)
		want   string // empty: allowed
	}{
		"execTransaction on the Safe":       {func(*safe.Order) {}, ""},
		"execution of a known operation":    {func(o *safe.Order) { o.To, o.Data = timelock, operation(executeSelector, 1) }, ""},
		"execution of a known batch":        {func(o *safe.Order) { o.To, o.Data = timelock, operation(executeBatchSelector, 1) }, ""},
		"the whole gas of a transaction":    {func(o *safe.Order) { o.Gas = 1 << 24 }, ""},
		"execution of an unknown operation": {func(o *safe.Order) { o.To, o.Data = timelock, operation(executeSelector, 2) }, "no such operation"},
		"scheduling": {func(o *safe.Order) {
			o.To, o.Data = timelock, operation(selector("schedule(address,uint256,bytes,bytes32,bytes32,uint256)"), 1)
		}, "only execute and executeBatch"},
		"execTransaction on the timelock":       {func(o *safe.Order) { o.To = timelock }, "only execute and executeBatch"},
		"timelock execution on the Safe":        {func(o *safe.Order) { o.Data = operation(executeSelector, 1) }, "no execTransaction"},
		"nothing on the timelock":               {func(o *safe.Order) { o.To, o.Data = timelock, nil }, "only execute and executeBatch"},
		"nothing on the Safe":                   {func(o *safe.Order) { o.Data = nil }, "no execTransaction"},
		"approveHash on the Safe":               {func(o *safe.Order) { o.Data = safe.ApproveHashCall(guardian, common.Hash{1}).Data }, "no execTransaction"},
		"execTransaction with something behind": {func(o *safe.Order) { o.Data = append(o.Data, 0) }, "no execTransaction"},
		"execTransaction that refunds":          {func(o *safe.Order) { o.Data = safe.EncodeExec(refund, make([]byte, 65)) }, "refunds gas"},
		"a call of another contract":            {func(o *safe.Order) { o.To = common.Address{1} }, "neither a configured Safe nor a configured timelock"},
		"another chain":                         {func(o *safe.Order) { o.ChainID = 1 }, "for chain 1, the key for 31337"},
		"no chain":                              {func(o *safe.Order) { o.ChainID = 0 }, "for chain 0"},
		"more gas than a transaction can have":  {func(o *safe.Order) { o.Gas = 1<<24 + 1 }, "not within the cap of 16777216"},
		"no gas":                                {func(o *safe.Order) { o.Gas = 0 }, "not within the cap"},
		"no fee":                                {func(o *safe.Order) { o.FeeCap.Clear(); o.TipCap.Clear() }, "the fee cap is zero or below the tip"},
		"a tip above the fee cap":               {func(o *safe.Order) { o.TipCap = *uint256.NewInt(301) }, "the fee cap is zero or below the tip"},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOrder()
			test.change(&o)
			raw, _, err := testSigner().Sign(o)
			if test.want == "" {
				wants(t, err, nil)
				return
			}
			wants(t, err, ErrPolicy, test.want)
			if raw != nil {
				t.Error("bytes came with the refusal")
			}
		})
	}
}

func TestWithoutACheckNoOperationIsKnown(t *testing.T) {
	s := NewSigner(31337, devnet.Key(1), Policy{Timelocks: []common.Address{timelock}})
	o := testOrder()
	o.To, o.Data = timelock, executeSelector
	_, _, err := s.Sign(o)
	wants(t, err, ErrPolicy, "no timelock operation is known")
}

func TestASignerPrintsAsItsAddressOnly(t *testing.T) {
	s := testSigner()
	key := devnet.Key(devnet.RelayerKey)
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
		fmt.Fprintf(&out, verb+" ", s)
		fmt.Fprintf(&out, verb+" ", []any{s, map[string]*Signer{"relayer": s}})
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("key", "signer", s, "group", slog.GroupValue(slog.Any("signer", s)))
	text, err := json.Marshal(s) //nolint:staticcheck // that nothing is exported is what the test is about
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	for _, form := range []string{hex.EncodeToString(crypto.FromECDSA(key)), key.D.String(), strings.ToUpper(key.D.Text(16))} { //nolint:staticcheck // every form in which a key could leak
		if strings.Contains(out.String(), form) {
			t.Errorf("the key is in %s", out.String())
		}
	}
	if !strings.Contains(out.String(), s.Address().Hex()) {
		t.Error("the address is nowhere")
	}
}

func TestAKeyIsReadFromAFileThatNobodyElseCanRead(t *testing.T) {
	digits := hex.EncodeToString(crypto.FromECDSA(devnet.Key(3)))
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		want string // empty: it loads
	}{
		"digits":                {digits, 0o600, ""},
		"digits with 0x":        {"0x" + digits + "\n", 0o600, ""},
		"read only":             {digits + "\r\n", 0o400, ""},
		"readable by the group": {digits, 0o640, "can be read by others (mode 0640)"},
		"readable by the world": {digits, 0o604, "can be read by others (mode 0604)"},
		"writable by the world": {digits, 0o602, "can be read by others (mode 0602)"},
		"a digit too few":       {digits[1:], 0o600, "does not hold 64 hexadecimal digits"},
		"no digits":             {strings.Repeat("z", 64), 0o600, "does not hold 64 hexadecimal digits"},
		"zero":                  {strings.Repeat("0", 64), 0o600, "does not hold 64 hexadecimal digits"},
		"empty":                 {"", 0o600, "does not hold 64 hexadecimal digits"},
		"a keystore":            {`{"crypto":{}}`, 0o600, "does not hold 64 hexadecimal digits"},
		"something long":        {strings.Repeat(digits, 20), 0o600, "is too long for a key"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "relayer")
			if err := os.WriteFile(file, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, test.mode); err != nil { // past the umask
				t.Fatal(err)
			}
			key, err := LoadKey(file)
			if test.want == "" {
				if err != nil || !key.Equal(devnet.Key(3)) {
					t.Errorf("key is not the one in the file: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), digits[1:]) {
				t.Errorf("error is %v, want %q and nothing of the file", err, test.want)
			}
		})
	}
	if _, err := LoadKey(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
	if _, err := LoadKey(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("error is %v", err)
	}
}
