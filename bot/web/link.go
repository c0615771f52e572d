package web

import (
	"net/http"

	"belay/governance"

	"github.com/ethereum/go-ethereum/common"
)

// linkAsk asks what a wallet has to sign. The token travels in the body, never in an address, and is not spent.
type linkAsk struct {
	Token  string `json:"token"`
	Wallet string `json:"wallet"`
}

// linkProof spends the token.
type linkProof struct {
	Token     string `json:"token"`
	Wallet    string `json:"wallet"`
	Signature string `json:"signature"`
}

// linked says who the wallet belongs to from now on.
type linked struct {
	Member string   `json:"member"`
	Wallet string   `json:"wallet"`
	Roles  []string `json:"roles"`
}

func (s *Server) postLinkData(w http.ResponseWriter, r *http.Request) error {
	var ask linkAsk
	if err := decodeBody(w, r, &ask); err != nil {
		return err
	}
	wallet, err := linkWallet(ask.Token, ask.Wallet)
	if err != nil {
		return err
	}
	document, err := s.app.LinkData(r.Context(), ask.Token, wallet)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, document)
}

func (s *Server) postLink(w http.ResponseWriter, r *http.Request) error {
	var proof linkProof
	if err := decodeBody(w, r, &proof); err != nil {
		return err
	}
	wallet, err := linkWallet(proof.Token, proof.Wallet)
	if err != nil {
		return err
	}
	signature, err := parseSignature(proof.Signature)
	if err != nil {
		return err
	}
	member, err := s.app.Link(r.Context(), proof.Token, wallet, signature)
	if err != nil {
		return err
	}
	roles := member.Roles
	if roles == nil {
		roles = []string{}
	}
	return writeJSON(w, http.StatusCreated, linked{Member: member.Name, Wallet: wallet.Hex(), Roles: roles})
}

func linkWallet(token, text string) (common.Address, error) {
	wallet, err := parseAddress("wallet", text)
	if err != nil {
		return wallet, err
	}
	if token == "" || wallet == (common.Address{}) {
		return wallet, governance.Refuse(governance.CodeBadValue, "Type /belay link in chat and open the address that it gives.", "Linking needs token and wallet.")
	}
	return wallet, nil
}
