// Package retention decides which entries have to go: those that are too old, too many, or too much.
package retention

import "time"

// trust is how far an entry's time may be ahead of the clock. What is further ahead was dated by a clock that was
// wrong.
const trust = time.Minute

// Ages finds the entries that are too old. The zero value is ready.
//
// Entries go in order: one goes when it is too old and all before it have gone, so an entry that was dated by a clock
// that was behind does not take older ones along. One that is dated ahead of the clock has no say: it goes with what
// is behind it, and if there is only the like behind it, an age after that was first noticed.
type Ages struct {
	ahead int64 // since when all that is left is dated ahead, in Unix milliseconds; 0: it is not
	rest  time.Time
}

// manyAhead is after how many entries that are dated ahead a search is not repeated for a second.
const manyAhead = 256

// Expired returns how many of the n oldest entries are older than age, and when to ask again; zero: not before there
// are more. At tells the time of an entry in Unix milliseconds.
func (a *Ages) Expired(n int, at func(i int) int64, now time.Time, age time.Duration) (gone int, due time.Time) {
	if now.Before(a.rest) && a.rest.Sub(now) <= time.Second {
		return 0, a.rest
	}
	a.rest = time.Time{}
	oldest, newest := now.Add(-age).UnixMilli(), now.Add(trust).UnixMilli()
	for i := range n {
		switch t := at(i); {
		case t > newest:
			if i-gone > manyAhead {
				a.rest = now.Add(time.Second)
			}
		case t < oldest:
			gone = i + 1
		default:
			a.ahead = 0
			return gone, time.UnixMilli(t + 1).Add(age)
		}
	}
	if gone == n {
		a.ahead = 0
		return n, time.Time{}
	}
	if a.ahead == 0 {
		a.ahead = now.UnixMilli()
	}
	due = time.UnixMilli(a.ahead + 1).Add(age)
	if now.Before(due) {
		return gone, due
	}
	a.ahead = 0
	return n, time.Time{}
}
