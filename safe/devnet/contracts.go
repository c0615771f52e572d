package devnet

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// SafeConfig says what Safe to make.
type SafeConfig struct {
	Version   string // default "1.4.1"; see Releases
	L2        bool   // use the singleton that also emits SafeMultiSigTransaction
	Owners    []common.Address
	Threshold int
	SaltNonce uint64         // another number makes another Safe with the same owners
	Fallback  common.Address // default the version's CompatibilityFallbackHandler
}

// DeploySafe makes a Safe through its version's proxy factory, as the Safe web application does.
func (c *Chain) DeploySafe(ctx context.Context, cfg SafeConfig) (common.Address, error) {
	b, err := newBirth(cfg)
	if err != nil {
		return common.Address{}, err
	}
	data, err := creation(b.factory, b.singleton, b.setup, cfg.SaltNonce)
	if err != nil {
		return common.Address{}, err
	}
	receipt, err := c.Send(ctx, Key(DeployerKey), &b.release.Factory, nil, data)
	if err != nil {
		return common.Address{}, fmt.Errorf("create Safe %s: %w", b.release.Version, err)
	}
	for _, log := range receipt.Logs {
		if log.Address == b.release.Factory && log.Topics[0] == b.factory.Events["ProxyCreation"].ID {
			return proxyOf(log.Topics, log.Data), nil
		}
	}
	return common.Address{}, fmt.Errorf("create Safe %s: transaction %s made no proxy", b.release.Version, receipt.TxHash)
}

// PredictSafe tells where DeploySafe will make a Safe: by CREATE2 of the factory from the setup and the salt. The factory of
// 0.1.0 uses CREATE, so that there it is where the factory's next proxy comes to be.
func (c *Chain) PredictSafe(ctx context.Context, cfg SafeConfig) (common.Address, error) {
	b, err := newBirth(cfg)
	if err != nil {
		return common.Address{}, err
	}
	if _, salted := b.factory.Methods["createProxyWithNonce"]; !salted {
		nonce, err := c.client.NonceAt(ctx, b.release.Factory, nil)
		if err != nil {
			return common.Address{}, fmt.Errorf("read the factory's nonce: %w", err)
		}
		return crypto.CreateAddress(b.release.Factory, nonce), nil
	}
	call, err := b.factory.Pack("proxyCreationCode")
	if err != nil {
		return common.Address{}, fmt.Errorf("encode proxyCreationCode: %w", err)
	}
	answer, err := c.Call(ctx, b.release.Factory, call)
	if err != nil {
		return common.Address{}, fmt.Errorf("read the proxy's code: %w", err)
	}
	values, err := b.factory.Unpack("proxyCreationCode", answer)
	if err != nil {
		return common.Address{}, fmt.Errorf("read the proxy's code: %w", err)
	}
	code, _ := values[0].([]byte)
	word := func(b []byte) []byte { return common.LeftPadBytes(b, 32) }
	salt := crypto.Keccak256Hash(crypto.Keccak256(b.setup), word(new(big.Int).SetUint64(cfg.SaltNonce).Bytes()))
	return crypto.CreateAddress2(b.release.Factory, salt, crypto.Keccak256(code, word(b.singleton[:]))), nil
}

// birth is what a Safe is made of.
type birth struct {
	release   SafeRelease
	singleton common.Address
	setup     []byte
	factory   abi.ABI
}

func newBirth(cfg SafeConfig) (b birth, err error) {
	if cfg.Version == "" {
		cfg.Version = "1.4.1"
	}
	if b.release, err = Release(cfg.Version); err != nil {
		return b, err
	}
	if b.singleton = b.release.Singleton; cfg.L2 {
		b.singleton = b.release.SingletonL2
	}
	if b.singleton == (common.Address{}) {
		return b, fmt.Errorf("there is no L2 singleton of Safe %s", cfg.Version)
	}
	if b.setup, err = b.release.setup(cfg); err != nil {
		return b, err
	}
	_, name := b.release.names()
	factory, err := b.release.load("proxies", name)
	if err != nil {
		return b, err
	}
	b.factory = factory.ABI
	return b, nil
}

// creation is the call that makes a proxy. The factory of 0.1.0 knows no salt.
func creation(factory abi.ABI, singleton common.Address, setup []byte, salt uint64) ([]byte, error) {
	method, args := "createProxyWithNonce", []any{singleton, setup, new(big.Int).SetUint64(salt)}
	if _, salted := factory.Methods[method]; !salted {
		method, args = "createProxy", args[:2]
	}
	data, err := factory.Pack(method, args...)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", method, err)
	}
	return data, nil
}

// proxyOf reads the proxy from ProxyCreation: indexed from 1.4.0 on, the first word of the data before.
func proxyOf(topics []common.Hash, data []byte) common.Address {
	if len(topics) > 1 {
		return common.BytesToAddress(topics[1].Bytes())
	}
	return common.BytesToAddress(data[:32])
}

