package safe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"
)

// ErrNotSafeTx says that a document is not the typed data of a Safe transaction; the wrapping text says why.
var ErrNotSafeTx = errors.New("not the typed data of a Safe transaction")

// MaxTypedData bounds a typed-data document, in bytes: a transaction cannot hold more calldata than a block takes.
const MaxTypedData = 1 << 20

// ReadTypedData reads the object of eth_signTypedData_v4 for a Safe transaction, as a wallet was given it or shows it. The
// domain's version is the oldest with this hash rule, because the document does not tell more; all with the same rule have
// the same hashes. It is strict: types other than a Safe's, missing or unknown members, numbers that do not fit, and
// addresses with a wrong checksum are refused, so that what is read has exactly the hash that a wallet computes.
func ReadTypedData(document []byte) (Domain, Tx, error) {
	raw, err := typedParts(document)
	if err != nil {
		return Domain{}, Tx{}, err
	}
	if raw.primaryType != "SafeTx" {
		return Domain{}, Tx{}, notSafeTx("its primary type is %q, not SafeTx", Printable(raw.primaryType, 40))
	}
	version, err := familyOf(raw.types, raw.domain)
	if err != nil {
		return Domain{}, Tx{}, err
	}
	domain := members{of: "domain", values: raw.domain}
	d := Domain{Version: version, Safe: domain.address("verifyingContract")}
	if version.BindsChain() {
		d.ChainID = domain.uint64("chainId")
	}
	message := members{of: "message", values: raw.message}
	t := Tx{
		To: message.address("to"), Value: message.number("value"), Data: message.bytes("data"), Operation: Operation(message.small("operation")),
		SafeTxGas: message.number("safeTxGas"), BaseGas: message.number(safeTxFields(version)[5].Name), GasPrice: message.number("gasPrice"),
		GasToken: message.address("gasToken"), RefundReceiver: message.address("refundReceiver"), Nonce: message.uint64("nonce"),
	}
	if err := errors.Join(domain.whole(), message.whole()); err != nil {
		return Domain{}, Tx{}, err
	}
	return d, t, nil
}

func notSafeTx(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotSafeTx, fmt.Sprintf(format, args...))
}

// typedParts splits a document into its four members. Maps are used throughout, never structs: encoding/json would let a
// member "Message" stand in for "message", which a wallet does not.
func typedParts(document []byte) (parts struct {
	types           map[string][]TypedField
	primaryType     string
	domain, message map[string]any
}, err error) {
	if len(document) > MaxTypedData {
		return parts, notSafeTx("it has more than %d bytes", MaxTypedData)
	}
	var top map[string]json.RawMessage
	if err := decodeOne(document, &top); err != nil {
		return parts, notSafeTx("it is no JSON object: %v", err)
	}
	if len(top) != 4 {
		return parts, notSafeTx("it has %d members; types, primaryType, domain and message are all that a wallet reads", len(top))
	}
	var types map[string][]map[string]string
	for name, into := range map[string]any{"types": &types, "primaryType": &parts.primaryType, "domain": &parts.domain, "message": &parts.message} {
		value, ok := top[name]
		if !ok {
			return parts, notSafeTx("it has no %s", name)
		}
		if err := decodeOne(value, into); err != nil {
			return parts, notSafeTx("its %s: %v", name, err)
		}
	}
	parts.types = map[string][]TypedField{}
	for name, fields := range types {
		parts.types[name] = []TypedField{}
		for _, f := range fields {
			parts.types[name] = append(parts.types[name], TypedField{f["name"], f["type"]})
		}
	}
	return parts, nil
}

// decodeOne reads one JSON value with nothing behind it. Numbers keep their text.
func decodeOne(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind it")
	}
	return nil
}

// familyOf finds the hash rule by the types: the oldest version that has them. Without EIP712Domain among them wallets differ in
// what they sign.
func familyOf(types map[string][]TypedField, domain map[string]any) (Version, error) {
	for name := range types {
		if name != "SafeTx" && name != "EIP712Domain" {
			return Version{}, notSafeTx("it has a type %q", Printable(name, 40))
		}
	}
	_, bindsChain := domain["chainId"]
	for _, v := range []Version{V0_1_0, V1_0_0, V1_3_0} {
		sameDomain := v.BindsChain() == bindsChain && slices.Equal(types["EIP712Domain"], domainFields(v))
		if sameDomain && slices.Equal(types["SafeTx"], safeTxFields(v)) {
			return v, nil
		}
	}
	return Version{}, notSafeTx("its types are not those of any Safe version")
}

// members reads values by name and keeps the first problem.
type members struct {
	of     string
	values map[string]any
	read   int
	err    error
}

func (m *members) fail(name, want string) {
	if m.err == nil {
		m.err = notSafeTx("%s.%s is %s", m.of, name, want)
	}
}

// text takes what is written as text or as a number.
func (m *members) text(name string) string {
	value, ok := m.values[name]
	if !ok {
		m.fail(name, "missing")
		return ""
	}
	m.read++
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		if n, err := strconv.ParseUint(v.String(), 10, 64); err == nil && n > maxSafeInteger {
			m.fail(name, "a number that JavaScript cannot hold exactly: a wallet would read another one")
		}
		return v.String()
	}
	m.fail(name, "neither text nor a number")
	return ""
}

func (m *members) number(name string) (n uint256.Int) {
	text := m.text(name)
	var err error
	if digits, hex := strings.CutPrefix(text, "0x"); hex {
		// Leading zeros are what some wallets write, and change nothing.
		err = n.SetFromHex("0x" + cmpOrZero(strings.TrimLeft(digits, "0")))
	} else if err = n.SetFromDecimal(text); err == nil && text != n.Dec() {
		err = ErrNotSafeTx
	}
	if err != nil {
		m.fail(name, "not a whole number below 2^256")
		return uint256.Int{}
	}
	return n
}

func cmpOrZero(digits string) string {
	if digits == "" {
		return "0"
	}
	return digits
}

func (m *members) uint64(name string) uint64 {
	n := m.number(name)
	if !n.IsUint64() {
		m.fail(name, "not a number below 2^64")
	}
	return n.Uint64()
}

func (m *members) small(name string) uint8 {
	n := m.number(name)
	if !n.LtUint64(256) {
		m.fail(name, "not a number below 256")
	}
	return uint8(n.Uint64()) //nolint:gosec // checked above; otherwise refused
}

func (m *members) address(name string) common.Address {
	text := m.text(name)
	if len(text) != 42 || !strings.HasPrefix(text, "0x") || !common.IsHexAddress(text) {
		m.fail(name, "not an address of 0x and 40 hex digits")
		return common.Address{}
	}
	a := common.HexToAddress(text)
	if digits := text[2:]; digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && text != a.Hex() {
		m.fail(name, "an address with a wrong checksum (EIP-55)")
	}
	return a
}

func (m *members) bytes(name string) []byte {
	text := m.text(name)
	if text == "0x" || text == "" {
		return nil
	}
	b, err := hexutil.Decode(text)
	if err != nil || !strings.HasPrefix(text, "0x") {
		m.fail(name, "not 0x and an even number of hex digits")
	}
	return b
}

// whole is the first problem, or that there are members which nobody asked for.
func (m *members) whole() error {
	if m.err == nil && m.read != len(m.values) {
		return notSafeTx("its %s has %s members, %s are a Safe's", m.of, strconv.Itoa(len(m.values)), strconv.Itoa(m.read))
	}
	return m.err
}
