package coordinator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"belay/governance"
)

var (
	public   = governance.Viewer{Audience: governance.AudiencePublic}
	operator = governance.Viewer{Audience: governance.AudienceOperator}
)

func TestWhatIsUnderEmbargoIsNotThereForThePublic(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		for _, id := range []string{v.ID, v.PublicID, "P-99", "nonsense"} {
			_, err := r.c.Show(t.Context(), id, public)
			refused(t, err, governance.CodeNotFound, id)
		}
		if page, err := r.c.List(t.Context(), Query{Viewer: public}); err != nil || len(page.Views) != 0 || page.Next != "" {
			t.Errorf("the public lists %+v, %v", page, err)
		}
		r.signAll(v, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		seen, err := r.c.Show(t.Context(), v.PublicID, public)
		if err != nil {
			t.Fatal(err)
		}
		if seen.ID != v.PublicID || seen.Reason != "" || seen.Proposer != "" {
			t.Errorf("the public sees id %s, reason %q, proposer %q", seen.ID, seen.Reason, seen.Proposer)
		}
		for _, e := range seen.Events {
			if e.By == "alice" || e.By == "bob" {
				t.Errorf("the public reads the name %s", e.By)
			}
		}
	})
}

func TestAnEmbargoCoversTimelocksUntilTheSchedule(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		r.propose(Intent{Playbook: "slow-ltv", Params: map[string]string{"asset": "usdc", "ltv": "1"}})
		hidden := r.stored("P-1")
		hidden.Policy.Visibility = governance.VisiblePrivate
		if hidden.Visible(governance.AudiencePublic) {
			t.Fatal("private is visible")
		}
		store := r.store.(*memory)
		store.mu.Lock()
		store.put(store.proposals, "P-1", hidden)
		store.mu.Unlock()
		list, err := r.c.Timelocks(t.Context(), public)
		if err != nil || len(list) != 1 || len(list[0].Operations) != 0 {
			t.Errorf("the public sees %+v, %v", list, err)
		}
		if list, _ := r.c.Timelocks(t.Context(), operator); len(list[0].Operations) != 1 {
			t.Errorf("the operator sees %+v", list)
		}
	})
}

func TestDisclosingMakesPublic(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.propose(Intent{Playbook: "secret", Params: map[string]string{"asset": "usdc", "ltv": "1"}})
		_, err := r.c.Show(t.Context(), v.PublicID, public)
		refused(t, err, governance.CodeNotFound)
		if _, err := r.c.Disclose(t.Context(), v.ID, "alice"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.c.Show(t.Context(), v.PublicID, public); err != nil {
			t.Error(err)
		}
	})
}

func TestListsGoThroughPages(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.decodesOnce()
		r.start()
		for i := range 120 {
			if i%2 == 0 {
				r.setLtv(fmt.Sprint(i)) // public
			} else {
				r.propose(Intent{Playbook: "secret", Params: map[string]string{"asset": "usdc", "ltv": fmt.Sprint(i)}})
			}
		}
		for name, c := range map[string]struct {
			query Query
			pages []int
		}{
			"the operator":         {Query{Viewer: operator}, []int{50, 50, 20}},
			"the public":           {Query{Viewer: public}, []int{50, 10}},
			"of a state":           {Query{Viewer: operator, State: governance.StateProposed}, []int{50, 50, 20}},
			"of a state that none": {Query{Viewer: operator, State: governance.StateReady}, []int{0}},
		} {
			seen := map[string]bool{}
			q := c.query
			for i, want := range c.pages {
				page, err := r.c.List(t.Context(), q)
				if err != nil || len(page.Views) != want || (page.Next == "") != (i == len(c.pages)-1) {
					t.Fatalf("%s: page %d has %d, next %q, %v", name, i, len(page.Views), page.Next, err)
				}
				for _, v := range page.Views {
					if seen[v.PublicID] {
						t.Errorf("%s: %s comes twice", name, v.ID)
					}
					seen[v.PublicID] = true
				}
				q.Cursor = page.Next
			}
		}
		_, err := r.c.List(t.Context(), Query{Cursor: "nonsense"})
		refused(t, err, governance.CodeBadValue)
	})
}

func TestPublicIDsGoRoundAndTellNothing(t *testing.T) {
	ids, err := newIdentities([32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	others, err := newIdentities([32]byte{2})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n := 1; n < 3000; n += 7 {
		id := fmt.Sprintf("P-%d", n)
		opaque := ids.publicID(id)
		if back, ok := ids.resolve(opaque); !ok || back != id {
			t.Fatalf("%s became %s became %s", id, opaque, back)
		}
		if _, ok := others.resolve(opaque); ok {
			t.Fatalf("%s means something to another store", opaque)
		}
		if seen[opaque] || strings.Contains(opaque, fmt.Sprint(n)+"p-") || len(opaque) != 26 {
			t.Errorf("%s is called %s", id, opaque)
		}
		seen[opaque] = true
	}
	for _, id := range []string{"", "P-", "P-0", "P-01", "P--1", "p-18446744073709551616", "P-9223372036854775808", "a", strings.Repeat("a", 26), strings.Repeat("7", 26)} {
		if back, ok := ids.resolve(id); ok {
			t.Errorf("%q is taken for %s", id, back)
		}
	}
	if PublicID([32]byte{1}, "P-7") != ids.publicID("P-7") || PublicID([32]byte{}, "P-7") != "" || PublicID([32]byte{1}, "x") != "" {
		t.Error("the public id from the secret alone is another")
	}
}

func FuzzResolve(f *testing.F) {
	ids, err := newIdentities([32]byte{1})
	if err != nil {
		f.Fatal(err)
	}
	for _, id := range []string{"P-1", "p-12", ids.publicID("P-1"), "nonsense", ""} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		inner, ok := ids.resolve(id)
		if !ok {
			return
		}
		if again, _ := ids.resolve(inner); again != inner {
			t.Errorf("%q gives %q gives %q", id, inner, again)
		}
		if !strings.EqualFold(id, inner) && !strings.EqualFold(id, ids.publicID(inner)) {
			t.Errorf("%q was made up and gives %s", id, inner)
		}
	})
}

