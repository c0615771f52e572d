package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"belay/bot/internal/testdesk"
	"belay/governance"
	"belay/governance/coordinator"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAPauseActsAtOnceAndAsksForTheWallet(t *testing.T) {
	s := newStage(t)
	answer := s.says("alice", "pause", `usdc “oracle off”`)
	s.contains(answer, "P-1 is up", "Needs 1 more", "[Review & sign]")
	if want := testdesk.PublicURL + "/p/P-1/sign?key=readkey-of-P-1"; answer.Buttons[0].URL != want {
		t.Errorf("signing at %s, want %s", answer.Buttons[0].URL, want)
	}
	in := s.desk.Intents()
	if len(in) != 1 || in[0].Playbook != "pause-reserve" || in[0].Params["asset"] != "usdc" || in[0].Reason != "oracle off" || in[0].Member != "alice" || in[0].Force {
		t.Errorf("proposed %+v", in)
	}
	s.contains(s.says("alice", "pause", "usdc"), "asks for the same already; you joined it")
	if len(s.desk.Intents()) != 1 {
		t.Error("the second pause was doubled")
	}
}

func TestAnythingElseIsPreviewedFirst(t *testing.T) {
	s := newStage(t)
	preview := s.says("alice", "propose", `set-ltv usdc ltv=7500 "report 7"`)
	s.contains(preview, "DRAFT", "Set a loan-to-value", "[Propose]")
	if len(s.desk.Intents()) != 0 {
		t.Fatal("a preview proposed something")
	}
	s.contains(s.presses("alice", preview.Buttons[0]), "P-1 is up")
	if in := s.desk.Intents(); len(in) != 1 || in[0].Params["ltv"] != "7500" || in[0].Reason != "report 7" {
		t.Errorf("proposed %+v", in)
	}
	s.contains(s.presses("alice", preview.Buttons[0]), "joined")
}

func TestAButtonIsAuthorisedAnewForWhoeverPressesIt(t *testing.T) {
	s := newStage(t)
	preview := s.says("alice", "propose", `set-ltv usdc ltv=7500 "report 7"`)
	s.contains(s.presses("mallory", preview.Buttons[0]), "You may not do this", "Nothing was done")
	for _, forged := range []Button{
		{Action: ActionPropose, Arg: "set-ltv usdc ltv=9 reason="}, {Action: ActionPropose, Arg: "@unknown"}, {Action: "selfdestruct", Arg: "P-1"},
		{Action: ActionObject, Arg: "P-999"}, {Action: ActionUndo, Arg: "P-999"}, {Action: ActionForce, Arg: `unpause-reserve usdc "x"`}, {Action: ActionDetails, Arg: "../../etc"},
	} {
		s.contains(s.presses("alice", forged), "Nothing was done")
	}
	if len(s.desk.Intents()) != 0 || len(s.desk.Said()) != 0 {
		t.Errorf("forged buttons did %v and %v", s.desk.Intents(), s.desk.Said())
	}
}

func TestALongRequestIsKeptAsideAndForgottenByARestart(t *testing.T) {
	s := newStage(t)
	preview := s.says("alice", "propose", `set-ltv usdc ltv=7500 "`+strings.Repeat("long ", 40)+`"`)
	if arg := preview.Buttons[0].Arg; len(arg) > s.pad.maxArg || !strings.HasPrefix(arg, "@") {
		t.Fatalf("the button carries %q", arg)
	}
	old := s.bot
	s.restart()
	s.contains(s.presses("alice", preview.Buttons[0]), "too old", "Type the command again")
	s.bot = old
	s.contains(s.presses("alice", preview.Buttons[0]), "P-1 is up")
}

func TestAPauseThatRevertsIsToldAndMayBeForced(t *testing.T) {
	s := newStage(t)
	s.desk.Reverting["pause-all"] = true
	answer := s.says("alice", "pause", "pause-all")
	s.contains(answer, "The simulation reverts", "already paused", "[Pause anyway]", "simulation_reverted")
	s.contains(s.presses("alice", answer.Buttons[0]), "P-1 is up")
	if in := s.desk.Intents(); len(in) != 1 || !in[0].Force {
		t.Errorf("proposed %+v", in)
	}
	s.desk.Reverting["set-ltv"] = true
	if refused := s.says("alice", "propose", `set-ltv usdc ltv=1 "x"`); len(refused.Buttons) != 0 {
		t.Errorf("a parameter change offers %+v", refused.Buttons)
	}
}

