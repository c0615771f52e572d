package governance

import (
	"strings"
	"testing"

	"belay/safe"
)

func TestValuesAreJudgedAgainByReadingsOfAnotherDay(t *testing.T) {
	for name, c := range map[string]struct {
		readings []safe.Result
		code     Code // "": it holds
		want     string
	}{
		"a change within its bound": {config(8000, 0), "", ""},
		"a change beyond it":        {config(4000, 0), CodeChangeTooLarge, "is too far from current = 40"},
		"what cannot be read":       {[]safe.Result{{Reverted: true}, words(8000, 0, 1)}, CodeChangeTooLarge, "which could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			err := bindLTV(t, "8000").Judge(c.readings)
			if c.code == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			assertRefusal(t, err, c.code, c.want)
		})
	}
	if err := bindLTV(t, "8000").Judge(config(8000, 0)[:1]); err == nil || !strings.Contains(err.Error(), "1 readings for 2 reads") {
		t.Errorf("one reading for two reads: %v", err)
	}
}

func TestAnAddressAndABitStandInAHeadlineAndNoMore(t *testing.T) {
	book := &Playbook{Params: []Param{{Name: "asset"}}}
	for length, want := range map[int]int{48: 48, 49: 0} {
		b := Bound{Playbook: book, Params: map[string]string{"asset": strings.Repeat("x", length)}}
		if got := len(b.Subject()); got != want {
			t.Errorf("of %d bytes %d stand in the headline, want %d", length, got, want)
		}
	}
}
