package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"belay/safe"
	"belay/safe/calldata"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/holiman/uint256"
	"github.com/spf13/cobra"
)

// hashInput is what is hashed, every field as text: the flags, or a JSON file with the same names in snake_case.
type hashInput struct {
	ChainID, Safe, SafeVersion, To, Value, Data, Operation, SafeTxGas, BaseGas, GasPrice, GasToken, RefundReceiver, Nonce jsonText
}

// fieldNames are the names in files; flags have hyphens.
var fieldNames = []string{"chain_id", "safe", "safe_version", "to", "value", "data", "operation", "safe_tx_gas", "base_gas", "gas_price", "gas_token", "refund_receiver", "nonce"}

// field is where a name's text goes; nil for a name that is none.
func (in *hashInput) field(name string) *jsonText {
	i := slices.Index(fieldNames, name)
	if i < 0 {
		return nil
	}
	return []*jsonText{&in.ChainID, &in.Safe, &in.SafeVersion, &in.To, &in.Value, &in.Data, &in.Operation, &in.SafeTxGas, &in.BaseGas, &in.GasPrice, &in.GasToken,
		&in.RefundReceiver, &in.Nonce}[i]
}

// plainInput has what may be left out.
func plainInput() hashInput {
	none := jsonText(common.Address{}.Hex())
	return hashInput{SafeVersion: "1.4.1", Value: "0", Data: "0x", Operation: "0", SafeTxGas: "0", BaseGas: "0", GasPrice: "0", GasToken: none, RefundReceiver: none}
}

// jsonText takes a JSON string or number as its text.
type jsonText string

func (t *jsonText) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*t = jsonText(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("want a string or a number, not %s", b)
	}
	*t = jsonText(n.String())
	return nil
}

func (p *program) hash() *cobra.Command {
	in := plainInput()
	file := ""
	c := &cobra.Command{Use: "hash", Short: "domain hash, message hash and safeTxHash of a Safe transaction, offline", Args: cobra.NoArgs,
		Long: "Computes what a wallet signs for a Safe transaction: domain hash, message hash, safeTxHash, and eight check words to read aloud. It asks nobody: run it on\n" +
			"another machine than the one that shows you the transaction. Without --file, --chain-id, --safe, --to and --nonce are required.",
		Example: "  belay hash --chain-id 1 --safe 0x… --to 0x… --data 0x8456cb59 --nonce 12\n  belay hash --file typed-data.json      # what a wallet was asked to sign\n" +
			"  belay hash --file batch.json --nonce 12 --safe-version 1.4.1"}
	f := c.Flags()
	for _, name := range fieldNames {
		field, flag := in.field(name), strings.ReplaceAll(name, "_", "-")
		f.StringVar((*string)(field), flag, string(*field), hashHelp[flag])
	}
	f.StringVar(&file, "file", "", fileHelp)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := besideFile(cmd, file, fieldNames); err != nil {
			return err
		}
		domain, tx, err := in.load(file)
		if err != nil {
			return usage(err)
		}
		h := safe.Hash(domain, tx)
		return p.print(map[string]string{"domain_hash": h.Domain.Hex(), "message_hash": h.Message.Hex(), "safe_tx_hash": h.SafeTx.Hex()},
			safe.PlainText(networkName(domain.ChainID), domain, tx)+"Check words: "+safe.CheckWords(h.SafeTx))
	}
	return c
}

// networkName is what the public checking tools call a chain, where that is known to everyone.
func networkName(chainID uint64) string {
	names := map[uint64]string{1: "ethereum", 10: "optimism", 56: "bsc", 100: "gnosis", 137: "polygon", 8453: "base", 42161: "arbitrum", 43114: "avalanche", 11155111: "sepolia"}
	if name, ok := names[chainID]; ok {
		return name
	}
	return fmt.Sprintf("chain %d", chainID)
}

const fileHelp = "a JSON object with these fields in snake_case, a proposal as the API gives it, the typed data that a wallet shows, or a batch of the Safe Transaction Builder"

