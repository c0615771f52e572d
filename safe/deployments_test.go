package safe_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"belay/safe"
)

func TestKnownSingleton(t *testing.T) {
	for _, d := range safe.Singletons() {
		if v, proof, ok := safe.KnownSingleton(d.Address, d.CodeHash); v != d.Version || proof != safe.VerifiedByAddress || !ok {
			t.Errorf("%s %s %s: got %s, %s, %v", d.Contract, d.Version, d.Family, v, proof, ok)
		}
		if v, proof, ok := safe.KnownSingleton(addr("0x11"), d.CodeHash); v != d.Version || proof != safe.VerifiedByCode || !ok {
			t.Errorf("%s %s elsewhere: got %s, %s, %v", d.Contract, d.Version, v, proof, ok)
		}
		if v, proof, ok := safe.KnownSingleton(d.Address, pauseHash); ok || proof != safe.VerifiedByProvider {
			t.Errorf("%s %s with foreign code: got %s, %s, %v", d.Contract, d.Version, v, proof, ok)
		}
		if _, _, ok := safe.KnownMultiSendCallOnly(d.Address, d.CodeHash); ok {
			t.Errorf("the singleton %s passes for a batch library", d.Address)
		}
	}
}

func TestKnownMultiSendCallOnly(t *testing.T) {
	for _, d := range safe.MultiSendCallOnly() {
		if !safe.IsMultiSendCallOnly(d.Address) {
			t.Errorf("%s is not known", d.Address)
		}
		if v, _, ok := safe.KnownMultiSendCallOnly(d.Address, d.CodeHash); v != d.Version || !ok {
			t.Errorf("%s: got %s, %v", d.Address, v, ok)
		}
	}
	// The full MultiSend lets a batch item delegatecall.
	if safe.IsMultiSendCallOnly(addr("0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526")) {
		t.Error("MultiSend 1.4.1 passes for MultiSendCallOnly")
	}
}

// TestDeploymentsAreThePublishedOnes writes the table anew from the npm package and compares.
func TestDeploymentsAreThePublishedOnes(t *testing.T) {
	if _, err := os.Stat(filepath.Join("..", "node_modules", "@safe-global", "safe-deployments")); err != nil {
		t.Skip("NOT CHECKED: npm packages are not installed")
	}
	want, err := exec.Command("node", "deployments.mjs").Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("deployments.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("deployments.txt is not what npm has: node safe/deployments.mjs > safe/deployments.txt")
	}
}

func TestADeploymentKnowsItsChains(t *testing.T) {
	for _, c := range []struct {
		contract, version, family string
		chain                     uint64
		want                      bool
	}{
		{"Safe", "1.4.1", "canonical", 1, true},
		{"SafeL2", "1.4.1", "canonical", 42161, true},
		{"GnosisSafe", "1.3.0", "eip155", 10, true},
		{"GnosisSafe", "1.0.0", "canonical", 10, false},
		{"GnosisSafe", "1.3.0", "zksync", 324, true},
		{"Safe", "1.4.1", "zksync", 1, false},
		{"Safe", "1.5.0", "canonical", 31337, false},
	} {
		i := slices.IndexFunc(safe.Singletons(), func(d safe.Deployment) bool {
			return d.Contract == c.contract && d.Version.String() == c.version && d.Family == c.family
		})
		if i < 0 {
			t.Fatalf("no %+v", c)
		}
		d := safe.Singletons()[i]
		if d.On(c.chain) != c.want || d.L2() != (c.contract == "SafeL2") {
			t.Errorf("%+v: on the chain %t, L2 %t", c, d.On(c.chain), d.L2())
		}
		if found, ok := safe.Singleton(d.Address, d.CodeHash); !ok || found.Address != d.Address {
			t.Errorf("%+v is not found", c)
		}
	}
	if n := len(safe.FallbackHandlers()); n < 7 {
		t.Errorf("%d fallback handlers", n)
	}
	if batches := safe.MultiSendCallOnly(); batches[0].Version != safe.V1_5_0 || batches[1].Family != "canonical" || batches[len(batches)-1].Version != safe.V1_3_0 {
		t.Errorf("the batch libraries are in the order %+v", batches)
	}
}
