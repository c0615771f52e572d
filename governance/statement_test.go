package governance_test

import (
	"encoding/json"
	"testing"
	"time"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

// said is one statement of each action.
func said(action governance.Action) governance.Statement {
	return governance.Statement{Action: action, Topic: "P-12", Subject: common.Hash{7}, Text: "too \"high\" – 9 %", Site: "https://belay.example.org", At: time.Unix(1_700_000_000, 0)}
}

// TestAWalletHashesAStatementAsWeDo: what a wallet is shown is what is checked, by an implementation that is not ours.
func TestAWalletHashesAStatementAsWeDo(t *testing.T) {
	for _, action := range []governance.Action{governance.ActionObject, governance.ActionLift, governance.ActionWithdraw, governance.ActionApprove, governance.ActionPropose, governance.ActionManifest} {
		s := said(action)
		document, err := json.Marshal(s.TypedData())
		if err != nil {
			t.Fatal(err)
		}
		var typed apitypes.TypedData
		if err := json.Unmarshal(document, &typed); err != nil {
			t.Fatal(err)
		}
		theirs, _, err := apitypes.TypedDataAndHash(typed)
		if err != nil {
			t.Fatal(err)
		}
		if common.BytesToHash(theirs) != s.Hash() {
			t.Errorf("%s: apitypes hashes %x, we %s", action, theirs, s.Hash())
		}
		if typed.Message["statement"] == "" {
			t.Errorf("%s says nothing on the wallet's screen", action)
		}
	}
}

// TestEveryPartOfAStatementIsSigned: no field can be changed behind a signature.
func TestEveryPartOfAStatementIsSigned(t *testing.T) {
	base := said(governance.ActionObject)
	hashes := map[common.Hash]string{base.Hash(): "itself"}
	for what, change := range map[string]func(*governance.Statement){
		"action":  func(s *governance.Statement) { s.Action = governance.ActionLift },
		"topic":   func(s *governance.Statement) { s.Topic = "P-13" },
		"subject": func(s *governance.Statement) { s.Subject[31]++ },
		"text":    func(s *governance.Statement) { s.Text += "." },
		"site":    func(s *governance.Statement) { s.Site += "x" },
		"at":      func(s *governance.Statement) { s.At = s.At.Add(time.Second) },
	} {
		other := base
		change(&other)
		if same, seen := hashes[other.Hash()]; seen {
			t.Errorf("%s changes nothing in the hash of %s", what, same)
		}
		hashes[other.Hash()] = what
	}
}

func TestAStatementOfAnotherTimeIsRefused(t *testing.T) {
	s := said(governance.ActionObject)
	for after, fresh := range map[time.Duration]bool{0: true, 15 * time.Minute: true, 15*time.Minute + time.Second: false, -2 * time.Minute: true, -2*time.Minute - time.Second: false} {
		if err := s.Fresh(s.At.Add(after)); (err == nil) != fresh {
			t.Errorf("%s after it was signed: %v", after, err)
		}
	}
}
