package safe_test

import (
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"belay/safe"
)

// TestPlainTextIsWhatTheCheckingToolPrints: the example of safe-tx-hashes-util's README, an addOwnerWithThreshold on Arbitrum.
func TestPlainTextIsWhatTheCheckingToolPrints(t *testing.T) {
	multisig := common.HexToAddress("0x111CEEee040739fD91D29C34C33E6B3E112F2177")
	data := "0x0d582f130000000000000000000000000c75fa5a5f1c0997e3eea425cfa13184ed0ec9e50000000000000000000000000000000000000000000000000000000000000003"
	text := safe.PlainText("arbitrum", safe.Domain{ChainID: 42161, Safe: multisig, Version: safe.V1_3_0}, safe.Tx{To: multisig, Data: hexutil.MustDecode(data), Nonce: 234})
	zeros := strings.Repeat("0", 64)
	want := `===================================
= Selected Network Configurations =
===================================

Network: arbitrum
Chain ID: 42161

========================================
= Transaction Data and Computed Hashes =
========================================

> Transaction Data:
Multisig address: 0x111CEEee040739fD91D29C34C33E6B3E112F2177
To: 0x111CEEee040739fD91D29C34C33E6B3E112F2177
Value: 0
Data: ` + data + `
Operation: Call
Safe Transaction Gas: 0
Base Gas: 0
Gas Price: 0
Gas Token: 0x0000000000000000000000000000000000000000
Refund Receiver: 0x0000000000000000000000000000000000000000
Nonce: 234
Encoded message: 0xbb8310d486368db6bd6f849402fdd73ad53d316b5a4b2644ad6efe0f941286d8000000000000000000000000111ceeee040739fd91d29c34c33e6b3e112f2177` +
		zeros + `b34f85cea7c4d9f384d502fc86474cd71ff27a674d785ebd23a4387871b8cbfe` + strings.Repeat(zeros, 6) + strings.Repeat("0", 62) + `ea

> Hashes:
Domain hash: 0x1CF7F9B1EFE3BC47FE02FD27C649FEA19E79D66040683A1C86C7490C80BF7291
Message hash: 0xD9109EA63C50ECD3B80B6B27ED5C5A9FD3D546C2169DFB69BFA7BA24CD14C7A5
Safe transaction hash: 0x0cb7250b8becd7069223c54e2839feaed4cee156363fbfe5dd0a48e75c4e25b3
`
	if text != want {
		t.Errorf("the text is\n%s\nwant\n%s", text, want)
	}
}

func TestPlainTextTellsWhichDelegatecallIsExpected(t *testing.T) {
	d := safe.Domain{ChainID: 1, Safe: common.HexToAddress("0x111CEEee040739fD91D29C34C33E6B3E112F2177"), Version: safe.V1_4_1}
	for to, want := range map[string]string{
		"0x9641d764fc13c8B624c04430C7356C1C7C8102e2": "Operation: Delegatecall (trusted delegatecall)\n",  // MultiSendCallOnly 1.4.1
		"0x38869bf66a61cF6bDB996A6aE40D5853Fd43B526": "Operation: Delegatecall (UNTRUSTED delegatecall; ", // MultiSend 1.4.1 lets a batch delegatecall
	} {
		if text := safe.PlainText("ethereum", d, safe.Tx{To: common.HexToAddress(to), Operation: safe.OperationDelegateCall}); !strings.Contains(text, want) {
			t.Errorf("%s: the text is\n%s", to, text)
		}
	}
	if text := safe.PlainText("ethereum", d, safe.Tx{Operation: 2}); !strings.Contains(text, "Operation: Unknown\n") {
		t.Errorf("for operation 2 the text is\n%s", text)
	}
}
