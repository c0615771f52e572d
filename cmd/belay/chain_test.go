package main

import (
	"strings"
	"testing"

	"belay/configs"
	"belay/safe"
)

func TestAChainWithoutABaseFeeNeedsToBeConfiguredSo(t *testing.T) {
	relayed := configs.Chain{Name: "old", Relayer: &configs.Relayer{}}
	for _, row := range []struct {
		name  string
		chain configs.Chain
		fees  safe.Fees
		want  string
	}{
		{"it fails", relayed, safe.Fees{Unpriced: true}, "write legacy: true"},
		{"with a base fee all is well", relayed, safe.Fees{}, ""},
		{"it is configured", configs.Chain{Name: "old", Relayer: &configs.Relayer{}, Legacy: true}, safe.Fees{Unpriced: true}, ""},
		{"where people send from their wallets it does not matter", configs.Chain{Name: "old"}, safe.Fees{Unpriced: true}, ""},
	} {
		if got := unsendable(row.chain, row.fees); got != row.want && (row.want == "" || !strings.Contains(got, row.want)) {
			t.Errorf("%s: %q", row.name, got)
		}
	}
}
