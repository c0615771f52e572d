package relay_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/governance/relay"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

var (
	normalKey    = common.HexToAddress("0x0a")
	emergencyOne = common.HexToAddress("0xe1")
	emergencyTwo = common.HexToAddress("0xe2")
	start        = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

// key is a funded key with this many transactions mined.
func key(address common.Address, nonce uint64, open ...relay.Carried) relay.KeyState {
	return relay.KeyState{
		Address: address, Emergency: address != normalKey, Open: open,
		Account: safe.Account{Balance: gwei(1e9), Nonce: nonce},
	}
}

func carrying(id string, nonce uint64, emergency, spent bool) relay.Carried {
	return relay.Carried{Spent: spent, Submission: governance.Submission{
		ID: id, Nonce: nonce, Emergency: emergency, State: governance.SubmissionAccepted, CreatedAt: start,
		Attempts: []governance.Attempt{{Hash: common.Hash{byte(nonce)}, FeeCap: "10", TipCap: "1"}},
	}}
}

func poor(k relay.KeyState) relay.KeyState      { k.Account.Balance = wei(1); return k }
func delegated(k relay.KeyState) relay.KeyState { k.Account.HasCode = true; return k }

func TestChooseKey(t *testing.T) {
	for _, row := range []struct {
		name      string
		keys      []relay.KeyState
		emergency bool
		want      common.Address
		nonce     uint64
		replaces  string // ids
		err       string
		busy      bool
	}{
		{name: "a routine transaction takes the normal key with the chain's nonce", keys: []relay.KeyState{key(emergencyOne, 3), key(normalKey, 7)}, want: normalKey, nonce: 7},
		{name: "an emergency takes an emergency key", keys: []relay.KeyState{key(normalKey, 7), key(emergencyOne, 3), key(emergencyTwo, 4)}, emergency: true, want: emergencyOne, nonce: 3},
		{name: "a second emergency takes the second key", keys: []relay.KeyState{key(emergencyOne, 3, carrying("a", 3, true, false)), key(emergencyTwo, 4)}, emergency: true, want: emergencyTwo, nonce: 4},
		{name: "a third one takes the normal key", keys: []relay.KeyState{key(emergencyOne, 3, carrying("a", 3, true, false)), key(normalKey, 7)}, emergency: true, want: normalKey, nonce: 7},
		{name: "a free normal key is better than replacing", keys: []relay.KeyState{key(emergencyOne, 3, carrying("a", 3, true, true)), key(normalKey, 7)}, emergency: true, want: normalKey, nonce: 7},
		{name: "what nobody needs is replaced before what someone needs", keys: []relay.KeyState{key(normalKey, 7, carrying("r", 7, false, false)), key(emergencyOne, 3, carrying("a", 3, true, true))}, emergency: true, want: emergencyOne, nonce: 3, replaces: "a"},
		{name: "at last an emergency replaces a routine transaction", keys: []relay.KeyState{key(emergencyOne, 3, carrying("a", 3, true, false)), key(normalKey, 7, carrying("r", 7, false, false))}, emergency: true, want: normalKey, nonce: 7, replaces: "r"},
		{name: "all that wants the nonce is replaced", keys: []relay.KeyState{key(normalKey, 7, carrying("r", 7, false, true), carrying("s", 7, false, false))}, emergency: true, want: normalKey, nonce: 7, replaces: "rs"},
		{name: "an emergency never replaces another", keys: []relay.KeyState{key(emergencyOne, 3, carrying("a", 3, true, false))}, emergency: true, err: "on its way", busy: true},
		{name: "nor where it displaced a routine transaction", keys: []relay.KeyState{key(normalKey, 7, carrying("r", 7, false, false), carrying("a", 7, true, false))}, emergency: true, err: "on its way", busy: true},
		{name: "a routine transaction waits for another", keys: []relay.KeyState{key(normalKey, 7, carrying("r", 7, false, false))}, err: "on its way", busy: true},
		{name: "a routine transaction reuses the nonce of one that nobody needs", keys: []relay.KeyState{key(normalKey, 7, carrying("r", 7, false, true))}, want: normalKey, nonce: 7, replaces: "r"},
		{name: "a mined one that waits for depth holds no nonce", keys: []relay.KeyState{key(normalKey, 8, carrying("r", 7, false, false))}, want: normalKey, nonce: 8},
		{name: "a nonce that a reorganisation left empty is filled", keys: []relay.KeyState{key(normalKey, 6, carrying("r", 7, false, false))}, want: normalKey, nonce: 6},
		{name: "but not where something stored already fills it", keys: []relay.KeyState{key(normalKey, 6, carrying("r", 7, false, false), carrying("q", 6, false, false))}, err: "on its way", busy: true},
		{name: "a routine transaction never takes an emergency key", keys: []relay.KeyState{key(emergencyOne, 3)}, err: "no relayer key"},
		{name: "no key at all", err: "no relayer key"},
		{name: "an unfunded key is passed over", keys: []relay.KeyState{poor(key(emergencyOne, 3)), key(normalKey, 7)}, emergency: true, want: normalKey, nonce: 7},
		{name: "an unfunded key alone is refused with what it holds and needs", keys: []relay.KeyState{poor(key(normalKey, 7))}, err: "holds 0.000000000000000001 ether and needs 0.1 ether"},
		// verdikta #29: a delegated account may have one transaction on its way, and others can move its nonce.
		{name: "a delegated key is refused", keys: []relay.KeyState{delegated(key(normalKey, 7))}, err: "EIP-7702"},
		{name: "waiting helps when one key is busy and the other poor", keys: []relay.KeyState{poor(key(emergencyOne, 3)), key(normalKey, 7, carrying("a", 7, true, false))}, emergency: true, err: "needs", busy: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := relay.ChooseKey(row.keys, row.emergency, gwei(1e8))
			if row.err != "" {
				refused(t, err, row.err, row.busy)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ids := ""
			for _, s := range got.Replaces {
				ids += s.ID
			}
			if got.Address != row.want || got.Nonce != row.nonce || ids != row.replaces {
				t.Errorf("chose %s with nonce %d replacing %q, want %s, %d, %q", got.Address, got.Nonce, ids, row.want, row.nonce, row.replaces)
			}
			if len(got.Rivals()) != len(row.replaces) {
				t.Errorf("%d attempts to outbid, want %d", len(got.Rivals()), len(row.replaces))
			}
		})
	}
}

func refused(t *testing.T, err error, text string, busy bool) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Fatalf("error is %v, want %q", err, text)
	}
	var refusal *governance.Refusal
	if errors.Is(err, relay.ErrBusy) != busy || errors.As(err, &refusal) == busy {
		t.Errorf("error %v: busy is %t, want %t", err, errors.Is(err, relay.ErrBusy), busy)
	}
}

// Which of two submissions keeps a nonce that both want: told by what Next says to the other.
func TestWhoKeepsTheNonce(t *testing.T) {
	for _, row := range []struct {
		name string
		set  func(rival *governance.Submission)
		goes bool // ours has to go
	}{
		{"an emergency, even an older one", func(r *governance.Submission) { r.Emergency = true; r.CreatedAt = start.Add(-time.Hour) }, true},
		{"the newer of two", func(r *governance.Submission) { r.CreatedAt = start.Add(time.Second) }, true},
		{"not the older of two", func(r *governance.Submission) { r.CreatedAt = start.Add(-time.Second) }, false},
		{"of the same age, the one with the later id", func(r *governance.Submission) { r.ID = "P-2"; r.CreatedAt = start }, true},
		{"and not the other", func(r *governance.Submission) { r.ID = "P-0"; r.CreatedAt = start }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newScene()
			c.rival("P-2", false, false)
			row.set(&c.f.Others[0].Submission)
			_, waits := relay.Next(c.s, c.f, start).(relay.Wait)
			if waits != row.goes {
				t.Errorf("ours goes: %t, want %t", waits, row.goes)
			}
		})
	}
}
