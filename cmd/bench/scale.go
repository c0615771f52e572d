package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"belay/store"
)

const (
	scaleTime = 15 * time.Minute // all of it takes no longer
	reads     = 100              // of each kind in a round: no more than the smallest store has
	approvals = 50               // in a round
)

// scale measures what must not depend on how much a store holds. Each size has a store of its own; a round visits them in turn, so
// that a slow minute of the disk falls on all of them.
func scale(ctx context.Context, sizes []int, rounds int) (*curves, error) {
	ctx, stop := context.WithTimeout(ctx, scaleTime)
	defer stop()
	dir, err := os.MkdirTemp(".", ".bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	folder := func(size int) string { return filepath.Join(dir, strconv.Itoa(size)) }
	for _, size := range sizes {
		began := time.Now()
		if err := fillProposals(ctx, folder(size), size); err != nil {
			return nil, fmt.Errorf("fill a store with %d proposals: %w", size, err)
		}
		fmt.Fprintf(os.Stderr, "%d proposals: %s\n", size, time.Since(began).Round(time.Millisecond))
	}
	c := newCurves(sizes)
	for round := range warmUp + rounds {
		for i, size := range sizes {
			v, err := visit(ctx, storeIn(folder(size)), size)
			if err != nil {
				return nil, fmt.Errorf("%d proposals: %w", size, err)
			}
			if round >= warmUp {
				c.add(round-warmUp, i, v)
			}
		}
	}
	return c, nil
}

// visited is what one round saw of one store: medians in microseconds, and the heap in MiB.
type visited struct{ start, approve, get, list, heap float64 }

// visit opens a store twice, so that neither what it gets nor what it lists was read before.
func visit(ctx context.Context, cfg store.Config, size int) (v visited, err error) {
	err = opened(cfg, &v, func(s *store.Store) (err error) {
		v.get, err = each(reads, func(i int) error {
			_, err := s.Proposal(fmt.Sprintf("P-%d", 1+i*size/reads))
			return err
		})
		return err
	})
	if err != nil {
		return v, err
	}
	err = opened(cfg, &v, func(s *store.Store) (err error) {
		const page = 10
		v.list, err = each(reads/page, func(i int) error {
			before := ""
			if i > 0 {
				before = fmt.Sprintf("P-%d", 1+size-i*size/(reads/page))
			}
			_, err := s.Proposals(before, page)
			return err
		})
		if err != nil {
			return err
		}
		if v.approve, err = each(approvals, func(i int) error { return approve(ctx, s, i) }); err != nil {
			return err
		}
		v.heap = heap()
		return nil
	})
	return v, err
}

// opened works on an open store and notes how long the start took.
func opened(cfg store.Config, v *visited, work func(*store.Store) error) error {
	runtime.GC() // what the last visit left is not this one's
	began := time.Now()
	s, err := store.Open(cfg)
	if err != nil {
		return err
	}
	v.start = microseconds(began)
	return closed(s, work(s))
}

// approve reads one of the open proposals and commits a confirmation on it.
func approve(ctx context.Context, s *store.Store, i int) error {
	p, err := s.Proposal(fmt.Sprintf("P-%d", 1+i%open))
	if err != nil {
		return err
	}
	_, err = s.Commit(ctx, confirming(p))
	return err
}

// each gives the median of n calls.
func each(n int, do func(i int) error) (float64, error) {
	took := make([]float64, n)
	for i := range took {
		began := time.Now()
		if err := do(i); err != nil {
			return 0, err
		}
		took[i] = microseconds(began)
	}
	return median(took), nil
}

func microseconds(since time.Time) float64 { return float64(time.Since(since).Nanoseconds()) / 1000 }

// heap is what the process holds once all that is garbage is gone.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// curves holds what the rounds gave.
type curves struct {
	sizes []int
	list  []*curve
}

func newCurves(sizes []int) *curves {
	return &curves{sizes: sizes, list: []*curve{
		{name: "approve: a confirmation, durable", unit: "µs", goal: 0.05},
		{name: "get a proposal not read before", unit: "µs", goal: 0.05},
		{name: "list a page of ten", unit: "µs", goal: 0.05},
		{name: "start", unit: "µs", goal: 0.05},
		{name: "heap", unit: "MiB", goal: 0.10},
	}}
}

func (c *curves) add(round, size int, v visited) {
	for i, value := range []float64{v.approve, v.get, v.list, v.start, v.heap} {
		if size == 0 {
			c.list[i].rounds = append(c.list[i].rounds, make([]float64, len(c.sizes)))
		}
		c.list[i].rounds[round][size] = value
	}
}

// medians of one curve, by size.
func (c *curves) medians(k *curve) []float64 {
	list := make([]float64, len(c.sizes))
	for i := range c.sizes {
		var values []float64
		for _, round := range k.rounds {
			values = append(values, round[i])
		}
		list[i] = median(values)
	}
	return list
}

// report prints the table, writes bench-scale.json, and says whether every goal was met.
func (c *curves) report() (met bool, err error) {
	type line struct {
		Name   string    `json:"name"`
		Unit   string    `json:"unit"`
		Values []float64 `json:"values"` // medians, one a size
		Slope  slope     `json:"slope"`
		Goal   float64   `json:"goal"`
		Met    bool      `json:"met"`
	}
	fmt.Printf("%s, %d CPUs, %s, %d rounds, medians\n\n%-36s", runtime.Version(), runtime.NumCPU(), runtime.GOARCH, len(c.list[0].rounds), "proposals")
	for _, size := range c.sizes {
		fmt.Printf(" %10d", size)
	}
	fmt.Printf("   %-26s %s\n", "log-log slope, 95 %", "goal")
	met = true
	var lines []line
	for _, k := range c.list {
		l := line{Name: k.name, Unit: k.unit, Values: c.medians(k), Slope: slopeOf(c.sizes, k.rounds), Goal: k.goal}
		l.Met = l.Slope.Mean <= k.goal
		met = met && l.Met
		fmt.Printf("%-36s", k.name+" ("+k.unit+")")
		for _, v := range l.Values {
			fmt.Printf(" %10.2f", v)
		}
		fmt.Printf("   %-26s ≤ %.2f: %t\n", l.Slope, k.goal, l.Met)
		lines = append(lines, l)
	}
	b, err := json.MarshalIndent(map[string]any{"at": time.Now().UTC(), "go": runtime.Version(), "cpus": runtime.NumCPU(), "proposals": c.sizes, "curves": lines}, "", "  ")
	if err != nil {
		return false, err
	}
	return met, os.WriteFile("bench-scale.json", append(b, '\n'), 0o644) //nolint:gosec // figures are for everyone
}
