package bot

import "unicode/utf16"

// Laid is a section as a renderer laid it out: platform text, escaped.
type Laid struct {
	Title string
	Lines []string
	Keep  bool
}

// Length counts as the vendors do at worst: UTF-16 code units.
func Length(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// Fit cuts whole lines, never inside one, until everything fits into budget. Sections to keep are served first; the
// others in order, and where something is left out the line more says so, once.
func Fit(sections []Laid, budget int, more string) []Laid {
	left := budget
	for _, s := range sections {
		if s.Keep {
			left -= s.length()
		}
	}
	if all := total(sections); all <= budget {
		return sections
	}
	left -= Length(more) + 1
	var fitted []Laid
	full := false
	for _, s := range sections {
		switch {
		case s.Keep:
			fitted = append(fitted, s)
		case !full:
			var cut Laid
			cut, full = s.cut(&left)
			if full {
				cut.Lines = append(cut.Lines, more)
			}
			fitted = append(fitted, cut)
		}
	}
	return fitted
}

// cut takes the lines that still fit and reports whether some did not.
func (s Laid) cut(left *int) (fitting Laid, full bool) {
	fitting.Title = s.Title
	*left -= Length(s.Title) + 2
	for _, l := range s.Lines {
		need := Length(l) + 1
		if need > *left {
			return fitting, true
		}
		*left -= need
		fitting.Lines = append(fitting.Lines, l)
	}
	return fitting, false
}

func (s Laid) length() int {
	n := Length(s.Title) + 2
	for _, l := range s.Lines {
		n += Length(l) + 1
	}
	return n
}

func total(sections []Laid) (n int) {
	for _, s := range sections {
		n += s.length()
	}
	return n
}
