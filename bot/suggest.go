package bot

import "strings"

// nearest finds the known word that a person most likely meant; "" when none is close.
func nearest(typed string, known []string) string {
	typed = strings.ToLower(typed)
	best, found := 1+len(typed)/3, ""
	for _, k := range known {
		if d := distance(typed, strings.ToLower(k), best); d <= best && (found == "" || d < best) {
			best, found = d, k
		}
	}
	return found
}

// didYouMean gives the sentence for it, with a leading blank.
func didYouMean(typed string, known []string) string {
	if n := nearest(typed, known); n != "" {
		return " Did you mean " + n + "?"
	}
	return ""
}

// distance counts the insertions, deletions, substitutions and swaps between two words; anything above limit is
// limit+1.
func distance(a, b string, limit int) int {
	if len(a) > len(b)+limit || len(b) > len(a)+limit || len(a) > 64 || len(b) > 64 {
		return limit + 1
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
