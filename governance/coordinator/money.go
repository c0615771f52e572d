package coordinator

import (
	"context"
	"fmt"
	"time"

	"belay/governance/relay"

	"github.com/ethereum/go-ethereum/common"
)

// moneyEvery is how often the relayers' balances are read.
const moneyEvery = time.Minute

// guardMoney tells the operator what each relayer holds, and when that is too little for two emergencies, or enough again.
func (c *Coordinator) guardMoney(ctx context.Context, name string) error {
	chain := c.cfg.Chains[name]
	if len(signersOf(chain)) == 0 {
		return nil
	}
	low := map[common.Address]bool{}
	return poll(ctx, nil, moneyEvery, func(bool) {
		if err := c.countMoney(ctx, chain, low); err != nil && ctx.Err() == nil {
			c.cfg.Logger.Warn("read the relayers' balances", "chain", name, "error", err)
		}
	})
}

// countMoney reads the balances, and logs those that became low or are not low any more.
func (c *Coordinator) countMoney(ctx context.Context, chain ChainConfig, low map[common.Address]bool) error {
	head, fees, err := chain.Chain.Recent(ctx)
	if err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	keys, err := keysAt(ctx, chain, head, signersOf(chain)...)
	if err != nil {
		return err
	}
	largest, err := c.largestPause(chain)
	if err != nil {
		return err
	}
	reserve := relay.Reserve(largest, gasCap(chain, fees), chain.Fees.Emergency)
	for _, key := range keys {
		balance, address := key.Account.Balance, key.Address.Hex()
		isLow := balance.Lt(&reserve)
		c.cfg.Observe("relayer_balance_ether", balance.Float64()/1e18, "chain", chain.Name, "relayer", address)
		c.cfg.Observe("relayer_low", oneIf(isLow), "chain", chain.Name, "relayer", address)
		if before, known := low[key.Address]; isLow && !before {
			c.cfg.Logger.Error("a relayer holds less than two emergency executions at the cap: send it gas money", "chain", chain.Name, "relayer", address, "wei", balance.Dec(), "needs_wei", reserve.Dec())
		} else if known && before && !isLow {
			c.cfg.Logger.Info("a relayer holds enough again", "chain", chain.Name, "relayer", address, "wei", balance.Dec())
		}
		low[key.Address] = isLow
	}
	return nil
}

// largestPause is the most gas that any open emergency of the chain was simulated to need; 0 where none is open.
func (c *Coordinator) largestPause(chain ChainConfig) (most uint64, err error) {
	open, err := c.unended()
	if err != nil {
		return 0, fmt.Errorf("read open proposals: %w", err)
	}
	for _, p := range open {
		if p.Safe.Chain == chain.Name && p.Kind.Emergency() && p.Simulation != nil && p.Simulation.OK && len(p.SafeTxs) > 0 {
			most = max(most, neededGas(*p.Simulation, p.SafeTxs[0].Tx, p.Threshold))
		}
	}
	return most, nil
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
