package slack

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/internal/testdesk"
	"belay/bot/slack/standin"
	"belay/governance"
)

func TestAnEmergencyOverBothTransports(t *testing.T) {
	for _, mode := range []string{ModeSocket, ModeHTTP} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			if ack := r.slash(alice, "/pause", "usdc “oracle &lt; 9 % off”"); ack != `Recorded: pause pause-reserve asset=usdc reason="oracle &lt; 9 % off". Working on it.` {
				t.Errorf("acknowledged with %q", ack)
			}
			answer := r.told(alice, "P-1 is up")
			sign, err := answer.Button("Review & sign")
			if err != nil || sign.URL != testdesk.PublicURL+"/p/P-1/sign?key=readkey-of-P-1" {
				t.Errorf("signing at %q, %v", sign.URL, err)
			}
			if in := r.desk.Intents(); len(in) != 1 || in[0].Reason != "oracle < 9 % off" || in[0].Via != governance.ViaSlack {
				t.Errorf("proposed %+v", in)
			}

			if err := r.deliver("P-1", 1); err != nil {
				t.Fatal(err)
			}
			cards := r.slack.Messages(warRoom)
			if len(cards) != 1 || len(r.slack.Messages(public)) != 0 {
				t.Fatalf("cards: %+v", cards)
			}
			if err := r.slack.Press(t.Context(), alice, cards[0], "I'm on it"); err != nil {
				t.Fatal(err)
			}
			r.told(alice, "the others see that you are on it")
			if said := r.desk.Said(); len(said) != 1 || said[0] != "onit P-1 alice" {
				t.Errorf("said %v", said)
			}
			r.clean()
			if r.seen(bot.OutcomeRecorded) != 2 {
				t.Errorf("outcomes %v", r.outcomes)
			}
		})
	}
}

func TestThePreviewIsReplacedByWhatItsButtonDid(t *testing.T) {
	for _, mode := range []string{ModeSocket, ModeHTTP} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			r.slash(alice, "/propose", `set-ltv usdc ltv=7500 "report 7"`)
			preview := r.told(alice, "DRAFT")
			if err := r.slack.Press(t.Context(), alice, preview, "Propose"); err != nil {
				t.Fatal(err)
			}
			if became := r.told(alice, "P-1 is up"); became.TS != preview.TS || became.Edits != 1 {
				t.Errorf("the preview became %+v", became)
			}
			if len(r.slack.Messages(warRoom)) != 0 {
				t.Error("a preview is in the room")
			}
			r.clean()
		})
	}
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
	cards := r.slack.Messages(warRoom)
	if len(cards) != 1 || cards[0].Edits != 1 || !strings.Contains(cards[0].Text, "EXECUTED") {
		t.Fatalf("cards %+v", cards)
	}
	if lines := r.slack.Thread(warRoom, cards[0].TS); len(lines) != 2 {
		t.Errorf("thread %+v", lines)
	}
	if open := r.slack.Messages(public); len(open) != 1 || strings.Contains(string(open[0].Blocks), "alice") {
		t.Errorf("community %+v", open)
	}
	r.slack.Delete(cards[0].TS)
	v.Status = "USDC is paused, checked at block 10"
	r.desk.Put(v)
	must(t, r.deliver("P-12", 3))
	if again := r.slack.Messages(warRoom); len(again) != 1 || again[0].TS == cards[0].TS {
		t.Errorf("a deleted card became %+v", again)
	}
	r.clean()
}

func TestACardWhoseAnswerWasLostIsFoundAgain(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.desk.Put(testdesk.Sample())
	r.slack.Break("chat.postMessage", standin.Fault{Status: 502, After: true})
	if err := r.deliver("P-12", 1); bot.ClassOf(err) != bot.Retryable {
		t.Fatalf("delivered with %v", err)
	}
	refs, err := r.bot.Deliver(t.Context(), governance.Duty{Kind: governance.DutyCard, Proposal: "P-12", Version: 1, Target: Name, Due: time.Now(), Attempts: 1})
	must(t, err)
	if cards := r.slack.Messages(warRoom); len(cards) != 1 || refs[0].Message != cards[0].TS {
		t.Errorf("cards %+v, references %+v", cards, refs)
	}
}

func TestWhatCannotBeRecordedIsSaidLoudly(t *testing.T) {
	for _, mode := range []string{ModeSocket, ModeHTTP} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			r.desk.Put(testdesk.Sample())
			must(t, r.deliver("P-12", 1))
			r.desk.Break(errors.New("no space left"))
			if ack := r.slash(alice, "/pause", "pause-all"); !strings.HasPrefix(ack, "NOT recorded") || !strings.Contains(ack, "belay propose") {
				t.Errorf("acknowledged with %q", ack)
			}
			if err := r.slack.Press(t.Context(), alice, r.slack.Messages(warRoom)[0], "Object"); err != nil {
				t.Fatal(err)
			}
			r.await(func() bool { return len(r.slack.Private(alice)) == 2 })
			if told := r.slack.Private(alice)[1].Text; !strings.HasPrefix(told, "NOT recorded") {
				t.Errorf("told %q", told)
			}
			if len(r.desk.Intents())+len(r.desk.Said()) != 0 || r.seen(bot.OutcomeFailed) != 2 {
				t.Error("something happened all the same")
			}
		})
	}
}

