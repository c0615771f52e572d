package safe

import (
	"strconv"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// TypedDocument is the bare object of eth_signTypedData_v4. It marshals to what wallets take as it is: addresses in
// EIP-55 form, numbers of the message as decimal strings, bytes as 0x-hex.
type TypedDocument struct {
	Types       map[string][]TypedField `json:"types"`
	PrimaryType string                  `json:"primaryType"`
	Domain      TypedDomain             `json:"domain"`
	Message     map[string]string       `json:"message"`
}

// TypedField is one member of an EIP-712 type; the order of members is part of the type's hash.
type TypedField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// TypedDomain is an EIP712Domain. A Safe's has no name and no version, and ChainID is nil before 1.3.0. The chain's id is a JSON
// number, as in EIP-712's own example, because wallets compare it with the network they are on; an id that JavaScript can not
// hold exactly becomes a string.
type TypedDomain struct {
	Name              string `json:"name,omitempty"`
	Version           string `json:"version,omitempty"`
	ChainID           any    `json:"chainId,omitempty"`
	VerifyingContract string `json:"verifyingContract,omitempty"`
}

// maxSafeInteger is JavaScript's Number.MAX_SAFE_INTEGER.
const maxSafeInteger = 1<<53 - 1

// TypedData returns the object that a wallet signs for a transaction. Its EIP-712 hash is Hash(d, t).SafeTx.
func TypedData(d Domain, t Tx) TypedDocument {
	fields := safeTxFields(d.Version)
	return TypedDocument{
		Types:       map[string][]TypedField{"EIP712Domain": domainFields(d.Version), "SafeTx": fields},
		PrimaryType: "SafeTx",
		Domain:      typedDomain(d),
		Message: map[string]string{
			"to":             t.To.Hex(),
			"value":          t.Value.Dec(),
			"data":           hexutil.Encode(t.Data),
			"operation":      strconv.Itoa(int(t.Operation)),
			"safeTxGas":      t.SafeTxGas.Dec(),
			fields[5].Name:   t.BaseGas.Dec(),
			"gasPrice":       t.GasPrice.Dec(),
			"gasToken":       t.GasToken.Hex(),
			"refundReceiver": t.RefundReceiver.Hex(),
			"nonce":          strconv.FormatUint(t.Nonce, 10),
		},
	}
}

// MessageTypedData returns the object that an owner of the Safe d signs so that this Safe vouches for message.
// Its EIP-712 hash is HashMessage(d, message).SafeTx.
func MessageTypedData(d Domain, message []byte) TypedDocument {
	return TypedDocument{
		Types: map[string][]TypedField{
			"EIP712Domain": domainFields(d.Version),
			"SafeMessage":  {{"message", "bytes"}},
		},
		PrimaryType: "SafeMessage",
		Domain:      typedDomain(d),
		Message:     map[string]string{"message": hexutil.Encode(message)},
	}
}

func typedDomain(d Domain) TypedDomain {
	domain := TypedDomain{VerifyingContract: d.Safe.Hex()}
	switch {
	case !d.Version.BindsChain():
	case d.ChainID > maxSafeInteger:
		domain.ChainID = strconv.FormatUint(d.ChainID, 10)
	default:
		domain.ChainID = d.ChainID
	}
	return domain
}

func domainFields(v Version) []TypedField {
	if !v.BindsChain() {
		return []TypedField{{"verifyingContract", "address"}}
	}
	return []TypedField{{"chainId", "uint256"}, {"verifyingContract", "address"}}
}

func safeTxFields(v Version) []TypedField {
	baseGas := "baseGas"
	if v.Less(V1_0_0) {
		baseGas = "dataGas"
	}
	return []TypedField{
		{"to", "address"},
		{"value", "uint256"},
		{"data", "bytes"},
		{"operation", "uint8"},
		{"safeTxGas", "uint256"},
		{baseGas, "uint256"},
		{"gasPrice", "uint256"},
		{"gasToken", "address"},
		{"refundReceiver", "address"},
		{"nonce", "uint256"},
	}
}
