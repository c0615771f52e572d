package discord

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/discord/standin"
	"belay/bot/internal/specs"
	"belay/bot/internal/testdesk"
	"belay/governance"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID   = "1042000000000000900"
	guildID = "1042000000000000901"
	warRoom = "1042000000000000902"
	public  = "1042000000000000903"
)

var (
	alice   = standin.Who{User: "104200000000000001", Roles: []string{"77"}}
	mallory = standin.Who{User: "104200000000000666"}
)

// rig is a whole Discord with a bot in it: the stand-in, the adapter, the bot, and a desk whose inbox is worked off.
type rig struct {
	*testing.T
	discord *standin.Guild
	desk    *testdesk.Desk
	bot     *bot.Bot
	us      *Platform
	log     *logBook
	app     *httptest.Server

	mu       sync.Mutex
	outcomes []bot.Outcome
}

// logBook keeps everything that is logged.
type logBook struct {
	mu   sync.Mutex
	text []byte
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	return len(p), nil
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

var openAPI = sync.OnceValues(func() (*specs.Schema, error) { return specs.Load("discord_openapi.json") })

// schema is the vendor's own, where it is on this machine.
func schema(t *testing.T) func(string, []byte) error {
	t.Helper()
	s, err := openAPI()
	if errors.Is(err, specs.ErrAbsent) {
		t.Log("SKIPPED: bodies are not judged by Discord's own schema:", err)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return func(name string, body []byte) error { return s.Check("/components/schemas/"+name, body) }
}

func newRig(t *testing.T, mode string, change ...func(*Config)) *rig {
	t.Helper()
	return newRigIn(t, mode, 0, change...)
}

// newRigIn makes a rig in which the bot has some permissions only.
func newRigIn(t *testing.T, mode string, permissions uint64, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{T: t, desk: testdesk.New(), log: &logBook{}}
	logger := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if r.bot, err = bot.New(bot.Config{Messages: r.desk, PublicURL: testdesk.PublicURL, Log: logger}); err != nil {
		t.Fatal(err)
	}
	r.bot.Attach(r.desk)
	r.app = httptest.NewUnstartedServer(nil)
	options := standin.Options{ApplicationID: appID, GuildID: guildID, Token: "planted.token", Channels: []string{warRoom, public}, Check: schema(t), Heartbeat: time.Minute, Permissions: permissions}
	if mode == ModeHTTP {
		options.Endpoint = "http://" + r.app.Listener.Addr().String()
	}
	if r.discord, err = standin.Start(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.discord.Close)
	cfg := Config{ApplicationID: appID, PublicKey: r.discord.PublicKey(), GuildID: guildID, Token: "planted.token", Mode: mode, WarRoom: warRoom, Community: public,
		APIURL: r.discord.URL(), Log: logger, Observe: func(_ string, o bot.Outcome, _ time.Duration) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.outcomes = append(r.outcomes, o)
		}}
	for _, f := range change {
		f(&cfg)
	}
	if r.us, err = New(cfg, r.bot); err != nil {
		t.Fatal(err)
	}
	r.us.pace = pace{greeting: 5 * time.Second, steady: time.Minute, wait: func(int) time.Duration { return time.Millisecond }}
	r.bot.Join(r.us)
	r.app.Config.Handler = r.us.Handler()
	r.app.Start()
	t.Cleanup(r.app.Close)
	t.Cleanup(r.us.rest.close)
	return r
}

// run starts transport and worker and waits until interactions can come in and commands are registered.
func (r *rig) run() {
	r.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := r.us.Run(ctx); err != nil {
			r.Errorf("run: %v", err)
		}
	})
	wait.Go(func() {
		for {
			entry, err := r.desk.Next(ctx)
			if err != nil {
				return
			}
			if err := r.bot.Handle(ctx, entry); err != nil && ctx.Err() == nil {
				r.Errorf("handle: %v", err)
			}
		}
	})
	r.Cleanup(func() { cancel(); wait.Wait() })
	r.await(func() bool { _, n := r.discord.Commands(); return n == 1 })
	if r.us.cfg.Mode == ModeGateway {
		r.await(func() bool { return r.discord.Ready() == 1 })
	}
}

func (r *rig) await(is func() bool) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	if err := r.discord.Await(ctx, is); err != nil {
		r.Fatalf("%v; problems %v; log:\n%s", err, r.discord.Problems(), r.log)
	}
}

// told waits until a person is told something that holds text, and gives the newest such answer.
func (r *rig) told(who standin.Who, text string) (found standin.Message) {
	r.Helper()
	r.await(func() bool {
		for _, m := range r.discord.Private(who.User) {
			if strings.Contains(strings.ReplaceAll(m.Text(), `\`, ""), text) {
				found = m
			}
		}
		return found.ID != ""
	})
	return found
}

// ackType is the type of an acknowledgement.
func ackType(t *testing.T, raw json.RawMessage, err error) int {
	t.Helper()
	var a struct {
		Type int `json:"type"`
	}
	if err != nil || json.Unmarshal(raw, &a) != nil {
		t.Fatalf("acknowledged with %s, %v", raw, err)
	}
	return a.Type
}

func (r *rig) deliver(proposal string, version uint64) error {
	refs, err := r.bot.Deliver(r.Context(), governance.Duty{Kind: governance.DutyCard, Proposal: proposal, Version: version, Target: Name, Due: time.Now()})
	r.desk.Remember(refs)
	return err
}

func (r *rig) clean() {
	r.Helper()
	if p := r.discord.Problems(); len(p) > 0 {
		r.Errorf("Discord would have refused: %v", p)
	}
}

func (r *rig) seen(o bot.Outcome) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.outcomes {
		if x == o {
			n++
		}
	}
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
