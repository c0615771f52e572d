package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNobodyReadsASignatureBeforeItIsSubmitted: who can read the first of two signatures needs one wallet only.
func TestNobodyReadsASignatureBeforeItIsSubmitted(t *testing.T) {
	i := newIncident(t)
	v := i.propose("pause-reserve", map[string]string{"asset": "usdc"})
	secret := strings.TrimPrefix(i.signature(v.SafeTxHash, i.stack.Owners[0]), "0x")
	if code, _ := i.sign(v, v.SafeTxHash, i.stack.Owners[0]); code != http.StatusCreated {
		t.Fatalf("sign: %d", code)
	}
	told := map[string]string{}
	for _, args := range [][]string{{"show", "P-1"}, {"--json", "show", "P-1"}, {"show", "P-1", "--hashes"}, {"show", "P-1", "--batch"}, {"--json", "proposals"}, {"--json", "nonces"},
		{"log", "export"}, {"log", "export", "--proposal", "P-1"}} {
		code, out, errs := belay(t, append([]string{"--config", i.config}, args...)...)
		if code != exitDone {
			t.Fatalf("%v: exit %d %s", args, code, errs)
		}
		told[strings.Join(args, " ")] = out
	}
	for _, path := range []string{"/api/v1/proposals", "/api/v1/proposals/P-1", "/api/v1/proposals/P-1/typed-data", "/api/v1/nonces"} {
		var body any
		if code := i.do(http.MethodGet, path, nil, &body); code != http.StatusOK {
			t.Fatalf("%s: %d", path, code)
		}
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		told[path] = string(raw)
	}
	i.halt()
	told["the program's log"] = i.logs.String()
	for where, out := range told {
		if half := secret[:64]; out == "" || strings.Contains(strings.ToLower(out), half) {
			t.Errorf("%s shows the signature, or nothing at all:\n%s", where, out)
		}
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(i.config), "*.db"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no store beside the configuration: %v", err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the store, which holds it, can be read by others: %v %v", info.Mode(), err)
	}
}