var hashHelp = map[string]string{
	"chain-id": "chain id", "safe": "the Safe's address", "safe-version": "the Safe's version, as its VERSION() says", "to": "target",
	"value": "wei", "data": "calldata, 0x…", "operation": "0 call, 1 delegatecall", "safe-tx-gas": "gas units", "base-gas": "gas units",
	"gas-price": "wei", "gas-token": "address", "refund-receiver": "address", "nonce": "the Safe's nonce",
}

func (in *hashInput) parse() (safe.Domain, safe.Tx, error) {
	r := fieldReader{}
	domain := safe.Domain{ChainID: r.number("chain-id", in.ChainID), Safe: r.address("safe", in.Safe), Version: r.version(in.SafeVersion)}
	tx := safe.Tx{
		To: r.address("to", in.To), Value: r.uint256("value", in.Value), Data: r.bytes("data", in.Data), Operation: r.operation(in.Operation),
		SafeTxGas: r.uint256("safe-tx-gas", in.SafeTxGas), BaseGas: r.uint256("base-gas", in.BaseGas), GasPrice: r.uint256("gas-price", in.GasPrice),
		GasToken: r.address("gas-token", in.GasToken), RefundReceiver: r.address("refund-receiver", in.RefundReceiver), Nonce: r.number("nonce", in.Nonce),
	}
	return domain, tx, r.err
}

// fieldReader parses fields and keeps the first problem.
type fieldReader struct{ err error }

func (r *fieldReader) fail(name string, text jsonText, want string) {
	if r.err != nil {
		return
	}
	if text == "" {
		r.err = fmt.Errorf("--%s is missing: give %s", name, want)
		return
	}
	r.err = fmt.Errorf("--%s %q: give %s", name, string(text), want)
}

func (r *fieldReader) number(name string, text jsonText) uint64 {
	n := r.uint256(name, text)
	if !n.IsUint64() {
		r.fail(name, text, "a number below 2^64")
	}
	return n.Uint64()
}

func (r *fieldReader) uint256(name string, text jsonText) uint256.Int {
	var n uint256.Int
	var err error
	if strings.HasPrefix(string(text), "0x") {
		err = n.SetFromHex(string(text))
	} else {
		err = n.SetFromDecimal(string(text))
	}
	if err != nil || text == "" {
		r.fail(name, text, "a whole number, decimal or 0x…")
	}
	return n
}

func (r *fieldReader) address(name string, text jsonText) common.Address {
	a, err := calldata.ParseAddress(string(text))
	if err != nil {
		r.fail(name, text, "an address of 40 hex digits with a right checksum")
	}
	return a
}

func (r *fieldReader) bytes(name string, text jsonText) []byte {
	if text == "" || text == "0x" {
		return nil
	}
	b, err := hexutil.Decode(strings.ToLower(string(text)))
	if err != nil {
		r.fail(name, text, "0x and an even number of hex digits")
	}
	return b
}

func (r *fieldReader) version(text jsonText) safe.Version {
	v, err := safe.ParseVersion(string(text))
	if err != nil {
		r.fail("safe-version", text, "a released version between 0.1.0 and 1.5.0")
	}
	return v
}

// anyOperation takes what cannot be proposed, too: it is to be told what is wrong with it.
func (r *fieldReader) anyOperation(text jsonText) safe.Operation {
	n := r.uint256("operation", text)
	if !n.LtUint64(256) {
		r.fail("operation", text, "0 (call) or 1 (delegatecall)")
	}
	return safe.Operation(n.Uint64()) //nolint:gosec // checked above; otherwise refused
}

func (r *fieldReader) operation(text jsonText) safe.Operation {
	switch text {
	case "0":
		return safe.OperationCall
	case "1":
		return safe.OperationDelegateCall
	}
	r.fail("operation", text, "0 (call) or 1 (delegatecall)")
	return 0
}
