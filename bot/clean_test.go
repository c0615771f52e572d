package bot

import (
	"strings"
	"testing"
	"unicode/utf8"

	"belay/governance"
)

func TestCleanTakesAwayWhatDeceives(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"bidirectional overrides go":        {"safe\u202Eexe.txt\u2066", "safeexe.txt"},
		"zero-width characters go":          {"us\u200Bd\u200Dc\uFEFF", "usdc"},
		"control characters go":             {"a\x00b\x1b[31mc", "ab[31mc"},
		"tags go":                           {"x\U000E0041\U000E007F", "x"},
		"lines become one":                  {"one\ntwo\r\n\tthree\u2028four", "one two three four"},
		"letters and marks are composed":    {"e\u0301", "é"},
		"stacked marks stop at two":         {"Z" + strings.Repeat("\u0335", 50), "Z\u0335\u0335"},
		"fillers that look like nothing go": {"a\u3164b\u2800", "ab"},
		"broken bytes become visible":       {"a\xffb", "a\uFFFDb"},
		"mixed alphabets are marked":        {"Uniswаp", "Uniswаp (mixed alphabets)"},
		"one foreign alphabet is fine":      {"Пауза рынка", "Пауза рынка"},
		"words of two alphabets are fine":   {"Aave Пауза", "Aave Пауза"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Clean(governance.Untrusted(c.in), 128); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCutNeverCutsInsideACharacter(t *testing.T) {
	for in, want := range map[string]string{"abc": "abc", "abcd": "ab…", "дело": "де…", "😀😀😀😀": "😀…"} {
		if got := Cut(in, 3); got != want {
			t.Errorf("Cut(%q, 3) = %q, want %q", in, got, want)
		}
	}
}

func TestFitKeepsWhatIsComparedAndSaysWhatIsLeftOut(t *testing.T) {
	long := strings.Repeat("x", 90)
	fitted := Fit([]Laid{{Title: "Calls", Lines: []string{long, long, long}}, {Title: "Said", Lines: []string{long}}, {Title: "Safe", Lines: []string{"hash"}, Keep: true}}, 150, "more…")
	text := ""
	for _, s := range fitted {
		text += s.Title + "|" + strings.Join(s.Lines, "|") + "|"
	}
	if Length(text) > 150 || !strings.Contains(text, "Safe|hash") || strings.Count(text, "more…") != 1 || !strings.Contains(text, "Calls|"+long+"|more…") {
		t.Errorf("fitted to %q", text)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"[Safe](https://evil)", "@everyone", "\u202E", "\xff", "e\u0301\u0301\u0301\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(governance.Untrusted(s), 40)
		if !utf8.ValidString(got) || Length(got) > 40+len(" (mixed alphabets)") {
			t.Fatalf("%q became %q", s, got)
		}
		for _, r := range got {
			if hidden(r) || r == '\n' {
				t.Fatalf("%q kept %U", s, r)
			}
		}
	})
}