func (r SafeRelease) setup(cfg SafeConfig) ([]byte, error) {
	safe, err := r.ABI()
	if err != nil {
		return nil, err
	}
	fallback := cfg.Fallback
	if fallback == (common.Address{}) {
		fallback = r.FallbackHandler
	}
	none := common.Address{}
	args := []any{cfg.Owners, big.NewInt(int64(cfg.Threshold)), none, []byte{}}
	switch len(safe.Methods["setup"].Inputs) {
	case 7: // 1.0.0: a payment for the deployment
		args = append(args, none, new(big.Int), none)
	case 8: // from 1.1.0 on also a fallback handler
		args = append(args, fallback, none, new(big.Int), none)
	}
	if len(args) < 8 && fallback != none {
		return nil, fmt.Errorf("a Safe %s has no fallback handler", r.Version)
	}
	data, err := safe.Pack("setup", args...)
	if err != nil {
		return nil, fmt.Errorf("encode setup: %w", err)
	}
	return data, nil
}

// ABI is the interface of the release's singleton.
func (r SafeRelease) ABI() (abi.ABI, error) {
	singleton, _ := r.names()
	artifact, err := r.load("", singleton)
	if err != nil {
		return abi.ABI{}, err
	}
	return artifact.ABI, nil
}

// TimelockArtifact is OpenZeppelin's TimelockController 5.7.0.
func TimelockArtifact() (*Artifact, error) {
	return LoadPackageArtifact("@openzeppelin/contracts/build/contracts/TimelockController.json")
}

// DeployTimelock makes a TimelockController. Its constructor makes every proposer a canceller too; address zero among
// the executors lets anyone execute; admin zero leaves the timelock its own only admin.
func (c *Chain) DeployTimelock(ctx context.Context, minDelay time.Duration, proposers, executors []common.Address, admin common.Address) (common.Address, error) {
	artifact, err := TimelockArtifact()
	if err != nil {
		return common.Address{}, err
	}
	addr, err := c.Deploy(ctx, artifact, big.NewInt(int64(minDelay/time.Second)), proposers, executors, admin)
	if err != nil {
		return common.Address{}, fmt.Errorf("timelock: %w", err)
	}
	return addr, nil
}

// Asset is one reserve of the sample market.
type Asset struct {
	Symbol               string
	Decimals             uint8
	Token                common.Address // filled in by DeployMarket
	LTV                  uint64         // basis points
	LiquidationThreshold uint64         // basis points
	SupplyCap            *big.Int       // in whole tokens
}

// DeployMarket makes the sample lending market with a token for each asset (assets are filled in). guardian may only pause; admin
// may do the rest.
func (c *Chain) DeployMarket(ctx context.Context, guardian, admin common.Address, assets []Asset) (common.Address, error) {
	token, err := LoadOwnArtifact("Token")
	if err != nil {
		return common.Address{}, err
	}
	market, err := LoadOwnArtifact("Market")
	if err != nil {
		return common.Address{}, err
	}
	for i, asset := range assets {
		if assets[i].Token, err = c.Deploy(ctx, token, asset.Symbol, asset.Decimals); err != nil {
			return common.Address{}, fmt.Errorf("token %s: %w", asset.Symbol, err)
		}
	}
	addr, err := c.Deploy(ctx, market, guardian, admin, listings(assets))
	if err != nil {
		return common.Address{}, fmt.Errorf("market: %w", err)
	}
	return addr, nil
}

// listing is Market.Listing, as the constructor takes it; supply caps are in the token's smallest unit.
type listing struct {
	Asset                   common.Address
	LtvBps                  *big.Int
	LiquidationThresholdBps *big.Int
	SupplyCap               *big.Int
}

func listings(assets []Asset) []listing {
	list := make([]listing, len(assets))
	for i, a := range assets {
		unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.Decimals)), nil)
		list[i] = listing{
			Asset:                   a.Token,
			LtvBps:                  new(big.Int).SetUint64(a.LTV),
			LiquidationThresholdBps: new(big.Int).SetUint64(a.LiquidationThreshold),
			SupplyCap:               unit.Mul(unit, a.SupplyCap),
		}
	}
	return list
}

// DeployPriceFeed makes a price feed whose price is set by owner; price has 8 decimals.
func (c *Chain) DeployPriceFeed(ctx context.Context, description string, owner common.Address, price *big.Int) (common.Address, error) {
	artifact, err := LoadOwnArtifact("PriceFeed")
	if err != nil {
		return common.Address{}, err
	}
	addr, err := c.Deploy(ctx, artifact, description, owner, price)
	if err != nil {
		return common.Address{}, fmt.Errorf("price feed %s: %w", description, err)
	}
	return addr, nil
}
