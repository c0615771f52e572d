// Command bench measures Belay against references that run beside it, on the same chain, disk and machine, one after the other in
// turn. Only ratios mean something. It prints a table, writes bench.json, and with --check fails where a goal is missed. With --scale
// it measures instead how the cost of the store's operations grows up to a million proposals, and writes bench-scale.json.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"time"
)

// figure is one ratio with what it was made of.
type figure struct {
	Name      string  `json:"name"`
	Belay     float64 `json:"belay"`     // median
	BelayP99  float64 `json:"belay_p99"` // the highest of few rounds
	Reference float64 `json:"reference"` // median
	Unit      string  `json:"unit"`
	Ratio     float64 `json:"ratio"` // reference / belay where less is better to show, else belay / reference
	Goal      string  `json:"goal"`
	Met       bool    `json:"met"`
}

// faster is a figure whose goal is to need at most 1/times of the reference.
func faster(name, unit string, belay, reference []float64, times float64) figure {
	f := figure{Name: name, Unit: unit, Belay: median(belay), BelayP99: slices.Max(belay), Reference: median(reference), Goal: fmt.Sprintf("reference ≥ %g× more", times)}
	f.Ratio = f.Reference / f.Belay
	f.Met = f.Ratio >= times
	return f
}

// within is a figure whose goal is to need at most times the reference.
func within(name, unit string, belay, reference []float64, times float64) figure {
	f := figure{Name: name, Unit: unit, Belay: median(belay), BelayP99: slices.Max(belay), Reference: median(reference), Goal: fmt.Sprintf("≤ %g× the reference", times)}
	f.Ratio = f.Belay / f.Reference
	f.Met = f.Ratio <= times
	return f
}

// atMost is within for what has to hold of the highest, too: of both the highest is compared.
func atMost(name, unit string, belay, reference []float64, times float64) figure {
	f := within(name, unit, belay, reference, times)
	f.Ratio, f.Goal = slices.Max(belay)/slices.Max(reference), fmt.Sprintf("highest ≤ %g× the highest", times)
	f.Met = f.Ratio <= times
	return f
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func main() {
	rounds := flag.Int("rounds", 15, "rounds of each")
	check := flag.Bool("check", false, "exit with 1 where a goal is missed")
	scaling := flag.Bool("scale", false, "measure how cost grows with the number of proposals instead")
	only := flag.String("only", "", "take one part alone: flow, relay, watch, store or protocol; bench.json stays as it is")
	largest := flag.Int("largest", 1_000_000, "with -scale: the most proposals")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func(ctx context.Context, rounds int) (bool, error) { return compareAll(ctx, rounds, *only) }
	if *scaling {
		run = func(ctx context.Context, rounds int) (bool, error) { return scaleAll(ctx, *largest, rounds) }
	}
	met, err := run(ctx, *rounds)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if *check && !met {
		os.Exit(1)
	}
}

// compareAll takes every ratio and says whether all goals were met.
func compareAll(ctx context.Context, rounds int, only string) (met bool, err error) {
	figures, err := measure(ctx, rounds, only)
	if err != nil {
		return false, err
	}
	missed := slices.ContainsFunc(figures, func(f figure) bool { return !f.Met })
	return !missed, report(figures, only == "")
}

// scaleAll takes the curves from a hundred proposals on, in steps of ten times.
func scaleAll(ctx context.Context, largest, rounds int) (met bool, err error) {
	var sizes []int
	for size := open; size <= largest; size *= 10 {
		sizes = append(sizes, size)
	}
	if len(sizes) < 2 || rounds < 5 {
		return false, errors.New("a slope needs two sizes (--largest 1000) and five rounds")
	}
	c, err := scale(ctx, sizes, rounds)
	if err != nil {
		return false, err
	}
	return c.report()
}

func measure(ctx context.Context, rounds int, only string) ([]figure, error) {
	dir, err := os.MkdirTemp(".", ".bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var all []figure
	for _, part := range []struct {
		name string
		take func() ([]figure, error)
	}{
		{"flow", func() ([]figure, error) { return wholeFlow(ctx, dir, rounds) }},
		{"relay", func() ([]figure, error) { return relayFigures(ctx, dir, rounds) }},
		{"watch", func() ([]figure, error) { return watchFigures(ctx, dir) }},
		{"store", func() ([]figure, error) { return storeFigures(ctx, dir, 7) }},
		{"protocol", func() ([]figure, error) { return protocolFigures(rounds) }},
	} {
		if only != "" && only != part.name {
			continue
		}
		figures, err := part.take()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		all = append(all, figures...)
	}
	return all, nil
}

// report prints the table, and writes it down where it is whole.
func report(figures []figure, whole bool) error {
	fmt.Printf("%s, %d CPUs, %s, %s\n\n", runtime.Version(), runtime.NumCPU(), runtime.GOARCH, time.Now().UTC().Format(time.RFC3339))
	fmt.Printf("%-66s %12s %12s %12s  %8s  %-26s %s\n", "", "Belay", "its highest", "reference", "ratio", "goal", "met")
	for _, f := range figures {
		met := "NO"
		if f.Met {
			met = "yes"
		}
		fmt.Printf("%-66s %12.3f %12.3f %12.3f  %7.2f×  %-26s %s (%s)\n", f.Name, f.Belay, f.BelayP99, f.Reference, f.Ratio, f.Goal, met, f.Unit)
	}
	if !whole {
		return nil
	}
	b, err := json.MarshalIndent(map[string]any{"at": time.Now().UTC(), "go": runtime.Version(), "cpus": runtime.NumCPU(), "figures": figures}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile("bench.json", append(b, '\n'), 0o644) //nolint:gosec // figures are for everyone
}
