package governance

import (
	"testing"
	"time"
)

func TestPolicyDefaultsFollowFromTheKind(t *testing.T) {
	for _, c := range []struct {
		kind       Kind
		expires    time.Duration
		visibility Visibility
		spares     int
	}{
		{KindPause, 24 * time.Hour, VisibleAfterExecution, 1},
		{KindCancel, 24 * time.Hour, VisibleAfterExecution, 1},
		{KindUnpause, 72 * time.Hour, VisiblePublic, 0},
		{KindParameter, 72 * time.Hour, VisiblePublic, 0},
		{KindMigrate, 72 * time.Hour, VisibleAfterExecution, 0},
		{KindCustom, 72 * time.Hour, VisiblePrivate, 0},
	} {
		spec := pauseSpec()
		spec.Kind = string(c.kind)
		got := mustCompile(t, spec).Policy
		if got.Expires != c.expires || got.Visibility != c.visibility || got.Spares != c.spares || got.Cooldown != 0 || got.Execute != (Execute{}) {
			t.Errorf("%s: %+v", c.kind, got)
		}
	}
}

func TestAWrittenPolicyIsTaken(t *testing.T) {
	spec := ltvSpec()
	spec.Policy = PolicySpec{Propose: []string{"risk"}, Expires: "7d", Cooldown: "1h30m", Visibility: "private", Execute: "after: 10m"}
	spec.Public = PublicSpec{What: "w", UsersCan: "u", NextUpdate: "30m"}
	p := mustCompile(t, spec)
	if p.Policy.Expires != 7*24*time.Hour || p.Policy.Cooldown != 90*time.Minute || p.Policy.Visibility != VisiblePrivate || p.Policy.Execute.After != 10*time.Minute {
		t.Errorf("policy %+v", p.Policy)
	}
	if p.Public != (PublicText{"w", "u", 30 * time.Minute}) {
		t.Errorf("public %+v", p.Public)
	}
	spec.Policy.Execute = "manual"
	if p := mustCompile(t, spec); !p.Policy.Execute.Manual {
		t.Error("manual is not taken")
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "30m": 30 * time.Minute, "24h": 24 * time.Hour, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute, "250ms": 250 * time.Millisecond,
	} {
		if got, err := ParseDuration(text); got != want || err != nil {
			t.Errorf("%s is %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "10", "-1h", "+1h", "1.5h", "1e3s", "1 h", "h", "1w", "1h2d", "99999d", "9999999999h", "24H", "1h "} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}
