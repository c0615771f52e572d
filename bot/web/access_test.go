package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
)

// publicAsks is everything that the public may ask, about what is public, what is hidden and what is not there.
var publicAsks = []string{
	"GET /", "GET /?cursor=h4zz0ww1", "GET /p/h4zz0ww1", "GET /p/P-12", "GET /p/" + publicID, "GET /p/P-12/sign", "GET /p/P-12?key=guess",
	"GET /api/v1/proposals", "GET /api/v1/proposals?state=proposed", "GET /api/v1/proposals/h4zz0ww1", "GET /api/v1/proposals/P-12",
	"GET /api/v1/proposals/" + publicID, "GET /api/v1/proposals/P-12?key=guess", "GET /api/v1/proposals/P-12/typed-data",
	"GET /api/v1/proposals/P-12/execution", "POST /api/v1/proposals/P-12/signatures", "POST /api/v1/proposals/P-12/statements", "POST /api/v1/proposals/P-12/statements/typed-data", "POST /api/v1/proposals", "GET /api/v1/timelocks", "GET /api/v1/log/head", "GET /api/v1/openapi.json", "GET /link",
}

// TestPublicAnswersAreBlindToWhatIsHidden asks two programs everything, of which one holds a hidden proposal: not a byte differs.
func TestPublicAnswersAreBlindToWhatIsHidden(t *testing.T) {
	without, with := newTestServer(t, newFake(publicView())), newTestServer(t, newFake(pauseView(), publicView()))
	for _, ask := range publicAsks {
		for _, accept := range []string{"text/html", "application/json"} {
			method, path, _ := strings.Cut(ask, " ")
			a := asking{method: method, path: path, header: map[string]string{"Accept": accept}, body: goodBody}
			one, other := do(without, a), do(with, a)
			if one.Code != other.Code || !maps.EqualFunc(one.Header(), other.Header(), func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
				t.Errorf("%s: %d %v without, %d %v with", ask, one.Code, one.Header(), other.Code, other.Header())
			}
			if !bytes.Equal(clockless(one.Body.Bytes()), clockless(other.Body.Bytes())) {
				t.Errorf("%s differs:\n%s\n%s", ask, one.Body, other.Body)
			}
			if strings.Contains(other.Body.String(), "oracle off") || strings.Contains(other.Body.String(), "Pause an Aave") {
				t.Errorf("%s tells what is hidden", ask)
			}
		}
	}
}

// clockless takes away the minute at which a page was made.
func clockless(body []byte) []byte {
	now := time.Now().UTC()
	for _, at := range []time.Time{now, now.Add(-time.Minute), now.Add(-time.Second)} {
		body = bytes.ReplaceAll(body, []byte(at.Format("2 Jan 2006, 15:04 UTC")), nil)
		for s := range 3 {
			body = bytes.ReplaceAll(body, []byte(at.Add(-time.Duration(s)*time.Second).Format(time.RFC3339)), nil)
		}
	}
	return body
}

func TestEveryNotFoundIsTheSame(t *testing.T) {
	s := newTestServer(t, newFake(pauseView()))
	hidden := do(s, asking{method: "GET", path: "/api/v1/proposals/P-12"})
	absent := do(s, asking{method: "GET", path: "/api/v1/proposals/P-77"})
	if hidden.Body.String() != absent.Body.String() {
		t.Errorf("hidden: %s\nabsent: %s", hidden.Body, absent.Body)
	}
}

func TestAnswersCarryTheirProtection(t *testing.T) {
	cfg := testConfig()
	cfg.PublicURL = "https://belay.example.org"
	s, err := newServer(cfg, newFake(pauseView(), publicView()), stubPage)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, path := range []string{"/", "/p/P-12/sign" + keyed, "/link", "/api/v1/proposals", "/nowhere", "/assets/" + s.assets.digest("belay.css") + "/belay.css"} {
		h := do(s, asking{method: "GET", path: path}).Header()
		for name, want := range map[string]string{
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=63072000",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
			"frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %s", path, want)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is loose: %s", path, policy)
		}
	}
	if h := do(newTestServer(t, newFake()), asking{method: "GET", path: "/"}).Header(); h.Get("Strict-Transport-Security") != "" {
		t.Error("a program without https asks for https")
	}
}

