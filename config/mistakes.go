package config

import (
	"fmt"
	"strings"
)

// Mistakes is the error of settings that cannot be used: one sentence for each, in the order read.
type Mistakes []string

// Error returns the mistakes, one on each line.
func (m Mistakes) Error() string { return strings.Join(m, "\n") }

func (m *Mistakes) add(format string, args ...any) { *m = append(*m, fmt.Sprintf(format, args...)) }

// unknown reports a name that no setting has, and the known one that it resembles.
func (m *Mistakes) unknown(where, wrong string, known []string) {
	sentence := where + ": there is no such setting"
	if near := nearest(wrong, known); near != "" {
		sentence += "; did you mean " + near + "?"
	}
	*m = append(*m, sentence)
}

// nearest returns the known name that takes the fewest edits to reach from wrong, or "" when none is near enough to
// be worth asking: a third of its letters.
func nearest(wrong string, known []string) string {
	best, least := "", len(wrong)/3+1
	for _, name := range known {
		if n := distance(strings.ToLower(wrong), strings.ToLower(name)); n < least {
			best, least = name, n
		}
	}
	return best
}

// distance counts the letters to insert, remove or replace (Levenshtein) between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

func names(name func(*setting) string) []string {
	list := make([]string, len(settings))
	for i, s := range settings {
		list[i] = name(s)
	}
	return list
}
