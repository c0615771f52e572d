package main

import (
	"encoding/json"
	"fmt"
	"time"

	"belay/configs"
	"belay/governance"
	"belay/safe"
	"belay/safe/calldata"
	"belay/store"

	"github.com/spf13/cobra"
)

func (p *program) show() *cobra.Command {
	var hashes, batch bool
	c := &cobra.Command{Use: "show ID", SuggestFor: []string{"status", "details"}, Short: "shows one proposal, from a stopped store or the running program", Args: cobra.ExactArgs(1)}
	c.Flags().BoolVar(&hashes, "hashes", false, "only what is hashed and the hashes, as the public checking tools print them")
	c.Flags().BoolVar(&batch, "batch", false, "only the calls, as a file that the Safe Transaction Builder imports")
	c.MarkFlagsMutuallyExclusive("hashes", "batch")
	show := func(v governance.View, remark string) error {
		switch {
		case hashes:
			return p.printHashes(v)
		case batch:
			return p.printBatch(v)
		}
		return p.print(v, remark+proposalText(v))
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return p.inStore(cmd, func(cfg *configs.Config, db *store.Store) error {
			proposal, err := find(db, args[0])
			if err != nil {
				return err
			}
			all, err := views(cfg, db, []governance.Proposal{proposal})
			if err != nil {
				return err
			}
			return show(all[0], notRunning)
		}, func(r remote) error {
			var v governance.View
			if err := r.get("/api/v1/proposals/"+args[0], &v); err != nil {
				return err
			}
			return show(v, "")
		})
	}
	return c
}

// transactionOf reads a View's transaction as everybody else would: from its JSON.
func transactionOf(v governance.View) (safe.Domain, safe.Tx, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return safe.Domain{}, safe.Tx{}, err
	}
	in := plainInput()
	return in.read(text)
}

func (p *program) printHashes(v governance.View) error {
	text, err := plainHashes(v)
	if err != nil {
		return err
	}
	return p.print(map[string]string{"domain_hash": v.DomainHash, "message_hash": v.MessageHash, "safe_tx_hash": v.SafeTxHash}, text)
}

// plainHashes computes the hashes of the active transaction from its fields.
func plainHashes(v governance.View) (string, error) {
	domain, tx, err := transactionOf(v)
	if err != nil {
		return "", err
	}
	return safe.PlainText(networkName(domain.ChainID), domain, tx) + "Check words: " + safe.CheckWords(safe.Hash(domain, tx).SafeTx), nil
}

// printBatch gives what the Safe itself calls: the intent, or its schedule.
func (p *program) printBatch(v governance.View) error {
	domain, tx, err := transactionOf(v)
	if err != nil {
		return err
	}
	calls, err := tx.Calls()
	if err != nil {
		return fmt.Errorf("open the batch: %w", err)
	}
	cfg, err := p.load(configs.WithoutSecrets())
	if err != nil {
		return err
	}
	book, err := decoding{}.book(cfg, domain.ChainID)
	if err != nil {
		return err
	}
	created, err := time.Parse(time.RFC3339, v.CreatedAt)
	if err != nil {
		return fmt.Errorf("read when it was made: %w", err)
	}
	file, err := book.WriteBatchFile(calldata.BatchFile{ChainID: domain.ChainID, Safe: domain.Safe, Name: v.ID + " " + v.Headline(), CreatedAt: created, Calls: calls})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, string(file))
	return err
}
