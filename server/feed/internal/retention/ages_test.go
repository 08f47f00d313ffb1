package retention

import (
	"testing"
	"time"
)

func TestEntriesGoInOrderAndByClocksThatCanBeRight(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	at := func(offsets ...time.Duration) (times []int64) {
		for _, o := range offsets {
			times = append(times, now.Add(o).UnixMilli())
		}
		return times
	}
	const year = 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		at   []int64
		gone int
		due  time.Duration // from now; 0: never
	}{
		"nothing":       {nil, 0, 0},
		"all are young": {at(-30*time.Minute, -time.Minute), 0, 30*time.Minute + 1*time.Millisecond},
		"the oldest are too old": {at(-3*time.Hour, -2*time.Hour, -time.Minute), 2,
			59*time.Minute + time.Millisecond},
		"all are too old": {at(-3*time.Hour, -2*time.Hour), 2, 0},
		"one was dated far back": {at(-time.Minute, -50*year, -time.Second), 0,
			59*time.Minute + time.Millisecond},
		"one was dated ahead, among old":     {at(-3*time.Hour, year, -2*time.Hour), 3, 0},
		"one was dated ahead, before young":  {at(-3*time.Hour, year, -time.Minute), 1, 59*time.Minute + time.Millisecond},
		"the newest was dated ahead":         {at(-3*time.Hour, year), 1, time.Hour + time.Millisecond},
		"a clock that is a little ahead":     {at(30 * time.Second), 0, time.Hour + 30*time.Second + time.Millisecond},
		"two were dated ahead, then a young": {at(year, year, -time.Minute), 0, 59*time.Minute + time.Millisecond},
	} {
		var a Ages
		gone, due := a.Expired(len(c.at), func(i int) int64 { return c.at[i] }, now, time.Hour)
		want := now.Add(c.due)
		if c.due == 0 {
			want = time.Time{}
		}
		if gone != c.gone || !due.Equal(want) {
			t.Errorf("%s: %d are gone, the next at %v; want %d, %v", name, gone, due, c.gone, want)
		}
	}
}

func TestWhatWasDatedAheadIsHeldForAnAgeAtMost(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	ahead := now.Add(365 * 24 * time.Hour).UnixMilli()
	var a Ages
	at := func(int) int64 { return ahead }
	for minute := range 62 {
		gone, _ := a.Expired(1000, at, now.Add(time.Duration(minute)*time.Minute), time.Hour)
		if want := 1000 * (minute / 61); gone != want {
			t.Errorf("after %d minutes %d are gone, want %d", minute, gone, want)
		}
	}
}
