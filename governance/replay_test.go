package governance_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"belay/governance"
	"belay/safe"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"
)

// TestReplayGivesTheStoredProposal plays random lives. After each step the JSON of state and log, as the store keeps them,
// replays to the same state, and no law is broken.
func TestReplayGivesTheStoredProposal(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		kind := rapid.SampledFrom([]governance.Kind{governance.KindPause, governance.KindParameter}).Draw(r, "kind")
		via := kind != governance.KindPause && rapid.Bool().Draw(r, "via")
		anyone := rapid.Bool().Draw(r, "anyone may execute")
		spares := 0
		if kind == governance.KindPause {
			spares = rapid.IntRange(0, 1).Draw(r, "spares")
		}
		s := proposed(t, kind, spares, via)
		if via {
			s = &tale{t: t, now: start, p: governance.Proposal{ID: "P-1"}}
			draft := drafted(kind, spares, via)
			draft.Timelock.AnyoneMay = anyone
			s.does(governance.Propose{Draft: draft})
		}
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			in := s.randomInput(r)
			if err := s.tries(in); err != nil && isFact(in) {
				r.Fatalf("the fact %T is refused in %s: %v", in, s.p.State, err)
			}
			s.holds(r)
		}
	})
}

func (s *tale) randomInput(r *rapid.T) governance.Input {
	tx := rapid.IntRange(0, len(s.p.SafeTxs)-1).Draw(r, "tx")
	switch rapid.IntRange(0, 16).Draw(r, "input") {
	case 0, 1, 2:
		return s.yes(tx, rapid.IntRange(0, 2).Draw(r, "owner"))
	case 3:
		return seen(7+rapid.Uint64Range(0, 2).Draw(r, "nonce"), 101+uint64(len(s.events)), rapid.IntRange(1, 3).Draw(r, "threshold"), owners...)
	case 4:
		return s.ran(tx, rapid.Bool().Draw(r, "success"), 101+rapid.Uint64Range(0, 3).Draw(r, "block"))
	case 5:
		if len(s.p.Transactions) > 0 {
			return governance.Final{Transaction: rapid.SampledFrom(s.p.Transactions).Draw(r, "final")}
		}
	case 6:
		if len(s.p.Transactions) > 0 {
			return governance.Gone{Transaction: rapid.SampledFrom(s.p.Transactions).Draw(r, "gone")}
		}
	case 7:
		return governance.NonceTaken{SafeTxHash: s.p.SafeTxs[tx].Hashes.SafeTx}
	case 8:
		seen := window(rapid.SampledFrom([]governance.OperationState{"unset", "waiting", "ready", "canceled", "unknown", "blocked", "expired", "done"}).Draw(r, "window"))
		seen.Final = rapid.Bool().Draw(r, "window final")
		return seen
	case 9:
		return s.reads(rapid.SampledFrom([]string{"true", "false", ""}).Draw(r, "proof"))
	case 10:
		return governance.Withdraw{Member: rapid.SampledFrom([]string{"alice", "bob"}).Draw(r, "member")}
	case 11:
		return governance.OperationRun{Transaction: governance.Transaction{TxHash: common.Hash{43}, Block: safe.Block{Number: 120}}}
	case 12:
		next := s.p.SafeTxs[tx]
		next.State, next.Tx.Nonce, next.Confirmations = governance.TxAsking, rapid.Uint64Range(7, 10).Draw(r, "next nonce"), []governance.Confirmation{}
		if s.p.State == governance.StateReady {
			next.Purpose = governance.PurposeExecute
		}
		next.Rule, next.Hashes = s.p.Safe.Version, safe.Hash(s.p.Safe.Domain(), next.Tx)
		return governance.Rebuilt{SafeTxs: []governance.SafeTx{next}, Why: "asked again"}
	case 13:
		return governance.Sent{Transaction: governance.Transaction{TxHash: common.Hash{42}, Role: s.p.SafeTxs[tx].Purpose, SafeTxHash: s.p.SafeTxs[tx].Hashes.SafeTx}}
	case 14:
		s.now = s.now.Add(20 * time.Hour)
	case 15:
		return runsCode(rapid.SampledFrom([]safe.Version{safe.V1_1_1, safe.V1_3_0, safe.V1_4_1}).Draw(r, "version"), 101+uint64(len(s.events)), rapid.SampledFrom([]safe.Verification{safe.VerifiedByAddress, safe.VerifiedByProvider}).Draw(r, "verified"))
	}
	return governance.Tick{}
}

