package web

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"belay/governance/coordinator"
)

// heard is one event of a stream.
type heard struct{ id, kind, data string }

// listener reads a stream of events over a real connection.
type listener struct {
	t      *testing.T
	events chan heard
	close  func()
}

func listen(t *testing.T, url string, header map[string]string) *listener {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("%d %s", response.StatusCode, got)
	}
	l := &listener{t: t, events: make(chan heard, 1000), close: stop}
	go func() {
		defer close(l.events)
		defer func() { _ = response.Body.Close() }()
		read(response, l.events)
	}()
	if first := l.next(); first.kind != "ping" {
		t.Fatalf("the stream began with %+v, want a ping", first)
	}
	return l
}

func read(response *http.Response, events chan<- heard) {
	var e heard
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.kind = value
		case "data":
			e.data = value
		case "":
			events <- e
			e = heard{}
		}
	}
}

func (l *listener) next() heard {
	l.t.Helper()
	select {
	case e, open := <-l.events:
		if !open {
			l.t.Fatal("the stream ended")
		}
		return e
	case <-time.After(5 * time.Second):
		l.t.Fatal("nothing came for 5 s")
	}
	return heard{}
}

func startServer(t *testing.T, f *fake) (*Server, string) {
	t.Helper()
	s := newTestServer(t, f)
	server := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); server.Close() })
	return s, server.URL + "/api/v1/events"
}

var (
	hiddenNotice = coordinator.Notice{Proposal: "P-12", PublicID: publicID, Kind: "proposal", Seq: 41, At: testNow}
	otherHidden  = coordinator.Notice{Proposal: "P-13", PublicID: "other", Kind: "proposal", Seq: 42, At: testNow}
	publicNotice = coordinator.Notice{Proposal: "P-11", PublicID: "h4zz0ww1", Public: true, Kind: "proposal", Seq: 43, At: testNow}
	lockNotice   = coordinator.Notice{Proposal: "P-11", PublicID: "h4zz0ww1", Public: true, Kind: "timelock", Seq: 44, At: testNow}
)

func TestStreamTellsEachViewerWhatItMayKnow(t *testing.T) {
	f := newFake(pauseView(), publicView())
	_, url := startServer(t, f)
	public, keyHolder, operator := listen(t, url, nil), listen(t, url+keyed, nil), listen(t, url, asOperator)
	f.tell(hiddenNotice, otherHidden, publicNotice, lockNotice)
	wants := map[string]struct {
		l    *listener
		ids  []string
		kind []string
	}{
		"the public":     {public, []string{"h4zz0ww1", "h4zz0ww1"}, []string{"proposal", "timelock"}},
		"the key holder": {keyHolder, []string{"P-12", "h4zz0ww1", "h4zz0ww1"}, []string{"proposal", "proposal", "timelock"}},
		"the operator":   {operator, []string{"P-12", "P-13", "P-11", "P-11"}, []string{"proposal", "proposal", "proposal", "timelock"}},
	}
	for who, want := range wants {
		for i, id := range want.ids {
			e := want.l.next()
			if !strings.Contains(e.data, `"id":"`+id+`"`) || e.kind != want.kind[i] || e.id == "" {
				t.Errorf("%s heard %+v, want %s of %s", who, e, want.kind[i], id)
			}
		}
	}
}

// TestStreamOfThePublicIsBlindToWhatIsHidden compares two runs, of which one has hidden proposals.
func TestStreamOfThePublicIsBlindToWhatIsHidden(t *testing.T) {
	hear := func(notices ...coordinator.Notice) (said []string) {
		f := newFake(publicView())
		_, url := startServer(t, f)
		l := listen(t, url, nil)
		f.tell(notices...)
		for range 2 {
			e := l.next()
			_, place, _ := strings.Cut(e.id, ".")
			said = append(said, place+e.kind+e.data)
		}
		return said
	}
	without := hear(publicNotice, lockNotice)
	with := hear(hiddenNotice, otherHidden, publicNotice, hiddenNotice, lockNotice)
	if !slices.Equal(without, with) {
		t.Errorf("with hidden proposals the public hears\n%q, without\n%q", with, without)
	}
}

func TestStreamGoesOnWhereItBroke(t *testing.T) {
	f := newFake(pauseView(), publicView())
	_, url := startServer(t, f)
	first, operator := listen(t, url+keyed, nil), listen(t, url, asOperator)
	f.tell(publicNotice)
	last := first.next().id
	first.close()
	f.tell(hiddenNotice, otherHidden, lockNotice)
	for range 4 {
		operator.next() // so the server has heard of all of them
	}
	again := listen(t, url+keyed, map[string]string{"Last-Event-ID": last})
	if e := again.next(); !strings.Contains(e.data, `"id":"P-12"`) {
		t.Errorf("first came %+v, want the hidden one that the key opens", e)
	}
	if e := again.next(); e.kind != "timelock" {
		t.Errorf("then came %+v, want the timelock", e)
	}
}

func TestStreamAsksToLoadAllAfterARestart(t *testing.T) {
	_, url := startServer(t, newFake())
	for _, id := range []string{"oldrun.7.0", "nonsense", "....", "x.99999999999999999999.1"} {
		if e := listen(t, url, map[string]string{"Last-Event-ID": id}).next(); e.kind != resync {
			t.Errorf("after id %q came %+v, want resync", id, e)
		}
	}
}

func TestStreamEndsWithTheServer(t *testing.T) {
	s, url := startServer(t, newFake())
	l := listen(t, url, nil)
	s.Close()
	select {
	case _, open := <-l.events:
		if open {
			t.Error("something came after the end")
		}
	case <-time.After(5 * time.Second):
		t.Error("the stream goes on after Close")
	}
	if w := do(s, asking{method: "GET", path: "/api/v1/events"}); w.Code != http.StatusTooManyRequests {
		t.Errorf("a new stream after Close: %d", w.Code)
	}
}

func TestStreamPingsEvery15Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		s := newTestServer(t, f)
		ctx, stop := context.WithTimeout(t.Context(), 46*time.Second)
		defer stop()
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://belay.test/api/v1/events", nil))
		if got := strings.Count(w.Body.String(), "event: ping"); got != 4 { // at once, at 15, 30 and 45 s
			t.Errorf("%d pings in 46 s, want 4:\n%s", got, w.Body)
		}
		if strings.Contains(w.Body.String(), "id:") {
			t.Error("a ping carries an id")
		}
		s.Close()
	})
}

func TestReaderThatLagsIsToldToLoadAll(t *testing.T) {
	h := newHub(make(chan coordinator.Notice), func() {})
	defer h.close()
	s := &stream{}
	h.join(s, "")
	for range streamQueue + 5 {
		h.tell(publicNotice)
	}
	if e := <-s.queue; e.kind != resync {
		t.Errorf("first in the queue is %s, want resync", e.kind)
	}
	if left := len(s.queue); left != 4 {
		t.Errorf("%d events follow, want the 4 newest", left)
	}
}

func TestWatchersOwnGapReachesEveryone(t *testing.T) {
	f := newFake()
	_, url := startServer(t, f)
	l := listen(t, url, nil)
	f.tell(coordinator.Notice{Kind: resync, Public: true})
	if e := l.next(); e.kind != resync {
		t.Errorf("heard %+v, want resync", e)
	}
}
