package devnet

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

// Aave is a market of Aave's own contracts, version 3.0, as the npm package @aave/core-v3 has them compiled.
type Aave struct {
	Pool         common.Address // a proxy; Configurator is one too
	Configurator common.Address
	DataProvider common.Address
	Assets       []Asset // their Token, LTV and LiquidationThreshold count; the bonus is AaveLiquidationBonus
}

// AaveLiquidationBonus is what every asset of [Chain.DeployAave] starts with, in basis points: 5 % more than the debt.
const AaveLiquidationBonus = 10_500

// DeployAave makes a market whose only emergency admin is guardian, but for admin, which has every role there is. The deployer keeps
// none. In Aave an emergency admin may unpause, too: that it does not is a matter of playbooks, not of the contract.
func (c *Chain) DeployAave(ctx context.Context, guardian, admin common.Address, assets []Asset) (*Aave, error) {
	b := &aaveBuilder{ctx: ctx, chain: c, guardian: guardian, admin: admin, libraries: map[string]common.Address{}, made: &Aave{Assets: assets}}
	steps := []struct {
		what string
		do   func() error
	}{
		{"registry and roles", b.makeRegistry},
		{"libraries", b.makeLibraries},
		{"pool", b.makePool},
		{"reserves", b.listAssets},
		{"handover", b.handOver},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("deploy aave: %s: %w", step.what, err)
		}
	}
	return b.made, nil
}

// aaveBuilder remembers between the steps.
type aaveBuilder struct {
	ctx             context.Context //nolint:containedctx // lives as long as one deployment
	chain           *Chain
	guardian, admin common.Address

	registry, roles common.Address // PoolAddressesProvider, ACLManager
	libraries       map[string]common.Address
	made            *Aave
}

// The contracts below protocol/ and elsewhere, by name.
var aaveFolders = map[string]string{
	"PoolAddressesProvider": "protocol/configuration", "ACLManager": "protocol/configuration",
	"Pool": "protocol/pool", "PoolConfigurator": "protocol/pool", "DefaultReserveInterestRateStrategy": "protocol/pool",
	"AToken": "protocol/tokenization", "StableDebtToken": "protocol/tokenization", "VariableDebtToken": "protocol/tokenization",
	"AaveProtocolDataProvider": "misc",
}

// aaveLibraries are deployed in this order: FlashLoanLogic calls BorrowLogic.
var aaveLibraries = []string{"BorrowLogic", "BridgeLogic", "EModeLogic", "FlashLoanLogic", "LiquidationLogic", "PoolLogic", "SupplyLogic", "ConfiguratorLogic"}

func (b *aaveBuilder) makeRegistry() (err error) {
	if b.registry, err = b.deploy("PoolAddressesProvider", "belay sample", Address(DeployerKey)); err != nil {
		return err
	}
	if err := b.call("PoolAddressesProvider", b.registry, "setACLAdmin", Address(DeployerKey)); err != nil {
		return err
	}
	if b.roles, err = b.deploy("ACLManager", b.registry); err != nil {
		return err
	}
	if err := b.call("PoolAddressesProvider", b.registry, "setACLManager", b.roles); err != nil {
		return err
	}
	return b.call("ACLManager", b.roles, "addPoolAdmin", Address(DeployerKey))
}

func (b *aaveBuilder) makeLibraries() (err error) {
	for _, name := range aaveLibraries {
		if b.libraries[name], err = b.deploy(name); err != nil {
			return err
		}
	}
	return nil
}

// makePool makes pool and configurator: the registry puts a proxy before each and initialises it.
func (b *aaveBuilder) makePool() error {
	pool, err := b.deploy("Pool", b.registry)
	if err != nil {
		return err
	}
	configurator, err := b.deploy("PoolConfigurator")
	if err != nil {
		return err
	}
	for _, one := range []struct {
		set, get       string
		implementation common.Address
		proxy          *common.Address
	}{
		{"setPoolImpl", "getPool", pool, &b.made.Pool},
		{"setPoolConfiguratorImpl", "getPoolConfigurator", configurator, &b.made.Configurator},
	} {
		if err := b.call("PoolAddressesProvider", b.registry, one.set, one.implementation); err != nil {
			return err
		}
		if *one.proxy, err = b.registered(one.get); err != nil {
			return err
		}
	}
	if b.made.DataProvider, err = b.deploy("AaveProtocolDataProvider", b.registry); err != nil {
		return err
	}
	return b.call("PoolAddressesProvider", b.registry, "setPoolDataProvider", b.made.DataProvider)
}

