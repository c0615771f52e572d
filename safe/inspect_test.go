package safe_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
)

// The recorded Safes have threshold 2 and the second to fourth account of the well-known development mnemonic as owners.
var recordedOwners = []common.Address{
	addr("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"),
	addr("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"),
	addr("0x90F79bf6EB2c4f870365E785982E1f101E93b906"),
}

// Each packed blob was sent to a real Safe. What the bytes alone can tell has to agree with what the chain said.
func TestInspectAgreesWithTheChain(t *testing.T) {
	var file struct{ Vectors []vector }
	sharedVectors(t, "safe_onchain.json", &file)
	judged := 0
	for _, v := range file.Vectors {
		if v.Result == nil {
			continue
		}
		judged++
		t.Run(v.ID, func(t *testing.T) {
			// The Safe hashes with its own nonce, whatever the signers had in mind.
			tx := v.tx(t)
			tx.Nonce = nonce(t, v.NonceBefore)
			verdicts := safe.Inspect(safe.Hash(v.domain(t), tx).SafeTx, v.Packed, 2, recordedOwners)
			got := verdicts[len(verdicts)-1].Code
			want := ""
			if strings.HasPrefix(v.Result.Reason, "GS02") {
				want = v.Result.Reason
			}
			if want == "GS025" { // only the chain knows what is approved there
				if !slices.ContainsFunc(verdicts, func(v safe.Verdict) bool { return v.Unproven }) {
					t.Errorf("an approved hash is taken for proven: %+v", verdicts)
				}
				want = ""
			}
			if got != want {
				t.Errorf("got %q from %+v, the chain said %q", got, verdicts, v.Result.Reason)
			}
		})
	}
	if judged < 30 {
		t.Errorf("only %d blobs were judged", judged)
	}
}

func TestInspectNamesTheSlotThatFails(t *testing.T) {
	a, b := signed(1), signed(2)
	if a.Owner.Cmp(b.Owner) > 0 {
		a, b = b, a
	}
	stranger := signed(3)
	owners := []common.Address{a.Owner, b.Owner}
	join := func(cs ...safe.Confirmation) (blob []byte) {
		for _, c := range cs {
			blob = append(blob, c.Signature...)
		}
		return blob
	}
	tests := []struct {
		name string
		blob []byte
		slot int
		code string
	}{
		{"both good", join(a, b), 1, ""},
		{"out of order", join(b, a), 1, "GS026"},
		{"twice the same", join(a, a), 1, "GS026"},
		{"a stranger first", join(stranger, b), 0, "GS026"},
		{"too short", join(a), 0, "GS020"},
		{"a partial slot does not count", append(join(a), make([]byte, 64)...), 0, "GS020"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			verdicts := safe.Inspect(pauseHash, tt.blob, 2, owners)
			last := verdicts[len(verdicts)-1]
			if last.Slot != tt.slot || last.Code != tt.code || last.OK() != (tt.code == "") {
				t.Errorf("got %+v, want slot %d with %q", last, tt.slot, tt.code)
			}
		})
	}
	if v := safe.Inspect(pauseHash, nil, 0, owners); v[0].Code != "GS001" {
		t.Errorf("without a threshold: %+v", v)
	}
}

func TestInspectReadsContractSlotsAsTheContractDoes(t *testing.T) {
	c := contract(1, []byte("proof"))
	good, err := safe.Pack([]safe.Confirmation{c}, 1)
	if err != nil {
		t.Fatal(err)
	}
	patched := func(at int, b byte) []byte {
		blob := slices.Clone(good)
		blob[at] = b
		return blob
	}
	for name, tt := range map[string]struct {
		blob []byte
		code string
	}{
		"in order":                 {good, ""},
		"bytes behind are ignored": {append(slices.Clone(good), 1, 2, 3), ""},
		"into the fixed part":      {patched(63, 64), "GS021"},
		"length word missing":      {patched(63, byte(len(good)-31)), "GS022"},
		"offset beyond 64 bits":    {patched(32, 1), "GS022"},
		"data missing":             {good[:len(good)-1], "GS023"},
		"length beyond 64 bits":    {patched(65, 1), "GS023"},
	} {
		if v := safe.Inspect(pauseHash, tt.blob, 1, []common.Address{c.Owner}); v[0].Code != tt.code || !v[0].Unproven {
			t.Errorf("%s: got %+v, want %q", name, v[0], tt.code)
		}
	}
}
