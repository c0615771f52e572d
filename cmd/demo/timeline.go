package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// timeline prints what happens as it happens, with the seconds since it began.
type timeline struct {
	mu    sync.Mutex // held while printing
	out   io.Writer
	began time.Time
}

func newTimeline(out io.Writer) *timeline { return &timeline{out: out, began: time.Now()} }

// tell prints one line: who, and what.
func (t *timeline) tell(who, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	_, _ = fmt.Fprintf(t.out, "%7.1f s  %-10s %s\n", time.Since(t.began).Seconds(), who, text)
}

// head prints a line between chapters.
func (t *timeline) head(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.out, "\n"+format+"\n", args...)
}

func (t *timeline) line(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = fmt.Fprintf(t.out, "  "+format+"\n", args...)
}
