package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"belay/configs"
	"belay/store"

	"github.com/spf13/cobra"
)

func (p *program) log() *cobra.Command {
	c := &cobra.Command{Use: "log", Short: "the hash chain of events", Args: noSuchCommand, RunE: func(cmd *cobra.Command, _ []string) error { return usage(cmd.Help()) }}
	c.AddCommand(p.logVerify(), p.logExport(), p.logHead())
	return c
}

func (p *program) logVerify() *cobra.Command {
	var file, key string
	c := &cobra.Command{Use: "verify", Short: "recomputes every hash of the log, or of an export", Args: cobra.NoArgs}
	c.Flags().StringVar(&file, "export", "", "an export instead of the store")
	c.Flags().StringVar(&key, "key", "", "the log key that must have signed the export, as belay version prints it")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if file != "" {
			return p.verifyExport(cmd, file, key)
		}
		cfg, err := p.load(configs.WithoutSecrets())
		if err != nil {
			return err
		}
		db, err := offline(cfg)
		if errors.Is(err, store.ErrLocked) {
			return p.verifyRunning(cmd, cfg)
		}
		if err != nil {
			return err
		}
		report, err := db.VerifyLog(cmd.Context())
		if err = errors.Join(err, db.Close()); err != nil {
			return err
		}
		return p.print(report, report.Proves())
	}
	return c
}

// verifyRunning recomputes the hashes of the log that the running program exports, against the key on this machine.
func (p *program) verifyRunning(cmd *cobra.Command, cfg *configs.Config) error {
	key, err := store.PublicKeyOf(cfg.Store.LogKeyFile)
	if err != nil {
		return err
	}
	log, err := openRunning(cmd, cfg, "")
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	report, err := store.VerifyExport(cmd.Context(), log, key)
	if err != nil {
		return err
	}
	return p.print(report, report.Proves())
}

func (p *program) verifyExport(cmd *cobra.Command, file, key string) error {
	if key == "" {
		return usagef("give the log key that you trust: --key, as `belay version` printed it on the machine that made the export")
	}
	f, err := os.Open(file) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	report, err := store.VerifyExport(cmd.Context(), f, key)
	if err != nil {
		return err
	}
	return p.print(report, report.Proves())
}

func (p *program) logExport() *cobra.Command {
	proposal := ""
	c := &cobra.Command{Use: "export", Short: "writes the log's exact bytes, signed, as JSON lines", Args: cobra.NoArgs}
	c.Flags().StringVar(&proposal, "proposal", "", "only this proposal's records")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := p.load(configs.WithoutSecrets())
		if err != nil {
			return err
		}
		db, err := offline(cfg)
		if errors.Is(err, store.ErrLocked) {
			return p.exportRunning(cmd, cfg, proposal)
		}
		if err != nil {
			return err
		}
		return errors.Join(db.ExportLog(p.out, proposal), db.Close())
	}
	return c
}

func (p *program) exportRunning(cmd *cobra.Command, cfg *configs.Config, proposal string) error {
	log, err := openRunning(cmd, cfg, proposal)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	_, err = io.Copy(p.out, log)
	return err
}

// openRunning asks the program that holds the store for its log, or for one proposal's part of it.
func openRunning(cmd *cobra.Command, cfg *configs.Config, proposal string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, "http://"+cfg.HTTP.AdminListen+"/admin/log?proposal="+url.QueryEscape(proposal), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the running belay: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the running belay answered %s", resp.Status), resp.Body.Close())
	}
	return resp.Body, nil
}

func (p *program) logHead() *cobra.Command {
	return &cobra.Command{Use: "head", Short: "the signed end of the log", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		cfg, err := p.load(configs.WithoutSecrets())
		if err != nil {
			return err
		}
		head, err := p.headOf(cmd, cfg)
		if err != nil {
			return err
		}
		return p.print(head, fmt.Sprintf("record %d\nhash   %s", head.Seq, head.Hash.Hex()))
	}}
}

func (p *program) headOf(cmd *cobra.Command, cfg *configs.Config) (head store.Head, err error) {
	db, err := offline(cfg)
	if errors.Is(err, store.ErrLocked) {
		return head, remote{ctx: cmd.Context(), base: "http://" + cfg.HTTP.AdminListen}.get("/admin/log/head", &head)
	}
	if err != nil {
		return head, err
	}
	head, err = db.Head()
	return head, errors.Join(err, db.Close())
}
