package web

import (
	"net/http"
	"slices"
	"time"

	"belay/governance"
	"belay/governance/coordinator"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// signatureBody is what POST …/signatures takes.
type signatureBody struct {
	Signature  string `json:"signature"`
	SafeTxHash string `json:"safe_tx_hash"`
	Owner      string `json:"owner"`
	Kind       string `json:"kind"`
}

// viaHeader lets our own command line say that a signature came through it. It is told, never relied upon.
const viaHeader = "Belay-Via"

// postSignature takes a signature, however many came before it. Whoever sent too many bad ones waits in a narrow line, so
// that checking costs us little, but what is valid is taken all the same.
func (s *Server) postSignature(w http.ResponseWriter, r *http.Request) error {
	view, viewer, err := s.show(w, r)
	if err != nil {
		return s.charged(r, err)
	}
	var body signatureBody
	if err := decodeBody(w, r, &body); err != nil {
		return s.charged(r, err)
	}
	signed, err := body.signed(r)
	if err != nil {
		return s.charged(r, err)
	}
	leave, err := s.enterLine(r)
	if err != nil {
		return err
	}
	defer leave()
	confirmed, err := s.app.Confirm(r.Context(), signed)
	if err != nil {
		return s.charged(r, err)
	}
	// What the signer may see of it now; the signature is safe even if that cannot be told.
	if fresh, err := s.app.Show(r.Context(), signed.Proposal, viewer); err == nil {
		view = fresh
	}
	status := http.StatusOK
	if confirmed.New {
		status = http.StatusCreated
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, status, view)
}

func (b signatureBody) signed(r *http.Request) (coordinator.Signed, error) {
	signed := coordinator.Signed{Proposal: r.PathValue("id"), Kind: safe.Kind(b.Kind), Via: via(r)}
	var err error
	if signed.Signature, err = parseSignature(b.Signature); err != nil {
		return signed, err
	}
	if signed.SafeTxHash, err = parseHash("safe_tx_hash", b.SafeTxHash); err != nil {
		return signed, err
	}
	if signed.Owner, err = parseAddress("owner", b.Owner); err != nil {
		return signed, err
	}
	return signed, checkKind(signed.Kind, signed.Owner)
}

// postedKinds are the kinds that bytes can prove; an approved hash is seen on chain, not posted.
var postedKinds = []safe.Kind{"", safe.KindECDSA, safe.KindEthSign, safe.KindEIP1271}

func checkKind(kind safe.Kind, owner common.Address) error {
	switch {
	case kind == safe.KindApprovedHash:
		return governance.Refuse(governance.CodeBadValue, "Call approveHash on the Safe; Belay sees it on chain by itself.", "An approved hash is not posted.")
	case !slices.Contains(postedKinds, kind):
		return governance.Refuse(governance.CodeBadValue, "Leave kind away, or send ecdsa, eth_sign or eip1271.", "%.32q is no kind of signature.", kind)
	case kind == safe.KindEIP1271 && owner == common.Address{}:
		return governance.Refuse(governance.CodeBadValue, "Send the address of the contract that is the owner.", "A contract's signature needs owner.")
	}
	return nil
}

// via says where a signature came in. A browser that runs our page tells so itself.
func via(r *http.Request) governance.Via {
	switch {
	case r.Header.Get("Sec-Fetch-Site") == "same-origin":
		return governance.ViaPage
	case r.Header.Get(viaHeader) == string(governance.ViaCLI):
		return governance.ViaCLI
	}
	return governance.ViaAPI
}

// worthless are the refusals that no signature of a current owner can meet. Only these count against who sends them.
var worthless = []governance.Code{governance.CodeMalformedJSON, governance.CodeNotFound, governance.CodeBadValue, codeTooLarge,
	governance.CodeMalformedSignature, governance.CodeNotOwner, governance.CodeWrongHash, governance.CodeContractRejected}

// charged counts a refused signature against its sender, and answers one too many without saying what was wrong with it.
func (s *Server) charged(r *http.Request, err error) error {
	if isOperator, _ := s.operator(r); isOperator {
		return err // as everywhere, the operator's tools are never limited
	}
	refusal, ok := asRefusal(err)
	if !ok || !slices.Contains(worthless, refusal.Code) || s.bad.take(s.client(r), time.Now()) {
		return err
	}
	return tooMany()
}

// enterLine lets everyone through but those who sent too many bad signatures: they wait until the line is free.
func (s *Server) enterLine(r *http.Request) (leave func(), err error) {
	if isOperator, _ := s.operator(r); isOperator || !s.bad.spent(s.client(r), time.Now()) {
		return func() {}, nil
	}
	select {
	case s.slow <- struct{}{}:
		return func() { <-s.slow }, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}
