package web

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"belay/governance"
)

// Server answers the public listener. It is an http.Handler; HTTPServer gives the settings to run it with.
type Server struct {
	cfg       Config
	app       App
	log       *slog.Logger
	origin    *url.URL
	assets    *assets
	templates *template.Template
	api       []byte // openapi.json
	handler   http.Handler

	requests *limiter      // every route but signatures and chat
	bad      *limiter      // refused signatures
	slow     chan struct{} // the line for those who sent too many bad ones
	hub      *hub
}

// slowLane is how many requests are worked on at a time of all who sent too many bad signatures.
const slowLane = 4

// New makes the listener's handler and starts watching for changes.
func New(cfg Config, app App) (*Server, error) {
	return newServer(cfg, app, builtPage())
}

func newServer(cfg Config, app App, page fs.FS) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	origin, err := parseOrigin(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, app: app, log: cfg.Logger, origin: origin, slow: make(chan struct{}, slowLane),
		requests: newLimiter(requestsPerSecond, requestsAtOnce), bad: newLimiter(badPerSecond, badAtOnce)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.assets, err = loadAssets(page); err != nil {
		return nil, fmt.Errorf("load the page: %w", err)
	}
	if s.templates, err = s.parseTemplates(); err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	if s.api, err = s.describeAPI(); err != nil {
		return nil, fmt.Errorf("describe the API: %w", err)
	}
	guarded, err := s.sameSite(s.mux())
	if err != nil {
		return nil, fmt.Errorf("trust the own origin: %w", err)
	}
	s.handler = s.secured(guarded)
	s.hub = newHub(app.Watch())
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends every live stream and stops watching. Requests that are not streams are not disturbed.
func (s *Server) Close() { s.hub.close() }

// Times of a connection. Streams set their own write deadline, message by message.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
)

// HTTPServer gives a server with the right limits. Its Shutdown ends the live streams; the caller listens.
func (s *Server) HTTPServer() *http.Server {
	server := &http.Server{Handler: s, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	server.RegisterOnShutdown(s.Close)
	return server
}

// action answers a request or says why not.
type action func(w http.ResponseWriter, r *http.Request) error

// answered makes a handler of an action.
func (s *Server) answered(do action) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := do(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// limited asks the address' bucket first.
func (s *Server) limited(do action) action {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.limit(r); err != nil {
			return err
		}
		return do(w, r)
	}
}

func asRefusal(err error) (*governance.Refusal, bool) {
	var refusal *governance.Refusal
	ok := errors.As(err, &refusal)
	return refusal, ok
}
