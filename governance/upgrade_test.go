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
		"a pause, the same rule":      {governance.KindPause, safe.V1_5_0, governance.StateApproved, 0, "what was signed still holds"},
		"a parameter, the same rule":  {governance.KindParameter, safe.V1_3_0, governance.StateApproved, 0, "what was signed still holds"},
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
