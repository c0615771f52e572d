package discord

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/internal/testdesk"
	"belay/governance"
)

var update = flag.Bool("update", false, "write the golden files anew")

func bodyOf(t *testing.T, c bot.Card) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	must(t, e.Encode(render(c)))
	return b.Bytes()
}

// judged posts a card to the stand-in, which applies caps and schema.
func judged(t *testing.T, r *rig, c bot.Card) {
	t.Helper()
	if _, err := r.us.Post(t.Context(), warRoom, c, ""); err != nil {
		t.Errorf("refused: %v, %v", err, r.discord.Problems())
	}
}

func TestGoldenCards(t *testing.T) {
	r := newRig(t, ModeHTTP)
	room := bot.Reader{Audience: governance.AudienceWarRoom, SignURL: testdesk.PublicURL + "/p/P-12/sign?key=k"}
	asking := testdesk.SampleAt("2026-11-21T13:00:00Z")
	done := asking
	done.State, done.Status = governance.StateExecuted, "USDC is paused, checked at block 21000009"
	done.Undo = &governance.UndoView{Playbook: "unpause-reserve"}
	done.Transactions = []governance.TransactionView{{Role: governance.PurposeDirect, TxHash: testdesk.SafeTxHash, Status: governance.TxStatusFinal, Block: 21000007}}
	done.Postconditions = []governance.PostconditionView{{Text: "getPaused(usdc) = true", Value: "true", OK: true, Block: 21000009}}
	unsafe := asking
	unsafe.Simulation = &governance.SimulationView{Block: 9, Error: "already paused"}
	for name, card := range map[string]bot.Card{"asking": bot.Draw(asking, room), "executed": bot.Draw(done, room), "reverting": bot.Draw(unsafe, room)} {
		t.Run(name, func(t *testing.T) {
			judged(t, r, card)
			got := bodyOf(t, card)
			path := filepath.Join("testdata", name+".golden.json")
			if *update {
				must(t, os.MkdirAll("testdata", 0o750))
				must(t, os.WriteFile(path, got, 0o600))
			}
			want, err := os.ReadFile(path)
			must(t, err)
			if !bytes.Equal(got, want) {
				t.Errorf("%s changed; look at it, then run with -update:\n%s", name, got)
			}
		})
	}
}

// TestEveryCardIsTakenByDiscord draws each of the domain's golden views.
func TestEveryCardIsTakenByDiscord(t *testing.T) {
	r := newRig(t, ModeHTTP)
	for name, v := range testdesk.Views(t) {
		card := bot.Draw(v, bot.Reader{PageURL: v.Links.Self})
		if strings.HasSuffix(name, ".war_room") {
			card = bot.Draw(v, bot.Reader{Audience: governance.AudienceWarRoom, PageURL: v.Links.Self, SignURL: v.Links.Sign})
		}
		judged(t, r, card)
		if text := render(card).Embeds[0].Description; strings.HasPrefix(name, "queued") && !strings.Contains(text, "opens** <t:2000:f> (<t:2000:R>)") {
			t.Errorf("%s shows its window as a machine would:\n%s", name, text)
		}
	}
	r.clean()
}

// hostile is what a token's name, a revert reason or a person may hold.
var hostile = []string{
	"[Safe](https://evil.example)", "<https://evil.example|Safe>", "@everyone", "@here", "<@104200000000000001>", "<#1>", "<t:1:R>", "`*_~|>#-", "https://evil.example",
	"a\u202Eb", "``` code", "||spoiler||", "# heading", "> quote", "- list", "\\", "\x00\x1b[2J", strings.Repeat("𝕏", 3000), "**bold** __u__ ~~gone~~", ":smile:",
}

