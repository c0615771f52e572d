package main

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
)

// typed is an EIP-712 document as the wallet's screen shows it. The hashes are the wallet's own, by go-ethereum's
// implementation: neither Belay's nor that of its page.
type typed struct {
	Primary               string
	ChainID               *big.Int // nil where the document names none
	Contract              common.Address
	Domain, Message, Hash common.Hash
	Fields                []typedField
}

type typedField struct{ Name, Value string }

// readTyped reads what eth_signTypedData_v4 is given.
func readTyped(document []byte) (typed, error) {
	var d apitypes.TypedData
	if err := json.Unmarshal(document, &d); err != nil {
		return typed{}, fmt.Errorf("read typed data: %w", err)
	}
	domain, err := d.HashStruct("EIP712Domain", d.Domain.Map())
	if err != nil {
		return typed{}, fmt.Errorf("hash domain: %w", err)
	}
	message, err := d.HashStruct(d.PrimaryType, d.Message)
	if err != nil {
		return typed{}, fmt.Errorf("hash message: %w", err)
	}
	hash, _, err := apitypes.TypedDataAndHash(d)
	if err != nil {
		return typed{}, fmt.Errorf("hash typed data: %w", err)
	}
	t := typed{Primary: d.PrimaryType, ChainID: (*big.Int)(d.Domain.ChainId), Contract: common.HexToAddress(d.Domain.VerifyingContract),
		Domain: common.BytesToHash(domain), Message: common.BytesToHash(message), Hash: common.BytesToHash(hash)}
	for _, f := range d.Types[d.PrimaryType] {
		t.Fields = append(t.Fields, typedField{f.Name, fmt.Sprint(d.Message[f.Name])})
	}
	return t, nil
}
