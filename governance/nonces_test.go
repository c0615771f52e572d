package governance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
)

// at makes a proposal with one SafeTx at each nonce given.
func at(id string, state governance.State, txState governance.SafeTxState, signatures int, nonces ...uint64) governance.Proposal {
	p := drafted(governance.KindParameter, 0, false)
	t := p.SafeTxs[0]
	p.ID, p.State, p.SafeTxs = id, state, nil
	for i, n := range nonces {
		t.State, t.Tx.Nonce, t.Confirmations = txState, n, nil
		if i > 0 {
			t.Purpose = governance.PurposeSpare
		}
		t.Hashes = safe.Hash(p.Safe.Domain(), t.Tx)
		for s := range signatures {
			t.Confirmations = append(t.Confirmations, governance.Confirmation{Owner: owners[s]})
		}
		p.SafeTxs = append(p.SafeTxs, t)
	}
	return p
}

func mapped(nonce uint64, known ...governance.Proposal) (governance.NonceMap, string) {
	m := governance.NewNonceMap(drafted(governance.KindParameter, 0, false).Safe, nonce, 100, known)
	var lines []string
	for _, place := range m.Nonces {
		lines = append(lines, string(rune('0'+place.Nonce))+" "+string(place.State)+": "+place.Text)
	}
	return m, strings.Join(lines, "\n")
}

