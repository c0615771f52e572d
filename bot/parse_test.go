package bot

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"belay/bot/internal/testdesk"
	"belay/governance"
)

func TestWordsReadWhatPeopleType(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []Word
	}{
		"bare words are values":                          {"pause-reserve usdc", []Word{{Value: "pause-reserve"}, {Value: "usdc"}}},
		"keys are lower case":                            {"Asset=USDC", []Word{{Key: "asset", Value: "USDC"}}},
		"blanks around the equals sign do not matter":    {"asset = usdc", []Word{{Key: "asset", Value: "usdc"}}},
		"straight quotes hold blanks":                    {`"oracle is off"`, []Word{{Value: "oracle is off", Quoted: true}}},
		"curly quotes of a phone do too":                 {"“oracle is off”", []Word{{Value: "oracle is off", Quoted: true}}},
		"an apostrophe is a letter":                      {`'don't panic'`, []Word{{Value: "don't panic", Quoted: true}}},
		"curly apostrophes as well":                      {"‘don’t panic’", []Word{{Value: "don’t panic", Quoted: true}}},
		"quotes inside quotes can be escaped":            {`"say \"stop\" now"`, []Word{{Value: `say "stop" now`, Quoted: true}}},
		"a missing closing quote ends with the text":     {`"oracle is off`, []Word{{Value: "oracle is off", Quoted: true}}},
		"a key may hold a quoted value":                  {`reason="oracle is off" asset=usdc`, []Word{{Key: "reason", Value: "oracle is off", Quoted: true}, {Key: "asset", Value: "usdc"}}},
		"a colon before a quote makes a key too":         {`reason: "off"`, []Word{{Key: "reason", Value: "off", Quoted: true}}},
		"an address of the web is a value":               {"https://a.example/x", []Word{{Value: "https://a.example/x"}}},
		"a value may hold an equals sign":                {"a=b=c", []Word{{Key: "a", Value: "b=c"}}},
		"what does not begin with a letter is no key":    {"1=2", []Word{{Value: "1=2"}}},
		"a key without a value keeps its emptiness":      {"asset=", []Word{{Key: "asset"}}},
		"guillemets and low quotes close with their own": {"«eins» „zwei“", []Word{{Value: "eins", Quoted: true}, {Value: "zwei", Quoted: true}}},
		"nothing is nothing":                             {" \t\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Words(c.text); !reflect.DeepEqual(got, c.want) {
				t.Errorf("Words(%q) = %+v, want %+v", c.text, got, c.want)
			}
		})
	}
}

func TestResolveGivesEveryWordItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		verb Verb
		text string
		want string // Request.String
		code governance.Code
		says string // in detail or hint
	}{
		"a choice needs no key":                               {verb: VerbPause, text: "pause-reserve usdc", want: "pause-reserve asset=usdc"},
		"keys, choices and names in any case":                 {verb: VerbPause, text: "PAUSE-Reserve ASSET=weth", want: "pause-reserve asset=WETH"},
		"the playbook may be left out where one fits":         {verb: VerbPause, text: `usdc "depeg"`, want: `pause-reserve asset=usdc reason="depeg"`},
		"a quoted choice is a choice":                         {verb: VerbPause, text: `pause-reserve "usdc"`, want: "pause-reserve asset=usdc"},
		"a pause needs no reason":                             {verb: VerbPause, text: "pause-all", want: "pause-all"},
		"force is a word":                                     {verb: VerbPause, text: "pause-all force", want: "pause-all force=yes"},
		"force is a key":                                      {verb: VerbPause, text: "pause-all force=YES", want: "pause-all force=yes"},
		"force=no is not forced":                              {verb: VerbPause, text: "pause-all force=no", want: "pause-all"},
		"a parameter change takes both":                       {verb: VerbPropose, text: `set-ltv usdc ltv=7500 "new risk report"`, want: `set-ltv asset=usdc ltv=7500 reason="new risk report"`},
		"a raw address stands for a choice":                   {verb: VerbPause, text: "pause-reserve asset=0xAb", want: "pause-reserve asset=0xAb"},
		"an unknown playbook is told with the nearest":        {verb: VerbPause, text: "pause-reserv asset=usdc", code: governance.CodeUnknownPlaybook, says: "Did you mean pause-reserve?"},
		"no playbook at all lists them":                       {verb: VerbPropose, text: "", code: governance.CodeUnknownPlaybook, says: "set-ltv"},
		"pause refuses what is no pause":                      {verb: VerbPause, text: `unpause-reserve usdc "ok"`, code: governance.CodeNotPermitted, says: "propose unpause-reserve"},
		"an unknown key is told with the nearest":             {verb: VerbPause, text: "pause-reserve aset=usdc", code: governance.CodeUnknownParam, says: "Did you mean asset?"},
		"a misspelt choice is told":                           {verb: VerbPause, text: "pause-reserve asset=usdt", code: governance.CodeBadValue, says: "usdc, WETH"},
		"a bare word that is no choice is never a reason":     {verb: VerbPause, text: "pause-reserve usdc now", code: governance.CodeBadValue, says: "reason in quotes"},
		"a value given twice is refused":                      {verb: VerbPause, text: "pause-reserve asset=usdc asset=weth", code: governance.CodeBadValue, says: "twice"},
		"a second bare choice is refused":                     {verb: VerbPause, text: "pause-reserve usdc weth", code: governance.CodeBadValue, says: "no choice"},
		"two reasons are refused":                             {verb: VerbPause, text: `pause-all "a" "b"`, code: governance.CodeBadValue, says: "two reasons"},
		"everything that is missing is listed, with examples": {verb: VerbPropose, text: "set-ltv", code: governance.CodeMissingParam, says: "asset (usdc, WETH); ltv (a whole number, 0 to 8000, such as 7500); reason"},
		"the example can be copied":                           {verb: VerbPropose, text: "set-ltv weth", code: governance.CodeMissingParam, says: `set-ltv asset=WETH ltv=7500 reason="why"`},
		"an empty value is missing":                           {verb: VerbPropose, text: `set-ltv usdc ltv= "r"`, code: governance.CodeMissingParam, says: "ltv"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Resolve(Command{Verb: c.verb, Words: Words(c.text)}, testdesk.Books())
			if c.code == "" {
				if err != nil || got.String() != c.want {
					t.Errorf("got %q and %v, want %q", got.String(), err, c.want)
				}
				return
			}
			refusal, ok := errors.AsType[*governance.Refusal](err)
			if !ok || refusal.Code != c.code || !strings.Contains(refusal.Detail+" "+refusal.Hint, c.says) {
				t.Errorf("got %v, want %s with %q", err, c.code, c.says)
			}
		})
	}
}

