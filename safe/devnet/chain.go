package devnet

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"os"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/eth/tracers"
	_ "github.com/ethereum/go-ethereum/eth/tracers/native" // registers prestateTracer and callTracer
	"github.com/ethereum/go-ethereum/ethclient"
	gethlog "github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
)

// Config says what chain to start. The zero value is a chain with id 31337 whose time starts now. Two blocks are at least
// a second of chain time apart, so many transactions, or a Period below a second, make chain time run ahead of the clock.
type Config struct {
	ChainID     uint64        // default 31337
	Period      time.Duration // a block at least this often; default one second. Manual: the chain time between two blocks
	GenesisTime uint64        // chain time of block 0, seconds since the epoch; default now. Block 1 is there from the start
	Manual      bool          // no block but by Seal and AdvanceTime
	Finality    uint64        // blocks between head and the finalized tag (safe is half of it); default 8
	BaseFee     *big.Int      // of block 0, wei; default 1 gwei. It falls by an eighth with every empty block
	Alloc       types.GenesisAlloc
	LogLevel    slog.Leveler // go-ethereum's own log on stderr, for the whole process; nil is silent
}

func (c Config) withDefaults() Config {
	if c.ChainID == 0 {
		c.ChainID = 31337
	}
	if c.Period == 0 {
		c.Period = time.Second
	}
	if c.GenesisTime == 0 {
		c.GenesisTime = timestamp(time.Now())
	}
	if c.Finality == 0 {
		c.Finality = 8
	}
	if c.BaseFee == nil {
		c.BaseFee = big.NewInt(params.GWei)
	}
	return c
}

// Chain is a running dev chain. All methods are safe for concurrent use.
type Chain struct {
	cfg    Config
	node   *node.Node
	eth    *eth.Ethereum
	client *ethclient.Client
	raw    *rpc.Client

	seal   sealer
	nonces sync.Mutex // held from reading an account's nonce until its transaction is in the pool
	close  sync.Once
	closed error
}

// Start builds the genesis block, opens the RPC listeners on free loopback ports and, unless Manual, begins to seal.
// It fails with [ErrNotInstalled] when the npm packages that hold the Safe contracts are missing.
func Start(cfg Config) (*Chain, error) {
	cfg = cfg.withDefaults()
	if cfg.LogLevel != nil {
		logTo(os.Stderr, cfg.LogLevel)
	}
	genesis, err := genesisOf(cfg)
	if err != nil {
		return nil, err
	}
	stack, err := node.New(nodeConfig())
	if err != nil {
		return nil, fmt.Errorf("create dev node: %w", err)
	}
	c, err := startOn(stack, genesis, cfg)
	if err != nil {
		return nil, errors.Join(err, stack.Close())
	}
	return c, nil
}

func startOn(stack *node.Node, genesis *core.Genesis, cfg Config) (*Chain, error) {
	backend, err := eth.New(stack, ethConfig(genesis))
	if err != nil {
		return nil, fmt.Errorf("create dev chain: %w", err)
	}
	stack.RegisterAPIs(tracers.APIs(backend.APIBackend))
	stack.RegisterAPIs([]rpc.API{{
		Namespace: "eth",
		Service:   filters.NewFilterAPI(filters.NewFilterSystem(backend.APIBackend, filters.Config{})),
	}})
	if err := stack.Start(); err != nil {
		return nil, fmt.Errorf("start dev node: %w", err)
	}
	backend.SetSynced() // nobody to sync from: without this the pool refuses transactions
	raw := stack.Attach()
	c := &Chain{cfg: cfg, node: stack, eth: backend, raw: raw, client: ethclient.NewClient(raw)}
	if err := c.seal.start(backend, cfg); err != nil {
		return nil, err
	}
	return c, nil
}

func nodeConfig() *node.Config {
	modules := []string{"eth", "net", "web3", "debug", "txpool"}
	return &node.Config{
		Name:             "belay-devnet",
		P2P:              p2p.Config{NoDiscovery: true, NoDial: true, MaxPeers: 0},
		HTTPHost:         "127.0.0.1", // port 0: the system picks a free one
		HTTPModules:      modules,
		HTTPCors:         []string{"*"}, // the demo's pages, on another port, read the chain as a wallet would
		HTTPVirtualHosts: []string{"localhost", "127.0.0.1"},
		HTTPTimeouts:     rpc.DefaultHTTPTimeouts,
		WSHost:           "127.0.0.1",
		WSModules:        modules,
		WSOrigins:        []string{"*"},
		// Batches are bounded as by the big providers, so that what passes here passes there.
		BatchRequestLimit:    1000,
		BatchResponseMaxSize: 25 * 1000 * 1000,
	}
}

