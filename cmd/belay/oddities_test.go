package main

import (
	"strings"
	"testing"

	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

func TestCheckTellsWhatIsOddAboutASafe(t *testing.T) {
	plain := safe.State{Version: safe.V1_4_1, Verified: safe.VerifiedByAddress}
	for name, one := range map[string]struct {
		change func(*safe.State)
		want   string
	}{
		"nothing":            {func(*safe.State) {}, ""},
		"code of nobody":     {func(s *safe.State) { s.Verified = safe.VerifiedByProvider }, "not that of a published release"},
		"no chain in hashes": {func(s *safe.State) { s.Version = safe.V1_2_0 }, "valid for this address on every chain"},
		"silent successes":   {func(s *safe.State) { s.Version = safe.V1_0_0 }, "leaves no event"},
		"a strange handler":  {func(s *safe.State) { s.FallbackHandler = common.Address{4} }, "is none that Safe published"},
		"a known handler":    {func(s *safe.State) { s.FallbackHandler = safe.FallbackHandlers()[0].Address }, ""},
		"a guard":            {func(s *safe.State) { s.Guard = common.Address{1} }, "can block everything"},
		"a module guard":     {func(s *safe.State) { s.ModuleGuard = common.Address{2} }, "module guard, 0x02"},
		"a module":           {func(s *safe.State) { s.Modules = []common.Address{{3}} }, "without signatures"},
	} {
		t.Run(name, func(t *testing.T) {
			s := plain
			one.change(&s)
			if got := strings.Join(oddities(s), "; "); (one.want == "") != (got == "") || !strings.Contains(got, one.want) {
				t.Errorf("told %q, want %q", got, one.want)
			}
		})
	}
}
