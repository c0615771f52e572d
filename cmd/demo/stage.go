package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"belay/bot/slack/standin"
	"belay/safe/devnet"
)

// The workspace. The ids of its people are those of devnet's configuration.
const (
	team      = "T0DEMO"
	warRoom   = "C0WARROOM"
	community = "C0COMMUNITY"
)

// stage is everything that runs, apart from the screen.
type stage struct {
	dir       string
	token     string // the operator's
	chain     *devnet.Chain
	stack     *devnet.Stack
	ledger    *ledger
	providers []*provider // alpha, beta, gamma; the last one may be told to lie
	chat      *standin.Workspace
	wallet    *wallet
	front     *front
	belay     *child
	api       *api

	broken  chan error // holds why the stage cannot go on, once
	stop    context.CancelFunc
	running sync.WaitGroup
}

// openStage starts everything, each step on those before. What it started is ended again when a step fails.
func openStage(ctx context.Context, o options) (*stage, error) {
	s := &stage{broken: make(chan error, 1)}
	living, stop := context.WithCancel(context.WithoutCancel(ctx)) // close decides the order in which things end
	s.stop = stop
	program, err := findBelay(o.belay)
	if err != nil {
		return nil, err
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"deploy the protocol", func(ctx context.Context) error { return s.deploy(ctx, o.delay) }},
		{"follow the chain", func(ctx context.Context) error { return s.follow(ctx, living) }},
		{"open the providers", func(context.Context) error { return s.openProviders() }},
		{"open the pages", func(context.Context) error { return s.openFront() }},
		{"start belay", func(ctx context.Context) error { return s.startBelay(ctx, living, program) }},
	}
	for _, step := range steps {
		if err := step.do(ctx); err != nil {
			s.close()
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return s, nil
}

func (s *stage) deploy(ctx context.Context, delay time.Duration) (err error) {
	if s.chain, err = devnet.Start(devnet.Config{}); err != nil {
		return err
	}
	s.stack, err = devnet.NewStack(ctx, s.chain, devnet.StackConfig{MinDelay: delay})
	return err
}

func (s *stage) follow(ctx, living context.Context) (err error) {
	if s.ledger, err = newLedger(s.stack); err != nil {
		return err
	}
	if err := s.ledger.read(ctx); err != nil {
		return err
	}
	s.running.Go(func() { s.fail(s.ledger.run(living)) })
	s.wallet = newWallet(s.stack)
	return nil
}

func (s *stage) openProviders() error {
	for _, name := range []string{"alpha", "beta", "gamma"} {
		p, err := openProvider(name, s.chain.URL())
		if err != nil {
			return err
		}
		s.providers = append(s.providers, p)
	}
	return nil
}

// liar is the provider that may be told to lie.
func (s *stage) liar() *provider { return s.providers[len(s.providers)-1] }

func (s *stage) openFront() (err error) {
	s.front, err = openFront(s.wallet)
	return err
}

// startBelay opens the workspace, writes the configuration and runs the program until close.
func (s *stage) startBelay(ctx, living context.Context, program string) error {
	listen, admin, err := freeAddresses()
	if err != nil {
		return err
	}
	secrets := map[string]string{"secrets/slack_bot": "xoxb-demo-" + secret(), "secrets/slack_signing": secret()}
	s.chat, err = standin.Start(standin.Options{Team: team, Formless: true, BotToken: secrets["secrets/slack_bot"], SigningSecret: secrets["secrets/slack_signing"],
		Channels: []string{warRoom, community}, Endpoint: "http://" + listen})
	if err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "belay-demo-"); err != nil {
		return err
	}
	s.token = secret()
	config, err := s.configure(listen, admin, secrets)
	if err != nil {
		return err
	}
	s.front.serve("http://" + listen)
	s.api = newAPI("http://"+listen, s.token)
	s.belay = &child{program: program, config: config, admin: "http://" + admin, log: filepath.Join(s.dir, "belay.log")}
	s.running.Go(func() { s.fail(s.belay.run(living)) })
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	select {
	case err := <-s.broken:
		return err
	case err := <-s.belay.awaited(ctx, 1):
		return err
	}
}

// configure writes what an operator would write: the sample protocol's configuration with three providers and Slack.
func (s *stage) configure(listen, admin string, secrets map[string]string) (string, error) {
	for name, text := range secrets {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	g := devnet.Guarding{Listen: listen, AdminListen: admin, PublicURL: s.front.url(), Token: s.token, RPC: map[string]string{},
		Slack: fmt.Sprintf("  team_id: %s\n  bot_token_file: secrets/slack_bot\n  signing_secret_file: secrets/slack_signing\n  mode: http\n  war_room: %s\n  community: %s\n  api_url: %q\n",
			team, warRoom, community, s.chat.URL())}
	for _, p := range s.providers {
		g.RPC[p.name] = p.url()
	}
	return s.stack.WriteConfiguration(s.dir, g)
}

// fail tells the first reason why the stage cannot go on.
func (s *stage) fail(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	select {
	case s.broken <- err:
	default:
	}
}

// close ends everything, Belay first: it drains while there is still a chain to look at.
func (s *stage) close() {
	s.stop()
	s.running.Wait()
	if s.front != nil {
		s.front.close()
	}
	if s.chat != nil {
		s.chat.Close()
	}
	for _, p := range s.providers {
		p.close()
	}
	if s.chain != nil {
		_ = s.chain.Close() // nothing of it is on disk
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// freeAddresses picks two loopback ports. Belay keeps them over its restarts, so it cannot pick them itself.
func freeAddresses() (one, other string, err error) {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		held = append(held, l)
	}
	return held[0].Addr().String(), held[1].Addr().String(), nil
}

func secret() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
