package governance_test

import (
	"slices"
	"testing"

	"belay/governance"
)

// TestWhatWasProvenIsUndoneOnlyByAReadingThatSaysSo takes readings after the proof: only one that says otherwise undoes, once, and one
// that agrees again takes that back.
func TestWhatWasProvenIsUndoneOnlyByAReadingThatSaysSo(t *testing.T) {
	executed := func() *tale {
		s := signed(t, governance.KindPause, 1, false)
		return s.does(s.ran(0, true, 101)).does(s.deep()).proves("true").is(governance.StateExecuted)
	}
	told := func(s *tale) (types []governance.EventType) {
		for _, e := range s.events {
			types = append(types, e.Type)
		}
		return types[slices.Index(types, governance.EventExecuted)+1:]
	}
	for _, row := range []struct {
		name   string
		live   func(s *tale) *tale
		undone string // what the chain says now; "" where nothing is undone
		told   []governance.EventType
	}{
		{"it still holds", func(s *tale) *tale { return s.reread("true", 120) }, "", nil},
		{"it could not be read", func(s *tale) *tale { return s.reread("", 120) }, "", nil},
		{"a reading from before the effect", func(s *tale) *tale { return s.reread("false", 100) }, "", nil},
		{"it does not hold any more", func(s *tale) *tale { return s.reread("false", 120) }, "false", []governance.EventType{governance.EventUndone}},
		{"the same at the next block is no news", func(s *tale) *tale { return s.reread("false", 120).reread("false", 121) }, "false", []governance.EventType{governance.EventUndone}},
		{"unread after it was undone", func(s *tale) *tale { return s.reread("false", 120).reread("", 121) }, "false", []governance.EventType{governance.EventUndone}},
		{"it holds again", func(s *tale) *tale { return s.reread("false", 120).reread("true", 121) }, "", []governance.EventType{governance.EventUndone, governance.EventPostcondition}},
		{"and not again", func(s *tale) *tale { return s.reread("false", 120).reread("true", 121).reread("false", 122) }, "false",
			[]governance.EventType{governance.EventUndone, governance.EventPostcondition, governance.EventUndone}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := row.live(executed()).is(governance.StateExecuted)
			got := ""
			for _, c := range s.p.Undone {
				got = c.Value
			}
			if got != row.undone || !slices.Equal(told(s), row.told) {
				t.Errorf("undone is %q after %v, want %q after %v", got, told(s), row.undone, row.told)
			}
			v := s.view(governance.AudienceWarRoom)
			if v.Undone != (row.undone != "") || v.Postconditions[0].OK == v.Undone {
				t.Errorf("the view says undone %v with the proof %+v", v.Undone, v.Postconditions)
			}
		})
	}
	t.Run("not before it was proven", func(t *testing.T) {
		s := signed(t, governance.KindPause, 1, false)
		s.does(s.ran(0, true, 101)).reread("false", 120).does(s.deep()).reread("false", 121)
		if len(s.p.Undone) > 0 || slices.Contains(told(executed()), governance.EventUndone) {
			t.Errorf("undone before it was done: %+v", s.p.Undone)
		}
	})
	t.Run("a reorganisation takes proof and undoing away", func(t *testing.T) {
		s := executed().reread("false", 120)
		s.does(governance.Gone{Transaction: *s.p.Effect()})
		if len(s.p.Undone) > 0 || len(s.p.Postconditions) > 0 {
			t.Errorf("it is not executed any more, and still says %+v %+v", s.p.Undone, s.p.Postconditions)
		}
	})
}
