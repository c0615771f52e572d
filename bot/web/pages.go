package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
)

//go:embed templates
var templateFiles embed.FS

// parseTemplates reads every page. They share their functions with no other renderer: html/template escapes, these clean.
func (s *Server) parseTemplates() (*template.Template, error) {
	return template.New("").Funcs(template.FuncMap{
		"t": clean, "raw": raw, "line": line, "parts": parts, "quads": quads, "when": when, "word": words, "tone": tone, "standing": standing, "ref": ref, "ether": ether,
		"asset": s.assets.url, "integrity": s.assets.integrity, "has": s.assets.has, "operation": operationWords,
		"verified": verifiedWords, "explore": explore,
	}).ParseFS(templateFiles, "templates/*.html")
}

// page is what every template gets.
type page struct {
	Build Build
	Host  string
	Title string
	Key   string // of the proposal's own address, to pass on to the next page
	Ref   string // the proposal as the address names it
	Now   string
	Body  any
}

// render lays a template out in full before the first byte leaves, so that a broken one never sends half a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, name string, body any) {
	p := page{Build: s.cfg.Build, Host: s.origin.Host, Key: r.URL.Query().Get("key"), Ref: r.PathValue("id"),
		Now: time.Now().UTC().Format(time.RFC3339), Body: body}
	var out bytes.Buffer
	if err := s.templates.ExecuteTemplate(&out, name, p); err != nil {
		s.log.ErrorContext(r.Context(), "render page", "template", name, "error", err.Error())
		http.Error(w, "Belay could not lay out this page. The JSON at /api/v1/ still answers.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // a reader that has gone is no error of ours
}

// boardBody is what the public sees first.
type boardBody struct {
	Open, Ended []governance.View
	Timelocks   []coordinator.Timelock
	Next        string
	First       bool
}

// board shows everyone the same: neither token nor key changes it.
func (s *Server) board(w http.ResponseWriter, r *http.Request) error {
	public := governance.Viewer{Audience: governance.AudiencePublic}
	cursor := r.URL.Query().Get("cursor")
	listed, err := s.app.List(r.Context(), coordinator.Query{Viewer: public, Cursor: cursor})
	if err != nil {
		return err
	}
	timelocks, err := s.app.Timelocks(r.Context(), public)
	if err != nil {
		return err
	}
	body := boardBody{Timelocks: timelocks, Next: listed.Next, First: cursor == ""}
	for _, v := range listed.Views {
		if v.State.Ended() {
			body.Ended = append(body.Ended, v)
		} else {
			body.Open = append(body.Open, v)
		}
	}
	w.Header().Set("Cache-Control", "no-cache")
	s.render(w, r, http.StatusOK, "board.html", body)
	return nil
}

func (s *Server) proposalPage(w http.ResponseWriter, r *http.Request) error {
	view, _, err := s.show(w, r)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, "proposal.html", view)
	return nil
}

// signPage serves the shell of the signing page; its script loads the proposal, with the key of its own address.
func (s *Server) signPage(w http.ResponseWriter, r *http.Request) error {
	if !s.assets.built() {
		return notBuilt()
	}
	view, _, err := s.show(w, r)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, "sign.html", view)
	return nil
}

// linkPage serves the same bytes for every token: that is in the fragment, which no browser sends.
func (s *Server) linkPage(w http.ResponseWriter, r *http.Request) error {
	if !s.assets.built() {
		return notBuilt()
	}
	s.render(w, r, http.StatusOK, "link.html", nil)
	return nil
}

func notBuilt() error {
	return governance.Refuse(codePageNotBuilt, "Build it with `make build`. Until then sign with `belay sign`, or post a signature to the API.",
		"This program was built without its signing page.")
}