// TestLogHoldsNoSecret asks everything with keys, tokens and signatures, and looks for them in the log.
func TestLogHoldsNoSecret(t *testing.T) {
	var log bytes.Buffer
	cfg := testConfig()
	cfg.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	f := newFake(pauseView())
	s, err := newServer(cfg, f, stubPage)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, a := range append(append(proposalAsks(), signatureAsks()...), otherAsks()...) {
		do(s, a)
	}
	f.broken = errBrokenDisk
	do(s, asking{method: "GET", path: "/api/v1/proposals/P-12" + keyed, header: asOperator})
	s.log.Info("configuration", "config", fmt.Sprintf("%+v", cfg), "token", cfg.APIToken)
	for name, secret := range map[string]string{"read key": testKey, "operator's token": string(testToken), "link token": "link-token", "signature": signHash(0, hashOf(0))} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds the %s", name)
		}
	}
	if !strings.Contains(log.String(), `"route":"GET /api/v1/proposals/{id}"`) || !strings.Contains(log.String(), "input/output error") {
		t.Error("the log lacks routes or causes")
	}
}

func TestValidSignatureIsNeverLimited(t *testing.T) {
	f := newFake(pauseView())
	s := newTestServer(t, f)
	const path = "/api/v1/proposals/P-12/signatures"
	limited := false
	for range int(requestsAtOnce) + 50 { // from one address: reads until refused, and rubbish as well
		limited = limited || do(s, asking{method: "GET", path: "/api/v1/proposals"}).Code == http.StatusTooManyRequests
		do(s, asking{method: "POST", path: path + keyed, body: `{"signature":"0x1234"}`})
	}
	if !limited {
		t.Error("reads are not limited")
	}
	if w := do(s, asking{method: "POST", path: path + keyed, body: `{"signature":"0x1234"}`}); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("rubbish without end: %d %s", w.Code, w.Header())
	}
	if w := do(s, asking{method: "POST", path: path + keyed, body: goodBody}); w.Code != http.StatusCreated {
		t.Errorf("a valid signature after all that: %d %s", w.Code, w.Body)
	}
	if w := do(s, asking{method: "POST", path: path + keyed, body: goodBody}); w.Code != http.StatusOK {
		t.Errorf("the same once more: %d", w.Code)
	}
	if w := do(s, asking{method: "GET", path: "/api/v1/proposals", header: asOperator}); w.Code != http.StatusOK {
		t.Errorf("the operator: %d", w.Code)
	}
}

// TestWhoSentRubbishWaitsInLineWhereverASignatureIsChecked: checking one costs far more than sending one.
func TestWhoSentRubbishWaitsInLineWhereverASignatureIsChecked(t *testing.T) {
	for path, body := range map[string]string{
		"/api/v1/proposals/P-12/signatures" + keyed: goodBody,
		"/api/v1/proposals/P-12/statements" + keyed: `{"action":"object","text":"no","at":1700000000,"signature":"0x` + strings.Repeat("11", 65) + `"}`,
		"/api/v1/proposals":                         `{"playbook":"pause","at":1700000000,"signature":"0x` + strings.Repeat("11", 65) + `"}`,
	} {
		s := newTestServer(t, newFake(pauseView()))
		for range int(badAtOnce) + 1 {
			do(s, asking{method: "POST", path: "/api/v1/proposals/P-12/signatures" + keyed, body: `{"signature":"0x1234"}`})
		}
		for range cap(s.slow) {
			s.slow <- struct{}{} // the signatures of others who sent rubbish are being checked
		}
		ctx, hangUp := context.WithCancel(t.Context())
		hangUp() // whoever waits goes away
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://belay.test"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s did not wait: %d %s", path, w.Code, w.Body)
		}
		for range cap(s.slow) {
			<-s.slow
		}
		if w := do(s, asking{method: "POST", path: path, body: body}); w.Code == http.StatusServiceUnavailable {
			t.Errorf("%s waits although the line is free: %s", path, w.Body)
		}
	}
}

func TestBucketsFillAgain(t *testing.T) {
	l := newLimiter(2, 3)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range 3 {
		if !l.take(a, testNow) {
			t.Fatal("refused too early")
		}
	}
	if l.take(a, testNow) {
		t.Error("the fourth at once was let through")
	}
	if !l.take(b, testNow) {
		t.Error("another address pays for the first")
	}
	for i, want := range []bool{true, true, false} {
		if got := l.take(a, testNow.Add(time.Second)); got != want {
			t.Errorf("a second gives back two: take %d says %v", i, got)
		}
	}
	for i := range 3 * maxAddresses {
		l.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), testNow)
	}
	if len(l.buckets) > maxAddresses {
		t.Errorf("%d addresses are remembered", len(l.buckets))
	}
}

