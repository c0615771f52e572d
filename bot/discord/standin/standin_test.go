package standin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	app     = "1042000000000000900"
	guild   = "1042000000000000901"
	channel = "1042000000000000902"
)

var alice = Who{User: "104200000000000001", Roles: []string{"5"}}

func start(t *testing.T) *Guild {
	t.Helper()
	g, err := Start(Options{ApplicationID: app, GuildID: guild, Token: "planted.token", Channels: []string{channel}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// judge runs discord.js and gives what it says, line by line.
func judge(t *testing.T, args ...string) <-chan string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED: the stand-in is not judged: node is not installed")
	}
	if found, _ := filepath.Glob("../../../node_modules/discord.js/package.json"); len(found) == 0 {
		t.Skip("SKIPPED: the stand-in is not judged: npm packages are not installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	command := exec.CommandContext(ctx, node, append([]string{"testdata/judge.mjs"}, args...)...) //nolint:gosec // our own script
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	command.Stderr = &complaints
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said, read := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(read)
		defer close(said)
		for s := bufio.NewScanner(out); s.Scan(); {
			said <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_, _ = io.WriteString(in, "stop\n")
		<-read
		err := command.Wait()
		cancel()
		if err != nil || t.Failed() {
			t.Errorf("the judge ended with %v and said:\n%s", err, complaints.String())
		}
	})
	return said
}

func hears(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	for line := range lines {
		if line == want {
			return
		}
		t.Logf("the judge says: %s", line)
	}
	t.Fatalf("the judge never said %q", want)
}

func TestDiscordJSIsContent(t *testing.T) {
	g := start(t)
	lines := judge(t, g.URL(), "planted.token", app, guild, channel)
	for _, want := range []string{"commands pause", "same true", "thread true", "refused 160004", "refused 10003", "ready " + app} {
		hears(t, lines, want)
	}
	if m := g.Messages(channel); len(m) != 1 || m[0].Content != "card, edited" || g.Thread(m[0].ID) != "P-1" {
		t.Errorf("messages %+v", m)
	}
	if _, err := g.Slash(t.Context(), alice, channel, "pause", Sub("reserve", "asset", "usdc")); err != nil {
		t.Fatal(err)
	}
	hears(t, lines, "answered")
	private := g.Private(alice.User)
	if len(private) != 2 || private[0].Content != "understood pause reserve usdc" {
		t.Fatalf("told %+v", private)
	}
	if _, err := g.Press(t.Context(), alice, private[0], "Go"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := g.Await(ctx, func() bool { p := g.Private(alice.User); return p[len(p)-1].Content == "clicked by "+alice.User }); err != nil {
		t.Fatal(err)
	}
	if offered, err := g.Complete(t.Context(), alice, channel, "pause", Option{Name: "asset", Type: 3, Value: "u", Focused: true}); err != nil || strings.Join(offered, " ") != "usdc" {
		t.Errorf("offered %v, %v", offered, err)
	}
	if _, err := g.Slash(t.Context(), alice, channel, "ask"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Submit(t.Context(), alice, g.Forms(alice.User)[0], map[string]string{"asset": "usdc", "why": "oracle"}); err != nil {
		t.Fatal(err)
	}
	if err := g.Await(ctx, func() bool { p := g.Private(alice.User); return p[len(p)-1].Content == "form ask oracle usdc" }); err != nil {
		t.Fatal(err)
	}
	g.Reconnect()
	hears(t, lines, "resumed")
	if _, err := g.Slash(t.Context(), alice, channel, "pause", Sub("reserve", "asset", "weth")); err != nil {
		t.Errorf("after a reconnection: %v", err)
	}
	hears(t, lines, "answered")
	if p := g.Problems(); len(p) > 0 {
		t.Errorf("problems %v", p)
	}
}

func TestMessagesBeyondTheCapsAreRefused(t *testing.T) {
	button := func(style int, label, id, url string) Row {
		return Row{Type: 1, Components: []Button{{Type: 2, Style: style, Label: label, CustomID: id, URL: url}}}
	}
	six := Row{Type: 1, Components: make([]Button, 6)}
	for name, c := range map[string]struct {
		m    Message
		good bool
	}{
		"content of 2000":             {Message{Content: strings.Repeat("x", 2000)}, true},
		"content of 2001":             {Message{Content: strings.Repeat("x", 2001)}, false},
		"content of 1001 pairs":       {Message{Content: strings.Repeat("𝕏", 1001)}, false},
		"an embed of 4097":            {Message{Embeds: []Embed{{Description: strings.Repeat("x", 4097)}}}, false},
		"two embeds of 6001 together": {Message{Embeds: []Embed{{Description: strings.Repeat("x", 4000)}, {Description: strings.Repeat("x", 2001)}}}, false},
		"a button":                    {Message{Components: []Row{button(1, "x", "id", "")}}, true},
		"a link":                      {Message{Components: []Row{button(5, "x", "", "https://e.example")}}, true},
		"a link with an id":           {Message{Components: []Row{button(5, "x", "id", "https://e.example")}}, false},
		"an id of 101":                {Message{Components: []Row{button(1, "x", strings.Repeat("i", 101), "")}}, false},
		"no label":                    {Message{Components: []Row{button(1, "", "id", "")}}, false},
		"the same id twice":           {Message{Components: []Row{button(1, "x", "id", ""), button(1, "y", "id", "")}}, false},
		"six buttons in a row":        {Message{Components: []Row{six}}, false},
		"six rows":                    {Message{Components: []Row{button(1, "a", "1", ""), button(1, "a", "2", ""), button(1, "a", "3", ""), button(1, "a", "4", ""), button(1, "a", "5", ""), button(1, "a", "6", "")}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.m.check(); (err == nil) != c.good {
				t.Errorf("judged %v", err)
			}
		})
	}
}

func TestCommandsAgainstTheRulesAreRefused(t *testing.T) {
	ok := func(string, []byte) error { return nil }
	for name, c := range map[string]struct {
		options string
		good    bool
	}{
		"nothing":                      {`[]`, true},
		"required before optional":     {`[{"type":3,"name":"a","description":"d","required":true},{"type":3,"name":"b","description":"d"}]`, true},
		"required after optional":      {`[{"type":3,"name":"b","description":"d"},{"type":3,"name":"a","description":"d","required":true}]`, false},
		"a name in capitals":           {`[{"type":3,"name":"A","description":"d"}]`, false},
		"no description":               {`[{"type":3,"name":"a","description":""}]`, false},
		"choices with autocomplete":    {`[{"type":3,"name":"a","description":"d","autocomplete":true,"choices":[{"name":"x","value":"x"}]}]`, false},
		"a choice of 101 characters":   {`[{"type":3,"name":"a","description":"d","choices":[{"name":"x","value":"` + strings.Repeat("v", 101) + `"}]}]`, false},
		"an option twice":              {`[{"type":3,"name":"a","description":"d"},{"type":3,"name":"a","description":"d"}]`, false},
		"more than 25 options, nested": {`[{"type":1,"name":"s","description":"d","options":[` + strings.TrimSuffix(strings.Repeat(`{"type":3,"name":"a","description":"d"},`, 26), ",") + `]}]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkCommands([]byte(`[{"type":1,"name":"pause","description":"d","options":`+c.options+`}]`), ok)
			if (err == nil) != c.good {
				t.Errorf("judged %v", err)
			}
		})
	}
}

func TestFormsBeyondTheCapsAreRefused(t *testing.T) {
	g := start(t)
	label := func(component string) string { return `{"type":18,"label":"l","component":` + component + `}` }
	input := func(id string) string { return label(`{"type":4,"custom_id":"` + id + `","style":1}`) }
	form := func(id, title, components string) string {
		return `{"custom_id":"` + id + `","title":"` + title + `","components":[` + components + `]}`
	}
	options := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"label":"x","value":"%d"}`, i))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		form string
		good bool
	}{
		"a form":                   {form("f", "t", input("a")), true},
		"an id of 101":             {form(long(101), "t", input("a")), false},
		"a title of 46":            {form("f", long(46), input("a")), false},
		"no title":                 {form("f", "", input("a")), false},
		"nothing":                  {form("f", "t", ""), false},
		"nothing but text":         {form("f", "t", `{"type":10,"content":"x"}`), false},
		"five fields":              {form("f", "t", strings.Join([]string{input("a"), input("b"), input("c"), input("d"), input("e")}, ",")), true},
		"six fields":               {form("f", "t", strings.Join([]string{input("a"), input("b"), input("c"), input("d"), input("e"), input("f")}, ",")), false},
		"a field twice":            {form("f", "t", input("a")+","+input("a")), false},
		"a label of 46":            {form("f", "t", `{"type":18,"label":"`+long(46)+`","component":{"type":4,"custom_id":"a","style":1}}`), false},
		"an empty description":     {form("f", "t", `{"type":18,"label":"l","description":"","component":{"type":4,"custom_id":"a","style":1}}`), false},
		"a label inside a label":   {form("f", "t", label(`{"type":4,"custom_id":"a","style":1,"label":"x"}`)), false},
		"an input without style":   {form("f", "t", label(`{"type":4,"custom_id":"a"}`)), false},
		"a value of 4001":          {form("f", "t", label(`{"type":4,"custom_id":"a","style":1,"value":"`+long(4001)+`"}`)), false},
		"25 options":               {form("f", "t", label(`{"type":3,"custom_id":"a","options":`+options(25)+`}`)), true},
		"26 options":               {form("f", "t", label(`{"type":3,"custom_id":"a","options":`+options(26)+`}`)), false},
		"no options":               {form("f", "t", label(`{"type":3,"custom_id":"a","options":[]}`)), false},
		"a button in a form":       {form("f", "t", label(`{"type":2,"custom_id":"a"}`)), false},
		"an input without a label": {form("f", "t", `{"type":4,"custom_id":"a","style":1}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := g.readForm([]byte(`{"type":9,"data":`+c.form+`}`), []byte(c.form)); (err == nil) != c.good {
				t.Errorf("judged %v", err)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	g := start(t)
	if raw, err := g.Slash(t.Context(), alice, channel, "pause"); err == nil {
		t.Errorf("acknowledged with %s", raw)
	}
	if have, n := g.Commands(); n != 0 || !json.Valid(have) {
		t.Errorf("commands %s, overwritten %d times", have, n)
	}
}
