package web

import (
	"net/http"
	"net/url"
	"slices"

	"belay/governance"
	"belay/governance/coordinator"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// proposalPage is one page of GET /api/v1/proposals.
type proposalList struct {
	Proposals  []governance.View `json:"proposals"`
	NextCursor *string           `json:"next_cursor"`
}

func (s *Server) listProposals(w http.ResponseWriter, r *http.Request) error {
	isOperator, err := s.operator(r)
	if err != nil {
		return err
	}
	query := coordinator.Query{State: governance.State(r.URL.Query().Get("state")), Cursor: r.URL.Query().Get("cursor")}
	if query.State != "" && !slices.Contains(governance.States, query.State) {
		return governance.Refuse(governance.CodeBadValue, "The states are listed at /api/v1/openapi.json.", "%.32q is no state of a proposal.", query.State)
	}
	if isOperator {
		query.Viewer.Audience = governance.AudienceOperator
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	page, err := s.app.List(r.Context(), query)
	if err != nil {
		return err
	}
	list := proposalList{Proposals: page.Views}
	for i := range list.Proposals {
		if isOperator {
			list.Proposals[i] = s.keyed(list.Proposals[i])
		}
	}
	if list.Proposals == nil {
		list.Proposals = []governance.View{}
	}
	if page.Next != "" {
		list.NextCursor = &page.Next
	}
	return writeJSON(w, http.StatusOK, list)
}

func (s *Server) getProposal(w http.ResponseWriter, r *http.Request) error {
	view, viewer, err := s.show(w, r)
	if err != nil {
		return err
	}
	if viewer.Audience == governance.AudienceOperator {
		view = s.keyed(view)
	}
	return writeJSON(w, http.StatusOK, view)
}

// keyed gives the operator links that open: when chat is down, somebody has to hand them to the signers.
func (s *Server) keyed(v governance.View) governance.View { return v.Keyed(s.app.ReadKey(v.ID)) }

// proposeBody is what POST /api/v1/proposals takes.
type proposeBody struct {
	Member    string          `json:"member"`
	Playbook  string          `json:"playbook"`
	Params    map[string]word `json:"params"`
	Reason    string          `json:"reason"`
	Force     bool            `json:"force"`
	At        moment          `json:"at"`        // with signature: the number that the typed data named
	Signature string          `json:"signature"` // of a member's wallet; without it the operator's token is needed
}

func (b proposeBody) intent() coordinator.Intent {
	intent := coordinator.Intent{Playbook: b.Playbook, Params: map[string]string{}, Member: b.Member, Reason: b.Reason, Force: b.Force, Via: governance.ViaAPI}
	for name, value := range b.Params {
		intent.Params[name] = string(value)
	}
	return intent
}

func (s *Server) postProposal(w http.ResponseWriter, r *http.Request) error {
	isOperator, err := s.operator(r)
	if err != nil {
		return err
	}
	var body proposeBody
	if err := decodeBody(w, r, &body); err != nil {
		return err
	}
	if body.Signature == "" && !isOperator {
		return governance.Refuse(codeUnauthorized, "Send Authorization: Bearer with the operator's token, sign the intent with a member's wallet, or propose in chat.",
			"Proposing over HTTP needs the operator's token or a member's signature.")
	}
	proposed, err := s.proposed(r, body)
	if err != nil {
		return s.charged(r, err)
	}
	w.Header().Set("Location", "/api/v1/proposals/"+url.PathEscape(proposed.View.ID))
	status := http.StatusCreated
	if proposed.Joined {
		status = http.StatusOK
	}
	return writeJSON(w, status, s.keyed(proposed.View))
}

// proposed proposes in the name of whoever signed, or of the member that the operator names.
func (s *Server) proposed(r *http.Request, body proposeBody) (coordinator.Proposed, error) {
	if body.Signature == "" {
		return s.app.Propose(r.Context(), body.intent())
	}
	signature, err := parseSignature(body.Signature)
	if err != nil {
		return coordinator.Proposed{}, err
	}
	leave, err := s.enterLine(r)
	if err != nil {
		return coordinator.Proposed{}, err
	}
	defer leave()
	return s.app.ProposeSigned(r.Context(), body.intent(), body.At.time(), signature)
}

func (s *Server) typedData(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := s.show(w, r); err != nil {
		return err
	}
	query := r.URL.Query()
	hash, err := parseHash("safe_tx_hash", query.Get("safe_tx_hash"))
	if err != nil {
		return err
	}
	owner, err := parseAddress("owner", query.Get("owner"))
	if err != nil {
		return err
	}
	document, err := s.app.TypedData(r.Context(), r.PathValue("id"), hash, owner)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, document)
}

// execution is the ready transaction as any wallet takes it.
type execution struct {
	ChainID uint64        `json:"chain_id"`
	To      string        `json:"to"`
	Data    hexutil.Bytes `json:"data"`
	Value   string        `json:"value"`
}

// getExecution gives a transaction that is complete but for who pays. It is for those who hold the link or the token: what it
// holds lets anyone choose the time of the execution.
func (s *Server) getExecution(w http.ResponseWriter, r *http.Request) error {
	_, viewer, err := s.show(w, r)
	if err != nil {
		return err
	}
	if viewer.Audience == governance.AudiencePublic {
		return governance.Refuse(codeUnauthorized, "Open the link from chat, which carries the key, or send the operator's token.",
			"The ready transaction is given to those who hold the proposal's key or the operator's token.")
	}
	ready, err := s.app.Execution(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, execution{ChainID: ready.ChainID, To: ready.To.Hex(), Data: ready.Data, Value: ready.Value})
}
