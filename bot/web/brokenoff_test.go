package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestARequestThatIsBrokenOffIsNoSuccess: a stop or a reload ends requests under way, and whoever waits must not take silence for a yes.
func TestARequestThatIsBrokenOffIsNoSuccess(t *testing.T) {
	f := newFake(pauseView())
	s := newTestServer(t, f)
	f.broken = context.Canceled
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range []*http.Request{
		httptest.NewRequestWithContext(ctx, http.MethodGet, "http://belay.test/api/v1/proposals/P-12"+keyed, nil),
		httptest.NewRequestWithContext(ctx, http.MethodPost, "http://belay.test/api/v1/proposals/P-12/signatures"+keyed, strings.NewReader(goodBody)),
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s answers %d %s", r.Method, w.Code, w.Body)
			continue
		}
		checkProblem(t, w, codeBrokenOff)
	}
}
