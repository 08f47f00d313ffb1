package feed

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A clock that jumps is logged once, and believed when it still says so at the look after that.
func TestAJumpOfTheClockWaitsForTheNextLook(t *testing.T) {
	var log bytes.Buffer
	c := newClock(slog.New(slog.NewTextHandler(&log, nil)))
	start, ahead, since := c.wall, time.Duration(0), c.since
	base := since
	c.read = func() (time.Time, time.Duration) { return start.Add(since - base + ahead), since }
	expect := func(what string, passed time.Duration, lines int) {
		t.Helper()
		if got := c.now().Sub(start); got != passed {
			t.Errorf("%s: %v have passed, want %v", what, got, passed)
		}
		if n := strings.Count(log.String(), "jumped"); n != lines {
			t.Errorf("%s: %d lines", what, n)
		}
	}
	const days = 8 * 24 * time.Hour
	since += 10 * time.Second
	expect("at first", 10*time.Second, 0)
	ahead = days
	since += 10 * time.Second
	expect("the clock has jumped", 20*time.Second, 0)
	since += time.Minute
	expect("a look notices it", 80*time.Second, 1)
	ahead = 0
	since += time.Minute
	expect("it was set right", 140*time.Second, 1)
	ahead = days
	since += time.Minute
	expect("another jump", 200*time.Second, 2)
	since += 59 * time.Second
	expect("before the next look", 259*time.Second, 2)
	since += time.Second
	expect("it has lasted", 260*time.Second+days, 2)
	ahead = days - 30*time.Second
	since += time.Minute
	expect("a small step", 290*time.Second+days, 2)
}
