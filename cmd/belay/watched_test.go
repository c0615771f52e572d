package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/crypto"
)

// TestRelayersAreWatched: what each holds, whether that is enough, and that none has power, is there for the operator's monitoring.
func TestRelayersAreWatched(t *testing.T) {
	admin := ""
	i := newIncident(t, func(g *devnet.Guarding) { admin = "http://" + g.AdminListen })
	relayer := crypto.PubkeyToAddress(i.stack.Relayer.PublicKey).Hex()
	of := fmt.Sprintf(`{chain="devnet",relayer=%q}`, relayer)
	i.eventually("the figures are there", func() bool {
		text := i.figures(admin)
		return strings.Contains(text, "belay_relayer_balance_ether"+of) && strings.Contains(text, "belay_relayer_low"+of) && strings.Contains(text, `belay_relayer_powers{chain="devnet"} 0`)
	})
	resp, err := http.Get(admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var ready readiness
	if err := json.NewDecoder(resp.Body).Decode(&ready); err != nil {
		t.Fatal(err)
	}
	if powers := ready.Chains["devnet"].Powers; powers == nil || len(powers) != 0 || !ready.Ready {
		t.Errorf("readyz says %+v", ready)
	}
}
