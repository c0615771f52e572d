package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"belay/governance"
)

// Codes of refusals that only exist over HTTP; governance has all others.
const (
	codeUnauthorized   governance.Code = "unauthorized"
	codeTooLarge       governance.Code = "too_large"
	codeTooMany        governance.Code = "too_many_requests"
	codeForeignOrigin  governance.Code = "foreign_origin"
	codeMethod         governance.Code = "method_not_allowed"
	codePageNotBuilt   governance.Code = "page_not_built"
	codeBrokenOff      governance.Code = "broken_off"
	codeInternal       governance.Code = "internal"
	problemContentType                 = "application/problem+json"
)

var titles = map[governance.Code]string{
	codeUnauthorized:  "This needs the operator's token",
	codeTooLarge:      "The request is too large",
	codeTooMany:       "Too many requests",
	codeForeignOrigin: "The request comes from another site's page",
	codeMethod:        "This address does not take that method",
	codePageNotBuilt:  "The page is not part of this program",
	codeBrokenOff:     "Belay is stopping or starting anew",
	codeInternal:      "Something broke inside Belay",
}

// statuses maps every code to its HTTP status; a code that is not here is 422.
var statuses = map[governance.Code]int{
	governance.CodeMalformedJSON: http.StatusBadRequest,
	governance.CodeNotFound:      http.StatusNotFound,
	governance.CodeNotOpen:       http.StatusConflict,
	governance.CodeNoAgreement:   http.StatusServiceUnavailable,
	governance.CodeNotRecorded:   http.StatusServiceUnavailable,
	codeUnauthorized:             http.StatusUnauthorized,
	codeTooLarge:                 http.StatusRequestEntityTooLarge,
	codeTooMany:                  http.StatusTooManyRequests,
	codeForeignOrigin:            http.StatusForbidden,
	codeMethod:                   http.StatusMethodNotAllowed,
	codePageNotBuilt:             http.StatusServiceUnavailable,
	codeBrokenOff:                http.StatusServiceUnavailable,
	codeInternal:                 http.StatusInternalServerError,
}

// problem is the body of every refusal (RFC 9457, with our code in place of a type URI).
type problem struct {
	Code   governance.Code `json:"code"`
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail"`
	Hint   string          `json:"hint"`
}

func problemOf(r *governance.Refusal) problem {
	p := problem{Code: r.Code, Title: titles[r.Code], Status: statuses[r.Code], Detail: r.Detail, Hint: r.Hint}
	if p.Title == "" {
		p.Title = r.Title()
	}
	if p.Status == 0 {
		p.Status = http.StatusUnprocessableEntity
	}
	return p
}

// fail answers with a refusal. An error that is none is logged here, once, and told as a plain sentence.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *governance.Refusal
	switch {
	case errors.As(err, &refusal):
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		// The other side went away, or this program stops or reads its files again: then someone does read the answer, and silence
		// would be a 200 for a signature that was not taken.
		refusal = governance.Refuse(codeBrokenOff, "Look whether it was taken, and try again in a moment; the same twice does no harm.", "The request was broken off.")
	default:
		s.log.LogAttrs(r.Context(), slog.LevelError, "request broke",
			slog.String("route", r.Pattern), slog.String("method", r.Method), slog.String("error", err.Error()))
		refusal = governance.Refuse(codeInternal, "Try again. If it stays so, ask the operator to look at the log.",
			"The request was not carried out.")
	}
	p := problemOf(refusal)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	switch p.Code {
	case codeUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="belay"`)
	case codeTooMany:
		h.Set("Retry-After", strconv.Itoa(retryAfterSeconds))
	}
	if wantsHTML(r) {
		s.render(w, r, p.Status, "problem.html", p)
		return
	}
	h.Set("Content-Type", problemContentType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // a reader that has gone is no error of ours
}

// wantsHTML tells a person's browser on a page's address from a program.
func wantsHTML(r *http.Request) bool {
	return !strings.HasPrefix(r.URL.Path, "/api/") && strings.Contains(r.Header.Get("Accept"), "text/html")
}

func notFound() *governance.Refusal {
	return governance.Refuse(governance.CodeNotFound, "Check the address. What is not public opens only with the full link from chat, or with the operator's token.",
		"There is no such page or proposal, or it is not public.")
}

// writeJSON answers with a value as JSON.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a reader that has gone is no error of ours
	return nil
}
