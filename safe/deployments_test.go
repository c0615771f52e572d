package safe_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/common"

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

// The table is compared with the npm package that it was taken from.
func TestDeploymentsAreThePublishedOnes(t *testing.T) {
	root := filepath.Join("..", "node_modules", "@safe-global", "safe-deployments", "dist", "assets")
	if _, err := os.Stat(root); err != nil {
		t.Skip("NOT CHECKED: npm packages are not installed")
	}
	published := map[common.Address]common.Hash{}
	files, err := filepath.Glob(filepath.Join(root, "v*", "*safe*.json"))
	if err != nil {
		t.Fatal(err)
	}
	batches, err := filepath.Glob(filepath.Join(root, "v*", "multi_send_call_only.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, batches...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var asset struct {
			Deployments map[string]struct {
				Address  common.Address
				CodeHash common.Hash
			}
		}
		if err := json.Unmarshal(data, &asset); err != nil {
			t.Fatal(err)
		}
		for _, d := range asset.Deployments {
			published[d.Address] = d.CodeHash
		}
	}
	for _, d := range append(safe.Singletons(), safe.MultiSendCallOnly()...) {
		if published[d.Address] != d.CodeHash {
			t.Errorf("%s %s: published code hash of %s is %s, ours %s", d.Contract, d.Version, d.Address, published[d.Address], d.CodeHash)
		}
	}
}