func TestEveryRefusalSaysWhyAndWhatNext(t *testing.T) {
	s := newStage(t)
	for text, want := range map[[3]string][]string{
		{"mallory", "pause", "pause-all"}:         {"You may not do this", "account mallory", "Next: ", "not_permitted"},
		{"alice", "pause", "pause-everything"}:    {"There is no such playbook", "pause-all", "unknown_playbook"},
		{"alice", "propose", "set-ltv usdc"}:      {"A parameter is missing", "ltv (a whole number, 0 to 8000", "reason (in quotes)", "missing_param"},
		{"alice", "belay", "statsu"}:              {`no command "statsu". Did you mean status?`, "/belay help"},
		{"alice", "belay", "status P-77"}:         {"nothing here that you may see", "not_found"},
		{"alice", "belay", "withdraw"}:            {"Which proposal?", "say which proposal", "/belay withdraw P-12"},
		{"alice", "propose", `set-ltv usdt "x y`}: {"is no choice of set-ltv"},
	} {
		s.contains(s.says(text[0], text[1], text[2]), want...)
	}
}

func TestVerbsReachTheirUseCases(t *testing.T) {
	s := newStage(t)
	s.desk.Put(testdesk.Sample())
	for _, c := range [][2]string{
		{"status", "P-12 · ⏳ ASKING 1/2"},
		{"status 12", testdesk.SafeTxHash},
		{"sign P-12", "compare it on your device"},
		{"object P-12 \"wrong asset\"", "It is an opinion and stops nothing"},
		{"onit", "the others see that you are on it"},
		{"cant P-12", "cannot sign now"},
		{"withdraw P-12", "Signatures that exist stay usable"},
		{"extend P-12", "extended"},
		{"execute P-12", "released"},
		{"disclose P-12", "public from now on"},
		{"timelocks", "opens 2026-11-20T14:02:00Z"},
		{"check", "belay check"},
		{"link", "correct horse battery staple"},
		{"unlink", "not linked to this account any more"},
		{"void P-12", "is up"},
		{"veto P-12", "is up"},
		{"rebuild P-12", "is up"},
		{"nonces", "7 gap Nothing stands here"},
		{"help", "set-ltv Set a loan-to-value. asset (usdc, WETH)"},
		{"propose unpause-reserve usdc \"ok\"", "DRAFT"},
		{"pause pause-all", "is up"},
		{"onit", "say which proposal"},
	} {
		s.contains(s.says("alice", "belay", c[0]), c[1])
	}
	if voids := s.desk.Intents(); !slices.ContainsFunc(voids, func(in coordinator.Intent) bool {
		return in.Playbook == coordinator.VoidPlaybook && in.Params["proposal"] == "P-12" && in.Member == "alice"
	}) {
		t.Errorf("no void of P-12 among %+v", voids)
	}
	s.contains(s.says("alice", "belay", "void"), "Which proposal's nonce")
	s.contains(s.says("alice", "belay", "veto"), "Which operation")
	s.contains(s.says("alice", "belay", `veto core 0x`+strings.Repeat("ab", 32)+` "it drains us"`), "is up")
	if last := s.desk.Intents(); last[len(last)-1].Params["operation"] != "core 0x"+strings.Repeat("ab", 32) || last[len(last)-1].Reason != "it drains us" {
		t.Errorf("the veto is %+v", last[len(last)-1])
	}
	said := strings.Join(s.desk.Said(), "; ")
	for _, want := range []string{"object P-12 alice wrong asset", "onit P-12 alice", "cant P-12 alice", "withdraw P-12 alice", "extend P-12 alice", "execute P-12 alice", "disclose P-12 alice"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in %q", want, said)
		}
	}
}

func TestTheUndoOfAnExecutedPauseIsPreviewed(t *testing.T) {
	s := newStage(t)
	v := testdesk.Sample()
	v.State, v.Undo = governance.StateExecuted, &governance.UndoView{Playbook: "unpause-reserve", Params: map[string]string{"asset": "usdc", "unknown": "x"}}
	s.desk.Put(v)
	card := Draw(v, Reader{Audience: governance.AudienceWarRoom, SignURL: "https://x"})
	if len(card.Buttons) != 1 || card.Buttons[0].Label != "Undo: unpause-reserve" {
		t.Fatalf("final card offers %+v", card.Buttons)
	}
	preview := s.presses("alice", card.Buttons[0])
	s.contains(preview, "Unpause a reserve", "Undo of P-12", "[Propose]")
	s.contains(s.presses("alice", preview.Buttons[0]), "is up")
	if in := s.desk.Intents(); in[0].Params["asset"] != "usdc" || len(in[0].Params) != 1 {
		t.Errorf("proposed %+v", in)
	}
}

