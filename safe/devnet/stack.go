package devnet

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// StackConfig says what sample protocol to deploy.
type StackConfig struct {
	MinDelay    time.Duration // of the timelock; default one hour
	SafeVersion string        // default "1.4.1"
	Threshold   int           // of the three owners; default 2
}

// Stack is a whole protocol to guard: a market whose guardian is a Safe and whose admin is a timelock that the same
// Safe proposes to.
type Stack struct {
	Chain *Chain

	Guardian  common.Address      // the Safe: guardian of the market, proposer and canceller of the timelock
	Owners    []*ecdsa.PrivateKey // of the Safe: Key(1), Key(2), Key(3). PUBLIC KEYS
	Threshold int

	Timelock common.Address // admin of the market; anyone may execute what is ready
	MinDelay time.Duration
	// TimelockBlock is the block that made the timelock: where to read its logs from.
	TimelockBlock uint64

	Market common.Address
	Assets []Asset        // usdc, weth, wbtc, in this order
	Feed   common.Address // USDC / USD; the deployer sets its price

	Relayer   *ecdsa.PrivateKey   // Key(10): gas, no power
	Emergency []*ecdsa.PrivateKey // Key(11), Key(12): the same for the emergency lane
}

// Asset returns the asset of a symbol such as "usdc". It panics for any other, a mistake of the test.
func (s *Stack) Asset(symbol string) Asset {
	for _, a := range s.Assets {
		if a.Symbol == symbol {
			return a
		}
	}
	panic(fmt.Sprintf("devnet: the sample market has no %q", symbol))
}

// NewStack deploys the sample protocol, with roles as a careful protocol sets them: the deployer keeps none.
func NewStack(ctx context.Context, c *Chain, cfg StackConfig) (*Stack, error) {
	s := newStack(c, cfg)
	steps := []struct {
		what string
		do   func(context.Context, StackConfig) error
	}{
		{"guardian Safe", s.deployGuardian},
		{"timelock", s.deployTimelock},
		{"market", s.deployMarket},
	}
	for _, step := range steps {
		if err := step.do(ctx, cfg); err != nil {
			return nil, fmt.Errorf("deploy %s: %w", step.what, err)
		}
	}
	return s, nil
}

func newStack(c *Chain, cfg StackConfig) *Stack {
	s := &Stack{
		Chain: c, MinDelay: cfg.MinDelay, Threshold: cfg.Threshold, Assets: sampleAssets(),
		Owners:    []*ecdsa.PrivateKey{Key(FirstOwnerKey), Key(FirstOwnerKey + 1), Key(FirstOwnerKey + 2)},
		Relayer:   Key(RelayerKey),
		Emergency: []*ecdsa.PrivateKey{Key(EmergencyKeyOne), Key(EmergencyKeyTwo)},
	}
	if s.MinDelay == 0 {
		s.MinDelay = time.Hour
	}
	if s.Threshold == 0 {
		s.Threshold = 2
	}
	return s
}

func (s *Stack) deployGuardian(ctx context.Context, cfg StackConfig) (err error) {
	owners := make([]common.Address, len(s.Owners))
	for i := range owners {
		owners[i] = Address(FirstOwnerKey + i)
	}
	s.Guardian, err = s.Chain.DeploySafe(ctx, SafeConfig{Version: cfg.SafeVersion, Owners: owners, Threshold: s.Threshold})
	return err
}

func (s *Stack) deployTimelock(ctx context.Context, _ StackConfig) (err error) {
	anyone := common.Address{}
	if s.TimelockBlock, err = s.Chain.client.BlockNumber(ctx); err != nil {
		return err
	}
	s.Timelock, err = s.Chain.DeployTimelock(ctx, s.MinDelay,
		[]common.Address{s.Guardian}, []common.Address{anyone}, common.Address{})
	return err
}

func (s *Stack) deployMarket(ctx context.Context, _ StackConfig) (err error) {
	if s.Market, err = s.Chain.DeployMarket(ctx, s.Guardian, s.Timelock, s.Assets); err != nil {
		return err
	}
	oneDollar := big.NewInt(1_0000_0000) // eight decimals
	s.Feed, err = s.Chain.DeployPriceFeed(ctx, "USDC / USD", Address(DeployerKey), oneDollar)
	return err
}

// sampleAssets are three reserves with parameters like those of a large market in 2025.
func sampleAssets() []Asset {
	return []Asset{
		{Symbol: "usdc", Decimals: 6, LTV: 7500, LiquidationThreshold: 7800, SupplyCap: big.NewInt(50_000_000)},
		{Symbol: "weth", Decimals: 18, LTV: 8050, LiquidationThreshold: 8300, SupplyCap: big.NewInt(20_000)},
		{Symbol: "wbtc", Decimals: 8, LTV: 7300, LiquidationThreshold: 7800, SupplyCap: big.NewInt(500)},
	}
}
