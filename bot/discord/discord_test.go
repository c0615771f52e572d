package discord

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/discord/standin"
	"belay/bot/internal/testdesk"
	"belay/governance"
)

var transports = []string{ModeGateway, ModeHTTP}

func TestAnEmergencyOverBothTransports(t *testing.T) {
	for _, mode := range transports {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			raw, err := r.discord.Slash(t.Context(), alice, warRoom, "pause", standin.Sub("pause-reserve", "asset", "USDC", "reason", "oracle off"))
			if got := ackType(t, raw, err); got != 5 || !strings.Contains(string(raw), `"flags":64`) {
				t.Errorf("acknowledged with %s", raw)
			}
			answer := r.told(alice, "P-1 is up")
			sign, err := answer.Button("Review & sign")
			if err != nil || sign.URL != testdesk.PublicURL+"/p/P-1/sign?key=readkey-of-P-1" {
				t.Errorf("signing at %q, %v", sign.URL, err)
			}
			if in := r.desk.Intents(); len(in) != 1 || in[0].Params["asset"] != "usdc" || in[0].Reason != "oracle off" || in[0].Via != governance.ViaDiscord {
				t.Errorf("proposed %+v", in)
			}
			must(t, r.deliver("P-1", 1))
			cards := r.discord.Messages(warRoom)
			if len(cards) != 1 || len(r.discord.Messages(public)) != 0 {
				t.Fatalf("cards %+v", cards)
			}
			if raw, err := r.discord.Press(t.Context(), alice, cards[0], "I can't"); ackType(t, raw, err) != 5 {
				t.Errorf("acknowledged with %s", raw)
			}
			r.told(alice, "cannot sign now")
			if said := r.desk.Said(); len(said) != 1 || said[0] != "cant P-1 alice" {
				t.Errorf("said %v", said)
			}
			r.clean()
			if r.seen(bot.OutcomeRecorded) != 2 {
				t.Errorf("outcomes %v", r.outcomes)
			}
		})
	}
}

func TestThePreviewsButtonProposes(t *testing.T) {
	for _, mode := range transports {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			for i, reason := range []string{"short", strings.Repeat("a reason that no button can carry ", 6)} {
				_, err := r.discord.Slash(t.Context(), alice, warRoom, "propose", standin.Sub("set-ltv", "asset", "usdc", "ltv", fmt.Sprint(7500+i), "reason", reason))
				must(t, err)
				r.await(func() bool { p := r.discord.Private(alice.User); return strings.Contains(p[len(p)-1].Text(), "DRAFT") })
				private := r.discord.Private(alice.User)
				_, err = r.discord.Press(t.Context(), alice, private[len(private)-1], "Propose")
				must(t, err)
				r.told(alice, fmt.Sprintf("P-%d is up", i+1))
				if in := r.desk.Intents(); in[i].Reason != strings.TrimSpace(reason) {
					t.Errorf("proposed %+v", in[i])
				}
			}
			if len(r.discord.Messages(warRoom)) != 0 {
				t.Error("a preview is in the room")
			}
			r.clean()
		})
	}
}

func TestTheRootCommandAndItsWords(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.run()
	r.desk.Put(testdesk.Sample())
	for want, sub := range map[string]standin.Option{
		"ASKING 1/2":                    standin.Sub("status"),
		"message hash":                  standin.Sub("status", "proposal", "p12"),
		"It is an opinion":              standin.Sub("object", "proposal", "12", "text", "wrong asset"),
		"correct horse battery staple":  standin.Sub("link"),
		"What you can type":             standin.Sub("help"),
		"Set a loan-to-value":           standin.Sub("propose", "playbook", "set-ltv", "values", "asset=usdc ltv=7", "reason", "x"),
		"is up":                         standin.Sub("pause", "playbook", "pause-all"),
		"no command \"selfdestruct\"":   standin.Sub("selfdestruct"),
		"there is no playbook \"pause":  standin.Sub("pause", "playbook", "pause-alll"),
		"is no asset. Did you mean usd": standin.Sub("pause", "playbook", "pause-reserve", "values", "asset=usdcc"),
	} {
		_, err := r.discord.Slash(t.Context(), alice, warRoom, "belay", sub)
		must(t, err)
		r.told(alice, want)
	}
	if said := r.desk.Said(); len(said) != 1 || said[0] != "object P-12 alice wrong asset" {
		t.Errorf("said %v", said)
	}
	r.clean()
}

