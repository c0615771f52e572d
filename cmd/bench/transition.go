package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

var nanoseconds = regexp.MustCompile(`(?m)^Benchmark(Commit|RawBbolt)\S*\s+\d+\s+([0-9.]+) ns/op`)

// durableTransition runs the store's own benchmarks in turn: a commit of a confirmation with its duties, and a raw bbolt
// transaction of the same keys and bytes, both on this disk.
func durableTransition(ctx context.Context, dir string, rounds int) (figure, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return figure{}, err
	}
	binary := filepath.Join(abs, "store.test")
	if out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./store").CombinedOutput(); err != nil {
		return figure{}, fmt.Errorf("build the store's benchmarks: %w: %s", err, out)
	}
	var sides [2][]float64
	for range rounds {
		for side, name := range []string{"Commit", "RawBbolt"} {
			ps := exec.CommandContext(ctx, binary, "-test.run", "^$", "-test.bench", "^Benchmark"+name+"$", "-test.benchtime", "300x")
			ps.Dir, ps.Env = "store", append(os.Environ(), "TMPDIR="+abs)
			out, err := ps.Output()
			if err != nil {
				return figure{}, fmt.Errorf("run Benchmark%s: %w", name, err)
			}
			m := nanoseconds.FindSubmatch(out)
			if m == nil {
				return figure{}, fmt.Errorf("the benchmark %s printed no figure: %s", name, out)
			}
			ns, err := strconv.ParseFloat(string(m[2]), 64)
			if err != nil {
				return figure{}, err
			}
			sides[side] = append(sides[side], ns/1e6)
		}
	}
	return within("a durable transition against raw bbolt", "ms", sides[0], sides[1], 1.25), nil
}
