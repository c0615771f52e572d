package chain

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"belay/safe"
	"belay/safe/devnet"
)

// TestAProxyNamesWhatItRuns on OpenZeppelin's proxies, and on contracts that are none.
func TestAProxyNamesWhatItRuns(t *testing.T) {
	s := startStack(t, safe.V1_4_1, nil)
	ctx := testContext(t)
	deploy := func(contract string, args ...any) common.Address {
		artifact := must[*devnet.Artifact](t)(devnet.LoadPackageArtifact("@openzeppelin/contracts/build/contracts/" + contract + ".json"))
		return must[common.Address](t)(s.Chain.Deploy(ctx, artifact, args...))
	}
	initial := pack(t, "Swallower", "count") // a proxy must be begun with a call
	beacon := deploy("UpgradeableBeacon", s.target, devnet.Address(0))
	proxies := map[common.Address]common.Address{
		deploy("ERC1967Proxy", s.target, initial): s.target,
		deploy("BeaconProxy", beacon, initial):    s.target,
		beacon:                                    {},
		s.target:                                  {},
		devnet.Address(3):                         {},
	}
	c := dial(t, nil, s.nodes(2)...)
	head, _, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []common.Address
	for proxy := range proxies {
		addresses = append(addresses, proxy)
	}
	for i, got := range must[[]common.Address](t)(c.Implementations(ctx, head, addresses...)) {
		if want := proxies[addresses[i]]; got != want {
			t.Errorf("%s runs %s, want %s", addresses[i], got, want)
		}
	}
}
