package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"belay/bot"

	"github.com/slack-go/slack"
)

// Name is what duties and inbox entries call this platform.
const Name = "slack"

// The transports.
const (
	ModeSocket = "socket"
	ModeHTTP   = "http"
)

// Config is one Slack app in one workspace.
type Config struct {
	TeamID        string // the only workspace that is listened to
	BotToken      bot.Secret
	AppToken      bot.Secret // socket
	SigningSecret bot.Secret // http
	Mode          string     // socket (default) | http
	WarRoom       string     // channel id
	Community     string     // channel id; "" for none
	APIURL        string     // default https://slack.com/api/
	Groups        []string   // user groups that have a role somewhere in the configuration
	Names         bot.Names
	Log           *slog.Logger
	Observe       bot.Observer
}

const defaultAPI = "https://slack.com/api/"

// Validate names the first thing that is wrong.
func (c Config) Validate() error {
	switch {
	case c.TeamID == "":
		return errors.New("slack: team_id is missing")
	case c.BotToken == "":
		return errors.New("slack: the bot token is missing")
	case c.WarRoom == "":
		return errors.New("slack: war_room is missing")
	case c.Mode == ModeSocket && c.AppToken == "":
		return errors.New("slack: mode socket needs the app token")
	case c.Mode == ModeHTTP && c.SigningSecret == "":
		return errors.New("slack: mode http needs the signing secret")
	case c.Mode != ModeSocket && c.Mode != ModeHTTP:
		return fmt.Errorf("slack: mode is %q, want socket or http", c.Mode)
	}
	if u, err := url.Parse(c.APIURL); err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u.Hostname()) {
		return errors.New("slack: api_url is no https address")
	}
	return nil
}

// Platform is Slack as the bot sees it.
type Platform struct {
	cfg    Config
	gate   bot.Gate
	api    *slack.Client
	web    *http.Client
	health health
	groups groups
}

var _ bot.Platform = (*Platform)(nil)

// New makes the adapter. It sends nothing until Run or a first call.
func New(cfg Config, gate bot.Gate) (*Platform, error) {
	if cfg.Mode == "" {
		cfg.Mode = ModeSocket
	}
	if cfg.APIURL == "" {
		cfg.APIURL = defaultAPI
	}
	if !strings.HasSuffix(cfg.APIURL, "/") {
		cfg.APIURL += "/" // the library joins method names to it
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Names = cfg.Names.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	web := &http.Client{
		Timeout:       10 * time.Second,
		Transport:     http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect would carry a secret address on
	}
	api := slack.New(cfg.BotToken.Reveal(), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(web), slack.OptionAppLevelToken(cfg.AppToken.Reveal()))
	p := &Platform{cfg: cfg, gate: gate, api: api, web: web}
	p.groups.list = p.listGroup
	if cfg.Mode == ModeSocket {
		p.health.set(errors.New("slack: not connected yet"))
	}
	return p, nil
}

// Name names the platform.
func (p *Platform) Name() string { return Name }

// Rooms lists the configured channels.
func (p *Platform) Rooms() []bot.Room { return bot.Rooms(p.cfg.WarRoom, p.cfg.Community) }

// MaxArg is Slack's limit for a button's value.
func (p *Platform) MaxArg() int { return maxButtonValue }

// Run serves the configured transport until ctx ends. In http mode the requests come to Handler, and Run only waits.
func (p *Platform) Run(ctx context.Context) error {
	defer p.web.CloseIdleConnections()
	if p.cfg.Mode == ModeHTTP {
		<-ctx.Done()
		return nil
	}
	return p.runSocket(ctx)
}

// Health is nil while commands can come in.
func (p *Platform) Health() error { return p.health.get() }

// Check asks Slack whether the bot token is good and belongs to the configured workspace.
func (p *Platform) Check(ctx context.Context) error {
	who, err := p.api.AuthTestContext(ctx)
	if err != nil {
		return classify("auth.test", err)
	}
	if who.TeamID != p.cfg.TeamID {
		return &bot.Failure{Class: bot.Forbidden, Detail: "slack: the bot token belongs to workspace " + who.TeamID + ", not " + p.cfg.TeamID}
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

// groups remembers the members of user groups for a minute: the API allows about 20 such questions a minute. It locks
// itself. Silence means that nobody is in the group.
type groups struct {
	mu   sync.Mutex
	list func(ctx context.Context, group string) ([]string, error)
	seen map[string]membership
}

type membership struct {
	users map[string]bool
	at    time.Time
}

const groupLife = time.Minute

func (g *groups) of(ctx context.Context, user string, all []string, log *slog.Logger) (in []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, group := range all {
		m, ok := g.seen[group]
		if !ok || time.Since(m.at) > groupLife {
			m = g.ask(ctx, group, log)
		}
		if m.users[user] {
			in = append(in, group)
		}
	}
	return in
}

func (g *groups) ask(ctx context.Context, group string, log *slog.Logger) membership {
	users, err := g.list(ctx, group)
	if err != nil {
		log.Warn("read user group", "platform", Name, "group", group, "error", err)
		return membership{}
	}
	m := membership{users: map[string]bool{}, at: time.Now()}
	for _, u := range users {
		m.users[u] = true
	}
	if g.seen == nil {
		g.seen = map[string]membership{}
	}
	g.seen[group] = m
	return m
}

func (p *Platform) listGroup(ctx context.Context, group string) ([]string, error) {
	users, err := p.api.GetUserGroupMembersContext(ctx, group)
	if err != nil {
		return nil, classify("usergroups.users.list", err)
	}
	return users, nil
}