// ethConfig keeps every state (archive, in memory), so that a read at an old block answers for as long as the chain runs.
func ethConfig(genesis *core.Genesis) *ethconfig.Config {
	cfg := ethconfig.Defaults
	cfg.Genesis = genesis
	cfg.SyncMode = ethconfig.FullSync
	cfg.StateScheme = rawdb.HashScheme
	cfg.NoPruning = true
	cfg.LogNoHistory = true // logs are searched block by block: no index to lag behind
	cfg.DatabaseCache, cfg.TrieCleanCache, cfg.TrieDirtyCache, cfg.SnapshotCache = 16, 16, 16, 0
	cfg.TxPool.NoLocals = true
	cfg.TxPool.Journal = ""
	return &cfg
}

func genesisOf(cfg Config) (*core.Genesis, error) {
	alloc := core.SystemContractAllocs()
	contracts, err := canonicalAlloc()
	if err != nil {
		return nil, err
	}
	maps.Copy(alloc, contracts)
	for i := range Keys {
		alloc[Address(i)] = types.Account{Balance: ether(10_000)}
	}
	alloc[crypto.PubkeyToAddress(faucet().PublicKey)] = types.Account{Balance: ether(1_000_000_000)}
	maps.Copy(alloc, cfg.Alloc)
	return &core.Genesis{
		Config:     chainConfig(cfg.ChainID),
		Timestamp:  cfg.GenesisTime,
		GasLimit:   ethconfig.Defaults.Miner.GasCeil,
		BaseFee:    cfg.BaseFee,
		Difficulty: new(big.Int),
		Alloc:      alloc,
	}, nil
}

// chainConfig has the rules of mainnet: every fork to Osaka from block 0, none after it (go-ethereum's own dev chain is ahead).
func chainConfig(id uint64) *params.ChainConfig {
	cfg := *params.AllDevChainProtocolChanges
	cfg.ChainID = new(big.Int).SetUint64(id)
	cfg.BogotaTime = nil
	return &cfg
}

func logTo(w io.Writer, level slog.Leveler) {
	gethlog.SetDefault(gethlog.NewLogger(gethlog.NewTerminalHandlerWithLevel(w, level.Level(), false)))
}

// URL is where the chain answers JSON-RPC over HTTP.
func (c *Chain) URL() string { return c.node.HTTPEndpoint() }

// WSURL is where the chain answers JSON-RPC over WebSocket, with subscriptions.
func (c *Chain) WSURL() string { return c.node.WSEndpoint() }

// ChainID is the chain's id as transactions and Safe hashes carry it.
func (c *Chain) ChainID() *big.Int { return new(big.Int).SetUint64(c.cfg.ChainID) }

// Client talks to the chain without a socket. It belongs to the chain: do not close it.
func (c *Chain) Client() *ethclient.Client { return c.client }

// RPC is the client below [Chain.Client], for methods ethclient does not know.
func (c *Chain) RPC() *rpc.Client { return c.raw }

// Lingering names the goroutines, by a function of their stack, that go-ethereum may leave after Close: a leak check ignores
// them.
func Lingering() []string {
	return []string{
		// The peer database's; ends within a second.
		"github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain",
		// One set per process, however many chains.
		"github.com/ethereum/go-ethereum/core.(*txSenderCacher).cache",
		// A subscription over RPC that was ended at the same moment as the chain waits for ever to be taken off a list.
		"github.com/ethereum/go-ethereum/eth/filters.(*FilterAPI).NewHeads.func1",
		"github.com/ethereum/go-ethereum/eth/filters.(*FilterAPI).Logs.func1",
	}
}

// Close stops sealing, the listeners and the node, and waits for them, but for those of [Lingering]. Closing again
// returns the first answer.
func (c *Chain) Close() error {
	c.close.Do(func() {
		c.seal.stop()
		c.client.Close()
		if err := c.node.Close(); err != nil {
			c.closed = fmt.Errorf("close dev node: %w", err)
		}
	})
	return c.closed
}

func ether(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(params.Ether)) }
