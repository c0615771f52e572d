package main

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// admin is the operator's listener, on loopback: health, figures, backup and log of the running program.
func (s *service) admin() http.Handler {
	s.watchFigures()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.HandleFunc("POST /admin/backup", s.adminBackup)
	mux.HandleFunc("GET /admin/log", s.adminLog)
	mux.HandleFunc("GET /admin/log/head", s.adminLogHead)
	mux.HandleFunc("GET /admin/accepted", s.adminAccepted)
	return http.NewCrossOriginProtection().Handler(mux)
}

// readiness is what /readyz answers. Chat that is down degrades; it never makes the program unready.
type readiness struct {
	Ready    bool                   `json:"ready"`
	Degraded bool                   `json:"degraded"`
	Store    string                 `json:"store"`
	Chains   map[string]chainHealth `json:"chains"`
	Chats    map[string]string      `json:"chats"`
}

type chainHealth struct {
	Ready     bool              `json:"ready"`
	Agreement int               `json:"agreement"`
	Providers map[string]string `json:"providers"` // by name: "ok", or what is wrong
	Powers    []string          `json:"powers"`    // that a relayer was found to have; none is as it should be
}

func (s *service) ready(w http.ResponseWriter, _ *http.Request) {
	r := s.readiness()
	code := http.StatusOK
	if !r.Ready {
		code = http.StatusServiceUnavailable
	}
	answer(w, code, r)
}

func (s *service) readiness() readiness {
	r := readiness{Ready: true, Store: "ok", Chains: map[string]chainHealth{}, Chats: map[string]string{}}
	if held, why := s.store.Held(); held {
		r.Store, r.Degraded = why, true
	}
	for name, c := range s.chains {
		h := chainHealth{Ready: c.Ready(), Agreement: c.Agreement(), Providers: map[string]string{}, Powers: append([]string{}, s.coord.RelayerPowers(name)...)}
		r.Degraded = r.Degraded || len(h.Powers) > 0
		for _, p := range c.Health() {
			h.Providers[p.Name] = "ok"
			switch {
			case !p.OK:
				h.Providers[p.Name], r.Degraded = p.Err, true
			case p.Doubt != "":
				h.Providers[p.Name], r.Degraded = p.Doubt, true
			}
		}
		r.Ready = r.Ready && h.Ready
		r.Chains[name] = h
	}
	for _, c := range s.chats {
		r.Chats[c.platform.Name()] = "ok"
		if err := c.health(); err != nil {
			r.Chats[c.platform.Name()], r.Degraded = err.Error(), true
		}
	}
	return r
}

// adminBackup writes a backup of the store that this process holds, to a path on this machine.
func (s *service) adminBackup(w http.ResponseWriter, req *http.Request) {
	var ask struct {
		File string `json:"file"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<16)).Decode(&ask); err != nil || ask.File == "" {
		answer(w, http.StatusBadRequest, map[string]string{"detail": `send {"file": "/absolute/path"}`})
		return
	}
	if err := s.store.Backup(req.Context(), ask.File); err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"detail": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]string{"file": ask.File})
}

// adminLog streams the log of the store that this process holds.
func (s *service) adminLog(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/jsonl")
	if err := s.store.ExportLog(w, req.URL.Query().Get("proposal")); err != nil {
		s.log.Error("export the log", "error", err)
	}
}

func (s *service) adminLogHead(w http.ResponseWriter, _ *http.Request) {
	head, err := s.store.Head()
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"detail": err.Error()})
		return
	}
	answer(w, http.StatusOK, head)
}

// adminAccepted tells which configuration the store that this process holds remembers as accepted.
func (s *service) adminAccepted(w http.ResponseWriter, _ *http.Request) {
	last, err := s.store.Accepted()
	if err != nil {
		answer(w, http.StatusInternalServerError, map[string]string{"detail": err.Error()})
		return
	}
	answer(w, http.StatusOK, last)
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the reader went away
}

// watchFigures registers what is read when it is asked for.
func (s *service) watchFigures() {
	count := func(read func() (int, error)) func() float64 {
		return func() float64 {
			n, err := read()
			if err != nil {
				return -1
			}
			return float64(n)
		}
	}
	s.metrics.gauge("belay_outbox_depth", "Duties not done yet.", nil, count(func() (int, error) { d, err := s.store.Duties(); return len(d), err }))
	s.metrics.gauge("belay_inbox_depth", "Inbox entries not worked off yet.", nil, count(func() (int, error) { e, err := s.store.Inbox(); return len(e), err }))
	s.metrics.gauge("belay_proposals_watched", "Proposals that the chain can still change.", nil, count(func() (int, error) { p, err := s.store.Watched(); return len(p), err }))
	s.metrics.gauge("belay_submissions_open", "Relayer transactions on their way.", nil, count(func() (int, error) { o, err := s.store.Submissions(); return len(o), err }))
	s.metrics.gauge("belay_signatures_missing", "Members who have yet to sign the configuration before an emergency is served.", nil, count(func() (int, error) { return s.standing.Missing(), nil }))
	for name, c := range s.chains {
		s.metrics.gauge("belay_chain_ready", "1 where enough providers answer on the right chain.", prometheus.Labels{"chain": name}, func() float64 {
			if c.Ready() {
				return 1
			}
			return 0
		})
	}
}

// Limits of both listeners. Writing has none on the public one, because live pages stay open.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	idleTimeout       = 2 * time.Minute
)
