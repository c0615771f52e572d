package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/internal/testdesk"
	"belay/bot/slack/standin"
	"belay/governance"
	"belay/governance/coordinator"
)

// form waits until a form stands open before a person.
func (r *rig) form(user string) standin.View {
	r.Helper()
	r.await(func() bool { return len(r.slack.Views(user)) == 1 })
	return r.slack.Views(user)[0]
}

func (r *rig) submits(v standin.View, answers map[string]string) map[string]string {
	r.Helper()
	problems, err := r.slack.Submit(r.Context(), v, answers)
	must(r.T, err)
	return problems
}

func TestAPauseWithMissingPiecesOpensAFormOverBothTransports(t *testing.T) {
	for _, mode := range []string{ModeSocket, ModeHTTP} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			if ack := r.slash(alice, "/pause", "pause-reserve"); ack != "" {
				t.Errorf("acknowledged with %q, beside the form", ack)
			}
			form := r.form(alice)
			if len(form.Inputs) != 2 || form.Inputs[0].Kind != "static_select" || strings.Join(form.Inputs[0].Options, " ") != "usdc WETH" || !form.Inputs[1].Optional {
				t.Fatalf("asked for %+v", form.Inputs)
			}
			if r.desk.Waiting() != 0 {
				t.Error("a command that lacks something was recorded")
			}
			if problems := r.submits(form, map[string]string{"asset": "usdc", "reason": "oracle <off> & gone"}); len(problems) != 0 {
				t.Fatalf("refused with %v", problems)
			}
			r.told(alice, "Recorded: pause pause-reserve asset=usdc")
			r.told(alice, "P-1 is up")
			if in := r.desk.Intents(); len(in) != 1 || in[0].Params["asset"] != "usdc" || in[0].Reason != "oracle <off> & gone" || in[0].Member != "alice" || in[0].Via != governance.ViaSlack {
				t.Errorf("proposed %+v", in)
			}
			if len(r.slack.Views(alice)) != 0 {
				t.Error("the form is still open")
			}
			r.clean()
			if r.seen(bot.OutcomeAsked) != 1 || r.seen(bot.OutcomeRecorded) != 1 {
				t.Errorf("outcomes %v", r.outcomes)
			}
		})
	}
}

func TestAFormWithoutAPlaybookLeadsToTheNext(t *testing.T) {
	for _, mode := range []string{ModeSocket, ModeHTTP} {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			r.slash(alice, "/belay", `pause "depeg"`)
			first := r.form(alice)
			r.submits(first, map[string]string{"playbook": "pause-reserve"})
			second := r.form(alice)
			if second.ID != first.ID || second.Hash == first.Hash || len(second.Inputs) != 1 || second.Inputs[0].BlockID != "asset" {
				t.Fatalf("went on to %+v", second)
			}
			r.submits(second, map[string]string{"asset": "WETH"})
			r.told(alice, "P-1 is up")
			if in := r.desk.Intents(); len(in) != 1 || in[0].Params["asset"] != "WETH" || in[0].Reason != "depeg" {
				t.Errorf("proposed %+v", in)
			}
			r.clean()
		})
	}
}

func TestWhatIsWrongIsSaidUnderItsFieldAndTheFormStays(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.run()
	r.slash(alice, "/propose", "set-ltv usdc")
	form := r.form(alice)
	if problems := r.submits(form, map[string]string{"ltv": "9000", "reason": "report"}); problems["ltv"] != "ltv = 9000 is above its maximum of 8000. 0 to 8000." || len(problems) != 1 {
		t.Errorf("said %v", problems)
	}
	if r.desk.Waiting()+len(r.desk.Intents()) != 0 || len(r.slack.Views(alice)) != 1 {
		t.Fatal("a wrong form was taken")
	}
	r.submits(form, map[string]string{"ltv": "7500", "reason": "report"})
	r.told(alice, "DRAFT")
	if len(r.desk.Intents()) != 0 {
		t.Error("a form proposed without a preview")
	}
	r.clean()
}

