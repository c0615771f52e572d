package coordinator

import (
	"crypto/ecdsa"
	"encoding/json"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

func hashOf(v governance.View) common.Hash { return common.HexToHash(v.SafeTxHash) }

// wallet signs typed data as wallets do, by an implementation that is not ours.
func (r *rig) wallet(key *ecdsa.PrivateKey, data TypedData) ([]byte, time.Time) {
	r.t.Helper()
	var typed apitypes.TypedData
	if err := json.Unmarshal(data, &typed); err != nil {
		r.t.Fatal(err)
	}
	hash, _, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		r.t.Fatal(err)
	}
	var at struct{ Message struct{ At json.Number } }
	if err := json.Unmarshal(data, &at); err != nil {
		r.t.Fatal(err)
	}
	seconds, err := at.Message.At.Int64()
	if err != nil {
		r.t.Fatal(err)
	}
	return signature(key, common.BytesToHash(hash)), time.Unix(seconds, 0)
}

// states has a wallet say something about a proposal.
func (r *rig) states(key *ecdsa.PrivateKey, id string, action governance.Action, text string) (governance.View, error) {
	r.t.Helper()
	data, err := r.c.StatementData(r.t.Context(), id, action, text)
	if err != nil {
		return governance.View{}, err
	}
	sig, at := r.wallet(key, data)
	return r.c.State(r.t.Context(), Said{Proposal: id, Action: action, Text: text, At: at, Signature: sig})
}

func TestABlockingMinorityOfWalletsEndsAPause(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.sign(v, v.SafeTxHash, alice)
		for _, key := range []*ecdsa.PrivateKey{bob, carol} {
			if _, err := r.states(key, v.ID, governance.ActionObject, "it is a false alarm"); err != nil {
				t.Fatal(err)
			}
		}
		if p := r.stored(v.ID); p.State != governance.StateCanceled {
			t.Errorf("it is %s", p.State)
		}
	})
}

func TestWhatAWalletCannotSay(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.setLtv("4000")
		data, err := r.c.StatementData(t.Context(), v.ID, governance.ActionObject, "no")
		if err != nil {
			t.Fatal(err)
		}
		sig, at := r.wallet(carol, data)
		good := Said{Proposal: v.ID, Action: governance.ActionObject, Text: "no", At: at, Signature: sig}
		other := r.propose(Intent{Playbook: "secret", Params: map[string]string{"asset": "usdc", "ltv": "1"}})
		for name, c := range map[string]struct {
			change func(*Said)
			code   governance.Code
		}{
			"another text":            {func(s *Said) { s.Text = "yes" }, governance.CodeNotOwner},
			"another action":          {func(s *Said) { s.Action = governance.ActionWithdraw }, governance.CodeNotOwner},
			"another proposal":        {func(s *Said) { s.Proposal = other.ID }, governance.CodeNotOwner},
			"another time":            {func(s *Said) { s.At = s.At.Add(time.Second) }, governance.CodeNotOwner},
			"a stranger's wallet":     {func(s *Said) { s.Signature, _ = r.wallet(mallory, data) }, governance.CodeNotOwner},
			"no signature":            {func(s *Said) { s.Signature = nil }, governance.CodeMalformedSignature},
			"an action of the config": {func(s *Said) { s.Action = governance.ActionManifest }, governance.CodeBadValue},
			"a book":                  {func(s *Said) { s.Text = string(make([]byte, maxText+1)) }, governance.CodeBadValue},
			"no proposal":             {func(s *Said) { s.Proposal = "P-77" }, governance.CodeNotFound},
		} {
			in := good
			c.change(&in)
			if _, err := r.c.State(t.Context(), in); err == nil {
				t.Errorf("%s is taken", name)
			} else {
				refused(t, err, c.code)
			}
		}
		r.pass(16 * time.Minute)
		_, err = r.c.State(t.Context(), good)
		refused(t, err, governance.CodeStaleHash)
	})
}

// TestAMemberProposesWithAWallet: chat may be down, and the operator asleep.
func TestAMemberProposesWithAWallet(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		in := Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}, Reason: "the oracle is off"}
		data, err := r.c.IntentData(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		sig, at := r.wallet(alice, data)
		for name, change := range map[string]func(*Intent){
			"other values":   func(in *Intent) { in.Params = map[string]string{"asset": "weth"} },
			"another reason": func(in *Intent) { in.Reason = "" },
			"by force":       func(in *Intent) { in.Force = true },
			"another one":    func(in *Intent) { in.Playbook = "pause-both" },
		} {
			other := in
			change(&other)
			if _, err := r.c.ProposeSigned(t.Context(), other, at, sig); err == nil {
				t.Errorf("%s: it is taken for signed", name)
			}
		}
		byBob := in
		byBob.Member = "bob"
		_, err = r.c.ProposeSigned(t.Context(), byBob, at, sig)
		refused(t, err, governance.CodeNotPermitted, "is the wallet of alice")
		done, err := r.c.ProposeSigned(t.Context(), in, at, sig)
		if err != nil || done.View.Proposer != "alice" {
			t.Fatalf("%+v %v", done.View.Proposer, err)
		}
		if again, err := r.c.ProposeSigned(t.Context(), in, at, sig); err != nil || !again.Joined {
			t.Errorf("sent twice: %+v %v", again, err)
		}
		carols, at := r.wallet(carol, data)
		_, err = r.c.ProposeSigned(t.Context(), in, at, carols)
		refused(t, err, governance.CodeNotPermitted, "may be proposed by guardian only")
	})
}

// TestTheRolesApproveWithTheirWallets, and only then owners are asked.
func TestTheRolesApproveWithTheirWallets(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "approved-ltv", Params: map[string]string{"asset": "usdc", "ltv": "4000"}})
		if v.Status != "Needs approval by signer" {
			t.Errorf("its status is %q", v.Status)
		}
		_, err := r.confirm(bob, v.ID, hashOf(v))
		refused(t, err, governance.CodeNotPermitted, "signer must approve it first")
		if _, err := r.states(carol, v.ID, governance.ActionApprove, "looked at it"); err != nil {
			t.Fatal(err)
		}
		r.sign(v, v.SafeTxHash, bob, carol)
		r.ends(v.ID, governance.StateExecuted, "ltv 4000")
	})
}
