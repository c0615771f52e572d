package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"belay/governance"
	"belay/safe"
	"belay/store"

	"github.com/ethereum/go-ethereum/common"
)

// fillers write at once, so that they share the disk's syncs.
const fillers = 128

// day is when everything in a filled store happened.
var day = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// storeIn is the configuration of a store in a folder, as the store's benchmarks expect it too.
func storeIn(dir string) store.Config {
	return store.Config{Path: filepath.Join(dir, "belay.db"), LogKeyFile: filepath.Join(dir, "log.key")}
}

// fillEvents makes a store whose log holds so many events, forty a commit, of as many proposals as write at once.
func fillEvents(ctx context.Context, dir string, events int) error {
	const each = 40
	s, err := store.Open(storeIn(dir))
	if err != nil {
		return err
	}
	states := make([]governance.Proposal, fillers)
	err = inParallel(events/each, func(writer, _ int) error {
		p := &states[writer]
		r := proposing(writer+1, governance.StateProposed, governance.EventProposed)
		if p.Version > 0 {
			r = following(*p, governance.EventObjected)
		}
		for len(r.Events) < each {
			r.Events = append(r.Events, governance.Event{Type: governance.EventObjected, At: day, By: "bob", Text: "the feed is right"})
			r.State.Version++
		}
		*p = *r.State
		_, err := s.Commit(ctx, r)
		return err
	})
	return closed(s, err)
}

// open is how many proposals of a filled store are not ended, at every size: an organisation has few at a time, however many it had.
const open = 100

// fillProposals makes a store of so many proposals; all but the first are executed and final.
func fillProposals(ctx context.Context, dir string, proposals int) error {
	s, err := store.Open(storeIn(dir))
	if err != nil {
		return err
	}
	err = inParallel(proposals, func(_, i int) error {
		state := governance.StateExecuted
		events := []governance.EventType{governance.EventProposed, governance.EventExecuted}
		if i < open {
			state, events = governance.StateProposed, events[:1]
		}
		_, err := s.Commit(ctx, proposing(i+1, state, events...))
		return err
	})
	return closed(s, err)
}

func closed(s *store.Store, err error) error {
	if closing := s.Close(); err == nil {
		err = closing
	}
	return err
}

// inParallel works through 0 to n-1, in order but for who is faster, and stops at the first error.
func inParallel(n int, work func(writer, i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	for writer := range fillers {
		wg.Go(func() {
			for i := next.Add(1) - 1; int(i) < n && failed.Load() == nil; i = next.Add(1) - 1 {
				if err := work(writer, int(i)); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// proposing is the Record of a new proposal as it stands after events.
func proposing(n int, state governance.State, events ...governance.EventType) governance.Record {
	id := fmt.Sprintf("P-%d", n)
	tx := safe.Tx{To: common.Address{2}, Data: make([]byte, 68), Nonce: uint64(n)} //nolint:gosec // small
	p := governance.Proposal{ID: id, Version: uint64(len(events)), State: state, Kind: governance.KindPause, Playbook: "pause-reserve",
		Title: "Pause a reserve", Subject: "usdc", Params: map[string]string{"asset": "usdc"}, Target: "pause-reserve asset=usdc",
		Reason: "the oracle is off by 9 %", Proposer: "alice", CreatedAt: day, ExpiresAt: day.Add(24 * time.Hour),
		Safe:      governance.SafeRef{Name: "guardian", Chain: "ethereum", ChainID: 1, Address: common.Address{1}, Version: safe.V1_4_1},
		Intent:    []safe.Call{{To: tx.To, Data: tx.Data}},
		SafeTxs:   []governance.SafeTx{{Purpose: governance.PurposeDirect, State: governance.TxAsking, Tx: tx}},
		Owners:    []common.Address{common.Address{1}, common.Address{2}, common.Address{3}},
		Threshold: 2, SafeNonce: uint64(n)} //nolint:gosec // small
	p.SafeTxs[0].Hashes.SafeTx = sha256.Sum256([]byte(id)) // any hash: nobody asks what it is of
	if state == governance.StateExecuted {
		p.SafeTxs[0].State, p.EndedAt = governance.TxFinal, day.Add(time.Hour)
	}
	r := governance.Record{Proposal: id, State: &p}
	for _, e := range events {
		r.Events = append(r.Events, governance.Event{Type: e, At: day, By: "alice", Text: "the oracle is off by 9 %"})
	}
	return r
}

// following is the Record of one more event on a proposal.
func following(p governance.Proposal, e governance.EventType) governance.Record {
	before := p.Version
	p.Version++
	return governance.Record{Proposal: p.ID, Expect: before, State: &p, Events: []governance.Event{{Type: e, At: day, By: "bob"}}}
}

// confirming is the Record that is committed most: a confirmation with its signature and the cards to bring up to date.
func confirming(p governance.Proposal) governance.Record {
	r := following(p, governance.EventConfirmed)
	r.Signatures = []governance.Signature{{SafeTxHash: p.SafeTxs[0].Hashes.SafeTx, Owner: common.Address{1}, Bytes: make([]byte, 65)}}
	for _, room := range []string{"slack", "discord"} {
		id := fmt.Sprintf("%s/%06d/card/%s", p.ID, r.State.Version, room)
		r.Add = append(r.Add, governance.Duty{ID: id, Kind: governance.DutyCard, Proposal: p.ID, Version: r.State.Version, Target: room, Due: day})
		r.Done = append(r.Done, fmt.Sprintf("%s/%06d/card/%s", p.ID, p.Version, room))
	}
	return r
}
