package devnet_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe/devnet"
)

// published is what the npm package @safe-global/safe-deployments says of one contract.
type published struct {
	Deployments map[string]struct {
		Address  common.Address
		CodeHash common.Hash
	}
}

func deployment(t *testing.T, file string) published {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "node_modules/@safe-global/safe-deployments/dist/assets", file))
	if err != nil {
		t.Fatalf("%v: run `make setup`", err)
	}
	var p published
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func codeHash(t *testing.T, file string) common.Hash {
	t.Helper()
	return deployment(t, file).Deployments["canonical"].CodeHash
}

func release(t *testing.T, version string) devnet.SafeRelease {
	t.Helper()
	return must[devnet.SafeRelease](t)(devnet.Release(version))
}

func TestSafeContractsAreThePublishedOnes(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{Manual: true})
	for _, r := range devnet.Releases() {
		safe, factory := "safe", "safe_proxy_factory"
		switch r.Version {
		case "0.1.0", "1.0.0", "1.2.0":
			continue // npm has builds that nobody published on chain
		case "1.1.1", "1.3.0":
			safe, factory = "gnosis_safe", "proxy_factory"
		}
		for name, address := range map[string]common.Address{
			safe: r.Singleton, safe + "_l2": r.SingletonL2, factory: r.Factory, "multi_send": r.MultiSend,
			"multi_send_call_only": r.MultiSendCallOnly, "compatibility_fallback_handler": r.FallbackHandler,
		} {
			if address == (common.Address{}) {
				continue // the release has none
			}
			t.Run(r.Version+" "+name, func(t *testing.T) {
				want := deployment(t, "v"+r.Version+"/"+name+".json").Deployments["canonical"]
				if address != want.Address {
					t.Fatalf("placed at %s, published at %s", address, want.Address)
				}
				code := must[[]byte](t)(c.Client().CodeAt(ctx, address, nil))
				if got := crypto.Keccak256Hash(code); got != want.CodeHash {
					t.Errorf("code hash is %s, published %s", got, want.CodeHash)
				}
			})
		}
	}
}

func TestAnUnknownReleaseIsRefused(t *testing.T) {
	if _, err := devnet.Release("1.6.0"); err == nil || !strings.Contains(err.Error(), "1.6.0") {
		t.Errorf("Release answered %v", err)
	}
}

func TestMissingPackagesSayWhatToRun(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, load := range map[string]func() (*devnet.Artifact, error){
		"a package":           func() (*devnet.Artifact, error) { return devnet.LoadPackageArtifact("@a/b.json") },
		"our own contract":    func() (*devnet.Artifact, error) { return devnet.LoadOwnArtifact("Market") },
		"the timelock":        devnet.TimelockArtifact,
		"anvil, the dev node": func() (*devnet.Artifact, error) { _, _, err := devnet.StartAnvil(t.Context()); return nil, err },
	} {
		if _, err := load(); !errors.Is(err, devnet.ErrNotInstalled) || !strings.Contains(err.Error(), "make setup") {
			t.Errorf("%s: %v, want ErrNotInstalled and make setup", name, err)
		}
	}
}

func TestArtifactsAreFoundFromDeepBelow(t *testing.T) {
	t.Chdir("contracts")
	if _, err := devnet.TimelockArtifact(); err != nil {
		t.Error(err)
	}
	if _, err := devnet.LoadOwnArtifact("Market"); err != nil {
		t.Error(err)
	}
}

func TestKeysAreStable(t *testing.T) {
	// Others write these addresses into configurations.
	seen := map[common.Address]bool{}
	for i := range devnet.Keys {
		seen[devnet.Address(i)] = true
	}
	if len(seen) != devnet.Keys {
		t.Errorf("%d distinct addresses, want %d", len(seen), devnet.Keys)
	}
	if got, want := devnet.Address(1), common.HexToAddress("0x71F661925107fe835435C3036246153415F59077"); got != want {
		t.Errorf("Address(1) is %s, was %s", got, want)
	}
}

// TestASafeComesToBeWhereItWasPredicted in every version that npm has.
func TestASafeComesToBeWhereItWasPredicted(t *testing.T) {
	ctx := testContext(t)
	c := start(t, devnet.Config{})
	for _, release := range devnet.Releases() {
		cfg := devnet.SafeConfig{Version: release.Version, Owners: []common.Address{devnet.Address(3), devnet.Address(4)}, Threshold: 2, SaltNonce: 7}
		want := must[common.Address](t)(c.PredictSafe(ctx, cfg))
		if got := must[common.Address](t)(c.DeploySafe(ctx, cfg)); got != want {
			t.Errorf("Safe %s is at %s, predicted %s", release.Version, got, want)
		}
	}
}
