package discord

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"belay/bot/discord/standin"
	"belay/bot/internal/testdesk"
	"belay/governance"
	"belay/governance/coordinator"
)

func TestCommandsAreRegisteredOnlyWhenTheyDiffer(t *testing.T) {
	r := newRig(t, ModeHTTP)
	for range 2 {
		must(t, r.us.Register(t.Context()))
	}
	if _, n := r.discord.Commands(); n != 1 {
		t.Errorf("overwritten %d times", n)
	}
	r.desk.Books[0].Title = "Pause the whole market"
	must(t, r.us.Register(t.Context()))
	have, n := r.discord.Commands()
	if n != 2 || !strings.Contains(string(have), "Pause the whole market") {
		t.Errorf("overwritten %d times: %s", n, have)
	}
	r.clean()
}

func TestRegistrationIsTriedAgainWhileDiscordIsDown(t *testing.T) {
	r := newRig(t, ModeHTTP)
	r.discord.Break("GET commands", standin.Fault{Status: 503})
	r.discord.Break("PUT commands", standin.Fault{Status: 429, RetryAfter: 0.01})
	r.run()
}

func TestEverySubcommandIsAPlaybookWithItsParameters(t *testing.T) {
	text, err := json.Marshal(commands((&Config{}).Names.WithDefaults(), testdesk.Books()))
	must(t, err)
	for _, want := range []string{
		`{"type":1,"name":"pause","description":"Ask the signers to pause, at once","options":[{"type":1,"name":"pause-all"`,
		`{"type":3,"name":"asset","description":"asset (usdc, WETH)","required":true,"choices":[{"name":"usdc","value":"usdc"},{"name":"WETH","value":"WETH"}]}`,
		`{"type":3,"name":"ltv","description":"ltv (a whole number, 0 to 8000, such as 7500)","required":true,"autocomplete":true}`,
		`"name":"reason","description":"Why; stays in the war room"}`,
		`"name":"reason","description":"Why; stays in the war room","required":true}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// books makes many playbooks of a kind with many parameters of many long choices.
func books(kind governance.Kind, n, params, choices int) (all []coordinator.PlaybookInfo) {
	for i := range n {
		b := coordinator.PlaybookInfo{Name: fmt.Sprintf("book-%d", i), Title: strings.Repeat("title ", 40), Kind: kind}
		for j := range params {
			p := coordinator.ParamInfo{Name: fmt.Sprintf("param-%d", j), Type: "address", Required: j%2 == 0}
			for k := range choices {
				p.Choices = append(p.Choices, fmt.Sprintf("choice-%d-%s", k, strings.Repeat("x", 80)))
			}
			b.Params = append(b.Params, p)
		}
		all = append(all, b)
	}
	return all
}

func TestHoweverManyPlaybooksThereAreDiscordTakesThem(t *testing.T) {
	for name, all := range map[string][]coordinator.PlaybookInfo{
		"none":                         nil,
		"as many as fit":               books(governance.KindPause, 25, 1, 0),
		"one more":                     books(governance.KindPause, 26, 1, 0),
		"more characters than 8000":    books(governance.KindParameter, 20, 4, 10),
		"more parameters than options": books(governance.KindPause, 1, 40, 0),
		"more choices than fit":        books(governance.KindMigrate, 2, 1, 60),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, ModeHTTP)
			r.desk.Books = all
			must(t, r.us.Register(t.Context()))
			r.clean()
		})
	}
}
