package web

import (
	"net/http"
	"slices"
	"strings"

	"belay/governance"
)

// route is one address with its method, what it does, and how the API's description tells it.
type route struct {
	method, path string
	do           action
	unlimited    bool // not counted by the rate limit
	operation         // for openapi.json; zero for pages
}

// routes is the table of everything that is served, but for chat's handlers.
func (s *Server) routes() []route {
	return slices.Concat([]route{
		{method: "GET", path: "/", do: s.board},
		{method: "GET", path: "/p/{id}", do: s.proposalPage},
		{method: "GET", path: "/p/{id}/sign", do: s.signPage},
		{method: "GET", path: "/link", do: s.linkPage},
		{method: "GET", path: "/assets/{digest}/{name}", do: s.asset, unlimited: true},
	}, s.apiRoutes())
}

// mux joins the table and chat's handlers. An unknown address is our not_found, a known one with another method says so.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	handle := func(method, path string, h http.Handler) {
		mux.Handle(method+" "+exact(path), s.observed(h))
		methods[path] = append(methods[path], method)
	}
	for _, r := range s.routes() {
		do := r.do
		if !r.unlimited {
			do = s.limited(do)
		}
		handle(r.method, r.path, s.answered(do))
	}
	for path, h := range s.chatRoutes() {
		handle(http.MethodPost, path, http.MaxBytesHandler(h, maxBody))
	}
	for path, known := range methods {
		mux.Handle(exact(path), s.observed(s.answered(s.limited(otherMethod(known)))))
	}
	mux.Handle("/", s.observed(s.answered(s.limited(func(http.ResponseWriter, *http.Request) error { return notFound() }))))
	return mux
}

// exact keeps "/" from matching every address.
func exact(path string) string {
	if path == "/" {
		return "/{$}"
	}
	return path
}

// chatRoutes are those of the platforms that run in http mode. The platform's package verifies each request itself; they
// carry no rate limit, for all of a platform's users come from a few addresses, and one of them may be pausing.
func (s *Server) chatRoutes() map[string]http.Handler {
	all := map[string]http.Handler{
		"/slack/commands": s.cfg.Slack, "/slack/interactions": s.cfg.Slack, "/slack/events": s.cfg.Slack,
		"/discord/interactions": s.cfg.Discord,
	}
	for path, h := range all {
		if h == nil {
			delete(all, path)
		}
	}
	return all
}

func otherMethod(known []string) action {
	allow := strings.Join(known, ", ")
	if slices.Contains(known, http.MethodGet) {
		allow += ", HEAD"
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Allow", allow)
		return governance.Refuse(codeMethod, "This address takes "+allow+".", "%.16s is not taken here.", r.Method)
	}
}
