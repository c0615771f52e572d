package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"belay/configs"
	"belay/governance/coordinator"
	"belay/safe/chain"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// drainWithin is how long requests and work under way may go on after SIGTERM.
const drainWithin = 10 * time.Second

func (p *program) serve() *cobra.Command {
	return &cobra.Command{Use: "serve", Short: "runs the coordinator until SIGTERM", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return p.serveUntilStopped(cmd.Context())
	}}
}

// serveUntilStopped runs one configuration after the other: SIGHUP reads the files again, and keeps the old on error, also when the new
// one turns out only at its start to be no good, as with a relayer that has power.
func (p *program) serveUntilStopped(ctx context.Context) error {
	cfg, err := p.load()
	if err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	var before *configs.Config
	for {
		next, err := p.serveOnce(ctx, cfg, hangups)
		var unstarted *startError
		switch {
		case errors.As(err, &unstarted) && before != nil && ctx.Err() == nil:
			unstarted.log.Error("the new configuration cannot be served; the old one goes on", "error", err)
			cfg, before = before, nil
		case err != nil || next == nil:
			return err
		default:
			cfg, before = next, cfg
		}
	}
}

// startError ends a configuration before anything of it was served.
type startError struct {
	error
	log *slog.Logger
}

func (e *startError) Unwrap() error { return e.error }

// serveOnce runs until ctx ends (next is nil) or a good new configuration was read.
func (p *program) serveOnce(ctx context.Context, cfg *configs.Config, hangups <-chan os.Signal) (next *configs.Config, err error) {
	log, err := p.logger()
	if err != nil {
		return nil, err
	}
	for _, w := range cfg.Warnings {
		log.Warn("configuration", "reason", w.Error())
	}
	s, err := wire(ctx, cfg, log)
	if err != nil {
		return nil, &startError{err, log}
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.tellManifest()
	if err := s.refusePower(ctx); err != nil {
		return nil, &startError{err, log}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	err = s.listen(ctx, group)
	if err == nil {
		err = s.accept(ctx) // not before this one is served: else the old one, which goes on, would be judged by it
	}
	if err != nil {
		stop() // the first port is free again before anyone tries anew
		return nil, &startError{errors.Join(err, group.Wait()), log}
	}
	group.Go(func() error { return s.coord.Run(ctx) })
	group.Go(func() error { s.checkAfterCrash(ctx); return nil })
	for _, c := range s.chats {
		group.Go(func() error { return ended(c.run(ctx)) })
	}
	group.Go(func() error {
		next = p.awaitReload(ctx, hangups, s)
		stop()
		return nil
	})
	log.Info("serving", "listen", cfg.HTTP.Listen, "admin_listen", cfg.HTTP.AdminListen, "public_url", cfg.HTTP.PublicURL, "log_key", s.store.LogPublicKey())
	err = ended(group.Wait())
	return next, err
}

// ended drops the error that only says that we were asked to stop.
func ended(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// awaitReload waits for SIGHUP and gives the new configuration once one is good.
func (p *program) awaitReload(ctx context.Context, hangups <-chan os.Signal, s *service) *configs.Config {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangups:
		}
		next, err := p.load()
		if err == nil {
			if _, errs := compilePlaybooks(next); len(errs) > 0 {
				err = errors.Join(errs...)
			}
		}
		if err == nil {
			err = sameStore(s.cfg, next)
		}
		if err == nil {
			err = tellChanges(s.cfg, next, s.log)
		}
		if err == nil {
			return next
		}
		s.log.Error("the new configuration is not good; the old one goes on", "error", err)
	}
}

// sameStore refuses to go on with another store, by the files alone: there nothing is open and no wallet is known.
func sameStore(before, after *configs.Config) error {
	if before.Store != after.Store {
		return errors.New("store.path or store.log_key_file changed: a reload goes on with the store that it has; stop and start to use another one")
	}
	return nil
}

// listen opens both listeners before anything runs, so that a port in use is told at once.
func (s *service) listen(ctx context.Context, group *errgroup.Group) error {
	for _, l := range []struct {
		name, address string
		handler       http.Handler
	}{{"http.listen", s.cfg.HTTP.Listen, s.web}, {"http.admin_listen", s.cfg.HTTP.AdminListen, s.admin()}} {
		listener, err := net.Listen("tcp", l.address)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		server := &http.Server{Handler: l.handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
			BaseContext: func(net.Listener) context.Context { return ctx }}
		group.Go(func() error { return ended(server.Serve(listener)) })
		group.Go(func() error {
			<-ctx.Done()
			drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
			defer cancel()
			if err := server.Shutdown(drain); err != nil {
				return server.Close()
			}
			return nil
		})
	}
	return nil
}

// refusePower ends a start whose relayer holds any power over what is guarded. A chain that cannot be asked is told and does not
// keep a Belay down that an emergency may need: the watch asks again.
func (s *service) refusePower(ctx context.Context) error {
	for _, c := range s.cfg.Chains {
		if c.Relayer == nil {
			continue
		}
		powers, err := s.relayerPowers(ctx, c.Name)
		if err != nil {
			s.log.Warn("could not check that the relayer has no power", "chain", c.Name, "error", err)
		}
		if len(powers) > 0 {
			return usagef("chain %s: the relayer must hold gas and no power: %s\n  what next: use a fresh key for the relayer, or take the power from it", c.Name, strings.Join(sentences(powers), "; "))
		}
	}
	return nil
}

// relayerPowers names every power that a relayer of a chain has over what is guarded. Beside an error it gives those that were found.
func (s *service) relayerPowers(ctx context.Context, chainName string) (found []coordinator.Power, err error) {
	for _, key := range s.keys[chainName] {
		powers, failed := s.chains[chainName].Powerless(ctx, key.address, guardedSafes(s.cfg, chainName), guardedTimelocks(s.cfg, chainName))
		err = errors.Join(err, failed)
		for _, what := range powers {
			found = append(found, coordinator.Power{Relayer: key.address, What: what})
		}
	}
	return found, err
}

func sentences(powers []coordinator.Power) (list []string) {
	for _, p := range powers {
		list = append(list, p.What)
	}
	return list
}

func guardedSafes(cfg *configs.Config, chainName string) []chain.Named {
	var all []chain.Named
	for _, g := range cfg.Safes {
		if g.Chain == chainName {
			all = append(all, chain.Named{Name: g.Name, Address: g.Address})
		}
	}
	return all
}

func guardedTimelocks(cfg *configs.Config, chainName string) []chain.Named {
	var all []chain.Named
	for _, t := range cfg.Timelocks {
		if t.Chain == chainName {
			all = append(all, chain.Named{Name: t.Name, Address: t.Address})
		}
	}
	return all
}
