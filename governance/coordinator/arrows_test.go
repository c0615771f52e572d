package coordinator

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"belay/governance"
)

// arrowOf names the arrow of relay's records that a commit draws; "" for any other commit.
func arrowOf(s Store, r governance.Record) string {
	for _, after := range r.Submissions {
		known, err := s.SubmissionsOf(after.Proposal)
		i := slices.IndexFunc(known, func(k governance.Submission) bool { return k.ID == after.ID })
		if err != nil || i < 0 || !known[i].Open() && after.Open() {
			return "ChooseKey"
		}
		if arrow := arrowBetween(known[i], after); arrow != "" {
			return arrow
		}
	}
	return ""
}

func arrowBetween(before, after governance.Submission) string {
	switch {
	case before.Open() && after.State == governance.SubmissionMoot:
		return "Moot"
	case len(after.Attempts) > 0 && !slices.ContainsFunc(before.Attempts, func(a governance.Attempt) bool { return a.Hash == after.Attempts[0].Hash }):
		return "Renonce"
	case len(after.Attempts) > len(before.Attempts):
		return "Replace"
	case before.State == after.State:
		return ""
	case before.State == governance.SubmissionMined && after.State == governance.SubmissionAccepted:
		return "Unmined"
	}
	return map[governance.SubmissionState]string{governance.SubmissionAccepted: "Broadcast", governance.SubmissionMined: "MarkMined", governance.SubmissionFinal: "MarkFinal"}[after.State]
}

// arrowStories are incidents in which every arrow is drawn.
var arrowStories = []struct {
	name   string
	play   func(i *incident, id string)
	arrows []string
}{
	{"mined at once", func(*incident, string) {}, []string{"ChooseKey", "Broadcast", "MarkMined", "MarkFinal"}},
	{"a block is taken back", func(i *incident, id string) {
		i.comes(id, "it is mined", func(p governance.Proposal) bool { return p.Effect() != nil })
		p := i.stored(id)
		i.chain.reorganise(len(i.chain.blocks)-int(p.Effect().Block.Number), true) //nolint:gosec // small
	}, []string{"Unmined"}},
	{"no block takes it", func(i *incident, _ string) {
		i.blocksOf(3)
	}, []string{"Replace"}},
	{"the key is used elsewhere", func(i *incident, id string) {
		i.comes(id, "it is signed", func(governance.Proposal) bool { return len(i.attempts(id)) > 0 })
		i.chain.alter(func(w *world) { w.nonces[addressOf(emergencyKey)]++; w.nonces[addressOf(routineKey)]++ })
		i.blocksOf(3)
	}, []string{"Renonce"}},
	{"somebody else sends it", func(i *incident, id string) {
		var ready Execution
		i.insist("the ready transaction", func() (err error) { ready, err = i.c.Execution(i.t.Context(), id); return err })
		i.comes(id, "it is signed", func(governance.Proposal) bool { return len(i.attempts(id)) > 0 })
		i.chain.byHand(ready.To, ready.Data)
		i.chain.alter(func(w *world) { w.nonces[addressOf(emergencyKey)]++; w.nonces[addressOf(routineKey)]++ })
	}, []string{"Moot"}},
}

// deafIn are the stories in which providers forget what they are given, until the story is told.
var deafIn = []string{"no block takes it", "the key is used elsewhere", "somebody else sends it"}

func (i *incident) attempts(id string) (all []governance.Attempt) {
	known, err := i.store.SubmissionsOf(id)
	if err != nil {
		i.t.Fatal(err)
	}
	for _, s := range known {
		all = append(all, s.Attempts...)
	}
	return all
}

// blocksOf lets blocks come, in whatever life.
func (i *incident) blocksOf(n int) {
	for range n {
		i.pass(6 * time.Second)
		i.again()
		i.chain.mine()
	}
	i.pass(6 * time.Second)
	i.again()
}

// TestEveryArrowOfTheRelayOutlivesACrash: killed just before and just after any record that it writes, a pause takes effect once and
// nothing is left on its way.
func TestEveryArrowOfTheRelayOutlivesACrash(t *testing.T) {
	for _, story := range arrowStories {
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]int{}
			play := func(t *testing.T, at string, soon bool) {
				synctest.Test(t, func(t *testing.T) {
					i := newIncident(t, at, soon)
					i.life.names = arrowOf
					i.chain.set(func(s *scripted) { s.deaf = slices.Contains(deafIn, story.name) })
					id := i.opens(Intent{Playbook: "pause", Params: map[string]string{"asset": "usdc"}})
					i.signed(id, alice, bob)
					story.play(i, id)
					i.chain.set(func(s *scripted) { s.deaf = false })
					i.executed(id, "pause usdc true")
					for range 2 * reorgDepth {
						i.blocksOf(1)
					}
					if open, _ := i.store.Submissions(); len(open) > 0 {
						t.Errorf("still on their way are %+v", open)
					}
					maps.Copy(seen, i.lives[0].seen)
					if at != "" && i.lives[0].seen[at] == 0 {
						t.Errorf("the arrow %s was never drawn", at)
					}
					i.stop()
					_ = i.store.Close()
				})
			}
			t.Run("never", func(t *testing.T) { play(t, "", false) })
			for _, arrow := range story.arrows {
				t.Run("before "+arrow, func(t *testing.T) { play(t, arrow, true) })
				t.Run("after "+arrow, func(t *testing.T) { play(t, arrow, false) })
			}
			for arrow := range seen {
				if isArrow := arrow != "" && arrow[0] < 'a'; isArrow && !slices.Contains(arrowsWithACase(), arrow) {
					t.Errorf("the arrow %s has no case", arrow)
				}
			}
		})
	}
}

func arrowsWithACase() (all []string) {
	for _, s := range arrowStories {
		all = append(all, s.arrows...)
	}
	return slices.Sorted(slices.Values(all))
}

// TestEveryDocumentedArrowHasACase holds the stories to what package relay says that it writes.
func TestEveryDocumentedArrowHasACase(t *testing.T) {
	text, err := os.ReadFile("../relay/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, m := range regexp.MustCompile(`(?m)^//\t.*→ \w+ +([A-Z]\w+)`).FindAllSubmatch(text, -1) {
		documented = append(documented, string(m[1]))
	}
	slices.Sort(documented)
	if have := arrowsWithACase(); !slices.Equal(documented, have) {
		t.Errorf("package relay documents %v, and a crash is played at %v", documented, have)
	}
}
