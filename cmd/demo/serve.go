package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// server is one loopback listener on a port that the system picked.
type server struct {
	listener net.Listener
	http     *http.Server
	running  sync.WaitGroup
	end      context.CancelFunc
}

// open listens; nothing is answered before serve.
func open() (*server, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &server{listener: l}, nil
}

func (s *server) url() string { return "http://" + s.host() }

func (s *server) host() string { return s.listener.Addr().String() }

// serve answers with h, but only who asks for this very address: a page of the web that gave its own name our address
// (DNS rebinding) gets nothing.
func (s *server) serve(h http.Handler) {
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != s.host() {
			http.Error(w, "wrong host", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
	s.http = &http.Server{Handler: guarded, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	s.running.Go(func() { _ = s.http.Serve(s.listener) })
}

// close ends every request under way: those that stream never end by themselves.
func (s *server) close() {
	if s.http == nil {
		_ = s.listener.Close()
		return
	}
	s.end()
	_ = s.http.Close()
	s.running.Wait()
}