func TestCardAndThreadAreOneMessageEach(t *testing.T) {
	r := newRig(t, ModeHTTP)
	v := testdesk.Sample()
	v.Events = []governance.EventView{{Seq: 4, At: "2026-11-20T13:00:00Z", Type: governance.EventConfirmed, By: "alice", Text: "1 of 2"}}
	r.desk.Put(v)
	must(t, r.deliver("P-12", 1))
	v.State, v.Status, v.IsPublic = governance.StateExecuted, "USDC is paused, checked at block 9", true
	v.Events = append(v.Events, governance.EventView{Seq: 5, At: "2026-11-20T13:00:00Z", Type: governance.EventExecuted, By: "chain", Text: "final"})
	r.desk.Put(v)
	must(t, r.deliver("P-12", 2))
	cards := r.discord.Messages(warRoom)
	if len(cards) != 1 || cards[0].Edits != 1 || !strings.Contains(cards[0].Content, "EXECUTED") || len(cards[0].Components) != 0 {
		t.Fatalf("cards %+v", cards)
	}
	if name := r.discord.Thread(cards[0].ID); name != "P-12 Pause a reserve" || len(r.discord.Messages(cards[0].ID)) != 2 {
		t.Errorf("thread %q holds %+v", name, r.discord.Messages(cards[0].ID))
	}
	if open := r.discord.Messages(public); len(open) != 1 || strings.Contains(open[0].Text(), "alice") {
		t.Errorf("community %+v", open)
	}
	r.discord.Delete(cards[0].ID)
	v.Status = "USDC is paused, checked at block 10"
	r.desk.Put(v)
	must(t, r.deliver("P-12", 3))
	if again := r.discord.Messages(warRoom); len(again) != 1 || again[0].ID == cards[0].ID {
		t.Errorf("a deleted card became %+v", again)
	}
	r.clean()
}

func TestACardWhoseAnswerWasLostIsNotDoubled(t *testing.T) {
	r := newRig(t, ModeHTTP)
	v := testdesk.Sample()
	v.Events = []governance.EventView{{Seq: 4, At: "2026-11-20T13:00:00Z", Type: governance.EventConfirmed, By: "alice", Text: "1 of 2"}}
	r.desk.Put(v)
	r.discord.Break("POST channels/messages", standin.Fault{Status: 502, After: true})
	if err := r.deliver("P-12", 1); bot.ClassOf(err) != bot.Retryable {
		t.Fatalf("delivered with %v", err)
	}
	r.discord.Break("POST threads", standin.Fault{Status: 502, After: true})
	if err := r.deliver("P-12", 1); bot.ClassOf(err) != bot.Retryable {
		t.Fatalf("delivered with %v", err)
	}
	must(t, r.deliver("P-12", 1))
	cards := r.discord.Messages(warRoom)
	if len(cards) != 1 || len(r.discord.Messages(cards[0].ID)) != 1 {
		t.Errorf("cards %+v", cards)
	}
}

func TestWhatCannotBeRecordedIsSaidLoudly(t *testing.T) {
	for _, mode := range transports {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			r.desk.Break(errors.New("no space left"))
			raw, err := r.discord.Slash(t.Context(), alice, warRoom, "pause", standin.Sub("pause-all"))
			if ackType(t, raw, err) != 4 {
				t.Errorf("acknowledged with %s", raw)
			}
			r.told(alice, "NOT recorded")
			if _, err := r.discord.PressAs(t.Context(), alice, standin.Message{Channel: warRoom, ID: "1"}, "belay:object:P-1"); err != nil {
				t.Fatal(err)
			}
			if len(r.desk.Intents())+len(r.desk.Said()) != 0 || r.seen(bot.OutcomeFailed) != 2 {
				t.Error("something happened all the same")
			}
			r.clean()
		})
	}
}

