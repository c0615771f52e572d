package discord

import (
	"errors"
	"strings"
	"testing"

	"belay/bot"
	"belay/bot/discord/standin"
	"belay/bot/internal/testdesk"
	"belay/governance"
	"belay/governance/coordinator"
)

func (r *rig) form(who standin.Who) standin.Form {
	r.Helper()
	r.await(func() bool { return len(r.discord.Forms(who.User)) == 1 })
	return r.discord.Forms(who.User)[0]
}

func TestACommandWithMissingPiecesOpensAFormOverBothTransports(t *testing.T) {
	for _, mode := range transports {
		t.Run(mode, func(t *testing.T) {
			r := newRig(t, mode)
			r.run()
			raw, err := r.discord.Slash(t.Context(), alice, warRoom, "belay", standin.Sub("pause", "playbook", "pause-reserve", "reason", "oracle off"))
			if got := ackType(t, raw, err); got != 9 {
				t.Fatalf("acknowledged with %s", raw)
			}
			form := r.form(alice)
			if len(form.Inputs) != 1 || strings.Join(form.Inputs[0].Options, " ") != "usdc WETH" || !form.Inputs[0].Required {
				t.Fatalf("asked for %+v", form.Inputs)
			}
			if r.desk.Waiting() != 0 {
				t.Error("a command that lacks something was recorded")
			}
			raw, err = r.discord.Submit(t.Context(), alice, form, map[string]string{"asset": "WETH"})
			if got := ackType(t, raw, err); got != 5 || !strings.Contains(string(raw), `"flags":64`) {
				t.Errorf("the form is acknowledged with %s", raw)
			}
			r.told(alice, "P-1 is up")
			if in := r.desk.Intents(); len(in) != 1 || in[0].Params["asset"] != "WETH" || in[0].Reason != "oracle off" || in[0].Via != governance.ViaDiscord {
				t.Errorf("proposed %+v", in)
			}
			r.clean()
			if r.seen(bot.OutcomeAsked) != 1 || r.seen(bot.OutcomeRecorded) != 1 {
				t.Errorf("outcomes %v", r.outcomes)
			}
		})
	}
}

func TestWhatTheIDCannotCarryStandsInAFieldOfTheForm(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.run()
	reason := strings.Repeat("a reason that no id can carry ", 8) + "x"
	_, err := r.discord.Slash(t.Context(), alice, warRoom, "belay", standin.Sub("propose", "playbook", "set-ltv", "values", "asset=usdc", "reason", reason))
	must(t, err)
	form := r.form(alice)
	if len(form.Inputs) != 2 || form.Inputs[0].CustomID != "ltv" || !strings.Contains(form.Inputs[1].Value, reason) {
		t.Fatalf("asked for %+v", form.Inputs)
	}
	_, err = r.discord.Submit(t.Context(), alice, form, map[string]string{"ltv": "9000", optionValues: form.Inputs[1].Value})
	must(t, err)
	r.told(alice, "above its maximum of 8000") // Discord has no words under a field
	_, err = r.discord.Submit(t.Context(), alice, form, map[string]string{"ltv": "7500", optionValues: strings.Replace(form.Inputs[1].Value, "usdc", "doge", 1)})
	must(t, err)
	r.told(alice, `"doge" is no asset`)
	r.clean()
}

func TestAFormThatDoesNotFitIsAnsweredInText(t *testing.T) {
	r := newRig(t, ModeHTTP)
	params := []coordinator.ParamInfo{}
	for _, n := range []string{"a", "b", "c", "d", "e"} {
		params = append(params, coordinator.ParamInfo{Name: n, Type: "uint256", Required: true})
	}
	r.desk.Books = []coordinator.PlaybookInfo{{Name: "many", Title: "Many", Kind: governance.KindParameter, Params: params}}
	r.run()
	raw, err := r.discord.Slash(t.Context(), alice, warRoom, "belay", standin.Sub("propose", "playbook", "many"))
	if ackType(t, raw, err) != 5 {
		t.Errorf("acknowledged with %s", raw)
	}
	r.told(alice, "e (a whole number)")
	r.clean()
}

func TestASentFormIsAuthorisedAnew(t *testing.T) {
	r := newRig(t, ModeGateway)
	r.run()
	open := func() standin.Form {
		_, err := r.discord.Slash(t.Context(), alice, warRoom, "belay", standin.Sub("pause", "playbook", "pause-reserve"))
		must(t, err)
		return r.form(alice)
	}
	form := open()
	_, err := r.discord.SubmitAs(t.Context(), mallory, form, map[string]string{"asset": "usdc"})
	must(t, err)
	r.told(mallory, "You may not do this")
	form.CustomID = "belay:form:pause:unpause-reserve"
	_, err = r.discord.SubmitAs(t.Context(), alice, form, map[string]string{"asset": "usdc"})
	must(t, err)
	r.told(alice, "of kind unpause")
	form.CustomID = "other:form"
	raw, err := r.discord.SubmitAs(t.Context(), alice, form, map[string]string{"asset": "usdc"})
	if ackType(t, raw, err) != 4 || !strings.Contains(string(raw), "not Belay's") {
		t.Errorf("another app's form: %s", raw)
	}
	r.desk.Break(errors.New("disk full"))
	raw, err = r.discord.Submit(t.Context(), alice, r.form(alice), map[string]string{"asset": "usdc"})
	if ackType(t, raw, err) != 4 || !strings.Contains(string(raw), "NOT recorded") {
		t.Errorf("a store that is down: %s", raw)
	}
	if len(r.desk.Intents()) != 0 {
		t.Errorf("proposed %+v", r.desk.Intents())
	}
}

func FuzzSentFormsAreReadWithoutPanic(f *testing.F) {
	f.Add([]byte(`{"id":"1","type":5,"data":{"custom_id":"belay:form:pause:pause-reserve","components":[{"type":18,"component":{"type":3,"custom_id":"asset","values":["usdc"]}}]}}`))
	f.Add([]byte(`{"id":"1","type":5,"data":{"custom_id":"belay:form:","components":[{}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := readInteraction(body)
		if err != nil {
			return
		}
		if c, ours := sentForm(in); ours {
			bot.Review(testdesk.New(), c, []string{"asset"})
		}
	})
}
