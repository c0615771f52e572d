package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestTheScriptPlaysAnIncidentThatTheChainConfirms(t *testing.T) {
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"--script", "--delay", "3s", "--belay", belayProgram(t)}, &out, &errs)
	t.Log(out.String())
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, line := range []string{
		`alice +types /pause usdc`, `demo +kill -9 \d+`, `knew 1 proposal, 1 signature, (\d+ events) and knows 1 proposal, 1 signature`,
		`direct transaction 0x[0-9a-f]{64} in block \d+`, `at block \d+: usdc PAUSED`,
		`alice +presses "Propose" on the preview`, `schedule transaction 0x`, `execute transaction 0x`, `usdc PAUSED, ltv 7000`,
		`alice +presses "Undo: unpause-reserve" on the pause's card`, `Safe: nonce 3, executed 3 times`,
		`timelock: setReservePause\(usdc, false\) is done`, `The chain agrees`,
	} {
		if !regexp.MustCompile(line).MatchString(out.String()) {
			t.Errorf("the timeline lacks %q", line)
		}
	}
}

func TestTheScriptFailsWhereItCannotPlay(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"an unknown flag", []string{"--scirpt"}, exitUsage, "scirpt"},
		{"an argument that means nothing", []string{"now"}, exitUsage, `unexpected argument "now"`},
		{"a delay that no timelock can have", []string{"--delay", "1500ms"}, exitUsage, "whole seconds"},
		{"a program that is not there", []string{"--script", "--belay", "testdata/none"}, exitFailed, "find belay"},
		{"a program that is not belay", []string{"--script", "--belay", "/bin/false"}, exitFailed, "ended before it was ready"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(t.Context(), tt.args, &out, &errs); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			if !strings.Contains(errs.String(), tt.says) {
				t.Errorf("it says %q, want something with %q", errs.String(), tt.says)
			}
		})
	}
}

func TestTheScriptGivesUpInTime(t *testing.T) {
	var out, errs bytes.Buffer
	began := time.Now()
	code := run(t.Context(), []string{"--script", "--within", "20s", "--delay", "1h", "--belay", belayProgram(t)}, &out, &errs)
	if code != exitFailed || !strings.Contains(errs.String(), "was never executed") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	if took := time.Since(began); took > patience {
		t.Errorf("it took %s", took)
	}
}
