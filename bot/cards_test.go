package bot

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"belay/bot/internal/testdesk"
	"belay/governance"
)

var update = flag.Bool("update", false, "write the golden files anew")

// picture writes a card as people read it: **loud**, `to compare`, «said by people or the chain», <a time>.
func picture(c Card) string {
	var b strings.Builder
	b.WriteString("# " + c.Header + "\n")
	for _, s := range c.Sections {
		b.WriteString("\n")
		if s.Title != "" {
			b.WriteString("## " + s.Title + "\n")
		}
		for _, l := range s.Lines {
			b.WriteString(pictureLine(l) + "\n")
		}
	}
	for _, button := range c.Buttons {
		b.WriteString("[" + button.Label + "] ")
	}
	b.WriteString("\n" + pictureLine(c.Footer) + "\n(notification: " + c.Summary + ")\n")
	return b.String()
}

func pictureLine(l Line) string {
	var b strings.Builder
	for _, s := range l {
		switch s.Kind {
		case SpanStrong:
			b.WriteString("**" + s.Text + "**")
		case SpanCode:
			b.WriteString("`" + s.Text + "`")
		case SpanSaid:
			b.WriteString("«" + Clean(s.Said, s.Cap) + "»")
		case SpanMoment:
			b.WriteString("<" + s.At.UTC().Format(time.DateTime) + ">")
		default:
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

// TestEveryCardIsWhatWasReviewed draws each of the domain's golden views, in every state and for both rooms.
func TestEveryCardIsWhatWasReviewed(t *testing.T) {
	for name, v := range testdesk.Views(t) {
		t.Run(name, func(t *testing.T) {
			r := Reader{Audience: governance.AudiencePublic, PageURL: v.Links.Self}
			if strings.HasSuffix(name, ".war_room") {
				r = Reader{Audience: governance.AudienceWarRoom, PageURL: v.Links.Self, SignURL: v.Links.Sign}
			}
			got := picture(Draw(v, r))
			for _, raw := range []string{"T00:", "_at", "null"} {
				if strings.Contains(got, raw) {
					t.Errorf("the card holds %q, which is for machines", raw)
				}
			}
			golden(t, filepath.Join("cards", name+".txt"), got)
		})
	}
}

// golden compares with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s changed; look at it, then run with -update:\n%s", name, got)
	}
}

// TestEveryPrivateAnswerIsWhatWasReviewed types every command, and some that are wrong, and reads what only the asker sees.
func TestEveryPrivateAnswerIsWhatWasReviewed(t *testing.T) {
	s := newStage(t)
	v := testdesk.SampleAt("2026-11-21T13:00:00Z")
	v.Events = []governance.EventView{{Seq: 1, At: "2026-11-20T13:00:00Z", Type: governance.EventProposed, By: "alice", Ours: "proposed Pause a reserve", Quoted: "oracle off by 9 %"},
		{Seq: 2, At: "2026-11-20T13:01:00Z", Type: governance.EventConfirmed, By: "alice", Ours: "signed"}}
	s.desk.Put(v)
	s.desk.Reverting["pause-all"] = true
	var b strings.Builder
	for _, c := range [][2]string{
		{"pause", "pause-reserve"}, {"pause", "pause-reserve usdc"}, {"pause", "pause-reserve usdc"}, {"pause", "pause-all"}, {"pause", "pause-reserv"}, {"pause", "pause-reserve usdt"},
		{"propose", `set-ltv usdc "r"`}, {"propose", `set-ltv usdc ltv=9000 "r"`}, {"propose", `unpause-reserve usdc "ok"`},
		{"belay", ""}, {"belay", "statsu"}, {"belay", "status"}, {"belay", "status P-12"}, {"belay", "status P-99"}, {"belay", "sign P-12"}, {"belay", `object P-12 "wrong asset"`},
		{"belay", "withdraw"}, {"belay", "withdraw P-12"}, {"belay", "void P-12"}, {"belay", "veto P-12"}, {"belay", "extend P-12"}, {"belay", "execute P-12"}, {"belay", "onit P-12"},
		{"belay", "cant P-12"}, {"belay", "timelocks"}, {"belay", "check"}, {"belay", "link"}, {"belay", "unlink"}, {"belay", "disclose P-12"},
	} {
		b.WriteString("> /" + strings.TrimSpace(c[0]+" "+c[1]) + "\n" + picture(s.says("alice", c[0], c[1])) + "\n")
	}
	b.WriteString("> /belay status, by a stranger\n" + picture(s.says("mallory", "belay", "status")))
	golden(t, "answers.txt", regexp.MustCompile(`Asks until <202[^>]*>`).ReplaceAllString(b.String(), "Asks until <soon>"))
}

func TestAThreadReadsAsAStory(t *testing.T) {
	hash := testdesk.SafeTxHash
	for name, c := range map[string]struct {
		event governance.EventView
		want  string
	}{
		"a signature names its signer":      {governance.EventView{By: "alice", Ours: "signed"}, "**alice** signed"},
		"a spare's names the spare":         {governance.EventView{By: "alice", Ours: "signed the spare, nonce 8"}, "**alice** signed the spare, nonce 8"},
		"what Belay saw begins a sentence":  {governance.EventView{By: "belay", Ours: "enough signatures: 2 of 2"}, "Enough signatures: 2 of 2"},
		"a hash can be compared":            {governance.EventView{By: "chain", Ours: "mined in block 9 as " + hash}, "Mined in block 9 as `" + hash + "`"},
		"a time is the reader's":            {governance.EventView{By: "chain", Ours: "in the timelock, opens 2026-11-20T14:02:00Z"}, "In the timelock, opens <2026-11-20 14:02:00>"},
		"what people say is quoted":         {governance.EventView{By: "bob", Ours: "objects", Quoted: "*wrong* asset"}, "**bob** objects: «*wrong* asset»"},
		"bad news is loud":                  {governance.EventView{Type: governance.EventFailed, By: "chain", Ours: "failed", Quoted: "why"}, "**Failed**: «why»"},
		"an old program's event is quoted":  {governance.EventView{By: "belay", Text: "something"}, "«something»"},
		"somebody without a name is a name": {governance.EventView{By: "a member", Ours: "signed"}, "**a member** signed"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := pictureLine(eventWords(c.event)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestSentencesShowTimesHashesAndCommands(t *testing.T) {
	for text, want := range map[string]string{
		"":     "",
		"Sent": "Sent",
		"opens 2026-11-20T14:02:00Z, closes 2026-11-21T14:02:00Z.": "opens <2026-11-20 14:02:00>, closes <2026-11-21 14:02:00>.",
		"run `belay execute P-1 --print`.":                         "run `belay execute P-1 --print`.",
		"at 2026-99-99T99:99:99Z":                                  "at `2026-99-99T99:99:99Z`",
		"0x1234 is short":                                          "0x1234 is short",
	} {
		if got := pictureLine(sentence(text, Plain)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := plainTimes("opens 2026-11-20T14:02:00Z"); got != "opens 20 Nov 2026, 14:02 UTC" {
		t.Errorf("plainly %q", got)
	}
}

func FuzzSentencesLoseNothing(f *testing.F) {
	for _, s := range []string{"a `b` 2026-11-20T14:02:00Z", "``", "0x" + strings.Repeat("a", 64)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		for _, s := range sentence(text, Plain) {
			switch s.Kind {
			case SpanMoment:
				b.WriteString(s.At.UTC().Format(time.RFC3339))
			default:
				b.WriteString(s.Text)
			}
		}
		if got := b.String(); got != strings.ReplaceAll(text, "`", "") && strings.Count(text, "`") == 0 {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// TestAnEmergencyTooManyIsShownSmall: a stolen account fills a room with lines, not with pages.
func TestAnEmergencyTooManyIsShownSmall(t *testing.T) {
	v := testdesk.Sample()
	v.State, v.Kind, v.Collapsed, v.Proposer = governance.StateProposed, governance.KindPause, true, "alice"
	reader := Reader{Audience: governance.AudienceWarRoom, SignURL: "https://belay.example.org/p/P-12/sign"}
	small := picture(Draw(v, reader))
	v.Collapsed = false
	whole := picture(Draw(v, reader))
	if len(small)*2 > len(whole) || !strings.Contains(small, "alice has several emergencies open that no owner has signed") || strings.Contains(small, v.SafeTxHash) {
		t.Errorf("it is not small:\n%s", small)
	}
	for _, button := range []string{"[Review & sign]", "[Details]"} {
		if !strings.Contains(small, button) {
			t.Errorf("%s is missing:\n%s", button, small)
		}
	}
}

// TestAnEffectThatCouldNotBeReadIsToldSo: a card without any change under Effect is a riddle.
func TestAnEffectThatCouldNotBeReadIsToldSo(t *testing.T) {
	const riddle = "what it changes could not be read"
	v := governance.View{ID: "P-1", State: governance.StateProposed, Expect: []governance.Untrusted{"paused() = true"}, Simulation: &governance.SimulationView{OK: true, Block: 13}}
	if got := picture(Draw(v, Reader{Audience: governance.AudienceWarRoom})); !strings.Contains(got, "## Effect\nIt does not revert; "+riddle+"\nSimulated at block 13\n") {
		t.Errorf("the card is\n%s", got)
	}
	v.Simulation.Changes = []governance.ChangeView{{What: "paused()", Before: "false", After: "true"}}
	if got := picture(Draw(v, Reader{Audience: governance.AudienceWarRoom})); strings.Contains(got, riddle) {
		t.Errorf("the card is\n%s", got)
	}
	v.Simulation.Changes, v.Expect = nil, nil // a playbook that says nothing of its effect
	if got := picture(Draw(v, Reader{Audience: governance.AudienceWarRoom})); strings.Contains(got, riddle) {
		t.Errorf("the card is\n%s", got)
	}
}
