package bot

import (
	"crypto/rand"
	"strings"
	"sync"
	"time"
)

// drafts keeps requests that are too long for a button, so that the button carries a reference instead. It is a
// convenience with an end: a restart or a quarter of an hour forgets a draft, and the person is asked to type it again.
// The zero value is ready. It locks itself.
type drafts struct {
	mu   sync.Mutex
	byID map[string]draft
}

type draft struct {
	text  string
	until time.Time
}

const (
	draftMark = "@" // begins a reference; no playbook's name does
	draftLife = 15 * time.Minute
	draftsMax = 1000
)

// arg gives what a button shall carry for text, at most limit bytes.
func (d *drafts) arg(text string, limit int, now time.Time) string {
	if len(text) <= limit && !strings.HasPrefix(text, draftMark) {
		return text
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(now)
	id := rand.Text()
	d.byID[id] = draft{text, now.Add(draftLife)}
	return draftMark + id
}

// text gives back what arg was asked to carry; false when it is forgotten.
func (d *drafts) text(arg string, now time.Time) (string, bool) {
	id, referred := strings.CutPrefix(arg, draftMark)
	if !referred {
		return arg, true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	found, ok := d.byID[id]
	return found.text, ok && now.Before(found.until)
}

// forget drops what is over, and everything when there is too much of it.
func (d *drafts) forget(now time.Time) {
	if d.byID == nil || len(d.byID) >= draftsMax {
		d.byID = map[string]draft{}
	}
	for id, old := range d.byID {
		if now.After(old.until) {
			delete(d.byID, id)
		}
	}
}