func TestAReplayAndADoubleClickDoNothingTwice(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.run()
	form := url.Values{"team_id": {team}, "user_id": {alice}, "command": {"/pause"}, "text": {"pause-all"}, "trigger_id": {"1.same"}, "response_url": {"https://evil.example/"}}
	first, err := r.slack.Deliver(t.Context(), alice, warRoom, form)
	must(t, err)
	again, err := r.slack.Deliver(t.Context(), alice, warRoom, form)
	must(t, err)
	if first != again || !strings.HasPrefix(again, "Recorded") {
		t.Errorf("acknowledged with %q, then %q", first, again)
	}
	r.slash(alice, "/propose", `set-ltv usdc ltv=7500 "x"`)
	preview := r.told(alice, "DRAFT")
	for range 2 {
		must(t, r.slack.Press(t.Context(), alice, preview, "Propose"))
	}
	r.await(func() bool { return r.told(alice, "joined it").Edits == 2 })
	if n := len(r.desk.Intents()); n != 2 || r.seen(bot.OutcomeDuplicate) != 1 {
		t.Errorf("%d proposals, outcomes %v", n, r.outcomes)
	}
}

func TestAStrangersClickIsRefusedPrivately(t *testing.T) {
	r := newRig(t, ModeSocket)
	r.run()
	r.desk.Put(testdesk.Sample())
	must(t, r.deliver("P-12", 1))
	must(t, r.slack.Press(t.Context(), mallory, r.slack.Messages(warRoom)[0], "Object"))
	r.told(mallory, "Nothing was done")
	must(t, r.slack.PressAs(t.Context(), alice, r.slack.Messages(warRoom)[0], "belay:propose:", `set-ltv usdc ltv=1 force=yes`))
	r.told(alice, "missing")
	must(t, r.slack.PressAs(t.Context(), alice, r.slack.Messages(warRoom)[0], "another_app", "P-12")) // acknowledged, and nothing else
	if len(r.desk.Intents())+len(r.desk.Said()) != 0 {
		t.Errorf("did %v %v", r.desk.Intents(), r.desk.Said())
	}
}

func TestGroupsVouchForRolesAndSilenceForNobody(t *testing.T) {
	r := newRig(t, ModeHTTP, func(c *Config) { c.Groups = []string{"S1", "S404"} })
	entry := governance.InboxEntry{Platform: Name, Kind: kindCommand, ReceivedAt: time.Now(), Body: []byte("team_id=" + team + "&user_id=" + alice + "&command=/belay&text=help")}
	in, err := r.us.Decode(t.Context(), entry)
	must(t, err)
	if len(in.Actor.Groups) != 1 || in.Actor.Groups[0] != "S1" || in.Actor.Account() != "slack/"+team+"/"+alice {
		t.Errorf("actor %+v", in.Actor)
	}
	r.slack.Break("usergroups.users.list", standin.Fault{Status: 500}) // remembered for a minute: not asked again
	if in, err = r.us.Decode(t.Context(), entry); err != nil || len(in.Actor.Groups) != 1 {
		t.Errorf("actor %+v, %v", in.Actor, err)
	}
}

func TestFailuresAreClassified(t *testing.T) {
	r := newRig(t, ModeHTTP)
	for name, c := range map[string]struct {
		fault standin.Fault
		class bot.Class
		after time.Duration
	}{
		"a rate limit waits as long as it says": {standin.Fault{Status: 429, RetryAfter: 7}, bot.Retryable, 7 * time.Second},
		"an outage is tried again":              {standin.Fault{Status: 503}, bot.Retryable, 0},
		"an inner error too":                    {standin.Fault{Error: "internal_error"}, bot.Retryable, 0},
		"a missing scope needs an operator":     {standin.Fault{Error: "missing_scope"}, bot.Forbidden, 0},
		"a revoked token needs an operator":     {standin.Fault{Error: "token_revoked"}, bot.Forbidden, 0},
		"blocks that are refused are our fault": {standin.Fault{Error: "invalid_blocks"}, bot.TooLong, 0},
		"a message that is gone is gone":        {standin.Fault{Error: "message_not_found"}, bot.Gone, 0},
		"what Slack invents tomorrow is known":  {standin.Fault{Error: "brand_new"}, bot.Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r.slack.Break("chat.postMessage", c.fault)
			_, err := r.us.Post(t.Context(), warRoom, bot.Answer("x"), "op")
			if bot.ClassOf(err) != c.class || bot.RetryAfter(err) != c.after {
				t.Errorf("got %v: class %s, after %s", err, bot.ClassOf(err), bot.RetryAfter(err))
			}
		})
	}
	if _, err := r.us.Post(t.Context(), "C404", bot.Answer("x"), "op"); bot.ClassOf(err) != bot.Forbidden {
		t.Errorf("an unknown channel gives %v", err)
	}
	if err := r.us.Edit(t.Context(), warRoom, "1.2", bot.Answer("x")); bot.ClassOf(err) != bot.Gone {
		t.Errorf("an unknown message gives %v", err)
	}
}

