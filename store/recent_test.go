package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"belay/governance"
)

// TestRecentSubmissionsAreFoundBehindAnyNumberOfProposals: an old proposal that was sent today, one that was sent long ago, one that is open
// since then, and hundreds that nothing was sent for.
func TestRecentSubmissionsAreFoundBehindAnyNumberOfProposals(t *testing.T) {
	s := openStore(t, testConfig(t))
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	told := func(id string, version uint64, at time.Time, subs ...governance.Submission) {
		t.Helper()
		r := governance.Record{Proposal: id, Expect: version, Submissions: subs,
			Events: []governance.Event{{Type: governance.EventProposed, At: at}}, State: &governance.Proposal{ID: id, Version: version + 1}}
		if _, err := s.Commit(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	sub := func(id string, state governance.SubmissionState) governance.Submission {
		return governance.Submission{ID: id + "/direct/0x01", Proposal: id, State: state}
	}
	old := now.Add(-90 * 24 * time.Hour)
	told("P-1", 0, old)
	told("P-2", 0, old, sub("P-2", governance.SubmissionFinal))
	told("P-3", 0, old, sub("P-3", governance.SubmissionAccepted))
	for i := range 300 {
		told(fmt.Sprintf("P-%d", i+4), 0, now.Add(-48*time.Hour))
	}
	told("P-1", 1, now.Add(-time.Hour), sub("P-1", governance.SubmissionFinal))
	told("P-9", 1, now)
	list, err := s.RecentSubmissions(now.Add(-24 * time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, one := range list {
		ids = append(ids, one.Proposal)
	}
	if !slices.Equal(ids, []string{"P-1", "P-3"}) {
		t.Errorf("found those of %v", ids)
	}
}
