package main

import (
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"
)

// TestTheTerminalShowsWhatACardShows: whose turn it is and until when, every hash that can be signed, and where each transaction is.
func TestTheTerminalShowsWhatACardShows(t *testing.T) {
	opens := "2026-11-22T00:00:00Z"
	v := governance.View{ID: "P-1", State: governance.StateProposed, Title: "Pause USDC", Status: "Needs 1 more", ExpiresAt: "2026-11-21T02:00:00Z",
		Safe: governance.SafeView{Name: "guardian", Version: "1.4.1", VerifiedBy: governance.VerifiedUnread}, SafeTxHash: "0xaa", Threshold: 2,
		Owners: []string{"0x01", "0x02", "0x03"}, OwnerNames: map[string]string{"0x01": "alice", "0x02": "bob"},
		Confirmations: []governance.ConfirmationView{{Owner: "0x01", Member: "alice", Kind: "ecdsa"}},
		SafeTxs: []governance.SafeTxView{{Purpose: governance.PurposeDirect, SafeTxHash: "0xaa"},
			{Purpose: governance.PurposeSpare, State: governance.TxAsking, Nonce: 8, SafeTxHash: "0xbb", MessageHash: "0xcc", CheckWords: "raze kaba",
				Confirmations: []governance.ConfirmationView{{Owner: "0x02", Member: "bob", Kind: "eip1271"}}}},
		Timelock:     &governance.TimelockView{Name: "core", Address: "0x09", State: governance.OperationWaiting, OpensAt: &opens},
		Transactions: []governance.TransactionView{{Role: governance.PurposeSchedule, TxHash: "0xdd", Status: governance.TxStatusMined, Block: 101}},
	}
	for _, want := range []string{"Next: 1 of bob, another owner: review and sign\n", "Asks until 2026-11-21T02:00:00Z\n", "version 1.4.1, by one provider's word: its code was not looked at\n",
		"0x02 bob has not signed\n", "0x03 has not signed\n", "Spare        nonce 8, proposed, signed 1 of 2\n", "safeTxHash   0xbb\n", "check words  raze kaba\n", "0x02 bob (eip1271",
		"core 0x09: waiting, opens 2026-11-22T00:00:00Z\n", "schedule 0xdd mined in block 101\n"} {
		if text := proposalText(v); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	v.State, v.Safe.VerifiedBy = governance.StateExecuted, string(safe.VerifiedByAddress)
	if text := proposalText(v); strings.Contains(text, "Next:") || strings.Contains(text, "has not signed") || strings.Contains(text, "Asks until") || !strings.Contains(text, "a published Safe contract") {
		t.Errorf("what has ended asks on:\n%s", text)
	}
}