func TestAnAnswerIsTriedAgainOnlyWhereThePlatformAsksForIt(t *testing.T) {
	s := newStage(t)
	s.pad.fail["answer"] = []error{&Failure{Class: Retryable, After: 1}}
	s.contains(s.says("alice", "belay", "help"), "What you can type")

	s.pad.fail["answer"] = []error{&Failure{Class: Gone, Detail: "expired"}}
	c := Command{Verb: VerbPause, Words: []Word{{Value: "pause-all"}}}
	body, _ := json.Marshal(Incoming{Actor: coordinator.Actor{Platform: "pad", User: "alice"}, Command: &c})
	if err := s.bot.Handle(t.Context(), governance.InboxEntry{Platform: "pad", Body: body}); err != nil {
		t.Errorf("an answer that cannot be given is no reason to pause twice: %v", err)
	}
	if len(s.desk.Intents()) != 1 {
		t.Error("the pause was lost with its answer")
	}
}

// broken is a desk whose Propose fails inside.
type broken struct {
	*testdesk.Desk
	err error
}

func (b broken) Propose(context.Context, coordinator.Intent) (coordinator.Proposed, error) {
	return coordinator.Proposed{}, b.err
}

func TestInternalErrorsGoToTheLogAndNotToThePerson(t *testing.T) {
	s := newStage(t)
	var logged bytes.Buffer
	s.bot.cfg.Log = slog.New(slog.NewTextHandler(&logged, nil))
	s.bot.Attach(broken{s.desk, errors.New("disk /dev/secret is full")})
	answer := s.says("alice", "pause", "pause-all")
	s.contains(answer, "nothing was done")
	if strings.Contains(textOf(answer), "secret") || !strings.Contains(logged.String(), "/dev/secret") {
		t.Errorf("told %q, logged %q", textOf(answer), logged.String())
	}
}

func TestAnEntryStaysOwedWhereAnotherInstanceLeads(t *testing.T) {
	s := newStage(t)
	s.bot.Attach(broken{s.desk, fmt.Errorf("commit: %w", governance.ErrFenced)})
	c := Command{Verb: VerbPause, Words: []Word{{Value: "pause-all"}}}
	body, _ := json.Marshal(Incoming{Actor: coordinator.Actor{Platform: "pad", User: "alice"}, Command: &c})
	if err := s.bot.Handle(t.Context(), governance.InboxEntry{Platform: "pad", Body: body}); !errors.Is(err, governance.ErrFenced) {
		t.Errorf("handled with %v, want ErrFenced", err)
	}
}

func TestUnreadableEntriesAreDoneWith(t *testing.T) {
	s := newStage(t)
	for _, e := range []governance.InboxEntry{{Platform: "pad", Body: []byte("{")}, {Platform: "irc", Body: []byte("{}")}} {
		if err := s.bot.Handle(t.Context(), e); err != nil {
			t.Errorf("%s: %v", e.Platform, err)
		}
	}
}

func TestSecretsPrintNowhere(t *testing.T) {
	secret := Secret("xoxb-planted")
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "secret", secret, "reply", ReplyTo{Secret: secret})
	text, err := json.Marshal(ReplyTo{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	all := logged.String() + string(text) + fmt.Sprintf("%v %+v %#v %s", secret, ReplyTo{Secret: secret}, secret, secret)
	if strings.Contains(all, "planted") {
		t.Errorf("the secret is in %s", all)
	}
}

// TestWhatIsLoadedIsListed: it has ended, and nobody would look for it.
func TestWhatIsLoadedIsListed(t *testing.T) {
	s := newStage(t)
	v := testdesk.Sample()
	v.ID, v.State, v.Loaded = "P-9", governance.StateCanceled, &governance.LoadedView{Nonce: 7, Usable: true}
	s.desk.Put(v)
	card := s.says("alice", "belay", "status")
	s.contains(card, "signatures still count")
	s.contains(card, "/belay void P-9")
}
