package bot

import (
	"slices"
	"strings"
	"testing"

	"belay/bot/internal/testdesk"
)

// outline writes a form as its title and fields: "Pause a reserve: asset[usdc WETH]!, reason given pause-reserve".
func outline(f Form) string {
	var fields []string
	for _, q := range f.Fields {
		text := q.Name
		if q.Value != "" {
			text += "=" + q.Value
		}
		if len(q.Choices) > 0 {
			var values []string
			for _, c := range q.Choices {
				values = append(values, c.Value)
			}
			text += "[" + strings.Join(values, " ") + "]"
		}
		if q.Required {
			text += "!"
		}
		fields = append(fields, text)
	}
	return f.Title + ": " + strings.Join(fields, ", ") + " given " + f.Given
}

func TestAFormAsksForWhatIsMissingAndForNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		verb Verb
		text string
		want string // "" for no form
	}{
		"a pause without its asset":                   {VerbPause, "pause-reserve", "Pause a reserve: asset[usdc WETH]!, reason given pause-reserve"},
		"its reason is not asked for twice":           {VerbPause, `pause-reserve "depeg"`, `Pause a reserve: asset[usdc WETH]! given pause-reserve reason="depeg"`},
		"force goes along":                            {VerbPause, "pause-reserve force", "Pause a reserve: asset[usdc WETH]!, reason given pause-reserve force=yes"},
		"a change asks for a number and why":          {VerbPropose, "set-ltv usdc", "Set a loan-to-value: ltv!, reason! given set-ltv asset=usdc"},
		"only the reason is missing":                  {VerbPropose, "set-ltv usdc ltv=7500", "Set a loan-to-value: reason! given set-ltv asset=usdc ltv=7500"},
		"a wrong value is asked for again":            {VerbPropose, `set-ltv ltv=9000 "r"`, `Set a loan-to-value: asset[usdc WETH]!, ltv=9000! given set-ltv reason="r"`},
		"nothing at all asks for the playbook":        {VerbPause, "", "Pause: playbook[pause-all pause-reserve]! given "},
		"a reason alone does too":                     {VerbPause, `"oracle off"`, `Pause: playbook[pause-all pause-reserve]! given "oracle off"`},
		"a value leaves only what takes it":           {VerbPropose, "usdc", "Propose: playbook[pause-reserve set-ltv unpause-reserve]! given usdc"},
		"a key as well, and then its form":            {VerbPropose, "ltv=7500", "Set a loan-to-value: asset[usdc WETH]!, reason! given set-ltv ltv=7500"},
		"what is complete is not asked for":           {VerbPause, "pause-reserve usdc", ""},
		"what is complete but wrong is refused":       {VerbPropose, `set-ltv usdc ltv=9000 "r"`, ""},
		"a misspelt playbook is refused with a guess": {VerbPause, "pause-reserv", ""},
		"a misspelt choice is refused with a guess":   {VerbPause, "pause-reserve usdt", ""},
		"other verbs have no form":                    {VerbObject, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			form, asks := Ask(testdesk.New(), Command{Verb: c.verb, Words: Words(c.text)})
			if got := outline(form); asks != (c.want != "") || asks && got != c.want {
				t.Errorf("asks %v: %q, want %q", asks, got, c.want)
			}
		})
	}
}

func TestAFilledFormIsReviewedBeforeItIsRecorded(t *testing.T) {
	desk := testdesk.New()
	desk.Uneven = "4242"
	for name, c := range map[string]struct {
		verb    Verb
		given   string
		answers []Word
		next    string
		wrong   map[string]string
	}{
		"good answers pass":                   {verb: VerbPause, given: "pause-reserve", answers: []Word{{Key: "asset", Value: "usdc"}}},
		"a playbook leads to its form":        {verb: VerbPause, given: `"depeg"`, answers: []Word{{Key: "playbook", Value: "pause-reserve"}}, next: `Pause a reserve: asset[usdc WETH]! given pause-reserve reason="depeg"`},
		"or to nothing, if it lacks none":     {verb: VerbPause, given: "", answers: []Word{{Key: "playbook", Value: "pause-all"}}},
		"a bad number is told at its field":   {verb: VerbPropose, given: `set-ltv usdc`, answers: []Word{{Key: "reason", Value: "r"}, {Key: "ltv", Value: "lots"}}, wrong: map[string]string{"ltv": `ltv = "lots" cannot be read. 0 to 8000.`}},
		"what no field can mend at the first": {verb: VerbPropose, given: `set-ltv usdc ltv=9000`, answers: []Word{{Key: "reason", Value: "r"}}, wrong: map[string]string{"reason": "ltv = 9000 is above its maximum of 8000. 0 to 8000."}},
		"a rule between values at the first":  {verb: VerbPropose, given: `set-ltv usdc`, answers: []Word{{Key: "ltv", Value: "4242"}, {Key: "reason", Value: "r"}}, wrong: map[string]string{"ltv": "ltv <= liq_threshold does not hold. Change one of them."}},
		"a choice that nobody offered":        {verb: VerbPause, given: "pause-reserve", answers: []Word{{Key: "asset", Value: "doge"}}, wrong: map[string]string{"asset": `"doge" is no asset. One of usdc, WETH.`}},
	} {
		t.Run(name, func(t *testing.T) {
			var fields []string
			for _, a := range c.answers {
				fields = append(fields, a.Key)
			}
			next, wrong := Review(desk, Filled(c.verb, c.given, c.answers), fields)
			got := ""
			if next != nil {
				got = outline(*next)
			}
			if got != c.next {
				t.Errorf("goes on to %q, want %q", got, c.next)
			}
			if len(wrong) != len(c.wrong) {
				t.Errorf("wrong: %v, want %v", wrong, c.wrong)
			}
			for field, want := range c.wrong {
				if wrong[field] != want {
					t.Errorf("%s: %q, want %q", field, wrong[field], want)
				}
			}
		})
	}
}

func TestAnswersAreNeverReadAsAnythingButValues(t *testing.T) {
	c := Filled(VerbPause, "pause-reserve", []Word{{Key: "asset", Value: ` usdc" force=yes `}, {Key: "reason", Value: "  "}})
	want := Word{Key: "asset", Value: `usdc" force=yes`, Quoted: true}
	if len(c.Words) != 2 || c.Words[1] != want {
		t.Errorf("filled as %+v", c.Words)
	}
}

func FuzzGivenWordsComeBackFromAForm(f *testing.F) {
	for _, s := range []string{"", `"oracle \"off\""`, "usdc", "a=b “c d”", "x=", "=", "force"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := Command{Verb: VerbPause, Words: Words(text)}
		again := Words(c.text())
		same := func(a, b Word) bool { return a.Key == b.Key && a.Value == b.Value }
		if !slices.EqualFunc(again, c.Words, same) {
			t.Fatalf("%q came back as %+v, not %+v", c.text(), again, c.Words)
		}
		if form, asks := Ask(testdesk.New(), c); asks && len(form.Fields) == 0 {
			t.Fatalf("%q opens a form without a question", text)
		}
	})
}