// registered asks the registry for an address.
func (b *aaveBuilder) registered(getter string) (common.Address, error) {
	artifact, err := b.artifact("PoolAddressesProvider")
	if err != nil {
		return common.Address{}, err
	}
	data, err := artifact.ABI.Pack(getter)
	if err != nil {
		return common.Address{}, fmt.Errorf("encode %s: %w", getter, err)
	}
	out, err := b.chain.Call(b.ctx, b.registry, data)
	return common.BytesToAddress(out), err
}

// aaveListing is ConfiguratorInputTypes.InitReserveInput.
type aaveListing struct {
	ATokenImpl, StableDebtTokenImpl, VariableDebtTokenImpl common.Address
	UnderlyingAssetDecimals                                uint8
	InterestRateStrategyAddress, UnderlyingAsset           common.Address
	Treasury, IncentivesController                         common.Address
	ATokenName, ATokenSymbol                               string
	VariableDebtTokenName, VariableDebtTokenSymbol         string
	StableDebtTokenName, StableDebtTokenSymbol             string
	Params                                                 []byte
}

func (b *aaveBuilder) listAssets() error {
	shared, err := b.listingOfAll()
	if err != nil {
		return err
	}
	token, err := LoadOwnArtifact("Token")
	if err != nil {
		return err
	}
	var listings []aaveListing
	for i, asset := range b.made.Assets {
		one := shared
		if one.UnderlyingAsset, err = b.chain.Deploy(b.ctx, token, asset.Symbol, asset.Decimals); err != nil {
			return fmt.Errorf("token %s: %w", asset.Symbol, err)
		}
		b.made.Assets[i].Token = one.UnderlyingAsset
		one.UnderlyingAssetDecimals = asset.Decimals
		one.ATokenName, one.ATokenSymbol = "Aave "+asset.Symbol, "a"+asset.Symbol
		one.VariableDebtTokenName, one.VariableDebtTokenSymbol = "Variable debt "+asset.Symbol, "v"+asset.Symbol
		one.StableDebtTokenName, one.StableDebtTokenSymbol = "Stable debt "+asset.Symbol, "s"+asset.Symbol
		listings = append(listings, one)
	}
	if err := b.call("PoolConfigurator", b.made.Configurator, "initReserves", listings); err != nil {
		return err
	}
	for _, a := range b.made.Assets {
		if err := b.call("PoolConfigurator", b.made.Configurator, "configureReserveAsCollateral", a.Token,
			new(big.Int).SetUint64(a.LTV), new(big.Int).SetUint64(a.LiquidationThreshold), big.NewInt(AaveLiquidationBonus)); err != nil {
			return err
		}
	}
	return nil
}

// listingOfAll is what the listings of all assets have in common.
func (b *aaveBuilder) listingOfAll() (l aaveListing, err error) {
	for name, at := range map[string]*common.Address{"AToken": &l.ATokenImpl, "StableDebtToken": &l.StableDebtTokenImpl, "VariableDebtToken": &l.VariableDebtTokenImpl} {
		if *at, err = b.deploy(name, b.made.Pool); err != nil {
			return l, err
		}
	}
	ray := func(percent int64) *big.Int {
		return new(big.Int).Mul(big.NewInt(percent), new(big.Int).Exp(big.NewInt(10), big.NewInt(25), nil))
	}
	l.InterestRateStrategyAddress, err = b.deploy("DefaultReserveInterestRateStrategy", b.registry,
		ray(80), ray(0), ray(4), ray(75), ray(5), ray(75), ray(1), ray(8), ray(20))
	l.Treasury = b.admin
	return l, err
}