// unescaped takes inline code and escaped characters out: what is left is what Discord interprets.
func unescaped(s string) string {
	var b strings.Builder
	code, escaped := false, false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case r == '`':
			code = !code
		case code:
		case r == '\\':
			escaped = true
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func TestNobodysWordsBecomeMarkup(t *testing.T) {
	r := newRig(t, ModeHTTP)
	for i, h := range slices.Concat(hostile, hostile) {
		v := testdesk.Sample()
		v.Reason, v.Title, v.Status = governance.Untrusted(h), h, h
		v.Notes, v.OwnerNames = []string{h}, map[string]string{testdesk.AliceWallet: h}
		v.Calls[0].Text = governance.Untrusted(h)
		v.Simulation = &governance.SimulationView{Error: governance.Untrusted(h)}
		if i >= len(hostile) { // the same in what a simulation did
			v.Simulation = &governance.SimulationView{OK: true, Effects: []governance.Untrusted{governance.Untrusted(h)}, Changes: []governance.ChangeView{{What: h, Before: h, After: h}}}
		}
		v.Dangers = []governance.DangerView{{Code: h, Text: h}}
		card := bot.Draw(v, bot.Reader{Audience: governance.AudienceWarRoom})
		judged(t, r, card)
		m := render(card)
		active := unescaped(m.Content + "\n" + m.Embeds[0].Title + "\n" + m.Embeds[0].Description)
		for _, ours := range []string{"<t:", ":f>", ":R>"} { // the deadline's own marks
			active = strings.ReplaceAll(active, ours, "")
		}
		for _, bad := range []string{"](", "<", "@", "://", "||", "~~", "__", "\n#", "\n>", "\n-", "\u202e", "\x1b", ":smile:"} {
			if strings.Contains(active, bad) {
				t.Errorf("%q leaves %q active in:\n%s", h, bad, active)
			}
		}
		if m.AllowedMentions == nil || m.AllowedMentions.Parse == nil || len(m.AllowedMentions.Parse) != 0 {
			t.Error("mentions are not switched off")
		}
	}
}

func TestSpansAreWhatTheySay(t *testing.T) {
	at := time.Unix(1795183320, 0)
	for want, s := range map[string]bot.Span{
		"<t:1795183320:f> (<t:1795183320:R>)":  bot.Moment(at),
		"[explorer](<https://e.example/a%29>)": bot.Link("explorer", "https://e.example/a)"),
		"`0xAb`":                               bot.Code("0xAb"),
		"`a ˋ <b`":                             bot.Said("a ` <b", 20),
		"**Needs** ":                           bot.Strong("Needs "),
		"–":                                    bot.Said("\u200b", 20),
		`max\_ltv \*`:                          bot.Plain("max_ltv *"),
	} {
		if got := span(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestEveryCardFitsHoweverMuchThereIs(t *testing.T) {
	r := newRig(t, ModeHTTP)
	long := strings.Repeat("*long` words_ ", 400)
	v := testdesk.Sample()
	v.Title, v.Reason, v.Status = long, governance.Untrusted(long), long
	for range 60 {
		v.Notes = append(v.Notes, long)
		v.Calls = append(v.Calls, governance.CallView{Text: governance.Untrusted(long)})
		v.Dangers = append(v.Dangers, governance.DangerView{Code: "c", Text: long})
		v.Owners = append(v.Owners, testdesk.SafeAddress)
		v.Objections = append(v.Objections, governance.OpinionView{Member: "m", Text: governance.Untrusted(long)})
		v.Simulation.Effects = append(v.Simulation.Effects, governance.Untrusted(long))
		v.Simulation.Changes = append(v.Simulation.Changes, governance.ChangeView{What: long, Before: long, After: long})
		v.Events = append(v.Events, governance.EventView{Seq: 1, Type: governance.EventObjected, Text: governance.Untrusted(long)})
	}
	card := bot.Draw(v, bot.Reader{Audience: governance.AudienceWarRoom, SignURL: "https://belay.example.org/x"})
	judged(t, r, card)
	raw := string(bodyOf(t, card))
	for _, kept := range []string{testdesk.SafeTxHash, testdesk.SafeAddress, `Review \u0026 sign`, "more than a message holds"} {
		if !strings.Contains(raw, kept) {
			t.Errorf("%q is cut away", kept)
		}
	}
	r.desk.Put(v)
	must(t, r.deliver("P-12", 1))
	r.clean()
}