func TestWhereNoFormCanOpenTheAnswerSaysWhatIsMissing(t *testing.T) {
	late := newRigIn(t, ModeSocket, standin.Options{TriggerLife: 1})
	late.run()
	late.slash(alice, "/pause", "pause-reserve")
	late.told(alice, "asset (usdc, WETH)")

	r := newRig(t, ModeSocket)
	r.run()
	for _, f := range []standin.Fault{{Error: "exchanged_trigger_id"}, {Status: 429, RetryAfter: 60}, {Status: 500}, {Error: "invalid_arguments"}} {
		before := len(r.slack.Private(alice))
		r.slack.Break("views.open", f)
		r.slash(alice, "/pause", "pause-reserve")
		r.await(func() bool { return len(r.slack.Private(alice)) > before })
		if told := r.slack.Private(alice)[before]; !strings.Contains(string(told.Blocks), "asset (usdc, WETH)") {
			t.Errorf("after %+v told %s", f, told.Blocks)
		}
	}
	r.slack.Break("views.open", standin.Fault{Error: "expired_trigger_id"})
	r.desk.Break(errors.New("disk full"))
	r.slash(alice, "/pause", "pause-reserve")
	r.told(alice, "NOT recorded")
	if log := r.log.String(); !strings.Contains(log, "expired_trigger_id") || strings.Contains(log, "13345224609") {
		t.Errorf("log:\n%s", log)
	}
}

func TestAFormOpensWhileTheStoreIsDownAndSaysSoWhenItIsSent(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.run()
	r.desk.Break(errors.New("disk full"))
	r.slash(alice, "/pause", "pause-reserve")
	form := r.form(alice)
	if problems := r.submits(form, map[string]string{"asset": "usdc"}); !strings.HasPrefix(problems["asset"], "NOT recorded") {
		t.Errorf("said %v", problems)
	}
	r.desk.Break(nil)
	r.submits(form, map[string]string{"asset": "usdc"})
	r.told(alice, "P-1 is up")
	r.clean()
}

func TestASentFormIsAuthorisedAndReadAnew(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.run()
	r.slash(alice, "/pause", "pause-reserve")
	form := r.form(alice)

	forged := form
	forged.Raw = []byte(strings.Replace(string(form.Raw), "pause-reserve", "unpause-reserve", -1))
	if problems, err := r.slack.SubmitAs(t.Context(), alice, forged, map[string]string{"asset": "usdc"}); err != nil || !strings.Contains(problems["asset"], "of kind unpause") {
		t.Errorf("another playbook: %v, %v", problems, err)
	}
	if problems, err := r.slack.SubmitAs(t.Context(), alice, form, map[string]string{"asset": "doge"}); err != nil || !strings.Contains(problems["asset"], `"doge" is no asset`) {
		t.Errorf("a choice that was not offered: %v, %v", problems, err)
	}
	old := form
	old.Raw = regexp.MustCompile(`\\"at\\":\d+`).ReplaceAll(form.Raw, []byte(`\"at\":1700000000`))
	if problems, err := r.slack.SubmitAs(t.Context(), alice, old, map[string]string{"asset": "usdc"}); err != nil || !strings.Contains(problems["asset"], "type the command again") {
		t.Errorf("an old form: %v, %v", problems, err)
	}
	foreign := form
	foreign.Raw = []byte(strings.Replace(string(form.Raw), "belay:form:", "other:form:", 1))
	if _, err := r.slack.SubmitAs(t.Context(), alice, foreign, map[string]string{"asset": "usdc"}); err != nil {
		t.Errorf("another app's form: %v", err)
	}
	if len(r.desk.Intents()) != 0 {
		t.Fatalf("proposed %+v", r.desk.Intents())
	}
	r.slash(alice, "/pause", "pause-reserve")
	if _, err := r.slack.SubmitAs(t.Context(), mallory, r.form(alice), map[string]string{"asset": "usdc"}); err != nil {
		t.Fatal(err)
	}
	r.told(alice, "You may not do this") // where the command was typed
	if len(r.desk.Intents()) != 0 {
		t.Errorf("a stranger proposed %+v", r.desk.Intents())
	}
	if strings.Contains(r.log.String(), "/response/") {
		t.Error("a response address is in the log")
	}
}

func TestGoldenForms(t *testing.T) {
	judge := schema(t, "block_kit_view.schema.json")
	at := time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC)
	for name, c := range map[string]bot.Command{
		"form_pause":    {Verb: bot.VerbPause, Words: bot.Words("pause-reserve")},
		"form_propose":  {Verb: bot.VerbPropose, Words: bot.Words("set-ltv usdc ltv=9000")},
		"form_playbook": {Verb: bot.VerbPause, Words: bot.Words(`"oracle <off>"`)},
	} {
		t.Run(name, func(t *testing.T) {
			form, asks := bot.Ask(testdesk.New(), c)
			view, fits := layOutForm(form, "https://hooks.slack.com/commands/T/1/x", at)
			if !asks || !fits {
				t.Fatalf("asks %v, fits %v", asks, fits)
			}
			got, err := json.MarshalIndent(view, "", "  ")
			must(t, err)
			_, err = standin.CheckView(got)
			must(t, err)
			if judge != nil {
				must(t, judge(got))
			}
			golden(t, name, append(got, '\n'))
		})
	}
}

