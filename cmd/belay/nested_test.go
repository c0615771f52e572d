package main

import (
	"crypto/ecdsa"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

// family is a guardian Safe that has another Safe among its owners.
type family struct {
	*incident
	version safe.Version // of the guardian
	child   common.Address
	parents []*ecdsa.PrivateKey // of the child
}

// newFamily gives the guardian of a version a fourth owner: a Safe of another version that two people own.
func newFamily(t *testing.T, version, childVersion string) *family {
	t.Helper()
	f := &family{incident: newIncidentOf(t, devnet.StackConfig{MinDelay: time.Minute, SafeVersion: version}), parents: []*ecdsa.PrivateKey{devnet.Key(5), devnet.Key(6)}}
	var err error
	if f.version, err = safe.ParseVersion(version); err != nil {
		t.Fatal(err)
	}
	f.child, err = f.stack.Chain.DeploySafe(t.Context(), devnet.SafeConfig{Version: childVersion, Threshold: 2,
		Owners: []common.Address{addressOf(f.parents[0]), addressOf(f.parents[1])}})
	if err != nil {
		t.Fatal(err)
	}
	data := append(crypto.Keccak256([]byte("addOwnerWithThreshold(address,uint256)"))[:4], common.LeftPadBytes(f.child[:], 32)...)
	f.runs(safe.Tx{To: f.stack.Guardian, Data: append(data, common.LeftPadBytes([]byte{2}, 32)...)})
	return f
}

func addressOf(key *ecdsa.PrivateKey) common.Address { return crypto.PubkeyToAddress(key.PublicKey) }

// runs executes a SafeTx of the guardian by hand.
func (f *family) runs(tx safe.Tx) {
	f.t.Helper()
	hash := safe.Hash(safe.Domain{ChainID: f.stack.Chain.ChainID().Uint64(), Safe: f.stack.Guardian, Version: f.version}, tx).SafeTx
	f.send(devnet.Key(15), f.stack.Guardian, safe.EncodeExec(tx, signedByAll(f.t, hash, f.stack.Owners[:2])))
}

func (f *family) send(key *ecdsa.PrivateKey, to common.Address, data []byte) {
	f.t.Helper()
	if _, err := f.stack.Chain.Send(f.t.Context(), key, &to, nil, data); err != nil {
		f.t.Fatal(err)
	}
}

// signedByAll packs a signature of each key.
func signedByAll(t *testing.T, hash common.Hash, keys []*ecdsa.PrivateKey) []byte {
	t.Helper()
	var yes []safe.Confirmation
	for _, key := range keys {
		sig, err := crypto.Sign(hash[:], key)
		if err != nil {
			t.Fatal(err)
		}
		sig[64] += 27
		yes = append(yes, safe.Confirmation{Owner: addressOf(key), Kind: safe.KindECDSA, Signature: sig})
	}
	blob, err := safe.Pack(yes, len(yes))
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

// vouched is what the child's owners sign, so that it vouches for the active transaction of a proposal: the API gives it, a wallet's
// library hashes it.
func (f *family) vouched(v governance.View) []byte {
	f.t.Helper()
	var document apitypes.TypedData
	if code := f.do(http.MethodGet, "/api/v1/proposals/"+v.ID+"/typed-data?owner="+f.child.Hex(), nil, &document); code != http.StatusOK {
		f.t.Fatalf("typed data: %d", code)
	}
	hash, _, err := apitypes.TypedDataAndHash(document)
	if err != nil {
		f.t.Fatal(err)
	}
	return signedByAll(f.t, common.BytesToHash(hash), f.parents)
}

func (f *family) post(v governance.View, owner common.Address, signature []byte) (int, string) {
	f.t.Helper()
	var answer json.RawMessage
	code := f.do(http.MethodPost, "/api/v1/proposals/"+v.ID+"/signatures", map[string]any{"signature": hexutil.Encode(signature),
		"safe_tx_hash": v.SafeTxHash, "owner": owner.Hex(), "kind": "eip1271"}, &answer)
	return code, string(answer)
}

func TestASafeThatOwnsTheGuardianConfirms(t *testing.T) {
	for parent, child := range map[string]string{"1.3.0": "1.4.1", "1.4.1": "1.3.0", "1.5.0": "1.5.0"} {
		t.Run(parent+" owned by "+child, func(t *testing.T) {
			f := newFamily(t, parent, child)
			v := f.propose("pause-reserve", map[string]string{"asset": "usdc"})
			if code, answer := f.post(v, f.child, signedByAll(t, common.HexToHash(v.SafeTxHash), f.parents)); code != http.StatusUnprocessableEntity {
				t.Errorf("signatures over the wrong message got %d %s", code, answer)
			}
			for _, want := range []int{http.StatusCreated, http.StatusOK} {
				if code, answer := f.post(v, f.child, f.vouched(v)); code != want {
					t.Fatalf("the child's word got %d, want %d: %s", code, want, answer)
				}
			}
			if code, answer := f.sign(v, v.SafeTxHash, f.stack.Owners[0]); code != http.StatusCreated {
				t.Fatalf("sign: %d %s", code, answer)
			}
			f.reaches(v.ID, governance.StateExecuted)
			if !f.paused("usdc") {
				t.Error("the chain does not say paused")
			}
		})
	}
}

func TestAHashThatAnOwnerApprovedOnChainCounts(t *testing.T) {
	f := newFamily(t, "1.4.1", "1.4.1")
	v := f.propose("pause-reserve", map[string]string{"asset": "usdc"})
	approve := safe.ApproveHashCall(f.stack.Guardian, common.HexToHash(v.SafeTxHash))
	f.send(f.stack.Owners[2], approve.To, approve.Data)
	f.eventually("the approval counts", func() bool { v = f.get(v.ID); return len(v.Confirmations) == 1 })
	if c := v.Confirmations[0]; c.Kind != string(safe.KindApprovedHash) || c.Via != governance.ViaChain || c.Owner != addressOf(f.stack.Owners[2]).Hex() {
		t.Errorf("confirmed as %+v", c)
	}
	if code, answer := f.sign(v, v.SafeTxHash, f.stack.Owners[0]); code != http.StatusCreated {
		t.Fatalf("sign: %d %s", code, answer)
	}
	f.reaches(v.ID, governance.StateExecuted)
}

func TestASafeThatCannotVouchIsToldWhatItCanDo(t *testing.T) {
	f := newFamily(t, "1.4.1", "1.5.0")
	v := f.propose("pause-reserve", map[string]string{"asset": "usdc"})
	var answer json.RawMessage
	if code := f.do(http.MethodGet, "/api/v1/proposals/"+v.ID+"/typed-data?owner="+f.child.Hex(), nil, &answer); code != http.StatusUnprocessableEntity || !strings.Contains(string(answer), "approveHash") {
		t.Errorf("answered %d %s", code, answer)
	}
	for _, one := range []struct {
		owner string
		want  int
	}{{addressOf(f.stack.Owners[0]).Hex(), http.StatusOK}, {addressOf(devnet.Key(9)).Hex(), http.StatusUnprocessableEntity}} {
		if code := f.do(http.MethodGet, "/api/v1/proposals/"+v.ID+"/typed-data?owner="+one.owner, nil, &answer); code != one.want {
			t.Errorf("for %s answered %d %s, want %d", one.owner, code, answer, one.want)
		}
	}
}
