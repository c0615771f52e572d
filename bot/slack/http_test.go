package slack

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"belay/bot"
)

// unread fails the test if anybody reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestForgedAndStaleRequestsAreTurnedAway(t *testing.T) {
	r := newRig(t, ModeHTTP)
	body := "team_id=" + team + "&user_id=" + alice + "&command=%2Fpause&text=pause-all&trigger_id=1"
	now := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-6*time.Minute).Unix(), 10)
	ahead := strconv.FormatInt(time.Now().Add(6*time.Minute).Unix(), 10)
	good := Sign("planted-signing", now, []byte(body))
	for name, c := range map[string]struct {
		stamp, signature string
		body             io.Reader
		status           int
	}{
		"genuine":                              {now, good, strings.NewReader(body), 200},
		"another body":                         {now, good, strings.NewReader(body + "&x=1"), 401},
		"another key":                          {now, Sign("other", now, []byte(body)), strings.NewReader(body), 401},
		"another time, unsigned":               {strconv.FormatInt(time.Now().Unix()-1, 10), good, strings.NewReader(body), 401},
		"too old, though signed":               {old, Sign("planted-signing", old, []byte(body)), unread{t}, 401},
		"from the future, though signed":       {ahead, Sign("planted-signing", ahead, []byte(body)), unread{t}, 401},
		"no signature":                         {now, "", unread{t}, 401},
		"a signature of another version":       {now, "v1" + good[2:], strings.NewReader(body), 401},
		"a time that is no number":             {"now", good, unread{t}, 401},
		"a time beyond all numbers":            {strings.Repeat("9", 40), good, unread{t}, 401},
		"more than a megabyte, even if signed": {now, good, bytes.NewReader(make([]byte, maxBody+1)), 413},
	} {
		t.Run(name, func(t *testing.T) {
			request := httptest.NewRequest(http.MethodPost, "/slack/commands", c.body)
			request.Header.Set("X-Slack-Request-Timestamp", c.stamp)
			request.Header.Set("X-Slack-Signature", c.signature)
			w := httptest.NewRecorder()
			r.us.Handler().ServeHTTP(w, request)
			if w.Code != c.status || c.status == 401 && w.Body.Len() > 0 {
				t.Errorf("status %d, body %q", w.Code, w.Body)
			}
		})
	}
	if r.desk.Waiting() != 1 || r.seen(bot.OutcomeForged) != 9 {
		t.Errorf("%d entries, outcomes %v", r.desk.Waiting(), r.outcomes)
	}
}

func TestSignVectorOfSlacksGuide(t *testing.T) {
	// The worked example of docs.slack.dev/authentication/verifying-requests-from-slack.
	body := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	if got := Sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", []byte(body)); got != "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503" {
		t.Errorf("signature %s", got)
	}
}

func TestRequestsOfOtherWorkspacesAreNotRecorded(t *testing.T) {
	r := newRig(t, ModeHTTP)
	for name, form := range map[string]string{
		"a command of another team": "team_id=T666&user_id=" + alice + "&command=/pause&text=pause-all&trigger_id=1",
		"a command without a user":  "team_id=" + team + "&command=/pause&text=pause-all&trigger_id=2",
	} {
		body, err := r.slack.Post(t.Context(), "/slack/commands", []byte(form), time.Now())
		if err != nil || !strings.Contains(string(body), "Nothing was recorded") {
			t.Errorf("%s: %s, %v", name, body, err)
		}
	}
	foreign := `{"type":"block_actions","trigger_id":"3","team":{"id":"` + team + `"},"user":{"id":"U9","team_id":"T666"},"actions":[{"action_id":"belay:object:","value":"P-1"}]}`
	if _, err := r.slack.Post(t.Context(), "/slack/interactions", []byte("payload="+foreign), time.Now()); err != nil {
		t.Error(err)
	}
	if r.desk.Waiting() != 0 || r.seen(bot.OutcomeRefused) != 3 {
		t.Errorf("%d entries, outcomes %v", r.desk.Waiting(), r.outcomes)
	}
}

func TestSlacksProofOfAddressIsAnswered(t *testing.T) {
	r := newRig(t, ModeHTTP)
	body, err := r.slack.Post(t.Context(), "/slack/events", []byte(`{"type":"url_verification","challenge":"3eZbrw1a"}`), time.Now())
	if err != nil || strings.TrimSpace(string(body)) != `{"challenge":"3eZbrw1a"}` {
		t.Errorf("answered %s, %v", body, err)
	}
	if _, err := r.slack.Post(t.Context(), "/slack/events", []byte(`{"type":"event_callback"}`), time.Now()); err != nil {
		t.Error(err)
	}
	for path, body := range map[string]string{"/slack/interactions": "x=1", "/slack/events": "{"} {
		if _, err := r.slack.Post(t.Context(), path, []byte(body), time.Now()); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	p, err := New(Config{TeamID: team, BotToken: "b", AppToken: "a", WarRoom: warRoom}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kindCommand, []byte("command=/pause&text=usdc&team_id=T&user_id=U"))
	f.Add(kindCommandJSON, []byte(`{"command":"/belay","text":"object 1 <https://a|b>"}`))
	f.Add(kindInteraction, []byte(`{"type":"block_actions","actions":[{"action_id":"belay:object:","value":"P-1"}]}`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		a, err := p.read(kind, body)
		if err == nil && (a.key == "" || (a.command == nil) == (a.click == nil)) {
			t.Errorf("%s %q was read as %+v", kind, body, a)
		}
	})
}