func (s *tale) holds(r *rapid.T) {
	log, err := json.Marshal(s.events)
	if err != nil {
		r.Fatal(err)
	}
	var stored []governance.Event
	if err := json.Unmarshal(log, &stored); err != nil {
		r.Fatal(err)
	}
	replayed := governance.Proposal{ID: "P-1"}
	for _, e := range stored {
		replayed = governance.Apply(replayed, e)
	}
	want, _ := json.Marshal(s.p)
	got, _ := json.Marshal(replayed)
	if !reflect.DeepEqual(got, want) {
		r.Fatalf("the log replays to\n%s\nand the state is\n%s", got, want)
	}
	p := s.p
	if p.Version != uint64(len(s.events)) {
		r.Fatalf("version %d after %d events", p.Version, len(s.events))
	}
	if a := p.Active(); p.State == governance.StateApproved && a.State == governance.TxApproved && p.Yes(a) < p.Threshold {
		r.Fatalf("approved with %d of %d", p.Yes(a), p.Threshold)
	}
	if a := p.Active(); p.State == governance.StateApproved && a.State != governance.TxApproved && a.State != governance.TxMined && a.State != governance.TxFinal {
		r.Fatalf("approved, and its SafeTx is %s", a.State)
	}
	s.staysInTheTable(r)
	if e := p.Effect(); p.State == governance.StateExecuted && (e == nil || e.Status != governance.TxStatusFinal || slices.ContainsFunc(p.Postconditions, func(c governance.Postcondition) bool { return !c.OK })) {
		r.Fatalf("executed, while the effect is %+v and the proof %+v", e, p.Postconditions)
	}
	if p.Sendable() && (p.Yes(p.Active()) < p.Threshold || p.Effect() != nil) {
		r.Fatalf("to be sent with %d of %d, effect %+v", p.Yes(p.Active()), p.Threshold, p.Effect())
	}
	if p.State.Ended() == p.EndedAt.IsZero() {
		r.Fatalf("%s since %v", p.State, p.EndedAt)
	}
	signed := slices.ContainsFunc(p.SafeTxs, func(t governance.SafeTx) bool { return len(t.Confirmations) > 0 })
	if p.Kind.Emergency() && (p.State == governance.StateSuperseded || p.State == governance.StateCanceled && signed && !slices.ContainsFunc(s.events, func(e governance.Event) bool { return e.Type == governance.EventWithdrawn })) {
		r.Fatalf("an emergency ended as %s", p.State)
	}
}

// staysInTheTable checks every step of the log against the table: the event was legal, and led where the table says.
func (s *tale) staysInTheTable(r *rapid.T) {
	p := governance.Proposal{ID: "P-1"}
	for _, e := range s.events {
		from := p.State
		p = governance.Apply(p, e)
		if !slices.Contains(governance.Table()[from][e.Type], p.State) {
			r.Fatalf("%q led from %q to %q, which the table does not know", e.Type, from, p.State)
		}
	}
}

// isFact tells what a chain or a clock reports from what people ask for.
func isFact(in governance.Input) bool {
	switch in.(type) {
	case governance.Propose, governance.Confirm, governance.Speak, governance.Withdraw, governance.Extend, governance.Disclose, governance.Release:
		return false
	}
	return true
}
