package feed

import (
	"log/slog"
	"sync"
	"time"
)

// A clock tells the time by which entries grow old. When the system's clock jumps, by which the time since the start
// does not, it goes on as before until the next look: entries are not forgotten because of a clock that is wrong for
// a moment.
type clock struct {
	read   func() (wall time.Time, since time.Duration) // the system's clock, and the time since a start
	logger *slog.Logger

	mu     sync.Mutex // guards the following
	wall   time.Time  // at a look at the clock
	since  time.Duration
	looked time.Duration // when that was, or when a jump was noticed
	jumped bool          // one was, at the last look
}

const (
	// lookEvery is how often the clock is looked at.
	lookEvery = time.Minute
	// jump is by how much a clock that is set right in small steps never differs.
	jump = time.Minute
)

var started = time.Now()

func systemClock() (time.Time, time.Duration) {
	now := time.Now()
	return now, now.Sub(started)
}

func newClock(logger *slog.Logger) *clock {
	c := &clock{read: systemClock, logger: logger}
	c.wall, c.since = c.read()
	c.looked = c.since
	return c
}

func (c *clock) now() time.Time {
	wall, since := c.read()
	now, by := c.at(wall, since)
	if by != 0 {
		c.logger.Warn("feed: the system's clock has jumped; what it makes too old is forgotten if it is still so in a minute",
			"by", by.Round(time.Second))
	}
	return now
}

// at returns the time, and by how much the clock has jumped if that is to be told.
func (c *clock) at(wall time.Time, since time.Duration) (now time.Time, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	steady := c.wall.Add(since - c.since)
	off := wall.Round(0).Sub(steady.Round(0)) // by the walls' clocks
	jumped := off.Abs() > jump
	switch {
	case since-c.looked < lookEvery && jumped:
		return steady, 0
	case since-c.looked < lookEvery:
		return wall, 0
	case jumped && !c.jumped:
		c.jumped, c.looked = true, since
		return steady, off
	}
	c.wall, c.since, c.looked, c.jumped = wall, since, since, false
	return wall, 0
}
