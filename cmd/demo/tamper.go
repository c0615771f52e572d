package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"belay/safe"
	"belay/safe/devnet"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// mallory is the attacker. Mallory's accounts own nothing.
var mallory = struct{ one, two int }{15, 16}

var errNoProposal = errors.New("not a proposal")

// falsify puts the attacker's transaction in place of the true one: it makes Mallory the Safe's only needed owner. With
// swapHashes the hashes are made to fit.
func falsify(body []byte, how tampering) ([]byte, error) {
	object := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&object); err != nil {
		return nil, fmt.Errorf("read proposal: %w", err)
	}
	if _, isTyped := object["primaryType"]; isTyped {
		return falsifyTyped(object)
	}
	domain, ok := domainOf(object)
	if !ok {
		return nil, errNoProposal
	}
	all, _ := object["safe_txs"].([]any)
	for _, one := range append(all, any(object)) { // the active one is mirrored at the top
		if t, ok := one.(map[string]any); ok {
			if err := falsifyTx(t, domain, how); err != nil {
				return nil, err
			}
		}
	}
	return json.Marshal(object)
}

func domainOf(proposal map[string]any) (safe.Domain, bool) {
	s, ok := proposal["safe"].(map[string]any)
	if !ok {
		return safe.Domain{}, false
	}
	address, _ := s["address"].(string)
	version, _ := s["version"].(string)
	id, _ := s["chain_id"].(json.Number)
	release, versionErr := safe.ParseVersion(version)
	chainID, err := id.Int64()
	return safe.Domain{ChainID: uint64(max(0, chainID)), Safe: common.HexToAddress(address), Version: release}, err == nil && versionErr == nil //nolint:gosec // not negative
}

func falsifyTx(t map[string]any, domain safe.Domain, how tampering) error {
	fields, ok := t["safe_tx"].(map[string]any)
	if !ok {
		return nil
	}
	evil, err := takeover()
	if err != nil {
		return err
	}
	fields["to"], fields["data"], fields["operation"] = domain.Safe.Hex(), hexutil.Encode(evil), json.Number("0")
	if how != swapHashes {
		return nil
	}
	number, _ := fields["nonce"].(json.Number)
	nonce, err := number.Int64()
	if err != nil {
		return fmt.Errorf("read nonce: %w", err)
	}
	h := safe.Hash(domain, safe.Tx{To: domain.Safe, Data: evil, Nonce: uint64(max(0, nonce))}) //nolint:gosec // not negative
	t["domain_hash"], t["message_hash"], t["safe_tx_hash"] = h.Domain.Hex(), h.Message.Hex(), h.SafeTx.Hex()
	return nil
}

// falsifyTyped does the same to the document that a wallet would be given.
func falsifyTyped(document map[string]any) ([]byte, error) {
	domain, _ := document["domain"].(map[string]any)
	message, ok := document["message"].(map[string]any)
	if !ok || domain == nil {
		return nil, errNoProposal
	}
	evil, err := takeover()
	if err != nil {
		return nil, err
	}
	message["to"], message["data"], message["operation"] = domain["verifyingContract"], hexutil.Encode(evil), json.Number("0")
	return json.Marshal(document)
}

// takeover is addOwnerWithThreshold(Mallory, 1): from then on Mallory alone decides.
func takeover() ([]byte, error) {
	release, err := devnet.Release("1.4.1")
	if err != nil {
		return nil, err
	}
	contract, err := release.ABI()
	if err != nil {
		return nil, err
	}
	return contract.Pack("addOwnerWithThreshold", devnet.Address(mallory.one), big.NewInt(1))
}
