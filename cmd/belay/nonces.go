package main

import (
	"fmt"
	"strings"

	"belay/configs"
	"belay/governance"
	"belay/governance/coordinator"
	"belay/store"

	"github.com/spf13/cobra"
)

func (p *program) nonces() *cobra.Command {
	return &cobra.Command{Use: "nonces", Short: "what stands at the nonces of each Safe, from a stopped store or the running program", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return p.inStore(cmd, func(cfg *configs.Config, db *store.Store) error {
			maps, err := storedNonces(cfg, db)
			if err != nil {
				return err
			}
			return p.printNonces(maps)
		}, func(r remote) error {
			var list struct {
				Safes []governance.NonceMap `json:"safes"`
			}
			if err := r.get("/api/v1/nonces", &list); err != nil {
				return err
			}
			return p.printNonces(list.Safes)
		})
	}}
}

// storedNonces draws the maps from what a stopped store saw last; no chain is asked.
func storedNonces(cfg *configs.Config, db *store.Store) ([]governance.NonceMap, error) {
	known, err := coordinator.Placed(db)
	if err != nil {
		return nil, err
	}
	chainIDs := map[string]uint64{}
	for _, c := range cfg.Chains {
		chainIDs[c.Name] = c.ID
	}
	maps := []governance.NonceMap{}
	for _, s := range cfg.Safes {
		ref := governance.SafeRef{Name: s.Name, Chain: s.Chain, ChainID: chainIDs[s.Chain], Address: s.Address}
		nonce, block := coordinator.LastSeen(ref, known)
		maps = append(maps, governance.NewNonceMap(ref, nonce, block, known))
	}
	return maps, nil
}

func (p *program) printNonces(maps []governance.NonceMap) error {
	var b strings.Builder
	for _, m := range maps {
		if m.Block == 0 {
			fmt.Fprintf(&b, "%s (%s %s): never read; start `belay serve`, or propose something\n", m.Safe, m.Chain, m.Address)
			continue
		}
		fmt.Fprintf(&b, "%s (%s %s): next nonce %d at block %d, next free %d\n", m.Safe, m.Chain, m.Address, m.Nonce, m.Block, m.Free)
		for _, place := range m.Nonces {
			fmt.Fprintf(&b, "  %6d  %-9s  %s\n", place.Nonce, place.State, place.Text)
		}
		if len(m.Nonces) == 0 {
			b.WriteString("  nothing stands anywhere\n")
		}
	}
	return p.print(map[string]any{"safes": maps}, strings.TrimSuffix(b.String(), "\n"))
}