func TestAFormNeverExceedsWhatSlackTakes(t *testing.T) {
	judge := schema(t, "block_kit_view.schema.json")
	choices := func(n, long int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("%s-%d", strings.Repeat("x", long), i))
		}
		return all
	}
	for name, c := range map[string]struct {
		param coordinator.ParamInfo
		given string
		opens bool
		kind  string
	}{
		"a hundred choices":       {coordinator.ParamInfo{Choices: choices(100, 1)}, "", true, "static_select"},
		"a thousand long ones":    {coordinator.ParamInfo{Choices: choices(1000, 71)}, "", true, "static_select"},
		"more of them are typed":  {coordinator.ParamInfo{Choices: choices(1001, 1)}, "", true, "plain_text_input"},
		"choices that are long":   {coordinator.ParamInfo{Choices: choices(3, 80)}, "", true, "plain_text_input"},
		"a truth value":           {coordinator.ParamInfo{Type: "bool"}, "", true, "static_select"},
		"a long label":            {coordinator.ParamInfo{Type: "uint256", Name: strings.Repeat("n", 32), Max: strings.Repeat("9", 78), Sample: strings.Repeat("9", 78)}, "", true, "plain_text_input"},
		"a long reason":           {coordinator.ParamInfo{Type: "uint256"}, strings.Repeat("r", 2500), true, "plain_text_input"},
		"more than it can carry":  {coordinator.ParamInfo{Type: "uint256"}, strings.Repeat("r", 3000), false, ""},
		"more once it is encoded": {coordinator.ParamInfo{Type: "uint256"}, strings.Repeat(`\`, 1400), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.param.Required = true
			if c.param.Name == "" {
				c.param.Name = "p"
			}
			desk := testdesk.New()
			desk.Books = []coordinator.PlaybookInfo{{Name: "book", Title: strings.Repeat("A long title ", 30), Kind: governance.KindPause, Params: []coordinator.ParamInfo{c.param}}}
			form, asks := bot.Ask(desk, bot.Command{Verb: bot.VerbPause, Words: []bot.Word{{Value: "book"}, {Key: "reason", Value: c.given}}})
			view, fits := layOutForm(form, "https://hooks.slack.com/commands/T/1/x", time.Unix(1, 0))
			if !asks || fits != c.opens {
				t.Fatalf("asks %v, opens %v, want %v", asks, fits, c.opens)
			}
			if !fits {
				return
			}
			raw, err := json.Marshal(view)
			must(t, err)
			read, err := standin.CheckView(raw)
			must(t, err)
			if judge != nil {
				must(t, judge(raw))
			}
			if read.Inputs[0].Kind != c.kind {
				t.Errorf("asks by %s, want %s", read.Inputs[0].Kind, c.kind)
			}
		})
	}
}

// golden compares with a file, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden.json")
	if *update {
		must(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if string(got) != string(want) {
		t.Errorf("%s changed; look at it, then run with -update:\n%s", name, got)
	}
}

func FuzzSentFormsAreReadWithoutPanic(f *testing.F) {
	f.Add([]byte(`{"type":"view_submission","team":{"id":"T0000001"},"user":{"id":"U1"},"view":{"id":"V1","callback_id":"belay:form:pause","private_metadata":"{\"given\":\"pause-reserve\"}","state":{"values":{"asset":{"answer":{"selected_option":{"value":"usdc"}}}}}}}`))
	f.Add([]byte(`{"type":"view_submission","view":{"callback_id":"belay:form:","private_metadata":"","state":{"values":{"":{"":{"selected_option":null}}}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := readInteraction(body)
		if err == nil && a.sent != nil {
			if a.command == nil || len(a.sent.fields) == 0 || !strings.HasPrefix(a.key, "slack:form:") {
				t.Fatalf("read as %+v", a)
			}
			bot.Review(testdesk.New(), *a.command, a.sent.fields)
		}
	})
}
