package discord

import (
	"strings"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/discord/standin"
)

// pauses uses a command and waits until it was worked off.
func (r *rig) pauses() {
	r.Helper()
	raw, err := r.discord.Slash(r.Context(), alice, warRoom, "pause", standin.Sub("pause-all"))
	if ackType(r.T, raw, err) != 5 {
		r.Errorf("acknowledged with %s", raw)
	}
}

func TestTheGatewayResumesWhereItEnded(t *testing.T) {
	for name, fault := range map[string]func(*standin.Guild){
		"Discord asks to reconnect":         func(g *standin.Guild) { g.Reconnect() },
		"the session is paused, resumable":  func(g *standin.Guild) { g.Invalidate(true) },
		"the connection closes with 4000":   func(g *standin.Guild) { g.Kick(4000) },
		"the connection closes without any": func(g *standin.Guild) { g.Kick(1006) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, ModeGateway)
			r.run()
			fault(r.discord)
			r.await(func() bool { _, resumes := r.discord.Sessions(); return resumes == 1 && r.discord.Ready() == 1 })
			r.pauses()
			if identifies, _ := r.discord.Sessions(); identifies != 1 {
				t.Errorf("%d identifies", identifies)
			}
			must(t, r.us.Health())
		})
	}
}

func TestWhatWasMissedIsReplayed(t *testing.T) {
	r := newRig(t, ModeGateway)
	r.us.pace.wait = func(int) time.Duration { return 100 * time.Millisecond }
	r.run()
	r.discord.Kick(4000)
	r.await(func() bool { return r.discord.Ready() == 0 })
	r.pauses() // while nobody is connected
	r.told(alice, "is up")
}

func TestASessionThatIsOverBeginsANewOne(t *testing.T) {
	for name, fault := range map[string]func(*standin.Guild){
		"the session is invalid":             func(g *standin.Guild) { g.Invalidate(false) },
		"the sequence is invalid, code 4007": func(g *standin.Guild) { g.Kick(4007) },
		"the session timed out, code 4009":   func(g *standin.Guild) { g.Kick(4009) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, ModeGateway)
			r.run()
			fault(r.discord)
			r.await(func() bool { identifies, _ := r.discord.Sessions(); return identifies == 2 && r.discord.Ready() == 1 })
			r.pauses()
		})
	}
}

func TestSomeCodesOnlyAnOperatorCanMend(t *testing.T) {
	r := newRig(t, ModeGateway, func(c *Config) { c.Token = "wrong" })
	err := r.us.Run(t.Context())
	if bot.ClassOf(err) != bot.Forbidden || !strings.Contains(err.Error(), "4004") || r.us.Health() == nil {
		t.Errorf("ended with %v, health %v", err, r.us.Health())
	}
	if identifies, _ := r.discord.Sessions(); identifies != 1 {
		t.Errorf("%d identifies: Discord resets the token for trying on", identifies)
	}
}

func TestADeadConnectionIsNoticed(t *testing.T) {
	r := newRig(t, ModeGateway)
	r.discord.Close()
	g, err := standin.Start(standin.Options{ApplicationID: appID, GuildID: guildID, Token: "planted.token", Channels: []string{warRoom}, Heartbeat: 40 * time.Millisecond})
	must(t, err)
	t.Cleanup(g.Close)
	r.discord, r.us.rest.base = g, g.URL()+"/api/v10"
	g.Mute(true)
	r.run()
	r.await(func() bool { _, resumes := r.discord.Sessions(); return resumes >= 1 })
}

func TestASilentGreetingDoesNotHoldForEver(t *testing.T) {
	r := newRig(t, ModeGateway)
	r.us.pace.greeting = 100 * time.Millisecond
	r.discord.Silence(1)                                       // no READY: the deadline ends it
	r.discord.Break("HELLO", standin.Fault{Code: 7})           // Reconnect as the first packet
	r.discord.Break("HELLO", standin.Fault{Code: 11})          // an acknowledgement of nothing
	r.discord.Break("GET gateway", standin.Fault{Status: 503}) // and no address at first
	r.run()
	r.pauses()
}

func TestTheDefaultPaceSparesTheToken(t *testing.T) {
	for attempt, least := range map[int]time.Duration{0: 500 * time.Millisecond, 3: 4 * time.Second, 20: 2 * time.Minute, 1000: 2 * time.Minute} {
		if got := defaultPace.wait(attempt); got < least || got > 4*time.Minute {
			t.Errorf("attempt %d waits %s", attempt, got)
		}
	}
}
