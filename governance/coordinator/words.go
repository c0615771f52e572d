package coordinator

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"belay/governance"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
)

// ContractConfig is a contract whose functions are known at its address alone, and the code that they were written for.
type ContractConfig struct {
	Chain     string
	Address   common.Address
	Source    string // the file that says so
	Functions []calldata.Function
	// Keccak-256 of the code at the address, and of the code that it runs as a proxy; zero: any.
	CodeHash, ImplementationHash common.Hash
}

// newBooks makes the words of each chain: functions that hold everywhere, and those of the chain's own contracts.
func newBooks(cfg Config) (map[string]*calldata.Book, error) {
	functions := slices.Clone(cfg.Functions)
	for _, p := range cfg.Playbooks {
		functions = append(functions, p.Functions()...)
	}
	labels := governance.ChoiceNames(cfg.Playbooks)
	maps.Copy(labels, cfg.Labels) // what the operator calls an address comes before what a playbook does
	everywhere, err := calldata.NewBook(functions, labels)
	if err != nil {
		return nil, err
	}
	everywhere = everywhere.WithEvents(cfg.Events)
	books := map[string]*calldata.Book{}
	for name := range cfg.Chains {
		here := map[common.Address][]calldata.Function{}
		for _, c := range cfg.Contracts {
			if c.Chain == name {
				here[c.Address] = append(here[c.Address], c.Functions...)
			}
		}
		if books[name], err = everywhere.WithContracts(here); err != nil {
			return nil, fmt.Errorf("on %s: %w", name, err)
		}
	}
	return books, nil
}

// bound are the contracts among the transaction's targets that were configured with the code they have to have.
func (d *drafting) bound() (list []ContractConfig) {
	targets := d.book().Targets(d.tx.Tx, batches(d.tx.Tx)...)
	for _, c := range d.c.cfg.Contracts {
		pinned := c.CodeHash != (common.Hash{}) || c.ImplementationHash != (common.Hash{})
		if c.Chain == d.chain.Name && pinned && slices.Contains(targets, c.Address) {
			list = append(list, c)
		}
	}
	return list
}

// recoded names the contracts that are not what their ABI was configured for: their functions may do something else now.
func (d *drafting) recoded(ctx context.Context) (dangers []governance.DangerView, err error) {
	bound := d.bound()
	if len(bound) == 0 {
		return nil, nil
	}
	var addresses []common.Address
	for _, c := range bound {
		addresses = append(addresses, c.Address)
	}
	code, err := d.chain.Chain.CodeHashes(ctx, d.state.Block, addresses...)
	if err != nil {
		return nil, err
	}
	implementations, err := d.chain.Chain.Implementations(ctx, d.state.Block, addresses...)
	if err != nil {
		return nil, err
	}
	runs, err := d.chain.Chain.CodeHashes(ctx, d.state.Block, implementations...)
	if err != nil {
		return nil, err
	}
	for i, c := range bound {
		if c.CodeHash != (common.Hash{}) && c.CodeHash != code[i] {
			dangers = append(dangers, d.changed(c, "its code is not the one that %s was written for (hash %s, expected %s)", c.Source, code[i].Hex(), c.CodeHash.Hex()))
		}
		if c.ImplementationHash != (common.Hash{}) && c.ImplementationHash != runs[i] {
			dangers = append(dangers, d.changed(c, "its implementation %s is not the one that %s was written for (hash %s, expected %s)",
				implementations[i].Hex(), c.Source, runs[i].Hex(), c.ImplementationHash.Hex()))
		}
	}
	return dangers, nil
}

func (d *drafting) changed(c ContractConfig, what string, args ...any) governance.DangerView {
	return governance.DangerView{Code: calldata.DangerCodeChanged,
		Text: d.book().Name(c.Address) + ": " + fmt.Sprintf(what, args...) + "; what its functions do now has to be found out before anyone signs"}
}

func (d *drafting) book() *calldata.Book { return d.c.books[d.chain.Name] }
