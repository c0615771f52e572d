package main

import (
	"strings"
	"testing"
	"time"
)

func TestANewcomerPausesTheMarket(t *testing.T) {
	s := newStage(t, 20*time.Second)
	b := openTab(t, s, 1280, 900)
	b.types(`/pause usdc "the oracle is off"`)
	b.sees(onScreen, "Recorded: pause pause-reserve asset=usdc")
	b.presses(onScreen, "Review & sign")
	b.signs()
	b.hands("bob")
	b.signs()
	b.comes(onScreen, "the chain says paused", `document.querySelector('[data-symbol="usdc"]')?.innerText.includes('paused')`)
	b.sees(onScreen, "EXECUTED")
	b.comes(onScreen, "all three steps are done", `document.querySelectorAll('.guide .done').length === 3`)
	if !s.ledger.present().reserve("usdc").Paused {
		t.Error("the screen says paused, the chain does not")
	}
	if n := len(s.ledger.present().Executed); n != 1 {
		t.Errorf("the Safe executed %d times", n)
	}
}

func TestThePageRefusesWhatACompromisedServerGivesIt(t *testing.T) {
	s := newStage(t, 20*time.Second)
	b := openTab(t, s, 1280, 900)
	b.types(`/pause weth "drill"`)
	b.presses(onScreen, "Review & sign")
	b.sees(onPhone, "Connect Demo wallet")
	for _, how := range []struct{ button, says string }{
		{"Swap call", "The hashes that Belay gave are NOT those of the fields shown"},
		{"…and hashes", "The words shown do NOT describe this transaction"},
	} {
		b.presses(onScreen, how.button)
		b.sees(onPhone, how.says)
		b.sees(onPhone, "Signing is off")
		b.sees(onScreen, "0 signatures requested")
	}
	b.presses(onScreen, "Send forged signatures")
	b.sees(onScreen, "422 not_owner")
	b.sees(onScreen, "reverted, GS026")
	b.presses(onScreen, "Honest")
	if now := s.ledger.present(); now.Nonce != 0 || strings.Contains(strings.Join(now.Owners, " "), "mallory") {
		t.Errorf("the Safe is at nonce %d with owners %s", now.Nonce, now.Owners)
	}
}

func TestALiarAndAKillDoNotKeepAPauseFromHappening(t *testing.T) {
	s := newStage(t, 20*time.Second)
	b := openTab(t, s, 1280, 900)
	b.presses(onScreen, "Lies")
	b.sees(onScreen, "false answers, and none counted")
	b.types(`/pause wbtc "drill"`)
	b.presses(onScreen, "Review & sign")
	b.signs()
	b.presses(onScreen, "Kill process")
	b.sees(onScreen, "Nothing was lost")
	b.hands("carol")
	b.signs()
	b.comes(onScreen, "the chain says paused", `document.querySelector('[data-symbol="wbtc"]')?.innerText.includes('paused')`)
	b.sees(onScreen, "EXECUTED")
}
