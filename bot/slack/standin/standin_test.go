package standin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const room = "C1"

func start(t *testing.T, endpoint string) *Workspace {
	t.Helper()
	w, err := Start(Options{Team: "T1", BotToken: "xoxb-1", AppToken: "xapp-1", SigningSecret: "s", Channels: []string{room}, Endpoint: endpoint})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// judge runs a script with a client that nobody here wrote and gives what it says, line by line.
func judge(t *testing.T, script string, args ...string) (lines <-chan string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("SKIPPED: the stand-in is not judged: node is not installed")
	}
	if found, _ := filepath.Glob("../../../node_modules/@slack/bolt/package.json"); len(found) == 0 {
		t.Skip("SKIPPED: the stand-in is not judged: npm packages are not installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	command := exec.CommandContext(ctx, node, append([]string{"testdata/" + script}, args...)...) //nolint:gosec // our own script
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
	said := make(chan string, 100)
	read := make(chan struct{})
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

// hears waits for a line.
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

func await(t *testing.T, w *Workspace, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := w.Await(ctx, is); err != nil {
		t.Fatalf("%v; problems %v", err, w.Problems())
	}
}

func TestSocketModeClientIsContent(t *testing.T) {
	w := start(t, "")
	lines := judge(t, "socket.mjs", w.URL(), "xoxb-1", "xapp-1", room)
	hears(t, lines, "team T1")
	hears(t, lines, "connected")
	ack, err := w.Slash(t.Context(), "U1", room, "/pause", "usdc")
	if err != nil || ack != "understood /pause usdc" {
		t.Fatalf("acknowledged with %q, %v", ack, err)
	}
	hears(t, lines, "history 1")
	hears(t, lines, "refused channel_not_found")
	cards := w.Messages(room)
	if len(cards) != 1 || cards[0].Edits != 1 || len(w.Thread(room, cards[0].TS)) != 1 {
		t.Fatalf("cards %+v", cards)
	}
	if err := w.Press(t.Context(), "U2", cards[0], "Go"); err != nil {
		t.Fatal(err)
	}
	hears(t, lines, "clicked go v by U2")
	if _, err := w.Slash(t.Context(), "U1", room, "/ask", ""); err != nil {
		t.Fatal(err)
	}
	await(t, w, func() bool { return len(w.Views("U1")) == 1 })
	fillsInTwice(t, w, "b")
	w.Disconnect("refresh_requested")
	hears(t, lines, "connected")
	if _, err := w.Slash(t.Context(), "U1", room, "/pause", "again"); err != nil {
		t.Errorf("after a reconnection: %v", err)
	}
	hears(t, lines, "refused channel_not_found")
}

func TestBoltIsContent(t *testing.T) {
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := port.Addr().String()
	port.Close()
	_, number, _ := strings.Cut(address, ":")
	w := start(t, "http://"+address)
	lines := judge(t, "bolt.mjs", w.URL(), "xoxb-1", "s", room, number)
	hears(t, lines, "listening")
	ack, err := w.Slash(t.Context(), "U1", room, "/pause", "usdc")
	if err != nil || ack != "understood usdc" {
		t.Fatalf("acknowledged with %q, %v", ack, err)
	}
	await(t, w, func() bool { return len(w.Messages(room)) == 1 && len(w.Private("U1")) == 2 })
	private := w.Private("U1")
	i := slices.IndexFunc(private, func(m Message) bool { return m.Text == "working" })
	if err := w.Press(t.Context(), "U1", private[i], "Go"); err != nil {
		t.Fatal(err)
	}
	hears(t, lines, "clicked by U1")
	await(t, w, func() bool { return w.Private("U1")[i].Text == "replaced" })
	if _, err := w.Slash(t.Context(), "U1", room, "/ask", ""); err != nil {
		t.Fatal(err)
	}
	hears(t, lines, "refused exchanged_trigger_id")
	fillsInTwice(t, w, "first")
	fillsInTwice(t, w, "second")
	hears(t, lines, "sent kept second good by U1")
	if open := w.Views("U1"); len(open) != 0 {
		t.Errorf("still open: %+v", open)
	}
	if _, err := w.Post(t.Context(), "/slack/commands", []byte("command=/pause"), time.Now().Add(-time.Hour)); err == nil {
		t.Error("bolt takes a stale signature of ours")
	}
}

// call makes one Web API call and gives Slack's code.
func call(t *testing.T, w *Workspace, token, method, form string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL()+method, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(body), `"error":"`)
	code, _, _ = strings.Cut(code, `"`)
	return code
}

// fillsInTwice sends the open form of U1 with a bad and then with a good answer.
func fillsInTwice(t *testing.T, w *Workspace, block string) {
	t.Helper()
	form := w.Views("U1")[0]
	if problems, err := w.Submit(t.Context(), form, map[string]string{block: "bad"}); err != nil || problems[block] != "no good" {
		t.Errorf("a bad answer: %v, %v", problems, err)
	}
	if problems, err := w.Submit(t.Context(), form, map[string]string{block: "good"}); err != nil || len(problems) != 0 {
		t.Errorf("a good answer: %v, %v", problems, err)
	}
}

func TestTheStandInRefusesWhatSlackRefuses(t *testing.T) {
	w := start(t, "")
	for name, c := range map[string]struct{ token, method, form, code string }{
		"no token":                 {"", "auth.test", "", "not_authed"},
		"a wrong token":            {"Bearer x", "auth.test", "", "invalid_auth"},
		"the app token for a post": {"Bearer xapp-1", "chat.postMessage", "channel=C1&text=x", "not_allowed_token_type"},
		"the bot token for socket": {"Bearer xoxb-1", "apps.connections.open", "", "not_allowed_token_type"},
		"an unknown method":        {"Bearer xoxb-1", "chat.shout", "", "unknown_method"},
		"an unknown channel":       {"Bearer xoxb-1", "chat.postMessage", "channel=C9&text=x", "channel_not_found"},
		"nothing to say":           {"Bearer xoxb-1", "chat.postMessage", "channel=C1", "no_text"},
		"too much to say":          {"Bearer xoxb-1", "chat.postMessage", "channel=C1&text=" + strings.Repeat("x", 40_001), "msg_too_long"},
		"an unknown thread":        {"Bearer xoxb-1", "chat.postMessage", "channel=C1&text=x&thread_ts=1.1", "thread_not_found"},
		"an unknown message":       {"Bearer xoxb-1", "chat.update", "channel=C1&text=x&ts=1.1", "message_not_found"},
		"a broken block":           {"Bearer xoxb-1", "chat.postMessage", `channel=C1&blocks=[{"type":"section"}]`, "invalid_blocks"},
		"no view":                  {"Bearer xoxb-1", "views.open", "trigger_id=1.2.x", "invalid_arguments"},
		"a trigger of no shape":    {"Bearer xoxb-1", "views.open", "trigger_id=x&view={}", "invalid_trigger_id"},
		"a trigger nobody gave":    {"Bearer xoxb-1", "views.open", "trigger_id=1.2.x&view={}", "invalid_trigger_id"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := call(t, w, c.token, c.method, c.form); got != c.code {
				t.Errorf("code %q, want %q", got, c.code)
			}
		})
	}
}

func TestBlocksBeyondTheCapsAreRefused(t *testing.T) {
	text := func(kind string, n int) string {
		return fmt.Sprintf(`{"type":%q,"text":%q}`, kind, strings.Repeat("x", n))
	}
	button := func(id string, label, value int) string {
		return fmt.Sprintf(`{"type":"button","action_id":%q,"value":%q,"text":%s}`, id, strings.Repeat("v", value), text("plain_text", label))
	}
	for name, c := range map[string]struct {
		blocks string
		good   bool
	}{
		"a header of 150":          {`[{"type":"header","text":` + text("plain_text", 150) + `}]`, true},
		"a header of 151":          {`[{"type":"header","text":` + text("plain_text", 151) + `}]`, false},
		"a header in mrkdwn":       {`[{"type":"header","text":` + text("mrkdwn", 5) + `}]`, false},
		"a section of 3000":        {`[{"type":"section","text":` + text("mrkdwn", 3000) + `}]`, true},
		"a section of 3001":        {`[{"type":"section","text":` + text("mrkdwn", 3001) + `}]`, false},
		"an empty section":         {`[{"type":"section","text":` + text("mrkdwn", 0) + `}]`, false},
		"51 blocks":                {"[" + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]`, false},
		"a button":                 {`[{"type":"actions","elements":[` + button("a", 75, 2000) + `]}]`, true},
		"a label of 76":            {`[{"type":"actions","elements":[` + button("a", 76, 1) + `]}]`, false},
		"a value of 2001":          {`[{"type":"actions","elements":[` + button("a", 1, 2001) + `]}]`, false},
		"an action id twice":       {`[{"type":"actions","elements":[` + button("a", 1, 1) + "," + button("a", 1, 1) + `]}]`, false},
		"a block of the year 2030": {`[{"type":"hologram"}]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckBlocks([]byte(c.blocks)); (err == nil) != c.good {
				t.Errorf("judged %v", err)
			}
		})
	}
}

