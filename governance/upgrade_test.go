package governance_test

import (
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"
)

// runsCode is an agreed reading of a Safe with other code, at nonce 7.
func runsCode(version safe.Version, block uint64, verified safe.Verification) governance.SafeSeen {
	s := seen(7, block, 2, owners...)
	s.State.Version, s.State.Verified = version, verified
	return s
}

// TestASafeThatIsUpgradedInPlace: signatures hold for as long as the Safe hashes by the same rule, and no longer. An emergency is
// asked again at once.
func TestASafeThatIsUpgradedInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		kind     governance.Kind
		to       safe.Version
		want     governance.State
		rebuilds int
		tells    string
	}{
		"a pause, another rule":       {governance.KindPause, safe.V1_1_1, governance.StateProposed, 1, "cannot be executed"},
		"a parameter, another rule":   {governance.KindParameter, safe.V1_1_1, governance.StateSuperseded, 0, "propose it again"},
		"a pause, the same rule":      {governance.KindPause, safe.V1_5_0, governance.StateApproved, 0, "what wallets signed still holds"},
		"a parameter, the same rule":  {governance.KindParameter, safe.V1_3_0, governance.StateApproved, 0, "what wallets signed still holds"},
		"a pause, by the oldest rule": {governance.KindPause, safe.V0_1_0, governance.StateProposed, 1, "cannot be executed"},
	} {
		t.Run(name, func(t *testing.T) {
			s := signed(t, c.kind, 0, false)
			s.does(runsCode(c.to, 101, safe.VerifiedByCode)).is(c.want).owes(governance.DutyRebuild, c.rebuilds)
			if s.p.Safe.Version != c.to {
				t.Errorf("the Safe's version is %s", s.p.Safe.Version)
			}
			if last := s.events[len(s.events)-1].Text + s.events[max(0, len(s.events)-2)].Text; !strings.Contains(last, c.tells) {
				t.Errorf("told %q, want %q", last, c.tells)
			}
			s.does(runsCode(c.to, 102, safe.VerifiedByCode)).is(c.want) // the same again tells nothing
		})
	}
}

// TestAnUpgradeThatIsTakenBackRevivesSignatures: by a reorganisation, or by the owners.
func TestAnUpgradeThatIsTakenBackRevivesSignatures(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(runsCode(safe.V1_1_1, 101, safe.VerifiedByCode)).is(governance.StateProposed)
	s.refused(s.yes(0, 2), governance.CodeStaleHash)
	s.does(runsCode(safe.V1_4_1, 102, safe.VerifiedByCode)).is(governance.StateApproved)
}

func TestANonceThatComesBackDoesNotReviveAnotherRule(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(runsCode(safe.V1_1_1, 101, safe.VerifiedByCode)).is(governance.StateProposed)
	later := runsCode(safe.V1_1_1, 103, safe.VerifiedByCode)
	later.State.Threshold = 1
	s.does(later).is(governance.StateProposed)
}

func TestCodeThatNobodyPublishedIsToldLoudly(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(runsCode(safe.V1_4_1, 101, safe.VerifiedByProvider)).is(governance.StateApproved)
	if last := s.events[len(s.events)-1]; last.Type != governance.EventUpgraded || !strings.Contains(last.Text, "NOT THAT OF A PUBLISHED RELEASE") {
		t.Errorf("told %+v", last)
	}
	s.does(runsCode(safe.V1_4_1, 102, safe.VerifiedByAddress))
	if last := s.events[len(s.events)-1]; !strings.Contains(last.Text, "is that of a published release") {
		t.Errorf("told %+v", last)
	}
	if v := s.view(governance.AudienceWarRoom); v.Safe.VerifiedBy == string(safe.VerifiedByProvider) {
		t.Errorf("shown as %s", v.Safe.VerifiedBy)
	}
}

