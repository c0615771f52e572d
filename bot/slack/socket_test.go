package slack

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/slack/standin"
)

func TestTheSocketComesBackAfterADisconnect(t *testing.T) {
	r := newRig(t, ModeSocket)
	r.run()
	r.slash(alice, "/belay", "help")
	must(t, r.us.Health())
	r.slack.Disconnect("refresh_requested")
	r.await(func() bool { return r.slack.Dials() == 2 && r.slack.Connections() == 1 })
	if ack := r.slash(alice, "/pause", "pause-all"); !strings.HasPrefix(ack, "Recorded") {
		t.Errorf("acknowledged with %q", ack)
	}
}

func TestAServerThatHangsUpIsNotDialledForEver(t *testing.T) {
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listen.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	dialer := limitedDialer(ctx)
	for i := range 4 {
		conn, err := dialer.NetDialContext(ctx, "tcp", listen.Addr().String())
		if err == nil {
			conn.Close()
		}
		if (err == nil) != (i < 3) {
			t.Errorf("dial %d: %v", i+1, err)
		}
	}
}

func TestOnlyAnOperatorCanMendCredentials(t *testing.T) {
	for code, change := range map[string]func(*Config){
		"invalid_auth":           func(c *Config) { c.AppToken = "xapp-wrong" },
		"not_allowed_token_type": func(c *Config) { c.AppToken = "xoxb-planted-bot" },
	} {
		t.Run(code, func(t *testing.T) {
			r := newRig(t, ModeSocket, change)
			err := r.us.Run(t.Context())
			if bot.ClassOf(err) != bot.Forbidden || !strings.Contains(err.Error(), code) || r.us.Health() == nil {
				t.Errorf("ended with %v, health %v", err, r.us.Health())
			}
		})
	}
	r := newRig(t, ModeSocket)
	r.slack.Break("apps.connections.open", standin.Fault{Error: "missing_scope"})
	if err := r.us.Run(t.Context()); bot.ClassOf(err) != bot.Forbidden {
		t.Errorf("ended with %v", err)
	}
}

func TestCheckTellsAForeignToken(t *testing.T) {
	r := newRig(t, ModeHTTP)
	must(t, r.us.Check(t.Context()))
	other := newRig(t, ModeHTTP, func(c *Config) { c.TeamID = "T0000002" })
	if err := other.us.Check(t.Context()); err == nil || !strings.Contains(err.Error(), team) {
		t.Errorf("checked with %v", err)
	}
}
