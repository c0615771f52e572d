package devnet_test

import (
	"crypto/ecdsa"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"belay/safe/devnet"
)

// TestAavesRolesAreThoseOfACarefulProtocol: whoever may pause pauses, and the deployer may not.
func TestAavesRolesAreThoseOfACarefulProtocol(t *testing.T) {
	c := start(t, devnet.Config{Manual: true})
	ctx := testContext(t)
	assets := []devnet.Asset{{Symbol: "usdc", Decimals: 6, LTV: 7500, LiquidationThreshold: 7800}}
	aave := must[*devnet.Aave](t)(c.DeployAave(ctx, devnet.Address(guardianKey), devnet.Address(adminKey), assets))
	usdc := aave.Assets[0].Token
	call := func(key *ecdsa.PrivateKey, function string, words ...common.Hash) error {
		data := crypto.Keccak256([]byte(function))[:4]
		for _, w := range words {
			data = append(data, w[:]...)
		}
		_, err := c.Send(ctx, key, &aave.Configurator, nil, data)
		return err
	}
	asset, yes := common.BytesToHash(usdc[:]), common.Hash{31: 1}
	for _, step := range []struct {
		name  string
		key   int
		words []common.Hash
		works bool
	}{
		{"a stranger", userKey, []common.Hash{asset, yes}, false},
		{"the deployer", devnet.DeployerKey, []common.Hash{asset, yes}, false},
		{"the guardian", guardianKey, []common.Hash{asset, yes}, true},
		{"the admin", adminKey, []common.Hash{asset, {}}, true},
	} {
		if err := call(devnet.Key(step.key), "setReservePause(address,bool)", step.words...); (err == nil) != step.works {
			t.Errorf("%s pauses or unpauses: %v, want it to work: %v", step.name, err, step.works)
		}
	}
	if err := call(devnet.Key(guardianKey), "configureReserveAsCollateral(address,uint256,uint256,uint256)", asset, common.Hash{}, yes, yes); err == nil {
		t.Error("the guardian may change parameters")
	}
}
