package load

import (
	"slices"
	"sort"
)

// A Tally is what one client knows of the messages it has heard. They are numbered from 1, in the order sent. The zero
// value has heard nothing.
type Tally struct {
	heard   uint64 // each number up to here has come, but for the gaps
	gaps    []gap  // in order
	Doubled uint64 // came again
	Swapped uint64 // came behind one that was sent later
	Damaged uint64 // came with another content
}

// A gap is a run of numbers that has not come.
type gap struct{ from, to uint64 }

// Hear counts a message; false if it came before.
func (t *Tally) Hear(number uint64) bool {
	switch {
	case number == t.heard+1:
		t.heard++
	case number > t.heard:
		t.gaps = append(t.gaps, gap{t.heard + 1, number - 1})
		t.heard = number
	case t.fill(number):
		t.Swapped++
	default:
		t.Doubled++
		return false
	}
	return true
}

// fill takes a number out of the gap that it is in; false if it is in none.
func (t *Tally) fill(number uint64) bool {
	i := sort.Search(len(t.gaps), func(i int) bool { return t.gaps[i].to >= number })
	if i == len(t.gaps) || t.gaps[i].from > number {
		return false
	}
	switch g := &t.gaps[i]; {
	case g.from == g.to:
		t.gaps = slices.Delete(t.gaps, i, i+1)
	case g.from == number:
		g.from++
	case g.to == number:
		g.to--
	default:
		behind := gap{number + 1, g.to}
		g.to = number - 1
		t.gaps = slices.Insert(t.gaps, i+1, behind)
	}
	return true
}

// Missing returns how many of the messages 1 to sent have not come.
func (t *Tally) Missing(sent uint64) uint64 {
	missing := uint64(0)
	for _, g := range t.gaps {
		missing += g.to - g.from + 1
	}
	if sent > t.heard {
		missing += sent - t.heard
	}
	return missing
}

// Counts are the sums of all clients' tallies.
type Counts struct {
	Missing uint64 `json:"missing"`
	Doubled uint64 `json:"doubled"`
	Swapped uint64 `json:"swapped"`
	Damaged uint64 `json:"damaged"`
}

func (c *Counts) add(t *Tally, sent uint64) {
	c.Missing += t.Missing(sent)
	c.Doubled += t.Doubled
	c.Swapped += t.Swapped
	c.Damaged += t.Damaged
}

// Faultless says that every message came once, in order and whole.
func (c Counts) Faultless() bool { return c == Counts{} }
