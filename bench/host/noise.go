package host

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A Moment is how much processor time everything had used by then.
type Moment struct {
	total, idle float64 // of all cores, in clock ticks
	own         time.Duration
}

// ticks are what /proc/stat counts in, for one second (USER_HZ).
const ticks = 100

// Now looks at /proc/stat, and at what this process and its children that have ended used.
func Now() Moment {
	var m Moment
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m
	}
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	for i, word := range bytes.Fields(line)[1:] {
		if i >= 8 {
			break // guests' time is in user's already
		}
		n, _ := strconv.ParseFloat(string(word), 64)
		m.total += n
		if i == 3 || i == 4 { // idle, iowait
			m.idle += n
		}
	}
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if unix.Getrusage(who, &u) == nil {
			m.own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return m
}

// Others returns which share of the machine's processor time, 0 to 1, was used by others since before; time that the
// machine below took away counts.
func (m Moment) Others(before Moment) float64 {
	total := m.total - before.total
	if total <= 0 {
		return 0
	}
	busy := total - (m.idle - before.idle) - (m.own-before.own).Seconds()*ticks
	return max(0, busy/total)
}