func TestClientIsTheNearestUntrustedAddress(t *testing.T) {
	cases := []struct{ says, peer, forwarded, want string }{
		{"a direct peer", "192.0.2.1:999", "", "192.0.2.1"},
		{"a direct peer that claims another", "192.0.2.1:999", "198.51.100.7", "192.0.2.1"},
		{"behind our proxy", "10.0.0.1:999", "198.51.100.7", "198.51.100.7"},
		{"behind our proxy, with a made-up hop in front", "10.0.0.1:999", "203.0.113.9, 198.51.100.7", "198.51.100.7"},
		{"behind two of ours", "10.0.0.1:999", "198.51.100.7, 10.0.0.2", "198.51.100.7"},
		{"behind our proxy, with rubbish", "10.0.0.1:999", "unknown", "10.0.0.1"},
		{"an IPv6 subscriber", "[2001:db8:1:2:3:4:5:6]:999", "", "2001:db8:1:2::"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]:999", "", "192.0.2.1"},
	}
	cfg := testConfig()
	cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	s, err := newServer(cfg, newFake(), stubPage)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range cases {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.client(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.says, got, c.want)
		}
	}
}

// brittle panics where the coordinator should not.
type brittle struct{ *fake }

func (brittle) List(context.Context, coordinator.Query) (coordinator.Page, error) { panic("a bug") }

func TestPanicStaysInItsRequest(t *testing.T) {
	s := newTestServer(t, brittle{newFake(publicView())})
	w := do(s, asking{method: "GET", path: "/api/v1/proposals"})
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "a bug") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := do(s, asking{method: "GET", path: "/api/v1/proposals/h4zz0ww1"}); w.Code != http.StatusOK {
		t.Errorf("the next request: %d", w.Code)
	}
}

func TestChatIsHandedThroughUnread(t *testing.T) {
	cfg := testConfig()
	var got []string
	cfg.Slack = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Path)
		w.WriteHeader(http.StatusUnauthorized)
	})
	s, err := newServer(cfg, newFake(), stubPage)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range int(requestsAtOnce) + 10 { // from one address, and never limited
		if w := do(s, asking{method: "POST", path: "/slack/commands", body: "x"}); w.Code != http.StatusUnauthorized {
			t.Fatalf("%d", w.Code)
		}
	}
	do(s, asking{method: "POST", path: "/slack/interactions"})
	do(s, asking{method: "POST", path: "/slack/events"})
	if len(got) != int(requestsAtOnce)+12 {
		t.Errorf("%d of them arrived", len(got))
	}
	if w := do(s, asking{method: "POST", path: "/discord/interactions"}); w.Code != http.StatusNotFound {
		t.Errorf("discord is not configured and answers %d", w.Code)
	}
}

func TestConfigIsRefusedWithItsReason(t *testing.T) {
	for says, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no address":           {func(c *Config) { c.PublicURL = "" }, "http.public_url"},
		"an address of a page": {func(c *Config) { c.PublicURL = "https://x.org/belay" }, "more than scheme, host and port"},
		"another scheme":       {func(c *Config) { c.PublicURL = "ftp://x.org" }, "is not an origin"},
	} {
		cfg := testConfig()
		c.change(&cfg)
		if _, err := New(cfg, newFake()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", says, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the token", says)
		}
	}
}

func TestSecretShowsItselfNowhere(t *testing.T) {
	encoded, err := json.Marshal(testToken)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{testToken.String(), fmt.Sprintf("%v %+v %#v %s %q", testToken, testToken, testToken, testToken, testToken), string(encoded)} {
		if strings.Contains(text, string(testToken)) {
			t.Errorf("%s", text)
		}
	}
}

func TestWithoutTheBuiltPageEverythingElseWorks(t *testing.T) {
	s, err := newServer(testConfig(), newFake(pauseView(), publicView()), stubPageless)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, path := range []string{"/p/P-12/sign" + keyed, "/p/P-99/sign", "/link"} {
		w := do(s, asking{method: "GET", path: path})
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", path, w.Code)
		}
		checkProblem(t, w, codePageNotBuilt)
	}
	if w := do(s, asking{method: "GET", path: "/"}); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "<script") {
		t.Errorf("the board without scripts: %d %s", w.Code, w.Body)
	}
}

