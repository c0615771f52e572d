package web

import (
	"net/http"

	"belay/governance"
	"belay/governance/coordinator"
)

// listedTimelock is one entry of GET /api/v1/timelocks.
type listedTimelock struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind"`
	Chain      string      `json:"chain"`
	Address    string      `json:"address"`
	MinDelay   uint64      `json:"min_delay"` // seconds
	Operations []operating `json:"operations"`
}

// operating is one pending operation.
type operating struct {
	Proposal    string                    `json:"proposal"`
	OperationID string                    `json:"operation_id"`
	State       governance.OperationState `json:"state"`
	OpensAt     *string                   `json:"opens_at"`
	ClosesAt    *string                   `json:"closes_at"`
}

type timelockList struct {
	Timelocks []listedTimelock `json:"timelocks"`
}

func (s *Server) listTimelocks(w http.ResponseWriter, r *http.Request) error {
	isOperator, err := s.operator(r)
	if err != nil {
		return err
	}
	viewer := governance.Viewer{Audience: governance.AudiencePublic}
	if isOperator {
		viewer.Audience = governance.AudienceOperator
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	known, err := s.app.Timelocks(r.Context(), viewer)
	if err != nil {
		return err
	}
	list := timelockList{Timelocks: []listedTimelock{}}
	for _, t := range known {
		list.Timelocks = append(list.Timelocks, timelockOf(t))
	}
	return writeJSON(w, http.StatusOK, list)
}

func timelockOf(t coordinator.Timelock) listedTimelock {
	out := listedTimelock{Name: t.Name, Kind: t.Kind, Chain: t.Chain, Address: t.Address, MinDelay: t.MinDelay, Operations: []operating{}}
	for _, o := range t.Operations {
		out.Operations = append(out.Operations, operating{Proposal: o.Proposal, OperationID: o.OperationID, State: o.State, OpensAt: o.OpensAt, ClosesAt: o.ClosesAt})
	}
	return out
}

type nonceList struct {
	Safes []governance.NonceMap `json:"safes"`
}

func (s *Server) listNonces(w http.ResponseWriter, r *http.Request) error {
	isOperator, err := s.operator(r)
	if err != nil {
		return err
	}
	if !isOperator {
		return governance.Refuse(codeUnauthorized, "Send Authorization: Bearer with the operator's token, or ask in chat.", "What stands at a Safe's nonces is told to the operator only.")
	}
	maps, err := s.app.Nonces(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, nonceList{maps})
}

func (s *Server) logHead(w http.ResponseWriter, r *http.Request) error {
	if s.cfg.LogHead == nil {
		return notFound()
	}
	head, err := s.cfg.LogHead(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	return writeJSON(w, http.StatusOK, head)
}

func (s *Server) describe(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write(s.api) // a reader that has gone is no error of ours
	return nil
}
