package retention

import (
	"time"

	"github.com/crier/crier/server/feed"
)

// Held is what a store holds: entries, the oldest first.
type Held interface {
	Len() int
	// Bytes is what all of them take, as [feed.Limits] count it.
	Bytes() int64
	// Entry returns the time of the i'th in Unix milliseconds, and what it takes.
	Entry(i int) (at, bytes int64)
}

// A Limiter says how many of a store's oldest entries have to go. The zero value has no limits. The store's lock guards
// it.
type Limiter struct {
	limits *feed.Limits // nil: none
	ages   Ages
}

// Limit sets the limits, and returns how many entries are past any of them, and when the next one will be past its age;
// zero if none is left.
func (l *Limiter) Limit(held Held, now time.Time, limits feed.Limits) (gone int, due time.Time) {
	l.limits = &limits
	first := l.Surplus(held)
	old, due := l.ages.Expired(held.Len()-first, func(i int) int64 {
		at, _ := held.Entry(first + i)
		return at
	}, now, limits.Age)
	return first + old, due
}

// Surplus returns how many entries are past the limits for entries and bytes.
func (l *Limiter) Surplus(held Held) (gone int) {
	if l.limits == nil {
		return 0
	}
	gone = max(0, held.Len()-l.limits.Entries)
	over := held.Bytes() - l.limits.Bytes
	for i := 0; over > 0 && i < held.Len(); i++ {
		_, bytes := held.Entry(i)
		over -= bytes
		gone = max(gone, i+1)
	}
	return gone
}
