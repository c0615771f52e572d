package slack

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/internal/specs"
	"belay/bot/internal/testdesk"
	"belay/bot/slack/standin"
	"belay/governance"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice   = "U0000001"
	mallory = "U0000666"
	warRoom = "C0000WAR"
	public  = "C0000PUB"
	team    = "T0000001"
)

// rig is a whole Slack with a bot in it: the stand-in, the adapter, the bot, and a desk whose inbox is worked off.
type rig struct {
	*testing.T
	slack *standin.Workspace
	desk  *testdesk.Desk
	bot   *bot.Bot
	us    *Platform
	log   *logBook

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

// schema is one of the vendor's own, where it is on this machine.
func schema(t *testing.T, file string) func([]byte) error {
	t.Helper()
	s, err := specs.Load(file)
	if errors.Is(err, specs.ErrAbsent) {
		t.Log("SKIPPED: blocks are not judged by Slack's own schema:", err)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return func(body []byte) error { return s.Check("", body) }
}

func newRig(t *testing.T, mode string, change ...func(*Config)) *rig {
	t.Helper()
	return newRigIn(t, mode, standin.Options{}, change...)
}

// newRigIn makes a rig in a workspace with peculiarities.
func newRigIn(t *testing.T, mode string, options standin.Options, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{T: t, desk: testdesk.New(), log: &logBook{}}
	logger := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if r.bot, err = bot.New(bot.Config{Messages: r.desk, PublicURL: testdesk.PublicURL, Log: logger}); err != nil {
		t.Fatal(err)
	}
	r.bot.Attach(r.desk)
	app := httptest.NewUnstartedServer(nil)
	options.Team, options.BotToken, options.AppToken, options.SigningSecret = team, "xoxb-planted-bot", "xapp-planted-app", "planted-signing"
	options.Channels, options.Groups = []string{warRoom, public}, map[string][]string{"S1": {alice}}
	options.Blocks, options.View = schema(t, "block_kit_blocks.schema.json"), schema(t, "block_kit_view.schema.json")
	if mode == ModeHTTP {
		options.Endpoint = "http://" + app.Listener.Addr().String()
	}
	if r.slack, err = standin.Start(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.slack.Close)
	cfg := Config{TeamID: team, BotToken: "xoxb-planted-bot", AppToken: "xapp-planted-app", SigningSecret: "planted-signing", Mode: mode, WarRoom: warRoom, Community: public,
		APIURL: r.slack.URL(), Log: logger, Observe: func(_ string, o bot.Outcome, _ time.Duration) {
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
	r.bot.Join(r.us)
	app.Config.Handler = r.us.Handler()
	app.Start()
	t.Cleanup(app.Close)
	return r
}

// run starts transport and worker and waits until commands can come in.
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
	if r.us.cfg.Mode == ModeSocket {
		r.await(func() bool { return r.slack.Connections() == 1 })
	}
}

func (r *rig) await(is func() bool) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	if err := r.slack.Await(ctx, is); err != nil {
		r.Fatalf("%v; problems %v; log:\n%s", err, r.slack.Problems(), r.log)
	}
}

// told waits until a person is told something that holds text, and gives the newest such message.
func (r *rig) told(user, text string) (found standin.Message) {
	r.Helper()
	r.await(func() bool {
		for _, m := range r.slack.Private(user) {
			if strings.Contains(m.Text+string(m.Blocks), text) {
				found = m
			}
		}
		return found.TS != ""
	})
	return found
}

func (r *rig) slash(user, command, text string) string {
	r.Helper()
	ack, err := r.slack.Slash(r.Context(), user, warRoom, command, text)
	if err != nil {
		r.Fatalf("%s %s: %v", command, text, err)
	}
	return ack
}

func (r *rig) deliver(proposal string, version uint64) error {
	refs, err := r.bot.Deliver(r.Context(), governance.Duty{Kind: governance.DutyCard, Proposal: proposal, Version: version, Target: Name, Due: time.Now()})
	r.desk.Remember(refs)
	return err
}

func (r *rig) clean() {
	r.Helper()
	if p := r.slack.Problems(); len(p) > 0 {
		r.Errorf("Slack would have refused: %v", p)
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
