package slack

import (
	"bytes"
	"encoding/json"
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/bot"
	"belay/bot/internal/testdesk"
	"belay/bot/slack/standin"
	"belay/governance"
)

var update = flag.Bool("update", false, "write the golden files anew")

func blocksOf(t *testing.T, c bot.Card) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	must(t, e.Encode(render(c)))
	return b.Bytes()
}

// cards are what people see most; each is judged by the caps, by Slack's own schema, and by eye when it changes.
func cards() map[string]bot.Card {
	room := bot.Reader{Audience: governance.AudienceWarRoom, SignURL: testdesk.PublicURL + "/p/P-12/sign?key=k", PageURL: testdesk.PublicURL + "/p/P-12?key=k"}
	asking := testdesk.SampleAt("2026-11-21T13:00:00Z")
	unsafe := asking
	unsafe.Simulation = nil
	unsafe.Dangers = []governance.DangerView{{Code: "owner_change", Text: "adds the owner " + testdesk.BobWallet}}
	unsafe.Notes = []string{"NOT VERIFIED: two of three providers are silent"}
	done := asking
	done.State, done.Status, done.IsPublic = governance.StateExecuted, "USDC is paused, checked at block 21000009", true
	done.Undo = &governance.UndoView{Playbook: "unpause-reserve"}
	done.Public = &governance.PublicView{What: "USDC is paused", UsersCan: "nothing until unpaused"}
	done.Transactions = []governance.TransactionView{{Role: governance.PurposeDirect, TxHash: testdesk.SafeTxHash, Status: governance.TxStatusFinal, Block: 21000007}}
	done.Postconditions = []governance.PostconditionView{{Text: "getPaused(usdc) = true", Value: "true", OK: true, Block: 21000009}}
	open := done
	open.ID, open.Reason, open.Proposer, open.OwnerNames, open.Undo = "kq3v", "", "", nil, nil
	return map[string]bot.Card{
		"asking":    bot.Draw(asking, room),
		"unsafe":    bot.Draw(unsafe, room),
		"executed":  bot.Draw(done, room),
		"community": bot.Draw(open, bot.Reader{PageURL: testdesk.PublicURL + "/p/kq3v"}),
	}
}

// TestEveryCardIsTakenBySlack draws each of the domain's golden views, and what /belay status says of it.
func TestEveryCardIsTakenBySlack(t *testing.T) {
	judge := schema(t, "block_kit_blocks.schema.json")
	for name, v := range testdesk.Views(t) {
		card := bot.Draw(v, bot.Reader{PageURL: v.Links.Self})
		if strings.HasSuffix(name, ".war_room") {
			card = bot.Draw(v, bot.Reader{Audience: governance.AudienceWarRoom, PageURL: v.Links.Self, SignURL: v.Links.Sign})
		}
		got := blocksOf(t, card)
		if err := standin.CheckBlocks(got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if judge != nil {
			if err := judge(got); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if strings.HasPrefix(name, "queued") && !strings.Contains(string(got), "opens* <!date^2000^") {
			t.Errorf("%s shows its window as a machine would:\n%s", name, got)
		}
	}
}

func TestGoldenCards(t *testing.T) {
	judge := schema(t, "block_kit_blocks.schema.json")
	for name, card := range cards() {
		t.Run(name, func(t *testing.T) {
			got := blocksOf(t, card)
			must(t, standin.CheckBlocks(got))
			if judge != nil {
				must(t, judge(got))
			}
			golden(t, name, got)
		})
	}
}

// hostile is what a token's name, a revert reason or a person may hold.
var hostile = []string{
	"[Safe](https://evil.example)", "<https://evil.example|Safe>", "@everyone", "<!here>", "<!channel>", "<@U0000001>", "<#C1>", "`*_~|>#-", "https://evil.example",
	"a\u202Eb", "``` code", "</a>&amp;", "|", "\x00\x1b[2J", strings.Repeat("𝕏", 3000), "*bold* _it_ ~gone~", "\r\n> quote",
}

func TestNobodysWordsBecomeMarkup(t *testing.T) {
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
		raw := blocksOf(t, card)
		must(t, standin.CheckBlocks(raw))
		text := string(raw) + summary(card)
		for _, bad := range []string{"<http", "<!here", "<!channel", "<@", "<#", "\u202e", "\x1b"} {
			if strings.Contains(text, bad) {
				t.Errorf("%q survives as %q in %s", h, bad, text)
			}
		}
		if strings.Contains(h, "*bold*") && strings.Contains(words(h), "*") {
			t.Errorf("%q formats: %q", h, words(h))
		}
	}
}

func TestSpansAreWhatTheySay(t *testing.T) {
	at := time.Date(2026, 11, 20, 14, 2, 0, 0, time.UTC)
	for want, s := range map[string]bot.Span{
		"<!date^1795183320^{date_short_pretty} {time}|2026-11-20 14:02 UTC>": bot.Moment(at),
		"<https://e.example/a?b=1&amp;c=%7C|explorer>":                       bot.Link("explorer", "https://e.example/a?b=1&c=|"),
		"`0xAb`":      bot.Code("0xAb"),
		"`a ˋ &lt;b`": bot.Said("a ` <b", 20),
		"*Needs*":     bot.Strong("Needs"),
		"–":           bot.Said("\u200b", 20),
	} {
		if got := span(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestEveryCardFitsHoweverMuchThereIs(t *testing.T) {
	judge := schema(t, "block_kit_blocks.schema.json")
	long := strings.Repeat("<&`long words> ", 400)
	v := testdesk.Sample()
	v.Title, v.Reason, v.Status = long, governance.Untrusted(long), long
	for range 60 {
		v.Notes = append(v.Notes, long)
		v.Calls = append(v.Calls, governance.CallView{Text: governance.Untrusted(long)})
		v.Dangers = append(v.Dangers, governance.DangerView{Code: "c", Text: long})
		v.Owners = append(v.Owners, testdesk.SafeAddress)
		v.Transactions = append(v.Transactions, governance.TransactionView{TxHash: testdesk.SafeTxHash})
		v.Objections = append(v.Objections, governance.OpinionView{Member: "m", Text: governance.Untrusted(long)})
		v.Simulation.Effects = append(v.Simulation.Effects, governance.Untrusted(long))
		v.Simulation.Changes = append(v.Simulation.Changes, governance.ChangeView{What: long, Before: long, After: long})
	}
	card := bot.Draw(v, bot.Reader{Audience: governance.AudienceWarRoom, SignURL: "https://belay.example.org/x"})
	raw := blocksOf(t, card)
	must(t, standin.CheckBlocks(raw))
	if judge != nil {
		must(t, judge(raw))
	}
	for _, kept := range []string{testdesk.SafeTxHash, testdesk.SafeAddress, "Review \\u0026 sign", "more than a message holds"} {
		if !strings.Contains(strings.ReplaceAll(string(raw), "Review & sign", "Review \\u0026 sign"), kept) {
			t.Errorf("%q is cut away", kept)
		}
	}
}
