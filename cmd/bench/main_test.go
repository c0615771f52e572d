package main

import "testing"

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
	m := nanoseconds.FindSubmatch([]byte("goos: linux\nBenchmarkCommit-2   \t     300\t   312345.5 ns/op\t 12 B/op\n"))
	if m == nil || string(m[1]) != "Commit" || string(m[2]) != "312345.5" {
		t.Errorf("%q", m)
	}
}