// TestPagesClaimNothingThatHasNotHappened holds the community's text, written as a fact, against the state.
func TestPagesClaimNothingThatHasNotHappened(t *testing.T) {
	for state, want := range map[governance.State]string{
		governance.StateProposed: "<dt>Once it is done</dt><dd>USDC is paused", governance.StateApproved: "<dt>Once it is done</dt><dd>USDC is paused",
		governance.StateExecuted: "<dt>What</dt><dd>USDC is paused", governance.StateIneffective: "", governance.StateCanceled: "", governance.StateFailed: "",
	} {
		v := pauseView()
		v.IsPublic, v.State = true, state
		s := newTestServer(t, newFake(v))
		for _, path := range []string{"/", "/p/" + publicID} {
			body := do(s, asking{method: "GET", path: path}).Body.String()
			if want == "" && strings.Contains(body, "USDC is paused") || !strings.Contains(body, want) {
				t.Errorf("%s of what is %s does not hold to %q", path, state, want)
			}
		}
	}
}

var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, "{{.Key}}", `</main><h1>Paid</h1>`,
	"pause\u202eesrever", "zero\u200bwidth\u2060\ufeff", "tab\tnew\nline\x00\x1b[31m", "\u2066isolate\u2069", "soft\u00adhyphen", "\xff\xfe broken",
}

// TestPagesNeverTrustText puts hostile text into every field of a View and looks for it in the pages.
func TestPagesNeverTrustText(t *testing.T) {
	for _, text := range hostile {
		v := fill(pauseView(), text)
		s := newTestServer(t, newFake(v))
		for _, path := range []string{"/", "/p/P-12" + keyed, "/p/P-12/sign" + keyed, "/?cursor=" + "%22%3E%3Cscript%3E"} {
			body := do(s, asking{method: "GET", path: path, header: map[string]string{"Accept": "text/html"}}).Body.String()
			for _, bad := range []string{"<script>alert", "<img src=x", "<h1>Paid", "\u202e", "\u200b", "\u2060", "\u2066", "\u00ad", "\x00", "\x1b", `href="javascript:`} {
				if strings.Contains(body, bad) {
					t.Errorf("%s shows %q of %q", path, bad, text)
				}
			}
			if !strings.Contains(body, "</html>") {
				t.Errorf("%s broke on %q", path, text)
			}
		}
	}
}

// fill puts text wherever a View holds people's or the chain's words.
func fill(v governance.View, text string) governance.View {
	u := governance.Untrusted(text)
	v.IsPublic, v.Title, v.Reason, v.Proposer, v.Status, v.Explorer = true, text, u, text, text, text
	v.Notes = []string{text}
	v.Safe.Name, v.Safe.Chain, v.Safe.Version = text, text, text
	v.Calls = []governance.CallView{{To: text, Label: text, Value: text, Data: text, Function: text, Text: u, Args: []governance.ArgView{{Name: text, Type: text, Value: text}},
		Inner: []governance.CallView{{To: text, Text: u}}}}
	v.Dangers = []governance.DangerView{{Code: text, Text: text}}
	v.Simulation = &governance.SimulationView{OK: true, Provider: text, Changes: []governance.ChangeView{{What: text, Before: text, After: text}}, Effects: []governance.Untrusted{u}, Error: u}
	v.OwnerNames = map[string]string{v.Owners[0]: text}
	v.Postconditions = []governance.PostconditionView{{Text: u, Value: u}}
	v.Objections = []governance.OpinionView{{Member: text, What: text, Text: u}}
	v.Responders = v.Objections
	v.Events = []governance.EventView{{At: text, Type: governance.EventType(text), By: text, Text: u}}
	v.Public = &governance.PublicView{What: text, UsersCan: text, NextUpdate: &text}
	v.Timelock = &governance.TimelockView{Name: text, Kind: text, Address: text, OperationID: text, State: governance.OperationState(text), OpensAt: &text, ClosesAt: &text}
	v.Transactions = []governance.TransactionView{{Role: governance.Purpose(text), TxHash: text, Status: governance.TransactionStatus(text), At: text}}
	v.Undo = &governance.UndoView{Playbook: text, Params: map[string]string{text: text}}
	return v
}