func TestARequestSurvivesItsWayThroughAButton(t *testing.T) {
	for _, reason := range []string{"", "plain", `with "quotes" and \ and '`, "“curly”", "line\nbreak", "trailing \\", "a=b", "é ünïcode"} {
		want := Request{Verb: VerbPropose, Playbook: testdesk.Books()[2], Params: map[string]string{"asset": "usdc", "ltv": "75 00"}, Reason: strings.TrimSpace(reason)}
		if reason == "" {
			want.Reason = "x"
		}
		got, err := Resolve(Command{Verb: VerbPropose, Words: Words(want.String())}, testdesk.Books())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q came back as %+v, %v", want.String(), got, err)
		}
	}
}

func TestParseFindsVerbAndProposal(t *testing.T) {
	names := Names{Root: "guard"}.WithDefaults()
	for text, want := range map[string]struct {
		verb             Verb
		id, said, strang string
	}{
		"status P-12":              {verb: VerbStatus, id: "P-12"},
		"STATUS p12":               {verb: VerbStatus, id: "P-12"},
		"object #12 too early":     {verb: VerbObject, id: "P-12", said: "too early"},
		`object 12 "since a=b"`:    {verb: VerbObject, id: "P-12", said: "since a=b"},
		"object P-12 at block 700": {verb: VerbObject, id: "P-12", said: "at block 700"},
		"withdraw":                 {verb: VerbWithdraw},
		"sing P-1":                 {strang: "sing", id: "P-1"},
		"":                         {verb: VerbHelp},
	} {
		c := Parse(names, "/guard", text)
		if c.Verb != want.verb || c.Proposal() != want.id || c.Text() != want.said || c.Unknown != want.strang {
			t.Errorf("%q: %+v, proposal %q, text %q", text, c, c.Proposal(), c.Text())
		}
	}
	if c := Parse(names, "/pause", "usdc"); c.Verb != VerbPause {
		t.Errorf("/pause is %+v", c)
	}
}

func TestButtonsCarryOnlyWhatParseClickReadsBack(t *testing.T) {
	for _, b := range []Button{{Action: ActionObject, Arg: "P-1"}, {Action: ActionPropose, Arg: `set-ltv reason="a:b"`}, {Action: ActionOpen}} {
		c, ours := ParseClick(b.ID())
		if !ours || c != (Click{b.Action, b.Arg}) {
			t.Errorf("%q came back as %+v, %v", b.ID(), c, ours)
		}
	}
	for _, foreign := range []string{"", "belay", "belay:", "other:object:P-1"} {
		if c, ours := ParseClick(foreign); ours {
			t.Errorf("%q is taken for %+v", foreign, c)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"pause-reserve asset=usdc \"x\"", "“a” ‘b’", `a="\\" b`, "=", "a=", "\xff\xfe", "\u202e x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range Words(text) {
			if again := Words("k=" + quote(w.Value)); len(again) != 1 || again[0].Value != w.Value || again[0].Key != "k" {
				t.Fatalf("value %q of %q came back as %+v", w.Value, text, again)
			}
		}
		if r, err := Resolve(Command{Verb: VerbPropose, Words: Words(text)}, testdesk.Books()); err == nil {
			again, err := Resolve(Command{Verb: VerbPropose, Words: Words(r.String())}, testdesk.Books())
			if err != nil || !reflect.DeepEqual(again, r) {
				t.Fatalf("request %q came back as %+v, %v", r.String(), again, err)
			}
		}
	})
}
