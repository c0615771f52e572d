package web

import (
	"encoding/json"
	"net/http"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
)

// statementAsk asks what a wallet has to sign to say something about a proposal.
type statementAsk struct {
	Action governance.Action `json:"action"`
	Text   string            `json:"text"`
}

// statementBody hands in what it signed. At is the number that the typed data named.
type statementBody struct {
	Action    governance.Action `json:"action"`
	Text      string            `json:"text"`
	At        moment            `json:"at"`
	Signature string            `json:"signature"`
}

// moment is seconds since 1970, as a number or in quotes, as typed data has it.
type moment int64

func (m *moment) UnmarshalJSON(raw []byte) error {
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return err
	}
	seconds, err := n.Int64()
	*m = moment(seconds)
	return err
}

func (m moment) time() time.Time { return time.Unix(int64(m), 0) }

func (s *Server) postStatementData(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := s.show(w, r); err != nil {
		return err
	}
	var ask statementAsk
	if err := decodeBody(w, r, &ask); err != nil {
		return err
	}
	document, err := s.app.StatementData(r.Context(), r.PathValue("id"), ask.Action, ask.Text)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, document)
}

func (s *Server) postStatement(w http.ResponseWriter, r *http.Request) error {
	view, viewer, err := s.show(w, r)
	if err != nil {
		return s.charged(r, err)
	}
	var body statementBody
	if err := decodeBody(w, r, &body); err != nil {
		return s.charged(r, err)
	}
	signature, err := parseSignature(body.Signature)
	if err != nil {
		return s.charged(r, err)
	}
	leave, err := s.enterLine(r)
	if err != nil {
		return err
	}
	defer leave()
	said := coordinator.Said{Proposal: r.PathValue("id"), Action: body.Action, Text: body.Text, At: body.At.time(), Signature: signature}
	if _, err := s.app.State(r.Context(), said); err != nil {
		return s.charged(r, err)
	}
	if fresh, err := s.app.Show(r.Context(), said.Proposal, viewer); err == nil {
		view = fresh
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, http.StatusCreated, view)
}

// intentBody is what a member proposes, before it is signed.
type intentBody struct {
	Playbook string          `json:"playbook"`
	Params   map[string]word `json:"params"`
	Reason   string          `json:"reason"`
	Force    bool            `json:"force"`
}

func (s *Server) postIntentData(w http.ResponseWriter, r *http.Request) error {
	var body intentBody
	if err := decodeBody(w, r, &body); err != nil {
		return err
	}
	document, err := s.app.IntentData(r.Context(), proposeBody{Playbook: body.Playbook, Params: body.Params, Reason: body.Reason, Force: body.Force}.intent())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, document)
}