func TestAnswersAreTriedAgainAndEndWithTheirAddress(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.run()
	r.slack.Break("response_url", standin.Fault{Status: 503})
	r.slash(alice, "/belay", "help")
	r.told(alice, "What you can type")

	r.slack.Expire()
	address := bot.ReplyTo{Secret: bot.Secret(strings.Replace(r.slack.URL(), "/api/", "/response/", 1) + "unknown"), At: time.Now()}
	if err := r.us.Answer(t.Context(), address, bot.Answer("x")); bot.ClassOf(err) != bot.Gone {
		t.Errorf("an unknown address gives %v", err)
	}
	address.At = time.Now().Add(-31 * time.Minute)
	if err := r.us.Answer(t.Context(), address, bot.Answer("x")); bot.ClassOf(err) != bot.Gone {
		t.Errorf("an old address gives %v", err)
	}
}

func TestResponseAddressesArePinned(t *testing.T) {
	for api, addresses := range map[string]map[string]bool{
		"": {"https://hooks.slack.com/commands/T/1/x": true, "https://hooks.slack.com.evil.example/x": false, "http://hooks.slack.com/x": false,
			"https://user@hooks.slack.com/x": false, "http://127.0.0.1:9/x": false, "https://evil.example/hooks.slack.com": false, "": false, "://": false},
		"http://127.0.0.1:80/api/":          {"http://localhost:9/x": true, "https://hooks.slack.com/x": true, "https://evil.example/x": false},
		"https://slack.proxy.example/api/x": {"https://slack.proxy.example/x": true, "http://slack.proxy.example/x": false, "http://127.0.0.1/x": false},
	} {
		p, err := New(Config{TeamID: team, BotToken: "b", AppToken: "a", WarRoom: warRoom, APIURL: api}, nil)
		must(t, err)
		for address, want := range addresses {
			if got := p.trusted(address); got != want {
				t.Errorf("api_url %q, address %q: %v, want %v", api, address, got, want)
			}
		}
	}
}

func TestNoSecretReachesALogOrAnError(t *testing.T) {
	r := newRig(t, ModeHTTP)
	for _, f := range []standin.Fault{{Status: 500}, {Status: 500}, {Status: 500}, {Status: 500}, {Status: 500}, {Status: 500}} {
		r.slack.Break("response_url", f)
	}
	r.slash(alice, "/pause", `pause-all "planted-words"`)
	entry, err := r.desk.Next(t.Context())
	must(t, err)
	must(t, r.bot.Handle(t.Context(), entry))
	if !strings.Contains(r.log.String(), "private answer was not delivered") {
		t.Error("nothing is logged")
	}
	dead := bot.ReplyTo{Secret: "http://127.0.0.1:1/planted-address", At: time.Now()}
	errs := fmt.Sprint(r.us.Answer(t.Context(), dead, bot.Answer("x")),
		r.us.Answer(t.Context(), bot.ReplyTo{Secret: "https://evil.example/planted-address"}, bot.Answer("x")))
	broken, err := New(Config{TeamID: team, BotToken: "xoxb-planted", AppToken: "xapp-planted", WarRoom: warRoom, APIURL: "http://127.0.0.1:1/"}, r.bot)
	must(t, err)
	_, postErr := broken.Post(t.Context(), warRoom, bot.Answer("x"), "op")
	errs += fmt.Sprint(postErr, broken.Check(t.Context()))
	if all := errs + r.log.String(); strings.Contains(all, "planted") || strings.Contains(all, "/response/") {
		t.Errorf("a secret is in:\n%s", all)
	}
}

func TestConfigurationIsRefusedWithWhatIsMissing(t *testing.T) {
	good := Config{TeamID: team, BotToken: "b", AppToken: "a", SigningSecret: "s", WarRoom: warRoom}
	for want, change := range map[string]func(*Config){
		"team_id": func(c *Config) { c.TeamID = "" }, "bot token": func(c *Config) { c.BotToken = "" }, "war_room": func(c *Config) { c.WarRoom = "" },
		"app token": func(c *Config) { c.AppToken = "" }, "signing secret": func(c *Config) { c.Mode, c.SigningSecret = ModeHTTP, "" },
		"mode is": func(c *Config) { c.Mode = "rtm" }, "api_url": func(c *Config) { c.APIURL = "http://slack.example/" },
	} {
		c := good
		change(&c)
		if _, err := New(c, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