func TestFormsBeyondTheCapsAreRefused(t *testing.T) {
	text := func(n int) string { return fmt.Sprintf(`{"type":"plain_text","text":%q}`, strings.Repeat("x", n)) }
	input := func(element string) string {
		return `[{"type":"input","block_id":"b","label":` + text(1) + `,"element":` + element + `}]`
	}
	options := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"text":`+text(75)+`,"value":"v"},`, n), ",") + "]"
	}
	modal := func(more, blocks string) string {
		return `{"type":"modal","title":` + text(24) + `,"submit":` + text(24) + more + `,"blocks":` + blocks + `}`
	}
	plain := input(`{"type":"plain_text_input","action_id":"a"}`)
	for name, c := range map[string]struct {
		view string
		good bool
	}{
		"a form":                      {modal("", plain), true},
		"metadata of 3000":            {modal(`,"private_metadata":"`+strings.Repeat("m", 3000)+`"`, plain), true},
		"metadata of 3001":            {modal(`,"private_metadata":"`+strings.Repeat("m", 3001)+`"`, plain), false},
		"a callback id of 256":        {modal(`,"callback_id":"`+strings.Repeat("c", 256)+`"`, plain), false},
		"a title of 25":               {`{"type":"modal","title":` + text(25) + `,"submit":` + text(1) + `,"blocks":` + plain + `}`, false},
		"a title in mrkdwn":           {`{"type":"modal","title":{"type":"mrkdwn","text":"x"},"submit":` + text(1) + `,"blocks":` + plain + `}`, false},
		"no title":                    {`{"type":"modal","blocks":` + plain + `}`, false},
		"inputs without submit":       {`{"type":"modal","title":` + text(1) + `,"blocks":` + plain + `}`, false},
		"no blocks":                   {modal("", "[]"), false},
		"a home tab":                  {`{"type":"home","blocks":` + plain + `}`, false},
		"a block id twice":            {modal("", strings.Replace(plain, "]", ","+plain[1:], 1)), false},
		"an input without a label":    {modal("", `[{"type":"input","element":{"type":"plain_text_input","action_id":"a"}}]`), false},
		"an element without an id":    {modal("", input(`{"type":"plain_text_input"}`)), false},
		"an input of 3001":            {modal("", input(`{"type":"plain_text_input","action_id":"a","max_length":3001}`)), false},
		"more text than it takes":     {modal("", input(`{"type":"plain_text_input","action_id":"a","max_length":1,"initial_value":"xx"}`)), false},
		"a hundred options":           {modal("", input(`{"type":"static_select","action_id":"a","options":`+options(100)+`}`)), true},
		"a hundred and one":           {modal("", input(`{"type":"static_select","action_id":"a","options":`+options(101)+`}`)), false},
		"options and groups":          {modal("", input(`{"type":"static_select","action_id":"a","options":`+options(1)+`,"option_groups":[{"label":`+text(1)+`,"options":`+options(1)+`}]}`)), false},
		"no options":                  {modal("", input(`{"type":"static_select","action_id":"a"}`)), false},
		"an option's value of 76":     {modal("", input(`{"type":"static_select","action_id":"a","options":[{"text":`+text(1)+`,"value":"`+strings.Repeat("v", 76)+`"}]}`)), false},
		"an element of the year 2030": {modal("", input(`{"type":"telepathy","action_id":"a"}`)), false},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := CheckView([]byte(c.view)); (err == nil) != c.good {
				t.Errorf("judged %v", err)
			}
		})
	}
}

func TestAnAnswerForAFieldThatIsNotThereIsATrouble(t *testing.T) {
	w := start(t, "")
	v, err := CheckView([]byte(`{"type":"modal","title":{"type":"plain_text","text":"t"},"submit":{"type":"plain_text","text":"s"},"blocks":[{"type":"input","block_id":"b","label":{"type":"plain_text","text":"l"},"element":{"type":"plain_text_input","action_id":"a"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	v.ID = "V1"
	w.views = append(w.views, v)
	for _, body := range []string{`{"response_action":"errors","errors":{"other":"x"}}`, `{"response_action":"errors","errors":{}}`, `{"response_action":"errors","errors":{"b":""}}`,
		`{"response_action":"update","view":{}}`, `{"text":"thanks"}`, `{`} {
		if _, err := w.answered(*v, []byte(body)); err == nil {
			t.Errorf("%s was taken", body)
		}
	}
	if problems, err := w.answered(*v, []byte(`{"response_action":"errors","errors":{"b":"x"}}`)); err != nil || problems["b"] != "x" {
		t.Errorf("got %v, %v", problems, err)
	}
}

func TestNoAcknowledgementIsAnError(t *testing.T) {
	w := start(t, "")
	if _, err := w.Slash(t.Context(), "U1", room, "/pause", "x"); err == nil {
		t.Error("a command without an app was acknowledged")
	}
}