// TestCodeWithoutAKnownVersionIsTold: it keeps the version that hashes are computed by, and is not verified any more.
func TestCodeWithoutAKnownVersionIsTold(t *testing.T) {
	s := signed(t, governance.KindPause, 0, false)
	s.does(runsCode(safe.Version{}, 101, safe.VerifiedByProvider)).is(governance.StateApproved)
	if last := s.events[len(s.events)-1].Text; !strings.Contains(last, "NOT THAT OF A PUBLISHED RELEASE") || !strings.Contains(last, "none that was ever released") {
		t.Errorf("told %q", last)
	}
	if s.p.Safe.Version != safe.V1_4_1 || s.p.Safe.Verified != safe.VerifiedByProvider {
		t.Errorf("the Safe is %+v", s.p.Safe)
	}
	// Unpublished code that claims another rule is told as both.
	other := signed(t, governance.KindPause, 0, false)
	other.does(runsCode(safe.V1_1_1, 101, safe.VerifiedByProvider))
	if last := other.events[len(other.events)-1].Text; !strings.Contains(last, "NOT THAT OF A PUBLISHED RELEASE") || !strings.Contains(last, "cannot be executed") {
		t.Errorf("told %q", last)
	}
}

// blind is a pause that was drafted by the word of one provider, which made up height and nonce.
func blind(t *testing.T) *tale {
	draft := drafted(governance.KindPause, 0, false)
	draft.Blind, draft.Unagreed = "one provider's word", true
	draft.ReadAt.Number, draft.SafeNonce = 1<<62, 5000
	for i := range draft.SafeTxs {
		draft.SafeTxs[i].Tx.Nonce = 5000 + uint64(i)
		draft.SafeTxs[i].Hashes = safe.Hash(draft.Safe.Domain(), draft.SafeTxs[i].Tx)
	}
	s := &tale{t: t, now: start, p: governance.Proposal{ID: "P-1"}}
	return s.does(governance.Propose{Draft: draft})
}

// TestTheFirstAgreedReadingCorrectsAProvidersWord: a pause that one provider misled is asked again where the Safe really is.
func TestTheFirstAgreedReadingCorrectsAProvidersWord(t *testing.T) {
	s := blind(t).does(seen(7, 101, 2, owners...))
	if s.p.SafeNonce != 7 || s.p.ReadAt.Number != 101 || s.p.Unagreed {
		t.Errorf("it believes nonce %d at block %d", s.p.SafeNonce, s.p.ReadAt.Number)
	}
	s.owes(governance.DutyRebuild, 1)
	next := s.p.SafeTxs[0]
	next.State, next.Tx.Nonce, next.Confirmations = governance.TxAsking, 7, []governance.Confirmation{}
	next.Hashes = safe.Hash(s.p.Safe.Domain(), next.Tx)
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{next}, Why: "asked again"}).is(governance.StateProposed)
	if active := s.p.Active(); active.Tx.Nonce != 7 || s.p.NeedsDraft() {
		t.Errorf("active is nonce %d, more drafts wanted: %t", active.Tx.Nonce, s.p.NeedsDraft())
	}
	s.does(seen(7, 100, 1, owners...)) // older than what is agreed
	if s.p.Threshold != 2 {
		t.Error("an older reading was taken")
	}
}

func TestAMisplacedPauseThatWasSignedIsAskedAgainToo(t *testing.T) {
	s := blind(t)
	s.does(s.yes(0, 0)).does(s.yes(0, 1)).is(governance.StateApproved).does(seen(7, 101, 2, owners...)).owes(governance.DutyRebuild, 1)
	next := s.p.SafeTxs[0]
	next.State, next.Tx.Nonce, next.Confirmations = governance.TxAsking, 7, []governance.Confirmation{}
	next.Hashes = safe.Hash(s.p.Safe.Domain(), next.Tx)
	s.does(governance.Rebuilt{SafeTxs: []governance.SafeTx{next}, Why: "asked again"}).is(governance.StateProposed)
}
