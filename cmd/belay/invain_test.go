package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestAPauseThatWouldNotPauseIsToldBeforeItIsSigned: its postcondition asks for another asset than it pauses.
func TestAPauseThatWouldNotPauseIsToldBeforeItIsSigned(t *testing.T) {
	i := newIncident(t)
	if v := i.propose("pause-reserve", map[string]string{"asset": "usdc"}); hasDanger(v, "not_achieved") {
		t.Errorf("a pause that works is marked: %+v", v.Dangers)
	}
	i.halt()
	usdc, weth := i.stack.Asset("usdc").Token.Hex(), i.stack.Asset("weth").Token.Hex()
	rewrite(t, filepath.Join(filepath.Dir(i.config), "playbooks", "pause.yaml"), `args: ["{{asset}}"]}, equals: true}`, `args: ["`+weth+`"]}, equals: true}`)
	code, out, errs := belay(t, "--config", i.config, "check")
	if code != exitFailed || !strings.Contains(out, "fail  playbook pause-reserve: Simulated at block ") || !strings.Contains(out, "Could you pause now? NO.") {
		t.Errorf("check: exit %d\n%s%s", code, out, errs)
	}
	if !strings.Contains(out, "ok    playbook pause-all") {
		t.Errorf("a pause that works is no failure:\n%s", out)
	}
	i.start()
	v := i.propose("pause-reserve", map[string]string{"asset": usdc})
	if !hasDanger(v, "not_achieved") || v.SafeTxHash == "" {
		t.Errorf("it can be signed (%q), and the dangers are %+v: an emergency is marked, never refused", v.SafeTxHash, v.Dangers)
	}
}
