package main

import (
	"math"
	"path/filepath"
	"testing"
)

func TestTheMedianIsTheMiddle(t *testing.T) {
	if m := median([]float64{9, 1, 5}); m != 5 {
		t.Errorf("of three: %v", m)
	}
	if m := median([]float64{9, 1, 5, 3}); m != 4 {
		t.Errorf("of four: %v", m)
	}
}

func TestGoalsAreJudgedByRatio(t *testing.T) {
	if f := faster("", "", []float64{2}, []float64{11}, 5); !f.Met || f.Ratio != 5.5 {
		t.Errorf("5.5 times faster: %+v", f)
	}
	if f := within("", "", []float64{13}, []float64{10}, 1.25); f.Met {
		t.Errorf("1.3 times the reference is more than 1.25: %+v", f)
	}
}

func TestFiguresOfTheStoresBenchmarksAreRead(t *testing.T) {
	for line, name := range map[string]string{
		"BenchmarkCommit-2   \t     300\t   312345.5 ns/op\t 12 B/op": "Commit",
		"BenchmarkCommit   \t     300\t   312345.5 ns/op":             "Commit",
		"BenchmarkGroupCommit/100-2         \t 300\t  312345.5 ns/op": "GroupCommit/100",
	} {
		m := nanoseconds.FindSubmatch([]byte("goos: linux\n" + line + "\nPASS\n"))
		if m == nil || string(m[1]) != name || string(m[2]) != "312345.5" {
			t.Errorf("%s: %q", line, m)
		}
	}
}

func TestASlopeIsTheExponent(t *testing.T) {
	sizes := []int{100, 1000, 10_000, 100_000, 1_000_000}
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"what costs the same everywhere has slope 0", []float64{7, 7, 7, 7, 7}, 0},
		{"what costs in proportion has slope 1", []float64{1, 10, 100, 1000, 10_000}, 1},
		{"a root has slope one half", []float64{10, 31.622777, 100, 316.22777, 1000}, 0.5},
	} {
		s := slopeOf(sizes, [][]float64{c.values, c.values, c.values})
		if math.Abs(s.Mean-c.want) > 1e-6 || s.High-s.Low > 1e-6 {
			t.Errorf("%s: %s", c.name, s)
		}
	}
}

func TestRoundsThatDifferWidenTheInterval(t *testing.T) {
	s := slopeOf([]int{1, 10}, [][]float64{{1, 1}, {1, 10}, {1, 1}, {1, 10}, {1, 1}, {1, 10}})
	// Slopes 0 and 1, three times each: mean 0.5, deviation 0.548, t(5) = 2.571.
	if math.Abs(s.Mean-0.5) > 1e-9 || math.Abs(s.High-s.Mean-0.575) > 0.01 || math.Abs(s.Mean-s.Low-0.575) > 0.01 {
		t.Errorf("%s", s)
	}
}

func TestStudentsQuantilesAreThoseOfTheTables(t *testing.T) {
	for degrees, want := range map[int]float64{5: 2.571, 9: 2.262, 14: 2.145, 30: 2.042, 100: 1.984} {
		if got := student95(degrees); math.Abs(got-want) > 0.01*want {
			t.Errorf("%d degrees: %.3f, tables have %.3f", degrees, got, want)
		}
	}
}

func TestASmallScaleIsMeasuredWhole(t *testing.T) {
	t.Chdir(t.TempDir())
	c, err := scale(t.Context(), []int{100, 200}, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range c.list {
		for i, v := range c.medians(k) {
			if v <= 0 {
				t.Errorf("%s at %d proposals: %v", k.name, c.sizes[i], v)
			}
		}
	}
	if left, _ := filepath.Glob(".bench-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