func TestAReadKeyOpensOneProposal(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		a, b := r.pause("usdc"), r.pause("weth")
		key := r.c.ReadKey(a.ID)
		if key == "" || key != r.c.ReadKey(a.PublicID) || !r.c.KeyOpens(a.ID, key) || !r.c.KeyOpens(a.PublicID, key) {
			t.Error("the key does not open its own")
		}
		for _, id := range []string{b.ID, "P-99", "", "nonsense"} {
			if r.c.KeyOpens(id, key) || r.c.KeyOpens(id, "") {
				t.Errorf("the key opens %q", id)
			}
		}
		if r.c.ReadKey("nonsense") != "" {
			t.Error("there is a key to nothing")
		}
	})
}

func TestNoticesTellThatSomethingChangedAndNoMore(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.start()
		notices, stop := r.c.Watch()
		defer stop()
		v := r.pause("usdc")
		n := <-notices
		if n.Proposal != v.ID || n.PublicID != v.PublicID || n.Public || n.Kind != "proposal" || n.Seq == 0 {
			t.Errorf("noticed %+v", n)
		}
		r.signAll(v, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		last := Notice{}
		for len(notices) > 0 {
			next := <-notices
			if next.Seq != 0 && next.Seq <= last.Seq {
				t.Errorf("%d after %d", next.Seq, last.Seq)
			}
			if next.Seq != 0 {
				last = next
			}
		}
		if !last.Public {
			t.Error("the public is not told of what it may see now")
		}
	})
}

func TestATimelockHasNoticesOfItsOwn(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		notices, stop := r.c.Watch()
		defer stop()
		r.queued()
		kinds := map[string]int{}
		for len(notices) > 0 {
			kinds[(<-notices).Kind]++
		}
		if kinds["timelock"] == 0 || kinds["proposal"] == 0 {
			t.Errorf("noticed %v", kinds)
		}
	})
}

func TestAViewerThatDoesNotKeepUpIsToldToLoadAnew(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		slow, stop := r.c.Watch()
		v := r.pause("usdc")
		for i := range 3 * noticesHeld {
			if _, err := r.c.Object(t.Context(), v.ID, fmt.Sprint("member ", i%50), fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		told := false
		var last Notice
		for len(slow) > 0 {
			last = <-slow
			told = told || last.Kind == resync
		}
		if !told || last.Seq != 3*noticesHeld+1 {
			t.Errorf("told %v, the last is %+v", told, last)
		}
		stop()
		if _, err := r.c.Object(t.Context(), v.ID, "alice", "after it left"); err != nil || len(slow) != 0 {
			t.Errorf("%d notices after it left, %v", len(slow), err)
		}
	})
}

func TestPlaybooksAreOfferedByName(t *testing.T) {
	c, err := New(newRig(t, newMemory(t)).cfg)
	if err != nil {
		t.Fatal(err)
	}
	infos := c.Playbooks()
	if !slices.IsSortedFunc(infos, func(a, b PlaybookInfo) int { return strings.Compare(a.Name, b.Name) }) || len(infos) != len(c.cfg.Playbooks) {
		t.Fatalf("offered are %+v", infos)
	}
	i := slices.IndexFunc(infos, func(p PlaybookInfo) bool { return p.Name == "pause" })
	if p := infos[i]; p.Undo != "unpause" || len(p.Params) != 1 || len(p.Params[0].Choices) != 2 || !p.Params[0].Required {
		t.Errorf("pause is offered as %+v", p)
	}
}

func TestTheUndoOfAPauseIsDrafted(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.start()
		v := r.pause("usdc")
		r.signAll(v, alice, bob)
		r.ends(v.ID, governance.StateExecuted, "pause usdc true")
		undo := r.show(v.ID).Undo
		if undo == nil || undo.Playbook != "unpause" || !strings.EqualFold(undo.Params["asset"], "usdc") {
			t.Fatalf("the undo is %+v", undo)
		}
		back := r.propose(Intent{Playbook: undo.Playbook, Params: undo.Params})
		r.signAll(back, alice, bob)
		r.blocks("it is queued", r.is(back.ID, governance.StateQueued))
		r.chain.mineAt(r.opens(back.ID))
		r.ends(back.ID, governance.StateExecuted, "pause usdc true", "pause usdc false")
	})
}

func TestHeadsAreOldAfterAWhile(t *testing.T) {
	h := newHints()
	if _, fresh := h.freshHead("test", time.Now()); fresh {
		t.Error("a head that nobody saw is fresh")
	}
	h.setHead("test", newScripted(t, genesis()).head().Block)
	if _, fresh := h.freshHead("test", time.Now().Add(headLife+time.Second)); fresh {
		t.Error("an old head is fresh")
	}
}