func TestAStrangersClickIsRefusedPrivately(t *testing.T) {
	r := newRig(t, ModeGateway)
	r.run()
	r.desk.Put(testdesk.Sample())
	must(t, r.deliver("P-12", 1))
	_, err := r.discord.Press(t.Context(), mallory, r.discord.Messages(warRoom)[0], "Object")
	must(t, err)
	r.told(mallory, "Nothing was done")
	for _, forged := range []string{"belay:propose:set-ltv usdc ltv=1", "belay:propose:@nothing", "belay:selfdestruct:P-12"} {
		_, err := r.discord.PressAs(t.Context(), alice, r.discord.Messages(warRoom)[0], forged)
		must(t, err)
	}
	r.told(alice, "missing")
	r.told(alice, "too old")
	r.told(alice, "older Belay")
	raw, err := r.discord.PressAs(t.Context(), alice, r.discord.Messages(warRoom)[0], "another_app")
	if ackType(t, raw, err) != 4 || r.seen(bot.OutcomeIgnored) != 1 {
		t.Errorf("acknowledged with %s", raw)
	}
	if len(r.desk.Intents())+len(r.desk.Said()) != 0 {
		t.Errorf("did %v %v", r.desk.Intents(), r.desk.Said())
	}
}

func TestOnlyOurServerIsListenedTo(t *testing.T) {
	r := newRig(t, ModeHTTP)
	data := map[string]any{"id": "1", "name": "pause", "type": 1, "options": []standin.Option{standin.Sub("pause-all")}}
	for name, forge := range map[string]func(map[string]any){
		"another server":      func(p map[string]any) { p["guild_id"] = "1042000000000000999" },
		"another application": func(p map[string]any) { p["application_id"] = "1042000000000000999" },
		"a direct message": func(p map[string]any) {
			delete(p, "member")
			delete(p, "guild_id")
			p["user"] = map[string]any{"id": alice.User}
		},
		"the context of a direct message": func(p map[string]any) { p["context"] = 1 },
		"an app that a user installed":    func(p map[string]any) { p["authorizing_integration_owners"] = map[string]string{"1": alice.User} },
		"no id":                           func(p map[string]any) { p["id"] = "" },
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := r.discord.Deliver(t.Context(), alice, warRoom, 2, data, forge)
			if ackType(t, raw, err) != 4 || r.desk.Waiting() != 0 {
				t.Errorf("acknowledged with %s, %d entries", raw, r.desk.Waiting())
			}
		})
	}
}

func TestChoicesAreOfferedFromMemory(t *testing.T) {
	r := newRig(t, ModeHTTP)
	typing := func(sub, name, text string) standin.Option {
		return standin.Option{Name: sub, Type: 1, Options: []standin.Option{{Name: name, Type: 3, Value: text, Focused: true}}}
	}
	for name, c := range map[string]struct {
		command string
		option  standin.Option
		want    string
	}{
		"what begins with it comes first":     {"pause", typing("pause-reserve", "asset", "E"), "WETH"},
		"everything before anything is typed": {"pause", typing("pause-reserve", "asset", ""), "usdc WETH"},
		"samples and bounds for a number":     {"propose", typing("set-ltv", "ltv", ""), "7500 0 8000"},
		"playbooks behind the root":           {"belay", typing("propose", "playbook", "un"), "unpause-reserve"},
		"nothing for what is unknown":         {"pause", typing("pause-reserve", "colour", ""), ""},
		"nothing where nothing is focused":    {"pause", standin.Sub("pause-reserve"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := r.discord.Complete(t.Context(), alice, warRoom, c.command, c.option)
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("offered %v, %v; want %s", got, err, c.want)
			}
		})
	}
	if r.desk.Waiting() != 0 {
		t.Error("typing was recorded")
	}
}

