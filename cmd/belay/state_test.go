package main

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"belay/governance"

	"github.com/ethereum/go-ethereum/crypto"
)

// says runs a command with answers typed in.
func says(t *testing.T, typed string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{in: strings.NewReader(typed), out: &o, err: &e})
	return code, o.String(), e.String()
}

// TestOwnersObjectFromTheTerminal: two of three leave too few to sign, and the pause ends.
func TestOwnersObjectFromTheTerminal(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	first, second := i.ownersKeyFile(0), i.ownersKeyFile(1)
	if code, _, errs := says(t, "no\n", "object", v.Links.Sign, "--key-file", first); code != exitFailed || !strings.Contains(errs, "not signed") {
		t.Errorf("who does not agree: exit %d %s", code, errs)
	}
	code, out, errs := says(t, "yes\n", "object", v.Links.Sign, "--text", "a false alarm", "--key-file", first)
	if code != exitDone || !strings.Contains(errs, "I object to this proposal. This moves nothing") {
		t.Fatalf("exit %d %s %s", code, out, errs)
	}
	if after := i.get(v.ID); after.State != governance.StateProposed || len(after.Objections) != 1 || after.Objections[0].Wallet != addressOf(i.stack.Owners[0]).Hex() {
		t.Fatalf("%s, objections %+v", after.State, after.Objections)
	}
	if code, _, errs := says(t, "yes\n", "lift", v.Links.Sign, "--key-file", second); code != exitFailed || !strings.Contains(errs, "no objection of") {
		t.Errorf("lift what was never said: exit %d %s", code, errs)
	}
	if code, out, errs := says(t, "", "object", v.ID, "--config", i.config, "--yes", "--key-file", second); code != exitDone || !strings.Contains(out, "too few are left to sign") {
		t.Fatalf("exit %d %s %s", code, out, errs)
	}
	if after := i.get(v.ID); after.State != governance.StateCanceled {
		t.Errorf("it is %s", after.State)
	}
}

// TestAMemberProposesFromAnywhere: with a wallet alone, without configuration, token or chat.
func TestAMemberProposesFromAnywhere(t *testing.T) {
	i := newIncident(t)
	args := []string{"propose", "pause-reserve", "asset=usdc", "--reason", "oracle off", "--server", i.base, "--key-file", i.ownersKeyFile(0)}
	code, out, errs := says(t, "yes\n", args...)
	if code != exitDone || !strings.Contains(out, "Pause") {
		t.Fatalf("exit %d %s %s", code, out, errs)
	}
	if v := i.get("P-1"); v.Proposer == "" || v.Reason.Raw() != "oracle off" {
		t.Errorf("proposed by %q because %q", v.Proposer, v.Reason.Raw())
	}
	if code, _, errs := says(t, "yes\n", "propose", "pause-reserve", "asset=usdc", "--server", i.base, "--key-file", inFile(t, []byte(strings.Repeat("11", 32)))); code != exitFailed || !strings.Contains(errs, "not_owner") && !strings.Contains(errs, "wallet") {
		t.Errorf("a stranger: exit %d %s", code, errs)
	}
}

// ownersKeyFile is an owner's key in hex, as drills use it.
func (i *incident) ownersKeyFile(n int) string {
	i.t.Helper()
	return inFile(i.t, []byte(hex.EncodeToString(crypto.FromECDSA(i.stack.Owners[n]))))
}
