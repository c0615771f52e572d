package main

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"sync"
	"time"
)

// lookEvery is how often what is shown is compared with what is, while somebody looks.
const lookEvery = 120 * time.Millisecond

// screen is the one page of the demo.
type screen struct {
	stage     *stage
	server    *server
	talk      *conversation
	attacks   *attacks
	templates *template.Template

	work    context.Context // of what goes on after its request was answered
	stop    context.CancelFunc
	running sync.WaitGroup
}

// newScreen opens the page's address and answers there until close.
func newScreen(s *stage) (*screen, error) {
	server, err := open()
	if err != nil {
		return nil, err
	}
	screen := &screen{stage: s, server: server, talk: newConversation(s.chat), attacks: &attacks{stage: s}}
	screen.work, screen.stop = context.WithCancel(context.Background())
	if screen.templates, err = parseTemplates(); err != nil {
		server.close()
		return nil, err
	}
	s.front.framedBy(screen.url())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", screen.page)
	mux.HandleFunc("GET /live", screen.live)
	mux.HandleFunc("GET /static/{name}", asset)
	for name, do := range screen.deeds() {
		mux.HandleFunc("POST /do/"+name, do)
	}
	server.serve(screen.strict(http.NewCrossOriginProtection().Handler(mux)))
	screen.running.Go(screen.lookAround)
	return screen, nil
}

func (s *screen) url() string { return s.server.url() }

func (s *screen) close() {
	s.stop()
	s.server.close()
	s.running.Wait()
}

// strict lets the page load its own files, frame Belay's pages, and nothing else.
func (s *screen) strict(next http.Handler) http.Handler {
	policy := "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src " + s.stage.front.url() +
		"; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// lookAround asks Belay's figures about a provider that is not honest.
func (s *screen) lookAround() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.work.Done():
			return
		case <-tick.C:
			if manner, _, _ := s.stage.liar().told(); manner != honest {
				s.attacks.look(s.work)
			}
		}
	}
}

func (s *screen) page(w http.ResponseWriter, r *http.Request) {
	view, err := s.view()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var out bytes.Buffer
	if err := s.templates.ExecuteTemplate(&out, "screen", view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // a reader that has gone is no error of ours
}

func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	body, err := fs.ReadFile(static, "static/"+name)
	if err != nil || path.Ext(name) == ".html" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(body)
}

// live sends each panel whenever it has changed.
func (s *screen) live(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := map[string]string{}
	for {
		view, err := s.view()
		if err != nil {
			return
		}
		for _, p := range view.panels(s.templates) {
			if last[p.name] == p.data {
				continue
			}
			last[p.name] = p.data
			if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", p.name, p.data); err != nil {
				return
			}
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
