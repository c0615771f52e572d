package configs

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong in a configuration file, with its place and the next step.
type Problem struct {
	File string
	Line int // from 1; 0 when the file as a whole is meant
	Text string
	Hint string
}

// Error prints "file:line: text (hint)".
func (p Problem) Error() string {
	s := p.File
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	s += ": " + p.Text
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// Problems are all problems of one Load, by file and line. It is the error that Load returns.
type Problems []Problem

// Error prints a problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives each problem to errors.Is and errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// sorted orders problems by file and line, main file first, and drops repetitions.
func sorted(ps []Problem, main string) Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if a.File != b.File {
			switch main {
			case a.File:
				return -1
			case b.File:
				return 1
			}
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
	return slices.Compact(ps)
}

// didYouMean offers the nearest of names to what was written, or "".
func didYouMean(written string, names []string) string {
	best, bestCost := "", 1+max(1, len(written)/3)
	for _, name := range names {
		if cost := editDistance(strings.ToLower(written), strings.ToLower(name)); cost < bestCost {
			best, bestCost = name, cost
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// editDistance counts insertions, deletions, substitutions and swaps of neighbours between two short texts.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	cost := make([][]int, len(a)+1)
	for i := range cost {
		cost[i] = make([]int, len(b)+1)
		cost[i][0] = i
	}
	for j := range cost[0] {
		cost[0][j] = j
	}
	for i := range len(a) {
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			least := min(cost[i][j]+change, cost[i][j+1]+1, cost[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				least = min(least, cost[i-1][j-1]+1)
			}
			cost[i+1][j+1] = least
		}
	}
	return cost[len(a)][len(b)]
}
