package store

import (
	"errors"
	"testing"

	"belay/governance"

	"go.etcd.io/bbolt"
)

func TestReadersThatShareAProposalDoNotSeeEachOther(t *testing.T) {
	s := newStore(t)
	commit(t, s, proposing(1))
	one, err := s.Proposal("P-1")
	must(t, err)
	two, err := s.Proposal("P-1")
	must(t, err)
	before := len(two.SafeTxs)
	one.SafeTxs = append(one.SafeTxs, governance.SafeTx{State: governance.TxDead})
	two.SafeTxs = append(two.SafeTxs, governance.SafeTx{State: governance.TxFinal})
	if one.SafeTxs[before].State == two.SafeTxs[before].State {
		t.Error("two readers appended into the same memory")
	}
	if three, err := s.Proposal("P-1"); err != nil || len(three.SafeTxs) != before {
		t.Errorf("a third reader sees %d transactions, %v", len(three.SafeTxs), err)
	}
}

func TestReadersThatShareAProposalDoNotSeeEachOtherInItsDepth(t *testing.T) {
	s := newStore(t)
	r := proposing(1)
	r.State.SafeTxs[0].Confirmations = []governance.Confirmation{{Member: "alice"}, {Member: "bob"}, {Member: "carol"}} // decoded with room for a fourth
	commit(t, s, r)
	one, err := s.Proposal("P-1")
	must(t, err)
	two, err := s.Proposal("P-1")
	must(t, err)
	dave := append(one.SafeTxs[0].Confirmations, governance.Confirmation{Member: "dave"})
	erin := append(two.SafeTxs[0].Confirmations, governance.Confirmation{Member: "erin"})
	if dave[3].Member != "dave" || erin[3].Member != "erin" {
		t.Errorf("two readers appended into the same memory: %s and %s", dave[3].Member, erin[3].Member)
	}
}

func TestAReadAfterACommitGivesWhatWasCommitted(t *testing.T) {
	s := newStore(t)
	commit(t, s, proposing(1))
	p, err := s.Proposal("P-1")
	must(t, err)
	r := after(p, governance.EventConfirmed)
	commit(t, s, r)
	if now, err := s.Proposal("P-1"); err != nil || now.Version != r.State.Version {
		t.Errorf("version %d after a commit of version %d, %v", now.Version, r.State.Version, err)
	}
}

func TestTheMemoIsBounded(t *testing.T) {
	s := newStore(t)
	for n := range uint64(memoSize + 10) {
		commit(t, s, proposing(n+1))
		_, err := s.Proposal(idOf(n + 1))
		must(t, err)
	}
	if n := len(s.memo.known); n > memoSize {
		t.Errorf("%d proposals are remembered, at most %d", n, memoSize)
	}
	if p, err := s.Proposal("P-1"); err != nil || p.ID != "P-1" {
		t.Errorf("P-1 reads as %q, %v", p.ID, err)
	}
}

// TestAStateThatCannotBeReadIsAnError, each time: nothing of it is remembered as if it were a proposal.
func TestAStateThatCannotBeReadIsAnError(t *testing.T) {
	s := newStore(t)
	commit(t, s, proposing(1))
	for name, stored := range map[string][]byte{
		"cut in its JSON": append(numberKey(1), `{"id":"P-1"`...), "without JSON": numberKey(1), "cut in its version": {0, 0, 1}, "empty": {},
	} {
		must(t, s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketProposals).Put(numberKey(1), stored) }))
		for range 2 {
			_, err := s.Proposal("P-1")
			wantError(t, err, ErrDamaged)
		}
		if _, err := s.Proposals("", 10); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: listed with %v", name, err)
		}
	}
}