// TestTheNonceMapTellsASpareFromWhatItStandsInFor: two lines of one proposal are never the same.
func TestTheNonceMapTellsASpareFromWhatItStandsInFor(t *testing.T) {
	asks, ended := at("P-3", governance.StateProposed, governance.TxAsking, 1, 7, 8), at("P-4", governance.StateExpired, governance.TxAsking, 1, 6, 7)
	ran := at("P-1", governance.StateExecuted, governance.TxFinal, 2, 4, 5)
	ran.OpenedNonce, ran.SafeTxs[0].State = 4, governance.TxDead
	for _, c := range []struct {
		name  string
		known []governance.Proposal
		nonce uint64
		want  string
	}{
		{"asks", []governance.Proposal{asks}, 7, "7 open: P-3 stands here, with 1 of 2 signatures.\n8 open: A spare of P-3 stands here, with 1 of 2 signatures."},
		{"ended", []governance.Proposal{ended}, 7, "7 loaded: A spare of P-4 has ended, but 1 of 2 signatures over it still count; void P-4 to make it harmless."},
		{"contested", []governance.Proposal{asks, ended}, 7, "7 contested: P-3 and a spare of P-4 stand here: the first that is executed takes the nonce from the others.\n8 open: A spare of P-3 stands here, with 1 of 2 signatures."},
		{"ran", []governance.Proposal{ran}, 6, "4 foreign: Used by a transaction that no proposal asked for; P-1 stood there.\n5 used: Used by a spare of P-1."},
	} {
		if _, got := mapped(c.nonce, c.known...); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestTheNonceMapTellsWhatStandsWhere(t *testing.T) {
	ran := at("P-1", governance.StateExecuted, governance.TxFinal, 2, 5)
	ran.OpenedNonce = 5
	ran.Transactions = []governance.Transaction{{SafeTxHash: ran.SafeTxs[0].Hashes.SafeTx, TxHash: common.Hash{42}, Status: governance.TxStatusFinal}}
	displaced := at("P-2", governance.StateSuperseded, governance.TxDead, 1, 6)
	displaced.SafeTxs[0].UsedBy = common.Hash{66}
	for _, c := range []struct {
		name  string
		nonce uint64
		known []governance.Proposal
		free  uint64
		want  string
	}{
		{"nothing", 7, nil, 7, ""},
		{"what ran and what was taken", 7, []governance.Proposal{ran, displaced}, 7,
			"5 used: Used by P-1.\n6 foreign: Used by a transaction that no proposal asked for; P-2 stood there."},
		{"one that asks", 7, []governance.Proposal{at("P-3", governance.StateProposed, governance.TxAsking, 1, 7)}, 8, "7 open: P-3 stands here, with 1 of 2 signatures."},
		{"rivals", 7, []governance.Proposal{at("P-3", governance.StateProposed, governance.TxAsking, 1, 7), at("P-4", governance.StateProposed, governance.TxAsking, 0, 7, 8)}, 9,
			"7 contested: P-3 and P-4 stand here: the first that is executed takes the nonce from the others.\n8 open: A spare of P-4 stands here, with 0 of 2 signatures."},
		{"an ended one with signatures", 7, []governance.Proposal{at("P-3", governance.StateCanceled, governance.TxApproved, 2, 7)}, 7,
			"7 loaded: P-3 has ended, but 2 of 2 signatures over it still count; void P-3 to make it harmless."},
		{"a gap where something stood", 7, []governance.Proposal{at("P-3", governance.StateCanceled, governance.TxAsking, 0, 7), at("P-4", governance.StateProposed, governance.TxAsking, 0, 8), at("P-5", governance.StateProposed, governance.TxAsking, 0, 9)}, 7,
			"7 gap: Nothing stands here, and what is behind it waits. Void P-3, which uses it up. Rebuild P-4, which asks for it again at this nonce; what is proposed next takes it, too.\n" +
				"8 open: P-4 stands here, with 0 of 2 signatures.\n9 open: P-5 stands here, with 0 of 2 signatures."},
		{"a gap where nothing ever stood", 7, []governance.Proposal{at("P-4", governance.StateProposed, governance.TxAsking, 0, 8)}, 7,
			"7 gap: Nothing stands here, and what is behind it waits. Rebuild P-4, which asks for it again at this nonce; what is proposed next takes it, too.\n8 open: P-4 stands here, with 0 of 2 signatures."},
	} {
		m, text := mapped(c.nonce, c.known...)
		if text != c.want || m.Free != c.free || m.Nonce != c.nonce {
			t.Errorf("%s: next free %d, want %d\n%s\nwant\n%s", c.name, m.Free, c.free, text, c.want)
		}
	}
	if m, _ := mapped(7, ran, displaced); m.Nonces[0].UsedBy != (common.Hash{42}).Hex() || m.Nonces[1].UsedBy != (common.Hash{66}).Hex() {
		t.Errorf("the transactions are %+v", m.Nonces)
	}
}

// TestTheNonceMapIsOfOneSafe: another Safe, or the same address on another chain, has its own nonces.
func TestTheNonceMapIsOfOneSafe(t *testing.T) {
	elsewhere := at("P-8", governance.StateProposed, governance.TxAsking, 0, 7)
	elsewhere.Safe.ChainID = 10
	other := at("P-9", governance.StateProposed, governance.TxAsking, 0, 7)
	other.Safe.Address = common.Address{77}
	m, text := mapped(7, elsewhere, other)
	if text != "" || m.Free != 7 {
		t.Errorf("next free %d\n%s", m.Free, text)
	}
	if b, err := json.Marshal(m); err != nil || !strings.Contains(string(b), `"nonces":[]`) {
		t.Errorf("%s %v", b, err)
	}
}

// TestTheNonceMapReachesBackAFewNoncesOnly, however long the Safe is in use.
func TestTheNonceMapReachesBackAFewNoncesOnly(t *testing.T) {
	old := at("P-1", governance.StateExecuted, governance.TxFinal, 2, 0)
	old.OpenedNonce = 0
	m, _ := mapped(1000, old)
	if len(m.Nonces) != 5 || m.Nonces[0].Nonce != 995 || m.Nonces[0].State != governance.NonceForeign {
		t.Errorf("%+v", m.Nonces)
	}
}

func TestAGapIsFilledBeforeAnythingQueues(t *testing.T) {
	ref := drafted(governance.KindParameter, 0, false).Safe
	open := []governance.Proposal{at("P-3", governance.StateProposed, governance.TxAsking, 0, 7), at("P-4", governance.StateProposed, governance.TxAsking, 0, 9)}
	if n := governance.FreeNonce(7, ref, open); n != 8 {
		t.Errorf("the next free nonce is %d, want 8", n)
	}
	for nonce, want := range map[uint64]bool{6: true, 7: false, 8: true, 9: false, 10: false} {
		if got := governance.IsGap(nonce, ref, open); got != want {
			t.Errorf("nonce %d is a gap: %t", nonce, got)
		}
	}
}
