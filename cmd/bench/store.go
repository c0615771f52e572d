package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// millionEvents is the log that a start is measured on.
const millionEvents = 1_000_000

// versus is a benchmark of package store beside its reference there.
type versus struct {
	name             string
	belay, reference string // benchmarks of package store
	time             string // for how long one round of one side works, as -test.benchtime takes it
	judge            func(name, unit string, belay, reference []float64, times float64) figure
	times            float64
}

// storeMatches are what the store is held to. A benchmark of group commit gives the time of one transition: what counts is how many
// more there are in a second.
var storeMatches = []versus{
	{"a durable transition against raw bbolt", "Commit", "RawBbolt", "300x", within, 1.25},
	{"transitions of 10 writers against DB.Batch", "GroupCommit/10", "RawBatch/10", "500ms", faster, 5},
	{"transitions of 100 writers against DB.Batch", "GroupCommit/100", "RawBatch/100", "500ms", faster, 2},
	{"verifying a log against a scan with SHA-256", "VerifyLog", "RawScan", "60x", within, 1.5},
	{"start with 10^6 events against bbolt's open", "Open", "RawOpen", "50x", within, 10},
}

// storeFigures runs the store's own benchmarks in turn with references that write, read or open the same, all on this disk.
func storeFigures(ctx context.Context, dir string, rounds int) ([]figure, error) {
	big, err := os.MkdirTemp(dir, "events-")
	if err != nil {
		return nil, err
	}
	if err := fillEvents(ctx, big, millionEvents); err != nil {
		return nil, fmt.Errorf("fill a store with %d events: %w", millionEvents, err)
	}
	s, err := newStoreBench(ctx, dir, big)
	if err != nil {
		return nil, err
	}
	var figures []figure
	for _, v := range storeMatches {
		f, err := s.match(ctx, v, rounds)
		if err != nil {
			return nil, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

// storeBench is the store's test program.
type storeBench struct{ program, temp, filled string }

// newStoreBench builds it. filled is the folder of the store that it opens.
func newStoreBench(ctx context.Context, dir, filled string) (*storeBench, error) {
	temp, errTemp := filepath.Abs(dir)
	filled, errFilled := filepath.Abs(filled)
	if err := errors.Join(errTemp, errFilled); err != nil {
		return nil, err
	}
	program := filepath.Join(temp, "store.test")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./store").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the store's benchmarks: %w: %s", err, out)
	}
	return &storeBench{program: program, temp: temp, filled: filled}, nil
}

func (s *storeBench) match(ctx context.Context, v versus, rounds int) (figure, error) {
	var sides [2][]float64
	for range rounds {
		for side, name := range []string{v.belay, v.reference} {
			milliseconds, err := s.run(ctx, name, v.time)
			if err != nil {
				return figure{}, err
			}
			sides[side] = append(sides[side], milliseconds)
		}
	}
	return v.judge(v.name, "ms", sides[0], sides[1], v.times), nil
}

var nanoseconds = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)

// run gives how long one operation of a benchmark took, in milliseconds.
func (s *storeBench) run(ctx context.Context, name, benchtime string) (float64, error) {
	pattern := regexp.MustCompile(`[^/]+`).ReplaceAllString("Benchmark"+name, "^$0$$")
	ps := exec.CommandContext(ctx, s.program, "-test.run", "^$", "-test.bench", pattern, "-test.benchtime", benchtime) //nolint:gosec // our own
	ps.Dir, ps.Env = "store", append(os.Environ(), "TMPDIR="+s.temp, "BELAY_BENCH_STORE="+s.filled)
	out, err := ps.Output()
	if err != nil {
		return 0, fmt.Errorf("run Benchmark%s: %w: %s", name, err, out)
	}
	m := nanoseconds.FindSubmatch(out)
	if m == nil || string(m[1]) != name {
		return 0, fmt.Errorf("the benchmark %s printed no figure: %s", name, out)
	}
	ns, err := strconv.ParseFloat(string(m[2]), 64)
	return ns / 1e6, err
}
