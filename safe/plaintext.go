package safe

import (
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// PlainText lists a transaction and its hashes as the public checking tools print them, so that a second person can put the
// two texts side by side: the labels, the order and the letter case are those of safe_hashes.sh
// (https://github.com/pcaversaccio/safe-tx-hashes-util), which prints domain and message hash in upper case, as Ledger
// devices do. network is the chain's name there ("ethereum", "arbitrum", …) or any other name.
func PlainText(network string, d Domain, t Tx) string {
	var b strings.Builder
	title := func(text string) {
		rule := strings.Repeat("=", len(text)+4)
		fmt.Fprintf(&b, "%s\n= %s =\n%s\n\n", rule, text, rule)
	}
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, label+": "+format+"\n", args...)
	}
	title("Selected Network Configurations")
	line("Network", "%s", network)
	line("Chain ID", "%d\n", d.ChainID)
	title("Transaction Data and Computed Hashes")
	b.WriteString("> Transaction Data:\n")
	line("Multisig address", "%s", d.Safe.Hex())
	line("To", "%s", t.To.Hex())
	line("Value", "%s", t.Value.Dec())
	line("Data", "%s", hexutil.Encode(t.Data))
	line("Operation", "%s", operationWords(t))
	line("Safe Transaction Gas", "%s", t.SafeTxGas.Dec())
	line("Base Gas", "%s", t.BaseGas.Dec())
	line("Gas Price", "%s", t.GasPrice.Dec())
	line("Gas Token", "%s", t.GasToken.Hex())
	line("Refund Receiver", "%s", t.RefundReceiver.Hex())
	line("Nonce", "%d", t.Nonce)
	encoded := t.encoded(d.Version)
	line("Encoded message", "%s\n", hexutil.Encode(encoded[:]))
	hashes := Hash(d, t)
	b.WriteString("> Hashes:\n")
	line("Domain hash", "0x%X", hashes.Domain[:])
	line("Message hash", "0x%X", hashes.Message[:])
	line("Safe transaction hash", "%s", hashes.SafeTx.Hex())
	return b.String()
}

func operationWords(t Tx) string {
	switch {
	case t.Operation == OperationCall:
		return "Call"
	case t.Operation == OperationDelegateCall && IsMultiSendCallOnly(t.To):
		return "Delegatecall (trusted delegatecall)"
	case t.Operation == OperationDelegateCall:
		return "Delegatecall (UNTRUSTED delegatecall; carefully verify before proceeding!)"
	}
	return "Unknown"
}
