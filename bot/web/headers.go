package web

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"belay/governance"
)

// contentPolicy lets a page load scripts, styles and data from this program only, run in no frame, send no form, and turn
// no text into markup. It names no trusted-types policy: ours needs none, and wallets that inject a script may bring one.
var contentPolicy = strings.Join([]string{
	"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
	"frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'",
}, "; ")

// secured sets what every answer carries. Answers are not kept by anyone unless a handler says otherwise.
func (s *Server) secured(next http.Handler) http.Handler {
	fixed := map[string]string{
		"Content-Security-Policy":      contentPolicy,
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=()",
		"Cache-Control":                "no-store",
	}
	if s.origin.Scheme == "https" {
		fixed["Strict-Transport-Security"] = "max-age=63072000" // two years, as the preload lists want it
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range fixed {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

// sameSite refuses what a browser sends from another site's page. Programs send neither Origin nor Sec-Fetch-Site and pass.
func (s *Server) sameSite(next http.Handler) (http.Handler, error) {
	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(s.origin.String()); err != nil {
		return nil, err
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, governance.Refuse(codeForeignOrigin, "Open the page at "+s.origin.String()+" itself.", "Another site's page tried to act in your name."))
	}))
	return guard.Handler(next), nil
}

// observed logs each request by its route, never by its query, and keeps a panic of one request from the others.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		out := &recorder{ResponseWriter: w}
		defer func() {
			if broke := recover(); broke != nil {
				s.log.Error("request panicked", "route", r.Pattern, "panic", broke, "stack", string(debug.Stack()))
				if out.status == 0 {
					s.fail(out, r, governance.Refuse(codeInternal, "Ask the operator to look at the log.", "The request was not carried out."))
				}
			}
			s.log.Log(r.Context(), levelOf(r.Method, out.status), "request", "method", r.Method, "route", r.Pattern,
				"status", out.status, "duration_ms", time.Since(start).Milliseconds())
		}()
		next.ServeHTTP(out, r)
	})
}

func levelOf(method string, status int) slog.Level {
	if status < http.StatusInternalServerError && (method == http.MethodGet || method == http.MethodHead) {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (o *recorder) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write passes bytes on; the first mean status 200.
func (o *recorder) Write(b []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	return o.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (o *recorder) Unwrap() http.ResponseWriter { return o.ResponseWriter }
