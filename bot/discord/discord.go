package discord

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"belay/bot"

	"github.com/bwmarrin/discordgo"
)

// Name is what duties and inbox entries call this platform.
const Name = "discord"

// The transports.
const (
	ModeGateway = "gateway"
	ModeHTTP    = "http"
)

// Config is one Discord application in one server.
type Config struct {
	ApplicationID string
	PublicKey     string // hex; http
	GuildID       string // the only server that is listened to
	Token         bot.Secret
	Mode          string // gateway (default) | http
	WarRoom       string // channel id
	Community     string // channel id; "" for none
	APIURL        string // default https://discord.com
	Names         bot.Names
	Log           *slog.Logger
	Observe       bot.Observer
}

// Permissions are what the bot needs in its channels, and all that it needs: to see them, to post cards with embeds, and to
// open threads and write in them. It asks the gateway for no intents.
const Permissions = discordgo.PermissionViewChannel | discordgo.PermissionSendMessages | discordgo.PermissionEmbedLinks |
	discordgo.PermissionCreatePublicThreads | discordgo.PermissionSendMessagesInThreads

const defaultAPI = "https://discord.com"

// Validate names the first thing that is wrong.
func (c Config) Validate() error {
	for name, value := range map[string]string{"application_id": c.ApplicationID, "guild_id": c.GuildID, "war_room": c.WarRoom} {
		if !snowflake(value) {
			return fmt.Errorf("discord: %s is no Discord id", name)
		}
	}
	switch {
	case c.Community != "" && !snowflake(c.Community):
		return errors.New("discord: community is no Discord id")
	case c.Token == "":
		return errors.New("discord: the bot token is missing")
	case c.Mode != ModeGateway && c.Mode != ModeHTTP:
		return fmt.Errorf("discord: mode is %q, want gateway or http", c.Mode)
	}
	if key, err := hex.DecodeString(c.PublicKey); c.Mode == ModeHTTP && (err != nil || len(key) != ed25519.PublicKeySize) {
		return errors.New("discord: mode http needs public_key, 64 hex digits")
	}
	if u, err := url.Parse(c.APIURL); err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u.Hostname()) {
		return errors.New("discord: api_url is no https address")
	}
	return nil
}

// snowflake reports an id as Discord writes it: up to 20 digits. Ids go into paths, so nothing else may pass.
func snowflake(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}

// Platform is Discord as the bot sees it.
type Platform struct {
	cfg    Config
	key    ed25519.PublicKey
	gate   bot.Gate
	rest   *rest
	pace   pace
	health health
	acks   inFlight
}

var _ bot.Platform = (*Platform)(nil)

// New makes the adapter. It sends nothing until Run or a first call.
func New(cfg Config, gate bot.Gate) (*Platform, error) {
	if cfg.Mode == "" {
		cfg.Mode = ModeGateway
	}
	if cfg.APIURL == "" {
		cfg.APIURL = defaultAPI
	}
	cfg.APIURL = strings.TrimSuffix(cfg.APIURL, "/")
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Names = cfg.Names.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(cfg.PublicKey)
	if err != nil && cfg.Mode == ModeHTTP {
		return nil, errors.New("discord: public_key is no hex")
	}
	p := &Platform{cfg: cfg, key: key, gate: gate, rest: newREST(cfg), pace: defaultPace}
	if cfg.Mode == ModeGateway {
		p.health.set(errors.New("discord: not connected yet"))
	}
	return p, nil
}

// Name names the platform.
func (p *Platform) Name() string { return Name }

// Rooms lists the configured channels.
func (p *Platform) Rooms() []bot.Room { return bot.Rooms(p.cfg.WarRoom, p.cfg.Community) }

// MaxArg is what Discord's 100 characters of custom id leave for a button's argument.
func (p *Platform) MaxArg() int { return maxCustomID - len("belay:propose:") }

// Run registers the commands and serves the configured transport until ctx ends. In http mode the interactions come to
// Handler, and Run only keeps the commands registered.
func (p *Platform) Run(ctx context.Context) error {
	defer p.rest.close()
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	wait.Go(func() { p.keepRegistered(ctx) })
	if p.cfg.Mode == ModeHTTP {
		<-ctx.Done()
		return nil
	}
	return p.runGateway(ctx)
}

// keepRegistered tries until the commands are as they should be.
func (p *Platform) keepRegistered(ctx context.Context) {
	for attempt := 0; ; attempt++ {
		err := p.Register(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.cfg.Log.Error("register commands", "platform", Name, "error", err)
		if class := bot.ClassOf(err); class != bot.Retryable {
			return
		}
		if !sleep(ctx, max(bot.RetryAfter(err), p.pace.wait(attempt))) {
			return
		}
	}
}

// Health is nil while interactions can come in.
func (p *Platform) Health() error { return p.health.get() }

// Check asks Discord whether the token is good and belongs to the configured application.
func (p *Platform) Check(ctx context.Context) error {
	var app struct {
		ID string `json:"id"`
	}
	if err := p.rest.do(ctx, call{method: "GET", path: "/applications/@me", route: "applications/@me"}, &app); err != nil {
		return err
	}
	if app.ID != p.cfg.ApplicationID {
		return &bot.Failure{Class: bot.Forbidden, Detail: "discord: the token belongs to application " + app.ID + ", not " + p.cfg.ApplicationID}
	}
	return nil
}

// health is the last known condition. It locks itself.
type health struct {
	mu  sync.Mutex
	err error
}

func (h *health) set(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func (h *health) get() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