// handOver gives the roles to those who are to have them, the deployer's last.
func (b *aaveBuilder) handOver() error {
	deployer, none := Address(DeployerKey), [32]byte{}
	for _, step := range []struct {
		contract string
		at       common.Address
		function string
		args     []any
	}{
		{"ACLManager", b.roles, "addEmergencyAdmin", []any{b.guardian}},
		{"ACLManager", b.roles, "addEmergencyAdmin", []any{b.admin}},
		{"ACLManager", b.roles, "addPoolAdmin", []any{b.admin}},
		{"ACLManager", b.roles, "removePoolAdmin", []any{deployer}},
		{"ACLManager", b.roles, "grantRole", []any{none, b.admin}},
		{"ACLManager", b.roles, "renounceRole", []any{none, deployer}},
		{"PoolAddressesProvider", b.registry, "setACLAdmin", []any{b.admin}},
		{"PoolAddressesProvider", b.registry, "transferOwnership", []any{b.admin}},
	} {
		if err := b.call(step.contract, step.at, step.function, step.args...); err != nil {
			return err
		}
	}
	return nil
}

func (b *aaveBuilder) deploy(name string, args ...any) (common.Address, error) {
	artifact, err := b.artifact(name)
	if err != nil {
		return common.Address{}, err
	}
	at, err := b.chain.Deploy(b.ctx, artifact, args...)
	if err != nil {
		return at, fmt.Errorf("%s: %w", name, err)
	}
	return at, nil
}

// call sends a transaction of the deployer's.
func (b *aaveBuilder) call(name string, at common.Address, function string, args ...any) error {
	artifact, err := b.artifact(name)
	if err != nil {
		return err
	}
	data, err := artifact.ABI.Pack(function, args...)
	if err != nil {
		return fmt.Errorf("encode %s: %w", function, err)
	}
	if _, err := b.chain.Send(b.ctx, Key(DeployerKey), &at, nil, data); err != nil {
		return fmt.Errorf("%s: %w", function, err)
	}
	return nil
}

func (b *aaveBuilder) artifact(name string) (*Artifact, error) {
	folder, ok := aaveFolders[name]
	if !ok {
		folder = "protocol/libraries/logic"
	}
	return loadLinked(fmt.Sprintf("node_modules/@aave/core-v3/artifacts/contracts/%s/%s.sol/%s.json", folder, name, name), b.libraries)
}

// loadLinked reads an artifact whose code has gaps for the addresses of libraries, as Hardhat writes it, and fills them. Only the
// creation code is given.
func loadLinked(path string, libraries map[string]common.Address) (*Artifact, error) {
	file, err := findUpwards(filepath.FromSlash(path))
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file) //nolint:gosec // the path is one of this package's own
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	var raw struct {
		ABI            json.RawMessage           `json:"abi"`
		Bytecode       string                    `json:"bytecode"`
		LinkReferences map[string]map[string]any `json:"linkReferences"` // by source and name of the library
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fmt.Errorf("parse contract %s: %w", path, err)
	}
	for source, of := range raw.LinkReferences {
		for name := range of {
			at, known := libraries[name]
			if !known {
				return nil, fmt.Errorf("%s needs the library %s, which is not deployed", path, name)
			}
			raw.Bytecode = strings.ReplaceAll(raw.Bytecode, linkGap(source, name), hex.EncodeToString(at[:]))
		}
	}
	a := &Artifact{}
	if err := json.Unmarshal(raw.ABI, &a.ABI); err != nil {
		return nil, fmt.Errorf("parse contract %s: %w", path, err)
	}
	if a.Bytecode, err = hexutil.Decode(raw.Bytecode); err != nil {
		return nil, fmt.Errorf("parse contract %s: its code: %w", path, err)
	}
	return a, nil
}

// linkGap is what solc writes where the address of a library belongs: 40 characters, made of the hash of its full name.
func linkGap(source, name string) string {
	return "__$" + hex.EncodeToString(crypto.Keccak256([]byte(source + ":" + name)))[:34] + "$__"
}
