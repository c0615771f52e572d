package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"belay/governance"
)

// operator reports whether the request carries the operator's token. A token that is given and wrong is refused rather than
// overlooked: an operator would else take a public answer for the whole one. It says nothing about what exists.
func (s *Server) operator(r *http.Request) (bool, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return false, nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	if strings.EqualFold(scheme, "Bearer") && s.tokenIs(strings.TrimSpace(token)) {
		return true, nil
	}
	return false, governance.Refuse(codeUnauthorized, "The token is in the file that http.api_token_file names.", "The bearer token is not the operator's.")
}

// tokenIs compares digests, so that neither length nor content shows in the time it takes.
func (s *Server) tokenIs(token string) bool {
	if s.cfg.APIToken == "" {
		return false
	}
	want, got := sha256.Sum256([]byte(s.cfg.APIToken)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// viewer says who looks at proposal id. A wrong key is no key.
func (s *Server) viewer(r *http.Request, id string) (governance.Viewer, error) {
	isOperator, err := s.operator(r)
	if err != nil {
		return governance.Viewer{}, err
	}
	key := r.URL.Query().Get("key")
	switch {
	case isOperator:
		return governance.Viewer{Audience: governance.AudienceOperator}, nil
	case key != "" && s.app.KeyOpens(id, key):
		return governance.Viewer{Audience: governance.AudienceKey}, nil
	}
	return governance.Viewer{Audience: governance.AudiencePublic}, nil
}

// show gives the proposal that the path names as whoever asks may see it, and says how the answer may be cached.
func (s *Server) show(w http.ResponseWriter, r *http.Request) (governance.View, governance.Viewer, error) {
	id := r.PathValue("id")
	viewer, err := s.viewer(r, id)
	if err != nil {
		return governance.View{}, viewer, err
	}
	view, err := s.app.Show(r.Context(), id, viewer)
	if err != nil {
		return governance.View{}, viewer, hideReason(err)
	}
	if viewer.Audience == governance.AudiencePublic {
		w.Header().Set("Cache-Control", "no-cache")
	}
	return view, viewer, nil
}

// hideReason makes every not_found the same, so that none tells whether there is something.
func hideReason(err error) error {
	if refusal, ok := asRefusal(err); ok && refusal.Code == governance.CodeNotFound {
		return notFound()
	}
	return err
}