func TestFailuresAreClassified(t *testing.T) {
	r := newRig(t, ModeHTTP)
	for name, c := range map[string]struct {
		fault standin.Fault
		class bot.Class
		after time.Duration
	}{
		"a rate limit waits as long as it says":      {standin.Fault{Status: 429, RetryAfter: 1.5}, bot.Retryable, 1500 * time.Millisecond},
		"an outage is tried again":                   {standin.Fault{Status: 503}, bot.Retryable, 0},
		"a missing permission needs an operator":     {standin.Fault{Status: 403, Code: 50013}, bot.Forbidden, 0},
		"a wrong token needs an operator":            {standin.Fault{Status: 401}, bot.Forbidden, 0},
		"a form that is refused is our fault":        {standin.Fault{Status: 400, Code: 50035}, bot.TooLong, 0},
		"a message that is gone is gone":             {standin.Fault{Status: 404, Code: 10008}, bot.Gone, 0},
		"edits of an old message wait":               {standin.Fault{Status: 400, Code: 30046}, bot.Retryable, 30 * time.Second},
		"a locked thread is for an operator to mend": {standin.Fault{Status: 400, Code: 160005}, bot.Forbidden, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r.discord.Break("PATCH channels/messages", c.fault)
			err := r.us.Edit(t.Context(), warRoom, "1", bot.Answer("x"))
			if bot.ClassOf(err) != c.class || bot.RetryAfter(err) != c.after {
				t.Errorf("got %v: class %s, after %s", err, bot.ClassOf(err), bot.RetryAfter(err))
			}
		})
	}
	r.discord.Break("PATCH channels/messages", standin.Fault{Status: 429, RetryAfter: 60, Global: true})
	_ = r.us.Edit(t.Context(), warRoom, "1", bot.Answer("x"))
	if _, err := r.us.Post(t.Context(), warRoom, bot.Answer("x"), "op"); bot.RetryAfter(err) < 50*time.Second || len(r.discord.Messages(warRoom)) != 0 {
		t.Errorf("a global limit lets another route through: %v", err)
	}
}

func TestAnAnswerWaitsForItsAcknowledgement(t *testing.T) {
	r := newRig(t, ModeHTTP)
	early := bot.ReplyTo{Secret: "unknown-token", At: time.Now()}
	if err := r.us.Answer(t.Context(), early, bot.Answer("x")); bot.ClassOf(err) != bot.Retryable {
		t.Errorf("an early answer gives %v", err)
	}
	early.At = time.Now().Add(-10 * time.Second)
	if err := r.us.Answer(t.Context(), early, bot.Answer("x")); bot.ClassOf(err) != bot.Gone {
		t.Errorf("an answer to nothing gives %v", err)
	}
	early.At = time.Now().Add(-16 * time.Minute)
	if err := r.us.Answer(t.Context(), early, bot.Answer("x")); bot.ClassOf(err) != bot.Gone {
		t.Errorf("a late answer gives %v", err)
	}
}

func TestNoSecretReachesALogOrAnError(t *testing.T) {
	r := newRig(t, ModeHTTP, func(c *Config) { c.APIURL = "http://127.0.0.1:1" })
	to := bot.ReplyTo{Secret: "planted-token", At: time.Now()}
	errs := fmt.Sprint(r.us.Answer(t.Context(), to, bot.Answer("planted words")), r.us.acknowledge(t.Context(), interaction{ID: "1", Token: "planted-token"}, deferred),
		r.us.Check(t.Context()), r.us.Register(t.Context()))
	_, err := r.us.Post(t.Context(), warRoom, bot.Answer("planted words"), "op")
	errs += fmt.Sprint(err)
	body := `{"id":"1","application_id":"` + appID + `","guild_id":"` + guildID + `","type":2,"token":"planted-token","member":{"user":{"id":"` + alice.User + `"}},"data":{"name":"pause","options":[{"name":"pause-all","type":1,"options":[{"name":"reason","type":3,"value":"planted words"}]}]}}`
	in, _ := r.us.take(t.Context(), []byte(body), time.Now())
	r.us.acks.end(in.Token)
	entry, err := r.desk.Next(t.Context())
	must(t, err)
	must(t, r.bot.Handle(t.Context(), entry))
	if !strings.Contains(r.log.String(), "private answer was not delivered") || strings.Contains(errs+r.log.String(), "planted") {
		t.Errorf("logged:\n%s\n%s", errs, r.log)
	}
}

func TestConfigurationIsRefusedWithWhatIsMissing(t *testing.T) {
	good := Config{ApplicationID: appID, GuildID: guildID, Token: "t", WarRoom: warRoom, PublicKey: strings.Repeat("0a", 32)}
	for want, change := range map[string]func(*Config){
		"application_id": func(c *Config) { c.ApplicationID = "" }, "guild_id": func(c *Config) { c.GuildID = "../x" }, "war_room": func(c *Config) { c.WarRoom = "general" },
		"community": func(c *Config) { c.Community = "#x" }, "bot token": func(c *Config) { c.Token = "" }, "public_key": func(c *Config) { c.Mode, c.PublicKey = ModeHTTP, "00" },
		"mode is": func(c *Config) { c.Mode = "rpc" }, "api_url": func(c *Config) { c.APIURL = "http://discord.example" },
	} {
		c := good
		change(&c)
		if _, err := New(c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
